"""What the assignment does not ask for: starts, measures, checkpoints, pictures, commands."""

import importlib.util
import os
import sys

if "IPython" not in sys.modules:        # started from a notebook with !python: its backend may not
    os.environ.pop("MPLBACKEND", None)  # be installed here, and pictures need none


def check_environment(program):
    """End the program with a line if this Python is too old, or lacks a package."""
    if sys.version_info < (3, 11):
        version = sys.version.split()[0]
        print(f"{program}: this needs Python 3.11 or newer, not {version}", file=sys.stderr)
        sys.exit(2)
    for package in "numpy", "scipy", "sklearn", "matplotlib", "pytest":
        if not importlib.util.find_spec(package):
            print(f"{program}: {package} is not installed here; activate the project's "
                  "environment, or run: pip install -r requirements.txt", file=sys.stderr)
            sys.exit(2)
