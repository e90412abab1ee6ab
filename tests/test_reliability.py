"""Runs that are killed, interrupted, out of disk space, damaged, or not alone.

W2V_TRIALS=200 tries harder.
"""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from beyond import pictures
from beyond.checkpoints import CHECKPOINT, PREVIOUS, Checkpoints
from beyond.results import DATA, FILES, results_folder
from tests.support.launch import RUN, become_run, exit_status
from utils import InputError

resource = pytest.importorskip("resource", reason="of Unix")

TRIALS = int(os.environ.get("W2V_TRIALS", 20))
FAST = "--dim", "8", "--batch-size", "40", "--epochs", "2"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"),
                                reason="runs in forked processes, which are quick to start")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Text with the frequencies of words that language has."""
    rng = np.random.default_rng(0)
    ranks = np.exp(rng.random(4000) * 6).astype(int)
    words = [f"w{rank}x" for rank in ranks]
    words[11::12] = [f"{word}." for word in words[11::12]]
    path = tmp_path_factory.mktemp("corpus") / "zipf.txt"
    path.write_text("".join(f"{word} " for word in words))
    return path


@pytest.fixture(scope="module", autouse=True)
def quick_picture():
    """Pictures that cost no time; those of matplotlib are compared in the tests of run.py."""
    def plot_embeddings(E, groups, word2ind, title, file):
        file.write(title.encode())

    def plot_loss(curve, floor, title, file):
        file.write(str(zlib.crc32(curve)).encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "plot_embeddings", plot_embeddings)
        patch.setattr(pictures, "plot_loss", plot_loss)
        yield


def start(out, corpus, *options, limit=None):
    """Start a run in a process of its own; with a limit, no file of it may have more bytes."""
    pid = os.fork()
    if pid:
        return pid
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    err = os.devnull if limit is not None else f"{out}.stderr"      # the limit is for it, too
    with open(os.devnull, "wb") as devnull, open(err, "wb") as stderr:
        become_run(["--corpus", str(corpus), "--out", str(out), *FAST, *options], devnull, stderr)


def finish(out, corpus, *options, limit=None):
    """Let a run go to its end, and return its exit status."""
    return exit_status(start(out, corpus, *options, limit=limit))


def error_lines(out):
    return Path(f"{out}.stderr").read_text().splitlines()


def names_in(folder):
    return sorted(file.name for file in folder.iterdir())


def results_in(out):
    return {name: (out / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def undisturbed(corpus, tmp_path_factory):
    """The results of a run that nothing disturbs, and the seconds it takes."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    begun = time.monotonic()
    assert finish(out, corpus) == 0
    seconds = time.monotonic() - begun
    assert names_in(out) == sorted(FILES)
    return results_in(out), seconds


@pytest.fixture(scope="module")
def right(undisturbed):
    """The results that a run must have, whatever happens on the way."""
    results, _ = undisturbed
    return results


@pytest.fixture(scope="module")
def disturb(corpus, undisturbed):
    """A function that starts a run and sends it a signal at a random moment.

    It returns how the run ended, its checkpoints, and how old the newest was at the signal.
    """
    _, seconds = undisturbed

    def disturb(out, number, trial):
        rng = np.random.default_rng([number, trial])
        pid = start(out, corpus, "--checkpoint-every", "0.02")
        time.sleep(rng.uniform(0, 1.2 * seconds))
        os.kill(pid, number)
        sent_at = time.time()
        status = exit_status(pid)
        checkpoints = [file for file in (out / CHECKPOINT, out / PREVIOUS) if file.exists()]
        newest = max((file.stat().st_mtime for file in checkpoints), default=0)
        return status, checkpoints, sent_at - newest

    return disturb


def expect_to_go_on(out, corpus, checkpoints, right):
    """Go on from the checkpoints, or else anew, and compare the results."""
    if checkpoints:
        assert finish(out, corpus, "--resume") == 0
    elif not all((out / name).exists() for name in FILES):
        assert finish(out, corpus) == 0
    assert results_in(out) == right


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, corpus, disturb, right):
    seconds_lost = []
    for trial in range(10 * TRIALS):
        if trial >= TRIALS and len(seconds_lost) > TRIALS / 5:      # enough were killed in training
            break
        out = tmp_path / str(trial)
        status, checkpoints, age = disturb(out, signal.SIGKILL, trial)
        assert status in (0, -signal.SIGKILL)
        if status and checkpoints:
            seconds_lost.append(age)
        expect_to_go_on(out, corpus, checkpoints, right)
        # Killed at its very end, a run leaves a temporary folder, which the next one clears away.
        if status and not checkpoints:
            assert finish(out, corpus) == 0
        assert names_in(out) == sorted(FILES)
    assert len(seconds_lost) > TRIALS / 5
    assert np.median(seconds_lost) < 0.1, seconds_lost


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_that_can_go_on(tmp_path, corpus, disturb, right, number):
    went_on = 0
    for trial in range(10 * TRIALS):
        if trial >= TRIALS // 4 and went_on:
            break
        out = tmp_path / str(trial)
        status, checkpoints, _ = disturb(out, number, trial)
        assert status in (0, -number, 128 + number)         # -number: before run.main listened
        if status == 128 + number:
            line = error_lines(out)[-1]
            assert line.startswith("run.py: stopped")
            assert ("--resume goes on" in line) == bool(checkpoints)
        if checkpoints:
            went_on += 1
        expect_to_go_on(out, corpus, checkpoints, right)
        assert names_in(out) == sorted(FILES)
    assert went_on


def test_a_second_run_in_a_folder_is_refused(tmp_path, corpus):
    out = tmp_path / "out"
    out.mkdir()
    with results_folder(out):
        assert finish(out, corpus) == 2
        [line] = error_lines(out)
        assert "another run writes there" in line and str(out) in line
    assert finish(out, corpus) == 0


def test_what_a_killed_run_left_is_cleared_away(tmp_path, corpus):
    out = tmp_path / "out"
    (out / ".w2v-run-abc").mkdir(parents=True)
    (out / ".w2v-run-abc/w2v-U.npy").write_text("half")
    assert finish(out, corpus) == 0
    assert names_in(out) == sorted(FILES)


def test_a_full_disk_harms_nothing(tmp_path, corpus, right):
    sizes = {len(content) for content in right.values()}
    limits = {150, 4096}
    for size in sizes:
        limits |= {0, 1, size // 2, size - 1}
    for limit in sorted(limits):
        out = tmp_path / str(limit)
        out.mkdir()
        for name in FILES:
            (out / name).write_text("earlier")
        status = finish(out, corpus, "--checkpoint-every", "0.02", limit=limit)
        if limit >= max(len(right[name]) for name in DATA):     # a picture may be left out
            assert status == 0
            assert all((out / name).read_bytes() == right[name] for name in DATA)
        else:
            assert status == 2
            assert set(results_in(out).values()) == {b"earlier"}
            assert set(names_in(out)) <= {*FILES, CHECKPOINT, PREVIOUS}


# --- going on from a checkpoint -----------------------------------------------------------------

@pytest.fixture(scope="module")
def stopped(disturb, tmp_path_factory):
    """The two checkpoints of a run that was stopped: their names and contents."""
    for trial in range(100, 200):
        out = tmp_path_factory.mktemp("stopped") / "out"
        status, checkpoints, _ = disturb(out, signal.SIGTERM, trial)
        if status == 128 + signal.SIGTERM and len(checkpoints) == 2:
            return {file.name: file.read_bytes() for file in checkpoints}
    pytest.fail("none of 100 runs was stopped when it had two checkpoints")


def run_beside(checkpoints, out, corpus, *options):
    """Run in a folder with these checkpoints: the exit status and the last line of stderr."""
    out.mkdir()
    for name, content in checkpoints.items():
        (out / name).write_bytes(content)
    status = finish(out, corpus, *options)
    return status, error_lines(out)[-1]


@pytest.mark.parametrize("options, differences", [
    (["--seed", "1"], ["--seed was 0, not 1"]),
    (["--alpha", "0.5", "--window", "2"], ["--alpha was 1.0, not 0.5", "--window was 3, not 2"]),
    (["--batch-size", "20"], ["--batch-size was 40, not 20"]),
    (["cumulative"], ["method was batched, not cumulative"]),
    (["--pairs", "99"], ["--pairs was None, not 99"]),
])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, corpus, stopped, options, differences):
    out = tmp_path / "out"
    status, line = run_beside(stopped, out, corpus, *options, "--resume")
    assert status == 2
    assert all(difference in line for difference in differences)
    assert line.count(";") == len(differences) - 1
    assert {file.name: file.read_bytes() for file in out.iterdir()} == stopped


def test_a_checkpoint_of_another_corpus_is_refused(tmp_path, corpus, stopped):
    other = tmp_path / "other.txt"
    other.write_text(corpus.read_text().replace("w1x", "w2x", 1))
    status, line = run_beside(stopped, tmp_path / "out", other, "--resume")
    assert status == 2 and line.endswith("of a run with other settings: the corpus is another")


def with_another_bit(content):
    content = bytearray(content)
    content[5000] ^= 1
    return bytes(content)


DAMAGES = {
    "half": lambda content: content[:len(content) // 2],
    "empty": lambda content: b"",
    "rubbish": lambda content: b"rubbish" * 999,
    "a bit": with_another_bit,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused_and_the_one_before_offered(
        tmp_path, corpus, right, stopped, damage):
    out = tmp_path / "out"
    damaged = DAMAGES[damage](stopped[CHECKPOINT])
    status, line = run_beside(stopped | {CHECKPOINT: damaged}, out, corpus, "--resume")
    assert status == 2
    assert "damaged" in line and f"--resume {out / PREVIOUS} goes on" in line
    assert finish(out, corpus, "--resume", str(out / PREVIOUS)) == 0
    assert results_in(out) == right


@pytest.mark.parametrize("changed", [
    {"W": np.zeros(3)},
    {"U": np.zeros((3, 8), np.float32)},
    {"U": np.array(["a"])},
    {"V": np.full((9, 8), np.nan)},
    {"curve": np.zeros((0, 2))},
    {"curve": np.zeros(4)},
    {"curve": np.array([[0, 0], [np.nan, 1]])},
    {"curve": np.array([[0, 0], [10 ** 9, 1]])},
    {"curve": np.array([[0, 0], [7, 1]])},
    {"curve": np.array([[0, 0], [-40, 1]])},
    {"settings": "3"},
    {"settings": "[1]"},
    {"settings": "no json"},
], ids=str)
def test_a_checkpoint_that_no_run_wrote_is_refused(tmp_path, corpus, stopped, changed):
    out, file = tmp_path / "out", io.BytesIO()
    with np.load(io.BytesIO(stopped[CHECKPOINT])) as arrays:
        np.savez(file, **{**arrays, **changed})
    status, line = run_beside({CHECKPOINT: file.getvalue()}, out, corpus, "--resume")
    assert status == 2 and line.endswith("damaged, or not a checkpoint; train anew")
    assert names_in(out) == [CHECKPOINT]


def test_the_one_before_is_taken_if_the_last_is_missing(tmp_path, corpus, right, stopped):
    out = tmp_path / "out"
    status, _ = run_beside({PREVIOUS: stopped[PREVIOUS]}, out, corpus, "--resume")
    assert status == 0
    assert results_in(out) == right


def test_a_folder_to_resume_means_its_newest_checkpoint(tmp_path, corpus, stopped):
    status, _ = run_beside(stopped, tmp_path / "out", corpus, "--resume", str(tmp_path / "out"))
    assert status == 0


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path, corpus):
    status, line = run_beside({}, tmp_path / "out", corpus, "--resume")
    assert status == 2 and f"{CHECKPOINT}: no such checkpoint" in line


def test_beginning_anew_beside_a_checkpoint_is_said(tmp_path, corpus, right, stopped):
    out = tmp_path / "out"
    status, _ = run_beside(stopped, out, corpus)
    assert status == 0
    assert any("--resume would go on" in line for line in error_lines(out))
    assert results_in(out) == right


# --- elsewhere ----------------------------------------------------------------------------------

def results_elsewhere(folder, texts, **environment):
    """Write the texts in this order, and run there with environment variables."""
    (folder / "text").mkdir(parents=True)
    for name, text in texts:
        (folder / "text" / name).write_text(text)
    command = [sys.executable, RUN, "--corpus", "text", *FAST]
    subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True,
                   capture_output=True)
    return results_in(folder)


def test_the_same_bytes_elsewhere(tmp_path, corpus):
    """Of a folder, a locale, a hash seed; and with the files written in another order."""
    text = corpus.read_text()
    texts = [("c.txt", text[:5000]), ("b.txt", text[10000:15000]), ("a.txt", text[5000:10000])]
    one = results_elsewhere(tmp_path / "one", texts,
                            LC_ALL="C", PYTHONHASHSEED="1", TZ="UTC")
    other = results_elsewhere(tmp_path / "дру ги", texts[::-1],
                              LC_ALL="C.UTF-8", PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    assert one == other


def test_a_folder_in_place_of_a_result_is_seen_before_training(tmp_path, corpus):
    out = tmp_path / "out"
    (out / "w2v-V.npy").mkdir(parents=True)
    assert finish(out, corpus) == 2
    [line] = error_lines(out)
    assert f"{out / 'w2v-V.npy'}: a folder stands where a result belongs" in line
    assert names_in(out) == ["w2v-V.npy"]


def test_flipped_bits_in_the_headers_of_a_checkpoint_are_damage(tmp_path, corpus, stopped):
    """Each bit of what zipfile and NumPy parse, read in this process."""
    with np.load(io.BytesIO(stopped[CHECKPOINT])) as arrays:
        settings = json.loads(str(arrays["settings"]))
        start = [arrays[name] for name in "UVW"]
    content = stopped[CHECKPOINT]
    checkpoints = Checkpoints(tmp_path, settings, 60)
    header = content.index(b"\x93NUMPY")
    places = [*range(header + 128), *range(len(content) - 300, len(content))]
    path = tmp_path / CHECKPOINT
    for place in places[::1 if TRIALS > 20 else 7]:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            checkpoints.read(path, start, 10 ** 9, 2)
        except InputError as error:
            assert "damaged" in str(error) or "of a run with other settings" in str(error)


def test_a_module_that_was_changed_is_noticed(tmp_path, corpus):
    project = tmp_path / "project"
    ignored = shutil.ignore_patterns("text", "*.zip", "w2v-*", ".*", "*venv*", "tests", "solutions")
    shutil.copytree(RUN.parent, project, ignore=ignored)
    command = [sys.executable, project / "run.py", "--corpus", corpus, "--out", tmp_path, *FAST]
    run = subprocess.Popen([*command, "--checkpoint-every", "0"], stderr=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
    while not (tmp_path / CHECKPOINT).exists():
        time.sleep(0.01)
    run.send_signal(signal.SIGTERM)
    assert run.wait() == 128 + signal.SIGTERM
    with open(project / "grads.py", "a", encoding="utf-8") as file:
        file.write("# another\n")
    result = subprocess.run([*command, "--resume"], capture_output=True, encoding="utf-8")
    assert result.returncode == 2
    assert result.stderr.endswith("of a run with other settings: grads.py is another\n")
