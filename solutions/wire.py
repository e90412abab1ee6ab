"""Values and arrays as bytes, for a pipe to somebody else's code: nothing in them can be run, and no message is large.

A message is two lengths, JSON, and the bytes of the arrays in it. Python's own values stand in the JSON, but for
    {"tuple": […]}, {"array": [dtype, shape, kind]}, {"function": number};
long lists of numbers travel as arrays of the kind "list" (of Python's numbers) or "scalars" (of NumPy's).
"""

import json
import math
import struct
import time

import numpy as np

LENGTHS = struct.Struct(">II")
JSON_MOST, ARRAYS_MOST = 8 << 20, 48 << 20


class Garbage(Exception):
    """What came is no message."""


def pack(value, functions=None):
    """The bytes of a message; a function in it becomes a number, its index in the list functions.

    Raises TypeError for values that cannot travel.
    """
    arrays = []
    text = json.dumps(_plain(value, arrays, functions)).encode()
    length = sum(array.nbytes for array in arrays)
    if len(text) > JSON_MOST or length > ARRAYS_MOST:
        raise TypeError(f"{len(text) + length:,} bytes are too many for an answer")
    return b"".join([LENGTHS.pack(len(text), length), text, *(array.tobytes() for array in arrays)])


def _plain(value, arrays, functions):
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return _array(np.asarray(value), kind, arrays)
    if isinstance(value, (bool, int, float, str)):
        return _plain(next(kind for kind in (bool, int, float, str) if isinstance(value, kind))(value), arrays,
                      functions)
    if functions is not None and callable(value):
        functions.append(value)
        return {"function": len(functions) - 1}
    if isinstance(value, (dict, set)) or not hasattr(value, "__iter__"):
        raise TypeError(f"a {type(value).__name__} is no answer to judge")
    items = value if type(value) in (list, tuple) else list(value)
    if type(items) is list and len(items) > 8:
        kinds = set(map(type, items))
        for number, of_numpy in (int, np.integer), (float, np.floating):
            if all(kind is number or issubclass(kind, of_numpy) for kind in kinds):
                array = np.array(items)
                if array.dtype.kind in ("iu" if number is int else "f"):        # or some are too large
                    return _array(array, "list" if number in kinds else "scalars", arrays)
    plain = [_plain(item, arrays, functions) for item in items]
    return {"tuple": plain} if type(items) is tuple else plain


def _array(array, kind, arrays):
    if array.dtype.kind == "f" and array.itemsize > 8:
        array = array.astype(float)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an array of dtype {array.dtype} is no answer to judge")
    arrays.append(array)
    return {"array": [array.dtype.str, array.shape, kind]}


def unpack(text, data, functions=None):
    """The value of a message's two parts; functions maps the numbers of functions to them. Raises Garbage."""
    offset = 0

    def value(plain):
        nonlocal offset
        if isinstance(plain, list):
            return [value(item) for item in plain]
        if not isinstance(plain, dict):
            return plain
        (tag, content), = plain.items()
        if tag == "tuple":
            return tuple(value(content))
        if tag == "function":
            return functions(content)
        if tag != "array":
            raise ValueError("no such tag")
        dtype, shape, kind = content
        dtype = np.dtype(str(dtype))
        if dtype.kind not in "biuf" or dtype.itemsize > 8 or len(shape) > 16 or not all(
                type(size) is int and 0 <= size < 1 << 40 for size in shape):
            raise ValueError("no such array")
        array = np.frombuffer(data, dtype, math.prod(shape), offset).reshape(shape).copy()
        offset += array.nbytes
        return {"array": lambda: array, "scalar": lambda: array[()], "list": array.tolist,
                "scalars": lambda: list(array)}[kind]()
    try:
        return value(json.loads(text))
    except Exception as error:          # whatever rubbish leads to
        raise Garbage(f"{type(error).__name__}: {error}") from None


def receive(channel, until=math.inf):
    """The two parts of the next message. Raises TimeoutError at that time, EOFError at the end, Garbage."""
    text, data = LENGTHS.unpack(_exactly(channel, LENGTHS.size, until))
    if text > JSON_MOST or data > ARRAYS_MOST:
        raise Garbage(f"a message of {text + data:,} bytes")
    return _exactly(channel, text, until), _exactly(channel, data, until)


def _exactly(channel, count, until):
    data, got = bytearray(count), 0
    while got < count:
        set_deadline(channel, until)
        part = channel.recv_into(memoryview(data)[got:], min(count - got, 1 << 20))
        if not part:
            raise EOFError
        got += part
    return data


def set_deadline(channel, until):
    """Let the channel raise TimeoutError at that time."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(None if left == math.inf else left)
