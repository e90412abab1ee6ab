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


def learn_as_assigned(options, pairs, start, curve, context_function, q_noise, loss_function):
    """Train, watched through the loss function alone, and let the curve grow with each call of it.

    Returns
    -------
    U, V, W

    Raises
    ------
    InputError : the loss is not finite, or something else than U, V, W is returned
    """
    tell("your stochasticGradientDescend writes no checkpoints: stopping it loses all. Its step "
         "size stays the same")
    total = options.epochs * len(pairs)
    progress = Progress(total)

    def watched(u_w, Vt, W, q):
        J, *gradients = loss_function(u_w, Vt, W, q)
        done, _ = curve[-1]
        if not np.isfinite(J):
            raise InputError(f"the loss is {J} after {done:,} pairs: first see python test.py 6, "
                             "then take a smaller --alpha")
        curve.append((done + len(u_w), float(J)))
        progress.update(*curve[-1])
        return J, *gradients

    learned = w2v_sgd.stochasticGradientDescend(
        PairList(pairs), *start, context_function, watched, q_noise, options.batch_size,
        options.epochs, options.alpha)
    done, _ = curve[-1]
    if done != total:
        tell(f"your stochasticGradientDescend learned from {done:,} pairs, not from {total:,}: "
             "does it run all epochs, and does it include the last, smaller batch?")
    try:
        U, V, W = map(np.asarray, learned)
    except (TypeError, ValueError):         # None, or another number of arrays
        raise InputError("stochasticGradientDescend must return U, V and W") from None
    fault = fault_of_model(U, V, W, len(start[0]))
    if fault:
        raise InputError(f"stochasticGradientDescend: {fault}")
    return U, V, W
