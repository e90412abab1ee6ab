"""A student's plain solution of task 6."""

import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise, batchSize=1000,
                              epochs=1, alpha=1.):
    U, V, W = U0.copy(), V0.copy(), W0.copy()
    q_noise = np.array(q_noise)
    for _ in range(epochs):
        order = np.random.permutation(len(data))
        for first in range(0, len(data), batchSize):
            batch = [(data[i][0], contextFunction(data[i][1])) for i in order[first:first + batchSize]]
            w, context = [w for w, _ in batch], np.array([context for _, context in batch])
            J, du_w, dVt, dW = lossAndGradientFunction(U[w], V[context], W, q_noise[context])
            np.subtract.at(U, w, alpha * du_w)
            np.subtract.at(V, context, alpha * dVt)
            W -= alpha * dW
    return U, V, W
