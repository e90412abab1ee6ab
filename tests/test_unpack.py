"""Unpacking archives as students, their programs and their enemies make them."""

import errno
import io
import random
import stat
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from solutions.grading.unpack import OF_A_HAND_IN, Unfit, UnpackLimits, unpack
from tests.support.handed_in import OWN, files_of, put, zipped

FILES = {name: text.encode() for name, text in files_of(OWN).items()}


@pytest.fixture
def unpacked(tmp_path):
    """Return a function that unpacks bytes; it returns what was written and what was skipped."""
    numbers = iter(range(100))

    def unpacked(content, limits=OF_A_HAND_IN):
        folder = tmp_path / "deep/down" / str(next(numbers))
        folder.mkdir(parents=True)
        skipped = unpack(put(tmp_path / "FN1.zip", content), folder, limits)
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
    ("./hw/grads.py", "hw/grads.py"), ("..", "_")])
def test_names_lead_nowhere_else(unpacked, name, written):
    assert unpacked(zipped({name: b"x"})) == ({written: b"x"}, {})


def test_links_become_files(unpacked):
    entry = zipfile.ZipInfo("grads.py")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    files, _ = unpacked(zipped({entry: "/etc/passwd"}))
    assert files == {"grads.py": b"/etc/passwd"}


@pytest.mark.parametrize("encoding", ["utf-8", "cp866"])
@pytest.mark.parametrize("name", ["задача 1", "Мария Иванова", "решение на Георги"])
def test_names_that_are_not_marked_as_utf_8(unpacked, name, encoding):
    raw = name.encode(encoding)
    placeholder = b"X" * len(raw)
    content = zipped({placeholder.decode(): b"x"}).replace(placeholder, raw)
    assert unpacked(content)[0] == {name: b"x"}


def test_names_of_macos_are_joined_letters(unpacked):
    assert list(unpacked(zipped({"и\u0306.pdf": b""}))[0]) == ["й.pdf"]


def test_what_programs_leave_is_not_unpacked(unpacked):
    junk = dict.fromkeys(["__MACOSX/grads.py", "._grads.py", ".ipynb_checkpoints/grads.py",
                          ".git/x.txt", "env/lib/grads.py", ".venv/1.pdf", "Thumbs.db"], b"")
    assert unpacked(zipped(FILES | junk)) == (FILES, {})


def test_what_is_there_twice_or_below_a_file(unpacked):
    with pytest.warns(UserWarning, match="Duplicate"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in (("a", "1"), ("a", "2"), ("a/b", "3"), ("x?", "4"), ("x*", "5")):
                archive.writestr(name, content)
    files, skipped = unpacked(stream.getvalue())
    assert files == {"a": b"1", "x_": b"4"}
    assert skipped["a"] == skipped["x_"] == "is there twice" and "not readable" in skipped["a/b"]


def test_names_that_no_disk_takes_cost_the_others_nothing(unpacked):
    files, skipped = unpacked(zipped({**FILES, "я" * 300: b"x", "a/" * 2100 + "b": b"x"}))
    assert files == FILES
    assert sorted(reason[:12] for reason in skipped.values()) == ["more than 20", "not readable"]


def test_names_that_take_long_to_compose_are_skipped(unpacked):
    names = [f"{number}{chr(0x316)}{chr(0x301) * 30_000}" for number in range(100)]
    begun = time.process_time()
    files, skipped = unpacked(zipped({**FILES, **dict.fromkeys(names, b"x")}))
    assert files == FILES and len(skipped) == 100
    assert time.process_time() - begun < 20             # composing them all takes 100 s


def test_many_folders_are_refused(unpacked):
    with pytest.raises(Unfit, match="2101 folders, more than 2000"):
        unpacked(zipped({f"{number}/a": b"" for number in range(2100)} | {"b": b""}))


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
        try:
            files, _ = unpacked(bytes(broken))
        except Unfit:
            continue
        for name, content in FILES.items():
            assert files.get(name, content) == content, "a damaged module was taken"


def test_one_damaged_entry_costs_the_others_nothing(unpacked):
    stored = zipped(FILES, method=zipfile.ZIP_STORED)
    files, skipped = unpacked(stored.replace(b"def createSampling", b"def createSampleng"))
    assert set(files) == {"grads.py", "w2v_sgd.py"}
    assert skipped == {"sampling.py": "not readable: Bad CRC-32 for file 'sampling.py'"}


def with_byte(archive, offset, change):
    """Return an archive with a byte changed in all its heads of files, counted in the local one."""
    changed = bytearray(archive)
    for signature, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        place = archive.find(signature)
        while place >= 0:
            changed[place + offset + shift] = change(changed[place + offset + shift])
            place = archive.find(signature, place + 1)
    return bytes(changed)


@pytest.mark.parametrize("content, reason", [
    (with_byte(zipped(FILES), 6, lambda flags: flags | 1), "asks for a password"),
    (with_byte(zipped(FILES), 8, lambda method: 9), "not read (number 9)"),      # Deflate64
    (zipped(FILES, method=zipfile.ZIP_BZIP2), "not read (number 12)"),
    (zipped(FILES, method=zipfile.ZIP_LZMA), "not read (number 14)")])
def test_what_is_not_unpacked(unpacked, content, reason):
    files, skipped = unpacked(content)
    assert not files and set(skipped) == set(FILES)
    assert all(reason in line for line in skipped.values())


def test_limits(unpacked):
    content = zipped({f"{number}.txt": bytes(1000) for number in range(30)})
    assert len(unpacked(content)[0]) == 30
    for limits, reason in [(UnpackLimits(29, 1, 9), "holds 30 files, more than 29"),
                           (UnpackLimits(99, 29e-6, 9), "unpacks to 0.0 GB, more than 2.9e-05"),
                           (UnpackLimits(99, 1, 0), "takes longer than 0 s")]:
        with pytest.raises(Unfit, match=reason):
            unpacked(content, limits)


@pytest.mark.parametrize("zip64", [False, True])
def test_a_long_list_of_entries_is_not_even_read(unpacked, monkeypatch, zip64):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10 if zip64 else 10 ** 6)
    content = zipped(dict.fromkeys(map(str, range(900)), b""))
    assert (b"PK\6\6" in content) == zip64
    assert len(unpacked(content, UnpackLimits(900, 1, 9))[0]) == 900
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(Unfit, match="more than 89 files"):
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
    assert unpack(path, tmp_path) == []
    assert time.localtime(Path(tmp_path, "a").stat().st_mtime)[:6] == (2024, 5, 6, 7, 8, 10)
