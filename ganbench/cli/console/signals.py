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
    before = {sent: signal.getsignal(sent) for sent in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for sent, handler in before.items():
            signal.signal(sent, handler)

    def wish(sent: int, frame: object) -> None:
        stop.number = sent
        stop.event.set()
        restore()
        # Written directly to the descriptor, since a signal may interrupt a print.
        os.write(2, b"\nstopping at the next opportunity; once more to quit at once\n")

    for sent in before:
        signal.signal(sent, wish)
    try:
        yield stop
    finally:
        restore()
