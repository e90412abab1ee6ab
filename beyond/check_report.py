"""What python test.py prints of its checks, and what is wrong where one fails."""

import linecache
import os
import re
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from beyond.diagnosis import called

PROJECT = Path(__file__).resolve().parent.parent
SECONDS = 60            # that a check may take
WIDTH = 79 if sys.stdout.isatty() else 1000     # what reads a pipe looks for whole messages


class FilesOnly:
    """Makes pytest print a line per file, without a dot for each test that passes."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report):
        if report.when == "call" and report.passed:
            return "passed", "", "PASSED"
        return None


class Report:
    """Runs the checks of one task, each within SECONDS, and prints a line per check."""

    def __init__(self, task, heading):
        self.task, self.heading = task, heading
        self.warnings = set()
        self.terminal = os.dup(1)       # which pytest does not capture

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items
                    if item.get_closest_marker("task").args == (self.task,)]
        show(f"\nTask {self.task}: {self.heading}")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        timer = threading.Timer(SECONDS, self.give_up, [title(item.nodeid)])
        timer.daemon = True
        timer.start()
        yield
        timer.cancel()

    def give_up(self, name):
        """End the process, and say where a check is that takes too long."""
        frame = sys._current_frames()[threading.main_thread().ident]
        while frame and not is_a_students(frame.f_code.co_filename):
            frame = frame.f_back
        where = f" ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})" if frame else ""
        text = (f"  failed: {name}\n"
                f"      took longer than {SECONDS} s: an endless loop?{where}\n")
        if called.given:
            text += f"      called with {called.given}\n"
        os.write(self.terminal, text.encode(errors="replace"))
        os._exit(1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        if call.excinfo:
            item.user_properties.append(("reasons", reasons(call.excinfo)))

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        properties = dict(report.user_properties)
        lines = properties.get("reasons", [])
        if report.failed:
            printed = [line for line in report.capstdout.splitlines()
                       if not line.startswith("Epoch:")]
            lines += [f"printed: {line}" for line in printed[:3]]
        elif properties.get("note"):
            lines = [f"note: {properties['note']}"]
        show(f"  {report.outcome}: {title(report.nodeid)}", *map(wrapped, lines))

    def pytest_warning_recorded(self, warning_message):
        where = Path(warning_message.filename)
        text = f"warning: {warning_message.message} ({where.name}, line {warning_message.lineno})"
        if is_a_students(where) and text not in self.warnings:
            self.warnings.add(text)
            show(wrapped(text))


def show(*lines):
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:         # before | head: nobody reads the rest
        os._exit(1)


def is_a_students(file):
    """Say whether a file may be a student's: one beside test.py."""
    return Path(file).parent == PROJECT and Path(file).name != "test.py"


def title(nodeid):
    """Name a check as people would."""
    return re.sub(r".*::test_(\d_)?", "", nodeid).replace("_", " ")


def reasons(excinfo):
    """Return the lines that say why a check failed, and where in a student's code."""
    error, traceback = excinfo.value, excinfo.traceback
    if isinstance(error, pytest.fail.Exception | NotImplementedError):
        return str(error).split("\n")
    where = [f"{Path(entry.path).name}, line {entry.lineno + 1}" for entry in traceback
             if is_a_students(entry.path)]
    last = linecache.getline(str(traceback[-1].path), traceback[-1].lineno + 1)
    imported = re.match(r"\s*(?:from|import) (\w+)", last)
    if isinstance(error, SyntaxError) and imported:     # says itself where, unless it is no text
        where = [] if error.filename else [f"{imported[1]}.py"]
    place = f" ({where[-1]})" if where else ""
    notes = "\n".join(getattr(error, "__notes__", []))
    return [in_plain_words(error) + place, *notes.splitlines()]


MODULE = "(sampling|grads|w2v_sgd)"
PLAIN_WORDS = {
    "AssertionError: (.+)": r"\1",
    f"ImportError: cannot import name '(\\w+)' from '{MODULE}'.*": r"\2.py has no function \1",
    "SystemExit.*": "the program is ended here: take exit() out",
    "OSError: pytest: reading from stdin.*": "input() waits for somebody to type: take it out",
    "SyntaxError: .*(null bytes|Non-UTF-8|codec can't decode)[^(]*": "save the file as UTF-8 ",
}


def in_plain_words(error):
    """Write an exception in a line, where people would put it otherwise in other words."""
    line = f"{type(error).__name__}: {error}".split("\n")[0]
    if isinstance(error, ModuleNotFoundError) and re.fullmatch(MODULE, error.name or ""):
        similar = sorted(path.name for path in PROJECT.glob("*.py*")
                         if path.name.lower().startswith(error.name))
        hint = f"; rename {similar[0]}" if similar else ""
        return f"there is no {error.name}.py beside test.py{hint}"
    for pattern, words in PLAIN_WORDS.items():
        line = re.sub(f"^{pattern}", words, line)
    return line.strip()


def wrapped(line):
    """Break a line so that it fits a terminal, below the name of a check."""
    indent = " " * 6
    return textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)
