"""Text files and the output of programs are read and written as UTF-8, whatever the machine's locale is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ganbench"
TEXT_MODE = re.compile(r"[rwxa]\+?t?|t?[rwxa]\+?")

OTHER_FILES = ("tarfile", "Image")
"""Modules whose `open` is not about text."""


def unspecified(tree: ast.AST) -> Iterator[int]:
    """The lines of calls that read or write text without `encoding`."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or "encoding" in {keyword.arg for keyword in call.keywords}:
            continue
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in OTHER_FILES:
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        constants = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        constants += [
            key.value.value for key in call.keywords if key.arg == "mode" and isinstance(key.value, ast.Constant)
        ]
        in_text_mode = any(isinstance(value, str) and TEXT_MODE.fullmatch(value) for value in constants)
        of_a_program = any(key.arg in ("text", "universal_newlines") for key in call.keywords)
        if (
            name in ("read_text", "write_text", "TextIOWrapper")
            or (name in ("open", "fdopen") and (in_text_mode or not (call.args or call.keywords)))
            or (name in ("open", "fdopen") and isinstance(call.func, ast.Name) and len(call.args) < 2)
            or (name in ("run", "Popen", "check_output") and of_a_program)
        ):
            yield call.lineno


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_text_has_an_encoding(file: Path) -> None:
    assert not list(unspecified(ast.parse(file.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("path.read_text()", True),
        ("path.write_text('x')", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.open()", True),
        ("path.open('w')", True),
        ("path.open('rb')", False),
        ("open(path)", True),
        ("os.fdopen(handle, 'w')", True),
        ("os.fdopen(handle, 'wb')", False),
        ("Image.open(path)", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command)", False),
    ],
)
def test_rule(code: str, found: bool) -> None:
    assert bool(list(unspecified(ast.parse(code)))) == found
