"""The command that compares tracked runs."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.completion import complete_runs
from ganbench.cli.options import budget_flag, experiment_flag, format_flag, results_flag, store_flag, where_flag
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
    shell_complete=complete_runs,
    help="Compare two runs (give it twice). A run id or a unique prefix.",
)
@click.option("--baseline", metavar="NAME", help="Compare every other group with this one: `minimax`, or a full name.")
@click.option("--wide", is_flag=True, help="Show all columns and long lines. So does a pipe or a file.")
@format_flag("table", "markdown", "latex", "csv", "json")
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
    wide: bool,
    style: str,
) -> None:
    """Compare the runs of an experiment, and say which method is better if the seeds can tell.

    With fewer than five seeds a cell shows the median and the full range; with five or more, the interquartile mean and
    its 95 % interval, where failed seeds rank worst. The last row is the floor: the score of real data treated as
    generated.

    The table fits the terminal, or $COLUMNS: what all rows share is in a line above, and where space is short, the
    minutes are left out first, then the budget, then metrics from the last one on, then the number of samples.

    \b
      ganbench compare --by loss --metric fid,modes --where arch=mlp
      ganbench compare --baseline minimax
      ganbench compare --run 480a2fd3 --run 9be1c704
    """
    from ganbench.core.screen import WIDE, screen_width

    width = WIDE if wide else screen_width()
    if pair:
        click.echo(_side_by_side(pair, store, source, style, width))
        return
    from ganbench.core.settings import parse_where
    from ganbench.results.compare import compare as compare_groups
    from ganbench.results.csv_file import read_csv
    from ganbench.results.loading import load_for_comparison
    from ganbench.results.report.comparison import render_comparison
    from ganbench.results.selection import select
    from ganbench.results.views import filter_runs
    from ganbench.tracking.metric_names import canonical
    from ganbench.tracking.store import find_store

    metrics = _words(canonical(metric)) if metric is not None else None
    results = (
        read_csv(source)
        if source
        else load_for_comparison(find_store(store), experiment, metrics=metrics, policy=policy)
    )
    table = select(filter_runs(results.table, parse_where(where)), policy)
    click.echo(render_comparison(table, compare_groups(table, _words(by), metrics, x), style, baseline, width))


def _side_by_side(pair: tuple[str, ...], store: str | None, source: Path | None, style: str, width: int) -> str:
    """Compare two runs, from any experiments of the store, or from a table."""
    from ganbench.results.csv_file import read_csv
    from ganbench.results.loading import load_pair
    from ganbench.results.report.difference import side_by_side
    from ganbench.tracking.store import find_store

    if len(pair) != 2:
        raise GanbenchError(f"--run is given twice, to set two runs side by side, not {len(pair)} times")
    if style in ("csv", "latex"):
        raise GanbenchError(f"two runs side by side are no {style}: choose table, markdown or json")
    table = read_csv(source).table if source else load_pair(find_store(store), *pair)
    return side_by_side(table, *pair, style, width)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
