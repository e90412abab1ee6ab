"""What a hand-in costs: each fault what the table says, and right work nothing.

The checks are those of the judge, but for speed the modules under test run in this process, without
a box; their arguments and values pass through the wire all the same.
"""

import re
import time
import tracemalloc
import types
from collections import defaultdict

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from beyond.diagnosis import as_numbers
from beyond.settings import FUNCTIONS
from solutions import grade
from solutions.grading import (
    check_grads,
    deep_checks,
    judge,
    reports,
    results,
    scheme,
    wire,
    worker,
)
from solutions.grading.calls import Fault, Student, stand_in
from tests.support.faults import CHEATS, FAULTS, as_markdown, changed
from tests.support.handed_in import BLANK, OWN, ROOT, STUDENT, files_of, pack
from tests.support.styles import HANDS, IMPORTS, POOLS, STYLES, with_helpers


class InProcess:
    """A student's modules, called in this process; in place of `Student`.

    sources : dict from the names of modules to their texts
    """

    def __init__(self, sources):
        self.sources, self.modules = sources, {}
        self.changed = defaultdict(set)

    seconds_used = staticmethod(time.thread_time)

    def close(self):
        """There is no box."""

    def import_module(self, name):
        if name not in self.modules:
            module = types.ModuleType(name)
            place = str(worker.FOLDER / f"{name}.py")
            exec(compile(self.sources[name], place, "exec"), vars(module))
            self.modules[name] = module
        return self.modules[name]

    def calls(self, module, name, args_of_each, times=1):
        functions = []
        call = read(wire.pack([module, name, args_of_each, times], functions), functions)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker, "importlib", self)
            try:
                values, changed = worker.answered(*call)
                values = read(wire.pack(values))
            except AssertionError:      # of a function of the checks
                raise
            except Exception as error:
                what = worker.described(error, worker.FOLDER)
                raise Fault(f"{module}.{name}: {what}") from None
        self.changed[f"{module}.{name}"] |= set(changed)
        return values

    call = Student.call


def read(message, functions=()):
    """Read a message of the wire."""
    length, _ = wire.LENGTHS.unpack(message[:wire.LENGTHS.size])
    rest = message[wire.LENGTHS.size:]
    return wire.unpack(rest[:length], rest[length:], functions.__getitem__)


class Remembering(InProcess):
    """A student's modules that note their answers, or give only those that are known."""

    def __init__(self, sources, answers, may_compute):
        super().__init__(sources)
        self.answers, self.may_compute, self.known = answers, may_compute, []

    def calls(self, module, name, args_of_each, times=1):
        question = wire.pack([name, args_of_each], [])
        if self.may_compute:
            self.answers[question] = super().calls(module, name, args_of_each, times)
        if question not in self.answers:
            raise Fault("another question")
        self.known.append(name)
        return self.answers[question]


def judged(sources, student=None):
    """Judge modules; what is as in tests/student, which is right, is not judged again.

    student : in place of InProcess(sources)

    Returns
    -------
    lost : dict from task to the points lost, where there are any
    failed : list of [task, part, lines]
    changed : dict from function to the numbers of the arguments that it changed
    """
    student = student or InProcess(sources)
    students = dict.fromkeys(FUNCTIONS, student)
    checks = [check for check in deep_checks.CHECKS
              if not is_as_in_student(check, sources)]
    known = {(check.task, check.part) for check in deep_checks.CHECKS if check not in checks}
    with threadpool_limits(1, "blas"):
        passed, failed = judge.run_checks(checks, students)
    points = scheme.points(deep_checks.CHECKS, passed | known)
    lost = {task: round(scheme.POINTS[task] - points[task], 2) for task in points}
    return {task: value for task, value in lost.items() if value}, failed, student.changed


def is_as_in_student(check, sources):
    """Tell whether a check looks at nothing but code of tests/student."""
    module = scheme.MODULE_OF[check.task]
    texts = [sources[module], STUDENT[module]]
    if check.function is check_grads.no_loop:           # the slowest
        texts = [text.partition("def lossAndGradientBatched")[2] for text in texts]
    return sources is not STUDENT and texts[0] == texts[1]


_, *GIVEN = BLANK["grads"].partition("def lossAndGradientCumulative")


def in_files(files):
    """Return the modules of a style, and tests/student's where it has none."""
    modules = STUDENT | {name.removesuffix(".py"): text for name, text in files.items()}
    if "def lossAndGradientCumulative" not in modules["grads"]:
        modules["grads"] += "".join(GIVEN).partition("def lossAndGradientBatched")[0]
    return modules


@pytest.fixture
def graded(box, tmp_path):
    """A function that grades modules as grade.py does, in a box."""
    def graded(sources):
        path = pack(tmp_path / "FN1.zip", files_of(sources))
        result = grade.grade(results.HandIn("FN1", (path,)))
        assert result.state == results.GRADED, result.notes
        return result
    return graded


# --- faults -------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", FAULTS)
def test_fault(name):
    fault = FAULTS[name]
    lost, failed, _ = judged(changed(STUDENT, fault.changes))
    assert lost == fault.costs, failed
    assert fault.reason in failed[0][2][0]
    assert all(len(lines) <= judge.MOST_LINES for _, _, lines in failed)


def test_faults_in_a_box(graded):
    """One of each task: what is told in this process is what is told in a box."""
    faults = [FAULTS[name] for name in ("q lacks the factor n", "dW is transposed",
                                        "J is not divided by S", "no shuffling")]
    result = graded(changed(STUDENT, sum((fault.changes for fault in faults), [])))
    for fault, loss in zip(faults, result.losses, strict=True):
        assert {loss.task: loss.points} == fault.costs and fault.reason in loss.lines[0]


def test_what_is_said_twice_becomes_one_loss():
    _, failed, _ = judged(STUDENT | {"grads": "import nothing"})
    losses = reports.losses_of(failed)
    assert [loss.part for loss in losses] == [
        "J, du_w, dVt, dW, large scores", "J, du_w, dVt, dW, large scores, a loop over S"]
    assert "ModuleNotFoundError: No module named 'nothing' (grads.py, line 1)" in losses[0].lines[0]


def test_no_more_is_lost_than_a_task_has():
    losses = reports.losses_of([[check.task, check.part, [check.part]]
                                for check in deep_checks.CHECKS])
    for task, points in scheme.POINTS.items():
        assert sum(loss.points for loss in losses if loss.task == task) == pytest.approx(points)


def test_a_syntax_error_says_under_which_python():
    _, failed, _ = judged(STUDENT | {"sampling": "def f(:\n"})
    assert re.search(r"SyntaxError: .+ under Python 3\.\d+\.\d+; perhaps .+ newer one .+line 1",
                     failed[0][2][0])


def test_arguments_that_a_function_changes_are_one_note():
    student = types.SimpleNamespace(changed={"grads.f": {4, 2, 3}, "grads.g": set()}, output=b"")
    assert judge.notes_on({"grads": student}) == ["grads.f changes its argument 2, 3, 4"]


# --- parts --------------------------------------------------------------------------------------

def test_blank_handout_has_no_points():
    lost, _, _ = judged(BLANK)
    assert lost == scheme.POINTS


def test_who_never_asks_for_a_context_is_not_told_of_the_order():
    blank = "def stochasticGradientDescend(data, U0, V0, W0, *others):\n    return U0, V0, W0\n"
    _, failed, _ = judged(STUDENT | {"w2v_sgd": blank})
    assert not [part for _, part, _ in failed if "shuffling" in part]


BLANK_LINES = re.compile(r"    *# --- your code\n.*?# --- end of your code\n", re.DOTALL)
EARNED = {"3": 0.5}, {"3": 0.5}, {"4": 2.}, {"5": 2.}, {"6": 2.}    # by each body


def filled(bodies):
    """Fill the blanks of the hand-out, but where a body is None."""
    modules, bodies = {}, iter(bodies)
    for module, text in BLANK.items():
        modules[module] = IMPORTS + BLANK_LINES.sub(lambda blank: next(bodies) or blank[0], text)
    return modules


@pytest.mark.parametrize("number", range(5))
def test_one_function_written(number):
    """Who fills in a single blank of the hand-out has its points, and no others."""
    bodies = HANDS["lambdas, einsum alone, sorted rows"]
    lost, failed, _ = judged(filled(body if i == number else None for i, body in enumerate(bodies)))
    earned = EARNED[number]
    assert lost == {task: points - earned.get(task, 0) for task, points in scheme.POINTS.items()
                    if points != earned.get(task, 0)}, failed


ZEROED = {
    "4": ("return J, du_w, dVt, dW", "{0} * J, {1} * du_w, {2} * dVt, {3} * dW"),
    "5": ("return J / S, du_w, dVt, dW", "{0} * J / S, {1} * du_w, {2} * dVt, {3} * dW")}


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("task", ZEROED)
def test_one_result_wrong(task, number):
    """Each of J, du_w, dVt, dW costs its own points alone; so it is if it is 0."""
    right, pattern = ZEROED[task]
    for factor in 0, 2:
        wrong = pattern.format(*(factor if i == number else 1 for i in range(4)))
        assert STUDENT["grads"].count(right) == 1
        text = STUDENT["grads"].replace(right, f"return {wrong}")
        lost, failed, _ = judged(STUDENT | {"grads": text})
        assert lost == {task: 0.5}, failed


@pytest.mark.parametrize("name", CHEATS)
def test_cheat(name):
    changes, costs = CHEATS[name]
    lost, failed, _ = judged(changed(STUDENT, changes))
    assert lost == costs, failed


def test_answers_known_from_before():
    answers = {}
    assert judged(STUDENT, Remembering(STUDENT, answers, may_compute=True))[0] == {}
    second = Remembering(STUDENT, answers, may_compute=False)
    assert judged(STUDENT, second)[0] == scheme.POINTS
    assert "stochasticGradientDescend" not in second.known


STEPS = """
import numpy as np
def J_of(u_w, Vt, W, q):
    x = Vt @ (W @ u_w) - q
    x[0] = -x[0]
    return np.log(1 + np.exp(x)).sum()
def lossAndGradient(*arguments):
    arguments = [np.array(X, complex) for X in arguments]
    gradients = [np.zeros(X.shape) for X in arguments[:3]]
    for X, gradient in zip(arguments, gradients):
        for place in np.ndindex(X.shape):
            number = X[place]
            X[place] = number + 1e-30j
            gradient[place] = J_of(*arguments).imag / 1e-30
            X[place] = number
    return J_of(*arguments).real, *gradients
"""


def test_steps_in_each_number_of_W_take_too_long(box):
    """In du_w and dVt, which have fewer numbers, they have their points."""
    student = Student({"grads.py": STEPS.encode()}, seconds=4.)
    grads = stand_in(student, "grads")
    for name in "du_w", "dVt":
        check_grads.result(name, "lossAndGradient", check_grads.SHAPES, grads, frozenset())
    with pytest.raises(Fault, match="took longer than 2 s"):
        check_grads.result("dW", "lossAndGradient", check_grads.SHAPES, grads, frozenset())
    student.close()


def test_texts_among_numbers_take_no_memory():
    """An array of strings would have room for the longest one in each place."""
    tracemalloc.start()
    numbers, problem = as_numbers(np.zeros(1000), ["x" * 10 ** 5, *[0.] * 999])
    assert numbers is None and problem and tracemalloc.get_traced_memory()[1] < 10 ** 7
    tracemalloc.stop()


# --- right work ---------------------------------------------------------------------------------

@pytest.mark.parametrize("sources", [STUDENT, OWN], ids=["student", "own"])
def test_right_modules(sources):
    assert judged(sources)[:2] == ({}, [])


@pytest.mark.parametrize("style", STYLES)
def test_style(style):
    lost, failed, _ = judged(in_files(STYLES[style]))
    assert not lost, failed


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")     # of np.matrix
@pytest.mark.parametrize("name", HANDS)
def test_hand_out_filled_in(name):
    lost, failed, _ = judged(filled(HANDS[name]))
    assert not lost, failed


def test_pools_and_files_beside(graded):
    """Helper modules may be called as the grader's own are."""
    result = graded(in_files(POOLS | with_helpers(STUDENT["grads"])))
    assert result.points == scheme.POINTS, result.losses


CHANGES = {
    "U0, V0, W0 in place": (
        ("U0.copy(), V0.copy(), W0.copy()", "U0, V0, W0"), {2, 3, 4}),
    "data shuffled in place": (
        ("        order = np.random.permutation(len(data))\n",
         "        np.random.shuffle(data)\n        order = range(len(data))\n"), {1}),
    "a copy of data shuffled": (
        ("        order = np.random.permutation(len(data))\n",
         "        data = np.array(data)\n        np.random.shuffle(data)\n"
         "        order = range(len(data))\n"), set())}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_arguments_cost_nothing(name):
    exchange, arguments = CHANGES[name]
    assert exchange[0] in STUDENT["w2v_sgd"]
    text = STUDENT["w2v_sgd"].replace(*exchange)
    lost, failed, noted = judged(STUDENT | {"w2v_sgd": text})
    assert not lost, failed
    assert noted["w2v_sgd.stochasticGradientDescend"] == arguments


def test_course_loop():
    """The course's own loop, which begins with U = U0."""
    text = (ROOT / "tests/course/w2v_sgd.py").read_text(encoding="utf-8")
    assert judged(STUDENT | {"w2v_sgd": text})[:2] == ({}, [])


RETURNED = [
    "[J, du_w, dVt, dW]", "float(J), du_w.tolist(), dVt.tolist(), dW.tolist()",
    "np.array(J), list(du_w), list(dVt), list(dW)",
    "J, du_w, np.asfortranarray(dVt), tuple(map(tuple, dW))",
    "np.float32(J), np.float32(du_w), np.float32(dVt), np.float32(dW)",
    "np.longdouble(J), du_w, np.longdouble(dVt), dW"]


@pytest.mark.parametrize("returned", RETURNED)
def test_types_of_results(returned):
    text = STUDENT["grads"]
    text = text.replace("return J / S, du_w, dVt, dW", f"J = J / S\n    return {returned}")
    text = text.replace("return J, du_w, dVt, dW", f"return {returned}")
    assert text.count(returned) == 2
    lost, failed, _ = judged(STUDENT | {"grads": text})
    assert not lost, failed


def test_the_table_in_grading_md_is_this_one():
    text = (ROOT / "solutions/grading.md").read_text(encoding="utf-8")
    assert as_markdown() in text
    for check in deep_checks.CHECKS:
        assert f"{check.part}: {check.points:g}" in text or check.part in "J, du_w, dVt, dW", check
