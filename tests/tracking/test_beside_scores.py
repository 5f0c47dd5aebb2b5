"""Floors, ceilings and shares of modes in the tags of runs, read as if they were metrics, which they once were."""

from __future__ import annotations

import math
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Metric

from ganbench.cli import main
from ganbench.results.csv_file import write_csv
from ganbench.results.loading import load_results
from ganbench.tracking import RunInfo, RunLog
from ganbench.tracking.mlflow import reading
from ganbench.tracking.mlflow.beside_scores import MAX_LENGTH, TAG, changed_tags, is_beside_scores, with_numbers_beside
from ganbench.tracking.mlflow.connection import connect
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store, find_store

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "store-0.1.tar.xz"
GROUP = RunInfo("group1", "a group", {"loss": "x"}, {"device": "cpu"})
RUN = RunInfo("run0", "seed 0", {"loss": "x", "seed": 0}, {"device": "cpu", "seed": "0"})
FIRST = {"quick/fid": 9.0, "quick/floor/fid": 1.5, "quick/mode/a": 0.25, "quick/sample_count": 500.0}
LAST = {**FIRST, "quick/mode/a": 0.75, "fid": 5.0, "floor/fid": 1.0, "floor_sd/fid": math.nan, "ceiling/modes": 8.0}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return find_store(str(tmp_path / "store"))


def opened(store: Store) -> RunLog:
    return MlflowTracker(store, "e").open(RUN, GROUP)


def numbers(store: Store, *, history: bool = True) -> list[str]:
    """The numbers of the run as text, since NaN doesn't equal NaN."""
    (run,) = read_runs(store, "e", history=history)
    return sorted(map(repr, run.history))


def expected(*evaluations: tuple[int, Mapping[str, float]]) -> list[str]:
    return sorted(repr((name, step, value)) for step, values in evaluations for name, value in values.items())


def write_as_earlier_versions_did(store: Store, step: int, values: Mapping[str, float]) -> None:
    client = connect(store)
    (run,) = client.search_runs(["1"], "tags.`ganbench.kind` = 'seed'")
    client.log_batch(run.info.run_id, [Metric(name, value, step, step) for name, value in values.items()])


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        *(
            ("floor/fid", True),
            ("quick/floor_sd/fid", True),
            ("extra/ceiling/vendi", True),
            ("verdict/floor/good", True),
        ),
        *(("mode/3", True), ("quick/good/3", True), ("floor/mode/3", True), ("sample_count", True)),
        *(("fid", False), ("quick/modes", False), ("verdict/good", False), ("extra/vendi", False)),
        *(("train/seconds", False), ("event/missing-modes", False)),
    ],
)
def test_scores_statistics_and_events_stay_metrics(name: str, beside: bool) -> None:
    assert is_beside_scores(name) == beside


def test_only_scores_are_metrics_and_all_numbers_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log = opened(store)
    log.metrics(10, FIRST)
    log.metrics(20, LAST)
    (run,) = connect(store).search_runs(["1"], "tags.`ganbench.kind` = 'seed'")
    assert set(run.data.metrics) == {"quick/fid", "fid"}
    for _ in ("tables", "mlflow"):
        assert numbers(store) == expected((10, FIRST), (20, LAST))
        assert numbers(store, history=False) == expected((20, LAST))
        monkeypatch.setattr(reading, "read_local", lambda *_, **__: None)


def test_store_of_an_earlier_version_and_one_of_today_read_the_same(tmp_path: Path) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    earlier, today = find_store(str(tmp_path / "store")), find_store(str(tmp_path / "today"))
    tracker = MlflowTracker(today, "ganbench")
    for run in read_runs(earlier, "ganbench", history=True):
        log = tracker.open(RunInfo(run.id, run.id, run.params, run.tags), RunInfo(run.group, run.group, {}))
        for step in sorted({step for _, step, _ in run.history}):
            log.metrics(step, {name: value for name, at, value in run.history if at == step})
        log.finish(run.status, int(run.tags["ended-at"]))
    assert not any(map(is_beside_scores, connect(today).search_runs(["1"])[0].data.metrics))
    written = {}
    for store in (earlier, today):
        for history in (True, False):
            write_csv(load_results(store, "ganbench", history=history).table, tmp_path / "results.csv")
            written[store, history] = (tmp_path / "results.csv").read_text(encoding="utf-8")
    assert written[earlier, True] == written[today, True]
    assert written[earlier, False] == written[today, False]
    assert '"good/' in written[today, True]
    options = ("--metric", "kl", "--store")
    compared = [CliRunner().invoke(main, ["compare", *options, str(one.folder)]).output for one in (earlier, today)]
    assert compared[0] == compared[1]
    assert "0.126" in compared[1]


def test_run_that_an_earlier_version_began_is_continued(store: Store) -> None:
    log = opened(store)
    write_as_earlier_versions_did(store, 10, FIRST)
    log.metrics(20, LAST)
    assert numbers(store) == expected((10, FIRST), (20, LAST))
    assert numbers(store, history=False) == expected((20, LAST))


@pytest.mark.parametrize("written", [0, 1, 2])
def test_evaluation_that_was_tracked_in_part_is_tracked_again(
    store: Store, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it was written, or its metrics without the tags, or all, but the answer was lost."""
    log = opened(store)
    log.metrics(10, FIRST)
    log_batch = MlflowClient.log_batch

    def dies(client: MlflowClient, run: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        log_batch(client, run, *([], [metrics], [metrics, params, tags])[written])
        raise OSError("killed")

    for again in (log, None):  # by the same process, and by another one
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, "log_batch", dies)
            with pytest.raises(Exception, match="killed"):
                log.metrics(20, LAST)
        log = again or opened(store)
        log.metrics(20, LAST)
        assert numbers(store) == expected((10, FIRST), (20, LAST))


def test_evaluation_takes_one_request_as_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log, requests = opened(store), list[str]()
    for name in ("log_batch", "set_tag", "get_run", "log_metric", "log_artifact", "search_runs"):
        original = getattr(MlflowClient, name)

        def counted(*arguments: Any, original: Any = original, name: str = name, **options: Any) -> Any:
            requests.append(name)
            return original(*arguments, **options)

        monkeypatch.setattr(MlflowClient, name, counted)
    log.metrics(10, FIRST)
    log.metrics(20, LAST)
    assert requests == ["log_batch", "log_batch"]


def test_numbers_are_added_to_a_run_that_has_ended(store: Store) -> None:
    log = opened(store)
    log.metrics(20, LAST)
    log.finish("finished", 20)
    for value in (2.0, 1.0):  # measured again, it is the later one that counts
        MlflowTracker(store, "e").amend("run0").metrics(20, {"extra/vendi": value, "extra/floor/vendi": value})
    assert numbers(store, history=False) == expected((20, {**LAST, "extra/vendi": 1.0, "extra/floor/vendi": 1.0}))


def test_long_runs_are_written_in_pieces_of_which_few_change() -> None:
    tags: dict[str, str] = {}
    written: list[tuple[str, int, float]] = []
    for step in range(300):
        values = {f'quick/mode/"모드",\n{mode}': mode / (step + 7) for mode in range(25)} | {"floor/fid": math.inf}
        changed = changed_tags(tags, step, values)
        assert len(changed) <= 2
        assert all(name.startswith(TAG) and len(text) <= MAX_LENGTH for name, text in changed.items())
        tags |= changed
        written += [(name, step, min(value, 1.7976931348623157e308)) for name, value in values.items()]
    assert len(tags) > 10
    assert with_numbers_beside([], tags, history=True) == written
    assert changed_tags(tags, 299, {"floor/fid": math.inf}) == {}


def test_text_that_becomes_shorter_leaves_no_piece_behind() -> None:
    names = [f"mode/{'x' * 80}{mode}" for mode in range(40)]
    tags = changed_tags({}, 1, dict.fromkeys(names, 1 / 3))
    assert len(tags) == 2
    tags |= changed_tags(tags, 1, dict.fromkeys(names, 1.0))
    assert tags[f"{TAG}1"] == ""
    assert with_numbers_beside([], tags, history=False) == [(name, 1, 1.0) for name in names]
