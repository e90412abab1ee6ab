"""Tables of marks: marks.csv, Moodle's grading worksheet, and the points of tasks 1 and 2."""

import codecs
import csv
import fnmatch
import html
import io
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass

from beyond.results import whole_file
from beyond.settings import TASKS
from solutions.grading.names import name_key, printable
from solutions.grading.results import GRADED, NOT_GRADED, NOT_READABLE
from solutions.grading.scheme import BY_HAND
from solutions.grading.unpack import is_archive
from utils import InputError

COLUMNS = ["student", "identifier", "state", "task 1–2", "answers",
           *(f"task {task}" for task in TASKS), "total", "artefacts", "notes"]

# How Moodle's worksheet names its columns in English and Bulgarian, * standing for any letters; the
# first that is there counts. What a language's translators left out stands there in English.
HEADINGS = {
    "identifier": ["Identifier", "Идентификатор*"],
    "name": ["Full name", "First name / Last name", "First name / Surname", "Name", "Пълно име*",
             "Пълно наименование", "Име*фамилия", "Име"],
    "grade": ["Grade", "Оценка"],
    "maximum": ["Maximum grade", "Максимална оценка*"],
    "feedback": ["Feedback comments", "Коментари за обратна връзка", "*коментар*",
                 "*обратна връзка*", "*отзив*"]}
# Where a cell begins that a spreadsheet would compute, if it splits lines at ; or , or both.
FORMULA = re.compile(r'(^|[;,])[\s"]*(?=[=+\-@＝＋－＠])')
# How a table may begin, and what encoding it then has; the first that fits.
ENCODINGS = [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
             (codecs.BOM_UTF16_BE, "utf-16-be"), (b"", "utf-8"), (b"", "cp1251")]


# --- files ----------------------------------------------------------------------------------------

def check_writable(path):
    """Raise InputError if a table cannot be written at this path; leave what is there alone."""
    if path.exists() and (not path.is_file() or is_archive(path)):
        raise InputError(f"{path}: not a table, so it is not replaced; take another name")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
        if path.exists():
            open(path, "r+b").close()
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


@dataclass
class Table:
    """A table in CSV, as spreadsheets save it."""

    rows: list              # of lists of cells
    delimiter: str = ","
    encoding: str = "utf-8"
    mark: bytes = codecs.BOM_UTF8

    def write(self, path):
        """Write it; the old file stays until the new one is complete."""
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.delimiter).writerows(self.rows)
        # What the encoding lacks stands there as in HTML: &#8722;
        data = text.getvalue().encode(self.encoding, errors="xmlcharrefreplace")
        with whole_file(path.resolve()) as file:
            file.write(self.mark + data)


def read_table(path):
    """Read a table; its first line tells which delimiter it has."""
    data = path.read_bytes()
    for mark, encoding in ENCODINGS:
        if data.startswith(mark):
            with suppress(UnicodeDecodeError):
                text = data[len(mark):].decode(encoding)
                break
    else:
        raise InputError(f"{path}: is no text in UTF-8, UTF-16 or windows-1251")
    delimiter = max("\t;,", key=text.partition("\n")[0].count)
    csv.field_size_limit(max(len(text), csv.field_size_limit()))    # an essay may be in a cell
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path}: not a table in CSV: {error}") from None
    return Table(rows, delimiter, encoding, mark)


def cell_text(text):
    """Return a stranger's text as a cell that no spreadsheet computes, nor a part of it."""
    return FORMULA.sub(r"\g<0>'", printable(text, 3000))


def number_text(value, decimal_comma=False):
    text = "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if decimal_comma else text


def parsed_number(text):
    """Return a number with a decimal point or comma; None if it is none."""
    text = text.strip().replace(",", ".")
    return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}", text) else None


# --- marks.csv ------------------------------------------------------------------------------------

def write_marks(path, results, decimal_comma=False):
    """Write a row for each result.

    decimal_comma : write 0,5 and separate cells by semicolons, as a Bulgarian spreadsheet expects
    """
    rows = [COLUMNS, *(marks_of(result, decimal_comma) for result in results)]
    Table(rows, ";" if decimal_comma else ",").write(path)


def marks_of(result, decimal_comma):
    """Return the cells of a result in the order of COLUMNS."""
    def number(value):
        return number_text(value, decimal_comma)

    none = 0 if result.state == NOT_READABLE else None
    points = [number(result.points.get(task, none)) for task in TASKS]
    by_hand = "by hand" if result.by_hand is None else number(result.by_hand)
    wrong = [f"{row['file']}: {row['note']}" for row in result.artefacts if not row["ok"]]
    artefacts = ("; ".join(wrong) or "fine") if result.state == GRADED else ""
    lost = [f"task {loss.task}, {loss.part} (−{number(loss.points)}): {'; '.join(loss.lines)}"
            for loss in result.losses]
    cells = [result.student, result.identifier, result.state, by_hand, "; ".join(result.answers),
             *points, number(result.total), artefacts, "; ".join([*lost, *result.notes])]
    return list(map(cell_text, cells))


# --- Moodle's grading worksheet -------------------------------------------------------------------

def read_worksheet(path):
    """Read Moodle's offline grading worksheet; InputError if it is none.

    Returns
    -------
    the table, and a dict from the names in HEADINGS to the indices of columns
    """
    table = read_table(path)
    headings = [" ".join(cell.split()).casefold() for cell in (table.rows or [[]])[0]]
    columns = {}
    for name, patterns in HEADINGS.items():
        for pattern in patterns:
            found = fnmatch.filter(headings, pattern.casefold())
            if found:
                columns.setdefault(name, headings.index(found[0]))
    if "grade" not in columns or not columns.keys() & {"identifier", "name"}:
        raise InputError(f"{path}: not a grading worksheet of Moodle: its first line must "
                         "have 'Grade', and 'Identifier' or 'Full name'")
    return table, columns


def fill_worksheet(path, results, feedback):
    """Write grades and feedback into Moodle's worksheet; all other cells keep their values.

    Parameters
    ----------
    path : of the worksheet
    results : list of Result
    feedback : function from a Result to lines of plain text

    Returns
    -------
    Lines that say which hand-ins have no row, which rows no hand-in, and which rows were not
    filled and why.
    """
    table, columns = read_worksheet(path)
    headings, *rows = table.rows
    row_of, lines = matched(rows, columns, results)
    if "feedback" not in columns:
        lines.append(f"{path}: no column {HEADINGS['feedback'][0]!r}, so grades only")
    for index, result in row_of.items():
        cells = rows[index]
        cells += [""] * (len(headings) - len(cells))
        reason = why_no_grade(result, cells, columns)
        if reason:
            lines.append(f"{described(result)}: {reason}; no grade is written")
        else:
            has_comma = uses_decimal_comma(cells, columns, table.delimiter)
            grade = f"{result.total:.2f}"
            cells[columns["grade"]] = grade.replace(".", ",") if has_comma else grade
        text = as_html(feedback(result))
        if "feedback" in columns and text and result.state != NOT_GRADED:
            cells[columns["feedback"]] = text
    table.write(path)
    return lines


def matched(rows, columns, results):
    """Find each result's row, by Moodle's number, or by a name that is there once.

    Returns a dict from the index of a row to its result, and lines about those without.
    """
    numbers, names = {}, {}
    for index, cells in enumerate(rows):
        number = re.search(r"([0-9]+)\s*$", cell_of(cells, columns, "identifier"))
        numbers.setdefault(number and number[1], []).append(index)
        names.setdefault(name_key(cell_of(cells, columns, "name")), []).append(index)
    all_names = [name_key(result.student) for result in results]
    row_of, lines = {}, []
    for result in sorted(results, key=lambda result: not result.identifier):
        name = name_key(result.student)
        if result.identifier and "identifier" in columns:
            found = numbers.get(result.identifier, [])
        else:
            found = names.get(name, []) if all_names.count(name) == 1 else []
        if len(found) != 1 or found[0] in row_of:
            lines.append(f"{described(result)}: no row in the worksheet is clearly this one's")
        else:
            row_of[found[0]] = result
    for index, cells in enumerate(rows):
        if any(cells) and index not in row_of:
            who = [cell_of(cells, columns, name) for name in ("name", "identifier")]
            lines.append(f"{printable(', '.join(filter(None, who)))}: a row without a hand-in")
    return row_of, lines


def cell_of(cells, columns, name):
    index = columns.get(name, len(cells))
    return cells[index] if index < len(cells) else ""


def uses_decimal_comma(cells, columns, delimiter):
    """Tell how a row writes numbers: its maximum grade shows it, else a semicolon hints at it."""
    maximum = cell_of(cells, columns, "maximum")
    return "," in maximum or "." not in maximum and delimiter == ";"


def why_no_grade(result, cells, columns):
    """Say why no grade is written into a result's row, "" if one is."""
    maximum = parsed_number(cell_of(cells, columns, "maximum"))
    if result.state != GRADED:
        return result.state
    if maximum is not None and round(result.total, 2) > maximum:
        return f"{result.total:g} is more than the maximum grade {maximum:g}"
    return ""


def as_html(lines):
    """Return lines of plain text as Moodle shows them.

    Moodle keeps a comment as HTML. PHP reads a backslash before a quote in a CSV file in its own
    way, so there are neither; nor the signs on which Moodle's filters act; and what begins with a
    tag is no formula.
    """
    signs = str.maketrans({sign: f"&#{ord(sign)};" for sign in "\\${}[]"})
    escaped = [html.escape(printable(line, 3000)).translate(signs) for line in lines]
    return FORMULA.sub(r"\g<0><wbr>", f"<p>{'<br>'.join(escaped)}</p>") if escaped else ""


def described(result):
    return printable(f"{result.student} ({result.identifier})" if result.identifier
                     else result.student)


# --- points of tasks 1 and 2 ----------------------------------------------------------------------

def read_points(path):
    """Read the points of tasks 1 and 2 that were given by hand.

    Each line has a student's name or Moodle's number, and 0 to 3 points. There may be a line with
    headings.

    Returns
    -------
    list of (name or number, points)
    """
    points = []
    for number, cells in enumerate(read_table(path).rows, 1):
        cells = list(filter(None, map(str.strip, cells)))
        value = parsed_number(cells[1]) if len(cells) == 2 else None
        is_heading = not points and len(cells) == 2 and cells[1][0].isalpha() \
            and not re.search("[0-9]", cells[0])
        if not cells or is_heading:
            continue
        if value is None or value > BY_HAND:
            raise InputError(f"{path}, row {number}: expected a student and 0 to {BY_HAND:g} "
                             f"points, got {printable(', '.join(cells))!r}")
        points.append((cells[0], value))
    return points


def points_of(hand_ins, points):
    """Find whose the points of tasks 1 and 2 are.

    Returns
    -------
    dict from the index of a hand-in to points, and lines about names and hand-ins that fit nobody

    Raises
    ------
    InputError : a name fits several hand-ins, or two names fit the same one
    """
    given, lines = {}, []
    for name, value in points:
        fitting = [index for index, hand_in in enumerate(hand_ins) if fits(name, hand_in)]
        if len(fitting) > 1:
            raise InputError(f"points of tasks 1–2: {printable(name)} fits {len(fitting)} "
                             "hand-ins; write Moodle's number, or rename a hand-in")
        if not fitting:
            lines.append(f"points of tasks 1–2: no hand-in of {printable(name)}")
        elif fitting[0] in given:
            raise InputError(f"points of tasks 1–2: {described(hand_ins[fitting[0]])} has several")
        else:
            given[fitting[0]] = value
    lines += [f"points of tasks 1–2: none for {described(hand_in)}"
              for index, hand_in in enumerate(hand_ins) if index not in given]
    return given, lines


def fits(name, hand_in):
    """Tell whether a name is a student's, or the number, with or without "Participant"."""
    number = re.fullmatch(r"((participant|участник) )?(?P<digits>[0-9]+)", name_key(name))
    if number and hand_in.identifier:       # a profile's name may be the number of another
        return number["digits"] == hand_in.identifier
    return name_key(name) == name_key(hand_in.student)
