"""Task 3: the noise distribution, and the drawing of negatives from it."""

import numpy as np

REDRAWS = 16        # of negatives that equal their context word, before they are drawn otherwise


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
    """Draw n negatives for a context word from seq, with replacement, none equal to that word.

    The assignment speaks of n different negatives, but its own function, too, lets them repeat.
    Only so is a word drawn n·q[c] times on average, as q_c = log(n·q[c]) presumes; of n different
    ones the frequent words would be drawn less often, and the rare ones more.

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
    ValueError : seq holds no word but c, or something that is no word index
    """
    contexts = sample_contexts(np.ravel(contextWord), seq, negativesCount, rng)
    return contexts if np.ndim(contextWord) else contexts[0].tolist()


def sample_contexts(words, seq, negativesCount, rng):
    """Draw the negatives of S context words at once: an S×(n+1) array, as `sampleContext` says."""
    words = np.asarray(words)
    if words.dtype.kind not in "iu":
        raise ValueError(f"contextWord must be a word index, but is {words.dtype}")
    if len(seq) == 0:
        raise ValueError("seq is empty: there is no word to draw negatives from")
    context_words = np.repeat(words, negativesCount)                        # S·n
    negatives = _draw(seq, context_words.size, rng)                         # S·n

    # A negative that equals its context word is drawn again.
    wrong = np.flatnonzero(negatives == context_words)
    for _ in range(REDRAWS):
        if not wrong.size:
            break
        negatives[wrong] = _draw(seq, wrong.size, rng)
        wrong = wrong[negatives[wrong] == context_words[wrong]]
    else:       # seq is of hardly any other word: draw from the others alone, which is the same
        for word in np.unique(context_words[wrong]):
            places = wrong[context_words[wrong] == word]
            negatives[places] = _draw(_others(seq, word), places.size, rng)

    contexts = np.empty((words.size, negativesCount + 1), dtype=np.intp)
    contexts[:, 0] = words
    contexts[:, 1:] = negatives.reshape(words.size, negativesCount)
    return contexts


def _draw(seq, count, rng):
    """Draw so many words from seq, with replacement."""
    places = rng.integers(len(seq), size=count)
    if isinstance(seq, np.ndarray):
        words = seq.take(places)
    else:
        words = np.array([seq[place] for place in places], dtype=None if count else np.intp)
    if words.dtype.kind not in "iu" or (words < 0).any():
        raise ValueError(f"seq must hold word indices, but there are other {words.dtype} in it")
    return words


def _others(seq, word):
    """Return the places of seq that hold another word than this one."""
    seq = np.asarray(seq)
    others = seq[seq != word]
    if not others.size:
        raise ValueError("seq has no word other than the context word to draw negatives from")
    return others


def _noise_counts(freqs):
    """Return how often each word is in the sampling sequence."""
    freqs = np.asarray(freqs)
    if freqs.ndim != 1 or freqs.dtype.kind not in "iuf" or not (freqs >= 0).all():
        raise ValueError("freqs must be a list of frequencies, none of them negative")
    return np.round(freqs.astype(np.float64) ** 0.75).astype(np.intp)
