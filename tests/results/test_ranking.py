"""What is said about which method is better, from made-up runs with known answers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_where
from ganbench.results.compare import compare
from ganbench.results.csv_file import write_csv
from ganbench.results.ranking import Ranking, against, sentences
from ganbench.results.report.tables import with_range
from ganbench.results.selection import select
from ganbench.results.views import filter_runs, final_scores
from tests.results.test_loading import record, table


def seeds(loss: str, fids: list[float], **more: Any) -> list[pd.DataFrame]:
    return [table(record(loss, seed, fid, **more)) for seed, fid in enumerate(fids)]


def study(**methods: list[float]) -> pd.DataFrame:
    return pd.concat([part for loss, fids in methods.items() for part in seeds(loss, fids)], ignore_index=True)


WORSE, BETTER = [20.0, 21, 22, 23, 24, 25, 26, 27], [2.0, 3, 4, 5, 6, 7, 8, 9]
ALIKE = [2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]


def rankings(found: pd.DataFrame, metrics: list[str]) -> list[Ranking]:
    return list(compare(found, metrics=metrics).rankings)


def by_fid(found: pd.DataFrame) -> Ranking:
    (judged,) = rankings(found, ["fid"])
    return judged


def test_a_winner_is_named_only_where_intervals_lie_apart() -> None:
    apart = by_fid(study(minimax=WORSE, hinge=BETTER))
    assert apart.winner == "hinge"
    assert "hinge is better than every other" in apart.reason()
    close = by_fid(study(minimax=ALIKE, hinge=BETTER, dragan=WORSE))
    assert close.winner is None
    assert "no winner: the 95 % intervals of hinge and minimax overlap" in close.reason()
    assert "seeds of each would tell" in close.reason() or "as good as equal" in close.reason()


def test_more_is_better_where_the_metric_says_so() -> None:
    few = pd.concat(seeds("minimax", WORSE, missing=6) + seeds("hinge", BETTER), ignore_index=True)
    judged = {each.metric: each for each in rankings(few, ["modes", "fid"])}
    assert judged["modes"].winner == "hinge"
    assert judged["modes"].score(judged["modes"].estimates["minimax"].middle) == 4


def test_nearer_to_real_data_is_better_where_the_metric_says_so() -> None:
    judged = rankings(study(minimax=WORSE, hinge=BETTER), ["hq"])[0]
    assert judged.target == 0.98
    assert judged.estimates["hinge"].middle == pytest.approx(0.08), "0.9 of samples are good, of real ones 0.98"


def test_failed_seeds_count_against_a_method_and_unfinished_ones_not_at_all() -> None:
    failing = pd.concat(
        seeds("minimax", WORSE)
        + seeds("hinge", BETTER[:4])
        + [table(record("hinge", 4 + place, 1.0, status="diverged")) for place in range(4)],
        ignore_index=True,
    )
    judged = by_fid(failing)
    assert judged.estimates["hinge"].middle == math.inf, "half of its seeds failed"
    assert judged.winner is None or judged.winner == "minimax"
    waiting = pd.concat([study(minimax=WORSE, hinge=BETTER), table(record("hinge", 9, 1.0, status="stopped"))])
    assert by_fid(waiting.reset_index(drop=True)).estimates["hinge"].seeds == 8


def test_a_method_whose_seeds_all_failed_is_not_dropped() -> None:
    failed = [table(record("hinge", seed, 1.0, status="diverged")) for seed in range(8)]
    judged = by_fid(pd.concat([study(minimax=WORSE), *failed], ignore_index=True))
    assert judged.estimates["hinge"].failed == 8
    assert judged.winner == "minimax"


def test_too_few_seeds_are_told() -> None:
    few = by_fid(study(minimax=WORSE, hinge=BETTER[:3]))
    assert few.reason() == "no winner: that takes 6 seeds of each, and hinge has 3"


def test_only_what_was_scored_alike_is_judged_together() -> None:
    mixed = pd.concat(seeds("minimax", WORSE) + seeds("hinge", BETTER, samples=777.0), ignore_index=True)
    assert rankings(mixed, ["fid"]) == []
    assert rankings(study(minimax=WORSE), ["fid"]) == [], "one method has nothing to be compared with"


def test_against_a_baseline() -> None:
    judged = by_fid(study(minimax=WORSE, hinge=BETTER, dragan=ALIKE))
    found = {each.first: each for each in against(judged, "minimax")}
    assert set(found) == {"hinge", "dragan"}
    hinge = found["hinge"]
    assert (hinge.probability, hinge.difference, hinge.paired) == (1.0, -18.0, 8)
    assert hinge.p == stats.wilcoxon(np.array(BETTER) - np.array(WORSE)).pvalue
    assert hinge.adjusted == min(1.0, 2 * hinge.p), "two comparisons"
    with pytest.raises(GanbenchError, match="there is no 'minmax' to compare with"):
        against(judged, "minmax")


def test_the_same_table_gives_the_same_words() -> None:
    first, second = (by_fid(study(minimax=ALIKE, hinge=BETTER)) for _ in range(2))
    assert first == second


def test_cells_show_intervals_from_six_seeds_on_and_ranges_below() -> None:
    many = compare(study(hinge=BETTER), metrics=["fid"]).groups.iloc[0]
    assert many["fid_iqm"] == stats.trim_mean(BETTER, 0.25)
    assert many["fid_low"] <= many["fid_ci_low"] < many["fid_iqm"] < many["fid_ci_high"] <= many["fid_high"]
    assert with_range(many, "fid").startswith("5.5 [")
    few = compare(study(hinge=BETTER[:3]), metrics=["fid"]).groups.iloc[0]
    assert math.isnan(few["fid_iqm"])
    assert with_range(few, "fid") == "3 [2 – 4]"


def test_the_best_on_the_way_and_the_mean_of_the_last() -> None:
    """A run is scored at steps 10 and 20 on the way; at step 10 its FID is worse by 1."""
    found = study(minimax=[30.0], hinge=[4.0])
    best = final_scores(select(found, "best:fid"))
    fids = best[best["metric"] == "fid"].set_index("loss")["value"]
    assert fids.to_dict() == {"minimax": 30.0, "hinge": 4.0}
    assert set(best["step"]) == {20}
    modes = final_scores(select(found, "best:modes"))
    assert set(modes["step"]) == {10}, "where it had one mode more"
    assert set(modes["selection"]) == {"best:modes"}, "the policy is named"
    assert set(modes["protocol"]) == {"ganbench-1 v1"}
    means = final_scores(select(found, "mean:2"))
    assert means[means["metric"] == "fid"].set_index("loss")["value"].to_dict() == {"minimax": 30.5, "hinge": 4.5}
    assert select(found, "last") is found


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("first", "there is no policy 'first'"),
        ("best:fidd", "did you mean 'fid'?"),
        ("best:mode/3", "no run has 'mode/3'"),
        ("mean:0", "how many evaluations?"),
        ("mean:x", "how many evaluations?"),
    ],
)
def test_policies_that_mean_nothing(policy: str, words: str) -> None:
    with pytest.raises(GanbenchError) as told:
        select(study(minimax=[30.0]), policy)
    assert words in str(told.value)


def test_where() -> None:
    found = pd.concat([study(minimax=WORSE), *seeds("hinge", BETTER, params={"train.pac": "2"})], ignore_index=True)
    assert set(filter_runs(found, parse_where(["loss=hinge"]))["loss"]) == {"hinge"}
    assert set(filter_runs(found, parse_where(["train.pac=2,seed=1|2"]))["seed"]) == {1, 2}
    for condition, words in (("los=hinge", "did you mean 'loss'?"), ("loss=hing", "there is hinge, minimax")):
        with pytest.raises(GanbenchError) as told:
            filter_runs(found, parse_where([condition]))
        assert words in str(told.value)


def test_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_csv(study(minimax=WORSE, hinge=BETTER), path)

    def shown(*flags: str) -> str:
        done = CliRunner().invoke(main, ["compare", "--from", str(path), *flags])
        assert done.exit_code == 0, done.output
        return done.output

    told = shown("--metric", "fid", "--baseline", "minimax")
    assert "fid: hinge is better than every other" in told
    assert "fid: against minimax" in told
    assert "0.0078" in told, "p of eight pairs that all point the same way: 2 / 2⁸"
    latex = shown("--metric", "fid,hq", "--format", "latex")
    assert latex.startswith("\\begin{tabular}{l")
    assert latex.count("\\\\\n") >= 4
    assert "best:kl" in shown("--metric", "kl", "--select", "best:kl", "--format", "markdown")
    assert "minimax" not in shown("--where", "loss=hinge", "--format", "csv")


def test_a_sentence_for_metrics_of_which_the_same_is_known_and_names_that_tell_methods_on_one_data_set_apart() -> None:
    other = [
        table(record(loss, seed, fid, params={"dataset": "ring", "dataset.sigma": "0.01"}))
        for loss, fids in (("minimax", WORSE[:2]), ("hinge", BETTER[:2]))
        for seed, fid in enumerate(fids)
    ]
    both = pd.concat([study(minimax=WORSE, hinge=BETTER), *other], ignore_index=True)
    ranked = rankings(both, ["fid", "kl"])
    assert {name for each in ranked for name in each.losses} == {"hinge", "minimax"}
    assert sentences(ranked) == [
        "mnist, ganbench-1 v1, 5,000 samples: fid, kl: hinge is better than every other: "
        "its 95 % interval overlaps none of theirs",
        "ring, ganbench-1 v1, 5,000 samples: fid, kl: no winner: that takes 6 seeds of each, and hinge has 2",
    ]
