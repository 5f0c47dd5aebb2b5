"""Ctrl-C, SIGTERM and a closed terminal as requests to stop, which work in progress honours at its next opportunity."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class _Stop:
    """A request to stop, and the signal that caused it."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.number: int | None = None


@contextmanager
def signals() -> Iterator[_Stop]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a request to stop; a second one ends the process as usual.

    Only the main thread may do so; in any other, signals keep their meaning.
    """
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    numbers = (signal.SIGINT, signal.SIGTERM, *([hang_up] if hang_up else []))
    handlers = {number: signal.getsignal(number) for number in numbers}
    if hang_up and handlers[hang_up] == signal.SIG_IGN:
        del handlers[hang_up]  # nohup: the process is meant to go on
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if hang_up and stop.number == hang_up:
            signal.signal(hang_up, signal.SIG_IGN)  # both the shell and the system send it

    def request_stop(number: int, frame: object) -> None:
        stop.number = number
        stop.event.set()
        restore()
        if number == hang_up:
            _discard_output(terminals)  # before anything is written to a terminal that is gone, which is an error
        with suppress(OSError):
            # Written directly to the descriptor, since a signal may interrupt a print.
            os.write(2, b"\nstopping at the next opportunity; once more to quit at once\n")

    for number in handlers:
        signal.signal(number, request_stop)
    try:
        yield stop
    finally:
        restore()


def _discard_output(descriptors: list[int]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
