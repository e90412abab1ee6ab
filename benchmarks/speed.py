"""Pairs a second: the assignment's own loop, cumulative, this project and gensim, in turn, in one process."""

import random
import time

from common import CPUS, grads, machine, np, problem, sampling, utils, w2v_sgd, zipf_sentences  # sets BLAS threads

ROUNDS = 7


def naive(pairs, U, V, W, sequence, q_noise, n=5, S=1000):
    """A loop as the assignment's is: a context function call for each pair, stacked rows, np.subtract.at."""
    def contextFunction(c):
        context = [c]
        while len(context) <= n:
            word = random.choice(sequence)
            if word != c:
                context.append(word)
        return context

    U, V, W = U.copy(), V.copy(), W.copy()
    order = np.random.permutation(len(pairs))
    for first in range(0, len(order), S):
        batch = []
        for i in order[first:first + S]:
            w, c = pairs[i]
            batch.append((w, contextFunction(c)))
        u_w = np.stack([U[w] for w, _ in batch])
        Vt = np.stack([V[context] for _, context in batch])
        q = np.stack([q_noise[context] for _, context in batch])
        _, du_w, dVt, dW = grads.lossAndGradientBatched(u_w, Vt, W, q)
        np.subtract.at(U, [w for w, _ in batch], du_w)
        np.subtract.at(V, [context for _, context in batch], dVt)
        W -= dW


def main():
    import gensim  # after common: it loads BLAS

    sentences = list(zipf_sentences(400_000, types=19_999))
    settings, freqs = problem(sentences), utils.extractDictionary(sentences)[2]
    pairs = settings["data"]
    some = np.random.default_rng(1).permutation(pairs)[:20_000]
    cumulative = {**settings, "data": some, "lossAndGradientFunction": grads.lossAndGradientCumulative}
    start = [settings[name].astype(float) for name in ("U0", "V0", "W0")]
    as_assigned = ([tuple(pair) for pair in some.tolist()], *start,
                   sampling.createSamplingSequence(freqs).tolist(), settings["q_noise"])

    def gensim_epoch(threads):
        model = gensim.models.Word2Vec(vector_size=50, window=3, negative=5, sg=1, sample=0, min_count=1,
                                       workers=threads, shrink_windows=False)
        model.build_vocab(sentences)
        return lambda: model.train(sentences, total_examples=len(sentences), epochs=1)

    sgd, all_threads = w2v_sgd.stochasticGradientDescend, f"{CPUS} threads"
    contestants = {"naive loop": (some, lambda: naive(*as_assigned)),
                   "cumulative": (some, lambda: sgd(**cumulative)),
                   "this, 1 thread": (pairs, lambda: sgd(**settings)),
                   f"this, {all_threads}": (pairs, lambda: sgd(**settings, threads=CPUS)),
                   "gensim, 1 thread": (pairs, gensim_epoch(1)),
                   f"gensim, {all_threads}": (pairs, gensim_epoch(CPUS))}
    rates = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, (data, work) in contestants.items():
            begun = time.perf_counter()
            work()
            rates[name].append(len(data) / (time.perf_counter() - begun))
    rates = {name: np.array(values) for name, values in rates.items()}

    def ratio(name, other):
        low, middle, high = np.percentile(rates[name] / rates[other], [0, 50, 100])
        return f"{middle:.2f} ({low:.2f}–{high:.2f})"

    print(f"{machine()}, gensim {gensim.__version__}\n{ROUNDS} rounds, medians (least–most); {len(pairs):,} pairs\n")
    print("| | beside the naive loop | beside gensim with as many threads | thousand pairs/s |\n|---|---|---|---|")
    for name, values in rates.items():
        rival = f"gensim, {name[6:]}"
        beside = ratio(name, rival) if name.startswith("this") else ""
        print(f"| {name} | {ratio(name, 'naive loop')} | {beside} | {np.median(values) / 1000:,.0f} |")
    print(f"\n{all_threads} beside 1 thread: {ratio(f'this, {all_threads}', 'this, 1 thread')}")


if __name__ == "__main__":
    main()
