"""Docstrings start with an imperative or a noun phrase."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPENINGS = ("What", "How", "Where", "Which", "Whether", "Who", "Of", "By")
FOLDERS = ("ganbench", "benchmarks", "offline")


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """The line and text of each docstring, including those of constants."""
    for node in ast.walk(ast.parse(source)):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_do_not_start_with_a_question_word_or_preposition(folder: str) -> None:
    violations = [
        f"{path.relative_to(ROOT)}:{line}: {text.partition(chr(10))[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(path.read_text(encoding="utf-8"))
        if text.split(" ", 1)[0] in OPENINGS
    ]
    assert violations == []


def test_docstrings_of_modules_constants_classes_and_methods_are_found() -> None:
    source = (
        '"""Of it."""\nX = 1\n"""How many."""\nclass A:\n    """Fine."""\n    def f(self):\n        """What it is."""\n'
    )
    assert [text.split()[0] for _, text in docstrings(source)] == ["Of", "How", "Fine.", "What"]
