"""Runs on Windows, or where Windows is played: it refuses what Unix allows.

What is played here is what Microsoft and Python say of it: a file that anybody has open can be
neither replaced, renamed nor deleted; a folder cannot be opened, nor replaced by another; locks are
those of msvcrt; lines of text end with \\r\\n, and its encoding, if none is named, is that of the
language. On Windows itself nothing need be played.
"""

import builtins
import errno
import io
import os
import pathlib
import re
import shutil
import signal
import stat
import sys
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

import beyond.reporting  # noqa: F401 - before Windows is played
import utils
from beyond import pictures, results
from beyond.checkpoints import CHECKPOINT, PREVIOUS, Checkpoints
from beyond.command_line import explained
from beyond.results import FILES, FINISHED, move_results, results_folder, whole_file
from corpus.reading import find_text_files, make_text
from tests.support.launch import launch
from utils import InputError

if os.name == "posix":
    import fcntl

BULGARIAN = Path(__file__).with_name("bulgarian.txt")
SMALL = "--dim", "8", "--batch-size", "100", "--epochs", "2"
UNIX_ONLY = "fork", "killpg", "setsid", "getuid", "wait4", "O_DIRECTORY", "O_NOFOLLOW"
KNOWN_SIGNALS = "SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"


# --- Windows ------------------------------------------------------------------------------------

def is_open(path):
    """Say whether this process has a file open, or one in a folder."""
    if os.path.isdir(path):
        return any(is_open(entry.path) for entry in os.scandir(path))
    if not os.path.exists(path):
        return False
    sought = os.stat(path)
    for descriptor in range(200):
        try:
            found = os.fstat(descriptor)
        except OSError:
            continue
        if os.path.samestat(sought, found):
            return True
    return False


def refusal(path, target=None):
    return PermissionError(errno.EACCES, "Access is denied", str(path), None,
                           None if target is None else str(target))


def comes_before(path, other):
    """Compare paths as those of Windows are compared, where capital letters do not matter."""
    return str(path).lower() < str(other).lower()


@pytest.fixture
def windows(monkeypatch, tmp_path):
    """Let this process be on Windows, as soon as pytest has made a folder."""
    if os.name == "nt":
        return
    refuse_open_files(monkeypatch)
    write_text_as_windows(monkeypatch)

    # The lock of a file here belongs to an open handle, too, and ends when that is closed.
    def locking(handle, mode, count):
        assert stat.S_ISREG(os.fstat(handle).st_mode), "Windows locks files only"
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal("") from None

    msvcrt = SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setattr(results, "fcntl", None)
    monkeypatch.setattr(results, "msvcrt", msvcrt, raising=False)
    for module in "fcntl", "resource", "pwd", "grp":
        monkeypatch.setitem(sys.modules, module, None)          # so that importing it fails
    for name in UNIX_ONLY:
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(shutil, "_use_fd_functions", False)     # which open folders
    monkeypatch.setattr(pathlib.PurePath, "__lt__", comes_before)

    known = {getattr(signal, name) for name in KNOWN_SIGNALS}
    set_signal = signal.signal

    def listen(number, handler):
        if number not in known:
            raise ValueError("invalid signal value")
        return set_signal(number, handler)

    monkeypatch.setattr(signal, "signal", listen)
    for name in "SIGPIPE", "SIGKILL", "SIGHUP":
        monkeypatch.delattr(signal, name)


def refuse_open_files(monkeypatch):
    """Let the functions of os refuse what Windows refuses."""
    real = SimpleNamespace(open=os.open, replace=os.replace, unlink=os.unlink)

    def open_file(path, flags, mode=0o777, **how):
        if os.path.isdir(path):
            raise refusal(path)
        return real.open(path, flags, mode, **how)

    def is_same(source, target):
        return os.path.abspath(source) == os.path.abspath(target)

    def is_read_only(path):
        return os.path.exists(path) and not os.stat(path).st_mode & stat.S_IWRITE

    def replace(source, target):
        is_kept = os.path.isdir(target) or is_read_only(target)
        if is_kept and not is_same(source, target) or is_open(source) or is_open(target):
            raise refusal(source, target)
        real.replace(source, target)

    def rename(source, target):
        if os.path.exists(target) and not is_same(source, target):
            raise FileExistsError(errno.EEXIST, "File exists", str(source), None, str(target))
        replace(source, target)

    def unlink(path, **how):
        if is_open(path) or is_read_only(path):
            raise refusal(path)
        real.unlink(path, **how)

    fakes = {"open": open_file, "replace": replace, "rename": rename, "unlink": unlink,
             "remove": unlink}
    for name, fake in fakes.items():
        monkeypatch.setattr(os, name, fake)


def write_text_as_windows(monkeypatch):
    """Let text be written with \\r\\n, and be in cp1251 if nothing is said."""
    real = io.open

    def open_text(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *rest,
                  **how):
        if "b" not in mode:
            if encoding in (None, "locale"):
                encoding = "cp1251"
            if newline is None and "r" not in mode:
                newline = "\r\n"
        return real(file, mode, buffering, encoding, errors, newline, *rest, **how)

    monkeypatch.setattr(io, "open", open_text)                  # pathlib takes it from there
    monkeypatch.setattr(builtins, "open", open_text)


# --- running in this process --------------------------------------------------------------------

class Console(io.TextIOWrapper):
    """A console of Windows before version 10, which knows no escape sequences."""

    def __init__(self, encoding="utf-8", is_terminal=True):
        super().__init__(io.BytesIO(), encoding=encoding, newline="", write_through=True)
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal

    def written(self):
        return self.buffer.getvalue().decode(self.encoding)

    def lines(self):
        """List what stands on the lines, where what comes after a \\r covers what was there."""
        lines = []
        for text in self.written().split("\n"):
            cells = ""
            for part in text.split("\r"):
                cells = part + cells[len(part):]
            lines.append(cells.rstrip())
        return lines if lines[-1] else lines[:-1]


@pytest.fixture
def train(tmp_path):
    """A function that trains with results in the folder out."""
    def train(*options, **streams):
        return launch("--corpus", BULGARIAN, "--out", tmp_path / "out", *SMALL, *options,
                      cwd=tmp_path, **streams)

    return train


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def quick_pictures(monkeypatch):
    def plot_embeddings(E, groups, word2ind, title, file):
        file.write(title.encode() + E.tobytes())

    def plot_loss(curve, floor, title, file):
        file.write(curve.tobytes())

    monkeypatch.setattr(pictures, "plot_embeddings", plot_embeddings)
    monkeypatch.setattr(pictures, "plot_loss", plot_loss)
    monkeypatch.setattr(utils, "PATIENCE", 0.1)


@contextmanager
def ctrl_c_in_training(batches=6):
    """Within it, let Ctrl-C come after so many batches."""
    update = utils.Progress.update

    def update_and_interrupt(progress, done, loss):
        update(progress, done, loss)
        if progress.batches == batches:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils.Progress, "update", update_and_interrupt)
        yield


def names_in(folder):
    return sorted(file.name for file in folder.iterdir())


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def complaints(result):
    """List the lines of stderr but for what a run says that goes well."""
    usual = re.compile("pairs/s|pairs$|^most frequent|^fewer than|^the results in")
    return [line for line in result.stderr.splitlines() if not usual.search(line)]


# --- whole runs ---------------------------------------------------------------------------------

def test_a_run_leaves_the_same_bytes_as_elsewhere(train, out, request):
    assert train().returncode == 0
    elsewhere = contents(out)
    shutil.rmtree(out)
    request.getfixturevalue("windows")
    result = train("--checkpoint-every", "0")
    assert result.returncode == 0, result.stderr
    assert names_in(out) == sorted(FILES)
    assert contents(out) == elsewhere


def test_a_stopped_run_goes_on_to_the_same_bytes(windows, quick_pictures, train, out):
    assert train().returncode == 0
    undisturbed = contents(out)
    shutil.rmtree(out)
    with ctrl_c_in_training():
        result = train("--checkpoint-every", "0")
    assert result.returncode == 130
    assert complaints(result) == ["run.py: stopped; --resume goes on"]
    assert names_in(out) == sorted([CHECKPOINT, PREVIOUS])
    result = train("--resume")
    assert result.returncode == 0, result.stderr
    assert names_in(out) == sorted(FILES)
    assert contents(out) == undisturbed


def test_a_second_run_in_a_folder_is_refused_and_harms_nothing(
        windows, quick_pictures, train, out):
    out.mkdir()
    with results_folder(out) as scratch:
        (scratch / "w2v-U.npy").write_bytes(b"half")
        before = names_in(out)
        result = train()
        assert result.returncode == 2
        [line] = complaints(result)
        assert line.startswith(f"run.py: {out}: another run writes there; wait for it")
        assert (scratch / "w2v-U.npy").read_bytes() == b"half"
        assert names_in(out) == before
        assert train().returncode == 2                  # the lock is still held
    assert names_in(out) == []
    assert train().returncode == 0
    assert names_in(out) == sorted(FILES)


def test_what_a_killed_run_left_is_cleared_away(windows, quick_pictures, train, out):
    (out / ".w2v-run").mkdir(parents=True)
    (out / ".w2v-run/w2v-U.npy").write_bytes(b"half")
    (out / ".w2v-lock").write_bytes(b"")
    assert train().returncode == 0
    assert names_in(out) == sorted(FILES)


# --- files that are open elsewhere --------------------------------------------------------------

@contextmanager
def viewed(path):
    """Have a file open, as a viewer of pictures has."""
    with open(path, "rb"):
        yield


@contextmanager
def read_only(path):
    path.chmod(0o444)
    yield
    path.chmod(0o644)


@contextmanager
def scanned(path):
    """Have a file open for a moment, as a virus scanner has."""
    file = open(path, "rb")
    threading.Timer(0.2, file.close).start()
    yield


@pytest.fixture
def to_move(tmp_path):
    """A folder of new results, and one of earlier ones."""
    for folder in "new", "out":
        (tmp_path / folder).mkdir()
        for name in FILES:
            (tmp_path / folder / name).write_text(folder)
    return tmp_path / "new", tmp_path / "out"


@pytest.mark.parametrize("kept", [viewed, read_only])
@pytest.mark.parametrize("name", FILES)
def test_the_rest_of_the_results_waits_where_one_cannot_be_replaced(
        windows, monkeypatch, to_move, kept, name):
    monkeypatch.setattr(utils, "PATIENCE", 0)
    new, out = to_move
    message = re.escape(f"{out / name}: ") + ".*" + re.escape(str(out / FINISHED))
    with kept(out / name), pytest.raises(InputError, match=message):
        move_results(new, out, FILES)
    place = FILES.index(name)
    assert contents(out / FINISHED) == dict.fromkeys(FILES[place:], b"new")
    assert [(out / moved).read_text() for moved in FILES] == (
        ["new"] * place + ["out"] * (len(FILES) - place))


def test_a_picture_that_is_viewed_loses_a_run_nothing(windows, quick_pictures, train, out):
    assert train().returncode == 0
    with viewed(out / "embeddings.png"):
        result = train()
    assert result.returncode == 2
    [line] = complaints(result)
    assert line.startswith(f"run.py: {out / 'embeddings.png'}: ") and FINISHED in line
    assert names_in(out / FINISHED) == ["embeddings.png", "loss.png"]
    assert names_in(out) == sorted([*FILES, FINISHED])


@pytest.mark.parametrize("folder", [0, 1], ids=["new", "old"])
def test_a_virus_scanner_is_waited_for(windows, to_move, folder):
    with scanned(to_move[folder] / "w2v-U.npy"):
        move_results(*to_move, FILES)
    assert contents(to_move[1]) == dict.fromkeys(FILES, b"new")


def test_a_virus_scanner_does_not_hinder_that_a_corpus_is_made(windows, tmp_path):
    (tmp_path / "prepare.py").write_text("""
import threading

def prepare(text):
    file = (text / "a.txt").open("wb")
    file.write(b"text")
    threading.Timer(0.2, file.close).start()
    return "a file"
""")
    make_text(tmp_path)
    assert names_in(tmp_path / "text") == ["a.txt"]


def test_a_checkpoint_that_is_open_at_the_end_is_no_error(windows, tmp_path):
    for name in CHECKPOINT, PREVIOUS:
        (tmp_path / name).write_bytes(b"")
    with viewed(tmp_path / PREVIOUS):
        Checkpoints(tmp_path, {}, 60).remove()
    assert names_in(tmp_path) == [PREVIOUS]


def test_a_file_written_anew_while_it_is_viewed_is_named(windows, monkeypatch, tmp_path):
    monkeypatch.setattr(utils, "PATIENCE", 0)
    picture = tmp_path / "words.png"
    picture.write_bytes(b"earlier")
    with viewed(picture), pytest.raises(PermissionError) as error:
        with whole_file(picture) as file:
            file.write(b"new")
    assert explained(error.value, Path()).startswith(f"{picture}: ")
    assert contents(tmp_path) == {"words.png": b"earlier"}


# --- the console --------------------------------------------------------------------------------

def test_a_live_line_on_an_old_console_gives_way_to_the_last_line(
        windows, quick_pictures, train, monkeypatch):
    monkeypatch.setattr(utils.Progress, "_is_time_to_show", lambda self, done: True)
    for how, ending in ((ctrl_c_in_training, "run.py: stopped; --resume goes on"),
                        (nullcontext, "100%")):
        console = Console()
        with how():
            train(err=console)
        live = [part for part in re.split("[\r\n]", console.written()) if "pairs/s" in part]
        assert len(live) >= 5 and max(map(len, live)) < 80
        assert "\033" not in console.written()
        corpus, *_, last = console.lines()
        assert corpus.endswith("pairs") and last.startswith(ending)


def test_a_console_of_few_characters_gets_question_marks(windows, quick_pictures, train, out):
    def console():
        return Console("cp866")

    printed = console()
    assert train(out=printed, err=console()).returncode == 0
    text = printed.written()
    assert " ? " in text and "log ?_c exp" in text and "добър" in text
    for command in "nearest", "predict":
        printed = console()
        assert launch(command, "година", cwd=out, out=printed).returncode == 0
        assert "година" in printed.written()

    told = console()
    assert launch("nearest", "→", cwd=out, err=told).returncode == 2
    assert told.lines() == ["run.py nearest: ?: not in the vocabulary"]


def test_a_window_that_is_no_console_is_written_to(windows, quick_pictures, train):
    """IDLE's, which has no encoding to set."""
    window = io.StringIO()
    assert not hasattr(window, "reconfigure")
    assert train(out=window, err=window).returncode == 0
    assert "nearest" in window.getvalue() and "→" in window.getvalue()


# --- reading ------------------------------------------------------------------------------------

def test_texts_are_read_in_the_same_order_as_elsewhere(windows, tmp_path):
    for name in "b.txt", "C.txt", "a.txt":
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in find_text_files(tmp_path)] == ["C.txt", "a.txt", "b.txt"]
