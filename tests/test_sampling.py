"""What task 3 leaves out: many words at once, impossible sequences, repeatability."""

import numpy as np
import pytest
from scipy.stats import chisquare

from sampling import createSamplingSequence, noiseDistribution, sampleContext

FREQS = [400, 300, 90, 20, 5, 1]


def test_contexts_of_many_words_hold_them_and_others():
    seq = createSamplingSequence(FREQS)
    words = np.random.default_rng(0).integers(6, size=1000)
    contexts = sampleContext(words, seq, 5, np.random.default_rng(1))
    assert contexts.shape == (1000, 6)
    assert np.array_equal(contexts[:, 0], words)
    assert not np.any(contexts[:, 1:] == words[:, None])
    assert contexts.min() >= 0 and contexts.max() <= 5


def expect_the_noise(drawn, freqs, word):
    """Expect negatives of a word to be drawn by the noise distribution of the other words."""
    counts = np.delete(np.bincount(drawn.ravel(), minlength=len(freqs)), word)
    others = np.delete(np.round(np.array(freqs) ** 0.75), word)
    assert chisquare(counts, others / others.sum() * counts.sum()).pvalue > 1e-6


@pytest.mark.parametrize("word", range(6))
def test_negatives_follow_the_noise_distribution_without_the_word(word):
    words = np.full(20000, word)
    contexts = sampleContext(words, createSamplingSequence(FREQS), 5, np.random.default_rng(word))
    expect_the_noise(contexts[:, 1:], FREQS, word)


def test_negatives_repeat_when_there_are_few_words():
    assert sampleContext(0, [0, 0, 1], 4) == [0, 1, 1, 1, 1]
    assert type(sampleContext(np.int64(0), np.array([0, 1]), 1)[0]) is int


@pytest.mark.parametrize("seq", [[2, 2, 2], [2], []])
@pytest.mark.parametrize("word", [2, np.array([1, 2])])
def test_no_other_word_is_an_error(seq, word):
    with pytest.raises(ValueError, match="no word"):
        sampleContext(word, seq, 3)


@pytest.mark.parametrize("as_list", [True, False])
def test_a_word_that_is_almost_all_of_the_sequence_gets_other_negatives(as_list):
    freqs = [10 ** 5, 300, 100, 10]
    seq = createSamplingSequence(freqs)
    seq = seq.tolist() if as_list else seq
    words = np.repeat([0, 1], [20000, 10])
    contexts = sampleContext(words, seq, 5, np.random.default_rng(0))
    assert not np.any(contexts[:, 1:] == words[:, None])
    expect_the_noise(contexts[:20000, 1:], freqs, 0)


@pytest.mark.parametrize("seq", [[0, 1, np.nan], np.array([0., 1.]), ["a", "b"]])
def test_what_is_no_word_index_is_an_error(seq):
    with pytest.raises(ValueError, match="seq must hold word indices"):
        sampleContext(0, seq, 50)


def test_the_same_generator_gives_the_same_negatives_of_an_array_or_a_list():
    seq = createSamplingSequence(FREQS)
    for words in 3, np.arange(6).repeat(50):
        by_array, by_list, others = (
            sampleContext(words, sequence, 5, np.random.default_rng(seed))
            for sequence, seed in ((seq, 0), (seq.tolist(), 0), (seq, 1)))
        assert np.array_equal(by_array, by_list) and not np.array_equal(by_array, others)


def test_one_other_word_between_equal_ends_is_enough():
    assert sampleContext(2, [2, 2, 7, 2], 2) == [2, 7, 7]
    assert sampleContext(7, [2, 2], 2) == [7, 2, 2]


@pytest.mark.parametrize("freqs, n, message", [
    ([3, 0, 2], 5, r"freqs\[1\]"), ([3, 2], 0, "negativesCount"), ([3, 2], -1, "negativesCount"),
    ([3, 2], np.nan, "negativesCount must be positive")])
def test_no_noise_without_frequencies_and_negatives(freqs, n, message):
    with pytest.raises(ValueError, match=message):
        noiseDistribution(freqs, n)
