"""From sentences to a vocabulary and to pairs of words; and which words a picture shows."""

import hashlib
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import chain, count

import numpy as np

from corpus.characters import is_of_letters, normalised
from corpus.reading import END, START, read_lines, read_sentences
from utils import GAP, OUTSIDE, InputError, pairs_within


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


def read_corpus(name, path, limit, window, subsample=None, dynamic_window=False, rng=None,
                encoding="utf-8"):
    """Read the text at a path: its vocabulary of at most limit words, and its pairs.

    subsample, dynamic_window and rng are those of `make_pairs`.

    Raises
    ------
    InputError : the text has no two words that can be a pair
    """
    words, ids = number_words(read_sentences(path, encoding), window)
    words, freqs, ids = keep_most_frequent(words, ids, limit)
    if len(set(words) - {START, END}) < 2:
        raise InputError(f"{path}: fewer than two different words; take a longer text or a larger "
                         "--vocabulary")

    gaps = np.count_nonzero(ids == GAP)
    sentences = gaps // window
    tokens = int(ids.size - gaps - 2 * sentences)       # START and END are not counted
    pairs = make_pairs(ids, freqs, window, subsample, dynamic_window, rng)
    if not len(pairs):
        raise InputError(f"{path}: no two words of the vocabulary stand near each other; take a "
                         "larger --vocabulary")
    word2ind = {word: index for index, word in enumerate(words)}
    return Corpus(name, tokens, words, word2ind, freqs, pairs)


def number_words(sentences, window):
    """Number the words of a text as they come.

    Returns them in this order, and the text as one int32 array of their numbers, with GAP after
    each sentence so often that no window reaches into the next.
    """
    numbers = defaultdict(count().__next__)             # a new word gets the next number
    ids = array("i")
    gap = array("i", [GAP] * window)
    for sentence in sentences:
        ids.extend([numbers[word] for word in sentence])
        ids.extend(gap)
    return list(numbers), np.array(ids, dtype=np.int32)


def keep_most_frequent(words, ids, limit):
    """Renumber words by frequency, equally frequent ones as they first came, up to a limit.

    Returns the words that are left, how often each occurs, and the ids, OUTSIDE for the others.
    """
    freqs = np.bincount(ids[ids >= 0], minlength=len(words))
    kept = np.argsort(-freqs, kind="stable")[:limit]
    renumbered = np.full(len(words) + 2, OUTSIDE, dtype=np.int32)
    renumbered[kept] = np.arange(len(kept))
    renumbered[GAP] = GAP                               # the last but one
    return [words[number] for number in kept], freqs[kept].tolist(), renumbered[ids]


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
    content = [word for word in corpus.words[100:] if 4 < len(word) < 20 and is_of_letters(word)]
    if len(content) < 2:
        content = [word for word in corpus.words if word not in (START, END)]
    return {"": content[:40]}


def find_in_vocabulary(word, word2ind):
    """Return a word as the vocabulary has it, if it is there: as it is, or normalised."""
    return word if word in word2ind else normalised(word)


def read_words_to_draw(path, word2ind, encoding="utf-8"):
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
    for line in read_lines(path, encoding):
        label, _, names = line.partition("#")[0].rpartition(":")
        words = [find_in_vocabulary(name, word2ind) for name in names.split()]
        groups.setdefault(label.strip(), []).extend(words)

    counts = Counter(chain.from_iterable(groups.values()))
    unknown = [word for word in counts if word not in word2ind]
    if unknown:
        listed = " ".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise InputError(f"{path}: not in the vocabulary: {listed}; take them out, or take more "
                         "text or a larger --vocabulary")
    twice = [word for word, times in counts.items() if times > 1]
    if twice:
        raise InputError(f"{path}: listed twice: {' '.join(twice)}; leave one")
    if len(counts) < 2:
        raise InputError(f"{path}: fewer than two words; a picture needs more")
    return {label: words for label, words in groups.items() if words}
