"""Hand-ins as Moodle gives them, and the tables that go back: nothing here is graded."""

import csv
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from beyond.submission import MODULES
from solutions.grading import hand_ins, worksheet
from solutions.grading.hand_ins import find_hand_ins
from solutions.grading.results import NOT_GRADED, NOT_READABLE, Loss, Result
from solutions.grading.worksheet import (
    HEADINGS,
    check_writable,
    fill_worksheet,
    find_columns,
    give_points,
    read_points,
    write_marks,
)
from utils import InputError

FILES = dict.fromkeys(MODULES, b"# a module\n")
OLD, NEW = (2026, 11, 2, 10, 0, 0), (2026, 11, 9, 23, 59, 58)
GIVEN = ["Ivan", "Мария", "Anne-Marie", "Željko", "Петър", "Noor"]
FAMILY = ["Petrov", "Иванова", "O'Brien", "van der Berg", "Д'Артанян"]


def archive(files, date=NEW):
    """Return the bytes of a zip with these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, data in files.items():
            file.writestr(zipfile.ZipInfo(name, date), data)
    return stream.getvalue()


def made_up_students(count=30):
    """Return a dict from name and number to what the student handed in, an archive each."""
    names = [f"{given} {family}" for family in FAMILY for given in GIVEN][:count]
    return {(name, str(123400 + place)): {f"FN{place}.zip": archive(FILES)}
            for place, name in enumerate(names)}


def moodle_download(folder, students, folders=True, ending="_"):
    """Make what Moodle's "Download all submissions" gives.

    Parameters
    ----------
    folder : where it is made
    students : dict from (name, number) to a dict from file name to bytes
    folders : has each student a folder in it, as Moodle's box "in folders" says?
    ending : of the folders' names; newer Moodles have ""

    Returns the zip file, and the folder into which it was unpacked.
    """
    unpacked = folder / "Course-Homework 2-4567"
    unpacked.mkdir(parents=True)
    for (name, number), files in students.items():
        start = f"{name}_{number}_assignsubmission_file"
        if folders:
            (unpacked / (start + ending)).mkdir()
        for file, data in files.items():
            path = unpacked / (start + (ending + "/" if folders else "_") + file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    zipped = unpacked.with_name(unpacked.name + ".zip")
    with zipfile.ZipFile(zipped, "w") as file:
        for path in sorted(unpacked.rglob("*")):
            file.write(path, path.relative_to(unpacked))
    return zipped, unpacked


def moodle_worksheet(path, students, language="English", delimiter=",", end="\r\n", mark="\ufeff",
                     encoding="utf-8"):
    """Make Moodle's offline grading worksheet of some students, each cell with its own trouble."""
    names = {name: headings[0] for name, headings in HEADINGS[language].items()}
    participant = {"English": "Participant", "Bulgarian": "Участник"}[language]
    yes = {"English": "Yes", "Bulgarian": "Да"}[language]
    maximum = "10,00" if language == "Bulgarian" else "10.00"
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerow([names["identifier"], names["name"], "Email address", "Status",
                     names["grade"], names["maximum"], names["changeable"],
                     "Last modified (submission)", "Online text", "Last modified (grade)",
                     names["feedback"]])
    for name, number in students:
        writer.writerow([f"{participant} {number}", name, f"s{number}@uni.bg",
                         'Submitted - "late"', "", maximum, yes,
                         "Monday, 9 November 2026, 11:59 PM", "one\r\ntwo\nthree; four, \tfive",
                         "-", ""])
    data = (mark + stream.getvalue()).encode(encoding)
    path.write_bytes(data)
    return path


def cells_of(path, delimiter=",", encoding="utf-8-sig"):
    text = path.read_bytes().decode(encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def scratch_in(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return scratch


def found(tmp_path, *paths):
    return find_hand_ins(paths, scratch_in(tmp_path))


def put(path, data=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# What was handed in.

@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("ending", ["_", ""])
def test_a_download_has_a_hand_in_for_each_student(tmp_path, folders, as_zip, ending):
    students = made_up_students()
    zipped, unpacked = moodle_download(tmp_path / "moodle", students, folders, ending)
    all_of_them = found(tmp_path, zipped if as_zip else unpacked)
    assert {(one.student, one.identifier) for one in all_of_them} == set(students)
    assert [one.student for one in all_of_them] == sorted(name for name, _ in students)
    for one in all_of_them:
        assert not one.problem and not one.notes
        assert zipfile.ZipFile(one.path).namelist() == list(FILES)


@pytest.mark.parametrize("folders", [True, False])
def test_loose_files_are_a_folder_of_their_own(tmp_path, folders):
    students = {("Ана", "1"): FILES, ("Б_В Г", "2"): {**FILES, "answers.pdf": b"pdf"}}
    zipped, unpacked = moodle_download(tmp_path / "moodle", students, folders)
    for given in (zipped, unpacked):
        ana, other = found(tmp_path, given)
        assert (ana.student, ana.identifier, other.student) == ("Ана", "1", "Б_В Г")
        assert {file.name for file in ana.path.iterdir()} == set(FILES)
        assert {file.name for file in other.path.iterdir()} == {*FILES, "answers.pdf"}


def test_a_folder_in_a_students_folder(tmp_path):
    students = {("Ана", "1"): {f"homework/{name}": data for name, data in FILES.items()}}
    _, unpacked = moodle_download(tmp_path / "moodle", students)
    [ana] = found(tmp_path, unpacked)
    assert ana.path == unpacked / "Ана_1_assignsubmission_file_" and not ana.problem


def test_namesakes_and_equal_file_names_are_two_students(tmp_path):
    students = {("Ivan Ivanov", "7"): {"homework2.zip": archive(FILES)},
                ("Ivan Ivanov", "8"): {"homework2.zip": archive(FILES)},
                ("Maria", "9"): {"homework2.zip": archive(FILES)}}
    zipped, _ = moodle_download(tmp_path / "moodle", students)
    assert [(one.student, one.identifier) for one in found(tmp_path, zipped)] == list(students)


def test_the_newest_archive_of_a_student_by_the_dates_inside(tmp_path):
    put(tmp_path / "in/FN1.zip", archive(FILES, NEW))
    put(tmp_path / "in/FN1 (1).zip", archive(FILES, OLD))
    put(tmp_path / "in/FN1 - Copy.zip", b"no zip at all")
    put(tmp_path / "in/fn1 - копие (2).ZIP", archive({"answers.pdf": b""}, (2026, 12, 1, 0, 0, 0)))
    os.utime(tmp_path / "in/FN1.zip", (1, 1))
    [one] = found(tmp_path, tmp_path / "in")
    assert (one.student, one.path.name, one.problem) == ("FN1", "FN1.zip", "")
    [note] = one.notes
    assert note.startswith("4 archives; FN1.zip, the newest with the modules, was graded; ")
    assert all(name in note for name in ("FN1 (1).zip", "FN1 - Copy.zip", "fn1 - копие (2).ZIP"))
    # The same dates inside: the file's own date.
    put(tmp_path / "in/FN1 (1).zip", archive(FILES, NEW))
    assert found(tmp_path, tmp_path / "in")[0].path.name == "FN1 (1).zip"


def test_a_second_archive_in_moodles_folder(tmp_path):
    students = {("Ана", "1"): {"a.zip": archive(FILES, OLD), "b.zip": archive(FILES, NEW),
                               "answers.pdf": b"pdf"}}
    zipped, _ = moodle_download(tmp_path / "moodle", students)
    [ana] = found(tmp_path, zipped)
    assert ana.path.name == "b.zip"
    assert "a.zip" in ana.notes[0] and "answers.pdf" in ana.notes[0]


def test_a_broken_zip_is_left_to_the_reader(tmp_path):
    path = put(tmp_path / "FN1.zip", b"PK\3\4 and no more")
    [one] = found(tmp_path, path)
    assert (one.student, one.path, one.problem) == ("FN1", path.resolve(), "")


def test_what_cannot_be_read_is_a_row_that_says_so(tmp_path):
    students = {("A", "1"): {"FN1.rar": b"Rar!"}, ("B", "2"): {},
                ("C", "3"): {"FN3.tar.gz": b"", "answers.pdf": b"pdf"},
                ("D", "4"): {"FN4.rar": b"Rar!", "FN4.zip": archive(FILES)},
                ("E", "5"): {"answers.docx": b""}, ("F", "6"): {"Thumbs.db": b""}}
    _, unpacked = moodle_download(tmp_path / "moodle", students)
    a, b, c, d, e, f = found(tmp_path, unpacked)
    assert a.problem == ("a .rar archive: ask for a .zip, or unpack it and hand the grader "
                         "the folder")
    assert b.problem == f.problem == "an empty folder"
    assert c.problem.startswith("a .tar.gz archive") and "answers.pdf" in c.notes[0]
    assert (d.problem, d.path.name) == ("", "FN4.zip") and "FN4.rar: a .rar" in d.notes[0]
    assert not e.problem and e.path.is_dir()
    put(unpacked / "G_7_assignsubmission_file", b"a name that says nothing")
    assert found(tmp_path, unpacked)[-1].path.name == "G_7_assignsubmission_file_"
    put(tmp_path / "mine/FN5.7z")
    put(tmp_path / "mine/FN6.zip", archive(FILES))
    assert [bool(one.problem) for one in found(tmp_path, tmp_path / "mine")] == [True, False]
    assert found(tmp_path, tmp_path / "mine/FN5.7z")[0].problem.startswith("a .7z archive")
    assert found(tmp_path, put(tmp_path / "FN7.txt"))[0].problem.startswith("not a .zip file")
    flat = put(tmp_path / "Ана_8_assignsubmission_file_FN8.rar")
    assert [(one.student, one.identifier, bool(one.problem)) for one in found(tmp_path, flat)] \
        == [("Ана", "8", True)]


def test_typed_text_counts_only_where_there_is_nothing_else(tmp_path):
    students = {("A", "1"): {"answers.pdf": b""}}
    _, unpacked = moodle_download(tmp_path / "moodle", students)
    for start in ("A_1", "B_2"):
        put(unpacked / f"{start}_assignsubmission_onlinetext_/onlinetext.html", b"<p>Hi</p>")
    a, b = found(tmp_path, unpacked)
    assert (a.problem, a.path.name, a.notes) == ("", "A_1_assignsubmission_file_", ())
    assert b.problem == "a text typed in Moodle, no files"


def test_a_zip_of_archives(tmp_path):
    inside = {f"FN{number}.zip": archive(FILES) for number in (1, 2, 3)}
    bulk = put(tmp_path / "all.zip", archive(inside))
    assert [one.student for one in found(tmp_path, bulk)] == ["FN1", "FN2", "FN3"]
    own = put(tmp_path / "FN9.zip", archive({**FILES, "FN1.zip": b"", "FN2.zip": b""}))
    assert [one.student for one in found(tmp_path, own)] == ["FN9"]


def test_folders_made_by_hand(tmp_path):
    for name, data in FILES.items():
        put(tmp_path / f"in/FN1/deep/{name}", data)
    put(tmp_path / "in/FN2/homework.zip", archive(FILES))
    put(tmp_path / "in/FN3/answers.docx")
    put(tmp_path / "in/.DS_Store")
    (tmp_path / "in/FN4").mkdir()
    one, two, three, four = found(tmp_path, tmp_path / "in")
    assert (one.student, one.path) == ("FN1", (tmp_path / "in/FN1").resolve())
    assert (two.student, two.path.name) == ("FN2", "homework.zip")
    assert (three.student, three.problem) == ("FN3", "")
    assert (four.student, four.problem) == ("FN4", "an empty folder")
    [loose] = found(tmp_path, tmp_path / "in/FN1/deep")
    assert loose.student == "deep" and loose.path.name == "deep"
    # What lies beside archives, but is nobody's work, is nobody.
    put(tmp_path / "zips/FN1.zip", archive(FILES))
    put(tmp_path / "zips/reports/FN1.md")
    assert [one.student for one in found(tmp_path, tmp_path / "zips")] == ["FN1"]


def test_a_download_in_a_folder(tmp_path):
    moodle_download(tmp_path / "in", {("A", "1"): {"FN1.zip": archive(FILES)}})
    (tmp_path / "in/Course-Homework 2-4567.zip").unlink()
    assert [one.identifier for one in found(tmp_path, tmp_path / "in")] == ["1"]


def test_mistakes_of_the_teachers(tmp_path):
    put(tmp_path / "a/FN1.zip", archive(FILES))
    put(tmp_path / "b/FN1.zip", archive(FILES))
    with pytest.raises(InputError, match=r"FN1.zip and .*FN1.zip are of the same student; rename"):
        found(tmp_path, tmp_path / "a/FN1.zip", tmp_path / "b/FN1.zip")
    assert len(found(tmp_path, tmp_path / "a/FN1.zip", tmp_path / "a")) == 1
    zipped, _ = moodle_download(tmp_path / "moodle", made_up_students(2))
    assert [one.notes for one in found(tmp_path, zipped, zipped)] == [(), ()]
    put(tmp_path / "all.zip", archive({"FN1.zip": b"", "FN2.zip": b""}))
    with pytest.raises(InputError, match=r"all.zip.FN1.zip"):
        found(tmp_path, tmp_path / "a/FN1.zip", tmp_path / "all.zip")
    with pytest.raises(InputError, match="nobody.zip: no such file or folder"):
        found(tmp_path, tmp_path / "nobody.zip")
    (tmp_path / "empty/inner").mkdir(parents=True)
    put(tmp_path / "empty/notes.txt")
    with pytest.raises(InputError, match="empty: no .zip file, and no Moodle folders"):
        found(tmp_path, tmp_path / "empty")


def test_a_download_writes_nothing_outside(tmp_path):
    folder = "Eve_3_assignsubmission_file_"
    link = zipfile.ZipInfo(f"{folder}/link.py")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    bulk = tmp_path / "bulk.zip"
    with zipfile.ZipFile(bulk, "w") as file:
        file.writestr(f"{folder}/FN3.zip", archive(FILES))
        file.writestr(f"{folder}/1: задача?.pdf", b"pdf")
        file.writestr(f"{folder}/" + "я" * 200 + ".pdf", b"pdf")
        file.writestr(f"Bob_4_assignsubmission_file_/../../../{tmp_path.name}-x.zip", b"bad")
        file.writestr(f"{tmp_path}/absolute.zip", b"bad")
        file.writestr("C:/Windows/FN8.zip", b"bad")
        file.writestr("Kim_5_assignsubmission_file_/.. /. ./x.zip", b"bad")
        file.writestr("Lee_6_assignsubmission_file_/../x.zip", b"bad")
        file.writestr(link, "/etc/passwd")
    before = set(tmp_path.parent.iterdir())
    by_name = {one.student: one for one in found(tmp_path, bulk)}
    assert set(by_name) == {"Eve", "Bob", "Kim", "Lee", "absolute", "FN8"}
    for name in ("Bob", "Kim", "Lee", "absolute", "FN8"):
        assert "outside of its folder" in by_name[name].problem
    eve = by_name["Eve"]
    assert not eve.problem and any("is a link" in note for note in eve.notes)
    assert (eve.path.parent / "1_ задача_.pdf").read_bytes() == b"pdf"
    assert set(tmp_path.parent.iterdir()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bulk.zip", "scratch"]
    written = [path for path in (tmp_path / "scratch").rglob("*") if not path.is_dir()]
    assert len(written) == 3 and not any(path.is_symlink() for path in written)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_in_a_students_folder_are_left_out(tmp_path):
    secret = put(tmp_path / "secret/FN1.zip", archive(FILES))
    _, unpacked = moodle_download(tmp_path / "moodle", {("A", "1"): {}})
    (unpacked / "A_1_assignsubmission_file_/FN1.zip").symlink_to(secret)
    assert [one.problem for one in found(tmp_path, unpacked)] == ["an empty folder"]


def test_what_is_in_a_download_twice(tmp_path):
    bulk = tmp_path / "bulk.zip"
    with zipfile.ZipFile(bulk, "w") as file:
        file.writestr("A_1_assignsubmission_file_/FN1?.zip", archive(FILES))
        file.writestr("A_1_assignsubmission_file_/FN1*.zip", archive({}))
        file.writestr("A_1_assignsubmission_file_/FN1_.zip/sampling.py", b"")
    [one] = found(tmp_path, bulk)
    assert one.path.read_bytes() == archive(FILES)
    assert len(one.notes) == 2 and all("is in the download twice" in note for note in one.notes)


def test_no_more_is_unpacked_than_a_download_says(tmp_path):
    data = archive({"A_1_assignsubmission_file_/FN1.zip": bytes(5000)})
    size = (5000).to_bytes(4, "little")
    # Size unpacked, which comes after the packed size, in both places where it stands.
    assert data.count(size + size) == 2
    bulk = put(tmp_path / "bulk.zip", data.replace(size + size, size + (90).to_bytes(4, "little")))
    assert "cannot be unpacked: Bad CRC" in found(tmp_path, bulk)[0].problem
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]


def test_a_damaged_file_in_a_download_is_one_students(tmp_path):
    students = {("A", "1"): {"FN1.zip": b"spoil this" * 9}, ("B", "2"): {"FN2.zip": archive(FILES)}}
    zipped, _ = moodle_download(tmp_path / "moodle", students)
    zipped.write_bytes(zipped.read_bytes().replace(b"spoil", b"spilt", 1))
    a, b = found(tmp_path, zipped)
    assert "cannot be unpacked: Bad CRC" in a.problem and not b.problem


def test_limits_of_a_download(tmp_path, monkeypatch):
    zipped, _ = moodle_download(tmp_path / "moodle", made_up_students(3))
    monkeypatch.setattr(hand_ins, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="larger than 1e-06 GB"):
        found(tmp_path, zipped)
    monkeypatch.setattr(hand_ins, "MOST_ENTRIES", 3)
    with pytest.raises(InputError, match="more than 3 files"):
        found(tmp_path, zipped)


def test_names_that_are_not_marked_as_utf_8(tmp_path):
    for encoding in ("utf-8", "cp866"):
        name = "Мария Иванова_12_assignsubmission_file_/FN1.zip"
        bulk = tmp_path / f"{encoding}.zip"
        raw = name.encode(encoding)
        stand_in = "x" * len(raw)
        bulk.write_bytes(archive({stand_in: archive(FILES)}).replace(stand_in.encode(), raw))
        [one] = found(tmp_path, bulk)
        assert (one.student, one.identifier) == ("Мария Иванова", "12")


# Marks.

def result_of(name="A", number="", total=6.5, **more):
    points = {"3": 1, "4": total - 5, "5": 2, "6": 2}
    return Result(name, number, points=points, **more)


def test_marks_are_a_table(tmp_path):
    lost = Loss("4", "J", 0.5, ("J is inf", "and more"))
    results = [
        result_of("Мария", "12", answers=["a.pdf", "=cmd|' /C calc'!A0.pdf"], losses=[lost],
                  artefacts=[{"file": "U.npy", "ok": True, "note": "fine"}], notes=["a\x1b[2Jb"]),
        result_of("=1+1", by_hand=2.5,
                  artefacts=[{"file": "U.npy", "ok": False, "note": "@is zero"}]),
        Result("B", state=NOT_READABLE, notes=["a .rar archive"], by_hand=1),
        Result("C", state=NOT_GRADED, notes=["\tthe judge was killed"])]
    path = tmp_path / "marks.csv"
    write_marks(path, results)
    assert path.read_bytes().startswith("\ufeffstudent".encode())
    head, first, second, unreadable, not_graded = cells_of(path)
    assert head == ["student", "identifier", "state", "task 1–2", "answers", "task 3", "task 4",
                    "task 5", "task 6", "total", "artefacts", "notes"]
    assert first == ["Мария", "12", "graded", "by hand", "a.pdf; '=cmd|' /C calc'!A0.pdf", "1",
                     "1.5", "2", "2", "6.5", "fine", "task 4, J (−0.5): J is inf; and more; a [2Jb"]
    assert second[:5] == ["'=1+1", "", "graded", "2.5", ""]
    assert second[9:] == ["9", "U.npy: @is zero", ""]
    assert unreadable == ["B", "", "not readable", "1", "", "0", "0", "0", "0", "1", "",
                          "a .rar archive"]
    assert not_graded == ["C", "", "not graded", "by hand", *[""] * 7, "the judge was killed"]
    write_marks(path, results, decimal_comma=True)
    first, second = cells_of(path, ";")[1:3]
    assert first[5:10] == ["1", "1,5", "2", "2", "6,5"] and "(−0,5)" in first[11]
    assert second[3] == "2,5"


def test_marks_are_written_whole(tmp_path, monkeypatch):
    path = put(tmp_path / "marks.csv", b"the old ones")
    path.chmod(0o640)

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(worksheet.os, "replace", fail)
        with pytest.raises(OSError, match="No space"):
            write_marks(path, [result_of()])
    assert path.read_bytes() == b"the old ones" and list(tmp_path.iterdir()) == [path]
    write_marks(path, [result_of()])
    assert list(tmp_path.iterdir()) == [path]
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o640


def test_whether_a_file_can_be_written_is_asked_first(tmp_path):
    path = put(tmp_path / "marks.csv", b"old")
    check_writable(path)
    check_writable(tmp_path / "new.csv")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        check_writable(tmp_path / "nowhere/marks.csv")
    if Path("/dev/null").exists():
        with pytest.raises(InputError, match="no ordinary file"):
            check_writable("/dev/null")


# Moodle's worksheet.

def feedback(result):
    return f'task 4: "J" < 0 & \\ wrong − by {result.total:g}\nsecond line, of <b>; \x07two\n'


HTML = ("<p>task 4: &quot;J&quot; &lt; 0 &amp; &#92; wrong − by 6.5"
        "<br>second line, of &lt;b&gt;;  two</p>")


@pytest.mark.parametrize("language, delimiter, end, mark, encoding", [
    ("English", ",", "\n", "\ufeff", "utf-8"), ("English", "\t", "\r\n", "", "utf-8"),
    ("Bulgarian", ";", "\r\n", "\ufeff", "utf-8"), ("Bulgarian", ",", "\n", "", "utf-8"),
    ("Bulgarian", ";", "\r\n", "", "cp1251"), ("English", "\t", "\r\n", "\ufeff", "utf-16-le")])
def test_only_grades_and_feedback_change(tmp_path, language, delimiter, end, mark, encoding):
    students = made_up_students()
    if encoding == "cp1251":
        students = {key: files for key, files in students.items() if "Ž" not in key[0]}
    path = moodle_worksheet(tmp_path / "grades.csv", students, language, delimiter, end, mark,
                            encoding)
    as_read = encoding if not mark else {"utf-8": "utf-8-sig", "utf-16-le": "utf-16"}[encoding]
    before = cells_of(path, delimiter, as_read)
    data = path.read_bytes()
    last = list(students)[-1]
    results = [result_of(name, number) for name, number in students if (name, number) != last]
    lines = fill_worksheet(path, results, feedback)
    assert lines == [f"{last[0]}, {before[-1][0]}: a row without a hand-in"]

    after = cells_of(path, delimiter, as_read)
    grade = "6,50" if language == "Bulgarian" else "6.50"
    shown = HTML if encoding != "cp1251" else HTML.replace("−", "&#8722;")
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if 0 < number < len(before) - 1:
            assert (new[4], new[10]) == (grade, shown)
            old[4], old[10] = new[4], new[10]
        assert old == new
    # With the new cells taken out again, the file is the same byte for byte.
    text = path.read_bytes().decode(encoding)
    quotes = '"' if delimiter in f"{shown}{grade}" else ""
    shown_in_csv = '"' + shown + '"' if delimiter in shown else shown
    grade_in_csv = quotes + grade + quotes if delimiter in grade else grade
    text = text.replace(delimiter + shown_in_csv + end, delimiter + end)
    text = text.replace(delimiter + grade_in_csv + delimiter, delimiter + delimiter)
    assert text.encode(encoding) == data


def test_quotes_of_other_cells_stay(tmp_path):
    text = ('"Identifier","Full name","Grade","Feedback comments"\n'
            '"Participant 1","Ана","",""\nParticipant 2,"Б ""В"" Г",,x\n\n'
            '"Participant 3",Д,1.00,\n')
    path = put(tmp_path / "grades.csv", text.encode())
    fill_worksheet(path, [result_of("?", "1"), result_of("?", "2")], lambda result: "a, b")
    assert path.read_bytes().decode() == text.replace('"Ана","",""', '"Ана","6.50","<p>a, b</p>"') \
        .replace(',,x', ',6.50,"<p>a, b</p>"')


def test_headings_of_two_languages_may_be_mixed(tmp_path):
    path = put(tmp_path / "grades.csv", "Identifier,Пълно наименование,Оценка,Maximum grade\n"
               "Участник 1,Ана,,\"10,00\"\n".encode())
    lines = fill_worksheet(path, [result_of("Ана")], feedback)
    assert cells_of(path)[1] == ["Участник 1", "Ана", "6,50", "10,00"]
    assert lines == [f"{path}: no column 'Feedback comments', so grades only"]


def test_a_worksheet_without_numbers(tmp_path):
    path = put(tmp_path / "grades.csv", "Име;Оценка;Feedback comments\r\nАна;;\r\n".encode())
    assert fill_worksheet(path, [result_of("Ана", "1")], lambda result: "x") == []
    assert path.read_bytes().decode() == "Име;Оценка;Feedback comments\r\nАна;6,50;<p>x</p>\r\n"


def test_rows_by_name_where_there_is_no_number(tmp_path):
    students = [("Anne O'Brien", "1"), ("Ivan Ivanov", "2"), ("Ivan Ivanov", "3"), ("Петър", "4")]
    path = moodle_worksheet(tmp_path / "grades.csv", students)
    results = [result_of("anne_OBrien"), result_of("Ivan Ivanov"), result_of("FN77"),
               result_of("Петър", "5"), result_of("Petar", "4", 7), result_of("Петър Г", "6")]
    lines = fill_worksheet(path, results, lambda result: "")
    assert [cells[4] for cells in cells_of(path)[1:]] == ["6.50", "", "", "7.00"]
    assert [cells[10] for cells in cells_of(path)[1:]] == [""] * 4
    unmatched = [line.split(":")[0] for line in lines if "clearly" in line]
    assert unmatched == ["Петър (5)", "Петър Г (6)", "Ivan Ivanov", "FN77"]
    # A row that a number has is not another's by name.
    by_name = [result_of("Петър"), result_of("Petar", "4", 7)]
    assert fill_worksheet(path, by_name, feedback)[0].startswith("Петър: no row")
    assert cells_of(path)[4][4] == "7.00"
    assert sum("a row without a hand-in" in line for line in lines) == 2


def test_grades_that_are_not_written(tmp_path):
    students = [("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")]
    path = moodle_worksheet(tmp_path / "grades.csv", students)
    text = path.read_bytes().decode().split("\r\nParticipant ")
    text[1] = text[1].replace("Yes", "No").replace(',,10.00', ',5.00,10.00')
    path.write_bytes("\r\nParticipant ".join(text).encode())
    results = [result_of("A", "1"), result_of("B", "2", by_hand=3.75),
               Result("C", "3", state=NOT_READABLE), Result("D", "4", state=NOT_GRADED)]
    lines = fill_worksheet(path, results, lambda result: result.state)
    rows = cells_of(path)[1:]
    assert [row[4] for row in rows] == ["5.00", "", "", ""]
    comments = ["<p>graded</p>", "<p>graded</p>", "<p>not readable</p>", ""]
    assert [row[10] for row in rows] == comments
    assert "cannot be changed" in lines[0] and "10.25 is more than the maximum grade 10" in lines[1]
    assert "C (3): not readable" in lines[2] and "D (4): not graded" in lines[3]


def test_a_failure_leaves_the_worksheet(tmp_path):
    path = moodle_worksheet(tmp_path / "grades.csv", [("A", "1"), ("B", "2")])
    data = path.read_bytes()

    def fail(result):
        raise RuntimeError(result.student)

    with pytest.raises(RuntimeError):
        fill_worksheet(path, [result_of("A", "1"), result_of("B", "2")], fail)
    assert path.read_bytes() == data and list(tmp_path.iterdir()) == [path]


def test_a_row_that_is_not_as_the_headings_is_said(tmp_path):
    path = put(tmp_path / "grades.csv", b'Identifier,Grade\nParticipant 1\nParticipant 2,\n')
    lines = fill_worksheet(path, [result_of("A", "1"), result_of("B", "2")], feedback)
    assert path.read_bytes() == b"Identifier,Grade\nParticipant 1\nParticipant 2,6.50\n"
    assert any(line.startswith("A (1): its row is not as") for line in lines)


def test_what_is_no_worksheet(tmp_path):
    path = put(tmp_path / "grades.csv", b"student,points\nA,1\n")
    with pytest.raises(InputError, match="no heading 'Identifier' or 'Идентификатор', and none "
                                         "'Grade' or 'Оценка'"):
        fill_worksheet(path, [], feedback)
    with pytest.raises(InputError, match="no heading 'Grade'"):
        fill_worksheet(put(path, b"Identifier;Full name\n"), [], feedback)
    with pytest.raises(InputError, match="no heading"):
        fill_worksheet(put(path), [], feedback)
    with pytest.raises(InputError, match="is no text"):
        fill_worksheet(put(path, b"\x98\xff\x00"), [], feedback)


# Points of tasks 1 and 2.

@pytest.mark.parametrize("line, places", [
    ("Идентификатор,Пълно име,Имейл адрес,Състояние,Оценка,Максимална оценка,Оценката може да се "
     "променя,Последна промяна (предаване),Последна промяна (оценка),Отзиви и коментари",
     {"identifier": 0, "name": 1, "grade": 4, "maximum": 5, "changeable": 6, "feedback": 9}),
    ("ID,Име  и фамилия,Grade,Последна промяна (оценка),Feedback comments",
     {"name": 1, "grade": 2, "feedback": 4})])
def test_other_translations(line, places):
    assert find_columns(line.split(",")) == places


@pytest.mark.parametrize("text, encoding", [
    ("student,points\nFN1,2.5\nМария,3\n", "utf-8-sig"), ('FN1,"2,5"\nМария,3', "utf-8"),
    ("ФН;точки\r\nFN1;2,5\r\n\r\nМария; 3 ;\r\n", "cp1251"), ("FN1\t2,5\nМария\t3\n", "utf-16"),
    ("student;tasks 1–2\nFN1;2.5\nМария;3\n", "utf-8")])
def test_points_of_tasks_1_and_2(tmp_path, text, encoding):
    path = put(tmp_path / "points.csv", text.encode(encoding))
    assert read_points(path) == {"FN1": 2.5, "Мария": 3}


@pytest.mark.parametrize("text, message", [
    ("FN1,2\nFN2,3.5", "points.csv, line 2: '3.5' are no points from 0 to 3"),
    ("FN1,2\nFN2,-1", "line 2: '-1' are no"), ("FN1,nan", "line 1: 'nan' are no points"),
    ("FN1,2\nFN2,two", "line 2: 'two'"), ("FN1,2,5", "line 1: not a student and points, but 3"),
    ("FN1,2\nFN3\n", "line 2: not a student and points, but 1 cells: FN3"),
    ("FN1,2\n,3\n", "line 2: not a student"), ("FN1,2\n\nfn1,2", "line 3: fn1 is in line 1")])
def test_a_bad_line_of_points(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_points(put(tmp_path / "points.csv", text.encode()))


def test_points_are_given(tmp_path):
    results = [result_of("FN1"), result_of("Ivan Ivanov", "7"), result_of("Ivan Ivanov", "8"),
               result_of("Мария", "9")]
    lines = give_points(results, {"fn1": 2.5, "7": 1, "Участник 8": 0, "Nobody": 3})
    assert [result.by_hand for result in results] == [2.5, 1, 0, None]
    assert lines == ["points of tasks 1–2: no hand-in of Nobody",
                     "points of tasks 1–2: none for Мария (9)"]
    assert results[0].total == 9
    with pytest.raises(InputError, match="Ivan Ivanov fits 2 hand-ins"):
        give_points(results, {"Ivan Ivanov": 1})
    with pytest.raises(InputError, match="Мария and 9 are the same hand-in's"):
        give_points(results, {"Мария": 1, "9": 1})
