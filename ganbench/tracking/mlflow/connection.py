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
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from ganbench.core.errors import GanbenchError
from ganbench.tracking.address import DATABASES, scheme_of, without_password
from ganbench.tracking.base import Status
from ganbench.tracking.mlflow.names import GROUP, KIND, RUN, STATUS
from ganbench.tracking.mlflow.relocation import relocate_artifacts, rename_checkpoints
from ganbench.tracking.mlflow.snapshot import database_to_read
from ganbench.tracking.reachable import TIMEOUT, check_reachable
from ganbench.tracking.store import LOCK, Store
from ganbench.tracking.tag_values import status_in, text_in

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)

DRIVERS_WITH_TIMEOUT = ("psycopg", "psycopg2", "pymysql", "mysqldb")
"""Database drivers that take `connect_timeout`."""


def connect_to_existing(store: Store) -> MlflowClient:
    """Return a client to read from an existing store.

    Raises:
        GanbenchError: the store doesn't exist, or the server doesn't answer.
    """
    if not store.exists():
        raise GanbenchError(f"there is no store in '{store.folder}': start with `ganbench run`, or name another store")
    with _in_words(store):
        uri = mlflow_uri(database_to_read(store)) if store.local else _reached(store)
    return _client(store, uri)


def connect(store: Store) -> MlflowClient:
    """Return a client to write to a store, which is created if necessary.

    Raises:
        GanbenchError: the store can't be used, or the server doesn't answer.
    """
    with _in_words(store):
        if not store.local:
            return _client(store, _reached(store))
        # Processes that create the same database at once would permanently break its schema.
        with filelock.FileLock(store.folder / LOCK):
            if not store.database.exists():
                _make(store)
            with closing(sqlite3.connect(store.database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                rename_checkpoints(connection, store)
                relocate_artifacts(connection, store)
        return _client(store, mlflow_uri(store.database))


def _make(store: Store) -> None:
    """Create an empty store atomically: if this process is killed, there is no partial store."""
    part = store.database.with_name(f".part-{store.database.name}")
    for leftover in store.folder.iterdir():
        if leftover.name.startswith(part.name):
            leftover.unlink()
    # MLflow would paste the current folder's name into SQL, as the location of its own experiment.
    SqlAlchemyStore(mlflow_uri(part), (store.folder / "artifacts").as_uri())
    part.replace(store.database)


def mlflow_uri(database: Path) -> str:
    """Return MLflow's URI of a database file; with the driver, since MLflow makes a folder of what `sqlite:` says."""
    return URL.create("sqlite+pysqlite", database=str(database)).render_as_string(hide_password=False)


def _reached(store: Store) -> str:
    """Return the URI of a server that answers."""
    check_reachable(store.uri)
    if scheme_of(store.uri) in DATABASES:
        # MLflow tries ten times, for two minutes, also where a password is wrong.
        url = make_url(store.uri)
        limit = {"connect_timeout": int(TIMEOUT)} if url.get_dialect().driver in DRIVERS_WITH_TIMEOUT else {}
        create_engine(url, poolclass=NullPool, connect_args=limit).connect().close()
    return store.uri


def _client(store: Store, uri: str) -> MlflowClient:
    return cast(MlflowClient, _ClientInWords(store, uri))


class _ClientInWords:
    """An MlflowClient that reports failures (no server, no driver, a broken database) in one line naming the store."""

    def __init__(self, store: Store, uri: str) -> None:
        self._store = store
        with _in_words(store):
            self._client = MlflowClient(uri)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            with _in_words(self._store):
                return method(*arguments, **options)

        return call


@contextmanager
def _in_words(store: Store) -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, ImportError, OSError) as error:
        first = without_password(str(error).partition("\n")[0])
        raise GanbenchError(f"the store {store.label} can't be used: {first}") from error


def statuses(client: MlflowClient, experiment_id: str) -> dict[str, Status]:
    """Return the status of every seed's run, by id."""
    return {run.data.tags[RUN]: status_in(run.data.tags, STATUS) for run in seed_runs(client, experiment_id)}


def seed_runs(client: MlflowClient, experiment_id: str, group_id: str | None = None) -> Iterator[Run]:
    """Yield the runs of seeds, of one group or of all, oldest first.

    A request that was repeated by the network can leave two runs with one id: only the older is yielded, which is the
    one written to.
    """
    query = f"tags.`{KIND}` = 'seed'"
    if group_id is not None:
        query += f" and tags.`{GROUP}` = '{group_id}'"
    seen = set[str]()
    for run in search_runs(client, experiment_id, query):
        run_id = text_in(run.data.tags, RUN)
        if run_id not in seen:
            seen.add(run_id)
            yield run


def search_runs(client: MlflowClient, experiment_id: str, query: str) -> Iterator[Run]:
    """Yield the runs that a query finds, oldest first, however many there are."""
    page = None
    while True:
        part = client.search_runs(
            [experiment_id], query, ViewType.ACTIVE_ONLY, 1000, ["attributes.start_time ASC"], page
        )
        yield from part
        page = part.token
        if not page:
            return
