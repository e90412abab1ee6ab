"""Task 6: minibatch stochastic gradient descent."""

import numpy as np
from scipy import sparse


class Diverged(ArithmeticError):
    """The loss is no longer finite; `learned` holds U, V, W as they were before that batch."""


def linear_decay(alpha):
    """The schedule that lowers the step size from alpha to 0."""
    return lambda done: alpha * (1 - done)


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., rng=None, callback=None):
    """Lower the mean loss over data by plain minibatch gradient descent.

    Parameters
    ----------
    data : N×2 array or list of pairs (target word w, context word c)
    U0, V0, W0 : L×M, L×M and M×M, the start; they are not changed
    contextFunction : c -> [c, c̄_1 … c̄_n]. One with a true attribute `takes_batch` is called once a batch
        instead, with an array of S context words and a numpy.random.Generator, and returns S×(n+1)
    lossAndGradientFunction : (u_w, Vt, W, q) -> J, du_w, dVt, dW of a batch, as those of `grads`
    q_noise : L values log(n·q[c])
    batchSize : S; the last batch of an epoch is what remains
    epochs : how many times to go through data, each time in a new random order
    alpha : the step size, or a function that returns it for the share of the work done, 0 to 1
    rng : seed or numpy.random.Generator; what is random depends on it, the epoch and the batch only
    callback : called after each batch with the pairs done, the pairs in all, and the batch's J

    Returns
    -------
    U, V, W : in the dtypes of U0, V0, W0

    Raises
    ------
    ValueError : data are no pairs of word indices below L
    Diverged : the loss is not finite
    """
    U, V, W = (np.array(start) for start in (U0, V0, W0))
    data, q_noise = _checked_pairs(data, len(U)), np.asarray(q_noise, dtype=V.dtype)
    slots = np.empty(len(U), dtype=np.intp)
    seed = np.random.default_rng(rng).integers(2 ** 63)
    done, total = 0, epochs * len(data)
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(data))
        for batch, first in enumerate(range(0, len(data), batchSize)):
            w, c = data[order[first:first + batchSize]].T               # S, S
            if getattr(contextFunction, "takes_batch", False):
                context = contextFunction(c, np.random.default_rng([seed, epoch, batch]))
            else:
                context = np.array([contextFunction(word) for word in c.tolist()])
            step = alpha(done / total) if callable(alpha) else alpha
            with np.errstate(over="ignore", invalid="ignore"):          # J tells
                J, du_w, dVt, dW = lossAndGradientFunction(U[w], V.take(context, axis=0), W, q_noise[context])
                if not np.isfinite(J):
                    raise _diverged(f"the loss is {J} in batch {batch + 1} of epoch {epoch + 1}", step, U, V, W)
                _subtract_rows(U, w, du_w, step, slots)
                _subtract_rows(V, context.ravel(), np.reshape(dVt, (-1, V.shape[1])), step, slots)
                W -= step * dW
            done += len(w)
            if callback:
                callback(done, total, J)
    if not all(np.isfinite(X).all() for X in (U, V, W)):
        raise _diverged("the last steps made the embeddings infinite", step, U, V, W)
    return U, V, W


def _subtract_rows(A, index, gradients, step, slots):
    """A[i] -= step · Σ_j gradients[j], over all j with index[j] = i; slots is scratch of len(A)."""
    places = np.arange(index.size + 1)
    slots[index] = places[:-1]                          # the last place of each word stays
    words = index[slots[index] == places[:-1]]          # each word once
    slots[words] = places[:words.size]
    ones = np.ones(index.size, dtype=A.dtype)
    one_hot = sparse.csc_array((ones, slots[index], places), shape=(words.size, index.size))
    A[words] -= step * (one_hot @ gradients)


def _checked_pairs(data, L):
    data = np.asarray(data).reshape(-1, 2)
    if data.size and (data.dtype.kind not in "iu" or data.min() < 0 or data.max() >= L):
        raise ValueError(f"data must be pairs of word indices from 0 to {L - 1}")
    return data


def _diverged(what, step, *learned):
    error = Diverged(f"{what}: try a step size (alpha) below {step:.3g}")
    error.learned = learned
    return error
