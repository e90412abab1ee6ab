"""Pairs a second: a loop as the assignment's, cumulative, this project and gensim, in turn."""

import random

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
from threadpoolctl import threadpool_limits

import grads
import sampling
from utils import extractDictionary
from w2v_sgd import stochasticGradientDescend

ROUNDS = 7
PAIRS_OF_SLOW_ONES = 20_000
GENSIMS = {"gensim, 1 thread": 1, f"gensim, {CPUS} threads": CPUS}     # name -> threads


def main():
    sentences = list(zipf_sentences(400_000, types=19_999))
    arguments = training_arguments(sentences)
    contestants = slow_contestants(sentences, arguments) | fast_contestants(sentences, arguments)
    rates = measure(contestants)

    print(f"{machine()}, gensim {gensim.__version__}")
    print(f"{ROUNDS} rounds, medians (least–most); {len(arguments['data']):,} pairs\n")
    rivals = [f"beside {name}" for name in GENSIMS]
    print_table(["", "beside the naive loop", *rivals, "thousand pairs/s"],
                [row(name, rates) for name in rates])


def slow_contestants(sentences, arguments):
    """Return, by name, from how many pairs a contestant learns, and the function that does it."""
    pairs = np.random.default_rng(1).permutation(arguments["data"])[:PAIRS_OF_SLOW_ONES]
    cumulative = arguments | {"data": pairs,
                              "lossAndGradientFunction": grads.lossAndGradientCumulative}

    # The naive loop gets what the course's run.py makes: tuples, a list, and float64.
    tuples = [tuple(pair) for pair in pairs.tolist()]
    U, V, W = [arguments[name].astype(float) for name in ("U0", "V0", "W0")]
    _, _, freqs = extractDictionary(sentences)
    seq = sampling.createSamplingSequence(freqs).tolist()
    q_noise = arguments["q_noise"]
    return {
        "naive loop": (len(pairs), lambda: naive_loop(tuples, U, V, W, seq, q_noise)),
        "cumulative": (len(pairs), lambda: stochasticGradientDescend(**cumulative)),
    }


def fast_contestants(sentences, arguments):
    """Return what `slow_contestants` does, of those that learn from all pairs."""
    N = len(arguments["data"])
    contestants = {"this": (N, lambda: stochasticGradientDescend(**arguments))}
    for name, threads in GENSIMS.items():
        contestants[name] = N, gensim_epoch(sentences, threads)
    return contestants


def naive_loop(pairs, U, V, W, seq, q_noise):
    """Train as the assignment's loop does: a call for each context, stacked rows, subtract.at."""
    U, V, W = U.copy(), V.copy(), W.copy()
    order = np.random.permutation(len(pairs))
    for first in range(0, len(order), S):
        targets, contexts = [], []
        for i in order[first:first + S]:
            w, c = pairs[i]
            targets.append(w)
            contexts.append(naive_context(c, seq))

        u_w = np.stack([U[w] for w in targets])
        Vt = np.stack([V[context] for context in contexts])
        q = np.stack([q_noise[context] for context in contexts])
        _, du_w, dVt, dW = grads.lossAndGradientBatched(u_w, Vt, W, q)

        np.subtract.at(U, targets, du_w)
        np.subtract.at(V, contexts, dVt)
        W -= dW


def naive_context(c, seq):
    """Draw the negatives of one context word, one by one."""
    context = [c]
    while len(context) <= n:
        word = random.choice(seq)
        if word != c:
            context.append(word)
    return context


def gensim_epoch(sentences, threads):
    """Return a function that trains a model of gensim's for an epoch, its vocabulary ready."""
    model = gensim.models.Word2Vec(**GENSIM_SETTINGS, workers=threads)
    model.build_vocab(sentences)
    return lambda: model.train(sentences, total_examples=len(sentences), epochs=1)


def measure(contestants):
    """Let all contestants train in turn. Returns, by name, the pairs a second of each round."""
    rates = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, (pairs, train) in contestants.items():
            rates[name].append(pairs / seconds_of(train))
    return {name: np.array(values) for name, values in rates.items()}


def row(name, rates):
    """Make a contestant's row of the table; only ours is set beside gensim."""
    beside_gensim = ["" for _ in GENSIMS]
    if name == "this":
        beside_gensim = [ratio(rates[name], rates[rival]) for rival in GENSIMS]
    thousands = np.median(rates[name]) / 1000
    return [name, ratio(rates[name], rates["naive loop"]), *beside_gensim, f"{thousands:,.0f}"]


def ratio(rates, others):
    """Write how many times as fast as others something was in the same rounds."""
    least, middle, most = np.percentile(rates / others, [0, 50, 100])
    return f"{middle:.2f} ({least:.2f}–{most:.2f})"


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):              # as in run.py
        main()
