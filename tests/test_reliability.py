"""Runs that are killed, interrupted, out of disk space, damaged, or not alone.

W2V_TRIALS=200 tries harder.
"""

import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

import beyond.reporting  # noqa: F401 - not again in each fork
import run
from beyond import pictures
from beyond.checkpoints import CHECKPOINT, PREVIOUS, Checkpoints
from beyond.results import DATA, FILES, results_folder
from tests.support.launch import RUN
from utils import InputError

resource = pytest.importorskip("resource", reason="of Unix")

TRIALS = int(os.environ.get("W2V_TRIALS", 12))
FAST = "--dim", "8", "--batch-size", "500", "--epochs", "2"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"),
                                reason="runs in forked processes, which are quick to start")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Text with the frequencies of words that language has."""
    ranks = np.exp(np.random.default_rng(0).random(1000) * 6).astype(int)
    words = [f"w{rank}x" for rank in ranks]
    words[11::12] = [f"{word}." for word in words[11::12]]
    path = tmp_path_factory.mktemp("corpus") / "zipf.txt"
    path.write_text(" ".join(words))
    return path


@pytest.fixture(scope="module", autouse=True)
def quick_pictures():
    """Pictures that cost no time; those of matplotlib are compared in the tests of run.py."""
    def plot_embeddings(E, groups, word2ind, title, file):
        file.write(title.encode())

    def plot_loss(curve, floor, title, file):
        file.write(curve.tobytes())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "plot_embeddings", plot_embeddings)
        patch.setattr(pictures, "plot_loss", plot_loss)
        yield


def finish(out, corpus, *options, before=lambda: None):
    """Let a run go to its end in a process of its own, where `before` is called first.

    Returns its exit status, or minus the signal that ended it.
    """
    pid = os.fork()
    if pid == 0:
        become_run(["--corpus", str(corpus), "--out", str(out), *FAST, *options], f"{out}.stderr",
                   before)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def become_run(arguments, stderr, before):
    """Be run.py with a file as stderr, and end the process."""
    status = 1
    signal.signal(signal.SIGINT, signal.SIG_DFL)            # until run.main listens to it
    try:
        sys.argv = [str(RUN), *arguments]
        sys.stdout, sys.stderr = open(os.devnull, "w"), open(stderr, "w", buffering=1)
        before()
        run.main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def error_lines(out):
    return Path(f"{out}.stderr").read_text().splitlines()


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# --- a signal at any moment ---------------------------------------------------------------------

def send_to_itself(number, moment, moments):
    """Count this process's calls of functions in a file, and send it a signal at one of them."""
    calls = itertools.count(1)

    def count(frame, event, function):
        if event.endswith("call"):
            call = next(calls)
            if call == moment:
                os.kill(os.getpid(), number)
            elif event == "c_call" and function is os._exit:
                moments.write_text(str(call))

    sys.setprofile(count)


@pytest.fixture(scope="module")
def undisturbed(corpus, tmp_path_factory):
    """What a run leaves that nothing disturbs, and how many calls of functions it takes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    moments = folder / "moments"
    assert finish(folder / "out", corpus, "--checkpoint-every", "0",
                  before=lambda: send_to_itself(0, None, moments)) == 0
    results = contents(folder / "out")
    assert sorted(results) == sorted(FILES)
    return results, int(moments.read_text())


@pytest.fixture(scope="module")
def right(undisturbed):
    """The results that a run must have, whatever happens on the way."""
    results, _ = undisturbed
    return results


@pytest.fixture(scope="module")
def disturb(corpus, undisturbed):
    """A function that starts a run and sends it a signal after a share of its work.

    It returns how the run ended, and whether it left a checkpoint.
    """
    _, moments = undisturbed

    def disturb(out, number, share):
        status = finish(out, corpus, "--checkpoint-every", "0", before=lambda: send_to_itself(
            number, int(share * moments), Path(os.devnull)))
        return status, any((out / name).exists() for name in (CHECKPOINT, PREVIOUS))

    return disturb


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_killed_or_stopped_goes_on_to_the_same_bytes(
        tmp_path, corpus, disturb, right, number):
    went_on = 0
    for trial in range(TRIALS):
        out = tmp_path / str(trial)
        share = 0.5 + 0.5 * (trial + 0.5) / TRIALS          # in the first half, it reads
        status, has_checkpoint = disturb(out, number, share)
        # -number: before run.main listened to it
        assert status in (0, -number, 128 + number), error_lines(out)
        if status == 128 + number:
            line = error_lines(out)[-1]
            assert line == "run.py: stopped" + "; --resume goes on" * has_checkpoint
        went_on += has_checkpoint
        # What a run leaves that was killed when it had its results, the next one clears away.
        if status and finish(out, corpus, *["--resume"] * has_checkpoint) != 0:
            pytest.fail(error_lines(out)[-1])
        assert contents(out) == right
    assert went_on > TRIALS / 2


def test_a_full_disk_harms_nothing(tmp_path, corpus, right):
    largest = max(len(right[name]) for name in DATA)
    for limit in 1, len(right["w2v-run.json"]) - 1, len(right["w2v-words.txt"]), largest // 2, \
            largest - 1, largest, 10 ** 9:
        out = tmp_path / str(limit)
        out.mkdir()
        for name in FILES:
            (out / name).write_text("earlier")

        def lower():
            sys.stderr = open(os.devnull, "w")              # the limit is for it, too
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        status = finish(out, corpus, "--checkpoint-every", "0", before=lower)
        assert status == (0 if limit >= largest else 2)
        left = contents(out)
        for name in DATA:
            assert left.pop(name) == (right[name] if limit >= largest else b"earlier")
        assert set(left) <= {*FILES, CHECKPOINT, PREVIOUS}


def test_a_second_run_in_a_folder_is_refused(tmp_path, corpus):
    out = tmp_path / "out"
    with results_folder(out):
        assert finish(out, corpus) == 2
        [line] = error_lines(out)
        assert "another run writes there" in line and str(out) in line
    assert finish(out, corpus) == 0


# --- going on from a checkpoint -----------------------------------------------------------------

@pytest.fixture(scope="module")
def stopped(disturb, tmp_path_factory):
    """The two checkpoints of a run that was stopped: their names and contents."""
    out = tmp_path_factory.mktemp("stopped") / "out"
    assert disturb(out, signal.SIGTERM, 0.8) == (128 + signal.SIGTERM, True)
    assert len(contents(out)) == 2
    return contents(out)


def run_beside(checkpoints, out, corpus, *options):
    """Run in a folder with these checkpoints: the exit status and the last line of stderr."""
    out.mkdir()
    for name, content in checkpoints.items():
        (out / name).write_bytes(content)
    status = finish(out, corpus, *options)
    return status, error_lines(out)[-1]


@pytest.mark.parametrize("options, differences", [
    (["--alpha", "0.5", "--seed", "1"], ["alpha was 1.0, now it is 0.5", "seed was 0, now"]),
    (["cumulative"], ["method was batched, now it is cumulative"]),
    (["--pairs", "99"], ["pairs was None, now it is 99"]),
    (["--window", "2"], ["window was 3, now it is 2", "corpus was "])])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, corpus, stopped, options, differences):
    out = tmp_path / "out"
    status, line = run_beside(stopped, out, corpus, *options, "--resume")
    assert status == 2 and "of a run with other settings: " in line
    assert all(difference in line for difference in differences)
    assert line.count(";") == len(differences) - 1
    assert contents(out) == stopped


def test_a_module_that_was_changed_is_noticed(tmp_path, corpus, stopped, monkeypatch):
    for name in "sampling.py", "grads.py", "w2v_sgd.py":
        shutil.copy(RUN.with_name(name), tmp_path)
    with open(tmp_path / "grads.py", "a") as file:
        file.write("# another\n")
    monkeypatch.setattr(run, "HERE", tmp_path)
    status, line = run_beside(stopped, tmp_path / "out", corpus, "--resume")
    assert status == 2 and "of a run with other settings: grads.py was " in line


def with_another_bit(content, place=5000):
    content = bytearray(content)
    content[place] ^= 8                         # which makes a 0 of a digit 8
    return bytes(content)


@pytest.mark.parametrize("damage", [
    lambda content: content[:len(content) // 2], lambda content: b"", with_another_bit,
    lambda content: b"rubbish" * 999], ids=["half", "empty", "a bit", "rubbish"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_offered(
        tmp_path, corpus, right, stopped, damage):
    out = tmp_path / "out"
    damaged = damage(stopped[CHECKPOINT])
    status, line = run_beside(stopped | {CHECKPOINT: damaged}, out, corpus, "--resume")
    assert status == 2 and line.endswith(f"damaged, or not a checkpoint; try --resume "
                                         f"{out / PREVIOUS}")
    assert finish(out, corpus, "--resume", str(out / PREVIOUS)) == 0
    assert contents(out) == right


def test_flipped_bits_in_the_headers_of_a_checkpoint_are_damage(tmp_path, stopped):
    """Of all that zipfile and NumPy parse: each is refused, or changes nothing that is read."""
    content, path = stopped[CHECKPOINT], tmp_path / CHECKPOINT
    with np.load(io.BytesIO(content)) as arrays:
        checkpoints = Checkpoints(tmp_path, json.loads(str(arrays["settings"])), 60)
    path.write_bytes(content)
    right_parameters, right_curve = checkpoints.read(path)

    header = content.index(b"\x93NUMPY")
    for place in *range(header + 128), *range(len(content) - 300, len(content)):
        path.write_bytes(with_another_bit(content, place))
        try:
            parameters, curve = checkpoints.read(path)
        except InputError as error:
            assert "damaged, or not a checkpoint; train anew" in str(error)
        else:
            assert np.array_equal(curve, right_curve)
            assert all(map(np.array_equal, parameters, right_parameters))


def test_the_one_before_is_taken_if_the_last_is_missing(tmp_path, corpus, right, stopped):
    out = tmp_path / "out"
    status, _ = run_beside({PREVIOUS: stopped[PREVIOUS]}, out, corpus, "--resume")
    assert status == 0 and contents(out) == right


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path, corpus):
    status, line = run_beside({}, tmp_path / "out", corpus, "--resume")
    assert status == 2 and f"{CHECKPOINT}: no such checkpoint" in line


def test_beginning_anew_beside_a_checkpoint_is_said(tmp_path, corpus, right, stopped):
    out = tmp_path / "out"
    status, _ = run_beside(stopped, out, corpus)
    assert status == 0 and contents(out) == right
    assert any("--resume would go on" in line for line in error_lines(out))


# --- elsewhere ----------------------------------------------------------------------------------

def test_the_same_bytes_elsewhere(tmp_path, corpus):
    """Of a folder, a locale, a hash seed; and with the files written in another order."""
    text = corpus.read_text()
    texts = [("c.txt", text[:1000]), ("b.txt", text[2000:]), ("a.txt", text[1000:2000])]
    folders = tmp_path / "one", tmp_path / "дру ги"
    for folder, written in zip(folders, (texts, texts[::-1])):
        (folder / "text").mkdir(parents=True)
        for name, part in written:
            (folder / "text" / name).write_text(part)

    here, there = folders
    assert finish(here, here / "text") == 0
    environment = os.environ | {"LC_ALL": "C", "PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, RUN, "--corpus", "text", *FAST], cwd=there, env=environment,
                   check=True, capture_output=True)
    assert all((here / name).read_bytes() == (there / name).read_bytes() for name in DATA)
