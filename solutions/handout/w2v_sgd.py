"""Task 6: minibatch stochastic gradient descent."""

import numpy as np


def stochasticGradientDescend(data, U0, V0, W0, contextFunction, lossAndGradientFunction, q_noise,
                              batchSize=1000, epochs=1, alpha=1., printInterval=10000):
    """Lower the mean loss over data by plain minibatch gradient descent.

    Parameters
    ----------
    data : N×2 array or list of pairs (target word w, context word c)
    U0, V0, W0 : L×M, L×M and M×M, the start
    contextFunction : c -> [c, c̄_1 … c̄_n]
    lossAndGradientFunction : (u_w, Vt, W, q) -> J, du_w, dVt, dW of a batch, as those of `grads`
    q_noise : L values log(n·q[c])
    batchSize : S; the last batch of an epoch is what remains
    epochs : how many times to go through data, each time in a new random order
    alpha : the step size
    printInterval : print the loss whenever so many pairs are done; None: never

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

            # Take a step of size alpha: change U, V and W. A word that stands several times in the
            # batch must get all of its gradients.
            # --- your code
            # 4 to 8 lines
            raise NotImplementedError(
                "stochasticGradientDescend is still to be written: between the marks in w2v_sgd.py")
            # --- end of your code

            if printInterval and first % printInterval == 0:
                print("Epoch:", epoch, "Sample:", first, "/", N, "Loss:", J)
    return U, V, W
