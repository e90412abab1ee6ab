"""Hand-ins for the tests of the grader: dicts from the name of a file to its content."""

import io
import zipfile
from pathlib import Path

import utils
from beyond.settings import FUNCTIONS

ROOT = Path(utils.__file__).parent
NEW = (2026, 11, 9, 23, 59, 58)


def modules_in(folder):
    return {name: (ROOT / folder / f"{name}.py").read_text(encoding="utf-8") for name in FUNCTIONS}


STUDENT, BLANK, OWN = map(modules_in, ("tests/student", "solutions/handout", "."))


def files_of(modules):
    """Return a dict from the name of a file to its text."""
    return {f"{name}.py": text for name, text in modules.items()}


def zipped(files, date=NEW, method=zipfile.ZIP_DEFLATED):
    """Return the bytes of a zip file; files that are no ZipInfo have this date."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            entry = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name, date)
            archive.writestr(entry, content, method)
    return stream.getvalue()


def pack(path, files):
    return put(path, zipped(files))


def put(path, content=b""):
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def put_all(folder, files):
    for name, content in files.items():
        put(folder / name, content)
    return folder


def in_folder(folder, files):
    """Return the files with their names in a folder."""
    return {f"{folder}/{name}": content for name, content in files.items()}
