"""Collapsed runs over doses, in curves, sentences and reports."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from ganbench.core.annotation import Annotation
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.dose_curves import dose_curves
from ganbench.results.factor_effects import factor_effects
from ganbench.results.inference import Interval
from ganbench.results.inference.factorial import better_in_strata
from ganbench.results.medians import Middle, medians
from ganbench.results.protection import protection
from ganbench.results.protection_in_words import (
    better_in_brief,
)
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.doses import Doses
from ganbench.results.report.study_charts import dose_chart
from ganbench.results.report.svg import svg
from ganbench.results.table import tidy
from tests.results.study_runs import (
    HOSTILE,
    RATE,
    SEEDS,
    UPDATES,
    annotated,
    by_what,
    factorial,
    runs_of_doses,
    unbalanced,
)
from tests.results.test_loading import record


def test_each_kind_of_dose_has_its_own_curves() -> None:
    found = by_what(tidy(list(runs_of_doses())))
    assert list(found) == [UPDATES, RATE]
    robust, plain = found[UPDATES].curves
    assert (robust.name, plain.name) == (HOSTILE, "plain")
    assert plain.response.doses == (1, 2, 5, 8)
    assert plain.response.collapsed == (0, 3, 7, 7)
    assert [curve.response.collapsed for curve in found[RATE].curves] == [(0, 7), (0, 7)]
    assert robust.response.half.low > 5


def test_runs_without_a_score_count_as_collapsed() -> None:
    found = by_what(tidy(list(runs_of_doses(failed=4))))
    robust = next(curve for curve in found[UPDATES].curves if curve.name == HOSTILE)
    assert robust.response.collapsed == (0, 0, 0, 4)
    assert robust.failed == 4
    assert "4 failed and are counted among them" in robust.sentence()


def test_runs_without_a_rule_or_a_dose_have_no_curve() -> None:
    assert dose_curves(tidy([record("minimax", seed, 10.0) for seed in range(3)])) == []
    one_dose = [annotated(record("hinge", 0, 1.0), Annotation("x", {UPDATES: 1.0}, collapsed="fid > 50"))]
    assert dose_curves(tidy(one_dose)) == []


@pytest.mark.parametrize(
    ("collapsed", "words"),
    [
        ([0, 7], "half of the runs have fid > 50 between 1 and 8 ("),
        ([2, 7], "half of the runs have fid > 50 between 1 and 8 ("),
        ([2, 6], "half of the runs have fid > 50 at "),
        ([0, 2], "half of the runs have fid > 50 above 8 ("),
        ([0, 0], "no run has fid > 50; half of them would only at a dose above"),
        ([7, 7], "all runs have fid > 50; half of them would only at a dose below"),
        ([3, 3], "the runs don't tell"),
        ([7, 4], "the runs don't tell at which dose half of them would have fid > 50, but that it is at most "),
        ([1, 0], "the runs don't tell at which dose half of them would have fid > 50, but that it is at least "),
        ([1, 2], "half of the runs have fid > 50 above 8 ("),
    ],
)
def test_the_sentence_says_what_the_runs_tell(collapsed: list[int], words: str) -> None:
    runs = [
        annotated(
            record("minimax", seed, 60.0 if seed < count else 10.0, params={"train.n_generator": str(dose)}),
            Annotation("m", {UPDATES: dose}, collapsed="fid > 50"),
        )
        for dose, count in zip((1.0, 8.0), collapsed, strict=True)
        for seed in range(SEEDS)
    ]
    (curves,) = dose_curves(tidy(runs))
    assert curves.curves[0].sentence().startswith(words)
    assert f"{collapsed[1]} of 7 at 8" in curves.curves[0].sentence()


def test_report_shows_doses_and_escapes_names(tmp_path: Path) -> None:
    write_csv(tidy(list(runs_of_doses())), tmp_path / "results.csv")
    content = dose_curves(read_csv(tmp_path / "results.csv").table)
    section = Doses()
    html = section.html(content)
    assert "<b>$x$" not in html
    assert "half of the runs have fid &gt; 50 between 2 and 5" in html
    assert for_markdown(HOSTILE) in section.markdown(content)
    assert svg(dose_chart(content[0])).count('data-words="plain"') == 1


def test_runs_without_a_score_are_counted_in_short_answers_about_doses() -> None:
    runs = [*unbalanced(5, 200, -10.0), *unbalanced(2, 500, 10.0), *unbalanced(5, 200, 20.0, "hinge")]
    (hinge,) = protection(tidy(runs), "minimax")
    better = better_in_brief(hinge)
    assert better is not None
    assert "7 of 14 runs have no score and rank worst" in better.evidence
    (few,) = dose_curves(tidy(runs))
    assert few.in_brief("minimax") is None, "two doses only bound it"
    (curves,) = dose_curves(tidy([*runs, *unbalanced(8, 125, 60.0)]))
    brief = curves.in_brief("minimax")
    assert brief is not None
    assert "7 runs without a score are counted among them" in brief.details


def test_a_dose_at_which_half_of_the_runs_collapse_is_not_said_to_be_unbounded() -> None:
    runs = [run for fid, loss in ((60.0, "minimax"), (10.0, "hinge")) for run in unbalanced(5, 200, fid, loss)]
    runs += [run for fid, loss in ((10.0, "minimax"), (10.0, "hinge")) for run in unbalanced(2, 500, fid, loss)]
    runs += unbalanced(8, 125, 60.0)
    (curves,) = dose_curves(tidy(runs))
    unbounded = dataclasses.replace(curves.curves[0].response, half=Interval(math.inf, 0.0, math.inf))
    hinge = dataclasses.replace(curves.curves[0], response=unbounded)
    brief = dataclasses.replace(curves, curves=(hinge, *curves.curves[1:])).in_brief("minimax")
    assert brief is not None
    assert "Unknown for hinge" in brief.details
    assert dataclasses.replace(curves, curves=(hinge,)).in_brief("hinge") is None


def test_a_metric_without_any_value_has_no_effects_and_no_curve() -> None:
    table = tidy(factorial(20.0))
    table.loc[table["metric"] == "fid", "value"] = math.nan
    assert [outcome.outcome for outcome in factor_effects(table)] == ["lost"]
    doses = tidy(list(runs_of_doses()))
    doses.loc[doses["metric"] == "fid", "value"] = math.nan
    assert dose_curves(doses) == []


@pytest.mark.parametrize(("seeds", "doses", "least"), [(1, 4, 2 / 2**4), (3, 1, 0.1), (3, 2, 2 / 20**2)])
def test_few_seeds_are_never_surer_than_an_exact_test(seeds: int, doses: int, least: float) -> None:
    better, worse = np.arange(seeds, dtype=float), np.arange(seeds, dtype=float) + 100
    assert better_in_strata([(better, worse)] * doses)[1] >= least


def test_medians_are_of_runs_with_a_score_and_doses_are_in_order() -> None:
    table = tidy([*unbalanced(1, 200, 10.0), *unbalanced(5, 200, 60.0), *unbalanced(2, 500, -1.0)])
    names = {
        str(run): f"{name} {dose}" for run, name, dose in zip(table["run"], table["name"], table["dose"], strict=True)
    }
    (found,) = medians(table, names, ["fid", "lost", "absent"])
    assert found.dataset == "mnist"
    assert list(found.outcomes) == ["fid"]  # these runs have no verdict
    middles = {method.name.split()[-1]: method.medians["fid"] for method in found.methods}
    assert [method.name for method in found.methods][-1] == "balanced, minimax "
    assert middles["updates=5"] == Middle(63.0, SEEDS)
    assert math.isnan(middles["updates=2"].value)
    assert middles["updates=2"].scored == 0
    assert found.methods[0].runs == SEEDS
    assert found.real == {"fid": 0.5}


@pytest.mark.parametrize(("value", "words"), [(10.0, "no run has fid > 50: "), (60.0, "all runs have fid > 50: ")])
def test_too_few_runs_bound_nothing(value: float, words: str) -> None:
    runs = [
        annotated(
            record("minimax", seed, value, params={"train.n_generator": str(dose)}),
            Annotation("m", {UPDATES: dose}, collapsed="fid > 50"),
        )
        for dose in (1.0, 8.0)
        for seed in range(2)
    ]
    (curves,) = dose_curves(tidy(runs))
    assert curves.curves[0].sentence().startswith(words)
