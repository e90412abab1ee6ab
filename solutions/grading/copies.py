"""Choose among several copies of a module the one that is to be graded."""

import ast
import io
import re
import tokenize
import warnings
from collections import defaultdict
from dataclasses import dataclass

from beyond.submission import MODULES
from solutions.grading.names import is_renamed, listed, meant_name
from solutions.grading.unpack import MB, File, Unfit

# What the assignment asks for.
FUNCTIONS = {"sampling.py": ("createSamplingSequence", "noiseDistribution"),
             "grads.py": ("lossAndGradient", "lossAndGradientBatched"),
             "w2v_sgd.py": ("stochasticGradientDescend",)}

MOST_COPIES = 20                # of a module that are compared
MOST_OF_SOURCE = MB
MOST_PARSED = 200_000           # bytes of a module


@dataclass(frozen=True)
class Copy:
    """A file that is, or is obviously meant to be, one of the modules."""

    file: File
    data: bytes
    written: int        # how many of its functions

    @property
    def rank(self):
        """Return what copies in one folder are compared by."""
        return self.written, not is_renamed(self.file.place), self.file.date


def chosen_modules(files, notes):
    """Choose the copy of each module that is to be graded.

    The folder with all three wins, then the one in which more is written, and then the one less
    deep. From another comes what is missing there, and a module of which nothing is written there.

    Returns
    -------
    dict from the name of a module to its Copy
    """
    problems = []
    copies = {name: copies_of(name, files, problems) for name in MODULES}
    if problems and not any(copies.values()):
        raise Unfit(problems[0])
    notes += problems
    folders = defaultdict(dict)                 # folder -> module -> its best copy there
    for name, found in copies.items():
        for one in sorted(found, key=lambda one: one.rank):
            folders[one.file.place.parent][name] = one
    ranked = sorted(folders, key=lambda folder: folder_rank(folder, folders[folder]))
    if not ranked:
        return {}

    best = folders[ranked[-1]]
    chosen = {}
    for name, found in copies.items():
        others = sorted(found, key=lambda one: (one.written, -depth(one), one.rank))
        if name in best and (best[name].written or not others[-1].written):
            chosen[name] = best[name]
        elif others:
            chosen[name] = others[-1]
    reason = why_better([folder_rank(folder, folders[folder]) for folder in ranked])
    note_copies(copies, chosen, best, reason, notes)
    return chosen


def depth(one):
    """Return how deep a copy lies."""
    return len(one.file.place.parts)


def copies_of(name, files, problems):
    """Read the copies of a module; those that cannot be read are listed as problems."""
    files = [file for file in files if meant_name(file.place) == name]
    found = []
    for file in files[:MOST_COPIES]:
        try:
            found.append((file, file.read(MOST_OF_SOURCE)))
        except Unfit as error:
            problems.append(f"{file.place}: {error}")
    differ = len({data for _, data in found}) > 1
    return [Copy(file, data, functions_written(name, data) if differ else 0)
            for file, data in found]


def folder_rank(folder, modules):
    """Return what folders are compared by; see REASONS."""
    return (len(modules) == len(MODULES), sum(one.written for one in modules.values()),
            len(modules), -len(folder.parts), max(one.file.date for one in modules.values()))


REASONS = ("all three lie together there", "more is written there", "more of them lie there",
           "they are less deep", "they are newer")


def why_better(ranks):
    """Say what makes the last of ascending ranks better than the one before."""
    if len(ranks) > 1:
        for reason, best, second in zip(REASONS, ranks[-1], ranks[-2]):
            if best != second:
                return f" ({reason})"
    return ""


def note_copies(copies, chosen, best, reason, notes):
    """Note which copies were graded, and which that differ from them were not."""
    graded, not_graded = [], []
    for name, one in chosen.items():
        if is_renamed(one.file.place):
            notes.append(f"{one.file.place} was taken as {name}")
        if name in best and one is not best[name]:
            notes.append(f"{name}: nothing is written in {best[name].file.place}")
        others = [other for other in copies[name] if other.data != one.data]
        if others:
            graded.append(one.file.place)
            not_graded += [other.file.place for other in others]
    if graded:
        notes.append(f"graded: {listed(graded)}{reason}; other copies, not graded: "
                     f"{listed(not_graded)}")


# --- what is written in a module ------------------------------------------------------------------

MARKS = "your code", "вашия код"         # in the comments around a blank
END = re.compile(r"\b(end|край)\b")


def functions_written(name, data):
    """Count the functions of a module that the student was to write, and has written."""
    names = FUNCTIONS[name]
    if len(data) > MOST_PARSED:
        return len(names)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            text = data.decode(encoding)
            tree = ast.parse(text)
    except Exception:               # what does not compile, too deep, of no known encoding
        return 0
    return sum(is_written(function, tree, text) for function in names)


def is_written(name, tree, text):
    """Tell whether a function is defined and no blank, or comes from elsewhere."""
    for node in reversed(tree.body):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return not is_blank(node, ast.get_source_segment(text, node))
        if isinstance(node, ast.ImportFrom):
            if any((alias.asname or alias.name) in (name, "*") for alias in node.names):
                return True
    return False


def is_blank(function, text):
    """Tell whether a function is as it was handed out, by the course or by us."""
    is_left = all(
        isinstance(statement, ast.Pass)
        or isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        for statement in function.body)                 # nothing but pass, a docstring or …
    raises = any(line.strip().startswith("raise NotImplementedError")
                 for line in text.splitlines())
    return is_left or raises or has_empty_blank(text)


def has_empty_blank(text):
    """Tell whether nothing stands between the marks of a blank, in English or Bulgarian."""
    is_inside = is_empty = False
    for line in text.splitlines():
        code, _, comment = line.partition("#")
        comment = comment.lower()
        if any(mark in comment for mark in MARKS):
            is_end = END.search(comment)
            if is_end and is_inside and is_empty:
                return True
            is_inside = is_empty = not is_end
        elif code.strip() not in ("", "pass", "..."):
            is_empty = False
    return is_inside and is_empty           # a comment below the last line is not in the text
