"""The names by which our runs are found in MLflow, and where a local store's tables are; without MLflow's import."""

from __future__ import annotations

import re
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.tracking.store import Store

RUN, GROUP, STATUS, KIND = "ganbench.run", "ganbench.group", "ganbench.status", "ganbench.kind"
SEED, ENDED_AT = "ganbench.seed", "ganbench.ended-at"


def check_experiment_name(name: str) -> None:
    """Refuse a name that isn't plain text: it becomes part of a path."""
    if not re.fullmatch(r"[\w][\w .+-]{0,99}", name):
        raise GanbenchError(f"the experiment's name '{name}' must be letters, digits, spaces and . _ + - (at most 100)")


def is_there(store: Store) -> bool:
    """Whether a local store has been made; a server is believed to be there."""
    return not store.local or database_of(store).is_file()


def database_of(store: Store) -> Path:
    """The file of a local store."""
    return store.folder / store.uri.rpartition("/")[2]
