"""What tasks 4 and 5 leave out: extreme scores, dtypes, wrong shapes."""

import math
import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest

from grads import lossAndGradient, lossAndGradientBatched, lossAndGradientCumulative

BATCHES = [lossAndGradientBatched, lossAndGradientCumulative]


def exact(scores):
    """J and ∂J/∂score of one observation to 25 digits and more."""
    with localcontext() as context:
        context.prec = 60
        x = [Decimal(-float(scores[0])), *(Decimal(float(score)) for score in scores[1:])]
        powers = [term.exp() for term in x]
        J = sum((1 + e).ln() if e > Decimal("1e-30") else e for e in powers)
        g = [1 / (1 + 1 / e) for e in powers]
        return float(J), [float(-g[0]), *map(float, g[1:])]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [lossAndGradient, *BATCHES])
def test_exact_and_silent_up_to_scores_of_ten_thousand(function, dtype):
    sizes = [0, 1e-8, 0.5, 1, 15, 20, 90, 100, 500, 1e3, 1e4]
    for scores in ([a, b] for size in sizes for a, b in ((size, size), (-size, size), (size, -size), (-size, -size))):
        # M = 1 with W = u_w = 1 makes Vt the scores, and dVt their derivatives
        arguments = [np.array(X, dtype) for X in ([1], [[s] for s in scores], [[1]], [0, 0])]
        if function is not lossAndGradient:
            arguments = [arguments[2] if i == 2 else X[None] for i, X in enumerate(arguments)]
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            J, _, dVt, _ = function(*arguments)
        right_J, right_g = exact(arguments[1].ravel())
        limits = {"rel": 4 * float(np.finfo(dtype).eps), "abs": float(np.finfo(dtype).tiny)}
        assert math.isfinite(J) and float(J) == pytest.approx(right_J, **limits)
        assert dVt.ravel().tolist() == pytest.approx(right_g, **limits)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", BATCHES)
def test_batch_is_the_mean_of_its_observations(function, dtype):
    rng = np.random.default_rng(0)
    u_w, Vt, W, q = (rng.normal(size=s).astype(dtype) for s in ((9, 4), (9, 3, 4), (4, 4), (9, 3)))
    before = [X.copy() for X in (u_w, Vt, W, q)]
    J, du_w, dVt, dW = function(u_w, Vt, W, q)
    singles = [lossAndGradient(u_w[i], Vt[i], W, q[i]) for i in range(9)]
    tolerance = 20 * float(np.finfo(dtype).eps)
    assert np.mean([single[0] for single in singles]) == pytest.approx(J, rel=tolerance)
    np.testing.assert_allclose(du_w, np.array([single[1] for single in singles]) / 9, tolerance, tolerance)
    np.testing.assert_allclose(dVt, np.array([single[2] for single in singles]) / 9, tolerance, tolerance)
    np.testing.assert_allclose(dW, np.mean([single[3] for single in singles], axis=0), tolerance, tolerance)
    assert {X.dtype for X in (du_w, dVt, dW)} == {np.dtype(dtype)}
    assert all(np.array_equal(*pair) for pair in zip(before, (u_w, Vt, W, q)))


def test_float64_noise_does_not_widen_float32_gradients():
    _, du_w, dVt, dW = lossAndGradientBatched(*(np.ones(s, np.float32) for s in ((2, 3), (2, 4, 3), (3, 3))),
                                              np.ones((2, 4)))
    assert du_w.dtype == dVt.dtype == dW.dtype == np.float32


def test_lists_and_integers_are_taken_as_float64():
    J, *gradients = lossAndGradient([1, 0], [[1, 2], [3, 4]], [[1, 0], [0, 1]], [0, 0])
    assert J == pytest.approx(exact([1, 3])[0]) and all(gradient.dtype == np.float64 for gradient in gradients)


@pytest.mark.parametrize("name, place, wrong", [("u_w", 0, (2, 2, 4)), ("Vt", 1, (2, 3, 5)), ("Vt", 1, (3, 4)),
                                                ("W", 2, (4, 5)), ("q", 3, (2, 4)), ("q", 3, (3,))])
@pytest.mark.parametrize("function", BATCHES)
def test_wrong_shape_names_argument_and_both_shapes(function, name, place, wrong):
    shapes = [(2, 4), (2, 3, 4), (4, 4), (2, 3)]
    right = "(S, M)" if name == "u_w" else str(shapes[place])
    shapes[place] = wrong
    with pytest.raises(ValueError) as error:
        function(*map(np.ones, shapes))
    assert name in str(error.value) and str(wrong) in str(error.value)
    assert right in str(error.value)


def test_wrong_shapes_of_one_observation():
    with pytest.raises(ValueError, match=r"u_w has shape \(2, 4\), expected \(M,\)"):
        lossAndGradient(*map(np.ones, [(2, 4), (3, 4), (4, 4), (3,)]))
    with pytest.raises(ValueError, match=r"q has shape \(2,\), expected \(3,\)"):
        lossAndGradient(*map(np.ones, [(4,), (3, 4), (4, 4), (2,)]))


@pytest.mark.parametrize("function", BATCHES)
def test_a_batch_of_nothing_has_no_mean(function):
    with pytest.raises(ValueError, match="u_w"):
        function(*map(np.ones, [(0, 4), (0, 3, 4), (4, 4), (0, 3)]))
