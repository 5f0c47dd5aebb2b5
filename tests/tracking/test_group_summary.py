"""Parent runs: medians over the seeds of a group and their verdicts, in whatever order and process seeds end."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from ganbench.tracking import RunInfo, Status
from ganbench.tracking.base import VERDICT_TAG, VERDICT_TEXT_TAG
from ganbench.tracking.group_summary import SeedResult, description, for_description, medians
from ganbench.tracking.metric_facts import MetricFacts, RunMetrics
from ganbench.tracking.mlflow.client import runs_page
from ganbench.tracking.mlflow.connection import connect
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store, find_store

FACTS = {"fid": MetricFacts("lower", "FID"), "modes": MetricFacts("higher", "modes"), "width": MetricFacts("real", "w")}
METRICS = RunMetrics(FACTS, ("fid", "modes"), "modes")
GROUP = RunInfo("a1", "a group", {"loss": "x", "dataset": "ring", "dataset.points": 5}, METRICS.tags())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return find_store(str(tmp_path / "store"))


def write_seed(tracker: MlflowTracker, seed: int, fid: float, status: Status = "finished") -> None:
    """Track a seed with two evaluations, or one that diverged at the second one."""
    head = RunInfo(f"r{seed}", f"seed {seed}", {**GROUP.params, "seed": seed}, {**GROUP.tags, "seed": str(seed)})
    log = tracker.open(head, GROUP)
    log.metrics(10, {"quick/fid": 10 * fid, "quick/modes": 1.0, "quick/kl": 1.0})
    if status == "diverged":
        log.tags({VERDICT_TAG: "DIVERGED", VERDICT_TEXT_TAG: "a loss was no longer finite"})
    elif status == "finished":
        log.metrics(20, {"quick/fid": fid, "fid": fid, "modes": fid, "floor/fid": 1.0})
        log.tags({VERDICT_TAG: "GOOD", VERDICT_TEXT_TAG: "sharp <b> *1*"})
    log.finish(status, 20)


def parent(store: Store) -> Run:
    client = connect(store)
    (run,) = client.search_runs(["1"], "tags.`ganbench.kind` = 'group'")
    return run


def rows(store: Store) -> list[tuple[Any, ...]]:
    """The parent's metrics as stored, in the order of their times."""
    with closing(sqlite3.connect(store.database)) as database:
        query = "select key, step, value, is_nan from metrics where run_uuid = ? order by timestamp, key, step"
        return database.execute(query, (parent(store).info.run_id,)).fetchall()


def result(seed: int, fid: float, status: Status = "finished", ended_at: int = 20, **curve: float) -> SeedResult:
    final = {} if status == "diverged" else {"fid": fid, "modes": fid, "width": fid}
    steps = {int(step.removeprefix("at")): value for step, value in curve.items()}
    return SeedResult(seed, status, ended_at, final, {"fid": steps}, "GOOD", "sharp")


@pytest.mark.parametrize(("metric", "expected"), [("fid", 3.0), ("modes", 1.0), ("width", 2.0)])
def test_diverged_seed_counts_as_worse_than_every_other(metric: str, expected: float) -> None:
    """Lower, higher, and nearer to real data is better: the median of 1, 2, 3 and two failures."""
    seeds = [result(0, 1.0), result(1, 2.0), result(2, 3.0), result(3, 0.0, "diverged"), result(4, 0.0, "diverged")]
    assert list(medians(seeds, RunMetrics(FACTS, (metric,)))) == [(f"1 median/{metric}", 0, expected)]


def test_median_is_missing_where_half_of_the_seeds_failed() -> None:
    seeds = [result(0, 1.0, at10=5.0, at20=1.0), result(1, 0.0, "diverged", at10=7.0)]
    values = {(name, step): value for name, step, value in medians(seeds, RunMetrics(FACTS, ("fid",)))}
    assert values["2 by step/fid", 10] == 6.0, "it had not diverged yet"
    assert math.isnan(values["2 by step/fid", 20])
    assert math.isnan(values["1 median/fid", 0])


def test_seed_that_was_given_up_keeps_its_last_score() -> None:
    seeds = [result(0, 1.0, at10=5.0, at20=1.0), result(1, 9.0, "collapsed", 10, at10=9.0)]
    values = {(name, step): value for name, step, value in medians(seeds, RunMetrics(FACTS, ("fid",)))}
    assert values == {("1 median/fid", 0): 5.0, ("2 by step/fid", 10): 7.0, ("2 by step/fid", 20): 5.0}


def test_description_is_cut_where_a_tag_ends() -> None:
    text = description([result(seed, 1.0) for seed in range(1000)])
    assert text.startswith("**GOOD** in 1000 of 1000 seeds\n")
    assert re.search(r"\n- and \d{3} more$", text)
    assert len(text) < 5000


def test_parent_has_the_medians_of_all_blocks_and_their_verdicts(store: Store) -> None:
    first = MlflowTracker(store, "e")
    write_seed(first, 0, 1.0)
    write_seed(first, 1, 3.0)
    first.close_group("a1", "finished")
    assert parent(store).data.metrics["1 median/fid"] == 2.0
    second = MlflowTracker(store, "e")
    write_seed(second, 2, 9.0)
    write_seed(second, 3, 0.0, "diverged")
    write_seed(second, 4, 0.0, "stopped")
    second.close_group("a1", "stopped")
    assert parent(store).info.status == "KILLED"
    assert parent(store).data.metrics["1 median/fid"] == 2.0, "until all have ended"
    write_seed(second, 4, 0.0, "diverged")
    second.close_group("a1", "finished")
    run = parent(store)
    assert run.data.metrics == {
        "1 median/fid": 9.0,
        "1 median/modes": 1.0,
        "2 by step/fid": 9.0,
        "2 by step/modes": 1.0,
    }
    text = run.data.tags["mlflow.note.content"]
    assert text.startswith("**GOOD** in 3 of 5 seeds, DIVERGED in 2\n")
    assert "- seed 0: GOOD: sharp &lt;b> \\*1\\*\n" in text
    assert run.data.tags["ganbench.verdict"] == "GOOD 3, DIVERGED 2"
    assert (run.info.status, run.data.tags["ganbench.status"]) == ("FINISHED", "finished")
    assert run.inputs is not None
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["ring"]


def test_repeated_seed_replaces_its_numbers(store: Store) -> None:
    """Also by smaller numbers: of two values of the same time MLflow keeps the greater one."""
    for fid in (5.0, 4.0):
        tracker = MlflowTracker(store, "e")
        tracker.discard("r0")
        write_seed(tracker, 0, fid)
        tracker.close_group("a1", "finished")
        assert parent(store).data.metrics["1 median/fid"] == fid


def test_medians_that_stay_are_not_logged_again(store: Store) -> None:
    for _ in range(2):
        tracker = MlflowTracker(store, "e")
        tracker.discard("r0")
        write_seed(tracker, 0, 1.0)
        tracker.close_group("a1", "finished")
    assert len(rows(store)) == len({(key, step) for key, step, _, _ in rows(store)}) == 5


def test_group_closed_again_after_a_kill_is_as_if_it_had_not_been_killed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = MlflowTracker(store, "e")
    for seed, fid in enumerate((1.0, 3.0)):
        write_seed(tracker, seed, fid)
    writes = ("log_batch", "set_tag", "set_terminated")

    def dies(name: str, *, before: bool) -> Any:
        original = getattr(MlflowClient, name)

        def call(*arguments: Any, **options: Any) -> None:
            if not before:
                original(*arguments, **options)
            raise KeyboardInterrupt

        return call

    for name in writes:
        for before in (True, False):
            with monkeypatch.context() as patch:
                patch.setattr(MlflowClient, name, dies(name, before=before))
                with pytest.raises(KeyboardInterrupt):
                    MlflowTracker(store, "e").close_group("a1", "finished")
    MlflowTracker(store, "e").close_group("a1", "finished")
    assert parent(store).info.status == "FINISHED"
    assert [(key, step, value) for key, step, value, _ in rows(store)] == [
        ("1 median/fid", 0, 2.0),
        ("1 median/modes", 0, 2.0),
        ("2 by step/fid", 10, 20.0),
        ("2 by step/fid", 20, 2.0),
        ("2 by step/modes", 10, 1.0),
    ]


def test_description_that_somebody_wrote_is_kept(store: Store) -> None:
    tracker = MlflowTracker(store, "e")
    write_seed(tracker, 0, 1.0)
    tracker.close_group("a1", "finished")
    connect(store).set_tag(parent(store).info.run_id, "mlflow.note.content", "my own")
    write_seed(tracker, 1, 3.0)
    tracker.close_group("a1", "finished")
    assert parent(store).data.tags["mlflow.note.content"] == "my own"
    assert parent(store).data.metrics["1 median/fid"] == 2.0


def test_description_of_a_seed_that_somebody_wrote_during_training_is_kept(store: Store) -> None:
    tracker, client = MlflowTracker(store, "e"), connect(store)
    log = tracker.open(RunInfo("r0", "seed 0", {**GROUP.params, "seed": 0}, {**GROUP.tags, "seed": "0"}), GROUP)
    (run,) = client.search_runs(["1"], "tags.`ganbench.kind` = 'seed'")

    def described(verdict: str) -> str:
        log.tags({VERDICT_TAG: "GOOD", VERDICT_TEXT_TAG: verdict})
        return str(client.get_run(run.info.run_id).data.tags["mlflow.note.content"])

    assert [described("sharp"), described("blurred")] == ["GOOD: sharp", "GOOD: blurred"], "ours may be replaced"
    client.set_tag(run.info.run_id, "mlflow.note.content", "new driver from step 3000")
    assert described("sharp") == "new driver from step 3000"


def test_nothing_in_a_verdict_is_markup() -> None:
    assert for_description("**GOOD**", "a\n# b|c") == r"\*\*GOOD\*\*: a \# b\|c"


@pytest.mark.parametrize("tags", [{"ganbench.metrics": "["}, {"ganbench.ended-at": "soon"}], ids=["metrics", "step"])
def test_group_with_a_broken_tag_is_closed_without_a_summary(store: Store, tags: Mapping[str, str]) -> None:
    tracker = MlflowTracker(store, "e")
    write_seed(tracker, 0, 1.0)
    client = connect(store)
    for run in client.search_runs(["1"]):
        for name, text in tags.items():
            client.set_tag(run.info.run_id, name, text)
    tracker.close_group("a1", "finished")
    assert parent(store).info.status == "FINISHED"
    assert parent(store).data.metrics == {}


def test_seeds_of_a_group_begin_its_parent_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    original = MlflowClient.log_batch

    def log_batch(client: MlflowClient, run_id: str, *arguments: Any, **options: Any) -> None:
        written.append(run_id)
        original(client, run_id, *arguments, **options)

    monkeypatch.setattr(MlflowClient, "log_batch", log_batch)
    tracker = MlflowTracker(store, "e")
    for seed in range(3):
        write_seed(tracker, seed, 1.0)
    assert written.count(parent(store).info.run_id) == 1
    tracker.close_group("a1", "finished")
    write_seed(tracker, 3, 1.0)
    assert parent(store).info.status == "RUNNING", "another block of seeds has begun"


def test_experiment_opens_on_its_charts(store: Store) -> None:
    """Also one that an earlier version created, without the kind."""
    MlflowTracker(store, "e")
    client = connect(store)
    client.delete_experiment_tag("1", "mlflow.experimentKind")
    MlflowTracker(store, "e")
    assert client.get_experiment("1").tags == {"mlflow.experimentKind": "custom_model_development"}
    assert runs_page(store, "e").endswith("runs?workflowType=machine_learning&compareRunsMode=CHART")
