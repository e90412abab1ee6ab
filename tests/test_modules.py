"""What is taken from a hand-in: modules, what they import, results, answers; nothing is graded."""

import io
import os
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from solutions.grading import modules, wire
from solutions.grading.modules import Unfolded, read_hand_in
from solutions.grading.results import HandIn
from solutions.grading.unpack import Unfit
from tests.support.handed_in import OWN, ROOT, files_of, in_folder, put, put_all, zipped

FILES = {name: text.encode() for name, text in files_of(OWN).items()}
OTHER = {name: content + b"# other\n" for name, content in FILES.items()}
OLD, NEW = (2026, 11, 2, 10, 0, 0), (2026, 11, 9, 23, 59, 58)


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a hand-in of archives or a folder, its sources as bytes."""
    def read(*archives, folder=None, **more):
        paths = [folder] if folder else [
            put(tmp_path / f"{number}.zip", zipped(files) if isinstance(files, dict) else files)
            for number, files in enumerate(archives)]
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        found = read_hand_in(HandIn("FN1", tuple(paths), **more), scratch)
        found.sources = {name: Path(path).read_bytes() for name, path in found.sources.items()}
        return found
    return read


# --- copies ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", [
    "Sampling.py", "SAMPLING.PY", "sampling (1).py", "sampling(2).py", "sampling.py.txt",
    "sampling - Copy.py", "sampling copy.py", "sampling - Копие.py", "Copy of sampling.py",
    "sampling-1.py", "ivanovivan_LATE_12345_678901_sampling.py", "FN81234_sampling.py",
    "fn0mi0600123_sampling.py", "81234_sampling.py", "0MI0600123 - sampling.py",
    "0mi0600123-sampling (1).py", "fn81234 sampling.py",
    "Homework 2_ivan_attempt_2026-11-09-23-59-58_sampling.py", "Ivan Petrov_sampling.py",
    "Ivan Petrov_123_assignsubmission_file_sampling.py"])
def test_names_that_are_obviously_meant(read, name):
    files = {"grads.py": FILES["grads.py"], "w2v_sgd.py": FILES["w2v_sgd.py"]}
    found = read(files | {name: FILES["sampling.py"]})
    assert found.sources == FILES
    assert found.notes == [f"{name} was taken as sampling.py"] and found.answers == []


@pytest.mark.parametrize("name", [
    "sampling_final.py", "my-sampling.py", "2_sampling.py", "2nd_sampling.py", "sampling.ipynb"])
def test_names_that_are_doubtful(read, name):
    found = read({name: "", "grads.py": "", "w2v-sgd.txt": ""})
    assert "sampling.py" not in found.sources
    assert found.notes == [f"there is no sampling.py and no w2v_sgd.py; not taken for it: {name}"]


@pytest.mark.parametrize("archives, sources, notes", [
    ([FILES | {zipfile.ZipInfo("grads (1).py", (2027, 1, 1, 0, 0, 0)): OTHER["grads.py"]}], FILES,
     ["graded: grads.py; other copies, not graded: grads (1).py"]),
    # Of equally complete sets the newest, of equally old ones the less deep.
    ([zipped(in_folder("a", FILES), OLD), zipped(in_folder("b", OTHER), NEW)], OTHER,
     ["graded: 1.zip/b/grads.py, 1.zip/b/sampling.py, 1.zip/b/w2v_sgd.py; other copies, not "
      "graded: 0.zip/a/grads.py, 0.zip/a/sampling.py, 0.zip/a/w2v_sgd.py"]),
    ([{**in_folder("b/deep", OTHER), "c/grads.py": OTHER["grads.py"], **in_folder("a", FILES)}],
     FILES, ["graded: a/grads.py, a/sampling.py, a/w2v_sgd.py; other copies, not graded: "
             "b/deep/grads.py, b/deep/sampling.py, b/deep/w2v_sgd.py, c/grads.py"]),
    # A complete set wins over newer parts of one.
    ([zipped(FILES, OLD), {"grads.py": OTHER["grads.py"]}], FILES,
     ["graded: 0.zip/grads.py; other copies, not graded: 1.zip/grads.py"]),
    ([{f"task {name}/{name}": content for name, content in FILES.items()}], FILES, []),
    ([FILES | in_folder("again", FILES)], FILES, []),
    ([{"sampling.py": "", "grads.py": bytes(2 << 20)}], {"sampling.py": b""},
     ["grads.py: larger than 1 MB"])])
def test_which_copies_are_graded(read, archives, sources, notes):
    found = read(*archives)
    assert (found.sources, found.notes) == (sources, notes)


# --- archives and folders -------------------------------------------------------------------------

def test_an_archive_beside_answers(read):
    inner = zipped(in_folder("hw", FILES) | {"задача 2.pdf": ""})
    found = read({"code.zip": inner, "задача 1.pdf": "", "x.rar": "Rar!", "old.zip": "PK"})
    assert found.sources == FILES
    assert found.answers == ["code.zip/задача 2.pdf", "задача 1.pdf"]
    assert found.notes == ["old.zip: not a readable zip file: File is not a zip file",
                           "x.rar: a .rar file, not a .zip: ask for one, or unpack it and name "
                           "the folder"]


@pytest.mark.parametrize("files, reason", [
    ({"a/" * 30 + "x.pdf": "", "1.pdf": ""}, "x.pdf: more than 20 folders deep"),
    ({"a/" * 30 + "grads.py": ""}, "grads.py: more than 20 folders deep"),
    ({}, "it holds no files"), ({".DS_Store": ""}, "it holds no files"), (b"PK", "not a readable"),
    ({"code.rar": "", "answers.pdf": ""}, r"^code\.rar: a \.rar file"),
    ({"a.zip": zipped({"b.zip": zipped({"c.zip": zipped(FILES)})})}, r"^a\.zip/b\.zip: not looked"),
    ({f"{number}.zip": zipped({"x.pdf": ""}) for number in range(9)}, r"^4\.zip: not looked into"),
    ({"grads.py": bytes(2 << 20)}, r"grads\.py: larger than 1 MB")])
def test_what_cannot_be_read(read, files, reason):
    with pytest.raises(Unfit, match=reason):
        read(files)


def test_answers_without_modules(read):
    found = read({"a.pdf": "", "onlinetext.html": ""})
    assert (found.sources, found.answers) == ({}, ["a.pdf", "onlinetext.html"])


@pytest.mark.parametrize("files", [
    in_folder("FN1", FILES) | in_folder("FN2", FILES),
    in_folder("Ivan Petrov", FILES) | in_folder("Мария Иванова", FILES),
    {"FN7.zip": zipped(FILES), "FN8.zip": zipped(FILES)},
    {"ivanovivan_12345_678901_FN1.zip": zipped(FILES),
     **{f"georgievg_12347_678903_{name}": content for name, content in FILES.items()}},
    {"A_1_assignsubmission_file_/a.zip": zipped(FILES), "B_2_assignsubmission_file_/b.rar": ""}])
def test_the_work_of_several(read, files):
    with pytest.raises(Unfit, match="looks like the hand-ins of several; unpack it"):
        read(files)


@pytest.mark.parametrize("files", [
    {"FN7.zip": zipped(FILES), "FN7 (1).zip": zipped(FILES)},
    FILES | {"FN7.zip": "", "FN8.zip": ""},
    {"hw3.zip": zipped(FILES), "hw4.zip": zipped(FILES)},
    in_folder("old", FILES) | in_folder("new", FILES), in_folder("Ivan Petrov", FILES),
    {**in_folder("Ivan Petrov", FILES), "ivan petrov.zip": zipped(FILES)}])
def test_several_versions_of_one(read, files):
    assert read(files).sources == FILES


def test_moodle_says_whose_it_is(read):
    two = in_folder("FN1", FILES) | in_folder("FN2", FILES)
    assert read(two, identifier="123").sources == FILES


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_folder(read, tmp_path, monkeypatch):
    folder = put_all(tmp_path / "FN1", {
        **in_folder("hw/deep", FILES), "hw/deep/helpers/x.py": b"1", ".git/grads.py": b"",
        "1.pdf": b"", "more.zip": zipped({"2.pdf": b""})})
    (folder / "linked.py").symlink_to(put(tmp_path / "secret.py"))
    (folder / "all").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.py")
    found = read(folder=folder)
    assert found.sources == FILES | {"helpers/x.py": b"1"}
    assert found.answers == ["1.pdf", "more.zip/2.pdf"]
    assert sorted(found.notes) == [f"{name}: a link or special file, not followed"
                                   for name in ("linked.py", "pipe.py")]
    monkeypatch.setattr(modules, "MOST_FILES", 2)
    with pytest.raises(Unfit, match="more than 2 files"):
        Unfolded(tmp_path).add(folder, PurePosixPath())


def test_archives_share_the_room_of_a_hand_in(tmp_path):
    inner = zipped({"1.txt": b"", "2.txt": b""})
    folder = put_all(tmp_path / "FN1", {"a.zip": zipped({"b.zip": inner}), "c.zip": inner})
    (tmp_path / "scratch").mkdir()
    found = Unfolded(tmp_path / "scratch")
    found.add(folder, PurePosixPath())
    assert (found.room.entries, len(found.files)) == (1 + 2 + 2, 4)


# --- beside the modules ---------------------------------------------------------------------------

def test_helpers(read):
    helpers = {"worker.py": b"1", "wire.py": b"2", "corpus.py": b"3", "помощни.py": b"4",
               "helpers/__init__.py": b"", "helpers/deep/x.py": b"5", "table.json": b"{}"}
    others = {"w2v-U.npy": "", "large.txt": bytes(2 << 20), "venv/x.py": ""}
    found = read(in_folder("hw", {**FILES, **helpers, **others}) | {"above.py": ""})
    assert (found.sources, found.notes) == (FILES | helpers, [])


def test_a_helper_beside_most_modules_wins(read):
    two = {"a/grads.py": "1", "a/w2v_sgd.py": "1", "a/help.py": "a", "b/sampling.py": "1",
           "b/help.py": "b"}
    assert read(two).sources["help.py"] == b"a"


def test_many_and_large_helpers(read, monkeypatch):
    monkeypatch.setattr(modules, "MOST_SOURCES", 5)
    found = read({**FILES, **{f"x{i}.py": "" for i in range(4)}, "large.py": bytes(2 << 20),
                  "a.txt": ""})
    assert found.sources == FILES | {"x0.py": b"", "x1.py": b""}
    assert found.notes == ["too large or too many, so left out: large.py, x2.py, x3.py"]


def test_what_is_taken_fits_into_one_message_to_a_box(read):
    large = bytes(1 << 20)
    found = read({**dict.fromkeys(FILES, large), **{f"{i}.txt": large for i in range(9)}})
    assert list(found.sources) == [*sorted(FILES), "0.txt", "1.txt", "2.txt", "3.txt"]
    wire.pack([np.frombuffer(content, np.uint8) for content in found.sources.values()])


def test_the_hand_out_around_the_modules(read):
    handed_out = {"corpus/reading.py": "1", "corpus/pydocs/words.txt": "", "beyond/settings.py": "",
                  "corpus/pydocs/embeddings.png": "", "README.md": "", "run.py": "1"}
    found = read(in_folder("hw", FILES | handed_out))
    assert found.sources == FILES | {"run.py": b"1", "README.md": b""}
    assert found.answers == found.notes == []
    assert {row["note"] for row in found.artefacts} == {"not handed in"}


# --- results and answers --------------------------------------------------------------------------

def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


PNG = (ROOT / "corpus/pydocs/embeddings.png").read_bytes()


@pytest.mark.parametrize("name, content, is_right, note", [
    ("w2v-U.npy", npy(np.ones((20000, 50), np.float32)), True, "shape 20000, 50, 4.0 MB"),
    ("w2v-W (1).npy", npy(np.asfortranarray(np.ones((4, 2), ">f8"))), True, "shape 4, 2, 0.0 MB"),
    *(("w2v-U.npy", content, False, "not a matrix of floats as np.save writes it") for content in [
        b"", b"x", npy(np.ones(8)), npy(np.ones((4, 2), int)), npy(np.ones((4, 2), complex)),
        npy(np.array([[{}]]), allow_pickle=True),
        npy(np.ones((1, 1))).replace(b"(1, 1), }", b"(9**9**9, 1), }"),
        b"\x93NUMPY\x01\x00\xff\xff{'descr': '<f8', " + b" " * 10_000_000]),
    ("embeddings.png", PNG, True, f"{len(PNG) / 1e6:.1f} MB"),
    ("embeddings.jpg", b"\xff\xd8\xff" + b"\xda" * 100, True, "0.0 MB"),
    ("embeddings.png", b"GIF89a", False, "not a picture in PNG or JPEG")])
def test_results(read, name, content, is_right, note):
    rows = {row.pop("file"): row for row in read(FILES | {name: content}).artefacts}
    meant = name.replace(" (1)", "").replace(".jpg", ".png")
    assert rows.pop(meant) == {"ok": is_right, "note": note}
    assert list(rows.values()) == [{"ok": False, "note": "not handed in"}] * 3


def test_results_are_of_one_folder(read):
    arrays = {f"w2v-{name}.npy": npy(np.ones((2, 2))) for name in "UVW"}
    found = read(FILES | arrays | in_folder("trial", {"w2v-U.npy": b"", "embeddings.png": PNG}))
    assert [row["ok"] for row in found.artefacts] == [True] * 4


def test_what_may_be_an_answer(read):
    others = ["README.md", "readme.txt", "requirements.txt", "LICENSE.txt", "words.txt", "loss.png",
              "embeddings.png", "embeddings (1).png", "w2v-words.txt", "grads.py.txt", "a.py"]
    pictures = [f"{number:02}.png" for number in range(70)]
    files = dict.fromkeys([*others, *pictures, "00/1.jpg", "00.heic", "00a\x1b.PDF"], "")
    answers = read(files).answers
    assert answers[:5] == ["00.heic", "00.png", "00/1.jpg", "00a_.PDF", "01.png"]
    assert answers[49:] == ["and 24 more"]
