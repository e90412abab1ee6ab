"""Training by a student's stochasticGradientDescend, of which only the assignment's is known."""

from collections.abc import Sequence

import numpy as np

import w2v_sgd
from beyond.results import fault_of_model
from utils import InputError, Progress, tell


class PairList(Sequence):
    """N×2 pairs that behave as the course's list of tuples does, without its memory.

    They can be indexed, sliced, iterated, shuffled and made an array. Shuffling changes a copy: the
    array that they were made of stays as it is.
    """

    def __init__(self, pairs, is_copy=False):
        self.pairs, self.is_copy = pairs, is_copy

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return PairList(self.pairs[index].copy(), is_copy=True)
        return tuple(self.pairs[index].tolist())

    def __iter__(self):
        for start in range(0, len(self.pairs), 10_000):         # quicker than one by one
            yield from map(tuple, self.pairs[start:start + 10_000].tolist())

    def __setitem__(self, index, pair):
        if not self.is_copy:
            self.pairs, self.is_copy = self.pairs.copy(), True
        self.pairs[index] = pair

    def copy(self):
        return self[:]

    def __array__(self, dtype=None, copy=None):
        return np.array(self.pairs, dtype)


def learn_as_assigned(options, pairs, start, context_function, q_noise, loss_function):
    """Train, watched through the loss function alone, which is called with each batch.

    Returns
    -------
    [U, V, W] and the learning curve, a list of (pairs done, loss)

    Raises
    ------
    InputError : the loss is not finite, or something else than U, V, W is returned
    """
    if options.resume:
        raise InputError("--resume: this stochasticGradientDescend cannot go on from a checkpoint; "
                         "train anew")
    tell("your stochasticGradientDescend writes no checkpoints: stopping it loses all. Its step "
         "size stays the same")
    total = options.epochs * len(pairs)
    progress = Progress(total)
    curve = [(0, 0.)]

    def watched(u_w, Vt, W, q):
        J, *gradients = loss_function(u_w, Vt, W, q)
        if not np.isfinite(J):
            raise InputError(f"the loss is {J} after {curve[-1][0]:,} pairs: first see python "
                             "test.py 6, then take a smaller --alpha")
        curve.append((curve[-1][0] + len(u_w), float(J)))
        progress.update(*curve[-1])
        return J, *gradients

    learned = w2v_sgd.stochasticGradientDescend(
        PairList(pairs), *start, context_function, watched, q_noise, options.batch_size,
        options.epochs, options.alpha)
    if curve[-1][0] != total:
        tell(f"your stochasticGradientDescend learned from {curve[-1][0]:,} pairs, not from "
             f"{total:,}: does it keep to epochs, and to the last batch?")
    return checked(learned, start), curve


def checked(learned, start):
    """Return what a training returned as three arrays; InputError if they are not U, V and W."""
    try:
        arrays = [np.asarray(X, dtype=np.result_type(np.asarray(X), np.float32)) for X in learned]
    except (TypeError, ValueError):
        arrays = []
    expected = [X.shape for X in start]
    shapes = [X.shape for X in arrays]
    fault = fault_of_model(*arrays)
    if not fault and shapes != expected:
        fault = f"the shapes are {shapes}"
    if fault:
        raise InputError("stochasticGradientDescend must return U, V and W of the shapes "
                         f"{expected}, but {fault}")
    return arrays
