"""Train word2vec embeddings on a corpus: python run.py --help"""

import argparse
import difflib
import hashlib
import inspect
import io
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

# One thread is as fast on matrices this small, and other programs on the machine do not slow it down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import sparse
from scipy.special import entr, logsumexp

import grads
import sampling
import utils
import w2v_sgd
from corpus import reading
from corpus.reading import InputError

HERE = Path(__file__).resolve().parent


def unigram_start(freqs, M, S, n, rng, alpha=1., pairs=None):
    """U, V, W with v_cᵀ W u_w ≈ log p(c) for all w, so that a run starts as the unigram model; the rest is noise.

    Why W is not near 1: the mean over a batch divides a pair's gradient by S, so a rare word would hardly move. With
    W = k·I and ũ = √k·u, ṽ = √k·v the scores are ṽᵀũ, and a step moves ũ by α·k/S times the pair's own gradient: 0.06
    for k = 60, α = 1 and S = 1000. The most frequent word is in a share p_max of the pairs of every batch, whatever S
    is, and with many negatives an overshoot is steep; so k is smaller where p_max or n is large. For α = 0.5 it is
    twice as large, which gives the words more weight beside their frequencies in V·W; for a smaller α no larger, for
    smaller steps.
    log p(c) has a coordinate of its own, in which the pairs push U, V and W all the same way; it is shared out so that
    the steps of none of the three overshoot. The constants are measured: half of 60 learns less, twice 60 may
    diverge.
    """
    p = np.asarray(freqs) / np.sum(freqs)
    size = np.sqrt(np.sum(p * np.log(p) ** 2))
    w = 1.3 * np.cbrt(size / p.max())
    u = 1.15 * np.sqrt(size / w)
    k = min(60, 0.12 * S, 0.3 / p.max() ** 2) * min(1, 5 / n) / max(alpha, 0.5)
    U, V = rng.uniform(-0.1, 0.1, size=(2, p.size, M)) / np.sqrt(M)
    U[:, 0], V[:, 0] = u, np.log(p) / (u * w)
    return U, V, np.diag([w] + [k] * (M - 1))


def spectral_start(freqs, M, S, n, rng, alpha, pairs):
    """The unigram start, with the best M-1 factors of what it lacks in its other coordinates.

    The scores at which noise contrastive estimation would end are log p(c|w) = log p(c) + PMI(w, c). The pointwise
    mutual information of pairs that never occur is -∞, so its positive part is factored (Levy and Goldberg, Neural word
    embedding as implicit matrix factorization, 2014). All pairs are counted, so that a run's loss is no longer that of
    pairs not seen before.
    """
    from sklearn.utils.extmath import randomized_svd  # here, since it is slow to import
    U, V, W = unigram_start(freqs, M, S, n, rng, alpha)
    counts = sum(sparse.coo_array((np.ones(len(part), np.int32), tuple(part.T)), shape=(len(U), len(U))).tocsr()
                 for part in np.array_split(pairs, len(pairs) // 10 ** 7 + 1)).tocoo()          # in parts: less memory
    w, c = counts.row, counts.col
    pmi = np.log(counts.data * (len(pairs) / counts.sum(axis=1)[w] / counts.sum(axis=0)[c]))
    positive = sparse.csr_array((pmi.clip(0).astype(np.float32), (w, c)), shape=counts.shape)
    if M > 1:
        X, s, Y = randomized_svd(positive, M - 1, random_state=int(rng.integers(2 ** 31)))      # X diag(s) Y ≈ PMI
        size = np.sqrt(s / W[1, 1])
        U[:, 1:len(s) + 1] = size * X
        V[:, 1:len(s) + 1] = size * Y.T
    return U, V, W


def uniform_start(freqs, M, S, n, rng, alpha=1., pairs=None):
    """The course's start: everything uniform between -1/M and 1/M."""
    return [rng.uniform(-1 / M, 1 / M, size=(rows, M)) for rows in (len(freqs), len(freqs), M)]


def linear_decay(alpha):
    """The schedule that lowers the step size from alpha to 0."""
    return lambda done: alpha * (1 - done)


PRESETS = {"assignment": {}, "best": {"epochs": 3, "alpha": 0.5, "init": "spectral"}}
METHODS = {"batched": grads.lossAndGradientBatched, "cumulative": grads.lossAndGradientCumulative}
STARTS = {"unigram": unigram_start, "spectral": spectral_start, "uniform": uniform_start}
SCHEDULES = {"linear": linear_decay, "constant": float}


def unigram_floor(contexts, q_noise, n):
    """The lowest mean loss of a model that ignores w, for context words that occur as often as in contexts.

    Such a model has a score for each c, seen p[c] times a pair as the context word and r[c] times as a negative,
    which is drawn by q from the words other than the context word; its best score is log(p[c] / r[c]).
    """
    p = np.bincount(contexts, minlength=q_noise.size) / contexts.size
    q = np.exp(q_noise) / n
    drawn = p / (1 - q)
    r = n * q * (drawn.sum() - drawn)
    return np.sum(entr(p) + entr(r) - entr(p + r))


def log_normalisers(U, V, W):
    """log Σ_c exp(v_cᵀ W u_w) of every word w: 0 where exp(score) is a probability."""
    return np.concatenate([logsumexp(h @ V.T, axis=1) for h in np.array_split(U @ W.T, len(U) // 256 + 1)])


def learn(options, data, start, seq, q_noise, rng, settings):
    """U, V, W and the learning curve, (pairs done, loss of a batch) for each batch; with checkpoints on the way."""
    sgd, alpha = w2v_sgd.stochasticGradientDescend, SCHEDULES[options.schedule](options.alpha)
    curve, total, n, S = [(0, 0.)], options.epochs * len(data), options.negatives, options.batch_size
    if options.resume:
        if options.resume == Path():                        # a run killed at the wrong moment has only the one before
            found = [options.out / name for name in (utils.CHECKPOINT, utils.PREVIOUS)]
            options.resume = next(filter(Path.exists, found), found[0])
        def whole_batches(done):
            return 0 <= done <= total and (done % len(data)) % S == 0
        start, curve = utils.read_checkpoint(options.resume, settings, start, whole_batches)
    elif (options.out / utils.CHECKPOINT).exists():
        print(f"beginning anew; --resume would go on from {options.out / utils.CHECKPOINT}", file=sys.stderr)
    begun = saved = time.monotonic()
    show, signals = utils.progress(curve[-1][0]), []

    def loss_and_gradient(u_w, Vt, W, q):
        J, *gradients = METHODS[options.method](u_w, Vt, W, q)
        if np.isfinite(J):
            curve.append((curve[-1][0] + len(u_w), float(np.sum(J))))
            show(curve[-1][0], total, curve[-1][1])
        return J, *gradients

    def keep(parameters):
        try:
            utils.write_checkpoint(options.out, settings, curve, parameters)
        except OSError as error:                            # training goes on: there may be room again later
            print(f"run.py: no checkpoint could be written: {error.strerror}", file=sys.stderr)

    def after_batch(done, J, *parameters):
        nonlocal saved
        if signals or time.monotonic() - saved >= options.checkpoint_every:
            keep(parameters)
            saved = time.monotonic()
        if signals:
            raise KeyboardInterrupt(signals[0])

    extra = {"rng": rng, "threads": options.threads, "done": curve[-1][0], "callback": after_batch}
    ours = set(extra) <= set(inspect.signature(sgd).parameters)
    if not ours:                                            # a student's, as the assignment has it
        if options.resume:
            raise InputError("--resume: this stochasticGradientDescend cannot go on from a checkpoint; train anew")
        extra, alpha = {}, options.alpha
    context_function = (sampling.batch_sampler(seq, n) if ours and hasattr(sampling, "batch_sampler") else
                        lambda c: sampling.sampleContext(c, seq, n))
    try:
        with utils.noted(signals) if ours else nullcontext():
            U, V, W = sgd(data, *start, context_function, loss_and_gradient, q_noise, S, options.epochs, alpha,
                          **extra)
            if ours:
                keep((U, V, W))
    except getattr(w2v_sgd, "Diverged", ()) as error:
        if not all(np.isfinite(X).all() for X in error.learned):
            raise InputError(str(error)) from None
        keep(error.learned)
        raise InputError(f"{error}; what was learned before is in {options.out / utils.CHECKPOINT}") from None
    return U, V, W, np.array(curve), (total - extra.get("done", 0)) / (time.monotonic() - begun)


def train(options):
    """Read, train, write the results into options.out, and report on them."""
    begun = time.monotonic()
    name, path, word_list = reading.find_corpus(options.corpus)
    options.out.mkdir(parents=True, exist_ok=True)
    with utils.only_run(options.out, FILES) as scratch:     # made first: can we write?
        start_rng, choice_rng, rng, text_rng = np.random.default_rng(options.seed).spawn(4)
        words, word2ind, freqs, tokens, data = reading.read_corpus(
            path, options.vocabulary, options.window, options.subsample, options.dynamic_window, text_rng)
        if options.words or word_list:
            groups = reading.read_word_groups(options.words or word_list, word2ind)
        else:
            content = [word for word in words[100:] if 4 < len(word) < 20 and word.isalpha()]
            groups = {"": content[:40] if len(content) > 1 else words[:40]}
        fingerprint = hashlib.sha256("\n".join(words).encode())
        fingerprint.update(data)
        settings = {name: getattr(options, name) for name in DECISIVE} | {
            "corpus": fingerprint.hexdigest(), "numpy": np.__version__}
        if options.pairs:
            data = data[choice_rng.permutation(len(data))[:options.pairs]]
        print(f"{name}: {tokens:,} tokens, {len(words):,} words, {len(data):,} pairs", file=sys.stderr, flush=True)

        seq = sampling.createSamplingSequence(freqs)
        q_noise = np.asarray(sampling.noiseDistribution(freqs, options.negatives))
        start = STARTS[options.init](freqs, options.dim, options.batch_size, options.negatives, start_rng,
                                     options.alpha, data)
        U, V, W, curve, rate = learn(options, data, [X.astype(np.float32) for X in start], seq, q_noise, rng, settings)

        done, J = curve.T
        last = np.flatnonzero(done > 0.95 * done[-1])
        loss = np.average(J[last], weights=np.diff(done)[last - 1])
        seen = options.epochs > 1 or options.init == "spectral"
        E = np.concatenate([V @ W, U], axis=1)
        normaliser = log_normalisers(U, V, W)
        if not (np.isfinite(normaliser).all() and np.isfinite(E).all()):
            raise InputError("the scores overflow: take a smaller --alpha")
        for part, X in ("U", U), ("V", V), ("W", W), ("freqs", freqs):
            np.save(array := io.BytesIO(), X)               # straight into a file it may say nothing of a full disk
            (scratch / f"w2v-{part}.npy").write_bytes(array.getbuffer())
        (scratch / "w2v-words.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
        floor = unigram_floor(data[:, 1], q_noise, options.negatives)
        utils.plot_loss(curve, floor, f"{utils.shown(name)}: loss {loss:.3f}", scratch / "loss.png")
        title = f"{utils.shown(name)}: {tokens:,} tokens, {len(data):,} pairs, loss {loss:.3f}"
        utils.plot_embeddings(E, groups, word2ind, title, scratch / "embeddings.png")
        with utils.noted([]):                               # too late to stop
            utils.move_all(scratch, options.out)
            utils.remove_checkpoints(options.out)

    print(f"""
corpus      {name}: {tokens:,} tokens, {len(words):,} words, {len(data):,} pairs
seconds     {time.monotonic() - begun:.0f} in all; {rate:,.0f} pairs a second in training
loss        {loss:.4f} over the last 5 % of the pairs{", seen before" * seen}
floor       {floor:.4f}, the lowest loss of a model that ignores the target word{"" if loss < floor - 0.05 else
            "; hardly more than that was learned: take more text, more --epochs or a smaller --alpha"}
normalised  log Σ_c exp(v_cᵀ W u_w) = {normaliser.mean():+.3f} ± {normaliser.std():.3f} over words w; \
{np.average(normaliser, weights=freqs):+.3f} weighted by frequency
written     {', '.join(FILES)} in {options.out.resolve()}
nearest""")
    examples = [group[0] for group in groups.values()] if len(groups) > 1 else groups.popitem()[1]
    for word in examples[:8]:
        neighbours, _ = utils.nearest(E, word2ind[word], 6)
        print(f"            {utils.shown(word)} → {', '.join(utils.shown(words[i]) for i in neighbours)}")


# What a run's results depend on, besides its corpus.
DECISIVE = ("method", "seed", "dim", "window", "negatives", "vocabulary", "batch_size", "epochs", "alpha", "schedule",
            "init", "pairs", "subsample", "dynamic_window")
HANDED_IN = "embeddings.png", "w2v-U.npy", "w2v-V.npy", "w2v-W.npy"
FILES = *HANDED_IN, "w2v-words.txt", "w2v-freqs.npy", "loss.png"
MODULES = "sampling.py", "grads.py", "w2v_sgd.py"


def submit(options):
    """Check all that is handed in, and pack it as NUMBER.zip: the three modules, the answers to tasks 1 and 2, and the
    results of training."""
    archive, wrong = Path(f"{options.number}.zip"), []
    if not re.fullmatch(r"FN[0-9][0-9A-Z]{3,14}", options.number):
        wrong.append(f"{options.number}: not a faculty number such as FN0MI0600123")
    if archive.exists() and not options.force:
        wrong.append(f"{archive}: exists already; --force packs it anew")
    if ours := not options.answers:
        options.answers = [HERE / "solutions/tasks-1-2.pdf"]
    contents, in_files = utils.read_submission([HERE / name for name in MODULES], options.answers,
                                               [options.results / name for name in HANDED_IN])
    wrong += in_files
    for task in "3456":
        print(f"checking task {task} …", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, HERE / "test.py", task], capture_output=True).returncode:
            wrong.append(f"task {task} fails; see python test.py {task}")
    if wrong:
        raise InputError("\n".join(["nothing was packed:", *wrong]))
    utils.write_archive(contents, archive)
    print(f"{archive}: {', '.join(contents)}" + "; the answers are those of this project, not yours" * ours)


def word_indices(words, word2ind):
    words = [word if word in word2ind else word.lower() for word in words]          # <START> is not lower-cased
    for word in words:
        if word not in word2ind:
            near = sorted(difflib.get_close_matches(word, word2ind, 12), key=word2ind.get)[:4]      # frequent first
            raise InputError(f"{word}: not in the vocabulary" + f"; do you mean {', '.join(near)}?" * bool(near))
    return [word2ind[word] for word in words]


def look_up(options):
    """Print the words nearest to each WORD, or to a sum of words such as a - b + c, by cosine: of [V·W, U], and of U
    less its mean, since all of its rows have about the same first coordinate."""
    U, V, W, words, word2ind, _ = utils.load_results(options.results)
    asked, signs = options.words, options.words[1::2]
    sums = signs and set(signs) <= {"+", "-"}               # a - b + c
    if sums and len(asked) % 2 == 0:
        raise InputError(f"{' '.join(asked)}: a word is missing at the end")
    for query in [asked] if sums else [[word] for word in asked]:
        plus = word_indices(query[:1] + [word for sign, word in zip(query[1::2], query[2::2]) if sign == "+"], word2ind)
        minus = word_indices([word for sign, word in zip(query[1::2], query[2::2]) if sign == "-"], word2ind)
        if sorted(plus) == sorted(minus):
            raise InputError(f"{' '.join(query)}: nothing is left of this")
        columns = [utils.nearest(E, plus, options.count, minus) for E in (np.hstack([V @ W, U]), U - U.mean(axis=0))]
        print(f"{' '.join(query)}\n    {'by [V·W, U]':32}by U, less its mean")
        for row in zip(*(zip(*column) for column in columns)):
            print("    " + "".join(f"{cosine:.3f}  {utils.shown(words[i], 23):25}" for i, cosine in row).rstrip())


def predict(options):
    """Print the most probable context words of each WORD, their p(c|w) by the model, and their share of the corpus."""
    U, V, W, words, word2ind, freqs = utils.load_results(options.results)
    for word, w in zip(options.words, word_indices(options.words, word2ind)):
        scores = (V @ (W @ U[w])).astype(np.float64)
        log_normaliser = logsumexp(scores)
        print(f"{word}: Σ_c exp(score) = {np.exp(log_normaliser):.3f}\n    p(c|w)   p(c)     c")
        for c in np.argsort(-scores, kind="stable")[:options.count]:
            share = "       " if freqs is None else f"{freqs[c] / freqs.sum():.5f}"
            print(f"    {np.exp(scores[c] - log_normaliser):.5f}  {share}  {utils.shown(words[c])}")


def plot(options):
    """Draw words by the first two principal components of [V·W, U]."""
    U, V, W, words, word2ind, _ = utils.load_results(options.results)
    E = np.hstack([V @ W, U])
    chosen = [words[index] for index in dict.fromkeys(word_indices(options.words, word2ind))]
    if options.all:
        chosen = [word for word in words if any(map(str.isalpha, word)) and word not in (reading.START, reading.END)]
    if len(chosen := chosen[:300]) < 2:
        raise InputError("a picture needs two words or more: name them, or take --all")
    rows, groups, title = E[word_indices(chosen, word2ind)], {"": chosen}, f"{len(chosen)} words"
    if options.all:                                         # coloured by similarity; a group is called by its first
        from scipy.cluster.vq import kmeans2
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(rows.dtype).tiny)
        _, members = kmeans2(rows, min(10, len(np.unique(rows, axis=0))), minit="++", seed=0)
        parts = [[word for word, part in zip(chosen, members) if part == number] for number in dict.fromkeys(members)]
        groups = {part[0]: part for part in parts}
        title = f"the {title} used most; similar ones have a colour, named after the first of them"
    with utils.whole_file(options.picture) as file:
        many = len(chosen) > 100
        utils.plot_embeddings(E, groups, word2ind, title, file, (20, 16) if many else (10, 8), ranks=many)
    print(options.picture)


def export(options):
    """Write the embeddings for gensim and others, in word2vec's text (.txt, .vec) or binary format (.bin), or for the
    TensorFlow Embedding Projector (.tsv, and the words in a file beside it)."""
    kind = options.file.suffix.lower()
    if kind not in (".txt", ".vec", ".bin", ".tsv"):
        raise InputError(f"{options.file}: the name must end in .txt, .vec, .bin or .tsv")
    U, V, W, words, _, _ = utils.load_results(options.results)
    E = {"both": np.hstack([V @ W, U]), "U": U, "V": V}[options.embedding].astype("<f4")
    with utils.whole_file(options.file) as file:
        if kind == ".tsv":
            np.savetxt(file, E, fmt="%.9g", delimiter="\t")                 # nine digits tell all float32 apart
        else:
            file.write(f"{E.shape[0]} {E.shape[1]}\n".encode())
            digits = " ".join(["%.9g"] * E.shape[1])
            for word, row in zip(words, E):
                file.write(f"{word} ".encode() + (row.tobytes() if kind == ".bin" else
                                                  (digits % tuple(row.tolist())).encode()) + b"\n")
    written = [options.file]
    if kind == ".tsv":
        written.append(options.file.with_name(f"{options.file.stem}-words.tsv"))
        with utils.whole_file(written[1]) as file:
            file.write("".join(f"{word}\n" for word in words).encode())
    print(*written)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose error message is one line, unless --debug asks for the traceback."""

    def parse_args(self, arguments):
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")
        preset = getattr(super().parse_args(arguments), "preset", "assignment")
        self.set_defaults(**PRESETS[preset])
        return super().parse_args(arguments)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def number_from(least, kind=int, most=10 ** 9):
    """The argparse type of numbers from least to most."""
    def number(text):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}, not {text}")
        return value
    number.__name__ = kind.__name__             # argparse names it: "invalid int value"
    return number


def training_options():
    parser = Parser(prog="run.py", description="Train word2vec embeddings by noise contrastive estimation and write "
                    f"{', '.join(FILES)}.", epilog="Other commands, each with --help: " + ", ".join(COMMANDS))
    add, positive = parser.add_argument, number_from(1)
    add("method", nargs="?", choices=METHODS, default="batched",
        help="compute a batch's gradients by tensor operations (the default) or one by one")
    add("--preset", choices=PRESETS, default="assignment", help="the assignment's numbers, or the best measured: "
        + " ".join(f"--{name.replace('_', '-')} {value}" for name, value in PRESETS["best"].items()))
    add("--corpus", metavar="NAME|PATH", help="a folder of corpus/, or your own UTF-8 text file or folder of .txt "
        "files (journalism_bg if prepared, else pydocs)")
    add("--words", metavar="FILE", type=Path, help="the words to draw (the corpus's words.txt, else frequent words)")
    add("--out", metavar="DIR", type=Path, default=Path(), help="where to write (the current directory)")
    add("--seed", metavar="N", type=number_from(0), default=0, help="the same seed, the same files (%(default)s)")
    add("--dim", metavar="M", type=number_from(1, most=10000), default=50, help="embedding size (%(default)s)")
    add("--window", metavar="N", type=number_from(1, most=100), default=3,
        help="how far apart a pair's words may be (%(default)s)")
    add("--negatives", metavar="N", type=number_from(1, most=1000), default=5, help="negatives per pair (%(default)s)")
    add("--vocabulary", metavar="L", type=positive, default=20000, help="keep the L most frequent words (%(default)s)")
    add("--batch-size", metavar="S", type=positive, default=1000, help="pairs per step (%(default)s)")
    add("--epochs", metavar="N", type=positive, default=1, help="passes over the pairs (%(default)s)")
    add("--alpha", metavar="STEP", type=number_from(0, float), default=1.0, help="step size (%(default)s)")
    add("--schedule", choices=SCHEDULES, default="linear", help="let the step size fall to 0 (linear), or keep it")
    add("--init", choices=STARTS, default="unigram", help="start from the frequencies of words (unigram) or of "
        "pairs, too (spectral), or at random (uniform)")
    add("--threads", metavar="N", type=positive, default=os.cpu_count(),
        help="how many to use; the result does not depend on it (all)")
    add("--subsample", metavar="T", type=number_from(1e-9, float, 1), help="leave out frequent words at random, as "
        "word2vec does: of those with a share f of all about √(T/f) stay (all do)")
    add("--dynamic-window", action="store_true", help="draw each word's own window from 1 to --window")
    add("--pairs", metavar="N", type=positive, help="train on the first N shuffled pairs only (all)")
    add("--checkpoint-every", metavar="SECONDS", type=number_from(0, float), default=60.0,
        help="how often to write w2v-checkpoint.npz into DIR (%(default)s)")
    add("--resume", metavar="FILE", nargs="?", type=Path, const="",
        help="go on from a checkpoint of the same settings (w2v-checkpoint.npz in DIR)")
    return parser


COMMANDS = {"submit": submit, "nearest": look_up, "predict": predict, "plot": plot, "export": export}


def command_options(command):
    parser = Parser(prog=f"run.py {command}", description=COMMANDS[command].__doc__)
    add = parser.add_argument
    add("--results", metavar="DIR", type=Path, default=Path(),
        help="where the results of training are (the current directory)")
    if command == "submit":
        add("number", metavar="NUMBER", help="your faculty number, such as FN0MI0600123")
        add("--answers", metavar="FILE", type=Path, nargs="+", default=[],
            help="the answers to tasks 1 and 2: PDF, PNG or JPEG (solutions/tasks-1-2.pdf)")
        add("--force", action="store_true", help="pack again what has been packed")
    elif command == "export":
        add("file", metavar="FILE", type=Path, help="its ending says the format: .txt, .vec, .bin or .tsv")
        add("--embedding", choices=["both", "U", "V"], default="both", help="[V·W, U] (both), U or V")
    else:
        add("words", metavar="WORD", nargs="*" if command == "plot" else "+")
    if command == "plot":
        add("--all", action="store_true", help="the 300 most frequent words with letters")
        add("--picture", metavar="FILE", type=Path, default=Path("words.png"), help="where to draw (%(default)s)")
    if command in ("nearest", "predict"):
        add("--count", metavar="N", type=number_from(1), default=10, help="how many to show (%(default)s)")
    return parser


def explained(error, options):
    """An error that is the user's or the machine's, in a line."""
    if isinstance(error, MemoryError):
        return "not enough memory: lower --dim, --window, --negatives, --vocabulary or --batch-size"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or getattr(options, 'out', Path())}: {error.strerror}"
    return str(error)


def main():
    def stop(number, frame):
        raise KeyboardInterrupt(number)
    sys.stdout.reconfigure(errors="replace")            # words in a terminal that cannot show them
    command = sys.argv[1] if sys.argv[1:2] and sys.argv[1] in COMMANDS else None
    parser = command_options(command) if command else training_options()
    options = parser.parse_args(sys.argv[1 + bool(command):])
    if command and hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)   # for | head
    try:
        for number in signal.SIGINT, signal.SIGTERM:
            signal.signal(number, stop)                 # so that temporary files go
        COMMANDS.get(command, train)(options)
    except (InputError, OSError, MemoryError, NotImplementedError) as error:        # the last from a handed-out task
        if options.debug:
            raise
        parser.error(explained(error, options))
    except KeyboardInterrupt as stopped:
        kept = not command and (options.out / utils.CHECKPOINT).exists()
        print("run.py: stopped; " + ("--resume goes on" if kept else "nothing was written"), file=sys.stderr)
        sys.exit(128 + stopped.args[0])


if __name__ == "__main__":
    main()
