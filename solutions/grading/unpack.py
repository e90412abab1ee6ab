"""Unpack an archive that a stranger made into an empty folder, within limits."""

import errno
import os
import re
import time
import unicodedata
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from solutions.grading.names import is_junk, printable

ARCHIVES = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zipx"}
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}        # others unpack without a limit
MOST_DEPTH = 20                 # folders
MOST_CHARACTERS = 1000      # of the name of a file with its folders
MOST_FOLDERS = 2000
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may be when it is unpacked."""

    entries: int
    gigabytes: float
    seconds: float


OF_A_HAND_IN = UnpackLimits(50_000, 1., 60.)
OF_A_DOWNLOAD = UnpackLimits(100_000, 20., 3600.)


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


def unpack(path, folder, limits=OF_A_HAND_IN):
    """Unpack a zip file; entries that cannot be unpacked are skipped.

    A name that leads out of the folder loses what leads out, and a link becomes a file.

    Returns
    -------
    list of (name of an entry, why it was skipped)

    Raises
    ------
    Unfit : it is no zip file, or beyond the limits
    OSError : the disk is full
    """
    end = time.monotonic() + limits.seconds
    skipped = []
    with opened(path, limits) as archive:
        entries = entries_of(archive, limits)
        for name, entry in entries:
            if time.monotonic() > end:
                raise Unfit(f"unpacking it takes longer than {limits.seconds:g} s")
            reason = why_skipped(name, entry) or extracted(archive, name, entry, folder)
            if reason:
                skipped.append((name, reason))
    return skipped


def names_in(path, limits=OF_A_HAND_IN):
    """List the names of the files in a zip file; none if it cannot be read."""
    try:
        with opened(path, limits) as archive:
            return [name for name, _ in entries_of(archive, limits)]
    except (Unfit, OSError):
        return []


def opened(path, limits):
    """Open a zip file. Names not marked as UTF-8 are that nevertheless, or in the cp866 of DOS."""
    if not is_zip(path):
        raise Unfit(f"a {printable(path.suffix)} file, not a .zip: ask for one, or unpack it and "
                    "name the folder")
    try:
        if most_entries(path) > 10 * limits.entries:
            raise Unfit(f"it holds more than {limits.entries} files")
        try:
            return zipfile.ZipFile(path, metadata_encoding="utf-8")
        except UnicodeDecodeError:
            return zipfile.ZipFile(path, metadata_encoding="cp866")
    except Unfit:
        raise
    except Exception as error:          # whatever zipfile meets in a damaged one
        raise Unfit(f"not a readable zip file: {printable(error, 100)}") from None


def most_entries(path):
    """Return how many entries a zip file has at most: each of its list begins with these bytes.

    The list itself would be read into memory as a whole.
    """
    with open(path, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return sum(1 for _ in re.finditer(rb"PK\x01\x02", content))


def entries_of(archive, limits):
    """Return the files of a zip file as pairs of a safe name and the entry."""
    entries = [(safe_name(entry.filename), entry) for entry in archive.infolist()
               if not entry.filename.endswith(("/", "\\"))]
    entries = [(name, entry) for name, entry in entries if not any(map(is_junk, name.split("/")))]
    if len(entries) > limits.entries:
        raise Unfit(f"it holds {len(entries)} files, more than {limits.entries}")
    folders = len({name.rpartition("/")[0] for name, _ in entries})
    if folders > MOST_FOLDERS:
        raise Unfit(f"it holds {folders} folders, more than {MOST_FOLDERS}")
    size = sum(max(entry.file_size, entry.compress_size) for _, entry in entries)
    if size > limits.gigabytes * 1e9:
        raise Unfit(f"it unpacks to {size / 1e9:.1f} GB, more than {limits.gigabytes:g}; a "
                    "download of everybody's needs --download")
    return entries


def safe_name(name):
    """Return the name of an entry as every system can write it, below the folder it is put in."""
    name = name[:MOST_CHARACTERS + 1]           # to compose the letters of more may take seconds
    name = unicodedata.normalize("NFC", name).replace("\\", "/")
    name = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", name)
    parts = [part.rstrip(" .") for part in name.split("/")]
    return "/".join(filter(None, parts)) or "_"


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
