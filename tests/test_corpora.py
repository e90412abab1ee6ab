"""The folders of corpus/, and modules exchanged for a student's, in a copy of the project."""

import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import utils
from corpus import reading

ROOT = Path(utils.__file__).parent
BULGARIAN = Path(__file__).with_name("bulgarian.txt")


@pytest.fixture
def copy(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns("text", "*.zip", "w2v-*", ".*", "*venv*", "tests"))
    return project


def python(*arguments, cwd):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8",
                          cwd=cwd)


def test_pydocs_takes_docstrings_and_what_is_documented_for_c_code():
    docstrings = runpy.run_path(str(ROOT / "corpus/pydocs/prepare.py"))["docstrings"]
    source = '''"""Of the module."""
class A:
    """Of the class."""
    def f(self):
        """Of the
        method."""
        return "nothing"
    async def g(self):
        "Of the coroutine."
def undocumented(): pass
add_newdoc("numpy", "ones", """
    Of C code.
    """)
'''
    assert sorted(" ".join(text.split()) for text in docstrings(source)) == [
        "Of C code.", "Of the class.", "Of the coroutine.", "Of the method.", "Of the module."]


def test_journalism_is_unpacked_trained_on_and_then_the_default(copy):
    folder = copy / "corpus/journalism_bg"
    with zipfile.ZipFile(folder / "JOURNALISM.BG.zip", "w") as archive:
        archive.write(BULGARIAN, "JOURNALISM.BG/C-MassMedia/първи.txt")
        archive.writestr("JOURNALISM.BG/readme.pdf", "not text")
    first = python("run.py", "--corpus", "journalism_bg", cwd=copy)
    assert first.returncode == 0 and first.stdout.startswith("\ncorpus      journalism_bg: "), first.stderr
    assert [file.name for file in (folder / "text").rglob("*") if file.is_file()] == ["първи.txt"]
    assert (copy / "w2v-U.npy").exists() and (copy / "embeddings.png").exists()
    second = python("run.py", "--pairs", "100", cwd=copy)
    assert second.stdout.startswith("\ncorpus      journalism_bg: ") and "preparing" not in second.stderr


@pytest.mark.parametrize("content, message", [
    (None, "JOURNALISM.BG.zip: no such file; register"), ({"../a.txt": ""}, "would leave the folder"),
    ({"/a.txt": ""}, "would leave the folder"), ({"a.pdf": ""}, "no .txt file"), ("no archive", "cannot be unpacked")])
def test_an_archive_that_is_not_the_corpus_is_refused(copy, content, message):
    folder = copy / "corpus/journalism_bg"
    if isinstance(content, str):
        (folder / "JOURNALISM.BG.zip").write_text(content)
    elif content:
        with zipfile.ZipFile(folder / "JOURNALISM.BG.zip", "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    result = python("run.py", "--corpus", "journalism_bg", cwd=copy)
    preparing, line = result.stderr.splitlines()
    assert result.returncode == 2 and message in line and "preparing" in preparing
    assert sorted(file.name for file in folder.iterdir() if file.suffix != ".zip") == [
        "README.md", "prepare.py", "words.txt"]
    assert not list(copy.parent.rglob("a.txt")) and not Path("/a.txt").exists()


def test_a_folder_without_text_says_what_is_missing(copy):
    (copy / "corpus/mine").mkdir()
    result = python("run.py", "--corpus", "mine", cwd=copy)
    assert result.returncode == 2 and result.stderr.count("\n") == 1 and "mine/text: no such folder" in result.stderr
    (copy / "corpus/mine/text").mkdir()
    shutil.copy(BULGARIAN, copy / "corpus/mine/text")
    for name in "mine", "corpus/mine":
        assert python("run.py", "--corpus", name, cwd=copy).stdout.startswith("\ncorpus      mine: ")


def test_every_corpus_has_its_parts():
    for folder in (ROOT / "corpus").glob("[!_]*/"):
        assert all((folder / name).is_file() for name in ("prepare.py", "words.txt", "README.md")), folder


def test_the_twelve_words_of_the_assignment():
    names = "януари октомври седмица година медии пазар стоки бизнес фирма бюджет петрол нефт".split()
    groups = reading.read_word_groups(ROOT / "corpus/journalism_bg/words.txt", dict.fromkeys(names))
    assert sorted(name for group in groups.values() for name in group) == sorted(names)


STUDENT = Path(__file__).with_name("student")


@pytest.mark.parametrize("names", [["sampling.py"], ["grads.py"], ["w2v_sgd.py"],
                                   ["sampling.py", "grads.py", "w2v_sgd.py"]], ids=" ".join)
def test_modules_can_be_exchanged_for_a_students(copy, names):
    for name in names:
        shutil.copy(STUDENT / name, copy)
    result = python("run.py", "--corpus", BULGARIAN, "--epochs", "2", cwd=copy)
    assert result.returncode == 0 and "nearest" in result.stdout and "100%" in result.stderr, result.stderr
