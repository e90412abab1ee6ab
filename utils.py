"""What a run needs besides learning: progress, neighbours, the picture, checkpoints, the archive to hand in."""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from corpus.reading import InputError, extractDictionary, extractWordContextPairs  # noqa: F401 - the assignment's place

try:
    import fcntl
except ImportError:         # Windows: there, two runs in one folder are not noticed
    fcntl = None

CHECKPOINT, PREVIOUS = "w2v-checkpoint.npz", "w2v-checkpoint-previous.npz"
KINDS = {".pdf": b"%PDF-", ".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}


def progress(before=0, stream=None, clock=time.monotonic):
    """A function (done, total, loss) that shows how far a run is: one live line on a terminal, else now and then
    a line of its own. The loss shown is the mean of about the last hundred batches; before is done already."""
    stream = stream or sys.stderr
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
        rate = max(done - before, 1) / max(now - start, 1e-9)
        left = round((total - done) / rate)
        line = f"{share:4.0%}  {rate:,.0f} pairs/s  {left // 60}:{left % 60:02d} left  loss {mean:.3f}"
        print(f"{line}\033[K" if live else line, end="\r" if live and done < total else "\n", file=stream, flush=True)
    return report


def nearest(E, index, count, minus=()):
    """The rows of E nearest by cosine to that of an index, or to the sum of those of several, each of length 1, less
    those of minus: their indices and cosines, without these themselves."""
    E = E / np.maximum(np.linalg.norm(E, axis=1, keepdims=True), np.finfo(E.dtype).tiny)
    plus, minus = np.atleast_1d(index), np.asarray(minus, dtype=np.intp)
    sought = E[plus].sum(axis=0) - E[minus].sum(axis=0)
    cosines = E @ sought / max(np.linalg.norm(sought), np.finfo(E.dtype).tiny)
    cosines[plus], cosines[minus] = -np.inf, -np.inf
    best = np.argsort(-cosines, kind="stable")[:count]
    return best[np.isfinite(cosines[best])], cosines[best][np.isfinite(cosines[best])]


def load_results(folder):
    """U, V, W, words, word2ind, and freqs or None, as training left them in a folder; InputError if they are not there
    or do not fit."""
    def load(name):
        return np.load(folder / f"w2v-{name}.npy", allow_pickle=False)
    try:
        U, V, W = map(load, "UVW")
        words = (folder / "w2v-words.txt").read_text(encoding="utf-8").splitlines()
        freqs = load("freqs") if (folder / "w2v-freqs.npy").exists() else None
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file; train first (python run.py) or name --results") from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{folder}: what is there cannot be read ({error}); train again") from None
    if not all(isinstance(X, np.ndarray) and X.dtype.kind == "f" and np.isfinite(X).all() for X in (U, V, W)):
        raise InputError(f"{folder}: U, V and W are not arrays of finite numbers; train again")
    shapes = U.shape, V.shape, W.shape, (len(words), *U.shape[1:]), U.shape[:1] if freqs is None else np.shape(freqs)
    if U.ndim != 2 or shapes != (U.shape, U.shape, 2 * U.shape[1:], U.shape, U.shape[:1]):
        raise InputError(f"{folder}: U, V, W and the words do not fit together, {shapes[:4]}; train again")
    return U, V, W, words, {word: index for index, word in enumerate(words)}, freqs


@contextmanager
def whole_file(path):
    """A file to write bytes to, which appears under its name when all is written."""
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".w2v-") as scratch:
        with open(Path(scratch) / path.name, "wb") as file:
            yield file
        os.replace(Path(scratch) / path.name, path)


def plot_loss(curve, floor, title, file):
    """Draw a learning curve, means of some batches, beside the floor and what the assignment asks for."""
    from matplotlib.figure import Figure
    done, J = curve[1:].T
    parts = np.array_split(np.arange(len(J)), min(len(J), 100))
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="million pairs", ylabel="mean loss")
    axes.plot([done[part[-1]] / 1e6 for part in parts], [J[part].mean() for part in parts], label="means of batches")
    axes.axhline(floor, color="C1", linestyle="--", label=f"unigram floor {floor:.3f}")
    axes.axhline(2.4, color="C2", linestyle=":", label="what the assignment asks for on its corpus, 2.4")
    axes.set_title(title, parse_math=False)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3)
    figure.savefig(file, format="png")
    return figure


def shown(word, most=40):
    """A word as people are shown it: what is no word may have a million letters."""
    return word if len(word) <= most else word[:most - 1] + "…"


def plot_embeddings(E, groups, word2ind, title, file, size=(10, 8), ranks=False):
    """Draw the first two principal components of the rows of E for groups of words, a colour a group; or their ranks,
    which leave more room between many words.

    Returns the figure, which is also written to a file as PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here, since it is slow to import
    from matplotlib.figure import Figure

    names = [name for group in groups.values() for name in group]
    rows = E[[word2ind[name] for name in names]].astype(np.float64)
    rows -= rows.mean(axis=0)
    main = np.linalg.svd(rows, full_matrices=False)[2][:2]      # scikit-learn's PCA is slow to import
    points = rows @ (main.T * np.sign(main[[0, 1], np.abs(main).argmax(axis=1)]))
    if ranks:
        points = points.argsort(axis=0).argsort(axis=0)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="first principal component" + ", ranks" * ranks,
                              ylabel="second principal component" + ", ranks" * ranks)
    axes.set_title(title, parse_math=False)
    axes.margins(0.12 if not ranks else 0.04)
    axes.grid(alpha=0.3)
    colours, start = {}, 0
    for number, group in enumerate(groups.values()):
        part = points[start:start + len(group)]
        start += len(group)
        drawn = axes.scatter(*part.T, color=f"C{number % 10}", marker="os^Dv"[number // 10 % 5])
        colours.update(dict.fromkeys(group, drawn.get_facecolor()[0]))
    if len(groups) > 1:
        legend = figure.legend(axes.collections, list(map(shown, groups)), loc="outside lower center",
                               ncols=min(len(groups), 5))
        for text in legend.get_texts():
            text.set_parse_math(False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")      # letters that the font lacks become boxes
        figure.draw_without_rendering()                 # settles the layout, so that pixels can be counted
        figure.set_layout_engine("none")
        _label(axes, points, names, colours, canvas.get_renderer())
        figure.savefig(file, format="png")
    return figure


def _label(axes, points, names, colours, renderer):
    """Write each name near its point where it covers no other name and no point, if there is such a place."""
    from matplotlib.collections import LineCollection
    pixels = axes.transData.transform(points)
    taken = np.hstack([pixels - 5, pixels + 5])             # boxes: left, bottom, right, top
    left, bottom, right, top = axes.bbox.extents
    angles = np.pi * np.array([0, 1, .5, 1.5, .25, 1.75, .75, 1.25, .125, .375, .625, .875, 1.125, 1.375, 1.625, 1.875])
    scale = axes.figure.dpi / 72
    distances = scale * np.repeat([4, 10, 18, 28, 40, 55, 75, 100, 140], len(angles))
    directions = np.tile([np.cos(angles), np.sin(angles)], 9)
    ends = pixels.copy()                                    # of the lines from points to names that are not beside them
    for number, (name, (x, y)) in enumerate(zip(names, pixels)):
        text = axes.annotate(shown(name), points[number], (0, 0), textcoords="offset pixels", ha="center", va="center",
                             fontsize=10, color=colours[name], parse_math=False)
        w, h = np.array(text.get_window_extent(renderer).size) / 2 + (2, 1)
        dx, dy = directions * (distances + np.array([[w], [h]]))
        boxes = np.column_stack([x + dx - w, y + dy - h, x + dx + w, y + dy + h])
        inside = (boxes > (left, bottom, left, bottom)).all(axis=1) & (boxes < (right, top, right, top)).all(axis=1)
        free = 0
        for free in np.flatnonzero(inside):                 # the last of them, if none is free
            if not ((boxes[free, :2] < taken[:, 2:]) & (taken[:, :2] < boxes[free, 2:])).all(axis=1).any():
                break
        taken = np.vstack([taken, boxes[free]])
        text.set_position((dx[free], dy[free]))
        if distances[free] > 4 * scale:
            ends[number] = np.clip(pixels[number], boxes[free, :2], boxes[free, 2:])
    segments = np.stack([points, axes.transData.inverted().transform(ends)], axis=1)
    lines = LineCollection(segments, colors=[colours[name] for name in names], linewidths=0.6)
    axes.add_collection(lines, autolim=False)


@contextmanager
def only_run(folder, results):
    """A temporary folder in a folder, into which no other run writes as long; what a killed one left is cleared away.

    Raises
    ------
    InputError : another run writes there, or a folder is in the way of a result
    """
    handle = None
    for name in results:
        if (folder / name).is_dir():
            raise InputError(f"{folder / name}: a folder stands where a result belongs; move it away")
    if fcntl:
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise InputError(f"{folder}: another run writes there; wait for it, or take another --out") from None
        except OSError:                                     # a file system without locks
            pass
    try:
        for left in folder.glob(".w2v-*"):
            shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".w2v-"))
        try:
            yield scratch
        finally:
            with noted([]):                                 # a signal in between would leave it behind
                shutil.rmtree(scratch, ignore_errors=True)
    finally:
        if handle is not None:
            os.close(handle)


def move_all(source, folder):
    """Move the files of a folder into another of the same disk, each one whole."""
    files = sorted(source.iterdir())
    for file in files:
        with open(file, "rb") as written:
            os.fsync(written.fileno())
    for file in files:
        os.replace(file, folder / file.name)


@contextmanager
def noted(signals):
    """Within it, Ctrl-C and a request to end are noted in a list, for the code to end when it can."""
    before = {number: signal.signal(number, lambda number, frame: signals.append(number))
              for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def write_checkpoint(folder, settings, curve, parameters):
    """Write U, V, W, the learning curve and the settings of a run, whole or not at all; the one before is kept."""
    new, current = folder / ".w2v-checkpoint", folder / CHECKPOINT
    try:
        with open(new, "wb") as file:
            np.savez(file, settings=json.dumps(settings), curve=np.array(curve), **dict(zip("UVW", parameters)))
            file.flush()
            os.fsync(file.fileno())
        if current.exists():
            os.replace(current, folder / PREVIOUS)
        os.replace(new, current)
    finally:
        new.unlink(missing_ok=True)


def read_checkpoint(path, settings, start, whole_batches):
    """[U, V, W], shaped like those of a start, and the curve of a checkpoint, up to a number of pairs that is one of
    whole batches.

    Raises
    ------
    InputError : it is missing, damaged, or of other settings
    """
    other = path.with_name(PREVIOUS)
    hint = f"--resume {other} goes on from the one before" if other != path and other.exists() else "train anew"
    damaged = InputError(f"{path}: damaged, or not a checkpoint; {hint}")
    try:
        with np.load(path, allow_pickle=False) as stored:
            came, curve, *parameters = (stored[name] for name in ("settings", "curve", *"UVW"))
        came = dict(json.loads(str(came)))
    except FileNotFoundError:
        raise InputError(f"{path}: no such checkpoint; without --resume training begins anew") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        raise damaged from None
    differ = ["the corpus is another" if name == "corpus" else
              f"{name if name == 'numpy' else '--' + name.replace('_', '-')} was {came.get(name)}, not {value}"
              for name, value in settings.items() if came.get(name) != value]
    if len(differ) > 1 and not {"--window", "--vocabulary"}.isdisjoint(line.split()[0] for line in differ):
        differ = [line for line in differ if line != "the corpus is another"]       # its pairs are, for that reason
    if differ:
        raise InputError(f"{path}: of a run with other settings: {'; '.join(differ)}")
    if not (all(X.shape == right.shape and X.dtype == right.dtype and np.isfinite(X).all()
                for X, right in zip(parameters, start)) and curve.ndim == 2 and curve.shape[1] == 2 and len(curve)
            and np.isfinite(curve).all() and curve[0, 0] == 0 and whole_batches(curve[-1, 0])):
        raise damaged
    return parameters, [(int(done), float(J)) for done, J in curve]


def remove_checkpoints(folder):
    for name in CHECKPOINT, PREVIOUS:
        (folder / name).unlink(missing_ok=True)


def read_submission(modules, answers, trained):
    """What is handed in, as a name and bytes for each file, and a list of all that is wrong with it."""
    contents, arrays, wrong = {}, [], []
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
        shapes, words = [X.shape for X in arrays], trained[0].with_name("w2v-words.txt")
        if len(shapes[0]) != 2 or shapes != [shapes[0], shapes[0], 2 * shapes[0][1:]]:
            wrong.append(f"{words.parent}: U, V and W have the shapes {shapes}; they are not of one run")
        elif words.is_file() and (count := words.read_bytes().count(b"\n")) != shapes[0][0]:
            wrong.append(f"{words}: {count} words, but {shapes[0][0]} rows of U; they are not of one run")
    return contents, wrong


def write_archive(contents, path):
    """A zip file of names and bytes, whole or not at all; the same contents give the same bytes."""
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:   # stored: zlib's bytes differ by version
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name)                                   # dated 1980
            entry.create_system = 3                                         # Unix, wherever it was made
            archive.writestr(entry, content)
