"""Whose is what: archives, folders, downloads of platforms; nothing is graded here."""

import subprocess
import sys
from dataclasses import replace

import pytest

from solutions.grading import hand_ins
from solutions.grading.hand_ins import find_hand_ins
from solutions.grading.modules import read_hand_in
from solutions.grading.names import file_name, meant_name, name_key, printable
from solutions.grading.unpack import OF_A_DOWNLOAD, Unfit
from tests.support.handed_in import OWN, ROOT, files_of, in_folder, put, put_all, zipped
from tests.support.moodle import moodle_download
from utils import InputError

FILES = files_of(OWN)
ONE = zipped(FILES)
NAMES = [f"{given} {family}" for given in ("Ivan", "Мария", "Anne-Marie", "Željko", "Noor")
         for family in ("Petrov", "Иванова", "O'Brien", "van der Berg")]


@pytest.fixture
def found(tmp_path):
    """Return a function that finds hand-ins, and sets aside lines on what was not taken."""
    numbers = iter(range(100))

    def found(*paths, **options):
        scratch = tmp_path / f"scratch {next(numbers)}"
        scratch.mkdir()
        hand_ins, found.not_taken = find_hand_ins(paths, scratch, **options)
        return hand_ins
    return found


def what_is_in(hand_in, tmp_path):
    """Return the names of what the student's code may import, or why nothing can be read."""
    scratch = tmp_path / f"of {hand_in.student} {hand_in.identifier}"
    scratch.mkdir()
    try:
        return sorted(read_hand_in(hand_in, scratch).sources)
    except Unfit as error:
        return str(error)


def students_of(hand_ins):
    return [one.student for one in hand_ins]


# --- Moodle ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("ending", ["_", ""])
def test_a_download_has_a_hand_in_for_each_student(found, tmp_path, folders, ending):
    students = {(name, str(123400 + place)): {f"FN{place}.zip": ONE} if place % 2 else FILES
                for place, name in enumerate(NAMES)}
    students |= {("Ivan Petrov", "7"): {"hw.zip": ONE}, (".Noor", "8"): {"hw.zip": ONE}}
    packed, unpacked = moodle_download(tmp_path / "in", students, folders, ending)
    put(unpacked / "grades.csv")
    for number, path in enumerate([packed, unpacked]):
        hand_ins = found(path, path, is_download=True)
        assert {(one.student, one.identifier) for one in hand_ins} == set(students)
        assert students_of(hand_ins) == sorted([".Noor", "Ivan Petrov", *NAMES])
        (tmp_path / str(number)).mkdir()
        for one in hand_ins:
            assert what_is_in(one, tmp_path / str(number)) == sorted(FILES)
    assert found.not_taken == ["not taken: grades.csv, neither a .zip nor a folder"]


def test_what_of_moodles_cannot_be_read(found, tmp_path):
    students = {("A", "1"): {"FN1.rar": "Rar!"}, ("C", "3"): {"FN3.tar.gz": "", "answers.pdf": ""},
                ("D", "4"): {"FN4.rar": "Rar!", "FN4.zip": ONE}, ("E", "5"): {"answers.docx": ""}}
    _, unpacked = moodle_download(tmp_path, students)
    (unpacked / "B_2_assignsubmission_file_").mkdir()
    for start in "A_1", "F_6":
        put(unpacked / f"{start}_assignsubmission_onlinetext_/onlinetext.html", "<p>Hi</p>")
    a, b, c, d, e, f = [what_is_in(one, tmp_path) for one in found(unpacked)]
    assert a.startswith("A_1_assignsubmission_file_/FN1.rar: a .rar file, not a .zip")
    assert b == "it holds no files" and c.startswith("FN3.tar.gz: a .gz file, not a .zip")
    assert d == sorted(FILES) and e == f == []


def test_one_damaged_file_of_a_download_is_named(found, tmp_path):
    students = {("A", "1"): {"FN1.txt": b"spoil this" * 9}, ("B", "2"): {"FN2.zip": ONE}}
    packed, _ = moodle_download(tmp_path, students)
    packed.write_bytes(packed.read_bytes().replace(b"spoil", b"spilt", 1))
    assert students_of(found(packed, is_download=True)) == ["A", "B"]
    [line] = found.not_taken
    assert line.startswith("not taken: A_1_assignsubmission_file_/FN1.txt: not readable: Bad CRC")


# --- identity is not taken from what is inside ----------------------------------------------------

MARIA = "Мария Петрова_222_assignsubmission_file_"


@pytest.mark.parametrize("inside", [
    {f"{MARIA}/a.zip": ONE}, {f"hw/{MARIA}/a.zip": ONE}, {f"{MARIA}/grads.py": ""},
    {"Ivan_1_assignsubmission_file_/a.zip": ONE, f"{MARIA}/a.zip": ONE},
    {"FN1.zip": ONE, "x/FN1.zip": ONE}, {"FN1.zip": ONE, "FN2.zip": ONE}])
def test_an_archive_is_one_students(found, tmp_path, inside):
    packed, _ = moodle_download(tmp_path, {("Мария Петрова", "222"): {"FN2.zip": ONE}})
    put(tmp_path / "in/FN9.zip", zipped(inside))
    put(tmp_path / "in/FN8.zip", ONE)
    put_all(tmp_path / "in/FN7", inside)
    assert students_of(found(tmp_path / "in")) == ["FN7", "FN8", "FN9"]
    assert students_of(found(tmp_path / "in/FN9.zip", tmp_path / "in/FN8.zip")) == ["FN8", "FN9"]
    assert students_of(found(tmp_path / "in/FN9.zip")) == ["FN9"]


def test_one_archive_with_moodles_names_is_everybodys(found, tmp_path):
    packed, _ = moodle_download(tmp_path, {("Мария Петрова", "222"): {"FN2.zip": ONE}})
    assert students_of(found(packed)) == ["Мария Петрова"]
    assert students_of(found(packed, put(tmp_path / "FN8.zip", ONE))) == [packed.stem, "FN8"]


@pytest.mark.parametrize("name", ["Course-Homework 2-4567.zip", "download.zip"])
def test_a_download_that_cannot_be_read_is_no_row(found, tmp_path, monkeypatch, name):
    students = {(student, str(number)): FILES for number, student in enumerate(NAMES)}
    packed, _ = moodle_download(tmp_path, students)
    whole = packed.read_bytes()
    assert len(found(put(tmp_path / name, whole))) == len(NAMES)
    with pytest.raises(InputError, match=f"{name}: not a readable zip.*unpack it yourself and n"):
        found(put(tmp_path / name, whole[:-30]))
    for limit, reason in [({"entries": 79}, "80 files, more than 79"),
                          ({"folders": 19}, "20 folders, more than 19"),
                          ({"gigabytes": 1e-9}, "GB, more than 1e-09")]:
        monkeypatch.setattr(hand_ins, "OF_A_DOWNLOAD", replace(OF_A_DOWNLOAD, **limit))
        with pytest.raises(InputError, match=f"{name}: .*{reason}; unpack it yourself and name"):
            found(put(tmp_path / name, whole))


@pytest.mark.parametrize("ending", ["_", ""])
def test_a_profile_named_like_anothers_folder_is_not_merged_with_it(found, tmp_path, ending):
    start = "Ivan_100_assignsubmission_file"
    students = {("Ivan", "100"): {"FN1.zip": ONE}, (f"{start}_", "666"): FILES, (start, "7"): FILES}
    packed, unpacked = moodle_download(tmp_path, students, ending=ending)
    for path in packed, unpacked:
        assert {(one.student, one.identifier) for one in found(path)} == set(students)


@pytest.mark.parametrize("student, file", [
    ("Eve", "Ivan_100_assignsubmission_file_x.zip"), ("Eve", "Ivan_100_assignsubmission_file_"),
    ("Ivan_100_assignsubmission_file_", "x.zip"), ("Ivan_100_assignsubmission_file", "x.zip"),
    ("Eve", "_100_assignsubmission_file_x.zip")])
def test_a_file_that_may_be_of_two_students_is_said_before(found, tmp_path, student, file):
    students = {("Mira", "5"): {"FN1.zip": ONE}, (student, "666"): {file: ONE}}
    for path in moodle_download(tmp_path, students, folders=False):
        with pytest.raises(InputError, match="_666_assign.* may be of two students"):
            found(path)


def test_an_archive_is_everybodys_if_the_teacher_says_so(found, tmp_path):
    inside = {f"hw/FN{number}.zip": ONE for number in (1, 2, 3)}
    everybody = put(tmp_path / "all.zip", zipped(inside | {"hw/notes.txt": ""}))
    [one] = found(everybody)
    assert what_is_in(one, tmp_path).endswith("a download of everybody's needs --download")
    folders = in_folder("Ivan Petrov", FILES) | in_folder("Мария Иванова", FILES)
    other = put(tmp_path / "b.zip", zipped(folders))
    assert students_of(found(other, everybody, is_download=True)) == [
        "FN1", "FN2", "FN3", "Ivan Petrov", "Мария Иванова"]
    assert found.not_taken == ["not taken: notes.txt, neither a .zip nor a folder"]
    with pytest.raises(InputError, match="c.zip: not a readable zip file.*; unpack it yourself"):
        found(put(tmp_path / "c.zip", "PK"), is_download=True)


@pytest.mark.parametrize("pair", [
    ("FN30victim.zip", "FN30victim .zip"), ("FN30victim.zip", "FN30victim ./grads.py"),
    ("FN2.zip", "fn2.zip"), ("Ivan_Petrov.zip", "Ivan  Petrov.zip"), ("a/FN1.zip", "b/FN1.zip"),
    ("Йо.zip", "И\u0306о.zip"), ("A_1_assignsubmission_file_/x.zip", "A 1.zip"),
    ("a/A_1_assignsubmission_file_/x.zip", "b/A_1_assignsubmission_file_/x.zip"),
    ("in/A_1_assignsubmission_file_/x.zip", "in/B_1_assignsubmission_file_/x.zip")])
def test_two_that_may_be_one_students_are_said_before(found, tmp_path, pair):
    for name in pair:
        put(tmp_path / "in" / name, ONE)
    named = [tmp_path / "in"]
    if "/" in pair[1]:
        named = [tmp_path / "in" / name.split("/")[0] for name in pair]
    with pytest.raises(InputError, match=f"{named[0]}.* and .* look like one student's; rename"):
        found(*named)


def test_versions_are_one_students(found, tmp_path):
    for name in ("FN1.zip", "FN1 (1).zip", "FN1 - копие (2).ZIP", "FN1 - Copy.zip", "FN1.rar",
                 "FN1/grads.py"):
        put(tmp_path / "in" / name, ONE)
    [one] = found(tmp_path / "in")
    assert len(one.sources) == 6 and len(found(tmp_path / "in", tmp_path / "in/FN1.zip")) == 1


def test_one_key_for_a_student():
    same = "O'Brien,  Anne_Marie", "OBrien, anne Marie ", "ＯBrien, Anne\u00a0Marie"
    assert len(set(map(name_key, same))) == 1 and name_key("OBrien, AnneMarie") != name_key(same[0])
    assert file_name("../a/b:c*? ") == "abc"
    blanks = "\u2800\u3164\u115f\u1160\uffa0\u3000\u200b\U0001d159 \u034f \ufe0f \U000e0100 "
    assert printable(f"a{blanks}b\n{blanks * 9}c") == "a b c"
    assert printable("a\x00b\u202e\udc80" + "x" * 999) == "a b ?" + "x" * 295


def test_long_names_cost_no_time():
    assert meant_name("sampling" + " (1)" * 60 + ".py") == "sampling.py"
    assert meant_name("sampling" + " (1)" * 62 + ".py") is None
    code = "from solutions.grading.names import COPY, meant_name; s = ' ' * 10 ** 5; "
    code += "COPY.sub('', f'x{s}copy{s}x'); [meant_name(f'{s}copy{s}x.py') for _ in range(1000)]"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=100, check=True)


# --- nobody is left out ---------------------------------------------------------------------------

def test_every_entry_is_a_row_or_a_line(found, tmp_path):
    folder = put_all(tmp_path / "in", {
        "FN1.zip": ONE, **in_folder("FN2/hw", FILES), "FN4_grads.py": "", "FN5.zip.crdownload": "",
        "FN6": ONE, "FN7.rar": "", "FN8.zip": zipped({}), "FN9.docx": b"PK\3\4", "FN10/x.pdf": "",
        "FN11/homework.zip": ONE, "grads.py": "", ".DS_Store": "", ".FN12.zip": ONE,
        "__MACOSX/._FN1.zip": "", "out/FN1.md": "", "marks.csv": ""})
    (folder / "FN3").mkdir()
    hand_ins = found(folder, own=[folder / "out", folder / "marks.csv"])
    rows = {one.student: what_is_in(one, tmp_path) for one in hand_ins}
    assert rows == {
        "FN1": sorted(FILES), "FN2": sorted(FILES), "FN3": "it holds no files",
        "FN6": sorted(FILES), "FN8": "it holds no files", "FN10": [], "FN11": sorted(FILES),
        "FN7": "FN7.rar: a .rar file, not a .zip: ask for one, or unpack it and name the folder"}
    assert found.not_taken == [
        *(f"not taken: {name}, neither a .zip nor a folder" for name in (
            "FN4_grads.py", "FN5.zip.crdownload", "FN9.docx", "grads.py")),
        "not taken: .DS_Store, .FN12.zip, __MACOSX: hidden or made by a program"]


def test_a_folder_that_was_named_is_its_student(found, tmp_path):
    for name in "FN1", "FN2":
        put_all(tmp_path / name, in_folder("hw", FILES) | {"tasks-1-2.pdf": "", ".DS_Store": ""})
    assert students_of(found(tmp_path / "FN1")) == ["FN1"]
    assert students_of(found(tmp_path / "FN1", tmp_path / "FN2")) == ["FN1", "FN2"]
    assert found.not_taken == ["not taken: .DS_Store: hidden or made by a program"]
    for number, files in enumerate([
            FILES | {"data.zip": zipped({"x.csv": ""}), "figures/1.png": ""}, {"tasks-1-2.pdf": ""},
            {}, FILES | in_folder("old", FILES) | in_folder("older", FILES),
            {"grads.py": "", **in_folder("old", FILES), "data/1.csv": ""}]):
        put_all(tmp_path / f"FN4{number}", files).mkdir(exist_ok=True)
        assert students_of(found(tmp_path / f"FN4{number}")) == [f"FN4{number}"]
    assert students_of(found(tmp_path / "FN1/hw")) == ["hw"]


def canvas(student, number, name):
    return f"{student}_{number}_67890{number % 10}_{name}"


def blackboard(student, name):
    return f"Homework 2_{student}_attempt_2026-11-09-23-59-58{name}"


CANVAS = {"ivanovivan": {canvas("ivanovivan", 12345, "FN1.zip"): ONE},
          "petrovapetya": {canvas("petrovapetya_LATE", 12346, "hw-1.zip"): ONE},
          "georgievg": {canvas("georgievg", 12347, name): text for name, text in FILES.items()},
          "emptyone": {canvas("emptyone", 12349, "text.html"): ""}}
BLACKBOARD = {"ivan": {blackboard("ivan", "_FN1.zip"): ONE, blackboard("ivan", ".txt"): ""},
              "maria": {blackboard("maria", f"_{name}"): text for name, text in FILES.items()}}


@pytest.mark.parametrize("students", [CANVAS, BLACKBOARD])
def test_other_platforms(found, tmp_path, students):
    flat = {name: content for files in students.values() for name, content in files.items()}
    for path in put_all(tmp_path / "flat", flat), put(tmp_path / "flat.zip", zipped(flat)):
        with pytest.raises(InputError, match="flat.*several; unpack it, a folder per student"):
            found(path, is_download=True)
    assert "the hand-ins of several" in what_is_in(found(path)[0], tmp_path)
    for student, files in students.items():
        put_all(tmp_path / "folders" / student, files)
    rows = {one.student: what_is_in(one, tmp_path) for one in found(tmp_path / "folders")}
    assert set(rows) == set(students)
    assert all(set(FILES) <= set(sources) for student, sources in rows.items()
               if student != "emptyone")


def test_mistakes_of_the_teacher(found, tmp_path):
    with pytest.raises(InputError, match="nobody.zip: no such file or folder"):
        found(tmp_path / "nobody.zip")
    with pytest.raises(InputError, match="there is no hand-in; not taken: FN7.docx, neither a .zi"):
        found(put(tmp_path / "FN7.docx"))
    for name in "A_123_456_x.zip", "A_123_457_y.zip", "B_123_456_x.zip":
        put(tmp_path / "class" / name, ONE)
    with pytest.raises(InputError, match="class: with A_123.* and B_123_456_x.zip it looks like"):
        found(tmp_path / "class")


def test_a_stray_module_beside_the_hand_ins_of_a_class_is_nobodys(tmp_path, found):
    for name in "FN1", "FN2", "FN3":
        put_all(tmp_path / "class" / name, FILES)
    put(tmp_path / "class/grads.py", b"x = 1")
    assert students_of(found(tmp_path / "class")) == ["FN1", "FN2", "FN3"]
    assert "grads.py" in found.not_taken[0]
    put_all(tmp_path / "archives", FILES | {"FN1.zip": ONE, "FN2.zip": zipped({"1.pdf": ""})})
    assert students_of(found(tmp_path / "archives")) == ["FN1", "FN2"]
    assert len(found.not_taken) == 3
