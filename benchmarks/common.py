"""What the benchmarks share: the project on the path, a text, the training on it, and tables."""

import os
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import matplotlib
import numpy as np
import scipy

import grads
import sampling
from beyond.settings import ASSIGNMENT, linear_decay
from beyond.starts import unigram_start
from utils import extractDictionary, extractWordContextPairs

ROOT = Path(__file__).resolve().parent.parent
CPUS = os.cpu_count()

M = ASSIGNMENT["dim"]
n = ASSIGNMENT["negatives"]
S = ASSIGNMENT["batch_size"]
WINDOW = ASSIGNMENT["window"]

# With these settings gensim learns from the same pairs as we do: its windows are not smaller at
# random, and it leaves out no frequent words.
GENSIM_SETTINGS = {
    "vector_size": M,
    "window": WINDOW,
    "negative": n,
    "sg": 1,
    "min_count": 1,
    "sample": 0,
    "shrink_windows": False,
}


def zipf_sentences(tokens, types=50000, length=38, seed=0):
    """Yield sentences of `length` tokens, random words and then a full stop.

    The k-th word has a share of about 1/k of the text, as Zipf's law has it.
    """
    rng = np.random.default_rng(seed)
    names = np.array([f"w{rank}" for rank in range(types)])
    cumulative_shares = np.cumsum(1 / np.arange(1, types + 1))
    cumulative_shares /= cumulative_shares[-1]
    for _ in range(tokens // length):
        ranks = np.searchsorted(cumulative_shares, rng.random(length - 1))
        yield [*names[ranks], "."]


def training_arguments(sentences, M=M, n=n, S=S, seed=0):
    """Make the arguments of stochasticGradientDescend as run.py does, by name."""
    _, word2ind, freqs = extractDictionary(sentences)
    pairs = extractWordContextPairs(sentences, WINDOW, word2ind)
    seq = sampling.createSamplingSequence(freqs)
    start = unigram_start(freqs, M, S, n, np.random.default_rng(seed))
    U0, V0, W0 = [X.astype(np.float32) for X in start]
    rng = np.random.default_rng(seed)
    return {
        "data": pairs,
        "U0": U0,
        "V0": V0,
        "W0": W0,
        "contextFunction": lambda words: sampling.sampleContext(words, seq, n, rng),
        "lossAndGradientFunction": grads.lossAndGradientBatched,
        "q_noise": sampling.noiseDistribution(freqs, n),
        "batchSize": S,
        "alpha": linear_decay(1.),
        "printInterval": None,
        "rng": seed,
        "many_at_once": True,
    }


def seconds_of(work):
    """Measure how long one call of a function takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def median_seconds(work, rounds):
    """Return the median time of several calls of a function."""
    return np.median([seconds_of(work) for _ in range(rounds)])


def print_table(columns, rows):
    """Print a Markdown table of strings."""
    print_row(columns)
    print("|---" * len(columns) + "|")
    for row in rows:
        print_row(row)


def print_row(cells):
    """Print a row of a Markdown table."""
    padded = [f" {cell} " if cell else " " for cell in cells]
    print("|" + "|".join(padded) + "|")


def machine():
    """Describe the machine and the versions of what computes on it."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return (f"{CPUS} cores {platform.machine()}, Python {platform.python_version()}, "
            f"NumPy {np.__version__} ({blas['name']} {blas['version']}, 1 thread), "
            f"SciPy {scipy.__version__}, matplotlib {matplotlib.__version__}")
