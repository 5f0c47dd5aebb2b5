"""The command that trains one spec."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from ganbench.cli.completion import names_of
from ganbench.cli.console.threads import choose_waiting
from ganbench.cli.options import device_flag, experiment_flag, metrics_flag, plugins_flag, store_flag


@click.command()
@click.option(
    "--loss",
    metavar="NAME",
    shell_complete=names_of("losses"),
    help="The loss that both networks minimise (see `ganbench list losses`).",
)
@click.option(
    "--arch",
    metavar="NAME",
    shell_complete=names_of("archs"),
    help="The architecture of both networks (see `ganbench list archs`).",
)
@click.option(
    "--dataset",
    metavar="NAME",
    shell_complete=names_of("datasets"),
    help="The data set to imitate (see `ganbench list datasets`).",
)
@click.option(
    "--penalty",
    "penalties",
    multiple=True,
    metavar="NAME",
    shell_complete=names_of("penalties"),
    help="Gradient penalty, for example gp:weight=10, or `none`. Default: the loss's own. Repeatable.",
)
@click.option(
    "--protocol",
    metavar="NAME",
    shell_complete=names_of("protocols"),
    help="Evaluation protocol (see `ganbench list protocols`). Default: ganbench-2.",
)
@click.option(
    "--seeds",
    default="0",
    show_default=True,
    help="Seeds to train together: 0-2 or 0,3,7. Each becomes a run of its own.",
)
@click.option(
    "--wrapper",
    "wrappers",
    multiple=True,
    metavar="NAME",
    shell_complete=names_of("wrappers"),
    help="Change to the discriminator, as spectral-norm, or `none` (see `ganbench list wrappers`). Repeatable.",
)
@click.option("--pac", type=int, metavar="M", help="Show the discriminator M samples at once (PacGAN).")
@click.option("--steps", metavar="N", help="Budget in steps; 400k and 10M are understood.")
@click.option("--epochs", type=float, help="Budget in passes of the discriminator over the data. Default: 8.")
@click.option("--critic-steps", metavar="N", help="Budget in updates of the discriminator.")
@click.option("--generator-steps", metavar="N", help="Budget in updates of the generator.")
@click.option("--images", metavar="N", help="Budget in real images seen.")
@click.option("--critic-evaluations", metavar="N", help="Budget in passes of a sample through the discriminator.")
@click.option("--batch-size", type=int, help="Real (and generated) samples per update. Default: 64.")
@click.option(
    "--eval-every", type=int, help="Steps between evaluations. Default: a twentieth of the steps, at least 100."
)
@click.option(
    "--stop-on",
    metavar="collapse",
    help="Stop a seed that stays collapsed for 5 evaluations (collapse:N for N). It is scored and counted.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bf16"]),
    help="Precision of products and convolutions in training; bf16 is faster where supported. Default: float32.",
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
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="TABLE.OPTION=VALUE",
    help="Any option of the spec: train.critic_lr=1e-4, arch.latent_dim=64. Repeatable.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Read settings from a file; options on the command line override it. `--dry-run` prints such a file.",
)
@metrics_flag
@click.option("--dry-run", is_flag=True, help="Print the resolved spec as TOML and stop.")
@click.option("--force", is_flag=True, help="Repeat runs that are already finished.")
@click.option("--profile", is_flag=True, help="Print where the time went, and whether steps were accelerated.")
@plugins_flag
def run(
    loss: str | None,
    arch: str | None,
    dataset: str | None,
    penalties: tuple[str, ...],
    wrappers: tuple[str, ...],
    protocol: str | None,
    seeds: str,
    pac: int | None,
    steps: str | None,
    epochs: float | None,
    critic_steps: str | None,
    generator_steps: str | None,
    images: str | None,
    critic_evaluations: str | None,
    batch_size: int | None,
    eval_every: int | None,
    stop_on: str | None,
    precision: str | None,
    device: str,
    accelerate: str,
    experiment: str,
    store: str | None,
    assignments: tuple[str, ...],
    config: Path | None,
    metrics: tuple[str, ...],
    dry_run: bool,
    force: bool,
    profile: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Train a GAN on one or more seeds, and measure how much of the data it covers.

    A component's options follow its name: --arch mlp:latent_dim=64 --penalty gp:weight=1. What you don't set comes from
    the loss's paper, then from defaults. Run the same command again to resume an interrupted run;
    a finished run is not repeated.
    """
    began_at = time.perf_counter()  # before torch is imported
    choose_waiting()
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # otherwise torch's profiler reports on itself
    from ganbench.cli.known_names import refuse_unknown
    from ganbench.core.plugins import load_plugins
    from ganbench.core.settings import (
        merge,
        parse_assignment,
        parse_component,
        parse_count,
        parse_seeds,
        parse_stop,
        read_config,
        to_toml,
    )

    named = {"loss": loss, "arch": arch, "dataset": dataset, "protocol": protocol}
    flags: dict[str, Any] = {key: parse_component(text) for key, text in named.items() if text is not None}
    for kind, texts in (("penalty", penalties), ("wrapper", wrappers)):
        if texts:
            flags[kind] = [parse_component(text) for text in texts if text != "none"]
    refuse_unknown({key: [part] if isinstance(part, dict) else part for key, part in flags.items()}, plugins)
    counts = {
        "steps": steps,
        "critic_steps": critic_steps,
        "generator_steps": generator_steps,
        "images": images,
        "critic_evaluations": critic_evaluations,
    }
    train: dict[str, Any] = {key: parse_count(text) for key, text in counts.items() if text is not None}
    train |= {"epochs": epochs, "batch_size": batch_size, "pac": pac, "precision": precision}
    flags["train"] = {key: value for key, value in train.items() if value is not None}
    flags["evaluation"] = {"every": eval_every} if eval_every is not None else {}
    if stop_on is not None:
        flags["evaluation"] |= parse_stop(stop_on)
    settings = merge([flags, *map(parse_assignment, assignments)])
    file_settings = read_config(config) if config else {}
    seed_numbers = parse_seeds(seeds)
    from ganbench.spec.run_spec import apply_overrides, resolve  # imports torch: what can be refused was refused

    load_plugins(plugins)
    spec = resolve(apply_overrides(file_settings, settings))
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
        accelerated=accelerate == "auto",
        profiled_since=began_at if profile else None,
    )
    raise SystemExit(status)
