"""Grade what students handed in: python solutions/grade.py FN*.zip (see grading.md)."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent))

from beyond import check_environment

check_environment("grade.py")

from solutions.grading import deep_checks, reports, scheme, tables
from solutions.grading.box import GB, see_that_it_can_be_had
from solutions.grading.hand_ins import find_hand_ins
from solutions.grading.modules import read_hand_in
from solutions.grading.names import printable, report_name
from solutions.grading.results import GRADED, NOT_GRADED, NOT_READABLE, Result
from solutions.grading.unpack import IS_STOPPED, Unfit
from utils import InputError

DEADLINE, DEADLINE_TIMES = 60., 4       # a judge has so many seconds, and so many time-outs
MOST_ANSWER = 10 ** 7       # bytes
# What ends the grader as Ctrl-C does; Windows has the first only.
STOPPING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT")
            if hasattr(signal, name)]
JUDGES = set()              # processes that judge now
UNPRINTED = []              # errors of lines that could not be printed


@dataclass(frozen=True)
class Limits:
    """What the code of one hand-in may use."""

    seconds: float = 120.   # without those of waiting for a processor
    memory: float = 4.      # GB
    is_unsafe: bool = False


def grade(hand_in, limits=Limits()):
    """Grade one hand-in, in processes of its own.

    Returns
    -------
    Result
    """
    result = Result(hand_in.student, hand_in.identifier)
    try:
        with tempfile.TemporaryDirectory(prefix="grade-py-", ignore_cleanup_errors=True) as folder:
            contents = read_hand_in(hand_in, Path(folder))
            answer = judged({"files": contents.sources, "seconds": limits.seconds,
                             "memory": int(limits.memory * GB), "unsafe": limits.is_unsafe}, folder)
        passed = {tuple(check) for check in answer["passed"]}
        result.points = scheme.points(deep_checks.CHECKS, passed)
        result.losses = reports.losses_of(answer["failed"])
        result.answers, result.artefacts = contents.answers, contents.artefacts
        result.notes = [*contents.notes, *answer["notes"]]
    except Unfit as error:
        result.state, result.notes = NOT_READABLE, [str(error)]
    except Exception as error:          # nobody else's row is to suffer from it
        result.state, result.points = NOT_GRADED, {}
        result.notes = [f"the grader failed: {str(error) or type(error).__name__}"]
    return result


def judged(order, folder):
    """Let a process judge the modules of a hand-in.

    Parameters
    ----------
    order : goes to `judge.py` as one line of JSON, {"files": {name: path}, "seconds": number,
        "memory": bytes, "unsafe": bool}. The files are those that the student's code may import
        or open, by the names that it knows them under ("grads.py", "helpers/x.py"); a module that
        was not handed in is not among them. Each is an ordinary file of at most 1 MB, those beside
        the modules 4 MB in all.
    folder : for its temporary files, which stay there if it is killed

    Returns
    -------
    answer : comes back as one line of JSON, {"passed": [[task, part]], "failed": [[task, part,
        lines]], "notes": [lines]}

    Raises
    ------
    RuntimeError : there was none within the deadline; the message says why
    """
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
                                "TMPDIR": folder}
    pipe = subprocess.PIPE
    command = [sys.executable, "-B", str(HERE / "grading/judge.py")]
    deadline = DEADLINE + DEADLINE_TIMES * order["seconds"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment,
                          start_new_session=True) as judge:
        JUDGES.add(judge)
        if IS_STOPPED.is_set():
            judge.kill()
        timer = threading.Timer(deadline, judge.kill)
        timer.start()
        answer = answer_of(judge, order)
        is_late = not timer.is_alive()
        timer.cancel()
        JUDGES.discard(judge)
        judge.kill()                # and its boxes end with it
        error = judge.stderr.read().decode(errors="replace")
    try:
        return json.loads(answer)
    except ValueError:
        last_line = printable(error.strip().rpartition("\n")[2]) or "its judge said nothing"
        raise RuntimeError(f"no answer within {deadline:g} s" if is_late else last_line) from None


def answer_of(judge, order):
    """Send a judge its order, and read its answer: a line, nothing if it has ended.

    Its stdin stays open, since the judge ends when it closes. Nothing is left in a buffer that
    would be written then.
    """
    try:
        os.write(judge.stdin.fileno(), json.dumps(order).encode() + b"\n")
        return judge.stdout.readline(MOST_ANSWER)
    except OSError:
        return b""


def grade_all(options):
    """Grade all that was named, and write what was asked for. Returns the exit status."""
    if not options.unsafe:
        see_that_it_can_be_had()
    # Whatever can be wrong with names and files is said before anything is graded.
    own = checked_outputs(options)
    by_hand = {}
    with tempfile.TemporaryDirectory(prefix="grade-py-", ignore_cleanup_errors=True) as folder:
        hand_ins, remarks = find_hand_ins(options.files, Path(folder), options.download, own)
        if options.answers_points:
            points = tables.read_points(options.answers_points)
            by_hand, lines = tables.points_of(hand_ins, points)
            remarks += lines
        results = graded(hand_ins, by_hand, options)
    remarks += write(results, options)
    for line in [*remarks, *summary(results)]:
        tell(line)
    if IS_STOPPED.is_set():
        return 130
    if UNPRINTED:
        raise InputError(f"not all could be printed: {UNPRINTED[0].strerror}")
    return 1 if any(result.state == NOT_GRADED for result in results) else 0


def checked_outputs(options):
    """Return the absolute paths of the grader's own files; InputError if one cannot be used."""
    files = list(filter(None, (options.csv, options.worksheet, options.answers_points)))
    own = [Path(os.path.abspath(path)) for path in files]
    if len(set(own)) < len(own):
        raise InputError("--csv, --worksheet and --answers-points must name different files")
    for file in filter(None, (options.csv, options.worksheet)):
        tables.check_writable(file)
    if options.worksheet:
        tables.read_worksheet(options.worksheet)
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)
        own.append(Path(os.path.abspath(options.report)))
    return own


def graded(hand_ins, by_hand, options):
    """Grade several hand-ins at a time, and print how each was graded, in their order.

    by_hand : dict from the index of a hand-in to its points of tasks 1 and 2

    Returns
    -------
    list of Result; those that Ctrl-C left over are "not graded"
    """
    limits = Limits(options.timeout, options.memory, options.unsafe)
    pool = ThreadPoolExecutor(options.jobs)
    ready = [pool.submit(grade, hand_in, limits) for hand_in in hand_ins]
    try:
        to_tell = deque(ready)
        for _ in as_completed(ready):
            with suppress(OSError):         # if it stays so, the last time says it
                write_marks(results_of(ready, hand_ins, by_hand), options)
            while to_tell and to_tell[0].done():
                result = to_tell.popleft().result()
                tell(reports.report(result, options.language, options.unsafe))
    except KeyboardInterrupt:
        for number in (signal.SIGINT, *STOPPING):       # what is done is to be written
            signal.signal(number, signal.SIG_IGN)
        IS_STOPPED.set()
        pool.shutdown(wait=False, cancel_futures=True)
    results = results_of(ready, hand_ins, by_hand)
    for judge in list(JUDGES):
        judge.kill()
    return results


def results_of(ready, hand_ins, by_hand):
    """Return the results of hand-ins by now."""
    results = [future.result() if future.done() and not future.cancelled()
               else Result(hand_in.student, hand_in.identifier, NOT_GRADED,
                           notes=["stopped before it was graded"])
               for future, hand_in in zip(ready, hand_ins)]
    for index, value in by_hand.items():
        results[index].by_hand = value
    return results


def write_marks(results, options):
    if options.csv:
        tables.write_marks(options.csv, results, options.decimal_comma)


def write(results, options):
    """Write the files that were asked for, the marks first. Returns lines about the worksheet."""
    write_marks(results, options)
    if options.report:
        for result in results:
            name = report_name(result.student, result.identifier)
            text = reports.report(result, options.language, options.unsafe)
            (options.report / f"{name}.md").write_text(text, encoding="utf-8")
    if options.worksheet:
        return tables.fill_worksheet(options.worksheet, results, lambda result: reports.feedback(
            result, options.language, options.unsafe))
    return []


def tell(line):
    """Print a line; that it cannot be is no reason to lose the marks."""
    try:
        print(line, flush=True)
    except OSError as error:
        UNPRINTED.append(error)


def summary(results):
    """List how many were graded, and how well."""
    states = [result.state for result in results]
    counts = [f"{states.count(state)} {state}" for state in (GRADED, NOT_READABLE, NOT_GRADED)
              if state in states]
    lines = [f"{len(results)} handed in: {', '.join(counts)}"]
    totals = [sum(result.points.values()) for result in results if result.state == GRADED]
    if totals:
        mean, most = sum(totals) / len(totals), sum(scheme.POINTS.values())
        lines.append(f"mean of tasks 3–6: {mean:.2f} of {most:g}")
    return lines


def parsed(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="grade.py", description="Grade tasks 3–6.",
                                     allow_abbrev=False)
    parser.error = lambda message: parser.exit(2, f"grade.py: {message}\n")
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE|FOLDER",
        help="archives of one student each, or folders with an archive or a folder per student")
    add("--download", action="store_true",
        help="each archive is a download with everybody's hand-ins (one from Moodle that is named "
             "alone is recognised)")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N",
        help="how many are graded at a time (%(default)s)")
    add("--timeout", type=float, default=120, metavar="SECONDS",
        help="for the code of one hand-in, without waiting for a processor (%(default)s)")
    add("--memory", type=float, default=4, metavar="GB",
        help="memory for each of its modules (%(default)s)")
    add("--csv", type=Path, metavar="FILE", help="write a row per student")
    add("--decimal-comma", action="store_true", help="write it for a Bulgarian spreadsheet")
    add("--report", type=Path, metavar="DIR", help="write a Markdown file per student")
    add("--language", choices=("en", "bg"), default="en", help="of reports and feedback")
    add("--worksheet", type=Path, metavar="FILE", help="fill Moodle's offline grading worksheet")
    add("--answers-points", type=Path, metavar="FILE",
        help="CSV of students and their points of tasks 1 and 2, given by hand")
    add("--unsafe", action="store_true", help="run students' code without a box")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    if not 1 <= options.timeout <= 10 ** 6:
        parser.error("--timeout must be 1 to 1000000")
    if not 0.5 <= options.memory <= 1000:
        parser.error("--memory must be 0.5 to 1000")
    return options


def main(arguments):
    options = parsed(arguments)
    try:
        return grade_all(options)
    except InputError as error:
        print(f"grade.py: {error}", file=sys.stderr)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"grade.py: {what}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


if __name__ == "__main__":
    for stopping in STOPPING:
        if signal.getsignal(stopping) != signal.SIG_IGN:        # as nohup has it
            signal.signal(stopping, signal.default_int_handler)
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main(sys.argv[1:]))
