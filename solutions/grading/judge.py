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
import sampling
import utils
from beyond import measures
from solutions.grading import artefacts, deep_checks, scheme  # noqa: F401, its checks
from solutions.grading.archive import read_hand_in
from solutions.grading.calls import FUNCTIONS, Fault, Student, cleaned, stand_in
from solutions.grading.unpack import Unfit

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
    """Judge a hand-in.

    Parameters
    ----------
    order : {"path", "seconds", "memory", "corpus": file of words and indices or None, "unsafe"}

    Returns
    -------
    {"unfit": why}, or {"passed": [[task, part]], "failed": [[task, part, lines]], "answers",
    "artefacts", "notes"}
    """
    try:
        contents = read_hand_in(order["path"])
    except Unfit as error:
        return {"unfit": cleaned(error)}
    rows, arrays, words = artefacts.check_artefacts(contents.artefacts)
    sources = {"utils.py": OUR_UTILS.read_bytes()} | contents.sources
    students = {}
    for module in FUNCTIONS:                # so that what one does to its process harms no other
        students[module] = Student(sources, order["seconds"] / len(FUNCTIONS), order["memory"],
                                   order["unsafe"])
    try:
        passed, failed = run_checks(students)
    finally:
        for student in students.values():
            student.close()
    notes = [cleaned(note) for note in contents.notes] + notes_on(students)
    if order["corpus"] and arrays:
        notes.append(loss_on_corpus(*(arrays[name] for name in "UVW"), words, order["corpus"]))
    return {"passed": sorted(passed), "failed": failed, "notes": notes,
            "answers": [cleaned(name) for name in contents.answers],
            "artefacts": [row | {"note": cleaned(row["note"])} for row in rows]}


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


def loss_on_corpus(U, V, W, words, corpus):
    """Say in a line what the mean loss of the embeddings is on the grader's corpus.

    corpus : file of the words' indices, beside one, .txt, of the words, the most frequent first
    """
    ids = np.load(corpus, allow_pickle=False)
    known = Path(corpus).with_suffix(".txt").read_text(encoding="utf-8").split("\n")
    if words is None and len(U) > len(known):
        return f"embeddings not judged: {len(U)} rows, but the corpus has {len(known)} words"
    index = {word: i for i, word in enumerate(words or known[:len(U)])}
    table = [index.get(word, utils.OUTSIDE) for word in known] + [utils.GAP, utils.OUTSIDE]
    ids = np.array(table)[ids].astype(np.int32)
    pairs = utils.pairs_within(ids, 3)
    if len(pairs) < 1000:
        return "embeddings not judged: w2v-words.txt is not of this corpus"
    rng, n = np.random.default_rng(0), 5
    freqs = np.maximum(np.bincount(ids[ids >= 0], minlength=len(U)), 1)
    q_noise = sampling.noiseDistribution(freqs, n)
    seq = sampling.createSamplingSequence(freqs)
    w, c = rng.permutation(pairs)[:50000].T
    context = sampling.sampleContext(c, seq, n, rng)
    losses, sizes = [], []
    for rows in np.array_split(np.arange(len(w)), 50):
        sample = U[w[rows]], V[context[rows]], W, q_noise[context[rows]]
        losses.append(grads.lossAndGradientBatched(*sample)[0])
        sizes.append(len(rows))
    loss = np.average(losses, weights=sizes)
    floor = measures.unigram_floor(pairs[:, 1], q_noise, n)
    return (f"loss of the embeddings {loss:.3f}; a model that ignores the target word has at least "
            f"{floor:.3f}")


if __name__ == "__main__":
    main()
