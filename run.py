"""Train word2vec embeddings on a corpus: python run.py --help"""

import argparse
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import sampling
from beyond import commands, submission  # noqa: F401 - they fill COMMANDS
from beyond.checkpoints import CHECKPOINT, Checkpoints
from beyond.command_line import (
    COMMANDS,
    Parser,
    abbreviated,
    command_parser,
    explained,
    number_from,
    option,
    prepare_output,
)
from beyond.interruptions import deferred_signals, raise_on_signals
from beyond.learning import METHODS, learn
from beyond.measures import log_normalisers, nearest, unigram_floor
from beyond.results import (
    EMBEDDINGS_PICTURE,
    FILES,
    LOSS_PICTURE,
    Results,
    move_all,
    only_run_in,
    write_arrays,
)
from beyond.settings import ASSIGNMENT, PRESETS, SCHEDULES
from beyond.starts import STARTS
from corpus.reading import find_corpus
from corpus.vocabulary import choose_words_to_draw, read_corpus, read_words_to_draw
from utils import InputError


def setting(name, help, **how):
    """Describe an option whose default is the assignment's, or that of a preset."""
    flag = f"--{name.replace('_', '-')}"
    help = help.format(ASSIGNMENT[name])
    return option(flag, dest=name, default=argparse.SUPPRESS, help=help, **how)


BEST = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in PRESETS["best"].items())
COUNT = number_from(1)
OPTIONS = [
    option("method", nargs="?", choices=METHODS, default="batched",
           help="compute a batch's gradients by tensor operations (the default) or one by one"),
    option("--preset", choices=PRESETS, default="assignment",
           help=f"the assignment's numbers, or the best measured: {BEST}"),
    option("--corpus", metavar="NAME|PATH",
           help="a folder of corpus/, or your own UTF-8 text file or folder of .txt files "
                "(journalism_bg if prepared, else pydocs)"),
    option("--words", metavar="FILE", type=Path,
           help="the words to draw (the corpus's words.txt, else frequent words)"),
    option("--out", metavar="DIR", type=Path, default=Path(),
           help="where to write (the current directory)"),
    setting("seed", "the same seed, the same files ({})", metavar="N", type=number_from(0)),
    setting("dim", "embedding size ({})", metavar="M", type=number_from(1, most=10000)),
    setting("window", "how far apart a pair's words may be ({})",
            metavar="N", type=number_from(1, most=100)),
    setting("negatives", "negatives per pair ({})", metavar="N", type=number_from(1, most=1000)),
    setting("vocabulary", "keep the L most frequent words ({})", metavar="L", type=COUNT),
    setting("batch_size", "pairs per step ({})", metavar="S", type=COUNT),
    setting("epochs", "passes over the pairs ({})", metavar="N", type=COUNT),
    setting("alpha", "step size ({})", metavar="STEP", type=number_from(0, float)),
    setting("schedule", "let the step size fall to 0 (linear), or keep it", choices=SCHEDULES),
    setting("init", "start from the frequencies of words (unigram) or of pairs, too (spectral), "
            "or at random (uniform)", choices=STARTS),
    setting("subsample", "leave out frequent words at random, as word2vec does: of those with a "
            "share f of all about √(T/f) stay (all do)", metavar="T",
            type=number_from(1e-9, float, 1)),
    setting("dynamic_window", "draw each word's own window from 1 to --window",
            action="store_true"),
    setting("pairs", "train on the first N shuffled pairs only (all)", metavar="N", type=COUNT),
    option("--checkpoint-every", metavar="SECONDS", type=number_from(0, float), default=60.0,
           help="how often to write w2v-checkpoint.npz into DIR (%(default)s)"),
    option("--resume", metavar="FILE", nargs="?", type=Path, const=True,
           help="go on from a checkpoint of the same settings (w2v-checkpoint.npz in DIR)"),
]


def training_parser():
    return Parser("run.py", OPTIONS,
                  description="Train word2vec embeddings by noise contrastive estimation and write "
                              f"{', '.join(FILES)}.",
                  epilog=f"Other commands, each with --help: {', '.join(COMMANDS)}")


def training_options(arguments):
    """Parse the options: what is given wins over the preset, and that over the assignment."""
    given = vars(training_parser().parse_args(arguments))
    return argparse.Namespace(**ASSIGNMENT | PRESETS[given["preset"]] | given)


def train(options):
    """Read, start, learn, save, report."""
    begun = time.monotonic()
    start_rng, choice_rng, rng, text_rng = np.random.default_rng(options.seed).spawn(4)
    place = find_corpus(options.corpus)
    options.out.mkdir(parents=True, exist_ok=True)

    # One thread of BLAS is as fast on matrices this small, and always adds up in the same order.
    with only_run_in(options.out) as scratch, threadpool_limits(1, "blas"):
        corpus, groups, fingerprint = read(options, *place, text_rng, choice_rng)
        checkpoints = Checkpoints(options.out, settings_of(options, fingerprint),
                                  options.checkpoint_every)
        seq = sampling.createSamplingSequence(corpus.freqs)
        q_noise = np.asarray(sampling.noiseDistribution(corpus.freqs, options.negatives))

        start = make_start(options, corpus, start_rng)
        learned = learn(options, corpus.pairs, start, seq, q_noise, rng, checkpoints)
        results = Results(learned.U, learned.V, learned.W, corpus.words, np.array(corpus.freqs))
        measured = measure(learned, corpus, q_noise, options.negatives)
        save(scratch, results, corpus, groups, learned, measured)

        with deferred_signals():                    # too late to stop
            move_all(scratch, options.out)
            checkpoints.remove()
    report(options, results, corpus, groups, learned, measured, time.monotonic() - begun)


def read(options, name, path, word_list, text_rng, choice_rng):
    """Read the corpus, and which words to draw.

    Returns them and the fingerprint of the whole corpus; of it may then be left the first --pairs.
    """
    corpus = read_corpus(name, path, options.vocabulary, options.window, options.subsample,
                         options.dynamic_window, text_rng)
    if options.words or word_list:
        groups = read_words_to_draw(options.words or word_list, corpus.word2ind)
    else:
        groups = choose_words_to_draw(corpus)
    fingerprint = corpus.fingerprint()
    if options.pairs:
        chosen = choice_rng.permutation(len(corpus.pairs))[:options.pairs]
        corpus.pairs = corpus.pairs[chosen]
    print(corpus, file=sys.stderr, flush=True)
    return corpus, groups, fingerprint


def settings_of(options, fingerprint):
    """Collect what the results depend on, and a checkpoint must agree with."""
    chosen = {name: getattr(options, name) for name in ASSIGNMENT}
    return chosen | {"corpus": fingerprint, "numpy": np.__version__}


def make_start(options, corpus, rng):
    """Make U, V and W as --init says, in float32."""
    start = STARTS[options.init](corpus.freqs, options.dim, options.batch_size, options.negatives,
                                 rng, options.alpha, corpus.pairs)
    return [X.astype(np.float32) for X in start]


@dataclass
class Measured:
    """How good the result is: its loss, the unigram floor, and log Σ_c exp(score) of each word."""

    loss: float
    floor: float
    log_normalisers: np.ndarray


def measure(learned, corpus, q_noise, n):
    """Measure what was learned; InputError if its scores overflow."""
    normalisers = log_normalisers(learned.U, learned.V, learned.W)
    if not (np.isfinite(normalisers).all() and np.isfinite(learned.V @ learned.W).all()):
        raise InputError("the scores overflow: take a smaller --alpha")
    floor = unigram_floor(corpus.pairs[:, 1], q_noise, n)
    return Measured(learned.final_loss(), floor, normalisers)


def save(folder, results, corpus, groups, learned, measured):
    """Write all files into a folder."""
    from beyond.pictures import plot_embeddings, plot_loss  # here: matplotlib is slow to import
    write_arrays(folder, results)
    name, loss = abbreviated(corpus.name), f"loss {measured.loss:.3f}"
    plot_loss(learned.curve, measured.floor, f"{name}: {loss}", folder / LOSS_PICTURE)
    title = f"{name}: {corpus.tokens:,} tokens, {len(corpus.pairs):,} pairs, {loss}"
    plot_embeddings(results.both, groups, corpus.word2ind, title, folder / EMBEDDINGS_PICTURE)


def report(options, results, corpus, groups, learned, measured, seconds):
    """Print how the training went."""
    was_seen = options.epochs > 1 or options.init == "spectral"
    seen = ", seen before" if was_seen else ""
    advice = "" if measured.loss < measured.floor - 0.05 else (
        "; hardly more than that was learned: take more text, more --epochs or a smaller --alpha")
    Z = measured.log_normalisers
    weighted = np.average(Z, weights=corpus.freqs)
    print(f"""
corpus      {corpus}
seconds     {seconds:.0f} in all; {learned.rate:,.0f} pairs a second in training
loss        {measured.loss:.4f} over the last 5 % of the pairs{seen}
floor       {measured.floor:.4f}, the lowest loss of a model that ignores the target word{advice}
normalised  log Σ_c exp(v_cᵀ W u_w) = {Z.mean():+.3f} ± {Z.std():.3f} over words w; \
{weighted:+.3f} weighted by frequency
written     {', '.join(FILES)} in {options.out.resolve()}
nearest""")
    E = results.both
    for word in example_words(groups):
        neighbours, _ = nearest(E, corpus.word2ind[word], 6)
        names = ", ".join(abbreviated(corpus.words[index]) for index in neighbours)
        print(f"            {abbreviated(word)} → {names}")


def example_words(groups):
    """Choose up to eight of the words to draw: the first of each group, or of the only one."""
    if len(groups) > 1:
        return [group[0] for group in groups.values()][:8]
    [group] = groups.values()
    return group[:8]


def main():
    """Do what the command line says: train, or the command that comes first."""
    prepare_output()
    arguments = sys.argv[1:]
    if arguments and arguments[0] in COMMANDS:
        parser = command_parser(arguments[0])
        function, options = COMMANDS[arguments[0]], parser.parse_args(arguments[1:])
        checkpoint = None
        if hasattr(signal, "SIGPIPE"):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)       # end quietly before | head
    else:
        parser = training_parser()
        function, options = train, training_options(arguments)
        checkpoint = options.out / CHECKPOINT

    try:
        raise_on_signals()
        function(options)
    except (InputError, OSError, MemoryError, NotImplementedError) as error:
        if options.debug:
            raise
        parser.error(explained(error, getattr(options, "out", Path())))
    except KeyboardInterrupt as stopped:
        can_go_on = checkpoint and checkpoint.exists()
        what_now = "--resume goes on" if can_go_on else "nothing was written"
        print(f"run.py: stopped; {what_now}", file=sys.stderr)
        sys.exit(128 + stopped.args[0])


if __name__ == "__main__":
    main()
