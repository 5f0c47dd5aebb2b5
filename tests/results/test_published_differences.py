"""Published differences between two methods, and what our runs say of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.annotation import Annotation
from ganbench.evaluation.metrics import METRICS
from ganbench.results.claims import Claim, read_claims
from ganbench.results.claims.differences import PublishedDifference, corrected, differences_here, published_differences
from ganbench.results.claims.studied import STUDIED, Studied, of_claim, read_studied, write_studied
from ganbench.results.report.claims import render_claims
from ganbench.tracking import RunRecord
from tests.results.test_loading import record
from tests.results.test_loading import table as tidy
from tests.results.test_studies import annotated

SEEDS = 7
BY_ID = {claim.id: claim for claim in read_claims()}
MINIMAX, NON_SATURATING = (BY_ID[f"lucic-et-al-mnist-mnist-{name}-gan-fid"] for name in ("mm", "ns"))
DIRECTIONS = {name: metric.direction for name, metric in METRICS.items()}
PAIR = PublishedDifference(NON_SATURATING, MINIMAX)


def seeds(
    loss: str, fid: float, params: Mapping[str, str] | None = None, dose: Mapping[str, float] | None = None
) -> Iterator[RunRecord]:
    for seed in range(SEEDS):
        yield annotated(record(loss, seed, fid + seed / 100, params=params), Annotation(loss, dose or {}))


def both(minimax: float, non_saturating: float, params: Mapping[str, str] | None = None) -> list[RunRecord]:
    return [*seeds("minimax", minimax, params), *seeds("non-saturating", non_saturating, params)]


def claim(value: float, spread: float = float("nan"), kind: str = "none", metric: str = "fid") -> Claim:
    return dataclasses.replace(MINIMAX, value=value, spread=spread, spread_kind=kind, runs=10, metric=metric)


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (claim(9.0), claim(9.1), True),  # no spread: any difference counts
        (claim(9.0, 2.0, "ci95"), claim(10.0, 2.0, "ci95"), False),
        (claim(9.0, 2.0, "unknown"), claim(10.0, 2.0, "unknown"), False),
        (claim(9.0, 0.5, "ci95"), claim(10.0, 0.5, "ci95"), True),
        (claim(9.0), claim(9.0), False),
    ],
)
def test_a_published_difference_is_beyond_the_papers_spreads(one: Claim, other: Claim, differ: bool) -> None:
    for pair in ([one, other], [other, one]):
        found = published_differences(pair, DIRECTIONS)
        assert [(each.better, each.worse) for each in found] == ([(one, other)] if differ else [])


def test_the_better_one_is_found_by_the_metrics_direction_and_only_within_a_table() -> None:
    fewer, more = claim(3.0, metric="modes"), claim(8.0, metric="modes")
    assert published_differences([fewer, more], DIRECTIONS) == [PublishedDifference(more, fewer)]
    assert published_differences([claim(9.0), dataclasses.replace(claim(10.0), place="Table 9")], DIRECTIONS) == []
    assert published_differences([claim(9.0), dataclasses.replace(claim(10.0), loss="")], DIRECTIONS) == []
    assert published_differences([claim(0.9, metric="hq"), claim(0.5, metric="hq")], DIRECTIONS) == [], (
        "best at the paper's value"
    )
    assert PAIR in published_differences(read_claims(), DIRECTIONS)


@pytest.mark.parametrize(
    ("minimax", "non_saturating", "outcome"),
    [(20.0, 10.0, "reproduced"), (10.0, 20.0, "contradicted"), (10.0, 10.0, "undecided")],
)
def test_a_difference_is_reproduced_contradicted_or_undecided(
    minimax: float, non_saturating: float, outcome: str
) -> None:
    (found,) = corrected(differences_here(tidy(*both(minimax, non_saturating)), [PAIR]))
    assert (found.outcome, found.settings, found.runs, found.failed) == (outcome, 1, 2 * SEEDS, 0)
    share = {"reproduced": "100", "contradicted": "0", "undecided": "50"}[outcome]
    assert found.sentence().startswith(f"a run of NS GAN is better than one of MM GAN in {share} % of pairs (")


def test_all_comparisons_are_corrected_together() -> None:
    (found,) = differences_here(tidy(*both(20.0, 10.0)), [PAIR])
    assert corrected([found, found])[0].corrected_p == pytest.approx(2 * found.p)
    assert dataclasses.replace(found, p=0.03, corrected_p=0.06).outcome == "undecided"


def test_only_settings_that_differ_in_nothing_else_are_compared() -> None:
    apart = tidy(*seeds("minimax", 20.0, {"train.critic_lr": "0.1"}), *seeds("non-saturating", 10.0))
    assert differences_here(apart, [PAIR]) == []
    packed = tidy(*both(20.0, 10.0, {"train.pac": "2"}))
    assert differences_here(packed, [PAIR]) == [], "packing is a part that the published methods don't have"
    dose = {"train.n_generator": "5"}, {"updates": 5.0}
    assert differences_here(tidy(*seeds("minimax", 20.0, *dose), *seeds("non-saturating", 10.0, *dose)), [PAIR]) == []
    norms = tidy(*both(20.0, 10.0, {"arch.norm": "batch"}), *both(10.0, 20.0, {"arch.norm": "none"}))
    (found,) = differences_here(norms, [PAIR])
    assert (found.settings, found.chance.middle) == (2, 0.5), "each setting counts alike"


def test_of_settings_that_differ_in_their_budget_the_largest_counts() -> None:
    short = both(10.0, 20.0, {"train.steps": "500", "evaluation.every": "100"})
    long = both(20.0, 10.0, {"train.steps": "5000", "evaluation.every": "1000"})
    for runs in ([*short, *long], [*long, *short]):
        (found,) = differences_here(tidy(*runs), [PAIR])
        assert (found.settings, found.chance.middle) == (1, 1.0)


def test_methods_that_differ_in_a_named_option_are_compared() -> None:
    packed = dataclasses.replace(claim(9.0), options="train.pac=2; wrapper=batch-norm")
    single = dataclasses.replace(claim(12.0), options="train.pac=1; wrapper=batch-norm")
    (difference,) = published_differences([packed, single], DIRECTIONS)
    runs = [*seeds("minimax", 10.0, {"train.pac": "2"}), *seeds("minimax", 20.0, {"train.pac": "1"})]
    (found,) = corrected(differences_here(tidy(*runs), [difference]))
    assert (found.outcome, found.settings) == ("reproduced", 1)


def test_a_run_without_a_score_ranks_worst_and_is_said() -> None:
    diverged = annotated(record("non-saturating", 9, 1.0, status="diverged"), Annotation("non-saturating"))
    runs = [*both(20.0, 10.0), diverged]
    (found,) = corrected(differences_here(tidy(*runs), [PAIR]))
    assert found.failed == 1
    assert found.sentence().endswith("; 1 of 15 runs has no score and ranks worst)")


def test_what_is_written_into_the_package_is_read_and_shown(tmp_path: Path) -> None:
    row = Studied(NON_SATURATING.id, MINIMAX.id, "net_or_loss", "contradicted", "better in 1 % of <b>pairs</b>")
    write_studied([row], tmp_path / "studied.csv")
    assert read_studied(tmp_path / "studied.csv") == (row,)
    assert of_claim(MINIMAX.id, [row]) == [row]
    both_claims = [MINIMAX, NON_SATURATING]
    table = render_claims(both_claims, "table", 300, [row])
    assert table.count("contradicted") == 3, "beside both claims, and in a sentence"
    assert "NS GAN is better than MM GAN by fid: contradicted by our study net_or_loss, with networks, " in table
    assert "contradicted by" not in render_claims([MINIMAX], "table", 300, [row]), "the other method isn't shown"
    assert r"\<b>" in render_claims(both_claims, "markdown", studied=[row])
    assert [each["studies"] for each in json.loads(render_claims(both_claims, "json", studied=[row]))] == [
        [dataclasses.asdict(row)]
    ] * 2
    assert "contradicted" not in render_claims(both_claims, "csv", studied=[row])


def test_the_committed_outcomes_are_of_known_claims_and_the_commands_show_them() -> None:
    rows = read_studied(STUDIED)
    assert rows
    assert all({row.better, row.worse} <= {*BY_ID} for row in rows)
    assert all(row.outcome in ("reproduced", "contradicted", "undecided") for row in rows)
    listed = CliRunner().invoke(main, ["claims", "--where", "dataset=mnist"], env={"COLUMNS": "400"})
    assert all(row.evidence in listed.output for row in rows if BY_ID[row.better].dataset == "mnist")
    single = CliRunner().invoke(main, ["reproduce-claim", rows[0].better], env={"COLUMNS": "400"})
    assert rows[0].evidence in single.output
