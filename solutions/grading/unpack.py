"""Read the files of a zip file or a folder, without trusting it.

Nothing is unpacked onto the disk, no link is followed, and no more is read into memory than was
asked for, whatever an archive says of itself.
"""

import bz2
import copy
import io
import lzma
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from solutions.grading.names import decoded, decoded_name, is_junk, place_of

MB = 1 << 20
MOST_ENTRIES = 100_000


class Unfit(Exception):
    """A hand-in, or a file in it, that cannot be taken; the message says why in one line."""


@dataclass(frozen=True)
class File:
    """A file of a hand-in, which is read when it is asked for."""

    place: PurePosixPath
    date: tuple                     # of its last change
    is_link: bool                   # or a special file; never read
    read: Callable[[int], bytes]    # given the most bytes that it may have; raises Unfit


def opened_zip(file):
    """Open a zip file, given by its path or its bytes."""
    try:
        return zipfile.ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file)
    except Exception as error:          # whatever zipfile meets in a damaged one
        raise Unfit(f"not a readable zip file: {in_a_line(error)}") from None


def files_in_zip(archive, inside=PurePosixPath()):
    """List the files of an open zip file.

    inside : its own place, if it was in an archive itself
    """
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise Unfit(f"it holds {len(entries)} files, more than {MOST_ENTRIES}")
    files = []
    for entry in entries:
        name = decoded_name(entry)
        place = place_of(name)
        has_drive = re.match("[A-Za-z]:/", name)        # C:\\grads.py; not so 1: задача.pdf
        if has_drive or place.is_absolute() or ".." in place.parts:
            raise Unfit(f"{str(place)[:100]} would be unpacked outside of its folder")
        if place.name and not name.endswith("/"):
            files.append(File(inside / place, entry.date_time, is_link(entry),
                              partial(unpacked, archive, entry)))
    return files


def is_link(entry):
    """Tell whether an entry is a link or a special file."""
    made_by_unix = entry.create_system == 3
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return made_by_unix and kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def unpacked(archive, entry, most):
    """Return the bytes of an entry; Unfit if there are more than most."""
    if entry.flag_bits & 1:
        raise Unfit("asks for a password")
    # What is packed has at most a little more bytes than what it was made of.
    if max(entry.file_size, entry.compress_size - MB) > most:
        raise Unfit(f"larger than {most // MB} MB")
    try:
        packed = packed_bytes(archive, entry)
        data = decompressed(packed, entry.compress_type, most=max(1, entry.file_size))
    except Unfit:
        raise
    except Exception as error:          # zipfile and what decompresses have many kinds
        raise Unfit(f"not readable: {in_a_line(error)}") from None
    if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
        raise Unfit("not readable: damaged")
    return data


def packed_bytes(archive, entry):
    """Return the bytes of an entry as they are in the archive.

    zipfile itself decompresses bzip2 and LZMA without a limit, and 4 kB can become gigabytes.
    """
    stored = copy.copy(entry)
    stored.compress_type = zipfile.ZIP_STORED
    stored.file_size = entry.compress_size
    del stored.CRC                      # of the bytes when unpacked
    with archive.open(stored) as stream:
        return stream.read()


def decompressed(packed, method, most):
    """Decompress bytes by a method of zip files, at most so many; 0 would be no limit to zlib."""
    if method == zipfile.ZIP_STORED:
        return packed
    if method == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    if method == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor().decompress(packed, most)
    if method == zipfile.ZIP_LZMA:
        # Two bytes of a version, two that say that five of settings follow. With the size, here
        # unknown, the settings are the head of the older format .lzma.
        unknown_size = b"\xff" * 8
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=256 * MB)
        return decompressor.decompress(packed[4:9] + unknown_size + packed[9:], most)
    raise Unfit(f"packed by a method that is not read (number {method}); pack it as usual")


def in_a_line(error):
    """Return the first line of an error's message, or its kind if it has none."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:100]


def files_in_folder(folder):
    """List the files below a folder. Links are listed, too, but not followed."""
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_junk(PurePosixPath(name))]
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in names + linked:
            path = Path(parent) / name
            try:
                status = path.lstat()
            except OSError:
                continue
            name = decoded(os.fsencode(path.relative_to(folder).as_posix()))
            place = place_of(unicodedata.normalize("NFC", name))
            is_regular = stat.S_ISREG(status.st_mode)
            files.append(File(place, (status.st_mtime,), not is_regular, partial(read_file, path)))
            if len(files) > MOST_ENTRIES:
                raise Unfit(f"it holds more than {MOST_ENTRIES} files")
    return files


def read_file(path, most):
    """Return the bytes of a file; Unfit if there are more than most."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise Unfit(f"not readable: {error.strerror}") from None
    if len(data) > most:
        raise Unfit(f"larger than {most // MB} MB")
    return data
