"""python solutions/grade.py as a teacher uses it; what it calls has tests of its own."""

import csv
import os
import subprocess
import sys

import pytest

from tests.support import handed_in
from tests.support.handed_in import ROOT, files_of, pack
from tests.test_moodle import archive, cells_of, moodle_download, moodle_worksheet

OWN, STUDENT, BLANK = map(files_of, (handed_in.OWN, handed_in.STUDENT, handed_in.BLANK))


def grade(folder, *options, **environment):
    return subprocess.run([sys.executable, ROOT / "solutions/grade.py", *options], cwd=folder,
                          capture_output=True, text=True, encoding="utf-8",
                          env=os.environ | environment)


def test_several_hand_ins(box, tmp_path):
    pack(tmp_path / "in/FN1.zip", OWN | {"answers/tasks-1-2.pdf": "x"})
    pack(tmp_path / "in/FN2.zip", {f"решение/{name}": text for name, text in STUDENT.items()})
    (tmp_path / "in/FN3.zip").write_bytes(b"no zip")
    pack(tmp_path / "in/FN4.zip", BLANK)
    pack(tmp_path / "in/=FN5.zip", {"../grads.py": "x"})
    result = grade(tmp_path, "in", "--csv", "marks.csv", "--report", "out")
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "marks.csv").read_text(encoding="utf-8-sig")
    rows = {row["student"]: row for row in csv.DictReader(text.splitlines())}
    assert {name: (row["state"], row["total"]) for name, row in rows.items()} == {
        "FN1": ("graded", "7"), "FN2": ("graded", "7"), "FN3": ("not readable", "0"),
        "FN4": ("graded", "0"), "'=FN5": ("not readable", "0")}
    assert "outside" in rows["'=FN5"]["notes"] and "not a readable zip" in rows["FN3"]["notes"]
    assert "tasks-1-2.pdf" in rows["FN1"]["answers"]
    assert "still to be written" in (tmp_path / "out/FN4.md").read_text(encoding="utf-8")
    assert "5 handed in: 3 graded, 2 not readable" in result.stdout


def test_from_moodle_and_back(box, tmp_path):
    def packed(modules):
        return archive({name: text.encode() for name, text in modules.items()})

    students = {("Мария Иванова", "123456"): {"homework2.zip": packed(OWN)},
                ("Noor Petrov", "123457"): {"homework2.zip": packed(BLANK)},
                ("Петър O'Brien", "123458"): {"homework.rar": b"Rar!"}}
    download, _ = moodle_download(tmp_path, students)
    sheet = moodle_worksheet(tmp_path / "grades.csv", students)
    before = cells_of(sheet)
    (tmp_path / "points.csv").write_text("123456,2.5\n123457,1\n", encoding="utf-8")
    result = grade(tmp_path, download, "--worksheet", sheet, "--answers-points", "points.csv",
                   "--csv", "marks.csv", "--decimal-comma")
    assert result.returncode == 0, result.stderr
    after = cells_of(sheet)
    grades, feedback = before[0].index("Grade"), before[0].index("Feedback comments")
    given = [row[grades] for row in after[1:]]
    assert given[2] == "" and [float(grade) for grade in given[:2]] == [9.5, 1], given
    assert "still to be written" in after[2][feedback] and ".rar" in after[3][feedback]
    for row in (*before, *after):
        del row[grades], row[feedback - 1]
    assert before == after
    marks = (tmp_path / "marks.csv").read_text(encoding="utf-8-sig").splitlines()
    assert "Мария Иванова;123456;graded;2,5;" in marks[1] + marks[2] + marks[3]


@pytest.mark.parametrize("options, message", [
    ([], "required"), (["none.zip"], "none.zip: no such file"), (["a", "b"], "same student"),
    (["a", "--jobs", "0"], "at least 1"),
    (["a", "--csv", "none/marks.csv"], "none")])
def test_mistakes_of_the_user(box, tmp_path, options, message):
    for folder in "a", "b":
        pack(tmp_path / folder / "FN1.zip", OWN)
    result = grade(tmp_path, *options)
    assert result.returncode == 2 and message in result.stderr, result.stderr
    assert result.stderr.count("\n") == 1
