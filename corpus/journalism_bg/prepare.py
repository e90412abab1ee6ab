"""The course's corpus, from the archive that its registered users download:
python corpus/journalism_bg/prepare.py"""

import sys
import zipfile
import zlib
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))       # for the script: the project

from corpus.reading import make_text_as_script
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
    return f"{len(names)} files"


if __name__ == "__main__":
    make_text_as_script(__file__)
