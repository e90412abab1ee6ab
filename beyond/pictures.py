"""Pictures: the embeddings of some words, and the course of the loss."""

import os
import re
import sys
import warnings

if "IPython" not in sys.modules:        # started from a notebook with !python: its backend may not
    os.environ.pop("MPLBACKEND", None)  # be installed here, and pictures need none

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from beyond.command_line import abbreviated
from beyond.settings import ASSIGNED_LOSS
from utils import tell

DOT = 5                     # pixels from the middle of a dot to its edge
# Where a name may stand, seen from its dot: first beside it, then ever farther away (in points).
ANGLES = np.pi / 8 * np.array([0, 8, 4, 12, 2, 14, 6, 10, 1, 3, 5, 7, 9, 11, 13, 15])
DISTANCES = 4, 10, 18, 28, 40, 55, 75, 100, 140


def plot_loss(curve, floor, title, file):
    """Draw a learning curve beside the unigram floor and what the assignment asks for.

    Parameters
    ----------
    curve : a row a batch, how many pairs are done and its loss; the first row is 0, 0
    floor : the lowest loss of a model that ignores the target word
    title : of the picture
    file : path or file to write it to, as PNG

    Returns
    -------
    the figure
    """
    done, J = curve[1:].T
    parts = np.array_split(np.arange(len(J)), min(len(J), 100))
    ends = [done[part[-1]] / 1e6 for part in parts]
    means = [J[part].mean() for part in parts]

    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="million pairs", ylabel="mean loss")
    axes.plot(ends, means, label="means of batches")
    axes.axhline(floor, color="C1", linestyle="--", label=f"unigram floor {floor:.3f}")
    axes.axhline(ASSIGNED_LOSS, color="C2", linestyle=":",
                 label=f"what the assignment asks for on its corpus, {ASSIGNED_LOSS}")
    axes.set_ylim(top=min(axes.get_ylim()[1], 2 * floor))       # a start may be far above
    axes.set_title(title, parse_math=False)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3)
    figure.savefig(file, format="png")
    return figure


def plot_embeddings(E, groups, word2ind, title, file):
    """Draw groups of words by the first two principal components of their rows of E.

    Parameters
    ----------
    E : L×K embeddings
    groups : dict from the name of a group to its words; each group has a colour
    word2ind : dict from word to row
    title : of the picture
    file : path or file to write it to, as PNG

    Returns
    -------
    the figure
    """
    words = [word for group in groups.values() for word in group]
    points, shares = principal_components(E[[word2ind[word] for word in words]])

    figure = Figure(figsize=(10, 8), dpi=120, layout="constrained")
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.add_subplot(
        xlabel=f"first principal component, {100 * shares[0]:.0f} % of the variance",
        ylabel=f"second principal component, {100 * shares[1]:.0f} % of the variance")
    axes.set_title(title, parse_math=False)
    axes.margins(0.12)
    axes.grid(alpha=0.3)
    colours = _draw_dots(axes, points, groups)
    if len(groups) > 1:
        _draw_legend(figure, axes, groups)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.draw_without_rendering()                 # settles the layout: pixels can be counted
        figure.set_layout_engine("none")
        _draw_names(axes, points, words, colours, renderer)
        figure.savefig(file, format="png")
    _tell_of_missing_letters(caught)
    return figure


def _tell_of_missing_letters(caught):
    """Say, in one line, which letter the font lacks, by the warnings that matplotlib gave."""
    for warning in caught:
        found = re.match(r"Glyph (\d+)", str(warning.message))
        if found:
            tell(f"the picture's font has no {chr(int(found[1]))}, so there are boxes; name a font "
                 "that has it as font.family in a file matplotlibrc")
            return


def principal_components(rows):
    """Compute the first two principal components of rows, N×2, and their shares of the variance.

    Where all rows are alike there is no variance, and both shares are 0.
    """
    from sklearn.decomposition import PCA  # here, since it is slow to import
    pca = PCA(2, svd_solver="full")
    with np.errstate(invalid="ignore"):                 # 0/0 where there is no variance
        points = pca.fit_transform(rows.astype(np.float64))

    # Versions of PCA differ in the signs: the largest number of each direction is made positive.
    largest = np.abs(pca.components_).argmax(axis=1)
    signs = np.sign(pca.components_[[0, 1], largest])
    return points * signs, np.nan_to_num(pca.explained_variance_ratio_)


def _draw_dots(axes, points, groups):
    """Draw a dot a word, with a colour and, after ten groups, another shape a group.

    Returns the colours of the words.
    """
    colours = []
    start = 0
    for number, group in enumerate(groups.values()):
        part = points[start:start + len(group)]
        start += len(group)
        shape = "os^Dv"[number // 10 % 5]
        dots = axes.scatter(*part.T, color=f"C{number % 10}", marker=shape)
        colours += [dots.get_facecolor()[0]] * len(group)
    return colours


def _draw_legend(figure, axes, groups):
    # The names come afterwards, as older versions leave out a label that begins with _.
    names = [abbreviated(name) for name in groups]
    blanks = [" " * len(name) for name in names]
    legend = figure.legend(axes.collections, blanks, loc="outside lower center",
                           ncols=min(len(groups), 5))
    for text, name in zip(legend.get_texts(), names):
        text.set_parse_math(False)
        text.set_text(name)


def _draw_names(axes, points, words, colours, renderer):
    """Write each word near its dot, where it covers no other word and no dot, if it can.

    A word that does not stand beside its dot is joined to it by a line.
    """
    dots = axes.transData.transform(points)             # in pixels
    taken = np.hstack([dots - DOT, dots + DOT])         # boxes: left, bottom, right, top
    line_ends = dots.copy()
    for number, (word, dot) in enumerate(zip(words, dots)):
        text = axes.annotate(
            abbreviated(word), points[number], (0, 0), textcoords="offset pixels", ha="center",
            va="center", fontsize=10, color=colours[number], parse_math=False)
        half_size = np.array(text.get_window_extent(renderer).size) / 2 + (2, 1)
        offset, is_beside = _choose_place(dot, half_size, taken, axes)
        text.set_position(offset)

        box = np.concatenate([dot + offset - half_size, dot + offset + half_size])
        taken = np.vstack([taken, box])
        if not is_beside:
            line_ends[number] = np.clip(dot, box[:2], box[2:])

    ends = axes.transData.inverted().transform(line_ends)
    lines = LineCollection(np.stack([points, ends], axis=1), colors=colours, linewidths=0.6)
    axes.add_collection(lines, autolim=False)


def _choose_place(dot, half_size, taken, axes):
    """Choose where the middle of a word stands, seen from its dot, and say whether it is beside it.

    That is the first place inside the axes where nothing is taken; if there is none, the last one
    inside.
    """
    distances = axes.figure.dpi / 72 * np.repeat(DISTANCES, len(ANGLES))
    angles = np.tile(ANGLES, len(DISTANCES))
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    offsets = directions * (distances[:, None] + half_size)
    boxes = np.hstack([dot + offsets - half_size, dot + offsets + half_size])

    low, high = axes.bbox.min, axes.bbox.max
    is_inside = (boxes[:, :2] > low).all(axis=1) & (boxes[:, 2:] < high).all(axis=1)
    place = 0
    for place in np.flatnonzero(is_inside):
        if not _overlaps(boxes[place], taken):
            break
    return offsets[place], distances[place] == distances[0]


def _overlaps(box, others):
    """Say whether a box covers a part of one of others."""
    return ((box[:2] < others[:, 2:]) & (others[:, :2] < box[2:])).all(axis=1).any()
