"""The command line as its user meets it, and what it reports."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

import grads
import run
import sampling
from tests.launch import launch

ROOT = Path(run.__file__).parent
BULGARIAN = Path(__file__).with_name("bulgarian.txt")
ARRAYS = "w2v-U.npy", "w2v-V.npy", "w2v-W.npy"


def call(out, *options, corpus=BULGARIAN):
    return launch("--corpus", corpus, "--out", out, *options, cwd=out.parent)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "out"
    words = out.with_name("twelve.txt")
    words.write_text((ROOT / "corpus/journalism_bg/words.txt").read_text(encoding="utf-8"), encoding="utf-8")
    result = call(out, "--words", words, "--dim", "10", "--epochs", "2")
    assert result.returncode == 0, result.stderr
    return out, result


def test_results_fit_together(trained):
    out, _ = trained
    assert sorted(contents(out)) == sorted(run.FILES) and {*ARRAYS, "embeddings.png", "w2v-words.txt"} < {*run.FILES}
    U, V, W = (np.load(out / name, allow_pickle=False) for name in ARRAYS)
    words = (out / "w2v-words.txt").read_text(encoding="utf-8").splitlines()
    assert len(set(words)) == len(words) and U.shape == V.shape == (len(words), 10) and W.shape == (10, 10)
    assert all(X.dtype == np.float32 and np.isfinite(X).all() for X in (U, V, W))
    freqs = np.load(out / "w2v-freqs.npy")
    assert freqs.shape == (len(words),) and (np.diff(freqs) <= 0).all() and freqs[-1] > 0
    assert all((out / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n") for name in ("embeddings.png", "loss.png"))


def test_report_and_progress(trained):
    _, result = trained
    assert {"loss", "floor", "normalised", "nearest"} <= {line.split(" ")[0] for line in result.stdout.splitlines()}
    assert "януари → " in result.stdout
    assert "100%" in result.stderr and "\r" not in result.stderr


def test_same_seed_same_files_other_seed_others(trained, tmp_path):
    out, _ = trained
    options = "--words", out.with_name("twelve.txt"), "--dim", "10", "--epochs", "2"
    assert call(tmp_path / "again", *options).returncode == 0
    assert contents(tmp_path / "again") == contents(out)
    assert call(tmp_path / "other", *options, "--seed", "1").returncode == 0
    assert all(contents(tmp_path / "other")[name] != contents(out)[name] for name in ARRAYS)


def test_cumulative_gives_the_same(trained, tmp_path):
    out, _ = trained
    options = "--words", out.with_name("twelve.txt"), "--dim", "10", "--epochs", "2"
    assert call(tmp_path / "slow", "cumulative", *options).returncode == 0
    for name in ARRAYS:
        np.testing.assert_allclose(np.load(tmp_path / "slow" / name), np.load(out / name), 1e-5, 1e-5)
    assert run.METHODS["cumulative"] is grads.lossAndGradientCumulative


def test_threads_do_not_change_a_byte(trained, tmp_path):
    out, _ = trained
    for threads in "1", "3":
        assert call(tmp_path / threads, "--words", out.with_name("twelve.txt"), "--dim", "10", "--epochs", "2",
                    "--threads", threads).returncode == 0
        assert contents(tmp_path / threads) == contents(out)


def test_the_best_preset_is_as_repeatable_and_learns_more(trained, tmp_path):
    losses = [float(re.search(r"^loss +([\d.]+)", trained[1].stdout, re.M)[1])]
    for threads in "1", "3":
        result = call(tmp_path / threads, "--words", trained[0].with_name("twelve.txt"), "--dim", "10", "--epochs", "2",
                      "--preset", "best", "--threads", threads)
        assert result.returncode == 0, result.stderr
        losses.append(float(re.search(r"^loss +([\d.]+)", result.stdout, re.M)[1]))
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    assert losses[1] == losses[2] < losses[0] - 0.1


def test_options_reach_the_training(tmp_path):
    result = call(tmp_path / "out", *("--dim 4 --window 2 --negatives 3 --vocabulary 60 --batch-size 50 --alpha 0.5 "
                                      "--schedule constant --init uniform --pairs 500").split())
    assert result.returncode == 0 and " 500 pairs" in result.stdout
    assert np.load(tmp_path / "out" / "w2v-U.npy").shape == (60, 4)


@pytest.mark.parametrize("options, message", [
    (["--dim", "0"], "--dim: must be a number from 1 to 10000, not 0"), (["--seed", "x"], "--seed: invalid int value"),
    (["--alpha", "nan"], "--alpha: must be"), (["--alpha", "-1"], "--alpha: must be"), (["--pairs", "0"], "--pairs"),
    (["--init", "zero"], "--init: invalid choice"), (["slow"], "invalid choice"), (["--nope"], "--nope"),
    (["--vocabulary", "2"], "fewer than two different words"), (["--out", "file"], "file: File exists"),
    (["--out", "file/below"], "Not a directory"), (["--words", "nowhere"], "nowhere: No such file"),
    (["--words", "unknown"], "unknown: not in the vocabulary: zebra okapi;"),
    (["--words", "file"], "file: fewer than two words"), (["--alpha", "1e8"], "take a smaller"),
    (["--corpus", "nowhere"], "nowhere: no such file or folder"), (["--corpus", "empty"], "empty: fewer than two"),
    (["--corpus", "one"], "one: fewer than two"), (["--corpus", "binary"], "binary: byte 3 is zero"),
    (["--corpus", "latin1"], "latin1: byte 1 is not UTF-8"), (["--corpus", "folder"], "folder: no .txt file"),
    (["--words", "twice"], "twice: listed twice: година")], ids=lambda value: value[-1] if type(value) is list else "")
def test_a_mistake_gets_one_line_and_harms_nothing(tmp_path, options, message):
    out = tmp_path / "out"
    out.mkdir()
    for name in (*ARRAYS, "embeddings.png", "w2v-words.txt"):
        (out / name).write_text("earlier")
    before = contents(out)
    (tmp_path / "folder").mkdir()
    for name, text in (("file", b""), ("empty", b""), ("one", b"one"), ("binary", b"ab \0"), ("latin1", b"d\xe9j\xe0"),
                       ("unknown", "год: година\nzebra okapi".encode()),
                       ("twice", "а: година пазар\nб: година".encode())):
        (tmp_path / name).write_bytes(text)
    result = call(out, *options)
    lines = [line for line in result.stderr.splitlines() if not re.search(r"pairs/s|pairs$", line)]
    assert result.returncode == 2 and len(lines) == 1, result.stderr
    assert lines[0].startswith("run.py: ") and message in lines[0]
    after = contents(out)
    if "--alpha" in options and "1e8" in options:
        with np.load(out / "w2v-checkpoint.npz") as kept:
            assert all(np.isfinite(kept[name]).all() for name in "UVW")
        del after["w2v-checkpoint.npz"]
    assert after == before


@pytest.mark.parametrize("text, options", [("а б в г. ", []), ("едно две три четири пет. ", ["--negatives", "20"]),
                                           ("едно две три. ", ["--batch-size", "100"]), ("a b c. ", ["--pairs", "1"]),
                                           ("$x_ $\\frac ^_$ {$}. ", []), ("语言 处理. ", [])])
def test_toy_corpora_train_without_a_warning(tmp_path, text, options):
    corpus = tmp_path / "$toy_$.txt"
    corpus.write_text(text * 100, encoding="utf-8")
    result = call(tmp_path / "out", *options, corpus=corpus)
    assert result.returncode == 0 and len(contents(tmp_path / "out")) == len(run.FILES), result.stderr
    assert all(re.search(r"pairs/s|pairs$", line) for line in result.stderr.splitlines()), result.stderr


def test_results_in_the_folder_of_the_corpus_are_not_read(tmp_path):
    (tmp_path / "a.txt").write_bytes(BULGARIAN.read_bytes())
    results = []
    for _ in range(2):
        assert call(tmp_path, corpus=tmp_path).returncode == 0
        results.append(contents(tmp_path))
    assert results[0] == results[1]


def test_help_fits_a_terminal():
    result = subprocess.run([sys.executable, ROOT / "run.py", "--help"], capture_output=True, text=True,
                            env={"COLUMNS": "80"})
    assert result.returncode == 0 and max(map(len, result.stdout.splitlines())) <= 80
    assert "(20000)" in result.stdout and "cumulative" in result.stdout


def test_a_preset_sets_what_is_not_given():
    best = run.PRESETS["best"]
    for arguments, expected in (([], {"epochs": 1, "alpha": 1, "batch_size": 1000, "subsample": None,
                                      "dynamic_window": False}),
                                (["--preset", "best"], best),
                                (["--epochs", "1", "--preset", "best"], best | {"epochs": 1})):
        options = vars(run.training_options().parse_args(arguments))
        assert {name: options[name] for name in expected} == expected
    assert best["epochs"] != 1


def test_thinned_out_pairs_follow_from_the_seed(tmp_path):
    options, pairs = "--subsample 1e-2 --dynamic-window --dim 4 --seed".split(), []
    for folder, seed in ("a", "0"), ("b", "0"), ("c", "1"):
        result = call(tmp_path / folder, *options, seed)
        assert result.returncode == 0, result.stderr
        pairs.append(re.search(r"([\d,]+) pairs", result.stdout)[1])
    assert contents(tmp_path / "a") == contents(tmp_path / "b") and len(set(pairs)) == 2


def test_linear_decay():
    assert [run.linear_decay(0.4)(share) for share in (0, 0.5, 1)] == pytest.approx([0.4, 0.2, 0])


def test_floor_is_the_best_that_a_model_without_target_words_can_do():
    freqs, n = [40, 25, 6, 1], 3
    contexts = np.repeat(range(4), [7, 5, 3, 1])
    q_noise = sampling.noiseDistribution(freqs, n)
    q = np.exp(q_noise) / n

    def expected_loss(scores):
        """Over context words c, and negatives c̄ ≠ c drawn by q, of a model whose score of c is scores[c]."""
        x = scores - q_noise
        return np.mean([np.logaddexp(0, -x[c]) + n * sum(q[k] * np.logaddexp(0, x[k]) for k in range(4) if k != c)
                        / (1 - q[c]) for c in contexts])

    assert run.unigram_floor(contexts, q_noise, n) == pytest.approx(minimize(expected_loss, np.zeros(4)).fun, abs=1e-8)


def test_start_is_the_unigram_model():
    freqs = np.array([500, 300, 100, 20, 5])
    U, V, W = run.unigram_start(freqs, 50, 1000, 5, np.random.default_rng(0))
    assert U @ W.T @ V.T == pytest.approx(np.tile(np.log(freqs / freqs.sum()), (5, 1)), abs=0.5)
    assert run.log_normalisers(U, V, W) == pytest.approx(np.zeros(5), abs=0.2)


def test_steps_of_the_start_do_not_grow_with_alpha_halved():
    k = [run.unigram_start([9] * 99, 3, 1000, 5, np.random.default_rng(0), alpha)[2][1, 1] for alpha in (1, .5, .25)]
    assert k == [60, 120, 120]


def test_spectral_start_adds_the_pointwise_mutual_information():
    rng = np.random.default_rng(1)
    w, near = rng.integers(0, 5, (2, 400))
    pairs = np.column_stack([w, np.where(near < 4, (w + 1) % 5, near)])         # of another kind in each direction
    freqs = np.bincount(w)
    U, V, W = run.spectral_start(freqs, 6, 1000, 5, np.random.default_rng(0), 1, pairs)
    for w in range(5):
        for c in range(5):
            together = sum(a == w and b == c for a, b in pairs)
            apart = sum(a == w for a, _ in pairs) * sum(b == c for _, b in pairs) / len(pairs)
            expected = np.log(freqs[c] / len(pairs)) + np.log(max(1, together / apart))
            assert V[c] @ W @ U[w] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("M", [1, 2, 7])
def test_spectral_start_of_words_that_say_nothing_of_each_other(M):
    pairs = np.array([[w, c] for w in range(3) for c in range(3)])
    U, V, W = run.spectral_start([3, 3, 3], M, 1000, 5, np.random.default_rng(0), 1, pairs)
    assert U.shape == V.shape == (3, M) and U @ W.T @ V.T == pytest.approx(np.log(np.full((3, 3), 1 / 3)), abs=0.5)


def test_normalisers_are_sums_over_the_vocabulary():
    rng = np.random.default_rng(0)
    U, V, W = (rng.normal(size=size) for size in ((600, 3), (600, 3), (3, 3)))
    expected = [np.log(sum(np.exp(v @ W @ U[w]) for v in V)) for w in (0, 255, 256, 599)]
    assert run.log_normalisers(U, V, W)[[0, 255, 256, 599]] == pytest.approx(expected)
