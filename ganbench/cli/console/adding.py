"""Progress of adding a data set: a bar in a terminal, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that is told what is being done, the number of parts done, and the number of all parts."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, parts: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=parts)
            bar.update(tasks[what], completed=done)

        yield show
