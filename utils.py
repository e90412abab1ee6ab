"""The vocabulary and the pairs of words, as the course's utils makes them; messages, progress, and
a renaming of files that tries again when Windows refuses it."""

import os
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import chain, repeat

import numpy as np

OUTSIDE = -1        # in an encoded corpus: a place without a word of the vocabulary


class InputError(Exception):
    """A mistake of the user's: the message says what, where and what to do."""


def extractDictionary(corpus, limit=20000):
    """Find the words of a corpus, the most frequent first.

    Words with equal counts stay in the order of their first occurrence.

    Parameters
    ----------
    corpus : iterable of sentences, each a list of words
    limit : how many words at most; None: all

    Returns
    -------
    words : list of L words
    word2ind : dict from word to index
    freqs : list of L counts
    """
    counts = Counter(chain.from_iterable(corpus)).most_common(limit)
    words = [word for word, _ in counts]
    word2ind = {word: index for index, word in enumerate(words)}
    freqs = [count for _, count in counts]
    return words, word2ind, freqs


def extractWordContextPairs(corpus, windowSize, word2ind):
    """Find all pairs (w, c) of two words of a sentence that are at most windowSize apart.

    Both words must be in word2ind. Other words are skipped, but count in the distance.

    Parameters
    ----------
    corpus : iterable of sentences, each a list of words
    windowSize : how far apart the two words may be
    word2ind : dict from word to index

    Returns
    -------
    N×2 int32 array
    """
    ids = encode_corpus(corpus, windowSize, word2ind)
    is_known = ids != OUTSIDE

    # Word i of the text has word i+distance beside it in a copy that is shifted by distance.
    distances = range(1, windowSize + 1)
    masks = [is_known[:-distance] & is_known[distance:] for distance in distances]

    # Allocate once: concatenating would need the memory twice.
    N = 2 * sum(np.count_nonzero(mask) for mask in masks)
    pairs = np.empty((N, 2), dtype=np.int32)
    end = 0
    for distance, mask in zip(distances, masks):
        earlier, later = ids[:-distance][mask], ids[distance:][mask]
        for w, c in (earlier, later), (later, earlier):
            start, end = end, end + len(w)
            pairs[start:end, 0] = w
            pairs[start:end, 1] = c
    return pairs


def encode_corpus(corpus, windowSize, word2ind):
    """Write a corpus as one int32 array of word indices, with OUTSIDE for other words.

    Each sentence is followed by windowSize times OUTSIDE, so that no window reaches from one
    sentence into the next.
    """
    gap = [None] * windowSize               # None is no word, so it becomes OUTSIDE, too
    words = chain.from_iterable(chain(sentence, gap) for sentence in corpus)
    return np.fromiter(map(word2ind.get, words, repeat(OUTSIDE)), dtype=np.int32)


WIDTH = 79          # of a line that covers what a live line has left behind


def tell(message, end="\n"):
    """Write a line to stderr; on a terminal it overwrites the line of `Progress`."""
    if sys.stderr.isatty():
        message = f"\r{message:{WIDTH}}"
    with suppress(OSError):             # nobody reads it: that is no reason to end
        print(message, end=end, file=sys.stderr, flush=True)


PATIENCE = 2        # seconds


def replace_patiently(source, target):
    """Rename a file or folder, trying again for a while; an existing file of that name is replaced.

    Windows refuses while another program has the file open. A virus scanner, for example, opens new
    files for a moment.
    """
    for _ in range(round(PATIENCE / 0.05)):
        with suppress(PermissionError):
            os.replace(source, target)
            return
        time.sleep(0.05)
    os.replace(source, target)


class Progress:
    """Shows how far training is: one live line on a terminal, else a new line from time to time.

    Parameters
    ----------
    total : how many pairs are to be learned from
    clock : a function that returns seconds
    """

    def __init__(self, total, clock=time.monotonic):
        self.total, self.clock = total, clock
        self.is_live = sys.stderr.isatty()
        self.begun_at, self.done_before = clock(), 0
        self.batches, self.mean_loss = 0, 0.

    def update(self, done, loss):
        """Take note of a batch (`done`: pairs so far), and show it if it is time."""
        self.batches += 1
        # The mean of all batches at first, then of about the last hundred.
        self.mean_loss += (loss - self.mean_loss) * max(0.01, 1 / self.batches)
        if self.batches == 1 and done < self.total:
            # The clock starts here: a run that goes on has drawn its contexts again until now.
            self.begun_at = self.shown_at = self.clock()
            self.done_before = self.done_shown = done
        elif done == self.total or self._is_time_to_show(done):
            self.shown_at, self.done_shown = self.clock(), done
            self._show(done)

    def _is_time_to_show(self, done):
        seconds = self.clock() - self.shown_at
        if self.is_live:
            return seconds >= 0.2
        return seconds >= 60 or done - self.done_shown >= self.total / 10

    def _show(self, done):
        rate = (done - self.done_before) / max(self.shown_at - self.begun_at, 1e-9)
        minutes, seconds = divmod(round((self.total - done) / rate), 60)
        line = (f"{done / self.total:4.0%}  {rate:,.0f} pairs/s  {minutes}:{seconds:02d} left  "
                f"loss {self.mean_loss:.3f}")
        tell(line, end="\r" if self.is_live and done < self.total else "\n")
