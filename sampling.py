"""Task 3: the noise distribution, and the drawing of negatives from it."""

import numpy as np


def createSamplingSequence(freqs):
    """The sequence in which word i occurs round(freqs[i]^0.75) times.

    Parameters
    ----------
    freqs : L word frequencies

    Returns
    -------
    1-D array of word indices: a uniform draw from it is a draw from the noise distribution q
    """
    # --- your code
    counts = _noise_counts(freqs)
    return np.repeat(np.arange(counts.size, dtype=np.int32), counts)
    # --- end of your code


def noiseDistribution(freqs, negativesCount):
    """The values log(n·q[c]) of all words c, where q[c] ∝ round(freqs[c]^0.75).

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
    # --- your code
    counts = _noise_counts(freqs)
    if np.any(counts < 1):
        raise ValueError(f"freqs[{np.argmin(counts)}] rounds to 0; every word must occur at least once")
    return np.log(negativesCount * counts / counts.sum())
    # --- end of your code


def sampleContext(contextWord, seq, negativesCount, rng=np.random.default_rng()):
    """The context word and n negatives, drawn from seq with replacement, none equal to that word.

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
    # --- your code
    c = np.asarray(contextWord, dtype=np.intp)
    # Equal ends are rare, and the loop over seq stops at the first other word.
    if len(seq) == 0 or (seq[0] == seq[-1] and np.any(c == seq[0]) and all(word == seq[0] for word in seq)):
        raise ValueError("seq has no word other than the context word to draw negatives from")
    negatives, own = _draw(seq, c.size * negativesCount, rng), np.repeat(c, negativesCount)     # S·n
    again = np.flatnonzero(negatives == own)
    while again.size:
        negatives[again] = _draw(seq, again.size, rng)
        again = again[negatives[again] == own[again]]
    negatives = negatives.astype(np.intp, copy=False).reshape(c.size, negativesCount)           # S×n
    context = np.column_stack([c.ravel(), negatives])                                           # S×(n+1)
    return context if c.ndim else context[0].tolist()
    # --- end of your code


# --- your code
def batch_sampler(seq, negativesCount):
    """The contextFunction that calls `sampleContext` once for a whole batch."""
    seq = np.asarray(seq)

    def sample_batch(context_words, rng):
        return sampleContext(context_words, seq, negativesCount, rng)
    sample_batch.takes_batch = True
    return sample_batch


def _draw(seq, count, rng):
    places = rng.integers(len(seq), size=count)
    return seq.take(places) if isinstance(seq, np.ndarray) else np.array([seq[place] for place in places])


def _noise_counts(freqs):
    return np.round(np.asarray(freqs, dtype=np.float64) ** 0.75).astype(np.intp)
# --- end of your code
