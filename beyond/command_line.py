"""The command line: options as data, mistakes in one line, and the signals that end a program."""

import argparse
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from utils import tell

SIGNALS = signal.SIGINT, signal.SIGTERM         # Ctrl-C, and the request to end


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that takes a list of options and reports a mistake in one line."""

    def __init__(self, prog, options, **settings):
        super().__init__(prog=prog, allow_abbrev=False, **settings)
        for names, how in options:
            self.add_argument(*names, **how)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")

    def error(self, message):
        tell(f"{self.prog}: {message}")
        sys.exit(2)


def option(*names, **how):
    """Describe an option, as argparse's add_argument takes it."""
    return names, how


RESULTS = option("--results", metavar="DIR", type=Path, default=Path(),
                 help="where the results of training are (the current directory)")


def takes(*options):
    """Give a command, which is a function of the parsed options, the list of its options."""
    def with_options(function):
        function.options = options
        return function

    return with_options


def number_from(least, kind=int, most=10 ** 9):
    """Make the argparse type of numbers from least to most."""
    def number(text):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}, not {text}")
        return value

    number.__name__ = kind.__name__             # argparse names it: "invalid int value"
    return number


def text_encoding(name):
    """argparse type of the name of an encoding of text."""
    try:
        b" ".decode(name, errors="ignore")
    except (LookupError, UnicodeError):
        raise argparse.ArgumentTypeError(f"unknown encoding: {name}") from None
    return name


def abbreviated(word, most=40):
    """Shorten a word for people to read: a token that is no word may have a million letters."""
    return word if len(word) <= most else word[:most - 1] + "…"


def explained(error, folder):
    """Say in one line what an error means that is the user's or the machine's.

    folder : the path to name where the system does not name one
    """
    if isinstance(error, MemoryError):
        return ("not enough memory: lower --dim, --window, --negatives, --vocabulary or "
                "--batch-size")
    if isinstance(error, OSError) and error.strerror:
        path = error.filename2 or error.filename or folder      # the first: what is replaced
        return f"{path}: {error.strerror}"
    return str(error)


def prepare_output():
    """Let everything be printed, even where a console lacks letters, or there is no console."""
    for name in "stdout", "stderr":
        if getattr(sys, name) is None:              # closed
            setattr(sys, name, open(os.devnull, "w"))
        if hasattr(getattr(sys, name), "reconfigure"):          # IDLE's window has nothing to set
            getattr(sys, name).reconfigure(errors="replace")


@contextmanager
def handled_signals(handler):
    """Within it, let these signals call a function of the signal's number and the frame."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
