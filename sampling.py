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
    ValueError : a word never occurs, so that its logarithm would be infinite, or n is not positive
    """
    if not 0 < negativesCount < np.inf:
        raise ValueError(f"negativesCount must be positive, not {negativesCount}")
    counts = _noise_counts(freqs)
    if np.any(counts < 1):
        rarest = np.argmin(counts)
        raise ValueError(f"freqs[{rarest}] rounds to 0; every word must occur at least once")
    q = counts / counts.sum()
    return np.log(negativesCount * q)


def sampleContext(contextWord, seq, negativesCount, rng=np.random.default_rng()):
    """Draw n negatives for a context word from seq, with replacement, but never the word itself.

    The assignment speaks of n different negatives, but its own function lets them repeat, too. So a
    word is drawn n·q[c] times on average, as q_c = log(n·q[c]) assumes; if the n negatives had to
    differ, frequent words would be drawn less often than that, and rare ones more often.

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
    ValueError : seq holds only the word c, or something that is not a word index
    """
    words = np.atleast_1d(contextWord)
    _check_word_indices("contextWord", words)
    context_words = np.repeat(words, negativesCount)    # S·n, the one of each negative
    negatives = _draw(seq, context_words.size, rng)     # S·n

    # A negative that equals its context word is drawn again.
    wrong = np.flatnonzero(negatives == context_words)
    while wrong.size:
        negatives[wrong] = _draw(seq, wrong.size, rng)
        still_wrong = wrong[negatives[wrong] == context_words[wrong]]
        if still_wrong.size == wrong.size:
            _check_that_there_are_others(seq, context_words[wrong])
        wrong = still_wrong

    contexts = np.column_stack([words, negatives.reshape(words.size, negativesCount)])
    return contexts if np.ndim(contextWord) else contexts[0].tolist()


def _draw(seq, count, rng):
    """Draw `count` words from seq, with replacement."""
    if len(seq) == 0:
        raise ValueError("seq is empty: there is no word to draw negatives from")
    places = rng.integers(len(seq), size=count)
    if isinstance(seq, np.ndarray):
        words = seq.take(places)
    else:       # looking places up is quicker than making an array of a list of millions
        words = np.array([seq[place] for place in places])
    _check_word_indices("seq", words)
    return words.astype(np.int32, copy=False)


def _check_word_indices(name, words):
    """Raise ValueError unless words are integers, none of them negative."""
    if words.size and (words.dtype.kind not in "iu" or words.min() < 0):
        raise ValueError(f"{name} must hold word indices, integers from 0")


def _check_that_there_are_others(seq, words):
    """Raise ValueError if seq holds nothing but one of these words: no other can be drawn."""
    for word in np.unique(words):
        ends_are_equal = seq[0] == seq[-1] == word      # if not, the rest need not be read
        if ends_are_equal and np.all(np.equal(seq, word)):
            raise ValueError(f"seq has no word other than the context word {word}")


def _noise_counts(freqs):
    """Return how often each word is in the sampling sequence."""
    freqs = np.asarray(freqs)
    if freqs.ndim != 1 or freqs.dtype.kind not in "iuf" or not (freqs >= 0).all():
        raise ValueError("freqs must be a list of frequencies, none of them negative")
    return np.round(freqs.astype(np.float64) ** 0.75).astype(np.intp)
