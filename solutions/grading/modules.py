"""Find in what one student handed in: the modules, what they import, the results, the answers.

Only names, dates, sizes and first bytes of files are looked at here, and copies of a module are
compared byte by byte; all else happens in the box. What was chosen among several is told in notes.
"""

import filecmp
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from beyond.results import ARRAYS, EMBEDDINGS_PICTURE
from beyond.settings import MODULES
from solutions.grading.names import abbreviated, are_of_several, is_junk, meant_name, printable
from solutions.grading.unpack import Room, Unfit, is_archive, is_zip, unpack

SEVERAL = "looks like the hand-ins of several; unpack it, a folder per student"
ANSWERS = {".pdf", ".png", ".jpg", ".jpeg", ".heic", ".tif", ".tiff", ".webp", ".bmp", ".doc",
           ".docx", ".odt", ".rtf", ".md", ".tex", ".txt", ".html"}
NO_ANSWER = re.compile(r"(readme|requirements|licen[cs]e|copying)\b.*|(w2v-)?words\.txt|loss\.png",
                       re.IGNORECASE)
MOST_FILES, MOST_ARCHIVES, DEEPEST_ARCHIVE = 100_000, 5, 2
# Bytes, bytes, files; with the modules they go into a box in one message (`wire.MOST_ARRAYS`).
MOST_OF_SOURCE, MOST_OF_SOURCES, MOST_SOURCES = 1 << 20, 4 << 20, 200
MOST_COPIES, MOST_ANSWERS = 20, 50


@dataclass(frozen=True)
class File:
    """A file of a hand-in."""

    path: Path
    name: PurePosixPath     # as notes call it; what was in an archive lies below the archive's name
    size: int
    date: float
    meant: str | None       # the module, array or picture that it is, if it is one


@dataclass
class Contents:
    """What was handed in."""

    sources: dict           # "grads.py", "helpers/x.py" -> path; what the student's code may import
    artefacts: list         # {"file", "ok", "note"} of each array and of the picture
    answers: list           # names of what may be answers to tasks 1 and 2
    notes: list             # lines for the report


def read_hand_in(hand_in, scratch):
    """Find what a student handed in.

    Parameters
    ----------
    hand_in : HandIn
    scratch : empty folder into which archives are unpacked

    Raises
    ------
    Unfit : nothing in it can be read, or it is the work of several
    """
    found = Unfolded(scratch)
    for path in hand_in.sources:
        is_all = len(hand_in.sources) == 1 and (path.is_dir() or is_zip(path))
        found.add(path, PurePosixPath() if is_all else PurePosixPath(path.name))
    files = without_hand_out(sorted(found.files, key=lambda file: str(file.name)))
    copies = [file for file in files if file.meant in MODULES]
    if not hand_in.identifier and are_of_several([file.name for file in copies], found.archives):
        raise Unfit(f"{SEVERAL}; a download of everybody's needs --download")
    if not found.files or (found.notes and not copies):
        raise Unfit("; ".join(abbreviated(found.notes, 3)) or "it holds no files")

    modules = best_copies(copies)
    sources, left_out = sources_of(modules, files)
    artefacts = best_copies([file for file in files if file.meant in (*ARRAYS, EMBEDDINGS_PICTURE)])
    notes = [*notes_on_copies(modules, copies), *notes_on_missing(modules, files), *found.notes]
    if left_out:
        notes.append(f"too large or too many, so left out: {listed(left_out)}")
    return Contents(sources, rows_of(artefacts), answers_in(files), notes)


class Unfolded:
    """The files of a hand-in, those in its archives among them.

    files : list of File
    archives : names of the archives
    notes : lines on what cannot be read
    """

    def __init__(self, scratch):
        self.scratch, self.opened, self.room = scratch, 0, Room()
        self.files, self.archives, self.notes = [], [], []

    def add(self, path, name, depth=0):
        """Add a file or what a folder holds, under a name, from inside `depth` archives."""
        if path.is_dir():
            for parent, folders, files in os.walk(path):
                folders[:] = sorted(folder for folder in folders if not is_junk(folder))
                for file in (Path(parent, file) for file in sorted(files) if not is_junk(file)):
                    self.add(file, name / file.relative_to(path).as_posix(), depth)
        elif not path.is_file() or (path.is_symlink() and name.parts):
            self._note(name, "a link or special file, not followed")
        elif is_archive(path):
            self._add_archive(path, name, depth)
        elif len(self.files) == MOST_FILES:
            raise Unfit(f"it holds more than {MOST_FILES} files")
        else:
            status, meant = path.stat(), meant_name(name.name)
            if meant in MODULES and status.st_size > MOST_OF_SOURCE:
                self._note(name, "larger than 1 MB")
            else:
                self.files.append(File(path, name, status.st_size, status.st_mtime, meant))

    def _add_archive(self, path, name, depth):
        if name.parts:
            self.archives.append(name)
        if depth == DEEPEST_ARCHIVE or self.opened == MOST_ARCHIVES:
            self._note(name, "not looked into, since there are too many archives")
            return
        self.opened += 1
        folder = self.scratch / str(self.opened)
        folder.mkdir()
        try:
            skipped = unpack(path, folder, self.room)
        except Unfit as error:
            self._note(name, error)
            return
        for place, reason in skipped:
            self._note(name / place, reason)
        self.add(folder, name, depth + 1)

    def _note(self, name, reason):
        start = f"{str(name)[-100:]}: " if name.parts else ""
        self.notes.append(printable(f"{start}{reason}"))


def without_hand_out(files):
    """Leave out the folders of the hand-out that a student does not change."""
    marks = ("corpus", "reading.py"), ("beyond", "settings.py")
    handed_out = {file.name.parent for file in files if file.name.parts[-2:] in marks}
    return [file for file in files if not handed_out.intersection(file.name.parents)]


# --- copies ---------------------------------------------------------------------------------------

def best_copies(files):
    """Choose among several copies.

    The folder with most of the expected files counts, of equals the newest, of equals the least
    deep. What it lacks comes from the next.

    Returns
    -------
    dict from the name that was expected to the File
    """
    folders = defaultdict(dict)
    for file in sorted(files, key=lambda file: (file.name.name == file.meant, file.date)):
        folders[file.name.parent][file.meant] = file

    def rank(found):
        newest = max(found.values(), key=lambda file: file.date)
        return len(found), newest.date, -len(newest.name.parts)

    chosen = {}
    for found in sorted(folders.values(), key=rank):
        chosen |= found
    return chosen


def notes_on_copies(modules, copies):
    """List which copies of modules were taken, and which that differ from them were not."""
    notes = [f"{printable(file.name)} was taken as {name}" for name, file in modules.items()
             if file.name.name != name]
    others = [file for file in copies[:MOST_COPIES]
              if not filecmp.cmp(file.path, modules[file.meant].path, shallow=False)]
    if others:
        graded = sorted({modules[file.meant].name for file in others})
        notes.append(f"graded: {listed(graded)}; other copies, not graded: "
                     f"{listed(file.name for file in others)}")
    return notes


def notes_on_missing(modules, files):
    """Say what may have been meant for modules that are not there."""
    missing = [name for name in MODULES if name not in modules]
    others = [file.name for file in files
              if file.name.suffix.lower() in (".py", ".ipynb") and file.meant not in MODULES]
    if missing and others:
        return [f"there is no {' and no '.join(missing)}; not taken for it: {listed(others)}"]
    return []


def listed(names):
    """Write names in a line, six at most."""
    return ", ".join(abbreviated([printable(name, 100) for name in names], 6))


# --- files beside the modules ---------------------------------------------------------------------

def sources_of(modules, files):
    """Find the modules, and the files beside and below them that they may import or open.

    Returns
    -------
    sources : dict from the name of a file, as seen from the modules, to its path
    left_out : names of Python files that are too large or too many
    """
    beside = {}
    # What lies beside most of the modules counts first.
    for folder, _ in Counter(file.name.parent for file in modules.values()).most_common():
        for file in files:
            if folder in file.name.parents and not file.meant:
                beside.setdefault(str(file.name.relative_to(folder)), file)
    sources = {name: str(file.path) for name, file in modules.items()}
    left_out, room = [], MOST_OF_SOURCES
    for name, file in sorted(beside.items(), key=lambda item: not item[0].endswith(".py")):
        if file.size <= min(room, MOST_OF_SOURCE) and len(sources) < MOST_SOURCES:
            sources[name] = str(file.path)
            room -= file.size
        elif name.endswith(".py"):
            left_out.append(file.name)
    return sources, left_out


# --- artefacts and answers ------------------------------------------------------------------------

# How the files begin: the header of a matrix of floats, with its shape; a PNG or JPEG.
ARRAY = re.compile(rb"\x93NUMPY.{4,6}\{'descr': '.f[248]', .*'shape': \((\d{1,9}, \d{1,9})\)",
                   re.DOTALL)
PICTURES = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def rows_of(artefacts):
    """Say of each array and of the picture what it is, by its size and its first bytes.

    artefacts : dict from a name to a File

    Returns
    -------
    list of {"file": name, "ok": whether it is what was expected, "note"}
    """
    rows = []
    for name in (*ARRAYS, EMBEDDINGS_PICTURE):
        is_right, note = False, "not handed in"
        if name in artefacts:
            is_right, note = described(artefacts[name])
        rows.append({"file": name, "ok": is_right, "note": note})
    return rows


def described(file):
    """Tell whether a file begins as its name says, and say what it is."""
    with open(file.path, "rb") as stream:
        beginning = stream.read(512)
    size = f"{file.size / 1e6:.1f} MB"
    if file.meant == EMBEDDINGS_PICTURE:
        is_right = beginning.startswith(PICTURES)
        return is_right, size if is_right else "not a picture in PNG or JPEG"
    shape = ARRAY.match(beginning)
    if not shape:
        return False, "not a matrix of floats as np.save writes it"
    return True, f"shape {shape[1].decode()}, {size}"


def answers_in(files):
    """List the names of the files that may be answers to tasks 1 and 2."""
    names = [printable(file.name) for file in files if file.name.suffix.lower() in ANSWERS
             and not NO_ANSWER.fullmatch(file.name.name) and not file.meant]
    return abbreviated(names, MOST_ANSWERS)
