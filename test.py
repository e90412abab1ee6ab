"""The assignment's checks: python test.py 3, or 4, 5, 6.

python test.py runs them all, and the tests of this project in tests/; --all names each of them.
"""

import inspect
import itertools
import math
import operator
import os
import random
import sys
import time
from collections import Counter
from copy import deepcopy
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE))           # where python -P does not look

from beyond import check_environment

check_environment("test.py")

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from beyond.diagnosis import (
    ARGUMENTS,
    KEPT,
    ORDER,
    RESULTS,
    WRONG,
    batch_mistakes,
    called,
    expect,
    expect_all,
    expect_epochs,
    expect_results,
    fail,
    fault_in_calls,
    find_fault,
    negatives_mistakes,
    noise_mistakes,
    order_fault,
    scores_of,
    sequence_mistakes,
    sgd_mistakes,
    tolerance_of,
    total,
    update_mistakes,
    worked_case,
    written,
    wrong_factors,
    wrong_losses,
    wrong_step,
)
from beyond.settings import TASKS

# --- What the checks compare with; none of it uses the modules under test -----------------------

def noise_count(f):
    """round(f^0.75) in integers: the k for which (2k-1)⁴ < 16·f³ < (2k+1)⁴."""
    k = math.isqrt(math.isqrt(f ** 3))
    return k + ((2 * k + 1) ** 4 < 16 * f ** 3)


def loss(u_w, Vt, W, q, positives=1):
    """J of one observation, written as the assignment does; also for complex arguments.

    positives : the first so many words count as context words, the others as negatives
    """
    J, scores = 0, Vt @ W @ u_w
    for j in range(len(q)):
        x = q[j] - scores[j] if j < positives else scores[j] - q[j]
        J = J + np.log(1 + np.exp(x))
    return J


def mean_loss(u_w, Vt, W, q, positives=1):
    """J of S observations, the mean of their losses; positives may be one number for each."""
    S = len(u_w)
    positives = np.broadcast_to(positives, S)
    return sum(loss(u_w[i], Vt[i], W, q[i], positives[i]) for i in range(S)) / S


def derivative(function, X):
    """∂function/∂X by the complex step, Im f(x + ih)/h: exact, since nothing is subtracted."""
    gradient = np.empty(X.shape)
    for place in np.ndindex(X.shape):
        Z = X.astype(complex)
        Z[place] += 1e-30j
        gradient[place] = function(Z).imag / 1e-30
    return gradient


def part(name, J, u_w, Vt, W, q):
    """The value of a loss function J, or its derivative by u_w, Vt or W."""
    if name == "du_w":
        return derivative(lambda Z: J(Z, Vt, W, q), u_w)
    if name == "dVt":
        return derivative(lambda Z: J(u_w, Z, W, q), Vt)
    if name == "dW":
        return derivative(lambda Z: J(u_w, Vt, Z, q), W)
    return np.asarray(J(u_w, Vt, W, q))


def mistakes_in(name, right, J, sample):
    """Return usual mistakes in J, du_w, dVt or dW of a loss function J."""
    u_w, _, W, q = sample
    losses = wrong_losses(J, side=1 if name == "J" else -1)
    mistakes = wrong_factors(name, right, W) | {"is divided by n+1": right / q.shape[-1]}
    if u_w.ndim == 2:
        factors, others = batch_mistakes(J, right, *sample)
        mistakes, losses = mistakes | factors, losses | others
    return mistakes | {mistake: partial(part, name, J, *sample) for mistake, J in losses.items()}


def observations(seed, *shape, n, M):
    """Random u_w, Vt, W, q of one observation, or of an array of observations of this shape."""
    rng = np.random.default_rng(seed)
    sizes = (*shape, M), (*shape, n + 1, M), (M, M), (*shape, n + 1)
    return [rng.normal(size=size) for size in sizes]


# --- Task 3 -------------------------------------------------------------------------------------

FEW = [3, 16, 6, 16, 1]                 # to be worked by hand
ZIPF = [10 ** 6 // rank + 1 for rank in range(1, 20001)]
FREQUENCIES = [                         # freqs, what they are, the cause if no usual mistake fits
    (FEW, f"freqs = {FEW}", WRONG),
    (FEW, f"freqs = {FEW}", KEPT),
    (ZIPF, f"freqs = [{', '.join(map(str, ZIPF[:3]))}, …]",
     f"is right for {len(FEW)} words, but not for {len(ZIPF)}: is a type of integers too small, "
     "or something cut off?")]


def word_counts(seq, L, given=""):
    """Count how often each of L words is in a sequence, which must hold word indices only."""
    if not hasattr(seq, "__len__") or getattr(seq, "ndim", 1) == 0:
        kind = "a 0-d array" if isinstance(seq, np.ndarray) else type(seq).__name__
        hint = ": is a return missing?" if seq is None else ""
        fail(f"the sequence is {kind}, expected a list or an array{hint}")
    try:
        counts = Counter(map(operator.index, seq))
    except TypeError:
        strange = next(item for item in seq if not isinstance(item, int | np.integer))
        fail(f"the sequence holds {type(strange).__name__}, expected word indices (int)")
    for word in sorted(counts):
        if not 0 <= word < L:
            fail(f"the sequence holds {word}, expected word indices from 0 to {L - 1}", given)
    return [counts[word] for word in range(L)]


def expect_unchanged(name, before, after):
    if list(before) != list(after):
        fail(f"{name} changes its argument: it must work on a copy")


@pytest.mark.task("3")
def test_3_createSamplingSequence():
    from sampling import createSamplingSequence
    for freqs, given, otherwise in FREQUENCIES:
        argument = list(freqs)
        seq = called(createSamplingSequence, argument, given=given)
        expect_unchanged("createSamplingSequence", freqs, argument)
        expect(f"how often the words occur in the sequence ({given})",
               [noise_count(f) for f in freqs], word_counts(seq, len(freqs), given),
               sequence_mistakes(freqs), otherwise=otherwise)
        random.choice(seq)


@pytest.mark.task("3")
def test_3_noiseDistribution():
    from sampling import noiseDistribution
    before = []
    for n in 5, 1:
        for freqs, given, otherwise in FREQUENCIES:
            counts = np.array([noise_count(f) for f in freqs])
            argument = list(freqs)
            got = called(noiseDistribution, argument, n, given=f"{given}, n = {n}")
            expect_unchanged("noiseDistribution", freqs, argument)
            right = np.log(n * counts / counts.sum())
            kept = {"is that of the call before: is it kept from one call to the next?": before}
            expect(f"log({n}·q[c]) ({given})", right, got,
                   noise_mistakes(freqs, counts, n) | kept, otherwise=otherwise)
            before = right


def expect_context(context, word, n, L):
    """Fail unless a context is a word and n others, by their indices, which are below L."""
    if context is None:
        fail("sampleContext returns None: is a return missing?")
    if not isinstance(context, list | tuple | np.ndarray) or np.shape(context) != (n + 1,):
        fail(f"expected {n + 1} words, the context word and {n} negatives, got "
             f"{str(context)[:60]}")
    for item in context:
        if not isinstance(item, int | np.integer):
            fail(f"sampleContext returns {type(item).__name__}, expected word indices (int)")
        if not 0 <= item < L:
            fail(f"sampleContext returns {item}, expected word indices from 0 to {L - 1}: is it a "
                 "place in seq, not the word there?")
    if context[0] != word:
        fail(f"expected the context word {word} first, got {context[0]}")
    if word in context[1:]:
        fail("a negative equals the context word")


def contexts(calls, word, seq, n, L):
    """Yield the contexts that sampleContext draws."""
    from sampling import sampleContext
    repeat = f", {L} words, so that negatives must repeat" if n >= L else ""
    for _ in range(calls):
        context = called(sampleContext, word, seq, n,
                         given=f"contextWord = {word}, n = {n}{repeat}")
        expect_context(context, word, n, L)
        yield list(context)


@pytest.mark.task("3")
def test_3_sampleContext():
    """Negatives may repeat or not, so their distribution is tested with n = 1."""
    from sampling import createSamplingSequence
    for freqs in FEW, [4000 // rank + 1 for rank in range(1, 401)]:
        counts = np.array([noise_count(f) for f in freqs])
        L, seq = len(freqs), createSamplingSequence(freqs)
        if word_counts(seq, L) != list(counts):
            fail("not checked: createSamplingSequence must be right first")
    word, calls = 2, 3000
    before = list(seq)
    drawn = list(contexts(500, word, seq, 7, L))
    if all(len(set(context)) == 2 for context in drawn):
        fail("all negatives of a context are the same word")
    if all(context == drawn[0] for context in drawn):
        fail(f"all of {len(drawn)} calls return the same negatives: is the seed fixed in "
             "sampleContext, or is something kept from one call to the next?")
    negatives = [negative for _, negative in contexts(calls, word, seq, 1, L)]
    expect_unchanged("sampleContext", before, seq)

    counts[word] = 0
    groups = [0, 2, 4, 20, 60, 150]     # of the words, from frequent to rare: where each begins
    drawn = np.add.reduceat(np.bincount(negatives, minlength=L), groups)
    chi2 = {}                           # how far the draws are from q, and from usual mistakes
    for mistake, weights in ({"": counts} | negatives_mistakes(counts, word)).items():
        expected = np.add.reduceat(calls * weights / weights.sum(), groups)
        chi2[mistake] = np.sum((drawn - expected) ** 2 / expected)
    if chi2[""] > 50:       # by chance once in 10⁹ runs
        nearest = min(chi2, key=chi2.get)
        cause = f": {nearest}" if chi2[nearest] < 50 else ""
        expected = np.add.reduceat(calls * counts / counts.sum(), groups)
        fail(f"the negatives do not follow q{cause}",
             f"with the seq of {L} words, freqs = {freqs[:3]}…, contextWord = {word}, n = 1",
             "words from frequent to rare: expected about "
             f"{expected.round().astype(int)} draws, got {drawn}")
    list(contexts(1, 0, [0, 1, 2, 2], 7, 3))


# --- Tasks 4 and 5 ------------------------------------------------------------------------------

# To be worked by hand: S = 6, n = 3, M = 2, so that S, S-1, n+1, n and M differ; no two usual
# mistakes give the same for these numbers.
SMALL = [np.array(X, dtype=float) for X in (
    [[1, -2], [2, -1], [1, 0], [0, 1], [2, 0], [-1, 1]],
    [[[-1, 1], [2, -2], [-2, 2], [-1, -1]], [[1, -1], [1, -1], [1, -2], [0, -2]],
     [[-1, -2], [1, -2], [2, -1], [1, -1]], [[0, 1], [1, 1], [-2, -2], [1, 2]],
     [[1, 1], [-1, 0], [1, -2], [2, 2]], [[-1, 1], [1, -2], [1, 1], [1, 0]]],
    [[1, 2], [0, 1]],
    [[-2, 0, 1, 3], [0, 2, 0, -1], [-1, 2, -2, 2], [1, -1, -2, 0], [2, 0, 2, -1],
     [2, 0, -1, -2]])]
ONE_SIZE = "is right in the smallest case, but not for these sizes and numbers"
SMALL_SCORES = ("is right for scores of about ±1, but not for ±20: is a small number added, or "
                "something cut off?")


def samples(shapes):
    """Yield samples: first the small one, then random ones, and one with large scores.

    Parameters
    ----------
    shapes : tuples (S, n, M), or (n, M) for one observation

    Yields
    ------
    a description, [u_w, Vt, W, q], and the cause to name if no usual mistake fits
    """
    *S, _, _ = shapes[0]
    u_w, Vt, W, q = SMALL
    small = SMALL if S else [u_w[0], Vt[0], W, q[0]]        # for n = 1 some mistakes are alike
    values = [f"  {name} = {written(X)}" for name, X in zip(ARGUMENTS, small)]
    size = "S=6 n=3 M=2" if S else "n=3 M=2"
    for otherwise in WRONG, KEPT:
        yield "\n".join([f"{size} (work it by hand):", *values]), small, otherwise
    for *S, n, M in *shapes, shapes[0]:
        given = "".join(f"S={size} " for size in S) + f"n={n} M={M}"
        u_w, Vt, W, q = observations(4, *S, n=n, M=M)
        if n > 2:
            Vt[..., 2, :], q[..., 2] = Vt[..., 1, :], q[..., 1]
            given += ", the first two negatives are the same word"
        yield given, [u_w / M, Vt, W, q], ONE_SIZE
    largest = np.abs(scores_of(u_w, Vt, W)).max()
    yield f"{given}, scores up to ±20", [20 / largest * u_w, Vt, W, q], SMALL_SCORES


def results_of(function, sample, given):
    """Return what a function returns for a sample; fail if it changes the sample."""
    copies = [X.copy() for X in sample]
    got = called(function, *copies, given=given)
    for name, X, copy in zip(ARGUMENTS, sample, copies):
        if not np.array_equal(X, copy):
            fail(f"{function.__name__} changes its argument {name}: it must work on a copy")
    expect_results(", ".join(RESULTS), got)
    return got


def fault_in(name, value, J, sample, tolerance, others=()):
    """Compare one result with the loss function J or its derivative: see `find_fault`.

    others : names of results that may be in its place
    """
    right = part(name, J, *sample)
    mistakes = mistakes_in(name, right, J, sample)
    for other in others:
        mistakes[f"holds {other}: {ORDER}"] = partial(part, other, J, *sample)
    return find_fault(right, value, mistakes, tolerance)


def expect_result(name, value, J, sample, tolerance, given):
    """Fail unless J, du_w, dVt or dW is right."""
    fault = fault_in(name, value, J, sample, tolerance)
    if fault:
        fail(f"{name} ({given}) {fault[0]}", fault[1])


def expect_loss_function(function, J, shapes):
    """Compare all results of a function with a loss function J and its derivatives."""
    before = []
    for given, sample, otherwise in samples(shapes):
        got = results_of(function, sample, given)
        for name, X, copy in before:
            if not np.array_equal(X, copy):
                fail(f"{name} of the call before has changed: make a new array in each call")
        before = [(name, X, np.copy(X)) for name, X in zip(RESULTS, got)]
        faults = {name: fault_in(name, value, J, sample, tolerance_of(*got), RESULTS)
                  for name, value in zip(RESULTS, got)}
        expect_all(faults, given, otherwise)


def expect_right_first(name, J, shapes, task):
    """Fail unless the function of grads.py that a check needs is right."""
    import grads
    try:
        expect_loss_function(getattr(grads, name), J, shapes)
    except (Exception, pytest.fail.Exception, SystemExit):
        fail(f"not checked: {name} must be right first (python test.py {task})")


def note_on_large_scores(function, shapes):
    """Return a message if results for scores of ±1000 are wrong, else None."""
    _, (u_w, Vt, W, q), _ = next(samples(shapes))
    for size in 1000, -1000:
        x = size * scores_of(u_w, Vt, W) - q
        x[..., 0] *= -1
        J = np.maximum(x, 0).sum(axis=-1).mean()        # since log(1 + eˣ) is x or 0 for these
        try:
            with np.errstate(all="ignore"):
                got = function(size * u_w, Vt, W, q)
        except Exception as error:
            return f"{type(error).__name__} for scores of ±1000; the grading looks at that"
        for name, value in zip(RESULTS, got):
            strange = np.ravel(value)[~np.isfinite(np.ravel(value))]
            if strange.size:
                return f"{name} is {strange[0]} for scores of ±1000; the grading looks at that"
        if not np.isclose(got[0], J, 1e-3):
            return (f"J is {got[0]:.6g} for scores of ±1000, expected {J:.6g}; the grading looks "
                    "at that")
    return None


@pytest.mark.task("4")
def test_4_lossAndGradient(record_property):
    from grads import lossAndGradient
    shapes = (5, 4), (20, 3), (1, 3), (5, 8), (1, 1)        # n, M
    expect_loss_function(lossAndGradient, loss, shapes)
    record_property("note", note_on_large_scores(lossAndGradient, shapes))


BATCHES = (7, 5, 4), (4, 1, 3), (1, 5, 3)                   # S, n, M


@pytest.mark.task("5")
def test_5_lossAndGradientCumulative():
    from grads import lossAndGradientCumulative
    expect_right_first("lossAndGradient", loss, [(5, 4)], "4")
    expect_loss_function(lossAndGradientCumulative, mean_loss, BATCHES)


@pytest.mark.task("5")
def test_5_lossAndGradientBatched(record_property):
    from grads import lossAndGradientBatched
    expect_loss_function(lossAndGradientBatched, mean_loss, BATCHES)
    record_property("note", note_on_large_scores(lossAndGradientBatched, BATCHES))


@pytest.mark.task("5")
def test_5_batched_beside_cumulative(record_property):
    from grads import lossAndGradientBatched, lossAndGradientCumulative
    expect_right_first("lossAndGradient", loss, [(5, 4)], "4")
    expect_right_first("lossAndGradientCumulative", mean_loss, BATCHES, "5")
    expect_right_first("lossAndGradientBatched", mean_loss, BATCHES, "5")
    S = 1500
    sample = observations(6, S, n=5, M=50)
    sample[0] /= 50                     # scores are about 10 at most
    (right, slow), (got, quick) = fastest_calls(
        [lossAndGradientCumulative, lossAndGradientBatched], sample)
    for name, expected, value in zip(RESULTS, right, got):
        if isinstance(value, list):
            fail(f"{name} of lossAndGradientBatched is a list, expected an array")
        expect(f"{name} of batched, compared with cumulative,", expected, value,
               tolerance=tolerance_of(*got, *right),
               otherwise=f"is right for few observations, but not for {S}")
    if slow < 2 * quick:
        fail(f"batched is {slow / quick:.1f} times as fast as cumulative; expected more than 2: "
             "is there a loop over S, an einsum of three arrays, or an S×S matrix in it?")
    record_property("note", f"batched is {slow / quick:.0f} times as fast as cumulative")


def fastest_calls(functions, arguments):
    """Return a result of each function, and the seconds that its quickest call takes.

    They are called in turn, so that a neighbour on the machine slows down all of them.
    """
    results, seconds = {}, {function: [] for function in functions}
    # On a busy machine NumPy's threads would wait for each other.
    with threadpool_limits(1, "blas"):
        while len(seconds[function := functions[0]]) < 3 or sum(seconds[function]) < 0.3:
            for function in functions:
                begun = time.perf_counter()
                results[function] = function(*arguments)
                seconds[function].append(time.perf_counter() - begun)
    return [(results[function], min(seconds[function])) for function in functions]


# --- Task 6 -------------------------------------------------------------------------------------

LOSSES = 5., 0.1, 0.001, 70., 70.       # of one batch after the other: nothing is to depend on J


def easy_gradients(u_w, Vt, W, q, J=1.):
    """Gradients of a batch that need no tasks 4 and 5.

    Each depends on u_w, Vt and W, so a gradient that is computed anew after a step is wrong. Their
    signs keep U, V and W small, however many steps there are.
    """
    u_w, Vt, W, q = map(np.asarray, (u_w, Vt, W, q))
    v, h = Vt[:, 0] + q[:, :1], W.mean(axis=0)                                  # S×M, M
    dVt = Vt + q[:, :, None] + (h - u_w)[:, None, :]
    return J, u_w + v + h, dVt, W - (u_w + v).sum(axis=0)


def plain_sgd(visited, targets, U, V, W, q, S, alpha, total=total, gradients=easy_gradients):
    """Minibatch SGD over contexts in the order of their use.

    total : how the gradients of a batch are added up by word
    """
    for first in range(0, len(visited), S):
        context = np.array(visited[first:first + S])
        w = np.array([targets[c] for c in context[:, 0]])
        _, du_w, dVt, dW = gradients(U[w], V[context], W, q[context])
        U = U - alpha * total(w[:, None], du_w[:, None], len(U))
        V = V - alpha * total(context, dVt, len(V))
        W = W - alpha * dW
    return U, V, W


DEFAULTS = {"batchSize": 1000, "epochs": 1, "alpha": 1., "printInterval": 10000}
AGAIN = ("was right in the call before, with another order of the pairs: was that by chance, or is "
         "something kept from one call to the next?")
SEVERAL = ("is right after one batch, but not after several: does each change U, V and W, from "
           "where the one before left them, with the same α?")


@pytest.mark.task("6")
def test_6_stochasticGradientDescend(record_property):
    from w2v_sgd import stochasticGradientDescend
    # To be worked by hand: S = 5, n = 3, M = 2, and 8 words, the last one in no pair.
    pairs = [(0, 1), (0, 2), (5, 3), (4, 6), (5, 0)]
    contexts = {1: [1, 4, 4, 2], 2: [2, 4, 1, 5], 3: [3, 5, 4, 1], 6: [6, 2, 3, 3],
                0: [0, 5, 6, 1]}
    start = [np.array(X, dtype=float) for X in (
        [[1, 0], [2, 1], [0, 1], [1, 1], [2, 0], [0, 2], [1, 2], [2, 2]],
        [[0, 1], [1, 2], [1, 0], [2, 1], [1, 1], [2, 2], [0, 2], [2, 0]],
        [[1, 0], [3, 2]])]
    for S, alpha, otherwise in (5, 6., WRONG), (5, 7., AGAIN), (2, 2., SEVERAL):
        expect_sgd(pairs, contexts, start, np.arange(8.), S, 1, alpha, otherwise)
    parameters = inspect.signature(stochasticGradientDescend).parameters
    defaults = {name: parameters[name].default for name in DEFAULTS if name in parameters}
    if not defaults.items() <= DEFAULTS.items():
        fail(f"the defaults are {defaults}, expected {DEFAULTS}")
    if "printInterval" in defaults:
        record_property("note", note_on_printing(pairs, contexts, start))

    rng = np.random.default_rng(6)
    start = [rng.normal(scale=0.5, size=size) for size in ((40, 4), (40, 4), (4, 4))]
    q = rng.normal(scale=0.5, size=40)
    contexts = {c: [c, 30 + c % 4, 30 + c % 5] for c in range(15)}      # words repeat
    pairs = [(c % 3, c) for c in range(15)] * 2
    for S, epochs, form in ((30, 1, np.array), (7, 1, np.array), (10, 1, np.array),
                            (100, 1, np.array), (1, 1, np.array), (7, 2, np.array), (7, 2, list)):
        otherwise = ("is right in the smallest case, but not here" if epochs == 1 else
                     "is right in one epoch, but not in two")
        visited = expect_sgd(form(pairs), contexts, start, q, S, epochs, 0.3 / S, otherwise)
        fault = order_fault(visited, [c for _, c in pairs], len(pairs))
        if fault and S < len(pairs):        # in a single batch, the order does not matter
            fail(fault)

    N = 10_500                          # more pairs than lie between two reports
    pairs, contexts = [(c % 3, c) for c in range(N)], {c: [c, 0, 1] for c in range(N)}
    start = np.full((N, 1), 0.1), np.full((N, 1), 0.2), np.full((1, 1), 0.3)
    expect_sgd(pairs, contexts, start, np.zeros(N), 500, 3, 0.001,
               "is right for few pairs, but not for many")


def note_on_printing(pairs, contexts, start):
    """Return a message if printInterval=None is an error, else None."""
    from w2v_sgd import stochasticGradientDescend
    try:
        stochasticGradientDescend(list(pairs), *map(np.copy, start), contexts.get, easy_gradients,
                                  np.arange(8.), 3, 1, 0.1, None)
    except Exception as error:
        return f"{type(error).__name__} for printInterval=None, which is to print nothing"
    return None


def run_sgd(data, contexts, start, q, S, epochs, alpha, given):
    """Train a copy of start on a copy of data.

    Returns
    -------
    U, V, W; the contexts in the order of their use; and of each call of lossAndGradientFunction
    the arguments and results, as they were at first, and how many contexts were drawn before
    """
    from w2v_sgd import stochasticGradientDescend
    visited, calls, losses = [], [], itertools.cycle(LOSSES)

    def context_function(c):
        if c not in contexts:
            fail(f"contextFunction is called with {c}, but no pair (w, c) of data has this c")
        visited.append(contexts[c])
        return list(contexts[c])

    def loss_function(u_w, Vt, W, q):
        arguments = deepcopy([u_w, Vt, W, q])
        calls.append((arguments, easy_gradients(*arguments, next(losses)), len(visited)))
        return deepcopy(calls[-1][1])

    got = called(stochasticGradientDescend, deepcopy(data), *map(np.copy, start),
                 context_function, loss_function, q, S, epochs, alpha, given=given)
    return got, visited, calls


def expect_sgd(data, contexts, start, q, S, epochs, alpha, otherwise=WRONG):
    """Compare a training with `plain_sgd`; returns the context words in the order of their use."""
    words, targets = [int(c) for _, c in data], {int(c): int(w) for w, c in data}
    N = len(words)
    given = f"{N} pairs, batchSize {S}, epochs {epochs}"
    got, visited, calls = run_sgd(data, contexts, start, q, S, epochs, alpha, given)
    expect_results("U, V, W", got)
    visited_words = [context[0] for context in visited]
    sizes_got = [len(u_w) for (u_w, *_), *_ in calls]
    expect_epochs(visited_words, words, epochs, S, sum(sizes_got), given)

    def trained(alpha=alpha, **how):
        result = start
        for first in range(0, N * epochs, N):
            result = plain_sgd(visited[first:first + N], targets, *result, q, S, alpha, **how)
        return result

    right = trained()
    w = [targets[c] for c in visited_words]
    faults = {}
    for i, (name, mistakes) in enumerate(zip("UVW", update_mistakes(start, right))):
        for mistake, how in sgd_mistakes(alpha, S, epochs).items():
            if name != "W" or "alpha" in how:       # gradients of W are not added up by word
                mistakes[mistake] = lambda how=how: trained(**how)[i]
        if name == "U" and len(calls) == 1:
            step = total(np.array(visited_words), np.asarray(calls[0][1][1]), len(start[0]))
            mistakes["is changed at the context words, not at the target words"] = (
                start[0] - alpha * step)
        if len(calls) == 1 and otherwise == WRONG:
            mistakes |= wrong_step(start[i], right[i], got[i])
        faults[name] = find_fault(right[i], got[i], mistakes, tolerance_of(*got))
    if any(faults.values()):
        sizes = [min(S, N - first) for first in range(0, N, S)] * epochs
        otherwise = fault_in_calls(calls, sizes, w, visited, start, q) or otherwise
        if N < 10 and sizes_got == sizes:
            given = worked_case(w, visited, start, alpha, sizes, calls)
        expect_all(faults, given, otherwise)
    return visited_words


# --- The command --------------------------------------------------------------------------------

def main(arguments):
    if len(arguments) > 1 or not set(arguments) <= {*TASKS, "--all"}:
        print(f"test.py: give one task of {', '.join(TASKS)}, or nothing for all tests, or --all",
              file=sys.stderr)
        return 2
    if hasattr(sys.stdout, "reconfigure"):                  # a notebook's has not
        sys.stdout.reconfigure(errors="backslashreplace")   # a Windows pipe may have no Greek
    # Only what stands here counts, not what pytest finds elsewhere.
    os.environ.update(PYTEST_ADDOPTS="", PYTEST_PLUGINS="", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    sys.dont_write_bytecode = True                          # so an edit is seen at once, and
    for name in "sampling", "grads", "w2v_sgd":             # also by %run in a notebook
        sys.modules.pop(name, None)

    from beyond.check_report import FilesOnly, Report
    options = ["-c", HERE / "pyproject.toml", "--continue-on-collection-errors", __file__]
    tests = HERE / "tests"
    if arguments and arguments[0] in TASKS:
        options += ["--noconftest", "-p", "no:terminal"]
        plugins = [Report(arguments[0], TASKS[arguments[0]])]
    else:
        # There are no tests in a student's copy; a conftest.py above them is not theirs.
        options += [tests, "--confcutdir", tests] if tests.is_dir() else ["--noconftest"]
        options += ["--no-header", "-v", "--tb=short"] if arguments else ["--no-header", "--tb=no"]
        plugins = [] if arguments else [FilesOnly()]
    return pytest.main(list(map(str, options)), plugins=plugins)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
