"""Tasks 4 and 5: the loss of noise contrastive estimation and its gradients.

For a target word w, a context word c and n negatives c̄_1 … c̄_n, the loss of this observation is

    J = -log σ(v_cᵀ W u_w - q_c) - Σ_j log σ(q_c̄j - v_c̄jᵀ W u_w),   q_c = log(n·q[c]),

and the loss of a batch is the mean over its S observations.
"""

import numpy as np


def lossAndGradient(u_w, Vt, W, q):
    """Compute the loss of one observation and its gradients.

    Parameters
    ----------
    u_w : M, the target word's row of U
    Vt : (n+1)×M, the rows of V of the context word and its n negatives
    W : M×M
    q : n+1, log(n·q[c]) of the words in the rows of Vt

    Returns
    -------
    J : float
    du_w, dVt, dW : gradients, shaped like u_w, Vt and W
    """
    # --- your code
    # about 8 lines
    raise NotImplementedError(
        "lossAndGradient is still to be written: between the marks in grads.py")
    # --- end of your code


def lossAndGradientCumulative(u_w, Vt, W, q):
    """Compute the mean loss of S observations and its gradients, one observation at a time.

    The parameters and results are the same as for `lossAndGradientBatched`.
    """
    S = len(u_w)
    J = 0.
    du_w, dVt, dW = np.zeros(u_w.shape), np.zeros(Vt.shape), np.zeros(W.shape)
    for i in range(S):
        J_i, du_w[i], dVt[i], dW_i = lossAndGradient(u_w[i], Vt[i], W, q[i])
        J += J_i
        dW += dW_i
    return J / S, du_w / S, dVt / S, dW / S


def lossAndGradientBatched(u_w, Vt, W, q):
    """Compute the mean loss of S observations and its gradients by tensor operations.

    Parameters
    ----------
    u_w : S×M
    Vt : S×(n+1)×M
    W : M×M
    q : S×(n+1)

    Returns
    -------
    J : float, the mean over the S observations
    du_w, dVt, dW : gradients of J, shaped like u_w, Vt and W
    """
    # --- your code
    # about 10 lines
    raise NotImplementedError(
        "lossAndGradientBatched is still to be written: between the marks in grads.py")
    # --- end of your code
