"""From the name of a corpus to its text, and from text to sentences of tokens."""

import codecs
import os
import re
import runpy
import sys
import tempfile
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

from corpus.characters import CHARACTERS, INVISIBLE, normalised, tokens_of
from utils import InputError, replace_patiently, tell

HERE = Path(__file__).resolve().parent
START, END = "<START>", "<END>"
MARKED_ENCODINGS = (            # UTF-32's mark begins like UTF-16's
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
    if name is None:
        name = "journalism_bg" if (HERE / "journalism_bg" / "text").is_dir() else "pydocs"

    path = Path(name)
    known = sorted(folder.name for folder in HERE.glob("[!_]*/"))
    if path.name in known and (name == path.name or path.parent.resolve() == HERE):
        folder = HERE / path.name
        text, word_list = folder / "text", folder / "words.txt"
        if not text.is_dir():
            make_text(folder)
        return Source(folder.name, text, word_list if word_list.is_file() else None)
    if not path.exists():
        raise InputError(f"{name}: no such file or folder, nor a corpus of this name "
                         f"(there are {', '.join(known)})")
    # A name that is not UTF-8 is shown as well as can be.
    shown = os.fsencode(path.resolve().name).decode("utf-8", "replace")
    return Source(shown, path)


def make_text(folder):
    """Make a corpus's text/ by the function `prepare` of its prepare.py, whole or not at all.

    `prepare` writes .txt files into the folder that it is given; it raises InputError if it cannot.
    """
    text, script = folder / "text", folder / "prepare.py"
    if not script.is_file():
        raise InputError(f"{text}: no such folder; put the corpus's .txt files there")
    tell(f"preparing the corpus {folder.name} …")
    prepare = runpy.run_path(str(script))["prepare"]
    with tempfile.TemporaryDirectory(dir=folder, prefix="text.partial-",
                                     ignore_cleanup_errors=True) as scratch:
        unfinished = Path(scratch) / "text"
        unfinished.mkdir()
        prepare(unfinished)
        files = find_text_files(unfinished)
        if not text.is_dir():                   # another run may have made it meanwhile
            replace_patiently(unfinished, text)
    tell(f"{len(files):,} files in {text}")


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
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: neither a file nor a folder; write the text to a file first")
    files = list(_text_files_below(path, {os.path.realpath(path)}))
    if not files:
        raise InputError(f"{path}: no .txt file in this folder; put the text there, in UTF-8")
    return files


def _text_files_below(folder, seen):
    """Yield the .txt files below a folder, but no hidden ones and no results of training.

    Links are followed, but no real path is read twice: `seen` has those that were met.
    """
    # Sorted by name, since Windows would compare the paths without regard to capital letters.
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        is_text = (entry.suffix.lower() == ".txt" and not entry.name.startswith("w2v-")
                   and entry.is_file())
        real_path = os.path.realpath(entry)
        is_left_out = entry.name.startswith(".") or real_path in seen
        if is_left_out or not (is_text or entry.is_dir()):
            continue
        seen.add(real_path)
        if is_text:
            yield entry
        else:
            yield from _text_files_below(entry, seen)


def read_text(file, encoding="utf-8"):
    """Read a text file, with LF at the ends of lines; a byte order mark overrides `encoding`.

    Raises
    ------
    InputError : the file is not in the encoding, or has zero bytes
    """
    data = Path(file).read_bytes()
    marked = [name for mark, name in MARKED_ENCODINGS if data.startswith(mark)]
    if marked:
        encoding = marked[0]
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
        raise InputError(f"{file}: byte {place} is zero, which no text in {encoding.upper()} has; "
                         "remove the zero bytes, or if it is UTF-16 add --encoding utf-16-le")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def looks_like_cp1251(data):
    """Say whether most letters of a text are where cp1251, Windows' Cyrillic, has а to я."""
    not_ascii = data.translate(None, bytes(range(0x80)))
    small = data.translate(None, bytes(range(0xe0)))
    return len(small) > max(len(not_ascii) / 2, len(data) / 4)
