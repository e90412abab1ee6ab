"""What task 6 leaves out: the adding of rows, repeatability, schedules, runs that go wrong."""

import functools

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
    subtract_rows(quick, words, gradients, 0.5)
    monkeypatch.setattr(w2v_sgd, "csc_matvecs", None)
    subtract_rows(slow, words, gradients, 0.5)
    assert np.array_equal(quick, expected) and np.array_equal(slow, expected)


def test_the_quick_way_of_scipy_is_still_there():
    assert w2v_sgd.csc_matvecs


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


@pytest.mark.parametrize("batch_size", [1, 8, 50, 60])
def test_a_run_that_goes_on_ends_as_one_that_never_stopped(batch_size):
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


def test_a_run_goes_on_across_contexts_that_are_drawn_together(monkeypatch):
    monkeypatch.setattr("w2v_sgd.PAIRS_AT_ONCE", 16)
    test_a_run_that_goes_on_ends_as_one_that_never_stopped(4)


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

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(dtype):
    assert {X.dtype for X in run(dtype=dtype)} == {np.dtype(dtype)}


def test_lists_of_gradients_and_integer_starts_are_taken():
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

@pytest.mark.parametrize("error", [StopIteration, KeyError])
def test_an_exception_of_the_context_function_ends_the_run(error):
    def fails(words):
        raise error
    with pytest.raises((RuntimeError, error)):
        run(context=fails, many_at_once=True)


@pytest.mark.parametrize("word", [-1, L])
def test_a_context_outside_the_vocabulary_is_an_error(word):
    with pytest.raises(ValueError, match="contextFunction must return word indices from 0 to 11"):
        run(context=lambda c: [c, word])


@pytest.mark.parametrize("context, message", [
    (lambda c: [c, 1.5], "word indices"), (lambda c: [(c + 1) % L, c], "and then its negatives"),
    (lambda c: [], "word indices|negatives"), (lambda c: c, "not iterable")])
def test_a_context_of_another_form_is_an_error(context, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run(context=context)


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


def test_a_wrapped_loss_function_is_called():
    calls = []

    @functools.wraps(lossAndGradientBatched)
    def counted(*arguments):
        calls.append(1)
        return lossAndGradientBatched(*arguments)
    run(loss=counted)
    assert len(calls) == -(-N // 8)


@pytest.mark.parametrize("done", [-8, 3, N + 1])
def test_going_on_within_a_batch_is_an_error(done):
    with pytest.raises(ValueError, match="whole batches"):
        run(done=done, epochs=2)


@pytest.mark.parametrize("name, value, message", [
    ("q_noise", np.zeros(L - 1), "q_noise must have a value for each of 12 words, not 11"),
    ("U0", np.ones((L, M), complex), "U0 must have real numbers"),
    ("q_noise", np.zeros(L, complex), "q_noise must have real numbers")])
def test_arguments_that_cannot_be_are_named(name, value, message):
    arguments = {"U0": np.ones((L, M)), "V0": np.ones((L, M)), "W0": np.ones((M, M)),
                 "q_noise": np.zeros(L)} | {name: value}
    with pytest.raises(ValueError, match=message):
        stochasticGradientDescend([(1, 2)], contextFunction=lambda c: [c, 3],
                                  lossAndGradientFunction=lossAndGradientBatched, **arguments)


@pytest.mark.parametrize("size", [0, -5])
def test_no_batch_size_is_an_error(size):
    with pytest.raises(ValueError, match="batchSize"):
        run(batchSize=size)


@pytest.mark.parametrize("data", [[(0, L)], [(-1, 0)], [(0.5, 1.5)], [1, 2, 3, 4], [(1, 2, 3, 4)]])
def test_data_that_are_not_pairs_of_word_indices_are_an_error(data):
    with pytest.raises(ValueError, match="pairs of word indices from 0 to 11"):
        run(data=data)


@pytest.mark.parametrize("name", ["U0", "V0", "W0", "q_noise"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(name, value):
    arguments = {"U0": np.ones((L, M)), "V0": np.ones((L, M)), "W0": np.ones((M, M)),
                 "q_noise": np.zeros(L)}
    arguments[name].flat[1] = value
    with pytest.raises(ValueError, match=f"{name} must be finite, but is {value} in a place"):
        stochasticGradientDescend([(1, 2)], contextFunction=lambda c: [c, 3],
                                  lossAndGradientFunction=lossAndGradientBatched, **arguments)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_what_was_learned():
    def after_three_batches(J, scale):
        calls = []

        def loss(*arguments):
            calls.append(1)
            right, *gradients = lossAndGradientBatched(*arguments)
            if len(calls) < 4:
                return right, *gradients
            return J, *(scale * gradient for gradient in gradients)
        return loss

    with pytest.raises(Diverged, match="nan in batch 4 of epoch 1: take a smaller alpha") as error:
        run(loss=after_three_batches(np.nan, 1), alpha=0.25)
    assert equal(error.value.learned, run(loss=after_three_batches(1, 0), alpha=0.25))


def test_overflow_is_an_error():
    with pytest.raises(Diverged), np.errstate(all="ignore"):
        run(alpha=1e30, dtype=np.float32)


def test_overflow_in_the_last_step_is_an_error():
    def huge(*arguments):
        J, *gradients = lossAndGradientBatched(*arguments)
        return J, *(np.full_like(gradient, 1e38) for gradient in gradients)
    with pytest.raises(Diverged, match="infinite"), np.errstate(over="ignore"):
        run(loss=huge, batchSize=N, alpha=1e10, dtype=np.float32)
