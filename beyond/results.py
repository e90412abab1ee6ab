"""The files that a run leaves behind: their names, writing them whole, reading them again."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from beyond.interruptions import deferred_signals
from utils import InputError

try:
    import fcntl
except ImportError:         # Windows: there, two runs in one folder are not noticed
    fcntl = None

ARRAYS = "w2v-U.npy", "w2v-V.npy", "w2v-W.npy"
WORDS, FREQS = "w2v-words.txt", "w2v-freqs.npy"
EMBEDDINGS_PICTURE, LOSS_PICTURE = "embeddings.png", "loss.png"
FILES = EMBEDDINGS_PICTURE, *ARRAYS, WORDS, FREQS, LOSS_PICTURE
SCRATCH = ".w2v-"           # how the names of temporary folders begin


@dataclass
class Results:
    """What training has left: U and V (L×M), W (M×M), words by index, word2ind, freqs or None."""

    U: np.ndarray
    V: np.ndarray
    W: np.ndarray
    words: list
    freqs: np.ndarray

    def __post_init__(self):
        self.word2ind = {word: index for index, word in enumerate(self.words)}

    @property
    def both(self):
        """[V·W, U], the two embeddings of each word side by side: L×2M."""
        return np.hstack([self.V @ self.W, self.U])


def write_arrays(folder, results):
    """Write all but the pictures into a folder."""
    arrays = dict(zip(ARRAYS, (results.U, results.V, results.W))) | {FREQS: results.freqs}
    for name, array in arrays.items():
        content = BytesIO()         # straight into a file, np.save may say nothing of a full disk
        np.save(content, array)
        (folder / name).write_bytes(content.getbuffer())
    lines = "".join(f"{word}\n" for word in results.words)
    (folder / WORDS).write_text(lines, encoding="utf-8")


def load_results(folder):
    """Read what training left in a folder; InputError if it is not there or does not fit."""
    try:
        U, V, W = (np.load(folder / name, allow_pickle=False) for name in ARRAYS)
        words = (folder / WORDS).read_text(encoding="utf-8").splitlines()
        has_freqs = (folder / FREQS).exists()
        freqs = np.load(folder / FREQS, allow_pickle=False) if has_freqs else None
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file; train first (python run.py) or name "
                         "--results") from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{folder}: what is there cannot be read ({error}); train again") from None

    if not all(is_finite_array(X) for X in (U, V, W)):
        raise InputError(f"{folder}: U, V and W are not arrays of finite numbers; train again")
    fit = are_of_one_model(U, V, W) and len(words) == len(U)
    if not fit or not (freqs is None or np.shape(freqs) == (len(U),)):
        raise InputError(f"{folder}: U, V, W and the words do not fit together, "
                         f"{U.shape, V.shape, W.shape, len(words)}; train again")
    return Results(U, V, W, words, freqs)


def is_finite_array(X):
    """Say whether X is an array of floats, all of them finite."""
    return isinstance(X, np.ndarray) and X.dtype.kind == "f" and bool(np.isfinite(X).all())


def are_of_one_model(U, V, W):
    """Say whether U, V and W have shapes L×M, L×M and M×M."""
    return U.ndim == 2 and V.shape == U.shape and W.shape == (U.shape[1], U.shape[1])


@contextmanager
def whole_file(path):
    """Open a file to write bytes to, which appears under its name when all is written."""
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=SCRATCH) as scratch:
        unfinished = Path(scratch) / path.name
        with open(unfinished, "wb") as file:
            yield file
        os.replace(unfinished, path)


@contextmanager
def only_run_in(folder):
    """Keep other runs out of a folder, and give a temporary one in it for the files of this run.

    Raises
    ------
    InputError : another run writes there, or a folder stands where a result belongs
    """
    for name in FILES:
        if (folder / name).is_dir():
            raise InputError(f"{folder / name}: a folder stands where a result belongs; move it "
                             "away")
    with _locked(folder):
        for abandoned in folder.glob(f"{SCRATCH}*"):        # by runs that were killed
            shutil.rmtree(abandoned, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix=SCRATCH))
        try:
            yield scratch
        finally:
            with deferred_signals():                        # one in between would leave it behind
                shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _locked(folder):
    """Hold the lock of a folder, if there are such on this system; it ends with the process."""
    if not fcntl:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise InputError(f"{folder}: another run writes there; wait for it, or take another "
                         "--out") from None
    except OSError:
        pass                                                # a file system without locks
    try:
        yield
    finally:
        os.close(handle)


def move_all(source, folder):
    """Move the files of a folder into another of the same disk, each one whole."""
    files = sorted(source.iterdir())
    for file in files:
        with open(file, "rb") as written:
            os.fsync(written.fileno())
    for file in files:
        os.replace(file, folder / file.name)
