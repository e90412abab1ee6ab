"""Find what was handed in: archives, folders of them, and what Moodle's download gives."""

import itertools
import lzma
import os
import re
import shutil
import stat
import struct
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from beyond.submission import MODULES
from solutions.grading.names import decoded_name
from solutions.grading.results import HandIn
from utils import InputError

ONLY_TEXT, EMPTY = "a text typed in Moodle, no files", "an empty folder"
MOST_ENTRIES, MOST_BYTES = 100_000, 20 * 10 ** 9    # of a download with everybody's files

# Ivan Petrov_123456_assignsubmission_file_ (a folder; newer Moodles leave the last _ out), or,
# in a download without folders, Ivan Petrov_123456_assignsubmission_file_FN1.zip.
MOODLE_NAME = re.compile(r"(?P<student>.+?)_(?P<identifier>\d+)"
                         r"_assignsubmission_(?P<kind>[^_]+)(_(?P<file>.*))?", re.DOTALL)

# What browsers, Windows and macOS add to a second file of the same name.
COPY = re.compile(r"(\s*\(\d+\)|\s+[-–—]\s+(copy|копие)|\s+copy(\s+\d+)?)+$", re.IGNORECASE)

OTHER_ARCHIVES = {".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz",
                  ".zst", ".lzma", ".z", ".zipx", ".arj", ".lzh", ".cab", ".iso"}
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError,
           OverflowError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Piece:
    """One thing of a student's: an archive, a folder of loose files, or what cannot be read."""

    student: str
    identifier: str
    path: Path
    place: Path             # where the student's archive or folder lies
    name: str               # of the archive or the loose files, for notes
    problem: str = ""


def find_hand_ins(paths, scratch):
    """Find the hand-ins in files and folders.

    Parameters
    ----------
    paths : of archives, of folders with archives or with loose files, of Moodle's "Download all
        submissions" as a zip or unpacked
    scratch : folder into which a download may be unpacked

    Returns
    -------
    A list of HandIn, sorted by student.

    Raises
    ------
    InputError : there is no such path, nothing in it looks like a hand-in, or two files from
        different folders are of the same student
    """
    pieces = []
    unpacked = {}
    by_place = {Path(path).resolve(): Path(path) for path in paths}
    for path in by_place.values():          # once each, though it may be named twice
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        if path.is_dir():
            found = in_folder(path.resolve(), scratch)
        elif is_download(path):
            folder = new_folder(scratch)
            unpacked[folder] = path
            refused = unpack(path, folder)
            found = in_folder(folder, scratch) + refused
        else:
            found = in_file(path.resolve())
        if not found:
            raise InputError(f"{path}: no .zip file, and no Moodle folders")
        pieces += found

    students = {}
    for piece in dict.fromkeys(pieces):     # a file may lie in a folder that is named, too
        student = piece.identifier, piece.student.casefold()
        students.setdefault(student, []).append(piece)
    for theirs in students.values():
        refuse_namesakes(theirs, unpacked)
    hand_ins = [choose(theirs) for theirs in students.values()]
    return sorted(hand_ins, key=lambda hand_in: (hand_in.student, hand_in.identifier))


def refuse_namesakes(pieces, unpacked):
    """Raise InputError if pieces without Moodle's number come from different folders."""
    first = pieces[0]
    for other in pieces[1:]:
        if not first.identifier and other.place != first.place:
            message = f"{first.path} and {other.path} are of the same student; rename one"
            for folder, path in unpacked.items():
                message = message.replace(str(folder), str(path))
            raise InputError(message)


# From the pieces of one student to a hand-in.

def choose(pieces):
    """Make one hand-in of what a student handed in: the newest archive that holds the modules."""
    files = [piece for piece in pieces if piece.problem not in (ONLY_TEXT, EMPTY)] or pieces
    readable = [piece for piece in files if not piece.problem]
    problems = [piece for piece in files if piece.problem]
    readable.sort(key=preference, reverse=True)
    best = readable[0] if readable else problems[0]
    only_answers = best.path.is_dir() and not holds_modules(best.path)
    if problems and (not readable or only_answers):
        best = problems[0]
    notes = [f"{piece.name}: {piece.problem}" for piece in problems if piece is not best]
    others = [piece.name for piece in readable if piece is not best]
    if best.problem and others:
        notes.insert(0, f"also there: {', '.join(others)}")
    elif others and all(is_zip(piece.path) for piece in readable):
        newest = max(date_inside(piece.path) for piece in readable)
        which = "the newest" if date_inside(best.path) == newest else "the newest with the modules"
        notes.insert(0, f"{len(readable)} archives; {best.name}, {which}, was graded; "
                        f"also there: {', '.join(others)}")
    elif others:
        notes.insert(0, f"{best.name} was graded; also there: {', '.join(others)}")
    return HandIn(best.student, best.path, best.identifier, best.problem, tuple(notes))


def preference(piece):
    """Return what a student's pieces are sorted by, the one to be graded last."""
    return (holds_modules(piece.path), is_zip(piece.path), date_inside(piece.path),
            piece.path.stat().st_mtime, piece.name)


def holds_modules(path):
    """Tell whether a file of an archive or a folder is named like a module, if only nearly."""
    stems = tuple(module.removesuffix(".py") for module in MODULES)
    names = [PurePosixPath(name).name.lower() for name in names_inside(path)]
    return any(name.startswith(stems) and ".py" in name for name in names)


def names_inside(path):
    """Return the names of the files in an archive or below a folder; none if it is broken."""
    if path.is_dir():
        return [file.name for file in files_below(path)]
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (*DAMAGED, OSError):
        return []


def date_inside(path):
    """Return the latest date of the entries of an archive; () for what has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return max((entry.date_time for entry in archive.infolist()), default=())
    except (*DAMAGED, OSError):
        return ()


# From files and folders to pieces.

def in_folder(folder, scratch):
    """Return the pieces in a folder that was named or unpacked."""
    entries = visible(folder)
    direct = [entry for entry in entries if entry.is_file() and entry.name.lower() in MODULES]
    if direct and not any(is_zip(entry) and holds_modules(entry) for entry in entries):
        return in_student_folder(folder)

    pieces = in_flat_download(entries, scratch)
    for entry in entries:
        if not MOODLE_NAME.fullmatch(entry.name):
            if is_zip(entry) or is_other_archive(entry):
                pieces += in_file(entry)
        elif entry.is_dir():
            pieces += in_student_folder(entry)
    others = [entry for entry in entries
              if entry.is_dir() and not MOODLE_NAME.fullmatch(entry.name)]
    unclear = []
    for entry in others:
        if any(MOODLE_NAME.fullmatch(inner.name) for inner in visible(entry)):
            pieces += in_folder(entry, scratch)
        elif looks_handed_in(entry):
            pieces += in_student_folder(entry)
        else:
            unclear.append(entry)
    if others and len(unclear) < len(others) == len(entries):      # a folder of students' folders
        for entry in unclear:
            pieces += in_student_folder(entry)
    return pieces


def in_student_folder(folder):
    """Return the pieces in the folder of one student."""
    student, identifier, kind = owner(folder)

    def piece(path, name, problem=""):
        return Piece(student, identifier, path, folder.parent, name, problem)

    files = files_below(folder)
    if kind != "file":
        return [piece(folder, "a text", ONLY_TEXT)]
    if not files:
        return [piece(folder, "a folder", EMPTY)]
    pieces = []
    loose = []
    for file in files:
        if is_zip(file):
            pieces.append(piece(file, file.name))
        elif is_other_archive(file):
            pieces.append(piece(file, file.name, problem_of(file)))
        else:
            loose.append(file.name)
    if loose:
        more = f" and {len(loose) - 5} more" if len(loose) > 5 else ""
        pieces.append(piece(folder, f"loose files ({', '.join(loose[:5])}{more})"))
    return pieces


def in_file(path):
    """Return the piece that a file is."""
    student, identifier, _ = owner(path)
    problem = "" if is_zip(path) else problem_of(path)
    return [Piece(student, identifier, path, path.parent, path.name, problem)]


def in_flat_download(files, scratch):
    """Return the pieces in files of a download without folders; gather loose ones in folders."""
    folders = {}
    for file in files:
        if file.is_file() and (match := MOODLE_NAME.fullmatch(file.name)):
            start = file.name[:match.start("kind")] + match["kind"] + "_"
            if start not in folders:
                folders[start] = new_folder(scratch) / start
                folders[start].mkdir()
            shutil.copy2(file, folders[start] / (match["file"] or "file"))
    return [piece for folder in folders.values() for piece in in_student_folder(folder)]


def owner(path):
    """Return whose a file or folder is by its name: student, Moodle's number, and the kind."""
    if match := MOODLE_NAME.fullmatch(path.name):
        return match["student"], match["identifier"], match["kind"]
    stem = path.name if path.is_dir() else path.stem
    return COPY.sub("", stem) or stem, "", "file"


def looks_handed_in(folder):
    """Tell whether there is an archive or a module in a folder."""
    archives = any(is_zip(file) or is_other_archive(file) for file in files_below(folder))
    return archives or holds_modules(folder)


def is_zip(path):
    return path.suffix.lower() == ".zip" and path.is_file()


def is_other_archive(path):
    return path.suffix.lower() in OTHER_ARCHIVES and path.is_file()


def problem_of(path):
    """Return why a file that is no .zip cannot be read."""
    if not is_other_archive(path):
        return "not a .zip file: ask for one, or hand the grader a folder with the files"
    suffix = "".join(path.suffixes[-2:]) if ".tar" in path.suffixes[-2:-1] else path.suffix
    article = "an" if suffix.lower() == ".arj" else "a"
    return (f"{article} {suffix} archive: ask for a .zip, or unpack it and hand the grader "
            "the folder")


def visible(folder):
    """Return what is in a folder, without what systems put there."""
    return sorted(entry for entry in folder.iterdir() if not is_of_the_system(entry.name))


def files_below(folder):
    """Return the files at any depth below a folder, links and what systems put there left out."""
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_of_the_system(name)]
        for name in names:
            file = Path(parent, name)
            if file.is_file() and not file.is_symlink() and not is_of_the_system(name):
                files.append(file)
    return sorted(files)


def is_of_the_system(name):
    return name.startswith(".") or name.lower() in ("__macosx", "thumbs.db", "desktop.ini")


# Downloads with everybody's files.

def is_download(path):
    """Tell whether a file is a zip with the hand-ins of many: Moodle's, or one of archives."""
    if not is_zip(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            places = [PurePosixPath(safe_name(entry)) for entry in archive.infolist()]
    except (*DAMAGED, OSError):
        return False
    if any(MOODLE_NAME.fullmatch(part) for place in places for part in place.parts[:2]):
        return True
    top = [place for place in places if len(place.parts) == 1]
    archives = [place for place in top if place.suffix.lower() == ".zip"]
    modules = [place for place in places if place.suffix.lower() == ".py"]
    numbered = all(re.search(r"\d", place.stem) for place in archives)      # FN1.zip, FN2.zip
    return len(archives) > 1 and numbered and not modules


def unpack(path, folder):
    """Unpack a download, and nothing outside of the folder.

    Returns
    -------
    A list of Piece, each with the problem of an entry that was not unpacked.
    """
    refused = []
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise InputError(f"{path}: more than {MOST_ENTRIES} files; unpack it yourself")
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise InputError(f"{path}: larger than {MOST_BYTES / 10 ** 9:g} GB; unpack it yourself")
        for entry in entries:
            name = safe_name(entry)
            problem = danger(entry) or unpack_entry(archive, entry, folder / name)
            if problem:
                refused.append(refused_piece(path, name, f"{name!r} {problem}"))
    return refused


def unpack_entry(archive, entry, target):
    """Unpack an entry of a download with its date; return what went wrong, "" if nothing did."""
    try:
        if entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            return ""
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy)        # zipfile stops at the size that was added up
    except (FileExistsError, NotADirectoryError):
        return "is in the download twice"
    except DAMAGED as error:
        target.unlink(missing_ok=True)
        return f"cannot be unpacked: {error}"
    try:
        seconds = time.mktime((*entry.date_time, 0, 0, -1))
        os.utime(target, (seconds, seconds))
    except (ValueError, OverflowError, OSError):        # a date that there is not
        pass
    return ""


def danger(entry):
    """Return why an entry must not be unpacked, "" if it may be."""
    name = decoded_name(entry).replace("\\", "/")
    # Windows takes dots and spaces at the end of a name away: ".. " is "..", too.
    climbs = any(re.fullmatch(r"[. ]{2,}", part) for part in name.split("/"))
    if climbs or name.startswith("/") or re.match("[A-Za-z]:", name):
        return "would be unpacked outside of its folder"
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == 3 else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a special file"
    return ""


def safe_name(entry):
    """Return the name of an entry as every system can write it."""
    parts = []
    for part in decoded_name(entry).replace("\\", "/").split("/"):
        part = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", part)
        while len(os.fsencode(part)) > 240:
            middle = len(part) // 2
            part = part[:middle] + part[middle + 1:]
        parts.append(part.rstrip(". ") if part.strip(". ") else part)
    return "/".join(parts)


def refused_piece(path, name, problem):
    """Return the piece of a student whose entry in a download was not unpacked."""
    parts = [part for part in name.split("/") if part.strip(". ")] or [path.name]
    of_moodle = [part for part in parts if MOODLE_NAME.fullmatch(part)]
    student, identifier, _ = owner(Path(of_moodle[0] if of_moodle else parts[-1]))
    return Piece(student, identifier, path, path, parts[-1], problem)


def new_folder(scratch):
    """Make a folder of its own in the scratch folder."""
    for number in itertools.count(1):
        folder = scratch.resolve() / f"download-{number}"
        if not folder.exists():
            folder.mkdir()
            return folder
