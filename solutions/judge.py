"""Judge one archive: a JSON line on stdout for each thing found out. Started by grade.py with its orders on stdin.

The checks are the grader's own files and run in this process; the functions that they import are stand-ins that
forward calls to the sandbox. So nothing that a student's module does to its process reaches a comparison.
"""

import json
import os
import re
import resource
import sys
import types
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pytest

import grads
import sampling
import utils
import w2v_sgd
from beyond import measures
from solutions import archive
from solutions.sandbox import Fault, Sandbox, Unready, clean

HERE = Path(__file__).resolve().parent
MEMORY = 6 << 30        # bytes for this process
OWN = {"sampling": sampling, "grads": grads, "w2v_sgd": w2v_sgd}
FUNCTIONS = {"sampling": ("createSamplingSequence", "noiseDistribution", "sampleContext"),
             "grads": ("lossAndGradient", "lossAndGradientCumulative", "lossAndGradientBatched"),
             "w2v_sgd": ("stochasticGradientDescend",)}
MODULE = {"3": "sampling", "4": "grads", "5": "grads", "6": "w2v_sgd"}     # of a task


def stand_in(sandbox, module, helpers):
    """A module whose functions are those of the sandbox's; helpers: what is to replace functions that they call."""
    result = types.ModuleType(module)

    def forwarded(name):
        def call(args, kwargs, repeat=0, helpers=helpers):
            others = {other: function for other, function in helpers.items() if other != name}
            return sandbox.call(module, name, args, kwargs, others, repeat)

        def function(*args, **kwargs):
            return call(args, kwargs)

        def timed(args, repeat, helpers):
            def spent(times):
                begun = perf_counter()
                call(args, {}, times, helpers)
                return perf_counter() - begun
            once = min(spent(1) for _ in range(3))
            while (more := min(spent(1 + repeat) for _ in range(2)) - once) < 0.005 and repeat < 1000:
                repeat *= 4
            return max(more / repeat, 1e-9)

        def seconds(*args, repeat=1):
            """Seconds that a call takes: the time of many less the time of one, so that the way there and back is
            left out. Helpers are slow, and are called only if it fails without them."""
            try:
                return timed(args, repeat, {})
            except Fault:
                if not helpers:
                    raise
                return timed(args, repeat, helpers)
        function.__name__, function.seconds = name, seconds
        return function
    for name in FUNCTIONS[module]:
        setattr(result, name, forwarded(name))
    return result


class Plugin:
    """Gives each check the modules that it is to judge, and reports its outcome."""

    def __init__(self, boxes, parts, report):
        self.parts, self.report = parts, report
        self.helpers, self.failed = {}, set()
        self.theirs = {module: stand_in(box, module, self.helpers) for module, box in boxes.items()}

    def place(self, item):
        """The task and the part of it, published or deeper, to which a check belongs."""
        return item.name[5:6], self.parts[str(item.path)]

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((item for item in items if re.match("test_[3-6]", item.name)), key=lambda item: item.name[5])

    def pytest_collection_finish(self, session):
        self.report(collected=[[*self.place(item), item.name] for item in session.items])

    def pytest_collectreport(self, report):
        if report.failed:
            self.report(broken=f"{report.nodeid}: {clean(report.longrepr)}")

    def pytest_runtest_setup(self, item):
        judged = MODULE[self.place(item)[0]]
        sys.modules.update(OWN | {judged: self.theirs[judged]})

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        """A function of a batch that fails may have called a wrong function of task 4; then it is not to blame."""
        outcome = yield
        if outcome.excinfo is None or self.place(pyfuncitem)[0] != "5" or "4" not in self.failed:
            return
        self.helpers["lossAndGradient"] = grads.lossAndGradient
        try:
            names = pyfuncitem._fixtureinfo.argnames
            pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
            outcome.force_result(True)
            self.report(note="some checks of task 5 pass only with the right lossAndGradient in place of the archive's")
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        finally:
            self.helpers.clear()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        report = outcome.get_result()
        if report.when != "call" and report.passed:
            return
        reason = ""
        if not report.passed:
            crash = getattr(report.longrepr, "reprcrash", None)
            lines = (crash.message if crash else str(report.longrepr)).strip().splitlines() or [""]
            reason = re.sub(r"^(AssertionError|Failed|[\w.]*Fault): ", "", clean(lines[0]))
        task, part = self.place(item)
        if not report.passed:
            self.failed.add(task)
        self.report(check=[task, part, item.name], passed=report.passed, reason=reason)


def loss_on_corpus(U, V, W, words, corpus):
    """What the mean loss of the embeddings is on the grader's corpus, in a line."""
    with np.load(corpus, allow_pickle=False) as file:
        known, ids = file["words"], file["ids"]
    if words is None and len(U) > len(known):
        return f"embeddings not judged: {len(U)} rows, but the corpus has {len(known)} words"
    index = {word: i for i, word in enumerate(words or known[:len(U)].tolist())}
    table = np.array([index.get(word, utils.OUTSIDE) for word in known.tolist()] + [utils.GAP, utils.OUTSIDE])
    ids = table[ids].astype(np.int32)
    pairs = utils.pairs_within(ids, 3)
    if len(pairs) < 1000:
        return "embeddings not judged: w2v-words.txt is not of this corpus"
    rng, n = np.random.default_rng(0), 5
    freqs = np.maximum(np.bincount(ids[ids >= 0], minlength=len(U)), 1)
    q_noise, seq = sampling.noiseDistribution(freqs, n), sampling.createSamplingSequence(freqs)
    w, c = rng.permutation(pairs)[:50000].T
    context, J = sampling.sampleContext(c, seq, n, rng), 0.
    for rows in np.array_split(np.arange(len(w)), 50):
        J += grads.lossAndGradientBatched(U[w[rows]], V[context[rows]], W, q_noise[context[rows]])[0] * len(rows)
    floor = measures.unigram_floor(pairs[:, 1], q_noise, n)
    return f"loss of the embeddings {J / len(w):.3f}; a model that ignores the target word has at least {floor:.3f}"


def main():
    order = json.loads(sys.stdin.readline())
    results = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def report(**line):
        print(json.dumps(line), file=results, flush=True)

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY if hard < 0 else min(hard, MEMORY), hard))
    try:
        sources, artefacts, answers = archive.read_archive(order["archive"])
    except archive.Unfit as error:
        report(unfit=clean(error))
        return
    rows, arrays, words = archive.check_artefacts(artefacts)
    report(artefacts=[{**row, "note": clean(row["note"])} for row in rows], answers=list(map(clean, answers)))
    hidden = [HERE.parent, Path(order["archive"]).resolve().parent, os.path.expanduser("~")]
    sources.setdefault("utils.py", (HERE.parent / "utils.py").read_bytes())
    boxes = {module: Sandbox(sources, order["timeout"] / len(OWN), order["memory"], hidden, number)
             for number, module in enumerate(OWN)}          # so that what one does to its process harms no other
    plugin = Plugin(boxes, order["checks"], report)
    try:
        boxes["sampling"].start()
        pytest.main(["-q", "--noconftest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(HERE.parent),
                     "--import-mode=importlib", "--tb=short", "--continue-on-collection-errors", *order["checks"]],
                    plugins=[plugin])
    except Unready as error:
        report(unready=clean(error))
    finally:
        for box in boxes.values():
            box.close()
    for module, box in boxes.items():
        for name, which in sorted(box.changed):
            report(note=f"{name} changes its argument {which}")
        # The lines that the course's own loop prints are not worth a word.
        output = "".join(line for line in box.output.splitlines(True) if line[:6] != "Epoch:")
        if output:
            report(note=f"the output of {module}.py begins: {clean(output)}")
    report(missing=clean(boxes["sampling"].missing))
    if order["corpus"] and arrays:
        try:
            report(note=loss_on_corpus(*(arrays[name] for name in "UVW"), words, order["corpus"]))
        except ArithmeticError as error:
            report(note=f"embeddings not judged: {clean(error)}")
    report(finished=True)


if __name__ == "__main__":
    main()
