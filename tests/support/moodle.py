"""What Moodle gives a teacher: everybody's hand-ins, and a worksheet for the grades."""

import csv
import io
import zipfile

from solutions.grading.tables import HEADINGS
from tests.support.handed_in import put

BULGARIAN = {"identifier": "Идентификатор", "name": "Пълно име", "grade": "Оценка",
             "maximum": "Максимална оценка",
             "feedback": "Коментари за обратна връзка"}
NAMES = [("Ivan Petrov", "1"), ("Мария Иванова", "2"), ("O'Brien, Anne", "3"), ('D "Y" Z', "4")]


def moodle_download(folder, students, folders=True, ending="_"):
    """Make what Moodle's "Download all submissions" gives.

    Parameters
    ----------
    students : dict from (name, number) to a dict from file name to content
    folders : whether each student has a folder in it, as Moodle's box "in folders" says
    ending : of the folders' names; newer Moodles have ""

    Returns the zip file, and the folder into which it was unpacked.
    """
    unpacked = folder / "Course-Homework 2-4567"
    for (name, number), files in students.items():
        start = f"{name}_{number}_assignsubmission_file"
        for file, content in files.items():
            put(unpacked / (start + (ending + "/" if folders else "_") + file), content)
    packed = unpacked.with_name(unpacked.name + ".zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(unpacked.rglob("*")):
            archive.write(path, path.relative_to(unpacked))
    return packed, unpacked


def moodle_worksheet(path, students=NAMES, headings=None, delimiter=",", encoding="utf-8-sig"):
    """Make Moodle's offline grading worksheet of some students, each cell with its own trouble."""
    names = headings or {name: headings[0] for name, headings in HEADINGS.items()}
    maximum, participant, yes = (("10,00", "Участник", "Да") if names is BULGARIAN
                                 else ("10.00", "Participant", "Yes"))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow([names["identifier"], names["name"], "Email address", "Status",
                     names["grade"], names["maximum"], "Grade can be changed",
                     "Last modified (submission)", "Online text", names["feedback"]])
    for name, number in students:
        writer.writerow([f"{participant} {number}", name, f"s{number}@uni.bg",
                         'Submitted - "late"', "", maximum, yes, "Monday, 9 November 2026",
                         "one\r\ntwo\nthree; four, \tfive", ""])
    return put(path, stream.getvalue().encode(encoding))


def cells_of(path, delimiter=",", encoding="utf-8-sig"):
    text = path.read_bytes().decode(encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
