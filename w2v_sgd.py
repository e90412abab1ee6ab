"""Task 6: minibatch stochastic gradient descent."""

import numpy as np

try:        # the loop behind SciPy's sparse products, 30 times as fast as np.subtract.at
    from scipy.sparse._sparsetools import csc_matvecs
except ImportError:
    csc_matvecs = None

PAIRS_AT_ONCE = 32_000      # pairs whose contexts are drawn in one call: quick, and little memory


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000, *,
                              rng=None, many_at_once=False, done=0, callback=None):
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
    alpha : the step size, or a function alpha(t) of the fraction t of the work that is done
    printInterval : print the loss about every printInterval pairs; None: never

    rng : seed or numpy.random.Generator for the orders
    many_at_once : whether contextFunction takes an array of words and returns a row for each
    done : how many pairs, in whole batches, an interrupted run has learned from. U0, V0, W0 are
        those at which it stopped; all other arguments, and rng's first state, are as in that run
    callback : called after each batch with the number of pairs done, the batch's J, and U, V, W
        (no copies of them)

    Returns
    -------
    U, V, W : in the dtypes of U0, V0, W0; integers become floats

    Raises
    ------
    ValueError : an argument, or what the functions return, is not as described
    Diverged : the loss or the embeddings are not finite
    """
    U, V, W, q_noise = _finite_floats(U0=U0, V0=V0, W0=W0, q_noise=q_noise)
    q_noise = q_noise.astype(V.dtype)
    data = _checked_data(data, len(U), batchSize, q_noise, done)
    contexts_of = _checked_contexts(contextFunction, many_at_once, len(V))
    rng = np.random.default_rng(rng)
    N = len(data)

    for epoch in range(epochs):
        for first, w, context in batches(data, contexts_of, batchSize, rng):
            seen = epoch * N + first                    # pairs before this batch
            if seen < done:                             # learned before, so drawn and passed over
                continue
            u_w = U.take(w, axis=0)                     # S×M
            Vt = V.take(context, axis=0)                # S×(n+1)×M
            q = q_noise.take(context)                   # S×(n+1)

            J, du_w, dVt, dW = lossAndGradientFunction(u_w, Vt, W, q)
            if not np.isfinite(J):
                where = f"batch {first // batchSize + 1} of epoch {epoch + 1}"
                raise Diverged(f"the loss is {J} in {where}", U, V, W)
            du_w, dVt, dW = _checked_gradients(du_w=(du_w, u_w), dVt=(dVt, Vt), dW=(dW, W))

            step = alpha(seen / (epochs * N)) if callable(alpha) else alpha
            subtract_rows(U, w, du_w, step)
            subtract_rows(V, context, dVt, step)
            W -= step * dW

            if printInterval and first % printInterval < batchSize:     # once an interval
                print(f"Epoch: {epoch} Sample: {first} / {N} Loss: {J}", flush=True)
            if callback:
                callback(seen + len(w), J, U, V, W)

    if not all(np.isfinite(X).all() for X in (U, V, W)):
        raise Diverged("the last steps led to infinite embeddings", U, V, W)
    return U, V, W


def batches(data, contexts_of, batchSize, rng):
    """Yield the batches of an epoch in random order: first pair's number, w (S), context (S×(n+1)).

    The contexts of some batches are drawn in one call, which is quicker.
    """
    N = len(data)
    order = np.arange(N, dtype=np.min_scalar_type(N))       # half the memory of permutation(N)
    rng.shuffle(order)
    at_once = max(1, PAIRS_AT_ONCE // batchSize) * batchSize
    for start in range(0, N, at_once):
        w, c = data.take(order[start:start + at_once], axis=0).T
        contexts = contexts_of(c)
        for first in range(0, len(c), batchSize):
            batch = slice(first, first + batchSize)
            yield start + first, w[batch], contexts[batch]


def subtract_rows(X, words, gradients, step):
    """Compute X[words] -= step * gradients, where a word that repeats gets all of its gradients.

    X is L×M and C-contiguous; gradients has the same dtype, and a row of length M for each word.
    """
    words = words.ravel().astype(np.intp)
    gradients = gradients.reshape(words.size, X.shape[1])
    if csc_matvecs is None:
        np.subtract.at(X, words, step * gradients)
        return

    # X += A @ gradients, where column i of the sparse matrix A has -step in row words[i] only.
    L, M = X.shape
    offsets = np.arange(words.size + 1, dtype=np.intp)
    values = np.full(words.size, -step, X.dtype)
    csc_matvecs(L, words.size, M, offsets, words, values, gradients.ravel(), X.ravel())


def _finite_floats(**arrays):
    """Copy the arrays, as floats of at least 32 bits; ValueError if a number is not finite."""
    copies = []
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{name} must have real numbers, but has the dtype {array.dtype}")
        if not np.isfinite(array).all():
            wrong = array[~np.isfinite(array)][0]
            raise ValueError(f"{name} must be finite, but is {wrong} in a place")
        copies.append(np.array(array, dtype=np.result_type(array, np.float32), order="C"))
    return copies


def _checked_data(data, L, batchSize, q_noise, done):
    """Return data as an N×2 array; ValueError if it or an argument that must fit is invalid."""
    data = np.asarray(data)
    if data.size == 0:
        data = np.empty((0, 2), dtype=np.int32)
    are_pairs = data.shape[1:] == (2,) and data.dtype.kind in "iu"
    if not are_pairs or (data < 0).any() or (data >= L).any():
        raise ValueError(f"data must be N×2, pairs of word indices from 0 to {L - 1}")
    if batchSize < 1:
        raise ValueError(f"batchSize must be at least 1, not {batchSize}")
    if len(q_noise) != L:
        raise ValueError(f"q_noise must have a value for each of {L} words, not {len(q_noise)}")
    if done < 0 or (done and done % len(data) % batchSize):
        raise ValueError(f"done must be a number of pairs in whole batches, not {done}")
    return data


def _checked_contexts(contextFunction, many_at_once, L):
    """Return the function that draws the contexts of an array of words, and checks them."""
    def contexts_of(words):
        if many_at_once:
            contexts = np.asarray(contextFunction(words))
        else:       # tuples, since the function may return the same list again and again
            contexts = np.array([tuple(contextFunction(word)) for word in words.tolist()])
        if contexts.dtype.kind not in "iu" or contexts.min() < 0 or contexts.max() >= L:
            raise ValueError(f"contextFunction must return word indices from 0 to {L - 1}")
        if contexts.ndim != 2 or not np.array_equal(contexts[:, 0], words):
            raise ValueError("contextFunction must return the context word and then its negatives")
        return contexts

    return contexts_of


def _checked_gradients(**gradients):
    """Yield gradients as arrays of the right dtype; ValueError if one has the wrong shape.

    gradients : by name, each with the array X by which J is differentiated: (gradient, X)
    """
    for name, (gradient, X) in gradients.items():
        gradient = np.ascontiguousarray(gradient, dtype=X.dtype)
        if gradient.shape != X.shape:
            raise ValueError(f"lossAndGradientFunction returned {name} of shape {gradient.shape}, "
                             f"expected {X.shape}")
        yield gradient


class Diverged(ArithmeticError):
    """The loss or the embeddings are no longer finite; `learned` is U, V, W at that moment."""

    def __init__(self, what, *learned):
        super().__init__(f"{what}: take a smaller alpha, or look at the start and the gradients")
        self.what, self.learned = what, learned
