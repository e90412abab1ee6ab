"""Each formula of solutions/tasks-1-2.typ, compared with something that does not use it.

That is a complex-step derivative, a minimum found by search, or the code of the project.
"""

import re
from collections import Counter
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import root
from scipy.special import entr, logsumexp, softmax

import grads
from beyond.measures import log_normalisers, unigram_floor
from beyond.starts import unigram_start
from sampling import noiseDistribution
from solutions import formulas as f
from test import derivative, observations
from tests.support.mathematics import alike, check_formulas, gradients, nce, σ
from utils import extractDictionary, extractWordContextPairs

ROOT = Path(__file__).resolve().parent.parent
NOTES = (ROOT / "solutions/tasks-1-2.typ").read_text(encoding="utf-8")
SOFTMAX = (ROOT / "solutions/softmax.typ").read_text(encoding="utf-8")
X = np.array([-700, -30, -3, -0.5, -1e-9, 0, 0.3, 2, 25, 700.])
L = 10                                          # words, in the tests of what the model means
P, NOISE = np.random.default_rng(4).dirichlet(np.linspace(1, 3, L), size=2)     # p(c|w), q[c]
SCORES = np.linspace(-4, 0, L)
ONE, ONE_BY_ONE = np.ones(1), np.ones((1, 1))   # u_w and W that make the rows of V the scores
samples = pytest.mark.parametrize("n, M", [(1, 3), (5, 4), (20, 1)])
counts = pytest.mark.parametrize("n", [1, 5, 20])


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def observation(n, M):
    """Make u_w, Ṽ, W, q̄ and δ̄, with scores that are not all far from 0."""
    u_w, Vt, W, q = observations(n, n=n, M=M)
    return u_w / M, Vt, W, q, np.eye(n + 1)[0]


def nce_of_scores(s, q):
    return nce(ONE, s[:, None], ONE_BY_ONE, q)


def population(s, p, r, offset):
    """Compute E J of one target word, whose negative is word c r[c] times on average."""
    return np.sum(p * np.log(1 + np.exp(offset - s)) + r * np.log(1 + np.exp(s - offset)))


def best_scores(p, r, offset):
    """Find the scores at which the population loss is least."""
    def slopes(s):
        return derivative(lambda Z: population(Z, p, r, offset), s)

    found = root(slopes, np.log(p), tol=1e-13)
    assert found.success
    return found.x


# --- the documents and formulas.py --------------------------------------------------------------

def test_every_number_has_one_function_and_every_function_a_number():
    numbers = re.findall(r'(?:eq|row)\(\s*"([^"]+)"', NOTES + SOFTMAX)
    assert len(numbers) == len(set(numbers)) > 40
    functions = {name for name in vars(f) if name.startswith("formula_")}
    assert functions == {"formula_" + number.replace(".", "_") for number in numbers}


def test_the_quoted_lines_are_lines_of_grads():
    quoted = re.findall(r'row\("3\.\d", "((?:[^"\\]|\\.)+)"', NOTES)
    assert len(quoted) == 7
    code = (ROOT / "grads.py").read_text(encoding="utf-8").partition("Batched(")[2]
    lines = {line.partition("#")[0].strip() for line in code.splitlines()}
    quoted += re.findall(r"`((?:sign|x) = [^`]+)`", NOTES)
    assert len(quoted) == 7 + 2 * 2                         # two more in each language
    assert {line.replace('\\"', '"') for line in quoted} <= lines


def test_the_exercises_have_their_answers():
    questions, answers = NOTES.split("Answers to the exercises")
    for text, call in (questions, r"  exercise\((\d)"), (answers, r"#exercise\((\d)"):
        assert re.findall(call, text) == list("12345678")


# --- the idea, and notation ---------------------------------------------------------------------

def test_the_pairs_of_the_sentence():
    sentence = "<START> през януари цената на петрола падна <END>".split()
    boxes = re.findall(r"^  word(?:\(target: true\))?[(`[*]+([^`\]*]+)", NOTES, re.M)
    assert boxes == sentence

    words, word2ind, _ = extractDictionary([sentence])
    pairs = [(words[w], words[c]) for w, c in extractWordContextPairs([sentence], 3, word2ind)]
    expected = [c for w, c in pairs if w == "цената"]
    assert Counter(pairs) == Counter((c, w) for w, c in pairs)                # section 5 uses it
    told = re.findall(r"\(цената, `?([^`)]+)`?\)", NOTES)
    assert len(expected) == 6 and Counter(told) == Counter(2 * expected)      # in two languages


def test_the_question_and_the_noise_in_numbers():
    alike(f.formula_4_1(0.3, 0.1, 5), (3 / (3 + 5), 0.375))
    q = np.exp(noiseDistribution([90_000_000, 9_000_000, 1_000_000], 5)) / 5
    assert np.round(q, 3).tolist() == [0.825, 0.147, 0.028]


def test_sigma():
    near = X[abs(X) < 100]
    [slope] = gradients(lambda x: σ(x).sum(), near)
    [slope_of_log] = gradients(lambda x: -np.log(1 + np.exp(-x)).sum(), near)
    with np.errstate(over="raise"):
        check_formulas(("0.2", (X,), σ(X)), ("0.2", (1e4,), 1), ("0.2", (-1e4,), 0),
                       ("0.3", (X,), 1 - σ(X)),
                       ("3.8", (X,), np.log(1 + np.exp(X))), ("3.8", (1e4,), 1e4))
    check_formulas(("0.4", (near,), σ(near) / σ(-near)), ("0.5", (near,), slope),
                   ("0.6", (near,), slope_of_log))
    above = -np.log(σ(X)) - np.maximum(-X, 0)               # what figure 1 says of it
    assert above.max() == pytest.approx(np.log(2)) and X[above.argmax()] == 0


# --- tasks 1 and 2 ------------------------------------------------------------------------------

@samples
def test_tasks_1_and_2(n, M, rng):
    u_w, Vt, W, q, delta = observation(n, M)
    v_c, v_neg, q_c, q_neg = Vt[0], Vt[1:], q[0], q[1:]
    all_of_1, all_of_2 = (u_w, v_c, v_neg, W, q_c, q_neg), (u_w, Vt, W, q, delta)
    s, J = Vt @ W @ u_w, nce(u_w, Vt, W, q)
    g, = gradients(lambda s: nce_of_scores(s, q), s)
    du_w, dVt, dW = gradients(lambda *x: nce(*x, q), u_w, Vt, W)
    check_formulas(
        ("0.1", all_of_1, J),
        ("0.1", all_of_1, -np.log(σ(s[0] - q_c) * np.prod(1 - σ(s[1:] - q_neg)))),
        ("1.1", (u_w, v_c, W), tuple(gradients(lambda u, v, W: v @ W @ u, u_w, v_c, W))),
        ("1.2", (s[0], q_c), g[0]),
        ("1.3", (s[1:], q_neg), g[1:]),
        ("1.4", (g, Vt @ W), du_w),
        ("1.4", (g, [np.outer(v, u_w) for v in Vt]), dW),
        ("1.5", all_of_1, du_w),
        ("1.6", (u_w, v_c, W, q_c), dVt[0]),
        *(("1.7", (u_w, Vt[j], W, q[j]), dVt[j]) for j in range(1, n + 1)),
        ("1.8", all_of_1, dW),
        ("2.1", (v_c, v_neg, q_c, q_neg), (Vt, q, delta)),
        ("2.2", (s, q, delta), g),
        ("2.3", (g, u_w, Vt, W), (du_w, dVt, dW)),
        ("2.5", all_of_2, du_w),
        ("2.6", all_of_2, dVt),
        ("2.7", all_of_2, dW),
        ("5.6", (np.exp(q_c) / n, np.exp(q_neg) / n, n), nce(0 * u_w, Vt, W, q)),
    )
    alike(grads.lossAndGradient(u_w, Vt, W, q), (J, du_w, dVt, dW))

    steps = [rng.normal(size=x.shape) for x in (u_w, Vt, W)]
    dJ = sum(np.sum(G * dX) for G, dX in zip((du_w, dVt, dW), steps))
    check_formulas(("2.4", (g, u_w, Vt, W, *steps), (dJ, dJ)))


EXAMPLE = [np.array(x, float) for x in ([1, -2], [[1, 0], [0, 1]], [[1, 1], [0, 1]], [-1, -2])]


def test_the_example_with_numbers():
    u_w, Vt, W, q = EXAMPLE
    h, delta = [-1, -2], np.array([1, 0])
    a = g = [-1 / 2, 1 / 2]
    alike((W @ u_w, Vt @ h, f.formula_2_2(Vt @ h, q, delta), Vt.T @ g), (h, q, g, a))
    expected = 2 * np.log(2), [-1 / 2, 0], [[1 / 2, 1], [-1 / 2, -1]], [[-1 / 2, 1], [1 / 2, -1]]
    alike(grads.lossAndGradient(*EXAMPLE), expected)


def test_the_exercises_before_section_4():
    u_w, Vt, W, q = EXAMPLE
    b, s = np.array([0.3, -2]), Vt @ W @ u_w                                # exercise 1
    [db] = gradients(lambda b: nce_of_scores(s + b, q), b)
    check_formulas(("1.2", (s[0] + b[0], q[0]), db[0]), ("1.3", (s[1] + b[1], q[1]), db[1]))

    (v_c, v_neg), eye = Vt, np.eye(2)                                       # exercise 2
    check_formulas(
        ("1.5", (u_w, v_c, [v_neg], eye, 0, [0]), f.formula_g_2(v_c, [v_neg], u_w)),
        ("1.6", (u_w, v_c, eye, 0), f.formula_g_3(v_c, u_w)),
        ("1.7", (u_w, v_neg, eye, 0), f.formula_g_4(v_neg, u_w)),
    )
    _, du_w, dVt, dW = grads.lossAndGradient(u_w, Vt, 0 * W, q)             # exercise 3
    assert not du_w.any() and not dVt.any() and dW.all()

    three, g = [0, 1, 1], [-1 / 2, 1 / 2, 1 / 2]                            # exercise 4
    J, du_w, *_ = grads.lossAndGradient(u_w, Vt[three], W, q[three])
    got = J, f.formula_2_2(Vt[three] @ W @ u_w, q[three], np.eye(3)[0]), Vt[three].T @ g, du_w
    alike(got, (3 * np.log(2), g, [-1 / 2, 1], [-1 / 2, 1 / 2]))

    v, u = np.arange(3.), np.arange(2.)                                     # exercise 5
    alike(gradients(lambda W: v @ W @ u, np.ones((3, 2)))[0], np.outer(v, u))


@samples
def test_batch(n, M):
    S = 7
    u, Vt, W, q = observations(3, S, n=n, M=M)

    def mean_loss(u, Vt, W):
        return sum(nce(u[i], Vt[i], W, q[i]) for i in range(S)) / S

    du, dVt, dW = gradients(mean_loss, u, Vt, W)
    h = np.array([W @ u[i] for i in range(S)])
    s = np.array([Vt[i] @ h[i] for i in range(S)])
    [g] = gradients(lambda s: sum(map(nce_of_scores, s, q)) / S, s)
    a = np.array([Vt[i].T @ g[i] for i in range(S)])
    check_formulas(
        ("3.1", (u, W), h),
        ("3.2", (Vt, h), s),
        ("3.3", (s, q, np.eye(n + 1)[0]), (g, g)),
        ("3.4", (g, Vt), a),
        ("3.5", (a, W), du),
        ("3.6", (g, h), dVt),
        ("3.7", (a, u), dW),
    )
    alike(grads.lossAndGradientBatched(u, Vt, W, q), (mean_loss(u, Vt, W), du, dVt, dW))


# --- what the model means -----------------------------------------------------------------------

@counts
def test_optimum_of_nce(n, rng):
    p, q_c = P, np.log(n * NOISE)
    is_true = p / n / (p / n + NOISE)           # n draws of noise beside 1 of the truth
    [slopes] = gradients(lambda s: population(s, p, n * NOISE, q_c), SCORES)

    def without_logarithms(s):
        """Compute the sum of ∂J_w/∂s_c; each depends on no score but its own."""
        ratio = np.exp(s) / (n * NOISE)
        return np.sum(n * NOISE / (1 + 1 / ratio) - p / (1 + ratio))

    direction = rng.normal(size=(L, 3))
    [by_parameter] = gradients(
        lambda x: population(SCORES + direction @ x, p, n * NOISE, q_c), np.zeros(3))
    check_formulas(
        ("4.1", (p, NOISE, n), (is_true, is_true)),
        ("4.2", (SCORES, p, NOISE, n), population(SCORES, p, n * NOISE, q_c)),
        ("4.3", (SCORES, p, NOISE, n), slopes),
        ("4.4", (SCORES, p, NOISE, n), *gradients(without_logarithms, SCORES)),
        ("4.12", (SCORES, p, NOISE, n, direction), by_parameter),
        ("4.6", (ONE, f.formula_4_5(p)[:, None], ONE_BY_ONE), 1),
    )
    check_formulas(("4.5", (p,), best_scores(p, n * NOISE, q_c)),
                   ("4.8", (p, NOISE, n), best_scores(p, n * NOISE, 0)), tolerance=1e-9)
    alike(f.formula_4_8(p, NOISE, n) + q_c, f.formula_4_5(p))
    alike(best_scores(p, 2 * n * NOISE, q_c), np.log(p) - np.log(2), 1e-9)      # exercise 7
    alike(f.formula_4_8(NOISE, NOISE, n), np.full(L, -np.log(n)))               # exercise 8
    assert np.all(f.formula_4_3(10 * SCORES, 0, NOISE, n) > 0)                 # no minimum: p = 0


@pytest.mark.parametrize("n", [1, 2])
def test_population_is_the_mean_over_all_draws(n):
    V, q_c = SCORES[:, None], np.log(n * NOISE)
    free = redrawn = 0
    for c, *negatives in product(range(L), repeat=n + 1):
        J = nce(ONE, V[[c, *negatives]], ONE_BY_ONE, q_c[[c, *negatives]])
        free += P[c] * np.prod(NOISE[negatives]) * J
        if c not in negatives:
            redrawn += P[c] * np.prod(NOISE[negatives] / (1 - NOISE[c])) * J
    alike(f.formula_4_2(SCORES, P, NOISE, n), free)
    alike(population(SCORES, P, f.formula_4_9(P, NOISE, n), q_c), redrawn)


def test_normaliser(rng):
    U, V, W = rng.normal(size=(3, 4, 4))
    got = [f.formula_4_6(u_w, V, W) for u_w in U]
    alike((got, got), (np.exp(logsumexp(U @ W.T @ V.T, axis=1)), np.exp(log_normalisers(U, V, W))))


@samples
def test_negative_sampling(n, M):
    u_w, Vt, _, _, delta = observation(n, M)
    signs = np.where(delta, 1, -1)

    def loss(u_w, Vt):
        return -np.sum(np.log(σ(signs * (Vt @ u_w))))

    du_w, dVt = gradients(loss, u_w, Vt)
    as_nce = u_w, Vt[0], Vt[1:], np.eye(M), 0, np.zeros(n)
    check_formulas(
        ("4.7", (u_w, Vt[0], Vt[1:]), loss(u_w, Vt)),
        ("0.1", as_nce, loss(u_w, Vt)),
        ("1.5", as_nce, du_w),
        ("2.6", (u_w, Vt, np.eye(M), np.zeros(n + 1), delta), dVt),
    )


@counts
def test_negatives_that_differ_from_the_context_word(n):
    drawn = NOISE * (1 - np.eye(L))                         # a row for each context word
    r = n * P @ (drawn / drawn.sum(axis=1, keepdims=True))
    best = best_scores(P, r, np.log(n * NOISE))
    check_formulas(("4.9", (P, NOISE, n), r), ("4.10", (P, NOISE), np.exp(best)), tolerance=1e-9)
    low, high = f.formula_4_11(P, NOISE)
    assert np.all(low < np.exp(best)) and np.all(np.exp(best) < high)

    share = np.arange(1, L + 1) / 55                        # p(d), which unigram_floor uses
    contexts = np.repeat(np.arange(L), np.arange(1, L + 1))
    floor = unigram_floor(contexts, np.log(n * NOISE), n)
    r, best = f.formula_4_9(share, NOISE, n), np.log(f.formula_4_10(share, NOISE))
    alike(population(best, share, r, np.log(n * NOISE)), floor)
    alike(np.sum(entr(share) + entr(r) - entr(share + r)), floor)


def test_bounds_are_reached():
    even = np.full(L, 1 / L)                                # the lower one if all q[c] are equal
    check_formulas(("4.10", (P, even), f.formula_4_11(P, even)[0]))

    p = np.append(0, P[1:] / P[1:].sum())                   # the upper one if only such a word
    noise = np.array([1 - 9e-14] + [1e-14] * (L - 1))       # is drawn as a negative
    alike(f.formula_4_10(p, noise)[1:], f.formula_4_11(p, noise)[1][1:])

    p = np.array([0.01, 0.1, 0.3, 0.5])                     # the percentages in the text
    odds = f.formula_4_11(p, np.zeros(4))[1]
    assert np.round(100 * (odds / p - 1)).tolist() == [1, 11, 43, 100] and odds[3] == 1
    p = np.array([0.5, 0.3, 0.1, 0.1])                      # and exp(score) does not sum to 1
    assert sum(f.formula_4_10(p, np.full(4, 1e-9))) > 1.5


def test_negatives_that_are_different_from_each_other(rng):
    """What section 4 says of them: n words drawn by q, each again until it is a new one."""
    n = 3
    p, q = rng.dirichlet(np.ones(6)), np.sort(rng.dirichlet(np.ones(6)))
    is_drawn = np.zeros(6)                          # the probability that c is among them
    for words in permutations(range(6), n):
        left = 1 - np.cumsum([0, *q[list(words[:-1])]])
        is_drawn[list(words)] += np.prod(q[list(words)] / left)

    alike(is_drawn.sum(), float(n))
    assert is_drawn.max() < 1 < n * q.max()
    ratio = is_drawn / (n * q)
    assert np.all(np.diff(ratio) < 0)               # the more frequent, the less often
    assert ratio[0] > 1 > ratio[-1]
    alike(np.exp(best_scores(p, is_drawn, np.log(n * q))), p / ratio)
    alike(best_scores(p, is_drawn, np.log(is_drawn)), np.log(p))


def nce_fit(p, n, features, start):
    """Find the scores features @ u of the least population loss; the search begins at u = start."""
    def slopes(u):
        return f.formula_4_12(features @ u, p, NOISE, n, features)

    return features @ root(slopes, start, tol=1e-13).x


def test_nce_tends_to_the_naive_softmax(rng):
    """V W is fixed: the scores of ten words have three parameters, one a common shift."""
    features = rng.normal(size=(L, 3))
    features[:, 0] = 1
    features = features @ rng.normal(size=(3, 3))           # a combination of the columns is 1

    def cross_entropy(u):
        s = features @ u
        return -np.sum(P * np.log(np.exp(s) / np.sum(np.exp(s))))

    def slopes(u):
        return (softmax(features @ u) - P) @ features

    alike(gradients(cross_entropy, np.ones(3)), [slopes(np.ones(3))])
    by_softmax = root(slopes, np.zeros(3), tol=1e-13).x
    expected = softmax(features @ by_softmax)
    start, *_ = np.linalg.lstsq(features, np.log(expected))
    gap = np.array([abs(np.exp(nce_fit(P, n, features, start)) - expected).max()
                    for n in 10 ** np.arange(1, 7)])
    assert gap[0] > 1e-3 and gap[-1] < 1e-5
    assert np.all(abs(gap[1:-1] / gap[2:] - 10) < 1)        # the difference is of the order 1/n


def test_nce_without_a_constant_among_the_columns_does_not_tend_to_the_softmax(rng):
    columns = rng.normal(size=(L, 3))
    sums = []
    for shift in 1, 0.1, 0.01, 0:                   # how far the first column is from a constant
        features = np.column_stack([1 + shift * columns[:, 0], columns[:, 1:]])
        s = nce_fit(P, 10 ** 6, features, np.array([np.log(1 / L), 0, 0]))
        alike((np.exp(s) - P) @ features, np.zeros(3), 1e-4)
        sums.append(np.exp(s).sum())
    away = abs(np.array(sums) - 1)
    assert away[0] > 0.01 and away[-1] < 1e-5 and np.all(np.diff(away) < 0)


# --- W and the starting point -------------------------------------------------------------------

@samples
def test_a_step_of_u_and_v_is_a_preconditioned_step_without_w(n, M, rng):
    u_w, Vt, _, q, _ = observation(n, M)
    A, B = rng.normal(size=(2, M, M)) / np.sqrt(M)
    ut, Vtt, alpha = B @ u_w, Vt @ A.T, 0.1                 # without W, the model of ũ and ṽ
    dut, dVtt = gradients(lambda u, V: nce(u, V, np.eye(M), q), ut, Vtt)
    du_w, dVt = gradients(lambda u, V: nce(u, V, A.T @ B, q), u_w, Vt)      # with W = Aᵀ B
    check_formulas(("5.1", (ut, Vtt[0], A, B, alpha, dut, dVtt[0]),
                    (B @ (u_w - alpha * du_w), A @ (Vt[0] - alpha * dVt[0]))))


@pytest.mark.parametrize("w2, c2", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_a_step_does_to_other_scores(w2, c2, rng):
    k, g, alpha = 7., -0.3, 0.01
    U, V = rng.normal(size=(2, 2, 4))
    W = rng.normal(size=(4, 4))

    def first_order(W):
        """Compute Δs of (w', c') for a step on the pair of the first rows: α times ∂s/∂α."""
        def score(alpha):
            next_U, next_V = U.astype(complex), V.astype(complex)
            next_U[0] -= alpha * g * W.T @ V[0]
            next_V[0] -= alpha * g * W @ U[0]
            return next_V[c2] @ (W - alpha * g * np.outer(V[0], U[0])) @ next_U[w2]

        return alpha * gradients(score, 0.)[0]

    ut, vt, same = np.sqrt(k) * U, np.sqrt(k) * V, (w2 == 0, c2 == 0)
    check_formulas(
        ("5.2", (alpha, g, U[0], V[0], W, U[w2], V[c2], *same), first_order(W)),
        ("5.3", (alpha, g, ut[0], vt[0], k, ut[w2], vt[c2], *same), first_order(k * np.eye(4))),
    )


def test_the_unigram_start_is_the_unigram_model():
    freqs = 10 ** 6 // np.arange(1, 501)
    p = freqs / freqs.sum()
    U, V, W = unigram_start(freqs, 50, 1000, 5, np.random.default_rng(0))
    μ, β, k = U[0, 0], W[0, 0], W[1, 1]
    s = U @ W.T @ V.T
    check_formulas(*(("5.4", (μ, β, k, p[c], V[c, 1:], U[w, 1:]), s[w, c])
                     for w, c in product(range(0, 500, 50), repeat=2)))
    assert abs(s - np.log(p)).max() < 0.25

    slopes = gradients(lambda u, v, W: v @ W @ u, U[7], V[9], W)       # by u_w, v_c and W
    alike([slopes[0][0], slopes[1][0], slopes[2][0, 0]],
          [np.log(p[9]) / μ, μ * β, np.log(p[9]) / β])

    # μ and β are those of (5.7) but for the measured constants, and the three curvatures are equal.
    ell, even_β, even_μ = f.formula_5_7(p)
    alike((ell, β, μ), (np.sqrt(np.average(np.log(p) ** 2, weights=p)), 1.3 * even_β,
                        1.15 * np.sqrt(ell / β)))
    of_W = ell**2 / even_β**2
    alike((p.max() * ell**2 / even_μ**2, p.max() * even_μ**2 * even_β**2), (of_W, of_W))


def test_gradients_at_the_unigram_model(rng):
    n, p_of_w, conditional = 5, rng.dirichlet(np.ones(L)), rng.dirichlet(np.ones(L), size=L)
    p_c = p_of_w @ conditional                              # conditional has a row for each w
    for p in conditional:
        slopes = gradients(lambda s: population(s, p, n * NOISE, np.log(n * NOISE)), np.log(p_c))
        check_formulas(("5.5", (p, p_c, NOISE, n), *slopes))
    alike(p_of_w @ [f.formula_5_5(p, p_c, NOISE, n) for p in conditional], np.zeros(L))
