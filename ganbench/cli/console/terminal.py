"""The terminal that commands print to: experiment files, plug-ins and file names come from strangers, too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ganbench.core.plain_text import plain_lines


class Terminal(Console):
    """A console that prints text as it is, but for characters that would control the terminal."""

    def __init__(self) -> None:
        super().__init__(markup=False, highlight=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            # Rich's own control codes are no text.
            yield segment if segment.control else segment._replace(text=plain_lines(segment.text))


def relative(path: Path) -> str:
    """The path as people type it: from the current folder, if it is in it."""
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)
