"""Right solutions in the styles of different students; what a style leaves out is tests/student's.

Each is a dict from the names of files to their texts; a grads.py without lossAndGradientCumulative
gets that of the hand-out.
"""

LISTS = {"grads.py": '''
import math

import numpy as np


def softplus(x):
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def lossAndGradient(u_w, Vt, W, q):
    M = len(u_w)
    Wu = [sum(W[a][b] * u_w[b] for b in range(M)) for a in range(M)]
    J = 0
    du_w = [0] * M
    dVt = []
    dW = [[0] * M for _ in range(M)]
    for j in range(len(q)):
        x = sum(Vt[j][a] * Wu[a] for a in range(M)) - q[j]
        J += softplus(-x) if j == 0 else softplus(x)
        g = sigmoid(x) - (j == 0)
        dVt.append([g * Wu[a] for a in range(M)])
        for a in range(M):
            for b in range(M):
                du_w[b] += g * Vt[j][a] * W[a][b]
                dW[a][b] += g * Vt[j][a] * u_w[b]
    return J, np.array(du_w), np.array(dVt), np.array(dW)


def lossAndGradientCumulative(u_w, Vt, W, q):
    S = len(u_w)
    results = [lossAndGradient(*row, W, b) for *row, b in zip(u_w, Vt, q)]
    J, du_w, dVt, dW = zip(*results)
    return sum(J) / S, np.array(du_w) / S, np.array(dVt) / S, sum(dW) / S


def lossAndGradientBatched(u_w, Vt, W, q):
    S = len(u_w)
    sign = np.ones(q.shape)
    sign[:, 0] = -1
    Wu = np.dot(u_w, np.transpose(W))
    x = sign * (np.sum(Vt * Wu[:, np.newaxis, :], axis=2) - q)
    J = np.mean(np.sum(np.logaddexp(0, x), axis=1))
    g = sign * np.exp(-np.logaddexp(0, -x)) / S
    VTg = np.sum(Vt * g[:, :, np.newaxis], axis=1)
    return J, np.dot(VTg, W), g[:, :, np.newaxis] * Wu[:, np.newaxis], np.dot(VTg.T, u_w)
''', "w2v_sgd.py": '''
import random

import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    U, V, W = np.array(U0), np.array(V0), np.array(W0)
    numbers = list(range(len(data)))
    for epoch in range(epochs):
        random.shuffle(numbers)
        done = 0
        while done < len(numbers):
            targets, contexts = [], []
            for number in numbers[done:done + batchSize]:
                targets.append(data[number][0])
                contexts.append(contextFunction(data[number][1]))
            u_w = np.array([U[w] for w in targets])
            Vt = np.array([[V[c] for c in context] for context in contexts])
            q = np.array([[q_noise[c] for c in context] for context in contexts])
            J, du_w, dVt, dW = lossAndGradientFunction(u_w, Vt, W, q)
            for i in range(len(targets)):
                U[targets[i]] -= alpha * du_w[i]
                for k, c in enumerate(contexts[i]):
                    V[c] -= alpha * dVt[i][k]
            W -= alpha * dW
            done += len(targets)
    return U, V, W
'''}

EXPIT = {"grads.py": '''
import numpy as np
from scipy.special import expit


def lossAndGradient(u_w, Vt, W, q):
    z = Vt.dot(W).dot(u_w) - q
    J = np.logaddexp(0, -z[0]) + np.sum(np.logaddexp(0, z[1:]))
    g = expit(z)
    g[0] -= 1
    return J, W.T.dot(Vt.T.dot(g)), np.outer(g, W.dot(u_w)), np.outer(Vt.T.dot(g), u_w)


def lossAndGradientBatched(u_w, Vt, W, q):
    z = np.matmul(Vt, np.matmul(W, u_w[:, :, None]))[:, :, 0] - q
    J = np.mean(np.logaddexp(0, -z[:, 0]) + np.sum(np.logaddexp(0, z[:, 1:]), axis=1))
    g = expit(z)
    g[:, 0] -= 1
    g /= len(z)
    b = np.matmul(np.transpose(Vt, (0, 2, 1)), g[:, :, None])[:, :, 0]
    return J, b @ W, g[:, :, None] @ (u_w @ W.T)[:, None, :], np.tensordot(b, u_w, axes=(0, 0))
'''}

LOG1P = {"grads.py": '''
import numpy as np


def lossAndGradient(u_w, Vt, W, q):
    results = lossAndGradientBatched(u_w[None], Vt[None], W, q[None])
    return results[0], results[1][0], results[2][0], results[3]


def lossAndGradientBatched(u_w, Vt, W, q):
    S = len(u_w)
    x = np.einsum("bkd,de,be->bk", Vt, W, u_w) - q
    x[:, 0] = -x[:, 0]
    e = np.exp(-abs(x))
    J = np.sum(np.where(x > 0, x, 0) + np.log1p(e)) / S
    g = np.where(x > 0, 1 / (1 + e), e / (1 + e)) / S
    g[:, 0] = -g[:, 0]
    du_w = np.einsum("bk,bkd,de->be", g, Vt, W)
    dVt = np.einsum("bk,de,be->bkd", g, W, u_w)
    dW = np.einsum("bk,bkd,be->de", g, Vt, u_w)
    return J, du_w, dVt, dW
'''}

FLOAT32 = {"sampling.py": '''
import numpy as np


def createSamplingSequence(freqs):
    counts = np.round(np.float32(freqs) ** 0.75).astype(int)
    return np.repeat(np.arange(len(freqs), dtype=np.int32), counts)


def noiseDistribution(freqs, negativesCount):
    counts = np.bincount(createSamplingSequence(freqs)).astype(np.float32)
    return np.log(negativesCount * counts / counts.sum(), dtype=np.float32)


def sampleContext(contextWord, seq, negativesCount):
    context = np.random.choice(seq, negativesCount + 1)
    context[0] = contextWord
    while contextWord in context[1:]:
        equal = np.flatnonzero(context[1:] == contextWord) + 1
        context[equal] = np.random.choice(seq, len(equal))
    return context
''', "grads.py": '''
import numpy as np


def single(*arrays):
    return [np.asarray(array, dtype=np.float32) for array in arrays]


def lossAndGradient(u_w, Vt, W, q):
    u_w, Vt, W, q = single(u_w, Vt, W, q)
    J, du_w, dVt, dW = lossAndGradientBatched(u_w[None], Vt[None], W, q[None])
    return J, du_w[0], dVt[0], dW


def lossAndGradientBatched(u_w, Vt, W, q):
    u_w, Vt, W, q = single(u_w, Vt, W, q)
    sign = np.ones_like(q)
    sign[:, 0] = -1
    Wu = u_w @ W.T
    x = sign * ((Vt @ Wu[:, :, None])[:, :, 0] - q)
    S = np.float32(len(u_w))
    J = np.logaddexp(np.float32(0), x).sum() / S
    g = sign * (1 + np.tanh(x / 2)) / 2 / S
    b = (g[:, None] @ Vt)[:, 0]
    return J, b @ W, g[:, :, None] * Wu[:, None], b.T @ u_w
''', "w2v_sgd.py": '''
import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    U, V, W = U0.astype(np.float32), V0.astype(np.float32), W0.astype(np.float32)
    q_noise = np.float32(q_noise)
    data = np.array(data)
    for epoch in range(epochs):
        np.random.shuffle(data)
        for i in range(0, len(data), batchSize):
            w = data[i:i + batchSize, 0]
            c = np.array([contextFunction(word) for word in data[i:i + batchSize, 1]])
            J, du_w, dVt, dW = lossAndGradientFunction(U[w], V[c], W, q_noise[c])
            np.add.at(U, w, -np.float32(alpha) * du_w)
            np.add.at(V, c, -np.float32(alpha) * dVt)
            W = W - np.float32(alpha) * dW
    return U, V, W.astype(np.float32)
'''}

RANDOM = {"sampling.py": '''
import random

import numpy as np


def createSamplingSequence(freqs):
    sequence = []
    for word in range(len(freqs)):
        sequence += [word] * int(round(freqs[word] ** (3 / 4)))
    random.shuffle(sequence)
    return sequence


def noiseDistribution(freqs, negativesCount):
    power = np.rint(np.power(freqs, 0.75))
    return np.log(negativesCount) + np.log(power) - np.log(power.sum())


def sampleContext(contextWord, seq, negativesCount):
    negatives = set()
    while len(negatives) < negativesCount:
        negative = random.choice(seq)
        if negative != contextWord:
            negatives.add(negative)
    return [contextWord, *negatives]
'''}

ADD_AT = {"sampling.py": '''
import numpy as np


def createSamplingSequence(freqs):
    counts = np.round(np.array(freqs) ** 0.75).astype(int)
    return np.repeat(np.arange(len(freqs)), counts)


def noiseDistribution(freqs, negativesCount):
    counts = np.bincount(createSamplingSequence(freqs), minlength=len(freqs))
    return np.log(negativesCount * counts / np.sum(counts))


def sampleContext(contextWord, seq, negativesCount):
    seq = np.asarray(seq)
    negatives = np.random.choice(seq[seq != contextWord], negativesCount)
    return np.concatenate([[contextWord], negatives])
''', "w2v_sgd.py": '''
import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    U, V, W = U0, V0, W0
    L, M = U.shape
    q_noise = np.asarray(q_noise)
    for epoch in range(epochs):
        np.random.shuffle(data)
        for start in range(0, len(data), batchSize):
            pairs = data[start:start + batchSize]
            w = np.array([pair[0] for pair in pairs])
            c = np.array([contextFunction(pair[1]) for pair in pairs])
            J, du_w, dVt, dW = lossAndGradientFunction(U[w], V[c], W, q_noise[c])
            dU, dV = np.zeros((L, M)), np.zeros((L, M))
            np.add.at(dU, w, du_w)
            np.add.at(dV, c.reshape(-1), dVt.reshape(-1, M))
            U -= alpha * dU
            V -= alpha * dV
            W -= alpha * dW
            if start % printInterval == 0:
                print(J)
    return U, V, W
'''}

CLASSES = {"grads.py": '''
import numpy as np


class Observations:
    def __init__(self, u_w, Vt, W, q):
        self.u_w, self.Vt, self.W = u_w, Vt, W
        self.h = u_w @ W.T
        self.x = (Vt @ self.h[..., None])[..., 0] - q
        self.x[..., 0] *= -1

    @property
    def loss(self):
        return np.logaddexp(0, self.x).sum(-1).mean()

    def gradients(self):
        g = np.exp(-np.logaddexp(0, -self.x)) / len(self.x)
        g[..., 0] *= -1
        a = (g[..., None, :] @ self.Vt)[..., 0, :]
        return a @ self.W, g[..., None] * self.h[..., None, :], a.T @ self.u_w


class One(Observations):
    def __init__(self, u_w, Vt, W, q):
        super().__init__(u_w[None], Vt[None], W, q[None])

    def gradients(self):
        du_w, dVt, dW = super().gradients()
        return du_w[0], dVt[0], dW


def lossAndGradient(u_w, Vt, W, q):
    one = One(u_w, Vt, W, q)
    return one.loss, *one.gradients()


def lossAndGradientBatched(u_w, Vt, W, q):
    batch = Observations(u_w, Vt, W, q)
    return batch.loss, *batch.gradients()
''', "w2v_sgd.py": '''
from dataclasses import dataclass

import numpy as np


@dataclass
class Model:
    U: np.ndarray
    V: np.ndarray
    W: np.ndarray

    def step(self, w, c, alpha, gradients):
        by_row = [(self.U, w, gradients[0]), (self.V, c, gradients[1])]
        for matrix, rows, gradient in by_row:
            np.subtract.at(matrix, rows, alpha * gradient)
        self.W -= alpha * gradients[2]


class Batches:
    def __init__(self, data, size):
        self.data, self.size = [tuple(pair) for pair in data], size

    def __iter__(self):
        order = np.random.permutation(len(self.data))
        for first in range(0, len(order), self.size):
            yield [self.data[i] for i in order[first:first + self.size]]


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1.):
    model = Model(np.copy(U0), np.copy(V0), np.copy(W0))
    for _ in range(epochs):
        for batch in Batches(data, batchSize):
            w, c = zip(*batch)
            w, c = list(w), np.array([contextFunction(word) for word in c])
            J, *gradients = lossAndGradientFunction(model.U[w], model.V[c], model.W,
                                                    np.take(q_noise, c))
            model.step(w, c, alpha, gradients)
    return model.U, model.V, model.W
'''}

TYPED = {"sampling.py": '''
from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence


def createSamplingSequence(freqs: Sequence[int]) -> list[int]:
    sequence: list[int] = []
    for word, frequency in enumerate(freqs):
        sequence.extend([word] * round(math.pow(frequency, 0.75)))
    return sequence


def noiseDistribution(freqs: Sequence[int], negativesCount: int) -> list[float]:
    return list(logarithms(freqs, negativesCount))


def logarithms(freqs: Sequence[int], negativesCount: int) -> Iterator[float]:
    sequence = createSamplingSequence(freqs)
    counts: Counter[int] = Counter(sequence)
    for word in range(len(freqs)):
        yield math.log(negativesCount) + math.log(counts[word]) - math.log(len(sequence))


def sampleContext(contextWord: int, seq: Sequence[int], negativesCount: int) -> tuple[int, ...]:
    while True:
        negatives = random.choices(seq, k=negativesCount)
        if contextWord not in negatives:
            return (contextWord, *negatives)
''', "w2v_sgd.py": '''
from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]


def stochasticGradientDescend(
        data: list[tuple[int, int]], U0: Array, V0: Array, W0: Array,
        contextFunction: Callable[[int], list[int]],
        lossAndGradientFunction: Callable[..., tuple[float, Array, Array, Array]],
        q_noise: list[float], batchSize: int = 1000, epochs: int = 1, alpha: float = 1.,
        printInterval: int = 10000) -> tuple[Array, Array, Array]:
    U: Array = U0.copy()
    V: Array = V0.copy()
    W: Array = W0.copy()
    q: Array = np.array(q_noise)
    for _ in range(epochs):
        order = np.random.permutation(len(data))
        for rows in np.split(order, range(batchSize, len(order), batchSize)):
            w = np.array([data[i][0] for i in rows])
            c = np.array([contextFunction(int(data[i][1])) for i in rows])
            _J, du_w, dVt, dW = lossAndGradientFunction(u_w=U[w], Vt=V[c], W=W, q=q[c])
            sums: dict[int, Array] = {}
            for word, gradient in zip(c.flat, dVt.reshape(-1, V.shape[1])):
                sums[word] = sums.get(word, 0) + gradient
            for word in sums:
                V[word] -= alpha * sums[word]
            for k in range(U.shape[1]):
                U[:, k] -= alpha * np.bincount(w, du_w[:, k], len(U))
            W -= alpha * dW
    return U, V, W
'''}

# --- hand-outs filled in by other hands: the bodies in their order --------------------------

HANDS = {"math, a loop over the words, dictionaries of rows": ('''
    seq, word = [], 0
    while word < len(freqs):
        seq.extend(word for _ in range(int(math.exp(0.75 * math.log(freqs[word])) + 0.5)))
        word += 1
    return tuple(seq)
''', '''
    weights = Counter(createSamplingSequence(freqs))
    return tuple(math.log(negativesCount * weights[word] / math.fsum(weights.values()))
                 for word in range(len(freqs)))
''', '''
    log_sigmoid = lambda x: min(x, 0) - math.log1p(math.exp(-abs(x)))
    J, h = 0., W.dot(u_w)
    dh, dVt = np.zeros(len(h)), np.zeros(Vt.shape)
    for k, (v, b) in enumerate(zip(Vt, q)):
        sign = 1 if k == 0 else -1
        x = sign * (float(np.inner(v, h)) - b)
        J -= log_sigmoid(x)
        slope = -sign * math.exp(log_sigmoid(-x))
        dh += slope * v
        dVt[k] = slope * h
    return J, W.T.dot(dh), dVt, np.multiply.outer(dh, u_w)
''', '''
    S, words, M = Vt.shape
    H = u_w.dot(W.T)
    J, A, dVt = 0., np.zeros((S, M)), np.zeros(Vt.shape)
    for k in range(words):
        sign = 1 if k == 0 else -1
        x = sign * (np.sum(Vt[:, k] * H, axis=1) - q[:, k])
        J += np.sum(np.log1p(np.exp(-np.abs(x))) - np.minimum(x, 0))
        slope = -sign * np.exp(np.minimum(-x, 0)) / (1 + np.exp(-np.abs(x))) / S
        A += slope[:, None] * Vt[:, k]
        dVt[:, k] = slope[:, None] * H
    return J / S, A.dot(W), dVt, A.T.dot(u_w)
''', '''
            dU, dV = defaultdict(float), defaultdict(float)
            for s, word in enumerate(w):
                dU[word] = dU[word] + du_w[s]
                for k, other in enumerate(context[s]):
                    dV[other] = dV[other] + dVt[s][k]
            for X, dX in (U, dU), (V, dV):
                for word, gradient in dX.items():
                    X[word] = X[word] - alpha * gradient
            W = W - alpha * dW
'''), "lambdas, einsum alone, sorted rows": ('''
    power = np.vectorize(lambda f: round(f * f ** -0.25))
    return reduce(lambda seq, pair: seq + [pair[0]] * int(pair[1]), enumerate(power(freqs)), [])
''', '''
    weights = np.vectorize(lambda f: round(f * f ** -0.25))(freqs)
    return np.log(np.divide(negativesCount * weights, np.add.reduce(weights)))
''', '''
    y = np.einsum("km,mt,t->k", Vt, W, u_w) - q
    g = 0.5 * (1 + np.tanh(y / 2)) - np.eye(1, len(q))[0]
    y[0] *= -1
    J = (np.clip(y, 0, None) + np.log1p(np.exp(-np.fabs(y)))).sum()
    return (J, np.einsum("k,km,mt->t", g, Vt, W), np.einsum("k,mt,t->km", g, W, u_w),
            np.einsum("k,km,t->mt", g, Vt, u_w))
''', '''
    product = lambda *x: np.einsum(*x, optimize=True)
    y = product("skm,mt,st->sk", Vt, W, u_w) - q
    g = (0.5 * (1 + np.tanh(y / 2)) - np.eye(1, q.shape[1])) / len(q)
    y = np.where(np.arange(q.shape[1]) == 0, -y, y)
    J = (np.clip(y, 0, None) + np.log1p(np.exp(-np.fabs(y)))).sum(axis=-1).mean()
    return (J, product("sk,skm,mt->st", g, Vt, W), product("sk,mt,st->skm", g, W, u_w),
            product("sk,skm,st->mt", g, Vt, u_w))
''', '''
            def descend(X, words, gradient):
                order = np.argsort(words, kind="stable")
                found, begins = np.unique(words[order], return_index=True)
                X[found] -= alpha * np.add.reduceat(gradient[order], begins, axis=0)
            descend(U, w, du_w)
            descend(V, context.ravel(), dVt.reshape(-1, V.shape[1]))
            np.subtract(W, alpha * dW, out=W)
'''), "np.matrix, pieces, a column at a time": ('''
    ends = np.cumsum(np.rint(np.sqrt(freqs * np.sqrt(freqs)))).astype(int)
    return np.searchsorted(ends, np.arange(ends[-1]), side="right").astype("uint16")
''', '''
    f = np.rint(np.sqrt(freqs * np.sqrt(freqs)))
    return -np.log(f.sum() / negativesCount / f)
''', '''
    log1pexp = lambda x: np.piecewise(x, [x < -30, x > 30], [
        np.exp, lambda y: y, lambda y: np.log(1 + np.exp(y))])
    u, V, W, b = map(np.asmatrix, (u_w, Vt, W, q))
    x = np.asarray(V * W * u.T - b.T, dtype=float)
    g = np.exp(-log1pexp(-x)) - np.eye(len(q), 1)
    du_w, dVt, dW = g.T * V * W, g * (W * u.T).T, V.T * g * u
    return log1pexp(x).sum() - x[0, 0], np.ravel(du_w), np.asarray(dVt), np.asarray(dW)
''', '''
    x = (Vt @ W @ u_w[..., None]).squeeze(-1) - q
    J = (np.logaddexp(0., x).sum() - x[:, 0].sum()) / x.shape[0]
    g = np.exp(-np.logaddexp(0., -x))
    g[:, 0] -= 1
    g = g[..., None] / x.shape[0]
    a = np.swapaxes(Vt, 1, 2) @ g
    dVt = g @ (W @ u_w[..., None]).swapaxes(1, 2)
    return J, (W.T @ a)[..., 0], dVt, np.sum(a @ u_w[:, None], axis=0)
''', '''
            step = dVt.reshape(-1, V.shape[1])
            for m in range(U.shape[1]):
                U[:, m] -= alpha * np.bincount(w, weights=du_w[:, m], minlength=len(U))
                V[:, m] -= alpha * np.bincount(context.flat, weights=step[:, m], minlength=len(V))
            W -= alpha * dW
''')}
IMPORTS = """\
import math
from collections import Counter, defaultdict
from functools import reduce

import numpy as np
"""

# --- what needs a box, as modules import others there, start processes or write files -----------

FUNCTIONS_BESIDE = '''
import numpy as np


def softplus(x):
    return np.logaddexp(0, x)


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))
'''
DEFINED = '''
def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1, e) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
'''
HELPERS = ("worker", "wire", "corpus", "test", "grads_helper", "box", "calls", "judge", "помощни")


def with_helpers(grads):
    """Move functions of tests/student/grads.py into modules beside it, of names of all kinds."""
    assert DEFINED in grads
    imports = "".join(f"import {name}\n" for name in HELPERS)
    beside = f"{imports}from worker import sigmoid\nfrom grads_helper import softplus\n"
    files = {f"{name}.py": FUNCTIONS_BESIDE for name in HELPERS}
    return files | {"grads.py": grads.replace(DEFINED, beside)}


POOLS = {"sampling.py": '''
import json
import math
import random
from multiprocessing import Pool
from multiprocessing.pool import ThreadPool
from pathlib import Path

COUNTS = Path(__file__).with_name("counts.json")


def count(frequency):
    return round(frequency ** 0.75)


def createSamplingSequence(freqs):
    with Pool(2) as pool:
        counts = pool.map(count, freqs)
    COUNTS.write_text(json.dumps(counts))
    return [word for word, times in enumerate(json.loads(COUNTS.read_text()))
            for _ in range(times)]


def noiseDistribution(freqs, negativesCount):
    with ThreadPool(2) as pool:
        counts = pool.map(count, freqs)
    total = sum(counts)
    return [math.log(negativesCount * times / total) for times in counts]


def sampleContext(contextWord, seq, negativesCount):
    others = iter(lambda: random.choice(seq), None)
    negatives = (word for word in others if word != contextWord)
    return [contextWord, *(next(negatives) for _ in range(negativesCount))]
'''}

STYLES = {
    "plain loops over lists": LISTS,
    "scipy.special.expit and logaddexp": EXPIT,
    "log1p, and einsum with other letters": LOG1P,
    "float32": FLOAT32,
    "the module random, a set of different negatives": RANDOM,
    "np.add.at, U0 and data changed in place": ADD_AT,
    "classes": CLASSES,
    "type hints, a generator": TYPED,
}
