"""Task 6: minibatch stochastic gradient descent."""

import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    """Minimize the mean loss over data by plain minibatch gradient descent.

    Parameters
    ----------
    data : N×2 array or list of pairs (target word w, context word c)
    U0, V0, W0 : the start; U0 and V0 have one row of length M for each word, and W0 is M×M
    contextFunction : c -> [c, c̄_1 … c̄_n]
    lossAndGradientFunction : (u_w, Vt, W, q) -> J, du_w, dVt, dW of a batch, as in `grads`
    q_noise : log(n·q[c]) for each word c
    batchSize : S; the last batch of an epoch may be smaller
    epochs : number of passes through data, each in a new random order
    alpha : the step size
    printInterval : print the loss when the number of pairs done is a multiple of it; None: never

    Returns
    -------
    U, V, W
    """
    U, V, W = U0.copy(), V0.copy(), W0.copy()
    q_noise = np.asarray(q_noise)
    N = len(data)
    order = np.arange(N)
    for epoch in range(epochs):
        np.random.shuffle(order)
        for first in range(0, N, batchSize):
            batch = [data[i] for i in order[first:first + batchSize]]
            w = np.array([target for target, _ in batch])                               # S
            context = np.array([contextFunction(c) for _, c in batch])                  # S×(n+1)
            u_w, Vt, q = U[w], V[context], q_noise[context]

            J, du_w, dVt, dW = lossAndGradientFunction(u_w, Vt, W, q)

            # Take a step of size alpha: change U, V and W. If a word is in the batch several times,
            # it must get all of its gradients.
            # --- your code
            # 4 to 8 lines
            raise NotImplementedError(
                "stochasticGradientDescend is still to be written: between the marks in w2v_sgd.py")
            # --- end of your code

            if printInterval and first % printInterval == 0:
                print("Epoch:", epoch, "Sample:", first, "/", N, "Loss:", J)
    return U, V, W
