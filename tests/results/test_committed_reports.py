"""Reports that earlier versions wrote still read, and give the numbers that they printed."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd
import pytest

from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv
from ganbench.results.dose_curves import dose_curves
from ganbench.results.factor_effects import factor_effects
from ganbench.results.report.sections.doses import Doses
from ganbench.results.report.sections.factors import Factors
from ganbench.results.report.tables import cells, markdown
from ganbench.results.views import final_scores, headline, mode_counts

REPORTS = sorted((Path(__file__).parents[2] / "reports").glob("*/results.csv"))
EARLIER = [path for path in REPORTS if "floor_sd" not in path.read_text(encoding="utf-8").partition("\n")[0]]
"""Those of earlier versions: somebody may have written a report of today beside them."""


@functools.cache
def table_of(path: Path) -> pd.DataFrame:
    return read_csv(path).table


def test_there_is_a_report() -> None:
    assert EARLIER


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.name)
def test_the_comparison_is_the_table_that_was_printed(path: Path) -> None:
    _, _, section = (path.parent / "report.md").read_text(encoding="utf-8").partition("\n## Comparison\n")
    printed = section.partition("\n## ")[0].splitlines()
    rows = [line.replace("modes-strict", "modes_strict") for line in printed if line.startswith("| ")]
    assert rows
    head, groups, floors = cells(compare(table_of(path)))
    assert sorted(markdown(head, [*groups, *floors]).splitlines()) == sorted(rows)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.name)
def test_what_a_study_found_is_what_was_printed(path: Path) -> None:
    table = table_of(path)
    printed = (path.parent / "report.md").read_text(encoding="utf-8")
    doses, factors = dose_curves(table), factor_effects(table)
    sections = {Doses.title: Doses().markdown(doses), Factors.title: Factors().markdown(factors)}
    for (title, text), content in zip(sections.items(), (doses, factors), strict=True):
        assert (f"\n## {title}\n" in printed) == bool(content), "out of date: ganbench report --from"
        assert not content or text in printed, "out of date: ganbench report --from"


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.parent.name)
def test_facts_that_were_not_written_are_filled_in(path: Path) -> None:
    table = table_of(path)
    scores = final_scores(table)
    assert set(scores.loc[scores["metric"].isin(headline(scores)), "direction"]) <= {"lower", "higher", "real"}
    assert set(mode_counts(scores)["metric"]) == {"modes_strict"}
    assert set(table["kind"]) <= {"", "final", "quick", "train", "event"}
    assert set(table.loc[table["kind"] == "final", "selection"]) == {"last"}
