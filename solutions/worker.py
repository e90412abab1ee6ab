"""What runs in a sandbox's worker: the imports and calls of somebody else's modules. Nothing here is to be trusted."""

import importlib
import threading
import traceback
from pathlib import Path

import wire

MESSAGE = 300


def serve(channel, missing, folder):
    """Answer calls: import their module, call, and send the value or the error, until the channel ends."""
    lock = threading.RLock()
    channel.sendall(wire.pack(missing))

    def call_back(number):
        def function(*args, **kwargs):
            with lock:
                channel.sendall(wire.pack(["call", [number, args, list(kwargs.items())]]))
                kind, content = wire.unpack(*wire.receive(channel))
            if kind == "error":
                raise RuntimeError(content)
            return content
        return function

    while True:
        name, function, args, kwargs, replaced, repeat = wire.unpack(*wire.receive(channel), call_back)
        try:
            before = [wire.pack(value, []) for value in args]
            module = importlib.import_module(name)
            if not callable(getattr(module, function, None)):
                raise AttributeError(f"{name}.py has no function {function}")
            own = {other: getattr(module, other, None) for other, _ in replaced}
            vars(module).update(replaced)
            try:
                for _ in range(repeat or 1):
                    value = getattr(module, function)(*args, **dict(kwargs))
            finally:
                vars(module).update(own)
            changed = [i + 1 for i, value_ in enumerate(args) if wire.pack(value_, []) != before[i]]
            answer = wire.pack(["value", [None if repeat else value, changed]])
        except BaseException as error:
            answer = wire.pack(["error", described(error, folder)])
        channel.sendall(answer)


def described(error, folder):
    """An exception in a line: its type, its message, and where in the student's files it was raised."""
    text = f"{type(error).__name__}: {str(error)[:MESSAGE]}"
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(folder))]
    if isinstance(error, SyntaxError) and error.filename:
        text = f"SyntaxError: {error.msg}"
        places = [traceback.FrameSummary(error.filename, error.lineno, "")]
    if isinstance(error, SystemExit):
        text = f"it calls exit({error.code})"
    return text + (f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else "")
