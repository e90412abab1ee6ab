"""Before the timing: do all contestants with the same J compute the same numbers?"""

import numpy as np
from common import M, S, n

import grads
from w2v_sgd import stochasticGradientDescend

# For float32 numbers near 1 that are added in another order.
RELATIVE, ABSOLUTE = 1e-5, 2e-6


def check_numbers(arguments, naive_loop, peers):
    """Let all learn from one batch with a step of 1; AssertionError if a result differs from ours.

    The start is random: most numbers of a usual start are so small that a wrong gradient would
    hardly show. Each word always has the same negatives, so shuffling leaves the batch the same.
    """
    q_noise = arguments["q_noise"].astype(np.float32)
    L = len(q_noise)
    rng = np.random.default_rng(0)
    U, V = rng.normal(0, 0.5, (2, L, M)).astype(np.float32)
    W = rng.normal(0, 0.2, (M, M)).astype(np.float32)
    contexts = np.column_stack([np.arange(L), rng.integers(L, size=(L, n))])
    pairs = arguments["data"][:S]
    w, c = pairs.T

    def ours(lossAndGradientFunction):
        losses = []
        learned = stochasticGradientDescend(
            pairs, U, V, W, lambda words: contexts[words], lossAndGradientFunction, q_noise,
            S, printInterval=None, rng=0, many_at_once=True,
            callback=lambda done, J, *_: losses.append(J))
        return *losses, *learned

    expected = ours(grads.lossAndGradientBatched)
    results = {
        "cumulative": ours(grads.lossAndGradientCumulative),
        "naive loop": naive_loop(pairs.tolist(), U, V, W, contexts.__getitem__, q_noise),
    }
    for name, peer in peers.items():
        results[name] = peer.learn_batch(U, V, W, q_noise, w, contexts[c])
    assert_same(results, expected, start=(0, U, V, W))


def assert_same(results, expected, start):
    """Compare J, and the changes of U, V and W."""
    for name, result in results.items():
        for what, X, ours, before in zip(("J", "U", "V", "W"), result, expected, start):
            np.testing.assert_allclose(X - before, ours - before, RELATIVE, ABSOLUTE,
                                       err_msg=f"{what} of {name}")
