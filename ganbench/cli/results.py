"""Commands that read tracked runs: compare, report, and the MLflow page."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import budget_flag, experiment_flag, results_flag, store_flag, where_flag
from ganbench.core.errors import GanbenchError


@click.command()
@experiment_flag
@store_flag
@results_flag
@budget_flag
@click.option("--by", default="loss,arch,options", show_default=True, help="Columns that define a group.")
@click.option("--metric", help="Metrics to show, separated by commas. Default: the protocol's headline metrics.")
@where_flag
@click.option(
    "--select",
    "policy",
    default="last",
    show_default=True,
    metavar="POLICY",
    help="Which scores count: last, best:METRIC during training, or mean:K over the last K evaluations.",
)
@click.option(
    "--run",
    "pair",
    multiple=True,
    metavar="RUN",
    help="Compare two runs (give it twice). A run id or a unique prefix.",
)
@click.option("--baseline", metavar="NAME", help="Compare every other group with this one: `minimax`, or a full name.")
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
    pair: tuple[str, ...],
    baseline: str | None,
    style: str,
) -> None:
    """Compare the runs of an experiment, and say which method is better if the seeds can tell.

    With fewer than six seeds a cell shows the median and the full range; with six or more, the interquartile mean and
    its 95 % interval, where failed seeds rank worst. The last row is the floor: the score of real data treated as
    generated.

    \b
      ganbench compare --by loss --metric fid,modes --where arch=mlp
      ganbench compare --baseline minimax
      ganbench compare --run 480a2fd3 --run 9be1c704
    """
    if pair:
        click.echo(_side_by_side(pair, store, source, style))
        return
    from ganbench.core.settings import parse_where
    from ganbench.results.compare import HEADLINE, headline
    from ganbench.results.compare import compare as compare_groups
    from ganbench.results.loading import filter_runs, final_scores, load_results, read_csv
    from ganbench.results.ranking import against, rank_methods, sentences
    from ganbench.results.report.claims import beside
    from ganbench.results.report.tables import render, render_contrasts
    from ganbench.results.selection import LAST, select
    from ganbench.tracking.store import find_store

    if source:
        results = read_csv(source)
    elif policy == LAST:
        wanted = _words(metric) if metric else list(HEADLINE)
        results = load_results(find_store(store), experiment, metrics=wanted)
        found = set(results.table["metric"]) & set(wanted)
        if not found or (metric is not None and len(found) < len(wanted)):
            results = load_results(find_store(store), experiment)  # other metrics, or words that need a hint
    else:
        results = load_results(find_store(store), experiment, history=policy != LAST)
    table = select(filter_runs(results.table, parse_where(where)), policy)
    metrics = headline(final_scores(table)) if metric is None else _words(metric)
    columns = _words(by)
    click.echo(render(compare_groups(table, columns, metrics, x), metrics, style, x))
    if style in ("csv", "json"):
        return
    judgements = rank_methods(table, columns, metrics)
    for sentence in sentences(judgements):
        click.echo(sentence)
    published = beside(table, metrics, style)
    if published:
        click.echo(published)
    if baseline is not None:
        if not judgements:
            raise GanbenchError("there is nothing to set against a baseline: no two groups were scored alike")
        several = len({each.setting for each in judgements}) > 1
        for judgement in judgements:
            click.echo(f"\n{judgement.setting}" if several else "")
            click.echo(render_contrasts(judgement, against(judgement, baseline), style))


def _side_by_side(pair: tuple[str, ...], store: str | None, source: Path | None, style: str) -> str:
    """Compare two runs, from any experiments of the store, or from a table."""
    from ganbench.results.loading import load_pair, read_csv
    from ganbench.results.report.difference import side_by_side
    from ganbench.tracking.store import find_store

    if len(pair) != 2:
        raise GanbenchError(f"--run is given twice, to set two runs side by side, not {len(pair)} times")
    if style in ("csv", "latex"):
        raise GanbenchError(f"two runs side by side are no {style}: choose table, markdown or json")
    table = read_csv(source).table if source else load_pair(find_store(store), *pair)
    return side_by_side(table, *pair, style)


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
    from ganbench.results.loading import load_results, read_csv
    from ganbench.results.report import write_report, write_report_again
    from ganbench.tracking.store import find_store

    again = write_report_again(source) if source and out is None and title is None else None
    if again is None:
        results = read_csv(source) if source else load_results(find_store(store), experiment, history=True)
        title = title or (source.stem if source else experiment)
        again = write_report(results, out or Path("reports"), title=title, x=x)
    click.echo(f"wrote {again / 'report.html'}, report.md, results.csv, figures/ and samples/")


@click.command()
@experiment_flag
@store_flag
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
def ui(experiment: str, store: str | None, port: int, host: str) -> None:
    """Open the MLflow page of a store, and print the address of the experiment's runs."""
    from ganbench.tracking.store import find_store
    from ganbench.tracking.ui import serve

    raise SystemExit(serve(find_store(store), experiment, host, port, say=click.echo))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
