"""Text in CSV files: a spreadsheet would run some of it as a formula."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*\s*[=+@-]")
"""The beginning of a formula, with the quotes that make it text."""


def as_csv_text(text: str) -> str:
    """Mark text that a spreadsheet would run as a formula, so that `from_csv_text` can read it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def from_csv_text(text: str) -> str:
    """Undo `as_csv_text`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
