"""Samples of methods side by side, with captions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    doses = {part: sorted(dose for name, dose in label_of if name == part and dose and dose >= 1) for part in shown}
    rows = [{label_of[part, dose]: f"{part}, {number(dose)}" for dose in doses[part]} for part in shown]
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
            {label_of[row, column]: f"{row}\n{column}" for column in columns if (row, column) in label_of}
            for row in rows
        ]
        words = f"Samples of each method on {for_markdown(str(dataset))}: the best and the worst seed"
        file = images / f"results-{study.name}-{slug(str(dataset))}-samples.png"
        drawn += _samples(study, str(dataset), titles, file, words)
    return drawn


def _samples(study: Study, dataset: str, rows: Sequence[Mapping[str, str]], file: Path, words: str) -> list[str]:
    """A picture of the best and the worst seed of methods, from the report's samples.

    Args:
        rows: in each row of the picture, titles by the name of the method.
        file: where to write it.
    """
    places = choose(study.complete, method_names(study.complete)).places
    drawn: list[list[tuple[str, Path]]] = []
    for titles in rows:
        sheets = []
        for label, title in titles.items():
            for run, place in places.get((dataset, label), []):
                kept = sorted((study.folder / "samples").glob(f"{run}-*.webp"), key=_step)
                if place in ("best", "worst") and kept:
                    sheets.append((f"{title}\n{place} seed", kept[-1]))
        drawn += [sheets] if sheets else []
    if not drawn:
        return []
    sheet_picture(drawn).save(file, optimize=True)
    return [picture(words, file.name)]


def picture(words: str, name: str) -> str:
    """A picture with its caption."""
    return f"![{words}](images/{name})\n\n*{words}*"


def slug(text: str) -> str:
    """The words of a text in a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _step(sheet: Path) -> int:
    return int(sheet.stem.rpartition("-")[2])
