"""Properties of the assignment's functions and of the reader of text.

hypothesis makes up the inputs; HYPOTHESIS_EXAMPLES=100000 tries harder.
"""

import os
import re
import unicodedata

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corpus import reading
from corpus.characters import JOINERS, normalised
from grads import lossAndGradient, lossAndGradientBatched, lossAndGradientCumulative
from sampling import createSamplingSequence, noiseDistribution, sampleContext
from utils import InputError
from w2v_sgd import Diverged, stochasticGradientDescend

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", 100))
settings.register_profile("suite", max_examples=EXAMPLES, deadline=None,
                          derandomize=EXAMPLES == 100,
                          suppress_health_check=list(hypothesis.HealthCheck))
settings.load_profile("suite")

FREQS = st.lists(st.integers(1, 10 ** 6), min_size=2, max_size=40)
FLOAT_TYPES = st.sampled_from([np.float32, np.float64])


def as_any_array(draw, X):
    """Put the values of X elsewhere in memory: in another order, with gaps, or read-only."""
    kind = draw(st.sampled_from(["plain", "Fortran", "strided", "reversed", "read-only"]))
    if kind == "Fortran":
        return np.asfortranarray(X)
    if kind == "strided":
        larger = np.zeros([2 * size for size in X.shape], X.dtype)
        every_second = (np.s_[::2],) * X.ndim
        larger[every_second] = X
        return larger[every_second]
    if kind == "reversed":
        return X[..., ::-1].copy()[..., ::-1]
    if kind == "read-only":
        X = X.copy()
        X.flags.writeable = False
    return X


@st.composite
def batches(draw):
    """u_w, Vt, W, q of S observations, each of any float dtype and anyhow in memory."""
    S, n, M = draw(st.integers(1, 6)), draw(st.integers(0, 6)), draw(st.integers(1, 6))
    bound = draw(st.sampled_from([1., 30., 1000.]))
    numbers = st.floats(-bound, bound, width=32)
    arrays = []
    for shape in (S, M), (S, n + 1, M), (M, M), (S, n + 1):
        X = draw(hnp.arrays(draw(FLOAT_TYPES), shape, elements=numbers))
        arrays.append(as_any_array(draw, X))
    return arrays


@given(batches())
def test_batched_cumulative_and_singles_agree(sample):
    before = [X.copy() for X in sample]
    batched, cumulative = lossAndGradientBatched(*sample), lossAndGradientCumulative(*sample)
    u_w, Vt, W, q = sample
    S = len(u_w)
    singles = [lossAndGradient(u_w[i], Vt[i], W, q[i]) for i in range(S)]
    assert all(np.array_equal(*pair) for pair in zip(before, sample))

    J, du_w, dVt, dW = zip(*singles)
    mean = np.mean(J), np.array(du_w) / S, np.array(dVt) / S, np.mean(dW, axis=0, dtype=float)
    dtype = np.result_type(u_w, Vt, W)
    rtol = 1e-4 if dtype == np.float32 else 1e-9
    largest = [max(1, abs(X).max()) for X in (u_w, Vt, W)]
    atol = np.prod(largest) * S * 20 * np.finfo(dtype).eps
    for J, *gradients in batched, cumulative:
        assert np.isfinite(J) and J >= 0
        assert {gradient.dtype for gradient in gradients} == {dtype}
        for X, came, right in zip((0, u_w, Vt, W), (J, *gradients), mean):
            assert np.shape(came) == np.shape(X)
            np.testing.assert_allclose(came, right, rtol, atol)


@given(FREQS)
def test_sequence_and_noise_fit_together(freqs):
    seq = createSamplingSequence(freqs)
    counts = np.bincount(seq, minlength=len(freqs))
    for k, f in zip(counts.tolist(), freqs):
        assert (2 * k - 1) ** 4 < 16 * f ** 3 < (2 * k + 1) ** 4        # k is f^0.75, rounded
    for n in 1, 7:
        n_q = np.exp(noiseDistribution(freqs, n))
        np.testing.assert_allclose(n_q, n * counts / counts.sum(), rtol=1e-12)


@given(FREQS, st.data())
def test_contexts_hold_c_and_then_others(freqs, data):
    seq = createSamplingSequence(freqs)
    n = data.draw(st.integers(0, 8))
    indices = st.integers(0, len(freqs) - 1)
    c = data.draw(hnp.arrays(np.int64, st.integers(0, 20), elements=indices))
    c = as_any_array(data.draw, c)
    contexts = sampleContext(c, as_any_array(data.draw, seq), n)
    assert contexts.shape == (len(c), n + 1) and contexts.dtype.kind == "i"
    assert np.array_equal(contexts[:, 0], c)
    assert not (contexts[:, 1:] == c[:, None]).any()
    assert np.isin(contexts, np.arange(len(freqs))).all()

    for word in c[:2].tolist():
        context = sampleContext(word, seq.tolist(), n)
        assert type(context) is list and len(context) == n + 1
        assert context[0] == word and word not in context[1:]


@st.composite
def trainings(draw):
    """Arguments of stochasticGradientDescend, without its loss function; numbers may be absurd."""
    freqs = draw(FREQS)
    seq = createSamplingSequence(freqs)
    L, M, n = len(freqs), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    N, dtype = draw(st.integers(0, 30)), draw(FLOAT_TYPES)
    pairs = draw(hnp.arrays(np.int64, (N, 2), elements=st.integers(0, L - 1)))
    arguments = {
        "data": pairs,
        "contextFunction": lambda words: sampleContext(words, seq, n, np.random.default_rng(0)),
        "q_noise": noiseDistribution(freqs, n),
        "batchSize": draw(st.integers(1, 40)),
        "epochs": draw(st.integers(0, 3)),
        "alpha": draw(st.sampled_from([0., 0.1, 1., 100., 1e30])),
        "rng": 0,
        "many_at_once": True,
    }
    ordinary = st.floats(-10, 10, width=32)
    absurd = ordinary | st.sampled_from([0., 1e30, -1e30, np.nan, np.inf])
    numbers = draw(st.sampled_from([ordinary, absurd]))
    for name, shape in ("U0", (L, M)), ("V0", (L, M)), ("W0", (M, M)):
        X = draw(hnp.arrays(dtype, shape, elements=numbers, fill=st.just(0.1)))
        arguments[name] = as_any_array(draw, X)
    return arguments


@given(trainings(), st.data())
def test_training_is_finite_or_an_error(arguments, data):
    start = [arguments[name] for name in ("U0", "V0", "W0")]
    before = [X.copy() for X in start]

    def outcome(loss):
        """The bytes of U, V and W, or the message of an error."""
        pairs = as_any_array(data.draw, arguments["data"])
        try:
            result = stochasticGradientDescend(
                **arguments | {"data": pairs}, lossAndGradientFunction=loss)
        except (Diverged, ValueError) as error:
            return str(error)
        for X, X0 in zip(result, start):
            assert np.isfinite(X).all() and X.dtype == X0.dtype
        return [X.tobytes() for X in result]

    assert outcome(lossAndGradientBatched) == outcome(lossAndGradientBatched)
    assert all(np.array_equal(X, Y, equal_nan=True) for X, Y in zip(before, start))


ANY_TEXT = st.text(max_size=200)
WORDS = st.lists(st.text("абв", min_size=1, max_size=3), max_size=60).map(" ".join)
AWKWARD_TEXT = st.text("абВ.!?… \n\r\t'\"\u0300\u200d\ufeff\u2028İßǆ_-1", max_size=300)
CONTENT = st.one_of(st.binary(max_size=300), ANY_TEXT.map(str.encode), WORDS.map(str.encode),
                    AWKWARD_TEXT.map(str.encode))


def sentences_or_error(file, lines=False):
    try:
        return list(reading.read_sentences(file, lines=lines))
    except InputError as error:
        return str(error)


def decoded(content):
    """Decode by the byte order mark, else as UTF-8; None for what is no text, or has a zero."""
    encodings = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16",
                 b"\xfe\xff": "utf-16"}
    marked = [encoding for mark, encoding in encodings.items() if content.startswith(mark)]
    try:
        text = content.decode(marked[0] if marked else "utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def plain_tokens(text):
    """Find the tokens of normalised text, letter by letter."""
    tokens, in_symbols, after_space = [], False, True
    for char in text:
        is_mark = unicodedata.category(char)[0] == "M"
        is_letter = char.isalnum() or char == "_" or char in JOINERS
        is_symbol = not is_letter and not (is_mark and (after_space or not in_symbols))
        if not char.isspace():
            if after_space or is_symbol != in_symbols:
                tokens.append("")
            tokens[-1] += char
            in_symbols = is_symbol
        after_space = char.isspace()
    return tokens


def plain_sentences(text):
    """Split text where sentences end, place by place."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    begin = 0
    for i in range(1, len(text)):
        before, after = text[:i], text[i:]
        symbols = re.search(r"[^\w\s]*$", before)[0]
        next_letter = re.match(r"\s*\W{0,9}(.?)", after)[1]
        goes_on = next_letter.islower() and next_letter != next_letter.title()
        is_end = (after[0].isspace() and re.search("[.!?…]", symbols[-10:])
                  and (not goes_on or text.islower()))
        rest_of_line = after.replace("\ufeff", "").split("\n")[0]
        is_blank_line = before[-1] == "\n" and "\n" in after and not rest_of_line.strip()
        if is_end or is_blank_line:
            yield text[begin:i]
            begin = i
    yield text[begin:]


@given(CONTENT, st.booleans())
def test_any_bytes_are_sentences_or_an_error(tmp_path_factory, content, lines):
    file = tmp_path_factory.getbasetemp() / "fuzz.txt"
    file.write_bytes(content)
    sentences = sentences_or_error(file, lines)
    text = decoded(content)
    if text is None:
        assert isinstance(sentences, str) and str(file) in sentences and "\n" not in sentences
        return
    parts = re.split("\r\n|\r|\n", text) if lines else plain_sentences(text)
    expected = [plain_tokens(normalised(part)) for part in parts]
    assert sentences == [["<START>", *tokens, "<END>"] for tokens in expected if tokens]
