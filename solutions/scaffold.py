"""Hand the homework out: python solutions/scaffold.py DIR

DIR becomes a copy of the project without its solutions. Its sampling.py, grads.py and w2v_sgd.py
are those of solutions/handout/, which have gaps where students write.
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
sys.path.insert(1, str(PROJECT))

from beyond import check_environment

check_environment("scaffold.py")

FOLDERS = "corpus", "beyond"
FILES = ("run.py", "test.py", "utils.py", "pyproject.toml", "requirements.txt", "LICENSE",
         ".gitignore")
NOT_COPIED = "text", "text.partial*", "*.zip", "__pycache__"     # running the project makes them


def hand_out(target):
    """Write the homework into a new folder."""
    target.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        shutil.copytree(PROJECT / name, target / name, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for name in FILES:
        shutil.copy(PROJECT / name, target / name)
    for module in sorted((HERE / "handout").glob("*.py")):
        shutil.copy(module, target / module.name)
    shutil.copy(HERE / "README.student.md", target / "README.md")


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python solutions/scaffold.py DIR", file=sys.stderr)
        return 2
    target = Path(arguments[0])
    if PROJECT in [target.resolve(), *target.resolve().parents]:
        print(f"scaffold.py: {target} is in this project; name a folder outside of it",
              file=sys.stderr)
        return 2
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        print(f"scaffold.py: {target} exists and is not an empty folder; name a new one",
              file=sys.stderr)
        return 2
    try:
        hand_out(target)
    except OSError as error:
        print(f"scaffold.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    files = sorted(path.name + "/" * path.is_dir() for path in target.iterdir())
    print(f"handed out in {target.resolve()}: {', '.join(files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
