"""Reading of runs: directly from a local store's tables and files if their layout is known; MLflow takes seconds."""

from __future__ import annotations

from collections.abc import Collection

from ganbench.tracking.base import RunRecord
from ganbench.tracking.mlflow.names import check_experiment_name
from ganbench.tracking.mlflow.snapshot import database_to_read
from ganbench.tracking.mlflow.sql import Needed, read_local, read_local_images
from ganbench.tracking.store import Store


def read_runs(store: Store, experiment: str, *, history: bool, needed: Needed | None = None) -> list[RunRecord]:
    """Read all seeds' runs of an experiment, oldest first; with `history` the values at every step, else the last one.

    Args:
        needed: gives the names that are needed; others, except events, may be left out.

    Raises:
        GanbenchError: there is no such store or experiment, or it was deleted in MLflow.
    """
    check_experiment_name(experiment)
    if store.local and store.exists():
        records = read_local(database_to_read(store), experiment, history=history, needed=needed)
        if records is not None:
            return records
    from ganbench.tracking.mlflow.client import ask_runs  # MLflow takes a second to import

    return ask_runs(store, experiment, history=history)


def read_images(
    store: Store, experiment: str, name: str, runs: Collection[str], most: int
) -> dict[str, dict[int, bytes]]:
    """Read pictures (PNG) of a name, by run id and step.

    At most `most` of each run are read, evenly spread over its steps and including the last; runs without pictures are
    left out.
    """
    if store.local and store.exists():
        pictures = read_local_images(database_to_read(store), store.artifacts(experiment), name, runs, most)
        if pictures is not None:
            return pictures
    from ganbench.tracking.mlflow.client import ask_images

    return ask_images(store, experiment, name, runs, most)
