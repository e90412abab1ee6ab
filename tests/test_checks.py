"""What test.py says of mistakes that students make."""

import ast
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import test as checks
from beyond.diagnosis import DRAWN_BEFORE, written
from tests.support.launch import RUN, python
from tests.support.said import CHECK, NOTES, import_from, said

ROOT = RUN.parent
STUDENT = ROOT / "tests/student"


def exchange(file, right, wrong):
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")


def copy_student(folder):
    """Copy a student's modules into a folder; they find the sum over all words only once there."""
    for file in STUDENT.glob("*.py"):
        shutil.copy(file, folder)
    sampling = folder / "sampling.py"
    exchange(sampling, "    return [math", "    total = sum(counts)\n    return [math")
    exchange(sampling, "count / sum(counts)", "count / total")


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A folder with a student's modules, which are those that the checks import."""
    import_from(tmp_path, monkeypatch)
    copy_student(tmp_path)
    return tmp_path


@pytest.fixture
def said_of(modules):
    """A function that says what a check says when a piece of its module is exchanged."""
    def said_of(check, right="", wrong=""):
        name, _ = CHECK[check]
        copy_student(modules)
        if right:
            exchange(modules / f"{name}.py", right, wrong)
        return said(check)
    return said_of


COUNTS, LOG = "round(f ** 0.75))]", "math.log(negativesCount * count / total)"
G, G_BATCH = "g = sigmoid(score) - delta\n", "g = (sigmoid(score) - delta) / S"
J = "J = softplus(-score[0]) + softplus(score[1:]).sum()"
DU, DVT, DW = "du_w = W.T @ Vt.T @ g", "np.outer(g, W @ u_w)", "np.outer(Vt.T @ g, u_w)"
U_STEP, V_STEP = "np.subtract.at(U, w, alpha * du_w)", "np.subtract.at(V, context, alpha * dVt)"
ORDER = "        order = np.random.permutation(len(data))\n"
IMPORT, DELTAS = "import random", "delta[:, 0] = 1"
GRADIENTS = "J right, du_w, dVt, dW wrong: "
OTHERS = "J right, dVt right, dW right, "
LOST = "U right, W right, V wrong: lost "

# The check, a piece of the student's module, what is there instead, and what the first line says.
FAULTS = [
    ("sequence", "[i for i", "[float(i) for i", "holds float, expected word indices (int)"),
    ("sequence", "[i for i", "[i + 1 for i", "holds 5, expected word indices from 0 to 4"),
    ("sequence", "return [i", "import numpy; return numpy.array(7) or [i",
     "the sequence is a 0-d array, expected a list or an array"),
    ("sequence", COUNTS, "int(f ** 0.75))]", "(freqs = [3, 16, 6, 16, 1]) is rounded down"),
    ("sequence", COUNTS, "round(f ** (3//4)))]", "is 1 for each: is 3//4, which is 0, the power"),
    ("sequence", COUNTS, "round(f ** 0.5))]", "has f^0.5 in place of f^0.75"),
    ("sequence", "return [i", "return [0] * round(freqs[0] ** 0.75) or [i", "inside the loop?"),
    ("sequence", COUNTS, "round(f * 0.75))]", "has 0.75·f in place of f^0.75"),
    ("sequence", COUNTS, "round(f ** 0.75) + 1)]", "is 1 too many for each"),
    ("sequence", COUNTS, "round(f ** 0.75)) if i]", "is right but for the first word"),
    ("sequence", "enumerate(freqs)", "enumerate(freqs[:-1])", "is right but for the last word"),
    ("sequence", "enumerate(freqs)", "enumerate(sorted(freqs)[::-1])", "that of the sorted freq"),
    ("sequence", "[i for i", "[freqs.index(f) for i", "has equal frequencies all at the first of"),
    ("sequence", "(freqs):\n",
     "(freqs, n=[]):\n    n += [1]; freqs = [f * sum(n) for f in freqs]\n",
     "is right in the first call, but not in the second, with the same arguments"),
    ("sequence", "[i for i", "[i % 256 for i", "is right for 5 words, but not for 20000: is a ty"),
    ("sequence", COUNTS, "round(f ** 0.75) + (f > 9**6))]", "is right for 5 words, but not for"),
    ("noise", LOG, "math.log(negativesCount * count)", "lacks the division by the sum over all"),
    ("noise", LOG, "math.log2(negativesCount * count / total)", "has log2 in place of log"),
    ("noise", LOG, "math.log10(negativesCount * count / total)", "has log10 in place of log"),
    ("noise", LOG, "math.log1p(negativesCount * count / total)", "has log(1 + x) in place of"),
    ("noise", LOG, "math.log((negativesCount + 1) * count / total)", "has n+1 in place of n"),
    ("noise", "= sum(counts)", "= len(counts)", "is divided by the number of words, not by the"),
    ("noise", "= sum(counts)", "= sum(freqs)", "is divided by Σf, not by the sum of the rounded"),
    ("noise", LOG, "math.log(negativesCount * count / total + 1e-6)", "is a little off"),
    ("noise", LOG, "int(math.log(negativesCount * count / total))", "is cut to whole numbers"),
    ("contexts", "<= negativesCount", "< negativesCount", "expected 8 words, the context word and"),
    ("contexts", "return context", "return list(dict.fromkeys(context))", "expected 8 words, the"),
    ("contexts", "if word != contextWord:\n", "if word in (2, 5): word = 3\n        if True:\n",
     "the negatives do not follow q"),
    ("contexts", "random.choice(seq)", "random.randrange(max(seq) + 1)",
     "the negatives do not follow q: all words are drawn equally often: draw from seq"),
    ("contexts", "if word != c", "if word and word != c", "do not follow q: word 0 is never drawn"),
    ("contexts", "random.choice(seq)", "seq.index(random.choice(seq))", "not the word there?"),
    ("contexts", "    context = [", "    random.seed(1)\n    context = [",
     "all of 500 calls return the same negatives: is the seed"),
    ("contexts", "    return context", "    return vars(sampleContext).setdefault("
     "str(contextWord), context)", "or is something kept from one call to"),
    ("noise", "(freqs, negativesCount):\n", "(freqs, negativesCount, kept=[]):\n"
     "    kept.append(freqs); freqs = kept[0]\n", "is that of the call before: is it kept from"),
    ("contexts", "word = random.choice(seq)", "word = (context + [random.choice(seq)])[1]",
     "all negatives of a context are the same word"),
    ("contexts", "    context = [", "    del seq[-1]\n    context = [", "changes its argument"),
    ("noise", "    counts", "    freqs[0] = 1\n    counts", "changes its argument"),
    ("sequence", "    return [i", "    freqs.sort()\n    return [i", "changes its argument"),
    ("contexts", COUNTS, "round(f ** 3))]", "not checked: createSamplingSequence must be r"),
    ("one", DU, "du_w = W @ Vt.T @ g", OTHERS + "du_w wrong: has W in place of Wᵀ"),
    ("one", DU, "du_w = Vt.T @ g", OTHERS + "du_w wrong: lacks the factor Wᵀ"),
    ("one", DVT, "np.outer(g, u_w)", "dVt wrong: lacks the factor W"),
    ("one", DVT, "np.outer(g, W.T @ u_w)", "dVt wrong: has Wᵀ u_w in place of W u_w"),
    ("one", DVT, "np.outer(W @ u_w, g)", "dVt wrong: is transposed"),
    ("one", DW, "np.outer(u_w, Vt.T @ g)", "dW wrong: is transposed"),
    ("one", DW, "np.outer(Vt.T @ g, W @ u_w)", "dW wrong: has W u_w in place of u_w"),
    ("one", DW, "3 * np.outer(Vt.T @ g, u_w)", "dW wrong: is 3 times as large as expected"),
    ("one", G, "g = sigmoid(-score) - delta\n", GRADIENTS + "has σ(−x) in place of σ(x)"),
    ("one", G, "g = delta - sigmoid(-score)\n", "in place of σ(x), and has the wrong sign"),
    ("one", G, "g = sigmoid(score) + delta\n", GRADIENTS + "has δ added, not subtracted"),
    ("one", G, "g = sigmoid(score)\n", GRADIENTS + "treats the context word as a negative: is δ"),
    ("one", G, "g = sigmoid(score - q) - delta\n", GRADIENTS + "has 2q in place of q"),
    ("one", "delta[0] = 1", "delta[-1] = 1", GRADIENTS + "has δ at the last word, not at the fi"),
    ("one", "W @ u_w - q\n", "W @ u_w - q[0]\n", "has the context word's q for all words"),
    ("one", "W @ u_w - q\n", "W @ u_w - q * delta\n", "has q for the context word only"),
    ("one", "W @ u_w - q\n", "W @ u_w - q * (1 - delta)\n", "has q for the negatives only"),
    ("one", "W @ u_w - q\n", "W @ u_w - q.mean()\n", "J, du_w, dVt, dW wrong"),
    ("one", "W @ u_w - q\n", "W @ u_w - np.r_[q[0], q[:-1]]\n", "has q[j-1] in place of a negati"),
    ("one", G, G + "    for j in range(2, len(q)): g[j] *= list(Vt[j]) != list(Vt[j - 1])\n",
     GRADIENTS + "is right in the smallest case, but not for these sizes and numbers"),
    ("one", DVT, "np.outer(g, W @ u_w, out=vars(lossAndGradient).setdefault("
     "str(Vt.shape), np.zeros(Vt.shape)))", "dVt of the call before has changed: make a new arr"),
    ("one", "np.exp(-np.abs(x))\n    return np.where(x > 0, 1, e)", "np.exp(-np.abs(x))\n"
     "    return 1", "J right, du_w, dVt, dW wrong"),
    ("one", DW, "np.outer(Vt[-1] * g[-1], u_w)", "dW wrong: has only the last word's term: is ="),
    ("one", G, "g = score - delta\n", "J right, du_w, dVt, dW wrong: lacks σ: has s − q − δ"),
    ("one", "J, du_w, dVt, dW\n\n", "J, dVt, du_w, dW\n\n",
     "du_w wrong: holds dVt; dVt wrong: holds du_w: return J, d"),
    ("one", "W @ u_w - q\n", "W @ u_w - q; score = np.clip(score, -10, 10)\n",
     "J wrong: is right for scores of about ±1, but not for ±20"),
    ("one", G, "g = (sigmoid(score) - delta).astype(np.float16)\n", GRADIENTS + "is a little off"),
    ("one", J, J + "; J /= np.log(10)", "J wrong: has log10 in place of log"),
    ("one", J, "J = softplus(score[0]) + softplus(-score[1:]).sum()", "has σ(−x) in place of σ(x)"),
    ("one", J, "J = softplus(-score[0]) + softplus(score[1])", "has only the first negative"),
    ("one", J, "J = softplus(-score[0]) + softplus(score[1:]).mean()", "has the mean over the neg"),
    ("one", J, J + " + (len(q) > 5)", "J wrong: is right in the smallest case, but not for these"),
    ("one", "W @ u_w - q\n", "W @ u_w - q * (2 * delta - 1)\n", "has −s − q in place of q − s"),
    ("one", G, "g = np.exp(score) / np.exp(score).sum() - delta\n", "has softmax in place of σ"),
    ("one", G, "g = sigmoid(score) * sigmoid(-score) * (1 - 2 * delta)\n",
     "has σ(1−σ) in place of"),
    ("one", "W @ u_w - q\n", "W @ u_w + q\n", "J, du_w, dVt, dW wrong: has q with the wrong sign"),
    ("one", "score = Vt @ W @ u_w - q\n", "q -= Vt @ W @ u_w\n    score = -q\n",
     "lossAndGradient changes its argument q: it must work on a copy"),
    ("one", "    return J, du_w, dVt, dW\n\n\ndef lossAndGradientC", "\n\ndef lossAndGradientC",
     "J, du_w, dVt, dW: expected 4 results, got None: is a return missing?"),
    ("cumulative", DU, "du_w = W @ Vt.T @ g", "not checked: lossAndGradient must be right first"),
    ("cumulative", "J / S, du_w / S, ", "J / S, du_w, ", "du_w wrong: is not divided by S"),
    ("beside", DU, "du_w = W @ Vt.T @ g", "not checked: lossAndGradient must be right first"),
    ("cumulative", "dW += dW_i", "dW = dW_i", "dW wrong: has only the last observation"),
    ("cumulative", "range(S)", "range(S - 1)", "J, du_w, dVt, dW wrong: leaves the last observat"),
    ("cumulative", "    return J / S, du_w / S", "        return J / S, du_w / S",
     "J, du_w, dVt, dW wrong: has only the first observation: is"),
    ("beside", "range(S)", "range(S - 1)", "not checked: lossAndGradientCumulative must be right"),
    ("beside", DELTAS, DELTAS + "; u_w = u_w * (np.arange(S) < 1000)[:, None]",
     "is right for few observations, but not for 1500"),
    ("beside", G_BATCH, "g = sigmoid(score) - delta", "not checked: lossAndGradientBatched must"),
    ("beside", '    gV = np.einsum("sk', '    return lossAndGradientCumulative(u_w, Vt, W, q)\n'
     '    gV = np.einsum("sk', "times as fast as cumulative; expected more than 2"),
    ("batched", G_BATCH, "g = (sigmoid(score) - delta) / S / S", GRADIENTS + "is divided by S tw"),
    ("batched", "delta[:, 0] = 1", "delta[0] = 1", "has [0] where [:, 0] is meant"),
    ("batched", "    return J / S, du_w, dVt, dW\n",
     "    sigmoid.n = 1 + vars(sigmoid).get('n', 0)\n"
     "    return J / S, du_w, dVt, sigmoid.n * dW\n", "dW wrong: is right in the first call, but"),
    ("batched", DELTAS, "delta = np.eye(*q.shape)", "has δ[i, i] = 1: it must be δ[i, 0], not np"),
    ("batched", "/ S\n", "/ Vt.shape[-1]\n", GRADIENTS + "is 3 times as large as expected"),
    ("batched", "Vt, Wu) - q\n", "Vt.reshape(S, -1, q.shape[1]).swapaxes(1, 2), Wu) - q\n",
     "J, du_w, dVt, dW wrong: has Vt reshaped, where it must be transposed"),
    ("batched", "J / S, du_w, dVt, dW\n", "du_w, dVt, dW, J / S\n", "J wrong: holds du_w; "
     "du_w wrong: holds dVt; dVt wrong: holds dW; dW wrong: holds J: return J, du_w, "
     "dVt, dW in this order"),
    ("batched", "/ S\n", "/ (S - 1)\n", "du_w, dVt, dW wrong: is divided by S−1, not by S"),
    ("batched", "Vt, Wu) - q\n", "Vt, 0 * Wu + Wu[0]) - q\n", "has the u_w of the first observat"),
    ("batched", DELTAS, "delta[0, 0] = 1", "has δ in the first observation only"),
    ("batched", "Wu) - q\n", "Wu) - q[0]\n", "has the q of the first observation for"),
    ("batched", "sm,mt->st", "sm,tm->st", "du_w wrong: has W in place of Wᵀ"),
    ("batched", '"sk,sm->skm", g, Wu)', '"sk,sm->smk", g, Wu).reshape(Vt.shape)', "is reshaped"),
    ("batched", "score)).sum()", "score)).sum(axis=1)", "J wrong: has the shape (6,), exp"),
    ("sgd", "W -= alpha * dW\n", "pass\n", "U right, V right, W wrong: was never changed"),
    ("sgd", "W -= alpha * dW\n", "W = W0 - alpha * dW\n", "right after one batch, but not after"),
    ("sgd", "W -= alpha * dW\n", "W -= alpha * dW.T\n", "moves by the transposed gradient"),
    ("sgd", "W -= alpha * dW\n", "W -= alpha * np.diag(np.diag(dW))\n", "moves only on its diag"),
    ("sgd", U_STEP, "np.subtract.at(U, context[:, 0], alpha * du_w)", "U wrong: is changed at the"),
    ("sgd", U_STEP, U_STEP.replace("alpha", "alpha * 3"), "V right, W right, U wrong"),
    ("sgd", V_STEP, V_STEP.replace("alpha", "alpha / 4"), "U right, W right, V wrong"),
    ("sgd", "    U, V, W = U0", "    alpha /= epochs; U, V, W = U0",
     "wrong: moves by α/epochs times"),
    ("sgd", "W -= alpha * dW\n", "W -= alpha / (1 + _) * dW\n", "W wrong: is right in one epoch"),
    ("sgd", "lossAndGradientFunction(U[w], V[c", "lossAndGradientFunction(U0[w], V0[c",
     "U, V, W wrong: is right after one batch, but not after several"),
    ("sgd", "W -= alpha * dW\n", "W -= alpha * dW; W[3:] = 0\n",
     "is right in the smallest case, but not here"),
    ("sgd", U_STEP, "np.subtract.at(U, w, du_w)", "U wrong: moves by the gradient, without α"),
    ("sgd", U_STEP, U_STEP + "\n            " + U_STEP, "moves twice as far: is the step taken tw"),
    ("sgd", "W -= alpha * dW", "W -= alpha * J * dW", "U right, V right, W wrong"),
    ("sgd", "W -= alpha * dW", "W -= alpha * alpha * dW", "moves by α² times the gradient"),
    ("sgd", V_STEP, "J, du_w, dVt, dW = lossAndGradientFunction(U[w], V[context], W, "
     "q_noise[context]); " + V_STEP,
     "U right, V, W wrong: lossAndGradientFunction is called with batches of [5, 5] pairs"),
    ("sgd", "q_noise[context]", "q_noise[[[x] * 4 for x in w]]",
     "U, V, W wrong: lossAndGradientFunction is called with a wrong q: expected "),
    ("sgd", U_STEP, U_STEP + "; [contextFunction(c) for _, c in batch]", "10 times for 5 pairs"),
    ("sgd", U_STEP, "if J < 0.5: return U, V, W\n            " + U_STEP, ""),
    ("sgd", "    return U, V, W",
     "    f = stochasticGradientDescend; W0, f.W = getattr(f, 'W', W), W\n"
     "    return U, V, (W + W0) / 2", "U right, V right, W wrong: was right in the call before"),
    ("sgd", "W -= alpha * dW", "W = -alpha * dW", "U right, V right, W wrong: is the step alone"),
    ("sgd", U_STEP, "for k in {*w}: U[k] -= alpha * du_w[w.index(k)] * w.count(k)", "U wrong"),
    ("sgd", ORDER, "        order = np.roll(range(len(data)), np.random.randint(len(data)))\n",
     "contextFunction is called in the order of data"),
    ("sgd", U_STEP, "W -= alpha * dW; J, du_w, dVt, _ = lossAndGradientFunction(U[w], V[context], "
     "W, q_noise[context]); W += alpha * dW; " + U_STEP, "W right, U, V wrong"),
    ("sgd", "range(0, len(data),", "range(0, min(len(data), 10000),",
     "an epoch does not go through each pair once (10500 pairs"),
    ("sgd", "            J, du_w", "            alpha *= 0.999\n            J, du_w",
     "U, V, W wrong: moves 0.999 times as far as it should"),
    ("sgd", U_STEP, "U -= alpha * du_w.sum(axis=0)", "was changed for all words, not only for th"),
    ("sgd", U_STEP, "_, i = np.unique(w, return_index=True); U[np.array(w)[i]] -= alpha * du_w[i]",
     "kept only the first gradient of a word that is repeated in a batch"),
    ("sgd", "= lossAndGradientFunction(U[w], V[context], W, q_noise[context])",
     "= 1, U[w], V[context], W", "lossAndGradientFunction, the argument, is never called"),
    ("sgd", "alpha=1.", "alpha=0.01", "'epochs': 1, 'alpha': 0.01}, expected {'batchSize': 1000"),
    ("sgd", "    q_noise = np", "    f, kept = contextFunction, {}\n"
     "    contextFunction = lambda c: kept.pop(c)\n"
     "    for _, c in data: kept[int(c)] = f(c)\n    q_noise = np", DRAWN_BEFORE),
    ("sgd", "contextFunction(c) for _, c in batch",
     "vars(stochasticGradientDescend).get(str(c)) or vars(stochasticGradientDescend).setdefault("
     "str(c), contextFunction(c)) for _, c in batch",
     "is called 0 times for 5 pairs: call it once for each pair of a batch"),
    ("sgd", "len(data), batchSize):\n            batch = [data[i] for i in order[first:first + ",
     "len(data) - 1, batchSize):\n            batch = [data[i] for i in order[first:first + "
     "(first > 1) + ", "is called with batches of [2, 3] pairs, expected [2, 2, 1]"),
    ("sgd", "data[i] for i in order[f", "data[np.random.choice(order)] for i in order[f",
     "epoch 1 does not go through each pair once"),
    ("sgd", "    return U, V, W", "            return U, V, W", "only one batch is done: is ret"),
    ("sgd", V_STEP, "V[context] -= alpha * dVt", LOST + "gradients of words that are repeated"),
    ("sgd", V_STEP, "for i in range(len(w)): V[context[i]] -= alpha * dVt[i]",
     LOST + "one of two gradients: a word drawn twice in one context must get both"),
    ("sgd", V_STEP, "for k in range(context.shape[1]): V[context[:, k]] -= alpha * dVt[:, k]",
     LOST + "gradients of words that are repeated in a column of the contexts"),
    ("sgd", V_STEP, "np.subtract.at(V, context[:, 0], alpha * dVt[:, 0])",
     "was changed only for context words, not for negatives"),
    ("sgd", V_STEP, "V[context[:, 0]] -= alpha * dVt[:, 0]; "
     "np.subtract.at(V, context[:, 1:], alpha * dVt[:, 1:])",
     LOST + "gradients of context words that are repeated in a batch"),
    ("sgd", U_STEP, "for k in set(w): U[k] -= alpha * du_w[np.array(w) == k].mean(axis=0)",
     "has the mean of a repeated word's gradients, not their sum"),
    ("sgd", "return U, V, W", "return V, U, W", "U wrong: holds V: are U and V swapped?"),
    ("sgd", "return U, V, W", "return U, V, W, J", "U, V, W: expected 3 results, got 4"),
    ("sgd", "contextFunction(c) for _, c", "contextFunction(c) for c, _", "no pair (w, c) of data"),
    ("sgd", "len(data), batchSize)", "len(data) - batchSize + 1, batchSize)",
     "the last batch of an epoch, the smaller one, is left out (5 pairs, batchSize 2"),
    ("sgd", "range(epochs)", "range(epochs - 1)", "the number of epochs is 0, expected 1"),
    ("sgd", "range(epochs)", "range(epochs + 1)", "the number of epochs is 2, expected 1"),
    ("sgd", ORDER, ORDER.replace("permutation", "arange").replace("random.", ""),
     "called in the order of data: shuffle the pairs before"),
    ("sgd", "    for _ in range(epochs):\n" + ORDER, ORDER[4:] + "    for _ in range(epochs):\n",
     "the second epoch has the order of the first"),

    # Modules that do not run.
    ("one", "delta[0] = 1", "delta[0] == = 1", "SyntaxError: invalid syntax (grads.py, line 17)"),
    ("one", "def lossAndGradient(", "def f(", "grads.py has no function lossAndGradient"),
    ("sgd", "alpha * dW", "alfa * dW", "name 'alfa' is not defined (w2v_sgd.py, line 19)"),
    ("sequence", IMPORT, "input()", "input() waits for somebody to type: take it out (sam"),
    ("sequence", IMPORT, 'eval("1+")', "invalid syntax (<string>, line 1) (sampling.py, line 4)"),
    ("sequence", IMPORT, """exec("eval('1+')")""", "(<string>, line 1) (sampling.py, line 4)"),
    ("sequence", IMPORT, 'raise ModuleNotFoundError("x")', "ModuleNotFoundError: x (sampling.py, "),
    ("sgd", "import numpy", "exit(0); import numpy", "the program is ended here: take exit() out"),
]


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_faults(said_of, number):
    check, right, wrong, expected = FAULTS[number]
    assert expected in said_of(check, right, wrong)[0]


@pytest.mark.parametrize("check", CHECK)
def test_right_modules_pass(said_of, check):
    assert not said_of(check)
    assert not any("±1000" in str(value) for value in NOTES)


RIGHT = [
    ("one", "delta = np.zeros(len(q))",
     "u_w, Vt, W, q = (np.float32(X) for X in (u_w, Vt, W, q)); delta = 0 * q"),
    ("sgd", ORDER, "        np.random.shuffle(data); order = np.arange(len(data))\n")]


@pytest.mark.parametrize("number", range(len(RIGHT)))
def test_other_ways_pass(said_of, number):
    assert not said_of(*RIGHT[number])


def test_a_fault_of_no_known_kind_shows_a_case_to_work_by_hand(said_of):
    """With u_w = [1, -2], W u_w = [-3, -2]; the scores less q are 3, -2, 1 and 2."""
    g = 1 / (1 + np.exp(-np.array([3, -2, 1, 2]))) - [1, 0, 0, 0]
    a = g @ [[-1, 1], [2, -2], [-2, 2], [-1, -1]]
    du_w = np.round([a[0], 2 * a[0] + a[1]], 4)
    case = ["with n=3 M=2 (work it by hand):", "  u_w = [1, -2]",
            "  Vt = [[-1, 1], [2, -2], [-2, 2], [-1, -1]]", "  W = [[1, 2], [0, 1]]",
            "  q = [-2, 0, 1, 3]"]
    assert said_of("one", DU, "du_w = u_w") == [
        "J right, dVt right, dW right, du_w wrong", *case,
        f"du_w: expected {du_w.tolist()}, got [1, -2]"]
    kept = "du_w = W.T @ Vt.T @ g + vars(sigmoid).setdefault('n', 0); sigmoid.n += 1"
    assert said_of("one", DU, kept)[1:-1] == case
    assert "expected [2, 8, 4, 8, 1], got [2, 6, 3, 6, 1]" in said_of(
        "sequence", COUNTS, "round(f ** 0.65))]")
    assert said_of("sgd", "W -= alpha * dW", "W = W0 + 7")[0] == "U right, V right, W wrong"


@pytest.mark.parametrize("learned, sizes", [("V - 9", [5]),
                                            ("V - 9 * (len(w) < 5)", [2, 2, 1])])
def test_the_batches_to_work_by_hand_are_what_was_given(said_of, learned, sizes):
    """Their pairs are in a random order."""
    lines = said_of("sgd", "    return U, V, W", f"    du_w *= 0\n    return U, {learned}, W")
    assert lines[:2] == [
        "U right, W right, V wrong" + f": {checks.SEVERAL}" * (len(sizes) > 1),
        f"with batches of {sizes} pairs, in this order (work it by hand):"]
    given = [(name, ast.literal_eval(value)) for name, value in (
        line.strip().split(" = ") for line in lines if " = " in line)]
    alpha, V = dict(given)["α"], np.array(dict(given)["V0"])
    batches = [[value for name, value in given if name == wanted]
               for wanted in ("w", "contexts", "dVt")]
    assert [len(w) for w in batches[0]] == sizes
    for w, contexts, dVt in zip(*batches):
        assert all(w[contexts.index(context)] == target for target, context in [
            (0, [1, 4, 4, 2]), (5, [3, 5, 4, 1])] if context in contexts)
        np.subtract.at(V, np.array(contexts), alpha * np.array(dVt))
    assert not lines[-1].startswith("V: expected [[") or written(V) in lines[-1]


@pytest.mark.parametrize("check, right, given", [
    ("sequence", "    return", "freqs = [3, 16, 6, 16, 1]"), ("contexts", "    context", "n = 7"),
    ("noise", "    counts", "freqs = [3, 16, 6, 16, 1], n = 5"),
    ("sgd", "    U, V", "5 pairs, batchSize 5, epochs 1")])
def test_an_exception_shows_what_the_function_was_called_with(said_of, check, right, given):
    assert given in said_of(check, f"{right}", f"    1 / 0\n{right}")[1]


@pytest.mark.parametrize("shape, J", [((1, 1), checks.loss), ((1, 1, 1), checks.mean_loss)])
def test_no_two_usual_mistakes_are_alike_in_the_small_case(shape, J):
    _, sample, _ = next(checks.samples([shape]))
    for name in checks.RESULTS:
        right = checks.part(name, J, *sample)
        mistakes = {"right": right} | checks.mistakes_in(name, right, J, sample)
        results = [np.ravel(X() if callable(X) else X) for X in mistakes.values()]
        distances = [np.abs(X - Y).max() for i, X in enumerate(results) for Y in results[:i]]
        assert min(distances) > 1e-3


@pytest.mark.parametrize("check", ["one", "batched"])
def test_a_note_on_scores_that_overflow(said_of, check):
    stable = "    e = np.exp(-np.abs(x))\n    return np.where(x > 0, 1, e) / (1 + e)\n"
    naive = "    return np.exp(x) / (1 + np.exp(x))\n"
    assert not said_of(check, stable, naive)
    assert NOTES == ["du_w is nan for scores of ±1000; the grading looks at that"]
    assert not said_of(check, "np.maximum(x, 0)", "np.clip(x, 0, 100)")
    assert NOTES[0].startswith("J is ") and "expected " in NOTES[0]


def test_a_note_if_printing_cannot_be_switched_off(said_of):
    pairs_done = "alpha=1., printInterval=10000):\n    [][:0 % printInterval]\n"
    assert not said_of("sgd", "alpha=1.):\n", pairs_done)
    assert NOTES == ["TypeError for printInterval=None, which is to print nothing"]
    assert not said_of("sgd", "alpha=1.):\n", "alpha=1., printInterval=10000):\n")
    assert NOTES == [None]


def test_a_module_that_is_not_found_or_not_utf_8(modules):
    (modules / "grads.py").rename(modules / "Grads.py.txt")
    text = (modules / "w2v_sgd.py").read_text(encoding="utf-8")
    (modules / "w2v_sgd.py").write_text(text, encoding="utf-16")
    assert said("one") == ["there is no grads.py beside test.py; rename Grads.py.txt"]
    assert said("sgd") == ["save the file as UTF-8 (w2v_sgd.py)"]


# --- The command --------------------------------------------------------------------------------

@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that python test.py needs, with a student's modules, and what it is to ignore."""
    (tmp_path / "conftest.py").write_text("raise Exception")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")           # leave the script's folder out
    (tmp_path / "beyond").mkdir()
    beyond = [f"beyond/{name}.py" for name in ("__init__", "check_report", "diagnosis",
                                              "settings")]
    for file in "test.py", "pyproject.toml", *beyond:
        shutil.copy(ROOT / file, tmp_path / file)
    copy_student(tmp_path)
    return tmp_path


@pytest.mark.parametrize("task, module, right, endless, given", [
    ("6", "w2v_sgd", "for _ in range(epochs):", "while epochs:", "5 pairs, batchSize 5, epochs 1"),
    ("3", "sampling", "if word != contextWord:", "if word not in context:",       # all different
     "contextWord = 0, n = 7, 3 words, so that negatives must repeat")])
def test_an_endless_loop_ends_the_program_and_is_named(
        folder, task, module, right, endless, given):
    exchange(folder / "beyond/check_report.py", "SECONDS = 60", "SECONDS = 2")
    exchange(folder / f"{module}.py", right, endless)
    result = python("test.py", task, cwd=folder)
    assert result.returncode == 1
    *_, where, called_with = result.stdout.splitlines()
    assert where.startswith(f"      took longer than 2 s: an endless loop? ({module}.py, line ")
    assert called_with == f"      called with {given}"


def test_what_cannot_be_printed(folder):
    exchange(folder / "grads.py", "W.T @ Vt.T", "W @ Vt.T")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run([sys.executable, folder / "test.py", "4"], env=environment,
                            capture_output=True, encoding="ascii", cwd=folder.parent)
    assert "du_w wrong: has W in place of W\\u1d40" in result.stdout, result.stderr


def test_an_edited_module_is_read_anew_in_the_same_process(folder):
    """As after %run test.py 4 in a notebook."""
    result = python("-c", """
import os, runpy, sys
from pathlib import Path
module, sys.argv = Path("grads.py"), ["test.py", "4"]
text = module.read_text(encoding="utf-8")
for version in text.replace("g = sigmoid(", "g = sigmoit("), text:
    module.write_text(version, encoding="utf-8")
    os.utime(module, (0, 0))            # as if within the same second
    try:
        runpy.run_path("test.py", run_name="__main__")
    except SystemExit as end:
        print("status", end.code)
""", cwd=folder)
    assert "      NameError: name 'sigmoit' is not defined (grads.py, line 20)\n" in result.stdout
    assert [line for line in result.stdout.splitlines() if line.startswith("status")] == [
        "status 1", "status 0"], result.stdout + result.stderr


def test_all_tests_are_a_line_per_file_and_the_names_of_failures(folder, monkeypatch):
    monkeypatch.delenv("CI", raising=False)         # there pytest shortens nothing
    exchange(folder / "grads.py", "W.T @ Vt.T", "W @ Vt.T")
    lines = python("test.py", cwd=folder).stdout.splitlines()
    assert lines[3].split() == ["test.py", "FFF", "[100%]"]
    assert [line.split()[1] for line in lines if line.startswith("FAILED")] == [
        "test.py::test_4_lossAndGradient", "test.py::test_5_lossAndGradientCumulative",
        "test.py::test_5_batched_beside_cumulative"]
    assert len(lines) < 12
    text = python("test.py", "--all", cwd=folder).stdout
    assert "test.py::test_3_noiseDistribution PASSED" in text and "has W in place of Wᵀ" in text


def test_a_reader_that_has_enough_is_no_error(folder):
    with subprocess.Popen([sys.executable, "test.py", "3"], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
