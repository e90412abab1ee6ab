"""The files that a run leaves behind: their names, writing them whole, reading them again."""

import json
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np

from utils import InputError, replace_patiently

try:
    import fcntl
except ImportError:         # Windows
    fcntl = None
    import msvcrt

ARRAYS = "w2v-U.npy", "w2v-V.npy", "w2v-W.npy"
WORDS, FREQS, RUN = "w2v-words.txt", "w2v-freqs.npy", "w2v-run.json"
EMBEDDINGS_PICTURE, LOSS_PICTURE = "embeddings.png", "loss.png"
DATA = *ARRAYS, WORDS, FREQS, RUN
PICTURES = EMBEDDINGS_PICTURE, LOSS_PICTURE
FILES = EMBEDDINGS_PICTURE, *DATA, LOSS_PICTURE
FINISHED = "w2v-finished"       # the folder of results that could not be moved to their places
SCRATCH, LOCK = ".w2v-run", ".w2v-lock"         # are there only during a run


@dataclass
class Results:
    """What training has left: U and V (L×M), W (M×M), words by index, and how often each occurs."""

    U: np.ndarray
    V: np.ndarray
    W: np.ndarray
    words: list
    freqs: np.ndarray

    def __post_init__(self):
        self.word2ind = {word: index for index, word in enumerate(self.words)}

    @cached_property
    def both(self):
        """[V·W, U], the two embeddings of each word side by side: L×2M."""
        return np.hstack([self.V @ self.W, self.U])


@dataclass
class Run:
    """What is known of a run: w2v-run.json, the same for equal runs."""

    corpus: str             # its name
    tokens: int
    words: int
    pairs: int
    loss: float             # over the last 5 % of the pairs
    floor: float            # the lowest loss of a model that ignores the target word
    settings: dict          # all that the results depend on
    versions: dict

    def __str__(self):
        pairs = f"{self.pairs / 1e6:.1f} M" if self.pairs >= 10 ** 5 else f"{self.pairs:,}"
        return f"{self.corpus}, {pairs} pairs, loss {self.loss:.2f}"


def write_results(folder, results, run):
    """Write all but the pictures into a folder."""
    arrays = dict(zip(ARRAYS, (results.U, results.V, results.W))) | {FREQS: results.freqs}
    for name, array in arrays.items():
        content = BytesIO()         # straight into a file, np.save may say nothing of a full disk
        np.save(content, array)
        (folder / name).write_bytes(content.getbuffer())
    words = "".join(f"{word}\n" for word in results.words)
    (folder / WORDS).write_bytes(words.encode())
    known = json.dumps(asdict(run), indent=1, ensure_ascii=False)
    (folder / RUN).write_bytes(f"{known}\n".encode())


def load_run(folder):
    """Read what is known of the run whose results are in a folder, or return None."""
    try:
        return Run(**json.loads((folder / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):        # it is missing, or of another version
        return None


def load_results(folder):
    """Read what training left in a folder; InputError if it is not there or does not fit."""
    try:
        U, V, W, freqs = [np.load(folder / name, allow_pickle=False) for name in (*ARRAYS, FREQS)]
        words = (folder / WORDS).read_text(encoding="utf-8").splitlines()
        fault = fault_of_model(U, V, W, len(words))
        if not fault and not (freqs.shape == (len(words),) and (freqs > 0).all()):
            fault = f"{FREQS} has no frequencies of {len(words)} words"
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file; train first (python run.py) or name "
                         "--results") from None
    except (OSError, MemoryError):
        raise
    except Exception as error:      # zipfile, NumPy and its parser of headers raise many kinds
        fault = f"what is there cannot be read ({error})"
    if fault:
        raise InputError(f"{folder}: {fault}; train again")
    return Results(U, V, W, words, freqs)


def fault_of_model(U, V, W, L):
    """Say what is wrong with U, V and W, which must be L×M, L×M and M×M, of finite floats.

    Returns "" if they are right.
    """
    if U.ndim != 2 or len(U) != L or V.shape != U.shape or W.shape != 2 * U.shape[1:]:
        return f"U, V and W do not fit together, {U.shape}, {V.shape}, {W.shape} for {L} words"
    if not all(X.dtype.kind == "f" and np.isfinite(X).all() for X in (U, V, W)):
        return "U, V and W are not arrays of finite numbers"
    return ""


@contextmanager
def whole_file(path):
    """Open a file to write bytes to, which appears under its name when all is written."""
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder")
    if path.name in DATA:
        raise InputError(f"{path}: the name of a result of training; take another")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".w2v-file-") as scratch:
        unfinished = Path(scratch) / path.name
        with open(unfinished, "wb") as file:
            yield file
        replace_patiently(unfinished, path)


@contextmanager
def results_folder(folder):
    """Make the folder for results, keep other runs out of it, and give a temporary folder in it.

    Raises
    ------
    InputError : another run writes there, or it cannot be written to
    """
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / SCRATCH
    with locked(folder):
        shutil.rmtree(scratch, ignore_errors=True)              # a run that was killed left it
        try:
            scratch.mkdir()
        except PermissionError:
            raise InputError(f"{folder.resolve()}: cannot be written to; name another folder with "
                             "--out") from None
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def locked(folder):
    """Hold the lock of a folder, which ends with the process at the latest."""
    if fcntl:
        handle = os.open(folder, os.O_RDONLY)
    else:                                                       # Windows locks files only
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    try:
        if fcntl:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        os.close(handle)
        raise InputError(f"{folder}: another run writes there; wait for it, or take another "
                         "--out") from None
    except OSError:                                             # this file system has no locks
        pass
    try:
        yield
    finally:
        os.close(handle)
        with suppress(OSError):                                 # there is none, or the next run's
            (folder / LOCK).unlink()


def move_results(source, folder, names):
    """Move results of a run to their places one by one, and remove those that it does not have.

    Where a file there cannot be replaced, such as a picture that is open on Windows, the rest stays
    in the folder FINISHED.

    Raises
    ------
    InputError : something stays there
    """
    for name in names:
        try:
            if (source / name).exists():
                replace_patiently(source / name, folder / name)
            else:                                               # a picture that was not drawn
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            shutil.rmtree(folder / FINISHED, ignore_errors=True)
            replace_patiently(source, folder / FINISHED)
            raise InputError(f"{folder / name}: {error.strerror}; close it in other programs, and "
                             f"move the rest from {folder / FINISHED}") from None
