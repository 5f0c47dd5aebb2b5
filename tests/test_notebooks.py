"""Each notebook of the documentation runs from the first cell to the last."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import matplotlib as mpl
import pandas as pd
import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(notebook: Path) -> list[str]:
    """The code of each cell; pictures and results are not committed."""
    code = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    return ["".join(cell["source"]) for cell in code]


def run(notebook: Path, shorter: Mapping[str, str] = MappingProxyType({})) -> list[object]:
    """Run a notebook in this process, and return the value that each cell ends with.

    Args:
        shorter: what to train in the place of what is written.
    """
    mpl.use("Agg")
    names: dict[str, object] = {}
    shown = []
    for written in cells(notebook):
        code = written
        for long, short in shorter.items():
            code = code.replace(long, short)
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, notebook.stem, "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), notebook.stem, "eval"), names))
    return shown


def test_losses_are_compared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(FOLDER)
    run(FOLDER / "compare-losses.ipynb")
    printed = capsys.readouterr().out
    assert {line.partition(":")[0] for line in printed.splitlines()} >= {"modes_strict", "hq", "kl"}
    assert "no winner" in printed


def test_collapse_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    few = 'quiet_end = {"evaluation.samples": 500, "evaluation.quick_samples": 500, '
    shorter = {"STEPS = 5000": "STEPS = 20", "SEEDS = [0, 1, 2]": "SEEDS = [0]", "quiet_end = {": few}
    *_, groups, floors = run(FOLDER / "see-mode-collapse.ipynb", shorter)
    assert isinstance(groups, pd.DataFrame)
    assert isinstance(floors, pd.DataFrame)
    assert set(groups["method"]) == {"balanced", "generator ahead"}
    assert list(floors["samples"]) == [500]


def test_each_notebook_is_linked_and_small() -> None:
    page = (FOLDER.parent / "howto" / "notebooks.md").read_text(encoding="utf-8")
    assert NOTEBOOKS
    for notebook in NOTEBOOKS:
        assert f"(../notebooks/{notebook.name})" in page
        assert notebook.stat().st_size < 300_000
