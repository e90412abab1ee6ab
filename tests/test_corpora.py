"""The folders of corpus/, in a copy of the project."""

import runpy
import shutil
import zipfile
from pathlib import Path

import pytest

from corpus.reading import make_text
from corpus.vocabulary import read_words_to_draw
from tests.support.launch import RUN, python
from utils import InputError

ROOT = RUN.parent
BULGARIAN = Path(__file__).with_name("bulgarian.txt")


@pytest.fixture
def copy(tmp_path):
    ignored = shutil.ignore_patterns("text", "*.zip", "w2v-*", ".*", "*venv*", "tests")
    return shutil.copytree(ROOT, tmp_path / "project", ignore=ignored)


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
    found = [" ".join(text.split()) for text in docstrings(source)]
    assert sorted(found) == [
        "Of C code.", "Of the class.", "Of the coroutine.", "Of the method.", "Of the module."]


def test_journalism_is_unpacked_trained_on_and_then_the_default(copy):
    folder = copy / "corpus/journalism_bg"
    with zipfile.ZipFile(folder / "JOURNALISM.BG.zip", "w") as archive:
        archive.write(BULGARIAN, "JOURNALISM.BG/C-MassMedia/първи.txt")
        archive.writestr("JOURNALISM.BG/readme.pdf", "not text")

    result = python("run.py", "--corpus", "journalism_bg", cwd=copy)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("\ncorpus      journalism_bg: ")
    assert "\nmost frequent: . , " in result.stderr and "mostly chance" in result.stderr
    unpacked = [file.name for file in (folder / "text").rglob("*") if file.is_file()]
    assert unpacked == ["първи.txt"]
    assert (copy / "w2v-U.npy").exists() and (copy / "embeddings.png").exists()

    result = python("run.py", "--pairs", "100", "--force", cwd=copy)
    assert result.stdout.startswith("\ncorpus      journalism_bg: ")
    assert "preparing" not in result.stderr


@pytest.mark.parametrize("content, message", [
    (None, "JOURNALISM.BG.zip: no such file; register"),
    ({"a.pdf": ""}, "no .txt file"),
    ("no archive", "cannot be unpacked"),
])
def test_an_archive_that_is_not_the_corpus_is_refused(copy, content, message):
    folder = copy / "corpus/journalism_bg"
    archive = folder / "JOURNALISM.BG.zip"
    if isinstance(content, str):
        archive.write_text(content)
    elif content:
        with zipfile.ZipFile(archive, "w") as packed:
            for name, text in content.items():
                packed.writestr(name, text)

    result = python("run.py", "--corpus", "journalism_bg", cwd=copy)
    assert result.returncode == 2
    preparing, line = result.stderr.splitlines()
    assert "preparing" in preparing and message in line
    names = sorted(file.name for file in folder.iterdir() if file != archive)
    assert names == ["README.md", "prepare.py", "words.txt"]


def test_what_would_be_unpacked_elsewhere_stays_in_the_folder(copy):
    folder = copy / "corpus/journalism_bg"
    with zipfile.ZipFile(folder / "JOURNALISM.BG.zip", "w") as packed:
        for name in "../../a.txt", "/b.txt", "../c.py":
            packed.writestr(name, name)
    make_text(folder)
    assert {file.name for file in (folder / "text").rglob("*")} == {"a.txt", "b.txt"}
    assert len(list(copy.parent.rglob("a.txt"))) == 1 and not Path("/b.txt").exists()


def test_a_folder_without_text_says_what_is_missing(copy):
    folder = copy / "corpus/mine"
    folder.mkdir()
    result = python("run.py", "--corpus", "mine", cwd=copy)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "mine/text: no such folder" in result.stderr

    (folder / "text").mkdir()
    shutil.copy(BULGARIAN, folder / "text")
    for name in "mine", "corpus/mine":
        result = python("run.py", "--corpus", name, cwd=copy)
        assert result.stdout.startswith("\ncorpus      mine: ")


def test_text_that_another_run_has_made_meanwhile_stays(tmp_path):
    (tmp_path / "prepare.py").write_text("""
def prepare(folder):
    (folder / "a.txt").write_text("ours")
    (folder.parent / "text").mkdir()
    (folder.parent / "text/b.txt").write_text("another's")
    return "a text"
""")
    make_text(tmp_path)
    assert [file.name for file in (tmp_path / "text").iterdir()] == ["b.txt"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["prepare.py", "text"]


def test_text_without_a_file_is_not_made(tmp_path):
    (tmp_path / "prepare.py").write_text("def prepare(folder):\n    return 'nothing'\n")
    with pytest.raises(InputError, match="no .txt file"):
        make_text(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["prepare.py"]


def test_every_corpus_has_its_parts():
    for corpus in "pydocs", "newsgroups", "journalism_bg":
        folder = ROOT / "corpus" / corpus
        for name in "prepare.py", "words.txt", "README.md":
            assert (folder / name).is_file()


def test_the_twelve_words_of_the_assignment():
    words = ("януари октомври седмица година медии пазар стоки бизнес фирма бюджет петрол "
             "нефт").split()
    groups = read_words_to_draw(ROOT / "corpus/journalism_bg/words.txt", dict.fromkeys(words))
    drawn = [word for group in groups.values() for word in group]
    assert sorted(drawn) == sorted(words)
