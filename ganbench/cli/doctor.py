"""The command that tests the metrics themselves."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import format_flag, plugins_flag


@click.command()
@click.option("--data", type=click.Choice(["all", "mnist", "ring"]), default="all", show_default=True)
@format_flag("table", "markdown")
@plugins_flag
def doctor(data: str, style: str, plugins: tuple[Path, ...]) -> None:
    """Plant faults with known answers, and show which metric detects which kind of collapse.

    Exits with status 1 if a metric misses a fault that it claims to detect, or scores faulty samples better than real
    ones. Metrics of plug-ins are tested too.
    """
    from ganbench.cli.console.evaluation_tables import LEGEND, show_diagnosis
    from ganbench.core.plugins import load_plugins
    from ganbench.evaluation.doctor import examine_images, examine_points

    load_plugins(plugins)
    diagnoses = []
    for name, examine in (("mnist", examine_images), ("ring", examine_points)):
        if data not in (name, "all"):
            continue
        diagnosis = examine(lambda line: click.echo(line, err=True))
        diagnoses.append(diagnosis)
        click.echo(f"\n{show_diagnosis(diagnosis, style)}")
    click.echo(f"\n{LEGEND}")
    raise SystemExit(0 if all(diagnosis.healthy for diagnosis in diagnoses) else 1)
