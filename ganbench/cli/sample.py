"""The command that draws samples from a finished run's generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.completion import complete_runs
from ganbench.cli.options import device_flag, plugins_flag, store_flag, weights_flag

if TYPE_CHECKING:
    from ganbench.runs.kept_generator import Which


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=complete_runs)
@click.option("--count", type=click.IntRange(min=1), default=1000, show_default=True, help="Number of samples.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="A .npz or .npy file, or a folder for PNGs. Default: samples-RUN.npz.",
)
@click.option("--force", is_flag=True, help="Replace samples of an earlier call.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the latents.")
@weights_flag
@store_flag
@device_flag
@plugins_flag
def sample(
    run_id: str,
    count: int,
    out: Path | None,
    force: bool,
    seed: int,
    weights: Which,
    store: str | None,
    device: str,
    plugins: tuple[Path, ...],
) -> None:
    """Draw samples from the generator of a finished RUN, and write them to a file or as PNGs.

    RUN is a run id or a unique prefix: `ganbench run --dry-run` prints ids, and so does results.csv of a report. The
    latents are a stream of their own, so the samples are never those that the run was scored by.

    \b
      ganbench sample 480a2fd3ba0e --count 10000 --out fakes.npz
      ganbench sample 480a2fd3ba0e --out pictures
      ganbench evaluate fakes.npz --dataset mnist
    """
    from ganbench.core.plugins import load_plugins
    from ganbench.tracking.store import find_store

    load_plugins(plugins)
    from ganbench.cli.console.sample import sample_session  # imports torch

    sample_session(
        run_id,
        count=count,
        out=out,
        force=force,
        seed=seed,
        weights=weights,
        device=device,
        store=find_store(store),
    )
