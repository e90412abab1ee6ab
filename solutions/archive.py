"""What an archive FNXXX.zip holds, read without trusting it: nothing is written, and no more is read than allowed."""

import io
import math
import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

import numpy as np

from beyond.results import ARRAYS, EMBEDDINGS_PICTURE, WORDS
from beyond.submission import MODULES

ARTEFACTS = *ARRAYS, WORDS, EMBEDDINGS_PICTURE
ANSWERS = ".pdf", ".png", ".jpg", ".jpeg", ".heic", ".tif", ".tiff", ".webp", ".doc", ".docx", ".odt", ".md", ".txt"
ENTRIES, TOTAL, RATIO = 2000, 1 << 30, 300
SOURCE_MOST, SOURCES_MOST, ARTEFACT_MOST = 1 << 20, 40, 256 << 20


class Unfit(Exception):
    """An archive, or a file in it, that cannot be taken; the message says why."""


def read_archive(path):
    """The contents of an archive.

    Returns
    -------
    sources : dict from file name to bytes, the three modules and the other .py files beside them
    artefacts : dict from file name to bytes
    answers : names of the files that may be answers to tasks 1 and 2

    Raises
    ------
    Unfit : it is no zip file, or one that could do harm
    """
    try:
        with zipfile.ZipFile(path) as file:
            return _contents(file)
    except Unfit:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, ValueError) as error:
        raise Unfit(f"not a readable zip file: {error}") from None
    except (NotImplementedError, RuntimeError) as error:        # a method of compression, a password
        raise Unfit(f"cannot be unpacked: {error}") from None


def _contents(file):
    entries = file.infolist()
    if len(entries) > ENTRIES:
        raise Unfit(f"{len(entries)} files in the archive, more than {ENTRIES}")
    if sum(entry.file_size for entry in entries) > TOTAL:
        raise Unfit(f"its files are larger than {TOTAL >> 20} MB together")
    places = []
    for entry in entries:
        name = _name(entry)
        place = PurePosixPath(name)
        if name.startswith("/") or name[1:2] == ":" or ".." in place.parts or "\0" in name:
            raise Unfit(f"{name!r} would be unpacked outside of its folder")
        kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == 3 else 0
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Unfit(f"{name!r} is a link or a special file")
        if entry.file_size > 1 << 20 and entry.file_size > RATIO * entry.compress_size:
            raise Unfit(f"{name!r} is compressed more than {RATIO} times")
        if not entry.is_dir() and "__MACOSX" not in place.parts and not place.name.startswith("._"):
            places.append((place, entry))
    places.sort(key=lambda item: (len(item[0].parts), str(item[0])))        # the shallowest first
    first = {}
    for place, entry in places:
        for known in (*MODULES, *ARTEFACTS):
            if place.name.lower() == known.lower():
                first.setdefault(known, (place, entry))
    beside = {place.parent for name, (place, _) in first.items() if name in MODULES}
    sources = {name: first[name][1] for name in MODULES if name in first}
    taken = {place for place, _ in first.values()}
    for place, entry in places:
        if place.suffix == ".py" and place.parent in beside and place.stem.isidentifier() and place not in taken:
            if len(sources) < SOURCES_MOST and len(place.name) < 60:
                sources.setdefault(place.name, entry)
    answers = [str(place) for place, _ in places if place.suffix.lower() in ANSWERS and place not in taken]
    return ({name: _read(file, entry, SOURCE_MOST) for name, entry in sources.items()},
            {name: _read(file, first[name][1], ARTEFACT_MOST) for name in ARTEFACTS if name in first}, answers)


def _name(entry):
    """The name of an entry; one that is not marked as UTF-8 may be so nevertheless, or in a Cyrillic code page."""
    name = entry.filename
    if not entry.flag_bits & 0x800 and not name.isascii():
        try:
            raw = name.encode("cp437")
        except UnicodeEncodeError:
            return name.replace("\\", "/")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("cp866")
    return name.replace("\\", "/")


def _read(file, entry, most):
    with file.open(entry) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise Unfit(f"{_name(entry)!r} is larger than {most >> 20} MB")
    return data


def load_array(data):
    """The array in the bytes of an .npy file. Raises Unfit unless they are a whole file of finite numbers."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = read(stream)
    except Exception as error:
        raise Unfit(f"not an .npy file ({str(error).splitlines()[0][:80] if str(error) else 'no header'})") from None
    if dtype.hasobject:
        raise Unfit("holds Python objects, which only a pickle can")
    if dtype.kind not in "biuf":
        raise Unfit(f"holds {dtype}, expected numbers")
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise Unfit(f"its size does not fit its shape {shape}"[:80])
    array = np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")
    if not np.isfinite(array).all():
        raise Unfit("holds numbers that are not finite")
    return array


def check_png(data):
    """The width and height of a PNG. Raises Unfit unless its chunks are whole."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        raise Unfit("not a PNG")
    place = 8
    while place + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        end = place + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[place + 4:end]) != int.from_bytes(data[end:end + 4], "big"):
            break
        if kind == b"IEND":
            return struct.unpack(">II", data[16:24])
        place = end + 4
    raise Unfit("a broken PNG")


def check_artefacts(artefacts):
    """What the artefacts are: a list of {"file", "ok", "note"}, and U, V, W and the words if they fit together."""
    rows, arrays, words = [], {}, None
    for name in ARTEFACTS:
        try:
            if name not in artefacts:
                raise Unfit("missing")
            if name in ARRAYS:
                arrays[name[4]] = array = load_array(artefacts[name])
                note = f"{'×'.join(map(str, array.shape))} {array.dtype}"
                L, M = arrays["U"].shape if "U" in arrays and arrays["U"].ndim == 2 else (None, None)
                expected = (M, M) if name[4] == "W" else (L, M)
                if array.ndim != 2 or 0 in array.shape or L and array.shape != expected:
                    raise Unfit(f"{note}, which does not fit the others"[:80])
            elif name == "w2v-words.txt":
                words = artefacts[name].decode("utf-8-sig").splitlines()
                note = f"{len(words)} words"
                if "U" in arrays and len(words) != len(arrays["U"]) or len(set(words)) < len(words):
                    raise Unfit(f"{note}, expected as many different ones as there are rows of U")
            else:
                note = "{}×{}".format(*check_png(artefacts[name]))
            rows.append({"file": name, "ok": True, "note": note})
        except (Unfit, UnicodeDecodeError, TypeError) as error:
            optional = name == "w2v-words.txt" and name not in artefacts
            rows.append({"file": name, "ok": optional, "note": "none (optional)" if optional else str(error)})
    fine = {row["file"] for row in rows if row["ok"]}
    return rows, {name: arrays[name] for name in "UVW"} if fine.issuperset(ARRAYS) else None, (
        words if "w2v-words.txt" in fine else None)
