"""The MLflow tracker on a real SQLite store."""

from __future__ import annotations

import dataclasses
import math
import multiprocessing
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from ganbench.core.annotation import Annotation
from ganbench.core.errors import GanbenchError
from ganbench.tracking import RunInfo, Status
from ganbench.tracking.annotations import annotation_from_tags, annotation_tags
from ganbench.tracking.mlflow import connection, reading
from ganbench.tracking.mlflow.names import check_experiment_name
from ganbench.tracking.mlflow.reading import read_images, read_runs
from ganbench.tracking.mlflow.sql import read_local
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store, find_store
from ganbench.tracking.update_annotations import update_annotations

GROUP = RunInfo("group1", "a group", {"loss": "x"}, {"device": "cpu"})


def head(seed: int) -> RunInfo:
    return RunInfo(f"run{seed}", f"seed {seed}", {"loss": "x", "seed": seed}, {"device": "cpu", "seed": str(seed)})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return find_store(str(tmp_path / "store"))


@pytest.mark.parametrize("first", ["client", "connection", "tracker"])
def test_mlflow_telemetry_is_disabled_before_mlflow_is_imported(first: str) -> None:
    """MLflow reads the setting on import, so it must hold for every file of ours that may import it first."""
    code = f"""
import importlib.abc, os, sys
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "mlflow":
            print(os.environ.get("MLFLOW_DISABLE_TELEMETRY"), os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES"))
            sys.stdout.flush()
            os._exit(0)  # the rest of MLflow takes seconds
sys.meta_path.insert(0, Watch())
import ganbench.tracking.mlflow.{first}
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["true", "0"]


def test_run_is_written_and_read_back(store: Store) -> None:
    tracker = MlflowTracker(store, "an experiment")
    assert tracker.status("run3") is None
    log = tracker.open(head(3), GROUP)
    log.metrics(10, {"fid": 5.5, "quick/fid": 6.5})
    log.metrics(20, {"fid": 4.5})
    log.image("samples", 10, np.zeros((8, 8), np.uint8))
    log.image("samples", 20, np.full((8, 8), 255, np.uint8))
    log.tags({"events": "missing-modes at 10"})
    assert tracker.status("run3") == "running"
    log.finish("finished", 20)
    assert tracker.status("run3") == "finished"

    (last_values,) = read_runs(store, "an experiment", history=False)
    (with_history,) = read_runs(store, "an experiment", history=True)
    assert (last_values.id, last_values.group, last_values.seed, last_values.status) == (
        "run3",
        "group1",
        3,
        "finished",
    )
    assert last_values.params["loss"] == "x"
    assert last_values.tags["device"] == "cpu"
    assert (last_values.tags["events"], last_values.tags["ended-at"]) == ("missing-modes at 10", "20")
    assert sorted(last_values.history) == [("fid", 20, 4.5), ("quick/fid", 10, 6.5)]
    assert sorted(with_history.history) == [("fid", 10, 5.5), ("fid", 20, 4.5), ("quick/fid", 10, 6.5)]


@pytest.mark.parametrize("through", ["tables", "mlflow"])
def test_pictures_are_read_back(store: Store, through: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for experiment, steps in (("an experiment", (10, 20)), ("another", (30,))):
        log = MlflowTracker(store, experiment).open(head(3), GROUP)
        for step in steps:
            log.image("samples", step, np.full((8, 8), step, np.uint8))
    if through == "mlflow":
        monkeypatch.setattr(reading, "read_local_images", lambda *_: None)
    pictures = read_images(store, "an experiment", "samples", ["run3", "run4"], 4)
    assert {run: sorted(steps) for run, steps in pictures.items()} == {"run3": [10, 20]}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures["run3"].values())
    assert read_images(store, "no experiment", "samples", ["run3"], 4) == {}


def test_logging_again_after_a_kill_duplicates_nothing(store: Store) -> None:
    for _ in range(2):
        log = MlflowTracker(store, "e").open(head(0), GROUP)
        log.metrics(10, {"fid": 5.5})
        log.image("samples", 10, np.zeros((8, 8), np.uint8))
        log.file(Path(__file__), "folder")
    (run,) = read_runs(store, "e", history=True)
    assert run.history == [("fid", 10, 5.5)]
    pictures = list((store.folder / "artifacts").rglob("*.png"))
    assert len(pictures) == 1
    with closing(sqlite3.connect(store.folder / "mlflow.db")) as database:
        assert database.execute("select count(*) from metrics").fetchone() == (1,)
        assert database.execute("select count(*) from runs").fetchone() == (2,), "the run and its parent"


def test_pictures_of_a_run_are_listed_once_and_again_after_an_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that was lost leaves the picture there; it must not be logged twice."""
    listings: list[str] = []
    list_artifacts, log_image = MlflowClient.list_artifacts, MlflowClient.log_image

    def listed(client: MlflowClient, run_id: str, path: str | None = None) -> Any:
        listings.append(run_id)
        return list_artifacts(client, run_id, path)

    def lost(*arguments: Any, **options: Any) -> None:
        log_image(*arguments, **options)
        raise OSError("the server does not answer")

    monkeypatch.setattr(MlflowClient, "list_artifacts", listed)
    log, pixels = MlflowTracker(store, "e").open(head(0), GROUP), np.zeros((8, 8), np.uint8)
    log.image("samples", 10, pixels)
    log.image("samples", 20, pixels)
    assert len(listings) == 1
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_image", lost)
        with pytest.raises(GanbenchError, match="does not answer"):
            log.image("samples", 30, pixels)
    for step in (30, 20, 40):
        log.image("samples", step, pixels)
    assert len(listings) == 2
    assert len(list((store.folder / "artifacts").rglob("*.png"))) == 4


@pytest.mark.parametrize("history", [False, True])
def test_direct_reading_equals_reading_through_mlflow(
    store: Store, history: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = MlflowTracker(store, "e")
    for seed in (1, 0, 2):
        log = tracker.open(head(seed), GROUP)
        for step in (10, 20, 30):
            log.metrics(step, {"fid": step / 7, "kl": math.nan, "quick/fid": 2.0, "train/seconds": 1.5})
        log.metrics(20, {"event/missing-modes": 1.0})
        log.metrics(30, {"event/missing-modes": 3.0})
        log.finish("finished", 30)
    tracker.open(head(3), GROUP).finish("diverged", 5)
    tracker.discard("run2")
    direct = read_runs(store, "e", history=history)
    filtered = read_runs(store, "e", history=history, needed=lambda tags: ["fid"])
    monkeypatch.setattr(reading, "read_local", lambda *_, **__: None)
    by_mlflow = read_runs(store, "e", history=history)
    assert [run.id for run in direct] == [run.id for run in by_mlflow] == ["run1", "run0", "run3"]
    for ours, theirs in zip(direct, by_mlflow, strict=True):
        # Compared as text, since NaN doesn't equal NaN.
        assert sorted(map(repr, ours.history)) == sorted(map(repr, theirs.history))
        assert dataclasses.replace(ours, history=[]) == dataclasses.replace(theirs, history=[])
    assert {name for name, _, _ in filtered[0].history} == {"fid", "event/missing-modes"}


def test_unknown_table_layouts_are_left_to_mlflow(store: Store) -> None:
    MlflowTracker(store, "e").open(head(0), GROUP).finish("finished", 20)
    database = store.folder / "mlflow.db"
    assert read_local(database, "another", history=False, needed=None) is None
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("alter table latest_metrics rename to newest_metrics")
    assert read_local(database, "e", history=False, needed=None) is None


def test_collapsed_run_is_read_back_as_collapsed(store: Store) -> None:
    tracker = MlflowTracker(store, "e")
    tracker.open(head(0), GROUP).finish("collapsed", 15)
    assert tracker.status("run0") == "collapsed"
    (run,) = read_runs(store, "e", history=False)
    assert (run.status, run.tags["ended-at"]) == ("collapsed", "15")
    with closing(sqlite3.connect(store.folder / "mlflow.db")) as database:
        query = "select status from runs join tags on tags.run_uuid = runs.run_uuid where tags.value = 'run0'"
        assert database.execute(query).fetchall() == [("FINISHED",)], "MLflow itself has no status for collapse"


@pytest.mark.parametrize("through", ["sql", "mlflow"])
def test_annotations_of_ended_runs_are_updated_where_they_differ(
    store: Store, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = MlflowTracker(store, "e")
    for seed, status in ((0, "finished"), (1, "diverged")):
        tracker.open(head(seed), GROUP).finish(cast(Status, status), 20)
    if through == "mlflow":
        monkeypatch.setattr(reading, "read_local", lambda *_, **__: None)
    annotation = Annotation("R1 = 'ü' | [red]", {"updates": 5}, ("R1", "R2"), ("fid", "lost"), "fid > 3")
    assert update_annotations(store, "e", {"another": Annotation("x")}) == 0
    assert update_annotations(store, "e", {GROUP.id: annotation}) == 2
    assert update_annotations(store, "e", {GROUP.id: annotation}) == 0
    tracker.open(head(2), GROUP).tags(annotation_tags(annotation))
    records = read_runs(store, "e", history=False)
    assert [annotation_from_tags(record.tags) for record in records] == [annotation] * 3
    assert [record.status for record in records] == ["finished", "diverged", "running"]
    tracker.open(head(2), GROUP)  # by `ganbench run`, which has no annotation
    assert update_annotations(store, "e", {GROUP.id: Annotation(annotation.name)}) == 3
    assert {annotation_from_tags(record.tags).label for record in read_runs(store, "e", history=False)} == {
        annotation.name
    }


def test_discarded_run_is_not_read(store: Store) -> None:
    tracker = MlflowTracker(store, "e")
    tracker.open(head(0), GROUP).finish("finished", 20)
    tracker.discard("run0")
    assert tracker.status("run0") is None
    assert read_runs(store, "e", history=False) == []


def test_artifacts_are_stored_only_in_the_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    MlflowTracker(store, "e").open(head(0), GROUP).file(Path(__file__), "folder")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(list(store.folder.rglob("test_tracker.py"))) == 1


WRITING = """
from ganbench.tracking import RunInfo
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store
run = RunInfo("run{seed}", "seed {seed}", {{}}, {{"seed": "{seed}"}})
log = MlflowTracker(find_store({folder!r}), "e").open(run, RunInfo("group1", "a group", {{}}))
log.metrics(1, {{"fid": {seed}.0}})
log.finish("finished", 20)
"""


def test_concurrent_processes_can_create_a_store_and_write_runs(store: Store) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ganbench.tracking.mlflow.tracker"])  # imported once, so that all begin at once
    # What they do is text, since to import a function of this file takes torch.
    texts = [WRITING.format(seed=seed, folder=str(store.folder)) for seed in range(3)]
    processes = [context.Process(target=exec, args=(text, {})) for text in texts]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    histories = {run.seed: run.history for run in read_runs(store, "e", history=True)}
    assert histories == {seed: [("fid", 1, float(seed))] for seed in range(3)}


def test_incomplete_store_of_a_killed_process_is_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SqlAlchemyStore", SqlAlchemyStore)  # a copy would hide what was there
    store.folder.mkdir(parents=True)
    (store.folder / ".part-mlflow.db").write_bytes(b"SQLite format 3\0 half a schema")
    (store.folder / ".part-mlflow.db-journal").write_bytes(b"and its journal")
    MlflowTracker(store, "e").open(head(0), GROUP).finish("finished", 1)
    assert [run.seed for run in read_runs(store, "e", history=False)] == [0]
    assert not list(store.folder.glob(".part-*"))


def test_missing_stores_and_experiments_are_reported(store: Store) -> None:
    with pytest.raises(GanbenchError, match="there is no store"):
        read_runs(store, "e", history=False)
    MlflowTracker(store, "mine")
    with pytest.raises(GanbenchError, match="there are: mine"):
        read_runs(store, "yours", history=False)


def test_unwritable_store_gives_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GanbenchError, match="can't be written"):
        MlflowTracker(find_store(str(tmp_path / "file")), "e")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 101, "a\nb", "a\\b"])
def test_invalid_experiment_names_are_rejected(name: str) -> None:
    with pytest.raises(GanbenchError, match="name"):
        check_experiment_name(name)


def test_store_is_found_by_folder_uri_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    default = tmp_path / "mlruns-ganbench"
    assert find_store(None) == Store(f"sqlite:///{default}/mlflow.db", default, True)
    assert find_store("x").uri == f"sqlite:///{tmp_path}/x/mlflow.db"
    assert find_store("sqlite:////data/my.db") == Store("sqlite:////data/my.db", Path("/data"), True)
    assert find_store("http://host:5000").uri == "http://host:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:5000")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert find_store(None) == Store("http://host:5000", tmp_path / "state" / "ganbench", False)


def test_checkpoint_folders_differ_by_store_and_experiment() -> None:
    here, there = find_store("a"), find_store("b")
    folders = {store.checkpoints(experiment, "g") for store in (here, there) for experiment in ("e", "f")}
    assert len(folders) == 4
    servers = {find_store(uri).checkpoints("e", "g") for uri in ("http://a", "http://b")}
    assert len(servers) == 2


def test_run_killed_while_it_is_finished_is_not_left_running(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What our tag calls finished is never opened again, so MLflow has to know by then."""
    tracker = MlflowTracker(store, "e")
    log = tracker.open(head(0), GROUP)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for write in ("log_batch", "set_terminated"):
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, write, killed)
            with pytest.raises(KeyboardInterrupt):
                log.finish("finished", 10)
        assert tracker.status("run0") == "running"
    log.finish("finished", 10)
    assert tracker.status("run0") == "finished"
