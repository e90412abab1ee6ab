"""Calls of functions in a box, and modules of stand-in functions that make them."""

import types
from collections import Counter, defaultdict

from beyond.settings import FUNCTIONS
from solutions.grading import wire
from solutions.grading.box import OF_PROCESSORS, Box
from solutions.grading.names import printable

MOST_ENDS = 2           # of the process by one function; one, if it has taken too long


class Fault(Exception):
    """What a student's function did in place of answering; the message is one line."""


class Student:
    """A student's modules, whose functions can be called.

    Parameters
    ----------
    files : dict from file name to bytes
    seconds : for all calls together; one call has half of it
    memory : bytes of all its processes together
    """

    def __init__(self, files, seconds=60., memory=4 << 30, is_unsafe=False):
        self.files, self.memory, self.is_unsafe = files, memory, is_unsafe
        self.seconds = self.seconds_left = seconds
        self.seconds_a_call = max(1., seconds / 2)
        self.box = None
        self.ends, self.last_end = Counter(), {}    # by function: how often it ended the box, how
        self.changed = defaultdict(set)             # by function: numbers of the arguments
        self.output = b""

    def call(self, module, name, args):
        """Call a function of a module; returns its value, or raises as `calls` does."""
        return self.calls(module, name, [args])[0]

    def calls(self, module, name, args_of_each, times=1):
        """Call a function of a module several times, which takes one message; list its values.

        times : how often it is called with each list of arguments

        Raises
        ------
        Fault : in place of a value; and whatever a function among the arguments raises that is an
            AssertionError or no Exception
        """
        function = f"{module}.{name}"
        self._see_that_it_can_be_called(module, function)
        if self.box is None:
            box = Box(self.files, self.seconds, self.memory, self.is_unsafe)
            box.start()
            self.box = box
        functions = []
        request = wire.pack([module, name, args_of_each, times], functions)
        # The judge's own time counts, too: that of a large answer, of functions that are asked for.
        seconds = min(self.seconds_a_call, self.seconds_left)
        with self.box.limited(seconds) as stopwatch:
            try:
                values, changed = self._converse(request, functions)
                values = _parts(values, len(args_of_each) * times)
            except Fault as fault:
                raise Fault(f"{function}: {fault}") from None
            except (OSError, EOFError):
                raise self._ended(function, self._end(seconds)) from None
            except wire.Garbage as error:
                self.close()
                raise self._ended(function, f"wrote rubbish to the grader ({error})") from None
            except BaseException:           # the judge's function has raised it
                self.close()                # since its answer is awaited
                raise
            finally:
                self.seconds_left -= stopwatch.seconds()
        self.changed[function] |= set(changed)
        return values

    def seconds_used(self):
        """Return the seconds charged until now; waiting for a processor is not."""
        return self.seconds - self.seconds_left

    def _see_that_it_can_be_called(self, module, function):
        if f"{module}.py" not in self.files:
            raise Fault(f"there is no {module}.py")
        if self.ends[function] >= MOST_ENDS:
            raise Fault(f"{function} {self.last_end[function]} before")
        if self.seconds_left <= 0:
            raise Fault("the time for this module is over")

    def _converse(self, request, functions):
        """Send a request, call back what it asks for, and return the answer."""
        self.box.send(request)
        while True:
            kind, content = _parts(wire.unpack(*self.box.receive()), 2)
            if kind == "value":
                value, changed = _parts(content, 2)
                if not isinstance(changed, list):
                    raise wire.Garbage("no answer")
                return value, [number for number in changed[:9] if type(number) is int]
            if kind == "error":
                raise Fault(printable(content))
            if kind != "call":
                raise wire.Garbage("no answer")
            self.box.send(_called_back(functions, content))

    def _end(self, seconds):
        """Close the box, which has ended, and say how; `seconds` is the limit of the call."""
        ended = self.box.ended
        status = self.close()
        if ended == "took longer":
            return f"took longer than {round(seconds, 1):g} s"
        if ended:
            return ended
        number = status - 128 if status > 128 else -status         # as bwrap tells of a signal
        if status > 128 or status < 0:
            return f"ended its process by the signal {number}"
        return f"ended its process with exit status {status}"

    def _ended(self, function, how):
        """Take down how a function has ended the box; returns the Fault that says it."""
        self.ends[function] += MOST_ENDS if "took longer" in how else 1
        if OF_PROCESSORS in how:
            self.seconds_left = 0.
        self.last_end[function] = how
        return Fault(f"{function} {how}")

    def close(self):
        """End the box, if there is one. Returns its exit status."""
        if self.box is None:
            return None
        box, self.box = self.box, None
        status = box.end()
        self.output += box.output
        return status


def _parts(value, count):
    if not isinstance(value, list | tuple) or len(value) != count:
        raise wire.Garbage("no answer")
    return value


def _called_back(functions, content):
    """Call one of the judge's functions, and pack its value or its error.

    Such a function must check the shapes of what it gets before it computes: a few bytes can be
    broadcast to many.
    """
    try:
        number, args, kwargs = content
        function, kwargs = functions[number], dict(kwargs)
    except (TypeError, ValueError, IndexError):
        raise wire.Garbage("no answer") from None
    try:
        return wire.pack(["value", function(*args, **kwargs)])
    except AssertionError:
        raise
    except Exception as error:
        return wire.pack(["error", f"{type(error).__name__}: {error}"])


def stand_in(student, module):
    """Make a module whose functions call those of a student's; its `seconds_used` tells the time.

    Each can be called in two more ways, for a list of values: `function.many(times, …)` so many
    times, `function.each(lists)` with each list of arguments.
    """
    result = types.ModuleType(module)
    result.seconds_used = student.seconds_used
    for name in FUNCTIONS[module]:
        setattr(result, name, _stand_in_function(student, module, name))
    return result


def _stand_in_function(student, module, name):
    def function(*args):
        return student.call(module, name, args)

    function.__name__ = name
    function.many = lambda times, *args: student.calls(module, name, [args], times)
    function.each = lambda lists: student.calls(module, name, lists)
    return function
