"""softmax.pdf and word2vec_softmax.py, beside complex-step derivatives and published numbers."""

import itertools
import re
import runpy
import warnings
from contextlib import contextmanager
from decimal import Context, Decimal, localcontext
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
from test import derivative

SOLUTIONS = Path(f.__file__).parent


def same(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def softmax_loss(v_c, o, U):
    """Compute J; U is M×L here and below, as in softmax.pdf. Also for complex arguments."""
    M, L = U.shape
    scores = [sum(U[a, w] * v_c[a] for a in range(M)) for w in range(L)]
    return -np.log(np.exp(scores[o]) / sum(np.exp(score) for score in scores))


def negative_loss(v_c, o, U, negatives):
    """Compute J, also for complex arguments."""
    J = 0
    for i, w in enumerate([o, *negatives]):
        score = sum(U[a, w] * v_c[a] for a in range(len(v_c)))
        J = J + np.log(1 + np.exp(-score if i == 0 else score))
    return J


class Drawn:
    """A dataset that draws these words, in this order."""

    def __init__(self, words):
        self.words = iter(words)

    def sampleTokenIdx(self):
        return next(self.words)


def point(K, M, L=None):
    """Make a random v_c, U of K+1 words (or L) and o = 1; scores of the size of 1."""
    rng = np.random.default_rng(100 * K + M)
    v_c, U = rng.normal(size=M), rng.normal(size=(M, L or K + 1))
    return v_c / np.sqrt(M), U, 1


points = pytest.mark.parametrize("K, M", list(itertools.product((1, 5, 20), (1, 3, 50))))


@contextmanager
def silence_expected():
    """Fail at any warning, and where a number overflows, underflows or is not valid."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


# --- formulas and code ----------------------------------------------------------------------------

@points
def test_naive_softmax(K, M):
    v_c, U, o = point(K, M)
    p = [np.exp(-softmax_loss(v_c, w, U)) for w in range(K + 1)]
    ŷ, y = f.formula_a_1(U, v_c), np.eye(K + 1)[o]
    same(ŷ, p)

    J = softmax_loss(v_c, o, U)
    same(f.formula_a_2(U[:, o], U, v_c), J)
    same(f.formula_a_3(ŷ, o), J)
    same(f.formula_a_3(ŷ, o), -sum(y * np.log(p)))

    dv_c = derivative(lambda Z: softmax_loss(Z, o, U), v_c)
    dU = derivative(lambda Z: softmax_loss(v_c, o, Z), U)
    same(f.formula_b_1(U, v_c, ŷ, o), [dv_c, dv_c])
    same(f.formula_b_2(U, ŷ, y), dv_c)
    same(f.formula_c_2(ŷ[o], v_c), dU[:, o])
    for w in range(K + 1):
        of_logarithm = dU[:, w] + v_c if w == o else dU[:, w]
        same(f.formula_c_1(U, v_c, ŷ, w), [of_logarithm, of_logarithm])
        if w != o:
            same(f.formula_c_3(ŷ[w], v_c), dU[:, w])
    same(f.formula_d_1(v_c, ŷ, y), dU)

    before = v_c.copy(), U.copy()
    code = naiveSoftmaxLossAndGradient(v_c, o, U.T, None)
    for got, expected in zip(code, (J, dv_c, dU.T), strict=True):
        same(got, expected)
    assert np.array_equal(v_c, before[0]) and np.array_equal(U, before[1])


@points
def test_gradient_vanishes_where_formula_b_3_says(K, M):
    v_c, U, o = point(K, M)
    ŷ = f.formula_a_1(U, v_c)
    assert abs(f.formula_b_3(U, ŷ, o) - U[:, o]).max() > 1e-3
    assert abs(derivative(lambda Z: softmax_loss(Z, o, U), v_c)).max() > 1e-3

    # the weights ŷ_w/(1 - ŷ_o) are a softmax over the other words, whatever the column o
    others = [w for w in range(K + 1) if w != o]
    weights = [np.exp(-softmax_loss(v_c, i, U[:, others])) for i in range(K)]
    U[:, o] = U[:, others] @ weights
    ŷ = f.formula_a_1(U, v_c)
    same(f.formula_b_3(U, ŷ, o), U[:, o])
    same(derivative(lambda Z: softmax_loss(Z, o, U), v_c), 0)
    assert ŷ[o] < 0.99


def test_phrases_that_only_lengths_tell_apart():
    good, great, bad, awful = np.array([[1.], [3.], [-1.], [-3.]])
    assert (good + awful, great + bad) == (-2, 2)
    good, great, bad, awful = (u / np.linalg.norm(u) for u in (good, great, bad, awful))
    assert good + awful == great + bad == 0


def test_leaky_relu_and_sigmoid():
    x = np.array([-30, -3, -0.5, 0.5, 3, 30])

    def leaky_relu(x, α):
        return max(α * x, x, key=np.real)

    for α in 0.01, 0.5:
        slopes = derivative(lambda Z: sum(leaky_relu(z, α) for z in Z), x)
        same(f.formula_e_1(x, α), slopes)

    σ = 1 - 1 / (1 + np.exp(x))
    same(f.formula_f_1(x), σ)
    same(f.formula_f_2(x), derivative(lambda Z: sum(1 / (1 + np.exp(-Z))), x))
    same(f.formula_f_3(x), 1 - σ)
    same(f.formula_f_4(x), derivative(lambda Z: sum(np.log(1 + np.exp(-Z))), x))
    same(sigmoid(x), σ)


def test_sigmoid_of_a_vector():
    x = np.array([-3, -0.5, 0, 2])

    def element(i):
        return lambda Z: 1 / (1 + np.exp(-Z[i]))

    jacobian = np.array([derivative(element(i), x) for i in range(4)])
    got = f.formula_f_5(x)
    same(got, jacobian)

    # in the chain rule it multiplies element by element
    a = np.array([1., -2, 0.5, 3])
    slopes = derivative(lambda Z: sum(a / (1 + np.exp(-Z))), x)
    same(got.T @ a, slopes)
    same(a * f.formula_f_2(x), slopes)


@points
def test_negative_sampling(K, M):
    v_c, U, o = point(K, M, K + 3)
    negatives = [w for w in range(K + 3) if w not in (o, 2)]        # each once, and word 2 never
    J = negative_loss(v_c, o, U, negatives)
    dv_c = derivative(lambda Z: negative_loss(Z, o, U, negatives), v_c)
    dU = derivative(lambda Z: negative_loss(v_c, o, Z, negatives), U)

    u_o, u_ws = U[:, o], U[:, negatives].T
    same(f.formula_g_1(u_o, u_ws, v_c), J)
    same(f.formula_g_2(u_o, u_ws, v_c), dv_c)
    same(f.formula_g_3(u_o, v_c), dU[:, o])
    same([f.formula_g_4(u_s, v_c) for u_s in u_ws], dU[:, negatives].T)
    same(dU[:, 2], 0)

    U_o = np.column_stack([u_o, -u_ws.T])
    same(f.formula_g_5(U_o, v_c), J)
    r = f.formula_g_6(U_o, v_c)
    same(r, -derivative(lambda Z: sum(np.log(1 + np.exp(-Z))), U_o.T @ v_c))
    same(f.formula_g_7(U_o, r), dv_c)
    same(f.formula_g_8(v_c, r), np.column_stack([dU[:, o], -dU[:, negatives]]))

    # It is noise contrastive estimation with the identity and without the noise term.
    words = [o, *negatives]
    J_nce, du_w, dVt, _ = lossAndGradient(v_c, U[:, words].T, np.eye(M), np.zeros(len(words)))
    same(J_nce, J)
    same(du_w, dv_c)
    same(dVt, dU[:, words].T)


@points
def test_repeated_negatives(K, M):
    v_c, U, o = point(K, M, 7)
    negatives = np.random.default_rng(K).choice([0, 2, 3, 4, 5], K).tolist()      # 6 never
    k = {w: negatives.count(w) for w in range(7)}
    J = negative_loss(v_c, o, U, negatives)
    dv_c = derivative(lambda Z: negative_loss(Z, o, U, negatives), v_c)
    dU = derivative(lambda Z: negative_loss(v_c, o, Z, negatives), U)

    same(f.formula_h_1(U[:, o], k, U.T, v_c), J)
    same(f.formula_g_2(U[:, o], U[:, negatives].T, v_c), dv_c)
    same(f.formula_g_3(U[:, o], v_c), dU[:, o])
    for w in set(range(7)) - {o}:
        same(f.formula_h_2(k[w], U[:, w], v_c), dU[:, w])

    before = v_c.copy(), U.copy()
    dataset = Drawn([o, o, *negatives, o])
    code = negSamplingLossAndGradient(v_c, o, U.T, dataset, K)
    for got, expected in zip(code, (J, dv_c, dU.T), strict=True):
        same(got, expected)
    assert np.array_equal(v_c, before[0]) and np.array_equal(U, before[1])


def test_the_prediction_nears_y_as_one_score_exceeds_the_others():
    """Not as all scores grow: these do, and ŷ stays."""
    U = np.array([[1., 1, 0]])
    assert f.formula_a_1(U, np.array([1e3 / 2]))[0] == pytest.approx(0.5)
    lead = [f.formula_a_1(np.array([[1., 0, 0]]), np.array([v]))[0] for v in (1, 10, 30)]
    assert lead == sorted(lead) and 1 - lead[-1] < 1e-12


def test_every_question_carries_the_label_of_its_section():
    text = (SOLUTIONS / "softmax.typ").read_text(encoding="utf-8")
    section, sections = None, []
    for heading, label in re.findall(r'^= \((\w)\)|^#asked\("(.*?)"\)', text, re.M):
        if heading:
            section = heading
        else:
            assert label.startswith(f"({section})")
            sections.append(section)
    assert "".join(dict.fromkeys(sections)) == "abcdefghijkl"
    assert re.findall(r'"\(b\)\((\w+)\)"', text) == ["i", "ii", "iii", "iv"]
    assert re.findall(r'"\(g\)\((\w+)\)"', text) == ["i", "ii", "iii"]


def test_ten_negatives_unless_told():
    v_c, U, o = point(5, 3)
    J, _, _ = negSamplingLossAndGradient(v_c, o, U.T, Drawn(10 * [2] + 10 * [3]))
    same(J, negative_loss(v_c, o, U, 10 * [2]))


@pytest.mark.parametrize("window", [["a"], ["a", "b", "d", "a"], ["c", "b", "c"], []])
@pytest.mark.parametrize("naive", [True, False])
def test_window_is_the_sum_of_its_words(window, naive):
    rng = np.random.default_rng(len(window))
    V, U = rng.normal(size=(2, 3, 4))           # M×L
    index = dict(zip("abcd", range(4)))
    c, outside = 2, [index[word] for word in window]
    negatives = []                              # ten for each outside word
    for o in outside:
        others = [w for w in range(4) if w != o]
        negatives.append(3 * others + [(o + 1) % 4])

    def J(V, U):
        if naive:
            return sum(softmax_loss(V[:, c], o, U) for o in outside)
        return sum(negative_loss(V[:, c], o, U, drawn) for o, drawn in zip(outside, negatives))

    dV = derivative(lambda Z: J(Z, U), V)
    dU = derivative(lambda Z: J(V, Z), U)
    dataset = Drawn(itertools.chain(*negatives))
    chosen = [] if naive else [negSamplingLossAndGradient]
    loss, gradCenter, gradOutside = skipgram("c", 2, window, index, V.T, U.T, dataset, *chosen)
    same(loss, J(V, U))
    same(gradCenter.T, dV)
    same(gradOutside.T, dU)
    assert not gradCenter[[0, 1, 3]].any()
    if naive and window:
        compare_formulas_of_a_window(V[:, c], outside, U, loss, dV[:, c], dU)
        same(f.formula_i_4(dV[:, c], np.eye(4)[c]), dV)


def compare_formulas_of_a_window(v_c, outside, U, loss, dv_c, dU):
    """Compare (i.1) to (i.3), and what is said below them, with a loss and its derivatives."""
    def dJ_dU(v_c, o, U):
        return derivative(lambda Z: softmax_loss(v_c, o, Z), U)

    def dJ_dv_c(v_c, o, U):
        return derivative(lambda Z: softmax_loss(Z, o, U), v_c)

    same(f.formula_i_1(softmax_loss, v_c, outside, U), loss)
    same(f.formula_i_2(dJ_dU, v_c, outside, U), dU)
    same(f.formula_i_3(dJ_dv_c, v_c, outside, U), dv_c)
    ŷ, ys = f.formula_a_1(U, v_c), np.eye(4)[outside]
    same(U @ (len(outside) * ŷ - ys.sum(axis=0)), dv_c)


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
    digits = {"rtol": 0, "atol": 6e-9}

    loss, dV, dU = skipgram("c", 3, list("abedbc"), index, V, U, None)
    assert loss == pytest.approx(11.16610900153398, rel=1e-14)
    np.testing.assert_allclose(dV[2], NAIVE_DV_C, **digits)
    np.testing.assert_allclose(dU, NAIVE_DU, **digits)

    # the published numbers are those of 4, 4, 4, 3 and 5 draws of a … e
    drawn = Drawn([1, 1, 1, 1, 2, 2, 3, 3, 4, 4] + [0, 0, 0, 0, 2, 2, 3, 4, 4, 4])
    loss, dV, dU = skipgram("c", 1, ["a", "b"], index, V, U, drawn, negSamplingLossAndGradient)
    assert loss == pytest.approx(16.15119285363322, rel=1e-14)
    np.testing.assert_allclose(dV[2], NEGATIVE_DV_C, **digits)
    np.testing.assert_allclose(dU, NEGATIVE_DU, **digits)


# --- scores of any size -------------------------------------------------------------------------
# The first score is that of the outside word. Results are exact to 25 digits and more.

PRECISE = Context(prec=60)


def exact_naive(scores):
    """Compute the loss of the naive softmax and its derivatives by the scores."""
    with localcontext(PRECISE):
        s = [Decimal(float(score)) for score in scores]
        top = s.index(max(s))
        powers = [(score - s[top]).exp() for score in s]
        rest = sum(powers[:top] + powers[top + 1:])
        J = s[top] - s[0] + exact_log_of_1_plus(rest)
        ŷ = [power / (1 + rest) for power in powers]
        g = [-sum(ŷ[1:]), *ŷ[1:]]
        return float(J), [float(slope) for slope in g]


def exact_negative(scores):
    """Compute the loss of negative sampling and its derivatives by the scores."""
    with localcontext(PRECISE):
        s = [Decimal(float(score)) for score in scores]
        powers = [(-s[0]).exp(), *(score.exp() for score in s[1:])]
        J = sum(exact_log_of_1_plus(power) for power in powers)
        σ = [1 / (1 + 1 / power) for power in powers]
        g = [-σ[0], *σ[1:]]
        return float(J), [float(slope) for slope in g]


def exact_log_of_1_plus(x):
    return (1 + x).ln() if x > Decimal("1e-30") else x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("naive", [True, False])
def test_exact_and_silent_up_to_scores_of_ten_thousand(naive, dtype):
    def of_code(v_c, U):
        if naive:
            return naiveSoftmaxLossAndGradient(v_c, 0, U, None)
        return negSamplingLossAndGradient(v_c, 0, U, Drawn([1, 2]), 2)

    exact = exact_naive if naive else exact_negative
    sizes = [-1e4, -1e3, -500, -90, -20, -0.5, 0, 1e-8, 1, 15, 100, 1e4]
    # the difference of two scores is rounded, so e to its power is right to the last digits
    # only where it matters
    limits = {"rel": 32 * float(np.finfo(dtype).eps), "abs": 1e-20}
    for scores in itertools.product(sizes, sizes, [0, -30]):
        U = np.array(scores, dtype)[:, None]    # v_c = 1 makes U the scores, and dU the slopes
        with silence_expected():
            J, dv_c, dU = of_code(np.ones(1, dtype), U)
        right_J, right_g = exact(U[:, 0])
        assert np.isfinite(J) and J == pytest.approx(right_J, **limits)
        assert dU[:, 0].tolist() == pytest.approx(right_g, **limits)
        assert dv_c.dtype == dU.dtype == dtype and type(J) is float


def test_sigmoid_of_large_and_odd_arguments():
    with silence_expected():
        assert sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
        assert sigmoid(0) == 0.5 and sigmoid([[1, -1]]).shape == (1, 2)


# --- odd arguments ------------------------------------------------------------------------------

def test_lists_and_integers_are_taken_as_float64():
    v_c, rows, negatives = [1, 0], [[1, 2], [3, 4]], 10 * [1]
    naive = naiveSoftmaxLossAndGradient(v_c, 0, rows, None)
    negative = negSamplingLossAndGradient(v_c, 0, rows, Drawn(negatives))

    U = np.array(rows).T
    same(naive[0], softmax_loss(v_c, 0, U))
    same(negative[0], negative_loss(v_c, 0, U, negatives))
    for _, dv_c, dU in naive, negative:
        assert dv_c.dtype == dU.dtype == np.float64
        assert dv_c.shape == (2,) and dU.shape == (2, 2)


def test_a_vocabulary_of_one_word_has_no_negatives():
    message = r"the outside word, 3, 100000 times .* second word in the vocabulary"
    with pytest.raises(ValueError, match=message):
        getNegativeSamples(3, Drawn(itertools.repeat(3)), 10)
    # a word that is drawn nearly always is still no error
    drawn = Drawn(20_000 * [3] + [1] + 20_000 * [3] + [2])
    assert getNegativeSamples(3, drawn, 2) == [1, 2]


@pytest.mark.parametrize("v, U", [((1, 3), (4, 3)), ((3,), (3, 4)), ((3,), (3,)), ((), (3,))])
def test_wrong_shapes_are_named(v, U):
    for function in naiveSoftmaxLossAndGradient, negSamplingLossAndGradient:
        with pytest.raises(ValueError) as error:
            function(np.ones(v), 0, np.ones(U), Drawn(10 * [1]))
        assert f"centerWordVec has shape {v} and outsideVectors {U}" in str(error.value)


# --- the parts about neural networks ------------------------------------------------------------

def test_formulas_of_adam():
    rng = np.random.default_rng(0)
    g, β = rng.normal(size=(8, 3)), 0.9             # g[0] is not used
    m = np.zeros(3)
    for t in range(1, 8):
        expected = m + (g[t] - m) / 10              # a tenth of the way to the new gradient
        m = f.formula_j_1(m, g[t], β)
        same(m, expected)
        same(f.formula_j_2(g, t, β), m)

    # the variance of a sum of independent terms, by their weights
    assert f.formula_j_3(3, 0.9) == pytest.approx(9 / 19)
    for β in 0.5, 0.9:
        weights = np.array([f.formula_j_2(row, 200, β) for row in np.eye(201)[1:]])
        assert f.formula_j_3(1.5, β) == pytest.approx(1.5 ** 2 * sum(weights ** 2))

    step = f.formula_j_4(np.ones(2), 0.1, np.array([3, -8]), np.array([9, 16]), 0)
    assert step.tolist() == pytest.approx([0.9, 1.2])
    assert f.formula_j_4(1, 0.1, 3, 9, 2) == pytest.approx(1 - 0.1 * 3 / 5)


def test_a_step_of_adam_at_gradients_of_any_size():
    # it is as long whatever the scale of the gradients
    m, v = np.array([0.3, -2, 1]), np.array([1., 9, 4])
    small = f.formula_j_4(0, 0.1, m, v, 1e-8)
    large = f.formula_j_4(0, 0.1, 1e4 * m, 1e8 * v, 1e-8)
    np.testing.assert_allclose(small, large, rtol=1e-7)

    # without a gradient yet there is no step, and without ε none that is a number
    assert f.formula_j_4(5., 0.1, np.zeros(1), np.zeros(1), 1e-8) == 5
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
    same([f.formula_k_1(γ, mask, h) for mask in masks], layers)
    same(weights @ layers, h)
    same(f.formula_k_2(γ, p, h), weights @ layers)
    same(f.formula_k_2(2, p, h), 2 / γ * (weights @ layers))
    same(f.formula_k_4(p, h), weights @ (layers - h) ** 2)


# --- the module by itself -----------------------------------------------------------------------

def test_code_works_alone(tmp_path):
    copy = tmp_path / "word2vec.py"
    copy.write_bytes((SOLUTIONS / "word2vec_softmax.py").read_bytes())
    imports = re.findall(r"^(?:import|from) .*", copy.read_text(encoding="utf-8"), re.M)
    assert imports == ["import numpy as np"]
    function = runpy.run_path(str(copy))["naiveSoftmaxLossAndGradient"]
    assert function([0.], 0, [[1.], [2.]], None)[0] == pytest.approx(np.log(2))
