"""What is wrong with a result: it is compared with what usual mistakes would give."""

import math
import re
from functools import partial

import numpy as np
import pytest

PRECISE, SINGLE = 1e-7, 1e-4        # tolerances; float32 is a style, not a mistake
ALMOST = 1e-3                       # what is computed in float16 is off by as much
ARGUMENTS, RESULTS = ("u_w", "Vt", "W", "q"), ("J", "du_w", "dVt", "dW")    # of a loss function
WRONG = "is wrong"                  # the cause where no usual mistake fits
KEPT = ("is right in the first call, but not in the second, with the same arguments: is something "
        "kept from one call to the next?")
NOT_SHUFFLED = ("contextFunction is called in the order of data: shuffle the pairs before, in each "
                "epoch")
SHUFFLED_ONCE = "the second epoch has the order of the first: shuffle the pairs in each epoch"
DRAWN_BEFORE = ("contexts are drawn before their batch, and in another order: draw those of a "
                "batch when it comes")
ORDER = f"return {', '.join(RESULTS)} in this order"


def tolerance_of(*results):
    """Return the tolerance for a function's results, which may be computed in float32."""
    is_single = any(getattr(result, "dtype", None) == np.float32 for result in results)
    return SINGLE if is_single else PRECISE


def fail(*lines):
    pytest.fail("\n".join(filter(None, lines)), pytrace=False)


def cause_of(fault, otherwise):
    """Name the cause; nothing but `KEPT` explains what is wrong in a second call only."""
    return otherwise if fault[0] == WRONG or otherwise == KEPT else fault[0]


def expect(what, expected, got, mistakes=None, tolerance=PRECISE, otherwise=WRONG):
    """Fail unless got is what is expected; say first the cause, then the numbers.

    Parameters
    ----------
    mistakes : dict from usual mistakes to their results, or to functions that return these
    otherwise : the cause if no usual mistake fits
    """
    fault = find_fault(expected, got, mistakes, tolerance)
    if fault:
        fail(f"{what} {cause_of(fault, otherwise)}", fault[1])


def expect_all(faults, given, otherwise=WRONG):
    """Fail if one of several results has a fault, and tell of all of them.

    Parameters
    ----------
    faults : dict from a result's name to what `find_fault` returns
    given : the arguments
    otherwise : the cause if no usual mistake fits
    """
    names_of, differences = {}, []
    for name, fault in faults.items():
        if fault:
            names_of.setdefault(cause_of(fault, otherwise), []).append(name)
            differences.append(f"{name}: {fault[1]}" if fault[1] else "")
    if names_of:
        right = [f"{name} right" for name, fault in faults.items() if not fault]
        wrong = [f"{', '.join(names)} wrong: {cause}".removesuffix(f": {WRONG}")
                 for cause, names in names_of.items()]
        causes = "; ".join(wrong).replace(f": {ORDER};", ";")       # it is said once, at the end
        fail(", ".join([*right, causes]), f"with {given}", *differences)


def find_fault(expected, got, mistakes=None, tolerance=PRECISE):
    """Return None if got is what is expected, else the cause and the numbers, as two texts."""
    expected = np.asarray(expected)
    got, problem = as_numbers(expected, got)
    if got is None:
        return problem, ""

    def is_close(right, tolerance=tolerance):
        return right.shape == got.shape and np.allclose(got, right, tolerance, tolerance)

    if is_close(expected):
        return None
    difference = "" if problem else describe(expected, got)
    turned = expected.swapaxes(-1, -2) if expected.ndim > 1 else expected
    causes = {"is 0 everywhere": 0 * expected,
              "has the wrong sign": -expected,
              "is transposed": turned,
              "is reshaped, but must be transposed": turned.reshape(expected.shape),
              "is cut to whole numbers: is it put into an array of integers?": np.trunc(expected),
              **(mistakes or {})}
    for mistake, result in causes.items():
        causes[mistake] = np.asarray(result() if callable(result) else result)
    # A single number may fit by chance, so for it mistakes are not combined.
    signs = [(1, ""), (-1, ", and has the wrong sign")][:1 + (expected.size > 1)]
    for sign, addition in signs:
        for mistake, result in causes.items():
            if is_close(sign * result):
                return mistake + addition, difference
    if problem:
        return problem, ""
    if expected.dtype.kind == "f" and is_close(expected, ALMOST):
        return "is a little off: is something added, rounded or cut off?", difference
    factor = np.vdot(expected, got) / np.vdot(expected, expected)
    if expected.size > 1 and is_close(factor * expected):
        return f"is {factor:.3g} times as large as expected", difference
    return WRONG, difference


def describe(expected, got):
    """Write both, if they are small, or else where they differ most."""
    texts = [written(X) for X in (expected, got)]
    if expected.size <= 12 and texts[0] != texts[1]:
        return "expected {}, got {}".format(*texts)
    place = np.unravel_index(np.argmax(np.abs(got - expected)), expected.shape)
    where = f" at {list(map(int, place))}" if place else ""
    return f"expected {expected[place]:.9g}{where}, got {got[place]:.9g}"


def written(X):
    """Write an array in a line."""
    return re.sub(r"\.0\b", "", str((np.round(X, 4) + 0.).tolist()))


def as_numbers(expected, got):
    """Return got as an array, None if it cannot be one; and "" or why it is not comparable."""
    if got is None:
        return None, "is None: is a return missing?"
    try:
        array = np.asarray(got, dtype=float)        # not by way of an array of strings
    except (TypeError, ValueError, OverflowError):
        return None, f"is a {type(got).__name__}, expected numbers"
    if array.shape != expected.shape:
        hint = ": is it transposed?" if array.shape == expected.shape[::-1] else ""
        shape = expected.shape or "one number"
        return array, f"has the shape {array.shape}, expected {shape}{hint}"
    strange = array[~np.isfinite(array)]
    if strange.size:
        return array, f"is {strange[0]}, expected numbers such as {expected.flat[0]:.3g}"
    return array, ""


def called(function, *arguments, given):
    """Call a function; an exception, or an endless loop, is told with what it was called with."""
    called.given = given
    try:
        return function(*arguments)
    except Exception as error:
        error.add_note(f"called with {given}")
        raise
    finally:
        called.given = ""


called.given = ""           # what the function that runs at the moment is called with


def numbers(what, expected, got):
    """Return got as an array; fail unless it holds finite numbers and is shaped as expected."""
    array, problem = as_numbers(expected, got)
    if problem:
        fail(f"{what} {problem}")
    return array


def expect_results(names, got):
    """Fail unless a function returned as many results as there are names."""
    count = len(names.split(", "))
    if got is None:
        fail(f"{names}: expected {count} results, got None: is a return missing?")
    if not isinstance(got, tuple | list):
        fail(f"{names}: expected {count} results, got one {type(got).__name__}")
    if len(got) != count:
        fail(f"{names}: expected {count} results, got {len(got)}")


def expect_epochs(visited, words, epochs, S, pairs_in_batches, given):
    """Fail unless each epoch visits the context words of the data, each as often as it is there.

    pairs_in_batches : how many lossAndGradientFunction is given
    """
    N, count = len(words), len(visited)
    asked = f"contextFunction is called {count} times, expected {N * epochs}: once per pair"
    if count and not pairs_in_batches:
        fail(f"lossAndGradientFunction, the argument, is never called ({given})")
    if count > pairs_in_batches or count < min(pairs_in_batches, N * epochs):
        fail(f"contextFunction is called {count} times for {pairs_in_batches} pairs: call it once "
             f"for each pair of a batch, in each epoch anew ({given})")
    if count == min(S, N) != N * epochs:
        fail(f"only one batch is done: is return inside the loop? ({given})", asked)
    if count == N // S * S * epochs != N * epochs:
        fail(f"the last batch of an epoch, the smaller one, is left out ({given})", asked)
    if count != N * epochs and count % N == 0:
        fail(f"the number of epochs is {count // N}, expected {epochs} ({given})", asked)
    if count != N * epochs:
        fail(f"an epoch does not go through each pair once ({given})", asked)
    for first in range(0, count, N):
        if sorted(visited[first:first + N]) != sorted(words):
            fail(f"epoch {first // N + 1} does not go through each pair once ({given})",
                 "some come twice and others never: are they drawn with replacement, or is an "
                 "array shuffled by random.shuffle, not np.random.shuffle?")


def order_fault(visited, words, N):
    """Return NOT_SHUFFLED, SHUFFLED_ONCE, or None if the order of the pairs is right.

    Parameters
    ----------
    visited : the context words, in the order of their use
    words : those of the data
    N : the number of pairs in an epoch
    """
    orders = [visited[first:first + N] for first in range(0, len(visited), max(N, 1))]
    turned = [words[k:N] + words[:k] for k in range(N)]
    if any(order in turned for order in orders):
        return NOT_SHUFFLED
    if orders and orders[0] in orders[1:]:
        return SHUFFLED_ONCE
    return None


def fault_in_calls(calls, sizes, w, contexts, start, q):
    """Say what is wrong in how lossAndGradientFunction is called, or None.

    sizes : those of the batches, as they should be
    """
    got = [len(u_w) for (u_w, *_), *_ in calls]
    if got != sizes:
        return f"lossAndGradientFunction is called with batches of {got} pairs, expected {sizes}"
    (U, V, W), w, context = start, w[:sizes[0]], contexts[:sizes[0]]
    arguments, _, drawn = calls[0]
    right = dict(zip(ARGUMENTS, (U[w], V[context], W, q[context])))
    faults = {name: find_fault(right[name], value, tolerance=SINGLE)
              for name, value in zip(ARGUMENTS, arguments)}
    if faults["Vt"] and drawn > len(w):
        return DRAWN_BEFORE
    for name, fault in faults.items():
        if fault:
            return f"lossAndGradientFunction is called with a wrong {name}: {fault[1] or fault[0]}"
    return None


def worked_case(w, contexts, start, alpha, sizes, calls):
    """Write what the batches were given and what lossAndGradientFunction returned."""
    lines, first = [dict(zip(("U0", "V0", "W0"), start), α=alpha)], 0
    for size, (_, results, _) in zip(sizes, calls):
        batch = slice(first, first := first + size)
        lines.append({"w": w[batch], "contexts": contexts[batch],
                      **dict(zip(RESULTS[1:], results[1:]))})
    return "\n".join([f"batches of {sizes} pairs, in this order (work it by hand):",
                      *(f"  {name} = {written(X)}" for values in lines
                        for name, X in values.items())])


# --- Usual mistakes: dicts from their names to what they give -----------------------------------

def sequence_mistakes(freqs):
    """Return usual mistakes in round(f^0.75)."""
    freqs = np.asarray(freqs)
    powers = freqs ** 0.75
    right, word = np.round(powers), np.arange(len(freqs))
    _, first, which = np.unique(freqs, return_index=True, return_inverse=True)
    return {"is rounded down": np.floor(powers),
            "is rounded up": np.ceil(powers),
            "is the frequency, without the power 0.75": freqs,
            "has f^0.5 in place of f^0.75": np.round(np.sqrt(freqs)),
            "has 0.75·f in place of f^0.75": np.round(0.75 * freqs),
            "is 1 for each: is 3//4, which is 0, the power, or is each word put in once?":
                powers ** 0,
            "is 1 too many for each": right + 1,
            "is 1 too few for each": right - 1,
            "has the power 0.75 twice": np.round(np.round(powers) ** 0.75),
            "is that of the sorted frequencies": np.sort(right)[::-1],
            "has equal frequencies all at the first of their words: is it freqs.index(f)?":
                np.bincount(first[which], right, len(freqs)),
            "is right for the first word only: is return inside the loop?": right * (word == 0),
            "is right but for the first word": right * (word > 0),
            "is right but for the last word": right * (word < len(freqs) - 1)}


def noise_mistakes(freqs, counts, n):
    """Return usual mistakes in log(n·q[c]); counts are the rounded f^0.75."""
    f, q = np.array(freqs, dtype=float), counts / np.sum(counts)
    weights = {"has f^0.75 rounded down": np.floor(f ** 0.75),
               "lacks the rounding of f^0.75": f ** 0.75,
               "lacks the power 0.75": f,
               "has f^0.5 in place of f^0.75": f ** 0.5,
               "has the power 0.75 twice": np.round(counts ** 0.75),
               "is that of the sorted frequencies": np.sort(counts)[::-1],
               "is the same for each: 3//4 is 0, write 3/4": f ** 0}
    divisors = {"by Σf, not by the sum of the rounded f^0.75": f.sum(),
                "by the number of words, not by the sum over them": len(f)}
    return {
        "lacks the factor n": np.log(q),
        "has n+1 in place of n": np.log((n + 1) * q),
        "has 5 in place of n: is 5 written there, or kept from an earlier call?": np.log(5 * q),
        "has q[c]/n in place of n·q[c]": np.log(q / n),
        "is n·q[c], not its logarithm": n * q,
        "is q[c], without n and the logarithm": q,
        "is n·log(q[c])": n * np.log(q),
        "has log2 in place of log": np.log2(n * q),
        "has log10 in place of log": np.log10(n * q),
        "has log(1 + x) in place of log(x)": np.log1p(n * q),
        "lacks the division by the sum over all words": np.log(n * counts),
        "has (f/Σf)^0.75, which is not divided by its sum": np.log(n * (f / f.sum()) ** 0.75),
    } | {mistake: np.log(n * weight / weight.sum()) for mistake, weight in weights.items()
    } | {f"is divided {by}": np.log(n * counts / divisor) for by, divisor in divisors.items()}


def negatives_mistakes(counts, word):
    """Return usual mistakes in drawing other words than word, and how often words come then.

    counts : how often the words are in the sequence, but 0 for word
    """
    L = len(counts)
    words = np.arange(L)
    return {"all words are drawn equally often: draw from seq, where they repeat": words != word,
            "word 0 is never drawn: it is false": counts * (words > 0)}


def scores_of(u_w, Vt, W):
    """Compute the scores of all words."""
    return (Vt @ (u_w @ W.T)[..., None])[..., 0]


def wrong_losses(J, side):
    """Return usual mistakes in a loss function J, as functions; side is -1 for its gradients."""
    def of_words(words, positives=1):
        return lambda u_w, Vt, W, q: J(u_w, Vt[..., words, :], W, q[..., words], positives)

    first, others, every = slice(1), slice(1, None), slice(None)
    context_word, negatives, without_δ = of_words(first), of_words(others, 0), of_words(every, 0)

    def of_q(function):
        """Return J with another q: a function of it and of the words' places, 0 to n."""
        return lambda u_w, Vt, W, q: J(u_w, Vt, W, function(q, np.arange(q.shape[-1])))

    def of_scores(function):
        """Return a loss of the scores less q, which each observation adds up or not."""
        return lambda u_w, Vt, W, q: np.mean(function(scores_of(u_w, Vt, W) - q))

    return {
        "lacks q": of_q(lambda q, j: 0 * q),
        "has 2q in place of q": of_q(lambda q, j: 2 * q),
        "has q with the wrong sign": of_q(lambda q, j: -q),
        "has q for the context word only": of_q(lambda q, j: q * (j == 0)),
        "has q for the negatives only": of_q(lambda q, j: q * (j > 0)),
        "has q[j-1] in place of a negative's q[j]": of_q(lambda q, j: q[..., np.maximum(j - 1, 0)]),
        "has the context word's q for all words": of_q(lambda q, j: q[..., 0 * j]),
        "has Wᵀ in place of W": lambda u_w, Vt, W, q: J(u_w, Vt, W.T, q),
        "lacks W": lambda u_w, Vt, W, q: J(u_w, Vt, np.eye(len(W)), q),
        "has σ(−x) in place of σ(x)": lambda u_w, Vt, W, q: side * J(u_w, -Vt, W, -q),
        "treats the context word as a negative: is δ missing?": without_δ,
        "has δ added, not subtracted": lambda *x: 2 * without_δ(*x) - J(*x),
        "has δ at the last word, not at the first": of_words(slice(None, None, -1)),
        "treats the negatives as context words": of_words(every, math.inf),
        "leaves the negatives out": context_word,
        "leaves the context word out": negatives,
        "has only the first negative": of_words(slice(2)),
        "leaves the last negative out": of_words(slice(-1)),
        "has only the last word's term: is = written for +=?": of_words(slice(-1, None), 0),
        "has −s − q in place of q − s": of_q(lambda q, j: q * np.sign(0.5 - j)),
        "lacks σ: has s − q − δ": of_scores(lambda s: (s ** 2).sum(axis=-1) / 2 - s[..., 0]),
        "has softmax in place of σ": of_scores(lambda s: np.log(np.exp(s).sum(-1)) - s[..., 0]),
        "has σ(1−σ) in place of σ − δ": of_scores(
            lambda s: (np.sign(np.arange(s.shape[-1]) - 0.5) / (1 + np.exp(-s))).sum(axis=-1)),
        "has the wrong sign for the negatives": lambda *x: context_word(*x) - negatives(*x),
        "has the wrong sign for the context word": lambda *x: negatives(*x) - context_word(*x),
        "has the mean over the negatives, not their sum":
            lambda *x: context_word(*x) + negatives(*x) / (x[3].shape[-1] - 1)}


def batch_mistakes(J, right, u_w, Vt, W, q):
    """Return usual mistakes in a batch: in the factor of a result, and as loss functions."""
    S, K, M = Vt.shape
    i = np.arange(S)[:, None]
    turned = i, (i + np.arange(K)) % K      # in observation i, word i comes first

    def of_observations(which):
        return lambda u_w, Vt, W, q: J(u_w[which], Vt[which], W, q[which]) * len(u_w[which]) / S

    scores = scores_of(u_w, Vt, W)
    shift = scores - scores_of(0 * u_w + u_w[0], Vt, W)
    reshaped = scores - scores_of(u_w, Vt.reshape(S, M, K).swapaxes(1, 2), W)
    factors = {"is not divided by S": S * right,
               "is divided by S twice": right / S,
               "is divided by S−1, not by S": right * S / max(S - 1, 1),
               "is divided by n+1, not by S": right * S / q.shape[-1]}
    return factors, {
        "has [0] where [:, 0] is meant": partial(J, positives=[math.inf] + [0] * (S - 1)),
        "has δ in the first observation only": partial(J, positives=[1] + [0] * (S - 1)),
        "has δ[i, i] = 1: it must be δ[i, 0], not np.eye": lambda u_w, Vt, W, q:
            J(u_w, Vt[turned], W, q[turned], positives=(i < K).ravel()),
        "has Vt reshaped, where it must be transposed":
            lambda u_w, Vt, W, q: J(u_w, Vt, W, q + reshaped),
        "has only the first observation: is return inside the loop?": of_observations(slice(1)),
        "has only the last observation": of_observations(slice(-1, None)),
        "leaves the last observation out": of_observations(slice(max(S - 1, 1))),
        "has the u_w of the first observation in all scores":
            lambda u_w, Vt, W, q: J(u_w, Vt, W, q + shift),
        "has the q of the first observation for all":
            lambda u_w, Vt, W, q: J(u_w, Vt, W, 0 * q + q[0])}


def wrong_factors(name, right, W):
    """Return usual mistakes in the factors of J, du_w, dVt or dW."""
    if name == "J":
        return {"has log2 in place of log": right / np.log(2),
                "has log10 in place of log": right / np.log(10)}
    if name == "dW":
        return {"has W u_w in place of u_w": right @ W.T}
    inverse = np.linalg.pinv(W)
    if name == "du_w":
        return {"lacks the factor Wᵀ": right @ inverse,
                "has W in place of Wᵀ": right @ inverse @ W.T}
    return {"lacks the factor W": right @ inverse.T,
            "has Wᵀ u_w in place of W u_w": right @ inverse.T @ W}


def total(words, gradients, L):
    """Add up gradients, S×k×M, by their words, S×k: L×M."""
    M = gradients.shape[-1]
    result = np.zeros((L, M))
    np.add.at(result, words.ravel(), gradients.reshape(-1, M))
    return result


def last(words, gradients, L):
    """Keep only the last gradient of each word, as U[w] -= … does."""
    result = np.zeros((L, gradients.shape[-1]))
    result[words] = gradients
    return result


def first(words, gradients, L):
    """Keep only the first gradient of each word."""
    return last(np.flip(words).copy(), np.flip(gradients, (0, 1)).copy(), L)


def mean(words, gradients, L):
    times = total(words, np.ones_like(gradients), L)
    return total(words, gradients, L) / np.maximum(times, 1)


def observation_by_observation(words, gradients, L):
    return sum(last(*one, L) for one in zip(words, gradients))


def column_by_column(words, gradients, L):
    return sum(last(*one, L) for one in zip(words.T, gradients.swapaxes(0, 1)))


def context_words_only(words, gradients, L, total=total):
    return total(words[:, :1], gradients[:, :1], L)


def negatives_only(words, gradients, L):
    return total(words[:, 1:], gradients[:, 1:], L)


def every_word(words, gradients, L):
    return np.tile(gradients.sum(axis=(0, 1)), (L, 1))


def update_mistakes(start, right):
    """Return usual mistakes in U, in V and in W, which lead from start to something not right."""
    _, _, W = steps = [after - before for after, before in zip(right, start)]
    mistakes = ({"holds V: are U and V swapped?": right[1]},
                {"holds U: are U and V swapped?": right[0]},
                {"moves by the transposed gradient": start[2] + W.T,
                 "moves only on its diagonal": start[2] + W * np.eye(len(W))})
    return [{"was never changed": before, "is the step alone: is = written for -=?": step} | others
            for before, step, others in zip(start, steps, mistakes)]


def wrong_step(before, right, got):
    """Return the mistake of a step that is longer or shorter than the right one, if got fits it."""
    array, problem = as_numbers(right, got)
    if problem:
        return {}
    step = right - before
    factor = np.vdot(step, array - before) / np.vdot(step, step)
    return {f"moves {factor:.3g} times as far as it should": before + factor * step}


def sgd_mistakes(alpha, S, epochs=1):
    """Return usual mistakes, and the arguments with which `plain_sgd` makes them."""
    return {
        "lost gradients of words that are repeated in a batch": {"total": last},
        "lost one of two gradients: a word drawn twice in one context must get both":
            {"total": observation_by_observation},
        "lost gradients of words that are repeated in a column of the contexts":
            {"total": column_by_column},
        "lost gradients of context words that are repeated in a batch":
            {"total": lambda *x: context_words_only(*x, total=last) + negatives_only(*x)},
        "kept only the first gradient of a word that is repeated in a batch": {"total": first},
        "has the mean of a repeated word's gradients, not their sum": {"total": mean},
        "was changed only for context words, not for negatives": {"total": context_words_only},
        "was changed only for negatives, not for context words": {"total": negatives_only},
        "was changed for all words, not only for those of the batch": {"total": every_word},
        "moves up the gradient, not down": {"alpha": -alpha},
        "moves by the gradient, without α": {"alpha": 1.},
        "moves by α² times the gradient": {"alpha": alpha ** 2},
        "moves twice as far: is the step taken twice?": {"alpha": 2 * alpha},
        "moves by α/epochs times the gradient": {"alpha": alpha / epochs},
        "moves by α·S times the gradient": {"alpha": alpha * S},
        "moves by α/S times the gradient, which is a mean already": {"alpha": alpha / S}}
