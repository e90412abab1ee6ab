"""The assignment's checks: python test.py 3, or 4, 5, 6.

python test.py runs them all, and the tests of this project in tests/.
"""

import math
import random
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

TASKS = {
    "3": "sampling.py",
    "4": "grads.py, one observation",
    "5": "grads.py, a batch",
    "6": "w2v_sgd.py",
}


def expect(what, expected, came, tolerance=1e-10):
    """Fail with what was expected and what came, unless they are alike in shape and value."""
    expected, came = np.asarray(expected), np.asarray(came)
    assert expected.shape == came.shape, \
        f"{what}: expected the shape {expected.shape}, came {came.shape}"
    wrong = ~np.isclose(came, expected, rtol=tolerance, atol=tolerance)
    if wrong.any():
        place = tuple(map(int, np.argwhere(wrong)[0]))
        where = f"{what}{list(place) if place else ''}"
        pytest.fail(f"{where}: expected {expected[place]:.12g}, came {came[place]:.12g}",
                    pytrace=False)


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


def mean_loss(u_w, Vt, W, q):
    """J of S observations, the mean of their losses."""
    return sum(loss(u_w[i], Vt[i], W, q[i]) for i in range(len(u_w))) / len(u_w)


def expect_gradients(function, sample, came, label):
    """Compare J, du_w, dVt, dW with a loss function and its complex-step derivatives."""
    u_w, Vt, W, q = sample
    J, du_w, dVt, dW = came
    expect(f"J, {label}", function(u_w, Vt, W, q), J)
    expect(f"du_w, {label}", derivative(lambda Z: function(Z, Vt, W, q), u_w), du_w)
    expect(f"dVt, {label}", derivative(lambda Z: function(u_w, Z, W, q), Vt), dVt)
    expect(f"dW, {label}", derivative(lambda Z: function(u_w, Vt, Z, q), W), dW)


# --- Task 3 -------------------------------------------------------------------------------------

ZIPF = [10 ** 6 // rank + 1 for rank in range(1, 20001)]


@pytest.mark.task("3")
def test_3_createSamplingSequence():
    from sampling import createSamplingSequence
    seq = createSamplingSequence(ZIPF)
    counts = Counter(map(int, seq))
    expected = [noise_count(f) for f in ZIPF]
    expect("the length of the sequence", sum(expected), len(seq))
    expect("how often the words occur", expected, [counts[i] for i in range(len(ZIPF))])
    assert 0 <= random.choice(seq) < len(ZIPF), "random.choice does not give a word index"


@pytest.mark.task("3")
def test_3_noiseDistribution():
    from sampling import noiseDistribution
    total = sum(map(noise_count, ZIPF))
    for n in 1, 5:
        expected = [math.log(n * noise_count(f) / total) for f in ZIPF]
        expect(f"log({n}·q[c])", expected, noiseDistribution(ZIPF, n))


@pytest.mark.task("3")
def test_3_sampleContext():
    from sampling import createSamplingSequence, sampleContext
    freqs = [50, 20, 10, 5, 1]
    seq = createSamplingSequence(freqs)
    length = len(sampleContext(3, seq, 7))
    assert length == 8, f"7 negatives: expected 8 words, came {length}"

    calls, n = 1000, 100
    counts = Counter()
    for _ in range(calls):
        context = [int(word) for word in sampleContext(0, seq, n)]
        assert context[0] == 0, f"expected the context word 0 first, came {context[0]}"
        assert 0 not in context[1:], "a negative equals the context word"
        counts.update(context[1:])

    drawn = np.array([counts[word] for word in range(1, 5)])
    q = np.array([noise_count(f) for f in freqs[1:]])
    expected = calls * n * q / q.sum()
    chi2 = np.sum((drawn - expected) ** 2 / expected)
    # 40 is passed by chance once in 10⁸ runs
    assert chi2 < 40, f"negatives 1 to 4: expected about {expected.round()} draws, came {drawn}"


# --- Tasks 4 and 5 ------------------------------------------------------------------------------

@pytest.mark.task("4")
def test_4_lossAndGradient():
    from grads import lossAndGradient
    for n, M in (1, 1), (1, 3), (5, 4), (20, 3), (5, 20):
        sample = observations(4, n=n, M=M)
        sample[0] /= M
        expect_gradients(loss, sample, lossAndGradient(*sample), f"n={n} M={M}")


@pytest.mark.task("5")
@pytest.mark.parametrize("function", ["lossAndGradientCumulative", "lossAndGradientBatched"])
def test_5(function):
    import grads
    for S, n, M in (1, 5, 3), (4, 1, 3), (7, 5, 4):
        sample = observations(5, S, n=n, M=M)
        came = getattr(grads, function)(*sample)
        expect_gradients(mean_loss, sample, came, f"S={S} n={n} M={M}")


@pytest.mark.task("5")
def test_5_batched_beside_cumulative(record_property):
    from grads import lossAndGradientBatched, lossAndGradientCumulative
    sample = observations(6, 1000, n=5, M=50)
    right, slow = fastest_of_three(lossAndGradientCumulative, sample)
    came, quick = fastest_of_three(lossAndGradientBatched, sample)
    for name, expected, value in zip(("J", "du_w", "dVt", "dW"), right, came):
        expect(f"{name}, S=1000 n=5 M=50", expected, value)
    record_property("note", f"batched is {slow / quick:.0f} times as fast as cumulative")


def fastest_of_three(function, arguments):
    """The result of a function, and the seconds that the quickest of three calls takes."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        result = function(*arguments)
        seconds.append(time.perf_counter() - begun)
    return result, min(seconds)


# --- Task 6 -------------------------------------------------------------------------------------

def plain_sgd(visited, targets, U, V, W, q, S, alpha):
    """Minibatch SGD by loops, over contexts [c, c̄_1 … c̄_n] in the order in which they came."""
    for start in range(0, len(visited), S):
        batch = visited[start:start + S]
        dU, dV, dW = np.zeros(U.shape), np.zeros(V.shape), np.zeros(W.shape)
        for context in batch:
            w = targets[context[0]]
            u, Vt, b = U[w], V[context], q[context]
            dU[w] += derivative(lambda Z: loss(Z, Vt, W, b), u) / len(batch)
            for c, dv in zip(context, derivative(lambda Z: loss(u, Z, W, b), Vt)):
                dV[c] += dv / len(batch)
            dW += derivative(lambda Z: loss(u, Vt, Z, b), W) / len(batch)
        U, V, W = U - alpha * dU, V - alpha * dV, W - alpha * dW
    return U, V, W


@pytest.mark.task("6")
@pytest.mark.parametrize("S, epochs, as_list", [
    pytest.param(10, 1, False, id="S divides N"),
    pytest.param(7, 1, False, id="S does not divide N"),
    pytest.param(100, 1, False, id="S above N"),
    pytest.param(1, 1, False, id="S is 1"),
    pytest.param(7, 2, False, id="two epochs"),
    pytest.param(7, 2, True, id="a list of tuples")])
def test_6_stochasticGradientDescend(S, epochs, as_list):
    from grads import lossAndGradientCumulative
    from w2v_sgd import stochasticGradientDescend
    N, L, M, alpha = 30, 40, 4, 0.3
    rng = np.random.default_rng(6)
    U0, V0, W0, q = (rng.normal(scale=0.5, size=size) for size in ((L, M), (L, M), (M, M), L))
    targets = [c % 3 for c in range(N)]     # so words repeat in a batch, and c tells its pair
    data = [(targets[c], c) for c in range(N)]
    visited = []

    def context_function(c):
        visited.append([int(c), 30 + int(c) % 4, 35, 35])       # negatives repeat, too
        return visited[-1]

    came = stochasticGradientDescend(
        data if as_list else np.array(data), U0.copy(), V0.copy(), W0.copy(), context_function,
        lossAndGradientCumulative, q, S, epochs, alpha)

    expected = U0, V0, W0
    for epoch in range(epochs):
        contexts = visited[epoch * N:(epoch + 1) * N]
        words = sorted(context[0] for context in contexts)
        assert words == list(range(N)), f"epoch {epoch + 1}: expected each pair once, came {words}"
        expected = plain_sgd(contexts, targets, *expected, q, S, alpha)
    for name, right, result in zip("UVW", expected, came):
        expect(name, right, result)


# --- The report ---------------------------------------------------------------------------------

class Report:
    """Prints a line a check, below the heading of its task, in place of pytest's dots.

    task : run only the checks of this one
    """

    def __init__(self, task=None):
        self.task = task
        self.heading = None

    def pytest_collection_modifyitems(self, items):
        for item in items:
            marker = item.get_closest_marker("task")
            if marker:
                item.user_properties.append(("task", marker.args[0]))
        if self.task:
            items[:] = [item for item in items if ("task", self.task) in item.user_properties]

    def pytest_collectreport(self, report):
        if report.failed:
            last_line = str(report.longrepr).strip().splitlines()[-1]
            print(f"\n{report.nodeid} cannot be read: {last_line}")

    def pytest_report_teststatus(self, report):
        if report.when != "call" and not report.failed:
            return None
        file, _, name = report.nodeid.partition("::")
        properties = dict(report.user_properties)
        task = properties.get("task")
        heading = f"Task {task}: {TASKS[task]}" if task else file
        title = "" if heading == self.heading else f"\n{heading}\n"
        self.heading = heading

        note = reason(report) if report.failed else properties.get("note")
        name = name.removeprefix(f"test_{task}" if task else "test_").strip("_[]")
        line = f"  {name.replace('[', ', '):50} {report.outcome}" + (f": {note}" if note else "")
        return report.outcome, f"{title}{line}\n", line


def reason(report):
    """Say in a line why a check failed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else str(report.longrepr)).strip().split("\n")
    is_syntax_error = lines[0].lstrip().startswith("File ")
    line = lines[-1] if is_syntax_error else lines[0]
    return line.removeprefix("AssertionError: ").removeprefix("Failed: ")


def main(arguments):
    if len(arguments) > 1 or not set(arguments) <= set(TASKS):
        print(f"test.py: give one task of {', '.join(TASKS)}, or nothing for all tests",
              file=sys.stderr)
        return 2
    options = ["-q", "--no-header", "--no-summary", "-o", "console_output_style=classic",
               "--continue-on-collection-errors", __file__]
    if arguments:
        return pytest.main([*options, "--tb=no"], plugins=[Report(arguments[0])])

    tests = Path(__file__).resolve().parent / "tests"
    others = [str(tests)] if tests.is_dir() else []         # there are none in a student's copy
    return pytest.main([*options, *others, "--tb=short"], plugins=[Report()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
