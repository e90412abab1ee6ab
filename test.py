"""The assignment's checks: python test.py 3 (or 4, 5, 6); python test.py runs them all and those of tests/."""

import math
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # as in run.py

import numpy as np
import pytest

TASKS = {"3": "sampling.py", "4": "grads.py, one observation", "5": "grads.py, a batch", "6": "w2v_sgd.py"}


def expect(what, expected, came, tolerance=1e-10):
    """Fail with what was expected and what came, unless they are alike in shape and value."""
    expected, came = np.asarray(expected), np.asarray(came)
    assert expected.shape == came.shape, f"{what}: expected the shape {expected.shape}, came {came.shape}"
    wrong = ~np.isclose(came, expected, rtol=tolerance, atol=tolerance)
    if wrong.any():
        at = tuple(map(int, np.argwhere(wrong)[0]))
        where = f"{what}{list(at) if at else ''}"
        pytest.fail(f"{where}: expected {expected[at]:.12g}, came {came[at]:.12g}", pytrace=False)


# --- what the checks compare with; none of it uses the modules under test -----------------------------------------

def noise_count(f):
    """round(f^0.75) in integers: the k for which (2k-1)⁴ < 16·f³ < (2k+1)⁴."""
    k = math.isqrt(math.isqrt(f ** 3))
    return k + ((2 * k + 1) ** 4 < 16 * f ** 3)


def loss(u_w, Vt, W, q):
    """J of one observation, written as the assignment does; also for complex arguments."""
    J = 0
    for j in range(len(q)):
        score = sum(Vt[j, a] * W[a, b] * u_w[b] for a in range(len(u_w)) for b in range(len(u_w))) - q[j]
        J = J + np.log(1 + np.exp(-score if j == 0 else score))
    return J


def derivative(function, X):
    """∂function/∂X by the complex step: Im f(x + ih)/h, exact to rounding since nothing is subtracted."""
    gradient = np.empty(X.shape)
    for place in np.ndindex(X.shape):
        Z = X.astype(complex)
        Z[place] += 1e-30j
        gradient[place] = function(Z).imag / 1e-30
    return gradient


def observations(seed, *shape, n, M):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size) for size in ((*shape, M), (*shape, n + 1, M), (M, M), (*shape, n + 1))]


def expect_gradients(u_w, Vt, W, q, came, label, S=1):
    """Compare J, du_w, dVt, dW with the loss above and its complex-step derivatives."""
    J, du_w, dVt, dW = came
    single = u_w.ndim == 1
    rows = [(u_w, Vt, q)] if single else list(zip(u_w, Vt, q))
    shaped = (lambda parts: np.array(parts)[0]) if single else np.array
    expect(f"J, {label}", sum(loss(u, V, W, b) for u, V, b in rows) / S, J)
    expect(f"du_w, {label}", shaped([derivative(lambda Z: loss(Z, V, W, b), u) / S for u, V, b in rows]), du_w)
    expect(f"dVt, {label}", shaped([derivative(lambda Z: loss(u, Z, W, b), V) / S for u, V, b in rows]), dVt)
    expect(f"dW, {label}", sum(derivative(lambda Z: loss(u, V, Z, b), W) / S for u, V, b in rows), dW)


# --- Task 3 -------------------------------------------------------------------------------------------------------

ZIPF = [10 ** 6 // rank + 1 for rank in range(1, 20001)]


def test_3_createSamplingSequence():
    from sampling import createSamplingSequence
    seq = createSamplingSequence(ZIPF)
    counts = Counter(map(int, seq))
    expect("the length of the sequence", sum(map(noise_count, ZIPF)), len(seq))
    expect("how often the words occur", list(map(noise_count, ZIPF)), [counts[i] for i in range(len(ZIPF))])
    assert 0 <= random.choice(seq) < len(ZIPF), "random.choice does not give a word index"


def test_3_noiseDistribution():
    from sampling import noiseDistribution
    total = sum(map(noise_count, ZIPF))
    for n in 1, 5:
        expect(f"log({n}·q[c])", [math.log(n * noise_count(f) / total) for f in ZIPF], noiseDistribution(ZIPF, n))


def test_3_sampleContext():
    from sampling import createSamplingSequence, sampleContext
    freqs = [50, 20, 10, 5, 1]
    seq = createSamplingSequence(freqs)
    assert len(sampleContext(3, seq, 7)) == 8, f"7 negatives: expected 8 words, came {len(sampleContext(3, seq, 7))}"
    drawn, n = Counter(), 100
    for _ in range(1000):
        context = [int(word) for word in sampleContext(0, seq, n)]
        assert context[0] == 0, f"expected the context word 0 first, came {context[0]}"
        assert 0 not in context[1:], "a negative equals the context word"
        drawn.update(context[1:])
    share = np.array([noise_count(f) for f in freqs[1:]], dtype=float)
    share *= 1000 * n / share.sum()
    chi2 = sum((drawn[i + 1] - share[i]) ** 2 / share[i] for i in range(4))
    # 40 is passed by chance once in 10⁸ runs
    assert chi2 < 40, f"negatives 1 to 4: expected about {share.round()} draws, came {[drawn[i] for i in range(1, 5)]}"


# --- Tasks 4 and 5 ------------------------------------------------------------------------------------------------

def test_4_lossAndGradient():
    from grads import lossAndGradient
    for n, M in (1, 1), (1, 3), (5, 4), (20, 3), (5, 20):
        sample = observations(4, n=n, M=M)
        sample[0] /= M
        expect_gradients(*sample, lossAndGradient(*sample), f"n={n} M={M}")


@pytest.mark.parametrize("function", ["lossAndGradientCumulative", "lossAndGradientBatched"])
def test_5(function):
    import grads
    for S, n, M in (1, 5, 3), (4, 1, 3), (7, 5, 4):
        sample = observations(5, S, n=n, M=M)
        expect_gradients(*sample, getattr(grads, function)(*sample), f"S={S} n={n} M={M}", S)


def test_5_batched_beside_cumulative(record_property):
    from grads import lossAndGradientBatched, lossAndGradientCumulative
    sample = observations(6, 1000, n=5, M=50)
    functions = lossAndGradientBatched, lossAndGradientCumulative
    seconds, right = ([], []), lossAndGradientCumulative(*sample)
    for _ in range(3):
        for function, times in zip(functions, seconds):
            begun = time.perf_counter()
            function(*sample)
            times.append(time.perf_counter() - begun)
    for name, came, expected in zip(("J", "du_w", "dVt", "dW"), lossAndGradientBatched(*sample), right):
        expect(f"{name}, S=1000 n=5 M=50", expected, came)
    batched, cumulative = map(min, seconds)
    record_property("note", f"batched is {cumulative / batched:.0f} times as fast as cumulative")


# --- Task 6 -------------------------------------------------------------------------------------------------------

def plain_sgd(visited, targets, U, V, W, q, S, alpha):
    """Minibatch SGD by loops, over the contexts [c, c̄_1 … c̄_n] in the order in which they were visited."""
    U, V, W = U.copy(), V.copy(), W.copy()
    for start in range(0, len(visited), S):
        batch = visited[start:start + S]
        dU, dV, dW = np.zeros(U.shape), np.zeros(V.shape), np.zeros(W.shape)
        for context in batch:
            u, Vt, b = U[targets[context[0]]], V[context], q[context]
            dU[targets[context[0]]] += derivative(lambda Z: loss(Z, Vt, W, b), u) / len(batch)
            for c, dv in zip(context, derivative(lambda Z: loss(u, Z, W, b), Vt)):
                dV[c] += dv / len(batch)
            dW += derivative(lambda Z: loss(u, Vt, Z, b), W) / len(batch)
        U, V, W = U - alpha * dU, V - alpha * dV, W - alpha * dW
    return U, V, W


@pytest.mark.parametrize("S, epochs, as_list", [
    pytest.param(10, 1, False, id="S divides N"), pytest.param(7, 1, False, id="S does not divide N"),
    pytest.param(100, 1, False, id="S above N"), pytest.param(1, 1, False, id="S is 1"),
    pytest.param(7, 2, False, id="two epochs"), pytest.param(7, 2, True, id="a list of tuples")])
def test_6_stochasticGradientDescend(S, epochs, as_list):
    from grads import lossAndGradientCumulative
    from w2v_sgd import stochasticGradientDescend
    N, L, M = 30, 40, 4
    rng = np.random.default_rng(6)
    U0, V0, W0, q = (rng.normal(scale=0.5, size=size) for size in ((L, M), (L, M), (M, M), L))
    targets = [c % 3 for c in range(N)]     # so words repeat in a batch, and a context word tells its pair
    data = [(targets[c], c) for c in range(N)]
    visited = []

    def context_function(c):
        visited.append([int(c), 30 + int(c) % 4, 35, 35])       # negatives repeat, too
        return visited[-1]

    came = stochasticGradientDescend(data if as_list else np.array(data), U0.copy(), V0.copy(), W0.copy(),
                                     context_function, lossAndGradientCumulative, q, S, epochs, 0.3)
    for epoch in range(epochs):
        words = sorted(context[0] for context in visited[epoch * N:(epoch + 1) * N])
        assert words == list(range(N)), f"epoch {epoch + 1}: expected each pair once, came {words}"
    expected = U0, V0, W0
    for epoch in range(epochs):
        expected = plain_sgd(visited[epoch * N:(epoch + 1) * N], targets, *expected, q, S, 0.3)
    for name, right, result in zip("UVW", expected, came):
        expect(name, right, result)


# --- The report ---------------------------------------------------------------------------------------------------

class Lines:
    """A line a check, in place of pytest's dots."""

    def __init__(self):
        self.heading = None

    def pytest_collectreport(self, report):
        if report.failed:
            print(f"\n{report.nodeid} cannot be read: {str(report.longrepr).strip().splitlines()[-1]}")

    def pytest_report_teststatus(self, report):
        if report.when != "call" and not report.failed:
            return None
        file, _, name = report.nodeid.partition("::")
        heading = f"Task {name[5]}: {TASKS[name[5]]}" if file == "test.py" else file
        title = "" if heading == self.heading else f"\n{heading}\n"
        self.heading = heading
        note = "; ".join(str(value) for key, value in report.user_properties if key == "note")
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            lines = (crash.message if crash else str(report.longrepr)).strip().split("\n")
            note = lines[-1 if lines[0].lstrip().startswith("File ") else 0]        # of a SyntaxError the last line
            note = note.removeprefix("AssertionError: ").removeprefix("Failed: ")
        name = name.removeprefix(f"test_{name[5]}" if file == "test.py" else "test_").strip("_[]").replace("[", ", ")
        line = f"  {name:50} {report.outcome}{note and ': '}{note}"
        return report.outcome, f"{title}{line}\n", line


def main(arguments):
    root = Path(__file__).resolve().parent
    if len(arguments) > 1 or not set(arguments) <= set(TASKS):
        print(f"test.py: give one task of {', '.join(TASKS)}, or nothing for all tests", file=sys.stderr)
        return 2
    tests = [str(folder) for folder in [root / "tests"] if folder.is_dir()]         # not in the homework as handed out
    chosen = ["-k", f"test_{arguments[0]}", "--tb=no"] if arguments else [*tests, "--tb=short"]
    return pytest.main(["-q", "--no-header", "--no-summary", "-o", "console_output_style=classic",
                        "--continue-on-collection-errors", __file__, *chosen],
                       plugins=[Lines()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
