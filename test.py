"""The assignment's checks: python test.py 3, or 4, 5, 6.

python test.py runs them all, and the tests of this project in tests/.
"""

import math
import operator
import random
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

if sys.version_info < (3, 11):
    print("test.py: this needs Python 3.11 or newer, not", sys.version.split()[0], file=sys.stderr)
    sys.exit(2)

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

TASKS = {
    "3": "sampling.py",
    "4": "grads.py, one observation",
    "5": "grads.py, a batch",
    "6": "w2v_sgd.py",
}
RESULTS = "J", "du_w", "dVt", "dW"      # of a loss function

PRECISE, SINGLE = 1e-7, 1e-4        # tolerances; float32 is a style, not a mistake


def tolerance_of(*results):
    """The tolerance for the results of a function, by the numbers that it computes with."""
    is_single = any(getattr(result, "dtype", None) == np.float32 for result in results)
    return SINGLE if is_single else PRECISE


def expect(what, expected, came, mistakes=None, tolerance=PRECISE):
    """Fail unless came is expected, first with what is wrong, then with numbers.

    mistakes : dict from what a usual mistake does to what then comes, or a function that returns it
    """
    expected = np.asarray(expected)
    came = numbers(what, expected, came)

    def is_close(right):
        right = np.asarray(right() if callable(right) else right)
        return right.shape == came.shape and np.allclose(came, right, tolerance, tolerance)

    if is_close(expected):
        return
    usual = {"has the wrong sign": -expected, "is transposed": expected.T}
    place = np.unravel_index(np.argmax(np.abs(came - expected)), expected.shape)
    where = f" at {list(map(int, place))}" if place else ""
    values = f"expected {expected[place]:.9g}{where}, came {came[place]:.9g}"
    for mistake, wrong in (usual | (mistakes or {}) | proportional(expected, came)).items():
        if is_close(wrong):
            fail(f"{what} {mistake}", values)
    fail(f"{what} is wrong", values)


def numbers(what, expected, came):
    """Return came as an array; fail unless it holds finite numbers and is shaped as expected."""
    if came is None:
        fail(f"{what} is None: is a return missing?")
    try:
        array = np.asarray(came).astype(float)
    except (TypeError, ValueError):
        fail(f"{what}: expected numbers, came {type(came).__name__}")
    if array.shape != expected.shape:
        fail(f"{what} has the shape {array.shape}, expected {expected.shape or 'one number'}")
    if not np.isfinite(array).all():
        fail(f"{what} is {array[~np.isfinite(array)][0]}, expected numbers such as "
             f"{expected.flat[0]:.3g}")
    return array


def proportional(expected, came):
    """What is to be said if came is a multiple of expected, which one number always is."""
    if expected.size == 1:
        return {}
    factor = np.vdot(expected, came) / np.vdot(expected, expected)
    return {"is 0 everywhere": 0 * expected,
            f"is {factor:.3g} times as large as expected": factor * expected}


def expect_results(names, came):
    """Fail unless a function returned as many results as there are names."""
    count = len(names.split(", "))
    if came is None:
        fail(f"{names}: expected {count} results, came None: is a return missing?")
    if not isinstance(came, tuple | list):
        fail(f"{names}: expected {count} results, came one {type(came).__name__}")
    if len(came) != count:
        fail(f"{names}: expected {count} results, came {len(came)}")


def fail(*lines):
    pytest.fail("\n".join(lines), pytrace=False)


# --- what the checks compare with; none of it uses the modules under test -----------------------

def noise_count(f):
    """round(f^0.75) in integers: the k for which (2k-1)⁴ < 16·f³ < (2k+1)⁴."""
    k = math.isqrt(math.isqrt(f ** 3))
    return k + ((2 * k + 1) ** 4 < 16 * f ** 3)


def loss(u_w, Vt, W, q, positives=1):
    """J of one observation, written as the assignment does; also for complex arguments.

    positives : how many of the words, from the first, count as context words, not as negatives
    """
    M = len(u_w)
    J = 0
    for j in range(len(q)):
        score = sum(Vt[j, a] * W[a, b] * u_w[b] for a in range(M) for b in range(M))
        x = q[j] - score if j < positives else score - q[j]
        J = J + np.log(1 + np.exp(x))
    return J


def mean_loss(u_w, Vt, W, q, positives=1):
    """J of S observations, the mean of their losses."""
    S = len(u_w)
    return sum(loss(u_w[i], Vt[i], W, q[i], positives) for i in range(S)) / S


def wrong_losses(J):
    """Usual mistakes in a loss function J, and the functions that they make of it."""
    def of_the_context_word(u_w, Vt, W, q):
        return J(u_w, Vt[..., :1, :], W, q[..., :1])

    def of_the_negatives(u_w, Vt, W, q):
        return J(u_w, Vt, W, q) - of_the_context_word(u_w, Vt, W, q)

    def with_a_mean(u_w, Vt, W, q):
        n = q.shape[-1] - 1
        return of_the_context_word(u_w, Vt, W, q) + of_the_negatives(u_w, Vt, W, q) / n

    return {
        "lacks q": lambda u_w, Vt, W, q: J(u_w, Vt, W, 0 * q),
        "has q with the wrong sign": lambda u_w, Vt, W, q: J(u_w, Vt, W, -q),
        "has Wᵀ in place of W": lambda u_w, Vt, W, q: J(u_w, Vt, W.T, q),
        "takes the context word for a negative: is δ missing?":
            lambda u_w, Vt, W, q: J(u_w, Vt, W, q, 0),
        "takes the negatives for context words":
            lambda u_w, Vt, W, q: J(u_w, Vt, W, q, q.shape[-1]),
        "has the mean over the negatives, not their sum": with_a_mean,
        "takes the context word for a negative, the negatives for context words":
            lambda u_w, Vt, W, q: J(u_w, -Vt, W, -q),
        "leaves the negatives out": of_the_context_word,
        "leaves the context word out": of_the_negatives}


def derivative(function, X):
    """∂function/∂X by the complex step, Im f(x + ih)/h: exact, since nothing is subtracted."""
    gradient = np.empty(X.shape)
    for place in np.ndindex(X.shape):
        Z = X.astype(complex)
        Z[place] += 1e-30j
        gradient[place] = function(Z).imag / 1e-30
    return gradient


def observations(seed, *shape, n, M):
    """Random u_w, Vt, W, q of one observation, or of a shape of them."""
    rng = np.random.default_rng(seed)
    sizes = (*shape, M), (*shape, n + 1, M), (M, M), (*shape, n + 1)
    return [rng.normal(size=size) for size in sizes]


def results_of(function, sample, label):
    """What a function returns for a sample, of which it must change nothing."""
    copies = [X.copy() for X in sample]
    try:
        came = function(*copies)
    except Exception as error:
        error.add_note(f"called with {label}")
        raise
    for name, X, copy in zip(("u_w", "Vt", "W", "q"), sample, copies):
        if not np.array_equal(X, copy):
            fail(f"{function.__name__} changes its argument {name}: it must work on a copy")
    expect_results(", ".join(RESULTS), came)
    return came


def part(name, J, u_w, Vt, W, q):
    """The value of a loss function J, or its derivative by u_w, Vt or W."""
    if name == "du_w":
        return derivative(lambda Z: J(Z, Vt, W, q), u_w)
    if name == "dVt":
        return derivative(lambda Z: J(u_w, Z, W, q), Vt)
    if name == "dW":
        return derivative(lambda Z: J(u_w, Vt, Z, q), W)
    return J(u_w, Vt, W, q)


def expect_gradients(J, sample, came, label):
    """Compare J, du_w, dVt, dW with a loss function and its complex-step derivatives."""
    for name, value in zip(RESULTS, came):
        expect_result(name, value, J, sample, tolerance_of(*came), label)


def expect_result(name, value, J, sample, tolerance, label):
    """Compare one of them."""
    u_w, _, _, q = sample
    right = part(name, J, *sample)
    mistakes = {"is divided by n+1": right / q.shape[-1]}
    if u_w.ndim == 2:
        S = len(u_w)
        mistakes |= {"is not divided by S": S * right, "is divided by S twice": right / S}
    for mistake, wrong in wrong_losses(J).items():
        mistakes[mistake] = partial(part, name, wrong, *sample)
    expect(f"{name} ({label})", right, value, mistakes, tolerance)


# --- Task 3 -------------------------------------------------------------------------------------

ZIPF = [10 ** 6 // rank + 1 for rank in range(1, 20001)]


def word_counts(seq, L):
    """Count how often each of L words is in a sequence, which must hold word indices only."""
    if not hasattr(seq, "__len__"):
        hint = ": is a return missing?" if seq is None else ""
        fail(f"the sequence is {type(seq).__name__}, expected a list or an array{hint}")
    try:
        counts = Counter(map(operator.index, seq))
    except TypeError:
        strange = next(item for item in seq if not isinstance(item, int | np.integer))
        fail(f"the sequence holds {type(strange).__name__}, expected word indices (int)")
    for word in sorted(counts):
        if not 0 <= word < L:
            fail(f"the sequence holds {word}, expected word indices from 0 to {L - 1}")
    return [counts[word] for word in range(L)]


@pytest.mark.task("3")
def test_3_createSamplingSequence():
    from sampling import createSamplingSequence
    seq = createSamplingSequence(ZIPF)
    came = word_counts(seq, len(ZIPF))
    expect("how often the words occur in the sequence", [noise_count(f) for f in ZIPF], came, {
        "is rounded down": [int(f ** 0.75) for f in ZIPF],
        "is rounded up": [math.ceil(f ** 0.75) for f in ZIPF],
        "is the frequency, without the power 0.75": ZIPF})
    random.choice(seq)


@pytest.mark.task("3")
def test_3_noiseDistribution():
    from sampling import noiseDistribution
    counts, powers = np.array([noise_count(f) for f in ZIPF]), np.array(ZIPF) ** 0.75
    q = counts / counts.sum()
    for n in 5, 1:
        expect(f"log({n}·q[c])", np.log(n * q), noiseDistribution(ZIPF, n), {
            "lacks the factor n": np.log(q),
            "is divided by n, not multiplied": np.log(q / n),
            "has n^0.75 in place of n": np.log(n ** 0.75 * q),
            "is n·q[c], not its logarithm": n * q,
            "is n·log(q[c])": n * np.log(q),
            "lacks the division by the sum over all words": np.log(n * counts),
            "has f^0.75 rounded down": np.log(n * np.floor(powers) / np.floor(powers).sum()),
            "lacks the rounding of f^0.75": np.log(n * powers / powers.sum()),
            "lacks the power 0.75": np.log(n * np.array(ZIPF) / sum(ZIPF))})


def contexts(calls, word, seq, n):
    """Yield the contexts that sampleContext draws, each after a check of its words."""
    from sampling import sampleContext
    for _ in range(calls):
        context = sampleContext(word, seq, n)
        if context is None:
            fail("sampleContext returns None: is a return missing?")
        context = list(context)
        others = [item for item in context if not isinstance(item, int | np.integer)]
        if others:
            fail(f"sampleContext returns {type(others[0]).__name__}, expected word indices (int)")
        if len(context) != n + 1:
            fail(f"expected {n + 1} words, the context word and {n} negatives, came {len(context)}")
        if context[0] != word:
            fail(f"expected the context word {word} first, came {context[0]}")
        if word in context[1:]:
            fail("a negative equals the context word")
        yield context


@pytest.mark.task("3")
def test_3_sampleContext():
    """Many negatives may be drawn with or without replacement; a single one is distributed as q."""
    from sampling import createSamplingSequence
    freqs = [4000 // rank + 1 for rank in range(1, 401)]
    seq = createSamplingSequence(freqs)
    if word_counts(seq, len(freqs)) != [noise_count(f) for f in freqs]:
        fail("not checked: createSamplingSequence must be right first")
    word, calls = 2, 2000
    for _ in contexts(500, word, seq, 7):
        pass
    first = np.zeros(len(freqs))
    for _, negative in contexts(calls, word, seq, 1):
        first[negative] += 1

    q = np.array([noise_count(f) for f in freqs], dtype=float)
    q[word] = 0
    expected = calls * q / q.sum()
    groups = [slice(0, 2), slice(3, 6), slice(6, 20), slice(20, 60), slice(60, 150),
              slice(150, 400)]
    drawn = np.array([first[group].sum() for group in groups])
    expected = np.array([expected[group].sum() for group in groups])
    chi2 = np.sum((drawn - expected) ** 2 / expected)
    if chi2 > 50:           # by chance once in 10⁹ runs
        fail("the negatives do not follow q", "words from frequent to rare: expected about "
             f"{expected.round().astype(int)} draws, came {drawn.astype(int)}")


# --- Tasks 4 and 5 ------------------------------------------------------------------------------

@pytest.mark.task("4")
def test_4_lossAndGradient():
    from grads import lossAndGradient
    for n, M in (5, 4), (20, 3), (1, 3), (5, 20), (1, 1):
        sample = observations(4, n=n, M=M)
        sample[0] /= M
        came = results_of(lossAndGradient, sample, f"n={n} M={M}")
        expect_gradients(loss, sample, came, f"n={n} M={M}")


@pytest.mark.task("5")
@pytest.mark.parametrize("function", ["lossAndGradientCumulative", "lossAndGradientBatched"])
def test_5(function):
    import grads
    for S, n, M in (7, 5, 4), (4, 1, 3), (1, 5, 3):
        sample = observations(5, S, n=n, M=M)
        label = f"S={S} n={n} M={M}"
        if function == "lossAndGradientCumulative":
            label = f"of lossAndGradient, {label}"
        came = results_of(getattr(grads, function), sample, label)
        expect_gradients(mean_loss, sample, came, label)


@pytest.mark.task("5")
def test_5_batched_beside_cumulative(record_property):
    from grads import lossAndGradientBatched, lossAndGradientCumulative
    sample = observations(6, 1000, n=5, M=50)
    sample[0] /= 50                     # scores are about 10 at most
    right, slow = fastest_call(lossAndGradientCumulative, sample)
    came, quick = fastest_call(lossAndGradientBatched, sample)
    expect_results(", ".join(RESULTS), came)
    for name, expected, value in zip(RESULTS, right, came):
        if isinstance(value, list):
            fail(f"{name} of lossAndGradientBatched is a list, expected an array")
        if not np.isfinite(expected).all():
            fail(f"{name} of lossAndGradientCumulative is not finite for scores of about ±10")
        expect(f"{name} of batched, compared with cumulative,", expected, value,
               {"is not divided by S": 1000 * expected, "is divided by S twice": expected / 1000},
               tolerance_of(*came, *right))
    if slow < 2 * quick:
        fail(f"batched is {slow / quick:.1f} times as fast as cumulative; expected more than 2: "
             "is there a loop over S?")
    record_property("note", f"batched is {slow / quick:.0f} times as fast as cumulative")


def fastest_call(function, arguments):
    """The result of a function, and the seconds that the quickest of several calls takes."""
    seconds = []
    # On a busy machine NumPy's threads would wait for each other.
    with threadpool_limits(1, "blas"):
        while len(seconds) < 3 or sum(seconds) < 0.3:
            begun = time.perf_counter()
            result = function(*arguments)
            seconds.append(time.perf_counter() - begun)
    return result, min(seconds)


# --- Task 6 -------------------------------------------------------------------------------------

def plain_sgd(visited, targets, U, V, W, q, S, alpha, keep="all"):
    """Minibatch SGD by loops, over contexts [c, c̄_1 … c̄_n] in the order in which they came.

    keep : "last" keeps only the last gradient of a word that occurs several times in a batch,
        "context words" and "negatives" only those rows of V
    """
    for start in range(0, len(visited), S):
        batch = visited[start:start + S]
        dU, dV, dW = np.zeros(U.shape), np.zeros(V.shape), np.zeros(W.shape)
        for context in batch:
            w = targets[context[0]]
            u, Vt, b = U[w], V[context], q[context]
            du = derivative(lambda Z: loss(Z, Vt, W, b), u) / len(batch)
            dU[w] = du if keep == "last" else dU[w] + du
            dVt = derivative(lambda Z: loss(u, Z, W, b), Vt) / len(batch)
            if keep == "context words":
                dVt[1:] = 0
            if keep == "negatives":
                dVt[0] = 0
            for c, dv in zip(context, dVt):
                dV[c] = dv if keep == "last" else dV[c] + dv
            dW += derivative(lambda Z: loss(u, Vt, Z, b), W) / len(batch)
        U, V, W = U - alpha * dU, V - alpha * dV, W - alpha * dW
    return U, V, W


@pytest.mark.task("6")
def test_6_stochasticGradientDescend():
    # After the first case, a single batch, a mistake in one of U, V, W is not yet in the others.
    cases = {"one batch": (30, 1, False), "S=7 N=30": (7, 1, False),
             "S=7 N=30, two epochs": (7, 2, False), "S=10 N=30": (10, 1, False),
             "S=100 N=30": (100, 1, False), "S=1 N=30": (1, 1, False),
             "a list of tuples": (7, 2, True)}
    for label, case in cases.items():
        expect_sgd(*case, label)


def expect_sgd(S, epochs, as_list, label):
    """Compare a training of S pairs a batch with `plain_sgd`."""
    from grads import lossAndGradientCumulative
    from w2v_sgd import stochasticGradientDescend
    L, M, alpha = 40, 4, 0.3
    rng = np.random.default_rng(6)
    start = [rng.normal(scale=0.5, size=size) for size in ((L, M), (L, M), (M, M))]
    q = rng.normal(scale=0.5, size=L)
    targets = [c % 3 for c in range(15)]    # so words repeat in a batch, and c tells its pair
    data = [(targets[c], c) for c in range(15)] * 2
    words = [c for _, c in data]            # before somebody shuffles data itself
    N = len(data)
    visited = []

    def context_function(c):
        visited.append([int(c), 30 + int(c) % 4, 34 + int(c) % 5])      # negatives repeat, too
        return visited[-1]

    came = stochasticGradientDescend(data if as_list else np.array(data),
                                     *(X.copy() for X in start), context_function,
                                     lossAndGradientCumulative, q, S, epochs, alpha)
    expect_results("U, V, W", came)
    expect_epochs([context[0] for context in visited], words, epochs, S, label)

    def trained(alpha=alpha, **how):
        result = start
        for epoch in range(epochs):
            contexts = visited[epoch * N:(epoch + 1) * N]
            result = plain_sgd(contexts, targets, *result, q, S, alpha, **how)
        return result

    expected = trained()
    for i, name in enumerate("UVW"):
        mistakes = {"was never changed": start[i]}
        for mistake, how in sgd_mistakes(alpha, S).items():
            mistakes[mistake] = lambda how=how: trained(**how)[i]
        expect(f"{name} ({label})", expected[i], came[i], mistakes, tolerance_of(*came))


def sgd_mistakes(alpha, S):
    """Usual mistakes, and the arguments with which a training makes them."""
    return {
        "lost gradients of words that are repeated in a batch": {"keep": "last"},
        "was changed only for context words, not for negatives": {"keep": "context words"},
        "was changed only for negatives, not for context words": {"keep": "negatives"},
        "moves up the gradient, not down": {"alpha": -alpha},
        "moves by the gradient, without α": {"alpha": 1.},
        "moves by α·S times the gradient": {"alpha": alpha * S},
        "moves by α/S times the gradient, which is a mean already": {"alpha": alpha / S}}


def expect_epochs(visited, words, epochs, S, label):
    """Fail unless the context words visited are those of the data in each epoch, shuffled."""
    N, came = len(words), len(visited)
    asked = f"contextFunction is asked for {came} contexts, expected {N * epochs}: one a pair"
    if came == N // S * S * epochs != N * epochs:
        fail(f"the last batch of an epoch, the smaller one, is left out ({label})", asked)
    if came != N * epochs and came % N == 0:
        fail(f"the number of epochs is {came // N}, expected {epochs} ({label})", asked)
    if came != N * epochs:
        fail(f"an epoch does not go through each pair once ({label})", asked)
    for first in range(0, came, N):
        order = visited[first:first + N]
        if sorted(order) != sorted(words):
            fail(f"epoch {first // N + 1} does not go through each pair once ({label})",
                 "some come too often and others not at all; random.shuffle(data) does that to an "
                 "array, np.random.shuffle(data) does not")
        if order == words:
            fail("the pairs come in the order of data: shuffle them in each epoch")


@pytest.mark.task("6")
def test_6_more_pairs_than_between_two_reports():
    from w2v_sgd import stochasticGradientDescend
    N, epochs = 10_500, 3
    calls = Counter()

    def no_gradients(u_w, Vt, W, q):
        return 0., np.zeros(np.shape(u_w)), np.zeros(np.shape(Vt)), np.zeros(np.shape(W))

    def context_function(c):
        calls[int(c)] += 1
        return [int(c), 0, 0]

    start = [np.ones((N, 1)), np.ones((N, 1)), np.ones((1, 1))]
    stochasticGradientDescend([(0, c) for c in range(N)], *start, context_function, no_gradients,
                              np.zeros(N), 500, epochs, 0.1)
    fewest, most = (find(calls[c] for c in range(N)) for find in (min, max))
    if not fewest == most == epochs:
        times = fewest if fewest == most else f"{fewest} to {most}"
        fail(f"in {epochs} epochs of {N} pairs each pair must come {epochs} times, came {times}")


# --- The command --------------------------------------------------------------------------------

def main(arguments):
    from beyond.check_report import Report
    if len(arguments) > 1 or not set(arguments) <= set(TASKS):
        print(f"test.py: give one task of {', '.join(TASKS)}, or nothing for all tests",
              file=sys.stderr)
        return 2
    options = ["-q", "--no-header", "--no-summary", "-o", "console_output_style=classic",
               "--continue-on-collection-errors", __file__]
    if arguments:
        return pytest.main([*options, "--tb=short"], plugins=[Report(TASKS, arguments[0])])

    tests = Path(__file__).resolve().parent / "tests"
    others = [str(tests)] if tests.is_dir() else []         # there are none in a student's copy
    report = Report(TASKS)
    status = pytest.main([*options, *others, "--tb=short"], plugins=[report])
    if report.failed:
        print("failed:", *report.failed, sep="\n  ")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
