"""A box: a process of somebody else's code that can do little and is ended whatever it does.

bubblewrap isolates it: no network, no other process, none of the grader's files. The kernel limits
each of its processes (`worker.limit`); a thread of the judge's limits what the kernel cannot, the
time of a call and the memory of all processes together. Messages go through the box's standard
input and output; what its code prints comes out of its standard error.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from solutions.grading import bubblewrap, wire
from solutions.grading.worker import FOLDER, TO_IMPORT
from utils import InputError

MOST_OUTPUT = 2000              # bytes that are kept
INTERVAL = 0.05                 # seconds between two looks
TO_START = 120.                 # seconds
PATIENCE = 50                   # times the time allowed, on a busy machine
MOST_CORES = 2                  # that a box may use all the time
BYTES_OF_A_FILE = 1 << 10       # in the kernel's memory, if it is empty
GB = 1 << 30
OF_PROCESSORS = "of processor time"


def see_that_it_can_be_had():
    """Start a box in which Python imports NumPy; InputError, with advice, if that cannot be."""
    if sys.platform != "linux":
        raise InputError("the box in which students' code runs needs Linux: grade in a virtual "
                         "machine with it; --unsafe runs without a box")
    bubblewrap.bwrap()              # says it if there is none
    box = Box({}, seconds=60, memory=4 * GB)
    try:
        box.start()
    except NotStarted as error:
        raise InputError(f"bwrap cannot isolate here ({error}): {bubblewrap.ADVICE}") from None
    box.end()


class NotStarted(SystemExit):
    """A box cannot be had, which is not the fault of the code that it was to run: all ends."""


class Box:
    """Modules of a student's in a process that is watched.

    Parameters
    ----------
    files : dict from file name to bytes
    seconds : of processor time that each of its processes may use, and a few more to start; all
        together may use `MOST_CORES` times as many
    memory : bytes that all its processes may use together
    is_unsafe : run the process as any other, neither isolated nor watched but for its time
    """

    def __init__(self, files, seconds, memory, is_unsafe=False):
        self.files, self.seconds, self.memory = files, seconds, memory
        self.is_unsafe = is_unsafe
        self.folder = FOLDER        # of the modules
        self.look = None            # at what is in it, where it is isolated
        self.stopwatch, self.allowed = None, 0.
        self.ended = ""             # why it was ended, if the watch did so
        self.output = b""

    def start(self):
        """Start it, and wait until it is ready. Raises NotStarted."""
        files = [[name, np.frombuffer(data, np.uint8)] for name, data in self.files.items()]
        try:
            if self.is_unsafe:
                self.folder = tempfile.mkdtemp(prefix="box-")
            message = wire.pack([str(self.folder), files])
            self.process = self._unsafe_process() if self.is_unsafe else self._process()
        except (InputError, OSError, TypeError) as error:       # TypeError: files of too many bytes
            raise NotStarted(str(error)) from None
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=task, daemon=True)
                        for task in (self._read_output, self._watch)]
        for thread in self.threads:
            thread.start()
        try:
            with self.limited(TO_START):
                self.send(message)
                ready = wire.unpack(*self.receive())
            if not self.is_unsafe:
                self.look = Look(self.process.pid)
        except (OSError, EOFError, wire.Garbage):
            ready = ""
        if ready != "ready":
            self.end()
            raise NotStarted(self.ended or self.said() or "it ended at once")

    def _process(self):
        filter_file, writing = os.pipe()
        try:
            with open(writing, "wb") as file:
                file.write(bubblewrap.system_call_filter())
            command = bubblewrap.isolated_command(self._python(bubblewrap.WORKER), filter_file)
            return self._popen(command, env={}, pass_fds=[filter_file])
        finally:
            os.close(filter_file)

    def _unsafe_process(self):
        return self._popen(self._python(bubblewrap.HERE), env=os.environ | bubblewrap.ENVIRONMENT)

    def _popen(self, command, **options):
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/",
                                start_new_session=True, **options)

    def _python(self, package):
        """Start the worker by the Python of this process, which finds the packages but no more.

        package : the folder that holds worker.py
        """
        package = Path(package)
        code = (f"import sys; sys.path[:0] = [{str(package.parent)!r}]; "
                f"sys.path += {bubblewrap.packages()!r}; from {package.name} import worker; "
                f"del sys.path[0]; worker.main({self.memory}, {self.seconds})")
        return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", code]

    @contextmanager
    def limited(self, seconds):
        """Limit the body of the with statement to `seconds`; after that the box is killed.

        Returns
        -------
        Stopwatch : how many it took
        """
        worker = self.look.worker if self.look else self.process.pid
        self.stopwatch, self.allowed = Stopwatch(worker, self.look), seconds
        try:
            yield self.stopwatch
        finally:
            self.allowed = float("inf")

    def send(self, message):
        wire.send(self.process.stdin, message)

    def receive(self):
        """Read the next message. Raises EOFError when the box has ended, and wire.Garbage."""
        return wire.receive(self.process.stdout)

    def said(self):
        """Return the last line that came out of it."""
        lines = self.output.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def end(self):
        """End all its processes, and wait until they are gone. Returns its exit status."""
        self.is_over.set()
        self._kill()
        status = self.process.wait()
        for thread in self.threads:
            thread.join(5)
        for stream in self.process.stdin, self.process.stdout:
            with suppress(OSError):
                stream.close()
        if self.look:
            self.look.wait_until_empty()
        if self.is_unsafe:
            shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def _kill(self):
        """Kill it: with bwrap ends the first process of a box, and with that all others."""
        if self.is_unsafe and hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    # What follows runs in threads of their own.

    def _read_output(self):
        with self.process.stderr as stream:
            while part := stream.read1(1 << 16):
                self.output += part[:MOST_OUTPUT - len(self.output)]

    def _watch(self):
        while not self.is_over.wait(INTERVAL):
            try:
                self.ended = self._excess()
            except Exception as error:          # whatever it has done to what is measured
                self.ended = f"could not be measured ({type(error).__name__}: {error})"
            if self.ended:
                self._kill()
                return

    def _excess(self):
        """Say what the box has too much of; "" if nothing."""
        if self.stopwatch and self.stopwatch.seconds() > self.allowed:
            return "took longer"
        if self.look and self.look.memory() > self.memory:
            return f"used more than {self.memory / GB:.1f} GB"
        most = MOST_CORES * (TO_IMPORT + self.seconds)
        if self.look and self.look.processor_seconds() > most:
            return f"used more than {most:.0f} s {OF_PROCESSORS}"
        return ""


class Stopwatch:
    """The seconds since it was made, less those in which the judge or a box's worker had to wait
    for a processor; but at least those in which threads of the worker ran, and a small part of all.

    All seconds count once the worker has company of its own making, for which it may wait.

    look : at the box of the worker; None where it is not isolated
    """

    def __init__(self, worker, look=None):
        self.look, self.is_strict = look, False
        self.ended = look and look.ticks_of_ended()
        self.clock = ~worker << 3 | 2       # the kernel's of a process, with its ended threads
        self.waits = {f"/proc/{worker}/schedstat": 0, "/proc/self/schedstat": 0}
        self.last_ran = 0.
        self.begun = time.monotonic()
        self.ran, self.waited = self._ran_and_waited()

    def seconds(self):
        elapsed = time.monotonic() - self.begun
        if self.look and not self.look.is_alone(self.ended):
            self.is_strict = True
        if self.is_strict:
            return elapsed
        ran, waited = self._ran_and_waited()
        rest = elapsed - (waited - self.waited)
        return min(elapsed, max(rest, ran - self.ran, elapsed / PATIENCE))

    def _ran_and_waited(self):
        for file in self.waits:
            with suppress(OSError):         # it has ended; or the system has no such file
                self.waits[file] = int(Path(file).read_bytes().split()[1])
        with suppress(OSError, AttributeError):
            self.last_ran = time.clock_gettime(self.clock)
        return self.last_ran, sum(self.waits.values()) / 1e9


class Look:
    """What is in a box, seen through its own /proc, which lists its processes and no others.

    bwrap : the id of the process of bwrap's that was started; nothing runs in it yet but the worker
    """

    def __init__(self, bwrap):
        self.worker = bwrap
        while children := Path(f"/proc/{self.worker}/task/{self.worker}/children").read_text():
            self.first, self.worker = self.worker, int(children)    # each has started one
        root = f"/proc/{self.worker}/root"
        self.folders = [os.open(root + folder, os.O_RDONLY)
                        for folder in ("/proc", *bubblewrap.WRITABLE)]
        self.proc = Path(f"/proc/self/fd/{self.folders[0]}")

    def memory(self):
        """Return the bytes of all processes, and of the files in the file systems in memory.

        What several processes share is counted once.
        """
        kilobytes = 0
        for process in self._processes():
            # A first thread that has ended shows nothing of the others' memory.
            with suppress(FileNotFoundError, ProcessLookupError):       # they end meanwhile
                threads = (process / "task").iterdir()
                kilobytes += next(filter(None, map(kilobytes_of, threads)), 0)
        return (kilobytes << 10) + sum(map(bytes_on, self.folders[1:]))

    def processor_seconds(self):
        """Return what its processes have used, and those before them that ended."""
        ticks = 0
        for process in self._processes():
            with suppress(FileNotFoundError, ProcessLookupError):
                ticks += sum(ticks_of(process))
        return ticks / os.sysconf("SC_CLK_TCK")

    def ticks_of_ended(self):
        """Return the processor time of processes that have ended: the first inherits orphans."""
        return sum(sum(ticks_of(f"/proc/{process}")[2:]) for process in (self.first, self.worker))

    def _processes(self):
        return [path for path in self.proc.iterdir() if path.name.isdecimal()]

    def is_alone(self, ended):
        """Say whether the worker has no processes or threads of its own making, and no process of
        its own has ended since `ticks_of_ended` returned `ended`.
        """
        with suppress(FileNotFoundError, ProcessLookupError):       # the box has ended
            return (len(self._processes()) == 2 and self.ticks_of_ended() == ended
                    and len(os.listdir(f"/proc/{self.worker}/task")) == 1)
        return True

    def wait_until_empty(self):
        """Wait for the end of its processes; the first ends when no other is left."""
        until = time.monotonic() + 5
        while len(self._processes()) > 1 and time.monotonic() < until:
            time.sleep(0.005)
        for folder in self.folders:
            os.close(folder)


def bytes_on(folder):
    """Return the bytes that the files on the file system of an open folder take."""
    found = os.fstatvfs(folder)
    blocks, files = found.f_blocks - found.f_bfree, found.f_files - found.f_ffree
    return blocks * found.f_frsize + files * BYTES_OF_A_FILE


def ticks_of(process):
    """Return the processor time of a process, and of its children that ended: user's, system's."""
    fields = Path(process, "stat").read_bytes().rpartition(b")")[2].split()
    return list(map(int, fields[11:15]))


def kilobytes_of(thread):
    """Return the memory of the process that a thread belongs to, from its folder in /proc."""
    try:
        lines = (thread / "smaps_rollup").read_bytes().split(b"\n")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith((b"Pss:", b"SwapPss:")))
