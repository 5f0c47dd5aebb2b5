"""Similarity of images within a mode."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.core.seeding import stream
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.by_mode import by_mode, draw
from ganbench.evaluation.metrics.msssim import MIN_SIDE, ms_ssim_of_pairs


@register(METRICS, "ms_ssim_within")
class MsSsimWithin(Metric):
    """Mean MS-SSIM of two images of a mode, in [0, 1]: higher is less diverse (Odena et al. 2017, arXiv:1610.09585).

    All pairs in `batches` batches of `batch` images of each mode, or as many as it has; the mean over modes is
    weighted by their samples. If more than `most` modes have two images, `most` of them are drawn. Three scales with
    a 7×7 window instead of five with 11×11, which don't fit 28×28: not comparable with numbers for larger images.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "MS-SSIM within modes"
    sees: ClassVar[frozenset[Fault]] = frozenset({"shrunken-modes"})

    batch: int = 64
    batches: int = 5
    most: int = 100

    def __post_init__(self) -> None:
        if self.batch < 2 or self.batches < 1 or self.most < 1:
            raise ValueError("batch must be at least 2, batches and most at least 1")

    def __call__(self, *, fake: Features, real: Reference) -> float:
        if fake.samples.dtype != torch.uint8 or fake.samples.ndim != 4 or min(fake.samples.shape[2:]) < MIN_SIDE:
            raise UndefinedMetricError(f"samples aren't images of at least {MIN_SIDE}×{MIN_SIDE} pixels")
        parts = by_mode(fake)
        if not parts:
            raise UndefinedMetricError("no mode has two samples")
        modes = sorted(parts)
        if len(modes) > self.most:
            chosen = torch.randperm(len(modes), generator=stream(0, "metric"))[: self.most]
            modes = [modes[index] for index in chosen.tolist()]
        total = sum(len(parts[mode]) for mode in modes)
        return sum(len(parts[mode]) / total * self._mean(fake, mode, parts[mode]) for mode in modes)

    def _mean(self, fake: Features, mode: int, part: Tensor) -> float:
        drawn = fake.samples[draw(fake, part, self.batch * self.batches, mode)]
        groups = [ms_ssim_of_pairs(group) for group in drawn.split(self.batch) if len(group) >= 2]
        return float(torch.cat(groups).double().mean())
