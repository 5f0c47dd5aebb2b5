"""The command that writes a report."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import budget_flag, experiment_flag, store_flag
from ganbench.core.plain_text import one_line

if TYPE_CHECKING:
    from ganbench.results.loading import Pictures, Results


@click.command()
@experiment_flag
@store_flag
@click.option(
    "--from",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Read a report's results.csv instead of a store. Repeatable.",
)
@budget_flag
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for reports. Default: reports, or with a single --from the report's own folder.",
)
@click.option("--title", help="Title of the report. Default: that of the first --from, or the experiment's name.")
@click.option("--baseline", default="", metavar="NAME", help="Compare every other method with this one in the grid.")
@click.option("--open", "in_browser", is_flag=True, help="Open the page in the browser.")
def report(
    experiment: str,
    store: str | None,
    sources: tuple[Path, ...],
    x: str,
    out: Path | None,
    title: str | None,
    baseline: str,
    in_browser: bool,
) -> None:
    """Write a report: one self-contained HTML page, the same in Markdown, results.csv, and the figures as SVG.

    `--from REPORT/results.csv` writes the report again in its folder; the same code gives the same bytes. With --out,
    --title or --baseline it makes a new report.

    Several `--from` make one new report on a study whose runs were made on several machines, with the samples of all of
    their folders, today's date and the version of this code. A run may be in several of them if its numbers are equal.
    """
    from ganbench.results.loading import load_results
    from ganbench.results.report import read_sources, title_of, write_report, write_report_again
    from ganbench.tracking.browser import show_page
    from ganbench.tracking.store import find_store

    as_it_was = len(sources) == 1 and out is None and title is None and not baseline
    again = write_report_again(sources[0]) if as_it_was else None
    if again is None:
        results = read_sources(sources) if sources else load_results(find_store(store), experiment, history=True)
        title = title or (title_of(sources) if sources else experiment)
        missing: list[str] = []
        recorded = replace(results, pictures=_recording(results, missing))
        again = write_report(recorded, out or Path("reports"), title=title, x=x, baseline=baseline)
        if missing and not sources:
            click.echo(
                f"no pictures of samples are left of {', '.join(missing)} in {find_store(store).label}: was it moved "
                f"without its folder artifacts?",
                err=True,
            )
    click.echo(one_line(f"wrote {again / 'report.html'}, report.md, results.csv, figures/ and samples/"))
    if in_browser:
        show_page((again / "report.html").resolve().as_uri(), click.echo)


def _recording(results: Results, missing: list[str]) -> Callable[[Collection[str], int], Pictures]:
    """Read pictures, and record the trained runs that have none."""
    trained = set(results.table.loc[results.table["arch"] != "samples", "run"])

    def read(runs: Collection[str], most: int) -> Pictures:
        pictures = results.pictures(runs, most)
        missing.extend(sorted({*runs} & trained - set(pictures)))
        return pictures

    return read
