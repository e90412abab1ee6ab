"""Judge one hand-in: python judge.py, with its order as a line of JSON on stdin; answers with one.

`grade.py` starts it. The checks are the grader's own and run in this process; the functions that
they call are stand-ins that forward calls to a box. So nothing that a student's module does to its
own process reaches a comparison.
"""

import json
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pytest

import grads
import utils
from solutions.grading import deep_checks, scheme  # noqa: F401, its checks
from solutions.grading.calls import FUNCTIONS, Fault, Student, cleaned, stand_in

MEMORY = 6 << 30        # bytes for this process
MOST_LINES = 3          # of a failure
OUR_UTILS = Path(utils.__file__)


def main():
    line = sys.stdin.buffer.readline()
    threading.Thread(target=end_with_the_grader, daemon=True).start()
    limit_memory()
    answer = json.dumps(judged(json.loads(line)))
    sys.stdout.buffer.write(answer.encode(errors="replace") + b"\n")
    sys.stdout.flush()
    os._exit(0)                 # the thread still waits


def end_with_the_grader():
    """End this process, and the boxes with it, when the grader's end of stdin closes."""
    while os.read(0, 1):        # not by sys.stdin, whose lock would be held at this process's end
        pass
    os._exit(1)


def limit_memory():
    try:
        import resource
    except ImportError:         # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(hard, MEMORY)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    except (ValueError, OSError):       # macOS has none
        pass


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
        passed, failed = run_checks(students)
    finally:
        for student in students.values():
            student.close()
    return {"passed": sorted(passed), "failed": failed, "notes": notes_on(students)}


def run_checks(students):
    """Run all checks, each on the module of its task.

    Returns
    -------
    passed : set of (task, part)
    failed : list of [task, part, lines]
    """
    modules = {module: stand_in(student, module) for module, student in students.items()}
    # Who calls lossAndGradient in a function of a batch is not to suffer from a wrong one.
    right = {"lossAndGradient": grads.lossAndGradient}
    of_batches = stand_in(students["grads"], "grads", right)
    passed, failed = set(), []
    for check in scheme.CHECKS:
        module = of_batches if check.task == "5" else modules[scheme.MODULES[check.task]]
        lines = failure_of(check, module, passed)
        if lines is None:
            passed.add((check.task, check.part))
        else:
            failed.append([check.task, check.part, lines])
    return passed, failed


def failure_of(check, module, passed):
    """Run a check; returns the lines that say why it failed, or None."""
    try:
        with np.errstate(all="ignore"):
            check.function(module, frozenset(passed))
    except (pytest.fail.Exception, Fault, AssertionError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        return [cleaned(line) for line in lines[:MOST_LINES]]
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:          # what came is so strange that the check cannot handle it
        return [cleaned(f"what came cannot be judged: {type(error).__name__}: {error}")]
    return None


def notes_on(students):
    """List what is worth a word, but no points, of how modules behaved."""
    notes = []
    for module, student in students.items():
        for function, number in sorted(student.changed):
            notes.append(f"{function} changes its argument {number}")
        # The lines that the course's own loop prints are not worth a word.
        lines = student.output.decode(errors="replace").splitlines(True)
        output = "".join(line for line in lines if not line.startswith("Epoch:"))
        if output.strip():
            notes.append(f"the output of {module}.py begins: {cleaned(output)}")
    return notes


if __name__ == "__main__":
    main()
