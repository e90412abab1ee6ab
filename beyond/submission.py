"""Handing in: the command submit, which checks what is handed in and packs it."""

import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from beyond.command_line import command, option
from beyond.commands import RESULTS
from beyond.results import (
    ARRAYS,
    EMBEDDINGS_PICTURE,
    RUN,
    WORDS,
    are_of_one_model,
    load_run,
    whole_file,
)
from beyond.settings import ASSIGNED_LOSS, ASSIGNMENT
from utils import InputError

HERE = Path(__file__).resolve().parent.parent
MODULES = "sampling.py", "grads.py", "w2v_sgd.py"
TASKS = "3", "4", "5", "6"
OUR_ANSWERS = HERE / "solutions/tasks-1-2.pdf"
ANSWERS = ".pdf", ".png", ".jpg", ".jpeg"
# How files of a kind begin.
BEGINNINGS = {".pdf": b"%PDF-", ".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff",
              ".jpeg": b"\xff\xd8\xff"}


@command(option("number", metavar="NUMBER", help="your faculty number, such as FN0MI0600123"),
         RESULTS,
         option("--answers", metavar="FILE", type=Path, nargs="+", default=[],
                help="the answers to tasks 1 and 2: PDF, PNG or JPEG (solutions/tasks-1-2.pdf)"),
         option("--force", action="store_true", help="pack again what has been packed"),
         option("--anyway", action="store_true",
                help="pack results of other settings than the assignment's, or of a higher loss"))
def submit(options):
    """Check all that is handed in, and pack it as NUMBER.zip: the three modules, the answers to
    tasks 1 and 2, and the results of training."""
    archive = Path(f"{options.number}.zip")
    name_faults = check_name(archive, options)
    run = load_run(options.results)
    contents, faults = {}, []
    for name in MODULES:
        faults += add_file(contents, HERE / name, "")
    for file in options.answers or [OUR_ANSWERS]:
        faults += add_file(contents, file, "; name your answers with --answers", kinds=ANSWERS)
    for name in EMBEDDINGS_PICTURE, *ARRAYS:
        faults += add_file(contents, options.results / name, "; train first: python run.py")
    faults += check_arrays(options.results)
    if run and not options.anyway:
        faults += check_run(run, options.results)
    faults += check_that_it_is_of(run, contents, options.results)
    if not name_faults:                 # it takes a while, and one has to come again anyway
        faults += check_tasks()

    faults = name_faults + faults
    if faults:
        raise InputError("\n".join(["nothing was packed:", *faults]))
    write_archive(contents, archive)
    note = "" if options.answers else "; the answers are those of this project, not yours"
    print(f"{archive}: {', '.join(contents)}{note}")
    print(f"the results are of {run or 'a run of which nothing is known'}")


def check_name(archive, options):
    """List what is wrong with the name of the archive."""
    faults = []
    if not re.fullmatch(r"FN[0-9][0-9A-Z]{3,14}", options.number):
        faults.append(f"{options.number}: not a faculty number such as FN0MI0600123")
    if archive.exists() and not options.force:
        faults.append(f"{archive}: exists already; --force packs it anew")
    return faults


def add_file(contents, file, advice, kinds=None):
    """Add a file to the contents, name -> bytes, and list what is wrong with it.

    advice : what to do if it is missing
    kinds : the endings that its name may have, if not any
    """
    if file.name in contents:
        return [f"{file}: a file of this name is in the archive already; rename one"]
    if not file.is_file() or not file.stat().st_size:
        return [f"{file}: missing or empty{advice}"]
    content = contents[file.name] = file.read_bytes()
    kind = file.suffix.lower()
    if kinds and kind not in kinds:
        return [f"{file}: answers are handed in as {', '.join(kinds)}"]
    is_cut_off = kind == ".png" and b"IEND" not in content[-12:]
    if is_cut_off or not content.startswith(BEGINNINGS.get(kind, b"")):
        return [f"{file}: not a whole file of this kind"]
    return []


def check_arrays(folder):
    """List what is wrong with U, V and W, those that are there, and with the words beside them."""
    faults, arrays = [], []
    for file in (folder / name for name in ARRAYS):
        if not file.is_file() or not file.stat().st_size:
            continue
        try:
            arrays.append(np.load(file, allow_pickle=False))
            if not np.isfinite(arrays[-1]).all():
                faults.append(f"{file}: not all of it is finite; train again")
        except Exception:           # as in load_results
            faults.append(f"{file}: not an array of numbers; train again")
    if len(arrays) < len(ARRAYS):
        return faults

    words = folder / WORDS
    count = words.read_bytes().count(b"\n") if words.is_file() else len(arrays[0])
    if not are_of_one_model(*arrays):
        shapes = [X.shape for X in arrays]
        faults.append(f"{folder}: U, V and W have the shapes {shapes}; they are not of one run")
    elif count != len(arrays[0]):
        faults.append(f"{words}: {count} words, but {len(arrays[0])} rows of U; they are not of "
                      "one run")
    return faults


def check_run(run, folder):
    """List how a run differs from the one that the assignment asks for."""
    faults = []
    names = ("dim", "negatives", "window", "vocabulary", "batch_size", "pairs")
    for name in names:
        value = run.settings.get(name)
        if value != ASSIGNMENT[name]:
            asked = "all" if name == "pairs" else ASSIGNMENT[name]
            flag = f"--{name.replace('_', '-')}"
            faults.append(f"{folder}: of a run with {flag} {value}, not {asked}; train again, or "
                          "--anyway")
    if not run.loss <= ASSIGNED_LOSS:       # NaN is not
        faults.append(f"{folder}: of a run with a loss of {run.loss:.2f}; the assignment asks for "
                      f"{ASSIGNED_LOSS}; train longer, or --anyway")
    return faults


def check_that_it_is_of(run, contents, folder):
    """List whether the arrays are of another run than w2v-run.json says."""
    try:
        U = np.load(BytesIO(contents[ARRAYS[0]]), allow_pickle=False)
    except Exception:               # said already
        return []
    if run and U.shape != (run.words, run.settings.get("dim")):
        return [f"{folder / RUN}: of another run than {ARRAYS[0]}, which has the shape {U.shape}; "
                "train again"]
    return []


def check_tasks():
    """Run the checks of tasks 3–6, and list those that fail."""
    faults = []
    for task in TASKS:
        print(f"checking task {task} …", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, HERE / "test.py", task], capture_output=True).returncode:
            faults.append(f"task {task} fails; see python test.py {task}")
    return faults


def write_archive(contents, path):
    """Write a zip file, whole or not at all; the same contents give the same bytes."""
    # The files are stored as they are, since what zlib makes of them differs from version to
    # version. Each is dated 1980, and Unix is said to have made it, wherever that was.
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            archive.writestr(entry, content)
