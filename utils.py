"""The vocabulary and the pairs of words, as the course's utils makes them; progress; messages.

And renaming, for which Windows needs patience.
"""

import os
import sys
import time
from array import array
from collections import Counter
from contextlib import suppress
from itertools import chain, repeat

import numpy as np

OUTSIDE, GAP = -1, -2       # in encoded text: a word outside the vocabulary; between two sentences


class InputError(Exception):
    """A mistake of the user's: the message says what, where and what to do."""


def extractDictionary(corpus, limit=20000):
    """Find the words of a corpus, the most frequent first, equally frequent ones as they occur.

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

    Both must be in word2ind; words that are not count as distance. Returns an N×2 int32 array.
    """
    ids = encode_corpus(corpus, windowSize, word2ind)
    return pairs_within(ids, windowSize)


def encode_corpus(corpus, windowSize, word2ind):
    """Write a corpus as one int32 array of word indices, or OUTSIDE.

    After each sentence comes GAP so often that no window reaches from one into the next.
    """
    ids = array("i")
    gap = array("i", [GAP] * windowSize)
    for sentence in corpus:
        ids.extend(map(word2ind.get, sentence, repeat(OUTSIDE)))
        ids.extend(gap)
    return np.array(ids, dtype=np.int32)


def pairs_within(ids, windowSize, reach=None):
    """Find all pairs (w, c) of word indices at most windowSize places apart.

    Parameters
    ----------
    ids : encoded text, as from `encode_corpus`
    windowSize : how far apart the two may be
    reach : for each place a window of its own, 1 to windowSize, of the word w that stands there

    Returns
    -------
    N×2 int32 array
    """
    masks = []                      # with the distance, and whether w is the later of the two
    for distance in range(1, windowSize + 1):
        both = (ids[:-distance] >= 0) & (ids[distance:] >= 0)
        for w_is_later in False, True:
            mask = both
            if reach is not None:
                of_w = reach[distance:] if w_is_later else reach[:-distance]
                mask = both & (of_w >= distance)
            masks.append((distance, w_is_later, mask))

    # The array is made at once, in its size, since there may be room for it only once.
    pairs = np.empty((sum(np.count_nonzero(mask) for _, _, mask in masks), 2), dtype=np.int32)
    start = 0
    for distance, w_is_later, mask in masks:
        earlier, later = ids[:-distance][mask], ids[distance:][mask]
        part = pairs[start:start + len(earlier)]
        part[:, 0] = later if w_is_later else earlier
        part[:, 1] = earlier if w_is_later else later
        start += len(earlier)
    return pairs


WIDTH = 79          # of a line that covers what a live line has left behind


def tell(message):
    """Write a line to stderr, over the live line if there is one."""
    if sys.stderr.isatty():
        message = f"\r{message:{WIDTH}}"
    with suppress(OSError):             # nobody reads it: that is no reason to end
        print(message, file=sys.stderr, flush=True)


PATIENCE = 2        # seconds


def rename_patiently(source, target):
    """Rename a file or folder, if need be after a while.

    Windows refuses it as long as any program has the file open, or one in the folder; so has a
    virus scanner for a moment what was just written.
    """
    begun = time.monotonic()
    while True:
        try:
            os.rename(source, target)
            return
        except PermissionError:
            if time.monotonic() - begun > PATIENCE:
                raise
        time.sleep(0.05)


class Progress:
    """Shows how far training is: one live line on a terminal, else a line of its own now and then.

    Parameters
    ----------
    total : how many pairs are to be learned from
    done : how many were before, in a run that goes on
    stream : where to write; sys.stderr by default
    clock : a function that returns seconds
    """

    def __init__(self, total, done=0, stream=None, clock=time.monotonic):
        self.total = total
        self.before = done
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.clock = clock
        self.start = clock()
        self.shown_at, self.share_shown = self.start, 0.
        self.batches, self.mean_loss = 0, 0.

    def update(self, done, loss):
        """Take note of a batch, after which so many pairs are done, and show it if it is time."""
        self.batches += 1
        # The mean of all batches at first, then of about the last hundred.
        self.mean_loss += (loss - self.mean_loss) * max(0.01, 1 / self.batches)
        if done == self.total or self._is_time_to_show(done):
            self.shown_at, self.share_shown = self.clock(), done / self.total
            self._show(done)

    def _is_time_to_show(self, done):
        seconds = self.clock() - self.shown_at
        if self.live:
            return seconds >= 0.2
        return seconds >= 60 or done / self.total - self.share_shown >= 0.1

    def _show(self, done):
        rate = max(done - self.before, 1) / max(self.shown_at - self.start, 1e-9)
        minutes, seconds = divmod(round((self.total - done) / rate), 60)
        line = (f"{done / self.total:4.0%}  {rate:,.0f} pairs/s  {minutes}:{seconds:02d} left  "
                f"loss {self.mean_loss:.3f}")
        with suppress(OSError):
            self._print(line, done)

    def _print(self, line, done):
        if self.live:       # the spaces clear what was there, in any console
            end = "\n" if done == self.total else "\r"
            print(f"{line:{WIDTH}}", end=end, file=self.stream, flush=True)
        else:
            print(line, file=self.stream, flush=True)
