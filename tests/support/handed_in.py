"""Hand-ins for the tests of the grader: dicts from the name of a module to its text."""

import zipfile
from pathlib import Path

import utils
from solutions.grading.calls import FUNCTIONS

ROOT = Path(utils.__file__).parent


def modules_in(folder):
    return {name: (ROOT / folder / f"{name}.py").read_text(encoding="utf-8") for name in FUNCTIONS}


STUDENT, BLANK, OWN = map(modules_in, ("tests/student", "solutions/handout", "."))


def files_of(modules):
    """Return a dict from the name of a file to its text."""
    return {f"{name}.py": text for name, text in modules.items()}


def pack(path, files):
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path
