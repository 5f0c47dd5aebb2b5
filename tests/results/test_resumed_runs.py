"""Runs resumed in another environment, in the table, its CSV file, comparisons and reports."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.loading import Results
from ganbench.results.report import write_report
from ganbench.results.report.comparison import render_comparison
from ganbench.results.resumed_runs import MAX_METHODS, resumed_elsewhere
from ganbench.results.table import RESUMED
from ganbench.tracking import RESUMED_WITH, RunRecord
from tests.results.test_loading import record, table

THREADS, TORCH = "threads 4 → 2", "torch 2.9 → 3.0"


def resumed(run: RunRecord, change: str) -> RunRecord:
    return dataclasses.replace(run, tags={**run.tags, RESUMED_WITH: change})


@pytest.fixture
def study() -> pd.DataFrame:
    return table(
        *(resumed(record("minimax", seed, 9.0 + seed), THREADS) for seed in (0, 2)),
        record("minimax", 1, 12.0),
        record("hinge", 0, 4.0),
        resumed(record("hinge", 1, 5.0), f"{THREADS}; {TORCH}"),
    )


WORDS = [f"seeds 0 and 2 of minimax ({THREADS})", f"seed 1 of hinge ({THREADS}, then {TORCH})"]


def test_comparisons_say_in_one_line_what_was_resumed_and_what_had_changed(study: pd.DataFrame) -> None:
    lines = render_comparison(study, compare(study), "markdown").splitlines()
    (line,) = [line for line in lines if "Resumed in another environment" in line]
    assert line.endswith(f"{'; '.join(WORDS)}.")
    others = study[study[RESUMED] == ""]
    assert "Resumed" not in render_comparison(others, compare(others), "table")


def test_reports_say_so_and_are_made_again_from_their_results(study: pd.DataFrame, tmp_path: Path) -> None:
    folder = write_report(Results(study), tmp_path, title="e")
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert f"- resumed in another environment: {'; '.join(WORDS)}" in report
    before = (folder / "results.csv").read_bytes()
    again = CliRunner().invoke(main, ["report", "--from", str(folder / "results.csv")])
    assert again.exit_code == 0, again.output
    assert (folder / "results.csv").read_bytes() == before
    assert (folder / "report.md").read_text(encoding="utf-8") == report


def test_only_files_with_such_runs_have_the_column(study: pd.DataFrame, tmp_path: Path) -> None:
    """Files of earlier versions, which have no such column, are written again as they were."""
    path = tmp_path / "results.csv"
    write_csv(study, path)
    assert RESUMED in path.read_text(encoding="utf-8").partition("\n")[0]
    pd.testing.assert_series_equal(read_csv(path).table[RESUMED].astype(str), study[RESUMED].astype(str))
    write_csv(study[study[RESUMED] == ""], path)
    written = path.read_bytes()
    assert RESUMED.encode() not in written
    write_csv(read_csv(path).table, path)
    assert path.read_bytes() == written


def test_line_stays_short_if_a_whole_study_went_on_elsewhere() -> None:
    study = table(*(resumed(record(f"loss{number}", 0, 9.0), THREADS) for number in range(MAX_METHODS + 2)))
    names = dict(zip(study["run"], study["loss"], strict=True))
    (words,) = resumed_elsewhere(study, names)
    assert words.endswith(f", seed 0 of loss{MAX_METHODS - 1} and 2 more methods ({THREADS})")
