"""Handing in, by run.py submit, and handing out, by solutions/scaffold.py."""

import inspect
import json
import re
import runpy
import shutil
import zipfile
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from beyond import submission
from beyond.command_line import Parser
from beyond.settings import ASSIGNMENT
from solutions import scaffold
from tests.support.launch import RUN, python
from tests.support.said import CHECK, import_from, said
from utils import InputError

ROOT = RUN.parent
BULGARIAN = Path(__file__).with_name("bulgarian.txt")
MODULES = ["sampling.py", "grads.py", "w2v_sgd.py"]
RESULTS = ["embeddings.png", "w2v-U.npy", "w2v-V.npy", "w2v-W.npy"]


@pytest.fixture
def results(tmp_path):
    """A folder with everything that is handed in, but not of a real run."""
    for name, shape in ("U", (5, 50)), ("V", (5, 50)), ("W", (50, 50)):
        np.save(tmp_path / f"w2v-{name}.npy", np.ones(shape, np.float32))
    np.save(tmp_path / "w2v-freqs.npy", [5, 4, 3, 2, 1])
    (tmp_path / "w2v-words.txt").write_text("a\nb\nc\nd\ne\n")
    shutil.copy(ROOT / "corpus/pydocs/embeddings.png", tmp_path)
    (tmp_path / "отговори.PDF").write_bytes(b"%PDF-1.7\n")
    return tmp_path


@pytest.fixture
def submit(results, monkeypatch):
    """A function that does what run.py submit does there, as if the checks of some tasks failed.

    The checks themselves run in the tests of handing out.
    """
    monkeypatch.chdir(results)

    def submit(*arguments, failing_tasks=()):
        monkeypatch.setattr(submission, "failing_tasks",
                            lambda folder: [f"task {task} fails" for task in failing_tasks])
        submission.submit(Parser("submit", submission.submit.options).parse_args(arguments))

    return submit


def names_in(folder):
    return sorted(file.name for file in folder.iterdir())


def test_archive_holds_what_the_assignment_names(results, submit):
    arguments = "FN0MI0600123", "--answers", "отговори.PDF"
    archive = results / "FN0MI0600123.zip"
    submit(*arguments)
    with zipfile.ZipFile(archive) as packed:
        assert sorted(packed.namelist()) == sorted([*MODULES, *RESULTS, "отговори.PDF"])
        assert packed.read("grads.py") == (ROOT / "grads.py").read_bytes()
        assert packed.read("w2v-U.npy") == (results / "w2v-U.npy").read_bytes()
        assert packed.testzip() is None

    with pytest.raises(InputError, match="--force"):
        submit(*arguments)
    submit(*arguments, "--force")
    assert not list(results.glob(".*"))


def test_the_answers_of_this_project_are_the_default(results, submit, capsys):
    submit("FN81234")
    assert "the answers are those of this project, not yours" in capsys.readouterr().out
    with zipfile.ZipFile(results / "FN81234.zip") as packed:
        assert packed.read("tasks-1-2.pdf") == (ROOT / "solutions/tasks-1-2.pdf").read_bytes()


# What may have happened to a file: functions of the folder that it is in.

def remove(name):
    return lambda folder: (folder / name).unlink()


def rename(name, to):
    return lambda folder: (folder / name).rename(folder / to)


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def save(name, X):
    return lambda folder: np.save(folder / name, X, allow_pickle=True)


@pytest.mark.parametrize("spoil, message", [
    (remove("w2v-U.npy"), "w2v-U.npy: missing or empty; train first"),
    (write("w2v-V.npy", b""), "w2v-V.npy: missing or empty"),
    (write("w2v-W.npy", b"\x93NUMPY rubbish"), "cannot be read"),
    (save("w2v-U.npy", np.array([{}])), "cannot be read"),
    (save("w2v-U.npy", np.full((5, 50), np.nan)), "not arrays of finite numbers"),
    (save("w2v-W.npy", np.ones((4, 4))), "do not fit together"),
    (save("w2v-V.npy", np.ones(5)), "do not fit together"),
    (rename("отговори.PDF", to="answers.doc"), "отговори.PDF: missing or empty"),
])
def test_each_fault_is_named_and_nothing_is_written(results, submit, spoil, message):
    spoil(results)
    before = names_in(results)
    with pytest.raises(InputError) as error:
        submit("FN0MI0600123", "--answers", "отговори.PDF")
    assert message in str(error.value) and str(error.value).count("\n") == 1
    assert names_in(results) == before


def test_all_faults_are_listed_at_once(results, submit):
    (results / "answers.doc").write_bytes(b"text")
    (results / "w2v-U.npy").unlink()
    (results / "grads.py").write_bytes(b"%PDF-1.7\n")
    with pytest.raises(InputError) as error:
        submit("FN0600123", "--answers", "answers.doc", "grads.py", failing_tasks=("4", "6"))
    _, *lines = str(error.value).splitlines()
    assert len(lines) == 6
    for fault in ("answers.doc: answers are handed in as", "w2v-U.npy: missing",
                  "grads.py: a file of this name", "grads.py: answers are", "task 4 fails",
                  "task 6 fails"):
        assert any(fault in line for line in lines)


def test_the_tasks_are_not_checked_for_a_wrong_number(results, submit):
    with pytest.raises(InputError) as error:
        submit("0600123", "--answers", "answers.doc", failing_tasks=("4", "6"))
    _, *lines = str(error.value).splitlines()
    assert len(lines) == 2 and "0600123: not a faculty number" in lines[0]


def write_run(folder, loss=2.2, **changes):
    run = {"corpus": "news", "tokens": 9, "words": 5, "pairs": 57 * 10 ** 6, "loss": loss,
           "floor": 2.5, "settings": ASSIGNMENT | changes, "versions": {}}
    (folder / "w2v-run.json").write_text(json.dumps(run))


@pytest.mark.parametrize("changes, message", [
    ({"pairs": 1000}, "--pairs 1000, not all"),
    ({"window": 5}, "--window 5, not 3"), ({"negatives": 1}, "--negatives 1, not 5"),
    ({"vocabulary": 10}, "--vocabulary 10, not 20000"),
    ({"batch_size": 10}, "--batch-size 10, not 1000"), ({"loss": 2.41}, "a loss of 2.41")])
def test_results_of_another_run_are_packed_only_anyway(results, submit, capsys, changes, message):
    write_run(results, **changes)
    with pytest.raises(InputError, match=message):
        submit("FN81234")
    submit("FN81234", "--anyway")
    assert "the results are of news, 57.0 M pairs, loss 2." in capsys.readouterr().out


def test_what_is_packed_is_said(results, submit, capsys):
    submit("FN81234")
    assert "of a run of which nothing is known" in capsys.readouterr().out
    write_run(results, init="spectral", schedule="constant", epochs=3)
    submit("FN81234", "--force")
    assert "the results are of news, 57.0 M pairs, loss 2.20" in capsys.readouterr().out


def test_what_the_modules_import_from_beside_them_is_packed(results, submit, tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    for name in MODULES:
        (project / name).write_text("import numpy, utils\n")
    (project / "grads.py").write_text("from helpers import sigmoid\nimport numpy\n")
    (project / "helpers.py").write_text("import more.parts\nimport helpers\n")
    (project / "more.py").write_text("import run\n")
    (project / "run.py").write_text("")
    monkeypatch.setattr(submission, "HERE", project)
    checked = []
    monkeypatch.setattr(submission, "check_tasks", lambda modules: checked.extend(modules) or [])
    submission.submit(Parser("submit", submission.submit.options).parse_args(
        ["FN81234", "--answers", "отговори.PDF"]))
    with zipfile.ZipFile(results / "FN81234.zip") as packed:
        names = set(packed.namelist())
    assert names == {*MODULES, *RESULTS, "отговори.PDF", "helpers.py", "more.py"}
    assert set(checked) == {*MODULES, "helpers.py", "more.py"}

    (project / "more.py").unlink()
    (project / "more").mkdir()
    with pytest.raises(InputError, match="helpers.py: imports the folder more"):
        submit("FN81234", "--force", "--answers", "отговори.PDF")


# --- handing out --------------------------------------------------------------------------------

# What a student writes into the blanks of each module, in their order.
BLANKS = {
    "sampling.py": ["""
    sequence = []
    for i, f in enumerate(freqs):
        sequence += [i] * round(f ** 0.75)
    return sequence
""", """
    counts = [round(f ** 0.75) for f in freqs]
    return np.log(negativesCount * np.array(counts) / sum(counts))
"""],
    "grads.py": ["""
    x = Vt @ W @ u_w - q
    delta = np.zeros(len(q))
    delta[0] = 1
    J = np.logaddexp(0, -x[0]) + np.logaddexp(0, x[1:]).sum()
    g = np.exp(-np.logaddexp(0, -x)) - delta
    du_w = W.T @ Vt.T @ g
    dVt = np.outer(g, W @ u_w)
    dW = np.outer(Vt.T @ g, u_w)
    return J, du_w, dVt, dW
""", """
    S = len(u_w)
    h = u_w @ W.T
    x = np.einsum("skm,sm->sk", Vt, h) - q
    J = (np.logaddexp(0, -x[:, 0]).sum() + np.logaddexp(0, x[:, 1:]).sum()) / S
    g = np.exp(-np.logaddexp(0, -x)) / S
    g[:, 0] -= 1 / S
    a = np.einsum("sk,skm->sm", g, Vt)
    du_w = a @ W
    dVt = np.einsum("sk,sm->skm", g, h)
    dW = a.T @ u_w
    return J, du_w, dVt, dW
"""],
    "w2v_sgd.py": ["""
            np.subtract.at(U, w, alpha * du_w)
            np.subtract.at(V, context, alpha * dVt)
            W -= alpha * dW
"""]}


def fill_in(module):
    """Write into the blanks of a handed-out module what a student would."""
    text = module.read_text(encoding="utf-8")
    filled, *parts = re.split(r" *# --- your code\n", text)
    for part, solution in zip(parts, BLANKS[module.name], strict=True):
        _, rest = re.split(r" *# --- end of your code\n", part)
        filled += solution + rest
    if module.name == "sampling.py":
        filled = filled.replace("import random\n", "import random\n\nimport numpy as np\n", 1)
    module.write_text(filled, encoding="utf-8")


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("homework") / "out"
    result = python(ROOT / "solutions/scaffold.py", folder, cwd=folder.parent)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def copy(handed_out, tmp_path):
    """The homework as handed out, to be changed."""
    return shutil.copytree(handed_out, tmp_path / "copy")


def test_what_is_handed_out(handed_out):
    names = [name for name in names_in(handed_out) if not name.startswith(".")]
    assert names == ["LICENSE", "README.md", "beyond", "corpus", "grads.py", "pyproject.toml",
                     "requirements.txt", "run.py", "sampling.py", "test.py", "utils.py",
                     "w2v_sgd.py"]
    assert not list(handed_out.rglob("text")) and not list(handed_out.rglob("__pycache__"))


def functions_in(folder):
    """Collect the functions of the three modules in a folder, by name."""
    values = chain.from_iterable(runpy.run_path(folder / name).items() for name in MODULES)
    return {name: value for name, value in values if inspect.isfunction(value)}


def test_the_functions_handed_out_are_the_assignments(handed_out):
    functions, ours = functions_in(handed_out), functions_in(ROOT)
    complete = {name for name, function in functions.items()
                if f"{name} is still to be written" not in inspect.getsource(function)}
    assert complete == {"sampleContext", "lossAndGradientCumulative"}
    assert functions.keys() - complete == {
        "createSamplingSequence", "noiseDistribution", "lossAndGradient",
        "lossAndGradientBatched", "stochasticGradientDescend"}
    for name, function in functions.items():        # our parameters begin with theirs
        parameters = list(inspect.signature(function).parameters)
        assert parameters == list(inspect.signature(ours[name]).parameters)[:len(parameters)]


def test_the_loop_handed_out_knows_nothing_of_ours(handed_out):
    text = (handed_out / "w2v_sgd.py").read_text(encoding="utf-8")
    assert not re.search("rng|many_at_once|callback|Diverged", text)


def test_a_task_fails_with_a_message_until_it_is_solved(copy, monkeypatch):
    import_from(copy, monkeypatch)
    for check, name in {"sequence": "createSamplingSequence", "noise": "noiseDistribution",
                        "contexts": "createSamplingSequence", "one": "lossAndGradient",
                        "batched": "lossAndGradientBatched",
                        "sgd": "stochasticGradientDescend"}.items():
        module, _ = CHECK[check]
        assert said(check) == [
            f"{name} is still to be written: between the marks in {module}.py"]
    for name in MODULES:
        fill_in(copy / name)
    assert not any(said(check) for check in CHECK)


def test_the_tasks_are_checked_on_the_packed_modules_alone(copy, monkeypatch):
    """By the real checks: a module that is not packed is not there, though it is in the project."""
    for name in MODULES:
        fill_in(copy / name)
    modules = {name: (copy / name).read_bytes() for name in MODULES}
    assert submission.check_tasks(modules) == []
    modules["sampling.py"] += b"import run\n"
    monkeypatch.setattr(submission, "TASKS", ["3"])
    assert submission.check_tasks(modules) == ["task 3 fails; see python test.py 3"]


def test_with_the_blanks_filled_in_it_trains(copy):
    for name in MODULES:
        fill_in(copy / name)
    (copy / "test.py").write_text("")           # it passes, as seen above
    result = python("-c", f"""
import runpy, sys
for method in [], ["cumulative"]:
    sys.argv = ["run.py", *method, "--corpus", {str(BULGARIAN)!r}, "--epochs", "2"]
    runpy.run_path("run.py", run_name="__main__")
""", cwd=copy)
    assert result.returncode == 0 and result.stdout.count("nearest") == 2, result.stderr
    assert result.stderr.count("100%") == 2


def test_the_homework_as_handed_out_cannot_be_trained_or_submitted(copy):
    result = python("run.py", "submit", "FN81234", cwd=copy)
    assert result.returncode == 2
    assert "name your answers to tasks 1 and 2 with --answers" in result.stderr
    assert "tasks-1-2.pdf" not in result.stderr
    for task in "3456":
        assert f"task {task} fails; see python test.py {task}" in result.stderr
    assert not list(copy.glob("*.zip"))

    (copy / "test.py").write_text("")           # it fails, as just seen
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert "createSamplingSequence is still to be written" in result.stderr


def test_scaffold_writes_only_into_a_new_folder(tmp_path, capsys):
    (tmp_path / "mine").write_text("kept")
    for target in tmp_path, tmp_path / "mine", ROOT / "homework":
        assert scaffold.main([str(target)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert names_in(tmp_path) == ["mine"] and not (ROOT / "homework").exists()
    assert (tmp_path / "mine").read_text() == "kept"
