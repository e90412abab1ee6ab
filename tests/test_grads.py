"""What tasks 4 and 5 leave out: extreme scores, dtypes, wrong shapes."""

import math
import warnings
from decimal import Decimal, localcontext
from itertools import product

import numpy as np
import pytest

from grads import lossAndGradient, lossAndGradientBatched, lossAndGradientCumulative

BATCHES = [lossAndGradientBatched, lossAndGradientCumulative]


def exact(scores):
    """Compute J and ∂J/∂score of one observation with q = 0, to 25 digits and more."""
    with localcontext() as context:
        context.prec = 60
        x = [Decimal(float(score)) for score in scores]
        x[0] = -x[0]
        powers = [term.exp() for term in x]
        # For a tiny e, log(1 + e) is e, to more digits than 1 + e has.
        J = sum((1 + e).ln() if e > Decimal("1e-30") else e for e in powers)
        slopes = [1 / (1 + 1 / e) for e in powers]
        slopes[0] = -slopes[0]
        return float(J), [float(slope) for slope in slopes]


def silently(function, scores):
    """Compute J and ∂J/∂score of one observation by a function, which may not warn.

    M = 1 with W = u_w = 1 and q = 0 makes Vt the scores, and dVt their derivatives.
    """
    dtype = scores.dtype
    u_w, W = np.ones(1, dtype), np.ones((1, 1), dtype)
    Vt, q = scores[:, None], np.zeros(scores.size, dtype)
    if function in BATCHES:
        u_w, Vt, q = u_w[None], Vt[None], q[None]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        J, _, dVt, _ = function(u_w, Vt, W, q)
    return J, dVt.ravel().tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [lossAndGradient, *BATCHES])
def test_exact_and_silent_up_to_scores_of_ten_thousand(function, dtype):
    limits = np.finfo(dtype)
    tolerance = {"rel": 4 * float(limits.eps), "abs": float(limits.tiny)}
    for size in [0, 1e-8, 0.5, 1, 15, 20, 90, 100, 500, 1e3, 1e4]:
        for signed in product([size, -size], repeat=2):
            scores = np.array(signed, dtype)
            J, slopes = silently(function, scores)
            right_J, right_slopes = exact(scores)
            assert math.isfinite(J) and float(J) == pytest.approx(right_J, **tolerance)
            assert slopes == pytest.approx(right_slopes, **tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", BATCHES)
def test_batch_is_the_mean_of_its_observations(function, dtype):
    rng = np.random.default_rng(0)
    shapes = (9, 4), (9, 3, 4), (4, 4), (9, 3)
    sample = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    before = [X.copy() for X in sample]
    J, du_w, dVt, dW = function(*sample)
    assert all(np.array_equal(*pair) for pair in zip(before, sample))
    assert du_w.dtype == dVt.dtype == dW.dtype == dtype

    u_w, Vt, W, q = sample
    singles = [lossAndGradient(u_w[i], Vt[i], W, q[i]) for i in range(9)]
    single_J, single_du_w, single_dVt, single_dW = map(np.array, zip(*singles))
    tolerance = 20 * float(np.finfo(dtype).eps)
    assert J == pytest.approx(single_J.mean(), rel=tolerance)
    np.testing.assert_allclose(du_w, single_du_w / 9, tolerance, tolerance)
    np.testing.assert_allclose(dVt, single_dVt / 9, tolerance, tolerance)
    np.testing.assert_allclose(dW, single_dW.mean(axis=0), tolerance, tolerance)


def test_float64_noise_does_not_widen_float32_gradients():
    u_w, Vt, W = (np.ones(shape, np.float32) for shape in ((2, 3), (2, 4, 3), (3, 3)))
    q = np.ones((2, 4))
    _, du_w, dVt, dW = lossAndGradientBatched(u_w, Vt, W, q)
    assert du_w.dtype == dVt.dtype == dW.dtype == np.float32


def test_lists_and_integers_are_taken_as_float64():
    J, *gradients = lossAndGradient([1, 0], [[1, 2], [3, 4]], [[1, 0], [0, 1]], [0, 0])
    right_J, _ = exact([1, 3])
    assert J == pytest.approx(right_J)
    assert all(gradient.dtype == np.float64 for gradient in gradients)


@pytest.mark.parametrize("name, wrong", [
    ("u_w", (2, 2, 4)), ("Vt", (2, 3, 5)), ("Vt", (3, 4)),
    ("W", (4, 5)), ("q", (2, 4)), ("q", (3,))])
@pytest.mark.parametrize("function", BATCHES)
def test_wrong_shape_names_argument_and_both_shapes(function, name, wrong):
    shapes = {"u_w": (2, 4), "Vt": (2, 3, 4), "W": (4, 4), "q": (2, 3)}
    right = "(S, M)" if name == "u_w" else str(shapes[name])
    shapes[name] = wrong
    with pytest.raises(ValueError) as error:
        function(*map(np.ones, shapes.values()))
    for part in name, str(wrong), right:
        assert part in str(error.value)


def test_wrong_shapes_of_one_observation():
    with pytest.raises(ValueError, match=r"u_w has shape \(2, 4\), expected \(M,\)"):
        lossAndGradient(*map(np.ones, [(2, 4), (3, 4), (4, 4), (3,)]))
    with pytest.raises(ValueError, match=r"q has shape \(2,\), expected \(3,\)"):
        lossAndGradient(*map(np.ones, [(4,), (3, 4), (4, 4), (2,)]))


@pytest.mark.parametrize("function", BATCHES)
def test_a_batch_of_nothing_has_no_mean(function):
    with pytest.raises(ValueError, match="u_w"):
        function(*map(np.ones, [(0, 4), (0, 3, 4), (4, 4), (0, 3)]))
