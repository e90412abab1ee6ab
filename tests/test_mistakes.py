"""The wrong answers of solutions/mistakes.md, each at the point where it fails.

In each test, claim is what the wrong answer says there, and right is what it should say.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from grads import lossAndGradient, lossAndGradientBatched
from solutions import formulas as f
from solutions.word2vec_softmax import (
    getNegativeSamples,
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    skipgram,
)
from test import derivative
from w2v_sgd import stochasticGradientDescend

approx = pytest.approx


def σ(x):
    return 1 / (1 + np.exp(-x))


def nce(u, V, W, q):
    """Compute J, with M = 1 or more; V and q begin with the context word."""
    scores = [np.dot(np.dot(v, W), u) - b for v, b in zip(V, q)]
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


class Drawing:
    """A dataset that draws these words again and again."""

    def __init__(self, *words):
        self.words = itertools.cycle(words)

    def sampleTokenIdx(self):
        return next(self.words)


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


def test_3_minus_that_misses_the_negatives():
    u, W, V, q = 1, 1, [0, 0], [0, 0]
    right = σ(V[1] * W * u - q[1]) * W * u
    claim = -slope(lambda v: np.log(σ(V[0] * W * u - q[0])) - np.log(σ(q[1] - v * W * u)), V[1])
    assert claim == approx(-0.5) and right == 0.5
    assert slope(lambda v: nce(u, [V[0], v], W, q), V[1]) == approx(right)
    _, _, dVt, _ = lossAndGradient([u], np.zeros((2, 1)), [[W]], q)
    assert dVt[1, 0] == approx(right)


def test_4_two_signs_in_one_chain():
    u, W, V, q = 1, 0, np.array([1, 0]), [0, 0]
    δ = np.array([1, 0])
    by_scores = σ(V * W * u - q) - δ
    assert by_scores.tolist() == [-0.5, 0.5]
    claim, right = V @ -by_scores * u, V @ by_scores * u
    assert claim == 0.5 and right == -0.5

    assert slope(lambda W: nce(u, V, W, q), W) == approx(right)
    _, _, _, dW = lossAndGradient([u], V[:, None], [[W]], q)
    assert dW[0, 0] == approx(right)


def test_5_one_row_of_V_for_all_words():
    u, W, V, q = 1, 0, [1, 0], [0, 0]
    by_g1, by_g2 = -σ(-(V[0] * W * u - q[0])), -σ(-(q[1] - V[1] * W * u))
    claim = by_g1 * V[0] * u + by_g2 * -(V[0] * u)
    right = by_g1 * V[0] * u + by_g2 * -(V[1] * u)
    assert claim == 0 and right == -0.5
    assert slope(lambda W: q[1] - V[1] * W * u + 0j, W) == 0
    assert slope(lambda W: nce(u, V, W, q), W) == approx(right)
    _, _, _, dW = lossAndGradient([u], np.array(V)[:, None], [[W]], q)
    assert dW[0, 0] == approx(right)


def test_6_outside_vector_in_the_derivative_of_U():
    U, o, v = np.array([1., 1]), 0, 2
    ŷ, y = f.formula_a_1(U[None], np.array([v])), np.array([1, 0])
    assert ŷ.tolist() == [0.5, 0.5]

    claim, right = v * ŷ - U[o] * y, v * (ŷ - y)
    assert claim.tolist() == [0, 1] and right.tolist() == [-1, 1]
    by_first = slope(lambda u: naive(v, o, [u, U[1]]), U[0])
    by_second = slope(lambda u: naive(v, o, [U[0], u]), U[1])
    assert [by_first, by_second] == approx(right)
    _, _, dU = naiveSoftmaxLossAndGradient([v], o, U[:, None], None)
    assert dU[:, 0] == approx(right)

    # two coordinates and three words: the shapes do not fit
    with pytest.raises(ValueError):
        np.ones((2, 1)) @ np.ones((3, 1))


def test_7_outside_vector_in_its_own_derivative():
    U, o, v = [0, 0], 0, 1
    ŷ_o = np.exp(-naive(v, o, U))
    claim, right = -(U[o] - ŷ_o * v), (ŷ_o - 1) * v
    assert claim == approx(0.5) and right == approx(-0.5)
    assert slope(lambda u: naive(v, o, [u, U[1]]), U[0]) == approx(right)
    _, _, dU = naiveSoftmaxLossAndGradient([v], o, [[0], [0]], None)
    assert dU[0, 0] == approx(right)


def test_8_numerator_of_the_outside_word():
    U, o, v = np.array([np.log(3), 0]), 0, 1
    powers = np.exp(U * v)
    claim, right = powers[o] / sum(powers) * v, powers[1] / sum(powers) * v
    assert claim == approx(0.75) and right == approx(0.25)
    assert slope(lambda u: naive(v, o, [U[0], u]), U[1]) == approx(right)
    _, _, dU = naiveSoftmaxLossAndGradient([v], o, U[:, None], None)
    assert dU[1, 0] == approx(right)


def test_9_sum_index_as_free_index():
    U, v = np.array([0., 0]), 1
    powers = np.exp(U * v)
    claim, right = sum(powers) * v / sum(powers), powers[0] * v / sum(powers)
    assert claim == 1 and right == 0.5
    assert slope(lambda u: np.log(np.exp(u * v) + np.exp(U[1] * v)), U[0]) == approx(right)


def test_10_y_at_the_centre_word():
    U, c, o, v = np.array([-1., 1]), 0, 1, 0
    ŷ = f.formula_a_1(U[None], np.array([v]))
    claim, right = U @ (ŷ - np.eye(2)[c]), U @ (ŷ - np.eye(2)[o])
    assert claim == 1 and right == -1
    assert slope(lambda v: naive(v, o, U), v) == approx(right)
    _, dv_c, _ = naiveSoftmaxLossAndGradient([v], o, U[:, None], None)
    assert dv_c == approx(right)


def test_11_other_centre_vectors():
    U, V, c, o = np.array([-1., 1]), np.array([1., 0]), 0, 1
    y = np.eye(2)[o]
    ŷ = f.formula_a_1(U[None], V[[c]])
    assert ŷ == approx([0.119, 0.881], abs=5e-4)
    claim = V[c] * (ŷ - y) @ y
    assert claim == approx(-0.119, abs=5e-4)
    assert 0 * (f.formula_a_1(U[None], np.zeros(1)) - y) @ y == 0       # at V = (0, 0)

    def J(V):
        return naive(V[c], o, U)

    assert slope(lambda v: J([V[0], v]) + 0j, V[1]) == 0
    assert J([1, 5]) == J([1, 0])
    _, dV, _ = skipgram("c", 1, ["o"], {"c": 0, "o": 1}, V[:, None], U[:, None], None)
    assert dV[:, 0] == approx([slope(lambda v: J([v, V[1]]), V[0]), 0])


def test_12_zero_of_the_derivative_by_the_centre_vector():
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


def test_13_roles_of_the_two_terms():
    U, o, v, α = np.array([1., 3]), 1, 0, 0.1
    ŷ, y = f.formula_a_1(U[None], np.array([v])), np.eye(2)[o]
    assert U @ ŷ == 2 and U @ y == U[o] == 3
    claim, right = v + α * (U @ ŷ) - α * (U @ y), v - α * (U @ ŷ) + α * (U @ y)
    assert claim == approx(-α) and right == approx(α)
    assert naive(claim, o, U) > naive(v, o, U) > naive(right, o, U)

    # Each term by itself: the score expected falls, and that of o rises.
    assert (v - α * (U @ ŷ)) * (U @ ŷ) < 0 < (v + α * (U @ y)) * U[o]
    assert slope(lambda v: naive(v, o, U), v) == approx(U @ ŷ - U @ y)


def test_14_convex_in_the_centre_vector():
    U, o = np.array([0., 1, -1]), 0
    v = np.linspace(-10, 10, 201)
    losses = [naive(x, o, U) for x in v]
    assert v[np.argmin(losses)] == approx(0) and min(losses) == approx(np.log(3))
    assert np.all(np.diff(losses)[:100] < 0) and np.all(np.diff(losses)[100:] > 0)

    def curvature(x):
        """The variance of the columns of U under ŷ."""
        ŷ = f.formula_a_1(U[None], np.array([x]))
        return ŷ @ U ** 2 - (ŷ @ U) ** 2

    assert curvature(0) == approx(2 / 3)
    h = 1e-4
    for x in v[::10]:
        slopes = [slope(lambda z: naive(z, o, U), x + step) for step in (-h, h)]
        assert curvature(x) == approx((slopes[1] - slopes[0]) / (2 * h), rel=1e-4)
        assert curvature(x) > 0


def normalised(x):
    return np.array(x) / np.linalg.norm(x)


def test_15_collinear_with_a_negative_factor():
    x, y = [1.], [-2.]
    assert normalised(x) == 1 and normalised(y) == -1
    assert normalised(x) == normalised([2.])        # with a positive factor they do become equal


def test_16_independent_vectors_lose_their_lengths():
    x, y = [1, 0], [3, 0.1]
    assert np.linalg.matrix_rank([x, y]) == 2
    assert np.linalg.norm(y) == approx(3.002, abs=5e-4)
    assert np.linalg.norm(np.subtract(y, x)) == approx(2.002, abs=5e-4)
    assert np.linalg.norm(normalised(y) - normalised(x)) == approx(0.033, abs=5e-4)


def test_17_normalising_keeps_the_cosine():
    x, y = [1, 0], [3, 0.1]
    before = np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y)
    assert before == approx(0.9994, abs=5e-5)
    assert normalised(x) @ normalised(y) == approx(before, rel=1e-15)


@pytest.mark.parametrize("k", [1, 2])
def test_18_sign_inside_sigma_for_negatives(k):
    U, o, v = [0, np.log(3)], 0, 1
    claim, right = k * (1 - σ(U[1] * v)) * v, k * σ(U[1] * v) * v
    assert claim == approx(k / 4) and right == approx(3 * k / 4)
    assert slope(lambda u: negative(v, o, [U[0], u], k * [1]), U[1]) == approx(right)
    _, _, dU = negSamplingLossAndGradient([v], o, [[U[0]], [U[1]]], Drawing(1), k)
    assert dU[1, 0] == approx(right)
    assert 1 - σ(0) == σ(0)


def test_19_what_the_derivatives_share():
    o, v, u_s = 0, 1, 0
    for u_o, of_o in (0, 0.5), (np.log(3), 0.75):
        assert σ(u_o * v) == approx(of_o)
        by_u_s = slope(lambda u: negative(v, o, [u_o, u], [1]), u_s)
        assert by_u_s == approx(0.5)
        _, _, dU = negSamplingLossAndGradient([v], o, [[u_o], [u_s]], Drawing(1), K=1)
        assert dU[1, 0] == approx(by_u_s)

        r = f.formula_g_6(np.array([[u_o, -u_s]]), np.array([v]))
        assert r == approx([1 - of_o, 0.5])
        assert f.formula_g_8(np.array([v]), r) == approx(np.array([[dU[0, 0], -dU[1, 0]]]))


def test_20_negatives_from_the_window():
    window = [1, 2]
    assert getNegativeSamples(window[0], Drawing(2), 1) == [2]
    assert getNegativeSamples(window[1], Drawing(1), 1) == [1]
    assert 1 not in getNegativeSamples(1, Drawing(1, 2), 5)


@pytest.mark.parametrize("K", [1, 10])
def test_21_number_of_scores(K):
    U, o, v = np.zeros((K + 1, 1)), 0, 1
    J, _, dU = negSamplingLossAndGradient([v], o, U, Drawing(*range(1, K + 1)), K)
    assert J == approx((K + 1) * np.log(2)) and J != approx(K * np.log(2))
    assert np.count_nonzero(dU) == K + 1


def test_22_dropout_in_evaluation():
    h, p_drop = 1, 0.5
    γ = f.formula_k_3(p_drop)
    left_on = [f.formula_k_1(γ, d, h) for d in (0, 1)]
    assert left_on == [0, 2] and h not in left_on
    assert np.var(left_on) == f.formula_k_4(p_drop, h) == 1
    assert np.mean(left_on) == h                    # so that it can be left out in evaluation


def test_23_gradients_of_the_mean():
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


def test_24_epsilon_inside_the_logarithm():
    x, ε = -100, 1e-10
    claim = -np.log(σ(x) + ε)
    assert claim == approx(23.03, abs=0.005)
    assert slope(lambda x: -np.log(σ(x) + ε), x) == approx(-3.7e-34, rel=0.01)

    J, _, dVt, _ = lossAndGradient([1], [[x]], [[1]], [0])      # n = 0 leaves the first term
    assert J == approx(100, rel=1e-15)
    assert dVt[0, 0] == approx(-1, rel=1e-15)
    assert slope(lambda x: np.log(1 + np.exp(-x)), x) == approx(-1, rel=1e-12)
    assert max(-x, 0) + np.log1p(np.exp(-abs(x))) == J


def test_25_step_with_a_repeated_word():
    w, du_w, alpha = np.array([0, 0]), np.ones((2, 1)), 1
    claim, right = np.zeros((1, 1)), np.zeros((1, 1))
    claim[w] -= alpha * du_w
    np.subtract.at(right, w, alpha * du_w)
    assert claim == -1 and right == -2

    def ones(u_w, Vt, W, q):
        return 0., np.ones_like(u_w), np.zeros_like(Vt), np.zeros_like(W)

    U0, V0, W0 = np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((1, 1))
    U, _, _ = stochasticGradientDescend([(0, 1), (0, 1)], U0, V0, W0, lambda c: [c, 0], ones,
                                        np.zeros(2), printInterval=None)
    assert U.ravel().tolist() == [-2, 0]


TRANSPOSES = [np.array(x, float) for x in ([1, -2], [[1, 0], [0, 1]], [[1, 1], [0, 1]], [-1, -2])]
A = np.array([-0.5, 0.5])                               # a = Ṽᵀ g at this point


def test_26_W_in_place_of_its_transpose():
    u_w, Vt, W, q = TRANSPOSES
    claim, right = W @ A, W.T @ A
    assert claim.tolist() == [0, 0.5] and right.tolist() == [-0.5, 0]
    assert derivative(lambda u: nce(u, Vt, W, q), u_w) == approx(right)
    assert lossAndGradient(*TRANSPOSES)[1] == approx(right)


def test_27_transposed_derivative_by_W():
    u_w, Vt, W, q = TRANSPOSES
    claim, right = np.outer(u_w, A), np.outer(A, u_w)
    assert claim.tolist() == [[-0.5, 0.5], [1, -1]] and right.tolist() == [[-0.5, 1], [0.5, -1]]
    assert derivative(lambda W: nce(u_w, Vt, W, q), W) == approx(right)
    assert lossAndGradient(*TRANSPOSES)[3] == approx(right)


def test_each_mistake_has_its_test():
    text = (Path(f.__file__).parent / "mistakes.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (\d+)\.", text, re.M)
    named = re.findall(r"^- Test: `(test_(\d+)_\w+)`$", text, re.M)
    assert headings == [number for _, number in named] == [str(i) for i in range(1, 28)]
    tests = [name for name in globals() if re.match(r"test_\d", name)]
    assert [name for name, _ in named] == tests
