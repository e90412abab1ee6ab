"""Tables of marks: marks.csv, Moodle's grading worksheet, and the points of tasks 1 and 2."""

import codecs
import csv
import fnmatch
import html
import io
import os
import re
import shutil
from pathlib import Path

from solutions.grading.results import GRADED, NOT_GRADED, NOT_READABLE
from utils import InputError

TASKS = "3", "4", "5", "6"
BY_HAND_MOST = 3                    # points for tasks 1 and 2
COLUMNS = ["student", "identifier", "state", "task 1–2", "answers",
           *(f"task {task}" for task in TASKS), "total", "artefacts", "notes"]

# How Moodle's worksheet names its columns, * standing for any letters; the first of several that is
# there counts. What a language's translators left out stands there in English, so that languages
# may be mixed.
HEADINGS = {
    "English": {
        "identifier": ["Identifier"],
        "name": ["Full name", "First name / Last name", "First name / Surname", "Name"],
        "grade": ["Grade"],
        "maximum": ["Maximum grade"],
        "changeable": ["Grade can be changed"],
        "feedback": ["Feedback comments"]},
    "Bulgarian": {
        "identifier": ["Идентификатор", "Идентификатор*"],
        "name": ["Пълно име", "Пълно име*", "Пълно наименование", "Име*фамилия", "Име"],
        "grade": ["Оценка"],
        "maximum": ["Максимална оценка", "Максимална оценка*"],
        "changeable": ["Оценката може да бъде променена", "Оценката може да*"],
        "feedback": ["Коментари за обратна връзка", "*коментар*", "*обратна връзка*", "*отзив*"]},
}
NO = {"no", "не"}

BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le",
                    codecs.BOM_UTF16_BE: "utf-16-be"}


# Files.

def check_writable(path):
    """Raise InputError if a file cannot be written at this path; leave what is there alone."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no ordinary file")
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"{path}: may not be written")
    trial = beside(path)
    try:
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def write_whole(path, data):
    """Write a file's bytes by way of a temporary file, so that it is the old or the new one."""
    path = Path(path).resolve()             # a link stays a link
    check_writable(path)
    temporary = beside(path)
    try:
        temporary.write_bytes(data)
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except PermissionError as error:
        raise InputError(f"{path}: cannot be replaced ({error.strerror}); is it open?") from None
    finally:
        temporary.unlink(missing_ok=True)


def beside(path):
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def read_table(path):
    """Read a text as spreadsheets save it; return it with its encoding and its byte order mark."""
    data = Path(path).read_bytes()
    mark = next((mark for mark in BYTE_ORDER_MARKS if data.startswith(mark)), b"")
    if mark:
        encoding = BYTE_ORDER_MARKS[mark]
    else:
        encoding = "utf-8" if is_utf8(data) else "cp1251"
    try:
        return data[len(mark):].decode(encoding), encoding, mark
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text in UTF-8, UTF-16 or windows-1251") from None


def is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# What is graded, as a table.

def write_marks(path, results, decimal_comma=False):
    """Write a row for each result, as a CSV file that spreadsheets open.

    Parameters
    ----------
    path : of the file; an old one is replaced when the new one is complete
    results : list of Result
    decimal_comma : write 0,5 and separate cells by semicolons, as a Bulgarian spreadsheet expects
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if decimal_comma else ",")
    writer.writerow(COLUMNS)
    for result in results:
        writer.writerow(marks_of(result, decimal_comma))
    write_whole(path, text.getvalue().encode("utf-8-sig"))


def marks_of(result, decimal_comma):
    """Return the cells of a result in the order of COLUMNS."""
    def number(value):
        return shown_number(value, decimal_comma)

    points = [number(points_of(result, task)) for task in TASKS]
    by_hand = "by hand" if result.by_hand is None else number(result.by_hand)
    if result.state == NOT_GRADED and result.by_hand is not None:
        by_hand = ""
    wrong = [f"{row['file']}: {row['note']}" for row in result.artefacts if not row["ok"]]
    artefacts = joined(wrong) or "fine"
    lost = [f"task {loss.task}, {loss.part} (−{number(loss.points)}): {'; '.join(loss.lines)}"
            for loss in result.losses]
    return [safe_cell(result.student), safe_cell(result.identifier), result.state, by_hand,
            joined(result.answers), *points, number(result.total),
            artefacts if result.state == GRADED else "", joined([*lost, *result.notes])]


def points_of(result, task):
    """Return the points of a task: 0 if what was handed in is not readable, else None for none."""
    return 0 if result.state == NOT_READABLE else result.points.get(task)


def shown_number(value, decimal_comma):
    if value is None:
        return ""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if decimal_comma else text


def joined(texts):
    return "; ".join(safe_cell(text) for text in texts)


def plain(text):
    """Return a student's text on one line, without what is not printable."""
    text = "".join(char if char.isprintable() else " " for char in str(text))
    return " ".join(text.encode(errors="replace").decode().split())


def safe_cell(text):
    """Return a student's text as a cell that no spreadsheet computes."""
    text = plain(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) else text


# Moodle's grading worksheet.

def fill_worksheet(path, results, feedback):
    """Write grades and feedback into Moodle's offline grading worksheet, and nothing else.

    Parameters
    ----------
    path : of the worksheet; it is replaced when the new one is complete
    results : list of Result
    feedback : function from a Result to lines of plain text, "" for none

    Returns
    -------
    Lines that say which hand-ins have no row, which rows no hand-in, and which rows were not
    filled and why.

    Raises
    ------
    InputError : it is no such worksheet
    """
    text, encoding, mark = read_table(path)
    records, columns, delimiter = parsed_worksheet(path, text)
    row_of, lines = matched(records, columns, results)
    if "feedback" not in columns:
        lines.append(f"{path}: no column {HEADINGS['English']['feedback'][0]!r}, so grades only")
    comma = uses_decimal_comma(records, columns, delimiter)
    for index, result in row_of.items():
        record, cells = records[index]
        changes, line = changes_for(result, cells, columns, comma, feedback)
        try:
            record = with_changes(record, cells, delimiter, changes)
        except ValueError:
            line = (f"{described(result)}: its row is not as the first line or its quotes "
                    "are not as in CSV; not filled")
        records[index] = record, cells
        if line:
            lines.append(line)
    new = "".join(record for record, _ in records)
    if new != text:     # what an encoding lacks stands in feedback as HTML's &#8722;
        write_whole(path, mark + new.encode(encoding, errors="xmlcharrefreplace"))
    return lines


def parsed_worksheet(path, text):
    """Return the records of a worksheet, where its columns are, and its delimiter."""
    csv.field_size_limit(max(len(text), csv.field_size_limit()))    # an essay may be in a cell
    try:
        tables = {delimiter: list(read_records(text, delimiter)) for delimiter in ",;\t"}
    except csv.Error as error:
        raise InputError(f"{path}: is no table in CSV: {error}") from None
    columns = {delimiter: find_columns(records[0][1] if records else [])
               for delimiter, records in tables.items()}
    delimiter = max(columns, key=lambda delimiter: len(columns[delimiter]))
    found = columns[delimiter]
    missing = []
    if "identifier" not in found and "name" not in found:
        missing.append("identifier")
    if "grade" not in found:
        missing.append("grade")
    if missing:
        names = [" or ".join(repr(names[heading][0]) for names in HEADINGS.values())
                 for heading in missing]
        raise InputError(f"{path}: is no grading worksheet of Moodle's: in its first line there "
                         f"is no heading {', and none '.join(names)}")
    return tables[delimiter], found, delimiter


def read_records(text, delimiter):
    """Yield each record of a CSV file as it stands there, and its cells."""
    taken = []

    def lines():
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    for cells in csv.reader(lines(), delimiter=delimiter):      # it takes as many as it needs
        yield "".join(taken), cells
        taken.clear()


def find_columns(headings):
    """Return a dict from a name of a column in HEADINGS to its index."""
    headings = [" ".join(heading.split()).casefold() for heading in headings]
    columns = {}
    for language in HEADINGS.values():
        for name, patterns in language.items():
            for pattern in patterns:
                found = fnmatch.filter(headings, pattern.casefold())
                if found:
                    columns.setdefault(name, headings.index(found[0]))
    return columns


def matched(records, columns, results):
    """Find each result's row, by Moodle's number, or by a name that is there once.

    Returns a dict from the index of a row to its result, and lines about those without.
    """
    numbers, names = {}, {}
    for index, (_, cells) in enumerate(records):
        if index and cells:
            numbers.setdefault(number_in(cell_of(cells, columns, "identifier")), []).append(index)
            names.setdefault(name_key(cell_of(cells, columns, "name")), []).append(index)
    namesakes = [name_key(result.student) for result in results]
    row_of, lines = {}, []
    for result in sorted(results, key=lambda result: not result.identifier):
        if result.identifier and "identifier" in columns:
            rows = numbers.get(result.identifier, [])
        elif namesakes.count(name_key(result.student)) == 1:
            rows = names.get(name_key(result.student), [])
        else:
            rows = []
        if len(rows) != 1 or rows[0] in row_of:
            lines.append(f"{described(result)}: no row in the worksheet is clearly this one's")
        else:
            row_of[rows[0]] = result
    for index, (_, cells) in enumerate(records):
        if index and any(cells) and index not in row_of:
            who = [cell_of(cells, columns, name) for name in ("name", "identifier")]
            lines.append(f"{plain(', '.join(filter(None, who)))}: a row without a hand-in")
    return row_of, lines


def described(result):
    number = f" ({result.identifier})" if result.identifier else ""
    return plain(result.student) + number


def cell_of(cells, columns, name):
    index = columns.get(name, len(cells))
    return cells[index] if index < len(cells) else ""


def number_in(identifier):
    """Return the number of "Participant 123456" in any language."""
    match = re.search(r"(\d+)\s*$", identifier)
    return match[1] if match else None


def name_key(name):
    """Return a name as it can be compared: Moodle leaves some characters out of file names."""
    name = re.sub(r"""[&<>"`|':\\/’]""", "", name.replace("_", " "))
    return " ".join(name.split()).casefold()


def uses_decimal_comma(records, columns, delimiter):
    """Tell how the worksheet writes numbers, where it has some; else a semicolon hints at it."""
    for _, cells in records[1:]:
        for name in ("grade", "maximum"):
            number = re.fullmatch(r"\s*\d+([.,])\d+\s*", cell_of(cells, columns, name))
            if number:
                return number[1] == ","
    return delimiter == ";"


def changes_for(result, cells, columns, decimal_comma, feedback):
    """Return a dict from the index of a cell to its new text, and a line on what stays."""
    changes = {}
    line = ""
    maximum = parsed_number(cell_of(cells, columns, "maximum"))
    if result.state == NOT_GRADED:
        return {}, f"{described(result)}: not graded; the row is left as it is"
    if result.state == NOT_READABLE:
        line = f"{described(result)}: not readable; no grade is written"
    elif cell_of(cells, columns, "changeable").strip().casefold() in NO:
        line = f"{described(result)}: the worksheet says that the grade cannot be changed"
    elif maximum is not None and round(result.total, 2) > maximum:
        line = (f"{described(result)}: {result.total:g} is more than the maximum grade "
                f"{maximum:g}; no grade is written")
    else:
        grade = f"{result.total:.2f}"
        changes[columns["grade"]] = grade.replace(".", ",") if decimal_comma else grade
    if "feedback" in columns and (text := as_html(feedback(result))):
        changes[columns["feedback"]] = text
    return changes, line


def parsed_number(text):
    """Return a number with a decimal point or comma; None if it is none."""
    text = text.strip().replace(",", ".")
    return float(text) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", text) else None


def as_html(text):
    """Return lines of plain text as Moodle shows them.

    Moodle keeps a comment as HTML. PHP reads a backslash before a quote in a CSV file in its own
    way, so there are neither; and what begins with <p> is no formula.
    """
    lines = ["".join(char if char.isprintable() else " " for char in line)
             for line in text.strip().splitlines()]
    if not lines:
        return ""
    escaped = [html.escape(line).replace("\\", "&#92;") for line in lines]
    return f"<p>{'<br>'.join(escaped)}</p>"


def with_changes(record, cells, delimiter, changes):
    """Return a record with some cells changed and every other byte as it was.

    Raises ValueError if its quotes are such that its cells cannot be told apart.
    """
    body = record.rstrip("\r\n")
    end = record[len(body):]
    raw = raw_cells(body, delimiter)
    if len(raw) != len(cells) or not all(index < len(cells) for index in changes):
        raise ValueError(record)
    for index, text in changes.items():
        quoted = raw[index].startswith('"') or any(char in text for char in f'{delimiter}"\r\n')
        raw[index] = '"' + text.replace('"', '""') + '"' if quoted else text
    return delimiter.join(raw) + end


def raw_cells(record, delimiter):
    """Split a record at the delimiters that are not in quotes; the quotes stay."""
    cells = []
    start = 0
    quoted = False
    for place, char in enumerate(record):
        if char == '"':
            quoted = not quoted
        elif char == delimiter and not quoted:
            cells.append(record[start:place])
            start = place + 1
    return [*cells, record[start:]]


# Points of tasks 1 and 2.

def read_points(path):
    """Read the points of tasks 1 and 2 that were given by hand.

    Each line has a student's name or Moodle's number, and 0 to 3 points, between them a comma, a
    semicolon or a tab. There may be a line with headings.

    Returns
    -------
    dict from a student's name or number to points

    Raises
    ------
    InputError : a line is not so, or a student is there twice
    """
    text, _, _ = read_table(path)
    delimiter = next((char for char in "\t;" if char in text), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    points = {}
    line_of = {}
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        while cells and not cells[-1]:
            cells.pop()
        where = f"{path}, line {reader.line_num}"
        if not cells or (not line_of and is_heading(cells)):
            continue
        if len(cells) != 2 or not cells[0]:
            raise InputError(f"{where}: not a student and points, but {len(cells)} cells: "
                             f"{plain(delimiter.join(cells))}")
        number = parsed_number(cells[1])
        if number is None or number > BY_HAND_MOST:
            raise InputError(f"{where}: {plain(cells[1])!r} are no points from 0 to "
                             f"{BY_HAND_MOST}")
        key = name_key(cells[0])
        if key in line_of:
            raise InputError(f"{where}: {plain(cells[0])} is in line {line_of[key]} already")
        line_of[key] = reader.line_num
        points[cells[0]] = number
    return points


def is_heading(cells):
    """Tell whether a first line has no digit in its first cell and words in its second."""
    return len(cells) > 1 and not re.search(r"\d", cells[0]) and cells[1][:1].isalpha()


def give_points(results, points):
    """Set by_hand of the results; return lines about names and hand-ins that fit nobody.

    Raises
    ------
    InputError : a name fits several hand-ins, or two names fit the same one
    """
    given = {}
    lines = []
    for name, number in points.items():
        fitting = [place for place, result in enumerate(results) if fits(name, result)]
        if len(fitting) > 1:
            raise InputError(f"points of tasks 1–2: {plain(name)} fits {len(fitting)} hand-ins; "
                             "write Moodle's number instead of the name")
        if not fitting:
            lines.append(f"points of tasks 1–2: no hand-in of {plain(name)}")
            continue
        place = fitting[0]
        if place in given:
            raise InputError(f"points of tasks 1–2: {plain(given[place])} and {plain(name)} are "
                             "the same hand-in's")
        given[place] = name
        results[place].by_hand = number
    for place, result in enumerate(results):
        if place not in given:
            lines.append(f"points of tasks 1–2: none for {described(result)}")
    return lines


def fits(name, result):
    """Tell whether a name is a result's student or its number, with or without "Participant"."""
    if name_key(name) == name_key(result.student):
        return True
    number = re.fullmatch(r"(?:(?:Participant|Участник)\s+)?(\d+)", name)
    return bool(number and result.identifier == number[1])
