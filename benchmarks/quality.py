"""Are these embeddings as good as gensim's in the same time? python benchmarks/quality.py --help

On each of some texts, with the same M, n, window and vocabulary: agreement with people's judgements
of similarity, the NCE loss on sentences kept out, the normalisers, and neighbours.
"""

import argparse
import time
from dataclasses import dataclass
from itertools import chain

import gensim
import numpy as np
from common import CPUS, GENSIM_SETTINGS, WINDOW, M, S, machine, n, print_table
from gensim.test.utils import datapath
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

import grads
import sampling
import w2v_sgd
from beyond.command_line import abbreviated
from beyond.measures import log_normalisers, nearest
from beyond.settings import ASSIGNMENT, PRESETS, linear_decay
from beyond.starts import STARTS
from corpus.reading import open_corpus, read_sentences
from corpus.vocabulary import read_words_to_draw
from utils import InputError, extractDictionary, extractWordContextPairs

SEEDS = range(3)
GENSIM_EPOCHS = 1, 5, 15

# The settings of our runs that differ from the assignment's. The first ones are compared with
# gensim.
BEST = PRESETS["best"]
COMPARED = {
    "this": {},
    "this, --epochs 3": {"epochs": 3},
    "this, --init spectral": {"init": "spectral"},
    "this, --preset best": BEST,
    "this, --preset best --epochs 9": BEST | {"epochs": 9},
}
OURS = COMPARED | {
    "this, --init uniform": {"init": "uniform"},
    "the start of --init spectral": {"init": "spectral", "epochs": 0},
}

# People's judgements of how similar two words are, which come with gensim.
LISTS = {"SimLex-999": "simlex999.txt", "WordSim-353": "wordsim353.tsv"}
LEAST_CORRELATION = 0.05        # of gensim's: how many times less it is says nothing
COLUMNS = [f"{name}{which}" for name in LISTS for which in ("", ", both", ", whitened")]

WORDS = ("war peace money army ships law citizens agriculture railroads president congress tax "
         "labor treaty education water mexico december three great").split()
NEIGHBOURS_OF = ["this", "this, --preset best", f"gensim, {GENSIM_EPOCHS[1]} epochs"]


@dataclass
class Text:
    """A text to train on, and the sentences kept out of it."""

    name: str
    sentences: list
    words: list
    word2ind: dict
    freqs: list
    contexts: np.ndarray        # the context words of the pairs to train on
    held_out: np.ndarray        # N×2, the pairs of the sentences kept out
    seq: np.ndarray
    q_noise: np.ndarray
    looked_up: list             # words whose neighbours are shown

    @property
    def shares(self):
        """Return each word's share of the text."""
        return np.array(self.freqs) / np.sum(self.freqs)


@dataclass
class Outcome:
    """The result of one run."""

    seconds: float
    correlations: list          # one for each of COLUMNS
    embedding: np.ndarray       # L×M, V·W or gensim's wv
    # Only ours: how far the loss is below the unigram model's, mean and spread of log Σ exp(score).
    probabilities: tuple = ()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, nargs="+",
                        help="texts, each reported by itself: names of corpora as in run.py, "
                             "UTF-8 text files or folders of .txt files")
    names = parser.parse_args().corpus
    try:
        sources = [open_corpus(name) for name in names]
        texts = [read_text(source) for source in sources]      # before anything takes long
    except InputError as error:
        parser.error(str(error))

    print(f"{machine()}, gensim {gensim.__version__}")
    for text in texts:
        report(text)


def report(text):
    """Train all models on a text, and print the results."""
    judged = {name: read_judgements(datapath(file), text.word2ind) for name, file in LISTS.items()}
    unigram_loss = held_out_loss_of_unigram_model(text)
    outcomes = run_all(text, judged, unigram_loss)
    by_time = dict(sorted(outcomes.items(), key=lambda item: middle_seconds(item[1])))

    print_text(text, judged, unigram_loss)
    print_correlations(by_time)
    print("\nBeside gensim in the same time\n")
    print_beside_gensim(by_time)
    print()
    print_probabilities(by_time)
    print()
    print_neighbours(outcomes, text)


def read_text(source):
    """Read a text, and keep every hundredth sentence out."""
    sentences = list(read_sentences(source.text))
    kept_out = sentences[50::100]
    del sentences[50::100]

    words, word2ind, freqs = extractDictionary(sentences, ASSIGNMENT["vocabulary"])
    pairs = extractWordContextPairs(sentences, WINDOW, word2ind)
    held_out = extractWordContextPairs(kept_out, WINDOW, word2ind)
    seq = sampling.createSamplingSequence(freqs)
    q_noise = sampling.noiseDistribution(freqs, n)
    looked_up = words_to_look_up(source, word2ind)
    return Text(source.name, sentences, words, word2ind, freqs, pairs[:, 1], held_out, seq, q_noise,
                looked_up)


def words_to_look_up(source, word2ind):
    """Return the words that the corpus wants drawn, or those of WORDS that it has."""
    if source.word_list:
        groups = read_words_to_draw(source.word_list, word2ind)
        return list(chain.from_iterable(groups.values()))
    return [word for word in WORDS if word in word2ind]


def read_judgements(file, word2ind):
    """Read a list of pairs of words, with how similar people say they are.

    Returns three arrays for the pairs whose words are both in word2ind: the indices of the first
    words, those of the second words, and the judgements.
    """
    known = []
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            a, b, judgement = line.lower().split("\t")[:3]
            if a in word2ind and b in word2ind:
                known.append((word2ind[a], word2ind[b], float(judgement)))
    a, b, judgements = np.array(known).reshape(-1, 3).T
    return a.astype(int), b.astype(int), judgements


def run_all(text, judged, unigram_loss):
    """Train all models with each seed. Returns a dict from names to Outcomes, one per seed."""
    outcomes = {}
    for seed in SEEDS:
        for name, changes in OURS.items():
            outcome = run_ours(changes, text, judged, unigram_loss, seed)
            outcomes.setdefault(name, []).append(outcome)
        for epochs in GENSIM_EPOCHS:
            name = "gensim, 1 epoch" if epochs == 1 else f"gensim, {epochs} epochs"
            outcomes.setdefault(name, []).append(run_gensim(epochs, text, judged, seed))
    return outcomes


def run_ours(changes, text, judged, unigram_loss, seed):
    """Train with the assignment's settings and some changes, and measure the result."""
    begun = time.perf_counter()
    U, V, W = train_ours(ASSIGNMENT | changes, text, seed)
    seconds = time.perf_counter() - begun

    correlations = all_correlations(V @ W, U, text.shares, judged)
    gain = unigram_loss - held_out_loss(U, V, W, text)
    normalisers = log_normalisers(U, V, W)
    mean = np.average(normalisers, weights=text.freqs)
    spread = np.sqrt(np.average((normalisers - mean) ** 2, weights=text.freqs))
    return Outcome(seconds, correlations, V @ W, (gain, mean, spread))


def train_ours(settings, text, seed):
    """Train as run.py does, from sentences in memory to U, V and W."""
    start_rng, rng = np.random.default_rng(seed).spawn(2)
    pairs = extractWordContextPairs(text.sentences, WINDOW, text.word2ind)
    make_start = STARTS[settings["init"]].function
    start = make_start(text.freqs, M, settings["batch_size"], n, start_rng, settings["alpha"],
                       pairs)
    U0, V0, W0 = [X.astype(np.float32) for X in start]

    def context_function(words):
        return sampling.sampleContext(words, text.seq, n, rng)

    try:
        return w2v_sgd.stochasticGradientDescend(
            pairs, U0, V0, W0, context_function, grads.lossAndGradientBatched, text.q_noise,
            settings["batch_size"], settings["epochs"], linear_decay(settings["alpha"]),
            printInterval=None, rng=rng, many_at_once=True)
    except w2v_sgd.Diverged as error:
        return error.learned


def run_gensim(epochs, text, judged, seed):
    """Train gensim's model, from sentences in memory to embeddings, and measure the result."""
    begun = time.perf_counter()
    model = gensim.models.Word2Vec(**GENSIM_SETTINGS, workers=CPUS, seed=seed)
    model.build_vocab_from_freq(dict(zip(text.words, text.freqs)),
                                corpus_count=len(text.sentences))
    model.train(text.sentences, total_examples=len(text.sentences), epochs=epochs)
    order = [model.wv.key_to_index[word] for word in text.words]
    wv, syn1neg = model.wv.vectors[order], model.syn1neg[order]
    seconds = time.perf_counter() - begun
    return Outcome(seconds, all_correlations(wv, syn1neg, text.shares, judged), wv)


def all_correlations(embedding, other, shares, judged):
    """Compute the correlations of COLUMNS with people's judgements.

    For each list there are three: of one embedding, of both embeddings side by side, and of the
    first one whitened.
    """
    both = np.hstack([embedding, other])
    white = whitened(embedding.astype(float), shares)
    return [correlation(E, pairs) for pairs in judged.values() for E in (embedding, both, white)]


def correlation(E, pairs):
    """Compute Spearman's ρ of the cosines of rows of E and people's judgements."""
    a, b, judgements = pairs
    if len(a) < 3:
        return np.nan
    lengths = np.linalg.norm(E, axis=1, keepdims=True)
    E = E / np.maximum(lengths, 1e-9)
    cosines = np.sum(E[a] * E[b], axis=1)
    return spearmanr(cosines, judgements).statistic


def whitened(E, shares):
    """Shift, rotate and scale E to the mean 0 and the covariance I over the words of the text.

    Then no direction dominates.
    """
    E = E - shares @ E
    covariance = (E.T * shares) @ E
    variances, axes = np.linalg.eigh(covariance)
    deviations = np.sqrt(np.maximum(variances, 1e-9 * variances.max()))
    return E @ (axes / deviations)


def held_out_loss(U, V, W, text):
    """Compute the mean loss of U, V and W on the pairs kept out."""
    q_noise = text.q_noise.astype(np.float32)
    loss = 0.
    for w, context in held_out_batches(text):
        J, *_ = grads.lossAndGradientBatched(U[w], V[context], W, q_noise[context])
        loss += J * len(w)
    return loss / len(text.held_out)


def held_out_loss_of_unigram_model(text):
    """Compute the mean loss, on the pairs kept out, of the best model that ignores w.

    It is fitted to the training text. `beyond.measures.unigram_floor` of the pairs kept out would
    be lower, since that model has seen them.
    """
    p = np.bincount(text.contexts, minlength=len(text.words)).clip(0.5) / len(text.contexts)
    q = np.exp(text.q_noise) / n
    drawn = p / (1 - q)
    r = n * q * (drawn.sum() - drawn)           # how often a word is a negative, as p the context
    x = np.log(p / r)                           # score - q_c

    sign = np.array([-1] + n * [1])
    loss = 0.
    for _, context in held_out_batches(text):
        loss += np.sum(np.logaddexp(0, sign * x[context]))
    return loss / len(text.held_out)


def held_out_batches(text):
    """Yield w and context of the pairs kept out, with the same negatives each time."""
    rng = np.random.default_rng(0)
    for pairs in np.array_split(text.held_out, len(text.held_out) // S + 1):
        w, c = pairs.T
        yield w, sampling.sampleContext(c, text.seq, n, rng)


def print_text(text, judged, unigram_loss):
    tokens = sum(map(len, text.sentences)) - 2 * len(text.sentences)    # without START and END
    known = ", ".join(f"{len(pairs[0])} in {name}" for name, pairs in judged.items())
    print(f"\n### {text.name}\n")
    print(f"{tokens:,} tokens, {len(text.words):,} words, {len(text.contexts):,} pairs; "
          f"kept out: {len(text.held_out):,} pairs, on which the unigram model of the training "
          f"text has a loss of {unigram_loss:.3f}\n"
          f"pairs of words that are both in the vocabulary: {known}\n")


def print_correlations(outcomes):
    rows = []
    for name, runs in outcomes.items():
        least, most = min(run.seconds for run in runs), max(run.seconds for run in runs)
        seconds = f"{middle_seconds(runs):.1f} ({least:.1f}–{most:.1f})"
        rows.append([name, seconds, *mean_and_spread([run.correlations for run in runs])])
    print_table(["", "seconds", *COLUMNS], rows)


def print_beside_gensim(outcomes):
    """Print by how much our correlations exceed gensim's, interpolated over log seconds.

    outcomes : by name, in the order of seconds
    """
    rivals = [runs for name, runs in outcomes.items() if name.startswith("gensim")]
    rival_seconds = np.log([middle_seconds(runs) for runs in rivals])
    rival_correlations = np.array([mean_correlations(runs) for runs in rivals])
    rows = []
    for name, runs in outcomes.items():
        if name in COMPARED:
            seconds = np.log(middle_seconds(runs))
            theirs = [np.interp(seconds, rival_seconds, column) for column in rival_correlations.T]
            rows.append([name, *map(ratio, mean_correlations(runs), theirs)])
    print_table(["", *COLUMNS], rows)


def ratio(ours, theirs):
    return f"{ours / theirs:.2f} ×" if theirs >= LEAST_CORRELATION else "–"


def print_probabilities(outcomes):
    rows = []
    for name, runs in outcomes.items():
        if name in OURS:
            rows.append([name, *mean_and_spread([run.probabilities for run in runs])])
    print_table(["", "unigram model's loss − loss", "mean of log Σ exp(score)",
                 "its standard deviation over words"],
                rows)


def print_neighbours(outcomes, text):
    """Print the words nearest to some, as the first seed has them."""
    embeddings = [outcomes[name][0].embedding for name in NEIGHBOURS_OF]
    rows = []
    for word in text.looked_up:
        neighbours = [nearest(E, text.word2ind[word], 5)[0] for E in embeddings]
        rows.append([word, *[names_of(indices, text.words) for indices in neighbours]])
    print_table(["nearest to", *NEIGHBOURS_OF], rows)


def names_of(indices, words):
    return " ".join(abbreviated(words[index]) for index in indices)


def middle_seconds(runs):
    return np.median([run.seconds for run in runs])


def mean_correlations(runs):
    return np.mean([run.correlations for run in runs], axis=0)


def mean_and_spread(values):
    """Write mean ± standard deviation over the seeds, for each column of values."""
    return [f"{np.mean(column):.3f} ± {np.std(column, ddof=1):.3f}" for column in zip(*values)]


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):              # as in run.py
        main()
