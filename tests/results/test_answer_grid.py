"""The grid of answers: a mark for each method and metric, which agrees with the ranking and its sentence."""

from __future__ import annotations

import pandas as pd

from ganbench.results.answer_grid import BETTER, OPEN, TOO_FEW, UNRANKED, WORSE, answer_grids
from ganbench.results.answers import answer
from ganbench.results.compare import compare
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
