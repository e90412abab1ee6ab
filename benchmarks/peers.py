"""PyTorch and JAX as peers: each in a process of its own for each number of threads.

For libraries decide how many threads they have when they are imported.
"""

import importlib
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context

import numpy as np
from common import CPUS, S, n

import sampling

PACKAGES = {"PyTorch": "torch", "JAX": "jax"}
MODULES = {"PyTorch": "peer_pytorch", "JAX": "peer_jax"}
BATCHES_AT_ONCE = 32                    # their negatives are drawn in one call, as in w2v_sgd.py
BLOCK = BATCHES_AT_ONCE * S


@dataclass
class Problem:
    """What a peer is to learn from, in the order of the text, and where it starts."""

    pairs: np.ndarray           # N×2, whole blocks
    seq: np.ndarray
    q_noise: np.ndarray
    U0: np.ndarray
    V0: np.ndarray
    W0: np.ndarray


def installed_peers():
    """Return the names of the libraries that are there, and what to say of them and the others."""
    names, notes = [], []
    for name, package in PACKAGES.items():
        if find_spec(package):
            names.append(name)
            notes.append(f"{name} {version(package)}")
        else:
            notes.append(f"{name} skipped, as it is not installed (requirements-peers.txt)")
    return names, notes


def thread_counts():
    """Return on how many threads the peers learn: on one, if the system can see to it, and all."""
    can_restrict = hasattr(os, "sched_setaffinity")         # Linux
    return sorted({1, CPUS}) if can_restrict else [CPUS]


class Peer:
    """A library that learns in a process of its own, which lives as long as this program.

    It gets ready here, too: it learns once from all pairs, so that its code is compiled.
    """

    def __init__(self, name, threads, problem):
        self.process = ProcessPoolExecutor(1, get_context("spawn"))
        self.process.submit(_start, MODULES[name], threads, problem).result()

    def learn_batch(self, *batch):
        """Do what the function _learn_batch does, over there."""
        return self.process.submit(_learn_batch, *batch).result()

    def learn_drawing(self):
        """Learn once from all pairs: shuffle them, and draw their negatives."""
        self.process.submit(_learn_drawing).result()

    def learn_ready_made(self):
        """Learn once from all pairs, which are shuffled already and have their negatives."""
        self.process.submit(_learn_ready_made).result()


# What follows is called in the peer's process.

def _start(module, threads, problem):
    """Import the library, and make ready what it learns from."""
    global _learner, _problem, _ready_blocks
    if threads < CPUS:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
    os.environ["JAX_PLATFORMS"] = "cpu"

    _problem = problem
    _learner = importlib.import_module(module).Learner(threads)
    _ready_blocks = list(_drawn_blocks(problem, _learner.INDEX_TYPE))
    _learn_ready_made()


def _learn_batch(U, V, W, q_noise, w, context):
    """Learn from a single batch with a step of 1. Returns J, U, V, W."""
    index_type = _learner.INDEX_TYPE
    one_step = np.ones(1, np.float32)
    _learner.start(U, V, W, q_noise)
    J = _learner.learn(w[None].astype(index_type), context[None].astype(index_type), one_step)
    return float(J), *_learner.parameters()


def _learn_drawing():
    _learn_blocks(_drawn_blocks(_problem, _learner.INDEX_TYPE))


def _learn_ready_made():
    _learn_blocks(_ready_blocks)


def _learn_blocks(blocks):
    _learner.start(_problem.U0, _problem.V0, _problem.W0, _problem.q_noise)
    for w, context, steps in blocks:
        _learner.learn(w, context, steps)
    _learner.parameters()               # waits


def _drawn_blocks(problem, index_type):
    """Yield blocks of B batches in random order: w B×S, context B×S×(n+1), and B step sizes.

    It is NumPy that draws, for both of them: their own generators are slower on these cores.
    """
    rng = np.random.default_rng(0)
    N = len(problem.pairs)
    order = rng.permutation(N)
    for first in range(0, N, BLOCK):
        w, c = problem.pairs.take(order[first:first + BLOCK], axis=0).T
        context = sampling.sample_contexts(c, problem.seq, n, rng)
        shares_done = np.arange(first, first + BLOCK, S) / N
        steps = (1 - shares_done).astype(np.float32)
        yield (w.reshape(-1, S).astype(index_type),
               context.reshape(-1, S, n + 1).astype(index_type, copy=False), steps)
