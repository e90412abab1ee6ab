"""Each formula of solutions/tasks-1-2.typ beside complex-step derivatives, a minimum found by search, or the code."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import root
from scipy.special import entr, logsumexp, softmax

import grads
import run
from solutions import formulas as f
from test import derivative, observations

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "solutions").glob("*.typ")
           if path.name != "style.typ"}
SIZES = [(n, M) for n in (1, 5, 20) for M in (1, 3, 50)]
X = np.array([-700, -30, -3, -0.5, -1e-9, 0, 0.3, 2, 25, 700.])
L = 10                                          # the vocabulary of the tests of what the model means


def alike(came, expected, tolerance=1e-10):
    np.testing.assert_allclose(came, expected, tolerance, tolerance)
    assert np.shape(came) == np.shape(expected)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))                 # also of complex x


def loss(u_w, Vt, W, q):
    """J of one observation, also of complex arguments."""
    x = Vt @ W @ u_w - q
    return np.log(1 + np.exp(-x[0])) + np.sum(np.log(1 + np.exp(x[1:])))


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
    return rng.dirichlet(np.ones(L)), rng.dirichlet(np.full(L, 3)), rng.normal(size=L) - 2


def population(s, p, r, offset):
    """E J of one target word, whose negative is word c r[c] times on average."""
    return np.sum(p * np.log(1 + np.exp(offset - s)) + r * np.log(1 + np.exp(s - offset)))


def best_scores(p, r, offset):
    """Where the population loss is least."""
    found = root(lambda s: derivative(lambda s: population(s, p, r, offset), s), np.log(p), tol=1e-13)
    assert found.success
    return found.x


# --- the documents and formulas.py --------------------------------------------------------------------------------

def test_every_number_has_one_function_and_every_function_a_number():
    numbers = [number for text in SOURCES.values() for number in re.findall(r'(?:eq|row)\(\s*"([^"]+)"', text)]
    assert len(numbers) == len(set(numbers)) > 40
    functions = [name.removeprefix("formula_") for name in vars(f) if name.startswith("formula_")]
    assert {number.replace(".", "_") for number in numbers} == set(functions)


def test_the_quoted_lines_are_lines_of_grads():
    quoted = re.findall(r'row\("3\.\d", "((?:[^"\\]|\\.)+)"', SOURCES["tasks-1-2.typ"])
    code = (ROOT / "grads.py").read_text(encoding="utf-8").partition("def lossAndGradientBatched")[2]
    assert len(quoted) == 7
    assert all(line.replace('\\"', '"') in code for line in quoted)


# --- notation -----------------------------------------------------------------------------------------------------

def test_loss(sample):
    u_w, Vt, W, q = sample
    alike(f.formula_0_1(u_w, Vt[0], Vt[1:], W, q[0], q[1:]), loss(u_w, Vt, W, q))
    alike(f.formula_0_1(u_w, Vt[0], Vt[1:], W, q[0], q[1:]), grads.lossAndGradient(u_w, Vt, W, q)[0])


def test_sigma():
    with np.errstate(over="raise"):
        alike(f.formula_0_2(X), sigmoid(X))
        alike(f.formula_0_3(X), 1 - sigmoid(X))
    near = X[abs(X) < 100]
    alike(f.formula_0_4(near) * sigmoid(-near), sigmoid(near))
    alike(f.formula_0_5(near), derivative(lambda x: sigmoid(x).sum(), near))
    alike(f.formula_0_6(near), derivative(lambda x: -np.log(1 + np.exp(-x)).sum(), near))
    assert f.formula_0_2(-1e4) == 0 and f.formula_0_2(1e4) == 1


# --- tasks 1 and 2 ------------------------------------------------------------------------------------------------

def test_scores(sample):
    u, (v, *_), W, _ = sample
    gradients = [derivative(lambda Z: v @ W @ Z, u), derivative(lambda Z: Z @ W @ u, v),
                 derivative(lambda Z: v @ Z @ u, W)]
    for came, expected in zip(f.formula_1_1(u, v, W), gradients, strict=True):
        alike(came, expected)


def test_task_1(sample):
    u_w, Vt, W, q = sample
    du_w, dVt, dW = (derivative(lambda Z: loss(Z, Vt, W, q), u_w), derivative(lambda Z: loss(u_w, Z, W, q), Vt),
                     derivative(lambda Z: loss(u_w, Vt, Z, q), W))
    s = Vt @ W @ u_w
    by_score = derivative(lambda Z: loss(np.ones(1), Z[:, None], np.ones((1, 1)), q), s)
    alike(f.formula_1_2(s[0], q[0]), by_score[0])
    alike(f.formula_1_3(s[1:], q[1:]), by_score[1:])
    alike(f.formula_1_4(by_score, Vt @ W), du_w)
    alike(f.formula_1_4(by_score, [np.outer(v, u_w) for v in Vt]), dW)
    words = u_w, Vt[0], Vt[1:], W, q[0], q[1:]
    alike(f.formula_1_5(*words), du_w)
    alike(f.formula_1_6(u_w, Vt[0], W, q[0]), dVt[0])
    for j in range(1, len(q)):
        alike(f.formula_1_7(u_w, Vt[j], W, q[j]), dVt[j])
    alike(f.formula_1_8(*words), dW)


def test_task_2(sample):
    u_w, Vt, W, q = sample
    came = f.formula_2_1(Vt[0], Vt[1:], q[0], q[1:])
    for part, expected in zip(came, (Vt, q, np.arange(len(q)) == 0), strict=True):
        alike(part, expected)
    Vt, q, delta = came
    words = u_w, Vt[0], Vt[1:], W, q[0], q[1:]
    alike(f.formula_2_2(Vt @ W @ u_w, q, delta),
          derivative(lambda Z: loss(np.ones(1), Z[:, None], np.ones((1, 1)), q), Vt @ W @ u_w))
    alike(f.formula_2_5(u_w, Vt, W, q, delta), f.formula_1_5(*words))
    by_word = [f.formula_1_6(u_w, Vt[0], W, q[0]), *(f.formula_1_7(u_w, v, W, b) for v, b in zip(Vt[1:], q[1:]))]
    alike(f.formula_2_6(u_w, Vt, W, q, delta), by_word)
    alike(f.formula_2_7(u_w, Vt, W, q, delta), f.formula_1_8(*words))
    _, *right = grads.lossAndGradient(u_w, Vt, W, q)
    for formula, gradient in zip((f.formula_2_5, f.formula_2_6, f.formula_2_7), right, strict=True):
        alike(formula(u_w, Vt, W, q, delta), gradient)


def test_differentials(sample):
    u_w, Vt, W, q = sample
    rng = np.random.default_rng(0)
    steps = [rng.normal(size=X.shape) for X in (u_w, Vt, W)]
    moved = [X + 1e-30j * step for X, step in zip((u_w, Vt, W), steps)]
    dJ = loss(*moved, q).imag / 1e-30
    g = sigmoid(Vt @ W @ u_w - q) - (np.arange(len(q)) == 0)
    for formula in f.formula_2_3, f.formula_2_4:
        alike(formula(g, u_w, Vt, W, *steps), dJ)


@pytest.mark.parametrize("n, M", [(1, 3), (5, 4), (20, 1)])
def test_batch(n, M):
    u, Vt, W, q = observations(3, 7, n=n, M=M)
    delta = np.arange(n + 1) == 0
    J, du, dVt, dW = grads.lossAndGradientBatched(u, Vt, W, q)
    h = f.formula_3_1(u, W)
    alike(h, [W @ u_w for u_w in u])
    s = f.formula_3_2(Vt, h)
    alike(s, [V @ W @ u_w for V, u_w in zip(Vt, u)])
    g = f.formula_3_3(s, q, delta)
    alike(g, [f.formula_2_2(s[i], q[i], delta) / 7 for i in range(7)])
    a = f.formula_3_4(g, Vt)
    alike(a, [V.T @ b for V, b in zip(Vt, g)])
    alike(f.formula_3_5(a, W), du)
    alike(f.formula_3_6(g, h), dVt)
    alike(f.formula_3_7(a, u), dW)
    singles = list(zip(u, Vt, q))
    alike(f.formula_3_5(a, W), [f.formula_2_5(x, V, W, b, delta) / 7 for x, V, b in singles])
    alike(f.formula_3_6(g, h), [f.formula_2_6(x, V, W, b, delta) / 7 for x, V, b in singles])
    alike(f.formula_3_7(a, u), np.mean([f.formula_2_7(x, V, W, b, delta) for x, V, b in singles], axis=0))


def test_stable_cost():
    alike(f.formula_3_8(X), np.log(1 + np.exp(X)))
    assert f.formula_3_8(1e4) == 1e4


# --- what the model means -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("n", [1, 5, 20])
def test_optimum_of_nce(vocabulary, n):
    p, q, s = vocabulary
    for side in f.formula_4_1(p, q, n):
        alike(side, [p[c] / n / (p[c] / n + q[c]) for c in range(L)])       # n draws of noise beside 1 of the truth
    alike(f.formula_4_2(s, p, q, n), population(s, p, n * q, np.log(n * q)))
    alike(f.formula_4_3(s, p, q, n), derivative(lambda s: population(s, p, n * q, np.log(n * q)), s))
    slope = lambda x, c: -p[c] / (1 + np.exp(x) / (n * q[c])) + n * q[c] / (1 + n * q[c] / np.exp(x))  # noqa: E731
    alike(f.formula_4_4(s, p, q, n), [derivative(lambda x: slope(x[0], c), s[c:c + 1])[0] for c in range(L)])
    best = f.formula_4_5(p)
    alike(best, best_scores(p, n * q, np.log(n * q)), 1e-9)
    alike(f.formula_4_6(np.ones(1), best[:, None], np.ones((1, 1))), 1)


@pytest.mark.parametrize("n", [1, 2])
def test_population_is_the_mean_over_all_draws(vocabulary, n):
    p, q, s = vocabulary
    one, V, offset = np.ones(1), s[:, None], np.log(n * q)
    free = redrawn = 0
    for words in np.ndindex(*(L,) * (n + 1)):
        c, *negatives = words
        J = f.formula_0_1(one, V[c], V[negatives], np.ones((1, 1)), offset[c], offset[negatives])
        free += p[c] * np.prod(q[negatives]) * J
        redrawn += p[c] * np.prod(q[negatives] / (1 - q[c])) * J * (c not in negatives)
    alike(f.formula_4_2(s, p, q, n), free)
    alike(population(s, p, f.formula_4_9(p, q, n), offset), redrawn)


def test_normaliser():
    rng = np.random.default_rng(1)
    U, V, W = rng.normal(size=(L, 3)), rng.normal(size=(L, 3)), rng.normal(size=(3, 3))
    came = [f.formula_4_6(u_w, V, W) for u_w in U]
    alike(came, np.exp(logsumexp(U @ W.T @ V.T, axis=1)))
    alike(came, np.exp(run.log_normalisers(U, V, W)))


def test_negative_sampling(sample, vocabulary):
    u_w, Vt, W, q = sample
    n, M = len(q) - 1, len(u_w)

    def negative_sampling(u_w, Vt):
        signs = np.where(np.arange(n + 1) == 0, 1, -1)
        return -np.sum(np.log(sigmoid(signs * (Vt @ u_w))))

    words, zero = (u_w, Vt[0], Vt[1:], np.eye(M), 0., np.zeros(n)), np.zeros(n + 1)
    alike(f.formula_4_7(*words[:3]), negative_sampling(u_w, Vt))
    alike(f.formula_4_7(*words[:3]), f.formula_0_1(*words))
    alike(f.formula_1_5(*words), derivative(lambda Z: negative_sampling(Z, Vt), u_w))
    by_word = derivative(lambda Z: negative_sampling(u_w, Z), Vt)
    alike([f.formula_1_6(u_w, Vt[0], np.eye(M), 0), *(f.formula_1_7(u_w, v, np.eye(M), 0) for v in Vt[1:])], by_word)
    alike(f.formula_2_6(u_w, Vt, np.eye(M), zero, np.arange(n + 1) == 0), by_word)
    p, noise, _ = vocabulary
    best = f.formula_4_8(p, noise, n)
    alike(best, best_scores(p, n * noise, 0), 1e-9)
    alike(best + np.log(n * noise), f.formula_4_5(p))


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
    low, _ = f.formula_4_11(p, np.full(L, 1 / L))
    alike(f.formula_4_10(p, np.full(L, 1 / L)), low)        # q the same for all words
    p[0] = 0
    q = np.array([1 - 9e-14] + [1e-14] * (L - 1))           # q all on a word that is no context word
    _, high = f.formula_4_11(p / p.sum(), q)
    alike(f.formula_4_10(p / p.sum(), q)[1:], high[1:])


def test_the_floor_of_run_is_the_loss_at_the_best_scores():
    counts, q, n = np.arange(1, L + 1), np.random.default_rng(3).dirichlet(np.ones(L)), 5
    p = counts / counts.sum()
    floor = run.unigram_floor(np.repeat(np.arange(L), counts), np.log(n * q), n)
    r = f.formula_4_9(p, q, n)
    alike(population(np.log(f.formula_4_10(p, q)), p, r, np.log(n * q)), floor)
    alike(np.sum(entr(p) + entr(r) - entr(p + r)), floor)


@pytest.mark.parametrize("n", [1, 5, 20])
def test_gradient_by_a_parameter_of_the_scores(vocabulary, n):
    p, q, s = vocabulary
    slopes = np.random.default_rng(0).normal(size=(L, 3))
    alike(f.formula_4_12(s, p, q, n, slopes),
          derivative(lambda x: population(s + slopes @ x, p, n * q, np.log(n * q)), np.zeros(3)))


def test_nce_tends_to_the_naive_softmax():
    """V and W are fixed, so that the scores of ten words have three parameters, a common shift being one of them."""
    rng = np.random.default_rng(5)
    V, W = rng.normal(size=(L, 3)), rng.normal(size=(3, 3))
    V[:, 0] = 1
    X, q, ns, gaps = V @ W, rng.dirichlet(np.full(L, 3)), 10 ** np.arange(1, 7), []
    for p in rng.dirichlet(np.ones(L), size=L):
        by_softmax = root(lambda h: (softmax(V[:, 1:] @ h) - p) @ V[:, 1:], np.zeros(2), tol=1e-13)     # no shift here
        assert by_softmax.success
        expected = softmax(V[:, 1:] @ by_softmax.x)
        u, *_ = np.linalg.lstsq(X, np.log(expected))
        distances = []
        for n in ns:
            by_nce = root(lambda u: derivative(lambda u: population(X @ u, p, n * q, np.log(n * q)), u), u, tol=1e-13)
            alike(f.formula_4_12(X @ by_nce.x, p, q, n, X), np.zeros(3), 1e-8)
            distances.append(abs(np.exp(X @ by_nce.x) - expected).max())
        gaps.append(distances)
    gap = np.max(gaps, axis=0)
    assert gap[0] > 1e-2 and gap[-1] < 1e-5
    assert np.all(abs(gap[1:-1] / gap[2:] - 10) < 1)        # the difference is of the order 1/n


# --- W and the starting point -------------------------------------------------------------------------------------

def test_a_step_of_u_and_v_is_a_preconditioned_step_without_w(sample):
    u_w, Vt, _, q = sample
    M, alpha = len(u_w), 0.1
    A, B = np.random.default_rng(0).normal(size=(2, M, M)) / np.sqrt(M)
    J = lambda u_w, Vt: loss(u_w, Vt, A.T @ B, q)  # noqa: E731
    J_without = lambda u_w, Vt: loss(u_w, Vt, np.eye(M), q)  # noqa: E731
    ut, Vtt = B @ u_w, Vt @ A.T
    came = f.formula_5_1(ut, Vtt[0], A, B, alpha, derivative(lambda Z: J_without(Z, Vtt), ut),
                         derivative(lambda Z: J_without(ut, Z), Vtt)[0])
    alike(came[0], B @ (u_w - alpha * derivative(lambda Z: J(Z, Vt), u_w)))
    alike(came[1], A @ (Vt[0] - alpha * derivative(lambda Z: J(u_w, Z), Vt)[0]))


@pytest.mark.parametrize("w2", [0, 1])
@pytest.mark.parametrize("c2", [0, 1])
def test_what_a_step_does_to_other_scores(w2, c2):
    rng = np.random.default_rng(6)
    k, g, alpha = 7., -0.3, 0.01
    U, V = rng.normal(size=(2, 2, 4))

    def first_order(U, V, W):
        """A step on the pair of the first rows; α times the derivative by α of the other score."""
        def score(a):
            Un, Vn = U.astype(complex), V.astype(complex)
            Un[0] -= a * g * W.T @ V[0]
            Vn[0] -= a * g * W @ U[0]
            return Vn[c2] @ (W - a * g * np.outer(V[0], U[0])) @ Un[w2]
        return alpha * score(1e-30j).imag / 1e-30

    W = rng.normal(size=(4, 4))
    alike(f.formula_5_2(alpha, g, U[0], V[0], W, U[w2], V[c2], w2 == 0, c2 == 0), first_order(U, V, W))
    ut, vt = np.sqrt(k) * U, np.sqrt(k) * V
    alike(f.formula_5_3(alpha, g, ut[0], vt[0], k, ut[w2], vt[c2], w2 == 0, c2 == 0),
          first_order(U, V, k * np.eye(4)))


def test_start_of_run_is_the_unigram_model():
    freqs = 10 ** 6 // np.arange(1, 501)
    p = freqs / freqs.sum()
    U, V, W = run.unigram_start(freqs, 50, 1000, 5, np.random.default_rng(0))
    s = np.array([[f.formula_5_4(U[w, 0], W[0, 0], W[1, 1], p[c], V[c, 1:], U[w, 1:]) for c in range(0, 500, 10)]
                  for w in range(0, 500, 10)])
    alike(s, U[::10] @ W.T @ V[::10].T)
    assert abs(s - np.log(p[::10])).max() < 0.2
    l, b, a = f.formula_5_7(p)  # noqa: E741
    alike(l, np.sqrt(np.average(np.log(p) ** 2, weights=p)))
    alike([p.max() * l**2 / a**2, p.max() * a**2 * b**2], np.full(2, l**2 / b**2))      # the three curvatures
    alike(W[0, 0], 1.3 * b)
    alike(U[0, 0], 1.15 * np.sqrt(l / W[0, 0]))
    alike(a * np.sqrt(b), U[0, 0] * np.sqrt(W[0, 0]) / 1.15)


def test_gradients_at_the_unigram_model():
    rng, n = np.random.default_rng(7), 5
    p_of_w, conditional, q = rng.dirichlet(np.ones(L)), rng.dirichlet(np.ones(L), size=L), rng.dirichlet(np.ones(L))
    p = p_of_w @ conditional
    came = [f.formula_5_5(p_w, p, q, n) for p_w in conditional]
    alike(came, [derivative(lambda s: population(s, p_w, n * q, np.log(n * q)), np.log(p)) for p_w in conditional])
    alike(p_of_w @ came, np.zeros(L))


def test_loss_at_scores_of_zero(sample):
    u_w, Vt, W, q = sample
    n = len(q) - 1
    noise = np.exp(q) / n
    alike(f.formula_5_6(noise[0], noise[1:], n), loss(0 * u_w, Vt, W, q))
