"""Two crossed axes: each is compared with the other one held equal."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from ganbench.results.axis_words import _in_pairs, axes_in_brief, axis_tables, undecided_pairs
from ganbench.results.crossed_axes import crossed_axes
from ganbench.results.dose_curves import dose_curves
from ganbench.results.factor_effects import factor_effects
from ganbench.results.factor_sentences import factor_sentences
from ganbench.results.inference import Interval
from ganbench.results.table import tidy, typed
from ganbench.tracking.metric_names import SAMPLE_COUNT
from tests.results.study_runs import crossed, factorial, runs_of_doses, unbalanced


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
    assert brief.evidence.startswith(
        "On mnist, one run is better than the other in 100 % of pairs (intervals from 78 to 100 %; p < .0001); "
    )
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


def test_another_outcome_is_told_where_it_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    fids = crossed({(norm, loss): fid for norm in ("a", "b") for loss, fid in (("x", 60.0), ("y", 70.0))})
    pairs = [pair for pair in crossed_axes(tidy(list(fids))) if pair.label == "FID" and pair.axis == 1]
    against = dataclasses.replace(pairs[0], label="coverage", better=Interval(0.1, 0.0, 0.2))
    (brief,) = axes_in_brief([*pairs, against])
    assert brief.headline == "by FID, x is better than y"
    assert "; by coverage, y is better than x, in 90 % of pairs (80–100 %; p < .0001)" in brief.evidence
    assert "; by coverage, y than x in 90 % (80–100 %; " in brief.details[0]
    (brief,) = axes_in_brief([*pairs, dataclasses.replace(pairs[0], label="coverage")])
    assert brief.headline == "by FID, x is better than y"
    assert "undecided" not in brief.evidence
    open_one = dataclasses.replace(pairs[0], label="coverage, best", corrected_p=0.2, beside=())
    monkeypatch.setattr("ganbench.results.crossed_axes.reverses", lambda beside: False)
    (brief,) = axes_in_brief([*pairs, open_one])
    assert brief.evidence.endswith("; by coverage, undecided")


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
    assert brief.headline == "by FID, x is better than y and z"
    assert "; some not with all of a and b)" in brief.evidence


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
    clause = "; some having seen more real images;"
    assert clause in _in_pairs(seen, seen[0].equal)
    assert clause not in _in_pairs([dataclasses.replace(pair, images=0.5) for pair in seen], seen[0].equal)


def test_runs_without_a_score_are_counted_in_sentences_about_axes_and_factors() -> None:
    (norms,) = axis_tables(crossed_axes(tidy(list(crossed({("a", "x"): 10.0, ("b", "x"): -1.0})))))
    assert norms.rows[0][2].endswith("; 7 of 14 runs have no score and rank worst")
    table = tidy(factorial(20.0))
    known, _ = factor_sentences(table, factor_effects(table))
    assert "; 1 of 28 runs has no score and ranks worst)" in known[0]


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


def test_methods_with_other_names_have_no_axes() -> None:
    assert crossed_axes(tidy([*unbalanced(5, 200, 60.0), *unbalanced(1, 200, 10.0)])) == []
