"""What task 6 leaves out: the adding of rows, repeatability, schedules, runs that go wrong."""


import numpy as np
import pytest

import w2v_sgd
from grads import lossAndGradientBatched, lossAndGradientCumulative
from sampling import createSamplingSequence, noiseDistribution, sampleContext
from w2v_sgd import Diverged, stochasticGradientDescend, subtract_rows

L, M, N = 12, 3, 50
FREQS = range(100, 100 - L, -1)
SEQ = createSamplingSequence(FREQS)


def two_negatives(seed=1):
    """Make a contextFunction of many words."""
    rng = np.random.default_rng(seed)
    return lambda words: sampleContext(words, SEQ, 2, rng)


def make_start(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(size=size).astype(dtype) for size in ((L, M), (L, M), (M, M))]


def make_data():
    return np.random.default_rng(1).integers(L, size=(N, 2))


def run(data=None, loss=lossAndGradientBatched, context=None, dtype=np.float64, start=None,
        **options):
    """Train with batches of 8, and see that the start is not changed.

    context : a plain contextFunction; without one, the negatives of many words are drawn at once
    """
    start = start or make_start(dtype)
    before = [X.copy() for X in start]
    options = {"batchSize": 8, "rng": 1, "many_at_once": context is None} | options
    result = stochasticGradientDescend(
        make_data() if data is None else data, *start, context or two_negatives(), loss,
        noiseDistribution(FREQS, 2), **options)
    assert equal(before, start), "U0, V0 or W0 was changed"
    return result


def equal(one, other):
    return all(np.array_equal(X, Y) for X, Y in zip(one, other))


# --- the adding of rows -------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index_type", [np.int32, np.int64, np.uint16])
@pytest.mark.parametrize("shape", [(1,), (40,), (30, 6), (0,)])
def test_rows_get_all_gradients_of_repeated_words(monkeypatch, dtype, index_type, shape):
    rng = np.random.default_rng(0)
    words = rng.integers(L, size=(*shape, 2)).astype(index_type)[..., 0]    # not contiguous
    gradients = rng.normal(size=(*shape, M)).astype(dtype)
    start = rng.normal(size=(L, M)).astype(dtype)
    expected = start.copy()
    for word, gradient in zip(words.ravel(), gradients.reshape(-1, M)):
        expected[word] -= dtype(0.5) * gradient         # a power of two: nothing is rounded

    quick, slow = start.copy(), start.copy()
    assert w2v_sgd.csc_matvecs, "the quick way of SciPy is gone"
    subtract_rows(quick, words, gradients, 0.5)
    monkeypatch.setattr(w2v_sgd, "csc_matvecs", None)
    subtract_rows(slow, words, gradients, 0.5)
    assert np.array_equal(quick, expected) and np.array_equal(slow, expected)


def test_both_loss_functions_give_the_same_embeddings():
    for options in {}, {"batchSize": N}, {"batchSize": 1, "alpha": 0.1}:
        for X, Y in zip(run(loss=lossAndGradientCumulative, **options), run(**options)):
            np.testing.assert_allclose(X, Y, rtol=1e-12, atol=1e-12)


# --- repeatability ------------------------------------------------------------------------------

def test_same_seed_same_bits_other_seed_others():
    assert equal(run(), run())
    assert equal(run(rng=np.random.default_rng(5)), run(rng=np.random.default_rng(5)))
    assert not equal(run(), run(rng=2)) and not equal(run(), run(context=two_negatives(2),
                                                                 many_at_once=True))


def test_no_global_random_state():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    run()
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("batch_size, at_once", [(1, 32000), (8, 32000), (60, 32000), (4, 16)])
def test_a_run_that_goes_on_ends_as_one_that_never_stopped(monkeypatch, batch_size, at_once):
    monkeypatch.setattr("w2v_sgd.PAIRS_AT_ONCE", at_once)
    states = []

    def remember(done, J, *parameters):
        states.append((done, [X.copy() for X in parameters]))

    options = {"epochs": 2, "batchSize": batch_size, "alpha": 0.1, "rng": 3}
    whole = run(**options, callback=remember)
    ends = [min(first + batch_size, N) for first in range(0, N, batch_size)]
    assert [done for done, _ in states] == ends + [N + end for end in ends]
    assert equal(states[-1][1], whole)
    for done, parameters in states[::7] + states[-1:]:
        assert equal(whole, run(**options, start=parameters, done=done))


# --- batches, schedules, what is printed ----------------------------------------------------------

def test_many_contexts_are_drawn_at_once_where_the_function_can():
    sizes = []

    def many(words):
        sizes.append(words.size)
        return np.column_stack([words, 0 * words, 0 * words + 1])
    run(context=many, many_at_once=True)
    assert sum(sizes) == N and len(sizes) < N / 8

    words = []
    run(context=lambda c: words.append(c) or [c, 7, 9])
    assert len(words) == N and {type(word) for word in words} == {int}


def test_schedule_gets_the_share_done_and_sets_the_step():
    shares = []

    def schedule(share):
        shares.append(share)
        return 0.5
    assert equal(run(alpha=schedule, epochs=2), run(alpha=0.5, epochs=2))
    starts = [epoch * N + first for epoch in (0, 1) for first in range(0, N, 8)]
    assert shares == pytest.approx([start / (2 * N) for start in starts])


def test_epochs_are_shuffled_each_in_its_own_way():
    words = []
    run(data=[(0, c) for c in range(L)], context=lambda c: words.append(c) or [c, 7, 9], epochs=2)
    first, second = words[:L], words[L:]
    assert sorted(first) == sorted(second) == list(range(L))
    assert first != second and first != sorted(first)


@pytest.mark.parametrize("batch_size, interval, samples", [
    (10, 20, [0, 20, 40]), (10, 10, [0, 10, 20, 30, 40]), (8, 20, [0, 24, 40]), (50, 20, [0]),
    (10, 10000, [0]), (10, None, []), (10, 0, [])])
def test_the_loss_is_printed_as_often_as_asked_for(capsys, batch_size, interval, samples):
    losses = []
    run(batchSize=batch_size, printInterval=interval, epochs=2,
        callback=lambda done, J, *parameters: losses.append(J))
    per_epoch = len(losses) // 2
    expected = [f"Epoch: {epoch} Sample: {first} / {N} "
                f"Loss: {losses[epoch * per_epoch + first // batch_size]}"
                for epoch in (0, 1) for first in samples]
    assert capsys.readouterr().out.splitlines() == expected


# --- what is taken ------------------------------------------------------------------------------

def test_dtypes_stay_but_lists_of_gradients_and_integer_starts_are_taken():
    for dtype in np.float32, np.float64:
        assert {X.dtype for X in run(dtype=dtype)} == {np.dtype(dtype)}

    def as_lists(*arguments):
        J, *gradients = lossAndGradientBatched(*arguments)
        return J, *(gradient.tolist() for gradient in gradients)
    assert all(np.allclose(X, Y) for X, Y in zip(run(loss=as_lists), run()))

    ones = np.ones((L, M), int), np.ones((L, M), int), np.eye(M, dtype=int)
    result = stochasticGradientDescend([(0, 1)], *ones, lambda c: [c, 2], lossAndGradientBatched,
                                       np.zeros(L))
    assert {X.dtype for X in result} == {np.dtype(np.float64)}
    assert not np.array_equal(result[0], ones[0])


def test_a_context_function_may_reuse_its_list():
    context = [0, 7, 9]

    def reuse(c):
        context[0] = c
        return context
    assert equal(run(context=reuse), run(context=lambda c: [c, 7, 9]))


def test_no_data_no_change():
    U, V, W = run(data=[])
    assert U.shape == (L, M) and equal((U, V, W), run(data=np.empty((0, 2), int)))


# --- what goes wrong ----------------------------------------------------------------------------

ONES = {"U0": np.ones((L, M)), "V0": np.ones((L, M)), "W0": np.ones((M, M)), "q_noise": np.zeros(L)}
NOT_FINITE = [({name: np.where(np.arange(X.size).reshape(X.shape) == 1, value, X)},
               f"{name} must be finite, but is {value} in a place")
              for name, X in ONES.items() for value in (np.nan, np.inf)]
NO_PAIRS = [({"data": data}, "pairs of word indices from 0 to 11")
            for data in ([(0, L)], [(-1, 0)], [(0.5, 1.5)], [1, 2, 3, 4], [(1, 2, 3, 4)])]


@pytest.mark.parametrize("arguments, message", [
    *NOT_FINITE, *NO_PAIRS,
    ({"q_noise": np.zeros(L - 1)}, "q_noise must have a value for each of 12 words, not 11"),
    ({"U0": np.ones((L, M), complex)}, "U0 must have real numbers"),
    ({"q_noise": np.zeros(L, complex)}, "q_noise must have real numbers"),
    ({"batchSize": 0}, "batchSize"), ({"batchSize": -5}, "batchSize"),
    ({"done": -8}, "whole batches"), ({"done": 3}, "whole batches"),
    ({"done": 10, "epochs": 2}, "whole batches"),
    ({"contextFunction": lambda c: [c, -1]}, "must return word indices from 0 to 11"),
    ({"contextFunction": lambda c: [c, L]}, "must return word indices from 0 to 11"),
    ({"contextFunction": lambda c: [c, 1.5]}, "must return word indices"),
    ({"contextFunction": lambda c: [(c + 1) % L, c]}, "and then its negatives"),
    ({"contextFunction": lambda c: []}, "word indices|negatives")])
def test_arguments_that_cannot_be_are_named(arguments, message):
    arguments = ONES | {"data": [(1, 2)] * 9, "contextFunction": lambda c: [c, 3],
                        "lossAndGradientFunction": lossAndGradientBatched,
                        "batchSize": 8} | arguments
    with pytest.raises(ValueError, match=message):
        stochasticGradientDescend(**arguments)


@pytest.mark.parametrize("error", [StopIteration, KeyError])
def test_an_exception_of_the_context_function_ends_the_run(error):
    def fails(words):
        raise error
    with pytest.raises((RuntimeError, error)):
        run(context=fails, many_at_once=True)


@pytest.mark.parametrize("name, change", [
    ("du_w", lambda du_w, dVt, dW: (du_w[:, :1], dVt, dW)),
    ("dVt", lambda du_w, dVt, dW: (du_w, dVt[:, 1:], dW)),
    ("dW", lambda du_w, dVt, dW: (du_w, dVt, np.stack([dW, dW])))])
def test_gradients_of_a_wrong_shape_are_an_error(name, change):
    def loss(*arguments):
        J, *gradients = lossAndGradientBatched(*arguments)
        return J, *change(*gradients)
    with pytest.raises(ValueError, match=rf"returned {name} of shape \(.*\), expected \(.*\)"):
        run(loss=loss)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_what_was_learned():
    states, losses = [], iter([1, 1, 1, np.nan])

    def loss(*arguments):
        _, *gradients = lossAndGradientBatched(*arguments)
        return next(losses), *gradients

    with pytest.raises(Diverged, match="nan in batch 4 of epoch 1: take a smaller alpha") as error:
        run(loss=loss, callback=lambda done, J, *parameters: states.append(parameters[0].copy()))
    assert len(states) == 3 and np.array_equal(error.value.learned[0], states[-1])


@pytest.mark.parametrize("size, batch_size, message", [(1e30, 8, "the loss is"),
                                                       (1e38, N, "infinite embeddings")])
def test_overflow_is_an_error_also_in_the_last_step(size, batch_size, message):
    def huge(*arguments):
        J, *gradients = lossAndGradientBatched(*arguments)
        return J, *(np.full_like(gradient, size) for gradient in gradients)
    with pytest.raises(Diverged, match=message), np.errstate(all="ignore"):
        run(loss=huge, batchSize=batch_size, alpha=1e10, dtype=np.float32)
