"""Task 6: minibatch stochastic gradient descent."""

import numpy as np
from scipy import sparse

PAIRS_AT_ONCE = 32_000      # whose contexts are drawn in one call: few calls, and yet little memory


class Diverged(ArithmeticError):
    """The loss is no longer finite; `learned` holds U, V, W as they were when that was seen."""

    def __init__(self, what, step, *learned):
        super().__init__(f"{what}: take a smaller step size, such as alpha = {step / 5:.2g}")
        self.learned = learned


@np.errstate(over="ignore", invalid="ignore")       # they show in the loss, which is checked
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

    rng : seed or numpy.random.Generator from which all that is random here follows
    many_at_once : whether contextFunction takes an array of many words and a Generator instead of
        one word, and returns such a row for each
    done : how many pairs the start has learned from already, in whole batches of the same run
    callback : is called after each batch with the number of pairs done, the batch's J, and U, V, W

    Returns
    -------
    U, V, W : in the dtypes of U0, V0, W0, where these are floats

    Raises
    ------
    ValueError : data or contexts are not word indices below L, a start or q_noise is not finite,
        or batchSize is below 1
    Diverged : the loss is not finite
    """
    U, V, W, q_noise = _finite_floats(U0=U0, V0=V0, W0=W0, q_noise=q_noise)
    q_noise = q_noise.astype(V.dtype)
    data = _checked_pairs(data, len(U), batchSize)
    contexts_of = _checked_contexts(contextFunction, many_at_once, len(V))
    gradients_by_word = _by_word_form(lossAndGradientFunction)
    seed = np.random.default_rng(rng).integers(2 ** 63)
    N = len(data)

    for epoch in range(epochs):
        done_before = done - epoch * N
        for first, w, context in batches(data, contexts_of, batchSize, [seed, epoch], done_before):
            # A word that stands several times in the batch is to get all of its gradients. So from
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
                raise Diverged(f"the loss is {J} in {where}", step, U, V, W)

            U[target_words] = u - step * du
            V[context_words] = v - step * dv
            W -= step * dW

            done += len(w)
            if printInterval and first % printInterval < batchSize:
                print(f"Epoch: {epoch} Sample: {first} / {N} Loss: {J}", flush=True)
            if callback:
                callback(done, J, U, V, W)

    if not all(np.isfinite(X).all() for X in (U, V, W)):
        raise Diverged("the last steps led to infinite embeddings", step, U, V, W)
    return U, V, W


def batches(data, contexts_of, batchSize, seed, done):
    """Yield an epoch's batches in random order, without the first ones, in which `done` pairs are.

    Of each: the number of its first pair; w (S), the target words; context (S×(n+1)). Contexts are
    drawn for many batches at once, by a Generator of their own, so that none before is needed.
    """
    order = np.random.default_rng(seed).permutation(len(data))
    pairs_at_once = max(1, PAIRS_AT_ONCE // batchSize) * batchSize
    for start in range(0, len(data), pairs_at_once):
        end = min(start + pairs_at_once, len(data))
        if end <= done:
            continue
        w, c = data.take(order[start:end], axis=0).T
        contexts = contexts_of(c, np.random.default_rng([*seed, start]))
        for first in range(start, end, batchSize):
            if first >= done:
                batch = slice(first - start, first - start + batchSize)
                yield first, w[batch], contexts[batch]


def distinct(words, L):
    """Find the distinct ones of words below L, sorted, and which of them each entry of words is."""
    present = np.zeros(L, dtype=bool)
    present[words] = True
    distinct_words = np.flatnonzero(present)
    row = np.empty(L, dtype=np.intp)
    row[distinct_words] = np.arange(len(distinct_words))
    return distinct_words, row.take(words)


def _by_word_form(lossAndGradientFunction):
    """Return the `by_word` of a loss function, or make one from it (`grads` says what it takes)."""
    def gradients_by_word(u, w, v, context, W, q):
        J, du_w, dVt, dW = lossAndGradientFunction(u.take(w, axis=0), v.take(context, axis=0), W, q)
        du = _sum_by_word(du_w, w, len(u))
        dv = _sum_by_word(dVt, context, len(v))
        return J, du, dv, np.asarray(dW)

    return getattr(lossAndGradientFunction, "by_word", gradients_by_word)


def _sum_by_word(gradients, words, count):
    """Sum the gradients of the places of each word: the product with a one-hot matrix."""
    places = words.size
    ones = np.ones(places, np.float32)
    one_hot = sparse.csc_array((ones, words.ravel(), np.arange(places + 1)), shape=(count, places))
    return one_hot @ np.reshape(gradients, (places, -1))


def _checked_contexts(contextFunction, many_at_once, L):
    """Make the function of many context words and a Generator that gives a checked row for each."""
    def contexts_of(words, rng):
        if many_at_once:
            contexts = np.asarray(contextFunction(words, rng))
        else:       # tuples, since the function may return the same list again and again
            contexts = np.array([tuple(contextFunction(word)) for word in words.tolist()])
        if contexts.min() < 0 or contexts.max() >= L:
            raise ValueError(f"contextFunction must return word indices from 0 to {L - 1}")
        return contexts

    return contexts_of


def _finite_floats(**arrays):
    """Copy the arrays, as floats of at least 32 bits; ValueError if one is not finite."""
    copies = []
    for name, array in arrays.items():
        copy = np.array(array, dtype=np.result_type(np.asarray(array), np.float32))
        if not np.isfinite(copy).all():
            wrong = copy[~np.isfinite(copy)][0]
            raise ValueError(f"{name} must be finite, but is {wrong} in a place")
        copies.append(copy)
    return copies


def _checked_pairs(data, L, batchSize):
    """Return data as an N×2 array; ValueError if they are not pairs, or cannot be made batches."""
    if batchSize < 1:
        raise ValueError(f"batchSize must be at least 1, not {batchSize}")
    data = np.asarray(data)
    if data.size == 0:
        return np.empty((0, 2), dtype=np.int32)
    if data.shape[1:] != (2,) or data.dtype.kind not in "iu" or data.min() < 0 or data.max() >= L:
        raise ValueError(f"data must be N×2, pairs of word indices from 0 to {L - 1}")
    return data
