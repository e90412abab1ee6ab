"""What the files of a hand-in are called, and what they are obviously meant to be called."""

import os
import re
import unicodedata
from pathlib import PurePosixPath

from beyond.results import ARRAYS, EMBEDDINGS_PICTURE, WORDS
from beyond.submission import MODULES

ARTEFACTS = *ARRAYS, WORDS, EMBEDDINGS_PICTURE

CODE_PAGES = "cp866", "cp1251", "mac_cyrillic"      # of DOS and old zip programs, Windows, macOS
BY_FREQUENCY = "аиоетнрсвлкдпмзъгябучйцжхшщфюьѝ"    # the letters of Bulgarian text


def decoded_name(entry):
    """Return the name of a zipfile.ZipInfo, with / between folders.

    One that is not marked as UTF-8 may be so nevertheless, or in one of the Cyrillic code pages:
    zip files do not say in which, so the one is taken that gives the most plausible Bulgarian.
    """
    name = entry.filename
    is_marked = entry.flag_bits & 0x800
    if not is_marked and not name.isascii():
        try:
            name = decoded(name.encode("cp437"))        # as zipfile has read it
        except UnicodeEncodeError:                      # from a field for Unicode names
            pass
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def place_of(name):
    """Return the place of a file, in which what cannot be printed is a question mark."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    return PurePosixPath(name)


def decoded(raw):
    """Return the text that the bytes of a name stand for."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        readings = [raw.decode(page, errors="replace") for page in CODE_PAGES]
        return max(readings, key=plausibility)


def plausibility(text):
    """Say how much a text looks like Bulgarian; more is better."""
    score = 0
    for letter in text:
        rank = BY_FREQUENCY.find(letter.lower())
        if rank >= 0:
            score += len(BY_FREQUENCY) - rank
        elif not letter.isascii():                      # a line of a box, a letter of Serbian
            score -= len(BY_FREQUENCY)
    for previous, letter in zip(text, text[1:]):
        if previous.islower() and letter.isupper():
            score -= len(BY_FREQUENCY)
    return score


def pattern_of_copies(name):
    """Return the pattern of the names that browsers, mail and systems make of that of a file.

    So sampling (1).py, sampling - Copy.py, Copy of sampling.py, SAMPLING.PY, sampling.py.txt.
    """
    stem, ending = os.path.splitext(name)
    endings = {".py": r"\.py(\.txt|\.py)?", ".png": r"\.(png|jpe?g)"}
    ending = endings.get(ending, re.escape(ending))
    before = "(copy of |копие на )?"
    after = r"( ?- ?copy| copy| ?- ?копие)?( ?\(\d+\))?"
    return re.compile(before + re.escape(stem) + after + ending, re.IGNORECASE)


PATTERNS = {name: pattern_of_copies(name) for name in (*MODULES, *ARTEFACTS)}


def meant_name(place):
    """Return the name of the module or artefact that a file is obviously meant to be, or None."""
    for name, pattern in PATTERNS.items():
        if pattern.fullmatch(place.name):
            return name
    return None


def is_renamed(place):
    """Tell whether a file that is meant to be a module or artefact has another name."""
    return place.name != meant_name(place)


def doubtful_names(module, files):
    """List the files that are perhaps meant to be a module: sampling_final.py, w2v-sgd.py."""
    endings = {".py", ".pyc", ".txt", ".rtf", ".docx", ".lnk"}
    letters = re.sub(r"\W|_", "", module.removesuffix(".py"))
    return [str(file.place) for file in files
            if file.place.suffix.lower() in endings and not meant_name(file.place)
            and letters in re.sub(r"\W|_", "", file.place.name.lower())]


JUNK = {"venv", "env", "__pycache__", "__MACOSX", "site-packages", "node_modules"}


def is_junk(place):
    """Tell whether programs have made a file: it is hidden, or in one of their folders."""
    return any(part in JUNK or part.startswith(".") for part in place.parts)


def of_the_student(files):
    """Leave out junk, and the folders of the hand-out that a student does not change."""
    marks = ("corpus", "reading.py"), ("beyond", "settings.py")
    handed_out = {file.place.parent for file in files if file.place.parts[-2:] in marks}
    return [file for file in files
            if not is_junk(file.place) and not handed_out.intersection(file.place.parents)]


def abbreviated(lines, most):
    """Return so many of the lines at most, the last one then saying how many more there are."""
    if len(lines) <= most:
        return lines
    return [*lines[:most - 1], f"and {len(lines) - most + 1} more"]


def listed(names):
    """Write names in a line."""
    return ", ".join(abbreviated([str(name) for name in names], 6))
