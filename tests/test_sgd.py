"""What task 6 leaves out: repeatability, schedules, whole batches, and runs that go wrong."""

import numpy as np
import pytest

from grads import lossAndGradientBatched
from sampling import batch_sampler, createSamplingSequence, noiseDistribution
from w2v_sgd import Diverged, stochasticGradientDescend

L, M, N = 12, 3, 50
FREQS = range(100, 100 - L, -1)


def run(data=None, loss=lossAndGradientBatched, context=None, dtype=np.float64, start=None, **options):
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=size).astype(dtype) for size in ((L, M), (L, M), (M, M))]
    starts = start or starts
    data = rng.integers(L, size=(N, 2)) if data is None else data
    context = context or batch_sampler(createSamplingSequence(FREQS), 2)
    before = [start.copy() for start in starts]
    result = stochasticGradientDescend(data, *starts, context, loss, noiseDistribution(FREQS, 2),
                                       **{"batchSize": 8, "rng": 1, **options})
    assert all(np.array_equal(*pair) for pair in zip(before, starts)), "U0, V0 or W0 was changed"
    return result


def equal(one, other):
    return all(np.array_equal(*pair) for pair in zip(one, other))


def test_same_seed_same_bits_other_seed_others():
    assert equal(run(), run())
    assert equal(run(rng=np.random.default_rng(5)), run(rng=np.random.default_rng(5)))
    assert not equal(run(), run(rng=2))


@pytest.mark.parametrize("options", [{"epochs": 3}, {"batchSize": 1, "alpha": 0.1}, {"data": [(1, 2)] * 999}])
def test_threads_do_not_change_a_bit(options):
    assert equal(run(**options), run(**options, threads=2))


def test_no_global_random_state():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    run()
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(dtype):
    assert {X.dtype for X in run(dtype=dtype)} == {np.dtype(dtype)}


def test_whole_batches_are_asked_for_only_where_the_function_says_so():
    sizes = []

    def whole(c, rng):
        sizes.append(c.size)
        return np.column_stack([c, rng.integers(L, size=(c.size, 2))])
    whole.takes_batch = True
    run(context=whole)
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
    assert shares == pytest.approx([(epoch * N + first) / (2 * N) for epoch in (0, 1) for first in range(0, N, 8)])


def test_epochs_are_shuffled_each_in_its_own_way():
    words = []
    run(data=[(0, c) for c in range(L)], context=lambda c: words.append(c) or [c, 7, 9], epochs=2)
    first, second = words[:L], words[L:]
    assert sorted(first) == sorted(second) == list(range(L))
    assert first != second and first != sorted(first)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("error", [StopIteration, KeyError])
def test_an_exception_of_the_context_function_ends_the_run(error, threads):
    def fails(c, rng):
        raise error
    fails.takes_batch = True
    with pytest.raises((RuntimeError, error)):
        run(context=fails, threads=threads)


@pytest.mark.parametrize("word", [-1, L])
def test_a_context_outside_the_vocabulary_is_an_error(word):
    with pytest.raises(ValueError, match="contextFunction must return word indices from 0 to 11"):
        run(context=lambda c: [c, word])


@pytest.mark.parametrize("size", [0, -5])
def test_no_batch_size_is_an_error(size):
    with pytest.raises(ValueError, match="batchSize"):
        run(batchSize=size)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_what_was_learned():
    def after_three_batches(J, scale):
        calls = []

        def loss(*arguments):
            calls.append(1)
            right, *gradients = lossAndGradientBatched(*arguments)
            return (right, *gradients) if len(calls) < 4 else (J, *(scale * gradient for gradient in gradients))
        return loss

    with pytest.raises(Diverged, match=r"nan in batch 4 of epoch 1.*alpha = 0\.05") as error:
        run(loss=after_three_batches(np.nan, 1), alpha=0.25)
    assert equal(error.value.learned, run(loss=after_three_batches(1, 0), alpha=0.25))


def test_overflow_is_an_error_and_not_a_warning():
    with pytest.raises(Diverged):
        run(alpha=1e30, dtype=np.float32)


def test_overflow_in_the_last_step_is_an_error():
    def huge(*arguments):
        J, *gradients = lossAndGradientBatched(*arguments)
        return J, *(np.full_like(gradient, 1e38) for gradient in gradients)
    with pytest.raises(Diverged, match="infinite"):
        run(loss=huge, batchSize=N, alpha=1e10, dtype=np.float32)


def test_lists_of_gradients_and_integer_starts_are_taken():
    def as_lists(*arguments):
        J, *gradients = lossAndGradientBatched(*arguments)
        return J, *(gradient.tolist() for gradient in gradients)
    assert all(np.allclose(*pair) for pair in zip(run(loss=as_lists), run()))
    ones = np.ones((L, M), int), np.ones((L, M), int), np.eye(M, dtype=int)
    result = stochasticGradientDescend([(0, 1)], *ones, lambda c: [c, 2], lossAndGradientBatched, np.zeros(L))
    assert {X.dtype for X in result} == {np.dtype(np.float64)} and not np.array_equal(result[0], ones[0])


def test_a_context_function_may_reuse_its_list():
    context = [0, 7, 9]

    def reuse(c):
        context[0] = c
        return context
    assert equal(run(context=reuse), run(context=lambda c: [c, 7, 9]))


def test_no_data_no_change():
    U, V, W = run(data=[])
    assert U.shape == (L, M) and equal((U, V, W), run(data=np.empty((0, 2), int)))


@pytest.mark.parametrize("data", [[(0, L)], [(-1, 0)], [(0.5, 1.5)], [1, 2, 3, 4], [(1, 2, 3, 4)]])
def test_data_that_are_not_pairs_of_word_indices_are_an_error(data):
    with pytest.raises(ValueError, match="pairs of word indices from 0 to 11"):
        run(data=data)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 8, 50, 60])
def test_a_run_that_goes_on_ends_as_one_that_never_stopped(threads, batch_size):
    states, options = [], {"epochs": 2, "batchSize": batch_size, "alpha": 0.1, "rng": 3}
    whole = run(**options, callback=lambda done, J, *parameters: states.append((done, [X.copy() for X in parameters])))
    assert [done for done, _ in states] == [min(first + batch_size, N) + epoch * N
                                            for epoch in (0, 1) for first in range(0, N, batch_size)]
    assert equal(states[-1][1], whole)
    for done, parameters in states[::7] + states[-1:]:
        assert equal(whole, run(**options, start=parameters, done=done, threads=threads))


@pytest.mark.parametrize("name", ["U0", "V0", "W0", "q_noise"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(name, value):
    arguments = {"U0": np.ones((L, M)), "V0": np.ones((L, M)), "W0": np.ones((M, M)), "q_noise": np.zeros(L)}
    arguments[name].flat[1] = value
    with pytest.raises(ValueError, match=f"{name} must be finite, but is {value} in a place"):
        stochasticGradientDescend([(1, 2)], contextFunction=lambda c: [c, 3],
                                  lossAndGradientFunction=lossAndGradientBatched, **arguments)
