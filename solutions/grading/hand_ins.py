"""Find the hand-ins in what was named: an archive, a folder, or a download with everybody's.

A hand-in's owner is known from its path, never from its contents: Moodle's names, else the name of
the archive or folder.
"""

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath

from beyond.settings import MODULES
from solutions.grading.modules import SEVERAL
from solutions.grading.names import (
    BLACKBOARD,
    CANVAS,
    COPY,
    MOODLE,
    are_of_several,
    is_junk,
    meant_name,
    printable,
)
from solutions.grading.results import HandIn, key_of
from solutions.grading.unpack import (
    ARCHIVES,
    OF_A_DOWNLOAD,
    Unfit,
    is_archive,
    is_zip,
    names_in,
    unpack,
    why_not_zip,
)
from utils import InputError

ONLY_TEXT, EMPTY = "a text typed in Moodle, no files", "an empty folder"


def find_hand_ins(paths, scratch, is_download=False, own=()):
    """Find the hand-ins.

    Parameters
    ----------
    paths : of archives, of folders with archives or with a folder per student, of one student's
        folder; or of one archive that a platform made of everybody's hand-ins
    scratch : empty folder into which that is unpacked
    is_download : whether each archive is such a one
    own : absolute paths of what the grader writes, which is no hand-in wherever it lies

    Returns
    -------
    hand_ins : list of HandIn, sorted by student, no two of the same student
    not_taken : lines on what was found and is nobody's hand-in

    Raises
    ------
    InputError : there is no such path or no hand-in in it, or it is not clear whose one is
    """
    paths = list(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))
    found, not_taken = [], []
    for number, path in enumerate(paths):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        if path.is_dir():
            here, others = in_folder(path, own)
        elif is_zip(path) and (is_download or len(paths) == 1 and is_of_a_class(path)):
            here, others = in_download(path, scratch / str(number))
        else:
            here, others = [hand_in_at(path)], []
        if not here:
            raise InputError("; ".join([f"{path}: no archive and no folder in it", *others]))
        found += here
        not_taken += others
    return sorted(by_student(found), key=lambda one: (one.student, one.identifier)), not_taken


def in_folder(folder, own):
    """Return the hand-ins in a folder that was named, and lines on what was not taken."""
    entries = [entry for entry in visible(folder) if entry not in own]
    see_that_it_is_no_other_platforms(folder, entries)
    folders = [entry for entry in entries if entry.is_dir()]
    archives = [entry for entry in entries if is_archive(entry)]
    if any(MOODLE.fullmatch(entry.name) for entry in entries):
        return of_a_class(entries)
    if len(folders) == 1 and not archives:
        inside = visible(folders[0])
        if not any(MOODLE.fullmatch(entry.name) for entry in inside):
            return [hand_in_at(folder)], []
        return of_a_class([*inside, *(entry for entry in entries if entry.is_file())])
    modules = {meant_name(entry.name) for entry in entries} & set(MODULES)
    students = [entry for entry in folders if any(map(is_module, visible(entry)))]
    is_a_class = len(modules) < len(MODULES) and len(students) > 1
    if modules and not is_a_class and not any(map(holds_modules, archives)):
        return [hand_in_at(folder)], []
    return of_a_class(entries)


def is_module(path):
    return meant_name(path.name) in MODULES


def holds_modules(archive):
    return any(meant_name(PurePosixPath(name).name) in MODULES for name in names_in(archive))


def of_a_class(entries):
    """Return a hand-in for each archive and folder, and lines on what else is there."""
    hand_ins, others = [], []
    for entry in entries:
        if entry.is_dir() or is_archive(entry) or MOODLE.fullmatch(entry.name):
            hand_ins.append(hand_in_at(entry))
        else:
            others.append(f"not taken: {printable(entry.name)}, neither a .zip nor a folder")
    return hand_ins, others


def see_that_it_is_no_other_platforms(folder, entries):
    """Raise InputError where files of several students lie beside each other.

    Only Moodle's names say surely whose a file is.
    """
    files = [entry.name for entry in entries if not MOODLE.fullmatch(entry.name)]
    matches = [CANVAS.fullmatch(name) or BLACKBOARD.fullmatch(name) for name in files]
    if len({match["student"] for match in matches if match}) > 1:
        raise InputError(f"{folder}: {SEVERAL}")


def hand_in_at(path):
    """Return the hand-in that a file or folder is."""
    match = MOODLE.fullmatch(path.name)
    problem = ""
    if match and match["kind"] != "file":
        problem = ONLY_TEXT
    elif path.is_dir():
        problem = "" if visible(path) else EMPTY
    elif not match and not is_zip(path):
        problem = why_not_zip(path)
    if match:
        return HandIn(match["student"], (path,), match["number"], problem)
    stem = path.name if path.is_dir() else path.stem
    return HandIn(COPY.sub("", stem) or stem, (path,), "", problem)


def visible(folder):
    """Return what is in a folder, without what systems put there."""
    return sorted(entry for entry in folder.iterdir() if not is_junk(entry.name))


# --- a download with everybody's files ------------------------------------------------------------

def is_of_a_class(path):
    """Tell whether an archive that was named alone is everybody's: it names several students."""
    places = [PurePosixPath(name) for name in names_in(path, OF_A_DOWNLOAD)]
    if any(MOODLE.fullmatch(part) for place in places for part in place.parts[:2]):
        return True
    modules = [place for place in places if meant_name(place.name) in MODULES]
    archives = [place for place in places if place.suffix.lower() in ARCHIVES]
    return are_of_several(modules, archives)


def in_download(path, folder):
    """Unpack a download; return the hand-ins in it, and lines on what was not taken."""
    folder.mkdir()
    try:
        skipped = unpack(path, folder, OF_A_DOWNLOAD)
    except Unfit as error:
        raise InputError(f"{path}: {error}; unpack it yourself") from None
    entries = visible(folder)
    while len(entries) == 1 and entries[0].is_dir() and not MOODLE.fullmatch(entries[0].name):
        entries = visible(entries[0])
    see_that_it_is_no_other_platforms(path, entries)
    hand_ins, others = of_a_class(entries)
    return hand_ins, [*others, *(f"not taken: {printable(name)}: {why}" for name, why in skipped)]


# --- one hand-in a student ------------------------------------------------------------------------

def by_student(found):
    """Join the hand-ins of the same student.

    Raises
    ------
    InputError : they lie in different places, or are called differently
    """
    students = {}
    for one in dict.fromkeys(found):            # a file may lie in a folder that is named, too
        students.setdefault(key_of(one.student, one.identifier), []).append(one)
    for first, *others in students.values():
        for other in others:
            places = first.sources[0], other.sources[0]
            is_same_name = first.student.casefold() == other.student.casefold()
            if places[0].parent != places[1].parent or not is_same_name:
                raise InputError(f"{places[0]} and {places[1]} are of the same student; rename "
                                 "one, or grade one alone")
    return list(map(joined, students.values()))


def joined(hand_ins):
    """Make one hand-in of several of a student's; what has a problem counts if all have one."""
    first = hand_ins[0]
    files = [one for one in hand_ins if one.problem not in (ONLY_TEXT, EMPTY)] or [first]
    sources = tuple(source for one in files for source in one.sources)
    problem = "" if any(not one.problem for one in files) else files[0].problem
    return replace(first, sources=sources, problem=problem)
