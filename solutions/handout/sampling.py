"""Task 3: the noise distribution, and the drawing of negatives from it."""

import random


def createSamplingSequence(freqs):
    """Make the sequence that contains each word i round(freqs[i]^0.75) times.

    Parameters
    ----------
    freqs : list of word frequencies, one for each word of the vocabulary

    Returns
    -------
    list or 1-D array of word indices
    """
    # --- your code
    # about 3 lines
    raise NotImplementedError(
        "createSamplingSequence is still to be written: between the marks in sampling.py")
    # --- end of your code


def noiseDistribution(freqs, negativesCount):
    """Compute log(n·q[c]) for each word c. q[c] is the share of c in the sampling sequence.

    Parameters
    ----------
    freqs : list of word frequencies, one for each word of the vocabulary
    negativesCount : n, the number of negatives for each context word

    Returns
    -------
    list or 1-D array of numbers, one for each word
    """
    # --- your code
    # about 4 lines
    raise NotImplementedError(
        "noiseDistribution is still to be written: between the marks in sampling.py")
    # --- end of your code


def sampleContext(contextWord, seq, negativesCount):
    """Draw n negatives for a context word c, all different from c.

    A negative may be drawn several times, although the assignment speaks of n different ones. This
    way a word is drawn n·q[c] times on average, as q_c = log(n·q[c]) assumes.

    Parameters
    ----------
    contextWord : index c of a word
    seq : the sampling sequence
    negativesCount : n

    Returns
    -------
    list [c, c̄_1 … c̄_n]
    """
    context = [contextWord]
    while len(context) <= negativesCount:
        negative = random.choice(seq)
        if negative != contextWord:
            context.append(negative)
    return context
