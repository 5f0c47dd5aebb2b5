"""Ctrl-C and SIGTERM as requests to stop, which work in progress honours at its next opportunity."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Stop:
    """A request to stop, and the signal that caused it."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.number: int | None = None


@contextmanager
def signals() -> Iterator[_Stop]:
    """Turn the first SIGINT or SIGTERM into a request to stop; a second one ends the process as usual."""
    stop = _Stop()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def request_stop(number: int, frame: object) -> None:
        stop.number = number
        stop.event.set()
        restore()
        # Written directly to the descriptor, since a signal may interrupt a print.
        os.write(2, b"\nstopping at the next opportunity; once more to quit at once\n")

    for number in handlers:
        signal.signal(number, request_stop)
    try:
        yield stop
    finally:
        restore()
