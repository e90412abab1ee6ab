"""Training, by whichever stochasticGradientDescend is there: this project's, or a student's.

What ours have beyond the assignment, and a student's need not have: stochasticGradientDescend has
parameters for checkpoints, and for random numbers that follow from the seed; sampleContext has
`rng`, and takes an array of words.
"""

import inspect
import random
import time
import warnings
from dataclasses import dataclass

import numpy as np

import grads
import sampling
import w2v_sgd
from beyond.as_assigned import learn_as_assigned
from beyond.checkpoints import CHECKPOINT, newest_in
from beyond.command_line import handled_signals
from beyond.settings import METHODS, SCHEDULES
from beyond.starts import advice_to_step_less
from utils import InputError, Progress, tell

OUR_PARAMETERS = "rng", "many_at_once", "done", "callback"     # beyond the assignment's


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
    if not sgd_is_ours():
        parameters, curve = learn_as_assigned(options, corpus.pairs, start, contexts[0], q_noise,
                                              loss_function(options.method))
        learned_before = 0
    else:
        if options.resume:
            start, curve = _resume(options, checkpoints, start, len(corpus.pairs))
        elif newest_in(checkpoints.folder):
            tell(f"beginning anew; --resume would go on from {newest_in(checkpoints.folder)}")
        learned_before = curve[-1][0]
        parameters = _learn_with_checkpoints(options, corpus, start, curve, contexts, q_noise, rng,
                                             checkpoints)
    learned_now = options.epochs * len(corpus.pairs) - learned_before
    return parameters, History(np.array(curve), learned_now / (time.monotonic() - begun))


def all_are_ours():
    """Say whether all three modules are this project's, by what each has beyond the assignment."""
    sampling_is_ours = "rng" in inspect.signature(sampling.sampleContext).parameters
    return sgd_is_ours() and sampling_is_ours and hasattr(grads, "_check_shapes")


def sgd_is_ours():
    """Say whether stochasticGradientDescend has our parameters, not the assignment's alone."""
    parameters = inspect.signature(w2v_sgd.stochasticGradientDescend).parameters
    return set(OUR_PARAMETERS) <= set(parameters)


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

    for draw in by_generator, by_itself:
        if takes_two_words(draw, n):
            return draw, True
    return by_itself, False


def takes_two_words(context_function, n):
    """Say whether a contextFunction returns two contexts for an array of two words."""
    words = np.arange(2)
    try:
        contexts = np.asarray(context_function(words))
    except Exception:           # of whatever kind a student's function raises for an array
        return False
    return contexts.shape == (2, n + 1) and np.array_equal(contexts[:, 0], words)


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
        raise InputError(_explained(error, options, corpus, curve, checkpoints)) from None
    return parameters


def _explained(error, options, corpus, curve, checkpoints):
    """Say what to do about Diverged, and keep what was learned before."""
    if not curve[-1][0]:                        # before the first step
        return f"{error.what}: look at the start and the loss function"
    advice = f"{error.what}: {advice_after_divergence(options, corpus.freqs)}"
    if not all(np.isfinite(X).all() for X in error.learned):
        return advice
    checkpoints.write(curve, error.learned)
    return f"{advice}; what was learned before is in {checkpoints.folder / CHECKPOINT}"


def advice_after_divergence(options, freqs):
    """Say what to do about a loss or scores that are too large."""
    if not all_are_ours():
        return "first see python test.py 4, 5 and 6, then take a smaller --alpha"
    return advice_to_step_less(options, freqs)


def _resume(options, checkpoints, start, pair_count):
    """Read what --resume names, a file or just the newest: U, V, W and the learning curve."""
    path = options.resume
    if path is True or path.is_dir():
        folder = checkpoints.folder if path is True else path
        path = newest_in(folder) or folder / CHECKPOINT
    return checkpoints.read(path, start, pair_count, options.epochs)
