"""Running run.py as a command: in a forked process, where there are such, since that saves a second of imports."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import run

RUN = Path(run.__file__)


def launch(*arguments, cwd):
    """What `python run.py ARGUMENTS` does in a folder, as subprocess.run tells it."""
    arguments = list(map(str, arguments))
    if not hasattr(os, "fork"):
        return subprocess.run([sys.executable, RUN, *arguments], capture_output=True, encoding="utf-8", cwd=cwd)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if not pid:
            become_run(arguments, out, err, cwd)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
    return subprocess.CompletedProcess(arguments, status, *texts)


def become_run(arguments, out, err, cwd="."):
    """Be run.py with the files as stdout and stderr, and end."""
    status = 1
    signal.signal(signal.SIGINT, signal.SIG_DFL)            # until run.main listens to it
    try:
        os.chdir(cwd)
        for number, file in (1, out), (2, err):
            os.dup2(file.fileno(), number)
        sys.stdout, sys.stderr = (io.TextIOWrapper(open(number, "wb", closefd=False), encoding="utf-8",
                                                   line_buffering=True) for number in (1, 2))
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
