"""The command line: options as data, commands as functions, and mistakes in one line."""

import argparse
import codecs
import os
import sys

from utils import tell

COMMANDS = {}       # name -> function, of those besides training


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that takes a list of options and reports a mistake in one line."""

    def __init__(self, prog, options, **settings):
        super().__init__(prog=prog, **settings)
        for names, how in options:
            self.add_argument(*names, **how)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")

    def error(self, message):
        tell(f"{self.prog}: {message}")
        sys.exit(2)


def option(*names, **how):
    """Describe an option, as argparse's add_argument takes it."""
    return names, how


def command(*options):
    """Make a function of the parsed options a command: run.py NAME, with its docstring as help."""
    def register(function):
        function.options = options
        COMMANDS[function.__name__] = function
        return function

    return register


def command_parser(name):
    """Make the parser of a command."""
    function = COMMANDS[name]
    return Parser(f"run.py {name}", function.options, description=function.__doc__)


def number_from(least, kind=int, most=10 ** 9):
    """Make the argparse type of numbers from least to most."""
    def number(text):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}, not {text}")
        return value

    number.__name__ = kind.__name__             # argparse names it: "invalid int value"
    return number


NOT_FOR_TEXT = "unicode_escape", "raw_unicode_escape", "punycode", "idna"


def text_encoding(name):
    """Be the argparse type of the name of an encoding of text."""
    try:
        b" ".decode(name, errors="ignore")
        if codecs.lookup(name).name in NOT_FOR_TEXT:
            raise LookupError
    except (LookupError, UnicodeError):
        raise argparse.ArgumentTypeError(f"no encoding of text is called {name}") from None
    return name


def abbreviated(word, most=40):
    """Shorten a word for people to read: what is no word may have a million letters."""
    return word if len(word) <= most else word[:most - 1] + "…"


def explained(error, folder):
    """Say in a line what an error means that is the user's or the machine's.

    folder : the path to name where the system does not name one
    """
    if isinstance(error, MemoryError):
        return ("not enough memory: lower --dim, --window, --negatives, --vocabulary or "
                "--batch-size")
    if isinstance(error, OSError) and error.strerror:
        path = error.filename2 or error.filename or folder      # the first: what is replaced
        return f"{path}: {error.strerror}"
    return str(error)


# What is printed in place of characters that a console lacks.
PLAIN = {"→": "->", "Σ": "sum", "±": "+-", "…": "...", "·": "*", "–": "-", "ᵀ": "^T"}


def prepare_output():
    """Let all be printed, whatever the console is like, or if there is none."""
    codecs.register_error("plain", plain)
    for name in "stdout", "stderr":
        if getattr(sys, name) is None:              # closed
            setattr(sys, name, open(os.devnull, "w"))
        if hasattr(getattr(sys, name), "reconfigure"):          # IDLE's window has nothing to set
            getattr(sys, name).reconfigure(errors="plain")


def plain(error):
    """Be the handler of characters that cannot be encoded."""
    text = error.object[error.start:error.end]
    return "".join(PLAIN.get(char, "?") for char in text), error.end
