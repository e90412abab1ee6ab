"""Find the hand-ins in what was named: an archive, a folder, or a download with everybody's.

A hand-in's owner is known from its path, never from its contents: Moodle's names, else the name of
the archive or folder.
"""

import os
from pathlib import Path, PurePosixPath

from beyond.settings import MODULES
from solutions.grading.modules import SEVERAL
from solutions.grading.names import (
    BLACKBOARD,
    CANVAS,
    COPY,
    MOODLE,
    NUMBER,
    abbreviated,
    is_junk,
    meant_name,
    name_key,
    printable,
    report_name,
)
from solutions.grading.results import HandIn
from solutions.grading.unpack import (
    OF_A_DOWNLOAD,
    Room,
    Unfit,
    is_archive,
    is_zip,
    names_in,
    unpack,
)
from utils import InputError

UNPACK = "unpack it yourself and name the folder"


def find_hand_ins(paths, scratch, is_download=False, own=()):
    """Find the hand-ins.

    Parameters
    ----------
    paths : of archives, of folders with archives or with a folder per student, of one student's
        folder
    scratch : empty folder into which downloads are unpacked
    is_download : whether each archive is one that a platform made of everybody's hand-ins; a
        single one that is named and divided as Moodle does it needs no telling
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
        elif is_download or (len(paths) == 1 and looks_like_moodles(path)):
            here, others = in_download(path, scratch / str(number))
        else:
            here, others = of_a_class([path])
        found += here
        not_taken += others
    if not found:
        raise InputError("; ".join(["there is no hand-in", *not_taken]))
    hand_ins = sorted(by_student(found), key=lambda one: (one.student, one.identifier))
    return hand_ins, list(dict.fromkeys(not_taken))         # .DS_Store of many folders is one line


def in_folder(folder, own):
    """Return the hand-ins in a folder that was named, and lines on what was not taken."""
    everything = sorted(entry for entry in folder.iterdir() if entry not in own)
    entries = [entry for entry in everything if not is_junk(entry.name)]
    junk = [printable(entry.name, 100) for entry in everything if is_junk(entry.name)]
    see_that_it_is_no_other_platforms(folder, entries)
    if is_one_students(entries):
        hand_ins, others = [hand_in_at(folder)], []
    else:
        hand_ins, others = of_a_class(entries)
    if junk:
        others.append(f"not taken: {', '.join(abbreviated(junk, 20))}: hidden or made by a program")
    return hand_ins, others


def is_one_students(entries):
    """Tell whether these are files of one student, rather than an archive or folder per student."""
    if any(MOODLE.fullmatch(entry.name) for entry in entries):
        return False
    folders = [entry for entry in entries if entry.is_dir()]
    archives = [entry for entry in entries if is_archive(entry)]
    if not archives and len(folders) <= 1:
        return True
    if any(has_modules(archive) for archive in archives):
        return False
    modules = modules_among(entry.name for entry in entries)
    with_modules = [folder for folder in folders if modules_among(os.listdir(folder))]
    return len(modules) == len(MODULES) or bool(modules) and len(with_modules) <= 1


def modules_among(names):
    """Return which modules are among files with these names."""
    return {meant_name(PurePosixPath(name).name) for name in names} & set(MODULES)


def has_modules(archive):
    """Tell whether there are modules in an archive; there are none if it cannot be read."""
    try:
        return bool(modules_among(names_in(archive)))
    except (Unfit, OSError):
        return False


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
    file_of = {match["student"]: printable(match.string) for match in matches if match}
    if len(file_of) > 1:
        first, second, *_ = file_of.values()
        raise InputError(f"{folder}: with {first} and {second} it {SEVERAL}")


def hand_in_at(path):
    """Return the hand-in that a file or folder is.

    Raises
    ------
    InputError : Moodle's ending is there twice, and the second may be from the name of a file
    """
    match = MOODLE.fullmatch(path.name)
    if match:
        is_whole = path.is_dir() and not match["file"]
        if MOODLE.fullmatch(match["student"]) and not is_whole:
            raise InputError(f"{printable(path)}: may be of two students; rename it")
        return HandIn(match["student"], (path,), match["number"])
    stem = path.name if path.is_dir() else path.stem
    return HandIn(COPY.sub("", stem) or stem, (path,))


def looks_like_moodles(archive):
    """Tell whether all in an archive has Moodle's names, and the archive itself no student's.

    One that cannot be read may be everybody's, which is no row "not readable" of one student.
    """
    if MOODLE.fullmatch(archive.name) or NUMBER.fullmatch(archive.name) or not is_zip(archive):
        return False
    try:
        tops = {name.split("/")[0] for name in names_in(archive, OF_A_DOWNLOAD)}
    except Unfit as error:
        raise InputError(f"{archive}: {error}; {UNPACK}") from None
    return bool(tops) and all(map(MOODLE.fullmatch, tops))


def in_download(path, folder):
    """Unpack a download; return the hand-ins in it, and lines on what was not taken."""
    folder.mkdir()
    try:
        skipped = unpack(path, folder, Room(OF_A_DOWNLOAD))
    except Unfit as error:
        raise InputError(f"{path}: {error}; {UNPACK}") from None
    entries = sorted(folder.iterdir())
    while len(entries) == 1 and entries[0].is_dir() and not MOODLE.fullmatch(entries[0].name):
        entries = sorted(entries[0].iterdir())
    see_that_it_is_no_other_platforms(path, entries)
    hand_ins, others = of_a_class(entries)
    return hand_ins, [*others, *(f"not taken: {printable(name)}: {why}" for name, why in skipped)]


# --- versions of one student's work ---------------------------------------------------------------

def by_student(found):
    """Join the versions of a student's work: their names differ only in what marks a copy.

    Raises
    ------
    InputError : two others may be of the same student, or would have the same report
    """
    versions = {}
    for one in dict.fromkeys(found):            # a file may lie in a folder that is named, too
        who = one.student, one.identifier, one.sources[0].parent
        versions.setdefault(who, []).append(one.sources[0])
    hand_ins = [HandIn(student, tuple(sources), identifier)
                for (student, identifier, _), sources in versions.items()]
    seen = {}
    for one in hand_ins:
        report = name_key(report_name(one.student, one.identifier))
        for key in {("report", report), ("number", one.identifier or report)}:
            other = seen.setdefault(key, one)
            if other is not one:
                raise InputError(f"{other.sources[0]} and {one.sources[0]} look like one "
                                 "student's; rename one, or grade one alone")
    return hand_ins
