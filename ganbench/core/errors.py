"""The base class for user-facing errors."""

from __future__ import annotations

from ganbench.core.plain_text import one_line


class GanbenchError(Exception):
    """An error that the user can fix: the message says what is wrong and what would be right.

    The command line prints it on one line, without a traceback, and exits with status 2. It may quote a foreign file.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))
