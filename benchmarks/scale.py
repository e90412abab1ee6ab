"""How time and memory grow with the text, and time with M, n and S; makes scale.png."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import (
    ROOT,
    machine,
    median_seconds,
    print_table,
    training_arguments,
    zipf_sentences,
)
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from w2v_sgd import stochasticGradientDescend

TOKENS = 1_000_000, 3_000_000, 10_000_000
SWEEPS = {"M": (50, 100, 200, 300), "n": (5, 10, 20), "S": (250, 1000, 4000, 16000)}
PAIRS = 400_000         # learned from in each run of a sweep


class Run(NamedTuple):
    """What a run of run.py took."""

    pairs: int
    seconds: float
    training_seconds: float
    peak_megabytes: float


def main():
    print(machine(), "\n")
    with tempfile.TemporaryDirectory() as folder:
        runs = [whole_run(tokens, Path(folder)) for tokens in TOKENS]
    exponents = Run(*[exponent(TOKENS, column) for column in zip(*runs)])
    print_runs(runs, exponents)
    print()
    times = measure_sweeps()
    print_sweeps(times)
    draw(runs, exponents, times).savefig(Path(__file__).with_name("scale.png"), dpi=100)


def whole_run(tokens, folder):
    """Run run.py on a random text of this many tokens."""
    text = folder / "text.txt"
    with open(text, "w", encoding="utf-8") as file:
        for sentence in zipf_sentences(tokens):
            file.write(" ".join(sentence) + "\n")

    command = [sys.executable, str(ROOT / "run.py"), "--corpus", str(text), "--out", str(folder)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True)
    report = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)         # it tells the peak of its memory, too
    seconds = time.perf_counter() - begun
    assert status == 0

    # The report says first how many pairs there are, and then how many a second were learned.
    pairs, rate = [int(number.replace(",", ""))
                   for number in re.findall(r"([\d,]+) pairs", report)[:2]]
    return Run(pairs, seconds, pairs / rate, usage.ru_maxrss / 1024)


def exponent(x, y):
    """Fit the b of y = a·x^b."""
    b, _ = np.polyfit(np.log(x), np.log(y), 1)
    return b


def print_runs(runs, exponents):
    rows = []
    for tokens, run in zip(TOKENS, runs):
        rows.append([f"{tokens:,}", f"{run.pairs:,}", f"{run.seconds:.1f}",
                     f"{run.training_seconds:.1f}", f"{run.peak_megabytes:,.0f}"])
    rows.append(["exponent", *[f"{power:.2f}" for power in exponents]])
    print_table(["tokens", "pairs", "seconds", "seconds of training", "peak MB"], rows)


def measure_sweeps():
    """Measure the µs per pair for each value of M, n and S, with the other two as assigned."""
    sentences = list(zipf_sentences(300_000, types=19_999))
    times = {}
    for name, values in SWEEPS.items():
        times[name] = [microseconds_a_pair(training_arguments(sentences, **{name: value}))
                       for value in values]
    return times


def microseconds_a_pair(arguments):
    arguments["data"] = arguments["data"][:PAIRS]
    seconds = median_seconds(lambda: stochasticGradientDescend(**arguments), rounds=3)
    return seconds / len(arguments["data"]) * 1e6


def print_sweeps(times):
    rows = []
    for name, values in SWEEPS.items():
        rows.append([name, ", ".join(map(str, values)),
                     ", ".join(f"{microseconds:.2f}" for microseconds in times[name]),
                     f"{exponent(values, times[name]):.2f}"])
    print_table(["", "values", "µs per pair", "exponent"], rows)


def draw(runs, exponents, times):
    """Draw seconds and memory against tokens, and the time of a pair against M, n and S."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)

    labels = {"seconds": "seconds", "training_seconds": "seconds of training",
              "peak_megabytes": "peak MB"}
    for name, label in labels.items():
        column = [getattr(run, name) for run in runs]
        power = getattr(exponents, name)
        left.loglog(TOKENS, column, "o-", label=f"{label}, exponent {power:.2f}")
    left.set(xlabel="tokens", title="python run.py")

    for name, values in SWEEPS.items():
        power = exponent(values, times[name])
        right.loglog(values, times[name], "o-", label=f"{name}, exponent {power:.2f}")
    right.set(xlabel="M, n or S", title="µs a pair")

    for axes in left, right:
        axes.legend()
        axes.grid(alpha=0.3, which="both")
    return figure


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):              # as in run.py
        main()
