"""From the name of a corpus to its text, and from text to sentences of tokens."""

import codecs
import re
import runpy
import shutil
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

from utils import InputError

HERE = Path(__file__).resolve().parent
START, END = "<START>", "<END>"
BLOCK = 1 << 20     # bytes of a file read at a time; a sentence of more characters is cut

# \w knows nothing of combining marks, with which Devanagari, Arabic and a stressed а̀ are written.
MARKS = "".join(char for char in map(chr, range(0x10000)) if unicodedata.category(char)[0] == "M")
TOKEN = re.compile(rf"[\w{MARKS}]+|[^\w\s{MARKS}]+")
# {0,9}, not *, so that "....." takes linear time.
SENTENCE_END = re.compile(r"[.!?…][^\w\s]{0,9}(?=\s)|\n(?=[^\S\n]*\n)")


def find_corpus(name):
    """Find what --corpus names: a folder of corpus/, another folder, or a file.

    Parameters
    ----------
    name : str; or None for journalism_bg if it is prepared, else pydocs

    Returns
    -------
    what to call the corpus, the path of its text, and that of its list of words to draw, or None

    Raises
    ------
    InputError : there is no such corpus, or its text cannot be made
    """
    if name == "":
        raise InputError("--corpus: name a corpus, a file or a folder")
    if name is None:
        name = "journalism_bg" if (HERE / "journalism_bg" / "text").is_dir() else "pydocs"

    for folder in (HERE / name).resolve(), Path(name).resolve():
        if folder.parent == HERE and folder.is_dir():
            return _find_known_corpus(folder)

    path = Path(name)
    if not path.exists():
        known = ", ".join(sorted(folder.name for folder in HERE.glob("[!_]*/")))
        raise InputError(f"{name}: no such file or folder, nor a corpus of this name "
                         f"(there are {known})")
    return path.resolve().name, path, None


def _find_known_corpus(folder):
    text, words = folder / "text", folder / "words.txt"
    if not text.is_dir():
        if not (folder / "prepare.py").is_file():
            raise InputError(f"{text}: no such folder; put the corpus's .txt files there")
        print(f"preparing the corpus {folder.name} …", file=sys.stderr, flush=True)
        make_text(folder)
    return folder.name, text, words if words.is_file() else None


def make_text(folder):
    """Make a corpus's text/ by the function `prepare` of its prepare.py, whole or not at all.

    `prepare` writes .txt files into the folder that it is given, and returns what it wrote, in
    words; it raises InputError if it cannot.
    """
    prepare = runpy.run_path(str(folder / "prepare.py"))["prepare"]
    text, unfinished = folder / "text", folder / "text.partial"
    shutil.rmtree(unfinished, ignore_errors=True)       # of a run that was killed
    unfinished.mkdir()
    try:
        written = prepare(unfinished)
        shutil.rmtree(text, ignore_errors=True)
        unfinished.rename(text)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    print(f"{written} in {text}", file=sys.stderr, flush=True)


def make_text_as_script(script):
    """Do what `python prepare.py` does: make the text/ beside it, or say why not."""
    try:
        make_text(Path(script).resolve().parent)
    except InputError as error:
        print(f"prepare.py: {error}", file=sys.stderr)
        sys.exit(2)


def read_sentences(path):
    """Yield the sentences of a UTF-8 text file, or of all .txt files below a folder, sorted.

    A sentence is a list of lower-cased tokens, runs of word characters or of punctuation, between
    START and END. It ends before white space at a run of punctuation with . ! ? or … in it, or at
    a blank line.

    Raises
    ------
    InputError : there is no text there, or it is not UTF-8
    """
    for file in find_text_files(Path(path)):
        for text in _blocks(file):
            ends = [match.end() for match in SENTENCE_END.finditer(text)]
            for start, end in pairwise([0, *ends, len(text)]):
                tokens = TOKEN.findall(text, start, end)
                if tokens:
                    yield [START, *tokens, END]


def find_text_files(path):
    """List the files that make up a corpus: the path itself, or the .txt files below a folder."""
    if not path.is_dir():
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: neither a file nor a folder; write the text to a file first")
        return [path]

    files = sorted(file for file in path.rglob("*.txt")
                   if file.is_file() and not file.name.startswith("w2v-"))      # those are results
    if not files:
        raise InputError(f"{path}: no .txt file in this folder; put the text there, in UTF-8")
    return files


def _blocks(file):
    """Yield the text of a file, lower-cased, in blocks that end where a sentence does."""
    rest = ""
    for text in _decoded(file):
        rest += text
        cut = max((match.end() for match in SENTENCE_END.finditer(rest)), default=0)
        if not cut and len(rest) > BLOCK:       # an endless sentence is cut between two words
            cut = max(rest.rfind(" "), rest.rfind("\n")) + 1 or len(rest)
        yield rest[:cut].lower()
        rest = rest[cut:]
    yield rest.lower()


def _decoded(file):
    """Yield the text of a UTF-8 file, block by block, without its byte order mark."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0                                  # of the block in the file
    with open(file, "rb") as stream:
        while True:
            data = stream.read(BLOCK)
            if offset == 0 and data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise InputError(f"{file}: begins like UTF-16; convert the file to UTF-8")
            before = len(decoder.getstate()[0])         # bytes of a letter that began earlier
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                wrong = offset - before + error.start
                raise InputError(f"{file}: byte {wrong} is not UTF-8; convert the file") from None
            if "\0" in text:
                wrong = offset + data.index(0)
                raise InputError(f"{file}: byte {wrong} is zero, so it is no UTF-8 text; "
                                 "convert the file")
            yield text.removeprefix("\ufeff") if offset == 0 else text
            if not data:
                return
            offset += len(data)
