"""Rankings of methods, computed from made-up runs with known answers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_where
from ganbench.results.answers import answer, sentences
from ganbench.results.compare import compare
from ganbench.results.csv_file import write_csv
from ganbench.results.ranking import Ranking, against
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


def rankings(results: pd.DataFrame, metrics: list[str]) -> list[Ranking]:
    return list(compare(results, metrics=metrics).rankings)


def by_fid(results: pd.DataFrame) -> Ranking:
    (ranking,) = rankings(results, ["fid"])
    return ranking


def test_methods_left_out_of_a_ranking_are_named_with_the_winner() -> None:
    table = study(minimax=WORSE, hinge=BETTER, dragan=[fid + 10 for fid in BETTER])
    unscored = (table["loss"] == "dragan") & (table["seed"] == 3) & (table["metric"] == "fid")
    ranking = by_fid(table[~unscored])
    assert ranking.left_out == ["dragan"]
    assert answer(ranking).startswith("hinge is better than minimax by 18 [")
    assert answer(ranking).endswith("; dragan left out, for lack of scores")


def test_winner_is_named_with_its_lead_and_otherwise_what_cannot_be_excluded() -> None:
    separate = by_fid(study(minimax=WORSE, hinge=BETTER))
    assert separate.winner == "hinge"
    assert answer(separate).startswith("hinge is better than minimax by 18 [")
    assert answer(separate).endswith("] (its seed is better in 100 % of pairs [68 – 100 %], p = 0.00016)")
    three = by_fid(study(minimax=WORSE, hinge=BETTER, dragan=[fid + 10 for fid in BETTER]))
    assert answer(three).startswith("hinge is better than every other: than dragan, the next best, by 10 [")
    alike = by_fid(study(minimax=ALIKE, hinge=BETTER, dragan=WORSE))
    assert alike.winner is None
    assert alike.lead.rivals == ("minimax",)
    pair = alike.contrast("hinge", "minimax")
    assert pair.difference.middle == -0.5
    bound = max(-pair.difference.low, pair.difference.high)
    assert answer(alike) == (
        f"no winner: hinge is not shown to be better than minimax; a difference of up to {bound:.3g} can't be excluded"
    ), "and no number of seeds, since the difference can't be distinguished from none"


def test_seeds_needed_are_given_under_a_condition() -> None:
    nearly = by_fid(study(minimax=[fid + 2.5 for fid in BETTER], hinge=BETTER))
    assert nearly.winner is None
    assert "; if the difference is as large as it looks, about " in answer(nearly)
    assert answer(nearly).endswith(" seeds of each give an even chance")


def test_higher_is_better_for_metrics_that_say_so() -> None:
    results = pd.concat(seeds("minimax", WORSE, missing=6) + seeds("hinge", BETTER), ignore_index=True)
    by_metric = {ranking.metric: ranking for ranking in rankings(results, ["modes", "fid"])}
    assert by_metric["modes"].winner == "hinge"
    assert by_metric["modes"].score(by_metric["modes"].estimates["minimax"].middle) == 4


def test_nearer_to_real_data_is_better_for_metrics_that_say_so() -> None:
    ranking = rankings(study(minimax=WORSE, hinge=BETTER), ["hq"])[0]
    assert ranking.target == 0.98
    assert ranking.estimates["hinge"].middle == pytest.approx(0.08), (
        "0.9 of generated samples and 0.98 of real ones are good"
    )


def test_failed_seeds_count_against_a_method_and_unfinished_seeds_are_ignored() -> None:
    failing = pd.concat(
        seeds("minimax", WORSE)
        + seeds("hinge", BETTER[:4])
        + [table(record("hinge", 4 + offset, 1.0, status="diverged")) for offset in range(4)],
        ignore_index=True,
    )
    ranking = by_fid(failing)
    assert ranking.estimates["hinge"].middle == math.inf, "half of its seeds failed"
    assert ranking.winner is None or ranking.winner == "minimax"
    assert "fid: hinge has no finite value: 4 of 8 seeds have no score, more than a quarter" in sentences([ranking])
    with_stopped = pd.concat([study(minimax=WORSE, hinge=BETTER), table(record("hinge", 9, 1.0, status="stopped"))])
    assert by_fid(with_stopped.reset_index(drop=True)).estimates["hinge"].seeds == 8


def test_an_interval_without_a_worse_end_is_explained() -> None:
    failed = table(record("hinge", 7, 1.0, status="diverged"))
    ranking = by_fid(pd.concat([study(minimax=WORSE, hinge=BETTER[:7]), failed], ignore_index=True))
    assert math.isfinite(ranking.estimates["hinge"].middle)
    assert ranking.estimates["hinge"].high == math.inf
    assert ranking.winner == "hinge", "one failed seed doesn't keep a method from winning"
    assert sentences([ranking])[1] == (
        "fid: the interval of hinge has no worse end: 1 of 8 seeds has no score, so more than a quarter of all its "
        "seeds may fail"
    )
    both = by_fid(pd.concat([study(minimax=BETTER, hinge=BETTER[:7]), failed], ignore_index=True))
    assert "because of failed seeds, no difference can be excluded, however large" in answer(both)


def test_method_with_only_failed_seeds_stays_in_the_ranking() -> None:
    failed = [table(record("hinge", seed, 1.0, status="diverged")) for seed in range(8)]
    ranking = by_fid(pd.concat([study(minimax=WORSE), *failed], ignore_index=True))
    assert ranking.estimates["hinge"].failed == 8
    assert ranking.winner == "minimax"


def test_too_few_seeds_are_reported() -> None:
    few = by_fid(study(minimax=WORSE, hinge=BETTER[:3]))
    assert answer(few) == "no winner: that takes 5 seeds of each, and hinge has 3"


def test_only_runs_scored_alike_are_ranked_together() -> None:
    mixed = pd.concat(seeds("minimax", WORSE) + seeds("hinge", BETTER, samples=777.0), ignore_index=True)
    assert rankings(mixed, ["fid"]) == []
    assert rankings(study(minimax=WORSE), ["fid"]) == [], "one method has nothing to be compared with"


def test_methods_are_compared_with_a_baseline() -> None:
    ranking = by_fid(study(minimax=WORSE, hinge=BETTER, dragan=ALIKE))
    (pairs,) = against([ranking], "minimax")
    by_method = {pair.first: pair for pair in pairs}
    assert set(by_method) == {"hinge", "dragan"}
    hinge = by_method["hinge"]
    assert (hinge.probability.middle, hinge.difference.middle, hinge.seeds) == (1.0, -18.0, (8, 8))
    assert hinge.p == pytest.approx(stats.mannwhitneyu(BETTER, WORSE, method="exact").pvalue)
    assert hinge.corrected_p == min(1.0, 2 * hinge.p), "two comparisons"
    with pytest.raises(GanbenchError, match="there is no 'minmax' to compare with"):
        against([ranking], "minmax")


def test_holms_correction_is_over_all_metrics_shown_together() -> None:
    both = rankings(study(minimax=WORSE, hinge=BETTER, dragan=ALIKE), ["fid", "kl"])
    pairs = [pair for pairs in against(both, "minimax") for pair in pairs]
    assert len(pairs) == 4
    smallest = min(pairs, key=lambda pair: pair.p)
    assert smallest.corrected_p == min(1.0, 4 * smallest.p)


def test_equal_tables_give_equal_rankings() -> None:
    first, second = (by_fid(study(minimax=ALIKE, hinge=BETTER)) for _ in range(2))
    assert first == second


def test_cells_show_intervals_from_five_seeds_and_ranges_below() -> None:
    many = compare(study(hinge=BETTER), metrics=["fid"]).groups.iloc[0]
    assert many["fid_iqm"] == stats.trim_mean(BETTER, 0.25)
    assert many["fid_low"] <= many["fid_ci_low"] < many["fid_iqm"] < many["fid_ci_high"] <= many["fid_high"]
    assert with_range(many, "fid").startswith("5.5 [")
    few = compare(study(hinge=BETTER[:3]), metrics=["fid"]).groups.iloc[0]
    assert math.isnan(few["fid_iqm"])
    assert with_range(few, "fid") == "3 [2 – 4]"


def test_selection_policies_take_the_best_evaluation_or_the_mean_of_the_last() -> None:
    """Runs are evaluated at steps 10 and 20; at step 10 the FID is 1 higher."""
    results = study(minimax=[30.0], hinge=[4.0])
    best = final_scores(select(results, "best:fid"))
    fids = best[best["metric"] == "fid"].set_index("loss")["value"]
    assert fids.to_dict() == {"minimax": 30.0, "hinge": 4.0}
    assert set(best["step"]) == {20}
    modes = final_scores(select(results, "best:modes"))
    assert set(modes["step"]) == {10}, "at step 10 it had one mode more"
    assert set(modes["selection"]) == {"best:modes"}, "the selection column names the policy"
    assert set(modes["protocol"]) == {"ganbench-1 v1"}
    means = final_scores(select(results, "mean:2"))
    assert means[means["metric"] == "fid"].set_index("loss")["value"].to_dict() == {"minimax": 30.5, "hinge": 4.5}
    assert select(results, "last") is results


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("first", "there is no policy 'first'"),
        ("best:fidd", "did you mean 'fid'?"),
        ("best:mode/3", "no run has 'mode/3'"),
        ("mean:0", "how many evaluations?"),
        ("mean:x", "how many evaluations?"),
    ],
)
def test_invalid_selection_policies_raise(policy: str, message: str) -> None:
    with pytest.raises(GanbenchError) as error:
        select(study(minimax=[30.0]), policy)
    assert message in str(error.value)


def test_runs_are_filtered_by_conditions() -> None:
    results = pd.concat([study(minimax=WORSE), *seeds("hinge", BETTER, params={"train.pac": "2"})], ignore_index=True)
    assert set(filter_runs(results, parse_where(["loss=hinge"]))["loss"]) == {"hinge"}
    assert set(filter_runs(results, parse_where(["train.pac=2,seed=1|2"]))["seed"]) == {1, 2}
    penalised = study(minimax=WORSE).assign(options="penalty=r1:gamma=1; train.pac=1")
    assert set(filter_runs(penalised, parse_where(["penalty=r1"]))["run"]) == set(penalised["run"])
    some = pd.concat([penalised, *seeds("hinge", BETTER)], ignore_index=True)
    assert set(filter_runs(some, parse_where(["penalty=none"]))["loss"]) == {"hinge"}, "its runs don't have the option"
    for condition, message in (("los=hinge", "did you mean 'loss'?"), ("loss=hing", "there is hinge, minimax")):
        with pytest.raises(GanbenchError) as error:
            filter_runs(results, parse_where([condition]))
        assert message in str(error.value)


def test_compare_command_prints_ranking_baseline_and_formats(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_csv(study(minimax=WORSE, hinge=BETTER), path)

    def output_of(*flags: str) -> str:
        result = CliRunner().invoke(main, ["compare", "--from", str(path), *flags])
        assert result.exit_code == 0, result.output
        return result.output

    output = output_of("--metric", "fid", "--baseline", "minimax")
    assert "fid: hinge is better than minimax by 18 [" in output
    assert "fid: against minimax" in output
    assert "0.00016" in output, "p of eight seeds wholly apart from eight others: 2 / (16 over 8)"
    assert "8 / 8" in output
    assert "Holm's correction over all comparisons shown (1)" in output
    assert "over all comparisons shown (2)" in output_of("--metric", "fid,hq", "--baseline", "minimax")
    latex = output_of("--metric", "fid,hq", "--format", "latex")
    assert latex.startswith("\\begin{tabular}{l")
    assert latex.count("\\\\\n") >= 4
    assert "best:kl" in output_of("--metric", "kl", "--select", "best:kl", "--format", "markdown")
    assert "minimax" not in output_of("--where", "loss=hinge", "--format", "csv")


def test_metrics_with_equal_rankings_share_a_sentence_per_data_set() -> None:
    on_ring = [
        table(record(loss, seed, fid, params={"dataset": "ring", "dataset.sigma": "0.01"}))
        for loss, fids in (("minimax", WORSE[:2]), ("hinge", BETTER[:2]))
        for seed, fid in enumerate(fids)
    ]
    results = pd.concat([study(minimax=WORSE, hinge=BETTER), *on_ring], ignore_index=True)
    both_rankings = rankings(results, ["fid", "kl"])
    assert {name for ranking in both_rankings for name in ranking.losses} == {"hinge", "minimax"}
    found = sentences(both_rankings)
    assert found[0].startswith("mnist, ganbench-1 v1, 5,000 samples: fid: hinge is better than minimax by 18 [")
    assert found[-2:] == [
        "ring, ganbench-1 v1, 5,000 samples: fid, kl: no winner: that takes 5 seeds of each, and hinge has 2",
        "each of these 4 rankings is tested by itself, at 5 %: where no methods differ, a winner in at least one of "
        "them has a probability of up to 20 %",
    ]
