"""Modules exchanged for a student's, and this project's modules in the course's own script."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import utils

ROOT = Path(utils.__file__).parent
HERE = Path(__file__).parent
BULGARIAN = HERE / "bulgarian.txt"
MODULES = "sampling.py", "grads.py", "w2v_sgd.py"
EACH_AND_ALL = [(name,) for name in MODULES] + [MODULES]


def python(*arguments, cwd):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True,
                          encoding="utf-8", cwd=cwd)


@pytest.fixture
def copy(tmp_path):
    ignored = shutil.ignore_patterns("text", "*.zip", "w2v-*", ".*", "*venv*", "tests", "solutions")
    return shutil.copytree(ROOT, tmp_path / "project", ignore=ignored)


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
