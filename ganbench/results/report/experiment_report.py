"""The public function that writes a report on an experiment, or on files of results."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.core.settings import allowed
from ganbench.results.loading import Pictures, Results, load_results
from ganbench.results.report.report import write_report, write_report_again
from ganbench.results.report.sources import read_sources, title_of
from ganbench.results.views import BUDGETS, filter_runs
from ganbench.tracking.store import EXPERIMENT, find_store


def report(
    experiment: str = EXPERIMENT,
    *,
    store: str | os.PathLike[str] | None = None,
    sources: Sequence[str | os.PathLike[str]] = (),
    where: Mapping[str, object] | None = None,
    out: str | os.PathLike[str] | None = None,
    title: str | None = None,
    x: str = "images",
    baseline: str = "",
    say: Callable[[str], object] = lambda line: None,
) -> Path:
    """Write a report: one self-contained HTML page, the same in Markdown, results.csv, and the figures as SVG.

    A single source without `out`, `title`, `where` and `baseline` has its report written again in its own folder.

    Args:
        experiment: name of the experiment.
        store: folder or MLflow tracking URI; by default $MLFLOW_TRACKING_URI, or else ./mlruns-ganbench.
        sources: paths of results.csv of one study, which are read instead of a store.
        where: which runs to report on, as in {"loss": "minimax", "train.pac": [1, 2]}; by default all.
        out: folder for reports; by default "reports".
        title: title of the report; by default that of the first source, or the experiment's name.
        x: the budget on the x axis of curves: one of "images", "step", "critic_steps",
            "generator_steps", "critic_evaluations" and "seconds".
        baseline: the method that the grid compares every other with; by default the leading one by each metric.
        say: called with a line if pictures of samples are missing, as in `say=print`.

    Returns:
        The folder of the report, with report.html in it.

    Raises:
        GanbenchError: there is nothing to report, a name is unknown, or a file can't be read or written.
    """
    if isinstance(sources, str | os.PathLike):
        raise GanbenchError(f"sources are a list of paths: write [{os.fspath(sources)!r}]")
    if x not in BUDGETS:
        raise GanbenchError(f"runs can't be set against '{x}': {near_miss(x, BUDGETS)}")
    paths = [Path(source) for source in sources]
    if len(paths) == 1 and out is None and title is None and not baseline and not where:
        folder = write_report_again(paths[0])
        if folder is not None:
            return folder
    place = None if paths else find_store(None if store is None else os.fspath(store))
    results = load_results(place, experiment, history=True) if place else read_sources(paths)
    if where:
        results = replace(results, table=filter_runs(results.table, allowed(where)))
    title = title or (title_of(paths) if paths else experiment)
    missing: list[str] = []
    recorded = replace(results, pictures=_recording(results, missing))
    folder = write_report(recorded, Path(out or "reports"), title=title, x=x, baseline=baseline)
    if missing and place:
        say(
            f"no pictures of samples are left of {', '.join(missing)} in {place.label}: was it moved without its "
            f"folder artifacts?"
        )
    return folder


def _recording(results: Results, missing: list[str]) -> Callable[[Collection[str], int], Pictures]:
    """Read pictures, and record the trained runs that have none."""
    trained = set(results.table.loc[results.table["arch"] != "samples", "run"])

    def read(runs: Collection[str], most: int) -> Pictures:
        pictures = results.pictures(runs, most)
        missing.extend(sorted({*runs} & trained - set(pictures)))
        return pictures

    return read
