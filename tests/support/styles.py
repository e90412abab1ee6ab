"""Right solutions in the styles of different students; what a style leaves out is tests/student's.

Each is a dict from the names of files to their texts.
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


def lossAndGradientCumulative(u_w, Vt, W, q):
    S = u_w.shape[0]
    J, du_w, dVt, dW = 0, np.zeros_like(u_w), np.zeros_like(Vt), np.zeros_like(W)
    for s in range(S):
        J_s, du_w[s], dVt[s], dW_s = lossAndGradient(u_w[s], Vt[s], W, q[s])
        J, dW = J + J_s, dW + dW_s
    return J / S, du_w / S, dVt / S, dW / S


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


def lossAndGradientCumulative(u_w, Vt, W, q):
    S = len(u_w)
    J, dW, du_w, dVt = 0, 0, [], []
    for i in range(S):
        J_i, du_i, dVt_i, dW_i = lossAndGradient(u_w[i], Vt[i], W, q[i])
        J += J_i
        dW += dW_i
        du_w += [du_i]
        dVt += [dVt_i]
    return J / S, np.stack(du_w) / S, np.stack(dVt) / S, dW / S


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


def lossAndGradientCumulative(u_w, Vt, W, q):
    u_w, Vt, W, q = single(u_w, Vt, W, q)
    J, du_w, dVt, dW = zip(*[lossAndGradient(a, b, W, c) for a, b, c in zip(u_w, Vt, q)])
    S = np.float32(len(u_w))
    return np.mean(J), np.array(du_w) / S, np.array(dVt) / S, sum(dW) / S


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


def lossAndGradientCumulative(u_w, Vt, W, q):
    S = len(u_w)
    J, du_w, dVt, dW = 0, np.zeros(u_w.shape), np.zeros(Vt.shape), np.zeros(W.shape)
    for i in range(S):
        J_i, du_w[i], dVt[i], dW_i = lossAndGradient(u_w[i], Vt[i], W, q[i])
        J += J_i / S
        dW += dW_i / S
    return J, du_w / S, dVt / S, dW


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


def noiseDistribution(freqs: Sequence[int], negativesCount: int) -> Iterator[float]:
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

# --- whole hand-ins of five other hands ----------------------------------------------------------

SPARSE = {"sampling.py": '''
from itertools import chain, repeat

import numpy as np


def createSamplingSequence(freqs):
    powers = np.array(freqs, dtype=float) ** 0.75
    times = np.floor(powers + 0.5).astype(int)
    return list(chain.from_iterable(map(repeat, range(len(freqs)), times)))


def noiseDistribution(freqs, negativesCount):
    q = np.zeros(len(freqs))
    for word in createSamplingSequence(freqs):
        q[word] += 1
    return np.log(negativesCount) + np.log(q / q.sum())


def sampleContext(contextWord, seq, negativesCount):
    drawn = np.full(negativesCount, contextWord)
    while (drawn == contextWord).any():
        same = drawn == contextWord
        drawn[same] = np.random.choice(seq, same.sum())
    return np.hstack((contextWord, drawn))
''', "grads.py": '''
import numpy as np
from scipy.special import expit, log_expit


def lossAndGradient(u_w, Vt, W, q):
    d = np.where(np.arange(len(q)) == 0, 1, -1)
    t = d * (Vt @ (W @ u_w) - q)
    g = -d * expit(-t)
    a = g @ Vt
    return -log_expit(t).sum(), a @ W, np.outer(g, W @ u_w), a[:, None] * u_w


def lossAndGradientCumulative(u_w, Vt, W, q):
    total = 0, [], [], 0
    for one in zip(u_w, Vt, q):
        J, du, dV, dW = lossAndGradient(one[0], one[1], W, one[2])
        total = total[0] + J, total[1] + [du], total[2] + [dV], total[3] + dW
    S = len(u_w)
    return total[0] / S, np.array(total[1]) / S, np.array(total[2]) / S, total[3] / S


def lossAndGradientBatched(u_w, Vt, W, q):
    # All S(n+1) words below each other.
    S, words, M = Vt.shape
    rows = Vt.reshape(S * words, M)
    h = np.repeat(u_w @ W.T, words, axis=0)
    d = np.tile(np.r_[1, -np.ones(words - 1)], S)
    t = d * ((rows * h).sum(1) - q.ravel())
    g = (-d * expit(-t) / S)[:, None]
    a = np.add.reduceat(g * rows, np.arange(0, S * words, words))
    return -log_expit(t).sum() / S, a @ W, (g * h).reshape(Vt.shape), a.T @ u_w
''', "w2v_sgd.py": '''
import numpy as np
from scipy.sparse import coo_matrix


def one_hot(words, L):
    words = np.ravel(words)
    return coo_matrix((np.ones(len(words)), (words, np.arange(len(words)))), (L, len(words)))


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    U, V, W = U0 + 0., V0 + 0., W0 + 0.
    data, q_noise, rng = np.asarray(data), np.asarray(q_noise), np.random.default_rng()
    for _ in range(epochs):
        shuffled = rng.permutation(data)
        for batch in np.array_split(shuffled, np.arange(batchSize, len(data), batchSize)):
            w = batch[:, 0]
            context = np.stack([contextFunction(c) for c in batch[:, 1]])
            _, du, dV, dW = lossAndGradientFunction(U[w], V[context], W, q_noise[context])
            U -= alpha * (one_hot(w, len(U)) @ du)
            V -= alpha * (one_hot(context, len(V)) @ dV.reshape(-1, V.shape[1]))
            W -= alpha * dW
    return [U, V, W]
'''}

DICTIONARIES = {"sampling.py": '''
import bisect
import math
import random
from itertools import accumulate


def weight(f):
    return int(math.exp(0.75 * math.log(f)) + 0.5)


def createSamplingSequence(freqs):
    seq, word = [], 0
    while word < len(freqs):
        seq.extend(word for _ in range(weight(freqs[word])))
        word += 1
    return tuple(seq)


def noiseDistribution(freqs, negativesCount):
    weights = {word: weight(f) for word, f in enumerate(freqs)}
    total = math.fsum(weights.values())
    return tuple(math.log(negativesCount * weights[word] / total) for word in range(len(freqs)))


def sampleContext(contextWord, seq, negativesCount):
    ends = list(accumulate(1 for _ in seq))
    def draw():
        word = seq[bisect.bisect(ends, random.random() * ends[-1])]
        return draw() if word == contextWord else word
    return [contextWord] + [draw() for _ in range(negativesCount)]
''', "grads.py": '''
import math

import numpy as np


def log_sigmoid(x):
    return min(x, 0) - math.log1p(math.exp(-abs(x)))


def lossAndGradient(u_w, Vt, W, q):
    J, n = 0., len(q) - 1
    h = W.dot(u_w)
    dh, dVt = np.zeros(len(u_w)), np.zeros((n + 1, len(u_w)))
    for k, (v, b) in enumerate(zip(Vt, q)):
        sign = 1 if k == 0 else -1
        x = sign * (float(np.inner(v, h)) - b)
        J -= log_sigmoid(x)
        slope = -sign * math.exp(log_sigmoid(-x))
        dh += slope * v
        dVt[k] = slope * h
    return J, W.T.dot(dh), dVt, np.multiply.outer(dh, u_w)


def lossAndGradientCumulative(u_w, Vt, W, q):
    S = len(u_w)
    sums = {"J": 0., "dW": np.zeros_like(W)}
    du_w, dVt = {}, {}
    for s in range(S):
        J, du_w[s], dVt[s], dW = lossAndGradient(u_w[s], Vt[s], W, q[s])
        sums["J"] += J
        sums["dW"] += dW
    stack = lambda rows: np.array([rows[s] for s in range(S)]) / S
    return sums["J"] / S, stack(du_w), stack(dVt), sums["dW"] / S


def lossAndGradientBatched(u_w, Vt, W, q):
    # A loop over the n+1 words, not over the S observations.
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
''', "w2v_sgd.py": '''
import random
from collections import defaultdict

import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    U, V, W = dict(enumerate(U0.copy())), dict(enumerate(V0.copy())), W0.copy()
    for epoch in range(1, epochs + 1):
        todo = random.sample(range(len(data)), len(data))
        while todo:
            now, todo = todo[:batchSize], todo[batchSize:]
            w = [data[i][0] for i in now]
            contexts = [contextFunction(data[i][1]) for i in now]
            J, du_w, dVt, dW = lossAndGradientFunction(
                np.array([U[word] for word in w]),
                np.array([[V[word] for word in context] for context in contexts]), W,
                np.array([[q_noise[word] for word in context] for context in contexts]))
            dU, dV = defaultdict(float), defaultdict(float)
            for s, word in enumerate(w):
                dU[word] = dU[word] + du_w[s]
                for k, other in enumerate(contexts[s]):
                    dV[other] = dV[other] + dVt[s][k]
            for X, dX in (U, dU), (V, dV):
                for word in dX:
                    X[word] = X[word] - alpha * dX[word]
            W = W - alpha * dW
    table = lambda X: np.array([X[word] for word in range(len(X))])
    return table(U), table(V), W
'''}

CLOSURES = {"sampling.py": '''
from functools import reduce

import numpy as np

power = np.vectorize(lambda f: round(f * f ** -0.25))
createSamplingSequence = lambda freqs: reduce(
    lambda seq, pair: seq + [pair[0]] * int(pair[1]), enumerate(power(freqs)), [])


def noiseDistribution(freqs, negativesCount):
    weights = power(freqs)
    return np.log(np.divide(negativesCount * weights, np.add.reduce(weights)))


def sampleContext(contextWord, seq, negativesCount):
    others = np.setdiff1d(seq, [contextWord])
    weights = np.bincount(seq)[others]
    negatives = np.random.choice(others, size=negativesCount, p=weights / weights.sum())
    return (contextWord, *negatives.tolist())
''', "grads.py": '''
import numpy as np


def scores(u_w, Vt, W, q):
    return np.einsum("...km,mt,...t->...k", Vt, W, u_w) - q


def parts(x):
    """Losses and slopes; the first word is the context word."""
    is_context = np.arange(x.shape[-1]) == 0
    y = np.where(is_context, -x, x)
    losses = np.clip(y, 0, None) + np.log1p(np.exp(-np.fabs(y)))
    slopes = 0.5 * (1 + np.tanh(x / 2)) - is_context
    return losses, slopes


def lossAndGradient(u_w, Vt, W, q):
    losses, g = parts(scores(u_w, Vt, W, q))
    pull = lambda k: np.einsum(k, g, Vt, W, u_w, optimize=True)
    return (losses.sum(), np.einsum("k,km,mt->t", g, Vt, W), np.einsum("k,mt,t->km", g, W, u_w),
            np.einsum("k,km,t->mt", g, Vt, u_w))


def mean(function):
    def of_all(u_w, Vt, W, q):
        rows = [function(u_w[s], Vt[s], W, q[s]) for s in range(u_w.shape[0])]
        J, du, dV, dW = map(np.stack, zip(*rows))
        return J.mean(), du / len(J), dV / len(J), dW.mean(0)
    return of_all


lossAndGradientCumulative = mean(lossAndGradient)


def lossAndGradientBatched(u_w, Vt, W, q):
    losses, g = parts(scores(u_w, Vt, W, q))
    g = np.divide(g, len(g))
    return (losses.sum(axis=-1).mean(), np.einsum("sk,skm,mt->st", g, Vt, W, optimize=True),
            np.einsum("sk,mt,st->skm", g, W, u_w, optimize=True),
            np.einsum("sk,skm,st->mt", g, Vt, u_w, optimize=True))
''', "w2v_sgd.py": '''
import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    theta = [X.copy() for X in (U0, V0, W0)]
    noise = np.array(list(q_noise))

    def batches():
        for _ in range(epochs):
            order = np.argsort(np.random.rand(len(data)))
            for start in range(0, len(order), batchSize):
                pairs = [data[i] for i in order[start:start + batchSize]]
                yield (np.fromiter((p[0] for p in pairs), int),
                       np.array([list(contextFunction(p[1])) for p in pairs]))

    def descend(X, words, gradient):
        """Rows of a word lie next to each other when sorted."""
        words, gradient = words.ravel(), gradient.reshape(-1, X.shape[1])
        order = np.argsort(words, kind="stable")
        found, first = np.unique(words[order], return_index=True)
        X[found] -= alpha * np.add.reduceat(gradient[order], first, axis=0)

    for w, context in batches():
        U, V, W = theta
        J, du, dV, dW = lossAndGradientFunction(U[w], V[context], W, noise[context])
        descend(U, w, du)
        descend(V, context, dV)
        np.subtract(W, alpha * dW, out=W)
    return tuple(theta)
'''}

SINGLE_CLASS = {"sampling.py": '''
import random


class Noise:
    def __init__(self, freqs):
        self.times = [int(round(pow(f, 3 / 4))) for f in freqs]

    def __iter__(self):
        for word, times in enumerate(self.times):
            yield from [word] * times


def createSamplingSequence(freqs):
    import numpy
    return numpy.fromiter(Noise(freqs), dtype=numpy.int64)


def noiseDistribution(freqs, negativesCount):
    import numpy
    times = numpy.asarray(Noise(freqs).times, dtype=numpy.float64)
    return numpy.log(times) - numpy.log(times.sum()) + numpy.log(negativesCount)


def sampleContext(contextWord, seq, negativesCount):
    result = [int(contextWord)]
    while True:
        if len(result) == negativesCount + 1:
            return result
        index = random.randrange(len(seq))
        if seq[index] == contextWord:
            continue
        result.append(int(seq[index]))
''', "grads.py": '''
import numpy as np


class NCE:
    """Keeps what both directions need; one observation is a batch of one."""

    def forward(self, u_w, Vt, W, q):
        self.u, self.V, self.W = u_w, Vt, W
        self.h = np.matmul(u_w, W.T)[:, :, None]
        self.sign = np.ones(q.shape) - 2 * np.eye(1, q.shape[1])
        self.x = self.sign * (np.matmul(Vt, self.h)[:, :, 0] - q)
        return np.logaddexp(0, self.x).sum() / len(q)

    def backward(self):
        big = self.x > 0
        e = np.exp(np.where(big, -self.x, self.x))
        g = (self.sign * np.where(big, 1, e) / (1 + e) / len(self.u))[:, :, None]
        a = np.matmul(self.V.transpose(0, 2, 1), g)[:, :, 0]
        return np.matmul(a, self.W), np.matmul(g, self.h.transpose(0, 2, 1)), a.T @ self.u


def lossAndGradientBatched(u_w, Vt, W, q):
    nce = NCE()
    return [nce.forward(u_w, Vt, W, q), *nce.backward()]


def lossAndGradient(u_w, Vt, W, q):
    J, du_w, dVt, dW = lossAndGradientBatched(u_w.reshape(1, -1), Vt[np.newaxis], W, q[np.newaxis])
    return [J, du_w[0], dVt[0], dW]


def lossAndGradientCumulative(u_w, Vt, W, q):
    J, du_w, dVt, dW = 0, np.empty_like(u_w), np.empty_like(Vt), np.zeros_like(W)
    S = u_w.shape[0]
    for i in range(S):
        one = lossAndGradient(u_w[i], Vt[i], W, q[i])
        J += one[0] / S
        du_w[i], dVt[i] = one[1] / S, one[2] / S
        dW += one[3] / S
    return J, du_w, dVt, dW
''', "w2v_sgd.py": '''
import numpy as np


class SGD:
    def __init__(self, *parameters):
        self.parameters = [np.array(X, dtype=np.float64) for X in parameters]

    def epoch(self, data, size, alpha, contexts, loss, q_noise):
        order = list(range(len(data)))
        np.random.shuffle(order)
        for start in range(0, len(order), size):
            self.step([data[k] for k in order[start:min(start + size, len(order))]],
                      alpha, contexts, loss, q_noise)

    def step(self, batch, alpha, contexts, loss, q_noise):
        U, V, W = self.parameters
        words = [(w, contexts(c)) for w, c in batch]
        u_w = np.array([U[w] for w, _ in words])
        Vt = np.array([V[context, :] for _, context in words])
        q = np.array([np.take(q_noise, context) for _, context in words])
        _, du_w, dVt, dW = loss(u_w, Vt, W, q)
        for (w, context), du, dv in zip(words, du_w, dVt):
            U[w] -= alpha * du
            for c, d in zip(context, dv):
                V[c] -= alpha * d
        self.parameters[2] = W - alpha * np.asarray(dW)


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    sgd = SGD(U0, V0, W0)
    for epoch in range(epochs):
        sgd.epoch(data, batchSize, alpha, contextFunction, lossAndGradientFunction, q_noise)
    return tuple(sgd.parameters)
'''}

MATRICES = {"sampling.py": '''
import numpy as np


def createSamplingSequence(freqs):
    freqs = np.asarray(freqs)
    ends = np.cumsum(np.rint(np.sqrt(freqs * np.sqrt(freqs)))).astype(int)
    return np.searchsorted(ends, np.arange(ends[-1]), side="right").astype("uint16")


def noiseDistribution(freqs, negativesCount):
    f = np.rint(np.sqrt(freqs * np.sqrt(freqs)))
    return -np.log(f.sum() / negativesCount / f)


def sampleContext(contextWord, seq, negativesCount):
    seq = np.array(seq)
    candidates = np.extract(seq != contextWord, seq)
    chosen = np.random.randint(0, candidates.size, negativesCount)
    return np.insert(candidates[chosen], 0, contextWord)
''', "grads.py": '''
import numpy as np


def log1pexp(x):
    """log(1 + eˣ), in pieces."""
    return np.piecewise(np.asarray(x, dtype=float), [x < -30, x > 30],
                        [np.exp, lambda y: y, lambda y: np.log(1 + np.exp(y))])


def logistic(x):
    return np.exp(-log1pexp(-x))


def lossAndGradient(u_w, Vt, W, q):
    u, V, W, b = map(np.asmatrix, (u_w, Vt, W, q))
    x = V * W * u.T - b.T
    J = log1pexp(x).sum() - x[0, 0]
    g = logistic(x) - np.eye(len(q), 1)
    du_w, dVt, dW = g.T * V * W, g * (W * u.T).T, V.T * g * u
    return J, np.ravel(du_w), np.asarray(dVt), np.asarray(dW)


def lossAndGradientCumulative(u_w, Vt, W, q):
    results = list(map(lambda u, V, b: lossAndGradient(u, V, W, b), u_w, Vt, q))
    S = float(len(results))
    J, du_w, dVt, dW = (np.array(column) for column in zip(*results))
    return sum(J) / S, du_w / S, dVt / S, np.mean(dW, axis=0)


def lossAndGradientBatched(u_w, Vt, W, q):
    # The loss of the context word is log(1 + e^-x) = log(1 + eˣ) - x.
    x = (Vt @ W @ u_w[..., None]).squeeze(-1) - q
    J = (log1pexp(x).sum() - x[:, 0].sum()) / x.shape[0]
    g = logistic(x)
    g[:, 0] -= 1
    g = g[..., None] / x.shape[0]
    a = np.swapaxes(Vt, 1, 2) @ g
    return J, (W.T @ a)[..., 0], g @ (W @ u_w[..., None]).swapaxes(1, 2), np.sum(
        a @ u_w[:, None], axis=0)
''', "w2v_sgd.py": '''
import random

import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    U, V, W = U0[:], V0[:], W0[:]
    L, M = U.shape
    pairs, b = [tuple(p) for p in data], None
    for epoch in range(epochs):
        random.shuffle(pairs)
        for b in range(0, len(pairs), batchSize):
            W_, C = zip(*pairs[b:b + batchSize])
            w, c = np.array(W_), np.array(list(map(contextFunction, C)))
            flat = c.flatten()
            J, du_w, dVt, dW = lossAndGradientFunction(
                U[w, :], V[flat].reshape(*c.shape, M), W, np.asarray(q_noise)[c])
            step = dVt.reshape(len(flat), M)
            for m in range(M):
                U[:, m] -= alpha * np.bincount(w, weights=du_w[:, m], minlength=L)
                V[:, m] -= alpha * np.bincount(flat, weights=step[:, m], minlength=len(V))
            W = W - alpha * dW
            if printInterval and b % printInterval == 0:
                print(f"epoch {epoch} of {epochs}: {b} of {len(pairs)} pairs, loss {J:.4f}")
    return U, V, W
'''}

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
    "all words below each other, one-hot matrices": SPARSE,
    "math, a loop over words, dictionaries of rows": DICTIONARIES,
    "lambdas, closures, einsum alone": CLOSURES,
    "a class that goes forward and backward": SINGLE_CLASS,
    "np.matrix, piecewise, bincount by column": MATRICES,
}
