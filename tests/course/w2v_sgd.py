"""Task 6 in a loop of the course's kind, with the blank filled in."""

import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    U = U0
    V = V0
    W = W0
    idx = np.arange(len(data))
    for epoch in range(epochs):
        np.random.shuffle(idx)
        for b in range(0, len(data), batchSize):
            batch = []
            for i in idx[b:min(b + batchSize, len(data))]:
                w, c = data[i]
                batch.append((w, contextFunction(c)))
            u_w = np.stack([U[w] for w, context in batch])
            Vt = np.stack([V[context] for w, context in batch])
            q = np.stack([q_noise[context] for w, context in batch])

            J, du_w, dVt, dW = lossAndGradientFunction(u_w, Vt, W, q)

            for k, (w, context) in enumerate(batch):
                U[w] -= alpha * du_w[k]
                np.subtract.at(V, context, alpha * dVt[k])
            W -= alpha * dW

            if b % printInterval == 0:
                print("Epoch:", epoch, "Sample:", b, "/", len(data), "Loss:", J)
    return U, V, W
