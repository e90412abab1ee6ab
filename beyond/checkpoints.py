"""Checkpoints: what a run knows, on disk, so that after a crash it can go on to the same end."""

import json
import os
import time

import numpy as np

from beyond.results import durable_file
from utils import InputError, tell

CHECKPOINT, PREVIOUS = "w2v-checkpoint.npz", "w2v-checkpoint-previous.npz"
UNFINISHED = ".w2v-checkpoint"


class Checkpoints:
    """The newest checkpoint of a run and the one before, in a folder.

    Parameters
    ----------
    folder : where they are
    settings : dict of what the run's results depend on; a checkpoint of others is refused
    every : seconds between two checkpoints
    """

    def __init__(self, folder, settings, every):
        self.folder, self.settings, self.every = folder, settings, every
        self.written_at = time.monotonic()

    def is_due(self):
        return time.monotonic() - self.written_at >= self.every

    def write(self, curve, parameters):
        """Write the learning curve and U, V, W; or say why not, since there may be room later."""
        try:
            self._write(curve, parameters)
        except OSError as error:
            tell(f"run.py: no checkpoint could be written: {error.strerror}")
        self.written_at = time.monotonic()

    def _write(self, curve, parameters):
        unfinished, newest = self.folder / UNFINISHED, self.folder / CHECKPOINT
        content = dict(zip("UVW", parameters), settings=json.dumps(self.settings),
                       curve=np.array(curve))
        try:
            with durable_file(unfinished) as file:
                np.savez(file, **content)
            if newest.exists():
                os.replace(newest, self.folder / PREVIOUS)
            os.replace(unfinished, newest)
        finally:
            unfinished.unlink(missing_ok=True)

    def read(self, path, start, pair_count, epochs):
        """Read a checkpoint of this run, which has `epochs` of so many pairs.

        Returns
        -------
        [U, V, W], shaped like those of start, and the learning curve, a list of (pairs done, loss)

        Raises
        ------
        InputError : it is missing, damaged, or of other settings
        """
        if not path.exists():
            raise InputError(f"{path}: no such checkpoint; without --resume training begins anew")
        damaged = InputError(f"{path}: damaged, or not a checkpoint; {self._advice(path)}")
        try:
            with np.load(path, allow_pickle=False) as stored:
                settings = dict(json.loads(str(stored["settings"])))
                curve = stored["curve"]
                parameters = [stored[name] for name in "UVW"]
        except Exception:       # zipfile, zlib, NumPy and its parser of headers raise many kinds
            raise damaged from None

        differences = self._differences(settings)
        if differences:
            raise InputError(f"{path}: of a run with other settings: {'; '.join(differences)}")
        batch_size = self.settings["batch_size"]
        if not (fits(parameters, start) and is_learning_curve(curve)
                and ends_with_whole_batch(curve, pair_count, epochs, batch_size)):
            raise damaged
        return parameters, [(int(done), float(J)) for done, J in curve]

    def _advice(self, path):
        before = path.with_name(PREVIOUS)
        if before != path and before.exists():
            return f"--resume {before} goes on from the one before"
        return "train anew"

    def _differences(self, stored):
        """Say, a line each, which settings of a checkpoint are not those of this run."""
        differences = {}
        for name, value in self.settings.items():
            if stored.get(name) != value:
                differences[name] = f"{called(name)} was {stored.get(name)}, not {value}"
                if name == "corpus" or name.endswith(".py"):
                    differences[name] = f"{called(name)} is another"
        if not differences.keys().isdisjoint({"window", "vocabulary"}):
            differences.pop("corpus", None)         # its pairs are others for that reason
        return list(differences.values())

    def remove(self):
        """Remove both, when the run has ended well; on Windows one that is open stays."""
        for path in self.folder / CHECKPOINT, self.folder / PREVIOUS:
            try:
                path.unlink(missing_ok=True)
            except PermissionError as error:
                tell(f"run.py: {path}: not removed: {error.strerror}")


def newest_in(folder):
    """Return the path of the newest, or None; a crash may leave only the one before."""
    paths = folder / CHECKPOINT, folder / PREVIOUS
    return next((path for path in paths if path.exists()), None)


def called(setting):
    """Return what a setting is called on the command line, or in words."""
    if setting == "corpus":
        return "the corpus"
    if setting in ("method", "numpy") or setting.endswith(".py"):
        return setting
    return f"--{setting.replace('_', '-')}"


def fits(parameters, start):
    """Say whether U, V, W are finite, with the shapes and dtypes of those at the start."""
    return all(X.shape == X0.shape and X.dtype == X0.dtype and np.isfinite(X).all()
               for X, X0 in zip(parameters, start))


def is_learning_curve(curve):
    """Say whether an array has rows (pairs done, loss of a batch), the first of them 0 and 0."""
    return (curve.ndim == 2 and curve.shape[1] == 2 and len(curve) > 0
            and curve.dtype.kind == "f" and np.isfinite(curve).all() and curve[0, 0] == 0)


def ends_with_whole_batch(curve, pair_count, epochs, batch_size):
    """Say whether as many pairs are done as there can be after a whole batch."""
    done = curve[-1, 0]
    return 0 <= done <= epochs * pair_count and done % pair_count % batch_size == 0
