"""Looking at what was learned, and taking it along: run.py nearest, predict, plot, export."""

import io
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from beyond.pictures import plot_loss
from beyond.results import DATA, load_results, load_run
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
    cells = [line.split() for line in text.splitlines()
             if line.startswith("    ") and "by" not in line]
    return ([(float(cosine), word) for cosine, word, _, _ in cells],
            [(float(cosine), word) for _, _, cosine, word in cells])


def test_nearest_to_words_and_to_a_sum(results):
    out = launch("nearest", "Queen", "pear", "--count", "3", cwd=results)
    assert out.returncode == 0 and out.stdout.startswith("Queen\n") and "\npear\n" in out.stdout
    for E, column in zip(compared(results), columns(out.stdout)):
        assert column == (ranked(E, E[1], ["queen"])[:3] + ranked(E, E[5], ["pear"])[:3])

    out = launch("nearest", "king", "-", "man", "+", "woman", cwd=results)
    for E, column in zip(compared(results), columns(out.stdout)):
        E /= np.linalg.norm(E, axis=1, keepdims=True)
        assert column == ranked(E, E[0] - E[2] + E[3], ["king", "man", "woman"])


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="Windows has no signal for it")
def test_a_reader_who_goes_away_is_no_error(results):
    with subprocess.Popen([sys.executable, RUN, "nearest", "king"], cwd=results,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b""


@pytest.mark.parametrize("query", ["NA\u0308IVE", "nä\u00adive"])
def test_a_query_is_normalised(results, query):
    assert launch("nearest", query, "--count", "1", cwd=results).returncode == 0


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


@pytest.mark.parametrize("embedding", [None, np.zeros, np.ones])
def test_plot_also_of_words_without_a_difference(results, embedding):
    if embedding:
        for name in "UV":
            np.save(results / f"w2v-{name}.npy", embedding((len(WORDS), 4)))
    out = launch("plot", *WORDS, "king", "--picture", "my.png", cwd=results)
    assert (out.returncode, out.stdout, out.stderr) == (0, "my.png\n", "")
    assert (results / "my.png").read_bytes().startswith(b"\x89PNG")


def test_loss_picture(tmp_path):
    done = 10 * np.arange(50)
    J = np.array([0, *(3 / np.arange(1, 50))])
    figure = plot_loss(np.column_stack([done, J]), 1.5, "t", tmp_path / "loss.png")
    losses, floor, *_ = figure.axes[0].lines
    assert losses.get_ydata() == pytest.approx(J[1:])
    assert floor.get_ydata()[0] == 1.5


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


@pytest.mark.parametrize("name, embedding", [("e.txt", "both"), ("e.vec", "U"), ("e.bin", "V"),
                                             ("e.bin", "both")])
def test_export_holds_every_bit(results, name, embedding):
    U, V, W = (X.astype(np.float32) for X in arrays_in(results))
    right = {"both": np.hstack([V @ W, U]), "U": U, "V": V}[embedding]
    assert launch("export", name, "--embedding", embedding, cwd=results).returncode == 0
    head, words, E = read_exported(results / name)
    assert head == f"{len(WORDS)} {right.shape[1]}"
    assert words == WORDS
    assert np.array_equal(E, right)


@pytest.mark.parametrize("name", ["e.txt", "e.bin"])
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
    ("plot king", "two words or more"),
    ("plot king queen --picture w2v-U.npy", "must end in .png"),
    ("export e.doc", "must end in one of .txt"),
    ("export no/e.txt", said_by_system("no: no such folder")),
    ("export folder.txt", "folder.txt: a folder"),
    ("export w2v-words.txt", "the name of a result of training"),
    ("map --out w2v-run.json", "the name of a result of training"),
    ("nearest king - king", "nothing is left"),
    ("nearest king +", "a word is missing"),
    ("nearest king --count 0", "from 1"),
    ("nearest king --results no", "train first"),
])
def test_a_mistake_gets_one_line_and_harms_nothing(results, arguments, message):
    (results / "folder.txt").mkdir()
    names, words = sorted(results.iterdir()), (results / "w2v-words.txt").read_bytes()
    out = launch(*arguments.split(), cwd=results)
    assert out.returncode == 2 and out.stderr.count("\n") == 1
    assert message in out.stderr
    assert sorted(results.iterdir()) == names and (results / "w2v-words.txt").read_bytes() == words


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
    write("w2v-words.txt", b"\xff\n" * 7),
    save("w2v-freqs.npy", np.array(3)),
    save("w2v-freqs.npy", np.arange(7)),
    save("w2v-V.npy", np.full((7, 4), np.nan)),
    save("w2v-V.npy", np.full((7, 4), "a")),
    write("w2v-U.npy", zipped()),
])
def test_results_that_do_not_fit_are_refused(results, spoil):
    spoil(results)
    with pytest.raises(InputError, match="train again"):
        load_results(results)


def test_flipped_bits_in_headers_are_damage(results):
    """Each of them is refused in one line, or changes nothing of what is read but its numbers."""
    for name in "w2v-W.npy", "w2v-freqs.npy":
        content = (results / name).read_bytes()
        for place in range(0, 128):
            changed = bytearray(content)
            changed[place] ^= 1 << place % 8
            (results / name).write_bytes(changed)
            with suppress(InputError):
                assert load_results(results).words == WORDS
        (results / name).write_bytes(content)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"corpus": 3}', "\udcff"])
def test_an_odd_file_about_the_run_is_none(tmp_path, text):
    (tmp_path / DATA[-1]).write_bytes(text.encode(errors="surrogatepass"))
    assert load_run(tmp_path) is None
