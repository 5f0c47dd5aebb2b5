"""Options shared by several commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ganbench.cli.completion import names_of
from ganbench.tracking.store import EXPERIMENT


def store_flag(command: Any) -> Any:
    return click.option(
        "--store",
        metavar="FOLDER|URI",
        help="Where runs are stored: a folder or an MLflow tracking URI. "
        "Default: $MLFLOW_TRACKING_URI, else ./mlruns-ganbench.",
    )(command)


def experiment_flag(command: Any) -> Any:
    return click.option("--experiment", default=EXPERIMENT, show_default=True, help="Name of the MLflow experiment.")(
        command
    )


def plugins_flag(command: Any) -> Any:
    return click.option(
        "--plugin",
        "plugins",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Python file with components of your own. Repeatable.",
    )(command)


def device_flag(command: Any) -> Any:
    return click.option(
        "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True
    )(command)


def seeds_flag(command: Any) -> Any:
    return click.option("--seeds", help="Seeds to use instead of the experiment's: 0-2 or 0,3,7.")(command)


def format_flag(*formats: str) -> Callable[[Any], Any]:
    """Decorator: add `--format`; the first format is the default."""
    return click.option("--format", "style", type=click.Choice(formats), default=formats[0], show_default=True)


def weights_flag(command: Any) -> Any:
    return click.option(
        "--weights",
        type=click.Choice(["last", "best"]),
        default="last",
        show_default=True,
        help="Those at the end, or of the best evaluation, where `run --keep best:METRIC` kept them.",
    )(command)


def metrics_flag(command: Any) -> Any:
    return click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="NAME",
        shell_complete=names_of("metrics"),
        help="A metric outside the protocol, with options as in ndb:bins=50. Repeatable.",
    )(command)


def results_flag(command: Any) -> Any:
    return click.option(
        "--from",
        "source",
        type=click.Path(path_type=Path),
        metavar="CSV",
        help="Read a report's results.csv instead of a store.",
    )(command)


def where_flag(command: Any) -> Any:
    return click.option(
        "--where",
        multiple=True,
        metavar="OPTION=VALUE",
        help="Keep only what has this option: loss=minimax, train.pac=1|2, penalty=r1 (any options). Repeatable; all "
        "must hold.",
    )(command)


def budget_flag(command: Any) -> Any:
    return click.option(
        "--budget-axis",
        "x",
        metavar="BUDGET",
        default="images",
        show_default=True,
        callback=lambda _context, _option, word: word.replace("-", "_"),
        help="Budget on the x axis: images, step, critic-steps, generator-steps, critic-evaluations or seconds.",
    )(command)
