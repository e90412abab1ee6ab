"""Find in what one student handed in: the modules, the arrays and picture, the answers.

Whatever is chosen, and from where, is told in notes.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from beyond.results import ARRAYS, EMBEDDINGS_PICTURE, LOSS_PICTURE, WORDS
from beyond.submission import MODULES
from solutions.grading.copies import FUNCTIONS, MOST_OF_SOURCE, chosen_modules
from solutions.grading.names import (
    ARTEFACTS,
    abbreviated,
    doubtful_names,
    is_renamed,
    listed,
    meant_name,
    of_the_student,
)
from solutions.grading.unpack import MB, Unfit, files_in_folder, files_in_zip, opened_zip

ANSWERS = {".pdf", ".png", ".jpg", ".jpeg", ".heic", ".tif", ".tiff", ".webp", ".bmp", ".doc",
           ".docx", ".odt", ".rtf", ".md", ".tex", ".txt"}
DATA = {".txt", ".json", ".npy", ".npz", ".csv"}        # which a module may open beside itself
OTHER_ARCHIVES = {".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"}

MOST_OF_SOURCES, MOST_SOURCES = 8 * MB, 200
MOST_OF_ARTEFACT = dict.fromkeys(ARRAYS, 256 * MB) | {WORDS: 16 * MB, EMBEDDINGS_PICTURE: 64 * MB}
MOST_OF_INNER, MOST_INNER = 256 * MB, 3         # archives in the archive
MOST_OF_NOTEBOOK, MOST_NOTEBOOKS = 16 * MB, 5
MOST_ANSWERS, MOST_NOTES = 50, 20


@dataclass
class Contents:
    """What was handed in."""

    sources: dict = field(default_factory=dict)     # "grads.py", "helpers/x.py" -> bytes
    artefacts: dict = field(default_factory=dict)   # name -> bytes, or Unfit if it cannot be read
    answers: list = field(default_factory=list)     # names of what may be answers to tasks 1 and 2
    notes: list = field(default_factory=list)       # lines for the report


def read_hand_in(path):
    """Read what a student handed in.

    Parameters
    ----------
    path : of a .zip file, or of a folder with loose files

    Raises
    ------
    Unfit : it is no zip file, one that could do harm, or none of its modules can be read
    """
    path = Path(path)
    if path.is_dir():
        return contents_of(files_in_folder(path))
    with opened_zip(path) as archive:
        return contents_of(files_in_zip(archive))


def contents_of(files):
    """Choose among the files of a hand-in, and read those that are chosen."""
    notes = []
    files = with_inner_archives(of_the_student(files), notes)
    links = [file for file in files if file.is_link]
    files = [file for file in files if not file.is_link]
    files.sort(key=lambda file: (len(file.place.parts), str(file.place)))    # the shallowest first

    modules = chosen_modules(files, notes)
    note_missing(modules, files, notes)
    note_links(links, notes)
    note_notebooks(files, notes)
    sources = read_sources(modules, files, notes)
    artefacts = read_artefacts(files, notes)
    return Contents(sources, artefacts, answers_in(files), abbreviated(notes, MOST_NOTES))


def with_inner_archives(files, notes):
    """Return the files and, if no module is among them, those in the archives among them."""
    archives = [file for file in files
                if file.place.suffix.lower() in (".zip", *OTHER_ARCHIVES) and not file.is_link]
    opened = []
    if not any(meant_name(file.place) in MODULES for file in files):
        zip_files = [file for file in archives if file.place.suffix.lower() == ".zip"]
        opened = zip_files[:MOST_INNER]
    for file in opened:
        try:
            inner = opened_zip(file.read(MOST_OF_INNER))
            files = files + of_the_student(files_in_zip(inner, inside=file.place))
        except Unfit as error:
            notes.append(f"{file.place}: {error}")
        else:
            notes.append(f"{file.place}, an archive in the hand-in, was looked into")
    closed = [file.place for file in archives if file not in opened]
    if closed:
        notes.append(f"not looked into: {listed(closed)}")
    return files


def note_missing(modules, files, notes):
    """Note what might be meant for a module that is not there."""
    for name in MODULES:
        if name not in modules:
            doubtful = doubtful_names(name, files)
            if doubtful:
                notes.append(f"there is no {name}; not taken for it: {listed(doubtful)}")


def note_links(links, notes):
    """Note the links, which are taken for missing; first those that should have been files."""
    links.sort(key=lambda file: meant_name(file.place) is None)
    if links:
        names = listed(file.place for file in links)
        notes.append(f"links or special files, which are not followed: {names}")


def note_notebooks(files, notes):
    """Note the notebooks in which functions of the assignment are written."""
    definitions = [f"def {name}".encode() for names in FUNCTIONS.values() for name in names]
    notebooks = [file for file in files if file.place.suffix.lower() == ".ipynb"]
    for file in notebooks[:MOST_NOTEBOOKS]:
        try:
            data = file.read(MOST_OF_NOTEBOOK)
        except Unfit as error:
            notes.append(f"{file.place}: {error}")
        else:
            if any(definition in data for definition in definitions):
                notes.append(f"{file.place}: notebooks are not graded, only {', '.join(MODULES)}")


def read_sources(modules, files, notes):
    """Read the modules, and the other files beside them that they may import or open.

    Returns
    -------
    dict from name, for files in packages with their folders, to bytes; the modules come first
    """
    sources = {name: module.data for name, module in modules.items()}
    beside = files_beside([module.file for module in modules.values()], files)
    room = MOST_OF_SOURCES
    left_out = []
    for name, file in beside.items():
        if name in MODULES:             # chosen already, or unreadable
            continue
        if len(sources) == MOST_SOURCES or room <= 0:
            left_out.append(file.place)
            continue
        try:
            sources[name] = file.read(MOST_OF_SOURCE)
        except Unfit as error:
            if file.place.suffix == ".py":
                notes.append(f"{file.place}: {error}")
        else:
            room -= len(sources[name])
    if left_out:
        notes.append(f"not taken, since there are too many files: {listed(left_out)}")
    return sources


def files_beside(modules, files):
    """Find the files that modules may import, and then those that they may open.

    Returns
    -------
    dict from the name of a file, as seen from the modules, to the file
    """
    # The folder of the most modules comes first.
    folders = Counter(module.place.parent for module in modules).most_common()
    imported, opened = {}, {}
    for folder, _ in folders:
        for file in files:
            if folder not in file.place.parents or file in modules:
                continue
            place = file.place.relative_to(folder)
            name = str(place)
            is_in_package = all(part.isidentifier() for part in place.parent.parts)
            if place.suffix == ".py" and place.stem.isidentifier() and is_in_package:
                imported.setdefault(name, file)
            elif place.suffix.lower() in DATA and name == place.name and not meant_name(place):
                opened.setdefault(name, file)
    return {name: file for name, file in (imported | opened).items() if len(name) <= 100}


def read_artefacts(files, notes):
    """Read the arrays, words and picture, from one folder as far as it holds them."""
    folders = defaultdict(list)
    for file in files:
        if meant_name(file.place) in ARTEFACTS:
            folders[file.place.parent].append(file)

    def rank(folder):
        arrays = {meant_name(file.place) for file in folders[folder]}.intersection(ARRAYS)
        return len(arrays), -len(folder.parts), max(file.date for file in folders[folder])

    artefacts = {}
    for number, folder in enumerate(sorted(folders, key=rank, reverse=True)):
        for file in sorted(folders[folder], key=lambda file: is_renamed(file.place)):
            name = meant_name(file.place)
            is_of_other_arrays = name == WORDS and number > 0
            if name in artefacts or is_of_other_arrays:
                continue
            if is_renamed(file.place):
                notes.append(f"{file.place} was taken as {name}")
            try:
                artefacts[name] = file.read(MOST_OF_ARTEFACT[name])
            except Unfit as error:
                artefacts[name] = error
    return artefacts


# --- answers to tasks 1 and 2 ---------------------------------------------------------------------

NO_ANSWER = re.compile(r"readme.*|requirements.*\.txt|licen[cs]e.*|words\.txt|copying.*"
                       + f"|{re.escape(LOSS_PICTURE)}", re.IGNORECASE)
# What the assignment itself may be called: nothing but such words, and numbers.
OWN_NAME = re.compile(r"[\W\d_]*((home|work|hw|assignment|word2vec|w2v|nce"
                      r"|домашн(о|а|ата|ото)|работа|задани(е|я|ето|ята)|условие|условия)"
                      r"[\W\d_]*)+", re.IGNORECASE)
PERHAPS = " (perhaps the assignment's own)"


def answers_in(files):
    """List the files that may be answers to tasks 1 and 2, and mark what may be the assignment."""
    answers = [file.place for file in files
               if file.place.suffix.lower() in ANSWERS
               and not NO_ANSWER.fullmatch(file.place.name) and not meant_name(file.place)]
    names = []
    for place in answers:
        is_pdf = place.suffix.lower() == ".pdf"
        is_doubtful = len(answers) > 1 and is_pdf and OWN_NAME.fullmatch(place.stem)
        names.append(f"{place}{PERHAPS if is_doubtful else ''}")
    return abbreviated(names, MOST_ANSWERS)
