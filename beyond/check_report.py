"""What python test.py prints of its checks, and what is wrong where one fails."""

import os
import re
import sys
import textwrap
import threading
from pathlib import Path

import pytest

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
        print(f"\nTask {self.task}: {self.heading}")

    def pytest_runtest_logstart(self, nodeid):
        main_thread = threading.main_thread().ident
        self.timer = threading.Timer(SECONDS, self.give_up, [nodeid, main_thread])
        self.timer.daemon = True
        self.timer.start()

    def pytest_runtest_logfinish(self):
        self.timer.cancel()

    def give_up(self, nodeid, main_thread):
        """End the process, and say where a check is that takes too long."""
        frame = sys._current_frames()[main_thread]
        while frame and not is_a_students(frame.f_code.co_filename):
            frame = frame.f_back
        where = f" ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})" if frame else ""
        lines = (f"  failed: {title(nodeid)}\n"
                 f"      took longer than {SECONDS} s: an endless loop?{where}\n")
        sys.stdout.flush()
        os.write(self.terminal, lines.encode(errors="replace"))
        os._exit(1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        """Remember where in a student's code an exception was raised."""
        for entry in call.excinfo.traceback if call.excinfo else ():
            if is_a_students(entry.path):
                where = f"{Path(entry.path).name}, line {entry.lineno + 1}"
                item.user_properties.append(("where", where))

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        properties = dict(report.user_properties)
        print(f"  {report.outcome}: {title(report.nodeid)}")
        if report.failed:
            print(*map(wrapped, reasons(report, properties.get("where"))), sep="\n", flush=True)
        elif properties.get("note"):
            print(wrapped(f"note: {properties['note']}"), flush=True)

    def pytest_warning_recorded(self, warning_message):
        where = Path(warning_message.filename)
        text = f"warning: {warning_message.message} ({where.name}, line {warning_message.lineno})"
        if is_a_students(where) and text not in self.warnings:
            self.warnings.add(text)
            print(wrapped(text))


def is_a_students(file):
    """Say whether a file may be a student's: one beside test.py."""
    return Path(file).parent == PROJECT and Path(file).name != "test.py"


def title(nodeid):
    """Name a check as people would."""
    return re.sub(r".*::test_(\d_)?", "", nodeid).replace("_", " ")


def reasons(report, where):
    """Return the lines that say why a check failed, and what it printed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else str(report.longrepr)).strip().split("\n")
    if lines[0].lstrip().startswith("File "):               # a SyntaxError
        where = re.sub(r'.*File ".*?([^/\\]+)", ', r"\1, ", lines[0])
        lines = [lines[-1]]
    elif crash:
        lines = lines[:1] + [line for line in lines[1:] if line.startswith("called with ")]
    if lines[0].startswith("NotImplementedError: "):        # says itself where
        where, lines = None, lines[:1]
    lines[0] = in_plain_words(lines[0]) + (f" ({where})" if where else "")
    printed = [line for line in report.capstdout.splitlines() if not line.startswith("Epoch:")]
    return lines + [f"printed: {line}" for line in printed[:3]]


MODULE = "(sampling|grads|w2v_sgd)"
PLAIN_WORDS = {
    "(AssertionError|Failed|NotImplementedError): (.*)": r"\2",
    f"ImportError: cannot import name '(\\w+)' from '{MODULE}'.*": r"\2.py has no function \1",
    f"AttributeError: module '{MODULE}' has no attribute '(\\w+)'": r"\1.py has no function \2",
    "SystemExit.*": "the program is ended here: take exit() out",
    "OSError: pytest: reading from stdin.*": "input() waits for somebody to type: take it out",
    "SyntaxError: (source code .*null bytes|.*codec can't decode).*": "save the file as UTF-8",
}


def in_plain_words(line):
    """Translate the line that ends a traceback, where people would put it otherwise."""
    missing = re.fullmatch(f"ModuleNotFoundError: No module named '{MODULE}'", line)
    if missing:
        similar = sorted(path.name for path in PROJECT.glob("*.py*")
                         if path.name.lower().startswith(missing[1]))
        hint = f"; rename {similar[0]}" if similar else ""
        return f"there is no {missing[1]}.py beside test.py{hint}"
    for pattern, words in PLAIN_WORDS.items():
        line = re.sub(f"^{pattern}$", words, line.rstrip())
    return line


def wrapped(line):
    """Break a line so that it fits a terminal, below the name of a check."""
    indent = " " * 6
    return textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)
