"""Results read from the folders of reports, with the samples that are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ganbench.results.combining import combine
from ganbench.results.csv_file import read_csv
from ganbench.results.loading import Pictures, Results
from ganbench.results.report.about import read_about
from ganbench.results.report.folder import files_in, read_file
from ganbench.tracking.mlflow.pictures import evenly

SAMPLES = "samples"


def read_sources(sources: Sequence[Path]) -> Results:
    """Read one or several results.csv of a study, and the samples beside them.

    Raises:
        GanbenchError: a file can't be read, or a run differs between them.
    """
    table = combine([read_csv(source).table for source in sources], sources)
    kept: dict[str, dict[int, bytes]] = {}
    for source in sources:
        for run, steps in kept_pictures(source.parent).items():
            kept[run] = {**steps, **kept.get(run, {})}

    def pictures(runs: Collection[str], most: int) -> Pictures:
        return {run: {step: kept[run][step] for step in evenly(sorted(kept[run]), most)} for run in runs if run in kept}

    return Results(table, pictures, kept)


def title_of(sources: Sequence[Path]) -> str:
    """Return the title of the first report among some results.csv; without any, the name of the first file.

    Raises:
        GanbenchError: the description of a report can't be read.
    """
    described = (read_about(source.parent) for source in sources)
    return next((about.title for about in described if about is not None), sources[0].stem)


def kept_pictures(folder: Path) -> Pictures:
    """Read the samples in a report's folder.

    Raises:
        GanbenchError: one of them, or their folder, is a link or no file.
    """
    pictures: dict[str, dict[int, bytes]] = {}
    for path in files_in(folder / SAMPLES, "*-*.webp"):
        run, _, step = path.stem.rpartition("-")
        if step.isdecimal():
            pictures.setdefault(run, {})[int(step)] = read_file(path)
    return pictures
