"""Tasks 4 and 5: the loss of noise contrastive estimation and its gradients.

    J = -(1/S) Σ_(w,c) [ log σ(v_cᵀ W u_w - q_c) + Σ_j log σ(q_c̄j - v_c̄jᵀ W u_w) ],   q_c = log(n·q[c])

The rows of Vt belong to the context word c and its n negatives c̄_1 … c̄_n, in this order, and the argument q holds
their q_c.
"""

import numpy as np


@np.errstate(under="ignore")        # e^-|x| of a large score is 0, whatever the caller thinks of underflow
def lossAndGradient(u_w, Vt, W, q):
    """Loss and gradients of one observation.

    Parameters
    ----------
    u_w : M, the target word's row of U
    Vt : (n+1)×M, the rows of V of the context word and its n negatives
    W : M×M
    q : n+1, log(n·q[c]) of the same words

    Returns
    -------
    J : float, summed in float64
    du_w, dVt, dW : gradients, shaped like u_w, Vt and W and in their dtype

    Raises
    ------
    ValueError : a shape does not fit the others
    """
    # --- your code
    # With x = ±(score - q), minus for c and plus for the negatives, J = Σ log(1 + eˣ), and ∂J/∂score = ±σ(x).
    u_w, Vt, W, q = _checked(u_w, Vt, W, q, axes=1)
    sign = _sign(q)                                 # n+1
    h = W @ u_w                                     # M
    cost, σ = _cost_and_slope(sign * (Vt @ h - q))  # scalar, n+1
    g = sign * σ                                    # n+1
    a = g @ Vt                                      # M
    return cost, a @ W, np.outer(g, h), np.outer(a, u_w)
    # --- end of your code


def lossAndGradientCumulative(u_w, Vt, W, q):
    """Mean loss of S observations and its gradients, by one call of `lossAndGradient` for each.

    Parameters, results and errors are those of `lossAndGradientBatched`.
    """
    # --- your code
    u_w, Vt, W, q = _checked(u_w, Vt, W, q, axes=2)
    S = len(u_w)
    J, dW = 0., np.zeros(W.shape)                   # sums in float64
    du_w, dVt = np.empty_like(u_w), np.empty_like(Vt)
    for i in range(S):
        J_i, du_w[i], dVt[i], dW_i = lossAndGradient(u_w[i], Vt[i], W, q[i])
        J += J_i
        dW += dW_i
    return J / S, du_w / S, dVt / S, (dW / S).astype(W.dtype)
    # --- end of your code


@np.errstate(under="ignore")
def lossAndGradientBatched(u_w, Vt, W, q):
    """Mean loss of S observations and its gradients, by tensor operations.

    Parameters
    ----------
    u_w : S×M
    Vt : S×(n+1)×M
    W : M×M
    q : S×(n+1)

    Returns
    -------
    J : float, the mean over the S observations, summed in float64
    du_w, dVt, dW : gradients of J, shaped like u_w, Vt and W and in their dtype

    Raises
    ------
    ValueError : a shape does not fit the others, or S is 0
    """
    # --- your code
    u_w, Vt, W, q = _checked(u_w, Vt, W, q, axes=2)
    S = len(u_w)
    sign = _sign(q)                                 # n+1
    h = u_w @ W.T                                   # S×M
    scores = np.matmul(Vt, h[:, :, None])[:, :, 0]  # S×(n+1)
    cost, σ = _cost_and_slope(sign * (scores - q))  # scalar, S×(n+1)
    g = sign / S * σ                                # S×(n+1)
    a = np.matmul(g[:, None, :], Vt)[:, 0]          # S×M
    return cost / S, a @ W, np.einsum("sk,sm->skm", g, h), a.T @ u_w
    # --- end of your code


# --- your code
def _cost_and_slope(x):
    """Σ log(1 + eˣ), summed in float64, and σ(x), its derivative, with no power but e^-|x|, which cannot overflow."""
    e = np.exp(-np.abs(x))
    return np.sum(np.maximum(x, 0) + np.log1p(e), dtype=np.float64), np.exp(np.minimum(x, 0)) / (1 + e)


def _sign(q):
    sign = np.ones(q.shape[-1:], q.dtype)
    sign[0] = -1
    return sign


def _checked(u_w, Vt, W, q, axes):
    """The arguments as arrays of one float dtype; u_w has that many axes, the others must fit it."""
    u_w, Vt, W = map(np.asarray, (u_w, Vt, W))
    dtype = np.result_type(u_w, Vt, W, np.float32)
    u_w, Vt, W, q = (np.asarray(array, dtype) for array in (u_w, Vt, W, q))
    if u_w.ndim != axes or 0 in u_w.shape:
        raise ValueError(f"u_w has shape {u_w.shape}, expected {('(M,)', '(S, M)')[axes - 1]} and nothing 0")
    *S, M = u_w.shape
    rows = Vt.shape[-2] if Vt.ndim > 1 else 1
    for name, array, shape in ("Vt", Vt, (*S, rows, M)), ("W", W, (M, M)), ("q", q, (*S, rows)):
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, expected {shape} to fit the others")
    return u_w, Vt, W, q
# --- end of your code
