"""Running run.py, and other scripts, as their user does."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import beyond.learning  # noqa: F401 - not again in each fork
import run

RUN = Path(run.__file__)


def python(*arguments, cwd):
    """Run `python ARGUMENTS` in a folder."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}       # not the language's, on Windows
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd, env=environment)


def launch(*arguments, cwd):
    """Run `python run.py ARGUMENTS` in a folder; if it can, in a fork, which is a second faster."""
    if not hasattr(os, "fork"):
        return python(RUN, *arguments, cwd=cwd)
    arguments = [str(argument) for argument in arguments]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            become_run(arguments, out, err, cwd)
        status = exit_status(pid)
        return subprocess.CompletedProcess(arguments, status, text_of(out), text_of(err))


def become_run(arguments, out, err, cwd="."):
    """Be run.py with two files as stdout and stderr, and end the process."""
    status = 1
    signal.signal(signal.SIGINT, signal.SIG_DFL)            # until run.main listens to it
    try:
        os.chdir(cwd)
        sys.stdout = redirected(1, out)
        sys.stderr = redirected(2, err)
        sys.argv = [str(RUN), *arguments]
        run.main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
        finally:
            os._exit(status)


def redirected(descriptor, file):
    """Make a file descriptor lead to a file, and return a stream that writes there."""
    os.dup2(file.fileno(), descriptor)
    stream = open(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(stream, encoding="utf-8", line_buffering=True)


def exit_status(pid):
    """Wait for a process to end: its exit status, or minus the signal that ended it."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def said_by_system(message):
    """Return what the system says of a mistake; "" for Windows, which says it in many languages."""
    return message if os.name == "posix" else ""


def text_of(file):
    file.seek(0)
    return file.read().decode()
