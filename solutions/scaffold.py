"""Hand the homework out: python solutions/scaffold.py DIR

DIR becomes the project without its solutions: in the three modules of the assignment, what stands between the marks
`# --- your code` and `# --- end of your code` is cut out, and each function says that it is still to be written.
"""

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What stochasticGradientDescend takes that the assignment does not know.
BEYOND = re.compile(r', rng=None, threads=1, done=0, callback=None|\n    Beyond the assignment\n.*?(?=    """)', re.S)
MODULES = "sampling.py", "grads.py", "w2v_sgd.py"
FILES = *MODULES, "run.py", "test.py", "utils.py", "pyproject.toml", "requirements.txt", "LICENSE", ".gitignore"
REGION = re.compile(r"^( *)# --- your code\n.*?^\1# --- end of your code\n", re.M | re.S)


def handout(module, code):
    """The code of a module with a stub in place of each marked body, and nothing in place of marked helpers."""
    def stub(region):
        indent = region[1]
        if not indent:
            return ""
        name = re.findall(r"^def (\w+)\(", code[:region.start()], re.M)[-1]
        return (f"{indent}# --- your code\n"
                f'{indent}raise NotImplementedError("{name} is still to be written: between the marks in {module}")\n'
                f"{indent}# --- end of your code\n")
    code = BEYOND.sub("", REGION.sub(stub, code)).rstrip() + "\n"
    code = re.sub(r"^(?:from|import) (?!numpy).*\n", "", code, flags=re.M)
    return re.sub(r"\n{4,}", "\n\n\n", code).replace('"""\n\n\n', '"""\n\n', 1)


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python solutions/scaffold.py DIR", file=sys.stderr)
        return 2
    target = Path(arguments[0])
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        print(f"scaffold.py: {target} exists and is not an empty folder; name a new one", file=sys.stderr)
        return 2
    try:
        target.mkdir(parents=True, exist_ok=True)
        made = shutil.ignore_patterns("text", "*.zip", "__pycache__")
        shutil.copytree(HERE.parent / "corpus", target / "corpus", ignore=made)
        for name in FILES:
            shutil.copy(HERE.parent / name, target / name)
        for name in MODULES:
            code = (HERE.parent / name).read_text(encoding="utf-8")
            (target / name).write_text(handout(name, code), encoding="utf-8")
        shutil.copy(HERE / "README.student.md", target / "README.md")
    except OSError as error:
        print(f"scaffold.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
