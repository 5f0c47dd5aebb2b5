"""Progress of what a command computes of real samples: on standard error, only if it takes long, and only once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ganbench.cli import main
from ganbench.cli.console import patience
from ganbench.cli.console.patience import INTERVAL, PATIENCE, patience_line
from ganbench.evaluation import scorer


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_appear_after_a_few_seconds_and_then_rarely(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with patience_line(clock) as progress:
        for second in range(60):
            clock.now = float(second)
            progress("sets", second, 60)
    output = capsys.readouterr()
    lines = output.err.splitlines()
    assert output.out == ""
    assert lines[0].startswith(f"sets: {PATIENCE:.0f} of 60 done")
    assert len(lines) == 1 + (59 - PATIENCE) // INTERVAL


def test_short_work_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with patience_line(lambda: 0.0) as progress:
        progress("sets", 1, 1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("style", ["table", "json"])
def test_evaluate_shows_progress_the_first_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    monkeypatch.setattr(patience, "PATIENCE", -1.0)
    monkeypatch.setattr(patience, "INTERVAL", -1.0)
    monkeypatch.setattr(scorer, "cache_folder", lambda: tmp_path)
    points = np.random.default_rng(0).normal(0, 1, (523, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", points)

    def evaluate() -> Result:
        args = ["evaluate", str(tmp_path / "x.npy"), "--dataset", "ring", "--count", "523", "--format", style]
        return CliRunner().invoke(main, args)

    first, second = evaluate(), evaluate()
    assert first.exit_code == 0, first.output
    assert "sets of real samples for the floors: 16 of 16 done" in first.stderr
    assert "sets of real samples for the verdict: 16 of 16 done" in first.stderr
    assert (second.stdout, second.stderr) == (first.stdout, "")
