"""Numbers and words that a results.csv can't hold are refused by line; all others give tables and a report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.loading import Results
from ganbench.results.report import write_report, write_report_again
from ganbench.results.report.about import FILE
from ganbench.results.report.tables import render
from ganbench.results.table import COLUMNS, NUMBERS
from tests.results.test_loading import record, table

STUDY = table(
    record("minimax", 0, 30.0, missing=3),
    record("minimax", 1, 10.0, missing=1, events=[("missing-modes", 10, 0.5)]),
    record("hinge", 0, 4.0),
    record("hinge", 1, 4.0, missing=1),
)
ODD_NUMBERS = ("1e308", "-1e308", "inf", "-inf", "nan", "-1", "1e18", "9223372036854775807", "99999999999999999999")
ODD_WORDS = ("", r"$\frac{$", "\x1b[31m\n", "x=inf; y=1e308", "a · b")

LARGEST_PAGE = 5_000_000
"""Bytes; a chart must not have as many points as a file says."""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The study as text, as it stands in its file."""
    path = tmp_path_factory.mktemp("study") / "results.csv"
    write_csv(STUDY, path)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def read(rows: pd.DataFrame, path: Path) -> pd.DataFrame | None:
    """Read rows of text as results; None if they are refused, in one line."""
    rows.to_csv(path, index=False)
    complaint = ""
    try:
        return read_csv(path).table
    except GanbenchError as error:
        complaint = str(error)
    assert complaint.isprintable()
    return None


def compared(study: pd.DataFrame) -> None:
    """Compare a table in all formats, unless it can't be."""
    try:
        comparison = compare(study)
    except GanbenchError:
        return
    for style in ("table", "markdown", "latex", "csv", "json"):
        render(comparison, style)


@pytest.mark.parametrize("more", [1, 2])
def test_lines_with_more_cells_than_columns_are_refused(tmp_path: Path, more: int) -> None:
    """Pandas takes the cells in front for names of rows."""
    path = tmp_path / "results.csv"
    write_csv(STUDY, path)
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, *(f"{line}{',x' * more}" for line in lines)]), encoding="utf-8")
    with pytest.raises(GanbenchError, match="lines with more cells than the first line has columns") as caught:
        read_csv(path)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("column", [*NUMBERS, *(column for column in COLUMNS if column not in NUMBERS)])
def test_odd_cells_are_refused_or_compared(rows: pd.DataFrame, column: str, tmp_path: Path) -> None:
    for odd in ODD_NUMBERS if column in NUMBERS else ODD_WORDS:
        for where in (rows.index[rows["metric"] == "modes_strict"][:2], rows.index):
            damaged = rows.copy()
            damaged.loc[where, column] = odd
            study = read(damaged, tmp_path / "results.csv")
            if study is not None:
                compared(study)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("column", "odd", "metric"),
    [
        ("ceiling", "1e308", "modes_strict"),
        ("ceiling", "1e6", "modes_strict"),
        ("ceiling", "inf", "modes_strict"),
        ("value", "1e6", "modes_strict"),
        ("value", "inf", "modes_strict"),
        ("value", "inf", "fid"),
        ("value", "nan", "sample_count"),
        ("value", "inf", "sample_count"),
        ("value", "-1e308", "good/3"),
        ("seconds", "inf", "fid"),
        ("label", r"$\frac{$", "fid"),
        ("dataset", r"$\frac{$", None),
        ("loss", "", None),
        ("arch", "", None),
        ("loss", "\x00\x1b[31m\n_", None),
        ("direction", "sideways", "fid"),
        ("direction", "", "fid"),
    ],
)
def test_odd_cells_are_refused_or_reported(
    rows: pd.DataFrame, column: str, odd: str, metric: str | None, tmp_path: Path
) -> None:
    damaged = rows.copy()
    damaged.loc[rows["metric"] == metric if metric else rows.index, column] = odd
    study = read(damaged, tmp_path / "results.csv")
    if study is not None:
        folder = write_report(Results(study), tmp_path, title="odd")
        assert (folder / "report.html").stat().st_size < LARGEST_PAGE


@pytest.mark.parametrize(
    ("column", "odd", "complaint"),
    [
        ("value", "1e308", r"line 7: the value 1e\+308 of modes_strict is larger than any score"),
        ("ceiling", "inf", "line 7: the ceiling inf of modes_strict is no count"),
        ("images", "-1", "line 7: the images -1 of modes_strict is no count"),
        ("seed", "99999999999999999999", "wrong type"),
        ("direction", "up", "unknown direction 'up'"),
    ],
)
def test_refusals_name_line_and_cell(rows: pd.DataFrame, column: str, odd: str, complaint: str, tmp_path: Path) -> None:
    damaged = rows.copy()
    damaged.loc[5, ["kind", "metric", column]] = ["quick", "modes_strict", odd]
    damaged.to_csv(tmp_path / "results.csv", index=False)
    with pytest.raises(GanbenchError, match=complaint):
        read_csv(tmp_path / "results.csv")


@pytest.mark.parametrize("date", ["", "yesterday", "2026-02-30", "0000-01-01"])
def test_date_of_a_report_must_be_one(date: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f'{{"title": "a", "date": "{date}", "code": "c", "x": "images"}}')
    with pytest.raises(GanbenchError, match="no description of a report"):
        write_report_again(tmp_path / "results.csv")


def test_formulas_are_text_in_a_file_and_read_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "'=quoted", "''=twice", " =space", "plain"]
    for name in names:
        study = STUDY.assign(loss=pd.Categorical([name] * len(STUDY)))
        write_csv(study, path)
        text = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert not text["loss"].str.lstrip().str.startswith(("=", "+", "-", "@")).any()
        assert set(read_csv(path).table["loss"]) == {name}
