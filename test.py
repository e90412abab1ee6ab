"""The assignment's checks: python test.py 3, or 4, 5, 6.

python test.py runs them all, and the tests of this project in tests/.
"""

import math
import random
import sys
import time
from collections import Counter
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("test.py: this needs Python 3.11 or newer, not " + sys.version.split()[0])

import numpy as np
import pytest

TASKS = {
    "3": "sampling.py",
    "4": "grads.py, one observation",
    "5": "grads.py, a batch",
    "6": "w2v_sgd.py",
}


def expect(what, expected, came, mistakes=None):
    """Fail unless came is expected, first with what is wrong, then with numbers.

    mistakes : dict from what a usual mistake does to what then comes, or a function that returns it
    """
    expected = np.asarray(expected)
    try:
        came = np.asarray(came)
        tolerance = 1e-4 if came.dtype == np.float32 else 1e-7
        came = came.astype(float)
    except (TypeError, ValueError):
        fail(f"{what}: expected numbers, came {type(came).__name__}")
    if came.shape != expected.shape:
        fail(f"{what} has the shape {came.shape}, expected {expected.shape}")
    if not np.isfinite(came).all():
        fail(f"{what} is {came[~np.isfinite(came)][0]}, expected numbers such as "
             f"{expected.flat[0]:.3g}")

    def is_close(right):
        right = np.asarray(right() if callable(right) else right)
        return right.shape == came.shape and np.allclose(came, right, tolerance, tolerance)

    if is_close(expected):
        return
    usual = {"has the wrong sign": -expected, "is transposed": expected.T}
    place = np.unravel_index(np.argmax(np.abs(came - expected)), expected.shape)
    where = f" at {list(map(int, place))}" if place else ""
    numbers = f"expected {expected[place]:.9g}{where}, came {came[place]:.9g}"
    for mistake, wrong in (usual | (mistakes or {})).items():
        if is_close(wrong):
            fail(f"{what} {mistake}", numbers)
    fail(f"{what} is wrong", numbers)


def fail(*lines):
    pytest.fail("\n".join(lines), pytrace=False)


# --- what the checks compare with; none of it uses the modules under test -----------------------

def noise_count(f):
    """round(f^0.75) in integers: the k for which (2k-1)⁴ < 16·f³ < (2k+1)⁴."""
    k = math.isqrt(math.isqrt(f ** 3))
    return k + ((2 * k + 1) ** 4 < 16 * f ** 3)


def loss(u_w, Vt, W, q):
    """J of one observation, written as the assignment does; also for complex arguments."""
    M = len(u_w)
    J = 0
    for j in range(len(q)):
        score = sum(Vt[j, a] * W[a, b] * u_w[b] for a in range(M) for b in range(M))
        x = q[j] - score if j == 0 else score - q[j]
        J = J + np.log(1 + np.exp(x))
    return J


def mean_loss(u_w, Vt, W, q):
    """J of S observations, the mean of their losses."""
    return sum(loss(u_w[i], Vt[i], W, q[i]) for i in range(len(u_w))) / len(u_w)


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


def expect_gradients(function, sample, came, label, factor=1, mistake=""):
    """Compare J, du_w, dVt, dW with a loss function and its complex-step derivatives.

    factor, mistake : by what a usual mistake multiplies all four, and what it is called
    """
    if not isinstance(came, tuple | list) or len(came) != 4:
        fail(f"J, du_w, dVt, dW: expected four results, came {type(came).__name__}")
    u_w, Vt, W, q = sample
    expected = {
        "J": function(u_w, Vt, W, q),
        "du_w": derivative(lambda Z: function(Z, Vt, W, q), u_w),
        "dVt": derivative(lambda Z: function(u_w, Z, W, q), Vt),
        "dW": derivative(lambda Z: function(u_w, Vt, Z, q), W),
    }
    for (name, right), value in zip(expected.items(), came):
        mistakes = {mistake: factor * right} if mistake else {}
        expect(f"{name} ({label})", right, value, mistakes)


# --- Task 3 -------------------------------------------------------------------------------------

ZIPF = [10 ** 6 // rank + 1 for rank in range(1, 20001)]


@pytest.mark.task("3")
def test_3_createSamplingSequence():
    from sampling import createSamplingSequence
    seq = createSamplingSequence(ZIPF)
    counts = Counter(map(int, seq))
    came = [counts[word] for word in range(len(ZIPF))]
    expect("how often the words occur in the sequence", [noise_count(f) for f in ZIPF], came, {
        "is rounded down": [int(f ** 0.75) for f in ZIPF],
        "is rounded up": [math.ceil(f ** 0.75) for f in ZIPF],
        "is the frequency, without the power 0.75": ZIPF})
    expect("the length of the sequence", sum(map(noise_count, ZIPF)), len(seq))
    word = random.choice(seq)
    assert 0 <= word < len(ZIPF), f"random.choice(seq) is {word}, which is no word index"


@pytest.mark.task("3")
def test_3_noiseDistribution():
    from sampling import noiseDistribution
    counts, powers = np.array([noise_count(f) for f in ZIPF]), np.array(ZIPF) ** 0.75
    q = counts / counts.sum()
    for n in 5, 1:
        expect(f"log({n}·q[c])", np.log(n * q), noiseDistribution(ZIPF, n), {
            "lacks the factor n": np.log(q),
            "is n·q[c], not its logarithm": n * q,
            "lacks the rounding of f^0.75": np.log(n * powers / powers.sum()),
            "lacks the power 0.75": np.log(n * np.array(ZIPF) / sum(ZIPF))})


@pytest.mark.task("3")
def test_3_sampleContext():
    """Negatives may be drawn with or without replacement: the first one is distributed alike."""
    from sampling import createSamplingSequence, sampleContext
    freqs = [4000 // rank + 1 for rank in range(1, 401)]
    seq = createSamplingSequence(freqs)
    calls, n, word = 5000, 7, 2
    first = np.zeros(len(freqs))
    for _ in range(calls):
        context = [int(negative) for negative in sampleContext(word, seq, n)]
        assert len(context) == n + 1, f"{n} negatives: expected {n + 1} words, came {len(context)}"
        assert context[0] == word, f"expected the context word {word} first, came {context[0]}"
        assert word not in context[1:], "a negative equals the context word"
        first[context[1]] += 1

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
        expect_gradients(loss, sample, lossAndGradient(*sample), f"n={n} M={M}",
                         1 / (n + 1), "is divided by n+1")


@pytest.mark.task("5")
@pytest.mark.parametrize("function", ["lossAndGradientCumulative", "lossAndGradientBatched"])
def test_5(function):
    import grads
    for S, n, M in (7, 5, 4), (4, 1, 3), (1, 5, 3):
        sample = observations(5, S, n=n, M=M)
        came = getattr(grads, function)(*sample)
        expect_gradients(mean_loss, sample, came, f"S={S} n={n} M={M}", S, "is not divided by S")


@pytest.mark.task("5")
def test_5_batched_beside_cumulative(record_property):
    from grads import lossAndGradientBatched, lossAndGradientCumulative
    sample = observations(6, 1000, n=5, M=50)
    sample[0] /= 50                     # scores are about 10 at most
    right, slow = fastest_of_three(lossAndGradientCumulative, sample)
    came, quick = fastest_of_three(lossAndGradientBatched, sample)
    for name, expected, value in zip(("J", "du_w", "dVt", "dW"), right, came):
        if not np.isfinite(expected).all():
            fail(f"{name} of lossAndGradientCumulative is not finite for scores of about ±10")
        expect(f"{name} beside that of lossAndGradientCumulative", expected, value)
    if slow < 2 * quick:
        fail(f"batched is {slow / quick:.1f} times as fast as cumulative; expected more than 2: "
             "is there a loop over S?")
    record_property("note", f"batched is {slow / quick:.0f} times as fast as cumulative")


def fastest_of_three(function, arguments):
    """The result of a function, and the seconds that the quickest of three calls takes."""
    if hasattr(function, "seconds"):            # one that the grader's sandbox measures
        return function(*arguments), min(function.seconds(*arguments) for _ in range(3))
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        result = function(*arguments)
        seconds.append(time.perf_counter() - begun)
    return result, min(seconds)


# --- Task 6 -------------------------------------------------------------------------------------

def plain_sgd(visited, targets, U, V, W, q, S, alpha, keep="all"):
    """Minibatch SGD by loops, over contexts [c, c̄_1 … c̄_n] in the order in which they came.

    keep : "last" keeps only the last gradient of a word that occurs several times in a batch
    """
    for start in range(0, len(visited), S):
        batch = visited[start:start + S]
        dU, dV, dW = np.zeros(U.shape), np.zeros(V.shape), np.zeros(W.shape)
        for context in batch:
            w = targets[context[0]]
            u, Vt, b = U[w], V[context], q[context]
            du = derivative(lambda Z: loss(Z, Vt, W, b), u) / len(batch)
            dU[w] = du if keep == "last" else dU[w] + du
            for c, dv in zip(context, derivative(lambda Z: loss(u, Z, W, b), Vt) / len(batch)):
                dV[c] = dv if keep == "last" else dV[c] + dv
            dW += derivative(lambda Z: loss(u, Vt, Z, b), W) / len(batch)
        U, V, W = U - alpha * dU, V - alpha * dV, W - alpha * dW
    return U, V, W


@pytest.mark.task("6")
def test_6_stochasticGradientDescend():
    cases = {"S does not divide N": (7, 1, False), "two epochs": (7, 2, False),
             "S divides N": (10, 1, False), "S above N": (100, 1, False),
             "S is 1": (1, 1, False), "a list of tuples": (7, 2, True)}
    for label, case in cases.items():
        expect_sgd(*case, label)


def expect_sgd(S, epochs, as_list, label):
    """Compare a training of S pairs a batch with `plain_sgd`."""
    from grads import lossAndGradientCumulative
    from w2v_sgd import stochasticGradientDescend
    N, L, M, alpha = 30, 40, 4, 0.3
    rng = np.random.default_rng(6)
    start = [rng.normal(scale=0.5, size=size) for size in ((L, M), (L, M), (M, M))]
    q = rng.normal(scale=0.5, size=L)
    targets = [c % 3 for c in range(N)]     # so words repeat in a batch, and c tells its pair
    data = [(targets[c], c) for c in range(N)]
    visited = []

    def context_function(c):
        visited.append([int(c), 30 + int(c) % 4, 34 + int(c) % 5])      # negatives repeat, too
        return visited[-1]

    U, V, W = (X.copy() for X in start)
    came = stochasticGradientDescend(data if as_list else np.array(data), U, V, W,
                                     context_function, lossAndGradientCumulative, q, S, epochs,
                                     alpha)

    orders = [[context[0] for context in visited[epoch * N:(epoch + 1) * N]]
              for epoch in range(epochs)]
    for epoch, order in enumerate(orders):
        if sorted(order) != list(range(N)):
            fail(f"epoch {epoch + 1} does not go through each pair once ({label})",
                 f"it asks contextFunction for {len(order)} of {N} pairs, {len(set(order))} of "
                 "them different")
        if order == list(range(N)):
            fail("the pairs come in the order of data: shuffle them in each epoch")

    def trained(alpha=alpha, **how):
        result = start
        for epoch in range(epochs):
            contexts = visited[epoch * N:(epoch + 1) * N]
            result = plain_sgd(contexts, targets, *result, q, S, alpha, **how)
        return result

    expected = trained()
    for i, name in enumerate("UVW"):
        expect(f"{name} ({label})", expected[i], came[i], {
            "was never changed": start[i],
            "lacks gradients: each of a word that is repeated in a batch counts":
                lambda i=i: trained(keep="last")[i],
            "moves up the gradient, not down": lambda i=i: trained(-alpha)[i],
            "moves by α/S times the gradient, which is a mean already":
                lambda i=i: trained(alpha / S)[i]})


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
    if set(calls.values()) != {epochs} or len(calls) != N:
        fail(f"{epochs} epochs of {N} pairs: expected {epochs} times each pair, came "
             f"{min(calls.values())} to {max(calls.values())} times {len(calls)} of them")


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
