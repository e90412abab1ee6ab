"""Task 6: minibatch stochastic gradient descent."""

import numpy as np
from scipy import sparse

PAIRS_AT_ONCE = 32_000      # pairs whose contexts are drawn in one call: quick, and little memory


class Diverged(ArithmeticError):
    """The loss or the embeddings are no longer finite.

    `learned` holds U, V, W as they were when that was seen.
    """

    def __init__(self, what, step, *learned):
        advice = "look at the start and the loss function"      # before the first step
        if step:
            advice = f"take a smaller step size, such as alpha = {step / 5:.2g}"
        super().__init__(f"{what}: {advice}")
        self.what, self.step, self.learned = what, step, learned


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000, *,
                              rng=None, many_at_once=False, done=0, callback=None):
    """Lower the mean loss over data by plain minibatch gradient descent.

    Parameters
    ----------
    data : N×2 array or list of pairs (target word w, context word c)
    U0, V0, W0 : L×M, L×M and M×M, the start; they are not changed
    contextFunction : c -> [c, c̄_1 … c̄_n]
    lossAndGradientFunction : (u_w, Vt, W, q) -> J, du_w, dVt, dW of a batch, as those of `grads`;
        its attribute `by_word`, if there is one, gives the gradients already summed by word
    q_noise : L values log(n·q[c])
    batchSize : S; the last batch of an epoch is what remains
    epochs : how many times to go through data, each time in a new random order
    alpha : the step size, or a function that returns it for the share of the work done, 0 to 1
    printInterval : print the loss once in so many pairs; None: never

    rng : seed or numpy.random.Generator for the orders and, with many_at_once, the contexts
    many_at_once : whether contextFunction takes an array of many words and a Generator instead of
        one word, and returns such a row for each
    done : how many pairs U0, V0, W0 have learned from already, in whole batches of a run with the
        same arguments and seed
    callback : is called after each batch with the number of pairs done, the batch's J, and U, V, W
        (no copies of them)

    Returns
    -------
    U, V, W : in the dtypes of U0, V0, W0, where these are floats

    Raises
    ------
    ValueError : an argument, or what the functions return, is not as described
    Diverged : the loss or the embeddings are not finite
    """
    U, V, W, q_noise = _finite_floats(U0=U0, V0=V0, W0=W0, q_noise=q_noise)
    q_noise = q_noise.astype(V.dtype)
    data = _checked_data(data, len(U), batchSize, q_noise, done)
    contexts_of = _checked_contexts(contextFunction, many_at_once, len(V))
    gradients_by_word = _by_word_form(lossAndGradientFunction)
    seed = np.random.default_rng(rng).integers(2 ** 63)
    N = len(data)

    for epoch in range(done // max(N, 1), epochs):
        skipped = max(done - epoch * N, 0)
        for first, w, context in batches(data, contexts_of, batchSize, [seed, epoch], skipped):
            # A word that occurs several times in the batch is to get all of its gradients. So from
            # here on it counts once: u and v are the rows of the distinct words.
            target_words, w_row = distinct(w, len(U))
            context_words, context_row = distinct(context, len(V))
            u = U.take(target_words, axis=0)
            v = V.take(context_words, axis=0)
            q = q_noise.take(context)

            J, du, dv, dW = gradients_by_word(u, w_row, v, context_row, W, q)
            step = alpha(done / (epochs * N)) if callable(alpha) else alpha
            if not np.isfinite(J):
                where = f"batch {first // batchSize + 1} of epoch {epoch + 1}"
                raise Diverged(f"the loss is {J} in {where}", step if done else 0, U, V, W)

            with np.errstate(over="ignore", invalid="ignore"):      # the next loss shows them
                du *= step                      # in place, which is quicker
                dv *= step
                u -= du
                v -= dv
                W -= step * dW
                U[target_words], V[context_words] = u, v

            done += len(w)
            if printInterval and first % printInterval < batchSize:     # the next after so many
                print(f"Epoch: {epoch} Sample: {first} / {N} Loss: {J}", flush=True)
            if callback:
                callback(done, J, U, V, W)

    if not all(np.isfinite(X).all() for X in (U, V, W)):
        raise Diverged("the last steps led to infinite embeddings", step, U, V, W)
    return U, V, W


def batches(data, contexts_of, batchSize, seed, skipped):
    """Yield the batches of an epoch, in random order, but for those of so many first pairs.

    Of each: the number of its first pair, w (S), the target words, and context (S×(n+1)). Contexts
    are drawn for a block of batches at once, by a Generator of the block's own, so that a block
    which is skipped need not be drawn.
    """
    N = len(data)
    order = np.arange(N, dtype=np.min_scalar_type(N))       # in half the memory of permutation(N)
    np.random.default_rng(seed).shuffle(order)
    block_size = max(1, PAIRS_AT_ONCE // batchSize) * batchSize
    for block in range(skipped // block_size * block_size, N, block_size):
        w, c = data.take(order[block:block + block_size], axis=0).T
        contexts = contexts_of(c, np.random.default_rng([*seed, 1, block]))
        for first in range(block, min(block + block_size, N), batchSize):
            if first >= skipped:
                batch = slice(first - block, first - block + batchSize)
                yield first, w[batch], contexts[batch]


def distinct(words, L):
    """Find the distinct ones of words below L, sorted, and which of them each of words is.

    A batch has so many words that looking at all L is quicker than the sorting of np.unique.
    """
    is_there = np.zeros(L, dtype=bool)
    is_there[words] = True
    distinct_words = np.flatnonzero(is_there)
    row = np.empty(L, dtype=np.intp)
    row[distinct_words] = np.arange(len(distinct_words))
    return distinct_words, row.take(words)


def _by_word_form(lossAndGradientFunction):
    """Return the `by_word` of a loss function, or make one from it (`grads` says what it takes)."""
    def gradients_by_word(u, w_row, v, context_row, W, q):
        u_w, Vt = u.take(w_row, axis=0), v.take(context_row, axis=0)
        J, *gradients = lossAndGradientFunction(u_w, Vt, W, q)
        du_w, dVt, dW = map(np.asarray, gradients)
        for name, gradient, X in ("du_w", du_w, u_w), ("dVt", dVt, Vt), ("dW", dW, W):
            if gradient.shape != X.shape:
                raise ValueError(f"lossAndGradientFunction returned {name} of shape "
                                 f"{gradient.shape}, expected {X.shape}")
        return J, _sum_by_word(du_w, w_row, len(u)), _sum_by_word(dVt, context_row, len(v)), dW

    # functools.wraps gives a function the attributes of the one that it wraps: not its own form.
    wrapped = getattr(lossAndGradientFunction, "__wrapped__", None)
    if hasattr(wrapped, "by_word"):
        return gradients_by_word
    return getattr(lossAndGradientFunction, "by_word", gradients_by_word)


def _sum_by_word(gradients, row, rows):
    """Sum the gradients of all occurrences of each word: the product with a one-hot matrix."""
    ones = np.ones(row.size, np.float32)
    starts = np.arange(row.size + 1)
    one_hot = sparse.csc_array((ones, row.ravel(), starts), shape=(rows, row.size))
    return one_hot @ gradients.reshape(row.size, -1)


def _checked_contexts(contextFunction, many_at_once, L):
    """Make the function of many context words and a Generator that gives a checked row for each."""
    def contexts_of(words, rng):
        if many_at_once:
            contexts = np.asarray(contextFunction(words, rng))
        else:       # tuples, since the function may return the same list again and again
            contexts = np.array([tuple(contextFunction(word)) for word in words.tolist()])
        if contexts.dtype.kind not in "iu" or contexts.min() < 0 or contexts.max() >= L:
            raise ValueError(f"contextFunction must return word indices from 0 to {L - 1}")
        if contexts.ndim != 2 or not np.array_equal(contexts[:, 0], words):
            raise ValueError("contextFunction must return the context word and then its negatives")
        return contexts

    return contexts_of


def _finite_floats(**arrays):
    """Copy the arrays, as floats of at least 32 bits; ValueError if a number is not finite."""
    copies = []
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{name} must have real numbers, but has the dtype {array.dtype}")
        copy = np.array(array, dtype=np.result_type(array, np.float32))
        if not np.isfinite(copy).all():
            wrong = copy[~np.isfinite(copy)][0]
            raise ValueError(f"{name} must be finite, but is {wrong} in a place")
        copies.append(copy)
    return copies


def _checked_data(data, L, batchSize, q_noise, done):
    """Return data as an N×2 array; ValueError if they, or what must fit them, are not right."""
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
