"""The width of the terminal, and sentences that fit it."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

WIDE = 1000
"""A terminal width that no table reaches, so that rows are never wrapped or cut."""


def screen_width() -> int:
    """The width of $COLUMNS or of the terminal; `WIDE` for a pipe or a file, whose lines are never wrapped."""
    return shutil.get_terminal_size((WIDE, 24)).columns if os.environ.get("COLUMNS") or sys.stdout.isatty() else WIDE


def wrapped(text: str, width: int, indent: str = "  ") -> str:
    """Wrap a sentence at words, with later lines indented; at `WIDE`, it stays one line."""
    if width >= WIDE:
        return text
    return textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False)
