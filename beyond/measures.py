"""How good a model is, and what it says: the unigram floor, normalisers, nearest words."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np


def unigram_floor(contexts, q_noise, n):
    """Compute the lowest mean loss of a model that ignores w, for these context words.

    Such a model has a score for each c, which is seen p[c] times a pair as the context word and
    r[c] times as a negative, drawn by q from the words other than the context word (4.9). Its best
    score is log(p[c] / r[c]).

    Parameters
    ----------
    contexts : N word indices, the context words of the pairs
    q_noise : L values log(n·q[c])
    n : the number of negatives
    """
    parts = np.array_split(contexts, len(contexts) // 10 ** 6 + 1)     # for less memory
    counts = sum(np.bincount(part, minlength=q_noise.size) for part in parts)
    p = counts / contexts.size
    q = np.exp(q_noise) / n
    drawn = p / (1 - q)
    r = n * q * (drawn.sum() - drawn)
    return float(_entropy(p) + _entropy(r) - _entropy(p + r))


def _entropy(p):
    """Compute -Σ p·log p, where 0·log 0 is 0."""
    p = p[p > 0]
    return -np.sum(p * np.log(p))


def log_normalisers(U, V, W):
    """Compute log Σ_c exp(v_cᵀ W u_w) of every word w: 0 where exp(score) is a probability."""
    parts = np.array_split(U @ W.T, len(U) // 128 + 1)      # of 128 words, for less memory
    with ThreadPoolExecutor() as pool:
        return np.concatenate(list(pool.map(lambda h: _log_sum_exp(h @ V.T), parts)))


def _log_sum_exp(scores):
    """Compute log Σ exp of each row: what SciPy's logsumexp does, in a quarter of the time."""
    largest = scores.max(axis=1, keepdims=True)             # so that no power overflows
    scores -= largest
    np.exp(scores, out=scores)
    return np.log(scores.sum(axis=1, dtype=np.float64)) + largest[:, 0]


def nearest(E, index, count, minus=()):
    """Find the words most similar to a word, or to a sum and difference of words, by cosine.

    Parameters
    ----------
    E : L×K embeddings, a row a word; the rows count as if their length were 1
    index : of the word, or of each of those to be added
    count : how many to find
    minus : indices of the words to be subtracted

    Returns
    -------
    the indices of the nearest, the words given left out, and their cosines
    """
    tiny = np.finfo(E.dtype).tiny                           # a row of zeros stays one
    E = E / np.maximum(np.linalg.norm(E, axis=1, keepdims=True), tiny)
    plus = np.atleast_1d(index)
    minus = np.asarray(minus, dtype=np.intp)

    sought = E[plus].sum(axis=0) - E[minus].sum(axis=0)
    cosines = E @ sought / max(np.linalg.norm(sought), tiny)
    others = np.setdiff1d(np.arange(len(E)), np.concatenate([plus, minus]))
    best = others[np.argsort(-cosines[others], kind="stable")[:count]]
    return best, cosines[best]
