"""Before they are timed: do all who have the same J compute the same numbers?"""

import numpy as np
from common import M, S, n

import grads
from w2v_sgd import stochasticGradientDescend

# Of numbers near 1 in float32, whose sums are in another order.
RELATIVE, ABSOLUTE = 1e-5, 2e-6


def check_numbers(arguments, naive_loop, peers):
    """Let all learn from the same batch with a step of 1; AssertionError if one differs from us.

    Compared are J and what becomes of U, V and W. Their numbers are random, since in a start for
    training most are so small that a wrong gradient would hardly show. Each word has negatives of
    its own, so that whoever shuffles the pairs still has the same batch.
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
    """Compare the changes of U, V and W, which are all that tells, and J."""
    for name, result in results.items():
        for what, X, ours, before in zip(("J", "U", "V", "W"), result, expected, start):
            np.testing.assert_allclose(X - before, ours - before, RELATIVE, ABSOLUTE,
                                       err_msg=f"{what} of {name}")
