"""Pictures: the embeddings of some words, and the course of the loss."""

import warnings

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from beyond.command_line import abbreviated
from beyond.settings import ASSIGNED_LOSS
from utils import tell

DOT = 5                     # pixels from the middle of a dot to its edge
# Where a name may stand, seen from its dot: first beside it, then ever farther away (in points).
ANGLES = np.pi / 8 * np.array([0, 8, 4, 12, 2, 14, 6, 10, 1, 3, 5, 7, 9, 11, 13, 15])
DISTANCES = 4, 10, 18, 28, 40, 55, 75, 100, 140


def plot_loss(curve, floor, title, file):
    """Draw a learning curve beside the floor and what the assignment asks for.

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
    axes.plot(ends, means, label="training")
    axes.axhline(floor, color="C1", linestyle="--",
                 label=f"floor {floor:.3f}, target word ignored")
    axes.axhline(ASSIGNED_LOSS, color="C2", linestyle=":",
                 label=f"{ASSIGNED_LOSS}, asked for on the course's corpus")
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
    FigureCanvasAgg(figure)                             # which measures the words
    axes = figure.add_subplot(
        xlabel=f"first principal component, {100 * shares[0]:.0f} % of the variance",
        ylabel=f"second principal component, {100 * shares[1]:.0f} % of the variance")
    axes.set_title(title, parse_math=False)
    axes.margins(0.12)
    axes.grid(alpha=0.3)
    colours = _draw_dots(axes, points, groups)
    if len(groups) > 1:
        figure.legend(loc="outside lower center", ncols=min(len(groups), 5))

    with warnings.catch_warnings(record=True, action="always") as caught:
        figure.draw_without_rendering()                 # settles the layout: pixels can be counted
        figure.set_layout_engine("none")
        _draw_names(axes, points, words, colours)
        figure.savefig(file, format="png")
    missing = [str(warning.message) for warning in caught if "Glyph" in str(warning.message)]
    for message in missing[:1]:                         # letters that the font lacks are boxes
        tell(f"the picture: {message} Name a font that has all letters as font.family in a file "
             "matplotlibrc")
    return figure


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
    """Draw one dot per word: a colour per group, another marker after ten groups.

    Returns the colours of the words.
    """
    colours = []
    for number, (label, group) in enumerate(groups.items()):
        part = points[len(colours):len(colours) + len(group)]
        colour, marker = f"C{number % 10}", "os^Dv"[number // 10 % 5]
        axes.scatter(*part.T, color=colour, marker=marker, label=abbreviated(label))
        colours += [colour] * len(group)
    return colours


def _draw_names(axes, points, words, colours):
    """Write each word near its dot, joined to it by a line."""
    dots = axes.transData.transform(points)             # in pixels
    taken = np.hstack([dots - DOT, dots + DOT])         # boxes: left, bottom, right, top
    for point, dot, word, colour in zip(points, dots, words, colours):
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        text = axes.annotate(
            abbreviated(word), point, (0, 0), textcoords="offset pixels", ha="center", va="center",
            fontsize=10, color=colour, parse_math=False, arrowprops=line)
        size = np.array(Text.get_window_extent(text).size) + (4, 2)
        box = _choose_box(dot, size, taken, axes)
        text.set_position((box[:2] + box[2:]) / 2 - dot)
        taken = np.vstack([taken, box])


def _choose_box(dot, size, taken, axes):
    """Choose where a word of this size, in pixels, stands near its dot.

    That is the first box inside the axes that covers nothing taken; if there is none, the first one
    inside.
    """
    distances = axes.figure.dpi / 72 * np.repeat(DISTANCES, len(ANGLES))
    angles = np.tile(ANGLES, len(DISTANCES))
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    middles = dot + directions * (distances[:, None] + size / 2)
    low, high = middles - size / 2, middles + size / 2          # the corners of the boxes

    is_inside = ((axes.bbox.min < low) & (high < axes.bbox.max)).all(axis=1)
    covers = (low[:, None] < taken[:, 2:]) & (taken[:, :2] < high[:, None])
    is_free = ~covers.all(axis=2).any(axis=1)
    best = np.argmax(2 * is_inside + is_free)                   # the first of the best
    return np.concatenate([low[best], high[best]])
