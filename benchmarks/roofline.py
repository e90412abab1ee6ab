"""How close training is to the limit of the machine, and where the time of a batch goes."""

import numpy as np
from common import (
    M,
    S,
    machine,
    median_seconds,
    n,
    print_table,
    training_arguments,
    zipf_sentences,
)
from threadpoolctl import threadpool_limits

import grads
import w2v_sgd
from w2v_sgd import PAIRS_AT_ONCE, stochasticGradientDescend

FLOAT_BYTES = 4


class Batch:
    """A batch, and the steps of learning from it, by the functions that training calls.

    A step is a method without arguments that can be repeated; it keeps what the next steps need.
    """

    def __init__(self, arguments):
        self.U, self.V, self.W = [arguments[name].copy() for name in ("U0", "V0", "W0")]
        self.q_noise = arguments["q_noise"].astype(np.float32)
        self.context_function = arguments["contextFunction"]
        pairs = np.random.default_rng(0).permutation(arguments["data"])[:PAIRS_AT_ONCE]
        self.w = pairs[:S, 0]
        self.many_c = pairs[:, 1]

    def learn(self):
        """Take all steps in their order."""
        self.draw_negatives()
        self.take_rows()
        self.compute_gradients()
        self.subtract_rows()

    def draw_negatives(self):
        """Draw the negatives of several batches in one call, as training does."""
        self.context = self.context_function(self.many_c)[:S]

    def take_rows(self):
        self.u_w = self.U.take(self.w, axis=0)
        self.Vt = self.V.take(self.context, axis=0)
        self.q = self.q_noise.take(self.context)

    def compute_gradients(self):
        self.J, self.du_w, self.dVt, self.dW = grads.lossAndGradientBatched(
            self.u_w, self.Vt, self.W, self.q)

    def subtract_rows(self):
        w2v_sgd.subtract_rows(self.U, self.w, self.du_w, 1.)
        w2v_sgd.subtract_rows(self.V, self.context, self.dVt, 1.)


def main():
    arguments = training_arguments(list(zipf_sentences(300_000, types=19_999)))
    seconds = median_seconds(lambda: stochasticGradientDescend(**arguments), rounds=3)
    rate = len(arguments["data"]) / seconds
    batch = Batch(arguments)
    batch.learn()                       # so that each step finds its data

    print(f"{machine()}\n")
    print_table(["", ""], rows_of_limit(batch, rate))
    print()
    rows = [[name, f"{duration:.0f}"] for name, duration in time_steps(batch)]
    rows.append(["a whole batch in training", f"{S / rate * 1e6:.0f}"])
    print_table(["each step timed alone, its data in the cache", f"µs per batch of {S}"], rows)


def rows_of_limit(batch, rate):
    """Measure the machine, and compare its limit with the rate of training."""
    copied, multiplied = copying_rate(), product_rate()
    moved, flops = costs_of_pair(batch)
    limit = 1 / (moved / copied + flops / multiplied)       # pairs/s, one after the other
    T, C = distinct_words(batch)
    return [
        ["copying", f"{copied / 1e9:.1f} GB/s"],
        ["product of 1000×1000 matrices", f"{multiplied / 1e9:.0f} Gflop/s"],
        [f"different words in a batch of {S}", f"{T:,} target and {C:,} context words"],
        ["bytes that a pair must move", f"{moved:,.0f}"],
        ["operations that a pair must do", f"{flops:,.0f} flop"],
        ["the limit of one thread", f"{limit / 1e6:.2f} M pairs/s"],
        ["measured", f"{rate / 1e6:.2f} M pairs/s, {rate / limit:.0%}"],
    ]


def copying_rate():
    """Measure how many bytes per second copying reads and writes."""
    big = np.ones(64 << 20, np.float32)
    return 2 * big.nbytes / median_seconds(big.copy, rounds=7)


def product_rate():
    """Measure the floating-point operations per second of a product of matrices."""
    square = np.ones((1000, 1000), np.float32)
    return 2 * 1000 ** 3 / median_seconds(lambda: square @ square, rounds=20)


def costs_of_pair(batch):
    """Count the bytes and floating-point operations that learning from a pair needs at least.

    The row of each distinct word is read and written once. Each pair needs three products with an
    M×M matrix, and three passes over its n+1 rows of V.
    """
    T, C = distinct_words(batch)
    moved = 2 * (T + C) * M * FLOAT_BYTES
    flops = 3 * 2 * S * M ** 2 + 3 * 2 * S * (n + 1) * M
    return moved / S, flops / S


def distinct_words(batch):
    """Count the distinct target words of a batch, and its distinct context words and negatives."""
    return len(np.unique(batch.w)), len(np.unique(batch.context))


def time_steps(batch):
    """Yield the name of each step and its microseconds."""
    batches_at_once = len(batch.many_c) / S
    yield "negatives", microseconds(batch.draw_negatives) / batches_at_once
    yield "rows of U and V", microseconds(batch.take_rows)
    yield "loss and gradients", microseconds(batch.compute_gradients)
    yield "subtracting rows", microseconds(batch.subtract_rows)


def microseconds(step):
    return median_seconds(step, rounds=200) * 1e6


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):              # as in run.py
        main()
