"""Runs on Windows, or where Windows is played: it refuses what Unix allows.

What is played here is what Microsoft and Python say of it: a file that anybody has open can be
neither replaced, renamed nor deleted; a folder cannot be opened, nor replaced by another; a handle
that only reads cannot be flushed to the disk; locks are those of msvcrt; lines of text end with
\\r\\n, and its encoding, if none is named, is that of the language. On Windows itself nothing need
be played.
"""

import builtins
import errno
import importlib.util
import io
import os
import pathlib
import re
import shutil
import signal
import stat
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import beyond.learning  # noqa: F401 - before Windows is played
import run
import utils
import w2v_sgd
from beyond import pictures, results
from beyond.checkpoints import CHECKPOINT, PREVIOUS
from beyond.results import (
    ARRAYS,
    DATA,
    FILES,
    FINISHED,
    LOSS_PICTURE,
    WORDS,
    results_folder,
)
from corpus.reading import find_text_files, make_text

if os.name == "posix":
    import fcntl

HERE = Path(__file__).parent
BULGARIAN = HERE / "bulgarian.txt"
COURSES_LOOP = HERE / "course/w2v_sgd.py"
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
def windows(monkeypatch):
    """Let this process be on Windows."""
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
    real = SimpleNamespace(open=os.open, fsync=os.fsync, replace=os.replace, rename=os.rename,
                           unlink=os.unlink)

    def open_file(path, flags, mode=0o777, **how):
        if os.path.isdir(path):
            raise refusal(path)
        return real.open(path, flags, mode, **how)

    def fsync(handle):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        real.fsync(handle)

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

    fakes = {"open": open_file, "fsync": fsync, "replace": replace, "rename": rename,
             "unlink": unlink, "remove": unlink}
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
def command(monkeypatch):
    """A function that does what `python run.py ARGUMENTS` does: exit status, stdout, stderr."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    set_signal = signal.signal

    def command(*arguments, out=None, err=None):
        out, err = out or Console(is_terminal=False), err or Console(is_terminal=False)
        status = 0
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["run.py", *map(str, arguments)])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            try:
                run.main()
            except SystemExit as end:
                status = end.code or 0
        return SimpleNamespace(status=status, out=out, err=err)

    yield command
    for number, handler in handlers.items():
        set_signal(number, handler)


@pytest.fixture
def train(command, tmp_path):
    """A function that trains with results in the folder out."""
    def train(*options, **streams):
        return command("--corpus", BULGARIAN, "--out", tmp_path / "out", *SMALL, *options,
                       **streams)

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
    monkeypatch.setattr(run, "failing_tasks", list)         # of another loop: they take seconds


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


@contextmanager
def viewed(path):
    """Have a file open, as a viewer of pictures has."""
    with open(path, "rb"):
        yield


def names_in(folder):
    return sorted(file.name for file in folder.iterdir())


def results_in(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def complaints(result):
    """List the lines of stderr but for what a run says that goes well."""
    usual = re.compile(r"pairs/s|pairs$|^most frequent|^fewer than|^your stoch|^checking"
                       r"|^the results in|^beginning anew")
    return [line for line in result.err.lines() if not usual.search(line)]


@pytest.fixture(params=["our loop", "the course's loop"])
def either_loop(request, monkeypatch):
    """Our stochasticGradientDescend, or another in its place, which can write no checkpoints."""
    if request.param != "our loop":
        spec = importlib.util.spec_from_file_location("courses_loop", COURSES_LOOP)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(w2v_sgd, "stochasticGradientDescend",
                            module.stochasticGradientDescend)


# --- whole runs ---------------------------------------------------------------------------------

def test_a_run_leaves_the_same_bytes_as_elsewhere(train, out, request):
    assert train().status == 0
    elsewhere = results_in(out)
    shutil.rmtree(out)
    request.getfixturevalue("windows")
    result = train("--checkpoint-every", "0")
    assert result.status == 0, result.err.written()
    assert names_in(out) == sorted(FILES)
    assert results_in(out) == elsewhere


def test_a_stopped_run_goes_on_to_the_same_bytes(windows, quick_pictures, train, out):
    assert train().status == 0
    undisturbed = results_in(out)
    shutil.rmtree(out)
    with ctrl_c_in_training():
        result = train("--checkpoint-every", "0")
    assert result.status == 130
    assert complaints(result) == ["run.py: stopped; --resume goes on"]
    assert names_in(out) == sorted([CHECKPOINT, PREVIOUS])
    result = train("--resume")
    assert result.status == 0, result.err.written()
    assert names_in(out) == sorted(FILES)
    assert results_in(out) == undisturbed


def test_a_second_run_in_a_folder_is_refused_and_harms_nothing(
        windows, quick_pictures, train, out):
    out.mkdir()
    with results_folder(out) as scratch:
        (scratch / "w2v-U.npy").write_bytes(b"half")
        before = names_in(out)
        result = train()
        assert result.status == 2
        [line] = complaints(result)
        assert line.startswith(f"run.py: {out}: another run writes there; wait for it")
        assert (scratch / "w2v-U.npy").read_bytes() == b"half"
        assert names_in(out) == before
        assert train().status == 2                  # the lock is still held
    assert names_in(out) == []
    assert train().status == 0
    assert names_in(out) == sorted(FILES)


def test_what_a_killed_run_left_is_cleared_away(windows, quick_pictures, train, out):
    (out / ".w2v-run-abc").mkdir(parents=True)
    (out / ".w2v-run-abc/w2v-U.npy").write_bytes(b"half")
    (out / ".w2v-lock").write_bytes(b"")
    assert train().status == 0
    assert names_in(out) == sorted(FILES)


# --- files that are open elsewhere --------------------------------------------------------------

@pytest.mark.parametrize("name", [LOSS_PICTURE, WORDS, ARRAYS[0]])
def test_the_rest_of_the_results_waits_where_one_is_viewed(
        windows, quick_pictures, either_loop, train, out, name):
    assert train("--seed", "1").status == 0
    new = results_in(out)
    shutil.rmtree(out)
    assert train().status == 0
    with viewed(out / name):
        result = train("--seed", "1")
    assert result.status == 2
    [line] = complaints(result)
    assert line.startswith(f"run.py: {out / name}: ") and str(out / FINISHED) in line
    assert not list(out.glob(".w2v-*"))
    waiting = names_in(out / FINISHED)
    assert name in waiting
    for waits in waiting:
        os.replace(out / FINISHED / waits, out / waits)
    if name in DATA:                                    # then the pictures were not drawn
        assert all(results_in(out)[data] == new[data] for data in DATA)
    else:
        assert results_in(out) == new


def test_nothing_is_lost_if_a_result_may_not_be_replaced(windows, quick_pictures, train, out):
    """It is not open but read-only."""
    assert train().status == 0
    (out / ARRAYS[1]).chmod(0o444)
    earlier = (out / ARRAYS[1]).read_bytes()
    assert train("--seed", "1").status == 2
    assert (out / ARRAYS[1]).read_bytes() == earlier
    assert names_in(out / FINISHED) == sorted(DATA[1:])


def scan(path):
    """Have a file open for a moment, as a virus scanner has."""
    file = open(path, "rb")
    threading.Timer(0.4, file.close).start()


def test_a_virus_scanner_is_waited_for(windows, quick_pictures, train, out, monkeypatch):
    def plot_embeddings(E, groups, word2ind, title, file):
        scan(file.name)

    monkeypatch.setattr(utils, "PATIENCE", 2)
    monkeypatch.setattr(pictures, "plot_embeddings", plot_embeddings)
    assert train().status == 0
    assert names_in(out) == sorted(FILES)


def test_a_virus_scanner_does_not_hinder_that_a_corpus_is_made(windows, tmp_path):
    (tmp_path / "prepare.py").write_text("""
import threading

def prepare(text):
    file = (text / "a.txt").open("wb")
    file.write(b"text")
    threading.Timer(0.4, file.close).start()
    return "a file"
""")
    make_text(tmp_path)
    assert names_in(tmp_path / "text") == ["a.txt"]


def test_a_checkpoint_that_is_open_at_the_end_is_no_error(windows, quick_pictures, train, out):
    with ctrl_c_in_training():
        assert train("--checkpoint-every", "0").status == 130
    with viewed(out / PREVIOUS):
        result = train("--resume")
    assert result.status == 0
    assert {*FILES} < {*names_in(out)}


def test_a_picture_drawn_anew_while_it_is_viewed_is_named(
        windows, quick_pictures, train, command, out, tmp_path):
    assert train().status == 0
    picture = tmp_path / "words.png"
    drawing = "plot", "на", "и", "--results", out, "--picture", picture
    result = command(*drawing)
    assert result.status == 0, result.err.written()
    before = names_in(tmp_path)
    with viewed(picture):
        result = command(*drawing)
    assert result.status == 2
    [line] = result.err.lines()
    assert line.startswith(f"run.py plot: {picture}: ")
    assert names_in(tmp_path) == before


# --- the console --------------------------------------------------------------------------------

@pytest.fixture
def lively(monkeypatch):
    """Let a live line be shown after every batch."""
    monkeypatch.setattr(utils.Progress, "_is_time_to_show", lambda self, done: True)


def expect_a_live_line(console):
    """Expect one that an old console of 80 columns can show."""
    parts = re.split("[\r\n]", console.written())
    live = [part for part in parts if "pairs/s" in part]
    assert len(live) >= 5 and max(map(len, live)) < 80
    assert "\033" not in console.written()


def test_a_live_line_on_an_old_console(windows, quick_pictures, lively, train):
    console = Console()
    assert train(err=console).status == 0
    expect_a_live_line(console)
    corpus, *_, last = console.lines()
    assert corpus.endswith("pairs") and last.startswith("100%")


def test_nothing_of_the_live_line_is_left_after_ctrl_c(windows, quick_pictures, lively, train):
    console = Console()
    with ctrl_c_in_training():
        assert train(err=console).status == 130
    expect_a_live_line(console)
    corpus, *_, last = console.lines()
    assert corpus.endswith("pairs") and last == "run.py: stopped; --resume goes on"


@pytest.mark.parametrize("encoding", ["cp1251", "cp866"])
def test_a_console_of_few_characters_gets_question_marks(windows, train, command, out, encoding):
    result = train(out=Console(encoding), err=Console(encoding))
    assert result.status == 0, result.err.written()
    text = result.out.written()
    assert " ? " in text and "log ?_c exp" in text and "добър" in text
    for arguments in ["nearest", "година"], ["predict", "година"]:
        result = command(*arguments, "--results", out, out=Console(encoding))
        assert result.status == 0 and "година" in result.out.written()

    result = command("nearest", "→", "--results", out, err=Console(encoding))
    assert result.status == 2
    assert result.err.lines() == ["run.py nearest: ?: not in the vocabulary"]


def test_a_window_that_is_no_console_is_written_to(windows, quick_pictures, train, monkeypatch):
    """IDLE's, which has no encoding to set."""
    class Window(io.StringIO):
        def written(self):
            return self.getvalue()

    window = Window()
    assert not hasattr(window, "reconfigure")
    assert train(out=window, err=window).status == 0
    assert "nearest" in window.written() and "→" in window.written()


# --- reading ------------------------------------------------------------------------------------

def test_texts_are_read_in_the_same_order_as_elsewhere(windows, tmp_path):
    for name in "b.txt", "C.txt", "a.txt":
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in find_text_files(tmp_path)] == ["C.txt", "a.txt", "b.txt"]
