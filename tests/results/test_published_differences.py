"""Published differences between two methods, and what our runs say of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.annotation import Annotation
from ganbench.core.formatting import number
from ganbench.evaluation.metrics import METRICS
from ganbench.results.claims import Claim, read_claims
from ganbench.results.claims.differences import (
    DifferenceHere,
    PublishedDifference,
    differences_here,
    published_differences,
)
from ganbench.results.claims.studied import STUDIED, Studied, of_claims, read_studied, write_studied
from ganbench.results.report.claims import render_claims
from ganbench.tracking import RunRecord
from tests.results.study_runs import annotated
from tests.results.test_loading import record
from tests.results.test_loading import table as tidy

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
    one, other = (dataclasses.replace(each, loss=loss) for each, loss in ((one, "minimax"), (other, "hinge")))
    for pair in ([one, other], [other, one]):
        found = published_differences(pair, DIRECTIONS)
        assert [(each.better, each.worse) for each in found] == ([(one, other)] if differ else [])


def test_the_better_one_is_found_by_the_metrics_direction_and_only_within_a_table() -> None:
    fewer, more = claim(3.0, metric="modes"), dataclasses.replace(claim(8.0, metric="modes"), loss="hinge")
    assert published_differences([fewer, more], DIRECTIONS) == [PublishedDifference(more, fewer)]
    elsewhere, unknown = dataclasses.replace(more, place="Table 9"), dataclasses.replace(more, loss="")
    assert published_differences([fewer, elsewhere], DIRECTIONS) == []
    assert published_differences([fewer, unknown], DIRECTIONS) == []
    good = [dataclasses.replace(each, metric="hq") for each in (fewer, more)]
    assert published_differences(good, DIRECTIONS) == [], "best at the value of the paper's real data"
    assert PAIR in published_differences(read_claims(), DIRECTIONS)


@pytest.mark.parametrize(
    ("minimax", "non_saturating", "outcome"),
    [(20.0, 10.0, "carries over"), (10.0, 20.0, "reverses"), (10.0, 10.0, "undecided")],
)
def test_the_order_carries_over_or_reverses_or_is_undecided(
    minimax: float, non_saturating: float, outcome: str
) -> None:
    (found,) = here(both(minimax, non_saturating))
    share = {"carries over": 1.0, "reverses": 0.0, "undecided": 0.5}[outcome]
    assert (found.outcome, found.runs, found.failed, found.studies) == (outcome, 2 * SEEDS, 0, ("study 1",))
    assert found.settings == ((share, non_saturating + 0.03, minimax + 0.03),), "medians of seven seeds"
    assert found.sentence().startswith(
        f"a run of NS GAN is better than one of MM GAN in {100 * share:.0f} % of pairs ("
    )
    medians = f"{number(non_saturating + 0.03)} against {number(minimax + 0.03)}"
    assert found.sentence().endswith(f"; medians {medians})")


def here(*studies: Sequence[RunRecord], published: PublishedDifference = PAIR) -> list[DifferenceHere]:
    return differences_here({f"study {place}": tidy(*runs) for place, runs in enumerate(studies, 1)}, [published])


def test_all_comparisons_are_corrected_together() -> None:
    one, other = differences_here({"study": tidy(*both(20.0, 10.0))}, [PAIR, PAIR])
    assert one.corrected_p == other.corrected_p == pytest.approx(2 * one.p)
    assert dataclasses.replace(one, p=0.03, corrected_p=0.06).outcome == "undecided"


SMOOTHED = [
    *seeds("minimax", 20.0, {"loss.smoothing": "0.0"}),
    *seeds("non-saturating", 10.0, {"loss.smoothing": "0.1"}),
]


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([*seeds("minimax", 20.0, {"train.critic_lr": "0.1"}), *seeds("non-saturating", 10.0)], "another rate"),
        (SMOOTHED, "an option that both losses have"),
        (both(20.0, 10.0, {"train.pac": "2"}), "packing is a part that the published methods don't have"),
        (both(20.0, 10.0, {"wrapper": "spectral-norm"}), "and so is spectral norm"),
        (both(20.0, 10.0, {"train.n_generator": "5"}), "an imbalance"),
        ([*seeds("minimax", 20.0, dose={"x": 0.1}), *seeds("non-saturating", 10.0, dose={"x": 0.1})], "a dose"),
        ([*both(20.0, 10.0), *seeds("minimax", 5.0, {"loss.own": "2"})], "which minimax is it?"),
    ],
)
def test_settings_that_differ_in_more_or_are_other_methods_are_not_compared(runs: list[RunRecord], why: str) -> None:
    assert here(runs) == [], why


def test_options_of_one_loss_alone_do_not_matter_and_each_setting_counts_alike() -> None:
    own = [*seeds("minimax", 20.0, {"loss.own": "1"}), *seeds("non-saturating", 10.0)]
    assert [found.outcome for found in here(own)] == ["carries over"]
    norms = [*both(20.0, 10.0, {"arch.norm": "batch"}), *both(10.0, 20.0, {"arch.norm": "none"})]
    (found,) = here(norms)
    assert ([share for share, _, _ in found.settings], found.chance.middle) == ([1.0, 0.0], 0.5)
    assert "on average over 2 settings: 100 % and 0 %; medians 10 against 20 and 20 against 10)" in found.sentence()


def test_settings_in_which_neither_method_learns_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [*both(20.0, 10.0, {"arch.norm": "batch"}), *both(10.0, 20.0, {"arch.norm": "none"})]
    collapsed = {run.id for run in runs if run.params["arch.norm"] == "none"}

    def end_as(fallen: set[str]) -> None:
        monkeypatch.setattr(
            "ganbench.results.claims.differences.words_of_runs", lambda _: dict.fromkeys(fallen, "COLLAPSED")
        )

    end_as(collapsed)
    (found,) = here(runs)
    assert (found.chance.middle, found.runs) == (1.0, 2 * SEEDS)
    end_as({run for run in collapsed if run.startswith("minimax")})
    (found,) = here(runs)
    assert found.runs == 4 * SEEDS, "one of the two learns"
    end_as({run.id for run in runs})
    assert here(runs) == []


def test_of_settings_that_differ_in_their_budget_the_largest_counts_in_whatever_study_it_is() -> None:
    short = both(10.0, 20.0, {"train.steps": "500", "evaluation.every": "100"})
    long = both(20.0, 10.0, {"train.steps": "5000", "evaluation.every": "1000"})
    for studies in ([[*short, *long]], [[*long, *short]], [short, long], [long, short], [long, long]):
        (found,) = here(*studies)
        assert (found.chance.middle, found.runs) == (1.0, 2 * SEEDS)


def test_methods_that_differ_in_a_named_option_are_compared_and_networks_may_be_others() -> None:
    packed = dataclasses.replace(claim(9.0), options="arch.critic_scale=0.5; train.pac=2; wrapper=batch-norm")
    single = dataclasses.replace(claim(12.0), options="arch.critic_scale=0.5; train.pac=1; wrapper=batch-norm")
    (difference,) = published_differences([packed, single], DIRECTIONS)
    for wrapper in ("none", "batch-norm"):
        runs = [
            *seeds("minimax", 10.0, {"train.pac": "2", "wrapper": wrapper}),
            *seeds("minimax", 20.0, {"train.pac": "1", "wrapper": wrapper}),
        ]
        (found,) = here(runs, published=difference)
        assert (found.outcome, len(found.settings)) == ("carries over", 1)
    networks = dataclasses.replace(
        packed, value=20.0, options="arch.critic_scale=0.25; train.pac=2; wrapper=batch-norm"
    )
    assert published_differences([packed, networks], DIRECTIONS) == [], "these differ in networks alone"


def test_penalties_of_other_strengths_are_other_methods() -> None:
    both_named = (
        dataclasses.replace(NON_SATURATING, options="penalty=r1"),
        dataclasses.replace(MINIMAX, options="penalty=r1"),
    )
    runs = [
        *seeds("non-saturating", 10.0, {"penalty": "r1:gamma=1.0"}),
        *seeds("minimax", 20.0, {"penalty": "r1:gamma=100.0"}),
    ]
    assert here(runs, published=PublishedDifference(*both_named)) == []
    plain = dataclasses.replace(MINIMAX, loss="non-saturating")
    difference = PublishedDifference(both_named[0], plain)
    weak, strong = (
        list(seeds("non-saturating", fid, {"penalty": f"r1:gamma={gamma}"}))
        for gamma, fid in ((1.0, 10.0), (9.0, 30.0))
    )
    without = list(seeds("non-saturating", 20.0, {"penalty": "none"}))
    assert here([*weak, *strong, *without], published=difference) == []
    (found,) = here([*strong, *without], published=difference)
    assert found.outcome == "reverses"


def test_a_run_without_a_score_ranks_worst_and_is_said() -> None:
    diverged = annotated(record("non-saturating", 9, 1.0, status="diverged"), Annotation("non-saturating"))
    (found,) = here([*both(20.0, 10.0), diverged])
    assert found.failed == 1
    assert found.sentence().endswith("; 1 of 15 runs has no score and ranks worst)")


def test_a_method_of_which_all_runs_failed_has_no_median() -> None:
    runs = [annotated(record("non-saturating", 9, 1.0, status="diverged"), Annotation("non-saturating"))]
    (found,) = here([*seeds("minimax", 20.0), *runs])
    assert found.chance.middle == 0
    assert "medians – against 20" in found.sentence()


def test_what_is_written_into_the_package_is_read_and_shown(tmp_path: Path) -> None:
    row = Studied(NON_SATURATING.id, MINIMAX.id, PAIR.words(), "net_or_loss", "reverses", "1 % of <b>pairs</b>")
    write_studied([row], tmp_path / "studied.csv")
    assert read_studied(tmp_path / "studied.csv") == (row,)
    for claims in ([MINIMAX], [NON_SATURATING], [MINIMAX, NON_SATURATING]):
        assert of_claims([claim.id for claim in claims], [row]) == [row]
        assert render_claims(claims, "table", 300, [row]).endswith(
            "Published: NS GAN (6.8 ± 0.5) is better than MM GAN (9.8 ± 0.9) by fid. With networks, budgets and "
            "scoring of ours (net_or_loss): reverses; 1 % of <b>pairs</b>."
        )
        assert r"\<b>" in render_claims(claims, "markdown", studied=[row])
        listed = json.loads(render_claims(claims, "json", studied=[row]))
        assert all(each["studies"] == [dataclasses.asdict(row)] for each in listed)
        assert "reverses" not in render_claims(claims, "csv", studied=[row])
    assert "Published: " not in render_claims(
        [claim(1.0)], "table", 300, [dataclasses.replace(row, better="x", worse="y")]
    )


def test_the_committed_outcomes_are_of_known_claims_and_the_commands_show_them() -> None:
    rows = read_studied(STUDIED)
    assert rows
    assert all({row.better, row.worse} <= {*BY_ID} for row in rows)
    assert all(row.outcome in ("carries over", "reverses", "undecided") for row in rows)
    shown = CliRunner().invoke(main, ["claims", "--where", "dataset=mnist"], env={"COLUMNS": "999"})
    assert all(row.evidence in shown.output for row in rows if BY_ID[row.better].dataset == "mnist")
    single = CliRunner().invoke(main, ["reproduce-claim", rows[0].better], env={"COLUMNS": "999"})
    assert rows[0].evidence in single.output
