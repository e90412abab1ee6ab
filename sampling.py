"""Task 3: the noise distribution, and the drawing of negatives from it."""

import numpy as np


def createSamplingSequence(freqs):
    """Make the sequence in which word i occurs round(freqs[i]^0.75) times.

    Parameters
    ----------
    freqs : L word frequencies

    Returns
    -------
    1-D array of word indices: a uniform draw from it is a draw from the noise distribution q
    """
    counts = _noise_counts(freqs)
    words = np.arange(counts.size, dtype=np.int32)
    return np.repeat(words, counts)


def noiseDistribution(freqs, negativesCount):
    """Compute log(n·q[c]) of all words c, where q[c] ∝ round(freqs[c]^0.75).

    Parameters
    ----------
    freqs : L word frequencies
    negativesCount : n, the number of negatives of a context word

    Returns
    -------
    L float64

    Raises
    ------
    ValueError : a word never occurs, so that its logarithm would be infinite
    """
    counts = _noise_counts(freqs)
    if np.any(counts < 1):
        rarest = np.argmin(counts)
        raise ValueError(f"freqs[{rarest}] rounds to 0; every word must occur at least once")
    q = counts / counts.sum()
    return np.log(negativesCount * q)


def sampleContext(contextWord, seq, negativesCount, rng=np.random.default_rng()):
    """Draw n negatives for a context word from seq, with replacement, none equal to that word.

    Parameters
    ----------
    contextWord : index c of a word, or an array of S of them
    seq : list or 1-D array of word indices, as from `createSamplingSequence`
    negativesCount : n
    rng : numpy.random.Generator; by default one that is seeded by the operating system

    Returns
    -------
    the list [c, c̄_1 … c̄_n], or an S×(n+1) array of such rows

    Raises
    ------
    ValueError : seq holds no word but c
    """
    contexts = sample_contexts(np.ravel(contextWord), seq, negativesCount, rng)
    return contexts if np.ndim(contextWord) else contexts[0].tolist()


def sample_contexts(words, seq, negativesCount, rng):
    """Draw the negatives of S context words at once: an S×(n+1) array, as `sampleContext` says."""
    words = np.asarray(words, dtype=np.intp)
    _check_that_others_are_there(words, seq)

    context_words = np.repeat(words, negativesCount)                        # S·n
    negatives = _draw(seq, context_words.size, rng)                         # S·n
    # A negative that equals its context word is drawn again, until there is none.
    wrong = np.flatnonzero(negatives == context_words)
    while wrong.size:
        negatives[wrong] = _draw(seq, wrong.size, rng)
        wrong = wrong[negatives[wrong] == context_words[wrong]]

    negatives = negatives.reshape(words.size, negativesCount)               # S×n
    return np.column_stack([words, negatives])                              # S×(n+1)


def _draw(seq, count, rng):
    places = rng.integers(len(seq), size=count)
    if isinstance(seq, np.ndarray):
        return seq.take(places)
    return np.array([seq[place] for place in places])


def _check_that_others_are_there(words, seq):
    """Raise ValueError if seq has no word but one of words, for which one would draw for ever."""
    if len(seq) == 0:
        raise ValueError("seq has no word other than the context word to draw negatives from")
    # Equal ends are rare, and the loop over seq stops at the first other word.
    if seq[0] == seq[-1] and np.any(words == seq[0]) and all(word == seq[0] for word in seq):
        raise ValueError("seq has no word other than the context word to draw negatives from")


def _noise_counts(freqs):
    """Return how often each word is in the sampling sequence."""
    return np.round(np.asarray(freqs, dtype=np.float64) ** 0.75).astype(np.intp)
