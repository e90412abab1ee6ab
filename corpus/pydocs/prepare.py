"""The docstrings of the installed packages as a corpus: python corpus/pydocs/prepare.py"""

import ast
import importlib.util
import sys
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))       # for the script: the project

from corpus.reading import make_text_as_script
from utils import InputError, tell

PACKAGES = "numpy", "scipy", "sklearn", "matplotlib"
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def prepare(text):
    """Write the docstrings of each module of the packages, but for their tests, to a file."""
    count = modules = 0
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise InputError(f"{package} is not installed; run: pip install -r requirements.txt")
        tell(f"reading the docstrings of {package} …")
        root = Path(spec.origin).parent
        for source in sorted(root.rglob("*.py")):
            module = (package, *source.relative_to(root).with_suffix("").parts)
            if "tests" in module:
                continue
            modules += 1
            found = docstrings(source.read_text(encoding="utf-8"))
            if found:
                count += len(found)
                file = text / (".".join(module) + ".txt")
                file.write_text("\n\n".join(found) + "\n", encoding="utf-8")
    return f"{count} docstrings of {modules} modules"


def docstrings(source):
    """Find a module's docstrings, and what it hands to add_newdoc for functions written in C."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")         # invalid escapes in other people's strings
        tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED):
            found.append(ast.get_docstring(node))
        elif isinstance(node, ast.Call) and "add_newdoc" in ast.unparse(node.func):
            found += long_strings(node.args)
    return [docstring for docstring in found if docstring]


def long_strings(arguments):
    """Find the strings of several lines in the arguments of a call."""
    parts = [part for argument in arguments for part in ast.walk(argument)]
    strings = [part.value for part in parts if isinstance(part, ast.Constant)]
    return [string for string in strings if isinstance(string, str) and "\n" in string]


if __name__ == "__main__":
    make_text_as_script(__file__)
