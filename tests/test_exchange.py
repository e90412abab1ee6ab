"""Modules exchanged for a student's, and this project's modules in the course's own script."""

import random
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import grads
import run
import sampling
import utils
import w2v_sgd
from beyond.as_assigned import PairList
from beyond.settings import FUNCTIONS
from tests.support.launch import launch, python
from utils import InputError

ROOT = Path(utils.__file__).parent
HERE = Path(__file__).parent
BULGARIAN = HERE / "bulgarian.txt"
MODULES = "sampling.py", "grads.py", "w2v_sgd.py"
EACH_AND_ALL = [(name,) for name in MODULES] + [MODULES]


@pytest.fixture
def exchange(monkeypatch):
    """A function that lets run.py have a student's functions, in forks of this process.

    `change` is a pair of texts: what stands in the module, and what shall stand there instead.
    """
    monkeypatch.setattr(run, "failing_tasks", list)         # they take seconds

    def exchange(path, change=("", "")):
        text = path.read_text(encoding="utf-8")
        assert change[0] in text
        theirs = {}
        exec(compile(text.replace(*change), path.name, "exec"), theirs)
        ours = {"sampling.py": sampling, "grads.py": grads, "w2v_sgd.py": w2v_sgd}[path.name]
        for name in FUNCTIONS[path.stem]:
            monkeypatch.setattr(ours, name, theirs[name])
        if path.name == "grads.py":
            monkeypatch.delattr(grads, "_check_shapes")

    return exchange


def train(out, *options):
    return launch("--corpus", BULGARIAN, "--out", out, *options, cwd=out.parent)


@pytest.mark.parametrize("names", EACH_AND_ALL, ids=" ".join)
def test_run_trains_with_a_students_modules(exchange, tmp_path, names):
    for name in names:
        exchange(HERE / "student" / name)
    result = train(tmp_path / "out", "--epochs", "2")
    assert result.returncode == 0 and "nearest" in result.stdout, result.stderr
    assert "100%" in result.stderr
    assert ("writes no checkpoints: stopping it loses all" in result.stderr) == (
        "w2v_sgd.py" in names)


@pytest.mark.parametrize("method", [[], ["cumulative"]], ids=["batched", "cumulative"])
def test_run_trains_with_the_courses_loop(exchange, tmp_path, method):
    exchange(HERE / "course/w2v_sgd.py")
    result = train(tmp_path / "out", *method, "--batch-size", "300", "--epochs", "2")
    assert result.returncode == 0 and "nearest" in result.stdout, result.stderr
    assert result.stdout.count("Sample:") == 2          # at the start of each epoch only

    result = train(tmp_path / "out", "--resume")
    assert result.returncode == 2 and "--resume: this stochasticGradientDescend" in result.stderr


@pytest.mark.parametrize("names", [(), MODULES[2:], MODULES[:2]],
                         ids=lambda names: " ".join(names) or "none")
def test_the_courses_script_trains_with_our_modules(tmp_path, names):
    """All of ours, and with those named exchanged for a student's."""
    for name in MODULES:
        shutil.copy((HERE / "student" if name in names else ROOT) / name, tmp_path)
    for name in "run.py", "utils.py":
        shutil.copy(HERE / "course" / name, tmp_path)
    result = python("run.py", BULGARIAN, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    U, V, W = (np.load(tmp_path / f"w2v-{name}.npy") for name in "UVW")
    assert U.shape == V.shape and W.shape == (50, 50)
    assert all(X.dtype == np.float64 and np.isfinite(X).all() for X in (U, V, W))
    assert np.load(tmp_path / "points.npy").shape == (len(U), 2)
    if "w2v_sgd.py" not in names:
        assert re.match(r"Epoch: 0 Sample: 0 / \d+ Loss: [\d.]+\n", result.stdout)


# --- a student's own training -------------------------------------------------------------------

def test_wrong_modules_are_named_before_the_training_and_it_goes_on(tmp_path):
    """In a copy of the project, by the real checks."""
    ignored = shutil.ignore_patterns("text", "*.zip", "w2v-*", ".*", "*venv*", "tests", "solutions")
    copy = shutil.copytree(ROOT, tmp_path / "project", ignore=ignored)
    for name in MODULES:
        shutil.copy(HERE / "student" / name, copy)
    text = (copy / "grads.py").read_text(encoding="utf-8")
    (copy / "grads.py").write_text(text.replace("du_w = W.T @", "du_w = W @"), encoding="utf-8")
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert result.returncode == 0, result.stderr
    told, _, training = result.stderr.partition("task 4 fails; see python test.py 4")
    assert training and "pairs/s" not in told and "100%" in training
    assert "task 3 fails" not in result.stderr


@pytest.mark.parametrize("name, text, message", [
    ("w2v_sgd.py", "", "has no function stochasticGradientDescend"),
    ("sampling.py", "createSamplingSequence = noiseDistribution = 1", "has no function sampleCont"),
    ("grads.py", "import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    ("grads.py", "def f(:\n", "SyntaxError"), ("grads.py", "exit(0)", "SystemExit: 0"),
    ("grads.py", "input()", "cannot be imported: "),
    ("grads.py", "x = 1".encode("utf-16"), "SyntaxError")], ids=str)
def test_a_module_that_is_no_such_module_gets_one_line(monkeypatch, tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, Path(name).stem)
    with pytest.raises(InputError, match=f"^{name} .*{message}") as error:
        run.import_modules()
    assert "\n" not in str(error.value)


def test_too_few_values_of_the_noise_are_named(exchange, monkeypatch, tmp_path):
    monkeypatch.setattr(sampling, "noiseDistribution", lambda freqs, n: [0.1, 0.2])
    result = train(tmp_path / "out")
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert ("noiseDistribution must return 167 values, one for each word, but returned shape (2,)"
            in result.stderr)


@pytest.mark.parametrize("folder", ["student", "course"])
def test_a_loss_that_is_not_finite_ends_a_students_run_at_once(
        exchange, monkeypatch, tmp_path, folder):
    exchange(HERE / folder / "w2v_sgd.py")
    right, losses = grads.lossAndGradientBatched, iter([1.] * 7 + [float("inf")])

    def loss_function(*arguments):
        _, *gradients = right(*arguments)
        return next(losses), *gradients

    monkeypatch.setattr(grads, "lossAndGradientBatched", loss_function)
    result = train(tmp_path / "out", "--batch-size", "100")
    assert result.returncode == 2, result.stderr
    assert "the loss is inf after 700 pairs: first see python test.py 6" in result.stderr


@pytest.mark.parametrize("end, message", [
    ("", "must return U, V and W"), ("return U, V", "must return U, V and W"),
    ("return U.T, V, W", "do not fit together, (50, 167)"),
    ("return U[1:], V[1:], W", "do not fit together, (166, 50)"),
    ("return U + float('nan'), V, W", "not arrays of finite numbers"),
    ("return U.tolist(), V.tolist(), W.tolist()", "")])
def test_what_a_students_function_returns_is_looked_at(exchange, tmp_path, end, message):
    exchange(HERE / "student/w2v_sgd.py", ("return U, V, W", end))
    result = train(tmp_path / "out")
    assert result.returncode == (2 if message else 0) and message in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


def test_pairs_left_out_are_noticed(exchange, tmp_path):
    exchange(HERE / "student/w2v_sgd.py", ("range(0, len(data), ", "range(0, len(data) - 99, "))
    result = train(tmp_path / "out", "--batch-size", "50")
    assert result.returncode == 0 and "does it run all epochs" in result.stderr


def test_a_students_run_follows_from_the_seed(exchange, tmp_path):
    for name in MODULES:
        exchange(HERE / "student" / name)
    results = []
    for out, seed in ("a", 3), ("b", 3), ("c", 4):
        result = train(tmp_path / out, "--seed", seed)
        assert result.returncode == 0, result.stderr
        results.append((tmp_path / out / "w2v-U.npy").read_bytes())
    assert results[0] == results[1] != results[2]


PAIRS = np.array([(i, 10 * i) for i in range(10)], np.int32)


def test_a_pair_list_is_like_a_list_of_tuples():
    pairs, expected = PairList(PAIRS), [(i, 10 * i) for i in range(10)]
    assert len(pairs) == 10 and list(pairs) == expected and pairs[3] == pairs[-7] == (3, 30)
    assert type(pairs[3][0]) is int and list(pairs[2:9:3]) == expected[2:9:3]
    assert [pairs[i] for i in np.arange(10)] == expected and (3, 30) in pairs
    w, c = zip(*pairs)
    assert w == tuple(range(10)) and np.array_equal(np.asarray(pairs), PAIRS)
    assert sorted(random.sample(pairs, 10)) == expected == sorted(pairs.copy())


@pytest.mark.parametrize("shuffle", [random.shuffle, np.random.shuffle])
def test_a_pair_list_can_be_shuffled_and_nobody_elses_pairs_are(shuffle):
    before = PAIRS.copy()
    pairs = PairList(PAIRS)
    shuffle(pairs)
    assert sorted(pairs) == list(PairList(PAIRS)) != list(pairs)
    assert np.array_equal(PAIRS, before)
