"""The effects of factors in tables, sentences and reports."""

from __future__ import annotations

import dataclasses

import pytest

from ganbench.core.annotation import parse_factors
from ganbench.results.brief import unqualified
from ganbench.results.factor_effects import factor_effects
from ganbench.results.factor_sentences import factors_in_brief
from ganbench.results.inference import Interval
from ganbench.results.report.sections.factors import Factors
from ganbench.results.report.study_charts import effect_chart
from ganbench.results.report.svg import svg
from ganbench.results.table import tidy
from tests.results.study_runs import HOSTILE, factorial


def test_effects_on_each_primary_outcome() -> None:
    fid, lost = factor_effects(tidy(factorial(20.0)))
    assert (fid.outcome, lost.outcome) == ("fid", "lost")
    assert (fid.seeds, fid.failed) == (28, 1)
    better = {effect.factors: effect for effect in fid.effects}
    assert better["R1",].better.middle == 1
    assert better["R1",].significant
    assert not better[HOSTILE,].significant
    assert lost.effects[0].better.middle == pytest.approx(0.5, abs=0.05)


def test_an_incomplete_design_has_no_effects() -> None:
    table = tidy([run for run in factorial(20.0) if run.tags["factors"] != "R1"])
    assert factor_effects(table) == []


def test_report_shows_factors_and_escapes_names() -> None:
    content = factor_effects(tidy(factorial(20.0)))
    section = Factors()
    assert "<b>$x$" not in section.html(content)
    markdown = section.markdown(content)
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert {line.count(" | ") for line in rows} == {3}
    assert "better" in markdown
    assert svg(effect_chart(content))


def test_an_effect_is_said_to_be_where_it_is_shown() -> None:
    table = tidy(factorial(20.0))
    fid, lost = factor_effects(table)
    (brief,) = factors_in_brief(table, [fid, lost])
    assert brief.headline == "R1 makes FID better"
    assert ", in pairs of seeds with and without it, FID: better in 100 % (" in brief.evidence
    assert any("medians of the settings 33 with it, 53" in sentence for sentence in brief.details)
    shown, open_one, against = Interval(1.0, 0.9, 1.0), Interval(0.6, 0.4, 0.8), Interval(0.1, 0.0, 0.3)
    neither, one, other, both = (frozenset(names) for names in ((), ("R2",), ("EMA",), ("R2", "EMA")))
    for by_setting, where, spread in (
        ({neither: shown, one: open_one}, " without R2", "by setting 100 % without R2, 60 % otherwise"),
        ({neither: open_one, one: open_one}, " on average", ""),
        ({neither: shown, one: shown}, "", ""),
        ({neither: against, one: shown, other: shown, both: shown}, " with EMA or R2", ", 10 % otherwise"),
        (
            {neither: shown, one: against, other: against, both: open_one},
            " with neither EMA nor R2",
            "10 to 60 % otherw",
        ),
        ({neither: shown, one: open_one, other: open_one, both: shown}, " in 2 of 4 settings", ", 60 % otherwise"),
    ):
        changed = dataclasses.replace(fid.effects[0], by_setting=by_setting)
        (brief,) = factors_in_brief(table, [dataclasses.replace(fid, effects=(changed, *fid.effects[1:])), lost])
        assert brief.headline == f"R1 makes FID better{where}"
        assert spread in brief.details[0]
        in_part = where not in ("", " on average")
        assert brief.evidence.endswith(" otherwise)") == (f" %{where}, " in brief.evidence) == in_part


def test_good_runs_are_counted_with_and_without_a_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    table = tidy(factorial(20.0))
    of_run = table.drop_duplicates("run").set_index("run")["factors"].astype(str)
    words = {run: "GOOD" if "R1" in factors else "PARTLY" for run, factors in of_run.items()}
    monkeypatch.setattr("ganbench.results.factor_sentences.words_of_runs", lambda _: words)
    (brief,) = factors_in_brief(table, factor_effects(table))
    assert ", the verdict is GOOD on 14 of 14 runs with it and on 0 of 14 without; in pairs of seeds" in brief.evidence
    words.popitem()
    (brief,) = factors_in_brief(table, factor_effects(table))
    assert "GOOD" not in brief.evidence, "not known of all runs"


def test_labels_are_shortened_unless_two_would_read_alike() -> None:
    assert unqualified("KL, corrected", ["KL, corrected", "FID"]) == "KL"
    assert unqualified("KL, corrected", ["KL, corrected", "KL"]) == "KL, corrected"


def test_a_factor_alone_is_no_factorial_design_with_another_one() -> None:
    table = tidy([run for run in factorial(20.0) if parse_factors(run.tags.get("factors", "")) != ("R1", HOSTILE)])
    assert factor_effects(table) == []
