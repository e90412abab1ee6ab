"""Running run.py, and other scripts, as their user does."""

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import run

RUN = Path(run.__file__)


def python(*arguments, cwd):
    """Run `python ARGUMENTS` in a folder."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}       # not the language's, on Windows
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd, env=environment)


def launch(*arguments, cwd, out=None, err=None):
    """Do in this process, which is quicker, what `python run.py ARGUMENTS` does in a folder.

    out, err : streams to take as stdout and stderr; by default they are in the result
    """
    out, err = out or io.StringIO(), err or io.StringIO()
    arguments = [str(argument) for argument in arguments]
    status = 0
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        with mock.patch.object(sys, "argv", [str(RUN), *arguments]):
            try:
                run.main()
            except SystemExit as end:
                status = end.code or 0
    return subprocess.CompletedProcess(arguments, status, text_in(out), text_in(err))


def text_in(stream):
    return stream.getvalue() if isinstance(stream, io.StringIO) else None


def said_by_system(message):
    """Return what the system says of a mistake; "" for Windows, which says it in many languages."""
    return message if os.name == "posix" else ""
