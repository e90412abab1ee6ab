"""Tasks 4 and 5: the loss of noise contrastive estimation and its gradients.

For a target word w, its context word c and n negatives c̄_1 … c̄_n, the loss of this observation is

    J = -log σ(v_cᵀ W u_w - q_c) - Σ_j log σ(q_c̄j - v_c̄jᵀ W u_w),   q_c = log(n·q[c]),

and the loss of a batch is the mean over its S observations. The rows of Vt belong to c and its
negatives, in this order; the argument q holds their q_c. The numbers beside the lines are those of
the formulas in solutions/tasks-1-2.pdf.
"""

import numpy as np

# Ignore the caller's error state: underflow is harmless, and overflow shows in J.
QUIET = {"under": "ignore", "over": "ignore", "invalid": "ignore"}


@np.errstate(**QUIET)
def lossAndGradient(u_w, Vt, W, q):
    """Compute the loss of one observation and its gradients.

    Parameters
    ----------
    u_w : M, the target word's row of U
    Vt : (n+1)×M, the rows of V of the context word and its n negatives
    W : M×M
    q : n+1, log(n·q[c]) of the same words

    Returns
    -------
    J : float, summed in float64
    du_w, dVt, dW : gradients, in the shapes of u_w, Vt and W, and in their common float dtype

    Raises
    ------
    ValueError : a shape does not fit the others, or numbers are complex
    """
    u_w, Vt, W, q = _as_floats(u_w, Vt, W, q)
    _check_shapes(u_w, Vt, W, q, axes=1)

    # J = Σ log(1 + eˣ), where x is q - score for the context word and score - q for a negative.
    sign = _sign(q)                                 # n+1
    h = W @ u_w                                     # M
    x = sign * (Vt @ h - q)                         # n+1
    J = np.sum(_softplus(x), dtype=np.float64)      # (0.1)

    g = sign * _sigmoid(x)                          # (2.2)  n+1, the same as σ(score - q) - δ̄
    a = g @ Vt                                      # M, ∂J/∂h
    du_w = a @ W                                    # (2.5)  M
    dVt = np.outer(g, h)                            # (2.6)  (n+1)×M
    dW = np.outer(a, u_w)                           # (2.7)  M×M
    return J, du_w, dVt, dW


@np.errstate(**QUIET)
def lossAndGradientCumulative(u_w, Vt, W, q):
    """Compute the mean loss of S observations and its gradients, one observation at a time.

    Parameters, results and errors are those of `lossAndGradientBatched`.
    """
    u_w, Vt, W, q = _as_floats(u_w, Vt, W, q)
    _check_shapes(u_w, Vt, W, q, axes=2)

    S = len(u_w)
    J = 0.
    du_w = np.empty_like(u_w)
    dVt = np.empty_like(Vt)
    dW = np.zeros(W.shape)                          # a sum, so in float64
    for i in range(S):
        J_i, du_w[i], dVt[i], dW_i = lossAndGradient(u_w[i], Vt[i], W, q[i])
        J += J_i
        dW += dW_i
    return J / S, du_w / S, dVt / S, (dW / S).astype(W.dtype)


@np.errstate(**QUIET)
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
    J : float, the mean over the S observations, summed in float64
    du_w, dVt, dW : gradients of J, in the shapes of u_w, Vt and W, and in their common float dtype

    Raises
    ------
    ValueError : a shape does not fit the others, S is 0, or numbers are complex
    """
    u_w, Vt, W, q = _as_floats(u_w, Vt, W, q)
    _check_shapes(u_w, Vt, W, q, axes=2)

    S = len(u_w)
    sign = _sign(q)                                 # S×(n+1)
    h = u_w @ W.T                                   # (3.1)  S×M
    s = np.matmul(Vt, h[:, :, None])[:, :, 0]       # (3.2)  S×(n+1), the scores
    x = sign * (s - q)                              # S×(n+1)
    J = np.sum(_softplus(x), dtype=np.float64) / S  # (0.1)

    g = sign / S * _sigmoid(x)                      # (3.3)  S×(n+1)
    a = np.matmul(g[:, None, :], Vt)[:, 0, :]       # (3.4)  S×M, ∂J/∂h
    du_w = a @ W                                    # (3.5)  S×M
    dVt = np.einsum("ik,im->ikm", g, h)             # (3.6)  S×(n+1)×M
    dW = a.T @ u_w                                  # (3.7)  M×M
    return J, du_w, dVt, dW


def _sign(q):
    """Return, in q's shape, -1 for each context word, which comes first, and 1 for negatives."""
    sign = np.ones_like(q)
    sign[..., 0] = -1
    return sign


def _softplus(x):
    """Compute log(1 + eˣ) = -log σ(-x) by (3.8), where no power can overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _sigmoid(x):
    """Compute σ(x) = 1/(1 + e⁻ˣ), with numerator and denominator multiplied by e^min(x, 0)."""
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def _as_floats(u_w, Vt, W, q):
    """Convert the arguments to arrays of one float dtype, that of u_w, Vt and W."""
    u_w, Vt, W, q = map(np.asarray, (u_w, Vt, W, q))
    for name, array in ("u_w", u_w), ("Vt", Vt), ("W", W), ("q", q):
        if array.dtype.kind == "c":
            raise ValueError(f"{name} has complex numbers, expected real ones")
    dtype = np.result_type(u_w, Vt, W, np.float32)
    return [array.astype(dtype, copy=False) for array in (u_w, Vt, W, q)]


def _check_shapes(u_w, Vt, W, q, axes):
    """Raise ValueError unless u_w has `axes` axes and the shapes of the others fit it."""
    if u_w.ndim != axes or 0 in u_w.shape:
        expected = "(M,)" if axes == 1 else "(S, M)"
        raise ValueError(f"u_w has shape {u_w.shape}, expected {expected} and no length of 0")

    *S, M = u_w.shape                               # S is [] for one observation
    word_count = max(Vt.shape[-2], 1) if Vt.ndim > 1 else 1
    expected = {"Vt": (*S, word_count, M), "W": (M, M), "q": (*S, word_count)}
    for (name, shape), array in zip(expected.items(), (Vt, W, q)):
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, expected {shape} to fit the others")
