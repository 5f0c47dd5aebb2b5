"""Reads through MLflow's client: from servers and databases, and for infrequent requests."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from ganbench.core.errors import GanbenchError
from ganbench.tracking.base import RunRecord, Status
from ganbench.tracking.metric_names import PREFIXES
from ganbench.tracking.mlflow.beside_scores import with_numbers_beside
from ganbench.tracking.mlflow.connection import connect_to_existing, seed_runs, statuses
from ganbench.tracking.mlflow.names import (
    KIND,
    RUN,
    check_experiment_name,
    deleted_experiment,
)
from ganbench.tracking.mlflow.pictures import chosen
from ganbench.tracking.mlflow.records import run_record
from ganbench.tracking.mlflow.relocation import run_folder
from ganbench.tracking.store import Store

OLDEST = "attributes.start_time ASC"


def ask_runs(store: Store, experiment: str, *, history: bool) -> list[RunRecord]:
    """Read runs through MLflow; arguments as for `reading.read_runs`.

    Raises:
        GanbenchError: there is no such store or experiment, or it was deleted in MLflow.
    """
    client = connect_to_existing(store)
    mlflow_experiment = client.get_experiment_by_name(experiment)
    if mlflow_experiment is None:
        names = ", ".join(sorted(other.name for other in client.search_experiments() if other.name != "Default"))
        raise GanbenchError(f"there is no experiment '{experiment}' in {store.label}; there are: {names or 'none'}")
    if mlflow_experiment.lifecycle_stage == "deleted":
        raise deleted_experiment(experiment)
    return [_record(client, run, history) for run in seed_runs(client, mlflow_experiment.experiment_id)]


def ask_images(
    store: Store, experiment: str, name: str, runs: Collection[str], most: int
) -> dict[str, dict[int, bytes]]:
    """Read pictures through MLflow; arguments as for `reading.read_images`."""
    pictures: dict[str, dict[int, bytes]] = {}
    client = connect_to_existing(store)
    mlflow_experiment = client.get_experiment_by_name(experiment)
    if mlflow_experiment is None:
        return pictures
    with tempfile.TemporaryDirectory() as folder:
        for run_id in sorted(set(runs)):
            query = f"tags.`{RUN}` = '{run_id}' and tags.`{KIND}` = 'seed'"
            for run in client.search_runs([mlflow_experiment.experiment_id], query, max_results=1, order_by=[OLDEST]):
                paths = [artifact.path for artifact in client.list_artifacts(run.info.run_id, "images")]
                for step, path in chosen(paths, name, most).items():
                    local = client.download_artifacts(run.info.run_id, path, folder)
                    pictures.setdefault(run_id, {})[step] = Path(local).read_bytes()
    return pictures


def read_statuses(store: Store, experiment: str) -> dict[str, Status]:
    """Return the status of every run of an experiment, by id; empty if there is no such store or experiment."""
    check_experiment_name(experiment)
    if not store.exists():
        return {}
    mlflow_experiment = connect_to_existing(store).get_experiment_by_name(experiment)
    return statuses(connect_to_existing(store), mlflow_experiment.experiment_id) if mlflow_experiment else {}


def find_run(store: Store, run_id: str) -> tuple[str, RunRecord]:
    """Find the run with this id or unique prefix; return its experiment, and the run with its whole history.

    Raises:
        GanbenchError: no run in any experiment matches, or several do.
    """
    client = connect_to_existing(store)
    if not re.fullmatch(r"[0-9a-f]{4,32}", run_id):
        raise GanbenchError(
            f"'{run_id}' is not a run id: give its 12 digits and letters from a to f, or at least the first four"
        )
    experiments = {experiment.experiment_id: experiment.name for experiment in client.search_experiments()}
    query = f"tags.`{RUN}` LIKE '{run_id}%' and tags.`{KIND}` = 'seed'"
    matching = client.search_runs(list(experiments), query, max_results=20, order_by=[OLDEST])
    ids = list(dict.fromkeys(run.data.tags[RUN] for run in matching))
    if len(ids) != 1:
        raise GanbenchError(
            f"several runs begin with '{run_id}': {', '.join(ids)}"
            if ids
            else f"there is no run '{run_id}' in {store.label}"
        )
    return experiments[matching[0].info.experiment_id], _record(client, matching[0], history=True)


def find_artifact(store: Store, experiment: str, run_id: str, path: str, folder: Path) -> Path | None:
    """Return where a run's artifact is, or None if the run doesn't have it.

    Args:
        folder: the folder to copy it to if it is on a server.

    Raises:
        GanbenchError: there is no such run.
    """
    client = connect_to_existing(store)
    ids = [found.experiment_id for found in client.search_experiments() if found.name == experiment]
    query = f"tags.`{RUN}` = '{run_id}' and tags.`{KIND}` = 'seed'"
    runs = client.search_runs(ids, query, max_results=1, order_by=[OLDEST]) if ids else []
    if not runs:
        raise GanbenchError(f"there is no run '{run_id}' in the experiment '{experiment}' of {store.label}")
    run = runs[0]
    if store.local and run.info.artifact_uri.startswith(("file:", "/")):
        local = run_folder(run.info.artifact_uri, store.artifacts(experiment)) / path
        return local if local.is_file() else None
    kept = client.list_artifacts(run.info.run_id, path.rpartition("/")[0])
    if all(artifact.path != path for artifact in kept):
        return None
    return Path(client.download_artifacts(run.info.run_id, path, str(folder)))


def _record(client: MlflowClient, run: Run, history: bool) -> RunRecord:
    if history:
        rows = [
            (metric.key, metric.step, metric.value)
            for key in run.data.metrics
            for metric in client.get_metric_history(run.info.run_id, key)
        ]
    else:
        # The last value of each metric, but all values of events, which may occur more than once.
        last_values = [metric for metric in run.data._metric_objs if not metric.key.startswith(PREFIXES["event"])]
        events = [key for key in run.data.metrics if key.startswith(PREFIXES["event"])]
        event_values = [metric for key in events for metric in client.get_metric_history(run.info.run_id, key)]
        rows = [(metric.key, metric.step, metric.value) for metric in [*last_values, *event_values]]
    return run_record(run.data.tags, run.data.params, with_numbers_beside(rows, run.data.tags, history=history))


def runs_page(store: Store, experiment: str) -> str:
    """Return the path of the experiment's runs page in the MLflow UI."""
    mlflow_experiment = connect_to_existing(store).get_experiment_by_name(experiment)
    if mlflow_experiment is None:
        return "/#/experiments"
    # Without the first parameter MLflow shows an empty page for language models; the second one opens the charts.
    parameters = "workflowType=machine_learning&compareRunsMode=CHART"
    return f"/#/experiments/{mlflow_experiment.experiment_id}/runs?{parameters}"
