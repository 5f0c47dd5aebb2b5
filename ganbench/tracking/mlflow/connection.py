"""A client of an MLflow store whose failures are one line."""

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
from ganbench.tracking import Status
from ganbench.tracking.mlflow.names import KIND, RUN, STATUS, database_of, is_there
from ganbench.tracking.store import Store

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


def connect_to_existing(store: Store) -> MlflowClient:
    """A client of a store that has been made.

    Raises:
        GanbenchError: it hasn't.
    """
    if not is_there(store):
        raise GanbenchError(
            f"there is no store in '{store.folder}': start with `ganbench run`, or name one with --store"
        )
    return client(store)


def connect(store: Store) -> MlflowClient:
    """A client of a store, which is made if need be."""
    if store.local:
        # Processes that open a missing database together would break its schema for good.
        with filelock.FileLock(store.folder / ".store.lock"):
            database = database_of(store)
            if not database.exists():
                _make(database)
            with _in_words(store.uri), closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
    return client(store)


def _make(database: Path) -> None:
    """Make an empty store, which is there whole or not at all, even if this process is killed on the way."""
    part = database.with_name(f".part-{database.name}")
    for leftover in database.parent.glob(f"{part.name}*"):
        leftover.unlink()
    client(Store(f"sqlite:///{part}", database.parent, local=True)).search_experiments(max_results=1)
    part.replace(database)


def client(store: Store) -> MlflowClient:
    """A client, which may or may not be answered."""
    return cast(MlflowClient, _ClientInWords(store.uri))


class _ClientInWords:
    """An MlflowClient whose failures (no server, no driver, a broken database) are one line that names the store."""

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
    """How every run of a seed ended, by its id."""
    return {run.data.tags[RUN]: cast(Status, run.data.tags[STATUS]) for run in seed_runs(client, experiment_id)}


def seed_runs(client: MlflowClient, experiment_id: str) -> Iterator[Run]:
    """The runs of seeds, oldest first; of two with one id, which a request that was repeated by the network can leave,
    the older, which is the one that is written to."""
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
