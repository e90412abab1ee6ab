"""From the name of a corpus to its text, to sentences, to a vocabulary, to pairs of words."""

import codecs
import os
import re
import signal
import subprocess
import sys
import unicodedata
from array import array
from collections import Counter
from itertools import chain, pairwise, repeat
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
START, END = "<START>", "<END>"
OUTSIDE, GAP = -1, -2       # in encoded text: a word outside the vocabulary, the space between sentences
BLOCK = 1 << 20     # bytes of a file read at a time; a sentence of more characters is cut

# \w knows nothing of combining marks, with which Devanagari, Arabic and a stressed а̀ are written.
MARKS = "".join(char for char in map(chr, range(0x10000)) if unicodedata.category(char)[0] == "M")
TOKEN = re.compile(rf"[\w{MARKS}]+|[^\w\s{MARKS}]+")
SENTENCE_END = re.compile(r"[.!?…][^\w\s]{0,9}(?=\s)|\n(?=[^\S\n]*\n)")     # {0,9}: linear time on "....."


class InputError(Exception):
    """A mistake of the user's: the message says what, where and what to do."""


def read_sentences(path):
    """Yield the sentences of a UTF-8 text file, or of all .txt files below a folder in sorted order.

    A sentence is a list of lower-cased tokens, runs of word characters or of punctuation, between START and
    END. It ends before white space at a run of punctuation with . ! ? or … in it, or at a blank line.

    Raises
    ------
    InputError : there is no text there, or it is not UTF-8
    """
    path = Path(path)
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.txt") if file.is_file() and not file.name.startswith("w2v-"))
    elif path.exists() and not path.is_file():
        raise InputError(f"{path}: neither a file nor a folder; write the text to a file first")
    if not files:
        raise InputError(f"{path}: no .txt file in this folder; put the text there, in UTF-8")
    for text in chain.from_iterable(map(_blocks, files)):
        ends = [match.end() for match in SENTENCE_END.finditer(text)]
        for start, end in pairwise([0, *ends, len(text)]):
            if tokens := TOKEN.findall(text, start, end):
                yield [START, *tokens, END]


def _blocks(file):
    """Yield the text of a file, lower-cased, in blocks that end where a sentence does."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest, offset = "", 0
    with open(file, "rb") as stream:
        while data := stream.read(BLOCK):
            rest += _decoded(decoder, data, file, offset)
            offset += len(data)
            cut = max((match.end() for match in SENTENCE_END.finditer(rest)), default=0)
            if not cut and len(rest) > BLOCK:
                cut = max(rest.rfind(" "), rest.rfind("\n")) + 1 or len(rest)
            yield rest[:cut].lower()
            rest = rest[cut:]
        yield (rest + _decoded(decoder, b"", file, offset)).lower()


def _decoded(decoder, data, file, offset):
    """The next bytes of a file as text; those that the decoder still holds stand before the offset."""
    if offset == 0 and data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise InputError(f"{file}: begins like UTF-16; convert the file to UTF-8")
    held = len(decoder.getstate()[0])
    try:
        text = decoder.decode(data, final=not data)
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: byte {offset - held + error.start} is not UTF-8; convert the file") from None
    if "\0" in text:
        raise InputError(f"{file}: byte {offset + data.index(0)} is zero, so it is no UTF-8 text; convert the file")
    return text.removeprefix("\ufeff") if offset == 0 else text


def extractDictionary(corpus, limit=20000):
    """The words of a corpus, the most frequent first, equally frequent ones as they first occur.

    Parameters
    ----------
    corpus : iterable of sentences, each a list of words
    limit : how many words at most

    Returns
    -------
    words : list of L words
    word2ind : dict from word to index
    freqs : list of L counts
    """
    counts = Counter(chain.from_iterable(corpus)).most_common(limit)
    words = [word for word, _ in counts]
    return words, {word: index for index, word in enumerate(words)}, [count for _, count in counts]


def extractWordContextPairs(corpus, windowSize, word2ind):
    """All pairs (w, c) of two words of a sentence, at most windowSize apart and both in word2ind.

    Words that are not in word2ind count as distance. Returns an N×2 int32 array.
    """
    return pairs_within(encode_corpus(corpus, windowSize, word2ind), windowSize)


def encode_corpus(corpus, gap, word2ind):
    """The word indices of a corpus, or OUTSIDE, in one int32 array; after each sentence gap times GAP."""
    ids, between = array("i"), array("i", [GAP] * gap)
    for sentence in corpus:
        ids.extend(map(word2ind.get, sentence, repeat(OUTSIDE)))
        ids.extend(between)
    return np.frombuffer(ids, dtype=np.int32) if ids else np.empty(0, dtype=np.int32)


def pairs_within(ids, windowSize, reach=None):
    """All pairs (w, c) of word indices at most windowSize places apart, as an N×2 int32 array.

    With reach, a number for each place, only those in which c is at most so many places from w.
    """
    both = [(ids[:-d] >= 0) & (ids[d:] >= 0) for d in range(1, windowSize + 1)]
    sides = [(mask, mask) if reach is None else (mask & (reach[:-d] >= d), mask & (reach[d:] >= d))
             for d, mask in enumerate(both, 1)]             # by whether w or c comes first
    pairs = np.empty((sum(np.count_nonzero(mask) for side in sides for mask in side), 2), dtype=np.int32)
    end = 0
    for d, (forth, back) in enumerate(sides, 1):
        for w, c, kept in (ids[:-d], ids[d:], forth), (ids[d:], ids[:-d], back):
            w, c = w[kept], c[kept]
            start, end = end, end + w.size
            pairs[start:end, 0], pairs[start:end, 1] = w, c
    return pairs


def subsampled(ids, freqs, threshold, rng):
    """ids without some of the frequent words, whose neighbours move together, as in word2vec: of a word with the share
    f of all words √(threshold/f) + threshold/f are kept."""
    ratio = threshold * np.sum(freqs) / np.asarray(freqs)
    kept = np.append(np.sqrt(ratio) + ratio, [1, 1])        # OUTSIDE and GAP are the last two
    return ids[rng.random(ids.size) < kept[ids]]


def make_pairs(ids, freqs, window, subsample=None, dynamic_window=False, rng=None):
    """The pairs of an encoded corpus, frequent words thinned out by the threshold subsample, and with dynamic_window
    each target word with a window of its own, 1 to window. Both draw from rng, once: all epochs have the same pairs."""
    if subsample:
        ids = subsampled(ids, freqs, subsample, rng)
    return pairs_within(ids, window, rng.integers(1, window, ids.size, endpoint=True) if dynamic_window else None)


def find_corpus(name):
    """What to call a corpus, where its text is, and its list of words to draw, if it has one."""
    if name == "":
        raise InputError("--corpus: name a corpus, a file or a folder")
    if name is None:
        name = "journalism_bg" if (HERE / "journalism_bg" / "text").is_dir() else "pydocs"
    for folder in (HERE / name).resolve(), Path(name).resolve():
        if folder.parent == HERE and folder.is_dir():
            text, words = folder / "text", folder / "words.txt"
            if not text.is_dir():
                if not (folder / "prepare.py").is_file():
                    raise InputError(f"{text}: no such folder; put the corpus's .txt files there")
                print(f"preparing the corpus {folder.name} …", file=sys.stderr, flush=True)
                if _prepared(folder / "prepare.py"):
                    sys.exit(2)
            return folder.name, text, words if words.is_file() else None
    if not Path(name).exists():
        have = ", ".join(sorted(folder.name for folder in HERE.glob("[!_]*/")))
        raise InputError(f"{name}: no such file or folder, nor a corpus of this name (there are {have})")
    return Path(name).resolve().name, Path(name), None


def _prepared(script):
    """The exit status of a script, of whose processes none goes on when this one is interrupted."""
    with subprocess.Popen([sys.executable, script], stdout=sys.stderr, start_new_session=True) as child:
        try:
            return child.wait()
        except BaseException:
            if hasattr(os, "killpg"):
                os.killpg(child.pid, signal.SIGKILL)
            else:
                child.kill()
            raise


def read_corpus(path, limit, window, subsample=None, dynamic_window=False, rng=None):
    """words, word2ind, freqs, the number of tokens, and the N×2 pairs of the text at a path.

    The last three arguments are those of make_pairs.
    """
    words, word2ind, freqs = extractDictionary(read_sentences(path), limit)
    if len(set(words) - {START, END}) < 2:
        raise InputError(f"{path}: fewer than two different words; take a longer text or a larger --vocabulary")
    ids = encode_corpus(read_sentences(path), window, word2ind)
    gaps = np.count_nonzero(ids == GAP)
    tokens = ids.size - gaps - 2 * (gaps // window)         # START and END are not counted
    pairs = make_pairs(ids, freqs, window, subsample, dynamic_window, rng)
    if not len(pairs):
        raise InputError(f"{path}: no two words of the vocabulary stand near each other; take a larger --vocabulary")
    return words, word2ind, freqs, tokens, pairs


def read_word_groups(path, word2ind):
    """The words to draw: a group a line, as «label: word word …»; lines without a label are one group together.

    Returns a dict from label to words. Raises InputError for words that are not in word2ind or that stand twice.
    """
    groups = {}
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; convert the file") from None
    for line in lines:
        label, _, names = line.partition("#")[0].rpartition(":")
        groups.setdefault(label.strip(), []).extend(names.lower().split())
    counts = Counter(chain.from_iterable(groups.values()))
    if unknown := [name for name in counts if name not in word2ind]:
        shown = " ".join(unknown[:10]) + " …" * (len(unknown) > 10)
        raise InputError(f"{path}: not in the vocabulary: {shown}; take them out or name a list by --words")
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InputError(f"{path}: listed twice: {' '.join(twice)}; leave one")
    if len(counts) < 2:
        raise InputError(f"{path}: fewer than two words; a picture needs more")
    return {label: names for label, names in groups.items() if names}
