"""Write the docstrings of the installed numpy, scipy, scikit-learn and matplotlib to text/, a file a module."""

import ast
import importlib.util
import shutil
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

PACKAGES = "numpy", "scipy", "sklearn", "matplotlib"
HERE = Path(__file__).resolve().parent
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def docstrings(source):
    """The docstrings of a module's source, and the strings it hands to add_newdoc for what C code defines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # invalid escapes in other people's strings
        tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED):
            found.append(ast.get_docstring(node))
        elif isinstance(node, ast.Call) and "add_newdoc" in ast.unparse(node.func):
            found += [part.value for arg in node.args for part in ast.walk(arg)
                      if isinstance(part, ast.Constant) and isinstance(part.value, str) and "\n" in part.value]
    return list(filter(None, found))


def convert(job):
    source, target = job
    found = docstrings(source.read_text(encoding="utf-8"))
    if found:
        target.write_text("\n\n".join(found) + "\n", encoding="utf-8")
    return len(found)


def main():
    partial = HERE / "text.partial"         # an interrupted run leaves no text/ behind
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    jobs = []
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None:
            return f"{package} is not installed; run: pip install -r requirements.txt"
        root = Path(spec.origin).parent
        for source in sorted(root.rglob("*.py")):
            module = (package, *source.relative_to(root).with_suffix("").parts)
            if "tests" not in module:
                jobs.append((source, partial / (".".join(module) + ".txt")))
    with ProcessPoolExecutor() as pool:
        count = sum(pool.map(convert, jobs, chunksize=16))
    shutil.rmtree(HERE / "text", ignore_errors=True)
    partial.rename(HERE / "text")
    print(f"{count} docstrings of {len(jobs)} modules in {HERE / 'text'}")


if __name__ == "__main__":
    if mistake := main():
        print(f"prepare.py: {mistake}", file=sys.stderr)
        sys.exit(2)
