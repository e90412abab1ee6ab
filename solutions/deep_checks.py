"""Deeper checks of tasks 3–6 than those of test.py, for grading; each failure says what is wrong in a line.

They run on the modules sampling, grads and w2v_sgd that are imported: python -m pytest -q solutions/deep_checks.py
"""

import time

import numpy as np
import pytest
from scipy.stats import chisquare


def expect(what, expected, came, hints=None, tolerance=1e-9):
    """Fail unless came is expected; where it equals one of the hints, values that a known mistake gives, name that."""
    try:
        came = np.asarray(came, dtype=float)
    except (TypeError, ValueError):
        pytest.fail(f"{what}: expected numbers, came {str(came)[:60]}", pytrace=False)
    expected = np.asarray(expected, dtype=float)
    if came.shape != expected.shape:
        pytest.fail(f"{what}: expected the shape {expected.shape}, came {came.shape}", pytrace=False)

    def alike(value, tolerance=tolerance):
        value = np.asarray(value)
        return value.shape == came.shape and np.allclose(came, value, tolerance, tolerance)
    if alike(expected):
        return
    if not np.isfinite(came).all():
        pytest.fail(f"{what}: expected finite numbers, came {came[~np.isfinite(came)][0]}", pytrace=False)
    hints = {**(hints or {}), "has the wrong sign": -expected, "is transposed": expected.T}
    for mistake, value in hints.items():
        if alike(value):
            pytest.fail(f"{what} {mistake}", pytrace=False)
    if alike(expected, 1e-4):
        pytest.fail(f"{what} is right to some digits only, as if computed in float32", pytrace=False)
    place = np.unravel_index(np.argmax(np.abs(came - expected)), came.shape)
    where = f"{what}{list(map(int, place)) if place else ''}"
    pytest.fail(f"{where}: expected {expected[place]:.9g}, came {came[place]:.9g}", pytrace=False)


# --- Task 3 -------------------------------------------------------------------------------------------------------

FREQS = [90000, 4001, 1200, 350, 350, 77, 20, 9, 5, 4, 3, 2, 1, 1]
COUNTS = np.round(np.array(FREQS) ** 0.75)


@pytest.mark.parametrize("freqs", [FREQS, np.array(FREQS), [1], list(range(1, 300))], ids=len)
def test_3_sequence(freqs):
    from sampling import createSamplingSequence
    seq = np.asarray(createSamplingSequence(freqs))
    exact = np.asarray(freqs) ** 0.75
    expect("how often each word is in the sequence", np.round(exact), np.bincount(seq, minlength=len(freqs)),
           {"is rounded down": np.floor(exact), "is the frequency, without the power 0.75": freqs})


@pytest.mark.parametrize("n", [1, 5, 20])
def test_3_noise(n):
    from sampling import noiseDistribution
    q, exact = COUNTS / COUNTS.sum(), np.array(FREQS) ** 0.75
    expect(f"noiseDistribution(…, {n})", np.log(n * q), noiseDistribution(FREQS, n),
           {"lacks the factor n": np.log(q), "is n·q[c], not its logarithm": n * q,
            "lacks the rounding of f^0.75": np.log(n * exact / exact.sum()),
            "lacks the power 0.75": np.log(n * np.array(FREQS) / sum(FREQS))})


@pytest.mark.parametrize("c", [0, 2, 12])
def test_3_negatives(c):
    from sampling import createSamplingSequence, sampleContext
    seq, n, calls = createSamplingSequence(FREQS), 5, 1500
    contexts = np.array([list(sampleContext(c, seq, n)) for _ in range(calls)])
    assert contexts.shape == (calls, n + 1), f"expected {n + 1} words, came {contexts.shape[1:]}"
    assert (contexts[:, 0] == c).all(), "the first word is not the context word"
    assert not (contexts[:, 1:] == c).any(), "a negative equals the context word"
    others = np.arange(len(FREQS)) != c
    # The first one, which is distributed alike if the negatives must be different.
    drawn = np.bincount(contexts[:, 1], minlength=len(FREQS))[others]
    expected = COUNTS[others] * drawn.sum() / COUNTS[others].sum()
    rare = expected < 10            # together, since χ² holds for larger numbers only
    drawn, expected = (np.append(X[~rare], X[rare].sum()) for X in (drawn, expected))
    p = chisquare(drawn, expected).pvalue
    assert p >= 1e-9, f"the negatives do not follow q: a χ² test gives p = {p:.1g}"


def test_3_a_sequence_of_almost_one_word():
    from sampling import sampleContext
    assert list(sampleContext(7, [7] * 200 + [3], 1)) == [7, 3], "expected the context word and 3"


# --- Tasks 4 and 5 ------------------------------------------------------------------------------------------------

def loss(u_w, Vt, W, q):
    """Mean J of S×… arguments by the assignment's formula, complex ones included."""
    x = np.einsum("skm,mt,st->sk", Vt, W, u_w) - q
    x[:, 0] *= -1
    return np.sum(np.where(x.real > 0, x, 0) + np.log1p(np.exp(np.where(x.real > 0, -x, x)))) / len(u_w)


def gradients(*sample):
    """J and its complex-step derivatives by u_w, Vt and W, of S×… arguments in float64."""
    came = [loss(*sample)]
    for i in range(3):
        gradient = np.empty(sample[i].shape)
        for place in np.ndindex(gradient.shape):
            shifted = [X.astype(complex) if i == j else X for j, X in enumerate(sample)]
            shifted[i][place] += 1e-30j
            gradient[place] = loss(*shifted).imag / 1e-30
        came.append(gradient)
    return came


def observations(S, n, M, score=1.):
    """Random u_w, Vt, W, q whose scores are about that size; two observations have the same target word."""
    rng = np.random.default_rng([S, n, M])
    u_w, Vt, W, q = (rng.normal(size=shape) for shape in ((S, M), (S, n + 1, M), (M, M), (S, n + 1)))
    u_w[-1] = u_w[0]
    return u_w * score / M, Vt, W, q


def first(sample):
    return [X if X.ndim == 2 and i == 2 else X[0] for i, X in enumerate(sample)]


SHAPES = pytest.mark.parametrize("n, M", [(1, 1), (5, 1), (1, 3), (5, 3), (20, 7), (5, 20)])
BATCHES = pytest.mark.parametrize("function", ["lossAndGradientCumulative", "lossAndGradientBatched"])
NAMES = "J", "du_w", "dVt", "dW"


@SHAPES
def test_4_gradients(n, M):
    from grads import lossAndGradient
    sample = observations(1, n, M)
    J, du_w, dVt, dW = gradients(*sample)
    for name, right, came in zip(NAMES, (J, du_w[0], dVt[0], dW), lossAndGradient(*first(sample))):
        expect(name, right, came)


def test_4_float32():
    from grads import lossAndGradient
    sample = observations(1, 5, 7)
    J, du_w, dVt, dW = gradients(*sample)
    came = lossAndGradient(*first([X.astype(np.float32) for X in sample]))
    for name, right, value in zip(NAMES, (J, du_w[0], dVt[0], dW), came):
        expect(f"{name} of float32 arguments", right, value, tolerance=1e-4)


@pytest.mark.parametrize("score", [1e3, 1e4])
def test_4_large_scores(score):
    from grads import lossAndGradient
    u_w, W, q = np.array([score, 0.]), np.eye(2), np.zeros(4)
    Vt = np.array([[-1., 0.5], [1., 0.5], [-1., 0.5], [0., 0.5]])       # wrong, wrong, right, undecided
    g = np.array([-1, 1, 0, 0.5])
    right = 2 * score + np.log(2), g @ Vt, np.outer(g, u_w), np.outer(g @ Vt, u_w)
    for name, value, came in zip(NAMES, right, lossAndGradient(u_w, Vt, W, q)):
        expect(f"{name} with scores of ±{score:.0e}", value, came)


@BATCHES
@pytest.mark.parametrize("S, n, M", [(1, 5, 3), (2, 1, 1), (3, 5, 3), (10, 20, 3), (4, 5, 12)])
def test_5_gradients(function, S, n, M):
    import grads
    sample = observations(S, n, M)
    for name, right, came in zip(NAMES, gradients(*sample), getattr(grads, function)(*sample)):
        expect(f"{name} of {function}", right, came, {"is not divided by S": np.multiply(S, right)} if S > 1 else {})


@BATCHES
def test_5_float32(function):
    import grads
    sample = observations(3, 5, 3)
    came = getattr(grads, function)(*[X.astype(np.float32) for X in sample])
    for name, right, value in zip(NAMES, gradients(*sample), came):
        expect(f"{name} of {function}, of float32 arguments", right, value, tolerance=1e-4)


@BATCHES
@pytest.mark.parametrize("score", [1e3, 1e4])
def test_5_large_scores(function, score):
    import grads
    u_w, W, q = np.array([[score], [-score]]), np.eye(1), np.zeros((2, 2))
    Vt = np.array([[[-1.], [1.]], [[-1.], [1.]]])       # both wrong, both right
    g = np.array([[-1, 1], [0, 0]]) / 2
    right = score, [[1.], [0.]], g[:, :, None] * u_w[:, None], [[score]]
    for name, value, came in zip(NAMES, right, getattr(grads, function)(u_w, Vt, W, q)):
        expect(f"{name} of {function} with scores of ±{score:.0e}", value, came)


def seconds(function, arguments, repeat):
    """Wall time of one call, from several; the functions of a sandbox measure themselves."""
    if hasattr(function, "seconds"):
        return function.seconds(*arguments, repeat=repeat)
    begun = time.perf_counter()
    for _ in range(repeat):
        function(*arguments)
    return (time.perf_counter() - begun) / repeat


def best_of_three(ratio, enough):
    best = 0.
    for _ in range(3):
        best = max(best, ratio())
        if best > enough:
            break
    return best


def test_5_batched_is_faster_than_cumulative():
    from grads import lossAndGradientBatched, lossAndGradientCumulative
    sample = observations(500, 5, 10)
    best = best_of_three(lambda: seconds(lossAndGradientCumulative, sample, 1)
                         / seconds(lossAndGradientBatched, sample, 3), 2)
    assert best > 2, f"batched is only {best:.1f} times as fast as cumulative, expected more than 2 times"


def test_5_batched_has_no_loop_over_the_batch():
    from grads import lossAndGradientBatched
    small, large = observations(20, 1, 2), observations(2000, 1, 2)
    best = best_of_three(lambda: 100 * seconds(lossAndGradientBatched, small, 20)
                         / seconds(lossAndGradientBatched, large, 3), 1.7)
    assert best > 1.7, f"a batch 100 times as large takes {100 / best:.0f} times as long: there is a loop over S"


# --- Task 6 -------------------------------------------------------------------------------------------------------

L, M, N, N_NEGATIVES = 40, 4, 30, 3
TARGET = [c % 3 for c in range(N)]      # so that words repeat in a batch, and a context word tells its pair


def quadratic(u_w, Vt, W, q):
    """A loss whose gradients are easy, in place of J: the mean of |u_w|²/2 + |Vt|²/2 + q·Σ Vt + |W|²/2."""
    S = len(u_w)
    J = np.sum(u_w ** 2) / 2 + np.sum(Vt ** 2) / 2 + np.sum(q * Vt.sum(axis=2)) + S * np.sum(W ** 2) / 2
    return J / S, u_w / S, (Vt + q[:, :, None]) / S, W


def sgd(visited, U, V, W, q_noise, S, alpha, lost=False):
    """Plain SGD over the contexts in the order they were asked for; lost forgets gradients of repeated words."""
    U, V, W = U.copy(), V.copy(), W.copy()
    for start in (first for epoch in range(0, len(visited), N) for first in range(epoch, epoch + N, S)):
        context = np.array(visited[start:min(start + S, (start // N + 1) * N)])
        w = np.array([TARGET[c] for c in context[:, 0]])
        _, du_w, dVt, dW = quadratic(U[w], V[context], W, q_noise[context])
        for X, index, dX in (U, w, du_w), (V, context, dVt):
            if lost:
                X[index] -= alpha * dX
            else:
                np.subtract.at(X, index, alpha * dX)
        W = W - alpha * dW
    return U, V, W


@pytest.mark.parametrize("S, epochs", [(1, 1), (10, 1), (7, 1), (30, 1), (31, 1), (10, 3), (7, 2), (100, 2)])
@pytest.mark.parametrize("as_list", [True, False])
def test_6_sgd(S, epochs, as_list):
    from w2v_sgd import stochasticGradientDescend
    rng = np.random.default_rng([S, epochs])
    start = [rng.normal(size=shape) for shape in ((L, M), (L, M), (M, M))]
    q_noise, alpha, data, visited, shapes = rng.normal(size=L), 0.3, [(TARGET[c], c) for c in range(N)], [], []

    def context_function(c):
        visited.append([int(c), 30 + int(c) % 5, 36, 36])           # negatives repeat, too
        return visited[-1]

    def loss_function(u_w, Vt, W, q):
        shapes.append((np.shape(u_w), np.shape(Vt), np.shape(W), np.shape(q)))
        return quadratic(*map(np.asarray, (u_w, Vt, W, q)))

    came = stochasticGradientDescend(data if as_list else np.array(data), *(X.copy() for X in start), context_function,
                                     loss_function, q_noise, S, epochs, alpha)
    assert len(visited) == epochs * N, f"{epochs} epochs of {N} pairs ask for {epochs * N} contexts, not {len(visited)}"
    for epoch in range(epochs):
        seen = sorted(context[0] for context in visited[epoch * N:(epoch + 1) * N])
        assert seen == list(range(N)), f"epoch {epoch + 1} does not go through each pair once"
    sizes = [min(S, N - first) for first in range(0, N, S)] * epochs
    assert [shape[0][0] for shape in shapes] == sizes, f"batches of {[shape[0][0] for shape in shapes]}, not {sizes}"
    k = 1 + N_NEGATIVES
    assert shapes[0] == ((sizes[0], M), (sizes[0], k, M), (M, M), (sizes[0], k)), f"u_w, Vt, W, q have {shapes[0]}"
    right = sgd(visited, *start, q_noise, S, alpha)
    mistakes = {"lost gradients of words that are repeated in a batch": sgd(visited, *start, q_noise, S, alpha, True),
                "was never changed": start,
                "moved by α/S times the gradient: it is a mean already": sgd(visited, *start, q_noise, S, alpha / S)}
    for i, name in enumerate("UVW"):
        expect(name, right[i], came[i], {mistake: values[i] for mistake, values in mistakes.items()})


def test_6_step_size_and_one_batch():
    from w2v_sgd import stochasticGradientDescend
    start = [np.ones(shape) for shape in ((3, 2), (3, 2), (2, 2))]
    for alpha in 1., 0.25:
        U, V, W = stochasticGradientDescend([(0, 1)], *(X.copy() for X in start), lambda c: [c, 2, 2], quadratic,
                                            np.array([0., 1., 0.]), 1000, 1, alpha)
        rest = 1 - alpha
        expect(f"U after a step with α = {alpha}", [[rest, rest], [1, 1], [1, 1]], U)
        expect(f"V after a step with α = {alpha}", [[1, 1], [1 - 2 * alpha] * 2, [1 - 2 * alpha] * 2], V)
        expect(f"W after a step with α = {alpha}", np.full((2, 2), rest), W)
