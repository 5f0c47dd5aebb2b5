"""MLflow as the tracker. The only file that imports it.

Metrics carry a timestamp that follows from the step, so that logging an evaluation again after a kill writes the very
rows that are there, which the store drops.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

# Both must be set before the import: they are read there.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")

import filelock
from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME, MLFLOW_SOURCE_NAME
from sqlalchemy.exc import SQLAlchemyError

from ganbench.errors import GanbenchError
from ganbench.track import RunHead, RunRecord, Status
from ganbench.track.store import Store

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

RUN, GROUP, STATUS, KIND = "ganbench.run", "ganbench.group", "ganbench.status", "ganbench.kind"
SEED, ENDED_AT = "ganbench.seed", "ganbench.ended-at"
MLFLOW_STATUS: Mapping[Status, str] = {
    "finished": "FINISHED",
    "collapsed": "FINISHED",
    "diverged": "FAILED",
    "stopped": "KILLED",
}
MOST_METRICS_A_BATCH = 1000

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


class MlflowTracker:
    """An experiment of an MLflow store."""

    def __init__(self, store: Store, experiment: str) -> None:
        check_experiment_name(experiment)
        if store.local:
            store.prepare()
        self._client = _connect(store)
        self._experiment = _find_or_create(self._client, store, experiment)

    def status(self, run_id: str) -> Status | None:
        run = self._find(run_id, "seed")
        return None if run is None else cast(Status, run.data.tags[STATUS])

    def open(self, run: RunHead, group: RunHead) -> MlflowRunLog:
        parent = self._find_or_begin(group, {KIND: "group", GROUP: group.id})
        seed = self._find_or_begin(
            run, {KIND: "seed", GROUP: group.id, MLFLOW_PARENT_RUN_ID: parent.info.run_id, SEED: run.tags["seed"]}
        )
        return MlflowRunLog(self._client, seed)

    def discard(self, run_id: str) -> None:
        run = self._find(run_id, "seed")
        if run is not None:
            self._client.delete_run(run.info.run_id)

    def close_group(self, group_id: str, status: Status) -> None:
        parent = self._find(group_id, "group")
        if parent is not None and parent.info.status != MLFLOW_STATUS[status]:
            self._client.set_tag(parent.info.run_id, STATUS, status)
            self._client.set_terminated(parent.info.run_id, MLFLOW_STATUS[status])

    def _find(self, run_id: str, kind: str) -> Run | None:
        query = f"tags.`{RUN}` = '{run_id}' and tags.`{KIND}` = '{kind}'"
        found = self._client.search_runs([self._experiment], query, max_results=1)
        return found[0] if found else None

    def _find_or_begin(self, head: RunHead, tags: Mapping[str, str]) -> Run:
        run = self._find(head.id, tags[KIND])
        facts = {**{f"ganbench.{name}": value for name, value in head.tags.items()}, **tags, STATUS: "running"}
        if run is None:
            run = self._client.create_run(
                self._experiment,
                tags={RUN: head.id, MLFLOW_RUN_NAME: head.title, MLFLOW_SOURCE_NAME: "ganbench", **facts},
                run_name=head.title,
            )
        else:
            self._client.update_run(run.info.run_id, status="RUNNING")
        # Written for a run that was there as well: the process that began it may have been killed before this line.
        self._client.log_batch(
            run.info.run_id,
            params=[Param(name, str(value)) for name, value in head.params.items()],
            tags=[RunTag(name, value) for name, value in facts.items()],
        )
        return run


class MlflowRunLog:
    """One MLflow run that is being written."""

    def __init__(self, client: MlflowClient, run: Run) -> None:
        self._client = client
        self._id = run.info.run_id
        self._began = run.info.start_time

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        rows = [Metric(name, value, self._began + step, step) for name, value in values.items()]
        for first in range(0, len(rows), MOST_METRICS_A_BATCH):
            self._client.log_batch(self._id, metrics=rows[first : first + MOST_METRICS_A_BATCH])

    def image(self, name: str, step: int, pixels: NDArray[np.uint8]) -> None:
        # MLflow names the file after the moment, so that logging it again would show it twice.
        there = self._client.list_artifacts(self._id, "images")
        if not any(re.search(rf"/{re.escape(name)}[%+]step[%+]{step}[%+]", artifact.path) for artifact in there):
            self._client.log_image(self._id, pixels, key=name, step=step, synchronous=True)

    def figure(self, name: str, figure: Figure) -> None:
        self._client.log_figure(self._id, figure, name)

    def tags(self, values: Mapping[str, str]) -> None:
        self._client.log_batch(self._id, tags=[RunTag(f"ganbench.{name}", value) for name, value in values.items()])

    def file(self, path: Path, folder: str) -> None:
        self._client.log_artifact(self._id, str(path), folder)

    def finish(self, status: Status, step: int) -> None:
        self._client.log_batch(self._id, tags=[RunTag(STATUS, status), RunTag(ENDED_AT, str(step))])
        self._client.set_terminated(self._id, MLFLOW_STATUS[status])


def read_runs(store: Store, experiment: str, *, history: bool) -> list[RunRecord]:
    """All seeds' runs of an experiment, oldest first; with `history` every step's value, else only the last.

    Raises:
        GanbenchError: there is no such store or experiment.
    """
    check_experiment_name(experiment)
    client = _connect_to_existing(store)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        names = ", ".join(sorted(each.name for each in client.search_experiments() if each.name != "Default"))
        raise GanbenchError(f"there is no experiment '{experiment}' in {store.uri}; there are: {names or 'none'}")
    return [_record(client, run, history) for run in _seed_runs(client, found)]


def read_last_images(store: Store, experiment: str, name: str) -> dict[str, bytes]:
    """By run id, the picture (PNG) of that name with the highest step; runs without one are left out."""
    pictures = {}
    with tempfile.TemporaryDirectory() as folder:
        client = _connect_to_existing(store)
        found = client.get_experiment_by_name(experiment)
        for run in _seed_runs(client, found) if found else ():
            steps = {}
            for artifact in client.list_artifacts(run.info.run_id, "images"):
                match = re.search(rf"/{re.escape(name)}[%+]step[%+](\d+)[%+].*\.png$", artifact.path)
                if match:
                    steps[int(match[1])] = artifact.path
            if steps:
                local = client.download_artifacts(run.info.run_id, steps[max(steps)], folder)
                pictures[run.data.tags[RUN]] = Path(local).read_bytes()
    return pictures


def runs_page(store: Store, experiment: str) -> str:
    """The path of the experiment's runs page within the MLflow UI."""
    found = _connect_to_existing(store).get_experiment_by_name(experiment)
    if found is None:
        return "/#/experiments"
    # The bare address of an experiment lands on an empty page for language models.
    return f"/#/experiments/{found.experiment_id}/runs?workflowType=machine_learning"


def check_experiment_name(name: str) -> None:
    """Refuse a name that isn't plain text: it becomes part of a path."""
    if not re.fullmatch(r"[\w][\w .+-]{0,99}", name):
        raise GanbenchError(f"the experiment's name '{name}' must be letters, digits, spaces and . _ + - (at most 100)")


def _seed_runs(client: MlflowClient, experiment: Experiment) -> Iterator[Run]:
    query, page = f"tags.`{KIND}` = 'seed'", None
    while True:
        part = client.search_runs(
            [experiment.experiment_id], query, ViewType.ACTIVE_ONLY, 1000, ["attributes.start_time ASC"], page
        )
        yield from part
        page = part.token
        if not page:
            return


def _record(client: MlflowClient, run: Run, history: bool) -> RunRecord:
    tags = run.data.tags
    if history:
        rows = [
            (metric.key, metric.step, metric.value)
            for key in run.data.metrics
            for metric in client.get_metric_history(run.info.run_id, key)
        ]
    else:
        # The last value of each, but every event: it may have come more than once.
        last = [metric for metric in run.data._metric_objs if not metric.key.startswith("event/")]
        events = [key for key in run.data.metrics if key.startswith("event/")]
        told = [metric for key in events for metric in client.get_metric_history(run.info.run_id, key)]
        rows = [(metric.key, metric.step, metric.value) for metric in [*last, *told]]
    return RunRecord(
        id=tags[RUN],
        group=tags[GROUP],
        seed=int(tags[SEED]),
        status=cast(Status, tags[STATUS]),
        params=run.data.params,
        tags={name.removeprefix("ganbench."): value for name, value in tags.items() if name.startswith("ganbench.")},
        history=rows,
    )


def _connect_to_existing(store: Store) -> MlflowClient:
    if store.local and not (store.folder / _database(store)).is_file():
        raise GanbenchError(
            f"there is no store in '{store.folder}': start with `ganbench run`, or name one with --store"
        )
    return _client(store)


def _connect(store: Store) -> MlflowClient:
    if store.local:
        # Processes that open a missing database together would break its schema for good.
        with filelock.FileLock(store.folder / ".store.lock"):
            database = store.folder / _database(store)
            if not database.exists():
                _client(store).search_experiments(max_results=1)
                with closing(sqlite3.connect(database)) as connection:
                    connection.execute("PRAGMA journal_mode=WAL")
    return _client(store)


def _client(store: Store) -> MlflowClient:
    return cast(MlflowClient, _ClientInWords(store.uri))


class _ClientInWords:
    """An MlflowClient whose failures (no server, no driver, a broken database) are one line that names the store."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        with self._in_words():
            self._client = MlflowClient(uri)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            with self._in_words():
                return method(*arguments, **options)

        return call

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
            first = str(error).partition("\n")[0]
            raise GanbenchError(f"the store {self._uri} can't be used: {first}") from error


def _database(store: Store) -> str:
    return store.uri.rpartition("/")[2]


def _find_or_create(client: MlflowClient, store: Store, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            raise GanbenchError(
                f"the experiment '{name}' was deleted in MLflow: restore it there or choose another name"
            )
        return str(found.experiment_id)
    # Without a location MLflow would put artifacts into ./mlruns, wherever the command was started.
    location = (store.folder / "artifacts" / name).as_uri() if store.local else None
    try:
        return str(client.create_experiment(name, artifact_location=location))
    except GanbenchError:
        found = client.get_experiment_by_name(name)  # another process was faster
        if found is None:
            raise
        return str(found.experiment_id)
