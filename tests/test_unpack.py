"""Unpacking archives as students, their programs and their enemies make them."""

import errno
import random
import stat
import time
import tracemalloc
import unicodedata
import zipfile
from contextlib import suppress

import pytest

from solutions.grading.unpack import (
    IS_STOPPED,
    OF_A_DOWNLOAD,
    OF_A_HAND_IN,
    Room,
    Unfit,
    UnpackLimits,
    safe_name,
    unpack,
)
from tests.support.handed_in import OWN, files_of, put, zipped

FILES = {name: text.encode() for name, text in files_of(OWN).items()}


@pytest.fixture
def unpacked(tmp_path):
    """Return a function that unpacks bytes; it returns what was written and what was skipped."""
    numbers = iter(range(100))

    def unpacked(content, limits=OF_A_HAND_IN):
        folder = tmp_path / "deep/down" / str(next(numbers))
        folder.mkdir(parents=True)
        skipped = unpack(put(tmp_path / "FN1.zip", content), folder, Room(limits))
        files = {path.relative_to(folder).as_posix(): path.read_bytes()
                 for path in folder.rglob("*") if path.is_file()}
        outside = {path.name for path in tmp_path.rglob("*")
                   if path.is_file() and tmp_path / "deep/down" not in path.parents}
        assert outside == {"FN1.zip"}
        return files, dict(skipped)
    return unpacked


# --- names ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, written", [
    ("../grads.py", "grads.py"), ("a/../../grads.py", "a/grads.py"), ("/tmp/x/g.py", "tmp/x/g.py"),
    ("C:\\grads.py", "C_/grads.py"), ("..\\grads.py", "grads.py"), ("\\\\x\\g.py", "x/g.py"),
    (".. /. ./x.py", "x.py"), ("1: задача?.pdf", "1_ задача_.pdf"), ("a\x1b[2J.pdf", "a_[2J.pdf"),
    ("./hw/grads.py", "hw/grads.py"), ("..", "_"), ("и\u0306.pdf", "й.pdf"),
    ("Яна_1_assignsubmission_file_" + "я" * 300 + ".zip",
     "Яна_1_assignsubmission_file_" + "я" * 110 + ".zip"), ("ж" * 300 + "/x", "ж" * 127 + "/x")])
def test_names_lead_nowhere_else(unpacked, name, written):
    assert unpacked(zipped({name: b"x"})) == ({written: b"x"}, {})


def test_links_become_files(unpacked):
    entry = zipfile.ZipInfo("grads.py")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert unpacked(zipped({entry: "/etc/passwd"}))[0] == {"grads.py": b"/etc/passwd"}


@pytest.mark.parametrize("encoding", ["utf-8", "cp866"])
@pytest.mark.parametrize("name", ["задача 1", "Мария Иванова", "решение на Георги"])
def test_names_that_are_not_marked_as_utf_8(unpacked, name, encoding):
    raw = name.encode(encoding)
    placeholder = b"X" * len(raw)
    content = zipped({placeholder.decode(): b"x"}).replace(placeholder, raw)
    assert unpacked(content)[0] == {name: b"x"}


def test_what_programs_leave_is_not_unpacked(unpacked):
    junk = dict.fromkeys(["__MACOSX/grads.py", "._grads.py", ".ipynb_checkpoints/grads.py",
                          ".git/x.txt", "env/lib/grads.py", ".venv/1.pdf", "Thumbs.db"], b"")
    assert unpacked(zipped(FILES | junk)) == (FILES, {})


@pytest.mark.filterwarnings("ignore:Duplicate")
def test_what_is_there_twice_or_below_a_file(unpacked):
    entries = [("a", "1"), ("a", "2"), ("a/b", "3"), ("x?", "4"), ("x*", "5")]
    files, skipped = unpacked(zipped({zipfile.ZipInfo(name): text for name, text in entries}))
    assert files == {"a": b"1", "x_": b"4"}
    assert skipped["a"] == skipped["x_"] == "is there twice" and "not readable" in skipped["a/b"]


def test_names_that_no_disk_takes_cost_the_others_nothing(unpacked):
    files, skipped = unpacked(zipped({**FILES, "я" * 1200: b"x", "a/" * 2100 + "b": b"x"}))
    assert files == FILES
    assert sorted(reason[:12] for reason in skipped.values()) == ["a name of 12", "more than 20"]


def test_names_that_take_long_to_compose_are_cut_first(monkeypatch):
    composed = []
    monkeypatch.setattr(unicodedata, "normalize", lambda form, name: composed.append(name) or name)
    assert safe_name("x" * 30_000) == "x" * 255 and composed == ["x" * 1001]


# --- damage and limits ----------------------------------------------------------------------------

@pytest.mark.parametrize("content", [b"", b"PK", bytes(1000), zipped(FILES)[:-30]])
def test_no_zip(unpacked, content):
    with pytest.raises(Unfit, match="not a readable zip file"):
        unpacked(content)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_any_byte_may_be_wrong(unpacked, method):
    whole = zipped(FILES, method=method)
    rng = random.Random(method)
    for trial in range(90):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            start = len(broken) - 300 if trial % 2 else 0
            broken[rng.randrange(start, len(broken))] = rng.randrange(256)
        with suppress(Unfit):
            files, _ = unpacked(bytes(broken))
            assert all(files.get(name, content) == content for name, content in FILES.items())


def test_one_damaged_entry_costs_the_others_nothing(unpacked):
    stored = zipped(FILES, method=zipfile.ZIP_STORED)
    files, skipped = unpacked(stored.replace(b"def createSampling", b"def createSampleng"))
    assert set(files) == {"grads.py", "w2v_sgd.py"}
    assert skipped == {"sampling.py": "not readable: Bad CRC-32 for file 'sampling.py'"}


def with_byte(place, value):
    """Return an archive of one file with another byte in both of its heads."""
    changed = bytearray(zipped({"grads.py": b"x"}))
    changed[place] = changed[changed.rindex(b"PK\x01\x02") + 2 + place] = value
    return bytes(changed)


@pytest.mark.parametrize("content, reason", [
    (with_byte(6, 1), "asks for a password"), (with_byte(8, 9), "not read (number 9)"),
    (zipped(FILES, method=zipfile.ZIP_BZIP2), "not read (number 12)"),
    (zipped(FILES, method=zipfile.ZIP_LZMA), "not read (number 14)")])
def test_what_is_not_unpacked(unpacked, content, reason):
    files, skipped = unpacked(content)
    assert not files and skipped and all(reason in line for line in skipped.values())


def test_limits(unpacked, monkeypatch):
    content = zipped({f"{number}.txt": bytes(1000) for number in range(30)})
    assert len(unpacked(content)[0]) == 30
    for limits, reason in [(UnpackLimits(29, 1, 9), "holds 30 files, more than 29"),
                           (UnpackLimits(99, 29e-6, 9), "0 GB, more than 2.9e-05"),
                           (UnpackLimits(99, 1, 0), "takes longer than 0 s")]:
        with pytest.raises(Unfit, match=reason):
            unpacked(content, limits)
    content = zipped({f"{number}/a": b"" for number in range(2100)} | {"b": b""})
    with pytest.raises(Unfit, match="2101 folders, more than 2000; a download .* needs --download"):
        unpacked(content)
    assert len(unpacked(content, OF_A_DOWNLOAD)[0]) == 2101
    monkeypatch.setattr(zipfile, "ZipFile", None)       # which may take long to read the list
    with pytest.raises(Unfit, match="takes longer than 0 s"):
        unpacked(content, UnpackLimits(9999, 1, 0))


@pytest.mark.parametrize("limits, reason", [
    (UnpackLimits(4, 1, 9), "with it there are 5 files, more than 4"),
    (UnpackLimits(9, 1, 9, folders=4), "with it there are 5 folders, more than 4"),
    (UnpackLimits(9, 4e-3, 9), "GB, more than 0.004")])
def test_archives_share_the_limits_of_a_hand_in(tmp_path, limits, reason):
    """One for which there is no room takes none from the next."""
    one, three = (put(tmp_path / f"{count}.zip", zipped(
        {f"{number}/a.txt": bytes(10 ** 6) for number in range(count)})) for count in (1, 3))
    room = Room(limits)
    for _ in range(2):
        unpack(one, tmp_path / "a", room)
    with pytest.raises(Unfit, match=reason):
        unpack(three, tmp_path / "b", room)
    for _ in range(2):
        unpack(one, tmp_path / "a", room)
    with pytest.raises(Unfit, match=reason):
        unpack(one, tmp_path / "b", room)


def test_nothing_is_unpacked_after_a_stop(unpacked, monkeypatch):
    monkeypatch.setattr(IS_STOPPED, "is_set", lambda: True)
    with pytest.raises(RuntimeError, match="stopped"):
        unpacked(zipped(FILES))


@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("start", ["", "."])
def test_a_long_list_of_files_is_not_even_read(unpacked, monkeypatch, zip64, start):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10 if zip64 else 10 ** 6)
    content = zipped(dict.fromkeys((f"{start}{number}" for number in range(900)), b""))
    assert (b"PK\6\6" in content) == zip64
    assert len(unpacked(content, UnpackLimits(900, 1, 9))[0]) == (0 if start else 900)
    with pytest.raises(Unfit, match="holds 900 files, more than 899"):
        unpacked(content, UnpackLimits(899, 1, 9))
    monkeypatch.setattr(zipfile, "ZipInfo", None)
    with pytest.raises(Unfit, match="the list of its files has 0.0 MB, more than 0.02225"):
        unpacked(content, UnpackLimits(89, 1, 9))


def test_no_more_is_unpacked_than_an_entry_says(unpacked):
    honest, lie = (100 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    bomb = zipped({"grads.py": bytes(100 << 20)})
    tracemalloc.start()
    try:
        files, skipped = unpacked(bomb.replace(honest, lie))
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert not files and "Bad CRC" in skipped["grads.py"]


def test_a_full_disk_is_not_the_students_fault(unpacked, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", fail)
    with pytest.raises(OSError, match="No space"):
        unpacked(zipped(FILES))


def test_dates_are_those_inside(tmp_path):
    entry = zipfile.ZipInfo("b", (1980, 1, 1, 0, 0, 0))
    entry.date_time = (1980, 0, 0, 0, 0, 0)             # as some programs write it
    path = put(tmp_path / "a.zip", zipped({"a": b"", entry: b""}, (2024, 5, 6, 7, 8, 10)))
    assert unpack(path, tmp_path, Room()) == []
    assert time.localtime((tmp_path / "a").stat().st_mtime)[:6] == (2024, 5, 6, 7, 8, 10)
