"""A box: a process of somebody else's code that can do little and is ended whatever it does.

bubblewrap isolates it: no network, no other process, none of the grader's files. What bwrap does
not do, a thread of the judge's does: it watches what all processes of the box use together.
Messages go through the box's standard input and output; what its code prints comes out of its
standard error.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from solutions.grading import wire
from solutions.grading.bubblewrap import (
    ADVICE,
    ENVIRONMENT,
    HERE,
    WORKER,
    WRITABLE,
    isolated_command,
    packages,
    system_call_filter,
)
from solutions.grading.worker import FOLDER, MOST_PROCESSES
from utils import InputError

MOST_FILES = 20_000             # in what can be written to: empty ones take memory, too
MOST_OUTPUT = 2000              # bytes that are kept
INTERVAL = 0.05                 # seconds between two looks
TO_START = 60.                  # seconds of processor time
PATIENCE = 20                   # times the time allowed, on a busy machine
GB = 1 << 30
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def see_that_it_can_be_had():
    """Start a box in which Python imports NumPy; InputError, with advice, if that cannot be."""
    if sys.platform != "linux":
        raise InputError("the box in which students' code runs needs Linux: grade in a virtual "
                         "machine with it; --unsafe runs without a box")
    isolated_command([], 0)         # says it if there is no bwrap
    box = Box({}, memory=4 * GB)
    try:
        box.start()
    except NotStarted as error:
        raise InputError(f"bwrap cannot isolate here ({error}): {ADVICE}") from None
    box.end()


class NotStarted(SystemExit):
    """A box cannot be had, which is not the fault of the code that it was to run: all ends."""


class Box:
    """Modules of a student's in a process that is watched.

    Parameters
    ----------
    files : dict from file name to bytes
    memory : bytes that all its processes may use together
    is_unsafe : run the process as any other, not isolated
    """

    def __init__(self, files, memory, is_unsafe=False):
        self.files, self.memory, self.is_unsafe = files, memory, is_unsafe
        self.process = None
        self.folder = None          # of the modules, where it is not isolated
        self.writable = []          # open folders of the file systems that it can write to
        self.used = 0.              # seconds of processor time, and of sleep while it was asked
        self.allowed = TO_START
        self.is_asked = False       # the judge waits for an answer
        self.ended = ""             # why it was ended, if the watcher did so
        self.output = b""

    def start(self):
        """Start it, and wait until it is ready. Raises NotStarted."""
        try:
            self.process = self._process()
        except (InputError, OSError) as error:
            raise NotStarted(str(error)) from None
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=task, daemon=True)
                        for task in (self._read_output, self._watch)]
        for thread in self.threads:
            thread.start()
        files = [[name, np.frombuffer(data, np.uint8)] for name, data in self.files.items()]
        try:
            self.send(wire.pack([self.folder or str(FOLDER), files]))
            ready = wire.unpack(*self.receive())
        except (OSError, EOFError, wire.Garbage):
            ready = ""
        if ready != "ready":
            self.end()
            raise NotStarted(self.ended or self.said() or "it ended at once")
        if not self.is_unsafe:
            root = f"/proc/{descendants(self.process.pid)[-1]}/root"
            self.writable = [os.open(root + folder, os.O_RDONLY) for folder in WRITABLE]

    def _process(self):
        pipe = subprocess.PIPE
        streams = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "start_new_session": True}
        if self.is_unsafe:
            self.folder = tempfile.mkdtemp(prefix="box-")
            return subprocess.Popen(python_command(self.memory, HERE), cwd="/",
                                    env=os.environ | ENVIRONMENT, **streams)
        filter_file, writing = os.pipe()
        try:
            with open(writing, "wb") as file:
                file.write(system_call_filter())
            command = isolated_command(python_command(self.memory, WORKER), filter_file)
            return subprocess.Popen(command, cwd="/", env={}, pass_fds=[filter_file], **streams)
        finally:
            os.close(filter_file)

    def send(self, message):
        with self._asked():
            wire.send(self.process.stdin, message)

    def receive(self):
        """Read the next message. Raises EOFError when the box has ended, and wire.Garbage."""
        with self._asked():
            return wire.receive(self.process.stdout)

    @contextmanager
    def _asked(self):
        self.is_asked = True
        try:
            yield
        finally:
            self.is_asked = False

    def said(self):
        """Return the last line that came out of it."""
        lines = self.output.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def end(self):
        """End all its processes, and wait until they are gone. Returns its exit status."""
        processes = descendants(self.process.pid)
        self.is_over.set()
        self._kill()
        status = self.process.wait()
        for thread in self.threads:
            thread.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                stream.close()
        for folder in self.writable:
            os.close(folder)
        until = time.monotonic() + 5
        while any(is_alive(pid) for pid in processes) and time.monotonic() < until:
            time.sleep(0.005)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def _kill(self):
        """Kill it: with bwrap ends the first process of a box, and with that all others."""
        if self.is_unsafe:
            for pid in descendants(self.process.pid)[1:]:
                with suppress(OSError):
                    os.kill(pid, 9)
        self.process.kill()

    # What follows runs in threads of their own.

    def _read_output(self):
        with self.process.stderr as stream:
            while part := stream.read1(1 << 16):
                self.output += part[:MOST_OUTPUT - len(self.output)]

    def _watch(self):
        before, last = Look(self.process.pid), time.monotonic()
        while not self.is_over.wait(INTERVAL):
            look, now = Look(self.process.pid), time.monotonic()
            spent = max(0., look.seconds - before.seconds)
            # Sleep costs as much as work, but waiting for a processor costs next to nothing.
            if self.is_asked:
                share = max(look.share_of_processor(before), 1 / PATIENCE)
                spent = max(spent, share * (now - last))
            self.used += spent
            before, last = look, now
            self.ended = self._excess(look)
            if self.ended:
                self._kill()
                return

    def _excess(self, look):
        """Say what the box has too much of; "" if nothing."""
        if self.used > self.allowed:
            return "took longer"
        # Forks share memory, which is counted once; that takes time.
        if sum(look.memory.values()) > self.memory and look.memory_shared_out() > self.memory:
            return f"used more than {self.memory / GB:.1f} GB"
        if len(look.processes) > MOST_PROCESSES:
            return f"had more than {MOST_PROCESSES} processes"
        if sum(map(files_on, self.writable)) > MOST_FILES:
            return f"wrote more than {MOST_FILES} files"
        return ""


class Look:
    """What a process and all below it use at one moment; nothing where there is no /proc."""

    def __init__(self, root):
        self.processes = descendants(root)
        self.memory = {}            # of each process in bytes, swapped ones included
        self.seconds = 0.           # of processor time, that of ended children included
        self.clocks = {}            # of each thread: how long it ran and waited for a processor
        self.running = []           # threads that do so now
        for pid in self.processes:
            with suppress(OSError, ValueError, IndexError):
                self._add(Path(f"/proc/{pid}"))

    def _add(self, process):
        self.seconds += sum(map(int, fields(process / "stat")[11:15])) / TICKS
        self.memory[process] = kilobytes(process / "status", "VmRSS", "VmSwap") << 10
        for thread in (process / "task").iterdir():
            if fields(thread / "stat")[0] == b"R":
                self.running.append(thread)
            with suppress(FileNotFoundError):       # some kernels have none
                ran, waited, _ = map(int, (thread / "schedstat").read_bytes().split())
                self.clocks[thread] = ran, waited

    def share_of_processor(self, before):
        """Return how many processors it had since an earlier look; 1 if it sleeps.

        Children that live for less than an interval are seen by this alone: what they use is in
        nobody's time when their parent ignores their end.
        """
        if not self.running:
            return 1.
        share = 0.
        for thread in self.running:
            ran, waited = self.clocks.get(thread, (0, 0))
            ran_before, waited_before = before.clocks.get(thread, (0, 0))
            ran, waited = ran - ran_before, waited - waited_before
            share += ran / max(ran + waited, 1)
        return min(share, os.cpu_count())

    def memory_shared_out(self):
        """Return the bytes of memory in which what several processes share is counted once."""
        total = 0
        for process, resident in self.memory.items():
            try:
                total += kilobytes(process / "smaps_rollup", "Pss", "SwapPss") << 10
            except OSError:                         # it has ended meanwhile
                total += resident
        return total


def files_on(folder):
    """Count the files of the file system of an open folder."""
    found = os.fstatvfs(folder)
    return found.f_files - found.f_ffree


def fields(file):
    """Return the fields of a process's stat that follow its name: state, parent …"""
    return file.read_bytes().rpartition(b")")[2].split()


def kilobytes(file, *names):
    """Return the sum of named lines of a file of /proc."""
    lines = [line.split() for line in file.read_text(errors="replace").splitlines()]
    return sum(int(line[1]) for line in lines if line[0].rstrip(":") in names)


def descendants(root):
    """List the ids of a process and of all below it, where there is /proc."""
    found = [root]
    for pid in found:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                children = Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
                found += map(int, children)
    return found


def is_alive(pid):
    """Say whether there is a process that has not ended."""
    with suppress(OSError, IndexError):
        return fields(Path(f"/proc/{pid}/stat"))[0] not in (b"Z", b"X")
    return False


def python_command(memory, package):
    """Start the worker by the Python of this process, which finds the packages but no more.

    package : the folder that holds worker.py
    """
    code = (f"import sys; sys.path[:0] = [{str(Path(package).parent)!r}]; "
            f"sys.path += {packages()!r}; from {Path(package).name} import worker; "
            f"del sys.path[0]; worker.main({memory})")
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", code]
