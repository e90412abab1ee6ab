"""What a run shows at its end: measures, pictures, and what it prints."""

import platform

import matplotlib
import numpy as np
import scipy
import sklearn

from beyond import pictures
from beyond.command_line import abbreviated
from beyond.learning import advice_after_divergence
from beyond.measures import log_normalisers, nearest
from beyond.results import EMBEDDINGS_PICTURE, FILES, LOSS_PICTURE
from beyond.starts import STARTS
from utils import InputError, tell

PACKAGES = np, scipy, sklearn, matplotlib
VERSIONS = {"python": platform.python_version()}
VERSIONS |= {package.__name__: package.__version__ for package in PACKAGES}
ENOUGH_PAIRS = 10 ** 6      # of fewer, hardly any word has been seen often enough
LARGE_VOCABULARY = 40_000   # for which the normalisers take seconds


def measure_normalisers(options, results):
    """Compute log Σ_c exp(v_cᵀ W u_w) of each word; InputError if the scores overflow."""
    if len(results.words) > LARGE_VOCABULARY:
        tell("summing exp(score) over all pairs of words …")
    normalisers = log_normalisers(results.U, results.V, results.W)
    if not (np.isfinite(normalisers).all() and np.isfinite(results.both).all()):
        raise InputError(f"the scores overflow: {advice_after_divergence(options, results.freqs)}")
    return normalisers


def draw_pictures(folder, results, run, history, groups):
    """Draw both pictures into a folder; one that cannot be drawn is left out."""
    name, loss = abbreviated(run.corpus), f"loss {run.loss:.3f}"
    title = f"{name}: {run.tokens:,} tokens, {run.pairs:,} pairs, {loss}"
    draw(folder / LOSS_PICTURE, pictures.plot_loss, history.curve, run.floor, f"{name}: {loss}")
    draw(folder / EMBEDDINGS_PICTURE, pictures.plot_embeddings, results.both, groups,
         results.word2ind, title)


def draw(path, plot, *arguments):
    """Let a function draw a picture, or say why it cannot."""
    try:
        with open(path, "wb") as file:
            plot(*arguments, file)
    except Exception as error:          # matplotlib's, of whatever kind, or the disk is full
        path.unlink(missing_ok=True)
        tell(f"run.py: {path.name} cannot be drawn: {error}")


def report(options, corpus, results, run, history, normalisers, groups, seconds):
    """Print how the training went, and the words nearest to some of those that are drawn.

    Raises
    ------
    InputError : it cannot be printed, since a disk is full or the reader is gone
    """
    was_seen = options.epochs > 1 or STARTS[options.init].counts_pairs
    seen = ", seen before" if was_seen else ""
    weighted = np.average(normalisers, weights=results.freqs)
    lines = [f"""
corpus      {corpus}
seconds     {seconds:.0f} in all; {history.rate:,.0f} pairs a second in training
loss        {run.loss:.4f} over the last 5 % of the pairs{seen}
floor       {run.floor:.4f}, the lowest loss of a model that ignores the target word\
{judgement(options, run, history, results.freqs)}
normalised  log Σ_c exp(v_cᵀ W u_w) = {normalisers.mean():+.3f} ± {normalisers.std():.3f} over \
words w; {weighted:+.3f} weighted by frequency
written     {', '.join(FILES)} in {options.out.resolve()}
nearest"""]
    examples = [group[0] for group in groups.values()]
    if len(groups) == 1:
        [examples] = groups.values()
    for word in examples[:8]:
        neighbours, _ = nearest(results.both, results.word2ind[word], 6)
        names = ", ".join(abbreviated(results.words[index]) for index in neighbours)
        lines.append(f"            {abbreviated(word)} → {names}")
    try:
        print(*lines, sep="\n", flush=True)
    except OSError as error:
        raise InputError(f"the report cannot be printed: {error.strerror}; the results are in "
                         f"{options.out.resolve()}") from None


def judgement(options, run, history, freqs):
    """Say what few pairs mean, or a loss near or above the floor; "" if there is nothing to say."""
    if run.pairs < ENOUGH_PAIRS:
        return f"\n            with {run.pairs:,} pairs, the neighbours are mostly chance"
    if run.loss < run.floor - 0.05:
        return ""
    # The loss of a pair spreads by about 2.
    measured_pairs = max(0.05 * history.curve[-1, 0], options.batch_size)
    noise = 0.05 + 6 / np.sqrt(measured_pairs)
    if run.loss < run.floor + noise:
        return "; hardly more than that was learned: take more text or more --epochs"
    if not STARTS[options.init].is_unigram_model:
        return "; not even how frequent words are was learned: take more --epochs"
    return f"; the training did harm: {advice_after_divergence(options, freqs)}"
