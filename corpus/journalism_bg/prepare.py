"""The course's corpus, from the archive that its registered users download."""

import zipfile
import zlib
from pathlib import Path

from utils import InputError

ARCHIVE = Path(__file__).resolve().with_name("JOURNALISM.BG.zip")


def prepare(text):
    """Unpack the .txt files of the archive."""
    if not ARCHIVE.is_file():
        raise InputError(f"{ARCHIVE}: no such file; register with the Institute for Bulgarian "
                         "Language, download the corpus and put the archive there "
                         "(corpus/journalism_bg/README.md tells how)")
    try:
        with zipfile.ZipFile(ARCHIVE) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".txt")]
            if not names:
                raise InputError(f"{ARCHIVE}: no .txt file in this archive; is it the corpus?")
            archive.extractall(text, names)     # none leaves the folder: ".." is left out
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:     # the last: a password
        raise InputError(f"{ARCHIVE}: cannot be unpacked ({error}); download it again") from None
