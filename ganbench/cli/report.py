"""The command that writes a report."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import budget_flag, experiment_flag, results_flag, store_flag
from ganbench.core.plain_text import one_line

if TYPE_CHECKING:
    from ganbench.results.loading import Pictures, Results


@click.command()
@experiment_flag
@store_flag
@results_flag
@budget_flag
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for reports. Default: reports, or the folder of results.csv."
)
@click.option("--title", help="Title of the report. Default: the experiment's name.")
def report(
    experiment: str, store: str | None, source: Path | None, x: str, out: Path | None, title: str | None
) -> None:
    """Write a report: one self-contained HTML page, the same in Markdown, results.csv, and the figures as SVG.

    `--from REPORT/results.csv` writes the report again in its folder; the same code gives the same bytes.
    """
    from ganbench.results.csv_file import read_csv
    from ganbench.results.loading import load_results
    from ganbench.results.report import write_report, write_report_again
    from ganbench.tracking.store import find_store

    again = write_report_again(source) if source and out is None and title is None else None
    if again is None:
        results = read_csv(source) if source else load_results(find_store(store), experiment, history=True)
        title = title or (source.stem if source else experiment)
        missing: list[str] = []
        recorded = replace(results, pictures=_recording(results, missing))
        again = write_report(recorded, out or Path("reports"), title=title, x=x)
        if missing and not source:
            click.echo(
                f"no pictures of samples are left of {', '.join(missing)} in {find_store(store).label}: was it moved "
                f"without its folder artifacts?",
                err=True,
            )
    click.echo(one_line(f"wrote {again / 'report.html'}, report.md, results.csv, figures/ and samples/"))


def _recording(results: Results, missing: list[str]) -> Callable[[Collection[str], int], Pictures]:
    """Read pictures, and record the trained runs that have none."""
    trained = set(results.table.loc[results.table["arch"] != "samples", "run"])

    def read(runs: Collection[str], most: int) -> Pictures:
        pictures = results.pictures(runs, most)
        missing.extend(sorted({*runs} & trained - set(pictures)))
        return pictures

    return read
