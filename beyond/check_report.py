"""What python test.py prints of its checks: a line each, and what is wrong with those that fail."""

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


class Report:
    """Prints a line a check, below the heading of its task, in place of pytest's dots.

    tasks : dict from the number of a task to its heading
    task : run only the checks of this one, each within SECONDS
    """

    def __init__(self, tasks, task=None):
        self.tasks = tasks
        self.task = task
        self.heading = None
        self.failed = []
        self.warnings = set()
        self.terminal = os.dup(1)       # which pytest does not capture

    def pytest_collection_modifyitems(self, items):
        for item in items:
            marker = item.get_closest_marker("task")
            if marker:
                item.user_properties.append(("task", marker.args[0]))
        if self.task:
            items[:] = [item for item in items if ("task", self.task) in item.user_properties]

    def pytest_collectreport(self, report):
        if report.failed:
            last_line = str(report.longrepr).strip().splitlines()[-1]
            print(f"\n{report.nodeid} cannot be read: {last_line}")

    def pytest_runtest_logstart(self, nodeid):
        if self.task:
            main_thread = threading.main_thread().ident
            self.timer = threading.Timer(SECONDS, self.give_up, [nodeid, main_thread])
            self.timer.daemon = True
            self.timer.start()

    def pytest_runtest_logfinish(self):
        if self.task:
            self.timer.cancel()

    def give_up(self, nodeid, main_thread):
        """End the process, and say where a check is that takes too long."""
        frame = sys._current_frames()[main_thread]
        while frame and not is_a_students(frame.f_code.co_filename):
            frame = frame.f_back
        where = f" ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})" if frame else ""
        lines = [f"{self.headline(nodeid, self.task)}  failed: {title(nodeid, self.task)}",
                 f"      took longer than {SECONDS} s: an endless loop?{where}"]
        os.write(self.terminal, "\n".join([*lines, ""]).encode(errors="replace"))
        os._exit(1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        """Remember where in a student's code an exception was raised."""
        if call.excinfo:
            for entry in call.excinfo.traceback:
                if is_a_students(str(entry.path)):
                    where = f"{Path(entry.path).name}, line {entry.lineno + 1}"
                    item.user_properties.append(("where", where))

    def pytest_report_teststatus(self, report):
        if report.when != "call" and not report.failed:
            return None
        file = report.nodeid.partition("::")[0]
        properties = dict(report.user_properties)
        task = properties.get("task")
        headline = self.headline(report.nodeid, task)
        line = f"  {report.outcome}: {title(report.nodeid, task)}"
        if report.failed:
            self.failed.append(f"{file}: {title(report.nodeid, task)}")
            details = reasons(report, properties.get("where"))
            line = "\n".join([line, *(wrapped(detail) for detail in details)])
        elif "note" in properties:
            line += "\n" + wrapped(properties["note"])
        return report.outcome, f"{headline}{line}\n", line

    def headline(self, nodeid, task):
        """The lines above the first check of a task, or of a file; "" for its other checks."""
        heading = f"Task {task}: {self.tasks[task]}" if task else nodeid.partition("::")[0]
        if heading == self.heading:
            return ""
        self.heading = heading
        return f"\n{heading}\n"

    def pytest_warning_recorded(self, warning_message):
        where = Path(warning_message.filename)
        text = f"warning: {warning_message.message} ({where.name}, line {warning_message.lineno})"
        if self.task and is_a_students(str(where)) and text not in self.warnings:
            self.warnings.add(text)
            print(wrapped(text))


def is_a_students(file):
    """Say whether a file may be a student's: one beside test.py."""
    return Path(file).parent == PROJECT and Path(file).name != "test.py"


def title(nodeid, task):
    """Name a check as people would."""
    name = nodeid.partition("::")[2]
    name = name.removeprefix(f"test_{task}" if task else "test_").strip("_[]")
    return name.replace("[", ", ").replace("_", " ")


def reasons(report, where):
    """Say in a line or two why a check failed, and what it printed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else str(report.longrepr)).strip().split("\n")
    is_syntax_error = lines[0].lstrip().startswith("File ")
    if is_syntax_error:
        where = re.sub(r'.*File ".*?([^/\\]+)", ', r"\1, ", lines[0])
        lines = [lines[-1]]
    elif crash and not lines[0].startswith("Failed: "):
        lines = lines[:1] + [line for line in lines[1:] if line.startswith("called with ")]
    is_unwritten = lines[0].startswith("NotImplementedError: ")
    lines[0] = in_plain_words(lines[0])
    if where and not is_unwritten:
        lines[0] += f" ({where})"
    printed = [line for line in report.capstdout.splitlines() if not line.startswith("Epoch:")]
    return lines[:2] + [f"printed: {line}" for line in printed[:3]]


def in_plain_words(line):
    """Shorten the line that ends a traceback, where its first word or a path says nothing."""
    line = re.sub("^(AssertionError|Failed|NotImplementedError): ", "", line)
    line = re.sub(r"^ImportError: cannot import name '(\w+)' from '(\w+)' \(.*\)$",
                  r"\2.py has no function \1", line)
    line = line.rstrip()
    return re.sub(r"^AttributeError: module '(sampling|grads|w2v_sgd)' has no attribute '(\w+)'$",
                  r"\1.py has no function \2", line)


def wrapped(line):
    """Break a line so that it fits a terminal, below the name of a check."""
    indent = " " * 6
    return textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)
