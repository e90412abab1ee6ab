"""Handing in: the command submit, which checks what is handed in and packs it."""

import ast
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from beyond.command_line import RESULTS, option, takes
from beyond.results import ARRAYS, EMBEDDINGS_PICTURE, load_results, load_run, whole_file
from beyond.settings import ASSIGNED_LOSS, ASSIGNMENT, MODULES, TASKS
from utils import InputError, tell

HERE = Path(__file__).resolve().parent.parent
OUR_FILES = "run.py", "test.py", "utils.py"         # beside the modules; not handed in
OUR_ANSWERS = HERE / "solutions/tasks-1-2.pdf"
ANSWER_SUFFIXES = ".pdf", ".png", ".jpg", ".jpeg"


@takes(option("number", metavar="NUMBER", help="your faculty number, such as FN0MI0600123"),
       RESULTS,
       option("--answers", metavar="FILE", type=Path, nargs="+", default=[],
              help="the answers to tasks 1 and 2: PDF, PNG or JPEG"),
       option("--force", action="store_true", help="replace NUMBER.zip if it exists"),
       option("--anyway", action="store_true",
              help="pack results even if their settings or loss are not as the assignment asks"))
def submit(options):
    """Check what is handed in, and pack it as NUMBER.zip: the three modules with the files beside
    them that they import, the answers to tasks 1 and 2, and the results of training."""
    archive = Path(f"{options.number}.zip")
    name_faults = check_name(archive, options)
    answers = options.answers or [OUR_ANSWERS] * OUR_ANSWERS.is_file()
    results = [options.results / name for name in (EMBEDDINGS_PICTURE, *ARRAYS)]
    modules, faults = with_helpers(MODULES)
    contents = {}
    for file in [HERE / name for name in modules] + answers + results:
        faults += add_file(contents, file)
    faults += check_answers(answers)
    if all(name in contents for name in ARRAYS):
        faults += check_results(options.results, options.anyway)
    if not name_faults:                 # it takes a while, and one has to come again anyway
        faults += check_tasks({name: contents[name] for name in modules if name in contents})

    faults = name_faults + faults
    if faults:
        raise InputError("\n".join(["nothing was packed:", *faults]))
    with whole_file(archive) as file, zipfile.ZipFile(file, "w") as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    note = "" if options.answers else "; the answers are those of this project, not yours"
    print(f"{archive}: {', '.join(contents)}{note}")
    known = load_run(options.results) or "a run of which nothing is known"
    print(f"the results are of {known}")


def check_name(archive, options):
    """List what is wrong with the name of the archive."""
    faults = []
    if not re.fullmatch(r"FN[0-9][0-9A-Z]{3,14}", options.number):
        faults.append(f"{options.number}: not a faculty number such as FN0MI0600123")
    if archive.exists() and not options.force:
        faults.append(f"{archive}: exists already; --force packs it anew")
    return faults


def with_helpers(modules):
    """Find the files that modules import from beside them, and those that these import in turn.

    Returns
    -------
    the names of all files, and a list of what cannot be handed in
    """
    names, faults = list(modules), []
    for name in names:                                  # grows on the way
        for imported in imports_of(HERE / name):
            file = f"{imported}.py"
            if (HERE / file).is_file() and file not in (*names, *OUR_FILES):
                names.append(file)
            elif (HERE / imported).is_dir():
                faults.append(f"{name}: imports the folder {imported}, which is not handed in; put "
                              "what it needs into a file beside it")
    return names, faults


def imports_of(file):
    """List the names of the modules that a file imports; none if it is not valid Python."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):          # the checks of the tasks say it
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return [name.partition(".")[0] for name in names]


def add_file(contents, file):
    """Add a file to the contents, name -> bytes, and list what is wrong with it."""
    if file.name in contents:
        return [f"{file}: a file of this name is in the archive already; rename one"]
    if not file.is_file() or not file.stat().st_size:
        advice = "; train first: python run.py" if file.name.startswith("w2v-") else ""
        return [f"{file}: missing or empty{advice}"]
    contents[file.name] = file.read_bytes()
    return []


def check_answers(answers):
    """List what is wrong with the files of answers."""
    if not answers:
        return ["name your answers to tasks 1 and 2 with --answers"]
    return [f"{file}: answers are handed in as {', '.join(ANSWER_SUFFIXES)}"
            for file in answers if file.is_file() and file.suffix.lower() not in ANSWER_SUFFIXES]


def check_results(folder, anyway):
    """List what is wrong with the results in a folder, or not as the assignment asks."""
    try:
        load_results(folder)
    except InputError as error:
        return [str(error)]
    run = load_run(folder)
    if run is None or anyway:
        return []
    differences = []
    for name in "dim", "negatives", "window", "vocabulary", "batch_size", "pairs":
        value, asked = run.settings.get(name), ASSIGNMENT[name] or "all"
        if value != ASSIGNMENT[name]:
            differences.append(f"with --{name.replace('_', '-')} {value}, not {asked}")
    if not run.loss <= ASSIGNED_LOSS:       # NaN is not
        differences.append(f"with a loss of {run.loss:.2f}; the assignment asks for "
                           f"{ASSIGNED_LOSS}")
    return [f"the results in {folder} are of a run {difference}; train again, or --anyway"
            for difference in differences]


def check_tasks(modules):
    """Run the checks of tasks 3–6 on modules, name -> bytes, in a folder with no other modules."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, content in modules.items():
            (folder / name).write_bytes(content)
        shutil.copytree(HERE / "beyond", folder / "beyond")
        for name in "test.py", "pyproject.toml", "utils.py":
            shutil.copy(HERE / name, folder / name)
        return failing_tasks(folder)


def failing_tasks(folder=HERE):
    """Run the checks of tasks 3–6 by the test.py in a folder, and list the tasks that fail."""
    tell("checking tasks 3 to 6 …")
    checks = {task: subprocess.Popen([sys.executable, folder / "test.py", task], cwd=folder,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL) for task in TASKS}
    return [f"task {task} fails; see python test.py {task}"
            for task, check in checks.items() if check.wait()]
