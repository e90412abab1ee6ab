"""The files that a run leaves behind: their names, writing them whole, reading them again."""

import json
import os
import platform
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import numpy as np

from beyond.interruptions import deferred_signals
from utils import InputError, rename_patiently

try:
    import fcntl
except ImportError:         # Windows
    fcntl = None
    import msvcrt

ARRAYS = "w2v-U.npy", "w2v-V.npy", "w2v-W.npy"
WORDS, FREQS, RUN = "w2v-words.txt", "w2v-freqs.npy", "w2v-run.json"
EMBEDDINGS_PICTURE, LOSS_PICTURE = "embeddings.png", "loss.png"
FILES = EMBEDDINGS_PICTURE, *ARRAYS, WORDS, FREQS, LOSS_PICTURE, RUN
FINISHED = "w2v-finished"       # the folder of results that could not be moved to their places
SCRATCH = ".w2v-run-"           # how the names of temporary folders of runs begin
LOCK = ".w2v-lock"
PACKAGES = "numpy", "scipy", "scikit-learn", "matplotlib"


@dataclass
class Results:
    """What training has left: U and V (L×M), W (M×M), words by index, freqs or None."""

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


def versions():
    """Collect the versions of Python and of what computes."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def write_results(folder, results, run):
    """Write all but the pictures into a folder."""
    arrays = dict(zip(ARRAYS, (results.U, results.V, results.W))) | {FREQS: results.freqs}
    for name, array in arrays.items():
        content = BytesIO()         # straight into a file, np.save may say nothing of a full disk
        np.save(content, array)
        with durable_file(folder / name) as file:
            file.write(content.getbuffer())
    with durable_file(folder / WORDS) as file:
        file.write("".join(f"{word}\n" for word in results.words).encode())
    with durable_file(folder / RUN) as file:
        file.write(json.dumps(asdict(run), indent=1, ensure_ascii=False).encode() + b"\n")


def load_run(folder):
    """Read what is known of the run whose results are in a folder, or return None."""
    try:
        run = Run(**json.loads((folder / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    kinds = {field.name: field.type for field in fields(Run)}
    return run if all(type(getattr(run, name)) is kind for name, kind in kinds.items()) else None


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
    except OSError:
        raise
    except Exception as error:      # zipfile, NumPy and its parser of headers raise many kinds
        raise InputError(f"{folder}: what is there cannot be read ({error}); train again") from None

    if not all(is_finite_array(X) for X in (U, V, W)):
        raise InputError(f"{folder}: U, V and W are not arrays of finite numbers; train again")
    fit = are_of_one_model(U, V, W) and len(words) == len(U)
    if not fit or not (freqs is None or are_frequencies(freqs, len(U))):
        raise InputError(f"{folder}: U, V, W and the words do not fit together, "
                         f"{U.shape, V.shape, W.shape, len(words)}; train again")
    results = Results(U, V, W, words, freqs)
    if not np.isfinite(U @ W.T).all() or not np.isfinite(results.both).all():
        raise InputError(f"{folder}: the numbers in U, V and W are too large; train again")
    return results


def is_finite_array(X):
    """Say whether X is an array of floats, all of them finite."""
    return isinstance(X, np.ndarray) and X.dtype.kind == "f" and bool(np.isfinite(X).all())


def are_frequencies(freqs, L):
    """Say whether an array holds how often each of L words occurs."""
    return (isinstance(freqs, np.ndarray) and freqs.shape == (L,) and freqs.dtype.kind in "iuf"
            and bool(np.isfinite(freqs).all()) and bool((freqs > 0).all()))


def are_of_one_model(U, V, W):
    """Say whether U, V and W have shapes L×M, L×M and M×M."""
    return U.ndim == 2 and V.shape == U.shape and W.shape == (U.shape[1], U.shape[1])


@contextmanager
def durable_file(path):
    """Open a file to write bytes to, which are on the disk when it is closed."""
    with open(path, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())         # of the handle that wrote, as Windows wants it


@contextmanager
def whole_file(path):
    """Open a file to write bytes to, which appears under its name when all is written."""
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder")
    if path.name in {*ARRAYS, WORDS, FREQS, RUN}:
        raise InputError(f"{path}: the name of a result of training; take another")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".w2v-file-") as scratch:
        unfinished = Path(scratch) / path.name
        with durable_file(unfinished) as file:
            yield file
        os.replace(unfinished, path)


@contextmanager
def results_folder(folder):
    """Make the folder for results if it is not there, and remove it again if nothing came of it."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if is_new:
            with suppress(OSError):                         # it is not empty
                folder.rmdir()


@contextmanager
def locked_scratch(folder):
    """Keep other runs out of a folder, and give a temporary folder in it for the files of this run.

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
    """Hold the lock of a folder, which ends with the process at the latest."""
    if fcntl:
        handle = os.open(folder, os.O_RDONLY)
    else:                                                   # Windows locks files only
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    try:
        if _is_taken(handle):
            raise InputError(f"{folder}: another run writes there; wait for it, or take another "
                             "--out")
        yield
    finally:
        os.close(handle)
        with suppress(OSError):                             # it is the other run's
            (folder / LOCK).unlink(missing_ok=True)


def _is_taken(handle):
    """Take the lock of an open file or folder, or say that another process has it."""
    try:
        if fcntl:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except BlockingIOError:
        return True
    except OSError:         # on Windows it is taken; elsewhere this file system has no locks
        return not fcntl
    return False


def move_results(source, folder):
    """Move the results of a run to their places, and remove what is there of another one.

    If that cannot be, as of a picture that is open on Windows, none is moved, and all are set aside
    in the folder FINISHED.

    Raises
    ------
    InputError : they are set aside
    """
    moved = []
    try:
        _see_that_none_is_open(folder)
        _see_that_none_is_open(source)
        for name in FILES:
            if (source / name).exists():
                os.replace(source / name, folder / name)
                moved.append(name)
            else:                                           # a picture that could not be drawn
                (folder / name).unlink(missing_ok=True)
    except PermissionError as error:
        for name in moved:
            os.replace(folder / name, source / name)
        finished = _set_aside(source, folder)
        raise InputError(_how_to_move(error.filename2 or error.filename, finished)) from None
    shutil.rmtree(folder / FINISHED, ignore_errors=True)


def _see_that_none_is_open(folder):
    """Raise PermissionError if another program has a result open, on Windows."""
    for name in FILES:
        with suppress(FileNotFoundError):
            rename_patiently(folder / name, folder / name)      # refused then, else nothing is done


def _set_aside(source, folder):
    """Rename a folder of results to FINISHED, or alike if what is there is open."""
    finished = folder / FINISHED
    if source != finished:
        shutil.rmtree(finished, ignore_errors=True)
        if finished.exists():
            finished = folder / f"{FINISHED}-{source.name.removeprefix(SCRATCH)}"
        rename_patiently(source, finished)
    return finished


def _how_to_move(path, finished):
    """Say what to do about a file that could not be replaced."""
    what_now = "copy them from there"
    if finished.name == FINISHED:
        what_now = "close it there, and the same command with --resume moves them"
    return (f"{path}: in use by another program, or read-only; the results are in {finished}; "
            f"{what_now}")
