"""python solutions/grade.py as a teacher uses it; what it calls has tests of its own."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from solutions import grade
from solutions.grading.results import HandIn
from tests.support import handed_in
from tests.support.handed_in import ROOT, files_of, in_folder, pack, put, put_all, zipped
from tests.support.moodle import cells_of, moodle_download, moodle_worksheet

OWN, STUDENT, BLANK = map(files_of, (handed_in.OWN, handed_in.STUDENT, handed_in.BLANK))


def run(folder, *options, **more):
    return subprocess.run([sys.executable, ROOT / "solutions/grade.py", *options], cwd=folder,
                          text=True, encoding="utf-8", **{"capture_output": True, **more})


def rows_of(file):
    text = file.read_text(encoding="utf-8-sig")
    return {row["student"]: row for row in csv.DictReader(text.splitlines())}


def test_several_hand_ins(box, tmp_path):
    helped = STUDENT | {"grads.py": "from helpers.mine import *\n",
                        "helpers/mine.py": STUDENT["grads.py"]}
    pack(tmp_path / "in/FN1.zip", OWN | {"answers/tasks-1-2.pdf": "x"})
    put_all(tmp_path / "in/FN2", in_folder("решение", helped))
    put(tmp_path / "in/FN3.zip", "no zip")
    put(tmp_path / "in/=FN5.txt")
    result = run(tmp_path, "in", "--csv", "in/marks.csv", "--report", "in/out")
    assert result.returncode == 0, result.stderr
    rows = rows_of(tmp_path / "in/marks.csv")
    assert {name: (row["state"], row["total"]) for name, row in rows.items()} == {
        "FN1": ("graded", "7"), "FN2": ("graded", "7"), "FN3": ("not readable", "0")}
    assert "not a readable zip" in rows["FN3"]["notes"]
    assert "tasks-1-2.pdf" in rows["FN1"]["answers"]
    assert "not a readable zip" in (tmp_path / "in/out/FN3.md").read_text(encoding="utf-8")
    assert "3 handed in: 2 graded, 1 not readable" in result.stdout
    assert "not taken: =FN5.txt" in result.stdout


def test_from_moodle_and_back(box, tmp_path):
    students = {("Мария Иванова", "123456"): {"homework2.zip": zipped(OWN)},
                ("Noor Petrov", "123457"): {"homework2.zip": zipped(BLANK)},
                ("Петър O'Brien", "123458"): {"homework.rar": b"Rar!"}}
    download, _ = moodle_download(tmp_path, students)
    sheet = moodle_worksheet(tmp_path / "grades.csv", students)
    before = cells_of(sheet)
    put(tmp_path / "points.csv", "123456,2.5\n123457,1\n")
    result = run(tmp_path, "--download", download, "--worksheet", sheet, "--csv", "marks.csv",
                 "--answers-points", "points.csv", "--decimal-comma")
    assert result.returncode == 0, result.stderr
    after = cells_of(sheet)
    assert [row[4] for row in after[1:]] == ["9.50", "1.00", ""]
    assert "still to be written" in after[2][9] and ".rar" in after[3][9]
    for row in (*before, *after):
        row[4] = row[9] = ""
    assert before == after
    marks = (tmp_path / "marks.csv").read_text(encoding="utf-8-sig").splitlines()
    assert any("Мария Иванова;123456;graded;2,5;" in line for line in marks)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("name, is_ignored", [
    ("SIGHUP", False), ("SIGQUIT", False), ("SIGHUP", True)])
def test_a_closed_terminal_is_like_ctrl_c_but_for_nohup(tmp_path, name, is_ignored):
    put(tmp_path / "in/FN1.rar")
    code = f"import time; open(r'{tmp_path / 'begun'}', 'w').close(); "
    code += f"time.sleep({2 if is_ignored else 20})"
    pack(tmp_path / "in/FN2.zip", {"grads.py": code})
    (tmp_path / "temporary").mkdir()
    number, handler = getattr(signal, name), signal.SIG_IGN if is_ignored else signal.SIG_DFL
    command = [sys.executable, ROOT / "solutions/grade.py", "in", "--csv", "marks.csv", "--unsafe"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True,
                          env=os.environ | {"TMPDIR": str(tmp_path / "temporary")},
                          preexec_fn=lambda: signal.signal(number, handler)) as grader:
        while "FN1.rar" not in grader.stdout.readline():
            assert grader.poll() is None
        while not (tmp_path / "begun").exists():
            assert grader.poll() is None
            time.sleep(0.05)
        grader.send_signal(number)
        grader.communicate(timeout=90)
    assert grader.returncode == (0 if is_ignored else 130)
    states = {student: row["state"] for student, row in rows_of(tmp_path / "marks.csv").items()}
    assert states == {"FN1": "not readable", "FN2": "graded" if is_ignored else "not graded"}
    assert not list((tmp_path / "temporary").iterdir())


def test_marks_of_output_that_nobody_reads(tmp_path):
    put(tmp_path / "FN1.rar")
    reading, writing = os.pipe()
    os.close(reading)
    result = run(tmp_path, "FN1.rar", "--csv", "marks.csv", "--unsafe", capture_output=False,
                 stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert rows_of(tmp_path / "marks.csv")["FN1"]["state"] == "not readable", result.stderr
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert result.stderr.startswith("grade.py: not all could be printed: ")


def test_a_mistake_of_the_user_is_a_line(tmp_path):
    result = run(tmp_path, "none.zip", "--unsafe")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"grade.py: {tmp_path / 'none.zip'}: no such file or folder\n"


@pytest.mark.parametrize("options, message", [
    ([], "required"), (["a", "b", "--csv", "marks.csv"], "FN1.zip and .*FN1.zip look like one"),
    (["a", "--answers-points", "twice.csv"], "FN1 has several"),
    (["a", "--worksheet", "twice.csv"], "not a grading worksheet"),
    (["a", "--csv", "twice.csv", "--answers-points", "./twice.csv"], "must name different files"),
    (["a", "--memory", "2000"], "--memory must be 0.5 to 1000"),
    (["a", "--timeout", "1e7"], "--timeout must be 1 to 1000000"),
    (["a", "--jobs", "0"], "at least 1"), (["a", "--time", "9"], "unrecognized arguments: --time"),
    (["--csv", "a/FN1.zip", "b"], "a/FN1.zip: not a table"),
    (["a", "--report", "marks.csv"], "marks.csv: File exists")])
def test_mistakes_are_said_before_grading(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(grade, "grade", None)
    for folder in "a", "b":
        put(tmp_path / folder / "FN1.zip", "a hand-in")
    put(tmp_path / "twice.csv", "FN1,1\nfn1,2\n")
    put(tmp_path / "marks.csv", "old")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    try:
        status = grade.main([*options, "--unsafe"])
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1) and re.search(message, err), err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_marks_are_written_before_anything_else_may_fail(tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise OSError(28, "No space left on device", "FN1.md")

    monkeypatch.setattr(type(tmp_path), "write_text", fail)
    marks, path = tmp_path / "marks.csv", put(tmp_path / "FN1.rar")
    options = "--unsafe", "--csv", str(marks), "--report", str(tmp_path / "out")
    assert grade.main([str(path), *options]) == 2
    assert rows_of(marks)["FN1"]["state"] == "not readable"
    assert capsys.readouterr().err == "grade.py: FN1.md: No space left on device\n"


# --- a judge that fails ---------------------------------------------------------------------------

JUDGE = """\
import json, sys, time
order = json.loads(sys.stdin.readline())
{}
"""


@pytest.fixture
def graded_by(tmp_path, monkeypatch):
    """Return a function that grades by a judge of one's own, a piece of Python."""
    def graded_by(code, **limits):
        put(tmp_path / "grading/judge.py", JUDGE.format(code))
        monkeypatch.setattr(grade, "HERE", tmp_path)
        path = pack(tmp_path / "FN1.zip", in_folder("hw", OWN))
        return grade.grade(HandIn("FN1", (path,)), grade.Limits(**limits))
    return graded_by


def test_what_goes_to_a_judge_and_comes_back(graded_by):
    code = """
files = {name: open(path, encoding="utf-8").read() for name, path in order.pop("files").items()}
print(json.dumps({"passed": [], "failed": [], "notes": [json.dumps([files, order])]}))
"""
    result = graded_by(code)
    files, rest = json.loads(result.notes[0])
    assert files == OWN and rest == {"seconds": 120, "memory": 4 << 30, "unsafe": False}
    assert result.state == "graded" and result.total == 0


@pytest.mark.parametrize("code, reason", [
    ("print('{}')", "'passed'"), ("print('[' * 10 ** 6)", "recursion"),
    ("sys.exit('the box\\nis full')", "the grader failed: is full"),
    ("print(json.dumps({'passed': [], 'failed': [], 'notes': ['x' * 10 ** 7]}))", "said nothing")])
def test_a_judge_that_fails_is_nobodys_fault(graded_by, code, reason):
    result = graded_by(code)
    assert result.state == "not graded" and result.total is None and result.points == {}
    [note] = result.notes
    assert note.startswith("the grader failed: ") and reason in note


def test_a_judge_has_a_deadline(graded_by, monkeypatch):
    monkeypatch.setattr(grade, "DEADLINE", 0.5)
    assert graded_by("time.sleep(100)", seconds=0.1).notes == [
        "the grader failed: no answer within 0.9 s"]


def test_an_error_of_one_hand_in_is_its_own(tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(grade, "read_hand_in", fail)
    result = grade.grade(HandIn("FN1", (pack(tmp_path / "FN1.zip", OWN),)))
    assert (result.state, result.notes) == ("not graded", ["the grader failed: MemoryError"])
