"""The command that scores finished runs by further metrics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.completion import complete_runs
from ganbench.cli.options import device_flag, experiment_flag, metrics_flag, plugins_flag, store_flag, weights_flag

if TYPE_CHECKING:
    from ganbench.runs.kept_generator import Which


@click.command()
@click.argument("run_ids", metavar="[RUN]...", nargs=-1, shell_complete=complete_runs)
@metrics_flag
@weights_flag
@experiment_flag
@store_flag
@device_flag
@plugins_flag
def rescore(
    run_ids: tuple[str, ...],
    metrics: tuple[str, ...],
    weights: Which,
    experiment: str,
    store: str | None,
    device: str,
    plugins: tuple[Path, ...],
) -> None:
    """Score finished RUNs by metrics outside their protocol, and add the numbers to them.

    The final samples are generated again from each run's kept weights. Without a RUN, all scored runs of the
    experiment are taken. `ganbench compare --metric NAME` shows and ranks the numbers, marked as extra. Those of
    --weights best are only printed: a run's numbers are those of its last weights.

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

    raise SystemExit(
        rescore_session(
            run_ids, metrics, weights=weights, experiment=experiment, store=find_store(store), device=device
        )
    )
