"""A small class: honest solutions in several styles, and copies disguised in several ways."""

import ast
import builtins
import itertools
import random
import re
import textwrap
from pathlib import Path

import pytest

import utils
from solutions.grading.similar import Lines, Pair, compared_in_part, described, similar_pairs

ROOT = Path(utils.__file__).parent
MODULES = "sampling.py", "grads.py", "w2v_sgd.py"


def read(folder):
    return {name: (folder / name).read_bytes() for name in MODULES}


HANDOUT = read(ROOT / "solutions" / "handout")
BLANK = re.compile(r"^ *# --- your code\n.*?# --- end of your code\n", re.DOTALL | re.MULTILINE)


def filled(bodies, helpers):
    """Fill the blanks of the hand-out, and put helpers below its imports."""
    bodies = iter(bodies)
    files = {}
    for name, data in HANDOUT.items():
        depth = 12 if name == "w2v_sgd.py" else 4
        text, *rest = BLANK.split(data.decode())
        for after_blank in rest:
            text += textwrap.indent(next(bodies), " " * depth) + after_blank
        last_import = "import random\n" if name == "sampling.py" else "import numpy as np\n"
        text = text.replace(last_import, last_import + helpers.get(name, ""), 1)
        compile(text, name, "exec")
        files[name] = text.encode()
    return files


TEXTBOOK = filled(["""\
seq = []
for i, f in enumerate(freqs):
    seq += [i] * round(f ** 0.75)
return seq
""", """\
powers = np.round(np.array(freqs) ** 0.75)
q = powers / powers.sum()
return np.log(negativesCount * q)
""", """\
t = Vt @ (W @ u_w) - q
s = sigmoid(t)
delta = np.zeros(len(q))
delta[0] = 1
J = -np.sum(delta * np.log(s) + (1 - delta) * np.log(1 - s))
diff = s - delta
du_w = W.T @ (Vt.T @ diff)
dVt = np.outer(diff, W @ u_w)
dW = np.outer(Vt.T @ diff, u_w)
return J, du_w, dVt, dW
""", """\
S = u_w.shape[0]
Wu = u_w @ W.T
t = np.einsum('snm,sm->sn', Vt, Wu) - q
s = sigmoid(t)
delta = np.zeros_like(q)
delta[:, 0] = 1
J = -np.sum(delta * np.log(s) + (1 - delta) * np.log(1 - s)) / S
diff = (s - delta) / S
du_w = np.einsum('snm,sn->sm', Vt, diff) @ W
dVt = np.einsum('sn,sm->snm', diff, Wu)
dW = np.einsum('snm,sn,sk->mk', Vt, diff, u_w)
return J, du_w, dVt, dW
""", """\
for k in range(len(w)):
    U[w[k]] -= alpha * du_w[k]
    for j in range(context.shape[1]):
        V[context[k, j]] -= alpha * dVt[k, j]
W -= alpha * dW
"""], {"sampling.py": "import numpy as np\n", "grads.py": """

def sigmoid(x):
    return 1 / (1 + np.exp(-x))
"""})

# The same formulas in the same order, by somebody else: as alike as the honest can be.
SAME_FORMULAS = filled(["""\
seq = []
for i, freq in enumerate(freqs):
    count = round(freq ** 0.75)
    for _ in range(count):
        seq.append(i)
return seq
""", """\
counts = [round(f ** 0.75) for f in freqs]
total = sum(counts)
q = np.array([c / total for c in counts])
return np.log(negativesCount * q)
""", """\
Wu = W @ u_w
t = Vt @ Wu - q
sig = sigmoid(t)
delta = np.zeros_like(q)
delta[0] = 1.0
J = -(delta * np.log(sig) + (1 - delta) * np.log(1 - sig)).sum()
d = sig - delta
du_w = W.T @ Vt.T @ d
dVt = d[:, None] @ Wu[None, :]
dW = (Vt.T @ d)[:, None] @ u_w[None, :]
return J, du_w, dVt, dW
""", """\
S = len(u_w)
Wu = u_w @ W.T
t = np.einsum("sjm,sm->sj", Vt, Wu) - q
sig = sigmoid(t)
delta = np.zeros_like(q)
delta[:, 0] = 1.0
J = -(delta * np.log(sig) + (1 - delta) * np.log(1 - sig)).sum() / S
d = (sig - delta) / S
Vd = np.einsum("sj,sjm->sm", d, Vt)
du_w = Vd @ W
dVt = np.einsum("sj,sm->sjm", d, Wu)
dW = np.einsum("sm,sk->mk", Vd, u_w)
return J, du_w, dVt, dW
""", """\
for i in range(len(w)):
    U[w[i]] -= alpha * du_w[i]
    np.subtract.at(V, context[i], alpha * dVt[i])
W -= alpha * dW
"""], {"sampling.py": "import numpy as np\n", "grads.py": """

def sigmoid(x):
    return 1 / (1 + np.exp(-x))
"""})

DOTS = filled(["""\
result = []
for word in range(len(freqs)):
    count = round(freqs[word] ** 0.75)
    result.extend([word] * count)
return result
""", """\
freqs = np.asarray(freqs)
adjusted = np.round(freqs ** 0.75)
probabilities = adjusted / np.sum(adjusted)
return np.log(probabilities * negativesCount)
""", """\
scores = np.dot(Vt, np.dot(W, u_w)) - q
sigma = sigmoid(scores)
J = -np.log(sigma[0]) - np.sum(np.log(1 - sigma[1:]))
error = sigma.copy()
error[0] -= 1
dVt = np.outer(error, np.dot(W, u_w))
du_w = np.dot(W.T, np.dot(Vt.T, error))
dW = np.outer(np.dot(Vt.T, error), u_w)
return J, du_w, dVt, dW
""", """\
S, n, M = Vt.shape
h = np.dot(u_w, W.T)
scores = np.einsum('ijk,ik->ij', Vt, h) - q
sigma = sigmoid(scores)
J = -np.sum(np.log(sigma[:, 0])) - np.sum(np.log(1 - sigma[:, 1:]))
J = J / S
error = sigma.copy()
error[:, 0] -= 1
error /= S
back = np.einsum('ij,ijk->ik', error, Vt)
dVt = error[:, :, np.newaxis] * h[:, np.newaxis, :]
du_w = np.dot(back, W)
dW = np.dot(back.T, u_w)
return J, du_w, dVt, dW
""", """\
np.add.at(U, w, -alpha * du_w)
np.add.at(V, context, -alpha * dVt)
W -= alpha * dW
"""], {"sampling.py": "import numpy as np\n", "grads.py": """

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))
"""})

EXPIT = filled(["""\
times = np.round(np.asarray(freqs) ** 0.75).astype(int)
return np.repeat(np.arange(len(freqs)), times)
""", """\
times = np.round(np.asarray(freqs) ** 0.75)
return np.log(negativesCount) + np.log(times) - np.log(times.sum())
""", """\
z = Vt @ (W @ u_w) - q
y = np.full(len(q), -1.)
y[0] = 1.
J = np.logaddexp(0, -y * z).sum()
g = -y * expit(-y * z)
return J, g @ Vt @ W, np.outer(g, W @ u_w), np.outer(g @ Vt, u_w)
""", """\
Z = np.matmul(Vt, (u_w @ W.T)[:, :, None]).squeeze(2) - q
Y = np.full(q.shape, -1.)
Y[:, 0] = 1.
J = np.logaddexp(0, -Y * Z).sum(axis=1).mean()
G = -Y * expit(-Y * Z) / len(u_w)
A = np.matmul(G[:, None, :], Vt).squeeze(1)
return J, A @ W, G[:, :, None] * (u_w @ W.T)[:, None, :], A.T @ u_w
""", """\
gU = np.zeros_like(U)
np.add.at(gU, w, du_w)
gV = np.zeros_like(V)
np.add.at(gV, context, dVt)
U -= alpha * gU
V -= alpha * gV
W -= alpha * dW
"""], {"sampling.py": "import numpy as np\n", "grads.py": "from scipy.special import expit\n"})

LOOPS = filled(["""\
sequence = []
index = 0
while index < len(freqs):
    repetitions = int(round(math.pow(freqs[index], 0.75)))
    for repetition in range(repetitions):
        sequence.append(index)
    index += 1
return sequence
""", """\
numbers = []
for frequency in freqs:
    numbers.append(int(round(math.pow(frequency, 0.75))))
whole = sum(numbers)
answer = []
for number in numbers:
    answer.append(math.log(negativesCount) + math.log(number) - math.log(whole))
return answer
""", """\
n = len(q)
M = len(u_w)
J = 0.
du_w = np.zeros(M)
dVt = np.zeros((n, M))
dW = np.zeros((M, M))
for k in range(n):
    score = 0.
    for a in range(M):
        for b in range(M):
            score += Vt[k][a] * W[a][b] * u_w[b]
    score -= q[k]
    if k == 0:
        J += loss_of(score)
        slope = -1. / (1. + math.exp(score))
    else:
        J += loss_of(-score)
        slope = 1. / (1. + math.exp(-score))
    for a in range(M):
        for b in range(M):
            du_w[b] += slope * Vt[k][a] * W[a][b]
            dVt[k][a] += slope * W[a][b] * u_w[b]
            dW[a][b] += slope * Vt[k][a] * u_w[b]
return J, du_w, dVt, dW
""", """\
number = len(u_w)
total = 0.
all_u = []
all_v = []
W_sum = np.zeros(W.shape)
for u_row, v_rows, q_row in zip(u_w, Vt, q):
    loss, for_u, for_v, for_W = lossAndGradient(u_row, v_rows, W, q_row)
    total += loss
    all_u.append(for_u / number)
    all_v.append(for_v / number)
    W_sum += for_W / number
return total / number, np.array(all_u), np.array(all_v), W_sum
""", """\
M = U.shape[1]
for i in range(len(w)):
    for m in range(M):
        U[w[i]][m] = U[w[i]][m] - alpha * du_w[i][m]
    for j in range(len(context[i])):
        for m in range(M):
            V[context[i][j]][m] = V[context[i][j]][m] - alpha * dVt[i][j][m]
for m in range(M):
    W[m] = W[m] - alpha * dW[m]
"""], {"sampling.py": "import math\n", "grads.py": """import math


def loss_of(score):
    if score > 0:
        return math.log(1. + math.exp(-score))
    return math.log(1. + math.exp(score)) - score
"""})

CLASSES = filled(["""\
counts = Noise(freqs).counts
return [word for word, count in enumerate(counts) for _ in range(count)]
""", """\
noise = Noise(freqs)
return [noise.log_expected(word, negativesCount) for word in range(len(freqs))]
""", """\
model = Bilinear(u_w[None], Vt[None], W, q[None])
J, du_w, dVt, dW = model.results()
return J, du_w[0], dVt[0], dW
""", """\
return Bilinear(u_w, Vt, W, q).results()
""", """\
for row, gradient in zip(w, du_w):
    U[row] -= alpha * gradient
flat = context.ravel()
for row, gradient in zip(flat, dVt.reshape(len(flat), -1)):
    V[row] -= alpha * gradient
W -= alpha * dW
"""], {"sampling.py": """import math


class Noise:
    def __init__(self, freqs):
        self.counts = [int(round(f ** .75)) for f in freqs]
        self.all = sum(self.counts)

    def log_expected(self, word, n):
        return math.log(n * self.counts[word] / self.all)
""", "grads.py": """

class Bilinear:
    def __init__(self, u, V, W, q):
        self.u, self.V, self.W, self.q = u, V, W, q
        self.hidden = np.tensordot(u, W, axes=(1, 1))

    def logits(self):
        return (self.V * self.hidden[:, None]).sum(-1) - self.q

    def results(self):
        S = self.u.shape[0]
        x = self.logits()
        x[:, 0] *= -1
        cost = np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))
        p = np.exp(-np.logaddexp(0, -x))
        p[:, 0] *= -1
        p /= S
        down = (p[..., None] * self.V).sum(1)
        return (cost.sum() / S, down.dot(self.W), p[..., None] * self.hidden[:, None],
                down.T.dot(self.u))
"""})

HONEST = {"own": read(ROOT), "student": read(ROOT / "tests" / "student"), "textbook": TEXTBOOK,
          "same formulas": SAME_FORMULAS, "dots": DOTS, "expit": EXPIT, "loops": LOOPS,
          "classes": CLASSES}

# TEXTBOOK by somebody who does not want that to be seen: other names and comments, functions and
# independent lines in another order, annotations, helpers, `a = a - b`.
DISGUISED = {"sampling.py": b'''import random
from typing import List

import numpy as np


def _power(f: float) -> int:
    return round(f ** 0.75)


def sampleContext(contextWord: int, seq: list, negativesCount: int) -> list:
    result: list = [contextWord]
    while len(result) <= negativesCount:
        candidate = random.choice(seq)
        if candidate != contextWord:
            result.append(candidate)
    return result


def noiseDistribution(freqs: list, negativesCount: int):
    # first the powers
    p: np.ndarray = np.round(np.array(freqs) ** 0.75)
    distribution = p / p.sum()          # then normalise
    return np.log(negativesCount * distribution)


def createSamplingSequence(freqs: List[int]) -> List[int]:
    output: List[int] = []
    for idx, fr in enumerate(freqs):
        output = output + [idx] * _power(fr)
    return output
''', "grads.py": b'''import numpy as np


def lossAndGradientBatched(u_w: np.ndarray, Vt: np.ndarray, W: np.ndarray, q: np.ndarray):
    """Batched."""
    target = np.zeros_like(q)
    target[:, 0] = 1
    batch = u_w.shape[0]
    projected = u_w @ W.T
    logits = np.einsum("bij,bj->bi", Vt, projected) - q
    prob = act(logits)
    e = (prob - target) / batch
    loss = cross_entropy(prob, target) / batch
    grad_W = np.einsum("bij,bi,bk->jk", Vt, e, u_w)
    grad_V = np.einsum("bi,bj->bij", e, projected)
    grad_u = np.einsum("bij,bi->bj", Vt, e) @ W
    return loss, grad_u, grad_V, grad_W


def cross_entropy(prob, target):
    return -np.sum(target * np.log(prob) + (1 - target) * np.log(1 - prob))


def lossAndGradient(u_w: np.ndarray, Vt: np.ndarray, W: np.ndarray, q: np.ndarray):
    """One."""
    target = np.zeros(len(q))
    target[0] = 1
    logits = Vt @ (W @ u_w) - q
    prob = act(logits)
    loss = cross_entropy(prob, target)
    e = prob - target
    grad_W = np.outer(Vt.T @ e, u_w)
    grad_V = np.outer(e, W @ u_w)
    grad_u = W.T @ (Vt.T @ e)
    return loss, grad_u, grad_V, grad_W


def act(v: np.ndarray) -> np.ndarray:
    # logistic
    return 1 / (1 + np.exp(-v))
''', "w2v_sgd.py": filled([""] * 4 + ["""\
W = W - alpha * dW
for row in range(len(w)):
    U[w[row]] = U[w[row]] - alpha * du_w[row]
    for col in range(context.shape[1]):
        V[context[row, col]] = V[context[row, col]] - alpha * dVt[row, col]
"""], {})["w2v_sgd.py"]}


class OtherNames(ast.NodeTransformer):
    """Names of the author's own: all others than imported and built-in ones."""

    def __init__(self, tree, rng):
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        self.kept = {alias.asname or alias.name for node in imports for alias in node.names}
        self.kept |= set(dir(builtins))
        self.names, self.rng = {}, rng

    def other(self, name):
        if name in self.kept or name.startswith("__"):
            return name
        return self.names.setdefault(name, f"{self.rng.choice('abcxyz')}_{len(self.names)}")

    def visit_Name(self, node):
        return ast.Name(self.other(node.id), node.ctx)

    def visit_arg(self, node):
        node.arg = self.other(node.arg)
        return node

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            node.attr = self.other(node.attr)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        node.name = self.other(node.name)
        if ast.get_docstring(node):
            node.body[0] = ast.Expr(ast.Constant("In my own words."))
        return self.generic_visit(node)


def renamed(files, seed=1):
    """Copy files with other names, docstrings, layout and order of functions, and no comments."""
    rng = random.Random(seed)
    copies = {}
    for name, data in files.items():
        tree = OtherNames(ast.parse(data), rng).visit(ast.parse(data))
        rng.shuffle(tree.body)
        copies[name] = ast.unparse(ast.fix_missing_locations(tree)).encode()
    return copies


def everywhere(files, pattern, replacement):
    return {name: re.sub(pattern, replacement, data.decode(), flags=re.MULTILINE).encode()
            for name, data in files.items()}


def share(first, second, handed_out=HANDOUT):
    pairs = similar_pairs({"1": first, "2": second}, handed_out, threshold=0)
    return pairs[0].share if pairs else None


def test_the_honest_are_not_listed():
    assert similar_pairs(HONEST, HANDOUT) == []
    assert len(similar_pairs(HONEST, HANDOUT, threshold=0)) == 8 * 7 / 2
    for two in itertools.combinations(HONEST, 2):
        assert similar_pairs({student: HONEST[student] for student in two}, HANDOUT) == []


@pytest.mark.parametrize("student", HONEST)
def test_a_copy_with_other_names_is_on_top(student):
    original = HONEST[student]
    pairs = similar_pairs(HONEST | {"copy": renamed(original)}, HANDOUT, threshold=0)
    assert {pairs[0].first, pairs[0].second} == {student, "copy"}
    assert pairs[0].share > 0.9
    assert pairs[1].share < 0.6
    assert share(original, renamed(original)) > 0.9


def test_a_copy_disguised_by_hand_is_on_top():
    pairs = similar_pairs(HONEST | {"copy": DISGUISED}, HANDOUT, threshold=0)
    assert (pairs[0].first, pairs[0].second) == ("textbook", "copy")
    assert pairs[0].share > 0.88
    assert pairs[1].share < 0.6
    assert [pair.share for pair in pairs] == sorted((pair.share for pair in pairs), reverse=True)

    few = {"textbook": TEXTBOOK, "same formulas": SAME_FORMULAS, "copy": DISGUISED}
    assert [(pair.first, pair.second) for pair in similar_pairs(few, HANDOUT)] == [
        ("textbook", "copy")]


@pytest.mark.parametrize("pattern, replacement", [
    (r"^( +)(\w+ = )", r"\1# aha\n\1\2"),
    (r"^((?:    )+)", lambda spaces: "\t" * (len(spaces[1]) // 4)),
    (r"$", "\r"),
    (r", ", " ,"),
    (r"\bdelta\b", "is_context"),
    (r"^( +)(\S.*) ([-+])= ", r"\1\2 = \2 \3 "),
    (r"\bdiff = ", "diff: np.ndarray = "),
    (r"\bdef (\w+)\((\w+)", r"def \1(\2: list"),
    (r"= 1$", "= 1."),
    (r"\n +(dVt|dW) = ", r"; \1 = "),
    (r"'snm,sm->sn'", '"abc,ac->ab"'),
    (r'^    """.*\n', '    """Something else.\n\n    altogether\n'),
    (r"^    diff = s - delta\n(.*\n)(.*\n)(.*\n)", r"    diff = s - delta\n\3\1\2"),
])
def test_what_is_easily_changed_does_not_count(pattern, replacement):
    changed = everywhere(TEXTBOOK, pattern, replacement)
    assert changed != TEXTBOOK
    assert share(TEXTBOOK, changed) == 1


def test_what_changes_the_computation_counts():
    for old, new in (("np.einsum", "np.tensordot"), (r"\* np\.log", "+ np.log"), ("0.75", "0.5")):
        assert share(TEXTBOOK, everywhere(TEXTBOOK, old, new)) < 1


def test_the_hand_out_does_not_count():
    assert similar_pairs({"FN1": HANDOUT, "FN2": HANDOUT}, HANDOUT, threshold=0) == []
    assert len(similar_pairs({"FN1": HANDOUT, "FN2": HANDOUT}, {})) == 1
    assert share(LOOPS, EXPIT) < 0.1 < 0.25 < share(LOOPS, EXPIT, handed_out={})

    others = {name: (ROOT / name).read_bytes() for name in ("run.py", "test.py", "utils.py")}
    assert share(LOOPS | others, EXPIT | others) == share(LOOPS, EXPIT)


def test_too_little_is_not_compared():
    task_3 = HANDOUT | {"sampling.py": TEXTBOOK["sampling.py"]}
    assert similar_pairs({"FN1": task_3, "FN2": TEXTBOOK}, HANDOUT, threshold=0) == []
    assert similar_pairs({}, HANDOUT) == similar_pairs({"FN1": TEXTBOOK}, HANDOUT) == []


def test_what_many_have_counts_less():
    def with_helper(helper):
        return {student: files | {"helper.py": helper} for student, files in HONEST.items()}

    own_sgd = HONEST["own"]["w2v_sgd.py"]
    all_have_it = with_helper(own_sgd)
    two_have_it = HONEST | {student: all_have_it[student] for student in ("loops", "expit")}

    def share_of_both(students):
        pairs = similar_pairs(students, HANDOUT, threshold=0)
        return next(pair.share for pair in pairs if (pair.first, pair.second) == ("expit", "loops"))

    assert share_of_both(all_have_it) < 0.4 < 0.6 < share_of_both(two_have_it)
    all_are_copies = {f"FN{number}": TEXTBOOK for number in range(8)}
    assert len(similar_pairs(all_are_copies, HANDOUT)) == 8 * 7 / 2


def test_a_copy_is_not_hidden_by_more():
    hidden = renamed(TEXTBOOK) | {"more.py": HONEST["own"]["w2v_sgd.py"]}
    assert share(TEXTBOOK, hidden) == 1


def line_of(text, files):
    """Find a text that is in one place of the files: its file and the number of its line."""
    places = [(name, number) for name, data in files.items()
              for number, line in enumerate(data.decode().splitlines(), 1) if text in line]
    assert len(places) == 1
    return places[0]


@pytest.mark.parametrize("text, counterpart", [
    ("np.einsum('snm,sm->sn', Vt, Wu) - q", 'np.einsum("bij,bj->bi", Vt, projected) - q'),
    ("dVt = np.outer(diff, W @ u_w)", "grad_V = np.outer(e, W @ u_w)"),
    ("q = powers / powers.sum()", "distribution = p / p.sum()"),
    ("for j in range(context.shape[1])", "for col in range(context.shape[1])"),
])
def test_places(text, counterpart):
    pair = similar_pairs({"FN1": TEXTBOOK, "FN2": DISGUISED}, HANDOUT)[0]
    file, line = line_of(text, TEXTBOOK)
    other_file, other_line = line_of(counterpart, DISGUISED)
    assert any(first.file == file and first.first <= line <= first.last
               and second.file == other_file and second.first <= other_line <= second.last
               for first, second in pair.places)


def test_places_are_whole_functions_of_a_plain_copy():
    pair = similar_pairs({"FN1": TEXTBOOK, "FN2": renamed(TEXTBOOK)}, HANDOUT)[0]
    first, second = pair.places[0]
    assert first.file == second.file == "grads.py"
    assert (first.file, first.first + 1) == line_of("Wu = u_w @ W.T", TEXTBOOK)
    assert (first.file, first.last) == line_of("dW = np.einsum(", TEXTBOOK)
    lines = renamed(TEXTBOOK)["grads.py"].decode().splitlines()[second.first - 1:second.last]
    assert len(lines) == 11 and "einsum" in lines[-1]


def test_described():
    places = ((Lines("grads.py", 40, 52), Lines("grads.py", 38, 50)),
              (Lines("sampling.py", 7, 7), Lines("helper.py", 1, 2)))
    pairs = [Pair("FN1", "FN7", 0.931, places), Pair("FN1", "FN8", 0.8),
             Pair("FN2", "FN3", 1., places[:1] * 6)]
    assert described(pairs) == [
        "FN1 and FN7: 93 % alike: grads.py 40–52 / 38–50, sampling.py 7 / helper.py 1–2",
        "FN1 and FN8: 80 % alike",
        "FN2 and FN3: 100 % alike: " + "grads.py 40–52 / 38–50, " * 5 + "…"]


@pytest.mark.parametrize("damage", [
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data + b"\n# \xf1\xf2\xf3\xe4\xe5\xed\xf2\n",
    lambda data: b"# coding: no-such-coding\n" + data,
    lambda data: data.decode().encode("utf-16"),
    lambda data: data.replace(b"\n", b"\n\0"),
    lambda data: data + b"\ndef broken(:\n",
    lambda data: data + b"\nx = (1,\n",
    lambda data: data + b"\nx = '''\n",
    lambda data: data + b"\n    x = 1\n  y = 2\n",
    lambda data: data + b"\nx = 1 ? $ 'a\n",
    lambda data: data.replace(b"\n", b"\r"),
])
def test_what_is_no_python_is_compared(damage):
    damaged = {name: damage(data) for name, data in renamed(TEXTBOOK).items()}
    assert share(TEXTBOOK, damaged) > 0.9
    assert similar_pairs(HONEST | {"damaged": damaged}, HANDOUT)[0].second == "damaged"


def test_what_is_no_python_is_no_more_alike():
    no_python = [everywhere(files, r"\Z", "\ndef broken(:\n") for files in (LOOPS, EXPIT)]
    assert share(*no_python) < 0.15


@pytest.mark.parametrize("hostile", [
    b"x = " + b"1 + " * 2_500_000 + b"1\n",
    b"a + " * 100_000,
    b"a += " * 100_000,
    b"a = b + c + d + e\n" * 100_000,
    b"(" * 1_000_000,
    b"'\"" * 1_000_000,
    b'"""' * 1_000_001,
    b"\0" * 1_000_000,
    b"".join(b" " * depth + b"if x:\n" for depth in range(1000)),
])
def test_hostile_sources_are_bounded(hostile):
    students = HONEST | {"hostile": TEXTBOOK | {"w2v_sgd.py": hostile},
                         "another": TEXTBOOK | {"w2v_sgd.py": hostile}}
    pairs = similar_pairs(students, HANDOUT)
    assert {"hostile", "another"} in [{pair.first, pair.second} for pair in pairs]
    assert [line.split(":")[0] for line in compared_in_part(students)] == ["hostile", "another"]


def test_what_is_too_large_is_cut_and_said():
    far = {name: b"#" * 70_000 + b"\n" + data for name, data in TEXTBOOK.items()}
    many = {f"helper_{number}.py": b"" for number in range(10)} | TEXTBOOK
    students = {"FN1": TEXTBOOK, "FN2": far, "FN3": many}
    assert similar_pairs(students, HANDOUT, threshold=0) == []
    students["FN4"] = TEXTBOOK | {"utils.py": b"#" * 70_000}
    students["FN5"] = {}
    assert compared_in_part(students) == [
        f"{student}: only the first 64 kB of a file, and the first 10 files, were compared with "
        "others" for student in ("FN2", "FN3")]


def test_three_hundred():
    rng = random.Random(1)

    def expression(depth):
        if depth == 0:
            return rng.choice(["a", "b", "np.log(a)", "a.sum()", "c[0]", "c[:, 1]", "2"])
        return f"{expression(depth - 1)} {rng.choice('+-*/@')} {expression(depth - 1)}"

    students = {}
    for number in range(299):
        lines = [f"x_{line} = {expression(2)}" for line in range(60)]
        students[f"FN{number}"] = {"grads.py": "\n".join(lines).encode()}
    students["copy"] = renamed(students["FN7"])
    assert [(pair.first, pair.second, pair.share)
            for pair in similar_pairs(students, HANDOUT)] == [("FN7", "copy", 1)]
