"""What names say: whose a file is, and which of the expected files it is meant to be."""

import re
import unicodedata

from beyond.results import ARRAYS, EMBEDDINGS_PICTURE
from beyond.settings import MODULES

# How platforms name what they let a teacher download. Moodle: a folder Ivan
# Petrov_123456_assignsubmission_file_, or a file Ivan Petrov_123456_assignsubmission_file_FN1.zip.
# A profile's name may hold such an ending, too: the last one is Moodle's own.
MOODLE = re.compile(r"(?P<student>.+)_(?P<number>[0-9]+)_assignsubmission_[^_]+(_(?P<file>.*))?",
                    re.DOTALL)
CANVAS = re.compile(r"(?P<student>[^_]+)(_LATE)?_[0-9]{3,}_[0-9]{3,}_(?P<file>.+)")
BLACKBOARD = re.compile(r".+?_(?P<student>[^_]+)_attempt_[0-9]{4}(-[0-9]{2})+(_(?P<file>.+)|\..+)")
# How students name their files: FN81234.zip, fn0mi0600123_grads.py, Ivan_Petrov_grads.py; a number
# without FN, 81234_grads.py, counts only before the name of a file, since a date may look so.
NUMBER = re.compile(r"(?P<student>[Ff][Nn]([0-9][0-9A-Z]*|[0-9]+[a-z]{2}[0-9]+)"
                    r"|([0-9]{5,}|[0-9]+[A-Za-z]{2}[0-9]{5,})(?=[ _-]+.+\.))"
                    r"([ _-]+(?P<file>.+)|\W.*)?")
NAME = re.compile(r"(?P<student>[A-ZА-Я][a-zа-я]+([ _][A-ZА-Я][a-zа-я]+)+)"
                  r"([ _-]+(?P<file>.+)|\W.*)?")

# What browsers, Windows and macOS add to a second file of the same name.
COPIED = r"(\s*\(\d+\)|\s*[-–—]\s*(copy|копие)|\s+copy(\s+\d+)?)+"
COPY = re.compile(rf"(?<!\s){COPIED}$", re.IGNORECASE)     # each of many spaces is no beginning

EXPECTED = {name.lower(): name for name in (*MODULES, *ARRAYS, EMBEDDINGS_PICTURE)}
STEMS = "|".join(re.escape(name.rpartition(".")[0]) for name in EXPECTED)
MEANT = re.compile(rf"((copy of|копие на) )?(?P<stem>{STEMS})(-[0-9]+)?({COPIED})?")
MOST_NAME = 255         # characters of a name on a disk; in archives there are longer ones
# Letters and marks without ink: as padding they would put a forged row on a line of its own.
BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
                   "\U0001d159\U000e0100-\U000e01ef]")
# Folders and files that programs make.
JUNK = {"venv", "env", "__pycache__", "__macosx", "site-packages", "node_modules", "thumbs.db",
        "desktop.ini"}


def is_junk(name):
    """Tell whether a file or folder of this name is hidden or made by a program."""
    return (name.startswith(".") or name.lower() in JUNK) and not MOODLE.fullmatch(name)


# --- whose it is ----------------------------------------------------------------------------------

def student_and_file(name):
    """Split a name into its student and what the student called the file.

    Returns
    -------
    student : "" if the name says nothing of one
    file : without the student and what a platform puts there
    """
    for pattern in MOODLE, CANVAS, BLACKBOARD, NUMBER, NAME:
        match = pattern.fullmatch(name[:MOST_NAME])
        if match:
            return match["student"], match["file"] or ""
    return "", name


def student_of(place):
    """Return the student that a path inside a hand-in names, "" if none."""
    return next(filter(None, (student_and_file(part)[0] for part in place.parts)), "")


def are_of_several(modules, archives):
    """Tell whether the modules and archives of one hand-in carry the names of different people.

    modules, archives : paths inside the hand-in
    """
    owners = {name_key(student_of(place)) for place in modules}
    everybody = owners | {name_key(student_of(place)) for place in archives}
    return "" not in owners and len(everybody - {""}) > 1


def name_key(name):
    """Return what a student's name is compared by.

    Moodle leaves some characters out of the names of files; all spaces are alike.
    """
    name = unicodedata.normalize("NFKC", file_name(name)).replace("_", " ")
    return " ".join(name.split()).casefold()


def file_name(name):
    """Return a student's name as part of the name of a file; equal ones have equal keys."""
    name = re.sub(r"""[&<>"`|':\\/*?’]""", "", printable(name))
    return " ".join(name.split())[:50].strip(" .")     # at most 200 bytes


def report_name(student, identifier):
    """Return the name of a student's report, without its ending."""
    return f"{file_name(student)} {identifier}".strip() or "_"


# --- lines of text --------------------------------------------------------------------------------

def printable(text, most=300):
    """Return a stranger's text on one line, without control or blank characters, and cut."""
    text = str(text)[:10 * most].encode(errors="replace").decode()
    text = "".join(char if char.isprintable() else " " for char in BLANK.sub(" ", text))
    return " ".join(text.split())[:most]


def abbreviated(lines, most):
    """Return at most so many of the lines, the last one then saying how many more there are."""
    if len(lines) <= most:
        return lines
    return [*lines[:most - 1], f"and {len(lines) - most + 1} more"]


# --- which file is meant --------------------------------------------------------------------------

def meant_name(name):
    """Return the name of the module, array or picture that a file is obviously meant to be.

    sampling.py is meant by sampling (1).py, sampling - Copy.py, Copy of sampling.py, SAMPLING.PY,
    sampling.py.txt, FN1_sampling.py. A name longer than a disk takes means nothing.
    """
    if len(name) > MOST_NAME:
        return None
    for candidate in name, student_and_file(name)[1]:
        plain = re.sub(r"\.py\.(py|txt)$", ".py", candidate.lower())
        plain = re.sub(r"\.jpe?g$", ".png", plain)
        stem, dot, ending = plain.rpartition(".")
        match = MEANT.fullmatch(stem)
        if match and match["stem"] + dot + ending in EXPECTED:
            return EXPECTED[match["stem"] + dot + ending]
    return None
