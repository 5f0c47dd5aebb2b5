"""Connections to an MLflow store, with failures reported as one line."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import filelock
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from ganbench.core.errors import GanbenchError
from ganbench.tracking.base import Status
from ganbench.tracking.mlflow.names import KIND, RUN, STATUS, database_of, is_there
from ganbench.tracking.store import Store

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


def connect_to_existing(store: Store) -> MlflowClient:
    """Return a client of an existing store.

    Raises:
        GanbenchError: the store doesn't exist.
    """
    if not is_there(store):
        raise GanbenchError(
            f"there is no store in '{store.folder}': start with `ganbench run`, or name one with --store"
        )
    return client(store)


def connect(store: Store) -> MlflowClient:
    """Return a client of a store, which is created if necessary."""
    if store.local:
        # Processes that create the same database at once would permanently break its schema.
        with filelock.FileLock(store.folder / ".store.lock"):
            database = database_of(store)
            if not database.exists():
                _make(database)
            with _in_words(store.uri), closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
    return client(store)


def _make(database: Path) -> None:
    """Create an empty store atomically: if this process is killed, there is no partial store."""
    part = database.with_name(f".part-{database.name}")
    for leftover in database.parent.glob(f"{part.name}*"):
        leftover.unlink()
    client(Store(f"sqlite:///{part}", database.parent, local=True)).search_experiments(max_results=1)
    part.replace(database)


def client(store: Store) -> MlflowClient:
    """Return a client without checking that the store answers."""
    return cast(MlflowClient, _ClientInWords(store.uri))


class _ClientInWords:
    """An MlflowClient that reports failures (no server, no driver, a broken database) in one line naming the store."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        with _in_words(uri):
            self._client = MlflowClient(uri)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            with _in_words(self._uri):
                return method(*arguments, **options)

        return call


@contextmanager
def _in_words(uri: str) -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, ImportError, OSError) as error:
        first = str(error).partition("\n")[0]
        raise GanbenchError(f"the store {uri} can't be used: {first}") from error


def statuses(client: MlflowClient, experiment_id: str) -> dict[str, Status]:
    """Return the status of every seed's run, by id."""
    return {run.data.tags[RUN]: cast(Status, run.data.tags[STATUS]) for run in seed_runs(client, experiment_id)}


def seed_runs(client: MlflowClient, experiment_id: str) -> Iterator[Run]:
    """Yield the runs of seeds, oldest first.

    A request that was repeated by the network can leave two runs with one id: only the older is yielded, which is the
    one written to.
    """
    query, page, seen = f"tags.`{KIND}` = 'seed'", None, set[str]()
    while True:
        part = client.search_runs(
            [experiment_id], query, ViewType.ACTIVE_ONLY, 1000, ["attributes.start_time ASC"], page
        )
        for run in part:
            if run.data.tags[RUN] not in seen:
                seen.add(run.data.tags[RUN])
                yield run
        page = part.token
        if not page:
            return
