"""A script that trains as the course's does: python run.py CORPUS [cumulative]"""

import sys

import numpy as np

import grads
import sampling
import utils
import w2v_sgd

windowSize, embDim, negativesCount = 3, 50, 5

with open(sys.argv[1], encoding="utf-8") as file:
    lines = file.read().lower().splitlines()
corpus = [["<START>", *line.split(), "<END>"] for line in lines]
words, word2ind, freqs = utils.extractDictionary(corpus, limit=20000)
data = utils.extractWordContextPairs(corpus, windowSize, word2ind)

U0 = (np.random.rand(len(words), embDim) - 0.5) / embDim
V0 = (np.random.rand(len(words), embDim) - 0.5) / embDim
W0 = (np.random.rand(embDim, embDim) - 0.5) / embDim

seq = sampling.createSamplingSequence(freqs)
q_noise = sampling.noiseDistribution(freqs, negativesCount)
contextFunction = lambda c: sampling.sampleContext(c, seq, negativesCount)  # noqa: E731
lossAndGradientFunction = grads.lossAndGradientBatched
if sys.argv[2:] == ["cumulative"]:
    lossAndGradientFunction = grads.lossAndGradientCumulative

U, V, W = w2v_sgd.stochasticGradientDescend(
    data, np.copy(U0), np.copy(V0), np.copy(W0), contextFunction, lossAndGradientFunction, q_noise)
np.save("w2v-U", U)
np.save("w2v-V", V)
np.save("w2v-W", W)

E = np.concatenate([np.dot(V, W), U], axis=1)
E = utils.SVD_k_dim(E, k=2)
E = E / np.linalg.norm(E, axis=1)[:, np.newaxis]
np.save("points", E)
