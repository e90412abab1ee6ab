"""Read what one student handed in, without trusting it.

Nothing is unpacked onto the disk, no link is followed, nothing is imported, and no more is read
into memory than the limits below allow, whatever an archive says of itself.
"""

import ast
import bz2
import copy
import io
import lzma
import os
import re
import stat
import tokenize
import unicodedata
import warnings
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from beyond.results import ARRAYS, EMBEDDINGS_PICTURE, LOSS_PICTURE, WORDS
from beyond.submission import MODULES

ARTEFACTS = *ARRAYS, WORDS, EMBEDDINGS_PICTURE
ANSWERS = {".pdf", ".png", ".jpg", ".jpeg", ".heic", ".tif", ".tiff", ".webp", ".bmp", ".doc",
           ".docx", ".odt", ".rtf", ".md", ".tex", ".txt"}
DATA = {".txt", ".json", ".npy", ".npz", ".csv"}        # which a module may open beside itself
OTHER_ARCHIVES = {".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"}

# What the assignment asks for.
FUNCTIONS = {"sampling.py": ("createSamplingSequence", "noiseDistribution"),
             "grads.py": ("lossAndGradient", "lossAndGradientBatched"),
             "w2v_sgd.py": ("stochasticGradientDescend",)}

MB = 1 << 20
MOST_ENTRIES = 100_000
MOST_OF_SOURCE = MB
MOST_OF_SOURCES, MOST_SOURCES = 8 * MB, 200
MOST_OF_ARTEFACT = dict.fromkeys(ARRAYS, 256 * MB) | {WORDS: 16 * MB, EMBEDDINGS_PICTURE: 64 * MB}
MOST_OF_INNER, MOST_INNER = 256 * MB, 3         # archives in the archive
MOST_OF_NOTEBOOK, MOST_NOTEBOOKS = 16 * MB, 5
MOST_COPIES = 20                                # of a module that are compared
MOST_PARSED = 200_000                           # bytes of a module
MOST_ANSWERS, MOST_NOTES = 50, 20


class Unfit(Exception):
    """A hand-in, or a file in it, that cannot be taken; the message says why in one line."""


@dataclass
class Contents:
    """What was handed in."""

    sources: dict = field(default_factory=dict)     # "grads.py", "helpers/x.py" -> bytes
    artefacts: dict = field(default_factory=dict)   # name -> bytes, or Unfit if it cannot be read
    answers: list = field(default_factory=list)     # names of what may be answers to tasks 1 and 2
    notes: list = field(default_factory=list)       # lines for the report


@dataclass(frozen=True)
class File:
    """A file of a hand-in, which is read when it is asked for."""

    place: PurePosixPath
    date: tuple                     # of its last change
    is_link: bool                   # or a special file; never read
    read: Callable[[int], bytes]    # given the most bytes that it may have; raises Unfit


# --- names ----------------------------------------------------------------------------------------

CODE_PAGES = "cp866", "cp1251", "mac_cyrillic"      # of DOS and old zip programs, Windows, macOS
BY_FREQUENCY = "аиоетнрсвлкдпмзъгябучйцжхшщфюьѝ"    # the letters of Bulgarian text


def decoded_name(entry):
    """Return the name of a zipfile.ZipInfo, with / between folders.

    One that is not marked as UTF-8 may be so nevertheless, or in one of the Cyrillic code pages:
    zip files do not say in which, so the one is taken that gives the most plausible Bulgarian.
    """
    name = entry.filename
    is_marked = entry.flag_bits & 0x800
    if not is_marked and not name.isascii():
        try:
            name = decoded(name.encode("cp437"))        # as zipfile has read it
        except UnicodeEncodeError:                      # from a field for Unicode names
            pass
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def place_of(name):
    """Return the place of a file, in which what cannot be printed is a question mark."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    return PurePosixPath(name)


def decoded(raw):
    """Return the text that the bytes of a name stand for."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        readings = [raw.decode(page, errors="replace") for page in CODE_PAGES]
        return max(readings, key=plausibility)


def plausibility(text):
    """Say how much a text looks like Bulgarian; more is better."""
    score = 0
    for letter in text:
        rank = BY_FREQUENCY.find(letter.lower())
        if rank >= 0:
            score += len(BY_FREQUENCY) - rank
        elif not letter.isascii():                      # a line of a box, a letter of Serbian
            score -= len(BY_FREQUENCY)
    for previous, letter in zip(text, text[1:]):
        if previous.islower() and letter.isupper():
            score -= len(BY_FREQUENCY)
    return score


def pattern_of_copies(name):
    """Return the pattern of the names that browsers, mail and systems make of that of a file.

    So sampling (1).py, sampling - Copy.py, Copy of sampling.py, SAMPLING.PY, sampling.py.txt.
    """
    stem, ending = os.path.splitext(name)
    endings = {".py": r"\.py(\.txt|\.py)?", ".png": r"\.(png|jpe?g)"}
    ending = endings.get(ending, re.escape(ending))
    before = "(copy of |копие на )?"
    after = r"( ?- ?copy| copy| ?- ?копие)?( ?\(\d+\))?"
    return re.compile(before + re.escape(stem) + after + ending, re.IGNORECASE)


PATTERNS = {name: pattern_of_copies(name) for name in (*MODULES, *ARTEFACTS)}


def meant_name(place):
    """Return the name of the module or artefact that a file is obviously meant to be, or None."""
    for name, pattern in PATTERNS.items():
        if pattern.fullmatch(place.name):
            return name
    return None


def is_renamed(place):
    """Tell whether a file that is meant to be a module or artefact has another name."""
    return place.name != meant_name(place)


def doubtful_names(module, files):
    """List the files that are perhaps meant to be a module: sampling_final.py, w2v-sgd.py."""
    endings = {".py", ".pyc", ".txt", ".rtf", ".docx", ".lnk"}
    letters = re.sub(r"\W|_", "", module.removesuffix(".py"))
    return [str(file.place) for file in files
            if file.place.suffix.lower() in endings and not meant_name(file.place)
            and letters in re.sub(r"\W|_", "", file.place.name.lower())]


JUNK = {"venv", "env", "__pycache__", "__MACOSX", "site-packages", "node_modules"}


def is_junk(place):
    """Tell whether programs have made a file: it is hidden, or in one of their folders."""
    return any(part in JUNK or part.startswith(".") for part in place.parts)


def of_the_student(files):
    """Leave out junk, and the folders of the hand-out that a student does not change."""
    marks = ("corpus", "reading.py"), ("beyond", "settings.py")
    handed_out = {file.place.parent for file in files if file.place.parts[-2:] in marks}
    return [file for file in files
            if not is_junk(file.place) and not handed_out.intersection(file.place.parents)]


def abbreviated(lines, most):
    """Return so many of the lines at most, the last one then saying how many more there are."""
    if len(lines) <= most:
        return lines
    return [*lines[:most - 1], f"and {len(lines) - most + 1} more"]


def listed(names):
    """Write names in a line."""
    return ", ".join(abbreviated([str(name) for name in names], 6))


# --- zip files and folders ------------------------------------------------------------------------

def opened_zip(file):
    """Open a zip file, given by its path or its bytes."""
    try:
        return zipfile.ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file)
    except Exception as error:          # whatever zipfile meets in a damaged one
        raise Unfit(f"not a readable zip file: {in_a_line(error)}") from None


def files_in_zip(archive, inside=PurePosixPath()):
    """List the files of an open zip file.

    inside : its own place, if it was in an archive itself
    """
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise Unfit(f"it holds {len(entries)} files, more than {MOST_ENTRIES}")
    files = []
    for entry in entries:
        name = decoded_name(entry)
        place = place_of(name)
        has_drive = re.match("[A-Za-z]:/", name)        # C:\\grads.py; not so 1: задача.pdf
        if has_drive or place.is_absolute() or ".." in place.parts:
            raise Unfit(f"{str(place)[:100]} would be unpacked outside of its folder")
        if place.name and not name.endswith("/"):
            files.append(File(inside / place, entry.date_time, is_link(entry),
                              partial(unpacked, archive, entry)))
    return files


def is_link(entry):
    """Tell whether an entry is a link or a special file."""
    made_by_unix = entry.create_system == 3
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return made_by_unix and kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def unpacked(archive, entry, most):
    """Return the bytes of an entry; Unfit if there are more than most."""
    if entry.flag_bits & 1:
        raise Unfit("asks for a password")
    # What is packed has at most a little more bytes than what it was made of.
    if max(entry.file_size, entry.compress_size - MB) > most:
        raise Unfit(f"larger than {most // MB} MB")
    try:
        packed = packed_bytes(archive, entry)
        data = decompressed(packed, entry.compress_type, most=max(1, entry.file_size))
    except Unfit:
        raise
    except Exception as error:          # zipfile and what decompresses have many kinds
        raise Unfit(f"not readable: {in_a_line(error)}") from None
    if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
        raise Unfit("not readable: damaged")
    return data


def packed_bytes(archive, entry):
    """Return the bytes of an entry as they are in the archive.

    zipfile itself decompresses bzip2 and LZMA without a limit, and 4 kB can become gigabytes.
    """
    stored = copy.copy(entry)
    stored.compress_type = zipfile.ZIP_STORED
    stored.file_size = entry.compress_size
    del stored.CRC                      # of the bytes when unpacked
    with archive.open(stored) as stream:
        return stream.read()


def decompressed(packed, method, most):
    """Decompress bytes by a method of zip files, at most so many; 0 would be no limit to zlib."""
    if method == zipfile.ZIP_STORED:
        return packed
    if method == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    if method == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor().decompress(packed, most)
    if method == zipfile.ZIP_LZMA:
        # Two bytes of a version, two that say that five of settings follow. With the size, here
        # unknown, the settings are the head of the older format .lzma.
        unknown_size = b"\xff" * 8
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=256 * MB)
        return decompressor.decompress(packed[4:9] + unknown_size + packed[9:], most)
    raise Unfit(f"packed by a method that is not read (number {method}); pack it as usual")


def in_a_line(error):
    """Return the first line of an error's message, or its kind if it has none."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:100]


def files_in_folder(folder):
    """List the files below a folder. Links are listed, too, but not followed."""
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_junk(PurePosixPath(name))]
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in names + linked:
            path = Path(parent) / name
            try:
                status = path.lstat()
            except OSError:
                continue
            name = decoded(os.fsencode(path.relative_to(folder).as_posix()))
            place = place_of(unicodedata.normalize("NFC", name))
            is_regular = stat.S_ISREG(status.st_mode)
            files.append(File(place, (status.st_mtime,), not is_regular, partial(read_file, path)))
            if len(files) > MOST_ENTRIES:
                raise Unfit(f"it holds more than {MOST_ENTRIES} files")
    return files


def read_file(path, most):
    """Return the bytes of a file; Unfit if there are more than most."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise Unfit(f"not readable: {error.strerror}") from None
    if len(data) > most:
        raise Unfit(f"larger than {most // MB} MB")
    return data


# --- what is in it --------------------------------------------------------------------------------

def read_hand_in(path):
    """Read what a student handed in.

    Parameters
    ----------
    path : of a .zip file, or of a folder with loose files

    Raises
    ------
    Unfit : it is no zip file, one that could do harm, or none of its modules can be read
    """
    path = Path(path)
    if path.is_dir():
        return contents_of(files_in_folder(path))
    with opened_zip(path) as archive:
        return contents_of(files_in_zip(archive))


def contents_of(files):
    """Choose among the files of a hand-in, and read those that are chosen."""
    notes = []
    files = with_inner_archives(of_the_student(files), notes)
    links = [file for file in files if file.is_link]
    files = [file for file in files if not file.is_link]
    files.sort(key=lambda file: (len(file.place.parts), str(file.place)))    # the shallowest first

    modules = chosen_modules(files, notes)
    note_missing(modules, files, notes)
    note_links(links, notes)
    note_notebooks(files, notes)
    sources = read_sources(modules, files, notes)
    artefacts = read_artefacts(files, notes)
    return Contents(sources, artefacts, answers_in(files), abbreviated(notes, MOST_NOTES))


def with_inner_archives(files, notes):
    """Return the files and, if no module is among them, those in the archives among them."""
    archives = [file for file in files
                if file.place.suffix.lower() in (".zip", *OTHER_ARCHIVES) and not file.is_link]
    opened = []
    if not any(meant_name(file.place) in MODULES for file in files):
        zip_files = [file for file in archives if file.place.suffix.lower() == ".zip"]
        opened = zip_files[:MOST_INNER]
    for file in opened:
        try:
            inner = opened_zip(file.read(MOST_OF_INNER))
            files = files + of_the_student(files_in_zip(inner, inside=file.place))
        except Unfit as error:
            notes.append(f"{file.place}: {error}")
        else:
            notes.append(f"{file.place}, an archive in the hand-in, was looked into")
    closed = [file.place for file in archives if file not in opened]
    if closed:
        notes.append(f"not looked into: {listed(closed)}")
    return files


def note_missing(modules, files, notes):
    """Note what might be meant for a module that is not there."""
    for name in MODULES:
        if name not in modules:
            doubtful = doubtful_names(name, files)
            if doubtful:
                notes.append(f"there is no {name}; not taken for it: {listed(doubtful)}")


def note_links(links, notes):
    """Note the links, which are taken for missing; first those that should have been files."""
    links.sort(key=lambda file: meant_name(file.place) is None)
    if links:
        names = listed(file.place for file in links)
        notes.append(f"links or special files, which are not followed: {names}")


def note_notebooks(files, notes):
    """Note the notebooks in which functions of the assignment are written."""
    definitions = [f"def {name}".encode() for names in FUNCTIONS.values() for name in names]
    notebooks = [file for file in files if file.place.suffix.lower() == ".ipynb"]
    for file in notebooks[:MOST_NOTEBOOKS]:
        try:
            data = file.read(MOST_OF_NOTEBOOK)
        except Unfit as error:
            notes.append(f"{file.place}: {error}")
        else:
            if any(definition in data for definition in definitions):
                notes.append(f"{file.place}: notebooks are not graded, only {', '.join(MODULES)}")


def read_sources(modules, files, notes):
    """Read the modules, and the other files beside them that they may import or open.

    Returns
    -------
    dict from name, for files in packages with their folders, to bytes; the modules come first
    """
    sources = {name: module.data for name, module in modules.items()}
    beside = files_beside([module.file for module in modules.values()], files)
    room = MOST_OF_SOURCES
    left_out = []
    for name, file in beside.items():
        if name in MODULES:             # chosen already, or unreadable
            continue
        if len(sources) == MOST_SOURCES or room <= 0:
            left_out.append(file.place)
            continue
        try:
            sources[name] = file.read(MOST_OF_SOURCE)
        except Unfit as error:
            if file.place.suffix == ".py":
                notes.append(f"{file.place}: {error}")
        else:
            room -= len(sources[name])
    if left_out:
        notes.append(f"not taken, since there are too many files: {listed(left_out)}")
    return sources


def files_beside(modules, files):
    """Find the files that modules may import, and then those that they may open.

    Returns
    -------
    dict from the name of a file, as seen from the modules, to the file
    """
    # The folder of the most modules comes first.
    folders = Counter(module.place.parent for module in modules).most_common()
    imported, opened = {}, {}
    for folder, _ in folders:
        for file in files:
            if folder not in file.place.parents or file in modules:
                continue
            place = file.place.relative_to(folder)
            name = str(place)
            is_in_package = all(part.isidentifier() for part in place.parent.parts)
            if place.suffix == ".py" and place.stem.isidentifier() and is_in_package:
                imported.setdefault(name, file)
            elif place.suffix.lower() in DATA and name == place.name and not meant_name(place):
                opened.setdefault(name, file)
    return {name: file for name, file in (imported | opened).items() if len(name) <= 100}


def read_artefacts(files, notes):
    """Read the arrays, words and picture, from one folder as far as it holds them."""
    folders = defaultdict(list)
    for file in files:
        if meant_name(file.place) in ARTEFACTS:
            folders[file.place.parent].append(file)

    def rank(folder):
        arrays = {meant_name(file.place) for file in folders[folder]}.intersection(ARRAYS)
        return len(arrays), -len(folder.parts), max(file.date for file in folders[folder])

    artefacts = {}
    for number, folder in enumerate(sorted(folders, key=rank, reverse=True)):
        for file in sorted(folders[folder], key=lambda file: is_renamed(file.place)):
            name = meant_name(file.place)
            is_of_other_arrays = name == WORDS and number > 0
            if name in artefacts or is_of_other_arrays:
                continue
            if is_renamed(file.place):
                notes.append(f"{file.place} was taken as {name}")
            try:
                artefacts[name] = file.read(MOST_OF_ARTEFACT[name])
            except Unfit as error:
                artefacts[name] = error
    return artefacts


# --- answers to tasks 1 and 2 ---------------------------------------------------------------------

NO_ANSWER = re.compile(r"readme.*|requirements.*\.txt|licen[cs]e.*|words\.txt|copying.*"
                       + f"|{re.escape(LOSS_PICTURE)}", re.IGNORECASE)
# What the assignment itself may be called: nothing but such words, and numbers.
OWN_NAME = re.compile(r"[\W\d_]*((home|work|hw|assignment|word2vec|w2v|nce"
                      r"|домашн(о|а|ата|ото)|работа|задани(е|я|ето|ята)|условие|условия)"
                      r"[\W\d_]*)+", re.IGNORECASE)
PERHAPS = " (perhaps the assignment's own)"


def answers_in(files):
    """List the files that may be answers to tasks 1 and 2, and mark what may be the assignment."""
    answers = [file.place for file in files
               if file.place.suffix.lower() in ANSWERS
               and not NO_ANSWER.fullmatch(file.place.name) and not meant_name(file.place)]
    names = []
    for place in answers:
        is_pdf = place.suffix.lower() == ".pdf"
        is_doubtful = len(answers) > 1 and is_pdf and OWN_NAME.fullmatch(place.stem)
        names.append(f"{place}{PERHAPS if is_doubtful else ''}")
    return abbreviated(names, MOST_ANSWERS)


# --- which of several copies of a module ----------------------------------------------------------

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
