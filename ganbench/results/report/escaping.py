"""Text of people, such as names of methods, made safe for the terminal, Markdown, LaTeX, CSV and matplotlib."""

from __future__ import annotations

import re

from ganbench.core.plain_text import plain_lines, without_control
from ganbench.results.csv_text import as_csv_text

_MARKUP = re.compile(
    r"[\\`*]|<(?=[A-Za-z/!?]|$)"  # escapes, code, emphasis, tags
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; an underscore within a word is none
    r"|\](?=[\[(])"  # links
    r"|~(?=~)"
    r"|&(?=#?\w+;)"
)
_BLOCK = re.compile(r"^(?=[#>+-]+(\s|$))|^(?P<digits>\d+)(?=[.)](\s|$))")
"""The beginning of a heading, a quotation or a list."""
_LATEX = str.maketrans(
    {symbol: f"\\{symbol}" for symbol in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    | {"–": "--", "−": "$-$", "∞": r"$\infty$"}
)


def for_terminal(text: str) -> str:
    """Make a line of text that has no invisible characters and none that would control a terminal."""
    return without_control(text)


def for_csv(text: str) -> str:
    """Make a line of text that a spreadsheet doesn't run as a formula; separators are left to the writer."""
    return as_csv_text(for_terminal(text))


def for_markdown(text: str) -> str:
    """Escape a line of text that Markdown would read as markup; tables replace their separators themselves."""
    escaped = _MARKUP.sub(lambda match: f"\\{match[0]}", for_terminal(text))
    return _BLOCK.sub(lambda match: f"{match['digits'] or ''}\\", escaped)


def for_latex(text: str) -> str:
    return for_terminal(text).translate(_LATEX)


def for_figure(text: str) -> str:
    """Escape what matplotlib reads as a formula; a label with a leading underscore would be left out of legends."""
    escaped = plain_lines(text).replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped
