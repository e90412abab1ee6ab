"""Are these embeddings as good as gensim's in the same time? python benchmarks/quality.py --corpus PATH

On one text, with the same M, n, window and vocabulary: agreement with people's judgements of similarity, the NCE loss
on sentences kept out, the normalisers, and neighbours.
"""

import argparse
import time
from pathlib import Path

from common import CPUS, grads, machine, np, run, sampling, utils, w2v_sgd  # sets BLAS threads
from scipy.stats import spearmanr

from corpus import reading

M, n, WINDOW, LIMIT, SEEDS = 50, 5, 3, 20000, range(3)
LISTS = {"SimLex-999": "simlex999.txt", "WordSim-353": "wordsim353.tsv"}        # they come with gensim
WORDS = ("war peace money army ships law citizens agriculture railroads president congress tax labor treaty "
         "education water mexico december three great").split()
DEFAULTS = {"init": "unigram", "epochs": 1, "alpha": 1.0, "batch_size": 1000, "subsample": None,
            "dynamic_window": False}
COMPARED = {"this": {}, "this, --epochs 3": {"epochs": 3}, "this, --init spectral": {"init": "spectral"},
            "this, --preset best": run.PRESETS["best"],
            "this, --preset best --epochs 9": run.PRESETS["best"] | {"epochs": 9}}
OURS = COMPARED | {"this, --init uniform": {"init": "uniform"},
                   "the start of --init spectral": {"init": "spectral", "epochs": 0}}
GENSIM_EPOCHS = 1, 5, 15


def read_text(path):
    """The sentences to train on, words, word2ind, freqs, and the pairs of every hundredth sentence, kept out."""
    sentences = list(reading.read_sentences(path))
    kept_out = sentences[50::100]
    del sentences[50::100]
    words, word2ind, freqs = reading.extractDictionary(sentences, LIMIT)
    return sentences, words, word2ind, freqs, reading.extractWordContextPairs(kept_out, WINDOW, word2ind)


def judgements(file, word2ind):
    """The indices of the two words, and the judgement, of those pairs in a list whose words are both known."""
    with open(file, encoding="utf-8") as lines:
        rows = [line.lower().split("\t")[:3] for line in lines if not line.startswith("#")]
    known = [(word2ind[a], word2ind[b], float(score)) for a, b, score in rows if a in word2ind and b in word2ind]
    a, b, score = zip(*known)
    return np.array(a), np.array(b), np.array(score)


def agreement(E, known):
    """Spearman's ρ of the cosines of rows of E and the judgements."""
    a, b, score = known
    E = E / np.maximum(np.linalg.norm(E, axis=1, keepdims=True), 1e-9)
    return spearmanr(np.sum(E[a] * E[b], axis=1), score).statistic


def batches(pairs, seq):
    """Target words and contexts, negatives included, of pairs; the same ones each time."""
    rng = np.random.default_rng(0)
    for w, c in (part.T for part in np.array_split(pairs, len(pairs) // 1000 + 1)):
        yield w, sampling.sampleContext(c, seq, n, rng)


def held_out_loss(U, V, W, pairs, seq, q_noise):
    q = q_noise.astype(np.float32)
    return sum(len(w) * grads.lossAndGradientBatched(U[w], V[context], W, q[context])[0]
               for w, context in batches(pairs, seq)) / len(pairs)


def unigram_loss(contexts, pairs, seq, q_noise):
    """The loss on pairs of the model that ignores w and is best on the contexts of the training text.

    run.unigram_floor of the pairs themselves would be lower, as of a model that has seen what was kept out.
    """
    p = np.bincount(contexts, minlength=q_noise.size).clip(0.5) / contexts.size
    q = np.exp(q_noise) / n
    drawn = p / (1 - q)
    x = np.log(p / (n * q * (drawn.sum() - drawn)))         # score - q_c
    sign = np.array([-1] + n * [1])
    return sum(np.sum(np.logaddexp(0, sign * x[context])) for _, context in batches(pairs, seq)) / len(pairs)


def train_ours(settings, sentences, word2ind, freqs, seq, q_noise, seed):
    """Seconds from sentences in memory to embeddings, and U, V, W; as run.py does it."""
    settings = DEFAULTS | settings
    begun = time.perf_counter()
    start_rng, text_rng, rng = np.random.default_rng(seed).spawn(3)
    ids = reading.encode_corpus(sentences, WINDOW, word2ind)
    pairs = reading.make_pairs(ids, freqs, WINDOW, settings["subsample"], settings["dynamic_window"], text_rng)
    start = run.STARTS[settings["init"]](freqs, M, settings["batch_size"], n, start_rng, settings["alpha"], pairs)
    try:
        U, V, W = w2v_sgd.stochasticGradientDescend(
            pairs, *(X.astype(np.float32) for X in start), sampling.batch_sampler(seq, n), grads.lossAndGradientBatched,
            q_noise, settings["batch_size"], settings["epochs"], run.linear_decay(settings["alpha"]), rng, CPUS)
    except w2v_sgd.Diverged as error:
        U, V, W = error.learned
    return time.perf_counter() - begun, U, V, W


def train_gensim(sentences, words, freqs, epochs, seed):
    """Seconds from sentences in memory to embeddings, and gensim's two, in the order of words."""
    from gensim.models import Word2Vec
    begun = time.perf_counter()
    model = Word2Vec(vector_size=M, window=WINDOW, negative=n, sg=1, sample=0, min_count=1, shrink_windows=False,
                     workers=CPUS, seed=seed)
    model.build_vocab_from_freq(dict(zip(words, freqs)), corpus_count=len(sentences))
    model.train(sentences, total_examples=len(sentences), epochs=epochs)
    order = [model.wv.key_to_index[word] for word in words]
    return time.perf_counter() - begun, model.wv.vectors[order], model.syn1neg[order]


def whitened(E, weights):
    """E with the mean 0 and the covariance I over the words of the text, which none of its directions then rules."""
    E = E - weights @ E
    squares, axes = np.linalg.eigh((E.T * weights) @ E)
    return E @ (axes / np.sqrt(np.maximum(squares, 1e-9 * squares.max())))


def judge(similar, other, weights, known):
    """Agreement with each list of an embedding, of both of a word side by side, and of the first whitened."""
    embeddings = similar, np.hstack([similar, other]), whitened(similar.astype(float), weights)
    return [agreement(E, pairs) for pairs in known.values() for E in embeddings]


def shown(values):
    """mean ± spread over the seeds."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, type=Path, help="a UTF-8 text file or a folder of .txt files")
    path = parser.parse_args().corpus
    import gensim  # after common: it loads BLAS

    sentences, words, word2ind, freqs, held_out = read_text(path)
    lists = Path(gensim.__file__).parent / "test" / "test_data"
    known = {name: judgements(lists / file, word2ind) for name, file in LISTS.items()}
    seq, q_noise = sampling.createSamplingSequence(freqs), sampling.noiseDistribution(freqs, n)
    contexts = reading.extractWordContextPairs(sentences, WINDOW, word2ind)[:, 1]
    floor = unigram_loss(contexts, held_out, seq, q_noise)
    weights = np.array(freqs) / np.sum(freqs)

    rows, neighbours = {}, {}
    for seed in SEEDS:
        for name, settings in OURS.items():
            seconds, U, V, W = train_ours(settings, sentences, word2ind, freqs, seq, q_noise, seed)
            Z = run.log_normalisers(U, V, W)
            mean = weights @ Z
            loss = held_out_loss(U, V, W, held_out, seq, q_noise)
            rows.setdefault(name, []).append([seconds, *judge(V @ W, U, weights, known), floor - loss, mean,
                                              np.sqrt(weights @ (Z - mean) ** 2)])
            neighbours.setdefault(name, V @ W)
        for epochs in GENSIM_EPOCHS:
            name = f"gensim, {epochs} epoch{'s' * (epochs > 1)}"
            seconds, wv, syn1neg = train_gensim(sentences, words, freqs, epochs, seed)
            rows.setdefault(name, []).append([seconds, *judge(wv, syn1neg, weights, known)])
            neighbours.setdefault(name, wv)

    print(f"{machine()}, gensim {gensim.__version__}\n")
    print(f"{path.resolve().name}: {sum(map(len, sentences)) - 2 * len(sentences):,} tokens, {len(words):,} words, "
          f"{len(contexts):,} pairs; kept out: {len(held_out):,} pairs, on which the unigram model of the training "
          f"text has a loss of {floor:.3f}\nof the pairs of words, both are known of "
          + ", ".join(f"{len(pairs[0])} in {name}" for name, pairs in known.items()) + "\n")
    middle = {name: [np.median(values, axis=0)[0], *np.mean(values, axis=0)[1:]] for name, values in rows.items()}
    names = sorted(middle, key=middle.get)                  # by seconds
    columns = [f"{name}{which}" for name in LISTS for which in ("", ", both", ", whitened")]
    print(f"| | seconds | {' | '.join(columns)} |\n|---|---{'|---' * len(columns)}|")
    for name in names:
        seconds, *others = zip(*rows[name])
        print(f"| {name} | {middle[name][0]:.1f} ({min(seconds):.1f}–{max(seconds):.1f}) | "
              f"{' | '.join(map(shown, others[:len(columns)]))} |")
    print(f"\nBeside gensim in the same time\n\n| | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|")
    rivals = np.array([middle[name] for name in names if name.startswith("gensim")])
    for name in names:
        if name in COMPARED:
            seconds, *ours = middle[name][:len(columns) + 1]
            theirs = [np.interp(np.log(seconds), np.log(rivals[:, 0]), column) for column in rivals.T[1:]]
            print(f"| {name} | {' | '.join(f'{us / them:.2f} ×' for us, them in zip(ours, theirs))} |")
    print("\n| | loss below the unigram model's | mean of log Σ exp(score) | its spread |\n|---|---|---|---|")
    for name in filter(OURS.__contains__, names):
        print(f"| {name} | {' | '.join(map(shown, list(zip(*rows[name]))[-3:]))} |")
    chosen = "this", "this, --preset best", f"gensim, {GENSIM_EPOCHS[1]} epochs"
    print(f"\n| nearest to | {' | '.join(chosen)} |\n|---{'|---' * len(chosen)}|")
    for word in filter(word2ind.__contains__, WORDS):
        found = [utils.nearest(neighbours[name], word2ind[word], 5)[0] for name in chosen]
        print(f"| {word} | {' | '.join(' '.join(utils.shown(words[i]) for i in near) for near in found)} |")


if __name__ == "__main__":
    main()
