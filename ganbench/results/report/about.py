"""What a report knows beside its numbers: what it is called, when and by which code it was made, and its budget."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.results.loading import BUDGETS

FILE = "about.json"


@dataclass(frozen=True)
class About:
    """Kept beside results.csv, so that the report can be made again as it was.

    Attributes:
        date: when it was made, `2026-11-25`.
        code: the version of the code that made it.
        x: the budget that curves are drawn against.
    """

    title: str
    date: str
    code: str
    x: str

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_about(folder: Path) -> About | None:
    """What stands beside a results.csv, if it lies in a report's folder.

    Raises:
        GanbenchError: it can't be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        about = About(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise GanbenchError(f"'{path}' is no description of a report: {error}") from error
    if not all(isinstance(value, str) for value in asdict(about).values()) or about.x not in BUDGETS:
        raise GanbenchError(f"'{path}' is no description of a report: it has a value of the wrong kind")
    return about
