"""What runs inside a box: it imports somebody else's modules and calls their functions.

Nothing that it says is to be trusted. `box.py` starts it, with the judge at the other end of its
standard input and output.
"""

import importlib
import math
import multiprocessing
import os
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

from . import wire

FOLDER = Path("/student")       # where the modules are, in a box
TO_IMPORT = 10                  # seconds of processor time, beside those of the calls
MESSAGE = 300                   # characters of an error
MOST_PROCESSES = 32 + 2 * os.cpu_count()        # and threads, so that a pool has a place
MOST_SIGNALS = 256              # that wait; a timer counts as one


def main(memory, seconds):
    """Confine this process, write the modules that come first, and answer calls to the end.

    memory, seconds : bytes and processor time of each process
    """
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)                               # what a module prints goes where errors go
    sys.stdout.reconfigure(line_buffering=True, errors="replace")
    own = {"AS": memory, "CPU": TO_IMPORT + math.ceil(seconds), "FSIZE": 64 << 20, "NOFILE": 128,
           "CORE": 0, "MEMLOCK": 0}
    limit(**{name: (value, value) for name, value in own.items()})
    # The names of these modules are free for a student's own.
    for name in [name for name in sys.modules if name.split(".")[0] == __package__]:
        del sys.modules[name]

    folder, files = wire.unpack(*wire.receive(requests))
    folder = Path(folder)
    if folder == FOLDER:
        limit_processes()
    for name, content in files:
        with suppress(OSError, ValueError):         # a name that cannot be: an import will say it
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.tobytes())
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    wire.send(answers, wire.pack("ready"))
    serve(requests, answers, folder)


def limit(**limits):
    """Set limits that the kernel keeps of this process and of each that it starts.

    limits : by name, the limit and how far it could be raised again; None: as far as now
    """
    try:
        import resource
    except ImportError:                         # Windows
        return
    for name, (soft, hard) in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        highest = resource.getrlimit(kind)[1]
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(highest if hard is None else hard, highest)
        with suppress(ValueError, OSError):     # macOS has no limit of the address space
            resource.setrlimit(kind, (soft, highest if hard is None else hard))


def limit_processes():
    """Limit the numbers of a box's processes, and of its timers and signals that wait.

    Outside of a box, those of all processes of the user count.
    """
    limit(NPROC=(MOST_PROCESSES, MOST_PROCESSES), SIGPENDING=(MOST_SIGNALS, MOST_SIGNALS))
    threading.Thread(target=int).start()        # an error, and no box, before Linux 5.14, as there
    if sys.version_info >= (3, 14):             # whose default needs sockets
        multiprocessing.set_start_method("fork")


def serve(requests, answers, folder):
    """Answer calls until the stream of requests ends."""
    lock = threading.RLock()

    def call_back(number):
        def function(*args, **kwargs):
            with lock:
                wire.send(answers, wire.pack(["call", [number, args, list(kwargs.items())]]))
                kind, content = wire.unpack(*wire.receive(requests))
            if kind == "error":
                raise RuntimeError(content)
            return content
        return function

    while True:
        call = wire.unpack(*wire.receive(requests), call_back)
        try:
            answer = wire.pack(["value", answered(*call)])
        except BaseException as error:
            answer = wire.pack(["error", described(error, folder)])
        wire.send(answers, answer)


def answered(module_name, name, args_of_each, times):
    """Call a function of a module so many times with each list of arguments.

    Returns
    -------
    values : list
    changed : list of the arguments that it changed, the first being 1
    """
    before = [[wire.pack(value, []) for value in args] for args in args_of_each]
    module = importlib.import_module(module_name)
    if not callable(getattr(module, name, None)):
        raise AttributeError(f"{module_name}.py has no function {name}")
    function = getattr(module, name)
    values = [function(*args) for args in args_of_each for _ in range(times)]
    changed = {i + 1 for args, packed in zip(args_of_each, before)
               for i, value in enumerate(args) if wire.pack(value, []) != packed[i]}
    return values, sorted(changed)


def described(error, folder):
    """Put an exception into a line: type, message, and where in the student's files it was."""
    text = f"{type(error).__name__}: {str(error)[:MESSAGE]}"
    places = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename.startswith(str(folder))]
    if isinstance(error, SyntaxError) and error.filename:
        text = (f"SyntaxError: {error.msg}, under Python {sys.version.split()[0]}; perhaps it is "
                "written for a newer one")
        places = [traceback.FrameSummary(error.filename, error.lineno, "")]
    if isinstance(error, SystemExit):
        text = f"it calls exit({str(error.code)[:MESSAGE]})"
    if not places:
        return text
    return f"{text} ({Path(places[-1].filename).name}, line {places[-1].lineno})"
