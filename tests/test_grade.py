"""Archives as students and their enemies make them, and what the grader makes of them."""

import csv
import os
import random
import stat
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import utils
from solutions import archive, grade, wire
from solutions.sandbox import Fault, Sandbox
from tests.faults import FAULTS

ROOT = Path(utils.__file__).parent
OWN = {name: (ROOT / name).read_text(encoding="utf-8") for name in archive.MODULES}



def grading_folders():
    return set(Path(tempfile.gettempdir()).glob("grade-*"))


BEFORE = grading_folders()          # of others who grade at the same time
if sys.platform != "linux":
    pytest.skip("the sandbox is Linux's", allow_module_level=True)

# Short checks in place of the published and the deeper ones, and modules that pass them.
CHECKS = """
import numpy as np
def test_3():
    from sampling import createSamplingSequence
    assert list(createSamplingSequence([3, 1])) == [0, 0, 1], "not 0, 0, 1"
def test_4():
    from grads import lossAndGradient
    assert lossAndGradient(np.ones(3)) == 3, "not 3"
def test_5():
    from grads import lossAndGradientBatched
    np.testing.assert_allclose(lossAndGradientBatched(np.eye(3)), np.ones(3))
def test_6():
    from w2v_sgd import stochasticGradientDescend
    assert stochasticGradientDescend(lambda x: x + 1, 2) == (3, [3, 4]), "not 3"
"""


def modules(import3="", body3="", body4="", body5="", import6="", body6=""):
    def function(head, first, right):
        return f"def {head}:\n{textwrap.indent(first, '    ')}\n    return {right}\n"
    return {"sampling.py": f"{import3}\n{function('createSamplingSequence(freqs)', body3, '[0, 0, 1]')}",
            "grads.py": function("lossAndGradient(x)", body4, "x.sum()")
            + function("lossAndGradientBatched(x)", body5, "[row.sum() for row in x]"),
            "w2v_sgd.py": f"{import6}\n{function('stochasticGradientDescend(f, x)', body6, 'f(x), [f(x), f(3)]')}"}


def pack(path, files):
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


# --- archives that are not taken at all ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["../grads.py", "a/../../grads.py", "/tmp/grads.py", "C:\\grads.py", "..\\grads.py"])
def test_paths_that_lead_out(tmp_path, name):
    with pytest.raises(archive.Unfit, match="outside"):
        archive.read_archive(pack(tmp_path / "a.zip", {**OWN, name: "x"}))


def test_links(tmp_path):
    with pytest.raises(archive.Unfit, match="link"):
        archive.read_archive(pack(tmp_path / "a.zip", {**OWN, link("w2v-U.npy"): "/etc/passwd"}))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), os.urandom(1000)])
def test_no_zip(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    if content[:4] == b"PK\x05\x06":
        assert archive.read_archive(tmp_path / "a.zip") == ({}, {}, [])         # an empty one
    else:
        with pytest.raises(archive.Unfit, match="not a readable zip"):
            archive.read_archive(tmp_path / "a.zip")


def test_any_byte_may_be_wrong(tmp_path):
    whole, rng = pack(tmp_path / "a.zip", OWN).read_bytes(), random.Random(1)
    for _ in range(200):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            broken[rng.randrange(len(broken) - 400, len(broken))] = rng.randrange(256)
        (tmp_path / "b.zip").write_bytes(broken)
        try:
            archive.read_archive(tmp_path / "b.zip")
        except archive.Unfit:
            pass


def test_bombs(tmp_path):
    with pytest.raises(archive.Unfit, match="compressed more than"):
        archive.read_archive(pack(tmp_path / "a.zip", {**OWN, "w2v-U.npy": bytes(30 << 20)}))
    lying = pack(tmp_path / "b.zip", {"grads.py": bytes(5 << 20)}).read_bytes()
    (tmp_path / "b.zip").write_bytes(lying.replace((5 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(archive.Unfit):
        archive.read_archive(tmp_path / "b.zip")
    with pytest.raises(archive.Unfit, match="more than 2000"):
        archive.read_archive(pack(tmp_path / "c.zip", {f"{i}.py": "" for i in range(2001)}))


# --- what is found in an archive ----------------------------------------------------------------------------------

def test_names(tmp_path):
    info = zipfile.ZipInfo("x.pdf")
    path = pack(tmp_path / "a.zip", {
        "Домашно/решение/grads.py": "right", "Домашно/решение/помощни.py": "", "Домашно/стари/сега/grads.py": "old",
        "Домашно/Sampling.py": "right", "__MACOSX/grads.py": "junk", "._grads.py": "junk", "Домашно/w2v-U.npy": "U",
        "Домашно/задача 1.PDF": "", info: ""})
    sources, artefacts, answers = archive.read_archive(path)
    assert sources == {"grads.py": b"right", "sampling.py": b"right", "помощни.py": b""}
    assert artefacts == {"w2v-U.npy": b"U"} and answers == ["x.pdf", "Домашно/задача 1.PDF"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp866"])
def test_names_that_are_not_marked_as_unicode(tmp_path, encoding):
    name = "задача.pdf".encode(encoding)
    path = pack(tmp_path / "a.zip", {"X" * len(name): ""})
    path.write_bytes(path.read_bytes().replace(b"X" * len(name), name))
    assert archive.read_archive(path)[2] == ["задача.pdf"]


def npy(array, **options):
    np.save("array.npy", array, **options)
    return Path("array.npy").read_bytes()


def test_artefacts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    U, W = npy(np.ones((4, 2), np.float32)), npy(np.eye(2))
    png = (ROOT / "corpus/pydocs/embeddings.png").read_bytes()
    fine = {"w2v-U.npy": U, "w2v-V.npy": U, "w2v-W.npy": W, "w2v-words.txt": b"a\nb\nc\nd\n", "embeddings.png": png}
    rows, arrays, words = archive.check_artefacts(fine)
    assert all(row["ok"] for row in rows) and arrays["W"].tolist() == np.eye(2).tolist() and words == list("abcd")
    huge = U.replace(b"(4, 2)", b"(9999999999, 2)").replace(b" " * 11 + b"\n", b" " * 2 + b"\n")
    faults = [("w2v-U.npy", npy(np.array([{}]), allow_pickle=True), "pickle"),
              ("w2v-U.npy", U[:-1], "does not fit its"),
              ("w2v-V.npy", npy(np.full((4, 2), np.nan)), "not finite"), ("w2v-W.npy", U, "does not fit the others"),
              ("w2v-V.npy", huge, ""), ("w2v-V.npy", b"x", "not an .npy"), ("w2v-U.npy", b"", "not an .npy"),
              ("w2v-words.txt", b"a\nb", "2 words"), ("embeddings.png", b"GIF89", "not a PNG"),
              ("embeddings.png", png[:-20], "broken"), ("embeddings.png", png.replace(b"IDAT", b"IDAU"), "broken")]
    for name, content, reason in faults:
        wrong = [row for row in archive.check_artefacts({**fine, name: content})[0] if not row["ok"]]
        assert name in [row["file"] for row in wrong] and reason in " ".join(row["note"] for row in wrong), name
    rows, arrays, words = archive.check_artefacts({})
    assert [row["ok"] for row in rows] == [False, False, False, True, False] and arrays is None


# --- the pipe to a student's process ------------------------------------------------------------------------------

def through(value):
    text, _ = wire.LENGTHS.unpack(wire.pack(value)[:wire.LENGTHS.size])
    rest = wire.pack(value)[wire.LENGTHS.size:]
    return wire.unpack(rest[:text], rest[text:])


def test_values_travel():
    long = [0.1 * i for i in range(20)]
    value = [None, True, 2 ** 70, 1e-320, float("inf"), "ж", (1, [2, ()]), long, list(range(20)), [np.int64(3)] * 20]
    came = through(value)
    assert came == value and [type(item) for item in came] == [type(item) for item in value]
    assert type(came[8][0]) is int and type(came[9][0]) is np.int64
    for array in np.arange(12.).reshape(3, 4).T, np.float32(2), np.zeros((0, 3), bool), np.array(5, ">i2"):
        came = through(array)
        assert type(came) is type(array) and came.dtype == array.dtype and came.shape == array.shape
        assert np.array_equal(came, array)
    assert through(range(3)) == [0, 1, 2] and np.isnan(through(np.nan))


@pytest.mark.parametrize("value", [{}, object(), 1j, np.zeros(1, complex), np.array([None]), {1}, np.zeros(9 << 20)])
def test_values_that_do_not_travel(value):
    with pytest.raises(TypeError):
        wire.pack(value)


@pytest.mark.parametrize("text", ["", "[", "[" * 10 ** 6, '{"a": 1, "b": 2}', '{"array": ["O", [1], "array"]}',
                                  '{"array": ["<f8", [-1], "array"]}', '{"array": ["<f8", [1e3], "array"]}',
                                  '{"array": ["<f8", [1000], "array"]}', '{"array": ["<f8", [99999999999, 0], "x"]}',
                                  '{"array": ["V8", [1], "array"]}', '{"function": 3}', "1" * 10 ** 6, "\udc80"])
def test_rubbish_is_no_message(text):
    with pytest.raises(wire.Garbage):
        wire.unpack(text.encode(errors="surrogateescape"), bytes(80))


# --- hostile modules ----------------------------------------------------------------------------------------------

PATCH = """
import builtins, numpy.testing, pytest, _pytest.outcomes, _pytest.runner
pytest.fail = _pytest.outcomes.fail = numpy.testing.assert_allclose = lambda *args, **kwargs: None
_pytest.runner.CallInfo.from_call = lambda *args, **kwargs: None
builtins.AssertionError = builtins.len = builtins.all = lambda *args: True
"""
EQUAL = """
class Equal(float):
    __eq__ = lambda self, other: True
    __array_ufunc__ = lambda self, *args, **kwargs: True
"""
FORKS = """
import os, time
for _ in range(200):
    if os.fork() == 0:
        os.setsid()
        time.sleep(300)
"""
MEMORY_TOGETHER = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        break
x = b"1" * (80 << 20)
time.sleep(300)
"""
RUBBISH = """
import os
for fd in range(3, 64):
    try:
        os.write(fd, {})
    except OSError:
        pass
"""
DELETE = """
import os, shutil
shutil.rmtree({victim!r}, ignore_errors=True)
shutil.rmtree(os.path.dirname(__file__), ignore_errors=True)
open({victim!r} + "/new", "w")
"""
IGNORE = """
import signal
for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass
while True:
    pass
"""
LOOP, MEMORY = "import time\nwhile True: time.sleep(1)", "x = bytearray(10 << 30)"
STOP = "import os; os.kill(os.getpid(), 19); os.kill(1, 19)"

# where the code stands, at the import of a task's module or in its function; the code; what the reason says
ATTACKS = [
    ("import3", "raise SystemExit(0)", "calls exit"),
    ("body4", "import sys; sys.exit(0)", "calls exit"), ("body6", "import os; os._exit(0)", "exit status 0"),
    ("import3", LOOP, "took longer"), ("body4", LOOP, "took longer"), ("body6", "while True: f(1)", "took longer"),
    ("import6", MEMORY, "MemoryError"), ("body3", FORKS, "unavailable"),
    ("body4", "while True: print('x' * 10 ** 5)", "took longer"),
    ("import3", DELETE, ""), ("body6", DELETE, ""),
    ("body4", PATCH + "return 4", ""),
    ("body6", EQUAL + "return Equal(), [Equal()]", "not 3"),
    ("body4", RUBBISH.format("b'x' * 10 ** 6"), "rubbish"), ("body3", RUBBISH.format("bytes(10 ** 6)"), "rubbish"),
    ("body6", RUBBISH.format(r"b'\0\0\0\x02\0\0\0\0[]'"), "rubbish"),
    ("body5", "import numpy; return numpy.zeros(10 ** 7)", "too many"), ("body4", "return float('nan')", "not 3"),
    ("body6", "x = []\nfor _ in range(10 ** 5): x = [x]\nreturn x", "Recursion"),
    ("body5", "import os; os.closerange(0, 99)", "exit status"), ("body5", STOP + "; 1 / 0", ""),
    ("import6", IGNORE, "took longer"),
    ("body3", "import os; os.kill(os.getppid(), 9); raise ValueError", ""), ("body6", "f('x' * 10 ** 7)", "too many"),
    ("body5", r"raise BaseException('\x1b[2J\nPASSED\ud800')", "PASSED"),
]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """(task, code, what the reason must say, the result) of each attack, up to four in an archive; the victim."""
    folder = tmp_path_factory.mktemp("hostile")
    (victim := folder / "victim").mkdir()
    (victim / "marks.txt").write_text("6.00")
    archives = []
    for place, code, reason in ATTACKS:
        free = next((mine for mine in archives if place[-1] not in {other[-1] for other, *_ in mine}), None)
        if free is None:
            archives.append(free := [])
        free.append((place, code.replace("{victim!r}", repr(str(victim))), reason))
    paths = [pack(folder / f"FN{i}.zip", modules(**{place: code for place, code, _ in mine}))
             for i, mine in enumerate(archives)]
    checks = folder / "checks.py"
    checks.write_text(CHECKS)
    with ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda path: grade.grade(path, 7, 0.4, checks={str(checks): "short"}), paths))
    return victim, list(zip(archives, results))


def test_attacks_fail_and_nothing_else(attacked):
    wrong = []
    for mine, result in attacked[1]:
        for task in "3456":
            lost = " ".join(result["tasks"][task]["lost"])
            reasons = [reason for place, _, reason in mine if place[-1] == task]
            if bool(lost) != bool(reasons) or not all(reason in lost for reason in reasons):
                wrong.append(f"{task} {reasons} {result}")
            assert lost.isprintable()
    assert not wrong, "\n".join(wrong)


def test_attacks_leave_nothing(attacked):
    assert [file.name for file in attacked[0].iterdir()] == ["marks.txt"]
    # Of this process's own descendants: another user may be grading at the same time.
    children = [os.getpid()]
    keepers = []
    while children:
        pid = children.pop()
        with suppress(FileNotFoundError, ProcessLookupError):       # it has ended meanwhile
            children += Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if b"solutions/sandbox.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                keepers.append(pid)
    assert not keepers
    assert grading_folders() == BEFORE


def test_memory_of_many_processes_together():
    box = Sandbox({"grads.py": modules(body4=MEMORY_TOGETHER)["grads.py"].encode()}, 60, 400 << 20)
    with pytest.raises(Fault, match="used more than 0.4 GB"):
        box.call("grads", "lossAndGradient", [0])
    box.close()


# --- ordinary students --------------------------------------------------------------------------------------------

STUDENT = {name: Path(__file__).with_name("student").joinpath(name).read_text("utf-8") for name in archive.MODULES}
STUDENT |= {"grads.py": """
import numpy as np
from helper import sigmoid
def lossAndGradient(u_w, Vt, W, q):
    J, M = 0, len(u_w)
    du_w, dVt, dW = np.zeros(M), [], np.zeros((M, M))
    for j in range(len(q)):
        x = Vt[j] @ W @ u_w - q[j]
        J += np.logaddexp(0, -x if j == 0 else x)
        delta = sigmoid(x) - (j == 0)
        du_w += delta * (Vt[j] @ W)
        dVt.append([delta * h for h in W @ u_w])
        dW += delta * np.outer(Vt[j], u_w)
    print("J =", J)
    return J, list(du_w), dVt, dW
def lossAndGradientCumulative(u_w, Vt, W, q):
    J, du_w, dVt, dW = zip(*(lossAndGradient(u_w[i], Vt[i], W, q[i]) for i in range(len(q))))
    return sum(J) / len(q), np.array(du_w) / len(q), np.array(dVt) / len(q), sum(dW) / len(q)
def lossAndGradientBatched(u_w, Vt, W, q):
    x = np.einsum("skm,mt,st->sk", Vt, W, u_w) - q
    delta = sigmoid(x)
    delta[:, 0] -= 1
    x[:, 0] *= -1
    return (np.logaddexp(0, x).sum() / len(q), np.einsum("sk,skm->sm", delta, Vt) @ W / len(q),
            delta[:, :, None] * (u_w @ W.T)[:, None, :] / len(q), np.einsum("sk,skm,st->mt", delta, Vt, u_w) / len(q))
""", "helper.py": "def sigmoid(x):\n    from scipy.special import expit\n    return expit(x)\n"}
STUDENT["sampling.py"] = "from utils import InputError\n" + STUDENT["sampling.py"].replace(
    "    return [math.log", "    total = sum(counts)\n    return [math.log").replace("/ sum(counts)", "/ total")


def test_own_archive_and_a_students_by_the_command(tmp_path):
    student = {f"ФН 2/решение/{name}": ("\ufeff" + text).replace("\n", "\r\n") for name, text in STUDENT.items()}
    pack(tmp_path / "in/FN1.zip", OWN | {"answers/tasks-1-2.pdf": "x", "задача 1.jpg": "x"})
    pack(tmp_path / "in/FN2.zip", student)
    (tmp_path / "in/FN3.zip").write_bytes(b"no zip")
    pack(tmp_path / "in/=FN4.zip", {"../grads.py": "x"})
    command = [sys.executable, ROOT / "solutions/grade.py", "in", "--csv", "marks.csv", "--report", "out"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    rows = list(csv.reader((tmp_path / "marks.csv").read_text(encoding="utf-8-sig").splitlines()))
    full, none = ["1", "2", "2", "2", "7"], ["0"] * 5
    assert [row[:6] for row in rows[1:]] == [["'=FN4", *none], ["FN1", *full], ["FN2", *full], ["FN3", *none]], rows
    notes = {row[0]: row[7] for row in rows}
    assert "outside" in notes["'=FN4"] and "not a readable zip" in notes["FN3"]
    assert "the output of grads.py begins: J =" in notes["FN2"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["=FN4.md", "FN1.md", "FN2.md", "FN3.md"]
    assert "задача 1.jpg" in result.stdout and "4 archives" in result.stdout


@pytest.mark.parametrize("options, message", [
    ([], "required"), (["none.zip"], "none.zip: no such file"), (["."], "no .zip file"), (["a", "b"], "same student"),
    (["a", "--jobs", "0"], "at least 1"), (["a", "--corpus", "none"], "none: no such file"),
    (["a", "--csv", "none/marks.csv"], "none/marks.csv: No such file")])
def test_mistakes_of_the_user(tmp_path, options, message):
    for folder in "a", "b":
        pack(tmp_path / folder / "FN1.zip", {})
    result = subprocess.run([sys.executable, ROOT / "solutions/grade.py", *options], cwd=tmp_path, capture_output=True,
                            text=True)
    assert result.returncode == 2 and message in result.stderr and result.stderr.count("\n") == 1


FIVE = """
import numpy as np
def test_4():
    from grads import lossAndGradient
    np.testing.assert_allclose(lossAndGradient(np.ones(1), np.ones((2, 1)), np.eye(1), np.zeros(2))[1], np.tanh([0.5]))
def test_5():
    from grads import lossAndGradientCumulative
    sample = np.ones((1, 1)), np.ones((1, 2, 1)), np.eye(1), np.zeros((1, 2))
    np.testing.assert_allclose(lossAndGradientCumulative(*sample)[1], np.tanh([[0.5]]))
"""


def test_a_fault_of_task_4_is_punished_once(tmp_path):
    (tmp_path / "five.py").write_text(FIVE)
    for right, wrong, points in (("du_w = a @ W", "du_w = -a @ W", [0, 2]),
                                 ("J += J_i", "J += J_i; du_w *= 2", [2, 0])):
        files = OWN | {"grads.py": OWN["grads.py"].replace(right, wrong, 1)}
        result = grade.grade(pack(tmp_path / "FN1.zip", files), 20, checks={str(tmp_path / "five.py"): "short"})
        assert [result["tasks"][task]["points"] for task in "45"] == points, result
        assert any("lossAndGradient in place" in note for note in result["notes"]) == (points == [0, 2])


# Each takes seconds, so the suite tries one; W2V_TRIALS=1 tries all.
TRIED = FAULTS if "W2V_TRIALS" in os.environ else ["overflow at 10³"]


@pytest.mark.parametrize("fault", TRIED)
def test_each_fault_costs_what_it_should_and_says_why(tmp_path, fault):
    module, right, wrong, lost, reason = FAULTS[fault]
    files = {name: (ROOT / "tests/student" / name).read_text(encoding="utf-8") for name in archive.MODULES}
    assert right in files[module]
    files[module] = files[module].replace(right, wrong)
    result = grade.grade(pack(tmp_path / "FN1.zip", files))
    assert {task: row["of"] - row["points"] for task, row in result["tasks"].items() if row["lost"]} == lost, result
    assert any(reason in line for task in lost for line in result["tasks"][task]["lost"]), result
