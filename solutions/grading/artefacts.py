"""What the results of training are that a student handed in: arrays, their words, a picture."""

import io
import math
import warnings

import numpy as np
from PIL import Image

from beyond.results import ARRAYS, EMBEDDINGS_PICTURE
from beyond.settings import ASSIGNMENT
from solutions.grading.names import ARTEFACTS
from solutions.grading.unpack import Unfit

MOST_PIXELS = 64_000_000


def check_artefacts(artefacts):
    """Check the artefacts of a hand-in.

    Parameters
    ----------
    artefacts : dict from name to bytes, or to an Unfit if the file cannot be read

    Returns
    -------
    rows : list of {"file", "ok", "note"}, one for each that is expected
    arrays : {"U", "V", "W"}, or None unless they are of one model
    words : list of str, or None
    """
    rows, arrays, words = [], {}, None
    for name in ARTEFACTS:
        is_right = True
        try:
            if name in ARRAYS:
                note = check_array(name, artefacts, arrays)
            elif name == EMBEDDINGS_PICTURE:
                note = check_picture(content(name, artefacts))
            elif name in artefacts:
                words = read_words(content(name, artefacts), arrays.get("U"))
                note = f"{grouped(len(words))} words"
            else:
                note = "none (optional)"
        except Unfit as error:
            is_right = False
            note = str(error)
        rows.append({"file": name, "ok": is_right, "note": note})
    return rows, arrays if len(arrays) == len(ARRAYS) else None, words


def content(name, artefacts):
    """Return the bytes of an artefact; Unfit if it is missing or cannot be read."""
    if name not in artefacts:
        raise Unfit("missing")
    if isinstance(artefacts[name], Unfit):
        raise artefacts[name]
    return artefacts[name]


# --- arrays ---------------------------------------------------------------------------------------

def check_array(name, artefacts, arrays):
    """Read an array, add it to the arrays read before if it fits them, and say what it is."""
    letter = name.removeprefix("w2v-").removesuffix(".npy")
    array = read_array(content(name, artefacts))
    note = f"{size(array.shape)} {array.dtype}"
    if letter == "W" and array.shape[0] != array.shape[1]:
        raise Unfit(f"{note}, expected a square matrix")
    L, M = arrays["U"].shape if "U" in arrays else (None, None)
    expected = (M, M) if letter == "W" else (L, M)
    if "U" in arrays and array.shape != expected:
        raise Unfit(f"{note}, but {size(expected)} fits U")

    arrays[letter] = array
    L, M = ASSIGNMENT["vocabulary"], ASSIGNMENT["dim"]
    assigned = (M, M) if letter == "W" else (L, M)
    if array.shape != assigned:
        note += f"; the assignment asks for {size(assigned)}"
    return note


def read_array(data):
    """Return the matrix of floats in the bytes of an .npy file; Unfit if it is anything else."""
    shape, is_fortran, dtype, start = read_header(data)
    if dtype.hasobject:
        raise Unfit("holds Python objects, which only a pickle can")
    if dtype.kind != "f":
        raise Unfit(f"holds {str(dtype)[:40]}, expected floats")
    if len(shape) != 2:
        raise Unfit(f"has {len(shape)} axes, expected 2")
    # NumPy takes True for a number, and negative ones, too.
    is_size = all(type(length) is int and length > 0 for length in shape)
    if not is_size or math.prod(shape) * dtype.itemsize != len(data) - start:
        raise Unfit("holds more or fewer numbers than it says, or none")

    array = np.frombuffer(data, dtype, offset=start)
    infinite = array.size - np.count_nonzero(np.isfinite(array))
    if infinite:
        raise Unfit(f"{size(shape)} {dtype}, {grouped(infinite)} of its numbers are NaN or "
                    "infinite")
    return array.reshape(shape, order="F" if is_fortran else "C")


def read_header(data):
    """Return what an .npy file says of itself, shape, Fortran order and dtype, and its end."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0,
               (2, 0): np.lib.format.read_array_header_2_0}
    stream = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")             # of what Python 2 wrote
            version = np.lib.format.read_magic(stream)
            shape, is_fortran, dtype = readers[version](stream)
    except Exception:       # NumPy's parser of headers raises many kinds
        raise Unfit("not an .npy file") from None
    return shape, is_fortran, dtype, stream.tell()


def size(shape):
    """Write a shape: 20 000×50."""
    return "×".join(grouped(length) for length in shape)


def grouped(number):
    """Write a whole number with spaces between thousands."""
    return f"{number:,}".replace(",", " ")


# --- words and picture ----------------------------------------------------------------------------

def read_words(data, U):
    """Return the words of the vocabulary; Unfit unless they are different, one for a row of U."""
    try:
        lines = data.decode("utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise Unfit("not a text in UTF-8") from None
    words = [line.removesuffix("\r") for line in lines]
    repeated = len(words) - len(set(words))
    if repeated:
        raise Unfit(f"{grouped(len(words))} words, {grouped(repeated)} of them repeated")
    if U is not None and len(words) != len(U):
        raise Unfit(f"{grouped(len(words))} words, but U has {grouped(len(U))} rows")
    return words


def check_picture(data):
    """Say what a picture is; Unfit unless it can be decoded as a whole."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")             # of many pixels, which are counted here
            picture = opened_picture(data)
            note = f"{size(picture.size)} pixels"
            if math.prod(picture.size) > MOST_PIXELS:
                raise Unfit(f"{note}, too large to be looked at")
            opened_picture(data).verify()               # its checksums
            bands = [band.getextrema() for band in picture.split()]     # decodes it all
    except Image.DecompressionBombError:
        raise Unfit("too large to be looked at") from None
    except Unfit:
        raise
    except Exception:       # each decoder has its own kinds
        raise Unfit("not a picture, or a broken one") from None
    if picture.format != "PNG":
        note += f", a {picture.format}"
    if all(lowest == highest for lowest, highest in bands):
        note += ", all of one colour"
    return note


def opened_picture(data):
    """Open a PNG or JPEG, of which only the head is read yet."""
    return Image.open(io.BytesIO(data), formats=["PNG", "JPEG"])
