"""How near training comes to what the machine allows, and where the time of a batch goes."""

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
from w2v_sgd import PAIRS_AT_ONCE, distinct, stochasticGradientDescend

FLOAT_BYTES = 4


class Batch:
    """A batch, and the steps of learning from it as w2v_sgd.py and grads.py take them.

    A step is a method without arguments, which leaves in the batch what the next ones need. All
    of them can be repeated.
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
        self.find_distinct_words()
        self.take_rows()
        self.multiply_for_h()
        self.take_Vt_and_h()
        self.compute_scores()
        self.compute_loss_and_slopes()
        self.compute_a()
        self.sum_by_word()
        self.multiply_for_gradients()
        self.write_rows()

    def draw_negatives(self):
        """Draw the negatives of all batches for which that is done in one call."""
        contexts = self.context_function(self.many_c, np.random.default_rng(0))
        self.context = contexts[:S]

    def find_distinct_words(self):
        self.target_words, self.w_row = distinct(self.w, len(self.U))
        self.context_words, self.context_row = distinct(self.context, len(self.V))

    def take_rows(self):
        self.u = self.U.take(self.target_words, axis=0)
        self.v = self.V.take(self.context_words, axis=0)
        self.q = self.q_noise.take(self.context)

    def multiply_for_h(self):
        self.h_of_words = self.u @ self.W.T

    def take_Vt_and_h(self):
        self.Vt = self.v.take(self.context_row, axis=0)
        self.h = self.h_of_words.take(self.w_row, axis=0)

    def compute_scores(self):
        self.s = np.matmul(self.Vt, self.h[:, :, None])[:, :, 0]

    def compute_loss_and_slopes(self):
        self.J, self.g = grads._mean_loss_and_slopes(self.s, self.q)

    def compute_a(self):
        self.a = np.matmul(self.g[:, None, :], self.Vt)[:, 0]

    def sum_by_word(self):
        ones = np.ones((S, 1), self.g.dtype)
        is_target = grads._columns(ones, self.w_row, rows=len(self.u))
        G = grads._columns(self.g, self.context_row, rows=len(self.v))
        self.A = is_target @ self.a
        self.dv = G @ self.h

    def multiply_for_gradients(self):
        self.du = self.A @ self.W
        self.dW = self.A.T @ self.u

    def write_rows(self):
        step = 1.
        self.u -= step * self.du
        self.v -= step * self.dv
        self.U[self.target_words] = self.u
        self.V[self.context_words] = self.v


def main():
    arguments = training_arguments(list(zipf_sentences(300_000, types=19_999)))
    seconds = median_seconds(lambda: stochasticGradientDescend(**arguments), rounds=3)
    rate = len(arguments["data"]) / seconds
    batch = Batch(arguments)
    batch.learn()                       # so that each step alone finds its data

    print(f"{machine()}\n")
    print_table(["", ""], rows_of_limit(batch, rate))
    print()
    rows = [[name, f"{duration:.0f}"] for name, duration in time_steps(batch)]
    rows.append(["a whole batch in training", f"{S / rate * 1e6:.0f}"])
    print_table(["step, one at a time, its data at hand", f"µs a batch of {S}"], rows)


def rows_of_limit(batch, rate):
    """Measure the machine, and set its limit beside the pairs a second that training does."""
    copied, multiplied = copying_rate(), product_rate()
    moved, flops = costs_of_pair(batch)
    limit = 1 / (moved / copied + flops / multiplied)       # pairs/s, one after the other
    T, C = len(batch.u), len(batch.v)
    return [
        ["copying", f"{copied / 1e9:.1f} GB/s"],
        ["product of 1000×1000 matrices", f"{multiplied / 1e9:.0f} Gflop/s"],
        [f"of a batch of {S}, distinct are", f"{T:,} target and {C:,} context words"],
        ["a pair moves at least", f"{moved:,.0f} bytes"],
        ["and costs", f"{flops:,.0f} flop"],
        ["so a thread can learn at most", f"{limit / 1e6:.2f} M pairs/s"],
        ["it does", f"{rate / 1e6:.2f} M pairs/s, {rate / limit:.0%}"],
    ]


def copying_rate():
    """Measure how many bytes a second are read or written as memory is copied."""
    big = np.ones(64 << 20, np.float32)
    return 2 * big.nbytes / median_seconds(big.copy, rounds=7)


def product_rate():
    """Measure how many floating-point operations a second a product of matrices does."""
    square = np.ones((1000, 1000), np.float32)
    return 2 * 1000 ** 3 / median_seconds(lambda: square @ square, rounds=20)


def costs_of_pair(batch):
    """Count the bytes and floating-point operations without which a pair is not learned from.

    The row of each distinct word is read and written once. Of each distinct target word there are
    three products with M×M; of each pair, three passes over its n+1 rows of V, and its a is added
    to the sum of its target word's.
    """
    T, C = len(batch.u), len(batch.v)
    moved = 2 * (T + C) * M * FLOAT_BYTES
    flops = 3 * 2 * T * M ** 2 + 3 * 2 * S * (n + 1) * M + S * M
    return moved / S, flops / S


def time_steps(batch):
    """Yield the name of each step, or of a few of one kind, and its microseconds."""
    batches_at_once = len(batch.many_c) / S
    yield "negatives", microseconds(batch.draw_negatives) / batches_at_once
    yield "distinct words", microseconds(batch.find_distinct_words)
    yield "rows of U and V", microseconds(batch.take_rows)
    yield "Vt and h", microseconds(batch.take_Vt_and_h)
    yield "scores and a", microseconds(batch.compute_scores, batch.compute_a)
    yield "loss and slopes", microseconds(batch.compute_loss_and_slopes)
    yield "sparse sums and their making", microseconds(batch.sum_by_word)
    yield ("three products with M×M, of distinct targets",
           microseconds(batch.multiply_for_h, batch.multiply_for_gradients))
    yield "writing the rows back", microseconds(batch.write_rows)


def microseconds(*steps):
    """Measure the time of one step, or of several together."""
    return sum(median_seconds(step, rounds=200) for step in steps) * 1e6


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):              # as in run.py
        main()
