"""softmax.pdf and word2vec_softmax.py: complex-step derivatives and published numbers."""

import itertools
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from grads import lossAndGradient
from solutions import formulas as f
from solutions.word2vec_softmax import (
    getNegativeSamples,
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    sigmoid,
    skipgram,
)
from tests.support.mathematics import (
    Drawing,
    alike,
    check_formulas,
    gradients,
    naive,
    negative,
    σ,
)

SOLUTIONS = Path(f.__file__).parent
sizes = pytest.mark.parametrize("K, M", [(1, 3), (5, 1), (20, 4)])


def point(K, M, L):
    """Make a random v_c, U of L words, and o = 1; scores of the size of 1."""
    rng = np.random.default_rng(100 * K + M)
    v_c, U = rng.normal(size=M) / np.sqrt(M), rng.normal(size=(M, L))
    v_c.flags.writeable = U.flags.writeable = False         # no function changes its arguments
    return v_c, U, 1


# --- formulas and code ----------------------------------------------------------------------------

@sizes
def test_naive_softmax(K, M):
    L = K + 1
    v_c, U, o = point(K, M, L)
    y = np.eye(L)[o]
    p = np.exp([-naive(v_c, w, U) for w in range(L)])
    J = naive(v_c, o, U)
    dv_c, dU = gradients(lambda v, U: naive(v, o, U), v_c, U)

    ŷ = f.formula_a_1(U, v_c)
    check_formulas(
        ("a.1", (U, v_c), p),
        ("a.2", (U[:, o], U, v_c), J),
        ("a.3", (ŷ, o), J),
        ("a.3", (ŷ, o), -sum(y * np.log(p))),
        ("b.1", (U, v_c, ŷ, o), [dv_c, dv_c]),
        ("b.2", (U, ŷ, y), dv_c),
        ("c.2", (ŷ[o], v_c), dU[:, o]),
        ("d.1", (v_c, ŷ, y), dU),
    )
    for w in range(L):
        of_logarithm = dU[:, w] + v_c * y[w]
        check_formulas(("c.1", (U, v_c, ŷ, w), [of_logarithm, of_logarithm]))
        if w != o:
            check_formulas(("c.3", (ŷ[w], v_c), dU[:, w]))

    alike(naiveSoftmaxLossAndGradient(v_c, o, U.T, None), (J, dv_c, dU.T))


@sizes
def test_the_gradient_vanishes_where_formula_b_3_says(K, M):
    v_c, U, o = point(K, M, K + 1)
    # The weights ŷ_w/(1 - ŷ_o) are a softmax over the other words, whatever the column o.
    others = [w for w in range(K + 1) if w != o]
    weights = np.exp([-naive(v_c, i, U[:, others]) for i in range(K)])
    mean = U[:, others] @ weights
    for u_o in U[:, o], mean:
        U = np.insert(U[:, others], o, u_o, axis=1)
        check_formulas(("b.3", (U, f.formula_a_1(U, v_c), o), mean))
        [slope] = gradients(lambda v: naive(v, o, U), v_c)
        assert (abs(slope).max() < 1e-12) == (u_o is mean)


def test_the_prediction_nears_y_as_one_score_exceeds_the_others():
    """It stays the same if all scores grow."""
    alike(f.formula_a_1(np.array([[1., 1, 0]]), np.array([500.])), [0.5, 0.5, 0])
    lead = [f.formula_a_1(np.array([[1., 0, 0]]), np.array([v]))[0] for v in (1, 10, 30)]
    assert lead == sorted(lead) and 1 - lead[-1] < 1e-12


def test_phrases_that_only_lengths_tell_apart():
    good, great, bad, awful = words = np.array([[1.], [3.], [-1.], [-3.]])
    assert (good + awful, great + bad) == (-2, 2)
    good, great, bad, awful = (u / np.linalg.norm(u) for u in words)
    assert good + awful == great + bad == 0


def test_leaky_relu_and_sigmoid():
    x = np.array([-30, -3, -0.5, 0.5, 3, 30])
    for λ in 0.01, 0.5:
        [slopes] = gradients(lambda Z: sum(max(λ * z, z, key=np.real) for z in Z), x)
        check_formulas(("e.1", (x, λ), slopes))

    [slopes] = gradients(lambda Z: σ(Z).sum(), x)
    check_formulas(
        ("f.1", (x,), 1 - 1 / (1 + np.exp(x))),
        ("f.2", (x,), slopes),
        ("f.3", (x,), 1 - σ(x)),
        ("f.4", (x,), *gradients(lambda Z: np.log(1 + np.exp(-Z)).sum(), x)),
        ("f.5", (x,), [gradients(lambda Z: σ(Z[i]), x)[0] for i in range(6)]),
    )
    alike(f.formula_f_5(x) @ x, x * slopes)         # as the chain rule does, by coordinate
    alike(sigmoid([x]), σ(x[None]))
    assert (sigmoid(-1e4), sigmoid(0), sigmoid(1e4)) == (0, 0.5, 1)


@sizes
def test_negative_sampling(K, M):
    v_c, U, o = point(K, M, K + 3)
    negatives = [w for w in range(K + 3) if w not in (o, 2)]        # each once, and word 2 never
    J = negative(v_c, o, U, negatives)
    dv_c, dU = gradients(lambda v, U: negative(v, o, U, negatives), v_c, U)

    u_o, u_ws = U[:, o], U[:, negatives].T
    U_o = np.column_stack([u_o, -u_ws.T])
    r = f.formula_g_6(U_o, v_c)
    check_formulas(
        ("g.1", (u_o, u_ws, v_c), J),
        ("g.2", (u_o, u_ws, v_c), dv_c),
        ("g.3", (u_o, v_c), dU[:, o]),
        *(("g.4", (U[:, w], v_c), dU[:, w]) for w in negatives),
        ("g.5", (U_o, v_c), J),
        ("g.6", (U_o, v_c), -gradients(lambda x: np.log(1 + np.exp(-x)).sum(), U_o.T @ v_c)[0]),
        ("g.7", (U_o, r), dv_c),
        ("g.8", (v_c, r), np.column_stack([dU[:, o], -dU[:, negatives]])),
    )
    assert not dU[:, 2].any()

    # It is noise contrastive estimation with the identity and without the noise term.
    words = [o, *negatives]
    J_nce, du_w, dVt, _ = lossAndGradient(v_c, U[:, words].T, np.eye(M), np.zeros(len(words)))
    alike((J_nce, du_w, dVt), (J, dv_c, dU[:, words].T))


@sizes
def test_repeated_negatives(K, M):
    v_c, U, o = point(K, M, 7)
    negatives = np.random.default_rng(K).choice([0, 2, 3, 4, 5], K).tolist()      # 6 never
    k = {w: negatives.count(w) for w in range(7)}
    J = negative(v_c, o, U, negatives)
    dv_c, dU = gradients(lambda v, U: negative(v, o, U, negatives), v_c, U)
    check_formulas(
        ("h.1", (U[:, o], k, U.T, v_c), J),
        ("g.2", (U[:, o], U[:, negatives].T, v_c), dv_c),
        ("g.3", (U[:, o], v_c), dU[:, o]),
        *(("h.2", (k[w], U[:, w], v_c), dU[:, w]) for w in set(range(7)) - {o}),
    )
    code = negSamplingLossAndGradient(v_c, o, U.T, Drawing(o, o, *negatives, o), K)
    alike(code, (J, dv_c, dU.T))
    loss, *_ = negSamplingLossAndGradient(v_c, o, U.T, Drawing(*10 * [2], *10 * [3]))
    alike(loss, negative(v_c, o, U, 10 * [2]))      # ten unless told otherwise


@pytest.mark.parametrize("window", ["a", "abda", "cbc", ""])
@pytest.mark.parametrize("is_naive", [True, False])
def test_a_window_is_the_sum_of_its_words(window, is_naive):
    rng = np.random.default_rng(len(window))
    V, U = rng.normal(size=(2, 3, 4))           # M×L
    index = dict(zip("abcd", range(4)))
    c, outside = 2, [index[word] for word in window]
    negatives = [[(o + 1 + i % 3) % 4 for i in range(10)] for o in outside]

    def J(V, U):
        if is_naive:
            return sum(naive(V[:, c], o, U) for o in outside)
        return sum(negative(V[:, c], o, U, drawn) for o, drawn in zip(outside, negatives))

    loss, dV, dU = J(V, U).real, *gradients(J, V, U)
    dataset = Drawing(*itertools.chain(*negatives))
    chosen = [] if is_naive else [negSamplingLossAndGradient]
    code = skipgram("c", 2, window, index, V.T, U.T, dataset, *chosen)
    alike(code, (loss, dV.T, dU.T))
    assert not code[1][[0, 1, 3]].any()

    if is_naive and window:
        v_c, ŷ, ys = V[:, c], f.formula_a_1(U, V[:, c]), np.eye(4)[outside]

        def dv_c_and_dU(v, o, U):
            return gradients(lambda v, U: naive(v, o, U), v, U)

        check_formulas(
            ("i.1", (naive, v_c, outside, U), loss),
            ("i.2", (lambda *pair: dv_c_and_dU(*pair)[1], v_c, outside, U), dU),
            ("i.3", (lambda *pair: dv_c_and_dU(*pair)[0], v_c, outside, U), dV[:, c]),
            ("i.4", (dV[:, c], np.eye(4)[c]), dV),
        )
        alike(U @ (len(outside) * ŷ - ys.sum(axis=0)), dV[:, c])


NAIVE_DV_C = [-1.26947339, -1.36873189, 2.45158957]
NAIVE_DU = [
    [-0.41045956, 0.18834851, 1.43272264],
    [0.38202831, -0.17530219, -1.33348241],
    [0.07009355, -0.03216399, -0.24466386],
    [0.09472154, -0.04346509, -0.33062865],
    [-0.13638384, 0.06258276, 0.47605228],
]
NEGATIVE_DV_C = [-4.54650789, -1.85942252, 0.76397441]
NEGATIVE_DU = [
    [-0.69148188, 0.31730185, 2.41364029],
    [-0.22716495, 0.10423969, 0.79292674],
    [-0.45528438, 0.20891737, 1.58918512],
    [-0.31602611, 0.14501561, 1.10309954],
    [-0.80620296, 0.36994417, 2.81407799],
]


def test_published_results():
    """Those that the assignment prints for ten unit vectors, the word c and its window."""
    vectors = np.random.RandomState(9265).randn(10, 3)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = dict(zip("abcde", range(5)))
    V, U = vectors[:5], vectors[5:]

    loss, dV, dU = skipgram("c", 3, list("abedbc"), index, V, U, None)
    alike(loss, 11.16610900153398, 1e-14)
    alike((dV[2], dU), (NAIVE_DV_C, NAIVE_DU), 6e-9)

    # The published numbers are those of 4, 4, 4, 3 and 5 draws of a … e.
    drawn = Drawing(1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 0, 0, 0, 0, 2, 2, 3, 4, 4, 4)
    loss, dV, dU = skipgram("c", 1, ["a", "b"], index, V, U, drawn, negSamplingLossAndGradient)
    alike(loss, 16.15119285363322, 1e-14)
    alike((dV[2], dU), (NEGATIVE_DV_C, NEGATIVE_DU), 6e-9)


# --- scores of any size, and odd arguments ------------------------------------------------------

@pytest.mark.parametrize("is_naive", [True, False])
def test_exact_up_to_scores_of_ten_thousand(is_naive):
    """The first score is that of the outside word; v_c = 1 makes dU the slopes by the scores."""
    sizes = [-1e4, -1e3, -500, -90, -20, -0.5, 0, 1e-8, 1, 15, 100, 1e4]
    for s in map(np.array, itertools.product(sizes, sizes, [0, -30])):
        if is_naive:
            right_J = np.logaddexp.reduce(s - s[0])
            slopes = np.exp(s - s[0] - right_J)
            slopes[0] = -slopes[1:].sum()
        else:
            sign = np.array([-1, 1, 1])
            right_J = np.logaddexp(0, sign * s).sum()
            slopes = sign * np.exp(-np.logaddexp(0, -sign * s))

        with warnings.catch_warnings(action="error"):
            if is_naive:
                J, _, dU = naiveSoftmaxLossAndGradient([1], 0, s[:, None], None)
            else:
                J, _, dU = negSamplingLossAndGradient([1], 0, s[:, None], Drawing(1, 2), 2)
        assert type(J) is float and J == pytest.approx(right_J, rel=1e-14, abs=1e-20)
        assert dU[:, 0] == pytest.approx(slopes, rel=1e-11, abs=1e-20)


def test_a_vocabulary_of_one_word_has_no_negatives(monkeypatch):
    monkeypatch.setitem(getNegativeSamples.__globals__, "MAX_DRAWS", 1000)
    with pytest.raises(ValueError, match="of 1000 words .* the outside word, 3"):
        getNegativeSamples(3, Drawing(3), 10)
    assert getNegativeSamples(3, Drawing(*400 * [3], 1, *400 * [3], 2), 2) == [1, 2]


# --- the parts about neural networks ------------------------------------------------------------

def test_formulas_of_adam():
    rng = np.random.default_rng(0)
    g, β = rng.normal(size=(8, 3)), 0.9             # g[0] is not used
    m = np.zeros(3)
    for t in range(1, 8):
        expected = m + (g[t] - m) / 10              # a tenth of the way to the new gradient
        check_formulas(("j.1", (m, g[t], β), expected), ("j.2", (g, t, β), expected))
        m = expected

    alike(f.formula_j_3(3, 0.9), 9 / 19)
    for β in 0.5, 0.9:      # the variance of a sum of independent terms, by their weights
        weights = np.array([f.formula_j_2(row, 200, β) for row in np.eye(201)[1:]])
        alike(f.formula_j_3(1.5, β), 1.5 ** 2 * sum(weights ** 2))

    check_formulas(
        ("j.4", (np.ones(2), 0.1, np.array([3, -8]), np.array([9, 16]), 0), [0.9, 1.2]),
        ("j.4", (1, 0.1, 3, 9, 2), 1 - 0.1 * 3 / 5),
        ("j.4", (5., 0.1, 0., 0., 1e-8), 5.),       # no gradient yet, so no step
    )
    # A step is as long whatever the scale of the gradients; without ε there may be none.
    m, v = np.array([0.3, -2, 1]), np.array([1., 9, 4])
    small = f.formula_j_4(0, 0.1, m, v, 1e-8)
    alike(f.formula_j_4(0, 0.1, 1e4 * m, 1e8 * v, 1e-8), small, 1e-7)
    with np.errstate(invalid="ignore"):
        assert np.isnan(f.formula_j_4(5., 0.1, np.zeros(1), np.zeros(1), 0))


def test_formulas_of_dropout():
    """The mean and the variance over all masks, each with its probability."""
    h, p = np.array([2., -1, 0.5]), 0.3
    γ = f.formula_k_3(p)
    masks = np.array(list(itertools.product((0, 1), repeat=3)))
    kept = masks.sum(axis=1)
    weights = p ** (3 - kept) * (1 - p) ** kept
    layers = np.where(masks == 1, γ * h, 0)
    alike(weights @ layers, h)
    check_formulas(
        *(("k.1", (γ, mask, h), layer) for mask, layer in zip(masks, layers)),
        ("k.2", (γ, p, h), h),
        ("k.2", (2, p, h), 2 / γ * h),
        ("k.4", (p, h), weights @ (layers - h) ** 2),
    )


# --- the files by themselves --------------------------------------------------------------------

def test_every_question_carries_the_label_of_its_section():
    text = (SOLUTIONS / "softmax.typ").read_text(encoding="utf-8")
    sections = re.split(r"^= \((\w)\)", text, flags=re.M)[1:]
    assert "".join(sections[::2]) == "abcdefghijkl"
    for letter, section in zip(sections[::2], sections[1::2]):
        labels = re.findall(r'^#asked\("(.*?)"\)', section, re.M)
        assert labels and all(label.startswith(f"({letter})") for label in labels)
    assert re.findall(r'"\(b\)\((\w+)\)"', text) == ["i", "ii", "iii", "iv"]
    assert re.findall(r'"\(g\)\((\w+)\)"', text) == ["i", "ii", "iii"]


def test_the_code_needs_nothing_but_numpy():
    code = (SOLUTIONS / "word2vec_softmax.py").read_text(encoding="utf-8")
    assert re.findall(r"^(?:import|from) (\w+)", code, re.M) == ["itertools", "numpy"]
    loss, *_ = naiveSoftmaxLossAndGradient([0], 0, [[1], [2]], None)        # lists and integers
    alike(loss, np.log(2))
