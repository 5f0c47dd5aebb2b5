"""Text from strangers without the characters that would break a line or control a terminal."""

from __future__ import annotations

import unicodedata


def is_control(character: str) -> bool:
    """Return whether a character breaks lines, is invisible, or changes the direction of text."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def without_control(text: str) -> str:
    """Leave out control characters: a foreign file may have them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character for character in text if not is_control(character))


def one_line(text: str) -> str:
    """Join lines by spaces, and leave out other control characters."""
    return without_control(" ".join(text.split("\n")))


def plain_lines(text: str) -> str:
    """Leave out control characters, but for the ends of lines."""
    return "\n".join(map(without_control, text.split("\n")))
