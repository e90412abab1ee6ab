"""Checkpoints: what a run knows, on disk, so that after a crash it can go on to the same end."""

import json
import time
from contextlib import suppress

import numpy as np

from beyond.results import durable_file, fault_of_model
from utils import InputError, replace_patiently, tell

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
        unfinished, newest = self.folder / UNFINISHED, self.folder / CHECKPOINT
        try:
            with durable_file(unfinished) as file:
                np.savez(file, **dict(zip("UVW", parameters)), curve=np.array(curve),
                         settings=json.dumps(self.settings))
            if newest.exists():
                replace_patiently(newest, self.folder / PREVIOUS)
            replace_patiently(unfinished, newest)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            tell(f"run.py: no checkpoint could be written: {error.strerror}")
        self.written_at = time.monotonic()

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
        except (PermissionError, MemoryError):
            raise
        except Exception:       # zipfile, zlib, NumPy and its parser of headers raise many kinds
            raise damaged from None

        differences = self._differences(settings)
        if differences:
            raise InputError(f"{path}: of a run with other settings: {'; '.join(differences)}")
        fits = all(X.shape == X0.shape and X.dtype == X0.dtype for X, X0 in zip(parameters, start))
        if not fits or fault_of_model(*parameters) or not self._is_curve(curve, pair_count, epochs):
            raise damaged
        return parameters, [(int(done), float(J)) for done, J in curve]

    def _is_curve(self, curve, pair_count, epochs):
        """Say whether an array has rows (pairs done, loss), from 0, 0 to the end of a batch."""
        is_table = curve.dtype.kind == "f" and curve.shape[1:] == (2,) and len(curve) > 0
        if not is_table or not np.isfinite(curve).all():
            return False
        done = curve[-1, 0]
        ends_with_batch = done % pair_count % self.settings["batch_size"] == 0
        return curve[0, 0] == 0 and 0 <= done <= epochs * pair_count and ends_with_batch

    def _advice(self, path):
        before = path.with_name(PREVIOUS)
        if before != path and before.exists():
            return f"--resume {before} goes on from the one before"
        return "train anew"

    def _differences(self, stored):
        """List which settings of a checkpoint are not those of this run."""
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
            with suppress(PermissionError):
                path.unlink(missing_ok=True)


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
