"""Progress of work that the user didn't ask for, on standard error, and only if it takes more than a few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

PATIENCE = 3.0
"""Seconds without a line."""
INTERVAL = 20.0
"""Seconds between two lines, if standard error is no terminal; in a terminal one line is written anew."""


@contextmanager
def patience_line(clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that is told what is computed, the number of parts done, and the number of all parts."""
    terminal = sys.stderr.isatty()
    next_at, written = clock() + PATIENCE, False

    def show(what: str, done: int, parts: int) -> None:
        nonlocal next_at, written
        if clock() < next_at:
            return
        line = f"{what}: {done} of {parts} done; the results are kept for the next time"
        click.echo(f"\r{line}\x1b[K" if terminal else line, err=True, nl=not terminal)
        written = True
        if not terminal:
            next_at = clock() + INTERVAL

    try:
        yield show
    finally:
        if terminal and written:
            click.echo("\r\x1b[K", err=True, nl=False)
