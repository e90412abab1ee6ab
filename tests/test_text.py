"""Reading, vocabulary and pairs, against plain loops."""

import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import utils
from corpus.characters import is_of_letters, normalised
from corpus.reading import END, START, find_text_files, read_sentences
from corpus.vocabulary import choose_words_to_draw, read_corpus, read_words_to_draw
from utils import InputError, extractDictionary, extractWordContextPairs

BULGARIAN = Path(__file__).with_name("bulgarian.txt")


def sentences(tmp_path, text, encoding="utf-8", lines=False):
    """Write a text, str or bytes, to a file, and read its sentences, each with spaces between."""
    file = tmp_path / "text.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    read = list(read_sentences(file, encoding, lines))
    assert all(sentence[0] == START and sentence[-1] == END for sentence in read)
    return [" ".join(sentence[1:-1]) for sentence in read]


@pytest.mark.parametrize("text, expected", [
    ("One two. Three! Four? Five… Six", ["one two .", "three !", "four ?", "five …", "six"]),
    ("Тя каза: „Да!“ И тръгна.", ["тя каза : „ да !“", "и тръгна ."]),
    ("a heading\n\nits text\nin two lines\n \t\nmore",
     ["a heading", "its text in two lines", "more"]),
    ("a\r\n\r\nb\r\nc\n\u200b\nd", ["a", "b c", "d"]),
    ("a\r\rb\rc\r \rd", ["a", "b c", "d"]),
    ("np.array 3.14 isn't...", ["np . array 3 . 14 isn ' t ..."]),
    ("\ufeffBOM first", ["bom first"]),
    ("हिन्दी में लिखा। وَلَد ΑΣ", ["हिन्दी में लिखा ।", "وَلَد ας"]),
    ("", []),
    (" \n\n \n", []),
    ("...", ["..."]),
])
def test_sentences_and_tokens(tmp_path, text, expected):
    assert sentences(tmp_path, text) == expected


@pytest.mark.parametrize("text, ends", [
    ("През 2003 г. когато. Иван 5 млн. лв. и т.н. а после", ["когато."]),
    ("Каза т.нар. „голям“ брат, и др. (също) и т. ч. – да! Край", ["да!"]),
    ("e.g. \u200eone. Two", ["one."]),
    ("На ул.\nмалка. 5 дни. Б.", ["малка.", "дни."]),
    ("Въпрос? отговор.\n\nнов ред", ["отговор."]),
    ("без главни. букви! и тук? (да) не", ["главни.", "букви!", "тук?"]),
    ("ეს არის NATO. ის არის კარგი. კი", ["NATO.", "კარგი."]),      # Georgian has no capitals
])
def test_a_sentence_goes_on_before_a_lower_case_letter(tmp_path, text, ends):
    """Each of the ends ends a sentence, and nothing else does."""
    read = [sentence.replace(" ", "") for sentence in sentences(tmp_path, text)]
    assert len(read) == len(ends) + 1
    for sentence, end in zip(read, ends):
        assert sentence.endswith(end.lower())


@pytest.mark.parametrize("text", [
    "यह है। वह है॥ यह", "یہ ہے۔ وہ ہے؟ یہ", "هذا؟ ذلك. هذا", "Սա է։ Նա է։ Սա", "ይህ ነው። ነው፧ ይህ",
    "ᱱᱚᱣᱟ ᱾ ᱱᱚᱣᱟ ᱿ ᱱᱚᱣᱟ", "ꯃꯁꯤ ꯫ ꯃꯁꯤ ꯫ ꯃꯁꯤ", "ᖃᐅᔨᒪ᙮ ᖃᐅᔨᒪ᙮ ᖃᐅᔨᒪ", "ߞߊ߲߫߹ ߞߊ߲߫! ߞߊ", "ܐ܁ ܐ܂ ܐ",
    "ᠡᠨᠡ᠃ ᠲᠡᠷᠡ᠃ ᠡᠨᠡ", "我 在。 你 在！ 我", "သည်။ သည်။ သ", "What?! Yes⁉ No"])
def test_sentences_end_in_many_scripts(tmp_path, text):
    assert len(sentences(tmp_path, text)) == 3


def test_lines_are_sentences(tmp_path):
    text = "One. Two\n\nthree\r\nfour! Five\r six"
    assert sentences(tmp_path, text, lines=True) == ["one . two", "three", "four ! five", "six"]


def test_text_without_ends_is_cut_between_words(tmp_path):
    words = 500_000 * ["думи"]
    read = sentences(tmp_path, " ".join(words))
    assert 2 < len(read) < 5 and " ".join(read).split() == words
    assert sentences(tmp_path, "a" * 2_500_000 + " b") == ["a" * 2_500_000, "b"]


@pytest.mark.parametrize("text", [
    "." * 300000 + "x", "\n" * 300000, "\n" + " " * 300000 + "x", "a" * 300000])
def test_long_runs_take_linear_time(tmp_path, text):
    assert len(sentences(tmp_path, text)) <= 1       # with quadratic time this would not end


def test_which_files_of_a_folder_are_read(tmp_path):
    """Sorted, in any depth; no hidden ones, no results; links, but each real file once."""
    folder, elsewhere = tmp_path / "corpus", tmp_path / "elsewhere"
    for name in ("b/b.txt", "z.TXT", "b/no.md", ".hidden.txt", "__MACOSX/._a.txt", "w2v-words.txt",
                 ".ipynb_checkpoints/a.txt", "../elsewhere/c.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(Path(name).stem)
    for link, target in {"0.dat": "b/b.txt", "a.txt": "b/b.txt", "d.txt": "b/b.txt",
                         "e": elsewhere, "f": elsewhere, "gone.txt": "nowhere",
                         "../elsewhere/loop": folder}.items():
        (folder / link).symlink_to(folder / target)
    assert find_text_files(folder) == [folder / "a.txt", folder / "e/c.txt", folder / "z.TXT"]
    assert [word for _, word, _ in read_sentences(folder)] == ["b", "c", "z"]


@pytest.mark.parametrize("content, encoding, message", [
    (b"\xff" + "я".encode(), "utf-8", "byte 0 is not UTF-8; the file is damaged, or name its enc"),
    (b"ab " + "я".encode()[:1], "utf-8", "byte 3 is not UTF-8; the file is damaged"),
    ("едно две".encode("utf-16-le")[:-1], "utf-16-le", "byte 14 is not UTF-16-LE; the file is da"),
    ("едно".encode() + b" \0", "utf-8", "byte 9 is zero, .* remove the zero bytes"),
    ("aя\0".encode("utf-16-le"), "utf-16-le", "byte 4 is zero, .* remove the zero bytes"),
    (BULGARIAN.read_text("utf-8").replace("„", "").replace("“", "").encode("cp1251"), "utf-8",
     "byte 0 is not UTF-8; it looks like cp1251, which --encoding cp1251 reads"),
    # What is no cp1251 is not guessed to be it: a third of its bytes are above 0xe0; and so on.
    ("यह एक किताब है".encode() + b"\xff", "utf-8", "the file is damaged"),
    ("le garçon a déjà mangé près de là".encode("latin-1"), "utf-8", "the file is damaged"),
    ("Русский текст".encode("koi8-r"), "utf-8", "the file is damaged"),
    (b"\x98" + "едно две три четири".encode("cp1251"), "cp1251", "the file is damaged")])
def test_bytes_that_are_no_text_are_named(tmp_path, content, encoding, message):
    with pytest.raises(InputError, match=r"text\.txt: byte \d+ is .*") as error:
        sentences(tmp_path, content, encoding)
    assert re.search(message, str(error.value))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_says_how_to_read(tmp_path, encoding):
    text = "\ufeffедно и. two"
    for named in "utf-8", "cp1251":
        assert sentences(tmp_path, text.encode(encoding), named) == ["едно и .", "two"]


@pytest.mark.parametrize("text, expected", [
    ("рабо\u00adта", ["работа"]),                                     # soft hyphen
    ("ra\u034fb o\u2060k \u2062 e\U000e0101", ["rab", "ok", "e"]),
    ("می\u200cخواهد", ["می\u200cخواهد"]),                            # joiners inside words
    ("ഏതൊരാള\u200dക്കും", ["ഏതൊരാള\u200dക്കും"]),
    ("ന്\u200d, ന\u200d, a\u200c b\u200d.", ["ന്\u200d", ",", "ന", ",", "a", "b", "."]),
    ("\u200dx .\u200d. \u200c", ["x", ".."]),
    ("❤\ufe0f да", ["❤", "да"]),
    ("eﬃcient ﬁt ﬆ", ["efficient", "fit", "st"]),                     # ligatures
    ("ﻻ ﻢﺣﻣﺩ ﭘ", ["لا", "محمد", "پ"]),                                # letters as a PDF has them
    ("🏳\ufe0f\u200d🌈", ["🏳🌈"]),
    ("\U0001E922\U0001E944\U0001E923", ["\U0001E944".join("\U0001E922\U0001E923").lower()]),
    ("ок\n\ufeffдве", ["ок", "две"]),
    ("и\u0306 й Й", ["й", "й", "й"]),
    ("İstanbul istanbul I\u0307stanbul IŞIK", ["istanbul", "istanbul", "istanbul", "işik"]),
    ("J\u030c ǰ", ["ǰ", "ǰ"]),
    ("ΤΕΛΟΣ.ΑΡΧΗ ΤΕΛΟΣ τελος Σ", ["τελος", ".", "αρχη", "τελος", "τελος", "σ"]),
    ("#\ufe0f\u20e3 $\u0301a", ["#\u20e3", "$\u0301", "a"]),
    ("*** \U0001E922\U0001E944 ***!", ["***", "\U0001E922\U0001E944", "***!"])])
def test_characters_that_nobody_sees_and_forms_that_look_alike(tmp_path, text, expected):
    [sentence] = sentences(tmp_path, text.replace("\n", " "))
    assert sentence.split(" ") == expected


def test_all_default_ignorable_characters_but_the_joiners_are_dropped():
    """By Unicode's property, of which unicodedata knows a part: what formats, and what selects."""
    for char in ("\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202e\u2066\u2069\u3164\ufeff"
                 "\U000e0001"):
        assert normalised(f"а{char}б") == "аб", ascii(char)
    assert normalised("а\u200cб\u200dв") == "а\u200cб\u200dв"


def test_letters_and_their_marks_are_letters():
    for word in "हिन्दी", "में", "ഏതൊരാള\u200dക്കും", "и\u0306", "ok":
        assert is_of_letters(word)
    for word in "a1", "...", "<START>":
        assert not is_of_letters(word)


def test_words_to_draw_are_words_in_every_script(tmp_path):
    words = ["हिन्दी", "लिखना", "किताब", "भाषा", "दुनिया"]
    text = tmp_path / "text.txt"
    common = " ".join(f"{chr(0x4e00 + i)}, " * 9 for i in range(120))
    text.write_text(f"{common}\n\n" + " . ".join(words * 3), encoding="utf-8")
    corpus = read_corpus("text", text, 20000, 3)
    assert set(choose_words_to_draw(corpus)[""]) <= set(words)
    assert len(choose_words_to_draw(corpus)[""]) >= 3


def test_a_list_of_words_is_read_as_the_text_is(tmp_path):
    file = tmp_path / "list"
    word2ind = dict.fromkeys(["<START>", "й", "работа", "a", "b"])
    file.write_text("\ufeffГрупа: и\u0306 <START> # рест\n\na\nРАБО\u00adТА b\n", encoding="utf-8")
    expected = {"Група": ["й", "<START>"], "": ["a", "работа", "b"]}
    assert read_words_to_draw(file, word2ind) == expected
    file.write_bytes("Група: й работа".encode("cp1251"))
    assert read_words_to_draw(file, word2ind, "cp1251") == {"Група": ["й", "работа"]}


def test_what_shows_at_a_glance(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("<b>\x1b</b> " * 9 + "ten eleven ten " * 5 + "дума " * 2 + "x" * 99)
    [commonest, warning] = read_corpus("text", text, 20000, 3).remarks()
    assert commonest == f"most frequent: b ten < >\\x1b</ > eleven дума {'x' * 30}"
    assert warning == "fewer than 200,000 tokens: neighbours will be mostly chance"
    text.write_text("one two " * 100_000)
    assert read_corpus("text", text, 20000, 3).remarks() == ["most frequent: one two"]


def test_a_corpus_is_what_the_courses_functions_return(monkeypatch):
    sentences = list(read_sentences(BULGARIAN))
    dictionary = extractDictionary(sentences, 40)
    pairs = extractWordContextPairs(sentences, 3, dictionary[1])
    monkeypatch.setattr(utils, "extractWordContextPairs", lambda *arguments: pairs.tolist())

    corpus = read_corpus("b", BULGARIAN, 40, 3)
    assert (corpus.words, corpus.word2ind, corpus.freqs) == dictionary
    assert np.array_equal(corpus.pairs, pairs) and corpus.pairs.dtype == np.int32
    assert corpus.tokens == sum(map(len, sentences)) - 2 * len(sentences)


def test_equal_tokens_are_one_object():
    tokens = [token for sentence in read_sentences(BULGARIAN) for token in sentence]
    assert len(set(map(id, tokens))) == len(set(tokens)) < len(tokens)


def test_vocabulary_is_sorted_by_frequency_and_ties_by_first_occurrence():
    words, word2ind, freqs = extractDictionary([["b", "c", "a"], ["c", "d", "a"]], limit=3)
    assert words == ["c", "a", "b"]
    assert word2ind == {"c": 0, "a": 1, "b": 2}
    assert freqs == [2, 2, 1]


@pytest.mark.parametrize("window, limit", [(1, 20000), (2, 40), (3, 5), (7, 40), (50, 20000)])
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
