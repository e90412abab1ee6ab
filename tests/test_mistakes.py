"""The wrong answers of solutions/mistakes.md, each at the point where it fails.

In each test, claim is what the wrong answer says there, and right is what it should say.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from grads import lossAndGradient, lossAndGradientBatched
from solutions import formulas as f
from solutions.word2vec_softmax import (
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    skipgram,
)

approx = pytest.approx


def σ(x):
    return 1 / (1 + np.exp(-x))


def nce(u, V, W, q):
    """Compute J with M = 1, V and q beginning with the context word."""
    scores = [v * W * u - b for v, b in zip(V, q)]
    return np.log(1 + np.exp(-scores[0])) + sum(np.log(1 + np.exp(score)) for score in scores[1:])


def naive(v, o, U):
    """Compute J of the naive softmax with M = 1."""
    return np.log(sum(np.exp(u * v) for u in U)) - U[o] * v


def negative(v, o, U, negatives):
    """Compute J of negative sampling with M = 1."""
    of_negatives = [np.log(1 + np.exp(U[w] * v)) for w in negatives]
    return np.log(1 + np.exp(-U[o] * v)) + sum(of_negatives)


def slope(function, x):
    """Compute the derivative by one number, by the complex step."""
    return function(x + 1e-30j).imag / 1e-30


class Only:
    """A dataset that draws one word only."""

    def __init__(self, word):
        self.word = word

    def sampleTokenIdx(self):
        return self.word


def test_1_lost_minus_sign():
    u, W, v_c, q = 1, 1, 0, [0, 0]
    claim = (1 - σ(v_c * W * u - q[0])) * W * u
    right = (σ(v_c * W * u - q[0]) - 1) * W * u
    assert claim == 0.5 and right == -0.5

    def J(v):
        return nce(u, [v, 0], W, q)

    assert slope(J, v_c) == approx(right)
    _, _, dVt, _ = lossAndGradient([u], [[v_c], [0]], [[W]], q)
    assert dVt[0, 0] == approx(right)
    assert J(v_c - 0.1 * claim) > J(v_c) > J(v_c - 0.1 * right)


@pytest.mark.parametrize("n", [1, 2])
def test_2_sum_over_the_negatives(n):
    u, W, v, q = 1, 1, n * [0], (n + 1) * [0]
    claim = sum(σ(v_j * W * u - q_j) * W * u for v_j, q_j in zip(v, q[1:]))
    right = σ(v[0] * W * u - q[1]) * W * u
    assert right == 0.5 and claim == (0.5 if n == 1 else 1)
    assert slope(lambda v_1: nce(u, [0, v_1, *v[1:]], W, q), v[0]) == approx(right)
    _, _, dVt, _ = lossAndGradient([u], np.zeros((n + 1, 1)), [[W]], q)
    assert dVt[1:, 0] == approx(n * [right])


def test_3_outside_vector_in_the_derivative_by_U():
    U, o, v = np.array([1., 1]), 0, 2
    ŷ, y = f.formula_a_1(U[None], np.array([v])), np.array([1, 0])
    assert ŷ.tolist() == [0.5, 0.5]

    claim, right = np.outer(U[o], ŷ - y), np.outer(v, ŷ - y)
    assert claim.tolist() == [[-0.5, 0.5]] and right.tolist() == [[-1, 1]]
    assert claim.shape == right.shape

    by_first = slope(lambda u: naive(v, o, [u, U[1]]), U[0])
    by_second = slope(lambda u: naive(v, o, [U[0], u]), U[1])
    assert [by_first, by_second] == approx(right[0])
    assert f.formula_d_1(np.array([v]), ŷ, y).tolist() == right.tolist()
    _, _, dU = naiveSoftmaxLossAndGradient([v], o, U[:, None], None)
    assert dU[:, 0] == approx(right[0])


def test_4_outside_vector_in_its_own_derivative():
    U, o, v = [0, 0], 0, 1
    ŷ_o = np.exp(-naive(v, o, U))
    claim, right = (ŷ_o - 1) * U[o], (ŷ_o - 1) * v
    assert claim == 0 and right == approx(-0.5)
    assert slope(lambda u: naive(v, o, [u, U[1]]), U[0]) == approx(right)
    _, _, dU = naiveSoftmaxLossAndGradient([v], o, [[0], [0]], None)
    assert dU[0, 0] == approx(right)
    assert f.formula_c_1(ŷ_o, v) == approx(right)

    # with negative sampling, and the other word as the negative
    claim, right = (σ(U[o] * v) - 1) * U[o], (σ(U[o] * v) - 1) * v
    assert claim == 0 and right == approx(-0.5)
    assert slope(lambda u: negative(v, o, [u, U[1]], [1]), U[0]) == approx(right)
    _, _, dU = negSamplingLossAndGradient([v], o, [[0], [0]], Only(1), K=1)
    assert dU[0, 0] == approx(right)
    assert f.formula_g_3(np.zeros(1), np.ones(1)) == approx(right)


def test_5_other_centre_vectors():
    U, V, c, o = np.array([-1., 1]), [0, 0], 0, 1
    claim = U @ (np.array([0.5, 0.5]) - np.array([0, 1]))
    assert claim == -1

    def J(V):
        return naive(V[c], o, U)

    assert slope(lambda v: J([v, V[1]]), 0) == approx(-1)
    assert slope(lambda v: J([V[0], v]) + 0j, 0) == 0
    assert J([0, 5]) == J([0, 0])
    _, dV, _ = skipgram("c", 1, ["o"], {"c": 0, "o": 1}, np.zeros((2, 1)), U[:, None], None)
    assert dV[:, 0] == approx([-1, 0])
    assert f.formula_i_4([-1], [1, 0]) == approx(dV.T)


def test_6_zero_of_the_derivative_by_the_centre_vector():
    U, o, v = np.array([[0., 1, -1]]), 0, 0
    ŷ, y = f.formula_a_1(U, np.array([v])), np.array([1, 0, 0])
    assert ŷ == approx(np.full(3, 1 / 3))
    assert np.linalg.matrix_rank(U) == min(U.shape) == 1

    assert U @ (ŷ - y) == approx(0, abs=1e-15)
    assert f.formula_b_3(U, ŷ, o) == approx(U[:, o])
    assert slope(lambda v: naive(v, o, U[0]), v) == approx(0, abs=1e-15)
    _, dv_c, _ = naiveSoftmaxLossAndGradient([v], o, U.T, None)
    assert dv_c == approx(0, abs=1e-15)

    # dependent columns are not enough: with o the second word it vanishes for no v
    slopes = [slope(lambda v: naive(v, 1, U[0]), v) for v in np.linspace(-20, 20, 81)]
    assert max(slopes) < 0


@pytest.mark.parametrize("k", [1, 2])
def test_7_sign_inside_sigma_for_negatives(k):
    U, o, v = [0, np.log(3)], 0, 1
    claim, right = k * (1 - σ(U[1] * v)) * v, k * σ(U[1] * v) * v
    assert claim == approx(k / 4) and right == approx(3 * k / 4)
    assert slope(lambda u: negative(v, o, [U[0], u], k * [1]), U[1]) == approx(right)
    assert f.formula_h_2(k, np.array([U[1]]), np.array([v])) == approx(right)
    _, _, dU = negSamplingLossAndGradient([v], o, [[U[0]], [U[1]]], Only(1), k)
    assert dU[1, 0] == approx(right)
    assert 1 - σ(0) == σ(0)


def test_8_gradients_of_the_mean():
    u, V, W, q, S = 1, [1, 0], 0, [0, 0], 2
    claim = S * slope(lambda W: nce(u, V, W, q), W)
    right = slope(lambda W: (nce(u, V, W, q) + nce(u, V, W, q)) / S, W)
    assert claim == approx(-1) and right == approx(-0.5)

    u_w, Vt, qs = np.full((S, 1), 1.), np.array(S * [[[1.], [0]]]), np.zeros((S, 2))
    J, _, _, dW = lossAndGradientBatched(u_w, Vt, [[W]], qs)
    assert dW[0, 0] == approx(right) and J == approx(nce(u, V, W, q))

    W = 1               # since W = 0 makes the other gradients 0
    _, du, dVt, _ = lossAndGradientBatched(u_w, Vt, [[W]], qs)
    by_u = slope(lambda u: nce(u, V, W, q) / S, u)
    by_v_c = slope(lambda v: nce(u, [v, 0], W, q) / S, V[0])
    assert du[:, 0] == approx(S * [by_u])
    assert dVt[:, 0, 0] == approx(S * [by_v_c])


def test_9_epsilon_inside_the_logarithm():
    x, ε = -100, 1e-10
    claim = -np.log(σ(x) + ε)
    assert claim == approx(23.03, abs=0.005)
    assert slope(lambda x: -np.log(σ(x) + ε), x) == approx(-3.7e-34, rel=0.01)

    J, _, dVt, _ = lossAndGradient([1], [[x]], [[1]], [0])      # n = 0 leaves the first term
    assert J == approx(100, rel=1e-15)
    assert dVt[0, 0] == approx(-1, rel=1e-15)
    assert slope(lambda x: np.log(1 + np.exp(-x)), x) == approx(-1, rel=1e-12)
    assert max(-x, 0) + np.log1p(np.exp(-abs(x))) == J


def test_each_mistake_has_its_test():
    text = (Path(f.__file__).parent / "mistakes.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (\d)\.", text, re.M)
    named = re.findall(r"^- Test: `(test_(\d)_\w+)`$", text, re.M)
    assert headings == [number for _, number in named] == list("123456789")
    tests = [name for name in globals() if re.match(r"test_\d", name)]
    assert [name for name, _ in named] == tests
