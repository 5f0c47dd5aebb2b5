"""Studies in tables and reports: collapsed runs over doses, and the effects of factors, from tracked runs."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from ganbench.core.annotation import Annotation, parse_factors
from ganbench.core.collapse_rule import parse_rule
from ganbench.results.at_equal_doses import at_equal_doses
from ganbench.results.axis_words import _all_together, axes_in_brief, axis_tables, undecided_pairs
from ganbench.results.balanced_controls import balanced_controls
from ganbench.results.brief import Brief, unqualified
from ganbench.results.controls_in_words import controls_in_brief
from ganbench.results.crossed_axes import crossed_axes
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.dose_curves import DoseCurves, dose_curves
from ganbench.results.factor_effects import factor_effects
from ganbench.results.factor_sentences import factor_sentences, factors_in_brief
from ganbench.results.incomplete_seeds import collapsed_seeds
from ganbench.results.inference import Interval
from ganbench.results.inference.factorial import better_in_strata
from ganbench.results.medians import Middle, medians
from ganbench.results.protection import Protection, protection
from ganbench.results.protection_in_words import (
    better_in_brief,
    collapsed_in_words,
    lead_in_words,
    protecting_in_brief,
)
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.sections.doses import Doses
from ganbench.results.report.sections.factors import Factors
from ganbench.results.report.study_charts import dose_chart, effect_chart, sheet_picture
from ganbench.results.report.svg import svg
from ganbench.results.table import tidy, typed
from ganbench.tracking import RunRecord, Status
from ganbench.tracking.annotations import annotation_tags
from ganbench.tracking.metric_names import SAMPLE_COUNT
from tests.results.test_loading import record

HOSTILE = "<b>$x$</b> | _e_"
UPDATES, RATE = "generator updates", "rate divided by"
COLLAPSED = {"plain": {1: 0, 2: 3, 5: 7, 8: 7}, HOSTILE: {1: 0, 2: 0, 5: 0, 8: 2}}
SEEDS = 7


def annotated(run: RunRecord, annotation: Annotation) -> RunRecord:
    """The run with an annotation, and an id that depends on its parameters."""
    ending = "".join(character for character in str(sorted(run.params.items())) if character.isalnum())
    return dataclasses.replace(run, id=f"{run.id}{ending}", tags={**run.tags, **annotation_tags(annotation)})


def runs_of_doses(failed: int = 0) -> Iterator[RunRecord]:
    """Two methods: the first collapsed at FID 60, above a rule of 50; balanced runs have two kinds of dose."""
    for (name, counts), loss in zip(COLLAPSED.items(), ("minimax", "hinge"), strict=True):
        for dose, count in counts.items():
            for seed in range(SEEDS):
                status: Status = "diverged" if dose == 8 and seed < failed else "finished"
                params = {"train.n_generator": str(dose)}
                run = record(loss, seed, 60.0 if seed < count else 10.0, params=params, status=status)
                doses = {UPDATES: float(dose), **({RATE: 1.0} if dose == 1 else {})}
                yield annotated(run, Annotation(name, doses, collapsed="fid > 50"))
        for seed in range(SEEDS):
            run = record(loss, seed, 60.0, params={"train.critic_lr": "0.1"})
            yield annotated(run, Annotation(name, {RATE: 10.0}, collapsed="fid > 50"))


def by_what(table: pd.DataFrame) -> dict[str, DoseCurves]:
    return {curves.what: curves for curves in dose_curves(table)}


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


def factorial(shift: float) -> list[RunRecord]:
    """FID is lower by a shift with R1 alone; one seed of the cell without factors has diverged."""
    runs = []
    for cell in itertools.product((False, True), repeat=2):
        factors = tuple(name for name, on in zip(("R1", HOSTILE), cell, strict=True) if on)
        for seed in range(SEEDS):
            status: Status = "diverged" if not factors and seed == 0 else "finished"
            params = {"penalty": "+".join(str(on) for on in cell)}
            run = record("hinge", seed, 50.0 + seed - shift * cell[0], params=params, status=status)
            runs.append(annotated(run, Annotation("", {}, factors, ("fid", "lost"))))
    return runs


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


def test_a_method_that_collapses_less_at_equal_doses_protects() -> None:
    found = {each.what: each for each in protection(tidy(list(runs_of_doses(failed=2))), "plain")}
    protects = found[UPDATES]
    counts = protects.found
    assert (protects.name, counts.doses) == (HOSTILE, (2, 5, 8))  # a dose of 1 is none
    assert (counts.collapsed, counts.total, counts.other_collapsed, counts.other_total) == (2, 21, 17, 21)
    assert protects.corrected_p < 0.001
    better = better_in_brief(protects)
    assert better is not None
    assert better.headline == f"{HOSTILE} does better than plain ({UPDATES}: 2, 5 and 8)"
    # Of 49 pairs at each dose: 21 better, 28 ties; all better; 35 better, and of both methods 2 seeds failed: 4 ties.
    assert counts.better.middle == pytest.approx((35 + 49 + 37) / 49 / 3)
    assert better_in_brief(found[RATE]) is None


def test_protection_turns_around_with_the_rule() -> None:
    """Collapsed below a number: the smaller value is the worse one."""
    runs = [
        annotated(
            record(loss, seed, value, params={"train.n_generator": "2"}),
            Annotation(name, {UPDATES: 2.0}, collapsed="fid < 20"),
        )
        for name, loss, value in (("plain", "minimax", 10.0), ("other", "hinge", 60.0))
        for seed in range(SEEDS)
    ]
    (other,) = protection(tidy(runs), "plain")
    assert (other.found.better.middle, other.found.collapsed, other.found.other_collapsed) == (1, 0, SEEDS)


def test_pairs_that_are_compared_besides_are_corrected_with_the_others() -> None:
    table = tidy(list(runs_of_doses()))
    alone = {each.what: each for each in protection(table, "plain")}[UPDATES]
    first, turned = (each for each in protection(table, "plain", [("plain", HOSTILE)]) if each.what == UPDATES)
    assert first.found == alone.found
    assert alone.corrected_p == alone.found.p
    assert first.corrected_p == pytest.approx(2 * alone.found.p)
    assert (turned.name, turned.baseline) == ("plain", HOSTILE)
    assert turned.found.better.middle == pytest.approx(1 - first.found.better.middle)
    assert protection(table, "another", [("another", "plain")]) == []


def test_what_differs_beside_a_part_is_said() -> None:
    """The other method saw twice as many images, and does as well without an imbalance."""
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(1, 200, 10.0), *unbalanced(5, 200, 20.0, "hinge")]
    runs += unbalanced(1, 200, 10.0, "hinge")
    table = tidy(runs)
    table.loc[table["loss"] == "hinge", "images"] *= 2
    (hinge,) = protection(table, "minimax")
    better = better_in_brief(hinge)
    assert better is not None
    assert better.evidence.endswith("; it saw 2 times as many real images); balanced, it is in 50 %")
    assert better.details == [
        "Balanced, its run is better in 50 % of pairs (23–77 %), having seen 2 times as many real images; its lead is "
        "larger than balanced"
    ]


def test_a_part_protects_if_fewer_of_its_runs_collapse_by_more_than_of_the_balanced_ones() -> None:
    def compared(plain_balanced: float, fid: float, balanced: float) -> Protection:
        plain = [*unbalanced(5, 200, 60.0), *unbalanced(1, 200, plain_balanced)]
        part = [*unbalanced(5, 200, fid, "hinge"), *unbalanced(1, 200, balanced, "hinge")]
        (found,) = protection(tidy([*plain, *part]), "minimax")
        return found

    protects, ahead_when_balanced, anyway = compared(10, 20, 12), compared(10, 20, 0.5), compared(60, 20, 10)
    assert (protects.protects, ahead_when_balanced.protects, anyway.protects) == (True, True, False)
    assert protects.collapsed.p == pytest.approx(stats.fisher_exact(np.array([[0, 7], [7, 0]])).pvalue)
    assert collapsed_in_words(protects) == (
        "0 of 7 runs of hinge have fid > 50, and 7 of 7 of minimax (p = 0.00058); a mode is missing in 0 of 7 and 0 "
        "of 7 at 5"
    )
    assert protecting_in_brief([protects]) == Brief(
        f"hinge protects ({UPDATES}: 5)",
        f"On mnist, {collapsed_in_words(protects)}",
        ["Balanced, 0 of 7 and 0 of 7 have fid > 50; 90 % of hinge's samples are good at 5, and 90 % of minimax's"],
    )
    larger, full = better_in_brief(protects), better_in_brief(ahead_when_balanced)
    assert larger is not None
    assert larger.headline == f"hinge does better than minimax ({UPDATES}: 5)"
    assert larger.evidence.endswith("; balanced, it is in 26 %")  # 10 pairs of 49, and 5 ties
    assert larger.details[0].endswith("; its lead is larger than balanced")
    assert full is not None
    assert full.details == ["Balanced, its run is better in 100 % of pairs (65–100 %), and can hardly be more often"]


def test_a_part_that_is_only_more_even_does_not_protect() -> None:
    def runs(missing: int) -> Iterator[RunRecord]:
        for loss, dose, fid in (("minimax", 5, 60.0), ("minimax", 1, 10.0), ("hinge", 5, 20.0), ("hinge", 1, 12.0)):
            for run in unbalanced(dose, 200, fid, loss):
                lost = missing if loss == "hinge" and run.seed < missing else 4 * (fid > 50)
                yield dataclasses.replace(run, history=[*run.history, ("verdict/lost", 20, float(lost))])

    (protects,) = protection(tidy(list(runs(missing=0))), "minimax")
    assert protects.collapsed.missing == ((0, SEEDS), (SEEDS, SEEDS))
    assert "; a mode is missing in 0 of 7 and 7 of 7 at 5" in collapsed_in_words(protects)
    assert protects.protects
    (even,) = protection(tidy(list(runs(missing=SEEDS))), "minimax")
    assert (even.falls_less, even.protects) == (True, False)
    brief = protecting_in_brief([even])
    assert brief is not None
    assert brief.headline == f"hinge is not shown to protect ({UPDATES}: 5)"
    assert brief.details == [
        f"More even, but no fewer miss a mode: {collapsed_in_words(even)}. Balanced, 0 of 7 and 0 of 7 have fid > 50; "
        "90 % of hinge's samples are good at 5, and 90 % of minimax's"
    ]


def test_comparisons_that_were_planned_count_before_they_are_made() -> None:
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(5, 200, 20.0, "hinge"), *unbalanced(1, 200, 12.0, "hinge")]
    (alone,) = protection(tidy(runs), "minimax")
    planned = [("minimax", UPDATES), ("hinge", UPDATES), ("wgan", UPDATES), ("hinge", "another dose")]
    (among,) = protection(tidy(runs), "minimax", planned=planned)
    assert among.corrected_p == pytest.approx(2 * alone.corrected_p)
    assert among.collapsed.corrected_p == pytest.approx(2 * alone.collapsed.corrected_p)
    found = balanced_controls(tidy(runs))
    (method,), (of_four,) = found.methods, balanced_controls(tidy(runs), planned=4).methods
    assert of_four.corrected_p == pytest.approx(4 * method.corrected_p)


def test_doses_at_which_all_runs_of_both_have_collapsed_are_not_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(2, 500, 30.0), *unbalanced(5, 200, 55.0, "hinge")]
    runs += [*unbalanced(2, 500, 20.0, "hinge")]
    monkeypatch.setattr(
        "ganbench.results.protection.words_of_runs",
        lambda _: {run.id: "COLLAPSED" for run in runs if run.params["train.n_generator"] == "5"},
    )
    (hinge,) = protection(tidy(runs), "minimax")
    assert hinge.found.doses == (2, 5)
    assert hinge.graded is not None
    assert hinge.graded.doses == (2,)
    (nothing,) = protection(tidy([run for run in runs if run.params["train.n_generator"] == "5"]), "minimax")
    assert (nothing.graded, nothing.significant, better_in_brief(nothing)) == (None, False, None)


def test_a_part_that_is_less_often_better_than_when_balanced_is_named() -> None:
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(1, 200, 10.0)]
    (loses,) = protection(
        tidy([*runs, *unbalanced(5, 200, 62.0, "hinge"), *unbalanced(1, 200, 0.5, "hinge")]), "minimax"
    )
    assert loses.is_behind_its_controls
    assert lead_in_words(loses).startswith("in 26 % of pairs at 5, balanced in 100 %: −74 points (−92 to −28; p = ")
    assert protecting_in_brief([loses]) == Brief(
        f"hinge is not shown to protect ({UPDATES}: 5)",
        "On mnist, 7 of 7 runs of hinge have fid > 50, and 7 of 7 of minimax (p = 1)",
        [f"By fid, less often better than minimax than when balanced: hinge ({lead_in_words(loses)})"],
    )
    (catches_up,) = protection(
        tidy([*runs, *unbalanced(5, 200, 59.0, "hinge"), *unbalanced(1, 200, 20.0, "hinge")]), "minimax"
    )
    assert lead_in_words(catches_up).startswith("in 63 % of pairs at 5, balanced in 0 %: +63 points (")
    assert not catches_up.protects, "both collapse all the same"


def test_the_share_of_good_samples_stands_beside_protection() -> None:
    runs = []
    for loss, dose, fid, good in (("minimax", 5, 60.0, 0.2), ("hinge", 5, 20.0, 0.1), ("minimax", 1, 10.0, 0.9)):
        for run in unbalanced(dose, 200, fid, loss):
            history = [(name, step, good if name == "hq" else value) for name, step, value in run.history]
            runs.append(dataclasses.replace(run, history=history))
    (hinge,) = protection(tidy([*runs, *unbalanced(1, 200, 10.0, "hinge")]), "minimax")
    assert hinge.good == (0.1, 0.2)
    words = protecting_in_brief([hinge])
    assert words is not None
    assert words.details[0].endswith("; 10 % of hinge's samples are good at 5, and 20 % of minimax's")


def test_without_controls_nothing_is_said_about_protection() -> None:
    (hinge,) = protection(tidy([*unbalanced(5, 200, 60.0), *unbalanced(5, 200, 20.0, "hinge")]), "minimax")
    assert (hinge.lead, hinge.protects, lead_in_words(hinge)) == (None, False, "")
    assert protecting_in_brief([hinge]) is None
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(1, 200, 10.0), *unbalanced(5, 200, 20.0, "hinge")]
    runs += [*unbalanced(5, 200, 20.0, "dragan"), *unbalanced(1, 200, 10.0, "dragan")]
    words = protecting_in_brief(protection(tidy(runs), "minimax"))
    assert words is not None
    assert words.details[-1] == "Not known of hinge: the balanced controls have not run"
    better = better_in_brief(hinge)
    assert better is not None
    assert "balanced" not in better.evidence
    assert better.details == []


def test_an_effect_is_said_to_be_where_it_is_shown() -> None:
    table = tidy(factorial(20.0))
    fid, lost = factor_effects(table)
    (brief,) = factors_in_brief(table, [fid, lost])
    assert brief.headline == "R1 makes FID better"
    assert ", in pairs of seeds with and without it: FID better in 100 % (" in brief.evidence
    assert any("medians of the settings 33 with it, 53" in sentence for sentence in brief.details)
    shown, open_one, against = Interval(1.0, 0.9, 1.0), Interval(0.6, 0.4, 0.8), Interval(0.1, 0.0, 0.3)
    neither, one, other, both = (frozenset(names) for names in ((), ("R2",), ("EMA",), ("R2", "EMA")))
    for by_setting, where, spread in (
        ({neither: shown, one: open_one}, " without R2", "by setting 100 % without R2, and 60 % otherwise"),
        ({neither: open_one, one: open_one}, " on average", ""),
        ({neither: shown, one: shown}, "", ""),
        ({neither: against, one: shown, other: shown, both: shown}, " with EMA or R2", "and 10 % otherwise"),
        (
            {neither: shown, one: against, other: against, both: open_one},
            " with neither EMA nor R2",
            "10 to 60 % otherw",
        ),
        ({neither: shown, one: open_one, other: open_one, both: shown}, " in 2 of 4 settings", "and 60 % otherwise"),
    ):
        changed = dataclasses.replace(fid.effects[0], by_setting=by_setting)
        (brief,) = factors_in_brief(table, [dataclasses.replace(fid, effects=(changed, *fid.effects[1:])), lost])
        assert brief.headline == f"R1 makes FID better{where}"
        assert spread in brief.details[0]
        beside = brief.evidence.rpartition("; ")[2].removesuffix(")")
        assert beside.endswith(f" %{where}") if where else " % " not in beside, "the share where it is shown"


def test_labels_are_shortened_unless_two_would_read_alike() -> None:
    assert unqualified("KL, corrected", ["KL, corrected", "FID"]) == "KL"
    assert unqualified("KL, corrected", ["KL, corrected", "KL"]) == "KL, corrected"


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


def test_a_direction_that_changes_with_the_dose_is_said() -> None:
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(2, 500, 10.0), *unbalanced(5, 200, 20.0, "hinge")]
    (changes,) = protection(tidy([*runs, *unbalanced(2, 500, 60.0, "hinge")]), "minimax")
    assert changes.found.at_each() == "0 % at 2 and 100 % at 5, so better at some and worse at others"
    (stays,) = protection(tidy([*runs, *unbalanced(2, 500, 5.0, "hinge")]), "minimax")
    assert stays.found.at_each() == "96 % at 2 and 100 % at 5"


def unbalanced(dose: int, steps: int, fid: float, loss: str = "minimax") -> Iterator[RunRecord]:
    """Runs with so many updates of the generator in a step; those with one have no dose: they are controls."""
    params = {"train.n_generator": str(dose), "train.steps": str(steps)}
    doses = {UPDATES: float(dose)} if dose > 1 else {}
    for seed in range(SEEDS):
        run = record(loss, seed, fid + seed, params=params, status="diverged" if fid < 0 else "finished")
        run = dataclasses.replace(run, tags={**run.tags, "cost-of-step/critic_steps": str(steps)})
        yield annotated(run, Annotation(loss if dose > 1 else f"balanced, {loss}", doses, collapsed="fid > 50"))


def test_balanced_controls_have_as_many_steps_and_nothing_else_differs() -> None:
    table = tidy(
        [
            *unbalanced(5, 200, 60.0),
            *unbalanced(1, 200, 10.0),
            *unbalanced(1, 1000, 1.0),  # trained for longer: no control of either
            *unbalanced(2, 500, 60.0),  # without a control
            *unbalanced(5, 200, 60.0, "hinge"),
            *unbalanced(1, 200, 60.0, "hinge"),
        ]
    )
    found = balanced_controls(table)
    assert (found.controlled, found.unbalanced) == (2, 3)
    hinge, minimax = sorted(found.methods, key=lambda each: each.name)
    assert (minimax.found.doses, minimax.found.collapsed, minimax.found.other_collapsed) == ((5,), 0, SEEDS)
    assert minimax.found.better.middle == 1
    assert minimax.significant
    assert minimax.corrected_p == pytest.approx(2 * minimax.found.p), "Holm's correction for two methods"
    assert minimax.sentence().startswith(
        "minimax: after as many discriminator updates, balanced runs do better than unbalanced ones by"
    )
    assert "0 of 7 runs have fid > 50, and 7 of 7 of the unbalanced ones" in minimax.sentence()
    assert hinge.found.better.middle == 0.5
    assert "are not shown to do better or worse" in hinge.sentence()


def test_short_answers_about_controls_count_by_dose_and_name_what_gains() -> None:
    runs = [
        *unbalanced(5, 200, 60.0),
        *unbalanced(1, 200, 45.0),
        *unbalanced(2, 500, 47.0),
        *unbalanced(1, 500, 10.0),
        *unbalanced(1, 125, 48.0),  # its partner has not run; records have 20 steps of so many updates
        *unbalanced(5, 200, 10.0, "hinge"),
        *unbalanced(1, 200, 20.0, "hinge"),
    ]
    brief = controls_in_brief(balanced_controls(tidy(runs)).methods, {})
    assert brief is not None
    assert brief.headline == (
        f"Unbalanced runs are worse by fid with 1 of 2 parts, and better with hinge ({UPDATES}: 2 and 5)"
    )
    # Seeds 4 to 6 of 47 + seed are above 50, seed 6 of 45 + seed, and seeds 3 to 6 of 48 + seed.
    assert brief.evidence.startswith(
        "10 of 21 unbalanced runs on mnist have fid > 50, and 1 of 21 balanced ones after as many updates of the "
        "discriminator; a balanced run is better in "
    )
    by_dose, spare, _, gaining = brief.details
    assert by_dose == "Of unbalanced runs, 3 of 7 at 2 and 7 of 14 at 5; of balanced ones, 0 of 7 at 2 and 1 of 14 at 5"
    assert spare == "Of balanced ones without unbalanced partners so far, 4 of 7 after 2,500 updates"
    assert gaining.startswith("A balanced run is better with hinge in 0 % (at 5; p = ")


def test_a_control_of_several_doses_counts_once() -> None:
    runs = [*unbalanced(1, 200, 48.0), *(run for dose in (2, 5, 8) for run in unbalanced(dose, 200, 47.0 + dose))]
    (found,) = balanced_controls(tidy(runs)).methods
    counts = found.found
    assert counts.doses == (2, 5, 8)
    # Seeds 3 to 6 of 48 + seed are above 50; of 49, 52 and 55 + seed seeds 2 to 6, all and all.
    assert (counts.collapsed, counts.total, counts.other_collapsed, counts.other_total) == (4, 7, 19, 21)


def test_shared_controls_raise_no_more_false_alarms() -> None:
    generator, rule = np.random.default_rng(0), parse_rule("fid > 9")
    alarms = 0
    for _ in range(400):
        shared = {f"control {seed}": value for seed, value in enumerate(generator.normal(size=10))}
        own = {
            dose: {f"{dose} {seed}": value for seed, value in enumerate(generator.normal(size=10))}
            for dose in (2.0, 5.0, 8.0)
        }
        found = at_equal_doses(dict.fromkeys(own, shared), own, rule)
        assert found is not None
        alarms += found.p <= 0.05
    assert alarms / 400 < 0.09, "it was a fifth when the control was counted once for each dose"


def test_short_answers_about_controls_count_the_runs_of_all_parts() -> None:
    better = [
        *unbalanced(5, 200, 60.0),
        *unbalanced(1, 200, 10.0),
        *unbalanced(2, 500, 60.0),
        *unbalanced(1, 500, 45.0),
    ]
    also_better = [*unbalanced(5, 200, 90.0, "hinge"), *unbalanced(1, 200, 70.0, "hinge")]
    worse = [*unbalanced(5, 200, 10.0, "least-squares"), *unbalanced(1, 200, -1.0, "least-squares")]
    brief = controls_in_brief(balanced_controls(tidy([*better, *also_better, *worse])).methods, {})
    assert brief is not None
    assert " with 2 of 3 parts, and better with least-squares (" in brief.headline
    # Of 14 balanced runs of minimax, seed 6 of those with 45 + seed is above 50; all of hinge's 70 + seed are, and all
    # of least squares' have failed.
    assert brief.evidence.startswith(
        "21 of 28 unbalanced runs on mnist have fid > 50 or no score, and 15 of 28 balanced"
    )
    assert controls_in_brief(balanced_controls(tidy(worse)).methods, {}) is None, "none does better"


def test_balanced_controls_without_a_score_rank_worst() -> None:
    (found,) = balanced_controls(tidy([*unbalanced(5, 200, 60.0), *unbalanced(1, 200, -10.0)])).methods
    assert (found.found.better.middle, found.found.failed, found.found.collapsed) == (0, SEEDS, SEEDS)
    assert "balanced runs do worse than unbalanced ones" in found.sentence()


def crossed(values: dict[tuple[str, str], float]) -> Iterator[RunRecord]:
    """Runs of methods that are called by two axes, with FIDs from a value on; a negative one is of failed runs."""
    for (norm, loss), fid in values.items():
        for seed in range(SEEDS):
            status: Status = "diverged" if fid < 0 else "finished"
            run = record(loss, seed, fid + seed, params={"arch.norm": norm}, status=status, missing=int(fid > 50))
            yield annotated(run, Annotation(f"{norm}, {loss}", primary=("fid", "lost")))


def test_each_of_two_crossed_axes_is_compared_with_the_other_held_equal() -> None:
    values = {("batch", "minimax"): 10.0, ("batch", "hinge"): 10.0, ("none", "minimax"): 60.0, ("none", "hinge"): 60.0}
    pairs = crossed_axes(tidy(list(crossed(values | {("batch", "wgan"): -100.0}))))
    fid = {(pair.one, pair.other): pair for pair in pairs if pair.label == "FID"}
    assert (fid["batch", "none"].equal, fid["batch", "none"].better.middle) == (("minimax", "hinge"), 1)
    assert fid["batch", "none"].significant
    assert (fid["minimax", "hinge"].equal, fid["minimax", "hinge"].better.middle) == (("batch", "none"), 0.5)
    assert (fid["minimax", "wgan"].equal, fid["minimax", "wgan"].better.middle) == (("batch",), 1), (
        "failed runs are worst"
    )
    assert fid["batch", "none"].corrected_p == pytest.approx(4 * fid["batch", "none"].p), "Holm's correction of 4 pairs"
    norms, losses, of_batch = axis_tables(pairs)
    assert norms.caption.endswith("on mnist, averaged over minimax and hinge (95 % interval; corrected p)")
    assert norms.head == ["the first", "the second", "FID", "a mode is missing"]
    (row,) = norms.rows
    assert row[:2] == ["batch", "none"]
    assert row[2].startswith("better, 100 % (")
    assert row[3].startswith("0 of 14 and 14 of 14 runs: better, 100 % (")
    (row,) = losses.rows
    assert row[2].startswith("undecided, 50 % (")
    assert row[3].startswith("7 of 14 and 7 of 14 runs: undecided, 50 % (")
    assert [row[:2] for row in of_batch.rows] == [["minimax", "wgan"], ["hinge", "wgan"]]
    assert all("7 of 14 runs have no score and rank worst" in row[2] for row in of_batch.rows)
    brief, *_ = axes_in_brief(pairs)
    assert brief.headline == "With batch, a mode is missing in 0 of 14 runs, with none in 14 of 14"
    assert brief.evidence.startswith(
        "On mnist, with minimax and hinge in turn, it is missing in 0 and 0 of 7 runs with batch, in 7 and 7 of 7 with "
    )
    assert brief.details[0].startswith("By FID, a run with batch is better than one with none in 100 % (")
    assert brief.details[0].endswith(") of pairs of seeds")
    open_ones = [dataclasses.replace(pair, corrected_p=0.5) if pair.label == "FID" else pair for pair in pairs]
    brief, *_ = axes_in_brief(open_ones)
    assert brief.details == [], "only what is shown stands beside the counts"


def test_values_that_are_better_than_the_same_ones_are_named_together() -> None:
    fids = {"x": 10.0, "y": 10.0, "z": 60.0}
    table = tidy(list(crossed({(norm, loss): fid for norm in ("a", "b") for loss, fid in fids.items()})))
    (brief,) = axes_in_brief([pair for pair in crossed_axes(table) if pair.label == "FID"])
    assert brief.headline == "by FID, x and y are better than z"
    assert brief.evidence.endswith(
        "; x is not shown to differ from y (better in 50 %, 29–71 %; p = 1; 50 % with a and 50 % with b)"
    )
    assert brief.evidence.startswith("In 100 % of pairs of seeds on mnist (intervals from 78 to 100 %; p < .0001)")
    assert brief.details[0].startswith("With a and b, in pairs of seeds a run is better by FID, x than z in 100 % (")
    assert ") and y than z in 100 % (" in brief.details[0]


def test_counts_over_other_values_stay_out_of_the_headline() -> None:
    fids = {("a", "x"): 10.0, ("b", "x"): 60.0, ("a", "y"): 10.0, ("b", "y"): 60.0, ("c", "x"): 60.0}
    missing = [pair for pair in crossed_axes(tidy(list(crossed(fids)))) if pair.counts and pair.axis == 0]
    (brief,) = axes_in_brief(
        [dataclasses.replace(pair, corrected_p=0.01) for pair in missing if "a" in (pair.one, pair.other)]
    )
    assert " with b in " in brief.headline
    assert " with c in " not in brief.headline
    assert "in 7 of 7 with c (" in brief.evidence


def test_another_outcome_is_told_where_it_says_something_else() -> None:
    fids = crossed({(norm, loss): fid for norm in ("a", "b") for loss, fid in (("x", 60.0), ("y", 70.0))})
    pairs = [pair for pair in crossed_axes(tidy(list(fids))) if pair.label == "FID" and pair.axis == 1]
    against = dataclasses.replace(pairs[0], label="coverage", better=Interval(0.1, 0.0, 0.2))
    (brief,) = axes_in_brief([*pairs, against])
    assert brief.headline == "by FID, x is better than y; by coverage, y is better than x"
    assert "; by coverage, y than x in 90 % (80–100 %; " in brief.details[0]
    (brief,) = axes_in_brief([*pairs, dataclasses.replace(pairs[0], label="coverage")])
    assert brief.headline == "by FID, x is better than y"


def test_only_missing_modes_are_counted_where_neither_method_has_anything_to_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = list(crossed({("a", "x"): 10.0, ("a", "y"): 20.0, ("b", "x"): 60.0, ("b", "y"): 70.0}))
    collapsed = {run.id for run in runs if run.params["arch.norm"] == "b"}
    monkeypatch.setattr("ganbench.results.crossed_axes.words_of_runs", lambda _: dict.fromkeys(collapsed, "COLLAPSED"))
    pairs = {(pair.label, pair.axis): pair for pair in crossed_axes(tidy(runs))}
    assert pairs["FID", 1].equal == ("a",)
    assert pairs["FID", 0].equal == ("x", "y"), "one of the two learns"
    assert pairs["a mode is missing", 1].equal == ("a", "b")


def test_a_comparison_beside_fewer_values_says_so() -> None:
    fids = {("a", "x"): 10.0, ("b", "x"): 10.0, ("a", "y"): 60.0, ("b", "y"): 60.0, ("a", "z"): 60.0}
    pairs = [pair for pair in crossed_axes(tidy(list(crossed(fids)))) if pair.label == "FID" and pair.axis == 1]
    (brief,) = axes_in_brief(pairs)
    assert brief.details[0].startswith("With a and b, in pairs of seeds a run is better by FID, x than y in 100 % (")
    assert "; with a alone)" in brief.details[0]


def test_no_value_is_ahead_where_none_is_shown_to_be_better_or_its_effect_reverses() -> None:
    equal = crossed_axes(tidy(list(crossed(dict.fromkeys([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], 10.0)))))
    assert axes_in_brief(equal) == []
    assert undecided_pairs(equal) == ["4 of 4 comparisons on mnist are undecided: 2 by FID and 2 by missing modes"]
    reversing = {("a", "x"): 10.0, ("a", "y"): 40.0, ("b", "x"): 30.0, ("b", "y"): 20.0}
    assert axes_in_brief(crossed_axes(tidy(list(crossed(reversing))))) == []


def test_an_axis_whose_effect_reverses_is_said_to_differ() -> None:
    values = {("batch", "minimax"): 10.0, ("batch", "hinge"): 40.0, ("none", "minimax"): 30.0, ("none", "hinge"): 20.0}
    norms, _ = axis_tables(crossed_axes(tidy(list(crossed(values)))))
    assert norms.rows[0][2].startswith("reverses, 50 % (")
    assert norms.rows[0][2].endswith("), 100 % with minimax and 0 % with hinge")


def test_more_real_images_are_said_beside_an_axis() -> None:
    table = tidy(list(crossed({("a", "x"): 10.0, ("a", "y"): 60.0, ("b", "x"): 10.0, ("b", "y"): 60.0})))
    assert not any("real images" in word for each in axis_tables(crossed_axes(table)) for word in each.head)
    table.loc[table["loss"] == "x", "images"] *= 2
    norms, losses = axis_tables(crossed_axes(table))
    assert "real images" not in norms.head[-1]
    assert losses.head[-1] == "real images, as a multiple of the second's"
    assert (losses.rows[0][:2], losses.rows[0][-1]) == (["x", "y"], "2")
    (brief,) = axes_in_brief([pair for pair in crossed_axes(table) if pair.label == "FID"])
    beside = "; having seen 2 times as many real images)"
    assert brief.evidence.endswith(beside)
    assert brief.details[0].endswith(beside)
    seen = [dataclasses.replace(pair, images=2.0) for pair in crossed_axes(table) if pair.label == "FID"]
    clause = "; some having seen more real images)"
    assert _all_together(seen).endswith(clause)
    assert clause not in _all_together([dataclasses.replace(pair, images=0.5) for pair in seen])


def test_runs_without_a_score_are_counted_in_sentences_about_axes_and_factors() -> None:
    (norms,) = axis_tables(crossed_axes(tidy(list(crossed({("a", "x"): 10.0, ("b", "x"): -1.0})))))
    assert norms.rows[0][2].endswith("; 7 of 14 runs have no score and rank worst")
    table = tidy(factorial(20.0))
    known, _ = factor_sentences(table, factor_effects(table))
    assert "; 1 of 28 runs has no score and ranks worst)" in known[0]


def test_a_factor_alone_is_no_factorial_design_with_another_one() -> None:
    table = tidy([run for run in factorial(20.0) if parse_factors(run.tags.get("factors", "")) != ("R1", HOSTILE)])
    assert factor_effects(table) == []


def test_a_metric_without_any_value_has_no_effects_and_no_curve() -> None:
    table = tidy(factorial(20.0))
    table.loc[table["metric"] == "fid", "value"] = math.nan
    assert [outcome.outcome for outcome in factor_effects(table)] == ["lost"]
    doses = tidy(list(runs_of_doses()))
    doses.loc[doses["metric"] == "fid", "value"] = math.nan
    assert dose_curves(doses) == []


def test_scores_of_different_protocols_are_not_compared() -> None:
    for table, compare in (
        (tidy(factorial(20.0)), factor_effects),
        (tidy(list(runs_of_doses())), dose_curves),
        (tidy(list(crossed({("a", "x"): 10.0, ("b", "x"): 20.0}))), crossed_axes),
    ):
        assert compare(table)
        some = table["seed"] < 3
        table["protocol"] = table["protocol"].astype(str).mask(some, "another v1")
        counts = table[table["kind"] == "final"].drop_duplicates("run").assign(metric=SAMPLE_COUNT, value=1000.0)
        assert compare(typed(pd.concat([table, counts]))) == []


@pytest.mark.parametrize(("seeds", "doses", "least"), [(1, 4, 2 / 2**4), (3, 1, 0.1), (3, 2, 2 / 20**2)])
def test_few_seeds_are_never_surer_than_an_exact_test(seeds: int, doses: int, least: float) -> None:
    better, worse = np.arange(seeds, dtype=float), np.arange(seeds, dtype=float) + 100
    assert better_in_strata([(better, worse)] * doses)[1] >= least


def test_methods_with_other_names_have_no_axes() -> None:
    assert crossed_axes(tidy([*unbalanced(5, 200, 60.0), *unbalanced(1, 200, 10.0)])) == []


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


def test_seeds_that_collapsed_by_the_rule_are_counted_with_failed_ones() -> None:
    def seeds(loss: str, fids: Sequence[float], collapsed: str = "fid > 50") -> list[RunRecord]:
        runs = [record(loss, seed, fid, status="diverged" if fid < 0 else "finished") for seed, fid in enumerate(fids)]
        return [annotated(run, Annotation(loss, collapsed=collapsed)) for run in runs]

    table = tidy([*seeds("hinge", [10, 20, 60]), *seeds("minimax", [51, -1, 60]), *seeds("wgan", [1, 1, 90])])
    (counts,) = collapsed_seeds(table, method_names(table))
    assert counts.beginning == "On mnist (mlp), fid > 50 or no score in"
    assert counts.ends == ["1 of 3 seeds of each of hinge and wgan (1–91 %)", "all 3 seeds of minimax (29–100 %)"]
    (clean,) = collapsed_seeds(tidy(seeds("hinge", [10, 20, 50])), dict.fromkeys(table["run"], "hinge"))
    assert clean.beginning.endswith(", fid > 50 in")
    unmeasured = tidy(seeds("hinge", [10, 20], "kl_corrected > 1"))
    assert collapsed_seeds(unmeasured, method_names(unmeasured)) == []


def test_sheets_keep_their_colours(tmp_path: Path) -> None:
    colours = {"grey": (120, 121, 120), "red": (255, 0, 0), "blue": (0, 0, 255)}
    sheets = {name: tmp_path / f"{name}.webp" for name in colours}
    for name, file in sheets.items():
        Image.new("RGB", (32, 32), colours[name]).save(file, lossless=True)
    grey = sheet_picture([[("title", sheets["grey"])]])
    assert {pixel[1:] == pixel[:2] for pixel in set(pixels(grey))} == {True}, "a tint of WebP is no colour"
    both = set(pixels(sheet_picture([[("red", sheets["red"]), None], [("blue", sheets["blue"]), None]])))
    assert {colours["red"], colours["blue"]} <= both


def pixels(picture: Image.Image) -> list[tuple[int, int, int]]:
    red, green, blue = np.asarray(picture.convert("RGB")).reshape(-1, 3).T.tolist()
    return list(zip(red, green, blue, strict=True))
