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


@pytest.mark.parametrize("word", range(6))
def test_negatives_follow_the_noise_distribution_without_the_word(word):
    words = np.full(20000, word)
    contexts = sampleContext(words, createSamplingSequence(FREQS), 5, np.random.default_rng(word))
    drawn = np.delete(np.bincount(contexts[:, 1:].ravel(), minlength=6), word)
    others = np.delete(np.round(np.array(FREQS) ** 0.75), word)
    expected = others / others.sum() * drawn.sum()
    assert chisquare(drawn, expected).pvalue > 1e-6


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
    seq = createSamplingSequence([10 ** 5, 300, 100, 10])
    seq = seq.tolist() if as_list else seq
    words = np.repeat([0, 1], [20000, 10])
    contexts = sampleContext(words, seq, 5, np.random.default_rng(0))
    assert not np.any(contexts[:, 1:] == words[:, None])
    drawn = np.bincount(contexts[:20000, 1:].ravel(), minlength=4)[1:]
    expected = np.round(np.array([300, 100, 10]) ** 0.75)
    assert chisquare(drawn, expected / expected.sum() * drawn.sum()).pvalue > 1e-6


@pytest.mark.parametrize("n", [0, -1, np.nan])
def test_a_number_of_negatives_that_is_none_is_an_error(n):
    with pytest.raises(ValueError, match="negativesCount must be positive"):
        noiseDistribution([3, 2], n)


@pytest.mark.parametrize("seq", [[0, 1, np.nan], np.array([0., 1.]), ["a", "b"]])
def test_what_is_no_word_index_is_an_error(seq):
    with pytest.raises(ValueError, match="seq must hold word indices"):
        sampleContext(0, seq, 50)


def test_a_list_gives_what_an_array_gives():
    seq = createSamplingSequence(FREQS)
    for words in 3, np.arange(6).repeat(50):
        by_array = sampleContext(words, seq, 5, np.random.default_rng(0))
        by_list = sampleContext(words, seq.tolist(), 5, np.random.default_rng(0))
        assert np.array_equal(by_array, by_list)


def test_one_other_word_between_equal_ends_is_enough():
    assert sampleContext(2, [2, 2, 7, 2], 2) == [2, 7, 7]
    assert sampleContext(7, [2, 2], 2) == [7, 2, 2]


def test_same_generator_same_negatives():
    seq, words = createSamplingSequence(FREQS), np.arange(6)
    first, again, other = (sampleContext(words, seq, 5, np.random.default_rng(seed))
                           for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_word_that_never_occurs_is_an_error():
    with pytest.raises(ValueError, match=r"freqs\[1\]"):
        noiseDistribution([3, 0, 2], 5)
