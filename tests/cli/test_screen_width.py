"""The output of commands fits the terminal: no line is longer, and what is left out is named."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from click.testing import CliRunner
from rich.cells import cell_len

from ganbench.cli import main
from ganbench.cli.console.run_progress import Display
from ganbench.cli.console.terminal import Terminal
from ganbench.results.report.fitting import fit
from ganbench.results.report.tables import terminal
from ganbench.runs.ensemble_run import EnsembleRun
from ganbench.spec.run_spec import resolve
from ganbench.training.trainer import Snapshot

RESULTS = sorted(map(str, (Path(__file__).parents[2] / "reports").glob("*_balance/results.csv")))
WIDTHS = (60, 80, 120)


def compared(width: int | None, source: str, *more: str) -> list[str]:
    environment = {"COLUMNS": "" if width is None else str(width), "NO_COLOR": "1"}
    result = CliRunner().invoke(main, ["compare", "--from", source, *more], env=environment)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("source", RESULTS)
def test_no_line_of_a_comparison_is_longer_than_the_terminal(source: str, width: int) -> None:
    lines = compared(width, source)
    assert max(map(cell_len, lines)) <= width, max(lines, key=cell_len)
    assert lines[0].startswith("all: ")
    assert "\x1b" not in "".join(lines)
    assert any("not shown, for lack of space: " in line for line in lines) or width == 120


@pytest.mark.parametrize("source", RESULTS)
def test_a_pipe_and_wide_show_every_column_on_one_line(source: str) -> None:
    wide = compared(60, source, "--wide")
    assert wide == compared(None, source)
    assert "protocol" in wide[0]
    assert wide[0].endswith("minutes")


def test_minutes_go_first_then_the_budget_then_the_last_metrics() -> None:
    head = ["method", "failed", "fid", "kl", "images", "minutes"]
    rows = [["a method", "0", "1.5 [1 – 2]", "3 [2 – 4]", "51,200", "0.1"], ["b", "0", "2", "3", "51,200", "0.2"]]
    omitted = [
        fit(head, rows, [], facts=["failed"], optional=["minutes", "images", "kl"], width=width).omitted
        for width in (90, 36, 28, 20)
    ]
    assert omitted == [(), ("minutes",), ("minutes", "images"), ("minutes", "images", "kl")]
    assert fit(head, rows, [], facts=["failed"], optional=[], width=90).constants == (("failed", "0"),)


def test_long_names_wrap_at_words_and_numbers_do_not() -> None:
    rows = [["minimax with decaying learning rates and averaged weights", "0.00432 [0.001 – 0.02]"], ["b", "1"]]
    fitted = fit(["method", "worst_mode_coverage"], rows, [], facts=[], optional=[], width=40)
    text = terminal(fitted.head, fitted.rows, fitted.floors, 40)
    assert max(map(cell_len, text.splitlines())) <= 40
    assert "[0.001 – 0.02]" in text
    for word in rows[0][0].split():
        assert word in text


@pytest.mark.parametrize("width", WIDTHS)
def test_the_progress_bar_takes_one_line(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    console = Terminal()
    console.file, console._force_terminal = io.StringIO(), True
    display = Display(resolve({"train": {"steps": 20_000}}), console)
    display.begin((0, 1, 2), 0)
    display._scores = "fid 12.3  modes_strict 3–10/10"
    statistics = {name: torch.tensor([0.5]) for name in ("critic_real", "critic_fake")}
    display.progress(cast(Snapshot, SimpleNamespace(step=12_345, statistics=statistics)))
    with console.capture() as capture:
        console.print(display._bar.get_renderable())
    assert capture.get().count("\n") == 1
    assert "12345/20000" in capture.get()


def test_the_same_event_of_several_seeds_is_one_line() -> None:
    said: list[str] = []
    event = SimpleNamespace(step=100, kind="off-mode", words="nothing is good")
    part = SimpleNamespace(scores=None, events=[event])
    run = SimpleNamespace(
        _record=SimpleNamespace(
            seeds=(0, 1), seconds=1.0, step=100, status=lambda seed, default: "running", add=lambda seed, part: None
        ),
        _means=SimpleNamespace(take=dict),
        _scorer=SimpleNamespace(score=lambda *arguments: part),
        _observer=SimpleNamespace(say=said.append, scored=lambda step, scores: None),
    )
    EnsembleRun._evaluate(cast(EnsembleRun, run), cast(Snapshot, None))
    assert [line for line in said if "off-mode" in line] == ["seeds 0 and 1, step 100: off-mode: nothing is good"]
