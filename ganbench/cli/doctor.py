"""The command that tests the metrics themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import format_flag, plugins_flag

if TYPE_CHECKING:
    from ganbench.evaluation.doctor import Diagnosis


BUILT_IN = ("mnist", "ring", "grid")
"""The data sets in which faults are planted."""


@click.command()
@click.option(
    "--data",
    metavar="NAME",
    default="all",
    show_default=True,
    help="Plant faults in mnist, ring, grid or all; or examine a data set of your own: its files, classes and size.",
)
@click.option("--full", is_flag=True, help="Score as many samples as the protocol, with 300 real sets. Takes long.")
@click.option("--samples", type=click.IntRange(min=500), help="Number of samples in each set, if not the default.")
@click.option("--protocol", help="The protocol whose metrics are tested, if not the default.")
@click.option("--checks", is_flag=True, help="Run the sanity checks of Räisä et al. (2025) instead, on toy data.")
@format_flag("table", "markdown")
@plugins_flag
def doctor(
    data: str,
    full: bool,
    samples: int | None,
    protocol: str | None,
    checks: bool,
    style: str,
    plugins: tuple[Path, ...],
) -> None:
    """Plant faults with known answers, and show which metric detects which kind of collapse.

    By default 2,000 images or 10,000 points in each set, which takes a few minutes. Exits with status 1 if a metric
    misses a fault that it claims to detect, if the verdict names a fault wrongly, or if either accuses real data.
    Metrics of plug-ins are tested too.

    \b
    A data set of your own (`ganbench data add`) is examined instead:
      ganbench doctor --data flowers
    """
    if data not in (*BUILT_IN, "all"):
        raise SystemExit(_examine_own(data))
    from dataclasses import replace

    from ganbench.cli.console.diagnosis import legend, show_diagnosis
    from ganbench.core.plugins import load_plugins
    from ganbench.core.screen import screen_width
    from ganbench.data.grid import Grid
    from ganbench.data.ring import Ring
    from ganbench.evaluation.doctor import FULL, PROTOCOL, QUICK, Examination

    load_plugins(plugins)
    if checks:
        from ganbench.cli.console.sanity import show_checks
        from ganbench.evaluation.sanity_checks import run_checks

        click.echo(show_checks(run_checks(_say), style, screen_width()))
        return
    effort = FULL if full else QUICK
    if samples is not None:
        effort = replace(effort, images=samples, points=samples)
    examination = Examination(_say, effort, protocol or PROTOCOL)
    examined: dict[str, Callable[[], Diagnosis]] = {
        "mnist": examination.of_images,
        "ring": lambda: examination.of_points(Ring()),
        "grid": lambda: examination.of_points(Grid()),
    }
    healthy = True
    for name, examine in examined.items():
        if data in (name, "all"):
            diagnosis = examine()
            healthy &= diagnosis.healthy
            click.echo(f"\n{show_diagnosis(diagnosis, style, screen_width())}")
    click.echo(f"\n{legend(screen_width())}")
    raise SystemExit(0 if healthy else 1)


def _examine_own(name: str) -> int:
    """Say what is right and what is wrong with a data set of the user's own; return the exit status."""
    from ganbench.core.errors import GanbenchError
    from ganbench.core.own_data import own_names
    from ganbench.core.registry import near_miss

    if name not in own_names():
        known = ("all", *BUILT_IN, *own_names())
        raise GanbenchError(f"there is no data set '{name}' to examine: {near_miss(name, known)}")
    _refuse_beside_own()
    from ganbench.cli.console.own_data import show_remarks
    from ganbench.evaluation.examine_own_data import examine_own_data  # imports torch

    remarks = examine_own_data(name)
    click.echo(show_remarks(name, remarks))
    return int(any(remark.kind == "wrong" for remark in remarks))


def _refuse_beside_own() -> None:
    """Refuse options that say nothing about the files of a data set."""
    from ganbench.core.errors import GanbenchError

    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        if given and parameter.name != "data":
            raise GanbenchError(f"{parameter.opts[0]} is for planted faults: leave it out with a data set of your own")


def _say(line: str) -> None:
    click.echo(line, err=True)
