"""Unpack an archive that a stranger made into an empty folder, within limits."""

import errno
import io
import os
import re
import threading
import time
import unicodedata
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from solutions.grading.names import is_junk, printable

ARCHIVES = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zipx"}
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}        # others unpack without a limit
MOST_DEPTH = 20                 # folders
MOST_CHARACTERS = 1000  # of the name of a file with its folders
MOST_BYTES, MOST_ENDING = 255, 10    # of a part of it, as disks take it; characters that stay
LISTED = 250            # bytes in the list of an archive's files for each of them
IS_STOPPED = threading.Event()      # nothing more is to be unpacked or judged
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}


@dataclass(frozen=True)
class UnpackLimits:
    """What the archives of one hand-in, or a download, may be when they are unpacked."""

    entries: int            # hidden ones and folders count, too
    gigabytes: float
    seconds: float
    folders: int = 2000
    advice: str = ""


OF_A_HAND_IN = UnpackLimits(50_000, 1., 60.,
                            advice="; a download of everybody's needs --download")
OF_A_DOWNLOAD = UnpackLimits(100_000, 20., 3600., folders=20_000)


class Room:
    """What has been unpacked of a hand-in, whose archives share its limits."""

    def __init__(self, limits=OF_A_HAND_IN):
        self.limits, self.end = limits, time.monotonic() + limits.seconds
        self.entries = self.folders = self.size = 0

    def see_that_there_is_time(self):
        if time.monotonic() > self.end:
            raise Unfit(f"unpacking takes longer than {self.limits.seconds:g} s")

    def take(self, archive, files):
        """Raise Unfit if there is no room for the files of one more archive."""
        entries = self.entries + len(archive.infolist())
        folders = self.folders + len({name.rpartition("/")[0] for name, _ in files})
        size = self.size + sum(max(entry.file_size, entry.compress_size) for _, entry in files)
        for number, most, what in [(entries, self.limits.entries, "files"),
                                   (folders, self.limits.folders, "folders"),
                                   (size / 1e9, self.limits.gigabytes, "GB")]:
            if number > most:
                raise Unfit(f"with it there are {round(number, 1):g} {what}, more than {most:g}"
                            f"{self.limits.advice}")
        self.entries, self.folders, self.size = entries, folders, size


class Unfit(Exception):
    """A hand-in that cannot be taken; the message says why in one line."""


def is_zip(path):
    """Tell whether a file is a zip file by its name or, if that says nothing, its first bytes."""
    if path.suffix or not path.is_file():
        return path.suffix.lower() == ".zip" and path.is_file()
    with open(path, "rb") as file:
        return file.read(4) == b"PK\3\4"


def is_archive(path):
    """Tell whether a file is an archive by its name, one that is read or another."""
    return is_zip(path) or path.is_file() and path.suffix.lower() in ARCHIVES


def unpack(path, folder, room):
    """Unpack a zip file; entries that cannot be unpacked are skipped.

    A name that leads out of the folder loses what leads out, and a link becomes a file.

    Returns
    -------
    list of (name of an entry, why it was skipped)

    Raises
    ------
    Unfit : it is no zip file, or there is no room for it
    OSError : the disk is full
    RuntimeError : the grader was stopped
    """
    skipped = []
    room.see_that_there_is_time()       # zipfile may need 5 s to read what a hostile one lists
    with opened(path, room.limits) as archive:
        files = files_of(archive)
        room.take(archive, files)
        for name, entry in files:
            if IS_STOPPED.is_set():
                raise RuntimeError("stopped while it was unpacked")
            room.see_that_there_is_time()
            reason = why_skipped(name, entry) or extracted(archive, name, entry, folder)
            if reason:
                skipped.append((name, reason))
    return skipped


def names_in(path, limits=OF_A_HAND_IN):
    """List the names of the files in a zip file; Unfit if it cannot be read."""
    with opened(path, limits) as archive:
        return [name for name, _ in files_of(archive)]


@contextmanager
def opened(path, limits):
    """Open a zip file. Names not marked as UTF-8 are that nevertheless, or in the cp866 of DOS."""
    if not is_zip(path):
        raise Unfit(f"a {printable(path.suffix)} file, not a .zip: ask for one, or unpack it and "
                    "name the folder")
    with Bounded(path, LISTED * limits.entries) as file:
        try:
            try:
                archive = zipfile.ZipFile(file, metadata_encoding="utf-8")
            except UnicodeDecodeError:
                archive = zipfile.ZipFile(file, metadata_encoding="cp866")
        except Unfit:
            raise
        except Exception as error:          # whatever zipfile meets in a damaged one
            raise Unfit(f"not a readable zip file: {printable(error, 100)}") from None
        number = len(archive.infolist())
        if number > limits.entries:
            raise Unfit(f"it holds {number} files, more than {limits.entries}{limits.advice}")
        yield archive


class Bounded(io.FileIO):
    """A file of which at most so many bytes are read at once; zipfile so reads all names."""

    def __init__(self, path, most):
        super().__init__(path)
        self.most = most

    def read(self, size=-1):
        if size > self.most:
            raise Unfit(f"the list of its files has {size / 1e6:.1f} MB, more than "
                        f"{self.most / 1e6:g}")
        return super().read(size)


def files_of(archive):
    """Return the files of a zip file as pairs of a safe name and the entry."""
    entries = [(safe_name(entry.filename), entry) for entry in archive.infolist()
               if not entry.filename.endswith(("/", "\\"))]
    return [(name, entry) for name, entry in entries if not any(map(is_junk, name.split("/")))]


def safe_name(name):
    """Return the name of an entry as every system can write it, below the folder it is put in."""
    name = name[:MOST_CHARACTERS + 1]           # to compose the letters of more may take seconds
    name = unicodedata.normalize("NFC", name).replace("\\", "/")
    name = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", name)
    parts = [part.rstrip(" .") for part in name.split("/")]
    return "/".join(map(shortened, filter(None, parts))) or "_"


def shortened(part):
    """Return a part of a path without the middle of what no disk takes: its ending says much."""
    end = part[-MOST_ENDING:]
    room = MOST_BYTES - len(end.encode())
    return part[:-MOST_ENDING].encode()[:room].decode(errors="ignore") + end


def why_skipped(name, entry):
    """Say why an entry is not even tried, "" if it is."""
    if entry.flag_bits & 1:
        return "asks for a password"
    if entry.compress_type not in METHODS:
        return f"packed by a method that is not read (number {entry.compress_type})"
    if name.count("/") > MOST_DEPTH:
        return f"more than {MOST_DEPTH} folders deep"
    if len(entry.filename) > MOST_CHARACTERS:
        return f"a name of {len(entry.filename)} characters"
    return ""


def extracted(archive, name, entry, folder):
    """Unpack an entry with its date. Returns what went wrong, "" if nothing did."""
    target = Path(folder, name)
    try:
        if target.exists():
            return "is there twice"
        entry.filename = name
        archive.extract(entry, folder)
    except Exception as error:          # zipfile and file systems have many kinds
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        with suppress(OSError):         # the part of it that was written
            target.unlink()
        return f"not readable: {printable(error, 100) or type(error).__name__}"
    with suppress(ValueError, OverflowError, OSError):      # there is no such date
        seconds = time.mktime((*entry.date_time, 0, 0, -1))
        os.utime(target, (seconds, seconds))
    return ""
