"""The docstrings of the installed packages as a corpus."""

import ast
import importlib.util
import warnings
from pathlib import Path

from utils import InputError, tell

PACKAGES = "numpy", "scipy", "sklearn", "matplotlib"
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def prepare(text):
    """Write the docstrings of each module of the packages, but for their tests, to a file."""
    for package in PACKAGES:
        tell(f"reading the docstrings of {package} …")
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise InputError(f"{package} is not installed; run: pip install -r requirements.txt")
        root = Path(spec.origin).parent
        for source in sorted(root.rglob("*.py")):
            module = (package, *source.relative_to(root).with_suffix("").parts)
            found = "tests" not in module and docstrings(source.read_text(encoding="utf-8"))
            if found:
                file = text / (".".join(module) + ".txt")
                file.write_text("\n\n".join(found) + "\n", encoding="utf-8")


def docstrings(source):
    """Find a module's docstrings, and what it hands to add_newdoc for functions written in C."""
    with warnings.catch_warnings(action="ignore"):  # of invalid escapes in other people's strings
        tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED):
            found.append(ast.get_docstring(node))
        elif isinstance(node, ast.Call) and "add_newdoc" in ast.unparse(node.func):
            values = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            found += [value for value in values if isinstance(value, str) and "\n" in value]
    return [docstring for docstring in found if docstring]
