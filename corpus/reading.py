"""From the name of a corpus to its text, and from text to sentences of tokens."""

import codecs
import os
import re
import runpy
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from corpus.characters import TOKEN, normalised
from utils import InputError, replace_patiently

HERE = Path(__file__).resolve().parent
START, END = "<START>", "<END>"
BLOCK_BYTES = 1 << 20       # of a file, read at a time
LONGEST_SENTENCE = 1 << 20  # characters; a longer one is cut
MARKED_ENCODINGS = (        # UTF-32's mark begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"))

# {0,9}, not *, so that "....." takes linear time.
SENTENCE_END = re.compile(r"[.!?…][^\w\s]{0,9}(?=\s)|\n(?=[^\S\n]*\n)")


@dataclass
class Source:
    """Where a corpus is: its name, the path of its text, its list of words to draw or None."""

    name: str
    text: Path
    word_list: Path = None


def open_corpus(name):
    """Find what --corpus names: a folder of corpus/, whose text is made if it is not there yet,
    another folder, or a file.

    Parameters
    ----------
    name : str; or None for journalism_bg if it is prepared, else pydocs

    Raises
    ------
    InputError : there is no such corpus, or its text cannot be made
    """
    if name == "":
        raise InputError("--corpus: name a corpus, a file or a folder")
    if name is None:
        name = "journalism_bg" if (HERE / "journalism_bg" / "text").is_dir() else "pydocs"

    path = Path(name)
    is_plain_name = path.name == name
    folder = HERE / name if is_plain_name else path.resolve()
    if folder.parent == HERE and folder.is_dir():
        return _open_known_corpus(folder)
    if not path.exists():
        known = ", ".join(sorted(folder.name for folder in HERE.glob("[!_]*/")))
        raise InputError(f"{name}: no such file or folder, nor a corpus of this name "
                         f"(there are {known})")
    # A name that is not UTF-8 is shown as well as can be.
    shown = os.fsencode(path.resolve().name).decode("utf-8", "replace")
    return Source(shown, path)


def _open_known_corpus(folder):
    text, word_list = folder / "text", folder / "words.txt"
    if not text.is_dir():
        if not (folder / "prepare.py").is_file():
            raise InputError(f"{text}: no such folder; put the corpus's .txt files there")
        print(f"preparing the corpus {folder.name} …", file=sys.stderr, flush=True)
        make_text(folder)
    return Source(folder.name, text, word_list if word_list.is_file() else None)


def make_text(folder, anew=False):
    """Make a corpus's text/ by the function `prepare` of its prepare.py, whole or not at all.

    What another run has made meanwhile stays, unless it is to be made anew.

    `prepare` writes .txt files into the folder that it is given, and returns what it wrote, in
    words; it raises InputError if it cannot.
    """
    prepare = runpy.run_path(str(folder / "prepare.py"))["prepare"]
    text = folder / "text"
    # A folder of its own, since another run may be preparing the same corpus.
    unfinished = Path(tempfile.mkdtemp(dir=folder, prefix="text.partial-"))
    try:
        unfinished.chmod(0o755)
        written = prepare(unfinished)
        find_text_files(unfinished)             # there are some
        if anew:
            shutil.rmtree(text, ignore_errors=True)
        if not text.is_dir():
            replace_patiently(unfinished, text)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    print(f"{written} in {text}", file=sys.stderr, flush=True)


def make_text_as_script(script):
    """Do what `python prepare.py` does: make the text/ beside it, or say why not."""
    try:
        make_text(Path(script).resolve().parent, anew=True)
    except InputError as error:
        print(f"prepare.py: {error}", file=sys.stderr)
        sys.exit(2)


def read_sentences(path, encoding="utf-8"):
    """Yield the sentences of a text file, or of all .txt files below a folder, sorted.

    A sentence is a list of tokens, runs of word characters or of punctuation, between START and
    END; what `normalised` does with their letters is done. Equal tokens are one string object, so
    that a list of all sentences takes 8 bytes a token.

    A sentence ends before white space at a run of punctuation with . ! ? or … in it, or at a blank
    line.

    Raises
    ------
    InputError : there is no text there, or it is not in the encoding
    """
    for file in find_text_files(Path(path)):
        for text in _blocks(file, encoding):
            ends = [match.end() for match in SENTENCE_END.finditer(text)]
            for start, end in pairwise([0, *ends, len(text)]):
                pieces = text[start:end].split()
                if pieces:
                    yield [START, *chain.from_iterable(map(tokens_of, pieces)), END]


@lru_cache(maxsize=1 << 17)             # most pieces of a text were in it before
def tokens_of(piece):
    """Find the words and the runs of punctuation in a piece of text without spaces."""
    return [sys.intern(token) for token in TOKEN.findall(piece)]


def find_text_files(path):
    """List the files that make up a corpus: the path itself, or the .txt files below a folder."""
    if not path.is_dir():
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: neither a file nor a folder; write the text to a file first")
        return [path]

    def stop(error):                    # a folder that cannot be read would be left out
        raise error

    files = [Path(folder) / name for folder, _, names in os.walk(path, onerror=stop)
             for name in names if _is_text_file(Path(folder) / name, path)]
    files.sort(key=lambda file: file.parts)         # Windows compares paths in another way
    if not files:
        raise InputError(f"{path}: no .txt file in this folder; put the text there, in UTF-8")
    return files


def _is_text_file(file, folder):
    """Say whether a file below a folder is part of a corpus: no result, and nothing hidden."""
    if file.suffix.lower() != ".txt" or file.name.startswith("w2v-"):
        return False
    parts = file.relative_to(folder).parts
    is_hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not is_hidden and file.is_file()


def read_lines(file, encoding="utf-8"):
    """Read a short text file, such as a list of words: its lines."""
    return "".join(_decoded(file, encoding)).removeprefix("\ufeff").splitlines()


def _blocks(file, encoding):
    """Yield the text of a file, normalised, in blocks that end where a sentence does."""
    rest = ""
    for text in _decoded(file, encoding):
        rest += text
        if len(rest) < BLOCK_BYTES // 4:        # a small file is one block
            continue
        cut = max((match.end() for match in SENTENCE_END.finditer(rest)), default=0)
        if not cut and len(rest) > LONGEST_SENTENCE:        # it is cut between two words
            cut = max(rest.rfind(" "), rest.rfind("\n")) + 1 or len(rest)
        yield normalised(rest[:cut])
        rest = rest[cut:]
    yield normalised(rest)


def _decoded(file, encoding):
    """Yield the text of a file, block by block; a byte order mark says more than `encoding`."""
    offset = 0                                  # of the block in the file
    with open(file, "rb") as stream:
        data = stream.read(BLOCK_BYTES)
        encoding = _marked_encoding(data) or encoding
        decoder = codecs.getincrementaldecoder(encoding)()
        while True:
            begun = offset - len(decoder.getstate()[0])         # of a letter in the block before
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeError as error:           # UnicodeDecodeError, and of UTF-16 another
                fault = f"byte {begun + getattr(error, 'start', 0)} is not {encoding.upper()}"
                raise InputError(f"{file}: {fault}; {_advice(data, encoding)}") from None
            if "\0" in text:
                before = text[:text.index("\0")].encode(encoding)
                fault = f"byte {begun + len(before)} is zero, so it is no {encoding.upper()} text"
                raise InputError(f"{file}: {fault}; {_advice(data, encoding)}")
            yield text
            if not data:
                break
            offset += len(data)
            data = stream.read(BLOCK_BYTES)
        if Path(file).is_file() and os.fstat(stream.fileno()).st_size != offset:
            raise InputError(f"{file}: changed while it was read; begin again")


def _marked_encoding(data):
    """Return the encoding that a byte order mark tells of, or None.

    The mark itself is then read as U+FEFF, a character that nobody sees.
    """
    for mark, encoding in MARKED_ENCODINGS:
        if data.startswith(mark):
            return encoding
    return None


def _advice(data, tried):
    """Say what to do about bytes that cannot be read, by what they look like."""
    likely = _likely_encoding(data)
    if tried != "utf-8" and likely in (tried, None):
        return "the file is damaged, cut off, or in another encoding"
    if likely:
        return f"it looks like {likely}, which --encoding {likely} reads"
    return "convert the file to UTF-8, or name its encoding, such as --encoding cp1251"


def _likely_encoding(data):
    """Guess the encoding of text that has no byte order mark, or return None."""
    data = np.frombuffer(data, np.uint8)
    if len(data) < 8:
        return None
    is_small = data < 0x20              # as the first byte is, of the two of a letter of Europe's
    if is_small[2::4].mean() > 0.9 and is_small[3::4].mean() > 0.9:
        return "utf-32-le"
    if is_small[0::4].mean() > 0.9 and is_small[1::4].mean() > 0.9:
        return "utf-32-be"
    if is_small[1::2].mean() > 0.9:
        return "utf-16-le"
    if is_small[0::2].mean() > 0.9:
        return "utf-16-be"
    if (data >= 0xe0).mean() > 0.3:     # а to я of Windows
        return "cp1251"
    return None
