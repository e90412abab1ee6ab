"""The grader's checks of tasks 4 and 5.

Samples are random and new in each check, so no table of answers passes. A result is compared
relative to the largest number of what is right, so nothing passes because it is small.
"""

import time

import numpy as np

import grads as ours
import test as published
from beyond import diagnosis
from beyond.diagnosis import WRONG, as_numbers, expect, expect_results, fail, tolerance_of
from solutions.grading.calls import Fault
from test import RESULTS

SHAPES = (5, 4), (20, 3)                    # n, M
SMALL_SHAPES = (1, 3), (3, 1), (1, 1)       # in which a squeeze or a broadcast goes wrong
BATCHES = (7, 5, 4), (3, 5, 2)              # S, n, M
SMALL_BATCHES = (4, 1, 3), (1, 5, 3), (3, 3, 3), (1, 1, 1)
MANY = int(np.random.default_rng().integers(17, 65))        # M
HUNDREDS = 600      # M so large that to compute J anew for each number of W takes too long
TINY = 1e-12                                # J's rounding is larger than what a step changes in it
RIGHT, SLIP = "right", "a slip of task 4"
PRACTICALLY_0 = 1e-4                        # of what is right

# S, n and M of a batch that is timed, how many times it is computed, and how many times as fast as
# our own loop it is at least. Few numbers show a loop of NumPy's functions, more a loop of Python's
# own numbers; with still more, einsum of three arrays is slow, and so are lists on their way to the
# judge. A smaller batch is computed often, since a single call takes too little time to tell.
ABOUT_90 = int(np.random.default_rng().integers(80, 101))
TIMED = ((3000, 2, 3), 1, 4.), ((3000, 1, 16), 1, 2.), ((ABOUT_90, 2, 3), 20, 3.)


def result(name, function, shapes, grads, passed):
    """Check one result for ordinary numbers, in float32, and for large M.

    A gradient must be right for tiny numbers, too.
    """
    right_for_shapes(name, function, shapes, grads, passed)

    def expect_right_or_slip(sample, message):
        got = getattr(grads, function)(*sample)
        expect_results(", ".join(RESULTS), got)
        if kind_of(name, got, sample, tolerance_of(*got), grads, passed) is None:
            fail(f"{name} {message}")

    u_w, Vt, W, q = sample = sample_of(shapes[-1])
    expect_right_or_slip(sample, "is right for some random numbers, and wrong for others")
    if name != "J":
        expect_right_or_slip([TINY * u_w, TINY * Vt, W, q], "is wrong for u_w and Vt of about "
                             f"{TINY:g}: is it computed by differences?")
    for M in (MANY, HUNDREDS) if name == "dW" else (MANY,):
        twos = [2] * (len(shapes[-1]) - 1)          # for n, or for S and n
        expect_right_or_slip(sample_of((*twos, M)), f"is right for small M, but not for M = {M}")


def right_for_shapes(name, function, shapes, grads, passed):
    """Check one result for several shapes, and in float32.

    Returns
    -------
    RIGHT, or SLIP if it is one for any of them
    """
    samples = {}
    for shape in shapes:
        label = " ".join(f"{letter}={size}" for letter, size in zip("SnM"[-len(shape):], shape))
        samples[label] = sample_of(shape)
    samples["float32"] = [X.astype(np.float32) for X in samples[label]]
    verdicts = [verdict(name, function, grads, sample, label, passed)
                for label, sample in samples.items()]
    return SLIP if SLIP in verdicts else RIGHT


def sample_of(shape):
    """Return random u_w, Vt, W, q of n and M, or of S, n and M; no score is beyond ±3.

    A naive logarithm is right for these in float32, too; large scores are another check's.
    """
    *batch, n, M = shape
    u_w, Vt, W, q = published.observations(None, *batch, n=n, M=M)
    scores = np.sum(Vt * (u_w @ W.T)[..., None, :], axis=-1)
    return [u_w * min(1 / M, 3 / np.abs(scores).max()), Vt, W, q]


def verdict(name, function, grads, sample, label, passed):
    """Compare one of J, du_w, dVt, dW with the derivative of the loss; returns RIGHT or SLIP."""
    got = getattr(grads, function)(*sample)
    expect_results(", ".join(RESULTS), got)
    tolerance = diagnosis.SINGLE if sample[0].dtype == np.float32 else tolerance_of(*got)
    kind = kind_of(name, got, sample, tolerance, grads, passed)
    if kind is None:
        loss = published.mean_loss if is_batch(sample) else published.loss
        exact = [X.astype(float) for X in sample]
        published.expect_result(name, got[RESULTS.index(name)], loss, exact, tolerance, label)
    return kind


def kind_of(name, got, sample, tolerance, grads, passed):
    """Return RIGHT; or SLIP if a result is wrong only as the student's own lossAndGradient is; or
    None.
    """
    if fits(name, got, sample, tolerance):
        return RIGHT
    if is_batch(sample) and ("4", name) not in passed and is_slip_of_task_4(
            name, got, sample, grads):
        return SLIP
    return None


def kinds_of_earned(task, function, shapes, grads, passed):
    """Return a dict from the results that have earned their points to RIGHT or SLIP."""
    return {name: right_for_shapes(name, function, shapes, grads, passed)
            for name in RESULTS if (task, name) in passed}


def is_batch(sample):
    return sample[0].ndim == 2


def right_results(sample):
    """Return what this project's own functions return, in float64, as a dict."""
    function = ours.lossAndGradientBatched if is_batch(sample) else ours.lossAndGradient
    results = function(*(X.astype(float) for X in sample))
    return dict(zip(RESULTS, map(np.asarray, results)))


def fits(name, got, sample, tolerance=None):
    """Say whether a result is right, or follows from a mistake that another one is punished for."""
    right, tolerance = right_results(sample), tolerance or tolerance_of(*got)
    values = values_of(got, right)
    if is_close(values[name], right[name], tolerance):
        return True
    has_slopes = values["dVt"] is not None and values["dVt"].shape == right["dVt"].shape
    return name in ("du_w", "dW") and has_slopes and fits_own_slopes(
        name, values, right["dVt"], sample, tolerance)


def values_of(got, right):
    """Return the results as a dict of arrays of whatever shape; None for what is no finite numbers.
    """
    if not isinstance(got, list | tuple) or len(got) != len(RESULTS):
        return dict.fromkeys(RESULTS)
    arrays = {name: as_numbers(right[name], value)[0] for name, value in zip(RESULTS, got)}
    return {name: array if array is not None and np.isfinite(array).all() else None
            for name, array in arrays.items()}


def is_close(value, right, tolerance):
    """Say whether a result is right, relative to its largest number, which is not 0."""
    if value is None or value.shape != right.shape or not value.size:
        return False
    size = np.abs(right).max()
    return size > 0 and bool(np.abs(value - right).max() <= tolerance * size)


def fits_own_slopes(name, values, right_dVt, sample, tolerance):
    """Say whether du_w or dW is right for the slopes g that are in the student's own dVt = g hᵀ.

    A fault in g, or in the scores from which it comes, costs dVt, and J if J has it; du_w and dW,
    in which it is again, keep their points.
    """
    u_w, Vt, W, _ = sample
    for h in u_w @ W.T, u_w @ W:        # h = W u_w, and with the fault that W is transposed
        h = h[..., None, :]
        g, right_g = slopes_in(values["dVt"], h), slopes_in(right_dVt, h)
        a = np.sum(g * Vt, axis=-2)
        gradient = a @ W if name == "du_w" else np.atleast_2d(a).T @ np.atleast_2d(u_w)
        if (is_close(values["dVt"], g * h, tolerance) and vary(g, right_g)
                and is_close(values[name], gradient, tolerance)):
            return True
    return False


def slopes_in(dVt, h):
    """Return the g that fits dVt = g hᵀ best."""
    return np.sum(dVt * h, axis=-1, keepdims=True) / np.sum(h * h, axis=-1, keepdims=True)


def vary(g, right_g):
    """Say whether slopes are neither practically 0 nor the same for all words."""
    practically_0 = PRACTICALLY_0 * np.abs(right_g).max()
    return min(np.median(np.abs(g)), np.ptp(g)) > practically_0


def is_slip_of_task_4(name, got, sample, grads):
    """Say whether a result is wrong only as that of the student's own lossAndGradient is.

    It is if it is the mean of those, which depend on the observation, and are a slip: two other
    results are right in them, or they have a usual mistake.
    """
    right, tolerance = right_results(sample), tolerance_of(*got)
    value, own = values_of(got, right)[name], results_of_own(grads, sample)
    if name not in own:
        return False
    means = {part: mean_of(part, values) for part, values in own.items()}
    range_of_own = np.ptp(own[name], axis=0) if len(own[name]) > 1 else np.abs(own[name])
    depends = np.max(range_of_own) > PRACTICALLY_0 * np.abs(right[name]).max()
    two_are_right = sum(is_close(means[part], right[part], tolerance) for part in own) >= 2
    return (is_close(value, means[name], tolerance) and depends
            and (two_are_right or is_usual_mistake(name, grads)))


def is_usual_mistake(name, grads):
    """Say whether a result of the student's lossAndGradient is wrong in a way that has a name."""
    sample = sample_of(SHAPES[0])
    value = values_of(grads.lossAndGradient(*sample), right_results(sample))[name]
    fault = published.fault_in(name, value, published.loss, sample, diagnosis.SINGLE)
    return fault is not None and fault[0] != WRONG


def results_of_own(grads, sample):
    """Return what the student's lossAndGradient returns for each observation of a batch.

    Returns
    -------
    dict from the names of results to arrays; without those that are no numbers, or of another
    shape in each call
    """
    u_w, Vt, W, q = sample
    right = right_results([u_w[0], Vt[0], W, q[0]])
    answers = grads.lossAndGradient.each([[u_w[i], Vt[i], W, q[i]] for i in range(len(u_w))])
    own = [values_of(answer, right) for answer in answers]
    return {name: np.array([values[name] for values in own]) for name in RESULTS
            if len({np.shape(values[name]) for values in own}) == 1 and own[0][name] is not None}


def mean_of(name, values):
    """Return the mean loss, or the gradient of it, from the values of all observations."""
    return values.mean(axis=0) if name in ("J", "dW") else values / len(values)


def small_shapes(task, function, shapes, grads, passed):
    for name in RESULTS:
        if (task, name) in passed:
            right_for_shapes(name, function, shapes, grads, passed)


def large_scores(task, function, shapes, grads, passed):
    """Scores from 40 to 10 000, right ones and wrong ones, in the results that are right otherwise.

    Who has lost points for them in task 4 does not lose them again.
    """
    if task == "5" and ("4", "large scores") not in passed and any(
            ("4", name) in passed for name in RESULTS):
        return
    kinds = kinds_of_earned(task, function, shapes[:1], grads, passed)
    names = [name for name, kind in kinds.items() if kind == RIGHT]
    if "dVt" not in names:              # du_w and dW may be right for the student's own g only
        names = {"J"}.intersection(names)
    rng = np.random.default_rng()
    for size in 1e3, 1e4, 500, 100, 40:
        u_w, W, q = rng.normal(size=2), rng.normal(size=(2, 2)), np.zeros(4)
        negatives = rng.permutation([1., -1., 0.])          # wrong, right, ½
        scores = size * rng.uniform(1, 1.2, 4) * [-1., *negatives]
        h = W @ u_w
        Vt = np.outer(scores, h / (h @ h))
        if task == "5":                 # the same observation twice
            u_w, Vt, q = (np.stack([X, X]) for X in (u_w, Vt, q))
        got = getattr(grads, function)(u_w, Vt, W, q)
        expect_results(", ".join(RESULTS), got)
        for (name, right), value in zip(right_results([u_w, Vt, W, q]).items(), got):
            if name in names:
                expect_large(name, right, value, size, tolerance_of(*got))


def expect_large(name, expected, value, score, tolerance):
    array = np.asarray(value, dtype=float)
    if not np.isfinite(array).all():
        strange = array[~np.isfinite(array)].flat[0]
        fail(f"{name} is {strange} for scores of about ±{score:.0f}: exp or log overflows; "
             "compute with log(1 + exp(-abs(x))) and with exp(-abs(x))")
    expect(f"{name} for scores of about ±{score:.0f}", expected, value, tolerance=tolerance)


def no_loop(grads, passed):
    """A loop over S shows in the time: with few numbers, tensor operations are 12 to 50 times as
    fast as our own loop and loops of NumPy's functions twice; with more, tensor operations 4 to 16
    times and loops of Python's numbers once.
    """
    shapes = BATCHES[0], (ABOUT_90, 2, 3)
    kinds = kinds_of_earned("5", "lossAndGradientBatched", shapes, grads, passed)
    names = [name for name, kind in kinds.items() if kind == RIGHT]
    for shape, times, least in TIMED:
        ratio = ratio_to_a_loop(shape, times, least, grads, names)
        if ratio < least:
            fail(f"batched is only {ratio:.1f} times as fast as a loop over {shape[0]} "
                 "observations: is there one in it?")


def ratio_to_a_loop(shape, times, enough, grads, names):
    """Return how many times as fast as our own loop a batch is.

    The quickest of several runs counts, since a busy machine only adds time. Inputs are random, so
    results cannot be prepared; those with these names must be right.
    """
    S, *sizes = shape
    loop = min(seconds_of_a_loop(sample_of((200, *sizes))) for _ in range(3))
    ratio = 0.
    for _ in range(5):
        samples = [sample_of(shape) for _ in range(times)]
        begun = grads.seconds_used()
        results = grads.lossAndGradientBatched.each(samples)
        batched = (grads.seconds_used() - begun) / (S * times)
        for sample, got in zip(samples, results):
            expect_results(", ".join(RESULTS), got)
            for name in names:
                if not fits(name, got, sample):
                    fail(f"{name} is right for a few observations, but not for {S}")
        ratio = max(ratio, loop / batched)
        if ratio > enough:
            break
    return ratio


def seconds_of_a_loop(sample):
    """Return the processor time of our own loop for one observation of a sample."""
    begun = time.thread_time()
    ours.lossAndGradientCumulative(*sample)
    return (time.thread_time() - begun) / len(sample[0])


def cumulative(grads, passed):
    """The hand-out gives it: the mean of what the student's own lossAndGradient returns."""
    known_wrong = {name for name in RESULTS if ("4", name) not in passed}
    for shape in BATCHES:
        u_w, Vt, W, q = sample = sample_of(shape)
        try:
            own = results_of_own(grads, sample)
        except Fault:
            if known_wrong:                 # which is punished there
                return
            raise
        one = right_results([u_w[0], Vt[0], W, q[0]])
        has_shapes = all(name in own and own[name][0].shape == one[name].shape for name in RESULTS)
        if known_wrong and not has_shapes:  # it cannot be put into the arrays of a batch
            return
        got = grads.lossAndGradientCumulative(*sample)
        expect_results(", ".join(RESULTS), got)
        if not has_shapes:
            fail("lossAndGradient was right before, and its results are not numbers now")
        for name, value in zip(RESULTS, got):
            mean, S = mean_of(name, own[name]), len(own[name])
            expect(f"{name} of lossAndGradientCumulative", mean, value, {
                "is not divided by S": S * mean, "is divided by S twice": mean / S},
                tolerance_of(*got))
