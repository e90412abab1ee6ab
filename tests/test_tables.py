"""The tables that go back to a teacher and to Moodle, and the points that come from one."""

import os
import re
from pathlib import Path

import pytest

from solutions.grading import deep_checks, reports
from solutions.grading.results import NOT_GRADED, NOT_READABLE, HandIn, Loss, Result
from solutions.grading.tables import (
    check_writable,
    fill_worksheet,
    points_of,
    read_points,
    read_worksheet,
    write_marks,
)
from tests.support.handed_in import put
from tests.support.moodle import BULGARIAN, NAMES, cells_of, moodle_worksheet
from utils import InputError


def result_of(name="A", number="", total=6.5, **more):
    points = {"3": 1, "4": total - 5, "5": 2, "6": 2}
    return Result(name, number, points=points, **more)


# --- marks.csv ------------------------------------------------------------------------------------

def test_marks_are_a_table(tmp_path):
    lost = Loss("4", "J", 0.5, ("J is inf", "and more"))
    results = [
        result_of("Мария", "12", answers=["a.pdf", "b.pdf"], losses=[lost],
                  artefacts=[{"file": "U.npy", "ok": True, "note": "fine"}], notes=["a\x1b[2Jb"]),
        result_of("=1+1", by_hand=2.5, answers=["=cmd|' /C calc'!A0.pdf"],
                  artefacts=[{"file": "@U.npy", "ok": False, "note": "is zero"}]),
        Result("B", state=NOT_READABLE, notes=["a .rar archive"], by_hand=1),
        Result("C", state=NOT_GRADED, notes=["\t=the judge was killed" + "x" * 5000])]
    path = put(tmp_path / "marks.csv", "the old ones")
    write_marks(path, results)
    assert path.read_bytes().startswith("\ufeffstudent".encode())
    head, first, second, unreadable, not_graded = cells_of(path)
    assert head == ["student", "identifier", "state", "task 1–2", "answers", "task 3", "task 4",
                    "task 5", "task 6", "total", "artefacts", "notes"]
    assert first == ["Мария", "12", "graded", "by hand", "a.pdf; b.pdf", "1", "1.5", "2", "2",
                     "6.5", "fine", "task 4, J (−0.5): J is inf; and more; a [2Jb"]
    assert second[:5] == ["'=1+1", "", "graded", "2.5", "'=cmd|' /C calc'!A0.pdf"]
    assert second[9:] == ["9", "'@U.npy: is zero", ""]
    assert unreadable == ["B", "", "not readable", "1", "", "0", "0", "0", "0", "1", "",
                          "a .rar archive"]
    assert not_graded[:-1] == ["C", "", "not graded", "by hand", *[""] * 7]
    assert not_graded[-1].startswith("'=the judge was killedxx") and len(not_graded[-1]) < 4000
    write_marks(path, results, decimal_comma=True)
    first, second = cells_of(path, ";")[1:3]
    assert first[5:10] == ["1", "1,5", "2", "2", "6,5"] and "(−0,5)" in first[11]
    assert second[3] == "2,5" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("decimal_comma", [False, True])
@pytest.mark.parametrize("text", [
    "x;=1+1;", "x,=1+1,", "x; -1+1", 'x;"=1+1"', "x;\t@A1", '"=1+1', "a < b;+1", "=1;=1,=1", "<=1",
    "x;;==1", 'x";=1', "x;＝1"])
def test_no_spreadsheet_computes_a_part_of_a_cell(tmp_path, text, decimal_comma):
    loss = Loss("4", "J", 0.5, (text,))
    result = result_of(text, "7", answers=["a.pdf", text], losses=[loss], notes=["b", text])
    write_marks(tmp_path / "marks.csv", [result], decimal_comma)
    sheet = moodle_worksheet(tmp_path / "sheet.csv", [("A", "7")])
    fill_worksheet(sheet, [result], reports.feedback)
    marks = [cell for delimiter in ",;" for row in cells_of(tmp_path / "marks.csv", delimiter)
             for cell in row]
    filled = [cell for delimiter in ",;" for row in cells_of(sheet, delimiter) for cell in row]
    assert not [cell for cell in marks + filled if cell.strip(' "').startswith(tuple("=+-@＝"))]


def test_a_failure_leaves_the_old_table(tmp_path, monkeypatch):
    marks, sheet = put(tmp_path / "marks.csv", "the old ones"), moodle_worksheet(tmp_path / "s.csv")
    before = sheet.read_bytes()
    with pytest.raises(ZeroDivisionError):
        fill_worksheet(sheet, [result_of(*NAMES[0])], lambda result: 1 / 0)
    monkeypatch.setattr(os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_marks(marks, [result_of()])
    assert (marks.read_text(), sheet.read_bytes()) == ("the old ones", before)
    assert sorted(tmp_path.iterdir()) == [marks, sheet]


def test_whether_a_table_can_be_written_is_asked_first(tmp_path):
    path = put(tmp_path / "marks.csv", b"old")
    check_writable(path)
    check_writable(tmp_path / "new.csv")
    for wrong in tmp_path, Path(os.devnull), put(tmp_path / "FN1.zip"):
        with pytest.raises(InputError, match="not a table"):
            check_writable(wrong)
    with pytest.raises(InputError, match="marks.csv: cannot be written: No such file"):
        check_writable(tmp_path / "nowhere/marks.csv")
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 2


# --- Moodle's worksheet ---------------------------------------------------------------------------

def feedback(result):
    return [f'task 4: "J" < 0 & \\ wrong − by {result.total:g}', "second line, of <b>; \x07two"]


HTML = ("<p>task 4: &quot;J&quot; &lt; 0 &amp; &#92; wrong − by 6.5"
        "<br>second line, of &lt;b&gt;; two</p>")


@pytest.mark.parametrize("headings, delimiter, encoding", [
    (None, ",", "utf-8-sig"), (None, "\t", "utf-8"), (None, "\t", "utf-16"),
    (BULGARIAN, ";", "utf-8-sig"), (BULGARIAN, ",", "utf-8"), (BULGARIAN, ";", "cp1251")])
def test_only_grades_and_feedback_change(tmp_path, headings, delimiter, encoding):
    path = moodle_worksheet(tmp_path / "grades.csv", NAMES, headings, delimiter, encoding)
    data, before = path.read_bytes(), cells_of(path, delimiter, encoding)
    results = [result_of(name, number) for name, number in NAMES[:-1]]
    lines = fill_worksheet(path, results, feedback)
    assert lines == [f'D "Y" Z, {before[-1][0]}: a row without a hand-in']

    after = cells_of(path, delimiter, encoding)
    shown = HTML if encoding != "cp1251" else HTML.replace("−", "&#8722;")
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if 0 < number < len(before) - 1:
            assert (new[4], new[9]) == ("6,50" if headings else "6.50", shown)
            old[4], old[9] = new[4], new[9]
        assert old == new
    assert path.read_bytes()[:4] == data[:4], "the byte order mark"


def test_headings_of_two_languages_may_be_mixed(tmp_path):
    path = put(tmp_path / "grades.csv", "Identifier;Пълно наименование;Оценка;Maximum grade\n"
               "Участник 1;Ана;;10.00\n\nУчастник 2;Б\n")
    lines = fill_worksheet(path, [result_of("Ана"), result_of("x", "2")], feedback)
    assert cells_of(path, ";")[1:] == [["Участник 1", "Ана", "6.50", "10.00"], [],
                                       ["Участник 2", "Б", "6,50", ""]]
    assert lines == [f"{path}: no column 'Feedback comments', so grades only"]


@pytest.mark.parametrize("line, places", [
    ("Идентификатор,Пълно име,Имейл адрес,Състояние,Оценка,Максимална оценка,Оценката може да се "
     "променя,Последна промяна (предаване),Последна промяна (оценка),Отзиви и коментари",
     {"identifier": 0, "name": 1, "grade": 4, "maximum": 5, "feedback": 9}),
    ("ID;Име  и фамилия;Grade;Последна промяна (оценка);Feedback comments",
     {"name": 1, "grade": 2, "feedback": 4})])
def test_other_translations(tmp_path, line, places):
    assert read_worksheet(put(tmp_path / "grades.csv", line))[1] == places


def test_rows_by_name_where_there_is_no_number(tmp_path):
    students = [("Anne O'Brien", "1"), ("Ivan Ivanov", "2"), ("Ivan Ivanov", "3"), ("Петър", "4")]
    path = moodle_worksheet(tmp_path / "grades.csv", students)
    results = [result_of("anne_OBrien"), result_of("Ivan Ivanov"), result_of("FN77"),
               result_of("Петър", "5"), result_of("Petar", "4", 7)]
    lines = fill_worksheet(path, results, lambda result: [])
    assert [cells[4] for cells in cells_of(path)[1:]] == ["6.50", "", "", "7.00"]
    assert [cells[9] for cells in cells_of(path)[1:]] == [""] * 4
    unmatched = [line.split(":")[0] for line in lines if "clearly" in line]
    assert unmatched == ["Петър (5)", "Ivan Ivanov", "FN77"]
    sheet = put(tmp_path / "names.csv", "Full name,Grade\nАна,\n")
    lines = fill_worksheet(sheet, [result_of("Ана", "1"), result_of("ана", "2")], feedback)
    assert sum("clearly" in line for line in lines) == 2
    # A row that a number has is not another's by name.
    by_name = [result_of("Петър"), result_of("Petar", "4", 7)]
    assert fill_worksheet(path, by_name, feedback)[0].startswith("Петър: no row")
    assert cells_of(path)[4][4] == "7.00"


def test_grades_that_are_not_written(tmp_path):
    path = moodle_worksheet(tmp_path / "grades.csv", [("B", "2"), ("C", "3"), ("D", "4")])
    results = [result_of("B", "2", by_hand=3.75), Result("C", "3", state=NOT_READABLE),
               Result("D", "4", state=NOT_GRADED)]
    lines = fill_worksheet(path, results, lambda result: [result.state])
    rows = cells_of(path)[1:]
    assert [row[4] for row in rows] == ["", "", ""]
    assert [row[9] for row in rows] == ["<p>graded</p>", "<p>not readable</p>", ""]
    assert lines == ["B (2): 10.25 is more than the maximum grade 10; no grade is written",
                     "C (3): not readable; no grade is written",
                     "D (4): not graded; no grade is written"]


@pytest.mark.parametrize("content, message", [
    (b"student,Grade\nA,1\n", "must have 'Grade', and 'Identifier'"),
    (b"Identifier;Full name\n", "must have 'Grade'"), (b"", "must have 'Grade'"),
    (b"\x98\xff\x00", "is no text")])
def test_what_is_no_worksheet(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_worksheet(put(tmp_path / "grades.csv", content))


# --- points of tasks 1 and 2 ----------------------------------------------------------------------

@pytest.mark.parametrize("text, encoding", [
    ("student,points\nFN1,2.5\nМария,3\n", "utf-8-sig"), ('FN1,"2,5"\nМария,3', "utf-8"),
    ("ФН;точки\r\nFN1;2,5\r\n\r\nМария; 3 ;\r\n", "cp1251"), ("FN1\t2,5\nМария\t3\n", "utf-16"),
    ("student;tasks 1–2\nFN1;2.5\nМария;3\n", "utf-8")])
def test_points_of_tasks_1_and_2(tmp_path, text, encoding):
    path = put(tmp_path / "points.csv", text.encode(encoding))
    assert read_points(path) == [("FN1", 2.5), ("Мария", 3)]


@pytest.mark.parametrize("text, got", [
    ("FN1,2\nFN2,3.5", "'FN2, 3.5'"), ("FN1,2\nFN2,-1", "'FN2, -1'"),
    ("FN1,nan", "'FN1, nan'"), ("FN1,2\nFN2,two", "'FN2, two'"), ("FN1,2,5", "'FN1, 2, 5'"),
    ("FN1,2\nFN3\n", "'FN3'"), ("FN1,2\n,3\n", "'3'"), ("FN1,2\nFN2,²", "'FN2, ²'")])
def test_a_bad_line_of_points(tmp_path, text, got):
    with pytest.raises(InputError, match=f"expected a student and 0 to 3 points, got .*{got}"):
        read_points(put(tmp_path / "points.csv", text))


def test_whose_points_they_are():
    hand_ins = [HandIn("FN1", ()), HandIn("Ivan Ivanov", (), "7"), HandIn("Ivan Ivanov", (), "8"),
                HandIn("Мария", (), "9")]
    given, lines = points_of(hand_ins, [("fn1", 2.5), ("7", 1), ("Участник 8", 0), ("Nobody", 3)])
    assert given == {0: 2.5, 1: 1, 2: 0}
    assert lines == ["points of tasks 1–2: no hand-in of Nobody",
                     "points of tasks 1–2: none for Мария (9)"]
    with pytest.raises(InputError, match="Ivan Ivanov fits 2 hand-ins"):
        points_of(hand_ins, [("Ivan Ivanov", 1)])
    with pytest.raises(InputError, match=r"Мария \(9\) has several"):
        points_of(hand_ins, [("Мария", 1), ("9", 1)])


@pytest.mark.parametrize("name", ["100", "Participant 100", "участник  100", "１００"])
def test_a_number_is_moodles_whatever_a_profile_says(name):
    eve, ivan = HandIn(name, (), "7"), HandIn("Ivan", (), "100")
    for row in {"100", "Participant 100", name}:
        assert points_of([eve], [(row, 3)]) == ({}, [
            f"points of tasks 1–2: no hand-in of {' '.join(row.split())}",
            f"points of tasks 1–2: none for {' '.join(name.split())} (7)"])
        assert points_of([eve, ivan], [("7", 1), (row, 3)])[0] == {0: 1, 1: 3}
    assert points_of([HandIn("100", ())], [("100", 3)]) == ({0: 3}, [])


# --- reports --------------------------------------------------------------------------------------

def test_a_report_in_bulgarian():
    """The words of ours are Bulgarian; details, and names of files and functions, stay as they are.
    """
    parts = [check.part for check in deep_checks.CHECKS if not check.part.isidentifier()]
    assert parts and set(parts) <= set(reports.BULGARIAN)
    assert all(re.search("[а-я]", text) or " = 1" in text for text in reports.BULGARIAN.values())
    result = result_of("A", losses=[Loss("6", "step, W", 0.5, ("W lacks α",))], notes=["1"],
                       artefacts=[{"file": "U", "ok": False, "note": "not handed in"},
                                  {"file": "V", "ok": False, "note": "2"}])
    assert reports.report(result, "bg", is_unsafe=True).splitlines()[2:] == [
        "| задача | | точки |", "|---|---|---|", "| 1–2 | няма файл с отговори | на ръка |",
        "| 3 | sampling.py | 1 от 1 |", "| 4 | grads.py, едно наблюдение | 1.5 от 2 |",
        "| 5 | grads.py, партида | 2 от 2 |", "| 6 | w2v_sgd.py | 2 от 2 |",
        "| | общо | 6.5 |", "", "- задача 6, стъпка, W (−0.5): `W lacks α`",
        "- U: не е предадено", "- V: грешно, 2", "- бележка: `1`",
        "- оценено без изолация (--unsafe)"]
    assert "не може да се прочете" in reports.report(Result("A", state=NOT_READABLE), "bg")


def test_a_report_says_what_was_handed_in():
    text = "**1** `x` <b> [x](y) [x][y] | __z__ &lt;b&gt; ~~c~~ \\*"
    loss = Loss("4", "J, du_w", 0.5, (text, text))
    result = result_of("A|<b>", losses=[loss], notes=[text] * 30, answers=["*a*.pdf"], artefacts=[
        {"file": "w2v-U.npy", "ok": False, "note": "not handed in"},
        {"file": "w2v-V.npy", "ok": False, "note": "not a matrix"}])
    lines = reports.report(result).splitlines()
    shown = text.replace("`", "'").replace("|", "¦")
    assert lines[0] == "# `A¦<b>`" and "| 1–2 | `*a*.pdf` | by hand |" in lines
    assert f"- task 4, J, du_w (−0.5): `{shown}; {shown}`" in lines
    assert f"task 4, J, du_w (−0.5): {text}; {text}" in reports.feedback(result)
    assert "- w2v-U.npy: not handed in" in lines and "- w2v-V.npy: wrong, not a matrix" in lines
    assert lines[-1] == "- note: `and 11 more`" and lines.count(f"- note: `{shown}`") == 19


def test_checks_that_say_the_same_are_one_loss():
    lines = ["there is no sampling.py\x1b", "x" * 4000]
    [loss] = reports.losses_of([["3", "createSamplingSequence", lines],
                                ["3", "noiseDistribution", lines], ["3", "sampleContext", lines]])
    assert (loss.part, loss.points) == ("createSamplingSequence, noiseDistribution, "
                                        "sampleContext", 1)
    assert loss.lines == ("there is no sampling.py", "x" * 300)
