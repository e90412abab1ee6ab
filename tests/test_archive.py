"""What is taken of hand-ins as students, their programs and their enemies make them."""

import io
import os
import random
import stat
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import utils
from beyond.submission import MODULES
from solutions.grading.archive import read_hand_in
from solutions.grading.artefacts import check_artefacts
from solutions.grading.copies import functions_written
from solutions.grading.names import decoded_name
from solutions.grading.unpack import Unfit

ROOT = Path(utils.__file__).parent
OWN = {name: (ROOT / name).read_bytes() for name in MODULES}
BLANK = {name: (ROOT / "solutions/handout" / name).read_bytes() for name in MODULES}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """Return the bytes of a zip file of files, a dict from name or ZipInfo to content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content, method)
    return file.getvalue()


def in_folder(folder, files):
    """Return the files with their names in a folder."""
    return {f"{folder}/{name}": content for name, content in files.items()}


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def dated(name, year):
    return zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a hand-in given by its files, or by the bytes of an archive."""
    def read_what_is_in(files, method=zipfile.ZIP_DEFLATED):
        content = files if isinstance(files, bytes) else zipped(files, method)
        path = tmp_path / "FN1.zip"
        path.write_bytes(content)
        return read_hand_in(path)
    return read_what_is_in


# --- archives that are not taken at all -----------------------------------------------------------

@pytest.mark.parametrize("name", ["../grads.py", "a/../../grads.py", "/tmp/grads.py",
                                  "C:\\grads.py", "C:/grads.py", "..\\grads.py", "\\\\x\\grads.py"])
def test_paths_that_lead_out(read, name):
    with pytest.raises(Unfit, match="outside"):
        read({**OWN, name: "x"})


@pytest.mark.parametrize("content", [b"", b"PK", os.urandom(1000), zipped(OWN)[:-30]])
def test_no_zip(read, content):
    with pytest.raises(Unfit, match="not a readable zip file"):
        read(content)


def test_an_empty_zip(read):
    contents = read(zipped({}))
    assert (contents.sources, contents.artefacts, contents.answers) == ({}, {}, [])


@pytest.mark.parametrize("method", METHODS)
def test_any_byte_may_be_wrong(read, method):
    files = {**OWN, "w2v-U.npy": npy(np.ones((40, 5))), "code.zip": zipped(OWN, method)}
    whole = zipped(files, method)
    rng = random.Random(method)
    for trial in range(150):
        broken = bytearray(whole)
        start = len(broken) - 500 if trial % 2 else 0
        for _ in range(rng.randint(1, 5)):
            broken[rng.randrange(start, len(broken))] = rng.randrange(256)
        try:
            contents = read(bytes(broken))
        except Unfit:
            continue
        for name, data in OWN.items():
            assert contents.sources.get(name, data) == data, "a damaged module was taken"


def test_one_damaged_module_costs_the_others_nothing(read):
    whole = zipped(OWN, zipfile.ZIP_STORED)
    contents = read(whole.replace(b"def createSamplingSequence", b"def createSamplingSequencf"))
    assert set(contents.sources) == {"grads.py", "w2v_sgd.py"}
    assert contents.notes == ["sampling.py: not readable: damaged"]


def with_byte(archive, offset, change):
    """Return an archive with a byte changed in all its heads of files, counted in the local one."""
    changed = bytearray(archive)
    for signature, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        place = archive.find(signature)
        while place >= 0:
            changed[place + offset + shift] = change(changed[place + offset + shift])
            place = archive.find(signature, place + 1)
    return bytes(changed)


def test_a_password(read):
    with pytest.raises(Unfit, match=r"sampling\.py: asks for a password"):
        read(with_byte(zipped(OWN), 6, lambda flags: flags | 1))


def test_a_method_that_is_not_read(read):
    with pytest.raises(Unfit, match=r"method that is not read \(number 9\)"):
        read(with_byte(zipped(OWN), 8, lambda method: 9))           # Deflate64


@pytest.mark.parametrize("method", METHODS[1:])
def test_no_more_is_unpacked_than_allowed(read, method):
    bomb = zipped({"grads.py": bytes(200 << 20)}, method)
    honest = (200 << 20).to_bytes(4, "little")
    lie = (1000).to_bytes(4, "little")
    tracemalloc.start()
    try:
        for content, reason in ((bomb, "larger than 1 MB"), (bomb.replace(honest, lie), "damaged")):
            with pytest.raises(Unfit, match=reason):
                read(content)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_many_files(read, monkeypatch):
    assert read({**in_folder("data", {f"{i}.txt": "" for i in range(3000)}), **OWN}).sources
    monkeypatch.setattr("solutions.grading.unpack.MOST_ENTRIES", 10)
    with pytest.raises(Unfit, match="11 files, more than 10"):
        read({f"{i}.py": "" for i in range(11)})


# --- right work in unusual archives ---------------------------------------------------------------

@pytest.mark.parametrize("method", METHODS)
def test_every_usual_method(read, method):
    assert read(OWN, method).sources == OWN


def test_what_is_not_read_may_be_of_any_size(read):
    zeros = npy(np.zeros((20000, 50), np.float32))
    contents = read({**OWN, "задача 1.bmp": bytes(20 << 20), "w2v-U.npy": zeros})
    assert contents.sources == OWN
    assert contents.artefacts == {"w2v-U.npy": zeros}
    assert contents.answers == ["задача 1.bmp"]


def test_links_are_not_followed(read):
    arrays = {"w2v-U.npy": b"U"}
    contents = read({**OWN, **arrays, link(".venv"): "/usr", link("data"): "/home",
                     link("w2v-W.npy"): "/etc/passwd"})
    assert contents.sources == OWN
    assert contents.artefacts == arrays
    assert contents.notes == ["links or special files, which are not followed: w2v-W.npy, data"]


def test_a_module_that_is_a_link_is_missing(read):
    contents = read({"sampling.py": OWN["sampling.py"], link("grads.py"): "/etc/passwd"})
    assert set(contents.sources) == {"sampling.py"}
    assert "grads.py" in contents.notes[0]


def test_a_colon_is_no_drive(read):
    assert read({**OWN, "1: задача.pdf": ""}).answers == ["1: задача.pdf"]


def test_helpers(read):
    helpers = {"worker.py": b"1", "wire.py": b"2", "corpus.py": b"3", "помощни.py": b"4",
               "helpers/__init__.py": b"", "helpers/deep/x.py": b"5", "table.json": b"{}"}
    others = {"run-me.py": "", "my-folder/x.py": "", "code.cpp": "", "big.txt": bytes(2 << 20),
              "venv/lib/x.py": "", "data/x.json": ""}
    contents = read(in_folder("hw", {**OWN, **helpers, **others}) | {"above.py": ""})
    assert contents.sources == OWN | helpers
    assert list(contents.sources)[:3] == list(MODULES)


def test_a_helper_beside_the_modules_wins_over_one_elsewhere(read):
    two = {"a/grads.py": "1", "a/w2v_sgd.py": "1", "a/help.py": "a", "b/sampling.py": "1",
           "b/help.py": "b"}
    assert read(two).sources["help.py"] == b"a"


def test_many_and_large_helpers(read, monkeypatch):
    monkeypatch.setattr("solutions.grading.archive.MOST_SOURCES", 5)
    contents = read({**OWN, **{f"x{i}.py": "" for i in range(4)}, "large.py": bytes(2 << 20)})
    assert contents.sources == OWN | {"x0.py": b"", "x1.py": b""}
    assert contents.notes == ["large.py: larger than 1 MB",
                              "not taken, since there are too many files: x2.py, x3.py"]


def test_the_hand_out_around_the_modules(read):
    handed_out = {"corpus/reading.py": "1", "corpus/pydocs/words.txt": "", "beyond/settings.py": "",
                  "corpus/pydocs/embeddings.png": "", "README.md": "", "requirements.txt": "",
                  "run.py": "1"}
    contents = read(in_folder("hw", OWN | handed_out))
    assert contents.sources == OWN | {"run.py": b"1", "requirements.txt": b""}
    assert contents.artefacts == {}
    assert contents.answers == contents.notes == []


# --- names ----------------------------------------------------------------------------------------

NAMES = ["задача", "Домашно 1", "Мария Иванова", "решение на Георги", "ЗАДАЧА", "история",
         "отговор"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp866", "cp1251", "mac_cyrillic"])
@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_not_marked_as_unicode(read, name, encoding):
    raw = f"{name}.pdf".encode(encoding)
    placeholder = b"X" * len(raw)
    archive = zipped({**OWN, placeholder.decode(): ""}).replace(placeholder, raw)
    assert read(archive).answers == [f"{name}.pdf"]


def test_names_that_are_marked():
    marked = zipfile.ZipInfo("Йордан\\и\u0306.pdf")      # macOS writes the two parts of й
    marked.flag_bits |= 0x800
    assert decoded_name(marked) == "Йордан/й.pdf"


def test_names_of_helpers_in_cp1251(read):
    raw = "помощни.py".encode("cp1251")
    archive = zipped({**OWN, "XXXXXXX.py": "1"}).replace(b"XXXXXXX.py", raw)
    assert read(archive).sources == OWN | {"помощни.py": b"1"}


def test_names_are_printable(read):
    assert read({"a\x1b[31m\n.pdf": ""}).answers == ["a?[31m?.pdf"]


def test_what_systems_leave_is_ignored(read):
    junk = {"__MACOSX/grads.py": "", "._grads.py": "", ".ipynb_checkpoints/grads.py": "",
            ".git/x.txt": "", "env/lib/site-packages/grads.py": "", ".venv/1.pdf": ""}
    contents = read(OWN | junk)
    assert contents.sources == OWN
    assert contents.notes == contents.answers == []


# --- near misses ----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["Sampling.py", "SAMPLING.PY", "sampling (1).py", "sampling(2).py",
                                  "sampling.py.txt", "sampling - Copy.py", "sampling copy.py",
                                  "sampling - Copy (2).py", "sampling - Копие.py",
                                  "Copy of sampling.py"])
def test_names_that_are_obviously_meant(read, name):
    files = {**OWN, name: OWN["sampling.py"]}
    del files["sampling.py"]
    contents = read(files)
    assert contents.sources == OWN
    assert contents.notes == [f"{name} was taken as sampling.py"]
    assert contents.answers == []


@pytest.mark.parametrize("name", ["sampling_final.py", "my-sampling.py", "sampling.py.lnk"])
def test_names_that_are_doubtful(read, name):
    contents = read({name: "", "grads.py": "", "w2v_sgd.py": ""})
    assert "sampling.py" not in contents.sources
    assert contents.notes == [f"there is no sampling.py; not taken for it: {name}"]


def test_a_right_name_wins_over_one_that_is_meant(read):
    old = {dated(name, 2023): content for name, content in OWN.items()}
    contents = read({**old, dated("grads (1).py", 2024): OWN["grads.py"] + b"# other"})
    assert contents.sources == OWN
    assert contents.notes == ["graded: grads.py; other copies, not graded: grads (1).py"]


def test_a_copy_in_which_more_is_written(read):
    half = OWN["grads.py"] + b"def lossAndGradientBatched():\n    pass\n"
    for less in (BLANK["grads.py"], half):
        contents = read({**OWN, "grads.py": less, "grads (1).py": OWN["grads.py"]})
        assert contents.sources == OWN
        assert "grads (1).py was taken as grads.py" in contents.notes


def note_of_copies(contents):
    [note] = [note for note in contents.notes if note.startswith("graded:")]
    return note


def test_a_starter_above_the_solution(read):
    contents = read(BLANK | in_folder("mine/solution", OWN))
    assert contents.sources == OWN
    note = note_of_copies(contents)
    assert note.startswith("graded: mine/solution/sampling.py, mine/solution/grads.py")
    assert "(more is written there)" in note
    assert note.endswith("not graded: sampling.py, grads.py, w2v_sgd.py")


def test_of_two_solutions_the_one_with_more_written(read):
    half = OWN | {"grads.py": BLANK["grads.py"]}
    assert read(half | in_folder("whole", OWN)).sources["grads.py"] == OWN["grads.py"]
    assert read(OWN | in_folder("half", half)).sources["grads.py"] == OWN["grads.py"]


def test_a_whole_set_wins_over_a_mixture(read):
    old = {name: content + b"# old" for name, content in OWN.items()}
    del old["grads.py"]
    contents = read(old | in_folder("all", OWN))
    assert contents.sources == OWN
    assert "(all three lie together there)" in note_of_copies(contents)


def test_a_blank_set_loses_to_what_lies_apart(read):
    apart = {f"task {i}/{name}": content for i, (name, content) in enumerate(OWN.items())}
    contents = read(BLANK | apart)
    assert contents.sources == OWN
    assert "grads.py: nothing is written in grads.py" in contents.notes


def test_modules_that_lie_apart(read):
    apart = {f"task {i}/{name}": content for i, (name, content) in enumerate(OWN.items())}
    contents = read(apart)
    assert contents.sources == OWN
    assert contents.notes == []


def test_of_equals_the_less_deep_and_then_the_newer(read):
    old = {name: content + b"# old" for name, content in OWN.items()}
    contents = read(in_folder("b", OWN) | in_folder("a/deeper", old))
    assert contents.sources == OWN
    assert "(they are less deep)" in note_of_copies(contents)
    for years in ((2023, 2024), (2024, 2023)):
        files = {dated(f"a/{name}", years[0]): content for name, content in OWN.items()}
        files |= {dated(f"b/{name}", years[1]): content for name, content in old.items()}
        contents = read(files)
        assert contents.sources == (OWN if years[0] > years[1] else old)
        assert "(they are newer)" in note_of_copies(contents)


def test_equal_copies_are_not_worth_a_note(read):
    assert read(OWN | in_folder("again", OWN)).notes == []


@pytest.mark.parametrize("body", [
    "pass", "...", '"""Text."""', "raise NotImplementedError", "raise NotImplementedError('later')",
    "J = 0\n    ### YOUR CODE HERE\n    pass\n    ### END YOUR CODE\n    return J",
    "J = 0\n    ### YOUR CODE HERE\n    pass\n    ### END YOUR CODE",
    "####\n    #### Начало на Вашия код. 3 реда\n\n    #### Край на Вашия код\n    return J",
])
def test_blanks(body):
    head = "def stochasticGradientDescend():\n    "
    assert functions_written("w2v_sgd.py", (head + body).encode()) == 0


@pytest.mark.parametrize("text", [
    "def stochasticGradientDescend():\n    return 1",
    "def stochasticGradientDescend():\n    # your code\n    x = 1\n    # end of your code\n    f()",
    "from solution import stochasticGradientDescend", "from solution import *",
    "def stochasticGradientDescend():\n    ### YOUR CODE HERE\n    U = V\n    return U",
])
def test_no_blanks(text):
    assert functions_written("w2v_sgd.py", text.encode()) == 1


def test_what_the_hand_out_and_the_solution_have_written():
    assert [functions_written(name, BLANK[name]) for name in MODULES] == [0, 0, 0]
    assert [functions_written(name, OWN[name]) for name in MODULES] == [2, 2, 1]


@pytest.mark.parametrize("text", [b"def (", b"\0", b"(" * 100_000, b"-" * 100_000 + b"1",
                                  b"# coding: no-such\n", b"\xff\xfe", b"a." * 60_000 + b"b",
                                  b"#" * 199_000])
def test_modules_that_are_no_modules(text):
    assert functions_written("grads.py", text) == 0


def test_an_archive_in_an_archive(read):
    inner = zipped(in_folder("hw", OWN) | {"задача 2.pdf": ""})
    contents = read({"code.zip": inner, "задача 1.pdf": "", "w2v-U.npy": "U"})
    assert contents.sources == OWN
    assert contents.artefacts == {"w2v-U.npy": b"U"}
    assert contents.answers == ["задача 1.pdf", "code.zip/задача 2.pdf"]
    assert contents.notes == ["code.zip, an archive in the hand-in, was looked into"]


def test_archives_in_an_archive_that_are_not_looked_into(read):
    inner = zipped({"grads.py": "x"})
    assert read({**OWN, "old.zip": inner}).notes == ["not looked into: old.zip"]
    assert read({"code.rar": "Rar!"}).notes == ["not looked into: code.rar"]
    contents = read({"a.zip": zipped({"b.zip": inner}), "c.zip": b"PK"})
    assert contents.sources == {}
    assert any(note.startswith("c.zip: not a readable zip file") for note in contents.notes)


def test_an_inner_archive_may_not_lead_out(read):
    contents = read({"code.zip": zipped({**OWN, "../x.py": ""})})
    assert contents.sources == {}
    assert "outside" in contents.notes[0]


def test_notebooks(read):
    contents = read({"hw.ipynb": '{"source": ["def lossAndGradient(u_w):"]}', "other.ipynb": "{}"})
    assert contents.notes == [
        "hw.ipynb: notebooks are not graded, only sampling.py, grads.py, w2v_sgd.py"]


def test_no_more_than_20_notes(read):
    contents = read({f"{i}.zip": b"" for i in range(3)}
                    | {f"x{i}.py": bytes(2 << 20) for i in range(30)} | OWN)
    assert len(contents.notes) == 20
    assert contents.notes[-1] == "and 12 more"


# --- answers --------------------------------------------------------------------------------------

def test_what_is_no_answer(read):
    files = ["README.md", "readme.txt", "requirements.txt", "LICENSE.txt", "words.txt", "loss.png",
             "embeddings.png", "embeddings (1).png", "w2v-words.txt", "grads.py.txt", "a.py"]
    assert read(dict.fromkeys([*files, "hw/1.jpg", "b.heic"], "")).answers == ["b.heic", "hw/1.jpg"]


@pytest.mark.parametrize("name", ["homework2.pdf", "HW2.pdf", "Домашно задание 2.pdf", "w2v.pdf",
                                  "assignment-2.pdf", "домашно.pdf"])
def test_the_assignment_itself(read, name):
    assert read({name: ""}).answers == [name]
    assert read({name: "", "hw/1.pdf": ""}).answers == [
        f"{name} (perhaps the assignment's own)", "hw/1.pdf"]


@pytest.mark.parametrize("name", ["1.pdf", "HW2_Ivan_Petrov.pdf", "задача1.pdf", "FN123.pdf"])
def test_what_is_surely_an_answer(read, name):
    assert read({name: "", "hw/x.pdf": ""}).answers[0] == name


# --- loose files ----------------------------------------------------------------------------------

def test_a_folder(tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text("secret")
    folder = tmp_path / "hand-in"
    for name, content in {**OWN, "helpers/x.py": b"1", "w2v-U.npy": b"U", "1.pdf": b"",
                          ".git/grads.py": b""}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "linked.py").symlink_to(secret)
    (folder / "all").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.py")
    (folder / os.fsdecode("задача.pdf".encode("cp1251"))).touch()
    contents = read_hand_in(folder)
    assert contents.sources == OWN | {"helpers/x.py": b"1"}
    assert contents.artefacts == {"w2v-U.npy": b"U"}
    assert contents.answers == ["1.pdf", "задача.pdf"]
    [note] = contents.notes
    assert all(name in note for name in ("linked.py", "all", "pipe.py"))


def test_large_and_many_files_in_a_folder(tmp_path, monkeypatch):
    (tmp_path / "grads.py").write_bytes(bytes(2 << 20))
    with pytest.raises(Unfit, match=r"grads\.py: larger than 1 MB"):
        read_hand_in(tmp_path)
    monkeypatch.setattr("solutions.grading.unpack.MOST_ENTRIES", 1)
    (tmp_path / "sampling.py").touch()
    with pytest.raises(Unfit, match="more than 1 files"):
        read_hand_in(tmp_path)


# --- arrays, words and picture --------------------------------------------------------------------

def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npy_with(header, data=b"", version=1):
    """Return an .npy file with a header of one's own."""
    length = len(header).to_bytes(2 * version, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def picture(kind="PNG", size=(60, 40), one_colour=False):
    image = Image.new("RGB", size)
    if not one_colour:
        image.putpixel((1, 1), (255, 0, 0))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


U, W = npy(np.ones((4, 2), np.float32)), npy(np.eye(2))
RESULTS = {"w2v-U.npy": U, "w2v-V.npy": U, "w2v-W.npy": W, "w2v-words.txt": b"a\nb\nc\n\xd0\xb4\n",
           "embeddings.png": picture()}


def row_of(name, content):
    """Return how a file is judged in the place of one of RESULTS: whether it is right, and why."""
    rows, _, _ = check_artefacts({**RESULTS, name: content})
    [row] = [row for row in rows if row["file"] == name]
    return row["ok"], row["note"]


def test_results_that_fit():
    rows, arrays, words = check_artefacts(RESULTS)
    assert all(row["ok"] for row in rows)
    assert [row["note"] for row in rows] == [
        "4×2 float32; the assignment asks for 20 000×50",
        "4×2 float32; the assignment asks for 20 000×50",
        "2×2 float64; the assignment asks for 50×50", "4 words", "60×40 pixels"]
    assert arrays["W"].tolist() == np.eye(2).tolist()
    assert words == ["a", "b", "c", "д"]


def test_results_of_the_assignment():
    large = npy(np.ones((20000, 50), np.float32))
    rows, _, _ = check_artefacts({"w2v-U.npy": large, "w2v-V.npy": large,
                                  "w2v-W.npy": npy(np.ones((50, 50)))})
    assert [row["note"] for row in rows[:3]] == ["20 000×50 float32"] * 2 + ["50×50 float64"]


def test_results_that_are_not_there():
    rows, arrays, words = check_artefacts({})
    assert [row["ok"] for row in rows] == [False, False, False, True, False]
    assert arrays is words is None


def test_results_that_cannot_be_read(read):
    contents = read({**OWN, "w2v-U.npy": U, "w2v-words.txt": bytes(17 << 20)})
    rows, arrays, words = check_artefacts(contents.artefacts)
    assert {row["file"]: row["note"] for row in rows}["w2v-words.txt"] == "larger than 16 MB"


def test_results_are_of_one_folder(read):
    trial = in_folder("trial", {**RESULTS, "w2v-U.npy": b"trial"})
    arrays = {name: RESULTS[name] for name in ("w2v-U.npy", "w2v-V.npy", "w2v-W.npy")}
    assert read(trial | arrays).artefacts == arrays | {"embeddings.png": RESULTS["embeddings.png"]}
    del arrays["w2v-W.npy"]
    assert read(trial | arrays).artefacts["w2v-U.npy"] == b"trial"


def test_results_that_are_obviously_meant(read):
    contents = read({"embeddings.jpg": b"x", "w2v-U (1).npy": b"U"})
    assert contents.artefacts == {"embeddings.png": b"x", "w2v-U.npy": b"U"}
    assert len(contents.notes) == 2


HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }\n"
MAD_SHAPES = [b"True, 1", b"-1, -1", b"10**99, 1", b"0x" + b"f" * 9000 + b", 1", b"9999999999, 2",
              b"0, 2", b"1," * 3000 + b"1", b"(" * 300 + b"1", b"-" * 9000 + b"1", b"1.0, 1",
              b"(1, 1)", b"'1', 1"]


@pytest.mark.parametrize("shape", MAD_SHAPES, ids=[shape[:20].decode() for shape in MAD_SHAPES])
def test_mad_shapes(shape):
    is_right, note = row_of("w2v-U.npy", npy_with(HEADER % shape, bytes(8)))
    assert not is_right and len(note) < 80


@pytest.mark.parametrize("content, reason", [
    (npy(np.array([{}]), allow_pickle=True), "pickle"),
    (U[:-1], "more or fewer numbers"),
    (U + b"x", "more or fewer numbers"),
    (npy(np.ones((4, 2), np.int64)), "holds int64, expected floats"),
    (npy(np.ones((4, 2), complex)), "holds complex128"),
    (npy(np.ones((4, 2), [("a" * 99, "f8")])), "expected floats"),
    (npy(np.ones(8)), "has 1 axes"),
    (npy(np.array([[1, np.nan], [np.inf, 1]])), "2×2 float64, 2 of its numbers are NaN"),
    (npy_with(b" " * 10_000_000, version=2), "not an .npy"),
    (npy_with(b"{'descr': ('<f8', (2,)), 'fortran_order': 0, 'shape': (1, 1)}\n"), "not an .npy"),
    (b"x", "not an .npy"), (b"", "not an .npy")])
def test_arrays_that_are_wrong(content, reason):
    is_right, note = row_of("w2v-U.npy", content)
    assert not is_right
    assert reason in note


def test_arrays_that_do_not_fit():
    assert row_of("w2v-V.npy", npy(np.ones((3, 2)))) == (False, "3×2 float64, but 4×2 fits U")
    assert row_of("w2v-W.npy", U) == (False, "4×2 float32, expected a square matrix")
    assert row_of("w2v-W.npy", npy(np.eye(3))) == (False, "3×3 float64, but 2×2 fits U")
    assert check_artefacts({**RESULTS, "w2v-V.npy": npy(np.ones((3, 2)))})[1] is None


def test_an_array_in_fortran_order():
    array = np.arange(8.).reshape(4, 2)
    _, arrays, _ = check_artefacts({**RESULTS, "w2v-U.npy": npy(np.asfortranarray(array))})
    assert arrays["U"].tolist() == array.tolist()


def test_words():
    assert row_of("w2v-words.txt", b"a\nb") == (False, "2 words, but U has 4 rows")
    assert row_of("w2v-words.txt", b"a\na\nb\nc\n") == (False, "4 words, 1 of them repeated")
    assert row_of("w2v-words.txt", b"\xff") == (False, "not a text in UTF-8")
    _, _, words = check_artefacts({**RESULTS, "w2v-words.txt": b"\xef\xbb\xbfa\r\nb\r\nc\r\nd"})
    assert words == list("abcd")
    long = "x" * 1_000_000
    _, _, words = check_artefacts({**RESULTS, "w2v-words.txt": f"a\nb\nc\n{long}\n".encode()})
    assert words == ["a", "b", "c", long]
    rows, _, words = check_artefacts({**RESULTS, "w2v-words.txt": b"a\nb"})
    assert words is None


PNG = picture()


@pytest.mark.parametrize("content, is_right, note", [
    (picture("JPEG"), True, "60×40 pixels, a JPEG"),
    (picture(one_colour=True), True, "60×40 pixels, all of one colour"),
    ((ROOT / "corpus/pydocs/embeddings.png").read_bytes(), True, " pixels"),
    (picture("GIF"), False, "not a picture, or a broken one"),
    (PNG[:-20], False, "broken"), (PNG.replace(b"IDAT", b"IDAU"), False, "broken"),
    (picture("JPEG")[:-300], False, "broken"),
    (PNG[:45] + bytes([PNG[45] ^ 1]) + PNG[46:], False, "broken"), (b"", False, "broken"),
    (picture(size=(9000, 8000), one_colour=True), False, "9 000×8 000 pixels, too large"),
    (picture(size=(20000, 10000), one_colour=True), False, "too large")])
def test_pictures(content, is_right, note):
    found = row_of("embeddings.png", content)
    assert found[0] == is_right
    assert note in found[1]
