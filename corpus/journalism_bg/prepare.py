"""Unpack JOURNALISM.BG.zip, which its registered users download, to text/."""

import shutil
import sys
import zipfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ARCHIVE = HERE / "JOURNALISM.BG.zip"


def main():
    if not ARCHIVE.is_file():
        return (f"{ARCHIVE}: no such file; register with the Institute for Bulgarian Language, download the corpus "
                "and put the archive there (corpus/journalism_bg/README.md tells how)")
    partial = HERE / "text.partial"         # an interrupted run leaves no text/ behind
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with zipfile.ZipFile(ARCHIVE) as archive:
            texts = [name for name in archive.namelist() if name.lower().endswith(".txt")]
            if not texts:
                return f"{ARCHIVE}: no .txt file in this archive; is it the corpus?"
            for name in texts:
                if not (partial / name).resolve().is_relative_to(partial):
                    return f"{ARCHIVE}: its member {name!r} would leave the folder; nothing was unpacked"
            archive.extractall(partial, texts)
        shutil.rmtree(HERE / "text", ignore_errors=True)
        partial.rename(HERE / "text")
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:     # RuntimeError: a password is asked for
        return f"{ARCHIVE}: cannot be unpacked ({error}); download it again"
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"{len(texts)} files in {HERE / 'text'}")


if __name__ == "__main__":
    if mistake := main():
        print(f"prepare.py: {mistake}", file=sys.stderr)
        sys.exit(2)
