"""A student's plain solution of tasks 4 and 5."""

import numpy as np


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1, e) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def lossAndGradient(u_w, Vt, W, q):
    delta = np.zeros(len(q))
    delta[0] = 1
    score = Vt @ W @ u_w - q
    J = softplus(-score[0]) + softplus(score[1:]).sum()
    g = sigmoid(score) - delta
    return J, W.T @ Vt.T @ g, np.outer(g, W @ u_w), np.outer(Vt.T @ g, u_w)


def lossAndGradientCumulative(u_w, Vt, W, q):
    S = len(u_w)
    J, du_w, dVt, dW = 0, [], [], np.zeros(W.shape)
    for i in range(S):
        J_i, du_i, dVt_i, dW_i = lossAndGradient(u_w[i], Vt[i], W, q[i])
        J += J_i
        du_w.append(du_i)
        dVt.append(dVt_i)
        dW += dW_i
    return J / S, np.array(du_w) / S, np.array(dVt) / S, dW / S


def lossAndGradientBatched(u_w, Vt, W, q):
    S = len(u_w)
    delta = np.zeros(q.shape)
    delta[:, 0] = 1
    Wu = np.einsum("mt,st->sm", W, u_w)
    score = np.einsum("skm,sm->sk", Vt, Wu) - q
    J = softplus(np.where(delta == 1, -score, score)).sum()
    g = (sigmoid(score) - delta) / S
    gV = np.einsum("sk,skm->sm", g, Vt)
    return J / S, np.einsum("sm,mt->st", gV, W), np.einsum("sk,sm->skm", g, Wu), np.einsum("sm,st->mt", gV, u_w)
