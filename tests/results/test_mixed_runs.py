"""Experiments that mix what can't be mixed, and runs of earlier versions: nothing is silently wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from ganbench.core.errors import GanbenchError
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.incomplete_seeds import incomplete_counts
from ganbench.results.report.representatives import choose
from ganbench.results.report.sections.base import method_names
from ganbench.results.selection import select
from ganbench.results.views import final_scores, headline, mode_counts
from ganbench.tracking import RunRecord
from ganbench.tracking.metric_facts import METRIC_TAGS, MetricFacts, RunMetrics
from tests.results.test_loading import record, table


def earlier(run: RunRecord, tags: dict[str, str] | None = None) -> RunRecord:
    """The run as an earlier version tracked it, without the facts of its metrics."""
    kept = {name: word for name, word in run.tags.items() if name not in METRIC_TAGS}
    return dataclasses.replace(run, tags=kept | (tags or {}))


def with_numbers(run: RunRecord, *numbers: tuple[str, float]) -> RunRecord:
    return dataclasses.replace(run, history=[*run.history, *((name, 20, value) for name, value in numbers)])


def described(run: RunRecord, metrics: RunMetrics) -> RunRecord:
    return dataclasses.replace(run, tags={**run.tags, **metrics.tags()})


def test_extra_metric_of_an_earlier_run_leaves_headline_and_mode_count_alone() -> None:
    runs = [earlier(record("minimax", seed, 9.0, without=["fid", "modes_strict"])) for seed in (0, 1)]
    extra = RunMetrics(extra={"modes_strict": MetricFacts("higher", "modes covered")}).extra_tag()
    rescored = dataclasses.replace(with_numbers(runs[0], ("extra/modes_strict", 3.0)), tags={**runs[0].tags, **extra})
    both = table(rescored, runs[1])
    assert headline(final_scores(both)) == ["modes", "hq", "kl"]
    assert set(mode_counts(final_scores(both))["metric"]) == {"modes"}
    (sentence,) = incomplete_counts(both, method_names(both))
    assert sentence.ends[0].startswith("none of 2 seeds")


def test_directions_of_a_plugin_metric_in_an_earlier_store_still_rank() -> None:
    def seeds(loss: str, values: Sequence[float]) -> list[RunRecord]:
        runs = [with_numbers(record(loss, seed, 1.0), ("my-metric", value)) for seed, value in enumerate(values)]
        return [earlier(run, {"directions": "fid=lower,my-metric=higher"}) for run in runs]

    compared = compare(table(*seeds("hinge", range(6)), *seeds("minimax", range(100, 106))), metrics=["my_metric"])
    (ranking,) = compared.rankings
    assert ranking.winner == "minimax"
    assert compared.labels["my_metric"] == "my metric"


def test_hyphens_in_the_facts_of_a_metric_are_read_as_in_its_numbers() -> None:
    metrics = RunMetrics({"my-metric": MetricFacts("lower", "mine")}, ["my-metric"])
    run = described(with_numbers(record("minimax", 0, 1.0), ("my-metric", 2.0)), metrics)
    assert compare(table(run)).metrics == ("my_metric",)


def test_each_run_keeps_its_own_facts_about_many_metrics() -> None:
    names = [f"metric_{number}" for number in range(90)]
    runs: list[RunRecord] = []
    expected: dict[tuple[int, str], tuple[str, str]] = {}
    for seed, direction in enumerate(("lower", "higher", "real")):
        facts = {name: MetricFacts(direction, f"{name} of {seed}") for name in names}
        expected |= {(seed, name): (direction, fact.label) for name, fact in facts.items()}
        run = with_numbers(record("minimax", seed, 1.0), *((name, 1.0) for name in names))
        runs.append(described(run, RunMetrics(facts, names[:2])))
    scores = final_scores(table(*runs))
    read = {(row.seed, row.metric): (row.direction, row.label) for row in scores.itertuples() if row.metric in names}
    assert read == expected


def test_group_that_diverged_under_another_protocol_is_not_ranked_with_the_others() -> None:
    scored = [record("minimax", seed, 9.0) for seed in range(6)]
    failed = [record("hinge", seed, 1.0, status="diverged", protocol="other v1") for seed in range(6)]
    compared = compare(table(*scored, *failed))
    assert compared.rankings == ()
    assert compared.groups.set_index("loss").loc["hinge", "protocol"] == ""


def test_runs_whose_protocol_counts_no_modes_have_lost_none() -> None:
    counted = [record("minimax", seed, 9.0) for seed in (0, 1)]
    without = [described(record("hinge", seed, 9.0), RunMetrics({}, ["fid"])) for seed in (0, 1)]
    both = table(*counted, *without)
    (sentence,) = incomplete_counts(both, method_names(both))
    assert sentence.ends == ["none of 2 seeds of minimax (0–84 %)"]


def test_nearer_to_real_is_judged_by_the_floor_of_each_run() -> None:
    def at(dataset: str, seed: int, value: float, floor: float) -> RunRecord:
        run = record("minimax", seed, 9.0, params={"dataset": dataset})
        history = [
            (name, step, floor if name.endswith("floor/hq") else value if name.endswith("hq") else number)
            for name, step, number in run.history
            if not name.endswith(("fid", "modes", "modes_strict", "kl"))
        ]
        return dataclasses.replace(run, history=history)

    one = [at("one", seed, value, 0.6) for seed, value in enumerate((0.9, 0.75, 0.61))]
    study = table(*one, at("two", 0, 0.99, 0.99))
    best, *_ = choose(study, method_names(study)).places["one", "minimax"]
    assert best == (one[2].id, "best")


def test_best_by_a_metric_without_a_floor_is_refused() -> None:
    run = record("minimax", 0, 9.0)
    history = [row for row in run.history if not row[0].endswith("floor/hq")]
    with pytest.raises(GanbenchError, match="can be compared with real data"):
        select(table(dataclasses.replace(run, history=history)), "best:hq")


def test_one_name_under_two_protocols_is_compared_by_protocol() -> None:
    two = [record("mine", seed, 9.0, protocol=f"{name} v1") for seed, name in enumerate(("a", "b"))]
    study = table(*(dataclasses.replace(run, group=run.id) for run in two))
    with pytest.raises(GanbenchError, match="group by protocol as well"):
        compare(study)
    assert sorted(compare(study, by=["loss", "protocol"]).groups["protocol"]) == ["a v1", "b v1"]


def test_metric_with_the_name_of_a_column_is_refused() -> None:
    run = described(
        with_numbers(record("minimax", 0, 9.0), ("seconds", 3.0)),
        RunMetrics({"seconds": MetricFacts("lower", "s")}, ["seconds"]),
    )
    with pytest.raises(GanbenchError, match="rename 'seconds'"):
        compare(table(run))


def test_words_that_pandas_takes_for_missing_are_names(tmp_path: Path) -> None:
    study = table(record("NA", 0, 9.0), record("None", 0, 5.0), record("null", 1, float("nan"), status="diverged"))
    write_csv(study, tmp_path / "results.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "results.csv").table, study)
