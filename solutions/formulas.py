"""Every displayed formula of the documents, named after its number and written as it is written there.

One target word w throughout. A formula that states an equality is its right-hand side; one that states several is a
tuple. Arguments are the symbols of the formula: v_neg and q_neg are the v_c̄j (n×M) and q_c̄j (n) of the negatives,
and p, q, s the p(c|w), q[c], s_c of all L words.
"""

import numpy as np


def σ(x):
    return np.exp(log_σ(x))                     # 1 / (1 + e⁻ˣ), and without overflow


def log_σ(x):
    return -np.logaddexp(0, -x)


# --- tasks-1-2: notation ------------------------------------------------------------------------------------------

def formula_0_1(u_w, v_c, v_neg, W, q_c, q_neg):                    # J, scalar
    return (-log_σ(v_c @ W @ u_w - q_c)
            - sum(log_σ(q_neg[j] - v_neg[j] @ W @ u_w) for j in range(len(q_neg))))

def formula_0_2(x):                                                 # σ(x)
    return σ(x)

def formula_0_3(x):                                                 # 1 - σ(x)
    return σ(-x)

def formula_0_4(x):                                                 # σ(x) / σ(-x)
    return np.exp(x)

def formula_0_5(x):                                                 # σ'(x)
    return σ(x) * σ(-x)

def formula_0_6(x):                                                 # (log σ(x))'
    return σ(-x)


# --- tasks-1-2: task 1 --------------------------------------------------------------------------------------------

def formula_1_1(u, v, W):                                           # ∂s/∂u, M; ∂s/∂v, M; ∂s/∂W, M×M
    return W.T @ v, W @ u, np.outer(v, u)

def formula_1_2(s_c, q_c):                                          # ∂J/∂s_c, scalar
    return -σ(q_c - s_c)

def formula_1_3(s_neg, q_neg):                                      # ∂J/∂s_c̄j, scalar
    return σ(s_neg - q_neg)

def formula_1_4(dJ_ds, ds_dx):                                      # ∂J/∂x, shaped like x; lists of n+1, c first
    return dJ_ds[0] * ds_dx[0] + sum(dJ_ds[j] * ds_dx[j] for j in range(1, len(dJ_ds)))

def formula_1_5(u_w, v_c, v_neg, W, q_c, q_neg):                    # ∂J/∂u_w, M
    return (-σ(q_c - v_c @ W @ u_w) * W.T @ v_c
            + sum(σ(v_neg[j] @ W @ u_w - q_neg[j]) * W.T @ v_neg[j] for j in range(len(q_neg))))

def formula_1_6(u_w, v_c, W, q_c):                                  # ∂J/∂v_c, M
    return -σ(q_c - v_c @ W @ u_w) * W @ u_w

def formula_1_7(u_w, v_neg_j, W, q_neg_j):                          # ∂J/∂v_c̄j, M
    return σ(v_neg_j @ W @ u_w - q_neg_j) * W @ u_w

def formula_1_8(u_w, v_c, v_neg, W, q_c, q_neg):                    # ∂J/∂W, M×M
    return (-σ(q_c - v_c @ W @ u_w) * np.outer(v_c, u_w)
            + sum(σ(v_neg[j] @ W @ u_w - q_neg[j]) * np.outer(v_neg[j], u_w) for j in range(len(q_neg))))


# --- tasks-1-2: task 2 --------------------------------------------------------------------------------------------

def formula_2_1(v_c, v_neg, q_c, q_neg):                            # Ṽ, (n+1)×M; q̄, n+1; δ̄_c, n+1
    return np.vstack([v_c, *v_neg]), np.array([q_c, *q_neg]), np.array([1., *np.zeros(len(q_neg))])

def formula_2_2(s, q, delta):                                       # ∂J/∂s̄, n+1
    return σ(s - q) - delta

def formula_2_3(g, u_w, Vt, W, du_w, dVt, dW):                      # dJ, scalar
    return g @ (dVt @ W @ u_w + Vt @ dW @ u_w + Vt @ W @ du_w)

def formula_2_4(g, u_w, Vt, W, du_w, dVt, dW):                      # dJ, scalar
    return np.trace(np.outer(W @ u_w, g) @ dVt) + np.trace(np.outer(u_w, g) @ Vt @ dW) + g @ Vt @ W @ du_w

def formula_2_5(u_w, Vt, W, q, delta):                              # ∂J/∂u_w, M
    return W.T @ Vt.T @ (σ(Vt @ W @ u_w - q) - delta)

def formula_2_6(u_w, Vt, W, q, delta):                              # ∂J/∂Ṽ, (n+1)×M
    return np.outer(σ(Vt @ W @ u_w - q) - delta, u_w) @ W.T

def formula_2_7(u_w, Vt, W, q, delta):                              # ∂J/∂W, M×M
    return np.outer(Vt.T @ (σ(Vt @ W @ u_w - q) - delta), u_w)


# --- tasks-1-2: batches -------------------------------------------------------------------------------------------

def formula_3_1(u, W):                                              # h, S×M
    return np.einsum("il,ml->im", u, W)

def formula_3_2(Vt, h):                                             # s, S×(n+1)
    return np.einsum("ikm,im->ik", Vt, h)

def formula_3_3(s, q, delta):                                       # g, S×(n+1)
    return 1 / len(s) * (σ(s - q) - delta)

def formula_3_4(g, Vt):                                             # a, S×M
    return np.einsum("ik,ikm->im", g, Vt)

def formula_3_5(a, W):                                              # ∂J/∂u, S×M
    return np.einsum("im,ml->il", a, W)

def formula_3_6(g, h):                                              # ∂J/∂Ṽ, S×(n+1)×M
    return np.einsum("ik,im->ikm", g, h)

def formula_3_7(a, u):                                              # ∂J/∂W, M×M
    return np.einsum("im,il->ml", a, u)

def formula_3_8(x):                                                 # log(1 + eˣ)
    return np.maximum(x, 0) + np.log(1 + np.exp(-abs(x)))


# --- tasks-1-2: what the model means ------------------------------------------------------------------------------

def formula_4_1(p, q, n):                                           # P(D = 1 | w, c), L; twice
    return p / (p + n * q), σ(np.log(p) - np.log(n * q))

def formula_4_2(s, p, q, n):                                        # J_w, scalar
    return -sum(p * log_σ(s - np.log(n * q)) + n * q * log_σ(np.log(n * q) - s))

def formula_4_3(s, p, q, n):                                        # ∂J_w/∂s_c, L
    return -p * σ(np.log(n * q) - s) + n * q * σ(s - np.log(n * q))

def formula_4_4(s, p, q, n):                                        # ∂²J_w/∂s_c², L
    return (p + n * q) * σ(s - np.log(n * q)) * σ(np.log(n * q) - s)

def formula_4_5(p):                                                 # the best s_c, L
    return np.log(p)

def formula_4_6(u_w, V, W):                                         # Z_w, scalar
    return sum(np.exp(v_c @ W @ u_w) for v_c in V)

def formula_4_7(u_w, v_c, v_neg):                                   # J of negative sampling, scalar
    return -log_σ(v_c @ u_w) - sum(log_σ(-v_neg[j] @ u_w) for j in range(len(v_neg)))

def formula_4_8(p, q, n):                                           # the best s_c of negative sampling, L
    return np.log(p / q) - np.log(n)

def formula_4_9(p, q, n):                                           # r(c|w), L
    return np.array([n * q[c] * sum(p[d] / (1 - q[d]) for d in range(len(p)) if d != c) for c in range(len(p))])

def formula_4_10(p, q):                                             # exp of the best s_c, no negative being c; L
    return np.array([p[c] / sum(p[d] / (1 - q[d]) for d in range(len(p)) if d != c) for c in range(len(p))])

def formula_4_11(p, q):                                             # what it lies between; L, L
    return (1 - max(q)) * p / (1 - p), p / (1 - p)

def formula_4_12(s, p, q, n, ds_dx):                                # ∂J_w/∂x, shaped like x; ds_dx has a row per word
    return sum(n * q[c] / (n * q[c] + np.exp(s[c])) * (np.exp(s[c]) - p[c]) * ds_dx[c] for c in range(len(p)))


# --- tasks-1-2: W and the starting point --------------------------------------------------------------------------

def formula_5_1(ut, vt, A, B, alpha, dut, dvt):                     # ũ and ṽ after a step; M, M
    return ut - alpha * B @ B.T @ dut, vt - alpha * A @ A.T @ dvt

def formula_5_2(alpha, g, u, v, W, u2, v2, same_w, same_c):         # Δs of (w', c') to first order, scalar
    return -alpha * g * (same_w * v2 @ W @ W.T @ v + same_c * u2 @ W.T @ W @ u + (v2 @ v) * (u2 @ u))

def formula_5_3(alpha, g, ut, vt, k, ut2, vt2, same_w, same_c):      # the same where W = k·I, scalar
    return -alpha * g * (k * same_w * vt2 @ vt + k * same_c * ut2 @ ut + 1 / k**2 * (vt2 @ vt) * (ut2 @ ut))

def formula_5_4(a, b, k, p, v_rest, u_rest):                        # v_cᵀ W u_w at the start, scalar; the rest: M-1
    return a * b * (np.log(p) / (a * b)) + k * sum(v_rest * u_rest)

def formula_5_5(p_w, p, q, n):                                      # ∂J_w/∂s_c where s_c = log p(c), L; p_w is p(c|w)
    return n * q / (n * q + p) * (p - p_w)

def formula_5_6(q_c, q_neg, n):                                     # J at scores of 0, scalar; of q[c] and the q[c̄j]
    return np.log(1 + n * q_c) + sum(np.log(1 + 1 / (n * q_neg)))

def formula_5_7(p):                                                 # ℓ, b, a; scalars
    l = np.sqrt(sum(p * np.log(p) ** 2))  # noqa: E741
    b = np.cbrt(l / max(p))
    return l, b, np.sqrt(l / b)


# --- softmax ------------------------------------------------------------------------------------------------------
# The columns of U are the u_w (M×L), y is one-hot at o, U_o = [u_o, -u_w1, …, -u_wK] (M×(K+1))

def formula_a_1(U, v_c):
    return np.exp(U.T @ v_c) / np.sum(np.exp(U.T @ v_c))

def formula_a_2(u_o, U, v_c):
    return -u_o @ v_c + np.log(np.sum(np.exp(U.T @ v_c)))

def formula_a_3(ŷ, o):
    return -np.log(ŷ[o])

def formula_b_1(U, ŷ, o):
    return -U[:, o] + sum(ŷ[w] * U[:, w] for w in range(len(ŷ)))

def formula_b_2(U, ŷ, y):
    return U @ (ŷ - y)

def formula_b_3(U, ŷ, o):
    return sum(ŷ[w] / (1 - ŷ[o]) * U[:, w] for w in range(len(ŷ)) if w != o)

def formula_c_1(ŷ_o, v_c):
    return (ŷ_o - 1) * v_c

def formula_c_2(ŷ_w, v_c):
    return ŷ_w * v_c

def formula_d_1(v_c, ŷ, y):
    return np.outer(v_c, ŷ - y)

def formula_e_1(x, α):
    return np.where(x > 0, 1, α)

def formula_f_1(x):
    return 1 / (1 + np.exp(-x))

def formula_f_2(x):
    return σ(x) * (1 - σ(x))

def formula_f_3(x):
    return σ(-x)

def formula_f_4(x):
    return -σ(-x)

def formula_g_1(u_o, u_ws, v_c):
    return -np.log(σ(u_o @ v_c)) - sum(np.log(σ(-u_s @ v_c)) for u_s in u_ws)

def formula_g_2(u_o, u_ws, v_c):
    return -σ(-u_o @ v_c) * u_o + sum(σ(u_s @ v_c) * u_s for u_s in u_ws)

def formula_g_3(u_o, v_c):
    return -σ(-u_o @ v_c) * v_c

def formula_g_4(u_s, v_c):
    return σ(u_s @ v_c) * v_c

def formula_g_5(U_o, v_c):
    return -np.ones(U_o.shape[1]) @ np.log(σ(U_o.T @ v_c))

def formula_g_6(U_o, v_c):
    return np.ones(U_o.shape[1]) - σ(U_o.T @ v_c)

def formula_g_7(U_o, r):
    return -U_o @ r

def formula_g_8(v_c, r):
    return -np.outer(v_c, r)

def formula_h_1(u_o, k, u, v_c):
    return -np.log(σ(u_o @ v_c)) - sum(k[w] * np.log(σ(-u[w] @ v_c)) for w in k)

def formula_h_2(k_w, u_w, v_c):
    return k_w * σ(u_w @ v_c) * v_c

def formula_i_1(J, v_c, window, U):
    return sum(J(v_c, o, U) for o in window)

def formula_i_2(dJ_dU, v_c, window, U):
    return sum(dJ_dU(v_c, o, U) for o in window)

def formula_i_3(dJ_dv_c, v_c, window, U):
    return sum(dJ_dv_c(v_c, o, U) for o in window)

def formula_i_4(dJ_dv_c, e_c):
    return np.outer(dJ_dv_c, e_c)

def formula_j_1(m, g, β_1):
    return β_1 * m + (1 - β_1) * g

def formula_j_2(g, t, β_1):
    return (1 - β_1) * sum(β_1 ** (t - i) * g[i] for i in range(1, t + 1))

def formula_j_3(s, β_1):
    return (1 - β_1) / (1 + β_1) * s ** 2

def formula_j_4(θ, α, m, v):
    return θ - α * m / np.sqrt(v)

def formula_k_1(γ, d, h):
    return γ * d * h

def formula_k_2(γ, p_drop, h):
    return γ * (1 - p_drop) * h

def formula_k_3(p_drop):
    return 1 / (1 - p_drop)

def formula_k_4(p_drop, h):
    return p_drop / (1 - p_drop) * h ** 2
