"""Locations of stores (a folder, a database or a server) and of checkpoints."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from ganbench.core.errors import GanbenchError

DEFAULT = Path("mlruns-ganbench")


@dataclass(frozen=True)
class Store:
    """The location of a store of runs.

    Attributes:
        uri: MLflow tracking URI.
        folder: local folder for checkpoints, locks and, if the store is local, the database and artifacts.
        local: True if `folder` holds the store itself.
    """

    uri: str
    folder: Path
    local: bool

    def prepare(self) -> None:
        """Create the folder, and check that it is writable."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".write-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise GanbenchError(
                f"the store '{self.folder}' can't be written ({error.strerror or error}): choose another with --store"
            ) from error

    def checkpoints(self, experiment: str, group_id: str) -> Path:
        """Return the folder for checkpoints of a group of runs; it is specific to the store and the experiment."""
        store_hash = hashlib.sha256(f"{self.uri} {experiment}".encode()).hexdigest()[:12]
        return self.folder / "checkpoints" / store_hash / group_id


def find_store(chosen: str | None) -> Store:
    """Return the store given by a folder or URI, else by `MLFLOW_TRACKING_URI`, else `./mlruns-ganbench`."""
    text = chosen or os.environ.get("MLFLOW_TRACKING_URI") or str(DEFAULT)
    parsed = urlparse(text)
    if parsed.scheme == "sqlite":
        database = Path(unquote(parsed.path.removeprefix("/")) or "mlflow.db").absolute()
        return Store(f"sqlite:///{database}", database.parent, local=True)
    if len(parsed.scheme) > 1 and parsed.scheme != "file":
        return Store(text, state_folder(), local=False)
    folder = Path(unquote(parsed.path) if parsed.scheme == "file" else text).expanduser().absolute()
    return Store(f"sqlite:///{folder / 'mlflow.db'}", folder, local=True)


def state_folder() -> Path:
    """Return the folder for checkpoints and journals of runs on a server; independent of the working directory."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ganbench"
