"""Checkpoints: what a run knows, on disk, so that after a crash it can go on to the same end."""

import json
import time
from contextlib import suppress

import numpy as np

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
            with open(unfinished, "wb") as file:
                np.savez(file, **dict(zip("UVW", parameters)), curve=np.array(curve),
                         settings=json.dumps(self.settings))
            if newest.exists():
                replace_patiently(newest, self.folder / PREVIOUS)
            replace_patiently(unfinished, newest)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            tell(f"run.py: no checkpoint could be written: {error.strerror}")
        self.written_at = time.monotonic()

    def read(self, path):
        """Read a checkpoint of this run: [U, V, W], and the curve, a list of (pairs done, loss).

        path : of the checkpoint; True: the newest in the folder

        Raises
        ------
        InputError : it is missing, damaged, or of other settings
        """
        if path is True:
            path = newest_in(self.folder) or self.folder / CHECKPOINT
        try:
            with np.load(path, allow_pickle=False) as stored:
                is_damaged = stored.zip.testzip() is not None   # by the check sums of all its parts
                settings = json.loads(str(stored["settings"]))
                parameters = [stored[name] for name in "UVW"]
                curve = [(int(done), float(J)) for done, J in stored["curve"]]
        except FileNotFoundError:
            raise InputError(f"{path}: no such checkpoint; without --resume training begins "
                             "anew") from None
        except (PermissionError, MemoryError):
            raise
        except Exception:       # zipfile, zlib, NumPy and its parser of headers raise many kinds
            is_damaged = True
        if is_damaged:
            before = path.with_name(PREVIOUS)
            has_another = before.exists() and before != path
            advice = f"try --resume {before}" if has_another else "train anew"
            raise InputError(f"{path}: damaged, or not a checkpoint; {advice}")

        differences = [f"{name} was {settings.get(name)}, now it is {value}"
                       for name, value in self.settings.items() if settings.get(name) != value]
        if differences:
            raise InputError(f"{path}: of a run with other settings: {'; '.join(differences)}")
        return parameters, curve

    def remove(self):
        """Remove both, when the run has ended well; on Windows one that is open stays."""
        for path in self.folder / CHECKPOINT, self.folder / PREVIOUS:
            with suppress(PermissionError):
                path.unlink(missing_ok=True)


def newest_in(folder):
    """Return the path of the newest, or None; a crash may leave only the one before."""
    paths = folder / CHECKPOINT, folder / PREVIOUS
    return next((path for path in paths if path.exists()), None)
