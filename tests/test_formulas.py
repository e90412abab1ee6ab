"""Each formula of solutions/tasks-1-2.typ, compared with something that does not use it.

That is a complex-step derivative, a minimum found by search, or the code of the project.
"""

import re
from collections import Counter
from itertools import permutations
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
from utils import extractDictionary, extractWordContextPairs

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [path for path in (ROOT / "solutions").glob("*.typ") if path.name != "style.typ"]
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in DOCUMENTS}
SIZES = [(n, M) for n in (1, 5, 20) for M in (1, 3, 50)]
X = np.array([-700, -30, -3, -0.5, -1e-9, 0, 0.3, 2, 25, 700.])
L = 10                                          # words, in the tests of what the model means
ONE, ONE_BY_ONE = np.ones(1), np.ones((1, 1))   # u_w and W that make the rows of V the scores


def alike(got, expected, tolerance=1e-10):
    np.testing.assert_allclose(got, expected, tolerance, tolerance)
    assert np.shape(got) == np.shape(expected)


def all_alike(got, expected):
    for one, right in zip(got, expected, strict=True):
        alike(one, right)


def sigmoid(x):
    """Compute σ(x), also of complex x."""
    return 1 / (1 + np.exp(-x))


def loss(u_w, Vt, W, q):
    """Compute J of one observation, also of complex arguments."""
    x = Vt @ W @ u_w - q
    return np.log(1 + np.exp(-x[0])) + np.sum(np.log(1 + np.exp(x[1:])))


def loss_of_scores(s, q):
    """Compute J of one observation with the scores s."""
    return loss(ONE, s[:, None], ONE_BY_ONE, q)


def symbols(u_w, Vt, W, q):
    """Return u_w, v_c, the v_c̄j, W, q_c and the q_c̄j, as (0.1), (1.5) and (1.8) take them."""
    return u_w, Vt[0], Vt[1:], W, q[0], q[1:]


def formulas_1_6_and_1_7(u_w, Vt, W, q):
    """Compute the derivatives by the rows of Ṽ, each by its formula of task 1."""
    by_v_c = f.formula_1_6(u_w, Vt[0], W, q[0])
    by_negatives = [f.formula_1_7(u_w, v_j, W, q_j) for v_j, q_j in zip(Vt[1:], q[1:])]
    return [by_v_c, *by_negatives]


@pytest.fixture(params=SIZES, ids=lambda size: "n={} M={}".format(*size))
def sample(request):
    """u_w, Ṽ, W, q̄, with scores that are not all far from 0."""
    n, M = request.param
    u_w, Vt, W, q = observations(n, n=n, M=M)
    return u_w / M, Vt, W, q


@pytest.fixture
def vocabulary():
    """p(c|w), q[c] and scores of ten words."""
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.ones(L))
    q = rng.dirichlet(np.full(L, 3))
    s = rng.normal(size=L) - 2
    return p, q, s


def population(s, p, r, offset):
    """Compute E J of one target word, whose negative is word c r[c] times on average."""
    return np.sum(p * np.log(1 + np.exp(offset - s)) + r * np.log(1 + np.exp(s - offset)))


def population_slopes(s, p, r, offset):
    """Compute the derivatives of the population loss by the scores."""
    return derivative(lambda Z: population(Z, p, r, offset), s)


def best_scores(p, r, offset):
    """Find the scores at which the population loss is least."""
    found = root(population_slopes, np.log(p), args=(p, r, offset), tol=1e-13)
    assert found.success
    return found.x


# --- the documents and formulas.py --------------------------------------------------------------

def test_every_number_has_one_function_and_every_function_a_number():
    numbers = []
    for text in SOURCES.values():
        numbers += re.findall(r'(?:eq|row)\(\s*"([^"]+)"', text)
    assert len(numbers) == len(set(numbers)) > 40

    expected = {"formula_" + number.replace(".", "_") for number in numbers}
    functions = {name for name in vars(f) if name.startswith("formula_")}
    assert functions == expected


def test_the_quoted_lines_are_lines_of_grads():
    quoted = re.findall(r'row\("3\.\d", "((?:[^"\\]|\\.)+)"', SOURCES["tasks-1-2.typ"])
    assert len(quoted) == 7

    code = (ROOT / "grads.py").read_text(encoding="utf-8")
    code = code.partition("def lossAndGradientBatched")[2]
    lines = {line.partition("#")[0].strip() for line in code.splitlines()}
    for line in quoted:
        assert line.replace('\\"', '"') in lines


# --- the idea, and notation -----------------------------------------------------------------------

def test_the_pairs_of_the_sentence():
    sentence = "<START> през януари цената на петрола падна <END>".split()
    text = SOURCES["tasks-1-2.typ"]
    boxes = re.findall(r"^  word\((?:target: true\))?[`[*]*([^`\]*]+)|^  word\[(.+?)\]", text, re.M)
    assert [a or b for a, b in boxes] == sentence

    words, word2ind, _ = extractDictionary([sentence])
    pairs = [(words[w], words[c]) for w, c in extractWordContextPairs([sentence], 3, word2ind)]
    expected = [c for w, c in pairs if w == "цената"]
    told = re.findall(r"\(цената, `?([^`)]+)`?\)", text)
    assert len(expected) == 6 and Counter(told) == Counter(2 * expected)      # in two languages


def test_the_question_and_the_noise_in_numbers():
    alike(f.formula_4_1(0.3, 0.1, 5), [0.375, 0.375])
    q = np.exp(noiseDistribution([90_000_000, 9_000_000, 1_000_000], 5)) / 5
    assert np.round(q, 3).tolist() == [0.825, 0.147, 0.028]


def test_sigma():
    with np.errstate(over="raise"):
        alike(f.formula_0_2(X), sigmoid(X))
        alike(f.formula_0_3(X), 1 - sigmoid(X))
    near = X[abs(X) < 100]
    alike(f.formula_0_4(near) * sigmoid(-near), sigmoid(near))
    alike(f.formula_0_5(near), derivative(lambda x: sigmoid(x).sum(), near))
    alike(f.formula_0_6(near), derivative(lambda x: -np.log(1 + np.exp(-x)).sum(), near))
    assert f.formula_0_2(-1e4) == 0 and f.formula_0_2(1e4) == 1


# --- tasks 1 and 2 ------------------------------------------------------------------------------

def test_task_1(sample):
    J = f.formula_0_1(*symbols(*sample))
    alike(J, loss(*sample))
    alike(J, grads.lossAndGradient(*sample)[0])

    u_w, Vt, W, q = sample
    v = Vt[0]
    ds_du, ds_dv, ds_dW = f.formula_1_1(u_w, v, W)
    alike(ds_du, derivative(lambda Z: v @ W @ Z, u_w))
    alike(ds_dv, derivative(lambda Z: Z @ W @ u_w, v))
    alike(ds_dW, derivative(lambda Z: v @ Z @ u_w, W))

    du_w = derivative(lambda Z: loss(Z, Vt, W, q), u_w)
    dVt = derivative(lambda Z: loss(u_w, Z, W, q), Vt)
    dW = derivative(lambda Z: loss(u_w, Vt, Z, q), W)

    s = Vt @ W @ u_w
    dJ_ds = derivative(lambda Z: loss_of_scores(Z, q), s)
    alike(f.formula_1_2(s[0], q[0]), dJ_ds[0])
    alike(f.formula_1_3(s[1:], q[1:]), dJ_ds[1:])
    alike(f.formula_1_4(dJ_ds, Vt @ W), du_w)
    alike(f.formula_1_4(dJ_ds, [np.outer(v, u_w) for v in Vt]), dW)

    alike(f.formula_1_5(*symbols(*sample)), du_w)
    alike(formulas_1_6_and_1_7(*sample), dVt)
    alike(f.formula_1_8(*symbols(*sample)), dW)


def test_task_2(sample):
    u_w, Vt, W, q = sample
    got_Vt, got_q, delta = f.formula_2_1(Vt[0], Vt[1:], q[0], q[1:])
    alike(got_Vt, Vt)
    alike(got_q, q)
    alike(delta, np.arange(len(q)) == 0)

    s = Vt @ W @ u_w
    alike(f.formula_2_2(s, q, delta), derivative(lambda Z: loss_of_scores(Z, q), s))

    du_w = f.formula_2_5(u_w, Vt, W, q, delta)
    dVt = f.formula_2_6(u_w, Vt, W, q, delta)
    dW = f.formula_2_7(u_w, Vt, W, q, delta)
    alike(du_w, f.formula_1_5(*symbols(*sample)))
    alike(dVt, formulas_1_6_and_1_7(*sample))
    alike(dW, f.formula_1_8(*symbols(*sample)))
    all_alike((du_w, dVt, dW), grads.lossAndGradient(*sample)[1:])


def test_task_2_by_indices_and_by_differentials(sample):
    *parameters, q = sample
    u_w, Vt, W = parameters
    g = sigmoid(Vt @ W @ u_w - q) - (np.arange(len(q)) == 0)
    _, *gradients = grads.lossAndGradient(*sample)
    all_alike(f.formula_2_3(g, *parameters), gradients)

    rng = np.random.default_rng(0)
    steps = [rng.normal(size=parameter.shape) for parameter in parameters]
    moved = [parameter + 1e-30j * step for parameter, step in zip(parameters, steps)]
    dJ = loss(*moved, q).imag / 1e-30
    alike(f.formula_2_4(g, *parameters, *steps), [dJ, dJ])
    alike(sum(np.sum(G * dX) for G, dX in zip(gradients, steps)), dJ)


EXAMPLE = [np.array(x, float) for x in ([1, -2], [[1, 0], [0, 1]], [[1, 1], [0, 1]], [-1, -2])]


def test_the_example_with_numbers():
    u_w, Vt, W, q = EXAMPLE
    h, delta = [-1, -2], np.array([1, 0])
    a = g = [-1 / 2, 1 / 2]
    alike(W @ u_w, h)
    alike(Vt @ h, q)
    alike(f.formula_2_2(Vt @ h, q, delta), g)
    alike(Vt.T @ g, a)

    expected = 2 * np.log(2), [-1 / 2, 0], [[1 / 2, 1], [-1 / 2, -1]], [[-1 / 2, 1], [1 / 2, -1]]
    all_alike(grads.lossAndGradient(*EXAMPLE), expected)


def test_the_exercises_before_section_4():
    u_w, Vt, W, q = EXAMPLE
    bias = np.array([0.3, -2])                                              # exercise 1
    by_bias = derivative(lambda b: loss_of_scores(Vt @ W @ u_w + b, q), bias)
    s = Vt @ W @ u_w + bias
    alike([f.formula_1_2(s[0], q[0]), f.formula_1_3(s[1], q[1])], by_bias)

    v_c, v_neg = Vt                                                         # exercise 2
    alike(f.formula_1_5(u_w, v_c, [v_neg], np.eye(2), 0, [0]), f.formula_g_2(v_c, [v_neg], u_w))
    alike(f.formula_1_6(u_w, v_c, np.eye(2), 0), f.formula_g_3(v_c, u_w))
    alike(f.formula_1_7(u_w, v_neg, np.eye(2), 0), f.formula_g_4(v_neg, u_w))

    _, du_w, dVt, dW = grads.lossAndGradient(u_w, Vt, 0 * W, q)             # exercise 3
    assert not du_w.any() and not dVt.any() and dW.all()

    J, du_w, *_ = grads.lossAndGradient(u_w, Vt[[0, 1, 1]], W, q[[0, 1, 1]])    # exercise 4
    alike(J, 3 * np.log(2))
    alike(du_w, [-1 / 2, 1 / 2])
    a = Vt[[0, 1, 1]].T @ [-1 / 2, 1 / 2, 1 / 2]
    alike(a, [-1 / 2, 1])
    alike(W.T @ a, du_w)

    v, u, W = np.arange(3.), np.arange(2.), np.ones((3, 2))                 # exercise 5
    alike(derivative(lambda W: v @ W @ u, W), np.outer(v, u))


@pytest.mark.parametrize("n, M", [(1, 3), (5, 4), (20, 1)])
def test_batch(n, M):
    S = 7
    u, Vt, W, q = observations(3, S, n=n, M=M)
    delta = np.arange(n + 1) == 0

    h = f.formula_3_1(u, W)
    s = f.formula_3_2(Vt, h)
    by_sign, g = f.formula_3_3(s, q, delta)
    a = f.formula_3_4(g, Vt)
    alike(h, [W @ u[i] for i in range(S)])
    alike(s, [Vt[i] @ W @ u[i] for i in range(S)])
    alike(g, [f.formula_2_2(s[i], q[i], delta) / S for i in range(S)])
    alike(by_sign, g)
    alike(a, [Vt[i].T @ g[i] for i in range(S)])

    du = f.formula_3_5(a, W)
    dVt = f.formula_3_6(g, h)
    dW = f.formula_3_7(a, u)
    all_alike((du, dVt, dW), grads.lossAndGradientBatched(u, Vt, W, q)[1:])

    singles = [(u[i], Vt[i], W, q[i], delta) for i in range(S)]
    alike(du, [f.formula_2_5(*single) / S for single in singles])
    alike(dVt, [f.formula_2_6(*single) / S for single in singles])
    alike(dW, np.mean([f.formula_2_7(*single) for single in singles], axis=0))


def test_stable_cost():
    alike(f.formula_3_8(X), np.log(1 + np.exp(X)))
    assert f.formula_3_8(1e4) == 1e4
    above = -np.log(sigmoid(X)) - np.maximum(-X, 0)         # what figure 1 says of it
    assert above.max() == pytest.approx(np.log(2)) and X[above.argmax()] == 0


# --- what the model means -----------------------------------------------------------------------

@pytest.mark.parametrize("n", [1, 5, 20])
def test_optimum_of_nce(vocabulary, n):
    p, q, s = vocabulary
    q_c = np.log(n * q)
    is_true = p / n / (p / n + q)               # n draws of noise beside 1 of the truth
    by_bayes, by_sigma = f.formula_4_1(p, q, n)
    alike(by_bayes, is_true)
    alike(by_sigma, is_true)
    alike(f.formula_4_2(s, p, q, n), population(s, p, n * q, q_c))
    alike(f.formula_4_3(s, p, q, n), population_slopes(s, p, n * q, q_c))

    def slopes(s):
        """Compute ∂J_w/∂s_c without logarithms; each depends on no score but its own."""
        of_truth = -p / (1 + np.exp(s) / (n * q))
        of_noise = n * q / (1 + n * q / np.exp(s))
        return of_truth + of_noise

    alike(f.formula_4_4(s, p, q, n), derivative(lambda Z: slopes(Z).sum(), s))

    best = f.formula_4_5(p)
    alike(best, best_scores(p, n * q, q_c), 1e-9)
    alike(best_scores(p, 2 * n * q, q_c), best - np.log(2), 1e-9)           # exercise 7
    alike(f.formula_4_6(ONE, best[:, None], ONE_BY_ONE), 1)


@pytest.mark.parametrize("n", [1, 2])
def test_population_is_the_mean_over_all_draws(vocabulary, n):
    p, q, s = vocabulary
    V, q_c = s[:, None], np.log(n * q)
    free = redrawn = 0
    for c, *negatives in np.ndindex((L,) * (n + 1)):
        J = f.formula_0_1(ONE, V[c], V[negatives], ONE_BY_ONE, q_c[c], q_c[negatives])
        free += p[c] * np.prod(q[negatives]) * J
        if c not in negatives:
            redrawn += p[c] * np.prod(q[negatives] / (1 - q[c])) * J
    alike(f.formula_4_2(s, p, q, n), free)
    alike(population(s, p, f.formula_4_9(p, q, n), q_c), redrawn)


def test_normaliser():
    rng = np.random.default_rng(1)
    U, V, W = rng.normal(size=(L, 3)), rng.normal(size=(L, 3)), rng.normal(size=(3, 3))
    got = [f.formula_4_6(u_w, V, W) for u_w in U]
    alike(got, np.exp(logsumexp(U @ W.T @ V.T, axis=1)))
    alike(got, np.exp(log_normalisers(U, V, W)))


def test_negative_sampling(sample, vocabulary):
    u_w, Vt, _, q = sample
    n, M = len(q) - 1, len(u_w)
    W, q = np.eye(M), np.zeros(n + 1)           # which make it of noise contrastive estimation
    delta = np.arange(n + 1) == 0

    def negative_sampling(u_w, Vt):
        signs = np.where(delta, 1, -1)
        return -np.sum(np.log(sigmoid(signs * (Vt @ u_w))))

    J = f.formula_4_7(u_w, Vt[0], Vt[1:])
    alike(J, negative_sampling(u_w, Vt))
    alike(J, f.formula_0_1(*symbols(u_w, Vt, W, q)))

    du_w = derivative(lambda Z: negative_sampling(Z, Vt), u_w)
    dVt = derivative(lambda Z: negative_sampling(u_w, Z), Vt)
    alike(f.formula_1_5(*symbols(u_w, Vt, W, q)), du_w)
    alike(formulas_1_6_and_1_7(u_w, Vt, W, q), dVt)
    alike(f.formula_2_6(u_w, Vt, W, q, delta), dVt)

    p, noise, _ = vocabulary
    best = f.formula_4_8(p, noise, n)
    alike(best, best_scores(p, n * noise, 0), 1e-9)
    alike(best + np.log(n * noise), f.formula_4_5(p))
    alike(f.formula_4_8(noise, noise, n), np.full(L, -np.log(n)))           # exercise 8


@pytest.mark.parametrize("n", [1, 5, 20])
def test_negatives_that_differ_from_the_context_word(vocabulary, n):
    p, q, _ = vocabulary
    drawn = q * (1 - np.eye(L))                             # a row for each context word
    r = n * p @ (drawn / drawn.sum(axis=1, keepdims=True))
    alike(f.formula_4_9(p, q, n), r)
    exp_s = f.formula_4_10(p, q)
    alike(exp_s, np.exp(best_scores(p, r, np.log(n * q))), 1e-9)
    low, high = f.formula_4_11(p, q)
    assert np.all(low < exp_s) and np.all(exp_s < high)


def test_bounds_are_reached():
    p = np.random.default_rng(2).dirichlet(np.ones(L))
    q = np.full(L, 1 / L)                                   # the lower one if all q[c] are equal
    low, _ = f.formula_4_11(p, q)
    alike(f.formula_4_10(p, q), low)

    p[0] = 0                                                # the upper one if only such a word
    p = p / p.sum()                                         # is drawn as a negative
    q = np.array([1 - 9e-14] + [1e-14] * (L - 1))
    _, high = f.formula_4_11(p, q)
    alike(f.formula_4_10(p, q)[1:], high[1:])

    p = np.array([0.01, 0.1, 0.3, 0.5])                     # the percentages in the text
    _, odds = f.formula_4_11(p, np.zeros(4))
    assert np.round(100 * (odds / p - 1)).tolist() == [1, 11, 43, 100]
    p = np.array([0.5, 0.3, 0.1, 0.1])                      # and exp(score) does not sum to 1
    assert sum(f.formula_4_10(p, np.full(4, 1e-9))) > 1.5


def test_negatives_that_are_different_from_each_other():
    """What section 4 says of them: n words drawn by q, each again until it is a new one."""
    n = 3
    rng = np.random.default_rng(8)
    p, q = rng.dirichlet(np.ones(6)), np.sort(rng.dirichlet(np.ones(6)))
    is_drawn = np.zeros(6)                          # the probability that c is among them
    for words in permutations(range(6), n):
        probability, rest = 1., 1.
        for word in words:
            probability *= q[word] / rest
            rest -= q[word]
        is_drawn[list(words)] += probability

    alike(is_drawn.sum(), float(n))
    assert is_drawn.max() < 1 < n * q.max()
    ratio = is_drawn / (n * q)
    assert np.all(np.diff(ratio) < 0)               # the more frequent, the less often
    assert ratio[0] > 1 > ratio[-1]
    best = best_scores(p, is_drawn, np.log(n * q))
    alike(np.exp(best), p * n * q / is_drawn)
    alike(best_scores(p, is_drawn, np.log(is_drawn)), np.log(p))


def test_the_unigram_floor_is_the_loss_at_the_best_scores():
    n = 5
    counts = np.arange(1, L + 1)
    p = counts / counts.sum()
    q = np.random.default_rng(3).dirichlet(np.ones(L))
    contexts = np.repeat(np.arange(L), counts)
    floor = unigram_floor(contexts, np.log(n * q), n)

    r = f.formula_4_9(p, q, n)
    best = np.log(f.formula_4_10(p, q))
    alike(population(best, p, r, np.log(n * q)), floor)
    alike(np.sum(entr(p) + entr(r) - entr(p + r)), floor)


@pytest.mark.parametrize("n", [1, 5, 20])
def test_gradient_by_a_parameter_of_the_scores(vocabulary, n):
    p, q, s = vocabulary
    slopes = np.random.default_rng(0).normal(size=(L, 3))

    def loss_of_parameter(x):
        return population(s + slopes @ x, p, n * q, np.log(n * q))

    alike(f.formula_4_12(s, p, q, n, slopes), derivative(loss_of_parameter, np.zeros(3)))


def softmax_fit(p, features):
    """Find the probabilities softmax(features @ h) of the least cross-entropy with p."""
    found = root(lambda h: (softmax(features @ h) - p) @ features, features[0] * 0, tol=1e-13)
    assert found.success
    return softmax(features @ found.x)


def nce_fit(p, q, n, features, start):
    """Find the scores features @ u of the least population loss; the search begins at u = start."""
    def loss_of(u):
        return population(features @ u, p, n * q, np.log(n * q))

    return features @ root(lambda u: derivative(loss_of, u), start, tol=1e-13).x


def test_nce_tends_to_the_naive_softmax():
    """V and W are fixed: the scores of ten words have three parameters, one a common shift."""
    rng = np.random.default_rng(5)
    V, W = rng.normal(size=(L, 3)), rng.normal(size=(3, 3))
    V[:, 0] = 1
    q = rng.dirichlet(np.full(L, 3))
    gaps = []
    for p in rng.dirichlet(np.ones(L), size=L):
        expected = softmax_fit(p, V[:, 1:])                 # a shift changes nothing here
        start, *_ = np.linalg.lstsq(V @ W, np.log(expected))
        for n in 10 ** np.arange(1, 7):
            s = nce_fit(p, q, n, V @ W, start)
            alike(f.formula_4_12(s, p, q, n, V @ W), np.zeros(3), 1e-8)
            gaps.append(abs(np.exp(s) - expected).max())

    gap = np.reshape(gaps, (L, 6)).max(axis=0)              # of each n
    assert gap[0] > 1e-2 and gap[-1] < 1e-5
    assert np.all(abs(gap[1:-1] / gap[2:] - 10) < 1)        # the difference is of the order 1/n


def test_nce_without_a_constant_among_the_columns_does_not_tend_to_the_softmax():
    """V W has no combination of its columns that is 1 for every word, so Z_w is not 1."""
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(L, 3))
    p, q = rng.dirichlet(np.ones(L)), rng.dirichlet(np.full(L, 3))
    sums = []
    for shift in 1, 0.1, 0.01, 0:                   # how far the first column is from a constant
        features = columns.copy()
        features[:, 0] = 1 + shift * columns[:, 0]
        s = nce_fit(p, q, 10 ** 6, features, np.array([np.log(1 / L), 0, 0]))
        alike((np.exp(s) - p) @ features, np.zeros(3), 1e-4)
        sums.append(np.exp(s).sum())
    away = abs(np.array(sums) - 1)
    assert away[0] > 0.01 and away[-1] < 1e-5
    assert np.all(np.diff(away) < 0)


# --- W and the starting point -------------------------------------------------------------------

def test_a_step_of_u_and_v_is_a_preconditioned_step_without_w(sample):
    u_w, Vt, _, q = sample
    M, alpha = len(u_w), 0.1
    A, B = np.random.default_rng(0).normal(size=(2, M, M)) / np.sqrt(M)

    # Without W, the model of ũ = B u and ṽ = A v.
    ut, Vtt = B @ u_w, Vt @ A.T
    dut = derivative(lambda Z: loss(Z, Vtt, np.eye(M), q), ut)
    dVtt = derivative(lambda Z: loss(ut, Z, np.eye(M), q), Vtt)
    next_ut, next_vt = f.formula_5_1(ut, Vtt[0], A, B, alpha, dut, dVtt[0])

    # With W = Aᵀ B, a plain step.
    du_w = derivative(lambda Z: loss(Z, Vt, A.T @ B, q), u_w)
    dVt = derivative(lambda Z: loss(u_w, Z, A.T @ B, q), Vt)
    alike(next_ut, B @ (u_w - alpha * du_w))
    alike(next_vt, A @ (Vt[0] - alpha * dVt[0]))


@pytest.mark.parametrize("w2", [0, 1])
@pytest.mark.parametrize("c2", [0, 1])
def test_what_a_step_does_to_other_scores(w2, c2):
    rng = np.random.default_rng(6)
    k, g, alpha = 7., -0.3, 0.01
    U, V = rng.normal(size=(2, 2, 4))
    W = rng.normal(size=(4, 4))

    def first_order(U, V, W):
        """Compute Δs of (w', c') for a step on the pair of the first rows: α times ∂s/∂α."""
        def score(alpha):
            next_U, next_V = U.astype(complex), V.astype(complex)
            next_U[0] -= alpha * g * W.T @ V[0]
            next_V[0] -= alpha * g * W @ U[0]
            next_W = W - alpha * g * np.outer(V[0], U[0])
            return next_V[c2] @ next_W @ next_U[w2]

        return alpha * score(1e-30j).imag / 1e-30

    got = f.formula_5_2(alpha, g, U[0], V[0], W, U[w2], V[c2], w2 == 0, c2 == 0)
    alike(got, first_order(U, V, W))
    ut, vt = np.sqrt(k) * U, np.sqrt(k) * V
    got = f.formula_5_3(alpha, g, ut[0], vt[0], k, ut[w2], vt[c2], w2 == 0, c2 == 0)
    alike(got, first_order(U, V, k * np.eye(4)))


def test_the_unigram_start_is_the_unigram_model():
    freqs = 10 ** 6 // np.arange(1, 501)
    p = freqs / freqs.sum()
    U, V, W = unigram_start(freqs, 50, 1000, 5, np.random.default_rng(0))
    a, b, k = U[0, 0], W[0, 0], W[1, 1]

    def score(w, c):
        return f.formula_5_4(U[w, 0], b, k, p[c], V[c, 1:], U[w, 1:])

    words = range(0, 500, 10)
    s = np.array([[score(w, c) for c in words] for w in words])
    alike(s, U[::10] @ W.T @ V[::10].T)
    assert abs(s - np.log(p[::10])).max() < 0.2

    # a and b are those of (5.7) but for the measured constants.
    ell, even_b, even_a = f.formula_5_7(p)
    alike(ell, np.sqrt(np.average(np.log(p) ** 2, weights=p)))
    alike(b, 1.3 * even_b)
    alike(a, 1.15 * np.sqrt(ell / b))
    alike(even_a * np.sqrt(even_b), a * np.sqrt(b) / 1.15)

    # The three curvatures are equal.
    of_W = ell**2 / even_b**2
    alike(p.max() * ell**2 / even_a**2, of_W)
    alike(p.max() * even_a**2 * even_b**2, of_W)


def test_gradients_at_the_unigram_model():
    n = 5
    rng = np.random.default_rng(7)
    p_of_w = rng.dirichlet(np.ones(L))
    conditional = rng.dirichlet(np.ones(L), size=L)         # a row for each w
    q = rng.dirichlet(np.ones(L))
    p = p_of_w @ conditional

    got = [f.formula_5_5(p_w, p, q, n) for p_w in conditional]
    q_c = np.log(n * q)
    alike(got, [population_slopes(np.log(p), p_w, n * q, q_c) for p_w in conditional])
    alike(p_of_w @ got, np.zeros(L))


def test_loss_at_scores_of_zero(sample):
    u_w, Vt, W, q = sample
    n = len(q) - 1
    noise = np.exp(q) / n
    alike(f.formula_5_6(noise[0], noise[1:], n), loss(0 * u_w, Vt, W, q))
