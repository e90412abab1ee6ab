"""Modules exchanged for a student's, and this project's modules in the course's own script."""

import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import utils
from beyond.as_assigned import PairList
from tests.support.launch import python

ROOT = Path(utils.__file__).parent
HERE = Path(__file__).parent
BULGARIAN = HERE / "bulgarian.txt"
MODULES = "sampling.py", "grads.py", "w2v_sgd.py"
EACH_AND_ALL = [(name,) for name in MODULES] + [MODULES]


@pytest.fixture
def copy(tmp_path):
    """The project, with a test.py that says nothing: before a training, it takes seconds."""
    ignored = shutil.ignore_patterns("text", "*.zip", "w2v-*", ".*", "*venv*", "tests", "solutions")
    project = shutil.copytree(ROOT, tmp_path / "project", ignore=ignored)
    (project / "test.py").write_text("")
    return project


@pytest.mark.parametrize("names", EACH_AND_ALL, ids=" ".join)
def test_run_trains_with_a_students_modules(copy, names):
    for name in names:
        shutil.copy(HERE / "student" / name, copy)
    result = python("run.py", "--corpus", BULGARIAN, "--epochs", "2", cwd=copy)
    assert result.returncode == 0 and "nearest" in result.stdout, result.stderr
    assert "100%" in result.stderr


@pytest.mark.parametrize("method", [[], ["cumulative"]], ids=["batched", "cumulative"])
def test_run_trains_with_the_courses_loop(copy, method):
    shutil.copy(HERE / "course/w2v_sgd.py", copy)
    result = python("run.py", *method, "--corpus", BULGARIAN, "--batch-size", "300", "--epochs",
                    "2", cwd=copy)
    assert result.returncode == 0 and "nearest" in result.stdout, result.stderr
    assert result.stdout.count("Sample:") == 2          # at the start of each epoch only


def test_going_on_needs_a_loop_that_can(copy):
    shutil.copy(HERE / "course/w2v_sgd.py", copy)
    result = python("run.py", "--corpus", BULGARIAN, "--resume", cwd=copy)
    assert result.returncode == 2 and "--resume: this stochasticGradientDescend" in result.stderr


@pytest.mark.parametrize("names", [(), *EACH_AND_ALL], ids=lambda names: " ".join(names) or "none")
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

def test_what_to_expect_is_said_before(copy):
    shutil.copy(HERE / "student/w2v_sgd.py", copy)
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert "writes no checkpoints: stopping it loses all" in result.stderr
    assert "fails" not in result.stderr


def test_wrong_modules_are_named_before_the_training_and_it_goes_on(copy):
    for name in MODULES:
        shutil.copy(HERE / "student" / name, copy)
    text = (copy / "grads.py").read_text(encoding="utf-8")
    (copy / "grads.py").write_text(text.replace("du_w = W.T @", "du_w = W @"), encoding="utf-8")
    shutil.copy(ROOT / "test.py", copy)
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert result.returncode == 0, result.stderr
    told, _, training = result.stderr.partition("task 4 fails; see python test.py 4")
    assert training and "pairs/s" not in told and "100%" in training
    assert "task 3 fails" not in result.stderr


@pytest.mark.parametrize("name, text, message", [
    ("w2v_sgd.py", "", "w2v_sgd.py has no function stochasticGradientDescend"),
    ("sampling.py", "createSamplingSequence = noiseDistribution = 1", "has no function sampleCont"),
    ("sampling.py", """
def createSamplingSequence(freqs): return [0, 1, 2]
def noiseDistribution(freqs, n): return [0.1, 0.2]
def sampleContext(c, seq, n): return [c] + [1 - min(c, 1)] * n
""", "noiseDistribution must return 167 values, one for each word, but returned shape (2,)")],
    ids=["no loop", "no contexts", "few values"])
def test_what_a_module_lacks_is_said(copy, name, text, message):
    (copy / name).write_text(text)
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert result.returncode == 2 and message in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("text, message", [
    ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ("def f(:\n", "SyntaxError"), ("exit(0)", "SystemExit: 0"), ("input()", "EOFError"),
    ("x = 1".encode("utf-16"), "SyntaxError")], ids=["import", "syntax", "exit", "input", "utf-16"])
def test_a_module_that_cannot_be_imported_gets_one_line(copy, text, message):
    (copy / "grads.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "run.py: grads.py cannot be imported: " in result.stderr and message in result.stderr


@pytest.mark.parametrize("name", ["student", "course"])
def test_a_loss_that_is_not_finite_ends_a_students_run_at_once(copy, name):
    shutil.copy(HERE / name / "w2v_sgd.py", copy)
    grads = (copy / "grads.py").read_text(encoding="utf-8")
    (copy / "grads.py").write_text(grads + """
calls = 0

def lossAndGradientBatched(u_w, Vt, W, q, right=lossAndGradientBatched):
    global calls
    calls += 1
    if calls > 8:
        raise SystemExit("it went on")
    J, *gradients = right(u_w, Vt, W, q)
    return (float("inf") if calls == 8 else J), *gradients
""", encoding="utf-8")
    result = python("run.py", "--corpus", BULGARIAN, "--batch-size", "100", cwd=copy)
    assert result.returncode == 2, result.stderr
    assert "the loss is inf after 700 pairs: first see python test.py 6" in result.stderr


@pytest.mark.parametrize("end, message", [
    ("", "U, V and W are not three arrays"), ("return U, V", "U, V and W are not three arrays"),
    ("return U.T, V, W", "do not fit together, (50, 167)"),
    ("return U + float('nan'), V, W", "not arrays of finite numbers")])
def test_what_a_students_function_returns_is_looked_at(copy, end, message):
    shutil.copy(HERE / "student/w2v_sgd.py", copy)
    text = (copy / "w2v_sgd.py").read_text(encoding="utf-8")
    (copy / "w2v_sgd.py").write_text(text.replace("return U, V, W", end), encoding="utf-8")
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert result.returncode == 2 and message in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


def test_lists_of_embeddings_are_taken(copy):
    shutil.copy(HERE / "student/w2v_sgd.py", copy)
    text = (copy / "w2v_sgd.py").read_text(encoding="utf-8")
    (copy / "w2v_sgd.py").write_text(
        text.replace("return U, V, W", "return U.tolist(), V.tolist(), W.tolist()"))
    result = python("run.py", "--corpus", BULGARIAN, cwd=copy)
    assert result.returncode == 0, result.stderr


def test_a_students_run_follows_from_the_seed(copy):
    for name in MODULES:
        shutil.copy(HERE / "student" / name, copy)
    came = []
    for out, seed in ("a", 3), ("b", 3), ("c", 4):
        result = python("run.py", "--corpus", BULGARIAN, "--out", out, "--seed", seed, cwd=copy)
        assert result.returncode == 0, result.stderr
        came.append((copy / out / "w2v-U.npy").read_bytes())
    assert came[0] == came[1] != came[2]


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
