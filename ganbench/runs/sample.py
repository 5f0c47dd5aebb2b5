"""The public function that draws samples from a run's generator."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from ganbench.core.device import find_device
from ganbench.core.plugins import load_plugins
from ganbench.runs.kept_generator import Which, find_generator
from ganbench.tracking.store import find_store


def sample(
    run: str,
    count: int = 1000,
    *,
    seed: int = 0,
    weights: Which = "last",
    plugins: Sequence[str | os.PathLike[str]] = (),
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    store: str | os.PathLike[str] | None = None,
) -> npt.NDArray[Any]:
    """Draw samples from the generator of a run, as `evaluate` takes them.

    They come from latents of their own, so they are never the samples that the run was scored by. The same seed on the
    same kind of device gives the same samples, and the first of many are those of few.

    Args:
        run: id of a finished run, or a unique prefix: the column `run` of `load_results`.
        count: number of samples.
        seed: seed of the latents.
        weights: "last", or "best" for those of the best evaluation, if `keep` kept them.
        plugins: Python files with the run's components that aren't ganbench's.
        store: folder or MLflow tracking URI; by default $MLFLOW_TRACKING_URI, or else ./mlruns-ganbench.

    Returns:
        Images as bytes, uint8 [N, C, H, W]; points as float32 [N, d].

    Raises:
        GanbenchError: there is no such run, it diverged or has not come to its end, or its weights are missing.
    """
    load_plugins([Path(file) for file in plugins])
    with tempfile.TemporaryDirectory() as folder:
        generator = find_generator(find_store(None if store is None else os.fspath(store)), run, weights, Path(folder))
        return generator.samples(count, seed, find_device(device))
