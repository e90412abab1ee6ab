"""Properties of the assignment's functions and of the reader of text, on inputs that hypothesis makes up.

HYPOTHESIS_EXAMPLES=100000 tries harder.
"""

import os
import re

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corpus import reading
from grads import lossAndGradient, lossAndGradientBatched, lossAndGradientCumulative
from sampling import batch_sampler, createSamplingSequence, noiseDistribution, sampleContext
from w2v_sgd import Diverged, stochasticGradientDescend

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", 100))
settings.register_profile("suite", max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == 100,
                          suppress_health_check=list(hypothesis.HealthCheck))
settings.load_profile("suite")

FREQS = st.lists(st.integers(1, 10 ** 6), min_size=2, max_size=40)


def as_any_array(draw, X):
    """The same values in another memory order, as every second place of a larger array, or read-only."""
    kind = draw(st.sampled_from(["plain", "Fortran", "strided", "reversed", "read-only"]))
    if kind == "Fortran":
        return np.asfortranarray(X)
    if kind == "strided":
        larger = np.zeros([2 * size for size in X.shape], X.dtype)
        larger[tuple(slice(None, None, 2) for _ in X.shape)] = X
        return larger[tuple(slice(None, None, 2) for _ in X.shape)]
    if kind == "reversed":
        return X[..., ::-1].copy()[..., ::-1]
    if kind == "read-only":
        X = X.copy()
        X.flags.writeable = False
    return X


@st.composite
def batches(draw):
    """u_w, Vt, W, q of S observations, of one float dtype or of several, whatever they look like in memory."""
    S, n, M = draw(st.integers(1, 6)), draw(st.integers(0, 6)), draw(st.integers(1, 6))
    bound = draw(st.sampled_from([1., 30., 1000.]))
    arrays = []
    for shape in (S, M), (S, n + 1, M), (M, M), (S, n + 1):
        dtype = draw(st.sampled_from([np.float32, np.float64]))
        X = draw(hnp.arrays(dtype, shape, elements=st.floats(-bound, bound, width=32)))
        arrays.append(as_any_array(draw, X))
    return arrays


@given(batches())
def test_batched_cumulative_and_singles_agree(sample):
    u_w, Vt, W, q = sample
    before, S = [X.copy() for X in sample], len(u_w)
    batched, cumulative = lossAndGradientBatched(*sample), lossAndGradientCumulative(*sample)
    singles = [lossAndGradient(u_w[i], Vt[i], W, q[i]) for i in range(S)]
    J, du_w, dVt, dW = zip(*singles)
    mean = np.mean(J), np.array(du_w) / S, np.array(dVt) / S, np.mean(dW, axis=0, dtype=float)
    dtype = np.result_type(u_w, Vt, W)
    scale = np.prod([max(1, abs(X).max()) for X in (u_w, Vt, W)])
    for came in batched, cumulative:
        assert np.isfinite(came[0]) and came[0] >= 0
        for X, gradient, right in zip((0, u_w, Vt, W), came, mean):
            assert np.shape(gradient) == np.shape(X)
            np.testing.assert_allclose(gradient, right, rtol=1e-4 if dtype == np.float32 else 1e-9,
                                       atol=scale * S * 20 * np.finfo(dtype).eps)
        assert {gradient.dtype for gradient in came[1:]} == {dtype}
    assert all(np.array_equal(*pair) for pair in zip(before, sample))


@given(FREQS)
def test_sequence_and_noise_fit_together(freqs):
    seq = createSamplingSequence(freqs)
    counts = np.bincount(seq, minlength=len(freqs))
    assert all((2 * k - 1) ** 4 < 16 * f ** 3 < (2 * k + 1) ** 4 for k, f in zip(map(int, counts), freqs))
    for n in 1, 7:
        np.testing.assert_allclose(np.exp(noiseDistribution(freqs, n)), n * counts / counts.sum(), rtol=1e-12)


@given(FREQS, st.data())
def test_contexts_hold_c_and_then_others(freqs, data):
    seq, n = createSamplingSequence(freqs), data.draw(st.integers(0, 8))
    c = data.draw(hnp.arrays(np.int64, st.integers(0, 20), elements=st.integers(0, len(freqs) - 1)))
    c = as_any_array(data.draw, c)
    contexts = sampleContext(c, as_any_array(data.draw, seq), n)
    assert contexts.shape == (len(c), n + 1) and contexts.dtype.kind == "i"
    assert np.array_equal(contexts[:, 0], c) and not (contexts[:, 1:] == c[:, None]).any()
    assert np.isin(contexts, np.arange(len(freqs))).all()
    for word in c[:2].tolist():
        single = sampleContext(word, seq.tolist(), n)
        assert type(single) is list and single[0] == word and word not in single[1:] and len(single) == n + 1


@given(st.data())
def test_training_is_finite_or_an_error(data):
    freqs = data.draw(FREQS)
    L, M, n = len(freqs), data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    pairs = data.draw(hnp.arrays(np.int64, st.tuples(st.integers(0, 30), st.just(2)), elements=st.integers(0, L - 1)))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    numbers = st.floats(-10, 10, width=32) | st.sampled_from([0., 1e30, -1e30, np.nan, np.inf])
    starts = [as_any_array(data.draw, data.draw(hnp.arrays(dtype, shape, elements=numbers, fill=st.just(0.1))))
              for shape in ((L, M), (L, M), (M, M))]
    before = [X.copy() for X in starts]
    arguments = {"batchSize": data.draw(st.integers(1, 40)), "epochs": data.draw(st.integers(0, 3)), "rng": 0,
                 "alpha": data.draw(st.sampled_from([0., 0.1, 1., 100., 1e30]))}
    came = []
    for threads in 1, 2:
        try:
            came.append(stochasticGradientDescend(
                as_any_array(data.draw, pairs), *starts, batch_sampler(createSamplingSequence(freqs), n),
                lossAndGradientBatched, noiseDistribution(freqs, n), threads=threads, **arguments))
            assert all(np.isfinite(X).all() and X.dtype == dtype for X in came[-1])
        except (Diverged, ValueError) as error:
            came.append(str(error))
    assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(before, starts))
    assert came[0] == came[1] if isinstance(came[0], str) else all(np.array_equal(*pair) for pair in zip(*came))


TEXT = (st.binary(max_size=300) | st.text(max_size=200).map(str.encode) |
        st.lists(st.text("абв", min_size=1, max_size=3), max_size=60).map(" ".join).map(str.encode) |
        st.text(st.sampled_from("аб.!?… \n\r\t'\"\u0300\u200d\ufeff\u2028İßǆ_-1"), max_size=300).map(str.encode))


@given(TEXT, st.integers(4, 64))         # a byte order mark is not cut
def test_any_bytes_are_sentences_or_an_error(tmp_path_factory, content, block):
    file = tmp_path_factory.getbasetemp() / "fuzz.txt"
    file.write_bytes(content)

    def read():
        try:
            return list(reading.read_sentences(file))
        except reading.InputError as error:
            return str(error)
    sentences, usual = read(), reading.BLOCK
    valid = True
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        valid = False
    if not valid or "\0" in text or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        assert isinstance(sentences, str) and str(file) in sentences and "\n" not in sentences
        return
    assert all(sentence[0] == reading.START and sentence[-1] == reading.END and len(sentence) > 2
               for sentence in sentences)
    tokens = [token for sentence in sentences for token in sentence[1:-1]]
    assert "".join(tokens) == "".join(text.removeprefix("\ufeff").lower().split())
    assert not any(char.isspace() for token in tokens for char in token)
    try:
        reading.BLOCK = block
        in_blocks = read()
    finally:
        reading.BLOCK = usual
    tokens_of_blocks = [token for sentence in in_blocks for token in sentence[1:-1]]
    assert "".join(tokens_of_blocks) == "".join(tokens)
    if max(map(len, re.split("[ \n]", text))) < block:         # a longer word is cut
        assert tokens_of_blocks == tokens
