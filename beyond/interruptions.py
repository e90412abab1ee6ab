"""Ctrl-C and the request to end, which come at any moment, dealt with where it does no harm."""

import signal
from contextlib import contextmanager

SIGNALS = signal.SIGINT, signal.SIGTERM


def raise_on_signals():
    """Let both end the program by KeyboardInterrupt, so that temporary files are cleared away."""
    def stop(number, frame):
        raise KeyboardInterrupt(number)

    for number in SIGNALS:
        signal.signal(number, stop)


@contextmanager
def deferred_signals():
    """Within it, put signals into the list that it gives, for the code to end when it can."""
    received = []
    handlers = {number: signal.signal(number, lambda number, frame: received.append(number))
                for number in SIGNALS}
    try:
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
