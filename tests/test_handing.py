"""Handing in, by run.py submit, and handing out, by solutions/scaffold.py."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import run

ROOT = Path(run.__file__).parent
STUDENT = Path(__file__).with_name("student")
MODULES = ["sampling.py", "grads.py", "w2v_sgd.py"]
RESULTS = ["embeddings.png", "w2v-U.npy", "w2v-V.npy", "w2v-W.npy"]


def python(*arguments, cwd):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8",
                          cwd=cwd)


@pytest.fixture
def results(tmp_path):
    """A folder with everything that is handed in, but not of a real run."""
    for name, shape in ("U", (5, 3)), ("V", (5, 3)), ("W", (3, 3)):
        np.save(tmp_path / f"w2v-{name}.npy", np.ones(shape, np.float32))
    (tmp_path / "w2v-words.txt").write_text("a\nb\nc\nd\ne\n")
    shutil.copy(ROOT / "corpus/pydocs/embeddings.png", tmp_path)
    (tmp_path / "отговори.PDF").write_bytes(b"%PDF-1.7\n")
    return tmp_path


def submit(folder, *arguments, monkeypatch, tasks=()):
    """What run.submit would do in a folder, where the checks of these tasks fail; they run in the tests below."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(run.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(
        command, int(command[-1] in tasks)))
    run.submit(run.command_options("submit").parse_args(arguments))


def test_archive_holds_what_the_assignment_names_and_always_the_same_bytes(results, monkeypatch):
    submit(results, "FN0MI0600123", "--answers", "отговори.PDF", monkeypatch=monkeypatch)
    archive = results / "FN0MI0600123.zip"
    first = archive.read_bytes()
    with zipfile.ZipFile(archive) as packed:
        assert sorted(packed.namelist()) == sorted([*MODULES, *RESULTS, "отговори.PDF"])
        assert packed.read("grads.py") == (ROOT / "grads.py").read_bytes()
        assert packed.read("w2v-U.npy") == (results / "w2v-U.npy").read_bytes()
        assert packed.testzip() is None
    with pytest.raises(run.InputError, match="--force"):
        submit(results, "FN0MI0600123", "--answers", "отговори.PDF", monkeypatch=monkeypatch)
    for file in results.iterdir():
        file.touch()
    submit(results, "FN0MI0600123", "--answers", "отговори.PDF", "--force", monkeypatch=monkeypatch)
    assert archive.read_bytes() == first
    assert [file.name for file in results.iterdir() if file.name.startswith(".")] == []


def test_the_answers_of_this_project_are_the_default(results, monkeypatch, capsys):
    submit(results, "FN81234", monkeypatch=monkeypatch)
    assert "the answers are those of this project, not yours" in capsys.readouterr().out
    with zipfile.ZipFile(results / "FN81234.zip") as packed:
        assert packed.read("tasks-1-2.pdf") == (ROOT / "solutions/tasks-1-2.pdf").read_bytes()


def spoil(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def save(name, X):
    return lambda folder: np.save(folder / name, X, allow_pickle=True)


@pytest.mark.parametrize("fault, named", [
    (lambda folder: (folder / "w2v-U.npy").unlink(), "w2v-U.npy: missing or empty; train first"),
    (spoil("w2v-V.npy", b""), "w2v-V.npy: missing or empty"),
    (spoil("w2v-W.npy", b"\x93NUMPY rubbish"), "w2v-W.npy: not an array"),
    (save("w2v-U.npy", np.array([{}])), "w2v-U.npy: not an array"),
    (save("w2v-U.npy", np.full((5, 3), np.nan)), "w2v-U.npy: not all of it is finite"),
    (save("w2v-W.npy", np.ones((4, 4))), "they are not of one run"),
    (save("w2v-V.npy", np.ones(5)), "they are not of one run"),
    (spoil("w2v-words.txt", b"a\nb\n"), "w2v-words.txt: 2 words, but 5 rows of U"),
    (spoil("embeddings.png", b"GIF89a"), "embeddings.png: not a whole file"),
    (spoil("embeddings.png", b"\x89PNG\r\n\x1a\n and no end"), "embeddings.png: not a whole file"),
    (spoil("отговори.PDF", b"text"), "отговори.PDF: not a whole file"),
    (lambda folder: (folder / "отговори.PDF").rename(folder / "answers.doc"), "отговори.PDF: missing or empty")])
def test_each_fault_is_named_and_nothing_is_written(results, monkeypatch, fault, named):
    fault(results)
    before = sorted(file.name for file in results.iterdir())
    with pytest.raises(run.InputError) as error:
        submit(results, "FN0MI0600123", "--answers", "отговори.PDF", monkeypatch=monkeypatch)
    assert named in str(error.value) and str(error.value).count("\n") == 1
    assert sorted(file.name for file in results.iterdir()) == before


def test_all_faults_are_listed_at_once(results, monkeypatch):
    (results / "answers.doc").write_bytes(b"text")
    (results / "w2v-U.npy").unlink()
    (results / "grads.py").write_bytes(b"%PDF-1.7\n")
    with pytest.raises(run.InputError) as error:
        submit(results, "0600123", "--answers", "answers.doc", "grads.py", monkeypatch=monkeypatch, tasks=("4", "6"))
    lines = str(error.value).splitlines()[1:]
    assert len(lines) == 6 and all(any(part in line for line in lines) for part in (
        "0600123: not a faculty number", "answers.doc: answers are handed in as", "w2v-U.npy: missing",
        "grads.py: a file of this name", "task 4 fails", "task 6 fails"))


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("homework") / "out"
    assert python(ROOT / "solutions/scaffold.py", folder, cwd=folder.parent).returncode == 0
    return folder


def test_what_is_handed_out_lacks_the_solutions(handed_out):
    assert sorted(file.name for file in handed_out.iterdir() if file.name[0] != ".") == [
        "LICENSE", "README.md", "corpus", "grads.py", "pyproject.toml", "requirements.txt", "run.py", "sampling.py",
        "test.py", "utils.py", "w2v_sgd.py"]
    for name in MODULES:
        ours, handed = ((folder / name).read_text(encoding="utf-8") for folder in (ROOT, handed_out))
        assert not set(handed.splitlines()) - set(ours.splitlines()) - {
            line for line in handed.splitlines() if "raise NotImplementedError" in line or "batchSize=1000" in line}
        assert handed.count("# --- your code") == handed.count("raise NotImplementedError") == handed.count("\ndef ")
        assert not any(line.strip().startswith(("return", "for", "while")) for line in handed.splitlines())
        compile(handed, name, "exec")


@pytest.mark.parametrize("task, module", [("3", "sampling.py"), ("4", "grads.py"), ("5", "grads.py"),
                                          ("6", "w2v_sgd.py")])
def test_a_task_fails_with_a_message_until_it_is_solved(handed_out, tmp_path, task, module):
    copy = tmp_path / "copy"
    shutil.copytree(handed_out, copy)
    for name in MODULES:
        if name != module:
            shutil.copy(STUDENT / name, copy)
    result = python("test.py", task, cwd=copy)
    assert result.returncode == 1 and f"still to be written: between the marks in {module}" in result.stdout
    assert "passed" not in result.stdout
    shutil.copy(STUDENT / module, copy)
    result = python("test.py", task, cwd=copy)
    assert result.returncode == 0 and "failed" not in result.stdout


def test_a_body_between_the_marks_is_enough(handed_out, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(handed_out, copy)
    for name in "sampling.py", "grads.py":
        shutil.copy(STUDENT / name, copy)
    body = (STUDENT / "w2v_sgd.py").read_text(encoding="utf-8").partition("alpha=1.):\n")[2]
    stub = (copy / "w2v_sgd.py").read_text(encoding="utf-8")
    begun, _, rest = stub.partition("    # --- your code\n")
    (copy / "w2v_sgd.py").write_text(f"{begun}{body}{rest.partition(chr(10))[2]}", encoding="utf-8")
    result = python("run.py", "--corpus", STUDENT.with_name("bulgarian.txt"), "--epochs", "2", cwd=copy)
    assert result.returncode == 0 and "nearest" in result.stdout, result.stderr


def test_the_homework_as_handed_out_cannot_be_trained_or_submitted(handed_out):
    result = python("run.py", "--corpus", STUDENT.with_name("bulgarian.txt"), cwd=handed_out)
    assert result.returncode == 2 and "createSamplingSequence is still to be written" in result.stderr
    assert "Traceback" not in result.stderr
    result = python("run.py", "submit", "FN81234", cwd=handed_out)
    assert result.returncode == 2 and "tasks-1-2.pdf: missing or empty; name your answers" in result.stderr
    assert all(f"task {task} fails; see python test.py {task}" in result.stderr for task in "3456")
    assert not list(handed_out.glob("*.zip"))


def test_scaffold_writes_only_into_a_new_folder(tmp_path):
    (tmp_path / "mine").write_text("kept")
    for target in tmp_path, tmp_path / "mine":
        result = python(ROOT / "solutions/scaffold.py", target, cwd=tmp_path)
        assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["mine"] and (tmp_path / "mine").read_text() == "kept"
