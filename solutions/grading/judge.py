"""Judge one hand-in: python judge.py, with its order as a line of JSON on stdin; answers with one.

`grade.py` starts it. The checks are the grader's own and run in this process; the functions that
they call are stand-ins that forward calls to a box. So nothing that a student's module does to its
own process reaches a comparison.
"""

import itertools
import json
import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pytest

import utils
from beyond.settings import FUNCTIONS
from solutions.grading import worker
from solutions.grading.calls import Fault, Student, stand_in
from solutions.grading.deep_checks import CHECKS
from solutions.grading.names import printable
from solutions.grading.scheme import MODULE_OF

MEMORY = 6 << 30        # bytes for this process
OWN_SECONDS = 60        # of processor time, and as much again as the student's code may have
MOST_LINES = 3          # of a failure
OUR_UTILS = Path(utils.__file__)


def main():
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=end_with_the_grader, daemon=True).start()
    limit(MEMORY, OWN_SECONDS + int(order["seconds"]))
    answer = json.dumps(judged(order))
    sys.stdout.buffer.write(answer.encode(errors="replace") + b"\n")
    sys.stdout.flush()
    os._exit(0)                 # the thread still waits


def end_with_the_grader():
    """End this process, and the boxes with it, when the grader's end of stdin closes."""
    while os.read(0, 1):        # not by sys.stdin, whose lock would be held at this process's end
        pass
    os._exit(1)


def limit(memory, seconds):
    """Limit this process, whatever a hand-in makes it do; then the hand-in is not graded."""
    def end(number, frame):
        sys.exit(f"it used more than {seconds} s of processor time")

    if hasattr(signal, "SIGXCPU"):                      # not on Windows
        signal.signal(signal.SIGXCPU, end)
    worker.limit(AS=(memory, None), CPU=(seconds, seconds + 10))        # boxes may have more memory


def judged(order):
    """Judge a hand-in; `grade.judged` says what is in the order and in the answer."""
    sources = {"utils.py": OUR_UTILS.read_bytes()}
    for name, path in order["files"].items():
        sources[name] = Path(path).read_bytes()
    students = {}
    for module in FUNCTIONS:                # so that what one does to its process harms no other
        students[module] = Student(sources, order["seconds"] / len(FUNCTIONS), order["memory"],
                                   order["unsafe"])
    try:
        passed, failed = run_checks(CHECKS, students)
    finally:
        for student in students.values():
            student.close()
    return {"passed": sorted(passed), "failed": failed, "notes": notes_on(students)}


def run_checks(checks, students):
    """Run checks, each on the module of its task; after those of a module, it is closed.

    Returns
    -------
    passed : set of (task, part)
    failed : list of [task, part, lines]
    """
    passed, failed = set(), []
    for name, checks_of_it in itertools.groupby(checks, lambda check: MODULE_OF[check.task]):
        module = stand_in(students[name], name)
        for check in checks_of_it:
            lines = failure_of(check, module, passed)
            if lines is None:
                passed.add((check.task, check.part))
            else:
                failed.append([check.task, check.part, lines])
        students[name].close()      # so that nothing that it has started slows the others down
    return passed, failed


def failure_of(check, module, passed):
    """Run a check; returns the lines that say why it failed, or None."""
    try:
        with np.errstate(all="ignore"):
            check.function(module, frozenset(passed))
    except (pytest.fail.Exception, Fault, AssertionError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        return [printable(line) for line in lines[:MOST_LINES]]
    except Exception as error:          # of an answer so strange that the check cannot handle it
        return [printable(f"the answer cannot be judged: {type(error).__name__}: {error}")]
    return None


def notes_on(students):
    """List what is worth a word, but no points, of how modules behaved."""
    notes = []
    for module, student in students.items():
        for function, numbers in student.changed.items():
            if numbers:
                numbers = ", ".join(map(str, sorted(numbers)))
                notes.append(f"{function} changes its argument {numbers}")
        # The lines that the course's own loop prints are not worth a word.
        lines = student.output.decode(errors="replace").splitlines(True)
        output = "".join(line for line in lines if not line.startswith("Epoch:"))
        if output.strip():
            notes.append(f"the output of {module}.py begins: {printable(output)}")
    return notes


if __name__ == "__main__":
    main()
