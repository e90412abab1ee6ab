"""Task 6: minibatch stochastic gradient descent."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from scipy import sparse


# --- your code
class Diverged(ArithmeticError):
    """The loss is no longer finite; `learned` holds U, V, W as they were when that was seen."""

    def __init__(self, what, alpha, *learned):
        step = alpha(0) if callable(alpha) else alpha
        super().__init__(f"{what}: take a smaller step size, such as alpha = {step / 5:.2g}")
        self.learned = learned
# --- end of your code


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., rng=None, threads=1, done=0, callback=None):
    """Lower the mean loss over data by plain minibatch gradient descent.

    Parameters
    ----------
    data : N×2 array or list of pairs (target word w, context word c)
    U0, V0, W0 : L×M, L×M and M×M, the start; they are not changed
    contextFunction : c -> [c, c̄_1 … c̄_n]
    lossAndGradientFunction : (u_w, Vt, W, q) -> J, du_w, dVt, dW of a batch, as those of `grads`
    q_noise : L values log(n·q[c])
    batchSize : S; the last batch of an epoch is what remains
    epochs : how many times to go through data, each time in a new random order
    alpha : the step size

    Returns
    -------
    U, V, W : in the dtypes of U0, V0, W0, where these are floats

    Beyond the assignment
    ---------------------
    contextFunction : one with a true attribute `takes_batch` is called with an array of many context words and a
        numpy.random.Generator instead, and returns such a row for each
    alpha : may be a function that returns the step size for the share of the work done, 0 to 1
    rng : seed or numpy.random.Generator; the orders and the contextFunction's Generators follow from it
    threads : with 2 or more, the next batches are prepared while one is learned from; the result is the same
    done : how many pairs U0, V0, W0 have learned from already, in whole batches of a run with the same arguments
    callback : is called after each batch with how many pairs are done, its J, and U, V, W

    Raises
    ------
    ValueError : data or contexts are not word indices below L, a start or q_noise is not finite, or batchSize below 1
    Diverged : the loss is not finite
    """
    # --- your code
    U, V, W = (np.array(start, dtype=np.result_type(start, np.float32)) for start in map(np.asarray, (U0, V0, W0)))
    pairs, q_noise = _checked_pairs(data, len(U)), np.asarray(q_noise, dtype=V.dtype)
    if batchSize < 1:
        raise ValueError(f"batchSize must be at least 1, not {batchSize}")
    for name, X in ("U0", U), ("V0", V), ("W0", W), ("q_noise", q_noise):
        if not np.isfinite(X).all():
            raise ValueError(f"{name} must be finite, but is {X[~np.isfinite(X)][0]} in a place")
    seed = np.random.default_rng(rng).integers(2 ** 63)
    takes_batch = getattr(contextFunction, "takes_batch", False)

    def prepare(block):
        """For each batch of a block what does not depend on U, V, W: its distinct target words, which of them each
        pair has, and the one-hot matrix of that; the same of its context words and negatives; the q of these."""
        epoch, first, batches = block
        w, c = order[first:first + batches * batchSize].view(np.int32).reshape(-1, 2).T     # of all batches
        if takes_batch:
            context = np.asarray(contextFunction(c.astype(np.intp), np.random.default_rng([seed, epoch, first])))
        else:
            context = np.array([tuple(contextFunction(word)) for word in c.tolist()])
        if context.min() < 0 or context.max() >= len(V):
            raise ValueError(f"contextFunction must return word indices from 0 to {len(V) - 1}")
        q = q_noise.take(context).reshape(batches, -1, context.shape[1])
        firsts = range(epoch * len(pairs) + first, total, batchSize)
        return list(zip(firsts, _distinct(w.reshape(batches, -1), U), _distinct(context.reshape(batches, -1), V), q))

    total = epochs * len(pairs)
    for epoch in range(done // max(len(pairs), 1), epochs):
        order = pairs.copy().view(np.int64).ravel()         # each pair as one number, which is quick to move
        np.random.default_rng([seed, epoch]).shuffle(order)
        blocks = _blocks(epoch, len(pairs), batchSize, done)
        batches = _ahead(prepare, blocks, threads if takes_batch else 1)
        for first, (w, w_place, w_hot), (c, c_place, c_hot), q in batches:                  # c: with the negatives
            if first < done:                    # the rest of its block is not
                continue
            step = W.dtype.type(alpha(done / total) if callable(alpha) else alpha)
            u, v = U.take(w, axis=0), V.take(c, axis=0)                             # each word once
            u_w, Vt = u.take(w_place, axis=0), v.take(c_place.reshape(q.shape), axis=0)     # S×M, S×(n+1)×M
            with np.errstate(over="ignore", invalid="ignore"):                      # J shows them
                J, du_w, dVt, dW = lossAndGradientFunction(u_w, Vt, W, q)
                if not np.isfinite(J):
                    batch = (first - epoch * len(pairs)) // batchSize + 1
                    raise Diverged(f"the loss is {J} in batch {batch} of epoch {epoch + 1}", alpha, U, V, W)
                u -= step * (w_hot @ du_w)                      # every gradient of a word that is repeated
                v -= step * (c_hot @ np.reshape(dVt, (-1, V.shape[1])))
                U[w], V[c] = u, v
                W -= step * np.asarray(dW)
            done += len(q)
            if callback:
                callback(done, J, U, V, W)
    if total and not all(np.isfinite(X).all() for X in (U, V, W)):
        raise Diverged("the last steps led to infinite embeddings", alpha, U, V, W)
    return U, V, W
    # --- end of your code


# --- your code
PAIRS = 32000       # prepared together: few calls on long arrays, and yet little memory


def _distinct(index, A):
    """For each row of index its T distinct words, which of them each of the row's K entries is, and that as a one-hot
    T×K matrix, whose product with gradients of the entries is the sum for each word."""
    rows, L = len(index), len(A)
    keys = index + L * np.arange(rows)[:, None]                     # no key stands in two rows
    present = np.zeros(rows * L, dtype=bool)
    present[keys] = True
    distinct = np.flatnonzero(present)
    bounds = np.searchsorted(distinct, L * np.arange(rows + 1))     # of the rows in distinct
    number = np.empty(rows * L, dtype=np.intp)
    number[distinct] = np.arange(distinct.size) - np.repeat(bounds[:-1], np.diff(bounds))
    places = number.take(keys)
    ones, ends = np.ones(index.shape[1], A.dtype), np.arange(index.shape[1] + 1)
    for row, (place, (start, end)) in enumerate(zip(places, pairwise(bounds))):
        one_hot = sparse.csc_array((ones, place, ends), shape=(end - start, place.size))
        yield distinct[start:end] - row * L, place, one_hot


def _blocks(epoch, N, S, done):
    """(epoch, first pair, number of batches) of blocks of whole batches that are not done, and of what remains."""
    whole, at_once = N // S, min(max(1, PAIRS // S), 32)
    for batch in range(0, whole, at_once):
        if epoch * N + (batch + at_once) * S > done:
            yield epoch, batch * S, min(at_once, whole - batch)
    if N % S:
        yield epoch, whole * S, 1


def _ahead(function, items, threads):
    """The items of function(item) for each item; with threads, the next call runs while the last one's are used."""
    if threads == 1:
        for item in items:
            yield from function(item)
        return
    with ThreadPoolExecutor(1) as pool:
        ready = None
        for item in items:
            following = pool.submit(function, item)
            yield from ready.result() if ready else ()
            ready = following
        yield from ready.result() if ready else ()


def _checked_pairs(data, L):
    data = np.asarray(data)
    if data.size == 0:
        return np.empty((0, 2), dtype=np.int32)
    if data.shape[1:] != (2,) or data.dtype.kind not in "iu" or data.min() < 0 or data.max() >= L:
        raise ValueError(f"data must be N×2, pairs of word indices from 0 to {L - 1}")
    return np.ascontiguousarray(data, dtype=np.int32)
# --- end of your code
