"""The options of python run.py, which trains."""

import argparse
from pathlib import Path

from beyond.command_line import Parser, number_from, option, text_encoding
from beyond.commands import COMMANDS
from beyond.results import FILES
from beyond.settings import ASSIGNMENT, METHODS, PRESETS, SCHEDULES
from beyond.starts import STARTS


def setting(name, help, **how):
    """Describe an option whose default is the assignment's, or that of a preset."""
    flag = f"--{name.replace('_', '-')}"
    help = help.format(ASSIGNMENT[name])
    return option(flag, dest=name, default=argparse.SUPPRESS, help=help, **how)


BEST = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in PRESETS["best"].items())
WHERE_TO_START = "; ".join(f"{name}: {start.words}" for name, start in STARTS.items())
POSITIVE = number_from(1)
OPTIONS = [
    option("method", nargs="?", metavar="METHOD", default=ASSIGNMENT["method"],
           help="how to compute the gradients of a batch: by tensor operations (batched, the "
                "default) or one pair at a time (cumulative)"),
    option("--preset", choices=PRESETS, default="assignment",
           help=f"the assignment's settings, or the best that were measured: {BEST}"),
    option("--corpus", metavar="NAME|PATH",
           help="the name of a folder in corpus/, or your own text file or folder of .txt files "
                "(journalism_bg if it is prepared, else pydocs)"),
    option("--encoding", metavar="NAME", type=text_encoding, default="utf-8",
           help="encoding of the text and of --words, such as cp1251 (%(default)s)"),
    option("--lines", action="store_true",
           help="treat each line of the text as a sentence, whatever its punctuation"),
    option("--words", metavar="FILE", type=Path,
           help="a file of the words to draw (the corpus's words.txt, else frequent words)"),
    option("--out", metavar="DIR", type=Path, default=Path(),
           help="the folder for the results (the current directory)"),
    setting("seed", "seed of all random numbers; the same seed gives the same files ({})",
            metavar="N", type=number_from(0)),
    setting("dim", "embedding size ({})", metavar="M", type=number_from(1, most=10000)),
    setting("window", "how many words apart the words of a pair may be ({})",
            metavar="N", type=number_from(1, most=100)),
    setting("negatives", "negatives per pair ({})", metavar="N", type=number_from(1, most=1000)),
    setting("vocabulary", "keep the L most frequent words ({})", metavar="L", type=POSITIVE),
    setting("batch_size", "pairs per step ({})", metavar="S", type=POSITIVE),
    setting("epochs", "passes over the pairs ({})", metavar="N", type=POSITIVE),
    setting("alpha", "step size ({})", metavar="STEP", type=number_from(0, float)),
    setting("schedule", "linear: the step size decreases to 0; constant: it stays the same ({})",
            choices=SCHEDULES),
    setting("init", f"where to start: {WHERE_TO_START} ({{}})", choices=STARTS),
    setting("pairs", "train on the first N shuffled pairs only (all)", metavar="N", type=POSITIVE),
    option("--checkpoint-every", metavar="SECONDS", type=number_from(0, float), default=60.0,
           help="how often to write w2v-checkpoint.npz into DIR (%(default)s)"),
    option("--resume", metavar="FILE", nargs="?", type=Path, const=True,
           help="go on from FILE, a checkpoint of the same settings (default: w2v-checkpoint.npz "
                "in the folder of --out)"),
    option("--force", action="store_true",
           help="replace results, even if they are of a training on more pairs"),
]


def training_parser():
    return Parser("run.py", OPTIONS,
                  description="Train word2vec embeddings by noise contrastive estimation and write "
                              f"{', '.join(FILES)}.",
                  epilog=f"Other commands, each with --help: {', '.join(COMMANDS)}")


def training_options(parser, arguments):
    """Parse the options: what is given wins over the preset, and that over the assignment."""
    given, unknown = parser.parse_known_args(arguments)
    mistaken = [argument for argument in unknown if argument.startswith("-")]
    if given.method not in METHODS and not mistaken:    # of --pair 9, too, METHOD would be 9
        methods, commands = ", ".join(METHODS), ", ".join(COMMANDS)
        parser.error(f"{given.method}: neither a method ({methods}) nor, as the first word, a "
                     f"command ({commands})")
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(mistaken or unknown)}")
    return argparse.Namespace(**ASSIGNMENT | PRESETS[given.preset] | vars(given))
