"""Training, by whichever stochasticGradientDescend is there: this project's, or a student's.

What ours have beyond the assignment, and a student's need not have: stochasticGradientDescend has
parameters for checkpoints, and for random numbers that follow from the seed; sampleContext has
`rng`, and takes an array of words.
"""

import inspect
import random
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

import grads
import sampling
import w2v_sgd
from beyond.as_assigned import learn_as_assigned
from beyond.checkpoints import newest_in
from beyond.command_line import handled_signals
from beyond.settings import METHODS, SCHEDULES
from beyond.starts import advice_to_step_less
from utils import InputError, Progress, tell


@dataclass
class History:
    """The history of a training: its learning curve, and how quick it was."""

    curve: np.ndarray       # a row a batch, pairs done and its loss; the first row is 0, 0
    rate: float             # pairs a second

    def final_loss(self):
        """Compute the mean loss over the last 5 % of the pairs."""
        done, J = self.curve.T
        last = np.flatnonzero(done > 0.95 * done[-1])
        sizes = done[last] - done[last - 1]
        return float(np.average(J[last], weights=sizes))


def learn(options, corpus, start, seq, q_noise, rng, checkpoints):
    """Train on the pairs of a corpus.

    Parameters
    ----------
    options : the command line's: method, negatives, batch_size, epochs, alpha, schedule, resume
    corpus : corpus.vocabulary.Corpus
    start : [U0, V0, W0]
    seq, q_noise : what the functions of `sampling` return
    rng : numpy.random.Generator
    checkpoints : beyond.checkpoints.Checkpoints

    Returns
    -------
    [U, V, W] and the History

    Raises
    ------
    InputError : the loss is not finite, or --resume has nothing to go on from
    """
    begun = time.monotonic()
    random.seed(options.seed)                   # a student's functions draw by these two
    np.random.seed(options.seed % 2 ** 32)
    contexts = make_context_function(seq, options.negatives, rng)
    curve = [(0, 0.)]
    if options.resume:
        if not sgd_is_ours():
            raise InputError("--resume: this stochasticGradientDescend cannot go on from a "
                             "checkpoint; train anew")
        start, curve = checkpoints.read(options.resume)
    elif newest_in(checkpoints.folder):
        tell(f"beginning anew; --resume would go on from {newest_in(checkpoints.folder)}")
    learned_before = curve[-1][0]
    if sgd_is_ours():
        parameters = _learn_with_checkpoints(options, corpus, start, curve, contexts, q_noise, rng,
                                             checkpoints)
    else:
        parameters = learn_as_assigned(options, corpus.pairs, start, curve, contexts[0], q_noise,
                                       loss_function(options.method))
    learned_now = options.epochs * len(corpus.pairs) - learned_before
    return parameters, History(np.array(curve), learned_now / (time.monotonic() - begun))


def all_are_ours():
    """Say whether all three modules are this project's, by what each has beyond the assignment."""
    sampling_is_ours = "rng" in inspect.signature(sampling.sampleContext).parameters
    return sgd_is_ours() and sampling_is_ours and hasattr(grads, "_check_shapes")


def sgd_is_ours():
    """Say whether stochasticGradientDescend has our parameters, not the assignment's alone."""
    return "callback" in inspect.signature(w2v_sgd.stochasticGradientDescend).parameters


def loss_function(method):
    """Return the function of grads.py for a method; InputError if it is not there."""
    function = getattr(grads, METHODS[method], None)
    if not function:
        raise InputError(f"grads.py has no function {METHODS[method]}")
    return function


def make_context_function(seq, n, rng):
    """Return a contextFunction, and whether it takes an array of words, as ours does."""
    def by_generator(words):
        return sampling.sampleContext(words, seq, n, rng=rng)

    def by_itself(words):
        return sampling.sampleContext(words, seq, n)

    words = np.arange(2)
    for draw in by_generator, by_itself:
        with suppress(Exception):       # a student's function may raise any kind for an array
            contexts = np.asarray(draw(words))
            if contexts.shape == (2, n + 1) and np.array_equal(contexts[:, 0], words):
                return draw, True
    return by_itself, False


def _learn_with_checkpoints(options, corpus, start, curve, contexts, q_noise, rng, checkpoints):
    """Train by our stochasticGradientDescend, and let the curve grow."""
    context_function, many_at_once = contexts
    done_before = curve[-1][0]
    progress = Progress(options.epochs * len(corpus.pairs))
    signals = []                    # they wait for the end of a batch

    def after_batch(done, J, *parameters):
        curve.append((done, float(J)))
        progress.update(done, J)
        if signals or checkpoints.is_due():
            checkpoints.write(curve, parameters)
        if signals:
            raise KeyboardInterrupt(signals[0])

    # A step that overflows is said by the next loss, or by Diverged.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="w2v_sgd")
    step_size = SCHEDULES[options.schedule](options.alpha)
    try:
        with handled_signals(lambda number, frame: signals.append(number)):
            parameters = w2v_sgd.stochasticGradientDescend(
                corpus.pairs, *start, context_function, loss_function(options.method), q_noise,
                options.batch_size, options.epochs, step_size, printInterval=None, rng=rng,
                many_at_once=many_at_once, done=done_before, callback=after_batch)
            checkpoints.write(curve, parameters)
    except w2v_sgd.Diverged as error:
        advice = advice_after_divergence(options, corpus.freqs)
        raise InputError(f"{error.what}: {advice}") from None
    return parameters


def advice_after_divergence(options, freqs):
    """Say what to do about a loss or scores that are too large."""
    if not all_are_ours():
        return "first see python test.py 4, 5 and 6, then take a smaller --alpha"
    return advice_to_step_less(options, freqs)
