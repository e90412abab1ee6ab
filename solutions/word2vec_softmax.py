"""Word2vec with naive softmax and with negative sampling, under the names of its assignment.

    naive softmax       J = -log ŷ_o,   ŷ = softmax(U v_c)
    negative sampling   J = -log σ(u_oᵀ v_c) - Σ_s log σ(-u_wsᵀ v_c)

The words are the rows of U = outsideVectors, L×M; in softmax.pdf, as in the assignment, they are
its columns. The numbers beside the lines are those of the formulas in softmax.pdf. The results are
in float64, and no score is so large that they overflow. No function changes its arguments.
"""

from itertools import islice

import numpy as np

MAX_DRAWS = 1_000_000       # if nearly all of these give the outside word, there is no other word


def sigmoid(x):
    """Compute σ(x) = 1/(1 + e⁻ˣ) of a number or an array."""
    x = np.asarray(x, float)
    # Both sides of the fraction are multiplied by e^min(x, 0), so that no power overflows.
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))      # (f.1)


def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    """Compute the loss of a pair of words and its gradients, with a softmax over the vocabulary.

    Parameters
    ----------
    centerWordVec : M, v_c
    outsideWordIdx : int, o
    outsideVectors : L×M, U
    dataset : not used here

    Returns
    -------
    loss : float
    gradCenterVec, gradOutsideVecs : gradients, shaped like centerWordVec and outsideVectors
    """
    v_c, U = np.asarray(centerWordVec, float), np.asarray(outsideVectors, float)
    o = outsideWordIdx

    # Each power is divided by the largest, so that none overflows. Their sum is then 1 + rest.
    scores = U @ v_c                                # L
    top = scores.argmax()
    powers = np.exp(scores - scores[top])           # L
    rest = powers[:top].sum() + powers[top + 1:].sum()
    ŷ = powers / (1 + rest)                         # (a.1)  L
    J = scores[top] - scores[o] + np.log1p(rest)    # (a.2)

    # δ = ŷ - y. At o, where ŷ_o - 1 would lose digits, it is minus the sum of the others.
    δ = ŷ.copy()                                    # L
    δ[o] = 0
    δ[o] = -δ.sum()

    gradCenterVec = δ @ U                           # (b.2)  M
    gradOutsideVecs = np.outer(δ, v_c)              # (d.1)  L×M
    return float(J), gradCenterVec, gradOutsideVecs


def getNegativeSamples(outsideWordIdx, dataset, K):
    """Draw K words with dataset.sampleTokenIdx(), all different from the outside word.

    Raises ValueError if it gives only the outside word.
    """
    draws = (dataset.sampleTokenIdx() for _ in range(MAX_DRAWS))
    negatives = list(islice((w for w in draws if w != outsideWordIdx), K))
    if len(negatives) < K:
        raise ValueError(f"of {MAX_DRAWS} words from sampleTokenIdx(), fewer than {K} differ from "
                         f"the outside word, {outsideWordIdx}: is there another word?")
    return negatives


def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
    """Compute the loss of a pair of words and K negatives, and its gradients.

    A negative counts as often as it was drawn. Parameters and results are those of
    `naiveSoftmaxLossAndGradient`; gradOutsideVecs is 0 except in the rows of these words.
    """
    v_c, U = np.asarray(centerWordVec, float), np.asarray(outsideVectors, float)
    words = [outsideWordIdx, *getNegativeSamples(outsideWordIdx, dataset, K)]
    rows = U[words]                                 # (K+1)×M

    # J = -Σ log σ(x), where x is the score of the outside word, or minus the score of a negative.
    sign = np.array([1] + K * [-1])                 # K+1
    x = sign * (rows @ v_c)                         # K+1
    J = np.sum(np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x))))    # (g.1)

    g = -sign * sigmoid(-x)                         # K+1, the derivatives by the scores
    gradRows = np.outer(g, v_c)                     # (g.3), (g.4)  (K+1)×M
    gradCenterVec = g @ rows                        # (g.2)  M
    gradOutsideVecs = np.zeros(U.shape)             # L×M
    np.add.at(gradOutsideVecs, words, gradRows)     # (h.2), where += would count a word once
    return float(J), gradCenterVec, gradOutsideVecs


def skipgram(currentCenterWord, windowSize, outsideWords, word2Ind, centerWordVectors,
             outsideVectors, dataset, word2vecLossAndGradient=naiveSoftmaxLossAndGradient):
    """Compute the loss of a window and its gradients: sums over the outside words.

    Parameters
    ----------
    currentCenterWord : the word c
    windowSize : not used here
    outsideWords : the words of the window around c
    word2Ind : dict from word to row
    centerWordVectors, outsideVectors : L×M, V and U
    dataset : source of the negatives for word2vecLossAndGradient
    word2vecLossAndGradient : one of the two loss functions above

    Returns
    -------
    loss : float
    gradCenterVecs, gradOutsideVecs : gradients, L×M; the former is 0 except in the row of c
    """
    c = word2Ind[currentCenterWord]
    v_c = centerWordVectors[c]

    loss = 0.
    gradCenterVecs = np.zeros(np.shape(centerWordVectors))
    gradOutsideVecs = np.zeros(np.shape(outsideVectors))
    for word in outsideWords:
        J, dv_c, dU = word2vecLossAndGradient(v_c, word2Ind[word], outsideVectors, dataset)
        loss += J                                   # (i.1)
        gradOutsideVecs += dU                       # (i.2)
        gradCenterVecs[c] += dv_c                   # (i.3), in the row that (i.4) says
    return loss, gradCenterVecs, gradOutsideVecs
