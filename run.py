"""Train word2vec embeddings on a corpus: python run.py --help"""

import hashlib
import importlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:               # as with python -P
    sys.path.insert(0, str(HERE))
if __name__ == "__main__":                  # in a notebook, %run is to see what was edited since
    for name in "sampling", "grads", "w2v_sgd", "beyond.learning", "beyond.as_assigned":
        sys.modules.pop(name, None)

from beyond import check_environment

check_environment("run.py")

import numpy as np
from threadpoolctl import threadpool_limits

from beyond.checkpoints import Checkpoints, newest_in
from beyond.command_line import Parser, explained, handled_signals, prepare_output
from beyond.commands import COMMANDS
from beyond.measures import unigram_floor
from beyond.options import training_options, training_parser
from beyond.results import (
    DATA,
    PICTURES,
    Results,
    Run,
    load_run,
    move_results,
    results_folder,
    write_results,
)
from beyond.settings import ASSIGNMENT, FUNCTIONS, MODULES
from beyond.starts import STARTS
from beyond.submission import failing_tasks
from corpus.reading import open_corpus
from corpus.vocabulary import choose_words_to_draw, read_corpus, read_words_to_draw
from utils import InputError, tell


def train(options):
    """Read, start, learn, save, report."""
    begun = time.monotonic()
    start_rng, choice_rng, training_rng = np.random.default_rng(options.seed).spawn(3)
    source = open_corpus(options.corpus)
    learning = import_modules()
    corpus, groups = read(options, source)

    # One thread of BLAS is as fast on matrices this small, and always adds up in the same order.
    with results_folder(options.out) as scratch, threadpool_limits(1, "blas"):
        from beyond import reporting  # here, since matplotlib is slow to import
        settings = settings_of(options, corpus.fingerprint(), learning)
        if not learning.all_are_ours():         # checked in seconds, before minutes of training
            for fault in failing_tasks():
                tell(f"{fault}; training goes on all the same")
        seq, q_noise = make_noise(corpus, options.negatives)
        floor = unigram_floor(corpus.pairs[:, 1], q_noise, options.negatives)
        if options.pairs:
            chosen = choice_rng.permutation(len(corpus.pairs))[:options.pairs]
            corpus.pairs = corpus.pairs[chosen]
        for line in str(corpus), *corpus.remarks():
            tell(line)
        see_what_will_be_replaced(options, corpus)

        checkpoints = Checkpoints(options.out, settings, options.checkpoint_every)
        start = make_start(options, corpus, start_rng)
        parameters, history = learning.learn(options, corpus, start, seq, q_noise, training_rng,
                                            checkpoints)

        results = Results(*parameters, corpus.words, np.array(corpus.freqs))
        run = Run(corpus.name, corpus.tokens, len(corpus.words), len(corpus.pairs),
                  history.final_loss(), floor, settings, reporting.VERSIONS)
        with handled_signals(signal.SIG_IGN):       # too late to stop, and threads are at work
            normalisers = reporting.measure_normalisers(options, results)
            write_results(scratch, results, run)
            move_results(scratch, options.out, DATA)
            checkpoints.remove()
            reporting.draw_pictures(scratch, results, run, history, groups)
            move_results(scratch, options.out, PICTURES)
    reporting.report(options, corpus, results, run, history, normalisers, groups,
                     time.monotonic() - begun)


def import_modules():
    """Import the three modules, perhaps a student's, and beyond.learning, which trains with them.

    Returns beyond.learning.

    Raises
    ------
    InputError : one of them cannot be imported, or lacks a function
    """
    for name, functions in FUNCTIONS.items():
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:
            what = traceback.format_exception_only(error)[-1].strip()
            raise InputError(f"{name}.py cannot be imported: {what}") from error
        for function in functions:
            if name != "grads" and not hasattr(module, function):   # of grads one is needed only
                raise InputError(f"{name}.py has no function {function}")
    return importlib.import_module("beyond.learning")


def read(options, source):
    """Read the corpus, and which words to draw."""
    corpus = read_corpus(source.name, source.text, options.vocabulary, options.window,
                         options.encoding, options.lines)
    if options.words:
        return corpus, read_words_to_draw(options.words, corpus.word2ind, options.encoding)
    if source.word_list:
        return corpus, read_words_to_draw(source.word_list, corpus.word2ind)
    return corpus, choose_words_to_draw(corpus)


def settings_of(options, fingerprint, learning):
    """Collect the settings on which the results depend; a checkpoint must have the same."""
    settings = {name: getattr(options, name) for name in ASSIGNMENT}
    if not learning.sgd_is_ours():
        settings["schedule"] = "constant"       # as the assignment has it
    settings |= {"corpus": fingerprint[:12], "numpy": np.__version__}
    for module in MODULES:
        settings[module] = hashlib.sha256((HERE / module).read_bytes()).hexdigest()[:12]
    return settings


def see_what_will_be_replaced(options, corpus):
    """Say which results will be replaced; without --force, InputError if more pairs made them."""
    run = load_run(options.out)
    if run and run.pairs > len(corpus.pairs) and not options.force:
        raise InputError(f"{options.out.resolve()} has the results of a training on more pairs "
                         f"({run}): name another --out, or --force replaces them")
    if run:
        tell(f"the results in {options.out.resolve()} will be replaced: {run}")


def make_noise(corpus, n):
    """Make the sampling sequence and the values log(n·q[c])."""
    import sampling
    seq = sampling.createSamplingSequence(corpus.freqs)
    q_noise = np.asarray(sampling.noiseDistribution(corpus.freqs, n))
    if q_noise.shape != (len(corpus.words),):
        raise InputError(f"noiseDistribution must return {len(corpus.words)} values, one for each "
                         f"word, but returned shape {q_noise.shape}")
    return seq, q_noise


def make_start(options, corpus, rng):
    """Make U, V and W as --init says, in float32."""
    start = STARTS[options.init]
    if start.counts_pairs:
        tell("counting how often words occur together …")
    parameters = start.function(corpus.freqs, options.dim, options.batch_size, options.negatives,
                                rng, options.alpha, corpus.pairs)
    return [X.astype(np.float32) for X in parameters]


def main():
    """Do what the command line says: train, or the command named first (nearest, map, …)."""
    prepare_output()
    arguments = sys.argv[1:]
    if arguments and arguments[0] in COMMANDS:
        name = arguments.pop(0)
        function = COMMANDS[name]
        parser = Parser(f"run.py {name}", function.options, description=function.__doc__)
        options = parser.parse_args(arguments)
    else:
        function, parser = train, training_parser()
        options = training_options(parser, arguments)

    try:
        with handled_signals(stop):
            function(options)
            sys.stdout.flush()
    except BrokenPipeError:             # before | head: the rest has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (InputError, OSError, MemoryError, NotImplementedError) as error:
        if options.debug:               # NotImplementedError: what a student has still to write
            raise
        parser.error(explained(error, getattr(options, "out", Path())))
    except KeyboardInterrupt as stopped:
        can_go_on = function is train and newest_in(options.out)
        tell("run.py: stopped" + ("; --resume goes on" if can_go_on else ""))
        sys.exit(128 + stopped.args[0])


def stop(number, frame):
    """End the program by KeyboardInterrupt, so that temporary files are cleared away."""
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    main()
