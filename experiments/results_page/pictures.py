"""Samples of methods side by side, with captions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from experiments.results_page.study import Study
from ganbench.core.annotation import parse_dose
from ganbench.core.formatting import listed, number
from ganbench.results.dose_curves import DoseCurves
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.representatives import choose
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.study_charts import sheet_picture
from ganbench.results.views import runs


def dose_samples(study: Study, curves: DoseCurves, shown: Sequence[str], images: Path) -> list[str]:
    """A picture of the best and the worst seed of some parts at each dose."""
    names = method_names(study.complete)
    ended = runs(study.complete)
    label_of = {
        (str(row["name"]), parse_dose(str(row["dose"])).get(curves.what)): names[row["run"]]
        for _, row in ended[ended["dataset"] == curves.dataset].iterrows()
    }
    doses = sorted({dose for name, dose in label_of if name in shown and dose and dose >= 1})
    rows = [
        [(label_of[part, dose], f"{part}, {number(dose)}") if (part, dose) in label_of else None for dose in doses]
        for part in shown
    ]
    name = f"results-{study.name}-{slug(curves.dataset)}-{slug(curves.what)}-samples.png"
    words = (
        f"Samples of {for_markdown(listed(shown))} by {for_markdown(curves.what)}: the best and the worst seed of each"
    )
    return _samples(study, curves.dataset, rows, images / name, words)


def axis_samples(study: Study, images: Path) -> list[str]:
    """A picture for each data set: a row for each value of the first axis, and in it the second axis."""
    names, drawn = method_names(study.complete), []
    for dataset, members in runs(study.complete).groupby("dataset", observed=True):
        label_of = {tuple(name.split(", ", 1)): name for name in map(names.__getitem__, members["run"]) if ", " in name}
        if not label_of:
            continue
        rows, columns = (dict.fromkeys(values) for values in zip(*label_of, strict=True))
        titles = [
            [(label_of[row, column], f"{row}\n{column}") if (row, column) in label_of else None for column in columns]
            for row in rows
        ]
        words = f"Samples of each method on {for_markdown(str(dataset))}: the best and the worst seed"
        file = images / f"results-{study.name}-{slug(str(dataset))}-samples.png"
        drawn += _samples(study, str(dataset), titles, file, words)
    return drawn


def _samples(
    study: Study, dataset: str, rows: Sequence[Sequence[tuple[str, str] | None]], file: Path, words: str
) -> list[str]:
    """A picture of the best and the worst seed of methods, from the report's samples.

    Args:
        rows: in each row of the picture, the names of methods, and their titles; None leaves a place empty.
        file: where to write it.
    """
    places = choose(study.complete, method_names(study.complete)).places
    drawn: list[list[tuple[str, Path] | None]] = []
    for methods in rows:
        sheets: list[tuple[str, Path] | None] = []
        for method in methods:
            of_method = _best_and_worst(study, places.get((dataset, method[0]), []), method[1]) if method else []
            sheets += of_method or [None, None]
        drawn += [sheets] if any(sheets) else []
    if not drawn:
        return []
    sheet_picture(drawn).save(file, optimize=True)
    return [picture(words, file.name)]


def _best_and_worst(study: Study, places: Sequence[tuple[str, str]], title: str) -> list[tuple[str, Path] | None]:
    """The last sheets of the best and the worst seed, with their titles; of a single seed, one sheet."""
    sheets: list[tuple[str, Path] | None] = []
    for run, place in places:
        kept = sorted((study.folder / "samples").glob(f"{run}-*.webp"), key=_step)
        if place in ("best", "worst") and kept:
            sheets.append((f"{title}\n{place} seed", kept[-1]))
    return sheets


def picture(words: str, name: str) -> str:
    """A picture with its caption."""
    return f"![{words}](images/{name})\n\n*{words}*"


def slug(text: str) -> str:
    """The words of a text in a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _step(sheet: Path) -> int:
    return int(sheet.stem.rpartition("-")[2])
