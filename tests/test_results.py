"""Looking at what was learned, and taking it along: run.py nearest, predict, plot, export."""

import io
import subprocess
import sys

import numpy as np
import pytest

import run
import utils
from tests.launch import launch

WORDS = ["king", "queen", "man", "woman", "apple", "pear", "näive"]


@pytest.fixture
def results(tmp_path):
    rng = np.random.default_rng(0)
    L, M = len(WORDS), 4
    arrays = {"U": rng.normal(size=(L, M)), "V": rng.normal(size=(L, M)), "W": rng.normal(size=(M, M))}
    for name, X in arrays.items():
        np.save(tmp_path / f"w2v-{name}.npy", X.astype(np.float32))
    np.save(tmp_path / "w2v-freqs.npy", np.arange(70, 0, -10))
    (tmp_path / "w2v-words.txt").write_text("".join(f"{word}\n" for word in WORDS), encoding="utf-8")
    return tmp_path


def zipped():
    np.savez(file := io.BytesIO(), U=np.ones((7, 4)))
    return file.getvalue()


def load(results):
    return [np.load(results / f"w2v-{name}.npy").astype(float) for name in "UVW"]


def ranked(E, query, without):
    """Words by cosine to a query, in plain loops."""
    cosines = {word: float(E[i] @ query / np.linalg.norm(E[i]) / np.linalg.norm(query)) for i, word in enumerate(WORDS)}
    return sorted(((round(cosine, 3), word) for word, cosine in cosines.items() if word not in without), reverse=True)


def columns(text):
    rows = [line.split() for line in text.splitlines() if line.startswith("    ") and "by" not in line]
    return [(float(a), b) for a, b, *_ in rows], [(float(c), d) for _, _, c, d in rows]


def test_nearest_to_a_word_and_to_a_sum(results):
    U, V, W = load(results)
    both, U = np.hstack([V @ W, U]), U - sum(U) / len(U)
    out = launch("nearest", "Queen", "--count", "3", cwd=results)
    assert out.returncode == 0, out.stderr
    assert list(map(list, columns(out.stdout))) == [ranked(E, E[1], ["queen"])[:3] for E in (both, U)]
    out = launch("nearest", "king", "-", "man", "+", "woman", cwd=results)
    units = [E / np.linalg.norm(E, axis=1, keepdims=True) for E in (both, U)]
    assert list(map(list, columns(out.stdout))) == [
        ranked(E, unit[0] - unit[2] + unit[3], ["king", "man", "woman"]) for E, unit in zip((both, U), units)]
    out = launch("nearest", "king", "pear", cwd=results).stdout
    assert out.startswith("king\n") and "\npear\n" in out and len(columns(out)[0]) == 12


def test_a_reader_who_goes_away_is_no_error(results):
    with subprocess.Popen([sys.executable, run.__file__, "nearest", "king"], cwd=results, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b""


def test_predict_gives_the_softmax_beside_the_shares(results):
    U, V, W = load(results)
    scores = np.array([V[c] @ W @ U[4] for c in range(len(WORDS))])
    p = np.exp(scores) / np.exp(scores).sum()
    lines = launch("predict", "apple", cwd=results).stdout.splitlines()
    assert f"{np.exp(scores).sum():.3f}" in lines[0]
    rows = [line.split() for line in lines[2:]]
    assert [row[2] for row in rows] == [WORDS[c] for c in np.argsort(-p)]
    assert [float(row[0]) for row in rows] == pytest.approx(sorted(p, reverse=True), abs=6e-6)
    assert [float(row[1]) for row in rows] == pytest.approx(
        [(70 - 10 * WORDS.index(row[2])) / 280 for row in rows], abs=6e-6)


@pytest.mark.parametrize("arguments", [["king", "queen", "king"], ["--all"]])
def test_plot(results, arguments):
    out = launch("plot", *arguments, "--picture", "my.png", cwd=results)
    assert out.returncode == 0 and out.stdout == "my.png\n", out.stderr
    assert (results / "my.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("embedding", [np.zeros, np.ones])
def test_plot_of_words_without_a_difference(results, embedding):
    for name in "UV":
        np.save(results / f"w2v-{name}.npy", embedding((len(WORDS), 4)))
    out = launch("plot", "--all", cwd=results)
    assert (out.returncode, out.stdout, out.stderr) == (0, "words.png\n", "")


@pytest.mark.parametrize("embedding", ["both", "U", "V"])
@pytest.mark.parametrize("name", ["e.txt", "e.vec", "e.bin"])
def test_export_holds_every_bit(results, name, embedding):
    U, V, W = (X.astype(np.float32) for X in load(results))
    right = {"both": np.hstack([V @ W, U]), "U": U, "V": V}[embedding]
    assert launch("export", name, "--embedding", embedding, cwd=results).returncode == 0
    head, _, rest = (results / name).read_bytes().partition(b"\n")
    assert head.decode() == f"{len(WORDS)} {right.shape[1]}"
    for word, row in zip(WORDS, right):
        start, _, rest = rest.partition(b" ")
        assert start.decode() == word
        if name == "e.bin":
            values, rest = np.frombuffer(rest[:4 * len(row)], "<f4"), rest[4 * len(row):].removeprefix(b"\n")
        else:
            line, _, rest = rest.partition(b"\n")
            values = np.array(line.split(), dtype=np.float32)
        assert np.array_equal(values, row)
    assert rest == b""


@pytest.mark.parametrize("name", ["e.txt", "e.vec", "e.bin"])
def test_gensim_reads_what_was_exported(results, name):
    KeyedVectors = pytest.importorskip("gensim.models").KeyedVectors
    assert launch("export", name, "--embedding", "V", cwd=results).returncode == 0
    vectors = KeyedVectors.load_word2vec_format(results / name, binary=name == "e.bin")
    assert vectors.index_to_key == WORDS and np.array_equal(vectors.vectors, np.load(results / "w2v-V.npy"))


def test_export_for_the_projector(results):
    U, V, W = load(results)
    assert launch("export", "e.tsv", cwd=results).stdout == "e.tsv e-words.tsv\n"
    came = np.loadtxt(results / "e.tsv", delimiter="\t")
    np.testing.assert_allclose(came, np.hstack([V @ W, U]), rtol=1e-6, atol=1e-6)
    assert (results / "e-words.tsv").read_text(encoding="utf-8").split() == WORDS


@pytest.mark.parametrize("arguments, message", [
    (["nearest", "quen"], "quen: not in the vocabulary; do you mean queen?"),
    (["predict", "xyzzy"], "xyzzy: not in the vocabulary"), (["nearest"], "required"),
    (["plot"], "two words or more"), (["plot", "king"], "two words or more"),
    (["export", "e.doc"], "must end in .txt"), (["export", "no/e.txt"], "No such file"),
    (["nearest", "king", "-", "king"], "nothing is left"), (["nearest", "king", "+"], "a word is missing"),
    (["export", "folder.txt"], "folder.txt: a folder"),
    (["nearest", "king", "--count", "0"], "from 1"), (["nearest", "king", "--results", "no"], "train first")])
def test_a_mistake_gets_one_line(results, arguments, message):
    (results / "folder.txt").mkdir()
    before = sorted(results.iterdir())
    out = launch(*arguments, cwd=results)
    assert out.returncode == 2 and out.stderr.count("\n") == 1 and message in out.stderr
    assert sorted(results.iterdir()) == before


@pytest.mark.parametrize("spoil", [
    lambda folder: (folder / "w2v-W.npy").write_bytes(b"no array"),
    lambda folder: np.save(folder / "w2v-W.npy", np.eye(3)), lambda folder: np.save(folder / "w2v-U.npy", [{}]),
    lambda folder: (folder / "w2v-words.txt").write_text("one\n"),
    lambda folder: np.save(folder / "w2v-freqs.npy", np.array(3)),
    lambda folder: np.save(folder / "w2v-V.npy", np.full((7, 4), np.nan)),
    lambda folder: np.save(folder / "w2v-V.npy", np.full((7, 4), "a")),
    lambda folder: (folder / "w2v-U.npy").write_bytes(zipped())])
def test_results_that_do_not_fit_are_refused(results, spoil):
    spoil(results)
    with pytest.raises(utils.InputError, match="train again"):
        utils.load_results(results)


def test_loss_picture(tmp_path):
    curve = np.array([(0, 0.), *((10 * i, 3 / i) for i in range(1, 50))])
    axes = utils.plot_loss(curve, 1.5, "t", tmp_path / "loss.png").axes[0]
    assert axes.lines[0].get_ydata() == pytest.approx(curve[1:, 1]) and axes.lines[1].get_ydata()[0] == 1.5
    assert run.FILES.count("loss.png") == 1
