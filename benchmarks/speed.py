"""Pairs a second: this project, loops as the assignment's, gensim, PyTorch and JAX, in turn."""

import random
from itertools import cycle

import gensim
import numpy as np
from common import (
    CPUS,
    GENSIM_SETTINGS,
    S,
    machine,
    n,
    print_table,
    seconds_of,
    training_arguments,
    zipf_sentences,
)
from peers import BLOCK, Peer, Problem, installed_peers, thread_counts
from same_numbers import check_numbers
from threadpoolctl import threadpool_limits

import grads
import sampling
from utils import extractDictionary
from w2v_sgd import stochasticGradientDescend

ROUNDS = 7
PAIRS_OF_SLOW_ONES = 20_000
PAIRS_OF_PEERS = 20 * BLOCK     # PyTorch's threads are very slow on busy cores


def main():
    sentences = list(zipf_sentences(400_000, types=19_999))
    arguments = training_arguments(sentences)
    _, _, freqs = extractDictionary(sentences)
    seq = sampling.createSamplingSequence(freqs)
    peer_names, versions = installed_peers()
    problem = peers_problem(arguments, seq)
    peers = {with_threads(name, threads): Peer(name, threads, problem)
             for name in peer_names for threads in thread_counts()}
    check_numbers(arguments, naive_loop, peers)

    N = len(arguments["data"])
    drawing = {"this": (N, lambda: stochasticGradientDescend(**arguments))}
    drawing |= slow_contestants(arguments, seq) | gensim_contestants(sentences, N)
    with_ready_made = arguments | {"contextFunction": ready_made_contexts(arguments)}
    ready_made = {"this": (N, lambda: stochasticGradientDescend(**with_ready_made))}
    for name, peer in peers.items():
        drawing[name] = len(problem.pairs), peer.learn_drawing
        ready_made[name] = len(problem.pairs), peer.learn_ready_made
    rates, ready_made_rates = measure(drawing, ready_made)

    print(f"{machine()}, gensim {gensim.__version__}, {', '.join(versions)}")
    print(f"{ROUNDS} rounds, medians (least–most); {N:,} pairs\n")
    print_table(["", "thousand pairs/s", "ours ÷ its",
                 "without drawing negatives: thousand pairs/s", "ours ÷ its"],
                [[name, *cells(name, rates), *cells(name, ready_made_rates)] for name in rates])


def with_threads(name, threads):
    return f"{name}, {threads} thread" + ("s" if threads > 1 else "")


def peers_problem(arguments, seq):
    """Return what the peers learn from: a random part of our pairs."""
    pairs = np.random.default_rng(2).permutation(arguments["data"])[:PAIRS_OF_PEERS]
    q_noise = arguments["q_noise"].astype(np.float32)
    return Problem(pairs, seq, q_noise, *[arguments[name] for name in ("U0", "V0", "W0")])


def slow_contestants(arguments, seq):
    """Return a dict from contestants to their number of pairs, and the function that learns."""
    pairs = np.random.default_rng(1).permutation(arguments["data"])[:PAIRS_OF_SLOW_ONES]
    cumulative = arguments | {"data": pairs,
                              "lossAndGradientFunction": grads.lossAndGradientCumulative}

    # The naive loop gets what the course's run.py makes: tuples, a list, and float64.
    tuples = [tuple(pair) for pair in pairs.tolist()]
    U, V, W = [arguments[name].astype(float) for name in ("U0", "V0", "W0")]
    seq = seq.tolist()
    q_noise = arguments["q_noise"]

    def context_function(c):
        return naive_context(c, seq)

    return {
        "naive loop": (len(pairs), lambda: naive_loop(tuples, U, V, W, context_function, q_noise)),
        "cumulative": (len(pairs), lambda: stochasticGradientDescend(**cumulative)),
    }


def naive_loop(pairs, U, V, W, context_function, q_noise):
    """Train as the assignment's loop does: a call for each context, stacked rows, subtract.at.

    Returns the last batch's J, and U, V, W.
    """
    U, V, W = U.copy(), V.copy(), W.copy()
    order = np.random.permutation(len(pairs))
    for first in range(0, len(order), S):
        targets, contexts = [], []
        for i in order[first:first + S]:
            w, c = pairs[i]
            targets.append(w)
            contexts.append(context_function(c))

        u_w = np.stack([U[w] for w in targets])
        Vt = np.stack([V[context] for context in contexts])
        q = np.stack([q_noise[context] for context in contexts])
        J, du_w, dVt, dW = grads.lossAndGradientBatched(u_w, Vt, W, q)

        np.subtract.at(U, targets, du_w)
        np.subtract.at(V, contexts, dVt)
        W -= dW
    return J, U, V, W


def naive_context(c, seq):
    """Draw the negatives of one context word, one by one."""
    context = [c]
    while len(context) <= n:
        word = random.choice(seq)
        if word != c:
            context.append(word)
    return context


def gensim_contestants(sentences, N):
    """Return the same for gensim, which always draws its own negatives."""
    return {with_threads("gensim", threads): (N, gensim_epoch(sentences, threads))
            for threads in sorted({1, CPUS})}


def gensim_epoch(sentences, threads):
    """Return a function that trains a model of gensim's for an epoch, its vocabulary ready."""
    model = gensim.models.Word2Vec(**GENSIM_SETTINGS, workers=threads)
    model.build_vocab(sentences)
    return lambda: model.train(sentences, total_examples=len(sentences), epochs=1)


def ready_made_contexts(arguments):
    """Return a contextFunction that repeats contexts drawn before, so that drawing takes no time.

    With the same seed, training asks for the contexts of the same pairs in the same order.
    """
    blocks = []

    def draw(words):
        blocks.append(arguments["contextFunction"](words))
        return blocks[-1]

    stochasticGradientDescend(**arguments | {"contextFunction": draw})
    again = cycle(blocks)
    return lambda words: next(again)


def measure(*groups):
    """Let all contestants train in turn.

    Returns for each group a dict from names to the pairs per second of each round.
    """
    rates = [{name: [] for name in contestants} for contestants in groups]
    for _ in range(ROUNDS):
        for contestants, rates_of_group in zip(groups, rates):
            for name, (pairs, train) in contestants.items():
                rates_of_group[name].append(pairs / seconds_of(train))
    return rates


def cells(name, rates):
    """Return a contestant's two cells: its speed, and how many times as fast ours is."""
    if name not in rates:
        return "", ""
    ratios = np.divide(rates["this"], rates[name])
    least, middle, most = np.percentile(ratios, [0, 50, 100])
    beside = "" if name == "this" else f"{middle:.2f} ({least:.2f}–{most:.2f})"
    return f"{np.median(rates[name]) / 1000:,.0f}", beside


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):              # as in run.py
        main()
