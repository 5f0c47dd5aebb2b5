"""Flags that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

EXPERIMENT = "ganbench"


def store_flag(command: Any) -> Any:
    return click.option(
        "--store",
        metavar="FOLDER|URI",
        help="Where runs are kept: a folder, or an MLflow tracking URI. "
        "Default: $MLFLOW_TRACKING_URI, else ./mlruns-ganbench.",
    )(command)


def experiment_flag(command: Any) -> Any:
    return click.option(
        "--experiment", default=EXPERIMENT, show_default=True, help="The experiment that runs belong to."
    )(command)


def plugins_flag(command: Any) -> Any:
    return click.option(
        "--plugin",
        "plugins",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A Python file that registers losses, architectures, … of your own. Can be repeated.",
    )(command)


def results_flag(command: Any) -> Any:
    return click.option(
        "--from",
        "source",
        type=click.Path(path_type=Path),
        metavar="CSV",
        help="Read results.csv of a report instead of a store.",
    )(command)


def where_flag(command: Any) -> Any:
    return click.option(
        "--where",
        multiple=True,
        metavar="OPTION=VALUE",
        help="Only what has this option: loss=minimax, train.pac=1|2. Can be repeated; all must hold.",
    )(command)


def budget_flag(command: Any) -> Any:
    return click.option(
        "--budget-axis",
        "x",
        metavar="BUDGET",
        default="images",
        show_default=True,
        callback=lambda _context, _option, word: word.replace("-", "_"),
        help="Set scores against images, step, critic-steps, generator-steps, critic-evaluations or seconds.",
    )(command)
