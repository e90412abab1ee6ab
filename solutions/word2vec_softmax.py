"""word2vec with naive softmax and with negative sampling, by the names of the assignment that asks for them.

    naive softmax       J = -log ŷ_o,   ŷ = softmax(U v_c)
    negative sampling   J = -log σ(u_oᵀ v_c) - Σ_s log σ(-u_wsᵀ v_c)

The rows of U = outsideVectors are the words, L×M; in softmax.pdf, as in the assignment, its columns are. Scores of any
size neither overflow nor cost digits of the loss. Arguments are never changed.
"""

import numpy as np

DRAWS = 100_000     # that equal the outside word one after the other: there is hardly another word to draw


@np.errstate(under="ignore")        # e^-|x| of a large x is 0
def sigmoid(x):
    """σ(x) = 1/(1 + e⁻ˣ) of a number or an array."""
    [x] = _floats(x)
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


@np.errstate(under="ignore")
def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    """Loss and gradients of one pair of words, by the softmax over the whole vocabulary.

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
    ValueError : the shapes do not fit
    """
    v, U = _checked(centerWordVec, outsideVectors)
    scores = U @ v                                  # L
    top = scores.argmax()
    e = np.exp(scores - scores[top])                # L
    rest = e[:top].sum() + e[top + 1:].sum()        # Σ e = 1 + rest
    loss = scores[top] - scores[outsideWordIdx] + np.log1p(rest)
    δ = e / (1 + rest)                              # L, ŷ
    δ[outsideWordIdx] = 0
    δ[outsideWordIdx] = -δ.sum()                    # L, ŷ - y; as ŷ_o - 1 it would cancel
    return float(loss), δ @ U, np.outer(δ, v)


def getNegativeSamples(outsideWordIdx, dataset, K):
    """K words from dataset.sampleTokenIdx() that are not the outside word; ValueError if it gives no other."""
    def draw():
        for _ in range(DRAWS):
            if (word := dataset.sampleTokenIdx()) != outsideWordIdx:
                return word
        raise ValueError(f"sampleTokenIdx() gave the outside word, {outsideWordIdx}, {DRAWS} times in a row: "
                         "negatives need a second word in the vocabulary")
    return [draw() for _ in range(K)]


@np.errstate(under="ignore")
def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
    """Loss and gradients of one pair of words and K negatives, each counted as often as it was drawn.

    All else is as in `naiveSoftmaxLossAndGradient`; gradOutsideVecs is 0 but in the rows of these words.
    """
    v, U = _checked(centerWordVec, outsideVectors)
    indices = [outsideWordIdx, *getNegativeSamples(outsideWordIdx, dataset, K)]
    rows = U[indices]                               # (K+1)×M
    sign = np.array([1] + K * [-1], U.dtype)        # K+1
    x = sign * (rows @ v)                           # K+1
    loss = np.sum(np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x))), dtype=np.float64)   # -Σ log σ(x)
    g = -sign * sigmoid(-x)                         # K+1, the derivatives by the scores
    dU = np.zeros_like(U)
    np.add.at(dU, indices, np.outer(g, v))          # dU[indices] += … would count a repeated word once
    return float(loss), g @ rows, dU


def skipgram(currentCenterWord, windowSize, outsideWords, word2Ind, centerWordVectors, outsideVectors, dataset,
             word2vecLossAndGradient=naiveSoftmaxLossAndGradient):
    """Loss and gradients of a window: sums over the outside words; by the center vectors 0 but in the row of c.

    outsideWords holds the words of the window, so windowSize is not used; word2Ind gives a word's row.
    """
    V, U = _floats(centerWordVectors, outsideVectors)
    c = word2Ind[currentCenterWord]
    loss, dV, dU = 0., np.zeros_like(V), np.zeros_like(U)
    for word in outsideWords:
        cost, dv_c, dU_o = word2vecLossAndGradient(V[c], word2Ind[word], U, dataset)
        loss += cost
        dV[c] += dv_c
        dU += dU_o
    return loss, dV, dU


def _checked(v, U):
    v, U = _floats(v, U)
    if v.ndim != 1 or U.shape[1:] != v.shape:
        raise ValueError(f"centerWordVec has shape {v.shape} and outsideVectors {U.shape}, expected (M,) and (L, M)")
    return v, U


def _floats(*arrays):
    dtype = np.result_type(*map(np.asarray, arrays), np.float32)
    return [np.asarray(array, dtype) for array in arrays]
