"""Reading, vocabulary and pairs, against plain loops."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import utils
from corpus import reading
from corpus.characters import is_of_letters, normalised
from corpus.reading import END, START, read_sentences
from corpus.vocabulary import (
    choose_words_to_draw,
    read_corpus,
    read_words_to_draw,
)
from utils import InputError, extractDictionary, extractWordContextPairs

BULGARIAN = Path(__file__).with_name("bulgarian.txt")


def small_blocks(monkeypatch, size):
    """Let so many bytes be read at a time, and sentences of more characters be cut."""
    monkeypatch.setattr(reading, "BLOCK_BYTES", size)
    monkeypatch.setattr(reading, "LONGEST_SENTENCE", size)


def sentences(tmp_path, text, encoding="utf-8"):
    """Write a text, str or bytes, to a file, and read its sentences, each with spaces between."""
    file = tmp_path / "text.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    read = list(read_sentences(file, encoding))
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
        small_blocks(monkeypatch, size)
        assert sentences(tmp_path, text) == whole


def test_an_endless_sentence_is_cut_between_words(tmp_path, monkeypatch):
    small_blocks(monkeypatch, 100)
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
    small_blocks(monkeypatch, 100)
    text = "я".encode() * 200
    place -= place % 2          # where a letter begins
    with pytest.raises(InputError, match=rf"text\.txt: byte {place} is not UTF-8"):
        sentences(tmp_path, text[:place] + b"\xff" + text[place:])
    with pytest.raises(InputError, match=r"text\.txt: byte 398 is not UTF-8"):
        sentences(tmp_path, text[:399])
    with pytest.raises(InputError, match=rf"text\.txt: byte {place} is zero"):
        sentences(tmp_path, text[:place] + b"\0" + text[place:])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_says_how_to_read(tmp_path, encoding):
    text = "\ufeffедно и. two"
    assert sentences(tmp_path, text.encode(encoding)) == ["едно и .", "two"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1251"])
def test_what_it_looks_like_is_named_and_can_be_read(tmp_path, encoding):
    text = BULGARIAN.read_text(encoding="utf-8").replace("„", "").replace("“", "")
    message = f"it looks like {encoding}, which --encoding {encoding} reads"
    with pytest.raises(InputError, match=message):
        sentences(tmp_path, text.encode(encoding))
    read = sentences(tmp_path, text.encode(encoding), encoding)
    assert read == sentences(tmp_path, text)


@pytest.mark.parametrize("content, encoding, message", [
    ("едно две три".encode("utf-16-le"), "utf-16", "is not UTF-16; it looks like utf-16-le"),
    ("\ufeffедно две".encode("utf-16-le")[:-1], "utf-8", "damaged, cut off"),
    (b"\x98" + "едно две три четири".encode("cp1251"), "cp1251", "damaged, cut off")])
def test_what_cannot_be_read_in_its_encoding(tmp_path, content, encoding, message):
    with pytest.raises(InputError, match=message):
        sentences(tmp_path, content, encoding)


def test_a_byte_that_is_not_of_the_encoding_is_named(tmp_path):
    with pytest.raises(InputError, match=r"text\.txt: byte 2 is not CP1251; "):
        sentences(tmp_path, b"ab\x98", "cp1251")


@pytest.mark.parametrize("text, expected", [
    ("рабо\u00adта", ["работа"]),                                     # soft hyphen
    ("ra\u034fb o\u2060k \u2062 e\U000e0101", ["rab", "ok", "e"]),
    ("می\u200cخواهد", ["می\u200cخواهد"]),                            # joiners inside words
    ("ഏതൊരാള\u200dക്കും", ["ഏതൊരാള\u200dക്കും"]),
    ("ന്\u200d, ന\u200d, a\u200c b\u200d.", ["ന്\u200d", ",", "ന", ",", "a", "b", "."]),
    ("\u200dx .\u200d. \u200c", ["x", ".."]),
    ("❤\ufe0f да", ["❤", "да"]),
    ("🏳\ufe0f\u200d🌈", ["🏳🌈"]),
    ("\U0001E922\U0001E944\U0001E923", ["\U0001E944".join("\U0001E922\U0001E923").lower()]),
    ("ок\n\ufeffдве", ["ок", "две"]),
    ("и\u0306 й Й", ["й", "й", "й"]),
    ("İstanbul istanbul I\u0307stanbul IŞIK", ["istanbul", "istanbul", "istanbul", "işik"]),
    ("J\u030c ǰ", ["ǰ", "ǰ"]),
    ("ΤΕΛΟΣ.ΑΡΧΗ ΤΕΛΟΣ τελος Σ", ["τελος", ".", "αρχη", "τελος", "τελος", "σ"]),
    ("#\ufe0f\u20e3 $\u0301a", ["#\u20e3", "$\u0301", "a"])])
def test_characters_that_nobody_sees_and_forms_that_look_alike(tmp_path, text, expected):
    [sentence] = sentences(tmp_path, text.replace("\n", " "))
    assert sentence.split(" ") == expected


def test_all_default_ignorable_characters_but_the_joiners_are_dropped():
    """By Unicode's property, of which unicodedata knows a part: what formats, and what selects."""
    for char in ("\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202e\u2066\u2069\u3164\ufeff"
                 "\U000e0001"):
        assert normalised(f"а{char}б") == "аб", ascii(char)
    assert normalised("а\u200cб\u200dв") == "а\u200cб\u200dв"


def test_a_run_of_symbols_with_rare_marks_in_the_text_stays_one_token(tmp_path):
    [sentence] = sentences(tmp_path, "*** \U0001E922\U0001E944 ***!")
    assert sentence.split(" ")[0::2] == ["***", "***!"]


@pytest.mark.parametrize("words, expected", [
    (["हिन्दी", "में"], True), (["ഏതൊരാള\u200dക്കും"], True), (["и\u0306"], True), (["ok"], True),
    (["a1"], False), (["..."], False), (["<START>"], False)])
def test_letters_and_their_marks_are_letters(words, expected):
    assert [is_of_letters(word) for word in words] == [expected] * len(words)


def test_words_to_draw_are_words_in_every_script(tmp_path):
    words = ["हिन्दी", "लिखना", "किताब", "भाषा", "दुनिया"]
    text = tmp_path / "text.txt"
    common = " ".join(f"{chr(0x4e00 + i)}, " * 9 for i in range(120))
    text.write_text(f"{common}\n\n" + " . ".join(words * 3), encoding="utf-8")
    corpus = read_corpus("text", text, 20000, 3)
    assert set(choose_words_to_draw(corpus)[""]) <= set(words)
    assert len(choose_words_to_draw(corpus)[""]) >= 3


def test_a_list_of_words_is_read_as_the_text_is(tmp_path):
    (tmp_path / "list").write_text("\ufeffГрупа: и\u0306 <START> РАБО\u00adТА\n", encoding="utf-8")
    word2ind = {"<START>": 0, "й": 1, "работа": 2}
    assert read_words_to_draw(tmp_path / "list", word2ind) == {"Група": ["й", "<START>", "работа"]}
    (tmp_path / "list").write_bytes("Група: й работа".encode("cp1251"))
    words = read_words_to_draw(tmp_path / "list", word2ind, "cp1251")
    assert words == {"Група": ["й", "работа"]}


def test_hidden_files_are_no_text_and_capitals_in_an_ending_do_not_matter(tmp_path):
    for name in ("a.TXT", "__MACOSX/._a.txt", ".ipynb_checkpoints/a-checkpoint.txt", ".b.txt",
                 "w2v-words.txt", "c/d.Txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    read = [sentence[1] for sentence in read_sentences(tmp_path)]
    assert read == ["a", "c"]


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    small_blocks(monkeypatch, 100)
    file = tmp_path / "text.txt"
    file.write_text("едно две. " * 100, encoding="utf-8")
    read = read_sentences(file)
    next(read)
    file.write_text("едно", encoding="utf-8")
    with pytest.raises(InputError, match="changed while it was read"):
        list(read)


@pytest.mark.parametrize("limit", [5, 40, None])
def test_the_courses_functions_make_the_corpus(monkeypatch, limit):
    """What a student reads in utils.py is what runs: each is called, and its result is used."""
    sentences = list(read_sentences(BULGARIAN))
    dictionary = extractDictionary(sentences, limit)
    pairs = extractWordContextPairs(sentences, 3, dictionary[1])

    corpus = read_corpus("b", BULGARIAN, limit, 3)
    assert (corpus.words, corpus.word2ind, corpus.freqs) == dictionary
    assert np.array_equal(corpus.pairs, pairs)
    assert corpus.tokens == sum(map(len, sentences)) - 2 * len(sentences)

    calls = []
    monkeypatch.setattr(utils, "extractDictionary", lambda *args: calls.append(args) or dictionary)
    monkeypatch.setattr(utils, "extractWordContextPairs",
                        lambda *args: calls.append(args) or pairs[:7].tolist())
    corpus = read_corpus("b", BULGARIAN, limit, 3)
    assert calls == [(sentences, limit), (sentences, 3, dictionary[1])]
    assert np.array_equal(corpus.pairs, pairs[:7]) and corpus.pairs.dtype == np.int32


def test_equal_tokens_are_one_object():
    tokens = [token for sentence in read_sentences(BULGARIAN) for token in sentence]
    assert len(set(map(id, tokens))) == len(set(tokens)) < len(tokens)


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
