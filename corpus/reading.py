"""From the name of a corpus to its text, and from text to sentences of tokens."""

import codecs
import os
import re
import runpy
import shutil
import sys
import tempfile
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

from corpus.characters import CHARACTERS, INVISIBLE, normalised, tokens_of
from utils import InputError, replace_patiently

HERE = Path(__file__).resolve().parent
START, END = "<START>", "<END>"
HIDDEN = ".", "__MACOSX"    # how the names of hidden files and folders begin
MARKED_ENCODINGS = (        # UTF-32's mark begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"))

# The commonest of Unicode's Sentence_Terminal: of most scripts; Arabic, Urdu, Syriac, N'Ko,
# Armenian; those of India, Ethiopia, Mongolia, Inuit, Santali, Manipuri; Burma, China and Japan.
SENTENCE_MARKS = (".!?…‼⁇⁈⁉" "\u061f\u06d4\u0700-\u0702\u07f9\u0589" "।॥።፧᠃᠉᙮᱾᱿꯫" "။。！？")

# Lower-case letters. Georgian ones are not among them: no sentence begins with their capitals.
SMALL = "".join(char for char in CHARACTERS if char.islower() and char != char.title())

# {0,9}, not *, so that "....." takes linear time; for ++ and *+, too.
MARKS_END = rf"[{SENTENCE_MARKS}][^\w\s]{{0,9}}(?=\s)"
BLANK_LINE = rf"\n(?=(?:[^\S\n]|[{INVISIBLE}])*+\n)"
SENTENCE_END = re.compile(rf"{MARKS_END}(?!\s++\W{{0,9}}+[{SMALL}])|{BLANK_LINE}")
SENTENCE_END_OF_SMALL_LETTERS = re.compile(f"{MARKS_END}|{BLANK_LINE}")
LINE_END = re.compile("\n")

# Text without ends is cut between words, since the tokens of a sentence are made all at once.
BETWEEN_CUTS = re.compile(r".{1,1000000}(?!\S)|\S+", re.DOTALL)


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
    is_plain_name = path.name == name != ".."
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


def read_sentences(path, encoding="utf-8", lines=False):
    """Yield the sentences of a text file, or of all .txt files below a folder, sorted.

    A sentence is a list of tokens, runs of word characters or of punctuation, between START and
    END; what `normalised` does with their letters is done. Equal tokens are one string object, so
    that a list of all sentences takes 8 bytes a token.

    A sentence ends at a blank line, and at a run of punctuation with one of SENTENCE_MARKS in it
    if white space follows. It goes on if a lower-case letter follows (2003 г., когато), unless
    the text has no capitals at all. If `lines` is true, each line is a sentence.

    Raises
    ------
    InputError : there is no text there, or it is not in the encoding
    """
    for file in find_text_files(Path(path)):
        text = read_text(file, encoding)
        for sentence in split_sentences(text, lines):
            tokens = tokens_of(normalised(sentence))
            if tokens:
                yield [START, *map(sys.intern, tokens), END]


def split_sentences(text, lines):
    """Yield the sentences of a text, or its lines; one of a million characters is cut."""
    if lines:
        end = LINE_END
    else:
        end = SENTENCE_END_OF_SMALL_LETTERS if text.islower() else SENTENCE_END
    ends = (match.end() for match in end.finditer(text))
    for start, stop in pairwise(chain([0], ends, [len(text)])):
        yield from BETWEEN_CUTS.findall(text, start, stop)


def find_text_files(path):
    """List the files that make up a corpus: the path itself, or the .txt files below a folder."""
    if not path.is_dir():
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: neither a file nor a folder; write the text to a file first")
        return [path]

    files = {}                                          # by real path: no file is read twice
    # Windows compares paths in another way, so their parts are compared.
    for file in sorted(text_files_below(path), key=lambda file: file.parts):
        files.setdefault(os.path.realpath(file), file)
    if not files:
        raise InputError(f"{path}: no .txt file in this folder; put the text there, in UTF-8")
    return list(files.values())


def text_files_below(path):
    """Yield the .txt files below a folder, but no hidden ones and no results; follow links."""
    def stop(error):                    # a folder that cannot be read would be left out
        raise error

    seen = set()                        # a link may lead back to where the walk has been
    for folder, subfolders, names in os.walk(path, onerror=stop, followlinks=True):
        real_folder = os.path.realpath(folder)
        if real_folder in seen:
            subfolders.clear()
            continue
        seen.add(real_folder)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(HIDDEN))
        for name in names:
            file = Path(folder, name)
            is_left_out = name.startswith((*HIDDEN, "w2v-"))
            if file.suffix.lower() == ".txt" and not is_left_out and file.is_file():
                yield file


def read_lines(file, encoding="utf-8"):
    """Read a short text file, such as a list of words: its lines."""
    return read_text(file, encoding).removeprefix("\ufeff").split("\n")


def read_text(file, encoding="utf-8"):
    """Read a text file, with LF at the ends of lines; a byte order mark overrides `encoding`.

    Raises
    ------
    InputError : the file is not in the encoding, or has zero bytes
    """
    data = Path(file).read_bytes()
    for mark, marked_encoding in MARKED_ENCODINGS:
        if data.startswith(mark):       # it is then read as U+FEFF, which `normalised` drops
            encoding = marked_encoding
            break
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        advice = "the file is damaged, or name its encoding by --encoding"
        if encoding == "utf-8" and looks_like_cp1251(data):
            advice = "it looks like cp1251, which --encoding cp1251 reads"
        raise InputError(f"{file}: byte {error.start} is not {encoding.upper()}; "
                         f"{advice}") from None
    if "\0" in text:
        place = len(text[:text.index("\0")].encode(encoding))
        advice = "remove the zero bytes"
        if encoding == "utf-8":
            advice += ", or if it is UTF-16 read it by --encoding utf-16-le"
        raise InputError(f"{file}: byte {place} is zero, which no text in {encoding.upper()} has; "
                         f"{advice}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def looks_like_cp1251(data):
    """Say whether most letters of a text are where cp1251, Windows' Cyrillic, has а to я."""
    not_ascii = data.translate(None, bytes(range(0x80)))
    small = data.translate(None, bytes(range(0xe0)))
    return len(small) > max(len(not_ascii) / 2, len(data) / 4)
