"""The output of commands fits the terminal: no line is longer, and what is left out is named."""

from __future__ import annotations

import io
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from click.testing import CliRunner
from rich.cells import cell_len
from rich.text import Text

from ganbench.cli import main
from ganbench.cli.console.evaluation_tables import show_evaluations
from ganbench.cli.console.run_progress import Display
from ganbench.cli.console.sweep_table import SweepTable
from ganbench.cli.console.terminal import Terminal
from ganbench.core.verdict import Measured, Verdict
from ganbench.evaluation.score_samples import Evaluation, Score
from ganbench.results.report.fitting import fit
from ganbench.results.report.tables import terminal
from ganbench.runs.ensemble_run import EnsembleRun
from ganbench.runs.progress import Progress
from ganbench.runs.sweep_status import GroupStatus
from ganbench.spec.run_spec import resolve
from ganbench.tracking import Status
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
    assert any(line.split()[1:2] == ["verdict"] for line in lines), "a verdict is never left out"
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


def test_a_line_of_progress_without_a_terminal_leaves_out_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {}
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        console = Terminal()
        console.file = io.StringIO()
        display = Display(resolve({"train": {"steps": 20_000}, "evaluation": {"every": 1000}}), console)
        display.begin((0,), 0)
        display._scores = "fid 12.3  modes_strict 10/10"
        display._began = (time.monotonic() - 1000, 0)
        statistics = {name: torch.tensor([0.5]) for name in ("critic_real", "critic_fake")}
        display.progress(cast(Snapshot, SimpleNamespace(step=12_000, statistics=statistics)))
        lines[width] = console.file.getvalue().splitlines()
    assert [len(printed) for printed in lines.values()] == [2, 1, 1]
    assert [printed[0].partition("  ")[0] for printed in lines.values()] == ["step 12000/20000"] * 3
    assert ["D(x)" in printed[0] for printed in lines.values()] == [False, False, True]
    assert all("modes_strict 10/10" in " ".join(printed) for printed in lines.values())


def test_the_same_event_of_several_seeds_is_one_line() -> None:
    said: list[str] = []
    event = SimpleNamespace(step=100, kind="off-mode", words="nothing is good")
    part = SimpleNamespace(scores=None, events=[event])
    run = SimpleNamespace(
        _job=SimpleNamespace(spec=resolve({"dataset": {"name": "ring"}})),
        _record=SimpleNamespace(
            seeds=(0, 1), seconds=1.0, step=100, status=lambda seed, default: "running", add=lambda seed, part: None
        ),
        _means=SimpleNamespace(take=dict),
        _scorer=SimpleNamespace(score=lambda *arguments: part),
        _observer=SimpleNamespace(say=said.append, scored=lambda step, scores: None),
    )
    EnsembleRun._evaluate(cast(EnsembleRun, run), cast(Snapshot, None))
    assert [line for line in said if "off-mode" in line] == ["seeds 0 and 1, step 100: off-mode: nothing is good"]


NAMED = str(next((Path(__file__).parents[2] / "reports").glob("*_net_or_loss/results.csv")))
PAIR = ("--run", "19f025322b45", "--run", "9ff9266a8838")
COMMANDS = {
    "compare with a baseline": ("compare", "--from", NAMED, "--baseline", "BatchNorm, minimax"),
    "compare two runs": ("compare", "--from", NAMED, *PAIR),
    "claims": ("claims",),
    "claims on one data set": ("claims", "--where", "dataset=ring"),
    "leaderboard": ("leaderboard", NAMED),
    "experiments": ("experiments",),
}
ALWAYS = {
    "compare with a baseline": ("P(better)", "95 % interval", "no normalisation,"),
    "compare two runs": ("differs", "fid", "B − A", "A: PARTLY:"),
    "claims": ("VEEGAN", "value"),
    "claims on one data set": ("all: data ring", "not shown, for lack of space: ", "caveat"),
    "leaderboard": ("a mode missing", "undecided", "Sorted by"),
    "experiments": ("studies/within_digits", "pacgan_2d"),
}
"""Parts of the output of each command that are there at any width of a terminal."""


def shown(arguments: tuple[str, ...], width: int | None) -> list[str]:
    environment = {"COLUMNS": "" if width is None else str(width), "NO_COLOR": "1"}
    result = CliRunner().invoke(main, arguments, env=environment)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    return result.output.splitlines()


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_fit_the_terminal_and_a_pipe_is_not_wrapped(name: str) -> None:
    piped = shown(COMMANDS[name], None)
    for width in WIDTHS:
        lines = shown(COMMANDS[name], width)
        assert max(map(cell_len, lines)) <= width, (width, max(lines, key=cell_len))
        assert len(lines) > len(piped) or width > 60
        text = "\n".join(lines)
        for part in ALWAYS[name]:
            assert part in text, (width, part)
    assert max(map(cell_len, piped)) > max(WIDTHS)
    assert not [line for line in piped if "not shown, for lack of space" in line]


VERDICT = Verdict(
    tuple("01234567"),
    {"0": "lost", "1": "thin"},
    good=Measured(0.6, 0.99, 0.001),
    near_duplicates=Measured(0.9, 0.01, 0.001),
    covered=Measured(0.4, 0.9, 0.01),
)
EVALUATION = Evaluation(
    dataset="ring",
    protocol="ganbench-2 v1",
    evaluator="the modes that are known",
    evaluator_sha256="0" * 64,
    samples=50_000,
    scores=(
        Score("modes", 6.0, 8.0, 0.0, 8.0, "higher"),
        Score("worst_mode_coverage", 0.0123, 0.979, 0.0099, 1.0, "higher"),
        Score("kl_corrected", 0.000_123, 0.000_06, 0.000_03, None, "lower"),
        Score("effective_samples", 123.0, 45_678.0, 123.0, None, "higher"),
    ),
    modes=tuple("01234567"),
    shares=(0.125,) * 8,
    good_shares=(0.1,) * 8,
    fair_shares=(0.125,) * 8,
    verdict=VERDICT,
)


def test_an_evaluation_fits_the_terminal_and_a_pipe_is_not_wrapped() -> None:
    piped = show_evaluations([EVALUATION, EVALUATION], "table").splitlines()
    assert len(piped) == 1 + 2 * 4 + 2
    for width in WIDTHS:
        lines = show_evaluations([EVALUATION, EVALUATION], "table", width).splitlines()
        assert max(map(cell_len, lines)) <= width, max(lines, key=cell_len)
        assert lines.count("ganbench-2 v1, 50,000 samples") == 2
        text = " ".join(" ".join(lines).split())
        assert text.count("COLLAPSED: 60.0% of samples are good") == 2
        assert text.count("0.979 ± 0.0099") == 2


def group(loss: str, status: Status | None, **more: Any) -> GroupStatus:
    settings = {"train": {"steps": 20_000, "n_generator": 5}, "loss": {"name": loss}}
    record = resolve({"dataset": {"name": "ring"}, **settings}).record
    difference = "train.steps=20000, train.n_critic=1, train.n_generator=5, train.critic_lr=0.001"
    return GroupStatus(record, difference, dict.fromkeys(range(10), status), (tuple(range(10)),), **more)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_live_table_and_status_fit_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    progress = Progress("here", 1, tuple(range(10)), steps=20_000, step=12_345, began_step=0, began=0, at=86)
    groups = [
        group("non-saturating", None, progress=progress),
        group("hinge", "finished"),
        group("minimax", None, error="the disk is full: no space is left on the device, and nothing more is written"),
    ]
    console = Terminal()
    console.file, console._force_terminal = io.StringIO(), True
    table = SweepTable(groups, console)
    with table:
        table.refresh()
        with console.capture() as capture:
            console.print(table._live.get_renderable() if table._live else "")
    lines = Text.from_ansi(capture.get()).plain.splitlines()
    assert max(map(cell_len, lines)) <= width, max(lines, key=cell_len)
    text = " ".join(" ".join(lines).split())
    for word in (
        "non-saturating",
        "train.critic_lr=0.001",
        "12,345/20,000",
        "steps/s",
        "device,",
        "1 of 3 groups",
    ):
        assert word in text, word
