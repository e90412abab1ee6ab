"""Time and peak memory of run.py against tokens; the time of a pair against M, n, S and threads; scale.png of both."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import CPUS, ROOT, machine, np, problem, w2v_sgd, zipf_sentences
from matplotlib.figure import Figure

TOKENS = 1_000_000, 3_000_000, 10_000_000
SWEEPS = {"M": (50, 100, 200, 300), "n": (5, 10, 20), "S": (250, 1000, 4000, 16000)}


def whole_run(tokens, folder):
    """Of run.py on text of so many tokens: seconds, those of the training alone, peak MB, pairs."""
    text = folder / "text.txt"
    with open(text, "w", encoding="utf-8") as file:
        file.writelines(" ".join(sentence) + "\n" for sentence in zipf_sentences(tokens))
    command = [sys.executable, str(ROOT / "run.py"), "--corpus", str(text), "--out", str(folder)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    report = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    seconds = time.perf_counter() - begun
    pairs, rate = (int(before.split()[-1].replace(",", "")) for before in report.split(" pairs")[:2])
    return seconds, pairs / rate, usage.ru_maxrss / 1024, pairs


def microseconds(settings, pairs=400_000, rounds=3, **options):
    """Median µs a pair."""
    settings = {**settings, "data": settings["data"][:pairs], **options}
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        w2v_sgd.stochasticGradientDescend(**settings)
        times.append((time.perf_counter() - begun) / pairs * 1e6)
    return np.median(times)


def exponent(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


def main():
    print(machine(), "\n")
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    with tempfile.TemporaryDirectory() as folder:
        runs = np.array([whole_run(tokens, Path(folder)) for tokens in TOKENS])
    print("| tokens | pairs | seconds | of training | peak MB |\n|---|---|---|---|---|")
    for tokens, (seconds, training, memory, pairs) in zip(TOKENS, runs):
        print(f"| {tokens:,} | {pairs:,.0f} | {seconds:.1f} | {training:.1f} | {memory:,.0f} |")
    powers = [exponent(TOKENS, column) for column in runs.T]
    print(f"| exponent | {powers[3]:.2f} | {powers[0]:.2f} | {powers[1]:.2f} | {powers[2]:.2f} |\n")
    for name, column, power in zip(("seconds", "seconds of training", "peak MB"), runs.T, powers):
        left.loglog(TOKENS, column, "o-", label=f"{name}, exponent {power:.2f}")
    left.set(xlabel="tokens", title="python run.py")

    sentences = list(zipf_sentences(300_000, types=19_999))
    print("| | values | µs a pair | exponent |\n|---|---|---|---|")
    for name, values in SWEEPS.items():
        times = [microseconds(problem(sentences, **{name: value})) for value in values]
        print(f"| {name} | {', '.join(map(str, values))} | {', '.join(f'{t:.2f}' for t in times)} | "
              f"{exponent(values, times):.2f} |")
        right.loglog(values, times, "o-", label=f"{name}, exponent {exponent(values, times):.2f}")
    threads = range(1, CPUS + 1)
    times = [microseconds(problem(sentences), threads=count) for count in threads]
    print(f"| threads | {', '.join(map(str, threads))} | {', '.join(f'{t:.2f}' for t in times)} | |")
    right.set(xlabel="M, n or S", title="µs a pair")
    for axes in left, right:
        axes.legend()
        axes.grid(alpha=0.3, which="both")
    figure.savefig(Path(__file__).with_name("scale.png"), dpi=100)


if __name__ == "__main__":
    main()
