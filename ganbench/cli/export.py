"""The command that writes a finished run's generator to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.completion import complete_runs
from ganbench.cli.options import plugins_flag, store_flag, weights_flag

if TYPE_CHECKING:
    from ganbench.runs.kept_generator import Which


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=complete_runs)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file that ends in .pt2, .onnx or .safetensors. Default: generator-RUN.pt2.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@weights_flag
@store_flag
@plugins_flag
def export(
    run_id: str, out: Path | None, force: bool, weights: Which, store: str | None, plugins: tuple[Path, ...]
) -> None:
    """Write the generator of a finished RUN to a file that works without ganbench.

    The ending of --out chooses the format: a program of torch.export (.pt2), ONNX (.onnx), or the weights alone
    (.safetensors). Programs take latents [N, size], for any N, and return samples, images in [-1, 1]. The run's id and
    spec are inside the file.

    \b
      ganbench export 480a2fd3ba0e
      ganbench export 480a2fd3ba0e --out generator.onnx
      ganbench evaluate generator.onnx --dataset mnist
    """
    from ganbench.core.plugins import load_plugins
    from ganbench.tracking.store import find_store

    load_plugins(plugins)
    from ganbench.cli.console.export import export_session  # imports torch

    export_session(run_id, out=out, force=force, weights=weights, store=find_store(store))
