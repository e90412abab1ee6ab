"""The losses of both assignments, written once more, and how formulas are compared with them.

The losses also take complex arguments, for the derivative by the complex step.
"""

import itertools

import numpy as np

from solutions import formulas
from test import derivative


def σ(x):
    return 1 / (1 + np.exp(-x))


def nce(u_w, Vt, W, q):
    """Compute J of noise contrastive estimation; the first row of Vt is the context word's."""
    x = Vt @ W @ u_w - q
    return np.log(1 + np.exp(-x[0])) + np.sum(np.log(1 + np.exp(x[1:])))


def naive(v_c, o, U):
    """Compute J of the naive softmax; the columns of U are the words."""
    scores = v_c @ U
    return np.log(np.sum(np.exp(scores))) - scores[o]


def negative(v_c, o, U, negatives):
    """Compute J of negative sampling; the columns of U are the words."""
    scores = v_c @ U
    return np.log(1 + np.exp(-scores[o])) + sum(np.log(1 + np.exp(scores[w])) for w in negatives)


def gradients(function, *at):
    """List the derivatives of a function by each of its arguments, by the complex step."""
    return [derivative(lambda Z: function(*at[:i], Z, *at[i + 1:]), np.asarray(at[i], float))
            for i in range(len(at))]


def alike(got, expected, tolerance=1e-10, name=""):
    """Compare two arrays or numbers, or the parts of a tuple."""
    if isinstance(got, tuple):
        for part, right in zip(got, expected, strict=True):
            alike(part, right, tolerance, name)
        return
    np.testing.assert_allclose(got, expected, tolerance, tolerance, err_msg=name)
    assert np.shape(got) == np.shape(expected), name


def check_formulas(*rows, tolerance=1e-10):
    """Check rows of a formula's number, its arguments, and what it should give."""
    for number, arguments, expected in rows:
        formula = getattr(formulas, "formula_" + number.replace(".", "_"))
        alike(formula(*arguments), expected, tolerance, number)


class Drawing:
    """A dataset that draws these words again and again, in this order."""

    def __init__(self, *words):
        self.words = itertools.cycle(words)

    def sampleTokenIdx(self):
        return next(self.words)
