"""From sentences to a vocabulary and to pairs of words; and which words a picture shows."""

import hashlib
from dataclasses import dataclass
from itertools import chain

import numpy as np

import utils
from corpus.characters import is_of_letters, normalised
from corpus.reading import END, START, read_sentences, read_text
from utils import InputError

ENOUGH_TOKENS = 200_000         # from about here on neighbours begin to make sense

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

    def remarks(self):
        """List what shows at a glance: the commonest words, and whether there is enough text.

        In the commonest words one sees a wrong encoding, tags, time codes, or text without spaces.
        """
        commonest = [word for word in self.words[:12] if word not in (START, END)][:10]
        shown = [repr(word[:30])[1:-1] for word in commonest]   # control characters are escaped
        remarks = [f"most frequent: {' '.join(shown)}"]
        if self.tokens < ENOUGH_TOKENS:
            remarks.append(f"fewer than {ENOUGH_TOKENS:,} tokens: neighbours will be mostly chance")
        return remarks


def read_corpus(name, path, limit, window, encoding="utf-8", lines=False):
    """Read the text at a path: its vocabulary of at most limit words, and its pairs.

    `encoding` and `lines` are those of `read_sentences`.

    Raises
    ------
    InputError : the text has no two words that can be a pair
    """
    sentences = list(read_sentences(path, encoding, lines))
    words, word2ind, freqs = utils.extractDictionary(sentences, limit)
    pairs = utils.extractWordContextPairs(sentences, window, word2ind)
    pairs = np.asarray(pairs, dtype=np.int32)
    if len(set(words) - {START, END}) < 2 or not len(pairs):
        raise InputError(f"{path}: no two different words near each other; take a longer text or "
                         "a larger --vocabulary")
    tokens = sum(map(len, sentences)) - 2 * len(sentences)      # without START and END
    return Corpus(name, tokens, words, word2ind, freqs, pairs)


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
    InputError : words are not in word2ind, or are fewer than two
    """
    groups = {}
    for line in read_text(path, encoding).split("\n"):
        label, _, names = line.partition("#")[0].rpartition(":")
        words = [find_in_vocabulary(name, word2ind) for name in names.split()]
        groups.setdefault(label.strip(), []).extend(words)

    listed = list(chain.from_iterable(groups.values()))
    unknown = [word for word in listed if word not in word2ind]
    if unknown:
        shown = " ".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise InputError(f"{path}: not in the vocabulary: {shown}; take them out, or take more "
                         "text or a larger --vocabulary")
    if len(listed) < 2:
        raise InputError(f"{path}: fewer than two words; a picture needs at least two")
    return {label: words for label, words in groups.items() if words}
