"""Metadata of a report: title, date, version of the code, budget and baseline."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.results.report.folder import read_file
from ganbench.results.views import BUDGETS

FILE = "about.json"


@dataclass(frozen=True)
class About:
    """A report's metadata, stored beside results.csv so that the report can be reproduced.

    Attributes:
        date: the day it was made, as in `2026-11-25`.
        code: the version of the code that made it.
        x: the budget on the x axis of curves.
        baseline: the method that every other is compared with; empty if each is compared with the leading one.
    """

    title: str
    date: str
    code: str
    x: str
    baseline: str = ""

    def write(self, folder: Path) -> None:
        # Reports without a baseline have the same bytes as those of earlier versions.
        described = {name: value for name, value in asdict(self).items() if name != "baseline" or value}
        (folder / FILE).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_about(folder: Path) -> About | None:
    """Read the metadata in a report's folder; None if there is none.

    Raises:
        GanbenchError: the file can't be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        about = About(**json.loads(read_file(path)))
        datetime.date.fromisoformat(about.date)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise GanbenchError(f"'{path}' is no description of a report: {error}") from error
    if not all(isinstance(value, str) for value in asdict(about).values()) or about.x not in BUDGETS:
        raise GanbenchError(f"'{path}' is no description of a report: it has a value of the wrong kind")
    return about
