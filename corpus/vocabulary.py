"""From sentences to a vocabulary and to pairs of words; and which words a picture shows."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from corpus.reading import END, START, read_sentences
from utils import GAP, InputError, encode_corpus, extractDictionary, pairs_within


@dataclass
class Corpus:
    """What is learned from: `words` by index and `word2ind` back, `freqs`, and `pairs` (N×2)."""

    name: str
    tokens: int             # how many words and punctuation marks the text has
    words: list
    word2ind: dict
    freqs: list
    pairs: np.ndarray

    def fingerprint(self):
        """Return a string that tells the words and pairs of this corpus from all others."""
        digest = hashlib.sha256("\n".join(self.words).encode())
        digest.update(self.pairs)
        return digest.hexdigest()

    def __str__(self):
        return (f"{self.name}: {self.tokens:,} tokens, {len(self.words):,} words, "
                f"{len(self.pairs):,} pairs")


def read_corpus(name, path, limit, window, subsample=None, dynamic_window=False, rng=None):
    """Read the text at a path: its vocabulary of at most limit words, and its pairs.

    The last three arguments are those of `make_pairs`.

    Raises
    ------
    InputError : the text has no two words that can be a pair
    """
    words, word2ind, freqs = extractDictionary(read_sentences(path), limit)
    if len(set(words) - {START, END}) < 2:
        raise InputError(f"{path}: fewer than two different words; take a longer text or a larger "
                         "--vocabulary")

    ids = encode_corpus(read_sentences(path), window, word2ind)
    gaps = np.count_nonzero(ids == GAP)
    sentences = gaps // window
    tokens = ids.size - gaps - 2 * sentences            # START and END are not counted

    pairs = make_pairs(ids, freqs, window, subsample, dynamic_window, rng)
    if not len(pairs):
        raise InputError(f"{path}: no two words of the vocabulary stand near each other; take a "
                         "larger --vocabulary")
    return Corpus(name, tokens, words, word2ind, freqs, pairs)


def make_pairs(ids, freqs, window, subsample=None, dynamic_window=False, rng=None):
    """Find the pairs of an encoded corpus, or some of them, as other programs take them.

    Parameters
    ----------
    ids : encoded text, as from `encode_corpus`
    freqs : how often each word occurs
    window : how far apart the words of a pair may be
    subsample : the threshold by which frequent words are thinned out first, if at all
    dynamic_window : whether each target word has a window of its own, drawn from 1 to window
    rng : numpy.random.Generator for both; drawn from once, so that all epochs have the same pairs
    """
    if subsample:
        ids = subsampled(ids, freqs, subsample, rng)
    reach = rng.integers(1, window, ids.size, endpoint=True) if dynamic_window else None
    return pairs_within(ids, window, reach)


def subsampled(ids, freqs, threshold, rng):
    """Leave out some of the frequent words, whose neighbours move together, as word2vec does.

    Of a word with the share f of all words, √(threshold/f) + threshold/f are kept.
    """
    ratio = threshold * np.sum(freqs) / np.asarray(freqs)
    kept = np.append(np.sqrt(ratio) + ratio, [1, 1])    # OUTSIDE and GAP, -1 and -2, are the last
    return ids[rng.random(ids.size) < kept[ids]]


def choose_words_to_draw(corpus):
    """Choose what a picture shows where no list says it: frequent words, but not the commonest."""
    content = [word for word in corpus.words[100:] if 4 < len(word) < 20 and word.isalpha()]
    return {"": content[:40] if len(content) > 1 else corpus.words[:40]}


def read_words_to_draw(path, word2ind):
    """Read a list of words to draw, with a group a line, as «label: word word …».

    Lines without a label are one group together; after # comes a comment.

    Returns
    -------
    dict from label to words

    Raises
    ------
    InputError : words are not in word2ind, or stand twice, or are fewer than two
    """
    groups = {}
    for line in _lines(path):
        label, _, names = line.partition("#")[0].rpartition(":")
        groups.setdefault(label.strip(), []).extend(names.lower().split())

    counts = Counter(chain.from_iterable(groups.values()))
    unknown = [name for name in counts if name not in word2ind]
    if unknown:
        listed = " ".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise InputError(f"{path}: not in the vocabulary: {listed}; take them out or name a list "
                         "by --words")
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise InputError(f"{path}: listed twice: {' '.join(twice)}; leave one")
    if len(counts) < 2:
        raise InputError(f"{path}: fewer than two words; a picture needs more")
    return {label: names for label, names in groups.items() if names}


def _lines(path):
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; convert the file") from None
