"""The grader's checks of tasks 3–6: those of test.py, one result at a time, and deeper ones.

To add a check, write a function of (module, passed), and give it a row, with its points, in CHECKS
at the end of this file, behind the checks on which it depends. `scheme.Check` says what a row
holds. The function fails by `expect` or `fail`: the first line tells what is wrong, others are
numbers. A check of a fault returns early if the part that it looks at has failed, so is not in
`passed`. It calls only the functions that `settings.FUNCTIONS` names. Then:
- add the part's name in Bulgarian to `reports.BULGARIAN`, unless it is a name from the code;
- add the check to the table of parts in grading.md;
- add a hand-in that fails it to tests/support/faults.py, and put what `as_markdown()` of that file
  returns in place of the table of faults in grading.md.

What a hand-in returns is compared relative to the size of what is right, so that nothing passes
because it is small; and the functions that it may call back check shapes before they compute.
"""

import time
from functools import partial

import numpy as np
import pytest
from scipy.special import chdtrc

import grads as ours
import sampling as our_sampling
import test as published
from beyond import diagnosis
from beyond.diagnosis import expect, expect_results, fail, tolerance_of
from solutions.grading.calls import Fault
from solutions.grading.scheme import Check
from test import RESULTS

# --- Task 3 -------------------------------------------------------------------------------------

FREQS = [90000, 4001, 1200, 350, 350, 77, 20, 9, 5, 4, 3, 2, 1, 1]


def counts_of(freqs):
    return np.array([published.noise_count(int(f)) for f in freqs])


def sequence(sampling, passed):
    for freqs in FREQS, [1], list(range(1, 300)), published.ZIPF[::10]:
        counts = published.word_counts(sampling.createSamplingSequence(freqs), len(freqs))
        expect("how often the words occur in the sequence", counts_of(freqs), counts,
               diagnosis.sequence_mistakes(freqs))


def noise(sampling, passed):
    """A wrong sequence is punished already, so its counts are right here."""
    right = own = counts_of(FREQS)
    if ("3", "createSamplingSequence") not in passed:
        own = counts_by_the_student(sampling)
    for n in 1, 5, 20:
        got = sampling.noiseDistribution(FREQS, n)
        what, tolerance = f"log({n}·q[c])", tolerance_of(got)
        array = diagnosis.numbers(what, right, got)
        if not np.allclose(array, np.log(n * own / own.sum()), tolerance, tolerance):
            expect(what, np.log(n * right / right.sum()), got,
                   diagnosis.noise_mistakes(FREQS, right, n), tolerance)


def counts_by_the_student(sampling):
    """Count the words in the student's own sequence; or in the right one, where that is of no use.

    It is of use if frequent words are more frequent in it: a constant could follow any other.
    """
    right = counts_of(FREQS)
    try:
        counts = published.word_counts(sampling.createSamplingSequence(FREQS), len(FREQS))
    except (Fault, pytest.fail.Exception):
        return right
    falls = counts == sorted(counts, reverse=True) and counts[0] >= 2 * counts[-1] > 0
    return np.array(counts) if falls else right


def negatives(sampling, passed):
    """The hand-out gives it. Negatives may be drawn with or without replacement."""
    # No word is so frequent that it takes long to draw again what has it.
    freqs = [3000 // rank for rank in range(1, 41)]
    counts = counts_of(freqs)
    seq = our_sampling.createSamplingSequence(freqs).tolist()
    for c in 0, 12:
        contexts = sampling.sampleContext.many(300, c, seq, 5)
        for context in contexts:
            expect_context(context, c, 5, len(freqs))
        if all(len(set(context)) == 2 for context in contexts):
            fail("all negatives of a context are the same word")

        # A single negative is distributed alike, whether or not several must be different.
        contexts = sampling.sampleContext.many(1500, c, seq, 1)
        for context in contexts:
            expect_context(context, c, 1, len(freqs))
        others = np.arange(len(freqs)) != c
        drawn = np.bincount([context[1] for context in contexts], minlength=len(freqs))[others]
        expected = counts[others] / counts[others].sum() * drawn.sum()      # at least 13 each
        p = chdtrc(len(drawn) - 1, np.sum((drawn - expected) ** 2 / expected))
        if p < 1e-9:
            fail("the negatives do not follow q", f"a χ² test gives p = {p:.1g}")
    expect_context(sampling.sampleContext(7, [7] * 200 + [3], 1), 7, 1, 8)


def expect_context(context, c, n, L):
    """Fail unless a context is that of word c, with n of L words."""
    if not isinstance(context, list | tuple | np.ndarray) or np.shape(context) != (n + 1,):
        fail(f"sampleContext: expected {n + 1} words, got {str(context)[:60]}")
    if not all(isinstance(word, int | np.integer) and 0 <= word < L for word in context):
        fail("sampleContext returns something else than indices of words")
    if context[0] != c:
        fail(f"sampleContext: expected the context word {c} first, got {context[0]}")
    if c in context[1:]:
        fail("a negative equals the context word")


# --- Tasks 4 and 5 ------------------------------------------------------------------------------

SHAPES = (5, 4), (20, 3)                    # n, M
SMALL_SHAPES = (1, 3), (3, 1), (1, 1)       # in which a squeeze or a broadcast goes wrong
BATCHES = (7, 5, 4), (3, 5, 2)              # S, n, M
SMALL_BATCHES = (4, 1, 3), (1, 5, 3), (3, 3, 3), (1, 1, 1)
PRACTICALLY_0 = 1e-4                        # of what is right


def result(name, function, shapes, grads, passed):
    """Check one result of a function, in float64 and in float32."""
    for shape in shapes:
        sample = sample_of(shape)
        label = " ".join(f"{letter}={size}" for letter, size in zip("SnM"[-len(shape):], shape))
        expect_one_result(name, function, grads, passed, sample, label)
    single = [X.astype(np.float32) for X in sample]
    expect_one_result(name, function, grads, passed, single, "float32")


def sample_of(shape, seed=5):
    """Return u_w, Vt, W, q of n and M, or of S, n and M; scores are about 1."""
    *batch, n, M = shape
    sample = published.observations(seed, *batch, n=n, M=M)
    sample[0] /= M
    return sample


def expect_one_result(name, function, grads, passed, sample, label):
    """Compare one of J, du_w, dVt, dW with the derivative of the loss."""
    got = getattr(grads, function)(*sample)
    expect_results(", ".join(RESULTS), got)
    if follows_own_mistake(name, got, grads, passed, sample):
        return
    is_single = sample[0].dtype == np.float32
    tolerance = diagnosis.SINGLE if is_single else tolerance_of(*got)
    loss = published.mean_loss if is_batch(sample) else published.loss
    exact = [X.astype(float) for X in sample]
    published.expect_result(name, got[RESULTS.index(name)], loss, exact, tolerance, label)


def is_batch(sample):
    return sample[0].ndim == 2


def right_results(sample):
    """Return what this project's own functions return, as a dict."""
    function = ours.lossAndGradientBatched if is_batch(sample) else ours.lossAndGradient
    return dict(zip(RESULTS, map(np.asarray, function(*sample))))


def follows_own_mistake(name, got, grads, passed, sample):
    """Say whether a result is wrong only by what another part, or task 4, is punished for."""
    right, tolerance = right_results(sample), tolerance_of(*got)
    value, dVt = (array_like(got[RESULTS.index(X)], right[X]) for X in (name, "dVt"))
    if value is None:
        return False
    if name in ("du_w", "dW") and dVt is not None:
        if fits_own_slopes(name, value, dVt, right["dVt"], sample, tolerance):
            return True
    return is_batch(sample) and is_slip_of_task_4(name, value, right[name], grads, passed, sample,
                                                  tolerance)


def fits_own_slopes(name, value, dVt, right_dVt, sample, tolerance):
    """Say whether du_w or dW is right for the slopes g that are in the student's own dVt = g hᵀ.

    A fault in g, or in the scores from which it comes, costs dVt, and J if J has it; du_w and dW,
    in which it is again, keep their points.
    """
    u_w, Vt, W, _ = sample
    for h in u_w @ W.T, u_w @ W:        # h = W u_w, and with the fault that W is transposed
        h = h[..., None, :]
        g, right_g = (np.sum(X * h, axis=-1, keepdims=True) / np.sum(h * h, axis=-1, keepdims=True)
                      for X in (dVt, right_dVt))
        if not is_close(dVt, g * h, tolerance):
            continue
        practically_0 = PRACTICALLY_0 * np.abs(right_g).max()
        if np.median(np.abs(g)) <= practically_0 or np.ptp(g) <= practically_0:
            continue                        # slopes that are 0, or the same for all words
        a = np.sum(g * Vt, axis=-2)
        right = a @ W if name == "du_w" else np.atleast_2d(a).T @ np.atleast_2d(u_w)
        if is_close(value, right, tolerance):
            return True
    return False


def is_close(value, right, tolerance):
    """Say whether a result is right, relative to its largest number, which is not 0."""
    size = np.abs(right).max()
    return size > 0 and bool(np.abs(value - right).max() <= tolerance * size)


def array_like(value, right):
    """Return a value as an array of floats, or None if it is not shaped as right is."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None
    return array if array.shape == right.shape else None


def is_slip_of_task_4(name, value, right, grads, passed, sample, tolerance):
    """Say whether a result is wrong only as that of the student's own lossAndGradient is.

    It is if it is the mean of those, which must be right in two other results, and must depend on
    the observation.
    """
    right_ones = [part for part in RESULTS if ("4", part) in passed]
    if name in right_ones or len(right_ones) < 2:
        return False
    own = results_of_own(grads, sample).get(name)
    if own is None:
        return False
    varies = np.ptp(own, axis=0) if len(own) > 1 else np.abs(own)
    return (np.max(varies) > PRACTICALLY_0 * np.abs(right).max()
            and is_close(value, mean_of(name, own), tolerance))


def results_of_own(grads, sample):
    """Return what the student's lossAndGradient returns for each observation of a batch.

    Returns
    -------
    dict from the names of results to arrays; without those that are not of the right shape
    """
    u_w, Vt, W, q = sample
    own = [grads.lossAndGradient(u_w[i], Vt[i], W, q[i]) for i in range(len(u_w))]
    own = [one if isinstance(one, list | tuple) and len(one) == 4 else [None] * 4 for one in own]
    rights = map(np.asarray, ours.lossAndGradient(u_w[0], Vt[0], W, q[0]))
    results = {}
    for name, right, values in zip(RESULTS, rights, zip(*own)):
        arrays = [array_like(value, right) for value in values]
        if all(array is not None and np.isfinite(array).all() for array in arrays):
            results[name] = np.array(arrays)
    return results


def mean_of(name, values):
    """Return the mean loss, or the gradient of it, from the values of all observations."""
    return values.mean(axis=0) if name in ("J", "dW") else values / len(values)


def small_shapes(task, function, shapes, grads, passed):
    for name in RESULTS:
        if (task, name) in passed:
            result(name, function, shapes, grads, passed)


def large_scores(task, function, grads, passed):
    """Scores of thousands, right ones and wrong ones, in the results that are right otherwise.

    Who has lost points for them in task 4 does not lose them again.
    """
    if task == "5" and ("4", "large scores") not in passed:
        return
    right_ones = {name for name in RESULTS if {("4", name), (task, name)} <= passed}
    if "dVt" not in right_ones:         # du_w and dW may be right for the student's own g only
        right_ones &= {"J"}
    for score in 1e3, 1e4:
        u_w, W, q = np.array([score, 0.]), np.eye(2), np.zeros(4)
        Vt = np.array([[-1., 0.5], [1., 0.5], [-1., 0.5], [0., 0.5]])   # wrong, wrong, right, ½
        g = np.array([-1, 1, 0, 0.5])
        right = 2 * score + np.log(2), g @ Vt, np.outer(g, u_w), np.outer(g @ Vt, u_w)
        if task == "5":                 # the same observation twice
            u_w, Vt, q = (np.stack([X, X]) for X in (u_w, Vt, q))
            J, du_w, dVt, dW = right
            right = J, np.stack([du_w, du_w]) / 2, np.stack([dVt, dVt]) / 2, dW
        got = getattr(grads, function)(u_w, Vt, W, q)
        expect_results(", ".join(RESULTS), got)
        for name, expected, value in zip(RESULTS, map(np.asarray, right), got):
            if name in right_ones:
                expect_large(name, expected, value, score, tolerance_of(*got))


def expect_large(name, expected, value, score, tolerance):
    array = array_like(value, expected)
    if array is not None and not np.isfinite(array).all():
        strange = array[~np.isfinite(array)].flat[0]
        fail(f"{name} is {strange} for scores of about ±{score:.0f}: exp or log overflows; "
             "compute with log(1 + exp(-abs(x))) and with exp(-abs(x))")
    expect(f"{name} for scores of about ±{score:.0f}", expected, value, tolerance=tolerance)


def no_loop(grads, passed):
    """A loop over S shows in the time: with so few numbers per observation, a lean loop is up to 2
    times as fast as ours, one of comprehensions 4 times, tensor operations 20 to 200 times. Both
    functions are timed in turn, and the quickest run of each counts, since a busy machine only
    adds time. Inputs are random, so results cannot be prepared; they must be right.
    """
    ours_of_one, theirs_of_one = [], []
    for S in 1500, 2500, 2000, 1600, 2400:
        sample = sample_of((S, 2, 3), seed=None)
        # Processor time: what a student's other processes do meanwhile must not make ours slower.
        _, seconds = timed(ours.lossAndGradientCumulative, sample, time.thread_time)
        ours_of_one.append(seconds / S)
        got, seconds = timed(grads.lossAndGradientBatched, sample)
        theirs_of_one.append(seconds / S)
        expect_still_right(got, grads, passed, sample)
        ratio = min(ours_of_one) / min(theirs_of_one)
        if len(ours_of_one) > 1 and ratio > 10:
            return
    if ratio < 3:
        fail(f"batched is only {ratio:.1f} times as fast as a loop over {S} observations: is there "
             "one in it?")


def timed(function, sample, clock=time.perf_counter):
    begun = clock()
    got = function(*sample)
    return got, clock() - begun


def expect_still_right(got, grads, passed, sample):
    """Fail unless the results that are right for a few observations are so for many."""
    expect_results(", ".join(RESULTS), got)
    right = right_results(sample)
    for name, value in zip(RESULTS, got):
        if ("5", name) not in passed:
            continue
        array = array_like(value, right[name])
        if array is not None and is_close(array, right[name], diagnosis.SINGLE):
            continue
        if not follows_own_mistake(name, got, grads, passed, sample):
            fail(f"{name} is right for a few observations, but not for {len(sample[0])}")


def cumulative(grads, passed):
    """The hand-out gives it: the mean of what the student's own lossAndGradient returns."""
    for shape in BATCHES:
        sample = sample_of(shape)
        try:
            own = results_of_own(grads, sample)
        except Fault:
            return                          # which is punished in task 4
        got = grads.lossAndGradientCumulative(*sample)
        expect_results(", ".join(RESULTS), got)
        for name, value in zip(RESULTS, got):
            if name in own:
                mean, S = mean_of(name, own[name]), len(own[name])
                expect(f"{name} of lossAndGradientCumulative", mean, value, {
                    "is not divided by S": S * mean, "is divided by S twice": mean / S},
                    tolerance_of(*got))


# --- Task 6 -------------------------------------------------------------------------------------

ALPHA = 0.3


def quadratic(u_w, Vt, W, q):
    """A loss whose gradients are easy, and depend on all: the mean of
    |u_w|²/2 + |Vt|²/2 + |W|²/2 + (u_w + q)·Vt, u_w and q being added to each row and column.
    """
    u_w, Vt, W, q = map(np.asarray, (u_w, Vt, W, q))
    shapes = u_w.shape, Vt.shape, W.shape, q.shape
    S, words, M = Vt.shape if Vt.ndim == 3 else (0, 0, 0)
    if shapes != ((S, M), (S, words, M), (M, M), (S, words)):
        raise ValueError(f"u_w, Vt, W, q of the shapes {shapes} do not fit each other")
    added = u_w[:, None, :] + q[:, :, None]                                     # S×(n+1)×M
    J = np.sum(u_w ** 2) / 2 + np.sum(Vt ** 2) / 2 + np.sum(added * Vt)
    return J / S + np.sum(W ** 2) / 2, (u_w + Vt.sum(axis=1)) / S, (Vt + added) / S, W


class Training:
    """What a student's SGD makes of pairs whose context words all have their own negatives.

    Parameters
    ----------
    pairs : list of (w, c)
    contexts : dict from c to [c, c̄_1 …]
    """

    def __init__(self, w2v_sgd, pairs, contexts, S=1000, epochs=1, alpha=ALPHA):
        rng = np.random.default_rng(6)
        words = 1 + max(max(context) for context in contexts.values())
        sizes = (words, 3), (words, 3), (3, 3)
        self.start = dict(zip("UVW", (rng.normal(size=size) for size in sizes)))
        self.q_noise = rng.normal(size=words)
        self.contexts, self.targets = contexts, {c: w for w, c in pairs}

        def context_function(c):
            if c not in contexts:
                fail("contextFunction is called with a word that is no pair's context word")
            self.visited.append(int(c))
            return list(contexts[int(c)])

        def loss_function(u_w, Vt, W, q):
            results = quadratic(u_w, Vt, W, q)
            self.sizes.append(len(u_w))
            return results

        def train(data):
            self.visited, self.sizes = [], []
            return w2v_sgd.stochasticGradientDescend(
                data, *(X.copy() for X in self.start.values()), context_function, loss_function,
                self.q_noise, S, epochs, alpha)

        got = of_list_or_array(train, pairs)
        expect_results("U, V, W", got)
        self.got = dict(zip("UVW", got))

    def changes(self, alpha, batches=None, total=diagnosis.total):
        """Return what steps of one batch, or of several, change, as they should.

        batches : lists of context words; the first batch, if None
        total : how the gradients of a batch are added up by word, for a usual mistake in that
        """
        X = {name: value.copy() for name, value in self.start.items()}
        for batch in batches or [self.visited[:self.sizes[0]]]:
            w = np.array([self.targets[c] for c in batch])
            context = np.array([self.contexts[c] for c in batch])
            _, du_w, dVt, dW = quadratic(X["U"][w], X["V"][context], X["W"], self.q_noise[context])
            X["U"] = X["U"] - alpha * total(w[:, None], du_w[:, None], len(X["U"]))
            X["V"] = X["V"] - alpha * total(context, dVt, len(X["V"]))
            X["W"] = X["W"] - alpha * dW
        return {name: X[name] - self.start[name] for name in X}

    def expect(self, name, what, alpha, batches=None, mistakes=()):
        """Compare U, V or W with what it should be."""
        right = self.start[name] + self.changes(alpha, batches)[name]
        wrong = {mistake: self.start[name] + self.changes(alpha, total=total)[name]
                 for mistake, total in dict(mistakes).items()}
        expect(what, right, self.got[name], {"was never changed": self.start[name]} | wrong,
               tolerance_of(*self.got.values()))

    def factor(self, name, step):
        """Return how many times as large as a step a change is.

        None if it is no multiple of it, or so short or long a one that no usual mistake with α and
        S leads to it.
        """
        got = diagnosis.numbers(name, self.start[name], self.got[name])
        change = got - self.start[name]
        factor = np.vdot(step, change) / np.vdot(step, step)
        longest = 2 * self.sizes[0]
        # float32 keeps 7 digits of U, V and W themselves.
        tolerance = 10 * tolerance_of(*self.got.values())
        is_usual = ALPHA / longest < abs(factor) < longest
        return factor if is_usual and is_close(change, factor * step, tolerance) else None


def of_list_or_array(train, pairs):
    """Train with pairs as a list or, if that fails, as an array; another check asks for both."""
    try:
        return train([tuple(pair) for pair in pairs])
    except Fault as error:
        try:
            return train(np.array(pairs))
        except Fault:
            raise error from None


def one_batch(w2v_sgd, pairs, contexts, alpha=ALPHA):
    """Train with a single batch, of all pairs.

    Where epochs are too few or too many, the last batch is left out, or batches are of one pair,
    which is another check's matter, it is looked for elsewhere.
    """
    N = len(pairs)
    for count, S, epochs in (N, N, 1), (N, N - 1, 1), (N, N, 2), (N, N, 0), (1, 1, 1):
        training = Training(w2v_sgd, pairs[:count], contexts, S, epochs, alpha)
        if len(training.sizes) == 1:
            return training
    fail("lossAndGradientFunction is not called once a batch")


# Each word once: what repeats is another check's.
APART = [(w, 10 + w) for w in range(6)]
CONTEXTS_APART = {10 + w: [10 + w, 20 + 2 * w, 21 + 2 * w] for w in range(6)}


def update(name, w2v_sgd, passed):
    """Check that a step changes U, V or W along its gradient, by whatever factor."""
    training = one_batch(w2v_sgd, APART, CONTEXTS_APART)
    if training.factor(name, training.changes(-1.)[name]) is None:
        training.expect(name, f"{name} after one step", ALPHA, mistakes={
            "was changed only for context words, not for negatives": diagnosis.context_words_only,
            "was changed only for negatives, not for context words": diagnosis.negatives_only,
            } if name == "V" else {})


def right_updates(passed):
    """List those of U, V, W that have earned their points."""
    return [name for name in "UVW" if ("6", name) in passed]


def expect_a_right_update(passed):
    if not right_updates(passed):
        fail("neither U nor V nor W is changed as it should")


def step_size(w2v_sgd, passed):
    """Check the factor, -α, of the updates that are right otherwise."""
    expect_a_right_update(passed)
    for alpha in ALPHA, 1.:
        training = one_batch(w2v_sgd, APART, CONTEXTS_APART, alpha)
        for name in right_updates(passed):
            factor = training.factor(name, training.changes(-1.)[name])
            if factor is None:
                fail(f"{name} is right for α = {ALPHA} only")
            if np.isclose(factor, alpha, 1e-4):
                fail(f"{name} goes up the gradient, not down")
            S = training.sizes[0]
            expect(f"the step of {name} in gradients", -alpha, factor, {
                "lacks α": -1.,
                "is α·S, not α": -alpha * S,
                "is α/S, not α; the gradients are means already": -alpha / S}, 1e-4)


def repeated_words(w2v_sgd, passed):
    """Check that words which occur in several pairs of a batch get all of their gradients."""
    if not {"U", "V"} & set(right_updates(passed)):
        fail("neither U nor V is changed as it should")
    targets = [0] * 5 + [1] * 4 + [2] * 2 + [3]     # not all as often
    pairs = [(w, 10 + i) for i, w in enumerate(targets)]
    contexts = {c: [c, 30 + c % 4, 34 + c % 5] for _, c in pairs}
    expect_all_gradients(w2v_sgd, passed, pairs, contexts,
                         "lost gradients of words that are repeated in a batch")


def twice_in_one_context(w2v_sgd, passed):
    if not {("6", "V"), ("6", "repeated words")} <= passed:
        return
    contexts = {c: [c, 30 + c, 30 + c] for _, c in APART}
    expect_all_gradients(w2v_sgd, passed, APART, contexts,
                         "lost one of two gradients: a word drawn twice in one context must get "
                         "both")


def expect_all_gradients(w2v_sgd, passed, pairs, contexts, mistake):
    training = one_batch(w2v_sgd, pairs, contexts)
    steps, lost = training.changes(-1.), training.changes(-1., total=diagnosis.last)
    for name in right_updates(passed):
        if training.factor(name, steps[name]) is not None:
            continue
        if training.factor(name, lost[name]) is not None:
            fail(f"{name} {mistake}")
        training.expect(name, name, ALPHA)


def forms_of_data(w2v_sgd, passed):
    """Check that data may be both; who can handle neither has lost the points already."""
    errors = {}
    for kind, form in ("a list", list), ("an array", np.array):
        start = [np.ones((32, 2)), np.ones((32, 2)), np.ones((2, 2))]
        try:
            w2v_sgd.stochasticGradientDescend(form(APART), *start, CONTEXTS_APART.__getitem__,
                                              quadratic, np.zeros(32), 4, 1, 0.1)
        except Fault as error:
            errors[kind] = str(error)
    if len(errors) == 1:
        (kind, error), = errors.items()
        fail(f"data as {kind} of pairs must do, too", error)


def shuffling(w2v_sgd, passed):
    """Check that the pairs do not come in the order of data."""
    if fault_in_three_epochs(w2v_sgd) == diagnosis.NOT_SHUFFLED:
        fail(diagnosis.NOT_SHUFFLED)


def shuffled_once(w2v_sgd, passed):
    """Check that each epoch has an order of its own."""
    if ("6", "no shuffling") in passed and fault_in_three_epochs(w2v_sgd):
        fail(diagnosis.SHUFFLED_ONCE)


def fault_in_three_epochs(w2v_sgd):
    """Say what is wrong with the order of the pairs, however many are left out of each epoch."""
    pairs = [(w % 3, 10 + w) for w in range(30)]
    contexts = {c: [c, 50, 51] for _, c in pairs}
    visited = Training(w2v_sgd, pairs, contexts, S=10, epochs=3).visited
    return diagnosis.order_fault(visited, [c for _, c in pairs], len(set(visited)))


def epochs_and_batches(w2v_sgd, passed):
    """Check that each epoch goes through each pair once, in batches, one after the other.

    At the end with more pairs than lie between two reports of progress.
    """
    is_right = right_updates(passed) == list("UVW") and {
        ("6", "step"), ("6", "repeated words")} <= passed
    for N, S, epochs in (30, 7, 2), (30, 10, 1), (30, 1, 1), (30, 100, 2), (10_500, 500, 2):
        words = list(range(10, 10 + N))
        contexts = {c: [c, c % 4, 4 + c % 5] for c in words}
        training = Training(w2v_sgd, [(c % 3, c) for c in words], contexts, S, epochs)
        label = f"{N} pairs, batchSize {S}, epochs {epochs}"
        published.expect_epochs(training.visited, words, epochs, S, label)
        sizes = [min(S, N - first) for first in range(0, N, S)] * epochs
        if training.sizes != sizes:
            fail(f"the batches are not of S pairs ({label})",
                 f"their sizes are {training.sizes}, expected {sizes}")
        if is_right:
            expect_trained(training, sizes, label)


def expect_trained(training, sizes, label):
    """Compare U, V and W after several batches, in the order in which their pairs came."""
    visited = iter(training.visited)
    batches = [[next(visited) for _ in range(size)] for size in sizes]
    for name in "UVW":
        try:
            training.expect(name, name, ALPHA, batches)
        except pytest.fail.Exception:
            fail(f"{name} is right after one batch, but not after {len(sizes)} ({label}): does "
                 "each go on from the U, V and W of the one before?")


# --- All checks, in the order in which they are run ----------------------------------------------

ONE, BATCHED = "lossAndGradient", "lossAndGradientBatched"

CHECKS = [
    Check("3", "createSamplingSequence", sequence, earns=0.5),
    Check("3", "noiseDistribution", noise, earns=0.5),
    Check("3", "sampleContext", negatives, costs=0.25),

    *[Check("4", name, partial(result, name, ONE, SHAPES), earns=0.5) for name in RESULTS],
    Check("4", "n = 1 or M = 1", partial(small_shapes, "4", ONE, SMALL_SHAPES), costs=0.25),
    Check("4", "large scores", partial(large_scores, "4", ONE), costs=0.25),

    *[Check("5", name, partial(result, name, BATCHED, BATCHES), earns=0.5) for name in RESULTS],
    Check("5", "S = 1 or n = 1", partial(small_shapes, "5", BATCHED, SMALL_BATCHES), costs=0.25),
    Check("5", "large scores", partial(large_scores, "5", BATCHED), costs=0.25),
    Check("5", "a loop over S", no_loop, costs=1.),
    Check("5", "lossAndGradientCumulative", cumulative, costs=0.25),

    Check("6", "U", partial(update, "U"), earns=0.4),
    Check("6", "V", partial(update, "V"), earns=0.4),
    Check("6", "W", partial(update, "W"), earns=0.2),
    Check("6", "step", step_size, earns=0.5),
    Check("6", "repeated words", repeated_words, earns=0.5),
    Check("6", "twice in one context", twice_in_one_context, costs=0.25),
    Check("6", "data as a list or an array", forms_of_data, costs=0.25),
    Check("6", "no shuffling", shuffling, costs=0.5),
    Check("6", "one shuffling for all epochs", shuffled_once, costs=0.25),
    Check("6", "epochs and batches", epochs_and_batches, costs=0.5),
]
