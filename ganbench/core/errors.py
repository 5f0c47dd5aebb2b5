"""The base class for user-facing errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ganbench.core.plain_text import one_line


class GanbenchError(Exception):
    """An error that the user can fix: the message says what is wrong and what would be right.

    The command line prints it on one line, without a traceback, and exits with status 2. It may quote a foreign file.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


ARGUMENTS = {
    r"--count (\d+)": r"count=\1",
    r"--count": "count=",
    r"--range (-?[\d.]*\d)": r'pixel_range="\1"',
    r"--range": "pixel_range=",
    r"--clip": "clip=True",
}
"""Options of the command line that messages advise, as patterns, and the arguments that take their place in Python."""


@contextmanager
def advice_for_python() -> Iterator[None]:
    """Turn advice to use options of the command line into advice to use arguments; also a decorator."""
    try:
        yield
    except GanbenchError as error:
        message = str(error)
        for option, argument in ARGUMENTS.items():
            message = re.sub(option, argument, message)
        raise GanbenchError(message) from error
