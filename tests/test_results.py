"""Looking at what was learned, and taking it along: run.py nearest, predict, plot, export."""

import io
import json
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from beyond.pictures import plot_loss
from beyond.results import FILES, load_results, load_run
from tests.support.launch import RUN, launch, said_by_system
from utils import InputError

WORDS = ["king", "queen", "man", "woman", "apple", "pear", "näive"]
FREQS = np.arange(70, 0, -10)


@pytest.fixture
def results(tmp_path):
    rng = np.random.default_rng(0)
    L, M = len(WORDS), 4
    for name, shape in ("U", (L, M)), ("V", (L, M)), ("W", (M, M)):
        np.save(tmp_path / f"w2v-{name}.npy", rng.normal(size=shape).astype(np.float32))
    np.save(tmp_path / "w2v-freqs.npy", FREQS)
    lines = "".join(f"{word}\n" for word in WORDS)
    (tmp_path / "w2v-words.txt").write_text(lines, encoding="utf-8")
    return tmp_path


def arrays_in(folder):
    """Read U, V and W, as float64 so that what is computed from them is exact enough."""
    return [np.load(folder / f"w2v-{name}.npy").astype(float) for name in "UVW"]


# --- nearest ------------------------------------------------------------------------------------

def compared(folder):
    """Compute the two embeddings by which words are compared: [V·W, U], and U less its mean."""
    U, V, W = arrays_in(folder)
    return np.hstack([V @ W, U]), U - sum(U) / len(U)


def ranked(E, query, without):
    """Rank words by cosine to a query, in plain loops: a list of (cosine, word)."""
    rows = []
    for word, row in zip(WORDS, E):
        cosine = row @ query / np.linalg.norm(row) / np.linalg.norm(query)
        if word not in without:
            rows.append((round(float(cosine), 3), word))
    return sorted(rows, reverse=True)


def columns(text):
    """Read what is printed by the one embedding and by the other: two lists of (cosine, word)."""
    by_both, by_U = [], []
    for line in text.splitlines():
        if line.startswith("    ") and "by" not in line:
            cosine, word, cosine_by_U, word_by_U = line.split()
            by_both.append((float(cosine), word))
            by_U.append((float(cosine_by_U), word_by_U))
    return by_both, by_U


def test_nearest_to_a_word_and_to_a_sum(results):
    out = launch("nearest", "Queen", "--count", "3", cwd=results)
    assert out.returncode == 0, out.stderr
    for E, column in zip(compared(results), columns(out.stdout)):
        assert column == ranked(E, E[1], ["queen"])[:3]

    out = launch("nearest", "king", "-", "man", "+", "woman", cwd=results)
    for E, column in zip(compared(results), columns(out.stdout)):
        E /= np.linalg.norm(E, axis=1, keepdims=True)
        assert column == ranked(E, E[0] - E[2] + E[3], ["king", "man", "woman"])


def test_nearest_to_each_of_some_words(results):
    out = launch("nearest", "king", "pear", cwd=results).stdout
    assert out.startswith("king\n") and "\npear\n" in out
    by_both, _ = columns(out)
    assert len(by_both) == 12


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="Windows has no signal for it")
def test_a_reader_who_goes_away_is_no_error(results):
    with subprocess.Popen([sys.executable, RUN, "nearest", "king"], cwd=results,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b""


# --- predict, plot ------------------------------------------------------------------------------

def test_predict_gives_the_softmax_beside_the_shares(results):
    U, V, W = arrays_in(results)
    powers = np.array([np.exp(v @ W @ U[4]) for v in V])
    p = powers / powers.sum()
    best = np.argsort(-p)
    first, _, *lines = launch("predict", "apple", cwd=results).stdout.splitlines()
    assert f"{powers.sum():.3f}" in first
    probabilities, shares, lifts, words = zip(*(line.split() for line in lines))
    assert list(words) == [WORDS[c] for c in best]
    assert list(map(float, probabilities)) == pytest.approx(p[best], abs=6e-6)
    assert list(map(float, shares)) == pytest.approx(FREQS[best] / FREQS.sum(), abs=6e-6)
    assert list(map(float, lifts)) == pytest.approx((p / FREQS * FREQS.sum())[best], abs=6e-3)

    lines = launch("predict", "apple", "--by", "lift", cwd=results).stdout.splitlines()[2:]
    assert [line.split()[3] for line in lines] == [WORDS[c] for c in np.argsort(-p / FREQS)]


def test_a_query_is_normalised(results):
    for query in "NA\u0308IVE", "nä\u00adive":
        out = launch("nearest", query, "--count", "1", cwd=results)
        assert out.returncode == 0, out.stderr


def test_plot(results):
    out = launch("plot", "king", "queen", "king", "--picture", "my.png", cwd=results)
    assert out.returncode == 0 and out.stdout == "my.png\n", out.stderr
    assert (results / "my.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("embedding", [np.zeros, np.ones])
def test_plot_of_words_without_a_difference(results, embedding):
    for name in "UV":
        np.save(results / f"w2v-{name}.npy", embedding((len(WORDS), 4)))
    out = launch("plot", *WORDS, cwd=results)
    assert (out.returncode, out.stdout, out.stderr) == (0, "words.png\n", "")


# --- export -------------------------------------------------------------------------------------

def read_exported(file):
    """Read what a file in word2vec's formats holds: its first line, its words, and E."""
    head, _, rest = file.read_bytes().partition(b"\n")
    _, M = map(int, head.split())
    words, E = [], []
    while rest:
        word, _, rest = rest.partition(b" ")
        if file.suffix == ".bin":
            row, rest = rest[:4 * M], rest[4 * M:].removeprefix(b"\n")
            E.append(np.frombuffer(row, "<f4"))
        else:
            row, _, rest = rest.partition(b"\n")
            E.append(np.array(row.split(), dtype=np.float32))
        words.append(word.decode())
    return head.decode(), words, np.array(E)


@pytest.mark.parametrize("embedding", ["both", "U", "V"])
@pytest.mark.parametrize("name", ["e.txt", "e.vec", "e.bin"])
def test_export_holds_every_bit(results, name, embedding):
    U, V, W = (X.astype(np.float32) for X in arrays_in(results))
    right = {"both": np.hstack([V @ W, U]), "U": U, "V": V}[embedding]
    assert launch("export", name, "--embedding", embedding, cwd=results).returncode == 0
    head, words, E = read_exported(results / name)
    assert head == f"{len(WORDS)} {right.shape[1]}"
    assert words == WORDS
    assert np.array_equal(E, right)


@pytest.mark.parametrize("name", ["e.txt", "e.vec", "e.bin"])
def test_gensim_reads_what_was_exported(results, name):
    KeyedVectors = pytest.importorskip("gensim.models").KeyedVectors
    assert launch("export", name, "--embedding", "V", cwd=results).returncode == 0
    came = KeyedVectors.load_word2vec_format(results / name, binary=name == "e.bin")
    assert came.index_to_key == WORDS
    assert np.array_equal(came.vectors, np.load(results / "w2v-V.npy"))


def test_export_for_the_projector(results):
    U, V, W = arrays_in(results)
    assert launch("export", "e.tsv", cwd=results).stdout == "e.tsv e-words.tsv\n"
    came = np.loadtxt(results / "e.tsv", delimiter="\t")
    np.testing.assert_allclose(came, np.hstack([V @ W, U]), rtol=1e-6, atol=1e-6)
    assert (results / "e-words.tsv").read_text(encoding="utf-8").split() == WORDS


# --- mistakes -----------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, message", [
    ("nearest quen", "quen: not in the vocabulary; do you mean queen?"),
    ("predict xyzzy", "xyzzy: not in the vocabulary"),
    ("nearest", "required"),
    ("plot", "two words or more"),
    ("plot king", "two words or more"),
    ("export e.doc", "must end in .txt"),
    ("export no/e.txt", said_by_system("no: no such folder")),
    ("nearest king - king", "nothing is left"),
    ("nearest king +", "a word is missing"),
    ("export folder.txt", "folder.txt: a folder"),
    ("nearest king --count 0", "from 1"),
    ("nearest king --results no", "train first"),
])
def test_a_mistake_gets_one_line(results, arguments, message):
    (results / "folder.txt").mkdir()
    before = sorted(results.iterdir())
    out = launch(*arguments.split(), cwd=results)
    assert out.returncode == 2 and out.stderr.count("\n") == 1
    assert message in out.stderr
    assert sorted(results.iterdir()) == before


def zipped():
    """Make what np.savez would write instead of an array."""
    file = io.BytesIO()
    np.savez(file, U=np.ones((7, 4)))
    return file.getvalue()


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def save(name, X):
    return lambda folder: np.save(folder / name, X)


@pytest.mark.parametrize("spoil", [
    write("w2v-W.npy", b"no array"),
    save("w2v-W.npy", np.eye(3)),
    save("w2v-U.npy", [{}]),
    write("w2v-words.txt", b"one\n"),
    save("w2v-freqs.npy", np.array(3)),
    save("w2v-V.npy", np.full((7, 4), np.nan)),
    save("w2v-V.npy", np.full((7, 4), "a")),
    write("w2v-U.npy", zipped()),
])
def test_results_that_do_not_fit_are_refused(results, spoil):
    spoil(results)
    with pytest.raises(InputError, match="train again"):
        load_results(results)


def test_loss_picture(tmp_path):
    done = 10 * np.arange(50)
    J = np.array([0, *(3 / np.arange(1, 50))])
    figure = plot_loss(np.column_stack([done, J]), 1.5, "t", tmp_path / "loss.png")
    losses, floor, *_ = figure.axes[0].lines
    assert losses.get_ydata() == pytest.approx(J[1:])
    assert floor.get_ydata()[0] == 1.5
    assert FILES.count("loss.png") == 1


def test_flipped_bits_in_headers_are_damage(results):
    """Each of them is refused in one line, or changes nothing of what is read but its numbers."""
    for name in "w2v-W.npy", "w2v-freqs.npy":
        content = (results / name).read_bytes()
        for place in range(0, 128):
            changed = bytearray(content)
            changed[place] ^= 1 << place % 8
            (results / name).write_bytes(changed)
            with suppress(InputError):
                load_results(results)
        (results / name).write_bytes(content)


@pytest.mark.parametrize("name", ["w2v-U.npy", "w2v-words.txt", "w2v-run.json"])
def test_results_are_not_written_over(results, name):
    before = (results / "w2v-words.txt").read_bytes()
    for command, message in ((["plot", "king", "queen", "--picture", name], "must end in .png"),
                             (["map", "--out", name], "the name of a result of training")):
        out = launch(*command, cwd=results)
        assert out.returncode == 2 and message in out.stderr
    if name.endswith(".txt"):
        assert launch("export", name, cwd=results).returncode == 2
    assert (results / "w2v-words.txt").read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"corpus": 3}', "[" * 100000, "\udcff"])
def test_an_odd_file_about_the_run_is_none(tmp_path, text):
    (tmp_path / "w2v-run.json").write_bytes(text.encode(errors="surrogatepass"))
    assert load_run(tmp_path) is None
    run = {"corpus": "a", "tokens": 1, "words": 1, "pairs": 1, "loss": 1., "floor": 1.,
           "settings": {}, "versions": {}}
    (tmp_path / "w2v-run.json").write_text(json.dumps(run))
    assert load_run(tmp_path) is not None
    (tmp_path / "w2v-run.json").write_text(json.dumps(run | {"pairs": None}))
    assert load_run(tmp_path) is None
