"""What the benchmarks share: the project on the path, text drawn from a Zipf law, and a machine's description."""

import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # as in run.py

import matplotlib
import numpy as np
import scipy

import grads
import run
import sampling
import utils
import w2v_sgd  # noqa: F401, for the scripts

ROOT = Path(run.__file__).parent
CPUS = os.cpu_count()


def zipf_sentences(tokens, types=50000, length=38, seed=0):
    """Sentences of `length` tokens, the last one a full stop, the others words whose k-th has a share ~ 1/k."""
    rng = np.random.default_rng(seed)
    names = np.array([f"w{rank}" for rank in range(types)])
    shares = np.cumsum(1 / np.arange(1, types + 1))
    for _ in range(tokens // length):
        yield [*names[np.searchsorted(shares / shares[-1], rng.random(length - 1))], "."]


def problem(sentences, M=50, n=5, S=1000, window=3, seed=0):
    """The arguments of stochasticGradientDescend, as run.py makes them, by name."""
    _, word2ind, freqs = utils.extractDictionary(sentences)
    start = run.unigram_start(freqs, M, S, n, np.random.default_rng(seed))
    seq = sampling.createSamplingSequence(freqs)
    return {"data": utils.extractWordContextPairs(sentences, window, word2ind),
            **{name: X.astype(np.float32) for name, X in zip(("U0", "V0", "W0"), start)},
            "contextFunction": sampling.batch_sampler(seq, n),
            "lossAndGradientFunction": grads.lossAndGradientBatched,
            "q_noise": sampling.noiseDistribution(freqs, n),
            "batchSize": S, "alpha": run.linear_decay(1.), "rng": seed}


def machine():
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return (f"{CPUS} cores {platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__} "
            f"({blas['name']} {blas['version']}, 1 thread), SciPy {scipy.__version__}, "
            f"matplotlib {matplotlib.__version__}")
