"""The terminal that commands print to: experiment files, plug-ins and file names come from strangers, too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ganbench.core.plain_text import plain_lines
from ganbench.core.screen import WIDE, screen_width


class Terminal(Console):
    """A console that prints text as it is, but for characters that would control the terminal.

    Sentences wrap at words in a terminal and stay one line in a pipe, where programs read them.

    Args:
        quiet: whether to print nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, width=screen_width(), quiet=quiet)

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        super().print(*objects, soft_wrap=soft_wrap and self.width >= WIDE, **options)

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
