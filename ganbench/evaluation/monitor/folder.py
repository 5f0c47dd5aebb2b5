"""The folder in which a monitor's record is kept for people and programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ganbench.core.errors import GanbenchError
from ganbench.core.plain_text import one_line, plain_lines
from ganbench.core.unfinished import remove_unfinished, unfinished_name
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.monitor.record import Record
from ganbench.evaluation.timeline import write_timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_folder(
    folder: Path,
    record: Record,
    events: Sequence[Event],
    mode_names: Sequence[str],
    figure: Figure | None,
    summary: str,
) -> None:
    """Write `summary.txt`, `numbers.csv`, `timeline.json` and any `timeline.png`, each as a whole or not at all.

    Raises:
        GanbenchError: the folder can't be written.
    """
    names = list(map(one_line, mode_names))
    writers: dict[str, Callable[[Path], object]] = {
        "numbers.csv": lambda path: path.write_text(_csv(record), encoding="utf-8", newline=""),
        "timeline.json": lambda path: write_timeline(path, record.observations, events, names),
        "summary.txt": lambda path: path.write_text(f"{plain_lines(summary)}\n", encoding="utf-8"),
    }
    if figure is not None:
        writers["timeline.png"] = lambda path: figure.savefig(path, format="png")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        with TemporaryDirectory(dir=folder, prefix=f"{unfinished_name()}-") as temporary:
            written = {name: Path(temporary) / name for name in writers}
            for name, write in writers.items():
                write(written[name])
            for name, path in written.items():
                path.replace(folder / name)
    except OSError as error:
        raise GanbenchError(f"'{folder}' can't be written: {error.strerror or error}") from error


def _csv(record: Record) -> str:
    """A row for each step; a number that is undefined at a step is left empty."""
    columns = list(dict.fromkeys(name for row in record.rows for name in row.numbers))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["step", "verdict", *map(one_line, columns)])
    for row in record.rows:
        numbers = (repr(row.numbers[name]) if name in row.numbers else "" for name in columns)
        writer.writerow([row.observation.step, row.word, *numbers])
    return file.getvalue()
