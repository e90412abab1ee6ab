"""Hand-ins with one fault each: pieces of a student's plain modules exchanged for others."""

from dataclasses import dataclass

SIGMOID = """\
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1, e) / (1 + e)
"""
NAIVE_SIGMOID = "    return np.exp(x) / (1 + np.exp(x))\n"

J_OF_ONE = "    J = softplus(-score[0]) + softplus(score[1:]).sum()\n"
NAIVE_J_OF_ONE = """\
    J = -np.log(sigmoid(score[0])) - np.log(1 - sigmoid(score[1:])).sum()
"""
J_OF_BATCH = "    J = softplus(np.where(delta == 1, -score, score)).sum()\n"
NAIVE_J_OF_BATCH = """\
    J = -np.log(sigmoid(score[:, 0])).sum() - np.log(1 - sigmoid(score[:, 1:])).sum()
"""

ORDER = "        order = np.random.permutation(len(data))\n"
SHUFFLED_ARRAY = """\
        data = np.array(data)
        random.shuffle(data)
        order = range(len(data))
"""

EPOCHS = "    for _ in range(epochs):\n"
EPOCHS_COUNTED = """\
    epoch = 0
    while epoch < epochs:
"""
SHUFFLED_ONCE = """\
    order = np.random.permutation(len(data))
    for _ in range(epochs):
"""
SHUFFLED_AFTER = """\
    following = np.arange(len(data))
    for _ in range(epochs):
        order, following = following, np.random.permutation(len(data))
"""
W_STEP = "            W -= alpha * dW\n"
EARLY_EPOCH = W_STEP + """\
            if (first + batchSize) % 10000 == 0 or first + batchSize >= len(data):
                print("Epoch:", epoch, "Sample:", first, "/", len(data), "Loss:", J)
                epoch += 1
                if epoch == epochs:
                    break
"""

STEPS = """\
            np.subtract.at(U, w, alpha * du_w)
            np.subtract.at(V, context, alpha * dVt)
            W -= alpha * dW
"""
STEPS_BY_INDEX = """\
            U[w] -= alpha * du_w
            V[context] -= alpha * dVt
            W -= alpha * dW
"""
STEPS_IN_A_LOOP = """\
            for i in range(len(w)):
                U[w[i]] -= alpha * du_w[i]
                V[context[i]] -= alpha * dVt[i]
            W -= alpha * dW
"""
V_STEP = "np.subtract.at(V, context, alpha * dVt)"


@dataclass(frozen=True)
class Row:
    """One fault.

    Parameters
    ----------
    changes : tuples of a module, a piece of it, and what stands there instead
    costs : dict from task to points
    reason : part of the first line of a reason that is given
    """

    changes: tuple
    costs: dict
    reason: str


def row(module, *pieces, costs, reason):
    """Make the row of a fault in one module, from each piece and what stands there instead."""
    changes = [(module, *pieces[i:i + 2]) for i in range(0, len(pieces), 2)]
    return Row(tuple(changes), costs, reason)


IN_SAMPLING = {
    "f^0.75 is rounded down in the sequence, and q counts its words": row(
        "sampling", "range(round(f ** 0.75))", "range(int(f ** 0.75))",
        "counts = [round(f ** 0.75) for f in freqs]",
        "counts = np.bincount(createSamplingSequence(freqs))",
        "import math", "import math\nimport numpy as np",
        costs={"3": 0.5}, reason="is rounded down"),
    "f^0.75 is rounded down in the sequence and in q": row(
        "sampling", "range(round(f ** 0.75))", "range(int(f ** 0.75))",
        "[round(f ** 0.75)", "[int(f ** 0.75)",
        costs={"3": 0.5}, reason="is rounded down"),
    "the sequence lacks the power 0.75": row(
        "sampling", "range(round(f ** 0.75))", "range(f)",
        costs={"3": 0.5}, reason="without the power 0.75"),
    "the sequence is a 0-d array": row(
        "sampling", "    return [i", "    import numpy; return numpy.array(7) or [i",
        costs={"3": 0.5}, reason="the sequence is a 0-d array, expected a list or an array"),
    "the sequence is a generator": row(
        "sampling", "    return [i", "    return iter([i", "range(round(f ** 0.75))]",
        "range(round(f ** 0.75))])",
        costs={"3": 0.5}, reason="no answer to judge"),
    "q lacks the factor n": row(
        "sampling", "math.log(negativesCount * count", "math.log(count",
        costs={"3": 0.5}, reason="lacks the factor n"),
    "q lacks the rounding": row(
        "sampling", "[round(f ** 0.75)", "[(f ** 0.75)",
        costs={"3": 0.5}, reason="lacks the rounding"),
    "q lacks the logarithm": row(
        "sampling", "math.log(negativesCount * count / sum(counts))",
        "negativesCount * count / sum(counts)",
        costs={"3": 0.5}, reason="is n·q[c], not its logarithm"),
    "a negative may be the context word": row(
        "sampling", "if word != contextWord:", "if True:",
        costs={"3": 0.25}, reason="a negative equals the context word"),
    "negatives are drawn from all words alike": row(
        "sampling", "random.choice(seq)", "random.choice(sorted(set(seq)))",
        costs={"3": 0.25}, reason="the negatives do not follow q"),
}

IN_ONE = {
    "J has the wrong sign": row(
        "grads", "    J = softplus(-score[0]) + ", "    J = -softplus(-score[0]) - ",
        costs={"4": 0.5}, reason="J (n=5 M=4) has the wrong sign"),
    "J has the mean over the negatives": row(
        "grads", "softplus(score[1:]).sum()", "softplus(score[1:]).mean()",
        costs={"4": 0.5}, reason="has the mean over the negatives, not their sum"),
    "dVt has the wrong sign": row(
        "grads", "dVt = np.outer(g, W @ u_w)", "dVt = -np.outer(g, W @ u_w)",
        costs={"4": 0.5}, reason="dVt (n=5 M=4) has the wrong sign"),
    "dW is transposed": row(
        "grads", "dW = np.outer(Vt.T @ g, u_w)", "dW = np.outer(u_w, Vt.T @ g)",
        costs={"4": 0.5}, reason="dW (n=5 M=4) is transposed"),
    "δ is missing in g": row(
        "grads", "g = sigmoid(score) - delta\n", "g = sigmoid(score)\n",
        costs={"4": 0.5}, reason="is δ missing?"),
    "δ is missing in g, in tasks 4 and 5": row(
        "grads", "g = sigmoid(score) - delta\n", "g = sigmoid(score)\n",
        "g = (sigmoid(score) - delta) / S", "g = sigmoid(score) / S",
        costs={"4": 0.5}, reason="is δ missing?"),
    "the scores lack q": row(
        "grads", "score = Vt @ W @ u_w - q", "score = Vt @ W @ u_w",
        costs={"4": 1.}, reason="J (n=5 M=4) lacks q"),
    "the scores lack q, in tasks 4 and 5": row(
        "grads", "score = Vt @ W @ u_w - q", "score = Vt @ W @ u_w", "Vt, Wu) - q", "Vt, Wu)",
        costs={"4": 1.}, reason="J (n=5 M=4) lacks q"),
    "the scores have Wᵀ for W": row(
        "grads", "score = Vt @ W @ u_w - q", "score = Vt @ W.T @ u_w - q",
        costs={"4": 1.}, reason="J (n=5 M=4) has Wᵀ in place of W"),
    "a naive logarithm in lossAndGradient": row(
        "grads", J_OF_ONE, NAIVE_J_OF_ONE,
        costs={"4": 0.25}, reason="J is inf for scores of about ±1000"),
    "a naive logarithm in both": row(
        "grads", J_OF_ONE, NAIVE_J_OF_ONE, J_OF_BATCH, NAIVE_J_OF_BATCH,
        costs={"4": 0.25}, reason="J is inf for scores of about ±1000"),
    "a naive σ in both": row(
        "grads", SIGMOID, NAIVE_SIGMOID,
        costs={"4": 0.25}, reason="du_w is nan for scores of about ±1000"),
    "dVt and dW lose an axis where M is 1": row(
        "grads", "return J, du_w, dVt, dW", "return J, du_w, dVt.squeeze(), dW.squeeze()",
        costs={"4": 0.25}, reason="dVt (n=3 M=1) has the shape (4,)"),
}

IN_BATCH = {
    "a naive logarithm in lossAndGradientBatched only": row(
        "grads", J_OF_BATCH, NAIVE_J_OF_BATCH,
        costs={"5": 0.25}, reason="J is inf for scores of about ±1000"),
    "J is not divided by S": row(
        "grads", "return J / S, du_w, dVt, dW", "return J, du_w, dVt, dW",
        costs={"5": 0.5}, reason="J (S=7 n=5 M=4) is not divided by S"),
    "the gradients are not divided by S": row(
        "grads", "g = (sigmoid(score) - delta) / S", "g = sigmoid(score) - delta",
        costs={"5": 0.5}, reason="dVt (S=7 n=5 M=4) is not divided by S"),
    "nothing is divided by S": row(
        "grads", "return J / S, du_w, dVt, dW", "return J, du_w, dVt, dW",
        "g = (sigmoid(score) - delta) / S", "g = sigmoid(score) - delta",
        costs={"5": 1.}, reason="J (S=7 n=5 M=4) is not divided by S"),
    "dW of the batch is transposed": row(
        "grads", '"sm,st->mt", gV', '"sm,st->tm", gV',
        costs={"5": 0.5}, reason="dW (S=7 n=5 M=4) is transposed"),
    "W u_w of the batch is Wᵀ u_w": row(
        "grads", '"mt,st->sm", W', '"mt,sm->st", W',
        costs={"5": 1.}, reason="J (S=7 n=5 M=4) has Wᵀ in place of W"),
    "the batch calls lossAndGradientCumulative": row(
        "grads", "def lossAndGradientBatched(u_w, Vt, W, q):\n",
        "def lossAndGradientBatched(u_w, Vt, W, q):\n"
        "    return lossAndGradientCumulative(u_w, Vt, W, q)\n",
        costs={"5": 1.}, reason="times as fast as a loop over"),
    "a batch of one observation is no batch": row(
        "grads", '    gV = np.einsum("sk', '    u_w = u_w.squeeze()\n    gV = np.einsum("sk',
        costs={"5": 0.25}, reason="ValueError"),
}

IN_SGD = {
    "words repeated in a batch lose gradients": row(
        "w2v_sgd", STEPS, STEPS_BY_INDEX,
        costs={"6": 0.5}, reason="U lost gradients of words that are repeated in a batch"),
    "the same, in U only": row(
        "w2v_sgd", "np.subtract.at(U, w, alpha * du_w)", "U[w] -= alpha * du_w",
        costs={"6": 0.5}, reason="U lost gradients of words that are repeated in a batch"),
    "words drawn twice in one context lose a gradient": row(
        "w2v_sgd", STEPS, STEPS_IN_A_LOOP,
        costs={"6": 0.25}, reason="a word drawn twice in one context must get both"),
    "W is never changed": row(
        "w2v_sgd", W_STEP, "", costs={"6": 0.2}, reason="W was never changed"),
    "W is changed from W0 in each batch": row(
        "w2v_sgd", W_STEP, "            W = W0 - alpha * dW\n",
        costs={"6": 0.5}, reason="W is right after one batch, but not after 10"),
    "V is changed for context words only": row(
        "w2v_sgd", V_STEP, "np.subtract.at(V, context[:, 0], alpha * dVt[:, 0])",
        costs={"6": 0.4}, reason="only for context words, not for negatives"),
    "V is changed for negatives only": row(
        "w2v_sgd", V_STEP, "np.subtract.at(V, context[:, 1:], alpha * dVt[:, 1:])",
        costs={"6": 0.4}, reason="only for negatives, not for context words"),
    "the steps go up the gradient": row(
        "w2v_sgd", STEPS, STEPS.replace("alpha", "-alpha"),
        costs={"6": 0.5}, reason="U moves up the gradient, not down"),
    "the steps are α/S of the gradients": row(
        "w2v_sgd", STEPS, STEPS.replace("alpha", "alpha / len(w)"),
        costs={"6": 0.5}, reason="moves by α/S times the gradient, which is a mean already"),
    "the steps lack α": row(
        "w2v_sgd", STEPS, STEPS.replace("alpha * ", ""),
        costs={"6": 0.5}, reason="U moves by the gradient, without α"),
    "α falls from batch to batch": row(
        "w2v_sgd", W_STEP, f"{W_STEP}            alpha *= 0.99\n",
        costs={"6": 0.5}, reason="U is right after one batch, but not after 10"),
    "an epoch ends early, where progress is printed": row(
        "w2v_sgd", EPOCHS, EPOCHS_COUNTED, W_STEP, EARLY_EPOCH,
        costs={"6": 0.5}, reason="the number of epochs is 1, expected 2 (10500 pairs"),
    "one epoch too few": row(
        "w2v_sgd", "range(epochs)", "range(epochs - 1)",
        costs={"6": 0.5}, reason="the number of epochs is 1, expected 2"),
    "the last batch is left out": row(
        "w2v_sgd", "range(0, len(data), batchSize)",
        "range(0, len(data) - batchSize + 1, batchSize)",
        costs={"6": 0.5}, reason="the last batch of an epoch, the smaller one, is left out"),
    "each batch is of one pair": row(
        "w2v_sgd", ORDER, f"{ORDER}        batchSize = 1\n",
        costs={"6": 0.5}, reason="the batches are not of S pairs"),
    "no shuffling": row(
        "w2v_sgd", "np.random.permutation(len(data))", "np.arange(len(data))",
        costs={"6": 0.5}, reason="the pairs come in the order of data"),
    "no shuffling, and one epoch too few": row(
        "w2v_sgd", "np.random.permutation(len(data))", "np.arange(len(data))",
        "range(epochs)", "range(epochs - 1)",
        costs={"6": 1.}, reason="the pairs come in the order of data"),
    "no shuffling, and the last batch is left out, whatever its size": row(
        "w2v_sgd", "np.random.permutation(len(data))", "np.arange(len(data))",
        "range(0, len(data), batchSize)", "range(0, max(1, len(data) - batchSize), batchSize)",
        costs={"6": 1.}, reason="the pairs come in the order of data"),
    "shuffling after each epoch, not before": row(
        "w2v_sgd", EPOCHS + ORDER, SHUFFLED_AFTER,
        costs={"6": 0.5}, reason="the pairs come in the order of data"),
    "one shuffling before all epochs": row(
        "w2v_sgd", EPOCHS + ORDER, SHUFFLED_ONCE,
        costs={"6": 0.25}, reason="the second epoch has the order of the first"),
    "one shuffling before all epochs, of which there is one too few": row(
        "w2v_sgd", EPOCHS + ORDER, SHUFFLED_ONCE.replace("epochs", "epochs - 1"),
        costs={"6": 0.75}, reason="the second epoch has the order of the first"),
    "random.shuffle of an array, which loses rows": row(
        "w2v_sgd", ORDER, SHUFFLED_ARRAY, "import numpy", "import random\n\nimport numpy",
        costs={"6": 0.5}, reason="epoch 1 does not go through each pair once"),
    "pairs are drawn with replacement": row(
        "w2v_sgd", "np.random.permutation(len(data))",
        "np.random.randint(len(data), size=len(data))",
        costs={"6": 0.5}, reason="epoch 1 does not go through each pair once"),
    "data may be a list only": row(
        "w2v_sgd", "    for _ in", "    data = data + []\n    for _ in",
        costs={"6": 0.25}, reason="data as an array of pairs must do, too"),
    "data may be an array only": row(
        "w2v_sgd", "[data[i] for i in order[first:first + batchSize]]",
        "data[order[first:first + batchSize]]",
        costs={"6": 0.25}, reason="data as a list of pairs must do, too"),
}

# What earns nothing of its tasks; those of a number differ in how they go about it.

def two_functions(body):
    """Return a grads.py whose functions of one observation and of a batch are the same."""
    return "import numpy as np\n" + "".join(
        f"def {name}(u_w, Vt, W, q):\n    {body}\n"
        for name in ("lossAndGradient", "lossAndGradientBatched"))


FROM_SLOPES = ("h = u_w @ W.T; a = (g[..., None] * Vt).sum(-2); "
               "return q.sum() * g.sum(), a @ W, g[..., None] * h[..., None, :], "
               "np.atleast_2d(a).T @ np.atleast_2d(u_w)")
DIFFERENCES = """
import numpy as np
def J_of(u_w, Vt, W, q):
    x = Vt @ W @ u_w - q
    x[0] = -x[0]
    return np.logaddexp(0, x).sum()
def lossAndGradient(*arguments):
    gradients = [np.zeros(X.shape) for X in arguments[:3]]
    for X, gradient in zip(arguments, gradients):
        for place in np.ndindex(X.shape):
            kept, losses = X[place], []
            for step in (1e-5, -1e-5):
                X[place] = kept + step
                losses.append(J_of(*arguments))
            X[place], gradient[place] = kept, (losses[0] - losses[1]) / 2e-5
    return [J_of(*arguments), *gradients]
"""
UNROLLED = """    M, S = len(W), len(u_w)
    each, both = range(M), [(a, b) for a in range(M) for b in range(M)]
    lines = ["def results(u_w, Vt, W, q):", " J, rows = 0., []"]
    lines += [f" w{a}_{b} = W[{a}][{b}]; dw{a}_{b} = 0." for a, b in both]
    lines += [" for u, vt, y in zip(u_w, Vt, q):", *(f"  u{a} = u[{a}]" for a in each)]
    lines += [f"  h{a} = " + "+".join(f"w{a}_{b} * u{b}" for b in each) for a in each]
    lines += ["  row = []", *(f"  a{a} = 0." for a in each)]
    for k in range(q.shape[1]):
        sign = "-" if k == 0 else ""
        lines += [f"  v = vt[{k}]", *(f"  v{a} = v[{a}]" for a in each)]
        lines += [f"  x = {sign}(" + "+".join(f"v{a} * h{a}" for a in each) + f" - y[{k}])"]
        lines += ["  e = exp(-abs(x)); J += max(x, 0.) + log1p(e)"]
        lines += [f"  g = {sign}(1. if x > 0 else e) / (1. + e)"]
        lines += ["  row.append((" + "".join(f"g * h{a}," for a in each) + "))"]
        lines += [f"  a{a} += g * v{a}" for a in each]
    lines += [f"  dw{a}_{b} += a{a} * u{b}" for a, b in both]
    du = ["+".join(f"a{a} * w{a}_{b}" for a in each) + "," for b in each]
    lines += [f"  rows.append((({''.join(du)}), row))"]
    lines += [f" return J, rows, [{', '.join(f'dw{a}_{b}' for a, b in both)}]"]
    names = {"exp": math.exp, "log1p": math.log1p}
    exec("\\n".join(lines), names)
    J, rows, dW = names["results"](*(X.tolist() for X in (u_w, Vt, W, q)))
    du_w, dVt = zip(*rows)
    return J / S, np.array(du_w) / S, np.array(dVt) / S, np.reshape(dW, (M, M)) / S
"""


BATCH = "def lossAndGradientBatched(u_w, Vt, W, q):\n"
LOOP = "    return lossAndGradientCumulative(u_w, Vt, W, q)\n"


def in_batch(lines, before=""):
    """Exchange the function of a batch for other lines, the last of which is a loop."""
    return ("grads", BATCH, f"{before}{BATCH}{lines}{LOOP}")


CHEATS = {
    "slopes of 1e-12": (
        {"grads": two_functions("return 7., 0 * u_w, np.full(Vt.shape, 1e-12), 0 * W")},
        {"4": 2., "5": 2.}),
    "little numbers in float32": (
        {"grads": two_functions("return [np.float32(X) * np.float32(1e-6) for X in (u_w.sum(), "
                                "u_w, Vt, W)]")}, {"4": 2., "5": 2.}),
    "slopes of the right direction, and nearly 0": (
        {"grads": two_functions("return u_w.sum(), 0 * u_w, 1e-9 * np.ones(q.shape + (1,)) * "
                                "(u_w @ W.T)[..., None, :], 0 * W")}, {"4": 2., "5": 2.}),
    "slopes that are the same for all words": (
        {"grads": two_functions(f"g = 0 * q + 0.3 / (q.size // q.shape[-1]); {FROM_SLOPES}")},
        {"4": 2., "5": 2.}),
    "slopes that follow from nothing": (
        {"grads": two_functions(f"g = q / (q.size // q.shape[-1]); {FROM_SLOPES}")},
        {"4": 1., "5": 1.25}),
    "the same constant in both": (
        {"grads": two_functions("return 7., u_w, Vt, W")}, {"4": 2., "5": 2.}),

    "all numbers change by a millionth": (
        [("w2v_sgd", STEPS, "            U += 2e-6; V += 2e-6; W = W * (1 - 3e-6)\n")], {"6": 2.}),
    "steps of the right direction, and nearly 0": (
        [("w2v_sgd", STEPS, STEPS.replace("alpha", "3e-6"))], {"6": 2.}),
    "all numbers shrink by a millionth": (
        [("w2v_sgd", STEPS, "            U, V, W = (X * (1 - 4e-6) for X in (U, V, W))\n")],
        {"6": 2.}),

    "U alone": (
        [("w2v_sgd", STEPS, "            np.subtract.at(U, w, alpha * du_w)\n")], {"6": 1.6}),
    "V alone": (
        [("w2v_sgd", STEPS, "            np.subtract.at(V, context, alpha * dVt)\n")], {"6": 1.6}),

    "nothing is computed of many observations": (
        [in_batch("    if len(u_w) > 100: return 0., 0 * u_w, 0 * Vt, 0 * W\n")], {"5": 1.}),
    "what was computed before is returned": (
        [in_batch("    if len(u_w) > 100:\n"
                  "        if not KNOWN: KNOWN.append(lossAndGradientCumulative(u_w, Vt, W, q))\n"
                  "        return KNOWN[0]\n", "KNOWN = []\n")], {"5": 1.}),
    "a loop over some, and the others like these": (
        [in_batch("    if len(u_w) > 100:\n"
                  "        J, du_w, dVt, dW = lossAndGradientCumulative(u_w[:99], Vt[:99], W, "
                  "q[:99])\n"
                  "        return J, np.resize(du_w, u_w.shape), np.resize(dVt, Vt.shape), dW\n")],
        {"5": 1.}),
    "a loop without arrays, of names for all numbers": (
        [("grads", BATCH, f"import math\n{BATCH}{UNROLLED}")], {"5": 1.}),
    "a loop over a lossAndGradient that is blank": (
        [("grads", "def lossAndGradient(u_w, Vt, W, q):\n",
          "def lossAndGradient(u_w, Vt, W, q):\n    return None\n"), in_batch("")],
        {"4": 2., "5": 2.}),

    "differences": ({"grads": DIFFERENCES}, {"4": 1.5, "5": 2.}),
    "each word once, and a constant": (
        {"sampling": """
import math
def createSamplingSequence(freqs): return list(range(len(freqs)))
def noiseDistribution(freqs, n): return [math.log(n / len(freqs))] * len(freqs)
"""}, {"3": 1.}),
    "the first word twice, all others once, and what follows": (
        {"sampling": """
import numpy as np
def createSamplingSequence(freqs): return [0, *range(len(freqs))]
def noiseDistribution(freqs, n):
    counts = np.bincount(createSamplingSequence(freqs))
    return np.log(n * counts / counts.sum())
"""}, {"3": 1.}),
    "each word nearly as often, and a constant": (
        {"sampling": """
import numpy as np
def createSamplingSequence(freqs):
    return np.append(np.repeat(np.arange(len(freqs)), 200_000 // len(freqs)), 0)
def noiseDistribution(freqs, n): return np.full(len(freqs), np.log(n / len(freqs)), np.float32)
"""}, {"3": 1.}),
    "words once or twice, whatever their frequency": (
        {"sampling": """
import numpy as np
def createSamplingSequence(freqs): return [i for i in range(len(freqs)) for _ in range(1 + i % 2)]
def noiseDistribution(freqs, n):
    counts = 1 + np.arange(len(freqs)) % 2
    return np.log(n * counts / counts.sum())
"""}, {"3": 1.}),
}

FAULTS = IN_SAMPLING | IN_ONE | IN_BATCH | IN_SGD


def changed(sources, changes):
    """Return the texts of modules with pieces exchanged, or with whole modules."""
    if isinstance(changes, dict):
        return sources | changes
    sources = dict(sources)
    for module, piece, instead in changes:
        assert piece in sources[module]
        sources[module] = sources[module].replace(piece, instead)
    return sources


def as_markdown():
    """Return the table for grading.md."""
    lines = ["| fault | costs | what the report says |", "|---|---|---|"]
    for name, fault in FAULTS.items():
        costs = ", ".join(f"{points:g} of task {task}" for task, points in fault.costs.items())
        lines.append(f"| {name} | {costs} | … {fault.reason} … |")
    return "\n".join(lines)
