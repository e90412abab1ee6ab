"""The same learning in JAX, as its users write it: compiled by XLA, and changed in place."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np


def loss(u_w, Vt, W, q):
    """Compute the mean loss J of a batch: u_w is S×M, Vt S×(n+1)×M, q S×(n+1)."""
    h = u_w @ W.T
    s = jnp.einsum("sm,skm->sk", h, Vt)
    sign = jnp.ones(q.shape[1]).at[0].set(-1)
    return jnp.sum(jax.nn.softplus(sign * (s - q))) / len(u_w)


loss_and_gradients = jax.value_and_grad(loss, argnums=(0, 1, 2))


def learn_batch(parameters, q_noise, w, context, step):
    U, V, W = parameters
    J, (du_w, dVt, dW) = loss_and_gradients(U[w], V[context], W, q_noise[context])
    U = U.at[w].add(-step * du_w)
    V = V.at[context].add(-step * dVt)
    W = W - step * dW
    return (U, V, W), J


@partial(jax.jit, donate_argnums=0)
def learn_batches(parameters, q_noise, w, context, steps):
    """Learn from B batches in turn; faster than a call for each."""
    def learn(parameters, batch):
        return learn_batch(parameters, q_noise, *batch)

    return jax.lax.scan(learn, parameters, (w, context, steps))


class Learner:
    """What peers.py asks of a library."""

    INDEX_TYPE = np.int32

    def __init__(self, threads):
        """Leave the number of threads to XLA, which takes one for each core it may run on."""

    def start(self, U0, V0, W0, q_noise):
        self.UVW = jnp.array(U0), jnp.array(V0), jnp.array(W0)
        self.q_noise = jnp.array(q_noise)

    def learn(self, w, context, steps):
        """Learn from B batches, w B×S and context B×S×(n+1). Returns J of the last one.

        It may not be ready yet: XLA computes while the negatives of the next batches are drawn.
        """
        self.UVW, J = learn_batches(self.UVW, self.q_noise, w, context, steps)
        return J[-1]

    def parameters(self):
        """Return U, V and W as arrays, when all is learned."""
        return [np.asarray(X) for X in self.UVW]
