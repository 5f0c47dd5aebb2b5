"""Commands that read what was tracked: compare, report, and the MLflow page."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.flags import budget_flag, experiment_flag, results_flag, store_flag, where_flag
from ganbench.errors import GanbenchError


@click.command()
@experiment_flag
@store_flag
@results_flag
@budget_flag
@click.option("--by", default="loss,arch,options", show_default=True, help="Columns that make a group.")
@click.option("--metric", help="Metrics to show. Default: fid, modes, modes-strict, hq, kl, as far as measured.")
@where_flag
@click.option(
    "--select",
    "policy",
    default="last",
    show_default=True,
    metavar="POLICY",
    help="Which scores count: last, best:METRIC on the way, or mean:K over the last K on the way.",
)
@click.option("--baseline", metavar="NAME", help="Set every other group against this one: `minimax`, or a whole name.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "markdown", "latex", "csv", "json"]),
    default="table",
    show_default=True,
)
def compare(
    experiment: str,
    store: str | None,
    source: Path | None,
    x: str,
    by: str,
    metric: str | None,
    where: tuple[str, ...],
    policy: str,
    baseline: str | None,
    style: str,
) -> None:
    """Set the runs of an experiment side by side, and say which method is better, if the seeds can tell.

    With fewer than six seeds a cell shows the median and the whole range; with more, the interquartile mean and its
    95 % interval, in which failed seeds rank worst. The floor, in the last row, is what real data score when they are
    treated as generated.
    """
    from ganbench.judgement import against, judge
    from ganbench.report.claims import beside
    from ganbench.report.tables import render, render_contrasts
    from ganbench.results import final_scores, load_results, meeting, read_csv
    from ganbench.selection import LAST, select
    from ganbench.settings import parse_where
    from ganbench.stats import compare as compare_groups
    from ganbench.stats import headline
    from ganbench.track.store import find_store

    results = read_csv(source) if source else load_results(find_store(store), experiment, history=policy != LAST)
    table = select(meeting(results.table, parse_where(where)), policy)
    metrics = headline(final_scores(table)) if metric is None else _words(metric)
    columns = _words(by)
    click.echo(render(compare_groups(table, columns, metrics, x), metrics, style, x))
    if style in ("csv", "json"):
        return
    judgements = judge(table, columns, metrics)
    several = len({each.setting for each in judgements}) > 1
    for judgement in judgements:
        click.echo((f"{judgement.setting}: " if several else "") + judgement.sentence())
    published = beside(table, metrics, style)
    if published:
        click.echo(published)
    if baseline is not None:
        if not judgements:
            raise GanbenchError("there is nothing to set against a baseline: no two groups were scored alike")
        for judgement in judgements:
            click.echo()
            click.echo(judgement.setting + "\n" if several else "", nl=False)
            click.echo(render_contrasts(judgement, against(judgement, baseline), style))


@click.command()
@experiment_flag
@store_flag
@results_flag
@budget_flag
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True, help="Folder for reports."
)
def report(experiment: str, store: str | None, source: Path | None, x: str, out: Path) -> None:
    """Write a report: one self-contained HTML page, the same in Markdown, results.csv, and the figures as SVG."""
    from ganbench.report import write_report
    from ganbench.results import load_results, read_csv
    from ganbench.track.store import find_store

    results = read_csv(source) if source else load_results(find_store(store), experiment, history=True)
    folder = write_report(results, out, title=source.name if source else experiment, x=x)
    click.echo(f"wrote {folder / 'report.html'}, report.md, results.csv and figures/")


@click.command()
@experiment_flag
@store_flag
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
def ui(experiment: str, store: str | None, port: int, host: str) -> None:
    """Open the MLflow page of a store, and print the address of the experiment's runs."""
    from ganbench.track.server import serve
    from ganbench.track.store import find_store

    raise SystemExit(serve(find_store(store), experiment, host, port, say=click.echo))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
