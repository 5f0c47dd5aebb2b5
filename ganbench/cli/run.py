"""The command that trains one spec."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from ganbench.cli.console.threads import choose_waiting
from ganbench.cli.options import device_flag, experiment_flag, metrics_flag, store_flag
from ganbench.cli.spec_flags import spec_flags, spec_of


@click.command()
@spec_flags
@click.option(
    "--seeds",
    default="0",
    show_default=True,
    help="Seeds to train together: 0-2 or 0,3,7. Each becomes a run of its own.",
)
@device_flag
@click.option(
    "--accelerate",
    type=click.Choice(["auto", "off"]),
    default="auto",
    show_default=True,
    help="On a GPU, record training steps and replay them.",
)
@experiment_flag
@store_flag
@metrics_flag
@click.option(
    "--keep",
    metavar="best:METRIC",
    help="Keep the generator of the evaluation at which a metric was best as well, for `sample` and `export`.",
)
@click.option(
    "--name",
    metavar="TEXT",
    help="Name of the method in tables and pictures, in place of the options in which it differs.",
)
@click.option("--dry-run", is_flag=True, help="Print the resolved spec as TOML and stop.")
@click.option("--force", is_flag=True, help="Repeat runs that are already finished.")
@click.option("--profile", is_flag=True, help="Print where the time went, and whether steps were accelerated.")
def run(
    seeds: str,
    device: str,
    accelerate: str,
    experiment: str,
    store: str | None,
    metrics: tuple[str, ...],
    keep: str | None,
    name: str | None,
    dry_run: bool,
    force: bool,
    profile: bool,
    **values: Any,
) -> None:
    """Train a GAN on one or more seeds, and measure how much of the data it covers.

    A component's options follow its name: --arch mlp:latent_dim=64 --penalty gp:weight=1. What you don't set comes from
    the loss's paper, then from defaults. Run the same command again to resume an interrupted run;
    a finished run is not repeated.
    """
    began_at = time.perf_counter()  # before torch is imported
    choose_waiting()
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # otherwise torch's profiler reports on itself
    from ganbench.core.settings import parse_seeds, to_toml

    seed_numbers = parse_seeds(seeds)
    spec = spec_of(values)
    if dry_run:
        click.echo(to_toml(spec.to_dict()), nl=False)
        for seed in seed_numbers:
            click.echo(f"# seed {seed}: run {spec.run_id(seed)}")
        return
    from ganbench.cli.console.run import run_session

    status = run_session(
        spec,
        seed_numbers,
        device=device,
        experiment=experiment,
        store=store,
        force=force,
        metrics=metrics,
        name=name,
        keep=keep,
        accelerated=accelerate == "auto",
        profiled_since=began_at if profile else None,
    )
    raise SystemExit(status)
