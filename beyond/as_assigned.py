"""Training by a student's stochasticGradientDescend, of which only the assignment's is known."""

import contextlib
import inspect
import io
import time
from collections.abc import MutableSequence

import numpy as np

import w2v_sgd
from beyond.starts import smaller_step
from utils import InputError, Progress, tell

TRIAL_BATCHES = 2


class PairList(MutableSequence):
    """N×2 pairs that behave as the course's list of tuples does, without its memory.

    It can be indexed, sliced, iterated, measured and shuffled, and np.asarray makes it N×2.
    Changing it changes a copy, not the array that it was made of.
    """

    def __init__(self, pairs):
        self.pairs = pairs
        self.is_own = False

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        if isinstance(index, slice):
            self.is_own = False         # what is handed out here is not changed any more
            return PairList(self.pairs[index])
        return tuple(self.pairs[index].tolist())

    def __iter__(self):
        for start in range(0, len(self.pairs), 10_000):         # quicker than one by one
            yield from map(tuple, self.pairs[start:start + 10_000].tolist())

    def __setitem__(self, index, pair):
        self._own()
        self.pairs[index] = pair

    def __delitem__(self, index):
        self.pairs = np.delete(self.pairs, index, axis=0)
        self.is_own = True

    def insert(self, index, pair):
        self.pairs = np.insert(self.pairs, index, pair, axis=0)
        self.is_own = True

    def copy(self):
        return self[:]

    def sort(self, **how):
        self.pairs = np.array(sorted(self, **how), dtype=self.pairs.dtype).reshape(-1, 2)
        self.is_own = True

    def __add__(self, other):
        return list(self) + list(other)

    def __eq__(self, other):
        return list(self) == list(other)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.pairs, dtype)

    def _own(self):
        if not self.is_own:
            self.pairs = self.pairs.copy()
            self.is_own = True


def learn_as_assigned(options, corpus, start, context_function, q_noise, method):
    """Train, watched through the loss function alone, which is called with each batch.

    method : the loss function

    Returns
    -------
    [U, V, W] and the learning curve, a list of (pairs done, loss)

    Raises
    ------
    InputError : the loss is not finite
    """
    if options.resume:
        raise InputError("--resume: this stochasticGradientDescend cannot go on from a checkpoint; "
                         "train anew")
    total = options.epochs * len(corpus.pairs)
    curve = [(0, 0.)]

    def watched(u_w, Vt, W, q):
        J, *gradients = method(u_w, Vt, W, q)
        if not np.isfinite(J):
            alpha = smaller_step(corpus.freqs, options)
            raise InputError(f"the loss is {J} after {curve[-1][0]:,} pairs: take a smaller step "
                             f"size, such as --alpha {alpha:.2g}")
        curve.append((curve[-1][0] + len(u_w), float(J)))
        progress.update(*curve[-1])
        return J, *gradients

    def train(pairs, start, loss_function, epochs):
        return w2v_sgd.stochasticGradientDescend(
            PairList(pairs), *start, context_function, loss_function, q_noise, options.batch_size,
            epochs, options.alpha, **_print_little(total))

    _tell_what_to_expect(options, corpus.pairs, start, method, train)
    progress = Progress(total)
    parameters = _checked(train(corpus.pairs, start, watched, options.epochs), start)
    if curve[-1][0] != total:
        tell(f"your stochasticGradientDescend learned from {curve[-1][0]:,} pairs, not from "
             f"{total:,}: does it keep to epochs, and to the last batch?")
    return parameters, curve


def _checked(came, start):
    """Return U, V, W as arrays; InputError if it is something else that came of training."""
    shapes = [X.shape for X in start]
    try:
        arrays = [np.asarray(X, dtype=np.result_type(np.asarray(X), np.float32)) for X in came]
    except (TypeError, ValueError):
        arrays = []
    if [X.shape for X in arrays] != shapes or not all(np.isfinite(X).all() for X in arrays):
        raise InputError(f"stochasticGradientDescend returned {_described(came)}; expected U, V, W "
                         f"of the shapes {', '.join(map(str, shapes))}, all finite")
    return arrays


def _described(came):
    if isinstance(came, tuple | list):
        return f"{len(came)} things of the shapes {', '.join(str(np.shape(X)) for X in came)}"
    return "nothing" if came is None else f"a {type(came).__name__}"


def _tell_what_to_expect(options, pairs, start, method, train):
    """Say how long it will take, by the time of a few batches, and what cannot be had."""
    calls = []

    def counted(*arguments):
        calls.append(1)
        return method(*arguments)

    some = pairs[:TRIAL_BATCHES * options.batch_size]
    begun = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        _checked(train(some, [X.copy() for X in start], counted, 1), start)
    if not calls:
        raise InputError("stochasticGradientDescend never calls lossAndGradientFunction")
    seconds = (time.monotonic() - begun) * options.epochs * len(pairs) / len(some)
    schedule = ", and the step size stays the same" if options.schedule == "linear" else ""
    tell(f"your stochasticGradientDescend will take about {_duration(seconds)}; it writes no "
         f"checkpoints, so stopping it loses all{schedule}")


def _duration(seconds):
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _print_little(total):
    """Return the printInterval for a function that has one, so that it prints hardly anything.

    The course's loop would take None amiss; this is a number that no sample after the first has.
    """
    parameters = inspect.signature(w2v_sgd.stochasticGradientDescend).parameters
    return {"printInterval": total + 1} if "printInterval" in parameters else {}
