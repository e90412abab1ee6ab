"""Task 3: the noise distribution, and the drawing of negatives from it."""

import random


def createSamplingSequence(freqs):
    """Make the sequence in which word i occurs round(freqs[i]^0.75) times.

    Parameters
    ----------
    freqs : list of L word frequencies

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
    """Compute log(n·q[c]) of all words c, where q[c] is the share of c in the sampling sequence.

    Parameters
    ----------
    freqs : list of L word frequencies
    negativesCount : n, the number of negatives of a context word

    Returns
    -------
    list or 1-D array of L numbers
    """
    # --- your code
    # about 4 lines
    raise NotImplementedError(
        "noiseDistribution is still to be written: between the marks in sampling.py")
    # --- end of your code


def sampleContext(contextWord, seq, negativesCount):
    """Draw the negatives of a context word c, none equal to it: [c, c̄_1 … c̄_n].

    They are drawn with replacement, so one may occur several times, though the assignment speaks of
    n different ones. Drawn so, a word is expected n·q[c] times, as q_c = log(n·q[c]) presumes.

    Parameters
    ----------
    contextWord : index c of a word
    seq : the sampling sequence
    negativesCount : n
    """
    context = [contextWord]
    while len(context) <= negativesCount:
        negative = random.choice(seq)
        if negative != contextWord:
            context.append(negative)
    return context
