"""Verdicts from the tidy table: tracked ones, and those that earlier versions' shares of modes allow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from ganbench.results.csv_file import read_csv
from ganbench.results.incomplete_seeds import lost_modes
from ganbench.results.report.sections.base import method_names
from ganbench.results.table import tidy
from ganbench.results.verdicts import seeds_that_lost_modes, verdict_on
from ganbench.tracking import RunRecord

SHIPPED = Path(__file__).parents[2] / "reports" / "2026-11-25_e3ef7a85ec" / "results.csv"


def record(numbers: dict[str, float], dataset: str = "ring") -> RunRecord:
    params = {"dataset": dataset, "protocol": "ganbench-1", "arch": "mlp", "loss": "minimax"}
    history = [(name, 10, value) for name, value in numbers.items()]
    return RunRecord("a1", "g1", 0, "finished", params, {"protocol": "ganbench-1 v1"}, history)


def shares(first: float, fair: bool = True) -> dict[str, float]:
    rest = (1 - first) / 3
    numbers = {"sample_count": 10_000.0}
    for mode, share in enumerate((first, rest, rest, rest)):
        numbers |= {f"mode/{mode}": share, f"good/{mode}": share}
        if fair:
            numbers[f"floor/mode/{mode}"] = 0.01 if mode == 0 else 0.33
    return numbers


def states(table: pd.DataFrame) -> Mapping[str, str] | None:
    verdict = verdict_on(table)
    assert verdict is not None
    return verdict.states


def test_tracked_fair_shares_decide_what_is_lost() -> None:
    assert states(tidy([record(shares(0.006))])) == {}
    assert states(tidy([record(shares(0.0005))])) == {"0": "lost"}


def test_earlier_runs_are_compared_with_even_shares_where_data_are_even() -> None:
    rare = shares(0.006, fair=False)
    assert states(tidy([record(rare)])) == {"0": "lost"}
    assert verdict_on(tidy([record(rare, "imbalanced-ring")])) is None


def test_tracked_verdict_is_read_back() -> None:
    numbers = {"verdict/good": 0.5, "verdict/floor/good": 0.99, "verdict/good_sd": 0.002, "verdict/lost": 2.0}
    table = tidy([record(numbers)])
    verdict = verdict_on(table)
    assert verdict is not None
    assert verdict.states is None
    assert verdict.good == (0.5, 0.99, 0.002)
    assert verdict.clauses() == ["50.0% of samples are good (real data: 99.0%)"]
    assert seeds_that_lost_modes(table).to_dict() == {"a1": True}


@pytest.mark.parametrize(
    ("method", "count"),
    [("minimax", 0), ("non-saturating", 0), ("r3gan", 0), ("wgan-gp", 5)],
)
def test_shipped_ring_study_lost_modes_by_shares_of_all_samples(method: str, count: int) -> None:
    """Counted by hand from the file: shares below .0125 of 50,000 samples, which no chance explains."""
    table = read_csv(SHIPPED).table
    of_method = table["run"].map(method_names(table)) == method
    rows = table[(table["dataset"] == "ring") & (table["kind"] == "final") & of_method]
    by_hand = rows[rows["metric"].str.startswith("mode/")].groupby("run")["value"].min() < 0.1 / 8
    lost = seeds_that_lost_modes(rows)
    assert lost.loc[by_hand.index].tolist() == by_hand.tolist()
    assert int(lost.sum()) == count


def test_report_names_seeds_that_lost_modes_with_their_interval() -> None:
    table = read_csv(SHIPPED).table
    ring = [sentence for sentence in lost_modes(table, method_names(table)) if sentence.beginning.startswith("On ring")]
    assert ring[0].beginning == "On ring (mlp), a mode is missing in"
    assert ring[0].ends[0] == "none of 10 seeds of each of minimax, non-saturating and r3gan (0–31 %)"
    assert ring[0].ends[-1] == "5 of 10 seeds of wgan-gp (19–81 %)"
