"""The wrong answers of solutions/mistakes.md, each at the point where it fails."""

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
from tests.support.mathematics import Drawing, alike, gradients, naive, nce, negative, σ
from w2v_sgd import stochasticGradientDescend

LOG_3 = np.log(3)


def wrong(claim, says, right, number, slope=None):
    """The claim says one number, but the right formula and the slope of the loss give another."""
    alike(claim, says)
    alike(right, number)
    alike(number if slope is None else slope, number)
    assert not np.allclose(says, number)


def slopes_of_nce(u, V, W, q):
    """Compute ∂J by u, V and W for M = 1, where grads.py must agree."""
    at = np.array([u], float), np.array(V, float)[:, None], np.array([[W]], float)
    du, dV, dW = gradients(lambda *parameters: nce(*parameters, np.array(q)), *at)
    alike(lossAndGradient(*at, q)[1:], (du, dV, dW))
    return du[0], dV[:, 0], dW[0, 0]


def slopes_of_naive(v, o, U):
    """Compute ∂J by v_c and U for M = 1, where word2vec_softmax.py must agree."""
    at = np.array([v], float), np.array([U], float)
    dv, dU = gradients(lambda v, U: naive(v, o, U), *at)
    alike(naiveSoftmaxLossAndGradient(at[0], o, at[1].T, None)[1:], (dv, dU.T))
    return dv[0], dU[0]


def slopes_of_negative(v, o, U, negatives):
    """Compute ∂J by v_c and U for M = 1, where word2vec_softmax.py must agree."""
    at = np.array([v], float), np.array([U], float)
    dv, dU = gradients(lambda v, U: negative(v, o, U, negatives), *at)
    code = negSamplingLossAndGradient(at[0], o, at[1].T, Drawing(*negatives), len(negatives))
    alike(code[1:], (dv, dU.T))
    return dv[0], dU[0]


def prediction(v, U):
    """Compute ŷ for M = 1."""
    return f.formula_a_1(np.array([U], float), np.array([v]))


def test_each_mistake_has_its_test():
    text = (Path(f.__file__).parent / "mistakes.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (\d+)\.", text, re.M)
    tests = [name.split("_")[1] for name in globals() if re.match(r"test_\d", name)]
    assert headings == tests == [str(i) for i in range(1, 28)]


# --- noise contrastive estimation ---------------------------------------------------------------

def test_1_lost_minus_sign():
    u, W, v_c, q = 1, 1, 0, [0, 0]
    _, dV, _ = slopes_of_nce(u, [v_c, 0], W, q)
    p = σ(v_c * W * u - q[0])
    wrong((1 - p) * W * u, 0.5, (p - 1) * W * u, -0.5, dV[0])


def test_2_sum_over_the_negatives():
    for n in 1, 2:
        u, W, V, q = 1, 1, (n + 1) * [0], (n + 1) * [0]
        _, dV, _ = slopes_of_nce(u, V, W, q)
        terms = [σ(v * W * u - q_j) * W * u for v, q_j in zip(V[1:], q[1:])]
        alike(dV[1:], terms)
    wrong(sum(terms), 1, terms[0], 0.5, dV[1])


def test_3_minus_that_misses_the_negatives():
    u, W, V, q = 1, 1, [0, 0], [0, 0]
    _, dV, _ = slopes_of_nce(u, V, W, q)

    def claimed(v):
        """-(log σ(…) - Σ log σ(…)), with the minus before J on the first term only."""
        return -(np.log(σ(V[0] * W * u - q[0])) - np.log(σ(q[1] - v[0] * W * u)))

    [claim] = gradients(claimed, [V[1]])
    wrong(claim[0], -0.5, σ(V[1] * W * u - q[1]) * W * u, 0.5, dV[1])


def test_4_two_signs_in_one_chain():
    u, W, V, q, δ = 1, 0, np.array([1, 0]), np.zeros(2), np.array([1, 0])
    _, _, dW = slopes_of_nce(u, V, W, q)
    g = σ(V * W * u - q) - δ
    wrong(V @ -g * u, 0.5, V @ g * u, -0.5, dW)


def test_5_one_row_of_V_for_all_words():
    u, W, V, q = 1, 0, [1, 0], [0, 0]
    _, _, dW = slopes_of_nce(u, V, W, q)
    by_g1, by_g2 = -σ(-(V[0] * W * u - q[0])), -σ(-(q[1] - V[1] * W * u))
    wrong(by_g1 * V[0] * u + by_g2 * -(V[0] * u), 0,
          by_g1 * V[0] * u + by_g2 * -(V[1] * u), -0.5, dW)


# --- naive softmax ------------------------------------------------------------------------------

def test_6_outside_vector_in_the_derivative_of_U():
    U, o, v, y = np.array([1, 1]), 0, 2, np.array([1, 0])
    ŷ = prediction(v, U)
    wrong(v * ŷ - U[o] * y, [0, 1], v * (ŷ - y), [-1, 1], slopes_of_naive(v, o, U)[1])
    with pytest.raises(ValueError):             # two coordinates and three words do not fit
        np.ones((2, 1)) @ np.ones((3, 1))


def test_7_outside_vector_in_its_own_derivative():
    U, o, v = [0, 0], 0, 1
    ŷ_o = prediction(v, U)[o]
    wrong(-(U[o] - ŷ_o * v), 0.5, (ŷ_o - 1) * v, -0.5, slopes_of_naive(v, o, U)[1][o])


def test_8_numerator_of_the_outside_word():
    U, o, v = np.array([LOG_3, 0]), 0, 1
    powers = np.exp(U * v)
    _, dU = slopes_of_naive(v, o, U)
    wrong(powers[o] / sum(powers) * v, 3 / 4, powers[1] / sum(powers) * v, 1 / 4, dU[1])


def test_9_sum_index_as_free_index():
    U, v = np.zeros(2), 1
    powers = np.exp(U * v)
    [slopes] = gradients(lambda U: np.log(np.exp(U * v).sum()), U)
    wrong(sum(powers) * v / sum(powers), 1, powers[0] * v / sum(powers), 0.5, slopes[0])


def test_10_y_at_the_centre_word():
    U, c, o, v = np.array([-1, 1]), 0, 1, 0
    ŷ, y = prediction(v, U), np.eye(2)
    wrong(U @ (ŷ - y[c]), 1, U @ (ŷ - y[o]), -1, slopes_of_naive(v, o, U)[0])


def test_11_other_centre_vectors():
    U, V, c, o, y = np.array([-1, 1]), np.array([1., 0]), 0, 1, np.array([0, 1])
    ŷ = prediction(V[c], U)
    alike(ŷ, [0.119, 0.881], 5e-4)
    [dV] = gradients(lambda V: naive(V[[c]], o, U[None]), V)
    alike(V[c] * (ŷ - y) @ y, -0.119, 5e-4)
    assert 0 * (prediction(0, U) - y) @ y == 0 == dV[1]         # at V = (0, 0) the claim is right
    code = skipgram("c", 1, ["o"], {"c": 0, "o": 1}, V[:, None], U[:, None], None)
    alike(code[1][:, 0], dV)


def test_12_zero_of_the_derivative_by_the_centre_vector():
    U, o, v, y = np.array([0, 1, -1]), 0, 0, np.array([1, 0, 0])
    ŷ = prediction(v, U)
    alike((ŷ, U @ (ŷ - y), slopes_of_naive(v, o, U)[0]), (np.full(3, 1 / 3), 0, 0))
    alike(f.formula_b_3(U[None], ŷ, o), [U[o]])
    assert np.linalg.matrix_rank(U[None]) == 1
    # Dependent columns are not enough: with the second word as o it vanishes for no v.
    assert max(slopes_of_naive(v, 1, U)[0] for v in np.linspace(-20, 20, 81)) < 0


def test_13_roles_of_the_two_terms():
    U, o, v, α, y = np.array([1, 3]), 1, 0, 0.1, np.array([0, 1])
    expected, seen = U @ prediction(v, U), U @ y
    alike((expected, seen, slopes_of_naive(v, o, U)[0]), (2, 3, -1))
    claim, right = v + α * expected - α * seen, v - α * expected + α * seen
    wrong(claim, -α, right, α)
    J = [naive(np.array([x]), o, U[None]) for x in (claim, v, right)]
    assert J[0] > J[1] > J[2]
    # Each term by itself: the score expected falls, and that of o rises.
    assert (v - α * expected) * expected < 0 < (v + α * seen) * U[o]


def test_14_convex_in_the_centre_vector():
    U, o, v = np.array([0, 1, -1]), 0, np.linspace(-10, 10, 201)
    losses = np.array([naive(np.array([x]), o, U[None]) for x in v])
    alike((v[losses.argmin()], losses.min()), (0, LOG_3))
    assert np.all(np.diff(losses)[:100] < 0) and np.all(np.diff(losses)[100:] > 0)

    ŷ = np.array([prediction(x, U) for x in v])
    variance = ŷ @ U ** 2 - (ŷ @ U) ** 2
    assert variance.min() > 0
    alike(variance[100], 2 / 3)
    alike(np.gradient(np.gradient(losses, v), v)[2:-2], variance[2:-2], 2e-2)


# --- normalising --------------------------------------------------------------------------------

def normalised(x):
    return np.array(x) / np.linalg.norm(x)


def test_15_collinear_with_a_negative_factor():
    assert normalised([1]) == normalised([2]) == 1 and normalised([-2]) == -1


def test_16_independent_vectors_lose_their_lengths():
    x, y = np.array([1, 0]), np.array([3, 0.1])
    assert np.linalg.matrix_rank([x, y]) == 2
    lengths = np.linalg.norm([y, y - x, normalised(y) - normalised(x)], axis=1)
    alike(lengths, [3.002, 2.002, 0.033], 5e-4)


def test_17_normalising_keeps_the_cosine():
    x, y = np.array([1, 0]), np.array([3, 0.1])
    before = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
    alike(before, 0.9994, 5e-5)
    alike(normalised(x) @ normalised(y), before)


# --- negative sampling --------------------------------------------------------------------------

def test_18_sign_inside_sigma_for_negatives():
    U, o, v = [0, LOG_3], 0, 1
    for k in 1, 2:
        _, dU = slopes_of_negative(v, o, U, k * [1])
        wrong(k * (1 - σ(U[1] * v)) * v, k / 4, k * σ(U[1] * v) * v, 3 * k / 4, dU[1])
    assert 1 - σ(0) == σ(0)


def test_19_what_the_derivatives_share():
    for u_o, σ_o in (0, 1 / 2), (LOG_3, 3 / 4):
        _, dU = slopes_of_negative(1, 0, [u_o, 0], [1])
        alike((σ(u_o), dU[1]), (σ_o, 0.5))
        r = f.formula_g_6(np.array([[u_o, -0.]]), np.array([1]))
        alike((r, f.formula_g_8(np.array([1]), r)), ([1 - σ_o, 0.5], [[dU[0], -dU[1]]]))


def test_20_negatives_from_the_window():
    assert getNegativeSamples(1, Drawing(2), 1) == [2]
    assert getNegativeSamples(2, Drawing(1), 1) == [1]
    assert 1 not in getNegativeSamples(1, Drawing(1, 2), 5)


def test_21_number_of_scores():
    for K in 1, 10:
        U, dataset = np.zeros((K + 1, 1)), Drawing(*range(1, K + 1))
        J, _, dU = negSamplingLossAndGradient([1], 0, U, dataset, K)
        alike(J, (K + 1) * np.log(2))
        assert np.count_nonzero(dU) == K + 1


def test_22_dropout_in_evaluation():
    h, p_drop = 1, 0.5
    in_training = [f.formula_k_1(f.formula_k_3(p_drop), d, h) for d in (0, 1)]
    assert in_training == [0, 2]
    assert np.mean(in_training) == h and np.var(in_training) == f.formula_k_4(p_drop, h) == 1


# --- code ---------------------------------------------------------------------------------------

def test_23_gradients_of_the_mean():
    S, V, q = 2, [1, 0], [0, 0]
    for W in 0, 1:              # W = 0 makes the other gradients 0
        du, dV, dW = slopes_of_nce(1, V, W, q)
        u_w, Vt, qs = np.ones((S, 1)), np.array(S * [V])[:, :, None], np.array(S * [q])
        code = lossAndGradientBatched(u_w, Vt, [[W]], qs)[1:]
        alike(code, (np.full((S, 1), du / S), np.array(S * [dV])[:, :, None] / S, [[dW]]))
        if W == 0:
            wrong(dW + dW, -1, (dW + dW) / S, -0.5)


def test_24_epsilon_inside_the_logarithm():
    x, ε = -100., 1e-10
    alike(-np.log(σ(x) + ε), 23.03, 3e-4)
    [slope] = gradients(lambda x: -np.log(σ(x) + ε), x)
    assert slope == pytest.approx(-3.7e-34, rel=0.01)
    J, _, dVt, _ = lossAndGradient([1], [[x]], [[1]], [0])      # n = 0 leaves the first term
    alike((J, dVt), (100, [[-1]]), 1e-15)
    assert max(-x, 0) + np.log1p(np.exp(-abs(x))) == J


def test_25_step_with_a_repeated_word():
    w, du_w, alpha = np.array([0, 0]), np.ones((2, 1)), 1
    claim, right = np.zeros((1, 1)), np.zeros((1, 1))
    claim[w] -= alpha * du_w
    np.subtract.at(right, w, alpha * du_w)
    wrong(claim, [[-1]], right, [[-2]])

    def ones(u_w, Vt, W, q):
        return 0., np.ones_like(u_w), np.zeros_like(Vt), np.zeros_like(W)

    U, *_ = stochasticGradientDescend([(0, 1), (0, 1)], np.zeros((2, 1)), np.zeros((2, 1)),
                                      np.zeros((1, 1)), lambda c: [c, 0], ones, np.zeros(2),
                                      printInterval=None)
    assert U.ravel().tolist() == [-2, 0]


# --- transposes ---------------------------------------------------------------------------------

POINT = [np.array(x, float) for x in ([1, -2], [[1, 0], [0, 1]], [[1, 1], [0, 1]], [-1, -2])]
A = np.array([-0.5, 0.5])                               # a = Ṽᵀ g at this point


def test_26_W_in_place_of_its_transpose():
    W, du_w = POINT[2], lossAndGradient(*POINT)[1]
    wrong(W @ A, [0, 0.5], W.T @ A, [-0.5, 0], du_w)
    alike(du_w, gradients(nce, *POINT)[0])


def test_27_transposed_derivative_by_W():
    u_w, dW = POINT[0], lossAndGradient(*POINT)[3]
    wrong(np.outer(u_w, A), [[-0.5, 0.5], [1, -1]], np.outer(A, u_w), [[-0.5, 1], [0.5, -1]], dW)
    alike(dW, gradients(nce, *POINT)[2])
