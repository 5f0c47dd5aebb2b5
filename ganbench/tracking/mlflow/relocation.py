"""Artifacts and checkpoints of a store that was moved or copied: MLflow's tables name them by absolute paths."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ganbench.tracking.store import Store, checkpoint_name

DEFAULT_EXPERIMENT = "Default"
"""MLflow's own experiment, whose artifacts it puts into ./mlruns of the current folder."""


def relocate_artifacts(connection: sqlite3.Connection, store: Store) -> None:
    """Point a database to the artifacts beside it, where it names those of another place."""
    for experiment, name, uri in _experiments(connection):
        old, new = _path(uri), _location_now(_path(uri), store.artifacts(name))
        if new != old and not _same(old, new):
            connection.execute(
                "update runs set artifact_uri = ? || substr(artifact_uri, ?) "
                "where experiment_id = ? and substr(artifact_uri, 1, ?) = ?",
                (new.as_uri(), len(uri) + 1, experiment, len(uri) + 1, f"{uri}/"),
            )
        elif name == DEFAULT_EXPERIMENT and not _same(old, store.artifacts(name)):
            new = store.artifacts(name)  # those of earlier runs stay
        else:
            continue
        connection.execute(
            "update experiments set artifact_location = ? where experiment_id = ?", (new.as_uri(), experiment)
        )
    connection.commit()


def rename_checkpoints(connection: sqlite3.Connection, store: Store) -> None:
    """Rename checkpoints that an earlier version named by the store's path, which may have changed since."""
    folder = store.folder / "checkpoints"
    for _, name, uri in _experiments(connection):
        location = _path(uri)
        old_folder = location.parent.parent if _is_ours(location) else store.folder
        old = folder / checkpoint_name(f"sqlite:///{old_folder}/{store.database.name}", name)
        new = folder / checkpoint_name(store.database.name, name)
        if old.is_dir() and not new.exists():
            old.rename(new)


def run_folder(uri: str, artifacts: Path) -> Path:
    """Return where a run's artifacts are now.

    Args:
        uri: where MLflow says that they are.
        artifacts: the folder of its experiment's artifacts in this store.
    """
    path = _path(uri)
    return _location_now(path.parent.parent, artifacts) / path.parent.name / path.name


def _location_now(location: Path, artifacts: Path) -> Path:
    """Return where artifacts of an experiment are now.

    Args:
        location: where they were when the experiment was created.
        artifacts: the folder for artifacts of an experiment of that name; it may have been renamed since.
    """
    now = artifacts.with_name(location.name)
    return now if _is_ours(location) and (now == artifacts or now.is_dir()) else location


def _is_ours(location: Path) -> bool:
    """Return whether ganbench may have put artifacts there, in whatever store."""
    return location.parent.name == "artifacts"


def _path(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path) if uri.startswith("file:") else uri)


def _same(old: Path, new: Path) -> bool:
    """Return whether two paths name one folder, in a store with several names or mounted several times."""
    try:
        return old == new or old.parent.samefile(new.parent)
    except OSError:
        return False


def _experiments(connection: sqlite3.Connection) -> list[tuple[int, str, str]]:
    """Return the id, name and artifact location of each experiment; none if MLflow hasn't made its tables yet."""
    if not connection.execute("select 1 from sqlite_master where name = 'experiments'").fetchone():
        return []
    rows = connection.execute("select experiment_id, name, artifact_location from experiments")
    return [(experiment, name, uri or "") for experiment, name, uri in rows]
