"""The grader's checks of tasks 3–6: those of test.py, one result at a time, and deeper ones.

To add a check, write a function of (module, passed), as `scheme.Check` says, below a `part` or a
`fault` with its points, behind those on which it depends. It calls only the functions that
`calls.FUNCTIONS` names; its first line of failure tells what is wrong, the others are numbers. Add
it to the table in grading.md and a submission that fails it to tests/support/faults.py.
"""

import time
from functools import partial

import numpy as np
from scipy.stats import chisquare

import grads as ours
import sampling as our_sampling
import test as published
from solutions.grading.calls import Fault
from solutions.grading.scheme import fault, part
from solutions.grading.wire import InBox
from test import RESULTS, expect, fail, observations

# --- Task 3 -------------------------------------------------------------------------------------

FREQS = [90000, 4001, 1200, 350, 350, 77, 20, 9, 5, 4, 3, 2, 1, 1]
COUNTS = np.array([published.noise_count(f) for f in FREQS])


@part("3", "createSamplingSequence", earns=0.5)
def sequence(sampling, passed):
    for freqs in FREQS, [1], list(range(1, 300)), published.ZIPF:
        came = published.word_counts(sampling.createSamplingSequence(freqs), len(freqs))
        expect("how often the words occur in the sequence", counts_of(freqs), came, {
            "is rounded down": np.floor(np.asarray(freqs) ** 0.75),
            "is rounded up": np.ceil(np.asarray(freqs) ** 0.75),
            "is the frequency, without the power 0.75": freqs})


@part("3", "noiseDistribution", earns=0.5)
def noise(sampling, passed):
    """A wrong sequence is punished already, so its counts are right here."""
    own = counts_of(FREQS)
    if ("3", "createSamplingSequence") not in passed:
        own = counts_by_the_student(sampling)
    powers = np.array(FREQS) ** 0.75
    for n in 1, 5, 20:
        came = sampling.noiseDistribution(FREQS, n)
        tolerance = published.tolerance_of(came)
        came = published.numbers(f"log({n}·q[c])", COUNTS, came)
        if np.allclose(came, np.log(n * own / own.sum()), tolerance, tolerance):
            continue
        q = COUNTS / COUNTS.sum()
        expect(f"log({n}·q[c])", np.log(n * q), came, {
            "lacks the factor n": np.log(q),
            "is divided by n, not multiplied": np.log(q / n),
            "has n^0.75 in place of n": np.log(n ** 0.75 * q),
            "is n·q[c], not its logarithm": n * q,
            "is n·log(q[c])": n * np.log(q),
            "lacks the division by the sum over all words": np.log(n * COUNTS),
            "has f^0.75 rounded down": np.log(n * np.floor(powers) / np.floor(powers).sum()),
            "lacks the rounding of f^0.75": np.log(n * powers / powers.sum()),
            "lacks the power 0.75": np.log(n * np.array(FREQS) / sum(FREQS))},
            tolerance)


def counts_of(freqs):
    return np.array([published.noise_count(int(f)) for f in freqs])


def counts_by_the_student(sampling):
    """Count the words in the student's own sequence; where there is none, as it should be."""
    try:
        counts = published.word_counts(sampling.createSamplingSequence(FREQS), len(FREQS))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return COUNTS
    return np.maximum(counts, 1e-300)


@fault("3", "sampleContext", costs=0.25)
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
        p = chisquare(drawn, expected).pvalue
        if p < 1e-9:
            fail("the negatives do not follow q", f"a χ² test gives p = {p:.1g}")
    expect_context(sampling.sampleContext(7, [7] * 200 + [3], 1), 7, 1, 8)


def expect_context(context, c, n, L):
    """Fail unless a context is that of word c, with n of L words."""
    if not isinstance(context, list | tuple | np.ndarray) or np.shape(context) != (n + 1,):
        fail(f"sampleContext: expected {n + 1} words, came {str(context)[:60]}")
    if not all(isinstance(word, int | np.integer) and 0 <= word < L for word in context):
        fail("sampleContext returns something else than indices of words")
    if context[0] != c:
        fail(f"sampleContext: expected the context word {c} first, came {context[0]}")
    if c in context[1:]:
        fail("a negative equals the context word")


# --- Tasks 4 and 5 ------------------------------------------------------------------------------

SHAPES_OF_ONE = (5, 4), (20, 3)                     # n, M
SMALL_SHAPES_OF_ONE = (1, 3), (3, 1), (1, 1)        # in which a squeeze or a broadcast goes wrong
SHAPES_OF_BATCHES = (7, 5, 4), (3, 5, 2)            # S, n, M
SMALL_SHAPES_OF_BATCHES = (4, 1, 3), (1, 5, 3), (3, 3, 3), (1, 1, 1)


def result_of_one(name, grads, passed, shapes=SHAPES_OF_ONE):
    """Check one result of lossAndGradient, in float64 and in float32."""
    for n, M in shapes:
        sample = observations(4, n=n, M=M)
        sample[0] /= M
        came = grads.lossAndGradient(*sample)
        expect_one_result(name, came, published.loss, sample, f"n={n} M={M}")
    single = [X.astype(np.float32) for X in sample]
    came = grads.lossAndGradient(*single)
    expect_one_result(name, came, published.loss, sample, "float32", published.SINGLE)


def result_of_a_batch(function, name, grads, passed, shapes=SHAPES_OF_BATCHES):
    """Check one result of a function of a batch; a slip of task 4 is not punished again."""
    for S, n, M in shapes:
        sample = observations(5, S, n=n, M=M)
        sample[0] /= M
        came = getattr(grads, function)(*sample)
        if is_slip_of_task_4(name, came, grads, sample, passed):
            return
        expect_one_result(name, came, published.mean_loss, sample, f"S={S} n={n} M={M}")
    single = [X.astype(np.float32) for X in sample]
    came = getattr(grads, function)(*single)
    expect_one_result(name, came, published.mean_loss, sample, "float32", published.SINGLE)


def expect_one_result(name, came, J, sample, label, tolerance=None):
    """Compare one of J, du_w, dVt, dW with the derivative of the loss J."""
    published.expect_results(", ".join(RESULTS), came)
    value = came[RESULTS.index(name)]
    tolerance = tolerance or published.tolerance_of(*came)
    if name in ("du_w", "dW") and fits_own_slopes(name, came, sample, tolerance):
        return
    published.expect_result(name, value, J, sample, tolerance, label)


def fits_own_slopes(name, came, sample, tolerance):
    """Say whether du_w or dW is right for the slopes g that are in the student's own dVt = g hᵀ.

    A fault in g, or in the scores from which it comes, costs dVt, and J if J has it; du_w and dW,
    in which it is again, keep their points.
    """
    u_w, Vt, W, _ = sample
    dVt, value = (array_like(came[RESULTS.index(X)], right)
                  for X, right in (("dVt", Vt), (name, u_w if name == "du_w" else W)))
    if dVt is None or value is None:
        return False
    for h in u_w @ W.T, u_w @ W:        # h = W u_w, and with the fault that W is transposed
        h = h[..., None, :]
        g = np.sum(dVt * h, axis=-1, keepdims=True) / np.sum(h * h, axis=-1, keepdims=True)
        if not np.allclose(dVt, g * h, tolerance, tolerance) or not g.all():
            continue
        a = np.sum(g * Vt, axis=-2)
        right = a @ W if name == "du_w" else np.atleast_2d(a).T @ np.atleast_2d(u_w)
        if np.allclose(value, right, tolerance, tolerance):
            return True
    return False


def array_like(value, right):
    """Return a value as an array of floats, or None if it is not shaped as right is."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None
    return array if array.shape == right.shape else None


def is_slip_of_task_4(name, came, grads, sample, passed):
    """Say whether a result is wrong only as that of the student's own lossAndGradient is.

    It is if it is the mean of those, which must be right in two other results.
    """
    right_ones = [part for part in RESULTS if ("4", part) in passed]
    if name in right_ones or len(right_ones) < 2:
        return False
    published.expect_results(", ".join(RESULTS), came)
    k = RESULTS.index(name)
    u_w, Vt, W, q = sample
    S = len(u_w)
    own = [grads.lossAndGradient(u_w[i], Vt[i], W, q[i])[k] for i in range(S)]
    try:
        own = np.array(own, dtype=float)
    except (TypeError, ValueError):
        return False
    mean = own.mean(axis=0) if name in ("J", "dW") else own / S
    value = array_like(came[k], mean)
    return value is not None and np.allclose(value, mean) and own.all()


for name in RESULTS:
    part("4", name, earns=0.5)(partial(result_of_one, name))


@fault("4", "n = 1 or M = 1", costs=0.25)
def small_shapes(grads, passed):
    for name in RESULTS:
        if ("4", name) in passed:
            result_of_one(name, grads, passed, SMALL_SHAPES_OF_ONE)


@fault("4", "large scores", costs=0.5)
def large_scores(grads, passed):
    """Scores of thousands, right ones and wrong ones, in the results that are right otherwise."""
    for score in 1e3, 1e4:
        u_w, W, q = np.array([score, 0.]), np.eye(2), np.zeros(4)
        Vt = np.array([[-1., 0.5], [1., 0.5], [-1., 0.5], [0., 0.5]])   # wrong, wrong, right, ½
        g = np.array([-1, 1, 0, 0.5])
        right = 2 * score + np.log(2), g @ Vt, np.outer(g, u_w), np.outer(g @ Vt, u_w)
        came = grads.lossAndGradient(u_w, Vt, W, q)
        expect_large("4", passed, right, came, score)


def expect_large(task, passed, right, came, score):
    """Compare the results for large scores, but for those that are wrong for any."""
    published.expect_results(", ".join(RESULTS), came)
    right_ones = {name for name in RESULTS if {("4", name), (task, name)} <= passed}
    if "dVt" not in right_ones:         # du_w and dW may be right for the student's own g only
        right_ones &= {"J"}
    for name, expected, value in zip(RESULTS, right, came):
        expected = np.asarray(expected)
        array = array_like(value, expected)
        if name not in right_ones or array is None:
            continue
        if not np.isfinite(array).all():
            strange = array[~np.isfinite(array)].flat[0]
            fail(f"{name} is {strange} for scores of about ±{score:.0f}: exp or log overflows; "
                 "compute with log(1 + exp(-abs(x))) and with exp(-abs(x))")
        expect(f"{name} for scores of about ±{score:.0f}", expected, value,
               tolerance=published.tolerance_of(*came))


for name in RESULTS:
    part("5", name, earns=0.5)(partial(result_of_a_batch, "lossAndGradientBatched", name))


@fault("5", "S = 1 or n = 1", costs=0.25)
def small_shapes_of_a_batch(grads, passed):
    for name in RESULTS:
        if ("5", name) in passed:
            result_of_a_batch("lossAndGradientBatched", name, grads, passed,
                              SMALL_SHAPES_OF_BATCHES)


@fault("5", "large scores", costs=0.25)
def large_scores_of_a_batch(grads, passed):
    """As in task 4; who lost points for them there does not lose them again."""
    if ("4", "large scores") not in passed:
        return
    for score in 1e3, 1e4:
        u_w, W, q = np.array([[score, 0.], [-score, 0.]]), np.eye(2), np.zeros((2, 4))
        Vt = np.array([[[-1., 0.5], [1., 0.5], [-1., 0.5], [0., 0.5]]] * 2)     # as in task 4
        g = np.array([[-1, 1, 0, 0.5], [0, 0, 1, 0.5]]) / 2
        du_w = np.einsum("sk,skm->sm", g, Vt)
        right = 1.5 * score + np.log(2), du_w, g[:, :, None] * u_w[:, None], du_w.T @ u_w
        expect_large("5", passed, right, grads.lossAndGradientBatched(u_w, Vt, W, q), score)


@fault("5", "a loop over S", costs=1.)
def no_loop(grads, passed):
    """The assignment: batched is over 2 times faster than cumulative. So little is computed of each
    observation here that a loop over them shows: a lean one is up to 2 times as fast as ours, one
    of comprehensions 4 times, tensor operations 20 to 200 times. Both are timed in turn; of each
    the quickest counts, since a busy machine only adds."""
    sample = observations(5, 2000, n=2, M=3)
    calls = 6
    ours, one, several = [], [], []
    for _ in range(5):
        ours.append(seconds_of_our_loop(sample))
        one.append(grads.lossAndGradientBatched.seconds(1, *sample))
        several.append(grads.lossAndGradientBatched.seconds(calls, *sample))
        # The way to the box and back is left out.
        theirs = (min(several) - min(one)) / (calls - 1)
        ratio = min(ours) / max(theirs, 1e-6)
        if len(ours) > 1 and ratio > 10:
            return
    if ratio < 3:
        fail(f"batched is only {ratio:.1f} times as fast as a loop over {len(sample[0])} "
             "observations: is there one in it?")


def seconds_of_our_loop(sample):
    begun = time.perf_counter()
    ours.lossAndGradientCumulative(*sample)
    return time.perf_counter() - begun


@fault("5", "lossAndGradientCumulative", costs=0.25)
def cumulative(grads, passed):
    """The hand-out gives it; here it calls the right lossAndGradient."""
    for name in RESULTS:
        result_of_a_batch("lossAndGradientCumulative", name, grads, passed)


# --- Task 6 -------------------------------------------------------------------------------------

ALPHA = 0.3
COUNT_CONTEXT, COUNT_GRADIENTS = InBox("count_context"), InBox("count_gradients")


def quadratic(u_w, Vt, W, q):
    """A loss whose gradients are easy, and depend on all: the mean of
    |u_w|²/2 + |Vt|²/2 + |W|²/2 + (u_w + q)·Vt, u_w and q being added to each row and column.
    """
    u_w, Vt, W, q = map(np.asarray, (u_w, Vt, W, q))
    S = len(u_w)
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
            self.sizes.append(len(u_w))
            return quadratic(u_w, Vt, W, q)

        def train(data):
            self.visited, self.sizes = [], []
            return w2v_sgd.stochasticGradientDescend(
                data, *(X.copy() for X in self.start.values()), context_function, loss_function,
                self.q_noise, S, epochs, alpha)

        came = of_list_or_array(train, pairs)
        published.expect_results("U, V, W", came)
        self.came = dict(zip("UVW", came))

    def changes(self, alpha, visited=None, keep="all"):
        """Return what steps of one batch, or of several, change, as they should.

        visited : list of batches, each a list of context words; the first batch, if None
        keep : "last" for the mistake that keeps a word's last gradient only
        """
        X = {name: value.copy() for name, value in self.start.items()}
        for batch in visited or [self.visited[:self.sizes[0]]]:
            w = [self.targets[c] for c in batch]
            context = np.array([self.contexts[c] for c in batch])
            _, du_w, dVt, dW = quadratic(X["U"][w], X["V"][context], X["W"], self.q_noise[context])
            if keep == "last":
                X["U"][w] -= alpha * du_w
                X["V"][context] -= alpha * dVt
            else:
                np.subtract.at(X["U"], w, alpha * du_w)
                np.subtract.at(X["V"], context, alpha * dVt)
            X["W"] = X["W"] - alpha * dW
        return {name: X[name] - self.start[name] for name in X}

    def factor(self, name, step):
        """Return how many times as large as a step a change is; None if it is no multiple of it."""
        came = published.numbers(name, self.start[name], self.came[name])
        change = came - self.start[name]
        factor = np.vdot(step, change) / np.vdot(step, step)
        # float32 keeps 7 digits of U, V and W themselves.
        return factor if np.allclose(change, factor * step, 0, 1e-5) else None


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
    step = training.changes(-1.)[name]
    factor = training.factor(name, step)
    if factor is not None and abs(factor) > 1e-6:
        return
    mistakes = {"was never changed": training.start[name]}
    if name == "V":
        of_contexts = np.zeros_like(step)
        of_contexts[10:16] = step[10:16]
        mistakes["was changed only for context words, not for negatives"] = (
            training.start[name] - ALPHA * of_contexts)
        mistakes["was changed only for negatives, not for context words"] = (
            training.start[name] - ALPHA * (step - of_contexts))
    expect(f"{name} after one step", training.start[name] - ALPHA * step, training.came[name],
           mistakes)


for name, points in ("U", 0.4), ("V", 0.4), ("W", 0.2):
    part("6", name, earns=points)(partial(update, name))


def right_updates(passed):
    """List those of U, V, W that have earned their points."""
    return [name for name in "UVW" if ("6", name) in passed]


def expect_a_right_update(passed):
    if not right_updates(passed):
        fail("neither U nor V nor W is changed as it should")


@part("6", "step", earns=0.5)
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


@part("6", "repeated words", earns=0.5)
def repeated_words(w2v_sgd, passed):
    """Check that words which occur in several pairs of a batch get all of their gradients."""
    if not {"U", "V"} & set(right_updates(passed)):
        fail("neither U nor V is changed as it should")
    targets = [0] * 5 + [1] * 4 + [2] * 2 + [3]     # not all as often
    pairs = [(w, 10 + i) for i, w in enumerate(targets)]
    contexts = {c: [c, 30 + c % 4, 34 + c % 5] for _, c in pairs}
    expect_all_gradients(w2v_sgd, passed, pairs, contexts,
                         "lost gradients of words that are repeated in a batch")


@fault("6", "twice in one context", costs=0.25)
def twice_in_one_context(w2v_sgd, passed):
    if not {("6", "V"), ("6", "repeated words")} <= passed:
        return
    contexts = {c: [c, 30 + c, 30 + c] for _, c in APART}
    expect_all_gradients(w2v_sgd, passed, APART, contexts,
                         "lost one of two gradients: a word drawn twice in one context must get "
                         "both")


def expect_all_gradients(w2v_sgd, passed, pairs, contexts, mistake):
    training = one_batch(w2v_sgd, pairs, contexts)
    steps, lost = training.changes(-1.), training.changes(-1., keep="last")
    for name in right_updates(passed):
        if training.factor(name, steps[name]) is not None:
            continue
        if training.factor(name, lost[name]) is not None:
            fail(f"{name} {mistake}")
        expect(name, training.start[name] - ALPHA * steps[name], training.came[name])


@fault("6", "data as a list or an array", costs=0.25)
def forms_of_data(w2v_sgd, passed):
    """Check that data may be both; who can handle neither has lost the points already."""
    errors = {}
    for kind, form in ("a list", list), ("an array", np.array):
        start = [np.ones((7, 2)), np.ones((7, 2)), np.ones((2, 2))]
        try:
            w2v_sgd.stochasticGradientDescend(form([(1, 2), (3, 4), (0, 5)]), *start, COUNT_CONTEXT,
                                              COUNT_GRADIENTS, np.zeros(7), 2, 1, 0.1)
        except Fault as error:
            errors[kind] = str(error)
    if len(errors) == 1:
        (kind, error), = errors.items()
        fail(f"data as {kind} of pairs must do, too", error)


@fault("6", "no shuffling", costs=0.5)
def shuffling(w2v_sgd, passed):
    """Check that the pairs do not come in the order of data."""
    pairs = [(w % 3, 10 + w) for w in range(30)]
    contexts = {c: [c, 50, 51] for _, c in pairs}
    visited = Training(w2v_sgd, pairs, contexts, S=7, epochs=2).visited
    words = [c for _, c in pairs]
    if visited == words * 2:
        fail("the pairs come in the order of data: shuffle them in each epoch")


@fault("6", "epochs and batches", costs=0.5)
def epochs_and_batches(w2v_sgd, passed):
    """Check that each epoch goes through each pair once, in batches, one after the other."""
    words = list(range(10, 40))
    pairs = [(c % 3, c) for c in words]
    contexts = {c: [c, 50 + c % 4, 60 + c % 5] for c in words}
    for S, epochs in (7, 2), (10, 1), (1, 1), (100, 2):
        label = f"S={S} N=30, epochs={epochs}"
        training = Training(w2v_sgd, pairs, contexts, S, epochs)
        visited = training.visited
        if ("6", "no shuffling") not in passed:
            visited = visited[::-1]         # the order is punished already
        published.expect_epochs(visited, words, epochs, S, label)
        sizes = [min(S, 30 - first) for first in range(0, 30, S)] * epochs
        if training.sizes != sizes:
            fail(f"the batches are not of S pairs ({label})",
                 f"their sizes are {training.sizes}, expected {sizes}")
        if right_updates(passed) == list("UVW") and {
                ("6", "step"), ("6", "repeated words")} <= passed:
            expect_trained(training, sizes, label)
    expect_visits(w2v_sgd, passed)


def expect_trained(training, sizes, label):
    """Compare U, V and W after several batches, in the order in which their pairs came."""
    visited = iter(training.visited)
    batches = [[next(visited) for _ in range(size)] for size in sizes]
    right = training.changes(ALPHA, batches)
    for name in "UVW":
        expected = training.start[name] + right[name]
        came = published.numbers(name, expected, training.came[name])
        tolerance = published.tolerance_of(*training.came.values())
        if not np.allclose(came, expected, tolerance, tolerance):
            fail(f"{name} is right after one batch, but not after {len(sizes)} ({label}): does "
                 "each go on from the U, V and W of the one before?")


def expect_visits(w2v_sgd, passed):
    """Check the epochs of more pairs than lie between two reports of progress.

    Word c of V, and of U, moves by one step a visit, so U and V tell how often it was visited.
    """
    N, epochs = 12_500, 3
    start = [np.zeros((N + 1, 1)), np.zeros((N + 1, 1)), np.zeros((1, 1))]

    def train(data):
        return w2v_sgd.stochasticGradientDescend(
            data, *start, COUNT_CONTEXT, COUNT_GRADIENTS, np.zeros(N + 1), 500, epochs, 1.)

    came = of_list_or_array(train, [(c, c) for c in range(1, N + 1)])
    published.expect_results("U, V, W", came)
    for name, X in zip("UV", came):
        if ("6", name) not in passed:
            continue
        moved = np.abs(published.numbers(name, start[0], X)[1:, 0])
        most, fewest = moved.max(), moved.min()
        step_is_right = ("6", "step") in passed
        expected = epochs if step_is_right else most
        if fewest == most == expected:
            continue
        asked = f"in {epochs} epochs of {N} pairs each pair must come {epochs} times"
        fail(f"{asked}, came {fewest:.0f} to {most:.0f}" if step_is_right else asked)
