"""The folders of corpus/, in a copy."""

import runpy
import shutil
import zipfile
from pathlib import Path

import pytest

from corpus import reading
from corpus.reading import make_text, open_corpus
from corpus.vocabulary import read_words_to_draw
from tests.support.launch import RUN, launch
from utils import InputError

CORPORA = RUN.with_name("corpus")
BULGARIAN = Path(__file__).with_name("bulgarian.txt")


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the folders of corpus/, without text, that --corpus names."""
    ignored = shutil.ignore_patterns("text", "*.zip", "__pycache__", "*.py[co]")
    copy = shutil.copytree(CORPORA, tmp_path.resolve() / "corpus", ignore=ignored)
    monkeypatch.setattr(reading, "HERE", copy)
    return copy


def test_pydocs_takes_docstrings_and_what_is_documented_for_c_code():
    docstrings = runpy.run_path(str(CORPORA / "pydocs/prepare.py"))["docstrings"]
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


def test_journalism_is_unpacked_and_then_the_default(copy, capsys, monkeypatch):
    monkeypatch.chdir(copy.parent)
    folder = copy / "journalism_bg"
    with zipfile.ZipFile(folder / "JOURNALISM.BG.zip", "w") as archive:
        archive.write(BULGARIAN, "JOURNALISM.BG/C-MassMedia/първи.txt")
        archive.writestr("JOURNALISM.BG/readme.pdf", "not text")
        for name in "../../a.txt", "/b.txt", "../c.py":         # these stay in the folder
            archive.writestr(name, name)

    source = open_corpus("journalism_bg")
    assert source == open_corpus(None)
    assert source == open_corpus("corpus/journalism_bg") == open_corpus(str(folder))
    elsewhere = copy.parent / "pydocs"
    elsewhere.mkdir()
    assert open_corpus(str(elsewhere)).text == elsewhere        # another folder of that name
    assert (source.name, source.word_list) == ("journalism_bg", folder / "words.txt")
    assert capsys.readouterr().err.count("preparing the corpus journalism_bg") == 1
    unpacked = [file.name for file in (folder / "text").rglob("*") if file.is_file()]
    assert sorted(unpacked) == ["a.txt", "b.txt", "първи.txt"]
    assert len(list(copy.parent.rglob("a.txt"))) == 1 and not Path("/b.txt").exists()


def test_a_corpus_of_ones_own_has_a_name(copy):
    (copy / "mine").mkdir()
    with pytest.raises(InputError, match="mine.text: no such folder; put the corpus's .txt files"):
        open_corpus("mine")

    (copy / "mine/text").mkdir()
    shutil.copy(BULGARIAN, copy / "mine/text")
    (copy / "mine/words.txt").write_text("дни: януари година", encoding="utf-8")
    result = launch("--corpus", "mine", "--dim", "8", cwd=copy.parent)
    assert result.stdout.startswith("\ncorpus      mine: ") and "януари → " in result.stdout


@pytest.mark.parametrize("content, message", [
    (None, "JOURNALISM.BG.zip: no such file; register"),
    ({"a.pdf": ""}, "no .txt file"),
    ("no archive", "cannot be unpacked"),
])
def test_an_archive_that_is_not_the_corpus_is_refused(copy, content, message):
    folder = copy / "journalism_bg"
    archive = folder / "JOURNALISM.BG.zip"
    if isinstance(content, str):
        archive.write_text(content)
    elif content:
        with zipfile.ZipFile(archive, "w") as packed:
            for name, text in content.items():
                packed.writestr(name, text)

    with pytest.raises(InputError, match=message):
        open_corpus("journalism_bg")
    names = sorted(file.name for file in folder.iterdir() if file != archive)
    assert names == ["README.md", "prepare.py", "words.txt"]


@pytest.mark.parametrize("prepare, left", [
    ("""
    (folder / "a.txt").write_text("ours")
    another = folder.parent.parent / "text"
    another.mkdir()
    (another / "b.txt").write_text("another run's")
""", ["prepare.py", "text", "text/b.txt"]),
    ("    pass", ["prepare.py"])])
def test_text_is_made_whole_once_or_not_at_all(tmp_path, prepare, left):
    (tmp_path / "prepare.py").write_text("def prepare(folder):\n" + prepare)
    try:
        make_text(tmp_path)
    except InputError as error:
        assert "no .txt file" in str(error)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == left


def test_every_corpus_has_its_parts():
    for corpus in "pydocs", "newsgroups", "journalism_bg":
        assert (CORPORA / corpus / "README.md").is_file()
        assert "prepare" in runpy.run_path(str(CORPORA / corpus / "prepare.py"))
        assert (CORPORA / corpus / "words.txt").is_file()


def test_the_twelve_words_of_the_assignment():
    words = ("януари октомври седмица година медии пазар стоки бизнес фирма бюджет петрол "
             "нефт").split()
    groups = read_words_to_draw(CORPORA / "journalism_bg/words.txt", dict.fromkeys(words))
    drawn = [word for group in groups.values() for word in group]
    assert sorted(drawn) == sorted(words)
