"""Runs that are killed, interrupted, out of disk space, damaged, or not alone; W2V_TRIALS=200 tries harder."""

import io
import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

import run
import utils
from tests.launch import become_run

ROOT = Path(run.__file__).parent
TRIALS = int(os.environ.get("W2V_TRIALS", 20))
FILES = sorted([*run.FILES])
FAST = "--dim", "8", "--batch-size", "40", "--epochs", "2"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs in forked processes, which are quick to start")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Text with the frequencies of words that language has."""
    rng = np.random.default_rng(0)
    words = [f"w{rank}x" for rank in np.exp(rng.random(4000) * 6).astype(int)]
    path = tmp_path_factory.mktemp("corpus") / "zipf.txt"
    path.write_text("".join(f"{word}. " if i % 12 == 11 else f"{word} " for i, word in enumerate(words)))
    return path


@pytest.fixture(scope="module", autouse=True)
def quick_picture():
    """A picture that costs no time; that of matplotlib is compared in the tests of run.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "plot_embeddings", lambda E, groups, word2ind, title, path: path.write_text(title))
        patch.setattr(utils, "plot_loss", lambda curve, floor, title, path: path.write_text(str(zlib.crc32(curve))))
        yield


def start(out, corpus, *options, limit=None):
    """A run in a process of its own; with a limit, no file of it may have more bytes."""
    pid = os.fork()
    if pid:
        return pid
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    err = os.devnull if limit is not None else f"{out}.stderr"      # the limit is for it, too
    with open(os.devnull, "wb") as devnull, open(err, "wb") as stderr:
        become_run(["--corpus", str(corpus), "--out", str(out), *FAST, *options], devnull, stderr)


def ended(pid):
    """The exit status of a run; minus the signal, if one ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def results(out):
    return {name: (out / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """The results of a run that nothing disturbs, and the seconds it takes."""
    out = tmp_path_factory.mktemp("whole") / "out"
    begun = time.monotonic()
    assert ended(start(out, corpus)) == 0
    assert sorted(file.name for file in out.iterdir()) == FILES
    return results(out), time.monotonic() - begun


def disturbed(out, corpus, number, trial, seconds):
    """Start a run and send it a signal at a random moment: how it ended, its checkpoints, and the age of the newest."""
    rng = np.random.default_rng([number, trial])
    pid = start(out, corpus, "--checkpoint-every", "0.02", "--threads", str(1 + trial % 2))
    time.sleep(rng.uniform(0, 1.2 * seconds))
    os.kill(pid, number)
    sent, status = time.time(), ended(pid)
    kept = [file for file in (out / utils.CHECKPOINT, out / utils.PREVIOUS) if file.exists()]
    return status, kept, sent - max((file.stat().st_mtime for file in kept), default=0)


def finish(out, corpus, whole, kept, trial):
    """Go on from what was kept, with another number of threads, and compare the results."""
    if kept or not all((out / name).exists() for name in FILES):
        assert ended(start(out, corpus, "--threads", str(2 - trial % 2), *["--resume"][:len(kept)])) == 0
    assert results(out) == whole[0]
    assert sorted(file.name for file in out.iterdir()) == FILES


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, corpus, whole):
    lost = []
    for trial in range(TRIALS):
        out = tmp_path / str(trial)
        status, kept, age = disturbed(out, corpus, signal.SIGKILL, trial, whole[1])
        assert status in (0, -signal.SIGKILL)
        lost += [age] * (status != 0 and bool(kept))
        finish(out, corpus, whole, kept, trial)
    assert len(lost) > TRIALS / 5 and np.median(lost) < 0.1, lost


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_that_can_go_on(tmp_path, corpus, whole, number):
    went_on = 0
    for trial in range(max(5, TRIALS // 4)):
        out = tmp_path / str(trial)
        status, kept, _ = disturbed(out, corpus, number, trial, whole[1])
        assert status in (0, -number, 128 + number)         # -number: before run.main listened
        if status == 128 + number:
            line = Path(f"{out}.stderr").read_text().splitlines()[-1]
            assert line.startswith("run.py: stopped") and ("--resume goes on" in line) == bool(kept)
        went_on += bool(kept)
        finish(out, corpus, whole, kept, trial)
    assert went_on


def test_a_second_run_in_a_folder_is_refused(tmp_path, corpus):
    out = tmp_path / "out"
    out.mkdir()
    with utils.only_run(out, FILES):
        assert ended(start(out, corpus)) == 2
        line, = Path(f"{out}.stderr").read_text().splitlines()
        assert "another run writes there" in line and str(out) in line
    assert ended(start(out, corpus)) == 0


def test_what_a_killed_run_left_is_cleared_away(tmp_path, corpus):
    out = tmp_path / "out"
    (out / ".w2v-abc").mkdir(parents=True)
    (out / ".w2v-abc/w2v-U.npy").write_text("half")
    assert ended(start(out, corpus)) == 0
    assert sorted(file.name for file in out.iterdir()) == FILES


def test_a_full_disk_harms_nothing(tmp_path, corpus, whole):
    sizes = sorted({len(content) for content in whole[0].values()})
    limits = sorted({limit for size in sizes for limit in (0, 1, size // 2, size - 1)} | {150, 4096})
    for limit in limits:
        out = tmp_path / str(limit)
        out.mkdir()
        for name in FILES:
            (out / name).write_text("earlier")
        status = ended(start(out, corpus, "--checkpoint-every", "0.02", limit=limit))
        assert status == (0 if limit >= max(sizes) else 2)
        assert status == 0 or all(content == b"earlier" for content in results(out).values())
        assert status == 0 or set(os.listdir(out)) <= {*FILES, utils.CHECKPOINT, utils.PREVIOUS}


@pytest.fixture(scope="module")
def stopped(corpus, whole, tmp_path_factory):
    """A folder with two checkpoints of a run that was stopped."""
    for trial in range(100, 200):
        out = tmp_path_factory.mktemp("stopped") / "out"
        status, kept, _ = disturbed(out, corpus, signal.SIGTERM, trial, whole[1])
        if status == 128 + signal.SIGTERM and len(kept) == 2:
            return {file.name: file.read_bytes() for file in kept}


def resumed(out, corpus, stopped, *options):
    out.mkdir()
    for name, content in stopped.items():
        (out / name).write_bytes(content)
    status = ended(start(out, corpus, *options))
    return status, Path(f"{out}.stderr").read_text().splitlines()[-1]


@pytest.mark.parametrize("change, named", [
    (["--seed", "1"], ["--seed was 0, not 1"]),
    (["--alpha", "0.5", "--window", "2"], ["--alpha was 1.0, not 0.5", "--window was 3, not 2"]),
    (["--batch-size", "20"], ["--batch-size was 40, not 20"]),
    (["cumulative"], ["--method was batched, not cumulative"]), (["--pairs", "99"], ["--pairs was None, not 99"])])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, corpus, stopped, change, named):
    status, line = resumed(tmp_path / "out", corpus, stopped, *change, "--resume")
    assert status == 2 and all(part in line for part in named) and line.count(";") == len(named) - 1
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == stopped


def test_a_checkpoint_of_another_corpus_is_refused(tmp_path, corpus, stopped):
    other = tmp_path / "other.txt"
    other.write_text(corpus.read_text().replace("w1x", "w2x", 1))
    status, line = resumed(tmp_path / "out", other, stopped, "--resume")
    assert status == 2 and line.endswith("of a run with other settings: the corpus is another")


@pytest.mark.parametrize("damage", [
    lambda content: content[:len(content) // 2], lambda content: b"", lambda content: b"rubbish" * 999,
    lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]],
    ids=["half", "empty", "rubbish", "a bit"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_offered(tmp_path, corpus, whole, stopped, damage):
    out = tmp_path / "out"
    broken = {**stopped, utils.CHECKPOINT: damage(stopped[utils.CHECKPOINT])}
    status, line = resumed(out, corpus, broken, "--resume")
    assert status == 2 and "damaged" in line and f"--resume {out / utils.PREVIOUS} goes on" in line
    assert ended(start(out, corpus, "--resume", str(out / utils.PREVIOUS))) == 0
    assert results(out) == whole[0]


@pytest.mark.parametrize("change", [
    {"W": np.zeros(3)}, {"U": np.zeros((3, 8), np.float32)}, {"U": np.array(["a"])}, {"V": np.full((9, 8), np.nan)},
    {"curve": np.zeros((0, 2))}, {"curve": np.zeros(4)}, {"curve": np.array([[0, 0], [np.nan, 1]])},
    {"curve": np.array([[0, 0], [10 ** 9, 1]])}, {"curve": np.array([[0, 0], [7, 1]])},
    {"curve": np.array([[0, 0], [-40, 1]])}, {"settings": "3"}, {"settings": "[1]"}, {"settings": "no json"}], ids=str)
def test_a_checkpoint_that_no_run_wrote_is_refused(tmp_path, corpus, stopped, change):
    with np.load(io.BytesIO(stopped[utils.CHECKPOINT])) as stored:
        np.savez(made := io.BytesIO(), **{**stored, **change})
    status, line = resumed(tmp_path / "out", corpus, {utils.CHECKPOINT: made.getvalue()}, "--resume")
    assert status == 2 and line.endswith("damaged, or not a checkpoint; train anew")
    assert [file.name for file in (tmp_path / "out").iterdir()] == [utils.CHECKPOINT]


def test_the_one_before_is_taken_if_the_last_is_missing(tmp_path, corpus, whole, stopped):
    before = {utils.PREVIOUS: stopped[utils.PREVIOUS]}
    assert resumed(tmp_path / "out", corpus, before, "--resume")[0] == 0
    assert results(tmp_path / "out") == whole[0]


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path, corpus):
    status, line = resumed(tmp_path / "out", corpus, {}, "--resume")
    assert status == 2 and f"{utils.CHECKPOINT}: no such checkpoint" in line


def test_beginning_anew_beside_a_checkpoint_is_said(tmp_path, corpus, whole, stopped):
    assert resumed(tmp_path / "out", corpus, stopped)[0] == 0
    assert "--resume would go on" in Path(f"{tmp_path / 'out'}.stderr").read_text()
    assert results(tmp_path / "out") == whole[0]


def test_the_same_bytes_elsewhere(tmp_path, corpus):
    """In another folder, under another locale and hash seed, and with the files written in another order."""
    texts = {f"{letter}.txt": corpus.read_text()[i * 5000:(i + 1) * 5000] for i, letter in enumerate("cab")}
    came = []
    for place, environment in (("one", {"LC_ALL": "C", "PYTHONHASHSEED": "1", "TZ": "UTC"}),
                               ("дру ги", {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"})):
        folder = tmp_path / place
        (folder / "text").mkdir(parents=True)
        for name in sorted(texts, reverse=place == "one"):
            (folder / "text" / name).write_text(texts[name])
        command = [sys.executable, ROOT / "run.py", "--corpus", "text", *FAST]
        subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True, capture_output=True)
        came.append(results(folder))
    assert came[0] == came[1]


def test_a_folder_in_place_of_a_result_is_seen_before_training(tmp_path, corpus):
    out = tmp_path / "out"
    (out / "w2v-V.npy").mkdir(parents=True)
    assert ended(start(out, corpus)) == 2
    line, = Path(f"{out}.stderr").read_text().splitlines()
    assert f"{out / 'w2v-V.npy'}: a folder stands where a result belongs" in line
    assert [file.name for file in out.iterdir()] == ["w2v-V.npy"]
