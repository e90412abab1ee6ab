"""Functions of somebody else's modules, called in a process that can do little.

`Sandbox` belongs to the judge. It starts a *keeper*, a process without the caller's environment that imports NumPy,
isolates itself, and forks the *worker*, in which alone the modules are imported. Judge and worker talk by `wire`; the
keeper watches the worker's memory and output and, when the worker or the judge ends, ends all that is left.
"""

import base64
import contextlib
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import isolation
import wire
import worker as student

HERE = Path(__file__).resolve().parent
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
               "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "MPLBACKEND": "Agg"}
PRELOADED = ("numpy", "numpy.random", "scipy.special", "scipy.sparse", "random", "math", "collections", "itertools",
             "functools", "typing", "decimal", "fractions", "concurrent.futures")
STARTS, ENDS, OUTPUT, MESSAGE = 20, 2, 2000, 300
UNREADABLE = "the sandbox's user may not read"


class Fault(Exception):
    """What a student's function did in place of answering; the message is one line."""


class Unready(Exception):
    """A sandbox cannot be had here; the message is one line."""


class Sandbox:
    """Modules of a student's, to be called within limits.

    Parameters
    ----------
    files : dict from file name to bytes, the modules and what they import
    seconds : for all calls together; a call has half of it
    memory : bytes of all its processes together
    hidden : folders that the modules must not see
    number : 0 to 3, another for each sandbox that this process has at a time
    """

    def __init__(self, files, seconds=60., memory=4 << 30, hidden=(), number=0):
        self.files, self.memory, self.hidden = files, memory, list(map(str, hidden))
        self.left, self.a_call = seconds, max(1., seconds / 2)
        self.uid = isolation.unused_uid(number)
        self.keeper = None
        self.starts, self.changed, self.output, self.missing = 0, set(), "", ""
        self.stalled, self.ended = set(), Counter()

    def call(self, module, function, args, kwargs=None, replaced=None, repeat=0):
        """The value of a function of a module, in which the functions of the dict replaced stand in for its own.
        With repeat, call it so many times, and return nothing.

        Raises Fault, or what a function among the arguments raises if that is an AssertionError or no Exception.
        """
        name = f"{module}.{function}"
        if f"{module}.py" not in self.files:
            raise Fault(f"there is no {module}.py in the archive")
        way = name, *(replaced or ())
        if way in self.stalled:
            raise Fault(f"{name} took longer than {self.a_call:.0f} s before")
        if self.ended[way] == ENDS:
            raise Fault(f"{name} ended the process {ENDS} times before")
        if self.left <= 0:
            raise Fault("the time for this submission is over")
        if self.keeper is None:
            self._start()
        begun, functions = time.monotonic(), []
        until = begun + min(self.a_call, self.left)
        request = [module, function, args, list((kwargs or {}).items()), list((replaced or {}).items()), repeat]
        try:
            return self._converse(wire.pack(request, functions), functions, until, name)
        except TimeoutError:
            self.stalled.add(way)
            self._end()
            raise Fault(f"{name} took longer than {until - begun:.0f} s") from None
        except (EOFError, ConnectionError):
            self.ended[way] += 1
            raise Fault(f"{name} {self._end()}") from None
        except wire.Garbage as error:
            self.ended[way] += 1
            self._end()
            raise Fault(f"{name} wrote rubbish to the grader ({error})") from None
        except BaseException as error:
            if not isinstance(error, Fault):
                self._end()
            raise
        finally:
            self.left -= time.monotonic() - begun

    def _converse(self, request, functions, until, name):
        wire.set_deadline(self.channel, until)
        self.channel.sendall(request)
        while True:
            parts = wire.receive(self.channel, until)
            answer = wire.unpack(*parts)
            try:
                kind, content = answer
                if kind == "call":
                    number, args, kwargs = content
                    function, kwargs = functions[number], dict(kwargs)
            except (TypeError, ValueError, IndexError):
                raise wire.Garbage("no answer") from None
            if kind == "call":
                reply = _reply(function, args, kwargs)
                wire.set_deadline(self.channel, until)
                self.channel.sendall(reply)
            elif kind == "error":
                raise Fault(f"{name}: {clean(content)}")
            elif kind == "value":
                try:
                    value, changed = content
                    self.changed |= {(name, str(clean(which))) for which in list(changed)[:9]}
                except (TypeError, ValueError):
                    raise wire.Garbage("no answer") from None
                return value
            else:
                raise wire.Garbage("no answer")

    def _start(self):
        if self.starts == STARTS:
            raise Fault(f"the submission's process had to be started {STARTS} times")
        self.starts += 1
        self.folder = tempfile.mkdtemp(prefix="grade-")
        self.channel, theirs = socket.socketpair()
        command, pipe = [sys.executable, "-sPB", __file__, str(theirs.fileno())], subprocess.PIPE
        self.keeper = subprocess.Popen(command, env=ENVIRONMENT, cwd="/", pass_fds=[theirs.fileno()],
                                       stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        theirs.close()
        path = [str(Path(place).resolve()) for place in sys.path if place and Path(place).exists()
                and Path(place).resolve() not in (HERE, HERE.parent)]
        order = {"path": path, "folder": self.folder, "uid": self.uid, "memory": self.memory, "hidden": self.hidden,
                 "seconds": int(self.left) + 5,
                 "files": {name: base64.b64encode(data).decode() for name, data in self.files.items()}}
        try:
            self.keeper.stdin.write(json.dumps(order).encode() + b"\n")
            self.keeper.stdin.flush()
            self.missing = wire.unpack(*wire.receive(self.channel, time.monotonic() + 60))
        except (OSError, EOFError, wire.Garbage):
            said = self._end()
            raise (Unready if self.starts == 1 else Fault)(f"the sandbox did not start: {said}") from None
        if self.missing.startswith(UNREADABLE):
            self._end()
            raise Unready(self.missing)

    def start(self):
        """Start before there is a call. Raises Unready."""
        if self.keeper is None:
            self._start()

    def _end(self):
        """End the processes; returns how they ended."""
        self.channel.close()
        keeper, self.keeper = self.keeper, None
        try:
            out, err = keeper.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            keeper.kill()
            out, err = keeper.communicate()
        with contextlib.suppress(RecursionError):
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            ended, output = json.loads(out)
            self.output = (self.output + output)[:OUTPUT]
            return ended
        except ValueError:
            return f"ended its keeper {clean(err.decode(errors='replace')[-MESSAGE:])}"

    def close(self):
        if self.keeper:
            self._end()


def _reply(function, args, kwargs):
    try:
        return wire.pack(["value", function(*args, **kwargs)])
    except AssertionError:
        raise
    except Exception as error:
        return wire.pack(["error", f"{type(error).__name__}: {error}"])


def clean(text):
    """A text without line ends, control characters and surrogates, cut."""
    text = "".join(char if char.isprintable() else " " for char in str(text)[:10 * MESSAGE])
    return " ".join(text.split())[:MESSAGE].encode(errors="replace").decode()


# --- the keeper ---------------------------------------------------------------------------------------------------

def keep(descriptor):
    """Isolate this process, fork the worker, watch it, and end all when it or the judge ends."""
    order = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = order["path"]
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    folder, uid, memory = Path(order["folder"]), order["uid"], order["memory"]
    needed = [sys.prefix, sys.base_prefix, *(place for place in order["path"] if Path(place).is_dir())]
    with contextlib.suppress(OSError):
        isolation.checked("prctl", isolation.SUBREAPER, 1, 0, 0, 0)
    missing = isolation.isolate(folder, uid, order["hidden"], needed)
    for name, text in order["files"].items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(base64.b64decode(text))
    folder.chmod(0o755)
    (home := folder / "home").mkdir()
    isolation.freeze(folder, home)
    if uid:
        os.chown(home, uid, uid)
    read, write = os.pipe()
    worker = os.fork()
    if not worker:
        try:
            os.close(read)
            os.environ.update(HOME=str(home), TMPDIR=str(home))
            os.chdir(home)
            for target in 1, 2:
                os.dup2(write, target)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(descriptor, 3)
            os.closerange(4, 1024)
            sys.stdout.reconfigure(line_buffering=True)
            lacking = isolation.confine(uid, memory, order["seconds"], not missing.startswith("no namespaces"),
                                        [*needed, folder], [home])
            missing = "; ".join(filter(None, (missing, lacking)))
            for place in needed:
                if not os.access(place, os.R_OK | os.X_OK):
                    missing = f"{UNREADABLE} {place}, where Python or its packages are"
            sys.path.insert(0, str(folder))
            student.serve(socket.socket(fileno=3), missing, folder)
        finally:
            os._exit(1)
    os.close(write)
    os.close(descriptor)
    said, ended = b"", "was ended by the grader"
    looked, last, shared = 0., False, isolation.resident("self")
    while not last:
        ready = select.select([sys.stdin, read], [], [], 0.1)[0]
        last = sys.stdin in ready
        if read in ready:
            part = os.read(read, 1 << 16)
            said += part[:OUTPUT - len(said)]
        if not last and time.monotonic() < looked + 0.1:
            continue
        if last:
            time.sleep(0.05)            # for a worker that is just ending, which the judge has seen first
        looked = time.monotonic()
        pid, status = os.waitpid(worker, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            ended = (f"ended the process with exit status {code}" if code >= 0 else
                     f"was ended by the signal {signal.Signals(-code).name}")
            break
        if sum(max(0, isolation.resident(pid) - shared) for pid in isolation.descendants()) > memory:
            ended = f"used more than {memory / 2 ** 30:.1f} GB"
            break
    isolation.end_all(worker, uid)
    print(json.dumps([ended, said.decode(errors="replace").replace(f"{folder}/", "")]))


if __name__ == "__main__":
    keep(int(sys.argv[1]))
