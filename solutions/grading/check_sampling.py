"""The grader's checks of task 3."""

import numpy as np
import pytest
from scipy.special import chdtrc

import sampling as our_sampling
import test as published
from beyond import diagnosis
from beyond.diagnosis import expect, fail, tolerance_of
from solutions.grading.calls import Fault


def falling_frequencies(L, most, exponent):
    """Draw about L frequencies, whose f^0.75 are rounded alike in float32."""
    ranks = np.arange(1, L + 1)
    f = 1 + np.floor(most / ranks ** exponent * np.random.default_rng().uniform(0.5, 1, L))
    is_clear = np.abs(f ** 0.75 % 1 - 0.5) > 0.02
    return sorted(f[is_clear].astype(int).tolist(), reverse=True)


def few_frequencies():
    return [*falling_frequencies(10, 90_000, exponent=4), 5, 4, 3, 2, 1, 1]


def counts_of(freqs):
    return np.array([published.noise_count(f) for f in freqs])


def sequence(sampling, passed):
    many = falling_frequencies(2000, 100_000, exponent=1)
    for freqs in few_frequencies(), [1], list(range(1, 300)), many:
        counts = published.word_counts(sampling.createSamplingSequence(freqs), len(freqs))
        expect("how often the words occur in the sequence", counts_of(freqs), counts,
               diagnosis.sequence_mistakes(freqs))


def noise(sampling, passed):
    """A usual mistake in the sequence is punished already, so its counts are right here."""
    freqs = few_frequencies()
    right = own = counts_of(freqs)
    if ("3", "createSamplingSequence") not in passed:
        own = counts_by_the_student(sampling, freqs)
    for n in 1, 5, 20:
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
    for c in 0, 12:
        contexts = sampling.sampleContext.many(300, c, seq, 5)
        for context in contexts:
            published.expect_context(context, c, 5, len(freqs))
        if all(len(set(context)) == 2 for context in contexts):
            fail("all negatives of a context are the same word")

        # A single negative is distributed alike, whether or not several must be different.
        contexts = sampling.sampleContext.many(1500, c, seq, 1)
        for context in contexts:
            published.expect_context(context, c, 1, len(freqs))
        others = np.arange(len(freqs)) != c
        drawn = np.bincount([context[1] for context in contexts], minlength=len(freqs))[others]
        expected = counts[others] / counts[others].sum() * drawn.sum()      # at least 13 each
        p = chdtrc(len(drawn) - 1, np.sum((drawn - expected) ** 2 / expected))
        if p < 1e-9:
            fail("the negatives do not follow q", f"a χ² test gives p = {p:.1g}")
    published.expect_context(sampling.sampleContext(7, [7] * 200 + [3], 1), 7, 1, 8)
