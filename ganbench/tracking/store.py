"""Locations of stores (a folder, a database or a server) and of checkpoints."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.address import local_database, uri_of, without_password

DEFAULT = "mlruns-ganbench"
EXPERIMENT = "ganbench"
"""The name of the experiment, unless another is given."""
LOCK = ".store.lock"
"""File by which processes that write to a local store exclude each other."""


@dataclass(frozen=True)
class Store:
    """The location of a store of runs.

    Nothing in a store depends on where it is, so it can be moved, copied and linked.

    Attributes:
        uri: its address; another process finds the same store by it.
        folder: local folder for checkpoints, locks and, if the store is local, the database and artifacts.
        local: True if `folder` holds the store itself.
    """

    uri: str
    folder: Path
    local: bool

    @property
    def label(self) -> str:
        """Its address for people: the folder, or the URI without the password."""
        return str(self.folder) if self.local else without_password(self.uri)

    @property
    def database(self) -> Path:
        """The database file of a local store."""
        database = local_database(self.uri)
        assert database is not None
        return database

    def artifacts(self, experiment: str) -> Path:
        """Return the folder of an experiment's artifacts in a local store."""
        return self.folder / "artifacts" / experiment

    def exists(self) -> bool:
        """Return whether there is such a store; servers are assumed to be there.

        Raises:
            GanbenchError: it can't be read.
        """
        try:
            return not self.local or self.database.is_file()
        except PermissionError as error:
            raise self._denied("read", self.folder, "permission denied") from error

    def prepare(self) -> None:
        """Create the folder, and check that it and the database are writable.

        Raises:
            GanbenchError: they aren't.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".write-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise self._denied("written", self.folder, error.strerror or str(error)) from error
        for path in (*self.database_files(), self.folder / LOCK):
            if path.exists() and not is_writable(path):
                raise self._denied("written", path, "permission denied")

    def is_writable(self) -> bool:
        """Return whether this user can write to a local store."""
        return all(is_writable(path) for path in (self.folder, *self.database_files()) if path.exists())

    def checkpoints(self, experiment: str, group_id: str) -> Path:
        """Return the folder for checkpoints of a group of runs; it is specific to the store and the experiment."""
        store_name = self.database.name if self.local else self.uri
        return self.folder / "checkpoints" / checkpoint_name(store_name, experiment) / group_id

    def database_files(self) -> tuple[Path, ...]:
        """Return the files of a local store's database, including those that exist while it is used."""
        return tuple(self.database.with_name(self.database.name + suffix) for suffix in ("", "-wal", "-shm"))

    def _denied(self, action: str, path: Path, reason: str) -> GanbenchError:
        return GanbenchError(
            f"the store '{self.folder}' can't be {action} ({reason}{_owner(path)}): choose another store"
        )


def find_store(chosen: str | None) -> Store:
    """Return the store given by a folder or URI, else by `MLFLOW_TRACKING_URI`, else `./mlruns-ganbench`.

    Raises:
        GanbenchError: no store can be there.
    """
    address = chosen or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT
    database = local_database(address)
    if database is None:
        return Store(address, state_folder(), local=False)
    return Store(uri_of(database), database.parent, local=True)


def checkpoint_name(store_name: str, experiment: str) -> str:
    """Return the name of the folder with an experiment's checkpoints."""
    return hashlib.sha256(f"{store_name} {experiment}".encode()).hexdigest()[:12]


def is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def state_folder() -> Path:
    """Return the folder for checkpoints and journals of runs on a server; independent of the working directory."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ganbench"


def _owner(path: Path) -> str:
    """Name the owner of a path, if it is another user."""
    try:
        import pwd
    except ImportError:  # Windows
        return ""
    try:
        owner = path.stat().st_uid
        return "" if owner == os.geteuid() else f"; it belongs to {pwd.getpwuid(owner).pw_name}"
    except KeyError:
        return f"; it belongs to user {owner}"
    except OSError:
        return ""
