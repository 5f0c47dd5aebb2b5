"""Two steps of training with tiny networks, for checks of components in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ganbench.checks.base import CheckFailed
from ganbench.data import Data
from ganbench.data.ring import Ring
from ganbench.spec.run_spec import resolve
from ganbench.training.trainer import train

CPU = torch.device("cpu")
SEEDS = (0, 1, 2)
STEPS = 2
TINY: Mapping[str, Any] = {
    "arch": {"name": "mlp", "latent_dim": 4, "generator_widths": [8], "critic_widths": [8]},
    "dataset": {"name": "ring"},
    "penalty": [],
    "train": {"steps": STEPS, "batch_size": 16},
}


class Noise(Data):
    """Data of any shape: uniform noise in [−1, 1], with one mode."""

    def __init__(self, shape: tuple[int, ...], count: int = 64) -> None:
        self.shape, self.mode_names, self.device = shape, ("noise",), CPU
        self.weights = torch.ones(1, dtype=torch.float64)
        self._samples = torch.rand(count, *shape) * 2 - 1

    def __len__(self) -> int:
        return len(self._samples)

    def batch(self, indices: Tensor) -> Tensor:
        return self._samples[indices]

    def reference(self, count: int) -> Tensor:
        return self._samples[:count]

    def floor_samples(self, count: int, draw: int = 0) -> Tensor:
        return self._samples[-count:]


def trains(settings: Mapping[str, Any], data: Data | None = None) -> None:
    """Train `SEEDS` together for two steps; `settings` override those of `TINY`.

    Raises:
        CheckFailed: a loss, a gradient or a weight isn't finite, or a statistic isn't given per seed.
    """
    spec = resolve({**TINY, **settings, "train": {**TINY["train"], **settings.get("train", {})}})
    last = list(train(spec, SEEDS, data or Ring().load(CPU), CPU, every=1))[-1]
    for name, values in last.statistics.items():
        if values.shape != (len(SEEDS),):
            raise CheckFailed(f"{name} has shape {list(values.shape)} for {len(SEEDS)} seeds")
        if not values.isfinite().all():
            raise CheckFailed(f"after {STEPS} steps {name} of the {len(SEEDS)} seeds is {numbers(values)}")
    for name, weight in last.state.averaged.items():
        if not weight.isfinite().all():
            raise CheckFailed(f"after {STEPS} steps the generator's '{name}' isn't finite")


def numbers(values: Tensor) -> str:
    """Format the first few numbers of a tensor."""
    flat = values.detach().flatten().tolist()
    return ", ".join(f"{value:.4g}" for value in flat[:6]) + (", …" if len(flat) > 6 else "")
