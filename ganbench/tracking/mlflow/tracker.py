"""Writing of runs to MLflow.

The timestamp of a metric is derived from its step, so that logging an evaluation again after a kill writes identical
rows, which the store drops.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import (
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NAME,
    MLFLOW_SOURCE_NAME,
)

from ganbench.core.errors import GanbenchError
from ganbench.tracking.base import VERDICT_TAG, VERDICT_TEXT_TAG, RunInfo, Status
from ganbench.tracking.group_summary import for_description
from ganbench.tracking.mlflow.beside_scores import changed_tags, is_beside_scores
from ganbench.tracking.mlflow.connection import connect, search_runs, seed_runs, statuses
from ganbench.tracking.mlflow.names import (
    ENDED_AT,
    EXPERIMENT_KIND,
    GROUP,
    KIND,
    MODEL_TRAINING,
    RUN,
    SEED,
    STATUS,
    check_experiment_name,
    deleted_experiment,
)
from ganbench.tracking.mlflow.parent import dataset_input, log_batches, note_tags, summarize
from ganbench.tracking.mlflow.records import TAG_PREFIX
from ganbench.tracking.store import LOCK, Store
from ganbench.tracking.tag_values import TagError, status_in

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MLFLOW_STATUS: Mapping[Status, str] = {
    "finished": "FINISHED",
    "collapsed": "FINISHED",
    "diverged": "FAILED",
    "stopped": "KILLED",
}


class MlflowTracker:
    """An experiment of an MLflow store."""

    def __init__(self, store: Store, experiment: str) -> None:
        check_experiment_name(experiment)
        if store.local:
            store.prepare()
        self._client = connect(store)
        self._lock: AbstractContextManager[object] = (
            filelock.FileLock(store.folder / LOCK) if store.local else nullcontext()
        )
        self._experiment = find_or_create(self._client, store, experiment)
        self._began_group: tuple[RunInfo, Run] | None = None
        """The group whose parent run was begun last, and that run: its other seeds needn't begin it again."""

    def status(self, run_id: str) -> Status | None:
        run = self._find(run_id, "seed")
        return None if run is None else status_in(run.data.tags, STATUS)

    def statuses(self) -> dict[str, Status]:
        return statuses(self._client, self._experiment)

    def open(self, run: RunInfo, group: RunInfo) -> MlflowRunLog:
        with self._lock:  # otherwise processes that open one run at once would each create it
            if self._began_group is None or self._began_group[0] != group:
                self._began_group = group, self._find_or_begin(group, {KIND: "group", GROUP: group.id})
            parent = self._began_group[1]
            seed = self._find_or_begin(
                run, {KIND: "seed", GROUP: group.id, MLFLOW_PARENT_RUN_ID: parent.info.run_id, SEED: run.tags["seed"]}
            )
        return MlflowRunLog(self._client, seed)

    def amend(self, run_id: str) -> MlflowRunLog:
        """Open a run that has ended, to add to it; its status stays.

        Raises:
            GanbenchError: there is no such run.
        """
        run = self._find(run_id, "seed")
        if run is None:
            raise GanbenchError(f"there is no run '{run_id}' in this experiment")
        # Newer than what was there at this step: MLflow keeps the greater of two values of the same time as the latest.
        return MlflowRunLog(self._client, run, began=int(time.time() * 1000))

    def tag(self, tags_of_runs: Mapping[str, Mapping[str, str]]) -> None:
        """Set tags of runs, by run id; their statuses stay."""
        for run in seed_runs(self._client, self._experiment):
            tags = tags_of_runs.get(run.data.tags[RUN])
            if tags:
                MlflowRunLog(self._client, run).tags(tags)

    def title(self, titles: Mapping[str, str]) -> None:
        """Give runs their headings, by the ids of seeds' runs and of groups; runs that aren't there are left out."""
        for run in search_runs(self._client, self._experiment, ""):
            title = titles.get(run.data.tags.get(RUN, ""))
            if title and run.info.run_name != title:
                self._client.update_run(run.info.run_id, name=title)

    def discard(self, run_id: str) -> None:
        run = self._find(run_id, "seed")
        if run is not None:
            self._client.delete_run(run.info.run_id)

    def settle(self) -> int:
        return 0  # every write waits for its response

    def close_group(self, group_id: str, status: Status) -> None:
        with self._lock:  # in a local store; otherwise results of fewer seeds could be written last
            parent = self._find(group_id, "group")
            if parent is None:
                return
            self._began_group = None
            with suppress(TagError):  # somebody has edited it: readers say which one it is
                summarize(self._client, parent, list(seed_runs(self._client, self._experiment, group_id)))
            if parent.info.status != MLFLOW_STATUS[status]:
                self._client.set_tag(parent.info.run_id, STATUS, status)
                self._client.set_terminated(parent.info.run_id, MLFLOW_STATUS[status])

    def running_groups(self) -> set[str]:
        """Return the ids of groups whose parent run is marked as running."""
        query = f"tags.`{KIND}` = 'group' and attributes.status = 'RUNNING'"
        groups = (run.data.tags.get(GROUP) for run in search_runs(self._client, self._experiment, query))
        return {group for group in groups if group}  # somebody may have deleted the tag

    def _find(self, run_id: str, kind: str) -> Run | None:
        query = f"tags.`{RUN}` = '{run_id}' and tags.`{KIND}` = '{kind}'"
        oldest = ["attributes.start_time ASC"]
        runs = self._client.search_runs([self._experiment], query, max_results=1, order_by=oldest)
        return runs[0] if runs else None

    def _find_or_begin(self, info: RunInfo, tags: Mapping[str, str]) -> Run:
        run = self._find(info.id, tags[KIND])
        facts = {**{f"{TAG_PREFIX}{name}": value for name, value in info.tags.items()}, **tags, STATUS: "running"}
        if run is None:
            run = self._client.create_run(
                self._experiment,
                tags={RUN: info.id, MLFLOW_RUN_NAME: info.title, MLFLOW_SOURCE_NAME: "ganbench", **facts},
                run_name=info.title,
            )
        else:
            self._client.update_run(run.info.run_id, status="RUNNING")
        # Also for an existing run: the process that created it may have been killed before this line.
        self._client.log_batch(
            run.info.run_id,
            params=[Param(name, str(value)) for name, value in info.params.items()],
            tags=[RunTag(name, value) for name, value in facts.items()],
        )
        if tags[KIND] == "group" and "dataset" in info.params:
            self._client.log_inputs(run.info.run_id, [dataset_input(info.params)])
        return run


class MlflowRunLog:
    """An MLflow run that is being written."""

    def __init__(self, client: MlflowClient, run: Run, began: int | None = None) -> None:
        self._client = client
        self._id = run.info.run_id
        self._tags = dict(run.data.tags)
        self._began = run.info.start_time if began is None else began
        self._pictures: list[str] | None = None
        """Paths of the pictures that the run has, once they were asked for."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        beside = {name: value for name, value in values.items() if is_beside_scores(name)}
        changed = changed_tags(self._tags, step, beside)
        metrics = [
            Metric(name, value, self._began + step, step) for name, value in values.items() if name not in beside
        ]
        log_batches(self._client, self._id, metrics, [RunTag(name, text) for name, text in changed.items()])
        self._tags |= changed  # not after an error: they may be there or not

    def image(self, name: str, step: int, pixels: NDArray[np.uint8]) -> None:
        # MLflow puts the time into the file name, so logging a picture again would show it twice.
        pictures, self._pictures = self._list_pictures() if self._pictures is None else self._pictures, None
        if not any(re.search(rf"/{re.escape(name)}[%+]step[%+]{step}[%+]", path) for path in pictures):
            self._client.log_image(self._id, pixels, key=name, step=step, synchronous=True)
        self._pictures = [*pictures, f"/{name}%step%{step}%"]  # not after an error: the picture may be there or not

    def _list_pictures(self) -> list[str]:
        return [artifact.path for artifact in self._client.list_artifacts(self._id, "images")]

    def figure(self, name: str, figure: Figure) -> None:
        self._client.log_figure(self._id, figure, name)

    def tags(self, values: Mapping[str, str]) -> None:
        tags = [RunTag(f"{TAG_PREFIX}{name}", value) for name, value in values.items()]
        if VERDICT_TEXT_TAG in values:
            note = for_description(values.get(VERDICT_TAG, ""), values[VERDICT_TEXT_TAG])
            now = self._client.get_run(self._id).data.tags  # somebody may have written one during training
            tags += [RunTag(name, text) for name, text in note_tags(now, note).items()]
        self._client.log_batch(self._id, tags=tags)

    def file(self, path: Path, folder: str) -> None:
        self._client.log_artifact(self._id, str(path), folder)

    def finish(self, status: Status, step: int) -> None:
        # Our tag comes last, since it says that there is nothing left to do: a kill in between leaves no run RUNNING.
        self._client.set_terminated(self._id, MLFLOW_STATUS[status])
        self._client.log_batch(self._id, tags=[RunTag(STATUS, status), RunTag(ENDED_AT, str(step))])


def find_or_create(client: MlflowClient, store: Store, name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        if experiment.lifecycle_stage == "deleted":
            raise deleted_experiment(name)
        if EXPERIMENT_KIND not in experiment.tags:  # an earlier version created it
            client.set_experiment_tag(experiment.experiment_id, EXPERIMENT_KIND, MODEL_TRAINING)
        return str(experiment.experiment_id)
    # Without a location MLflow would put artifacts into ./mlruns of the current folder.
    location = store.artifacts(name).as_uri() if store.local else None
    try:
        return str(client.create_experiment(name, artifact_location=location, tags={EXPERIMENT_KIND: MODEL_TRAINING}))
    except GanbenchError:
        experiment = client.get_experiment_by_name(name)  # another process was faster
        if experiment is None:
            raise
        return str(experiment.experiment_id)
