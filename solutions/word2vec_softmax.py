"""Word2vec with naive softmax and with negative sampling, under the names of its assignment.

    naive softmax       J = -log ŷ_o,   ŷ = softmax(U v_c)
    negative sampling   J = -log σ(u_oᵀ v_c) - Σ_s log σ(-u_wsᵀ v_c)

The words are the rows of U = outsideVectors, L×M; in softmax.pdf, as in the assignment, they are
its columns. The numbers beside the lines are those of the formulas in softmax.pdf. The loss is
exact, without overflow, for scores of any size. No function changes its arguments.
"""

import numpy as np

MAX_DRAWS = 100_000     # if all of these give the outside word, there is probably no other word


@np.errstate(under="ignore")        # for a large x, e^-|x| is 0
def sigmoid(x):
    """Compute σ(x) = 1/(1 + e⁻ˣ) of a number or an array."""
    [x] = _as_floats(x)
    # Numerator and denominator are multiplied by e^min(x, 0), so that no power can overflow.
    numerator = np.exp(np.minimum(x, 0))
    denominator = 1 + np.exp(-np.abs(x))
    σ = numerator / denominator                     # (f.1)
    return σ


@np.errstate(under="ignore")
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

    Raises
    ------
    ValueError : the shapes do not fit together
    """
    v_c, U = _checked_floats(centerWordVec, outsideVectors)
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

    loss = float(J)
    gradCenterVec = δ @ U                           # (b.2)  M
    gradOutsideVecs = np.outer(δ, v_c)              # (d.1)  L×M
    return loss, gradCenterVec, gradOutsideVecs


def getNegativeSamples(outsideWordIdx, dataset, K):
    """Draw K words with dataset.sampleTokenIdx(), all different from the outside word.

    Raises ValueError if it gives only the outside word.
    """
    return [_draw_other_word(outsideWordIdx, dataset) for _ in range(K)]


def _draw_other_word(outsideWordIdx, dataset):
    """Draw words until one is not the outside word."""
    for _ in range(MAX_DRAWS):
        word = dataset.sampleTokenIdx()
        if word != outsideWordIdx:
            return word
    raise ValueError(f"sampleTokenIdx() gave the outside word, {outsideWordIdx}, {MAX_DRAWS} times "
                     "in a row: negatives need a second word in the vocabulary")


@np.errstate(under="ignore")
def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
    """Compute the loss of a pair of words and K negatives, and its gradients.

    A negative counts as often as it was drawn. Parameters and results are those of
    `naiveSoftmaxLossAndGradient`; gradOutsideVecs is 0 except in the rows of these words.
    """
    v_c, U = _checked_floats(centerWordVec, outsideVectors)
    negatives = getNegativeSamples(outsideWordIdx, dataset, K)
    words = [outsideWordIdx, *negatives]
    rows = U[words]                                 # (K+1)×M

    # J = -Σ log σ(x), where x is the score of the outside word, or minus the score of a negative.
    sign = np.array([1] + K * [-1], U.dtype)        # K+1
    x = sign * (rows @ v_c)                         # K+1
    terms = np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x)))
    J = np.sum(terms, dtype=np.float64)             # (g.1)

    g = -sign * sigmoid(-x)                         # K+1, the derivatives by the scores
    gradRows = np.outer(g, v_c)                     # (g.3), (g.4)  (K+1)×M

    loss = float(J)
    gradCenterVec = g @ rows                        # (g.2)  M
    gradOutsideVecs = np.zeros_like(U)              # L×M
    np.add.at(gradOutsideVecs, words, gradRows)     # (h.2), where += would count a word once
    return loss, gradCenterVec, gradOutsideVecs


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
    V, U = _as_floats(centerWordVectors, outsideVectors)
    c = word2Ind[currentCenterWord]

    loss = 0.
    gradCenterVecs = np.zeros_like(V)
    gradOutsideVecs = np.zeros_like(U)
    for word in outsideWords:
        o = word2Ind[word]
        J, dv_c, dU = word2vecLossAndGradient(V[c], o, U, dataset)
        loss += J                                   # (i.1)
        gradOutsideVecs += dU                       # (i.2)
        gradCenterVecs[c] += dv_c                   # (i.3), in the row that (i.4) says
    return loss, gradCenterVecs, gradOutsideVecs


def _checked_floats(v_c, U):
    """Convert v_c and U to one float dtype; ValueError if the shapes do not fit together."""
    v_c, U = _as_floats(v_c, U)
    if v_c.ndim != 1 or U.shape[1:] != v_c.shape:
        raise ValueError(f"centerWordVec has shape {v_c.shape} and outsideVectors {U.shape}, "
                         "expected (M,) and (L, M)")
    return v_c, U


def _as_floats(*arrays):
    """Convert the arrays to their common float dtype, with at least 32 bits."""
    dtype = np.result_type(*map(np.asarray, arrays), np.float32)
    return [np.asarray(array, dtype) for array in arrays]
