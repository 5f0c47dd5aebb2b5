"""The grid of answers: a mark for each method and metric, which agrees with the ranking and its sentence."""

from __future__ import annotations

import pandas as pd
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.results.answer_grid import (
    BASELINE,
    BETTER,
    OPEN,
    TOO_FEW,
    UNRANKED,
    WORSE,
    answer_grids,
    baseline_grids,
)
from ganbench.results.answers import answer
from ganbench.results.compare import compare
from ganbench.results.ranking import against
from tests.results.test_loading import record, table

SEEDS = range(8)


def study(*extra: tuple[str, float]) -> pd.DataFrame:
    """Methods of eight seeds each, whose FID is about the given one."""
    methods = [("minimax", 30.0), ("hinge", 10.0), *extra]
    return table(*(record(loss, seed, fid + seed / 10) for loss, fid in methods for seed in SEEDS))


def test_winner_is_marked_and_the_others_are_worse() -> None:
    comparison = compare(study(("wgan-gp", 12.0)), metrics=["fid"])
    (grid,) = answer_grids(comparison.rankings)
    assert [(name, cell.mark) for name, (cell,) in grid.rows] == [
        ("hinge", BETTER),
        ("minimax", WORSE),
        ("wgan-gp", WORSE),
    ]
    cells = {name: cell for name, (cell,) in grid.rows}
    assert cells["hinge"].sentence == f"fid: {answer(comparison.rankings[0])}"
    assert cells["minimax"].sentence.startswith("fid: hinge is better than minimax by 20 [")
    assert "its seed is better in 100 % of pairs" in cells["minimax"].sentence


def test_methods_that_are_not_told_apart_are_open() -> None:
    comparison = compare(study(("wgan-gp", 10.05)), metrics=["fid"])
    (grid,) = answer_grids(comparison.rankings)
    assert {name: cell.mark for name, (cell,) in grid.rows} == {"hinge": OPEN, "wgan-gp": OPEN, "minimax": WORSE}
    cells = {name: cell for name, (cell,) in grid.rows}
    assert cells["wgan-gp"].sentence.startswith("fid: hinge is not shown to be better than wgan-gp: it leads by 0.05 [")


def test_few_seeds_tell_nothing() -> None:
    few = table(*(record(loss, seed, fid) for loss, fid in (("minimax", 30.0), ("hinge", 10.0)) for seed in range(3)))
    (grid,) = answer_grids(compare(few, metrics=["fid"]).rankings)
    assert {cell.mark for _, (cell,) in grid.rows} == {TOO_FEW}
    assert all("takes 5 seeds of each, and " in cell.sentence for _, (cell,) in grid.rows)


def test_method_without_a_metric_is_not_ranked_by_it() -> None:
    bare = table(*(record("wgan-gp", seed, 9.0, without=["fid"]) for seed in SEEDS))
    (grid,) = answer_grids(compare(pd.concat([study(), bare]), metrics=["fid", "kl"]).rankings)
    assert grid.metrics == ["fid", "kl"]
    assert {name: cells[0].mark for name, cells in grid.rows}["wgan-gp"] == UNRANKED
    assert {name: cells[1].mark for name, cells in grid.rows}["wgan-gp"] == BETTER


def test_methods_are_compared_with_a_baseline() -> None:
    comparison = compare(study(("wgan-gp", 30.05), ("lsgan", 50.0)), metrics=["fid"])
    (grid,) = baseline_grids(comparison.rankings, "minimax")
    assert {name: cell.mark for name, (cell,) in grid.rows} == {
        "hinge": BETTER,
        "minimax": BASELINE,
        "wgan-gp": OPEN,
        "lsgan": WORSE,
    }
    cells = {name: cell for name, (cell,) in grid.rows}
    assert cells["hinge"].sentence.startswith("fid: hinge is better than minimax by 20 [")
    assert cells["lsgan"].sentence.startswith("fid: minimax is better than lsgan by 20 [")
    (pairs,) = against(comparison.rankings, "minimax")
    adjusted = {pair.first: f"p = {pair.corrected_p:.2g}" for pair in pairs}
    assert all(adjusted[name] in cells[name].sentence for name in ("hinge", "lsgan"))


def test_comparisons_with_a_baseline_are_corrected_for_their_number() -> None:
    seeds = range(5)
    methods = [("minimax", 30.0), *((f"loss {number}", 10.0) for number in range(8))]
    study_of_five = table(*(record(loss, seed, fid + seed) for loss, fid in methods for seed in seeds))
    few = compare(study_of_five[study_of_five["loss"].isin(["minimax", "loss 0"])], metrics=["fid"]).rankings
    many = compare(study_of_five, metrics=["fid"]).rankings
    marks = [
        {name: cell.mark for name, (cell,) in baseline_grids(rankings, "minimax")[0].rows}["loss 0"]
        for rankings in (few, many)
    ]
    assert marks == [BETTER, OPEN], "five seeds of each that lie wholly apart have p = 0.0079"


def test_baseline_with_few_seeds_decides_nothing_and_one_that_is_missing_is_refused() -> None:
    few = table(*(record(loss, seed, fid) for loss, fid in (("minimax", 30.0), ("hinge", 10.0)) for seed in range(3)))
    rankings = compare(few, metrics=["fid"]).rankings
    (grid,) = baseline_grids(rankings, "minimax")
    cells = {name: cell for name, (cell,) in grid.rows}
    assert cells["hinge"].mark == TOO_FEW
    assert cells["hinge"].sentence.endswith("that takes 5 seeds of each, and hinge has 3")
    with pytest.raises(GanbenchError, match="there is no 'r1' to compare with"):
        baseline_grids(rankings, "r1")
