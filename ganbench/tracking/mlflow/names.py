"""Names of our tags in MLflow, and the location of a local store's tables; doesn't import MLflow."""

from __future__ import annotations

import re
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.store import Store

RUN, GROUP, STATUS, KIND = "ganbench.run", "ganbench.group", "ganbench.status", "ganbench.kind"
SEED, ENDED_AT = "ganbench.seed", "ganbench.ended-at"


def check_experiment_name(name: str) -> None:
    """Reject a name that isn't plain text, since it becomes part of a path."""
    if not re.fullmatch(r"[\w][\w .+-]{0,99}", name):
        raise GanbenchError(
            f"the experiment's name '{name}' may only contain letters, digits, spaces and . _ + - (at most 100)"
        )


def is_there(store: Store) -> bool:
    """Return whether a store exists; servers are assumed to."""
    return not store.local or database_of(store).is_file()


def database_of(store: Store) -> Path:
    """Return the database file of a local store."""
    return store.folder / store.uri.rpartition("/")[2]
