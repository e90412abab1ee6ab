"""The grader's checks of task 3."""

import numpy as np
import pytest
from scipy.special import chdtrc

import sampling as our_sampling
import test as published
from beyond import diagnosis
from beyond.diagnosis import expect, fail, tolerance_of
from solutions.grading.calls import Fault

RNG = np.random.default_rng()
IMPROBABLE = 1e-9


def random_frequencies(L, most, exponent, clear=0.02, others=()):
    """Draw L frequencies, whose f^0.75 are not within `clear` of where rounding changes, so that
    they are rounded alike in float32. They come in random order, among the others.
    """
    ranks = np.arange(1, L + 1)
    f = 1 + (most / ranks ** exponent * RNG.uniform(0.5, 1, L)).astype(int)
    while (is_unclear := np.abs(f ** 0.75 % 1 - 0.5) <= clear).any():
        f += is_unclear
    return RNG.permutation([*f, *others]).tolist()


def few_frequencies():
    return random_frequencies(10, 90_000, exponent=4, others=(5, 4, 3, 2, 1, 1))


def many_frequencies():
    return random_frequencies(2000, 100_000, exponent=1)


def large_frequencies():
    return random_frequencies(10, 10_000_000, exponent=4, clear=0.1)


def counts_of(freqs):
    return np.array([published.noise_count(f) for f in freqs])


def sequence(sampling, passed):
    for freqs in (few_frequencies(), [1], list(range(1, 300)), many_frequencies(),
                  large_frequencies()):
        counts = published.word_counts(sampling.createSamplingSequence(freqs), len(freqs))
        expect("how often the words occur in the sequence", counts_of(freqs), counts,
               diagnosis.sequence_mistakes(freqs))


def noise(sampling, passed):
    """A usual mistake in the sequence is punished already, so its counts are right here."""
    is_passed = ("3", "createSamplingSequence") in passed
    freqs = few_frequencies()
    own = counts_of(freqs) if is_passed else counts_by_the_student(sampling, freqs)
    expect_noise(sampling, freqs, own)
    if is_passed:
        for freqs in many_frequencies(), large_frequencies():
            expect_noise(sampling, freqs, counts_of(freqs))


def expect_noise(sampling, freqs, own):
    """Compare the noise distribution with that of the student's own counts."""
    right = counts_of(freqs)
    for n in 1, 5, int(RNG.integers(6, 30)):
        got = sampling.noiseDistribution(freqs, n)
        what, tolerance = f"log({n}·q[c])", tolerance_of(got)
        array = diagnosis.numbers(what, right, got)
        if not np.allclose(array, np.log(n * own / own.sum()), tolerance, tolerance):
            expect(what, np.log(n * right / right.sum()), got,
                   diagnosis.noise_mistakes(freqs, right, n), tolerance)


def counts_by_the_student(sampling, freqs):
    """Count the words in the student's sequence if it has a usual mistake, else in the right one.

    A sequence in which all words are equally frequent does not count: any constant would fit it.
    """
    right = counts_of(freqs)
    try:
        counts = published.word_counts(sampling.createSamplingSequence(freqs), len(freqs))
    except (Fault, pytest.fail.Exception):
        return right
    mistakes = diagnosis.sequence_mistakes(freqs).values()
    is_usual = any(np.array_equal(counts, mistake) for mistake in mistakes)
    return np.array(counts) if is_usual and min(counts) < max(counts) else right


def negatives(sampling, passed):
    """The hand-out gives it. Negatives may be drawn with or without replacement."""
    # No word is so frequent that contexts with it must often be drawn again.
    freqs = [3000 // rank for rank in range(1, 41)]
    counts = counts_of(freqs)
    seq = our_sampling.createSamplingSequence(freqs).tolist()
    rare, rarest = RNG.integers((8, 20), (20, 40)).tolist()
    for c, n in (0, 1), (0, 5), (rare, 1), (rarest, int(RNG.integers(6, 21))):
        contexts = sampling.sampleContext.many(1500 // min(n, 2), c, seq, n)
        for context in contexts:
            published.expect_context(context, c, n, len(freqs))
        others = np.arange(len(freqs)) != c
        q = counts[others] / counts[others].sum()
        words = np.array(contexts)[:, 1:].astype(int)
        equal = np.mean(words[:, 1:] == words[:, :-1]) if n > 1 else 0.
        if equal > 2 * np.sum(q ** 2):
            fail(f"a negative is the one before in {equal:.0%} of the cases, expected at most "
                 f"{np.sum(q ** 2):.0%}: is each drawn for itself?")
        drawn = np.bincount(words.ravel(), minlength=len(freqs))[others]
        p = probability(drawn, q)
        if p < IMPROBABLE:
            p = probability(drawn, shares_without_replacement(q, n))
        if p < IMPROBABLE:
            fail("the negatives do not follow q", f"a χ² test gives p = {p:.1g}")
    published.expect_context(sampling.sampleContext(7, [7] * 200 + [3], 1), 7, 1, 8)


def shares_without_replacement(q, n):
    """Return the words' shares of the negatives, where n different ones are drawn by q.

    The n largest of log q and Gumbel noise are such a draw.
    """
    keys = np.log(q) + RNG.gumbel(size=(50_000, len(q)))
    drawn = np.argpartition(-keys, n, axis=1)[:, :n]
    return np.bincount(drawn.ravel(), minlength=len(q)) / drawn.size


def probability(drawn, shares):
    """Return the p-value of a χ² test that words are drawn by their shares."""
    expected = shares * drawn.sum()         # at least 13 each
    return chdtrc(len(drawn) - 1, np.sum((drawn - expected) ** 2 / expected))
