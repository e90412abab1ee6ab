"""The command line as its user meets it, and what it reports."""

import ast
import errno
import functools
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import grads
import run
import sampling
import utils
from beyond.learning import History, loss_function
from beyond.measures import log_normalisers
from beyond.options import training_options, training_parser
from beyond.reporting import judgement
from beyond.results import ARRAYS, FILES, Run
from beyond.settings import PRESETS, linear_decay
from beyond.starts import STARTS, spectral_start, unigram_start
from tests.support.launch import RUN, launch, said_by_system

BULGARIAN = Path(__file__).with_name("bulgarian.txt")
TWELVE_WORDS = RUN.with_name("corpus") / "journalism_bg/words.txt"
SMALL = "--words", TWELVE_WORDS, "--dim", "10", "--epochs", "2"


def train(out, *options, corpus=BULGARIAN):
    return launch("--corpus", corpus, "--out", out, *options, cwd=out.parent)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def known_of_run(folder):
    return json.loads((folder / "w2v-run.json").read_text(encoding="utf-8"))


def reported(label, result):
    """Find the number after a label of the report."""
    return float(re.search(rf"^{label} +([\d.]+)", result.stdout, re.M)[1])


def lines_but_progress(stderr):
    """List the lines of stderr without those that say how far training is, or what is read."""
    usual = re.compile(r"pairs/s|pairs$|^most frequent|^fewer than")
    return [line for line in stderr.splitlines() if not usual.search(line)]


# --- what a run leaves and says -----------------------------------------------------------------

@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a small run, and what it printed."""
    out = tmp_path_factory.mktemp("trained") / "out"
    result = train(out, *SMALL)
    assert result.returncode == 0, result.stderr
    return out, result


def halved(results):
    J, *gradients = results
    return J, *(gradient / 2 for gradient in gradients)


def without_the_rarest(results):
    words, word2ind, freqs = results
    word2ind.pop(words[-1])
    return words[:-1], word2ind, freqs[:-1]


# What a student reads, and what else it might return.
CHANGES = {
    (grads, "lossAndGradientBatched"): halved,
    (sampling, "sampleContext"): lambda contexts: contexts[:, [0, *range(5, 0, -1)]],
    (utils, "extractDictionary"): without_the_rarest,
    (utils, "extractWordContextPairs"): lambda pairs: pairs[:-1],
}


def train_with_wrapped(monkeypatch, out, changed):
    """Train in this process, and count how often each function is called; `changed` is changed."""
    calls = Counter()

    def wrapped(function, name, change):
        @functools.wraps(function)
        def counted(*arguments, **named):
            calls[name] += 1
            return change(function(*arguments, **named))
        return counted

    with monkeypatch.context() as patch:
        for (module, name), change in CHANGES.items():
            change = change if name == changed else lambda results: results
            patch.setattr(module, name, wrapped(getattr(module, name), name, change))
        patch.setattr("beyond.reporting.draw_pictures", lambda *arguments: None)
        arguments = "--corpus", BULGARIAN, "--out", out, "--batch-size", "50"
        patch.setattr(sys, "argv", ["run.py", *map(str, arguments)])
        run.main()
    return calls


def test_what_a_student_reads_is_what_runs(monkeypatch, tmp_path):
    results = set()
    for changed in None, *(name for _, name in CHANGES):
        calls = train_with_wrapped(monkeypatch, tmp_path / str(changed), changed)
        pairs = known_of_run(tmp_path / str(changed))["pairs"]
        assert calls["lossAndGradientBatched"] == math.ceil(pairs / 50)
        assert calls["extractDictionary"] == calls["extractWordContextPairs"] == 1
        assert calls["sampleContext"]
        results.add((tmp_path / str(changed) / "w2v-W.npy").read_bytes())
    assert len(results) == 1 + len(CHANGES)


def test_results_fit_together(trained):
    out, result = trained
    assert sorted(contents(out)) == sorted(FILES)
    assert {*ARRAYS, "embeddings.png", "w2v-words.txt"} < {*FILES}

    words = (out / "w2v-words.txt").read_text(encoding="utf-8").splitlines()
    assert len(set(words)) == len(words)
    U, V, W = (np.load(out / name, allow_pickle=False) for name in ARRAYS)
    assert U.shape == V.shape == (len(words), 10) and W.shape == (10, 10)
    assert all(X.dtype == np.float32 and np.isfinite(X).all() for X in (U, V, W))
    freqs = np.load(out / "w2v-freqs.npy")
    assert freqs.shape == (len(words),)
    assert (np.diff(freqs) <= 0).all() and freqs[-1] > 0
    for name in "embeddings.png", "loss.png":
        assert (out / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")

    labels = {line.split(" ")[0] for line in result.stdout.splitlines()}
    assert {"loss", "floor", "normalised", "nearest"} <= labels
    assert "януари → " in result.stdout
    assert "100%" in result.stderr and "\r" not in result.stderr


def test_same_seed_same_files_other_seed_others(trained, tmp_path):
    out, _ = trained
    again, other = tmp_path / "again", tmp_path / "other"
    assert train(again, *SMALL).returncode == 0
    assert contents(again) == contents(out)
    assert train(other, *SMALL, "--seed", "1").returncode == 0
    for name in ARRAYS:
        assert (other / name).read_bytes() != (out / name).read_bytes()


def test_cumulative_gives_the_same(trained, tmp_path):
    out, _ = trained
    slow = tmp_path / "slow"
    assert train(slow, "cumulative", *SMALL).returncode == 0
    for name in ARRAYS:
        np.testing.assert_allclose(np.load(slow / name), np.load(out / name), 1e-5, 1e-5)
    assert loss_function("cumulative") is grads.lossAndGradientCumulative


def test_the_best_preset_is_as_repeatable_and_learns_more(trained, tmp_path):
    _, by_assignment = trained
    one, two = [train(tmp_path / name, *SMALL, "--preset", "best") for name in ("one", "two")]
    assert one.returncode == two.returncode == 0, one.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert reported("loss", one) < reported("loss", by_assignment) - 0.1


# --- options ------------------------------------------------------------------------------------

def test_options_reach_the_training(tmp_path):
    corpus = tmp_path / "text.txt"
    corpus.write_bytes(BULGARIAN.read_text(encoding="utf-8").encode("cp1251"))
    options = ("--dim 4 --window 2 --negatives 3 --vocabulary 60 --batch-size 50 --alpha 0.5 "
               "--schedule constant --init uniform --pairs 500 --encoding cp1251 --lines").split()
    result = train(tmp_path / "out", *options, corpus=corpus)
    assert result.returncode == 0 and " 500 pairs" in result.stdout
    assert np.load(tmp_path / "out/w2v-U.npy").shape == (60, 4)
    run = known_of_run(tmp_path / "out")
    assert (run["corpus"], run["pairs"], run["settings"]["dim"]) == ("text.txt", 500, 4)
    assert run["versions"]["numpy"] == np.__version__ and run["loss"] > 0 < run["floor"]
    words = (tmp_path / "out/w2v-words.txt").read_text(encoding="utf-8").splitlines()
    assert "година" in words
    lines = sum(bool(line.strip()) for line in BULGARIAN.read_text(encoding="utf-8").split("\n"))
    assert np.load(tmp_path / "out/w2v-freqs.npy")[words.index("<START>")] == lines


# The files that the mistakes below name.
WRONG_FILES = {
    "file": b"",
    "one": b"one",
    "binary": b"ab \0",
    "latin1": b"d\xe9j\xe0",
    "unknown": "год: година\nzebra okapi".encode(),
}


@pytest.mark.parametrize("options, message", [
    ("--dim 0", "--dim: must be a number from 1 to 10000, not 0"),
    ("--seed x", "--seed: invalid int value"),
    ("--alpha nan", "--alpha: must be"),
    ("--alpha -1", "--alpha: must be"),
    ("--pairs 0", "--pairs"),
    ("--pair 500", "unrecognized arguments: --pair"),           # no abbreviations
    ("--init zero", "--init: invalid choice"),
    ("nearset king", "nearset: neither a method (batched, cumulative) nor, as the first word, a "
                     "command (nearest, predict, "),
    ("--encoding rot13", "--encoding: unknown encoding: rot13"),
    ("--vocabulary 2", "no two different words near each other"),
    ("--out file", "file: " + said_by_system("File exists")),
    ("--out file/below", said_by_system("Not a directory")),
    ("--words nowhere", "nowhere: No such file"),
    ("--words unknown", "unknown: not in the vocabulary: zebra okapi;"),
    ("--words file", "file: fewer than two words"),
    ("--alpha 1e8", "take a smaller"),
    ("--corpus nowhere", "nowhere: no such file or folder"),
    ("--corpus file", "file: no two different words"),
    ("--corpus one", "one: no two different words"),
    ("--corpus binary", "binary: byte 3 is zero"),
    ("--corpus latin1", "latin1: byte 1 is not UTF-8"),
    ("--corpus folder", "folder: no .txt file"),
])
def test_a_mistake_gets_one_line_and_harms_nothing(tmp_path, options, message):
    new, out = tmp_path / "new", tmp_path / "out"
    out.mkdir()
    for name in *ARRAYS, "embeddings.png", "w2v-words.txt":
        (out / name).write_text("earlier")
    before = contents(out)
    (tmp_path / "folder").mkdir()
    for name, content in WRONG_FILES.items():
        (tmp_path / name).write_bytes(content)

    result = train(out, *options.split())
    assert result.returncode == 2, result.stderr
    [line] = lines_but_progress(result.stderr)
    assert line.startswith("run.py: ") and message in line
    assert contents(out) == before
    if options == "--words nowhere":
        assert train(new, *options.split()).returncode == 2 and not new.exists()


@pytest.mark.parametrize("text, options", [
    ("едно две три четири пет. ", "--negatives 20 --batch-size 10000"),
    ("a b c. ", "--pairs 1"),
    ("$x_ $\\frac $^$ {$}. ", ""),
    ("语言 处理. ", ""),
])
@pytest.mark.filterwarnings("error")
def test_toy_corpora_train_without_a_warning(tmp_path, text, options):
    out, corpus = tmp_path / "out", tmp_path / "$toy_$.txt"
    corpus.write_text(text * 100, encoding="utf-8")
    result = train(out, *options.split(), corpus=corpus)
    assert result.returncode == 0, result.stderr
    assert len(contents(out)) == len(FILES)
    said = lines_but_progress(result.stderr)
    if "语" in text:                    # the font lacks letters, which is said once
        [line] = said
        assert "Glyph" in line and "font.family" in line
    else:
        assert said == []


def test_a_trial_does_not_replace_a_training_on_more_pairs(trained, tmp_path):
    out = shutil.copytree(trained[0], tmp_path / "out")
    before = contents(out)
    refused = train(out, *SMALL, "--pairs", "500")
    assert refused.returncode == 2 and contents(out) == before
    assert re.search("more pairs .*: name another --out, or --force replaces", refused.stderr)
    trial = train(out, *SMALL, "--pairs", "500", "--force")
    assert "will be replaced: bulgarian.txt, " in trial.stderr
    assert known_of_run(out)["pairs"] == 500

    # Its floor is that of the whole corpus, and nothing is advised.
    assert reported("floor", trial) == reported("floor", trained[1])
    assert "with 500 pairs, the neighbours are mostly chance" in trial.stdout
    assert "--epochs" not in trial.stdout and "harm" not in trial.stdout


@pytest.mark.parametrize("name", STARTS)
def test_a_start_has_the_shapes_of_a_model(name):
    pairs = np.array([(0, 1), (1, 0), (1, 2), (2, 1)])
    start = STARTS[name].function([3, 2, 1], 4, 1000, 5, np.random.default_rng(0), 1., pairs)
    assert [X.shape for X in start] == [(3, 4), (3, 4), (4, 4)]
    assert all(np.isfinite(X).all() for X in start)


@pytest.mark.parametrize("loss, pairs, init, words", [
    (4.20, 14_000_000, "unigram", "the training did harm: take a smaller step size, such as"),
    (4.20, 14_000_000, "spectral", "the training did harm"),
    (4.20, 14_000_000, "uniform", "not even how frequent words are was learned"),
    (4.20, 999_999, "unigram", "mostly chance"), (2.52, 14_000_000, "unigram", "hardly more"),
    (2.03, 14_000_000, "unigram", "")])
def test_what_is_said_of_a_loss(loss, pairs, init, words):
    options = SimpleNamespace(init=init, alpha=2, batch_size=1000, negatives=5, pairs=None)
    result = Run("news", 9, 5, pairs, loss, 2.53, {}, {})
    history = History(np.array([[0, 0], [pairs, loss]]), 1.)
    said = judgement(options, result, history, [5, 4, 3, 2, 1])
    assert words in said and bool(words) == bool(said)


@pytest.mark.parametrize("options", ["--batch-size 1 --pairs 2000", "--negatives 100"])
def test_the_step_size_advised_after_an_overflow_works(tmp_path, options):
    result = train(tmp_path / "out", "--alpha", "1e6", "--schedule", "constant", *options.split())
    alpha = re.search(r"such as --alpha ([\d.e-]+)", result.stderr + result.stdout)[1]
    result = train(tmp_path / "out", "--alpha", alpha, *options.split())
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="names there are Unicode")
def test_a_name_that_is_not_utf8_is_shown_as_well_as_can_be(tmp_path):
    corpus = os.path.join(tmp_path, os.fsdecode("новини.txt".encode("cp1251")))
    shutil.copy(BULGARIAN, corpus)
    assert train(tmp_path / "out", corpus=corpus).returncode == 0
    assert known_of_run(tmp_path / "out")["corpus"] == "\ufffd" * 6 + ".txt"


# --- where it runs ------------------------------------------------------------------------------

def test_a_picture_that_cannot_be_drawn_is_left_out(trained, tmp_path, monkeypatch):
    out = shutil.copytree(trained[0], tmp_path / "out")

    def fail(*arguments):
        raise RuntimeError("no ink")
    monkeypatch.setattr("beyond.pictures.plot_embeddings", fail)
    result = train(out)
    assert result.returncode == 0 and "embeddings.png cannot be drawn: no ink" in result.stderr
    assert sorted(contents(out)) == sorted({*FILES} - {"embeddings.png"})


class FullDisk(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name, status", [("stderr", 0), ("stdout", 2)])
def test_a_stream_that_breaks_does_not_lose_the_results(
        tmp_path, monkeypatch, capsys, name, status):
    monkeypatch.setattr(sys, "argv", ["run.py", "--corpus", str(BULGARIAN), "--out", str(tmp_path)])
    monkeypatch.setattr(sys, name, FullDisk())
    try:
        run.main()
        ended = 0
    except SystemExit as end:
        ended = end.code
    assert ended == status and sorted(contents(tmp_path)) == sorted(FILES)
    line = "the report cannot be printed: No space left on device; the results are in"
    assert (line in capsys.readouterr().err) == bool(status)


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
def test_closed_streams_do_not_matter(tmp_path):
    command = f'"{sys.executable}" "{RUN}" --corpus "{BULGARIAN}" --out "{tmp_path}/out" >&- 2>&-'
    assert subprocess.run(command, shell=True).returncode == 0
    assert sorted(contents(tmp_path / "out")) == sorted(FILES)


def test_the_environment_does_no_harm(tmp_path):
    """A notebook's backend that is not installed here, python -P, a console of few characters."""
    environment = {"MPLBACKEND": "notebook's", "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, RUN, "--corpus", BULGARIAN, "--out", tmp_path]
    result = subprocess.run(command, capture_output=True, env={**os.environ, **environment})
    assert result.returncode == 0, result.stderr
    assert sorted(contents(tmp_path)) == sorted(FILES)
    text = result.stdout.decode("ascii")
    assert " ? " in text and "log ?_c exp" in text


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    mkdir = Path.mkdir

    def refuse(path, **how):
        if path.parent == tmp_path:
            raise PermissionError(13, "Permission denied", str(path))
        mkdir(path, **how)

    monkeypatch.setattr(Path, "mkdir", refuse)              # root may write anywhere
    result = train(tmp_path)
    assert result.returncode == 2
    assert f"run.py: {tmp_path}: cannot be written to; name another folder" in result.stderr


@pytest.mark.parametrize("script", ["run.py", "test.py", "solutions/scaffold.py",
                                    "solutions/grade.py"])
def test_an_older_python_is_told_so_and_one_without_packages(script):
    """It can read the script as far as the line that says it."""
    path = RUN.parent / script
    for source in path, RUN.parent / "beyond/__init__.py":
        ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 8))
    code = ("import runpy, sys; sys.version_info = (3, 9, 1); "
            f"sys.argv = [{str(path)!r}]; runpy.run_path({str(path)!r}, run_name='__main__')")
    for arguments, problem in (["-c", code], "this needs Python 3.11"), (
            ["-S", path], "numpy is not installed here; activate the project's environment"):
        result = subprocess.run([sys.executable, *arguments], capture_output=True,
                                encoding="utf-8")
        assert result.returncode == 2 and result.stderr.count("\n") == 1, result.stderr
        assert f"{path.name}: {problem}" in result.stderr


def test_help_fits_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = training_parser().format_help()
    assert max(map(len, text.splitlines())) <= 80
    assert "(20000)" in text and "cumulative" in text


def test_a_preset_sets_what_is_not_given():
    assigned = {"epochs": 1, "alpha": 1, "batch_size": 1000}
    best = PRESETS["best"]
    assert best["epochs"] != 1
    for arguments, expected in (([], assigned),
                                (["--preset", "best"], best),
                                (["--epochs", "1", "--preset", "best"], best | {"epochs": 1})):
        options = vars(training_options(training_parser(), arguments))
        assert {name: options[name] for name in expected} == expected


# --- step size, starts, normalisers -------------------------------------------------------------

def test_linear_decay():
    assert [linear_decay(0.4)(share) for share in (0, 0.5, 1)] == pytest.approx([0.4, 0.2, 0])


def test_steps_of_the_start_do_not_grow_with_alpha_halved():
    for alpha, k in (1, 60), (0.5, 120), (0.25, 120):
        _, _, W = unigram_start([9] * 99, 3, 1000, 5, np.random.default_rng(0), alpha)
        assert W[1, 1] == k


def test_spectral_start_adds_the_pointwise_mutual_information():
    rng = np.random.default_rng(1)
    targets, near = rng.integers(0, 5, (2, 400))
    contexts = np.where(near < 4, (targets + 1) % 5, near)      # of another kind in each direction
    pairs = np.column_stack([targets, contexts])
    freqs = np.bincount(targets)
    U, V, W = spectral_start(freqs, 6, 1000, 5, np.random.default_rng(0), 1, pairs)

    N = len(pairs)
    of_w, of_c, of_pair = Counter(targets), Counter(contexts), Counter(zip(targets, contexts))
    for w, c in np.ndindex(5, 5):
        ratio = of_pair[w, c] * N / (of_w[w] * of_c[c])
        expected = np.log(freqs[c] / N) + np.log(max(1, ratio))
        assert V[c] @ W @ U[w] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("M", [1, 2, 7])
def test_spectral_start_of_words_that_say_nothing_of_each_other(M):
    pairs = np.array(list(np.ndindex(3, 3)))
    U, V, W = spectral_start([3, 3, 3], M, 1000, 5, np.random.default_rng(0), 1, pairs)
    assert U.shape == V.shape == (3, M)
    assert U @ W.T @ V.T == pytest.approx(np.log(np.full((3, 3), 1 / 3)), abs=0.5)


def test_normalisers_are_sums_over_the_vocabulary():
    rng = np.random.default_rng(0)
    U, V, W = (rng.normal(size=shape) for shape in ((600, 3), (600, 3), (3, 3)))
    normalisers = log_normalisers(U, V, W)
    for w in 0, 255, 256, 599:
        expected = np.log(sum(np.exp(v @ W @ U[w]) for v in V))
        assert normalisers[w] == pytest.approx(expected)
