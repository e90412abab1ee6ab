"""Every displayed formula of the documents, as a function that is named after its number.

Each function computes the right-hand side, as the document writes it, or a tuple if there are two
or more. The comment beside the name says what comes out. The arguments have the names of the
symbols: v_neg (n×M) and q_neg (n) are the v_c̄j and q_c̄j of the negatives; p, noise, s and p_c are
the p(c|w), q[c], s_c and p(c) of all L words, with the same target word w.
"""

import numpy as np


def σ(x):
    """Compute 1 / (1 + e⁻ˣ) without overflow."""
    return np.exp(log_σ(x))


def log_σ(x):
    """Compute log σ(x) = -log(1 + e⁻ˣ) without overflow."""
    return -np.logaddexp(0, -x)


# --- tasks-1-2: notation ------------------------------------------------------------------------

def formula_0_1(u_w, v_c, v_neg, W, q_c, q_neg):                    # J, scalar
    of_negatives = [log_σ(q_j - v_j @ W @ u_w) for v_j, q_j in zip(v_neg, q_neg)]
    return -log_σ(v_c @ W @ u_w - q_c) - sum(of_negatives)

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


# --- tasks-1-2: task 1 --------------------------------------------------------------------------

def formula_1_1(u, v, W):                                           # ∂s/∂u, ∂s/∂v, ∂s/∂W
    return W.T @ v, W @ u, np.outer(v, u)                           # M, M, M×M

def formula_1_2(s_c, q_c):                                          # ∂J/∂s_c, scalar
    return -σ(q_c - s_c)

def formula_1_3(s_neg, q_neg):                                      # ∂J/∂s_c̄j, scalar
    return σ(s_neg - q_neg)

def formula_1_4(dJ_ds, ds_dθ):                                      # ∂J/∂θ, shaped like θ
    # Both arguments are lists of n+1, c first.
    through_negatives = [dJ_ds[k] * ds_dθ[k] for k in range(1, len(dJ_ds))]
    return dJ_ds[0] * ds_dθ[0] + sum(through_negatives)

def formula_1_5(u_w, v_c, v_neg, W, q_c, q_neg):                    # ∂J/∂u_w, M
    of_c = -σ(q_c - v_c @ W @ u_w) * W.T @ v_c
    of_negatives = [σ(v_j @ W @ u_w - q_j) * W.T @ v_j for v_j, q_j in zip(v_neg, q_neg)]
    return of_c + sum(of_negatives)

def formula_1_6(u_w, v_c, W, q_c):                                  # ∂J/∂v_c, M
    return -σ(q_c - v_c @ W @ u_w) * W @ u_w

def formula_1_7(u_w, v_neg_j, W, q_neg_j):                          # ∂J/∂v_c̄j, M
    return σ(v_neg_j @ W @ u_w - q_neg_j) * W @ u_w

def formula_1_8(u_w, v_c, v_neg, W, q_c, q_neg):                    # ∂J/∂W, M×M
    of_c = -σ(q_c - v_c @ W @ u_w) * np.outer(v_c, u_w)
    of_negatives = [σ(v_j @ W @ u_w - q_j) * np.outer(v_j, u_w) for v_j, q_j in zip(v_neg, q_neg)]
    return of_c + sum(of_negatives)


# --- tasks-1-2: task 2 --------------------------------------------------------------------------

def formula_2_1(v_c, v_neg, q_c, q_neg):                            # Ṽ, q̄, δ̄_c
    Vt = np.vstack([v_c, *v_neg])                                   # (n+1)×M
    q = np.array([q_c, *q_neg])                                     # n+1
    delta = np.eye(len(q))[0]                                       # n+1
    return Vt, q, delta

def formula_2_2(s, q, delta):                                       # ∂J/∂s̄, n+1
    return σ(s - q) - delta

def formula_2_3(g, u_w, Vt, W):                                     # ∂J/∂u_w, ∂J/∂Ṽ, ∂J/∂W
    h = W @ u_w                                                     # M
    a = np.einsum("k,km->m", g, Vt)                                 # M
    du_w = np.einsum("m,ml->l", a, W)
    dVt = np.einsum("k,m->km", g, h)
    dW = np.einsum("m,l->ml", a, u_w)
    return du_w, dVt, dW

def formula_2_4(g, u_w, Vt, W, du_w, dVt, dW):                      # dJ, scalar; twice
    by_product_rule = g @ (dVt @ W @ u_w + Vt @ dW @ u_w + Vt @ W @ du_w)
    of_Vt = np.trace(np.outer(W @ u_w, g) @ dVt)
    of_W = np.trace(np.outer(u_w, g) @ Vt @ dW)
    of_u_w = g @ Vt @ W @ du_w
    return by_product_rule, of_Vt + of_W + of_u_w

def formula_2_5(u_w, Vt, W, q, delta):                              # ∂J/∂u_w, M
    return W.T @ Vt.T @ (σ(Vt @ W @ u_w - q) - delta)

def formula_2_6(u_w, Vt, W, q, delta):                              # ∂J/∂Ṽ, (n+1)×M
    return np.outer(σ(Vt @ W @ u_w - q) - delta, u_w) @ W.T

def formula_2_7(u_w, Vt, W, q, delta):                              # ∂J/∂W, M×M
    return np.outer(Vt.T @ (σ(Vt @ W @ u_w - q) - delta), u_w)


# --- tasks-1-2: batches -------------------------------------------------------------------------

def formula_3_1(u, W):                                              # h, S×M
    return np.einsum("il,ml->im", u, W)

def formula_3_2(Vt, h):                                             # s, S×(n+1)
    return np.einsum("ikm,im->ik", Vt, h)

def formula_3_3(s, q, delta):                                       # g, S×(n+1); twice
    sign = np.where(delta == 1, -1, 1)                              # n+1
    x = sign * (s - q)                                              # S×(n+1)
    return sign / len(s) * σ(x), 1 / len(s) * (σ(s - q) - delta)

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


# --- tasks-1-2: what the model means ------------------------------------------------------------

def formula_4_1(p, noise, n):                                       # P(D = 1 | w, c), L; twice
    by_bayes = p / (p + n * noise)
    by_sigma = σ(np.log(p) - np.log(n * noise))
    return by_bayes, by_sigma

def formula_4_2(s, p, noise, n):                                    # J_w, scalar
    q = np.log(n * noise)
    return -sum(p * log_σ(s - q) + n * noise * log_σ(q - s))

def formula_4_3(s, p, noise, n):                                    # ∂J_w/∂s_c, L
    q = np.log(n * noise)
    return -p * σ(q - s) + n * noise * σ(s - q)

def formula_4_4(s, p, noise, n):                                    # ∂²J_w/∂s_c², L
    q = np.log(n * noise)
    return (p + n * noise) * σ(s - q) * σ(q - s)

def formula_4_5(p):                                                 # the best s_c, L
    return np.log(p)

def formula_4_6(u_w, V, W):                                         # Z_w, scalar
    return sum(np.exp(v_c @ W @ u_w) for v_c in V)

def formula_4_7(u_w, v_c, v_neg):                                   # J of negative sampling, scalar
    of_negatives = [log_σ(-v_j @ u_w) for v_j in v_neg]
    return -log_σ(v_c @ u_w) - sum(of_negatives)

def formula_4_8(p, noise, n):                                       # its best s_c, L
    return np.log(p / noise) - np.log(n)

def sum_over_others(p, noise, c):
    """Compute the sum of (4.9) and (4.10), Σ p(d|w) / (1 - q[d]) over the words d ≠ c."""
    others = np.arange(len(p)) != c
    return sum(p[others] / (1 - noise[others]))

def formula_4_9(p, noise, n):                                       # r(c|w), L
    return np.array([n * noise[c] * sum_over_others(p, noise, c) for c in range(len(p))])

def formula_4_10(p, noise):                                         # exp of the best s_c, L
    return np.array([p[c] / sum_over_others(p, noise, c) for c in range(len(p))])

def formula_4_11(p, noise):                                         # the bounds of (4.10); L, L
    odds = p / (1 - p)
    return (1 - max(noise)) * odds, odds

def formula_4_12(s, p, noise, n, ds_dθ):                            # ∂J_w/∂θ, shaped like θ
    # ds_dθ has one entry per word, shaped like θ.
    dJ_ds = n * noise / (n * noise + np.exp(s)) * (np.exp(s) - p)   # L
    return sum(dJ_ds[c] * ds_dθ[c] for c in range(len(p)))


# --- tasks-1-2: W and the starting point --------------------------------------------------------

def formula_5_1(ut, vt, A, B, alpha, dut, dvt):                     # ũ and ṽ after a step; M, M
    return ut - alpha * B @ B.T @ dut, vt - alpha * A @ A.T @ dvt

def formula_5_2(alpha, g, u, v, W, u2, v2, same_w, same_c):         # Δs of (w', c'), scalar
    # u2 and v2 belong to w' and c'; same_w is [w' = w], and same_c is [c' = c].
    through_w = same_w * v2 @ W @ W.T @ v
    through_c = same_c * u2 @ W.T @ W @ u
    through_W = (v2 @ v) * (u2 @ u)
    return -alpha * g * (through_w + through_c + through_W)

def formula_5_3(alpha, g, ut, vt, λ, ut2, vt2, same_w, same_c):     # the same if W = λ·I, scalar
    through_w = λ * same_w * vt2 @ vt
    through_c = λ * same_c * ut2 @ ut
    through_W = 1 / λ**2 * (vt2 @ vt) * (ut2 @ ut)
    return -alpha * g * (through_w + through_c + through_W)

def formula_5_4(μ, β, λ, p_c, v_rest, u_rest):                      # v_cᵀ W u_w at the start
    # p_c is p(c); v_rest and u_rest are the coordinates 2 … M.
    return μ * β * (np.log(p_c) / (μ * β)) + λ * sum(v_rest * u_rest)

def formula_5_5(p, p_c, noise, n):                                  # ∂J_w/∂s_c at s_c = log p(c), L
    return n * noise / (n * noise + p_c) * (p_c - p)

def formula_5_6(noise_c, noise_neg, n):                             # J at scores of 0, scalar
    return np.log(1 + n * noise_c) + sum(np.log(1 + 1 / (n * noise_neg)))

def formula_5_7(p_c):                                               # ℓ, β, μ; scalars
    ell = np.sqrt(sum(p_c * np.log(p_c) ** 2))
    β = np.cbrt(ell / max(p_c))
    μ = np.sqrt(ell / β)
    return ell, β, μ


# --- softmax ------------------------------------------------------------------------------------
# The columns of U are the u_w (M×L), y is one-hot at o, U_o = [u_o, -u_w1, …, -u_wK] (M×(K+1)).

def formula_a_1(U, v_c):                                            # ŷ, L
    return np.exp(U.T @ v_c) / np.sum(np.exp(U.T @ v_c))

def formula_a_2(u_o, U, v_c):                                       # J of naive softmax, scalar
    return -u_o @ v_c + np.log(np.sum(np.exp(U.T @ v_c)))

def formula_a_3(ŷ, o):                                              # J, too
    return -np.log(ŷ[o])

def formula_b_1(U, v_c, ŷ, o):                                      # ∂J/∂v_c, M; twice
    powers = np.exp(U.T @ v_c)
    by_fraction = -U[:, o] + U @ powers / sum(powers)
    by_ŷ = -U[:, o] + sum(ŷ[w] * U[:, w] for w in range(len(ŷ)))
    return by_fraction, by_ŷ

def formula_b_2(U, ŷ, y):                                           # ∂J/∂v_c, too
    return U @ (ŷ - y)

def formula_b_3(U, ŷ, o):                                           # u_o where ∂J/∂v_c = 0, M
    others = [w for w in range(len(ŷ)) if w != o]
    return sum(ŷ[w] / (1 - ŷ[o]) * U[:, w] for w in others)

def formula_c_1(U, v_c, ŷ, w):                                      # ∂ log Σ … / ∂u_w, M; twice
    by_fraction = np.exp(U[:, w] @ v_c) * v_c / sum(np.exp(U.T @ v_c))
    by_ŷ = ŷ[w] * v_c
    return by_fraction, by_ŷ

def formula_c_2(ŷ_o, v_c):                                          # ∂J/∂u_o, M
    return (ŷ_o - 1) * v_c

def formula_c_3(ŷ_w, v_c):                                          # ∂J/∂u_w for w ≠ o, M
    return ŷ_w * v_c

def formula_d_1(v_c, ŷ, y):                                         # ∂J/∂U, M×L
    return np.outer(v_c, ŷ - y)

def formula_e_1(x, λ):                                              # f'(x) of the leaky ReLU
    return np.where(x > 0, 1, λ)

def formula_f_1(x):                                                 # σ(x)
    return 1 / (1 + np.exp(-x))

def formula_f_2(x):                                                 # σ'(x)
    return σ(x) * (1 - σ(x))

def formula_f_3(x):                                                 # 1 - σ(x)
    return σ(-x)

def formula_f_4(x):                                                 # (-log σ(x))'
    return -σ(-x)

def formula_f_5(x):                                                 # ∂σ(x)/∂x of a vector x, M×M
    return np.diag(σ(x) * (1 - σ(x)))

def formula_g_1(u_o, u_ws, v_c):                                    # J of negative sampling, scalar
    return -np.log(σ(u_o @ v_c)) - sum(np.log(σ(-u_s @ v_c)) for u_s in u_ws)

def formula_g_2(u_o, u_ws, v_c):                                    # ∂J/∂v_c, M
    return -σ(-u_o @ v_c) * u_o + sum(σ(u_s @ v_c) * u_s for u_s in u_ws)

def formula_g_3(u_o, v_c):                                          # ∂J/∂u_o, M
    return -σ(-u_o @ v_c) * v_c

def formula_g_4(u_s, v_c):                                          # ∂J/∂u_ws, M
    return σ(u_s @ v_c) * v_c

def formula_g_5(U_o, v_c):                                          # J of negative sampling, scalar
    return -np.ones(U_o.shape[1]) @ np.log(σ(U_o.T @ v_c))

def formula_g_6(U_o, v_c):                                          # r, K+1
    return np.ones(U_o.shape[1]) - σ(U_o.T @ v_c)

def formula_g_7(U_o, r):                                            # ∂J/∂v_c, M
    return -U_o @ r

def formula_g_8(v_c, r):                                            # ∂J/∂U_o, M×(K+1)
    return -np.outer(v_c, r)

def formula_h_1(u_o, k, u, v_c):                                    # J, scalar
    # k maps each word that was drawn to how often it was; the rows of u are the u_w.
    return -np.log(σ(u_o @ v_c)) - sum(k[w] * np.log(σ(-u[w] @ v_c)) for w in k)

def formula_h_2(k_w, u_w, v_c):                                     # ∂J/∂u_w of a w drawn, M
    return k_w * σ(u_w @ v_c) * v_c

def formula_i_1(J, v_c, window, U):                                 # J of the window, scalar
    return sum(J(v_c, o, U) for o in window)

def formula_i_2(dJ_dU, v_c, window, U):                             # ∂J/∂U of the window, M×L
    return sum(dJ_dU(v_c, o, U) for o in window)

def formula_i_3(dJ_dv_c, v_c, window, U):                           # ∂J/∂v_c of the window, M
    return sum(dJ_dv_c(v_c, o, U) for o in window)

def formula_i_4(dJ_dv_c, e_c):                                      # ∂J/∂V of the window, M×L
    return np.outer(dJ_dv_c, e_c)

def formula_j_1(m, g, β_1):                                         # m_t, of m_(t-1) and g_t
    return β_1 * m + (1 - β_1) * g

def formula_j_2(g, t, β_1):                                         # m_t, of g_1 … g_t
    return (1 - β_1) * sum(β_1 ** (t - i) * g[i] for i in range(1, t + 1))

def formula_j_3(τ, β_1):                                            # the variance of m_t
    return (1 - β_1) / (1 + β_1) * τ ** 2

def formula_j_4(θ, α, m, v, ε):                                     # θ_(t+1)
    return θ - α * m / (np.sqrt(v) + ε)

def formula_k_1(γ, d, h):                                           # h_drop
    return γ * d * h

def formula_k_2(γ, p_drop, h):                                      # the mean of h_drop
    return γ * (1 - p_drop) * h

def formula_k_3(p_drop):                                            # γ
    return 1 / (1 - p_drop)

def formula_k_4(p_drop, h):                                         # the variance of h_drop
    return p_drop / (1 - p_drop) * h ** 2
