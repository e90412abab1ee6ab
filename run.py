"""Train word2vec embeddings on a corpus: python run.py --help"""

import argparse
import difflib
import hashlib
import signal
import sys
import time
from pathlib import Path

if sys.version_info < (3, 11):
    print("run.py: this needs Python 3.11 or newer, not", sys.version.split()[0], file=sys.stderr)
    sys.exit(2)

import numpy as np
from threadpoolctl import threadpool_limits

import beyond.map  # noqa: F401 - this and the next fill COMMANDS
from beyond import commands, submission  # noqa: F401
from beyond.checkpoints import CHECKPOINT, Checkpoints
from beyond.command_line import (
    COMMANDS,
    Parser,
    command_parser,
    explained,
    number_from,
    option,
    prepare_output,
    text_encoding,
)
from beyond.interruptions import deferred_signals, raise_on_signals
from beyond.measures import unigram_floor
from beyond.results import (
    FILES,
    FINISHED,
    Results,
    Run,
    load_run,
    locked_scratch,
    move_results,
    results_folder,
    versions,
    write_results,
)
from beyond.settings import ASSIGNMENT, PRESETS, SCHEDULES
from beyond.starts import STARTS
from beyond.submission import MODULES
from corpus.reading import open_corpus
from corpus.vocabulary import choose_words_to_draw, read_corpus, read_words_to_draw
from utils import InputError, tell

HERE = Path(__file__).resolve().parent
METHODS = "batched", "cumulative"


def setting(name, help, **how):
    """Describe an option whose default is the assignment's, or that of a preset."""
    flag = f"--{name.replace('_', '-')}"
    help = help.format(ASSIGNMENT[name])
    return option(flag, dest=name, default=argparse.SUPPRESS, help=help, **how)


def method(name):
    """Be the argparse type of the method, which also tells of commands that are misspelt."""
    if name in COMMANDS:
        raise argparse.ArgumentTypeError(f"put the command first: run.py {name} …")
    if name not in METHODS:
        known = [*METHODS, *COMMANDS]
        similar = difflib.get_close_matches(name, known, 1)
        hint = f"do you mean {similar[0]}?" if similar else f"there are {', '.join(known)}"
        raise argparse.ArgumentTypeError(f"no method or command is called {name}; {hint}")
    return name


BEST = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in PRESETS["best"].items())
COUNT = number_from(1)
OPTIONS = [
    option("method", nargs="?", type=method, metavar="METHOD", default=ASSIGNMENT["method"],
           help="batched or cumulative: "
                "compute a batch's gradients by tensor operations (the default) or one by one"),
    option("--preset", choices=PRESETS, default="assignment",
           help=f"the assignment's numbers, or the best measured: {BEST}"),
    option("--corpus", metavar="NAME|PATH",
           help="a folder of corpus/, or your own text file or folder of .txt files "
                "(journalism_bg if prepared, else pydocs)"),
    option("--encoding", metavar="NAME", type=text_encoding, default="utf-8",
           help="of the text and the words to draw, such as cp1251 (%(default)s)"),
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
    setting("schedule", "let the step size fall to 0: linear, or keep it: constant ({})",
            choices=SCHEDULES),
    setting("init", "start from the frequencies of words: unigram, or of pairs, too: spectral, or "
            "at random: uniform ({})", choices=STARTS),
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
    start_rng, choice_rng, training_rng = np.random.default_rng(options.seed).spawn(3)
    source = open_corpus(options.corpus)

    # One thread of BLAS is as fast on matrices this small, and always adds up in the same order.
    with results_folder(options.out), locked_scratch(options.out) as scratch, \
            threadpool_limits(1, "blas"):
        from beyond.learning import is_ours, learn  # here, since it imports the three modules
        corpus, groups, fingerprint = read(options, source, choice_rng)
        settings = settings_of(options, fingerprint)
        if not is_ours():
            settings["schedule"] = "constant"       # as the assignment has it
        if options.resume and moved_what_was_finished(options.out, settings):
            return
        tell_what_will_be_replaced(options.out)

        checkpoints = Checkpoints(options.out, settings, options.checkpoint_every)
        seq, q_noise = make_noise(corpus, options.negatives)
        start = make_start(options, corpus, start_rng)
        parameters, course = learn(options, corpus, start, seq, q_noise, training_rng, checkpoints)

        from beyond import reporting  # here, since matplotlib is slow to import
        results = Results(*parameters, corpus.words, np.array(corpus.freqs))
        normalisers = reporting.measure_normalisers(options, results)
        floor = unigram_floor(corpus.pairs[:, 1], q_noise, options.negatives)
        run = Run(corpus.name, corpus.tokens, len(corpus.words), len(corpus.pairs),
                  course.final_loss(), floor, settings, versions())
        write_results(scratch, results, run)
        reporting.draw_pictures(scratch, results, run, course, groups)
        with deferred_signals():                    # too late to stop
            move_results(scratch, options.out)
            checkpoints.remove()
    seconds = time.monotonic() - begun
    try:
        reporting.report(options, corpus, results, run, course, normalisers, seconds)
        reporting.print_neighbours(results, groups)
        sys.stdout.flush()
    except OSError as error:
        raise InputError(f"the report cannot be printed: {error.strerror}; the results are in "
                         f"{options.out.resolve()}") from None


def read(options, source, choice_rng):
    """Read the corpus, and which words to draw.

    Returns both, and the fingerprint of the whole corpus. With --pairs, the corpus that is returned
    has only so many.
    """
    corpus = read_corpus(source.name, source.text, options.vocabulary, options.window,
                         options.encoding)
    if options.words:
        groups = read_words_to_draw(options.words, corpus.word2ind, options.encoding)
    elif source.word_list:
        groups = read_words_to_draw(source.word_list, corpus.word2ind)
    else:
        groups = choose_words_to_draw(corpus)

    fingerprint = corpus.fingerprint()
    if options.pairs:
        chosen = choice_rng.permutation(len(corpus.pairs))[:options.pairs]
        corpus.pairs = corpus.pairs[chosen]
    tell(str(corpus))
    return corpus, groups, fingerprint


def settings_of(options, fingerprint):
    """Collect what the results depend on, and a checkpoint must agree with."""
    settings = {name: getattr(options, name) for name in ASSIGNMENT}
    settings |= {"corpus": fingerprint, "numpy": np.__version__}
    for module in MODULES:
        settings[module] = hashlib.sha256((HERE / module).read_bytes()).hexdigest()
    return settings


def moved_what_was_finished(folder, settings):
    """Move the results of this very run, if it ended and could only not move them."""
    run = load_run(folder / FINISHED)
    if run is None or run.settings != settings:
        return False
    move_results(folder / FINISHED, folder)
    Checkpoints(folder, settings, 0).remove()
    print(f"moved to {folder.resolve()}: {run}")
    return True


def tell_what_will_be_replaced(folder):
    run = load_run(folder)
    if run:
        tell(f"the results in {folder.resolve()} will be replaced: {run}")


def make_noise(corpus, n):
    """Make the sampling sequence and the values log(n·q[c])."""
    import sampling
    seq = sampling.createSamplingSequence(corpus.freqs)
    q_noise = np.asarray(sampling.noiseDistribution(corpus.freqs, n))
    return seq, q_noise


def make_start(options, corpus, rng):
    """Make U, V and W as --init says, in float32."""
    start = STARTS[options.init](corpus.freqs, options.dim, options.batch_size, options.negatives,
                                 rng, options.alpha, corpus.pairs)
    return [X.astype(np.float32) for X in start]


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

    begun = time.time()
    try:
        raise_on_signals()
        function(options)
    except (InputError, OSError, MemoryError, NotImplementedError) as error:
        if options.debug:               # NotImplementedError: what a student has still to write
            raise
        parser.error(explained(error, getattr(options, "out", Path())))
    except KeyboardInterrupt as stopped:
        is_there = checkpoint and checkpoint.exists()
        can_go_on = is_there and (options.resume or checkpoint.stat().st_mtime >= begun)
        what_now = "--resume goes on" if can_go_on else "nothing was written"
        tell(f"run.py: stopped; {what_now}")
        sys.exit(128 + stopped.args[0])


if __name__ == "__main__":
    main()
