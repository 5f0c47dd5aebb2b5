"""The command that writes a report."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ganbench.cli.options import budget_flag, experiment_flag, store_flag, where_flag
from ganbench.core.plain_text import one_line


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
@where_flag
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
    where: tuple[str, ...],
    x: str,
    out: Path | None,
    title: str | None,
    baseline: str,
    in_browser: bool,
) -> None:
    """Write a report: one self-contained HTML page, the same in Markdown, results.csv, and the figures as SVG.

    `--from REPORT/results.csv` writes the report again in its folder; the same code gives the same bytes. With --out,
    --title, --where or --baseline it makes a new report.

    Several `--from` make one new report on a study whose runs were made on several machines, with the samples of all of
    their folders, today's date and the version of this code. A run may be in several of them if its numbers are equal.
    """
    from ganbench.core.settings import parse_where
    from ganbench.results.report.experiment_report import report as report_on
    from ganbench.tracking.browser import show_page

    folder = report_on(
        experiment,
        store=store,
        sources=sources,
        where=parse_where(where),
        out=out,
        title=title,
        x=x,
        baseline=baseline,
        say=partial(click.echo, err=True),
    )
    click.echo(one_line(f"wrote {folder / 'report.html'}, report.md, results.csv, figures/ and samples/"))
    if in_browser:
        show_page((folder / "report.html").resolve().as_uri(), click.echo)
