"""Reading, vocabulary and pairs, against plain loops."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from corpus import reading
from corpus.reading import END, START, read_sentences
from corpus.vocabulary import subsampled
from utils import (
    GAP,
    OUTSIDE,
    InputError,
    encode_corpus,
    extractDictionary,
    extractWordContextPairs,
    pairs_within,
)

BULGARIAN = Path(__file__).with_name("bulgarian.txt")


def sentences(tmp_path, text):
    """Write a text, str or bytes, to a file, and read its sentences, each with spaces between."""
    file = tmp_path / "text.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    read = list(read_sentences(file))
    assert all(sentence[0] == START and sentence[-1] == END for sentence in read)
    return [" ".join(sentence[1:-1]) for sentence in read]


@pytest.mark.parametrize("text, expected", [
    ("One two. Three! Four? Five… Six", ["one two .", "three !", "four ?", "five …", "six"]),
    ("Тя каза: „Да!“ И тръгна.", ["тя каза : „ да !“", "и тръгна ."]),
    ("a heading\n\nits text\nin two lines\n \t\nmore",
     ["a heading", "its text in two lines", "more"]),
    ("a\r\n\r\nb\r\nc", ["a", "b c"]),
    ("np.array 3.14 isn't...", ["np . array 3 . 14 isn ' t ..."]),
    ("\ufeffBOM first", ["bom first"]),
    ("हिन्दी में लिखा। وَلَد ΑΣ", ["हिन्दी में लिखा । وَلَد ας"]),
    ("", []),
    (" \n\n \n", []),
    ("...", ["..."]),
])
def test_sentences_and_tokens(tmp_path, text, expected):
    assert sentences(tmp_path, text) == expected


def test_blocks_do_not_show(tmp_path, monkeypatch):
    text = BULGARIAN.read_text(encoding="utf-8")
    whole = sentences(tmp_path, text)
    for size in 170, 333, 1000:
        monkeypatch.setattr(reading, "BLOCK", size)
        assert sentences(tmp_path, text) == whole


def test_an_endless_sentence_is_cut_between_words(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 100)
    read = sentences(tmp_path, "думите " * 200)
    assert len(read) > 5 and " ".join(read).split() == ["думите"] * 200


@pytest.mark.parametrize("text", [
    "." * 300000 + "x", "\n" * 300000, "\n" + " " * 300000 + "x", "a" * 300000])
def test_long_runs_take_linear_time(tmp_path, text):
    assert len(sentences(tmp_path, text)) <= 1       # with quadratic time this would not end


def test_folder_is_read_recursively_and_in_sorted_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "z.txt").write_text("last")
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b/c.txt").write_text("middle")
    (tmp_path / "b/c.md").write_text("not read")
    words = [word for _, word, _ in read_sentences(tmp_path)]
    assert words == ["first", "middle", "last"]


@pytest.mark.parametrize("place", [0, 5, 99, 100, 101, 250])
def test_wrong_bytes_are_named_by_file_and_offset(tmp_path, monkeypatch, place):
    monkeypatch.setattr(reading, "BLOCK", 100)
    text = "я".encode() * 200
    place -= place % 2          # where a letter begins
    with pytest.raises(InputError, match=rf"text\.txt: byte {place} is not UTF-8"):
        sentences(tmp_path, text[:place] + b"\xff" + text[place:])
    with pytest.raises(InputError, match=r"text\.txt: byte 398 is not UTF-8"):
        sentences(tmp_path, text[:399])
    with pytest.raises(InputError, match=rf"text\.txt: byte {place} is zero"):
        sentences(tmp_path, text[:place] + b"\0" + text[place:])


def test_utf16_is_refused(tmp_path):
    for encoding, message in ("utf-16", "begins like UTF-16"), ("utf-16-le", "byte 1 is zero"):
        with pytest.raises(InputError, match=f"text.txt: {message}"):
            sentences(tmp_path, "one two".encode(encoding))


def test_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no .txt file"):
        list(read_sentences(tmp_path))


def test_vocabulary_is_sorted_by_frequency_and_ties_by_first_occurrence():
    words, word2ind, freqs = extractDictionary([["b", "c", "a"], ["c", "d", "a"]], limit=3)
    assert words == ["c", "a", "b"]
    assert word2ind == {"c": 0, "a": 1, "b": 2}
    assert freqs == [2, 2, 1]


@pytest.mark.parametrize("window", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("limit", [5, 40, 20000])
def test_pairs_are_those_of_a_plain_loop(window, limit):
    corpus = list(read_sentences(BULGARIAN))
    random.Random(1).shuffle(corpus)
    _, word2ind, _ = extractDictionary(corpus, limit)
    expected = Counter()
    for sentence in corpus:
        for i, w in enumerate(sentence):
            for j, c in enumerate(sentence):
                is_near = 0 < abs(i - j) <= window
                if is_near and w in word2ind and c in word2ind:
                    expected[word2ind[w], word2ind[c]] += 1
    pairs = extractWordContextPairs(corpus, window, word2ind)
    assert pairs.shape == (sum(expected.values()), 2)
    assert Counter(map(tuple, pairs.tolist())) == expected


def test_words_outside_keep_their_place():
    word2ind = {"a": 0, "b": 1}
    assert extractWordContextPairs([["a", "x", "y", "b"]], 2, word2ind).shape == (0, 2)
    assert np.array_equal(extractWordContextPairs([["a", "x", "b"]], 2, word2ind), [[0, 1], [1, 0]])
    assert extractWordContextPairs([], 2, word2ind).shape == (0, 2)


@pytest.mark.parametrize("window", [1, 2, 5])
def test_a_window_of_its_own_for_each_word(window):
    corpus = list(read_sentences(BULGARIAN))
    _, word2ind, _ = extractDictionary(corpus, 200)
    ids = encode_corpus(corpus, window, word2ind)
    reach = np.random.default_rng(0).integers(1, window, ids.size, endpoint=True)
    expected = Counter()
    for i, w in enumerate(ids):
        for j, c in enumerate(ids):
            if 0 < abs(i - j) <= reach[i] and w >= 0 and c >= 0:
                expected[w, c] += 1
    pairs = pairs_within(ids, window, reach)
    assert Counter(map(tuple, pairs.tolist())) == expected


def test_frequent_words_are_thinned_out_and_nothing_else():
    freqs, T = np.array([90000, 9000, 900, 90]), 1e-3
    kinds = [0, 1, 2, 3, OUTSIDE, GAP]
    rng = np.random.default_rng(0)
    ids = rng.permutation(np.repeat(kinds, [*freqs, 500, 500]))
    thinned = subsampled(ids, freqs, T, rng)

    counts = [np.count_nonzero(thinned == kind) for kind in kinds]
    f = freqs / freqs.sum()
    expected = freqs * np.minimum(1, np.sqrt(T / f) + T / f)
    assert np.all(np.abs(counts[:4] - expected) <= 4 * np.sqrt(expected))
    assert counts[3:] == [90, 500, 500]
    rest = iter(ids)
    assert all(word in rest for word in thinned)        # in their order
