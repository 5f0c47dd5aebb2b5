"""Which part of a method protects when the doses get larger."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from ganbench.core.annotation import Annotation
from ganbench.results.balanced_controls import balanced_controls
from ganbench.results.brief import Brief
from ganbench.results.protection import Protection, protection
from ganbench.results.protection_in_words import (
    better_in_brief,
    collapsed_in_words,
    lead_in_words,
    protecting_in_brief,
)
from ganbench.results.table import tidy
from ganbench.tracking import RunRecord
from tests.results.study_runs import HOSTILE, RATE, SEEDS, UPDATES, annotated, runs_of_doses, unbalanced
from tests.results.test_loading import record


def test_a_method_that_collapses_less_at_equal_doses_protects() -> None:
    found = {each.what: each for each in protection(tidy(list(runs_of_doses(failed=2))), "plain")}
    protects = found[UPDATES]
    counts = protects.found
    assert (protects.name, counts.doses) == (HOSTILE, (2, 5, 8))  # a dose of 1 is none
    assert (counts.collapsed, counts.total, counts.other_collapsed, counts.other_total) == (2, 21, 17, 21)
    assert protects.corrected_p < 0.001
    better = better_in_brief(protects)
    assert better is not None
    assert better.headline == f"{HOSTILE} does better than plain (2, 5 and 8 {UPDATES})"
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
        f"hinge protects (5 {UPDATES})",
        f"On mnist, {collapsed_in_words(protects)}; 90 % and 90 % of the samples are good",
        ["Balanced, 0 of 7 and 0 of 7 have fid > 50"],
    )
    words = protecting_in_brief([anyway])
    assert words is not None
    assert words.headline == f"hinge is not shown to protect (5 {UPDATES})"
    assert words.evidence.endswith(" at 5. Balanced, 0 of 7 and 7 of 7 have fid > 50"), "so it differs anyway"
    larger, full = better_in_brief(protects), better_in_brief(ahead_when_balanced)
    assert larger is not None
    assert larger.headline == f"hinge does better than minimax (5 {UPDATES})"
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
    assert brief.headline == f"hinge is not shown to protect (5 {UPDATES})"
    assert brief.details == [
        f"More even, but no fewer miss a mode: {collapsed_in_words(even)}; 90 % and 90 % of the samples are good. "
        "Balanced, 0 of 7 and 0 of 7 have fid > 50"
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
        f"hinge is not shown to protect (5 {UPDATES})",
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
    assert words.evidence.endswith("; 10 % and 20 % of the samples are good")


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


def test_a_direction_that_changes_with_the_dose_is_said() -> None:
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(2, 500, 10.0), *unbalanced(5, 200, 20.0, "hinge")]
    (changes,) = protection(tidy([*runs, *unbalanced(2, 500, 60.0, "hinge")]), "minimax")
    assert changes.found.at_each() == "0 % at 2 and 100 % at 5, so better at some and worse at others"
    (stays,) = protection(tidy([*runs, *unbalanced(2, 500, 5.0, "hinge")]), "minimax")
    assert stays.found.at_each() == "96 % at 2 and 100 % at 5"


def test_a_part_that_is_worse_is_said_to_be_so_balanced_too() -> None:
    runs = [*unbalanced(5, 200, 60.0), *unbalanced(1, 200, 10.0)]
    worse = [*unbalanced(5, 200, 90.0, "hinge"), *unbalanced(1, 200, 40.0, "hinge")]
    (hinge,) = protection(tidy([*runs, *worse]), "minimax")
    words = better_in_brief(hinge)
    assert words is not None
    assert words.headline.startswith("hinge does worse than minimax")
    assert words.evidence.endswith("; balanced, it is in 100 %")


def test_more_collapsed_runs_are_no_evidence_for_protection() -> None:
    runs = [*unbalanced(5, 200, 20.0), *unbalanced(1, 200, 10.0)]
    more = [*unbalanced(5, 200, 60.0, "hinge"), *unbalanced(1, 200, 10.0, "hinge")]
    as_many = [*unbalanced(5, 200, 20.0, "dragan"), *unbalanced(1, 200, 10.0, "dragan")]
    words = protecting_in_brief(protection(tidy([*runs, *more, *as_many]), "minimax"))
    assert words is not None
    assert words.evidence == "On mnist, no part has fewer runs with fid > 50 than minimax"
    assert words.details == [
        "Runs with fid > 50: hinge in 7 of 7 (0 of 7; p = 0.0012) and dragan in 0 of 7 (0 of 7; p = 1)"
    ]
