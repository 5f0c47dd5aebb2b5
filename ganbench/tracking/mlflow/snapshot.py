"""Databases of local stores to read from: if this user can't write to a store, a copy, since SQLite and MLflow do."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.mlflow.relocation import relocate_artifacts
from ganbench.tracking.store import Store

SHARED = "-shm"
"""Ending of the file that the processes which use a database share."""


def database_to_read(store: Store) -> Path:
    """Return the database of a local store, or a temporary copy if this user can't write to it.

    Raises:
        GanbenchError: it can't be read.
    """
    if store.is_writable():
        return store.database
    try:
        files = [path.stat() for path in store.database_files() if path.exists()]
        return _copy(store, tuple((file.st_mtime_ns, file.st_size) for file in files)).database
    except (OSError, sqlite3.Error) as error:
        raise GanbenchError(f"the store '{store.folder}' can't be read: {error}") from error


@cache
def _copy(store: Store, version: tuple[tuple[int, int], ...]) -> _Copy:
    copy = _Copy(store)
    with closing(sqlite3.connect(copy.database)) as connection:
        relocate_artifacts(connection, store)
    return copy


class _Copy:
    """A copy of a store's database, which is removed when the process ends."""

    def __init__(self, store: Store) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ganbench-")
        folder = Path(self._folder.name)
        self.database = folder / store.database.name
        if not (_in_use(store) and _backup(store.database, self.database)):
            for path in store.database_files():
                if path.exists() and not path.name.endswith(SHARED):
                    shutil.copyfile(path, folder / path.name)


def _in_use(store: Store) -> bool:
    """Return whether a process may be writing: then there is a file that SQLite would create otherwise."""
    return any(path.exists() for path in store.database_files() if path.name.endswith(SHARED))


def _backup(database: Path, to: Path) -> bool:
    """Copy a database that is in use; return False if nobody uses it, and a killed process left it like that."""
    try:
        with (
            closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(to)) as copy,
        ):
            original.backup(copy)
            return True
    except sqlite3.OperationalError:
        return False
