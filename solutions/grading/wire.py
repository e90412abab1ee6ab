"""Values and arrays as bytes, for a pipe to somebody else's code: nothing in them can be run, and
no message is large.

A message is two lengths, JSON, and the bytes of the arrays in it. Python's own values stand in the
JSON as they are, but for

    {"tuple": […]}, {"array": [dtype, shape]}, {"list": [dtype, shape]}, {"function": number};

long lists and tuples of numbers, or of lists or arrays of them, travel as arrays and become lists
of Python's numbers. It is used at both ends, so it imports nothing of ours.
"""

import json
import math
import struct
from collections.abc import Iterable, Iterator

import numpy as np

LENGTHS = struct.Struct(">II")
MOST_JSON, MOST_ARRAYS = 2 << 20, 8 << 20       # bytes
MOST_ITEMS = MOST_ARRAYS // 8   # of lists that travel as arrays
MOST_TEXT = 1000        # characters; an array of texts has room for the longest in each place
SHORT = 8               # a longer list of numbers becomes an array
PLAIN = bool, int, float, str


class Garbage(Exception):
    """What came is no message."""


def pack(value, functions=None):
    """Write a value as the bytes of a message.

    functions : a list to which the functions in value are added; each becomes its index there

    Raises
    ------
    TypeError : a value cannot travel, or is too large
    """
    arrays = []
    text = json.dumps(_as_json(value, arrays, functions)).encode()
    length = sum(array.nbytes for array in arrays)
    if len(text) > MOST_JSON or length > MOST_ARRAYS:
        raise TypeError(f"{len(text) + length:,} bytes are too many for an answer")
    contents = [array.tobytes() for array in arrays]
    return b"".join([LENGTHS.pack(len(text), length), text, *contents])


def _as_json(value, arrays, functions):
    """Return what stands for a value in the JSON; its arrays are added to arrays."""
    if value is None or type(value) in PLAIN:
        return value
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, np.ndarray | np.generic):          # which keeps its dtype
        return _as_array(np.asarray(value), "array", arrays)
    if isinstance(value, PLAIN):                            # of a class derived from these
        kind = next(kind for kind in PLAIN if isinstance(value, kind))
        return kind(value)
    if functions is not None and callable(value):
        functions.append(value)
        return {"function": len(functions) - 1}
    if isinstance(value, dict | set | Iterator) or not isinstance(value, Iterable):
        raise TypeError(f"a {type(value).__name__} is no answer to judge")

    items = value if type(value) in (list, tuple) else list(value)
    if len(items) > SHORT:
        numbers = _array_of_numbers(items)
        if numbers is not None:
            return _as_array(numbers, "list", arrays)
    converted = [_as_json(item, arrays, functions) for item in items]
    return {"tuple": converted} if type(items) is tuple else converted


def _array_of_numbers(items):
    """Return a list of numbers, or of lists or arrays of them, as an array.

    None if it is not one, or if its numbers are not of one kind.
    """
    kinds = set(map(type, items))
    if kinds not in ({int}, {float}) and not kinds <= {list, tuple, np.ndarray} and not all(
            issubclass(kind, np.integer | np.floating) for kind in kinds):
        return None
    try:
        array = np.array(items)
    except ValueError:                                      # of different lengths
        return None
    return array if array.dtype.kind in "iuf" else None


def _as_array(array, tag, arrays):
    if array.dtype.kind == "f" and array.itemsize > 8:
        array = array.astype(float)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an array of dtype {array.dtype} is no answer to judge")
    arrays.append(array)
    return {tag: [array.dtype.str, array.shape]}


def unpack(text, data, functions=None):
    """Read a value from the two parts of a message.

    functions : a function from the numbers of functions to what stands for them

    Raises
    ------
    Garbage : it is none
    """
    try:
        return _Reader(data, functions).value(json.loads(text))
    except Exception as error:          # whatever rubbish leads to
        raise Garbage(f"{type(error).__name__}: {error}") from None


class _Reader:
    """What is read of a message; the arrays come in the order of the JSON."""

    def __init__(self, data, functions):
        self.data, self.offset, self.functions = data, 0, functions
        self.items_left = MOST_ITEMS

    def value(self, plain):
        if isinstance(plain, list):
            return [self.value(item) for item in plain]
        if isinstance(plain, str) and len(plain) > MOST_TEXT:
            raise ValueError(f"a text of {len(plain):,} characters")
        if not isinstance(plain, dict):
            return plain
        (tag, content), = plain.items()
        if tag == "tuple":
            return tuple(self.value(content))
        if tag == "function":
            return self.functions(content)
        if tag in ("array", "list"):
            return self.array(tag, *content)
        raise ValueError("no such tag")

    def array(self, tag, dtype, shape):
        dtype = np.dtype(str(dtype))
        sizes_are_right = all(type(size) is int and 0 <= size < 1 << 40 for size in shape)
        if dtype.kind not in "biuf" or dtype.itemsize > 8 or len(shape) > 16 or not sizes_are_right:
            raise ValueError("no such array")
        # Nor an empty one so long that its lists, or its sum over an axis, would fill memory.
        items = math.prod(max(size, 1) for size in shape)
        self.items_left -= items if tag == "list" else 0
        if items > MOST_ARRAYS or self.items_left < 0:
            raise ValueError("too large an array")
        count = math.prod(shape)
        array = np.frombuffer(self.data, dtype, count, self.offset).reshape(shape).copy()
        self.offset += array.nbytes
        return array.tolist() if tag == "list" else array


def send(stream, message):
    """Write a message to a binary stream."""
    stream.write(message)
    stream.flush()


def receive(stream):
    """Read the two parts of the next message of a binary stream.

    Raises
    ------
    EOFError : the stream has ended
    Garbage : what comes is no message
    """
    text, data = LENGTHS.unpack(_exactly(stream, LENGTHS.size))
    if text > MOST_JSON or data > MOST_ARRAYS:
        raise Garbage(f"a message of {text + data:,} bytes")
    return _exactly(stream, text), _exactly(stream, data)


def _exactly(stream, count):
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
