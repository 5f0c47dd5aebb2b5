"""The command that scores finished runs by further metrics."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import device_flag, experiment_flag, metrics_flag, plugins_flag, store_flag


@click.command()
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
@metrics_flag
@experiment_flag
@store_flag
@device_flag
@plugins_flag
def rescore(
    run_ids: tuple[str, ...],
    metrics: tuple[str, ...],
    experiment: str,
    store: str | None,
    device: str,
    plugins: tuple[Path, ...],
) -> None:
    """Score finished RUNs by metrics outside their protocol, and add the numbers to them.

    The final samples are generated again from each run's kept weights. Without a RUN, all scored runs of the
    experiment are taken. `ganbench compare --metric NAME` shows and ranks the numbers, marked as extra.

    \b
      ganbench rescore 480a2fd3ba0e --metric vendi
      ganbench rescore --experiment ring --metric my_metric --plugin my_metric.py
    """
    from ganbench.core.errors import GanbenchError
    from ganbench.core.plugins import load_plugins
    from ganbench.tracking.store import find_store

    if not metrics:
        raise GanbenchError("name a metric with --metric; `ganbench list metrics` shows them")
    load_plugins(plugins)
    from ganbench.cli.console.rescore import rescore_session

    raise SystemExit(rescore_session(run_ids, metrics, experiment=experiment, store=find_store(store), device=device))
