"""Where U, V and W start. A new start is a function here and an entry in STARTS.

Each function takes the frequencies of the L words, M, S, n, a numpy.random.Generator, alpha and the
N×2 pairs, and returns U, V (L×M) and W (M×M) in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

PAIRS_AT_ONCE = 10 ** 7         # counted in one go, for less memory


def unigram_start(freqs, M, S, n, rng, alpha=1., pairs=None):
    """Make a start with v_cᵀ W u_w ≈ log p(c) for all w: the unigram model; the rest is noise.

    Why W is not near 1: the mean over a batch divides a pair's gradient by S, so a rare word would
    hardly move. With W = k·I and ũ = √k·u, ṽ = √k·v the scores are ṽᵀũ, and a step moves ũ by
    α·k/S times the pair's own gradient: 0.06 for k = 60, α = 1 and S = 1000. The most frequent word
    is in a share p_max of every batch, so its steps do not shrink with S. With many negatives,
    overshooting costs much. So k is smaller if p_max or n is large. For α = 0.5, k is doubled, so
    α·k stays the same; the words then weigh more beside their frequencies in V·W. Below 0.5, k
    grows no further, so that steps become smaller.

    log p(c) has a coordinate of its own, in which the pairs push U, V and W all the same way. a and
    b divide log p(c) among U, V and W so that no step overshoots in any of them (5.7).

    The constants are measured: half of 60 learns less, twice 60 may diverge.
    """
    p = np.asarray(freqs) / np.sum(freqs)
    size = np.sqrt(np.sum(p * np.log(p) ** 2))      # of log p(c), as the pairs have it
    b = 1.3 * np.cbrt(size / p.max())
    a = 1.15 * np.sqrt(size / b)
    k = min(60, 0.12 * S, 0.3 / p.max() ** 2) * min(1, 5 / n) / max(alpha, 0.5)

    U, V = rng.uniform(-0.1, 0.1, size=(2, p.size, M)) / np.sqrt(M)
    U[:, 0] = a
    V[:, 0] = np.log(p) / (a * b)
    W = np.diag([b] + [k] * (M - 1))
    return U, V, W


def spectral_start(freqs, M, S, n, rng, alpha, pairs):
    """Make the unigram start, then fill the other M-1 coordinates from the positive PMI.

    The scores at which noise contrastive estimation would end are log p(c|w) = log p(c) +
    PMI(w, c). The pointwise mutual information of pairs that never occur is -∞, so its positive
    part is factored, and its M-1 largest factors are used (Levy and Goldberg, Neural word embedding
    as implicit matrix factorization, 2014). All pairs are counted, so a run's loss is no longer
    that of pairs not seen before.
    """
    U, V, W = unigram_start(freqs, M, S, n, rng, alpha)
    if M == 1:
        return U, V, W

    from sklearn.utils.extmath import randomized_svd  # here, since it is slow to import
    seed = int(rng.integers(2 ** 31))
    X, s, Yt = randomized_svd(_positive_pmi(pairs, len(U)), M - 1, random_state=seed)
    size = np.sqrt(s / W[1, 1])                         # V diag(k) Uᵀ = Y diag(s) Xᵀ
    U[:, 1:len(s) + 1] = size * X
    V[:, 1:len(s) + 1] = size * Yt.T
    return U, V, W


def _positive_pmi(pairs, L):
    """Compute the positive part of PMI(w, c) of pairs of L words, as a sparse L×L matrix."""
    parts = np.array_split(pairs, len(pairs) // PAIRS_AT_ONCE + 1)
    counts = sum(_count(part, L) for part in parts).tocoo()
    of_w, of_c = counts.sum(axis=1), counts.sum(axis=0)
    expected = of_w[counts.row] / len(pairs) * of_c[counts.col]
    pmi = np.log(counts.data / expected)
    places = counts.row, counts.col
    return sparse.csr_array((pmi.clip(0).astype(np.float32), places), shape=(L, L))


def _count(pairs, L):
    """Count how often each pair occurs, as a sparse L×L matrix."""
    ones = np.ones(len(pairs), np.int32)
    return sparse.coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(L, L)).tocsr()


def uniform_start(freqs, M, S, n, rng, alpha=1., pairs=None):
    """Make the course's start: everything uniform between -1/M and 1/M."""
    L = len(freqs)
    return [rng.uniform(-1 / M, 1 / M, size=(rows, M)) for rows in (L, L, M)]


@dataclass
class Start:
    """A start, and what must be known of it."""

    function: Callable
    words: str                      # for --help: where training starts
    counts_pairs: bool = False      # so it has seen each pair that a first epoch learns from
    is_unigram_model: bool = True   # its loss begins at the floor
    step: float = 1.                # how large its steps may be, beside those of the unigram start


STARTS = {
    "unigram": Start(unigram_start, "from the frequencies of words"),
    "spectral": Start(spectral_start, "also from those of pairs", counts_pairs=True, step=0.5),
    "uniform": Start(uniform_start, "at random", is_unigram_model=False),
}


def advice_to_step_less(options, freqs):
    """Say which step size to take in place of options.alpha, with which a run diverged.

    What overshoots is the most frequent word, with its share p_max of every batch, and in batches
    of a few pairs any word. The constants are measured: on texts with p_max from 0.05 to 0.9 and
    S from 1 to 1000 the unigram start learned with 0.5 and 1 times the bound, and mostly with 2
    times. The spectral start needs smaller steps, as its words have longer vectors.
    """
    p_max = np.max(freqs) / np.sum(freqs)
    bound = min(1, 0.12 / p_max) * min(1, options.batch_size / 20) * min(1, 5 / options.negatives)
    bound *= STARTS[options.init].step
    return f"take a smaller step size, such as --alpha {min(options.alpha / 5, bound):.2g}"
