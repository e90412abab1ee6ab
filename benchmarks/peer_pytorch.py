"""The same learning in PyTorch, as its users write it: sparse gradients, and its own SGD."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class SkipGram(nn.Module):
    def __init__(self, U0, V0, W0, q_noise):
        super().__init__()
        self.U = nn.Embedding.from_pretrained(torch.tensor(U0), freeze=False, sparse=True)
        self.V = nn.Embedding.from_pretrained(torch.tensor(V0), freeze=False, sparse=True)
        self.W = nn.Parameter(torch.tensor(W0))
        self.register_buffer("q_noise", torch.tensor(q_noise))

    def forward(self, w, context):
        """Compute the mean loss J of a batch: w is S, context S×(n+1)."""
        h = self.U(w) @ self.W.T
        s = torch.sum(self.V(context) * h[:, None, :], dim=2)   # faster than einsum, bmm or matmul
        sign = torch.ones(context.shape[1])
        sign[0] = -1
        x = sign * (s - self.q_noise[context])
        return F.softplus(x).sum() / len(w)


class Learner:
    """What peers.py asks of a library."""

    INDEX_TYPE = np.int64       # the faster one

    def __init__(self, threads):
        torch.set_num_threads(threads)

    def start(self, U0, V0, W0, q_noise):
        self.model = SkipGram(U0, V0, W0, q_noise)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1.)

    def learn(self, w, context, steps):
        """Learn from B batches, w B×S and context B×S×(n+1). Returns J of the last one."""
        for w_batch, context_batch, step in zip(torch.from_numpy(w), torch.from_numpy(context),
                                                steps.tolist()):
            self.optimizer.param_groups[0]["lr"] = step
            J = self.model(w_batch, context_batch)
            self.optimizer.zero_grad()
            J.backward()
            self.optimizer.step()
        return J.detach()

    def parameters(self):
        """Return U, V and W as arrays, when all is learned."""
        model = self.model
        return [X.detach().numpy() for X in (model.U.weight, model.V.weight, model.W)]
