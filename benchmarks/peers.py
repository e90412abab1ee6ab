"""PyTorch and JAX as peers: each in a process of its own for each number of threads.

Libraries choose their number of threads when they are imported.
"""

import importlib
import os
from contextlib import suppress
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
    """What a peer learns from, in the order of the text, and where it starts."""

    pairs: np.ndarray           # N×2, whole blocks
    seq: np.ndarray
    q_noise: np.ndarray
    U0: np.ndarray
    V0: np.ndarray
    W0: np.ndarray


def installed_peers():
    """Return the names of the installed libraries, and a note on each library."""
    names, notes = [], []
    for name, package in PACKAGES.items():
        if find_spec(package):
            names.append(name)
            notes.append(f"{name} {version(package)}")
        else:
            notes.append(f"{name} skipped, as it is not installed (requirements-peers.txt)")
    return names, notes


def thread_counts():
    """Return the numbers of threads to measure: one, where the system can restrict it, and all."""
    can_restrict = hasattr(os, "sched_setaffinity")         # Linux
    return sorted({1, CPUS}) if can_restrict else [CPUS]


class Peer:
    """A library that learns in a process of its own, which ends with this program.

    It first learns once from all pairs, so that its code is compiled.
    """

    def __init__(self, name, threads, problem):
        spawn = get_context("spawn")
        self.connection, theirs = spawn.Pipe()
        arguments = theirs, MODULES[name], threads, problem
        spawn.Process(target=_serve, args=arguments, daemon=True).start()
        theirs.close()
        self.learn_ready_made()

    def learn_batch(self, *batch):
        return self._call("learn_batch", *batch)

    def learn_drawing(self):
        self._call("learn_drawing")

    def learn_ready_made(self):
        self._call("learn_ready_made")

    def _call(self, method, *arguments):
        self.connection.send((method, arguments))
        return self.connection.recv()


def _serve(connection, module, threads, problem):
    """Run in the peer's process: import the library, and answer calls until the pipe is closed."""
    if threads < CPUS:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
    os.environ["JAX_PLATFORMS"] = "cpu"
    worker = Worker(importlib.import_module(module).Learner(threads), problem)

    with suppress(EOFError):
        while True:
            method, arguments = connection.recv()
            connection.send(getattr(worker, method)(*arguments))


class Worker:
    """What a peer's process can do."""

    def __init__(self, learner, problem):
        self.learner = learner
        self.problem = problem
        self.ready_made = list(_drawn_blocks(problem, learner.INDEX_TYPE))

    def learn_batch(self, U, V, W, q_noise, w, context):
        """Learn from a single batch with a step of 1. Returns J, U, V, W."""
        index_type = self.learner.INDEX_TYPE
        one_step = np.ones(1, np.float32)
        self.learner.start(U, V, W, q_noise)
        J = self.learner.learn(w[None].astype(index_type), context[None].astype(index_type),
                               one_step)
        return float(J), *self.learner.parameters()

    def learn_drawing(self):
        """Learn once from all pairs: shuffle them, and draw their negatives."""
        self._learn(_drawn_blocks(self.problem, self.learner.INDEX_TYPE))

    def learn_ready_made(self):
        """Learn once from all pairs, which are shuffled already and have their negatives."""
        self._learn(self.ready_made)

    def _learn(self, blocks):
        problem = self.problem
        self.learner.start(problem.U0, problem.V0, problem.W0, problem.q_noise)
        for w, context, steps in blocks:
            self.learner.learn(w, context, steps)
        self.learner.parameters()           # waits


def _drawn_blocks(problem, index_type):
    """Yield blocks of B batches in random order: w B×S, context B×S×(n+1), and B step sizes.

    NumPy draws for both libraries: their own generators are slower on these cores.
    """
    rng = np.random.default_rng(0)
    N = len(problem.pairs)
    order = rng.permutation(N)
    for first in range(0, N, BLOCK):
        w, c = problem.pairs.take(order[first:first + BLOCK], axis=0).T
        context = sampling.sampleContext(c, problem.seq, n, rng)
        shares_done = np.arange(first, first + BLOCK, S) / N
        steps = (1 - shares_done).astype(np.float32)
        yield (w.reshape(-1, S).astype(index_type),
               context.reshape(-1, S, n + 1).astype(index_type, copy=False), steps)
