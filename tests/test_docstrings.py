"""Docstrings open with an imperative or a noun phrase: what a thing is or does, before anything else about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPENINGS = ("What", "How", "Where", "Which", "Whether", "Who", "Of", "By")
FOLDERS = ("ganbench", "benchmarks", "offline")


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """The line and text of each docstring, those below constants included."""
    for node in ast.walk(ast.parse(source)):
        for below in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield below.lineno, text


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_say_first_what_a_thing_is_or_does(folder: str) -> None:
    odd = [
        f"{path.relative_to(ROOT)}:{line}: {text.partition(chr(10))[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(path.read_text(encoding="utf-8"))
        if text.split(" ", 1)[0] in OPENINGS
    ]
    assert odd == []


def test_such_an_opening_is_found_wherever_it_stands() -> None:
    source = (
        '"""Of it."""\nX = 1\n"""How many."""\nclass A:\n    """Fine."""\n    def f(self):\n        """What it is."""\n'
    )
    assert [text.split()[0] for _, text in docstrings(source)] == ["Of", "How", "Fine.", "What"]
