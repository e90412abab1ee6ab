"""Hand-ins with one fault each: pieces of a student's plain modules exchanged for others."""

import textwrap
from typing import NamedTuple

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
V_STEP_BY_INDEX = ("V[context[:, 0]] -= alpha * dVt[:, 0]\n"
                   "            np.subtract.at(V, context[:, 1:], alpha * dVt[:, 1:])")


class Row(NamedTuple):
    """One fault: `changes` are tuples of a module, a piece of it, and what stands there instead."""

    changes: list
    costs: dict             # from task to points
    reason: str


def rows(module, faults):
    return {name: Row(list(zip([module] * len(pieces), pieces[::2], pieces[1::2])),
                      {task: points}, reason)
            for name, (task, points, reason, *pieces) in faults.items()}


# By module: a fault's task, what it costs there, part of the first line of a reason that is given,
# and in pairs a piece of the module and what stands there instead.
IN_SAMPLING = {
    "f^0.75 is rounded down in the sequence, and q counts its words": ("3", 0.5, "is rounded down",
        "range(round(f ** 0.75))", "range(int(f ** 0.75))",
        "counts = [round(f ** 0.75) for f in freqs]",
        "counts = np.bincount(createSamplingSequence(freqs))",
        "import math", "import math\nimport numpy as np"),
    "f^0.75 is rounded down in the sequence and in q": ("3", 0.5, "is rounded down",
        "range(round(f ** 0.75))", "range(int(f ** 0.75))",
        "[round(f ** 0.75)", "[int(f ** 0.75)"),
    "the sequence lacks the power 0.75": ("3", 0.5, "without the power 0.75",
        "range(round(f ** 0.75))", "range(f)"),
    "the sequence is a 0-d array": (
        "3", 0.5, "the sequence is a 0-d array, expected a list or an array",
        "    return [i", "    import numpy; return numpy.array(7) or [i"),
    "the sequence is a generator": ("3", 0.5, "no answer to judge",
        "    return [i", "    return iter([i", "range(round(f ** 0.75))]",
        "range(round(f ** 0.75))])"),
    "q lacks the factor n": ("3", 0.5, "lacks the factor n",
        "math.log(negativesCount * count", "math.log(count"),
    "q lacks the rounding": ("3", 0.5, "lacks the rounding",
        "[round(f ** 0.75)", "[(f ** 0.75)"),
    "q lacks the logarithm": ("3", 0.5, "is n·q[c], not its logarithm",
        "math.log(negativesCount * count / sum(counts))",
        "negativesCount * count / sum(counts)"),
    "a negative may be the context word": ("3", 0.25, "a negative equals the context word",
        "if word != contextWord:", "if True:"),
    "negatives are drawn from all words alike": ("3", 0.25, "the negatives do not follow q",
        "random.choice(seq)", "random.choice(sorted(set(seq)))"),
}

IN_GRADS = {
    "J has the wrong sign": ("4", 0.5, "J (n=5 M=4) has the wrong sign",
        "    J = softplus(-score[0]) + ", "    J = -softplus(-score[0]) - "),
    "J has the mean over the negatives": (
        "4", 0.5, "has the mean over the negatives, not their sum",
        "softplus(score[1:]).sum()", "softplus(score[1:]).mean()"),
    "dVt has the wrong sign": ("4", 0.5, "dVt (n=5 M=4) has the wrong sign",
        "dVt = np.outer(g, W @ u_w)", "dVt = -np.outer(g, W @ u_w)"),
    "dW is transposed": ("4", 0.5, "dW (n=5 M=4) is transposed",
        "dW = np.outer(Vt.T @ g, u_w)", "dW = np.outer(u_w, Vt.T @ g)"),
    "dVt is transposed": ("4", 0.5, "dVt (n=5 M=4) is transposed",
        "dVt = np.outer(g, W @ u_w)", "dVt = np.outer(W @ u_w, g)"),
    "dVt is transposed, in tasks 4 and 5": ("4", 0.5, "dVt (n=5 M=4) is transposed",
        "dVt = np.outer(g, W @ u_w)", "dVt = np.outer(W @ u_w, g)",
        '"sk,sm->skm", g', '"sk,sm->smk", g'),
    "du_w is a column, in tasks 4 and 5": ("4", 0.5, "du_w (n=5 M=4) has the shape (4, 1)",
        "return J, du_w, dVt, dW", "return J, du_w[:, None], dVt, dW",
        "return J / S, du_w, dVt, dW", "return J / S, du_w[..., None], dVt, dW"),
    "δ is missing in g": ("4", 0.5, "is δ missing?",
        "g = sigmoid(score) - delta\n", "g = sigmoid(score)\n"),
    "δ is missing in g, in tasks 4 and 5": ("4", 0.5, "is δ missing?",
        "g = sigmoid(score) - delta\n", "g = sigmoid(score)\n",
        "g = (sigmoid(score) - delta) / S", "g = sigmoid(score) / S"),
    "the scores lack q": ("4", 1., "J (n=5 M=4) lacks q",
        "score = Vt @ W @ u_w - q", "score = Vt @ W @ u_w"),
    "the scores lack q, in tasks 4 and 5": ("4", 1., "J (n=5 M=4) lacks q",
        "score = Vt @ W @ u_w - q", "score = Vt @ W @ u_w", "Vt, Wu) - q", "Vt, Wu)"),
    "the scores have Wᵀ for W": ("4", 1., "J (n=5 M=4) has Wᵀ in place of W",
        "score = Vt @ W @ u_w - q", "score = Vt @ W.T @ u_w - q"),
    "a naive logarithm in lossAndGradient": ("4", 0.25, "J is inf for scores of about ±1000",
        J_OF_ONE, NAIVE_J_OF_ONE),
    "a naive logarithm in both": ("4", 0.25, "J is inf for scores of about ±1000",
        J_OF_ONE, NAIVE_J_OF_ONE, J_OF_BATCH, NAIVE_J_OF_BATCH),
    "a naive σ in both": ("4", 0.25, "du_w is nan for scores of about ±1000",
        SIGMOID, NAIVE_SIGMOID),
    "dVt and dW lose an axis where M is 1": ("4", 0.25, "dVt (n=3 M=1) has the shape (4,)",
        "return J, du_w, dVt, dW", "return J, du_w, dVt.squeeze(), dW.squeeze()"),
    "a naive logarithm in lossAndGradientBatched only": (
        "5", 0.25, "J is inf for scores of about ±1000",
        J_OF_BATCH, NAIVE_J_OF_BATCH),
    "J is not divided by S": ("5", 0.5, "J (S=7 n=5 M=4) is not divided by S",
        "return J / S, du_w, dVt, dW", "return J, du_w, dVt, dW"),
    "the gradients are not divided by S": ("5", 0.5, "dVt (S=7 n=5 M=4) is not divided by S",
        "g = (sigmoid(score) - delta) / S", "g = sigmoid(score) - delta"),
    "nothing is divided by S": ("5", 1., "J (S=7 n=5 M=4) is not divided by S",
        "return J / S, du_w, dVt, dW", "return J, du_w, dVt, dW",
        "g = (sigmoid(score) - delta) / S", "g = sigmoid(score) - delta"),
    "dW of the batch is transposed": ("5", 0.5, "dW (S=7 n=5 M=4) is transposed",
        '"sm,st->mt", gV', '"sm,st->tm", gV'),
    "W u_w of the batch is Wᵀ u_w": ("5", 1., "J (S=7 n=5 M=4) has Wᵀ in place of W",
        '"mt,st->sm", W', '"mt,sm->st", W'),
    "the batch calls lossAndGradientCumulative": ("5", 1., "times as fast as a loop over",
        "def lossAndGradientBatched(u_w, Vt, W, q):\n",
        "def lossAndGradientBatched(u_w, Vt, W, q):\n"
        "    return lossAndGradientCumulative(u_w, Vt, W, q)\n"),
    "dVt of one observation lacks an axis": ("5", 0.25, "has the shape (6, 3), expected (1, 6, 3)",
        "return J / S, du_w, dVt, dW", "return J / S, du_w, dVt.squeeze(), dW"),
    "a batch of one observation is no batch": ("5", 0.25, "ValueError",
        '    gV = np.einsum("sk', '    u_w = u_w.squeeze()\n    gV = np.einsum("sk'),
}

IN_SGD = {
    "words repeated in a batch lose gradients": (
        "6", 0.5, "U lost gradients of words that are repeated in a batch",
        STEPS, STEPS_BY_INDEX),
    "the same, in U only": ("6", 0.5, "U lost gradients of words that are repeated in a batch",
        "np.subtract.at(U, w, alpha * du_w)", "U[w] -= alpha * du_w"),
    "the same, in the context words only": (
        "6", 0.5, "V lost gradients of context words that are repeated in a batch",
        V_STEP, V_STEP_BY_INDEX),
    "words drawn twice in one context lose a gradient": (
        "6", 0.25, "a word drawn twice in one context must get both",
        STEPS, STEPS_IN_A_LOOP),
    "W is never changed": ("6", 0.2, "W was never changed",
        W_STEP, ""),
    "W is changed from W0 in each batch": ("6", 0.5, "is right after one batch, but not after 10",
        W_STEP, "            W = W0 - alpha * dW\n"),
    "V is changed for context words only": ("6", 0.4, "only for context words, not for negatives",
        V_STEP, "np.subtract.at(V, context[:, 0], alpha * dVt[:, 0])"),
    "V is changed for negatives only": ("6", 0.4, "only for negatives, not for context words",
        V_STEP, "np.subtract.at(V, context[:, 1:], alpha * dVt[:, 1:])"),
    "the steps go up the gradient": ("6", 0.5, "U moves up the gradient, not down",
        STEPS, STEPS.replace("alpha", "-alpha")),
    "the steps are α/S of the gradients": (
        "6", 0.5, "moves by α/S times the gradient, which is a mean already",
        STEPS, STEPS.replace("alpha", "alpha / len(w)")),
    "the steps lack α": ("6", 0.5, "U moves by the gradient, without α",
        STEPS, STEPS.replace("alpha * ", "")),
    "α falls from batch to batch": ("6", 0.5, "is right after one batch, but not after 10",
        W_STEP, f"{W_STEP}            alpha *= 0.99\n"),
    "an epoch ends early, where progress is printed": (
        "6", 0.5, "the number of epochs is 1, expected 2 (10500 pairs",
        EPOCHS, EPOCHS_COUNTED, W_STEP, EARLY_EPOCH),
    "one epoch too few": ("6", 0.5, "the number of epochs is 1, expected 2",
        "range(epochs)", "range(epochs - 1)"),
    "the last batch is left out": (
        "6", 0.5, "the last batch of an epoch, the smaller one, is left out",
        "range(0, len(data), batchSize)",
        "range(0, len(data) - batchSize + 1, batchSize)"),
    "each batch is of one pair": ("6", 0.5, "the batches are not of S pairs",
        ORDER, f"{ORDER}        batchSize = 1\n"),
    "no shuffling": ("6", 0.5, "called in the order of data",
        "np.random.permutation(len(data))", "np.arange(len(data))"),
    "no shuffling, and one epoch too few": ("6", 1., "called in the order of data",
        "np.random.permutation(len(data))", "np.arange(len(data))",
        "range(epochs)", "range(epochs - 1)"),
    "no shuffling, and the last batch is left out, whatever its size": (
        "6", 1., "called in the order of data",
        "np.random.permutation(len(data))", "np.arange(len(data))",
        "range(0, len(data), batchSize)", "range(0, max(1, len(data) - batchSize), batchSize)"),
    "shuffling in each batch only": ("6", 0.5, "called in the order of data",
        "order = np.random.permutation(len(data))", "order = np.arange(len(data))",
        "for i in order[first:first + batchSize]",
        "for i in np.random.permutation(order[first:first + batchSize])"),
    "shuffling after each epoch, not before": ("6", 0.5, "called in the order of data",
        EPOCHS + ORDER, SHUFFLED_AFTER),
    "one shuffling before all epochs": ("6", 0.25, "the second epoch has the order of the first",
        EPOCHS + ORDER, SHUFFLED_ONCE),
    "one shuffling before all epochs, of which there is one too few": (
        "6", 0.75, "the second epoch has the order of the first",
        EPOCHS + ORDER, SHUFFLED_ONCE.replace("epochs", "epochs - 1")),
    "random.shuffle of an array, which loses rows": (
        "6", 0.5, "epoch 1 does not go through each pair once",
        ORDER, SHUFFLED_ARRAY, "import numpy", "import random\n\nimport numpy"),
    "pairs are drawn with replacement": ("6", 0.5, "epoch 1 does not go through each pair once",
        "np.random.permutation(len(data))",
        "np.random.randint(len(data), size=len(data))"),
    "data may be a list only": ("6", 0.25, "it fails if data is an array of pairs",
        "    for _ in", "    data = data + []\n    for _ in"),
    "data may be an array only": ("6", 0.25, "it fails if data is a list of pairs",
        "[data[i] for i in order[first:first + batchSize]]",
        "data[order[first:first + batchSize]]"),
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
    arguments = [np.array(X, float) for X in arguments]
    gradients = [np.zeros(X.shape, np.float32) for X in arguments[:3]]
    for X, gradient in zip(arguments, gradients):
        for place in np.ndindex(X.shape):
            kept, losses = X[place], []
            for step in (1e-5, -1e-5):
                X[place] = kept + step
                losses.append(J_of(*arguments))
            X[place], gradient[place] = kept, (losses[0] - losses[1]) / 2e-5
    return J_of(*arguments), *gradients
"""
# J is called for 4 times, then each gradient 4 times, once more, and once for tiny numbers.
WRONG_IN_THE_FOURTH = """
calls, differences = 0, lossAndGradient
def lossAndGradient(u_w, *others):
    global calls
    is_tiny = abs(u_w).max() < 1e-9
    calls += not is_tiny
    J, *gradients = differences(u_w, *others)
    return J, *(gradient + (calls in (9, 14, 19)) for gradient in gradients)
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


ONE = "def lossAndGradient(u_w, Vt, W, q):\n"
CONTEXT = "    context = [contextWord]\n"
SGD = "    U, V, W = U0.copy(), V0.copy(), W0.copy()\n"


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
        [("grads", BATCH, f"import math\n{BATCH}    if len(u_w) > 50:\n"
                          + textwrap.indent(UNROLLED, "    "))], {"5": 1.}),
    "a loop over a lossAndGradient that is blank": (
        [("grads", "def lossAndGradient(u_w, Vt, W, q):\n",
          "def lossAndGradient(u_w, Vt, W, q):\n    return None\n"), in_batch("")],
        {"4": 2., "5": 2.}),

    "differences": ({"grads": DIFFERENCES}, {"4": 1.5, "5": 2.}),
    "differences times 2, and nothing of many": (
        {"grads": DIFFERENCES.replace("/ 2e-5", "/ 1e-5")
                  + "def lossAndGradientCumulative(u_w, Vt, W, q):\n"
                    "    J, du_w, dVt, dW = zip(*map(lossAndGradient, u_w, Vt, len(q) * [W], q))\n"
                    "    S = len(u_w)\n"
                    "    return sum(J) / S, np.array(du_w) / S, np.array(dVt) / S, sum(dW) / S\n"
                    "def lossAndGradientBatched(u_w, Vt, W, q):\n"
                    "    J, *gradients = lossAndGradientCumulative(u_w[:50], Vt[:50], W, q[:50])\n"
                    "    return J, *(gradients if len(u_w) <= 50 else (0, 0, 0))\n"},
        {"4": 1.5, "5": 2.}),
    "differences that are wrong on purpose where they are compared with tiny ones": (
        {"grads": DIFFERENCES + WRONG_IN_THE_FOURTH}, {"4": 1.5, "5": 2.}),
    "lossAndGradient is blank once a batch was large": (
        [("grads", BATCH, f"{BATCH}    if len(u_w) > 99: KNOWN.append(1)\n"),
         ("grads", ONE, f"KNOWN = []\n{ONE}    if KNOWN: return None\n"),
         ("grads", "    return J / S, du_w / S, dVt / S, dW / S\n", "    return 1, 2, 3, 4\n")],
        {"5": 0.25}),
    "a loop over as many as 100": (
        [("grads", BATCH, f"{BATCH}    if len(u_w) <= 100:\n    {LOOP}")], {"5": 1.}),
    "M is at most 16": (
        [("grads", ONE, f"{ONE}    if len(W) > 16: return 0., 0 * u_w, 0 * Vt, 0 * W\n"),
         ("grads", BATCH, f"{BATCH}    if len(W) > 16: return 0., 0 * u_w, 0 * Vt, 0 * W\n")],
        {"4": 2., "5": 2.}),
    "a loop, and wrong where it is seen which results are right": (
        [("grads", BATCH, f"sevens = 0\n{BATCH}    global sevens\n    sevens += len(u_w) == 7\n"
                          "    if sevens == 5 or len(u_w) > 50: return 0., 0 * u_w, 0 * Vt, 0 * W\n"
                          + LOOP)], {"5": 1.25}),
    "a loop over as many as 100, for the first of several calls with equal arguments": (
        [in_batch("    if len(u_w) <= 100:\n        key = u_w.tobytes()\n"
                  "        if key not in KNOWN:\n            KNOWN[key] = "
                  "lossAndGradientCumulative(u_w, Vt, W, q)\n        return KNOWN[key]\n",
                  "KNOWN = {}\n")], {"5": 1.}),
    "a naive σ in the batch, and task 4 is blank": (
        [("grads", SIGMOID, NAIVE_SIGMOID), ("grads", ONE, f"{ONE}    return None\n")],
        {"4": 2., "5": 0.25}),
    "a naive logarithm but for scores of 500": (
        [("grads", J_OF_ONE, f"    if abs(score).max() > 500:\n    {J_OF_ONE}    else:\n"
                             f"    {NAIVE_J_OF_ONE}")], {"4": 0.25}),
    "contexts are asked for without end": (
        [("w2v_sgd", SGD, f"    while True: contextFunction(data[0][1])\n{SGD}")], {"6": 2.}),
    "no step is taken but where M is 3": (
        [("w2v_sgd", SGD, f"    alpha *= len(W0) == 3\n{SGD}")], {"6": 2.}),
    "two negatives, however many there are": ([("w2v_sgd", V_STEP,
        "np.subtract.at(V, context[:, :3], alpha * dVt[:, :3])")], {"6": 0.4}),
    "the halves of data are shuffled apart": (
        [("w2v_sgd", ORDER, "        order = np.random.permutation(len(data)); order = np.r_["
                            "order[order < len(data) // 2], order[order >= len(data) // 2]]\n")],
        {"6": 0.5}),
    "shuffling where there are 30 pairs": (
        [("w2v_sgd", ORDER, ORDER.replace("\n", " if len(data) == 30 else range(len(data))\n"))],
        {"6": 0.5}),
    "the order of data backwards, from another place on": (
        [("w2v_sgd", "np.random.permutation(len(data))",
          "np.roll(np.arange(len(data))[::-1], np.random.randint(9))")], {"6": 0.5}),
    "each batch starts from U0 and V0, and W is never changed": (
        [("w2v_sgd", STEPS, "            U, V = U0.copy(), V0.copy()\n"
                            + STEPS.replace(W_STEP, ""))], {"6": 0.7}),
    "epochs are at most 2": ([("w2v_sgd", "range(epochs)", "range(min(epochs, 2))")], {"6": 0.5}),
    "batches are at most 1000": (
        [("w2v_sgd", SGD, f"{SGD}    batchSize = min(batchSize, 1000)\n")], {"6": 0.5}),
    "data may be a list only, and neither where it is seen that both are tried": (
        [("w2v_sgd", SGD, "    CALLS.append(1)\n    data = data + []\n"
                          f"    if len(CALLS) > 7: raise ValueError\n{SGD}"),
         ("w2v_sgd", "\n\ndef ", "\nCALLS = []\n\ndef ")], {"6": 1.25}),
    "frequencies are at most 100 001": (
        [("sampling", "f ** 0.75", "min(f, 100_001) ** 0.75")], {"3": 0.5}),
    "frequencies are at most 100 001 in q": (
        [("sampling", "[round(f ** 0.75)", "[round(min(f, 100_001) ** 0.75)")], {"3": 0.5}),
    "several negatives are the context word, where they are not 5": (
        [("sampling", CONTEXT, f"{CONTEXT}    if negativesCount not in (1, 5):\n"
                               "        return context * (1 + negativesCount)\n")], {"3": 0.25}),
    "contexts are right for the words 0, 7 and 12": (
        [("sampling", CONTEXT, f"{CONTEXT}    if contextWord not in (0, 7, 12):\n"
                               "        return context * (1 + negativesCount)\n")], {"3": 0.25}),
    "each negative is there twice": (
        [("sampling", "context.append(word)", "context += [word, word]"),
         ("sampling", "return context", "return context[:1 + negativesCount]")], {"3": 0.25}),
    "q is of the sorted frequencies": (
        [("sampling", "def noiseDistribution(freqs, negativesCount):\n",
          "def noiseDistribution(freqs, negativesCount):\n"
          "    freqs = sorted(freqs, reverse=True)\n")], {"3": 0.5}),
    "the first negative follows q, and others do not": (
        [("sampling", "random.choice(seq)",
          "random.choice(seq if len(context) == 1 else sorted(set(seq)))")], {"3": 0.25}),

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

FAULTS = (rows("sampling", IN_SAMPLING) | rows("grads", IN_GRADS) | rows("w2v_sgd", IN_SGD))


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
