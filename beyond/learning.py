"""Training, by whichever stochasticGradientDescend is there: this project's, or a student's."""

import inspect
import sys
import time
from dataclasses import dataclass

import numpy as np

import grads
import sampling
import w2v_sgd
from beyond.checkpoints import CHECKPOINT
from beyond.interruptions import deferred_signals
from beyond.settings import SCHEDULES
from utils import InputError, Progress

METHODS = {"batched": grads.lossAndGradientBatched, "cumulative": grads.lossAndGradientCumulative}


@dataclass
class Learned:
    """What training gives: U, V, W, and its course."""

    U: np.ndarray
    V: np.ndarray
    W: np.ndarray
    curve: np.ndarray       # a row a batch, pairs done and its loss; the first row is 0, 0
    rate: float             # pairs a second

    def final_loss(self):
        """Compute the mean loss over the last 5 % of the pairs."""
        done, J = self.curve.T
        last = np.flatnonzero(done > 0.95 * done[-1])
        sizes = done[last] - done[last - 1]
        return np.average(J[last], weights=sizes)


def learn(options, pairs, start, seq, q_noise, rng, checkpoints):
    """Train on N×2 pairs of words.

    Parameters
    ----------
    options : the command line's: method, negatives, batch_size, epochs, alpha, schedule, resume
    pairs : N×2
    start : [U0, V0, W0]
    seq, q_noise : what the functions of `sampling` return
    rng : numpy.random.Generator
    checkpoints : beyond.checkpoints.Checkpoints

    Raises
    ------
    InputError : the loss is not finite, or --resume has nothing to go on from
    """
    begun = time.monotonic()
    if accepts(w2v_sgd.stochasticGradientDescend, "rng", "many_at_once", "done", "callback"):
        (U, V, W), curve, resumed_at = _learn_with_checkpoints(
            options, pairs, start, seq, q_noise, rng, checkpoints)
    else:
        (U, V, W), curve = _learn_as_assigned(options, pairs, start, seq, q_noise)
        resumed_at = 0
    learned_now = options.epochs * len(pairs) - resumed_at
    rate = learned_now / (time.monotonic() - begun)
    return Learned(U, V, W, np.array(curve), rate)


def accepts(function, *names):
    """Say whether a function has parameters of these names: a student's has the assignment's."""
    return set(names) <= set(inspect.signature(function).parameters)


def _learn_with_checkpoints(options, pairs, start, seq, q_noise, rng, checkpoints):
    curve = [(0, 0.)]
    if options.resume:
        start, curve = _resume(options, checkpoints, start, len(pairs))
    elif checkpoints.newest():
        print(f"beginning anew; --resume would go on from {checkpoints.newest()}", file=sys.stderr)
    resumed_at = curve[-1][0]
    progress = Progress(options.epochs * len(pairs), resumed_at)
    signals = []

    def after_batch(done, J, *parameters):
        curve.append((done, float(J)))
        progress.update(done, J)
        if signals or checkpoints.is_due():
            checkpoints.write(curve, parameters)
        if signals:
            raise KeyboardInterrupt(signals[0])

    context_function, many_at_once = _context_function(seq, options.negatives)
    step_size = SCHEDULES[options.schedule](options.alpha)
    try:
        with deferred_signals() as signals:
            parameters = w2v_sgd.stochasticGradientDescend(
                pairs, *start, context_function, METHODS[options.method], q_noise,
                options.batch_size, options.epochs, step_size, printInterval=None, rng=rng,
                many_at_once=many_at_once, done=resumed_at, callback=after_batch)
            checkpoints.write(curve, parameters)
    except w2v_sgd.Diverged as error:
        if not all(np.isfinite(X).all() for X in error.learned):
            raise InputError(str(error)) from None
        checkpoints.write(curve, error.learned)
        raise InputError(f"{error}; what was learned before is in "
                         f"{checkpoints.folder / CHECKPOINT}") from None
    return parameters, curve, resumed_at


def _resume(options, checkpoints, start, pairs):
    """Read what --resume names, a file or just the newest: U, V, W and the learning curve."""
    path = options.resume
    if path is True:
        path = checkpoints.newest() or checkpoints.folder / CHECKPOINT
    return checkpoints.read(path, start, pairs, options.epochs)


def _context_function(seq, n):
    """Return a contextFunction, and whether it is one for many words at once, as only ours is."""
    if hasattr(sampling, "sample_contexts"):
        seq = np.asarray(seq)
        return lambda words, rng: sampling.sample_contexts(words, seq, n, rng), True
    return lambda word: sampling.sampleContext(word, seq, n), False


def _learn_as_assigned(options, pairs, start, seq, q_noise):
    """Train by a student's function, of which is known what it calls its loss function with."""
    if options.resume:
        raise InputError("--resume: this stochasticGradientDescend cannot go on from a checkpoint; "
                         "train anew")
    total = options.epochs * len(pairs)
    curve = [(0, 0.)]
    progress = Progress(total)
    method = METHODS[options.method]

    def loss_and_gradients(u_w, Vt, W, q):
        J, *gradients = method(u_w, Vt, W, q)
        if np.isfinite(J):
            curve.append((curve[-1][0] + len(u_w), float(J)))
            progress.update(*curve[-1])
        return J, *gradients

    def context_function(word):
        return sampling.sampleContext(word, seq, options.negatives)

    sgd = w2v_sgd.stochasticGradientDescend
    # The course's loop would take None amiss; this is a number that no sample after the first has.
    quiet = {"printInterval": total + 1} if accepts(sgd, "printInterval") else {}
    parameters = sgd(pairs, *start, context_function, loss_and_gradients, q_noise,
                     options.batch_size, options.epochs, options.alpha, **quiet)
    return parameters, curve
