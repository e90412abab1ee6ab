"""The progress of a run, neighbours, the picture of the embeddings, and the archive to hand in."""

import os
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np

from corpus.reading import InputError, extractDictionary, extractWordContextPairs  # noqa: F401 - the assignment's place

KINDS = {".pdf": b"%PDF-", ".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}


def progress(stream=sys.stderr, clock=time.monotonic):
    """A function (done, total, loss) that shows how far a run is: one live line on a terminal, else now and then
    a line of its own. The loss shown is the mean of about the last hundred batches."""
    live = stream.isatty()
    start = shown = clock()
    calls, mean, share_shown = 0, 0., 0.

    def report(done, total, loss):
        nonlocal calls, mean, shown, share_shown
        calls += 1
        mean += (loss - mean) * max(0.01, 1 / calls)
        now, share = clock(), done / total
        if done < total and now - shown < (0.2 if live else 60) and (live or share - share_shown < 0.1):
            return
        shown, share_shown = now, share
        rate = done / max(now - start, 1e-9)
        left = round((total - done) / rate)
        line = f"{share:4.0%}  {rate:,.0f} pairs/s  {left // 60}:{left % 60:02d} left  loss {mean:.3f}"
        print(f"{line}\033[K" if live else line, end="\r" if live and done < total else "\n", file=stream, flush=True)
    return report


def nearest(E, index, count):
    """The rows of E nearest to that of index by cosine: their indices and cosines, without index itself."""
    lengths = np.linalg.norm(E, axis=1)
    cosines = E @ E[index] / np.maximum(lengths * lengths[index], np.finfo(E.dtype).tiny)
    cosines[index] = -np.inf
    best = np.argsort(-cosines, kind="stable")[:count]
    return best, cosines[best]


def read_word_groups(path, word2ind):
    """The words to draw: a group a line, as «label: word word …»; lines without a label are one group together.

    Returns a dict from label to words. Raises InputError for words that are not in word2ind or that stand twice.
    """
    groups = {}
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; convert the file") from None
    for line in lines:
        label, _, names = line.partition("#")[0].rpartition(":")
        groups.setdefault(label.strip(), []).extend(names.lower().split())
    counts = Counter(chain.from_iterable(groups.values()))
    if unknown := [name for name in counts if name not in word2ind]:
        raise InputError(f"{path}: not in the vocabulary: {' '.join(unknown)}; take them out or name a list by --words")
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InputError(f"{path}: listed twice: {' '.join(twice)}; leave one")
    if len(counts) < 2:
        raise InputError(f"{path}: fewer than two words; a picture needs more")
    return {label: names for label, names in groups.items() if names}


def plot_embeddings(E, groups, word2ind, title, file):
    """Draw the first two principal components of the rows of E for groups of words, a colour a group.

    Returns the figure, which is also written to a file as PNG.
    """
    from matplotlib.figure import Figure  # here, since they are slow to import
    from sklearn.decomposition import PCA

    names = [name for group in groups.values() for name in group]
    points = PCA(2).fit_transform(E[[word2ind[name] for name in names]].astype(np.float64))
    figure = Figure(figsize=(10, 8), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="first principal component", ylabel="second principal component")
    axes.set_title(title, parse_math=False)
    axes.margins(0.12)
    axes.grid(alpha=0.3)
    colours, start = {}, 0
    for number, group in enumerate(groups.values()):
        part = points[start:start + len(group)]
        start += len(group)
        drawn = axes.scatter(*part.T, color=f"C{number % 10}", marker="os^Dv"[number // 10 % 5])
        colours.update(dict.fromkeys(group, drawn.get_facecolor()[0]))
    if len(groups) > 1:
        legend = figure.legend(axes.collections, groups, loc="outside lower center", ncols=min(len(groups), 5))
        for text in legend.get_texts():
            text.set_parse_math(False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")      # letters that the font lacks become boxes
        figure.draw_without_rendering()                 # settles the layout, so that pixels can be counted
        _label(axes, points, names, colours)
        figure.savefig(file, format="png")
    return figure


def _label(axes, points, names, colours):
    """Write each name near its point where it covers no other name and no point, if there is such a place."""
    pixels = axes.transData.transform(points)
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in pixels]
    left, bottom, right, top = axes.bbox.extents
    angles = np.pi * np.array([0, 1, .5, 1.5, .25, 1.75, .75, 1.25, .125, .375, .625, .875, 1.125, 1.375, 1.625, 1.875])
    scale = axes.figure.dpi / 72
    for point, (x, y), name in zip(points, pixels, names):
        text = axes.text(*point, name, fontsize=10, parse_math=False)
        w, h = np.array(text.get_window_extent().size) / 2 + (2, 1)
        text.remove()
        for distance, angle in ((d * scale, a) for d in (4, 10, 18, 28, 40, 55, 75, 100, 140) for a in angles):
            dx, dy = np.cos(angle) * (distance + w), np.sin(angle) * (distance + h)
            box = x + dx - w, y + dy - h, x + dx + w, y + dy + h
            if (left < box[0] and bottom < box[1] and box[2] < right and box[3] < top and not any(
                    box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)):
                break
        taken.append(box)
        line = {"arrowstyle": "-", "color": colours[name], "lw": 0.6} if distance > 4 * scale else None
        axes.annotate(name, point, (dx, dy), textcoords="offset pixels", ha="center", va="center", fontsize=10,
                      color=colours[name], arrowprops=line, parse_math=False)


def read_submission(modules, answers, results):
    """What is handed in, as a name and bytes for each file, and a list of all that is wrong with it."""
    contents, arrays, wrong = {}, [], []
    trained = [results / name for name in ("embeddings.png", "w2v-U.npy", "w2v-V.npy", "w2v-W.npy")]
    for file in [*modules, *answers, *trained]:
        kind = file.suffix.lower()
        if file.name in contents:
            wrong.append(f"{file}: a file of this name is in the archive already; rename one")
        elif not file.is_file() or not file.stat().st_size:
            wrong.append(f"{file}: missing or empty" + ("; name your answers with --answers" if file in answers else
                                                        "; train first: python run.py" if file in trained else ""))
        else:
            content = contents[file.name] = file.read_bytes()
            if file in answers and kind not in KINDS:
                wrong.append(f"{file}: answers are handed in as {', '.join(KINDS)}")
            elif not content.startswith(KINDS.get(kind, b"")) or (kind == ".png" and b"IEND" not in content[-12:]):
                wrong.append(f"{file}: not a whole file of this kind")
            elif kind == ".npy":
                try:
                    arrays.append(np.load(file, allow_pickle=False))
                    if not np.isfinite(arrays[-1]).all():
                        wrong.append(f"{file}: not all of it is finite; train again")
                except (ValueError, TypeError, EOFError):
                    wrong.append(f"{file}: not an array of numbers; train again")
    if len(arrays) == 3:
        shapes, words = [X.shape for X in arrays], results / "w2v-words.txt"
        if len(shapes[0]) != 2 or shapes != [shapes[0], shapes[0], 2 * shapes[0][1:]]:
            wrong.append(f"{results}: U, V and W have the shapes {shapes}; they are not of one run")
        elif words.is_file() and (count := words.read_bytes().count(b"\n")) != shapes[0][0]:
            wrong.append(f"{words}: {count} words, but {shapes[0][0]} rows of U; they are not of one run")
    return contents, wrong


def write_archive(contents, path):
    """A zip file of names and bytes, whole or not at all; the same contents give the same bytes."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".w2v-") as scratch:
        with zipfile.ZipFile(Path(scratch) / path.name, "w") as archive:    # stored: zlib's bytes differ by version
            for name, content in contents.items():
                entry = zipfile.ZipInfo(name)                               # dated 1980
                entry.create_system = 3                                     # Unix, wherever it was made
                archive.writestr(entry, content)
        os.replace(Path(scratch) / path.name, path)
