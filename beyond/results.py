"""The files that a run leaves behind: their names, writing them whole, reading them again."""

import errno
import json
import os
import platform
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
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
SCRATCH = ".w2v-run-"           # how the names of temporary folders of runs begin
LOCK = ".w2v-lock"
PACKAGES = "numpy", "scipy", "scikit-learn", "matplotlib"


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


def versions():
    """Collect the versions of Python and of what computes."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:        # installed in a way that leaves no record
            found[name] = "unknown"
    return found


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
    U, V, W = load_arrays(folder)
    with _explained(folder):
        words = (folder / WORDS).read_text(encoding="utf-8").splitlines()
        freqs = np.load(folder / FREQS, allow_pickle=False)
    if len(words) != len(U):
        raise InputError(f"{folder}: {len(words)} words, but {len(U)} rows of U; train again")
    if not are_frequencies(freqs, len(U)):
        raise InputError(f"{folder / FREQS}: not the frequencies of {len(U)} words; train again")
    return Results(U, V, W, words, freqs)


def load_arrays(folder):
    """Read U, V and W from a folder; InputError if they are not there or not of one model."""
    with _explained(folder):
        arrays = [np.load(folder / name, allow_pickle=False) for name in ARRAYS]
    fault = fault_of_model(*arrays)
    if fault:
        raise InputError(f"{folder}: {fault}; train again")
    return arrays


@contextmanager
def _explained(folder):
    """Within it, make an InputError of what can go wrong when results are read."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file; train first (python run.py) or name "
                         "--results") from None
    except (OSError, MemoryError):
        raise
    except Exception as error:      # zipfile, NumPy and its parser of headers raise many kinds
        raise InputError(f"{folder}: what is there cannot be read ({error}); train again") from None


def fault_of_model(*arrays):
    """Say what is wrong with U, V and W: they must be L×M, L×M and M×M, of finite floats that are
    small enough for scores. Returns "" if they are right."""
    if len(arrays) != 3 or not all(isinstance(X, np.ndarray) for X in arrays):
        return "U, V and W are not three arrays"
    U, V, W = arrays
    if not all(X.dtype.kind == "f" and np.isfinite(X).all() for X in arrays):
        return "U, V and W are not arrays of finite numbers"
    if U.ndim != 2 or V.shape != U.shape or W.shape != (U.shape[1], U.shape[1]):
        return f"U, V and W do not fit together, {U.shape}, {V.shape}, {W.shape}"
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isfinite(U @ W.T).all() or not np.isfinite(V @ W).all():
            return "the numbers in U, V and W are too large"
    return ""


def are_frequencies(freqs, L):
    """Say whether an array holds how often each of L words occurs."""
    return (isinstance(freqs, np.ndarray) and freqs.shape == (L,) and freqs.dtype.kind in "iuf"
            and bool(np.isfinite(freqs).all()) and bool((freqs > 0).all()))


@contextmanager
def durable_file(path):
    """Open a file to write bytes to, which are on the disk when it is closed."""
    with open(path, "wb") as file:
        yield file
        file.flush()
        try:
            os.fsync(file.fileno())     # of the handle that wrote, as Windows wants it
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
                raise                   # these three: the file system has no such promise


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
        with durable_file(unfinished) as file:
            yield file
        replace_patiently(unfinished, path)


@contextmanager
def results_folder(folder):
    """Make the folder for results, keep other runs out of it, and give a temporary folder in it.

    At the end the temporary folder goes, and the folder itself if it is new and nothing is in it.

    Raises
    ------
    InputError : another run writes there, it cannot be written to, or a folder stands where a
        result belongs
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (folder / name).is_dir():
            raise InputError(f"{folder / name}: a folder stands where a result belongs; move it "
                             "away")
    try:
        with _locked(folder):
            for abandoned in folder.glob(f"{SCRATCH}*"):        # by runs that were killed
                shutil.rmtree(abandoned, ignore_errors=True)
            with _scratch(folder) as scratch:
                yield scratch
    finally:
        if is_new:
            with suppress(OSError):                             # it is not empty
                folder.rmdir()


@contextmanager
def _scratch(folder):
    """Make a temporary folder in a folder, and remove it at the end."""
    try:
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix=SCRATCH))
    except PermissionError:
        raise InputError(f"{folder.resolve()}: cannot be written to; name another folder with "
                         "--out") from None
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _locked(folder):
    """Hold the lock of a folder, which ends with the process at the latest."""
    if fcntl:
        handle = os.open(folder, os.O_RDONLY)
    else:                                                       # Windows locks files only
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    try:
        if _is_taken(handle):
            raise InputError(f"{folder}: another run writes there; wait for it, or take another "
                             "--out")
        yield
    finally:
        os.close(handle)
        with suppress(OSError):                                 # it is the other run's
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
        except PermissionError:
            shutil.rmtree(folder / FINISHED, ignore_errors=True)
            replace_patiently(source, folder / FINISHED)
            raise InputError(f"{folder / name}: in use by another program, or read-only; close it "
                             f"there, and move the rest from {folder / FINISHED}") from None
