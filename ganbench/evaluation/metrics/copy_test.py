"""A test of images for copies of training images, which forgives a shift of a pixel and a little noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.evaluation.metrics.base import UndefinedMetricError
from ganbench.evaluation.metrics.distances import by_row, smallest, squares

NEIGHBOURS = 5
"""Rank of the neighbour with whose distance that of the nearest is compared: up to four equal training images are
recognised.
"""
COMPONENTS = 48
INK = 16.0
"""Brightness, of 255, below which a pixel doesn't count for the centre of mass, so that noise of 8 doesn't move it."""
FITTED = 10_000
"""Number of training images from which the components are computed."""
ROUNDING = 1e-5
"""Squared distances below this fraction of the squared norm are 0."""
BATCH = 2_000


@dataclass(frozen=True)
class CopySpace:
    """The principal components of centred, smoothed training images.

    Attributes:
        mean: float32 [p].
        components: float32 [p, c].
        training: all training images in this space, float32 [T, c].
    """

    mean: Tensor
    components: Tensor
    training: Tensor

    @classmethod
    def fit(cls, training: Tensor) -> CopySpace:
        """The space of training images, uint8 [T, C, H, W]."""
        smooth = _smooth(training)
        some = smooth[:: max(1, len(smooth) // FITTED)].double()
        mean = some.mean(0)
        _, vectors = torch.linalg.eigh((some - mean).T @ (some - mean) / len(some))
        components = vectors[:, -COMPONENTS:].float()
        return cls(mean.float(), components, (smooth - mean.float()) @ components)

    def novelty(self, images: Tensor) -> Tensor:
        """Distance of images from the nearest training image over that from the fifth nearest, in [0, 1], float64 [N].

        Raises:
            UndefinedMetricError: there are fewer training images.
        """
        if len(self.training) < NEIGHBOURS:
            raise UndefinedMetricError(f"there are fewer than {NEIGHBOURS} training images")
        points = (_smooth(images) - self.mean) @ self.components
        blocks = squares(points, self.training, dtype=torch.float32)
        near = by_row(len(points), blocks, lambda block: smallest(block, NEIGHBOURS)).double().clamp_min(0)
        # An equal image is a copy, also if it is there five times; float32 leaves it a distance of rounding errors.
        equal = near[:, 0] <= ROUNDING * points.double().square().sum(1)
        return torch.where(equal, 0.0, (near[:, 0] / near[:, -1]).sqrt())


def _smooth(images: Tensor) -> Tensor:
    """Images, uint8 [N, C, H, W], their centre of mass in the middle, at half the resolution; float32 [N, p]."""
    return torch.cat([_smooth_batch(batch) for batch in images.split(BATCH)])


def _smooth_batch(images: Tensor) -> Tensor:
    pixels = images.float()
    ink = (pixels - INK).clamp_min(0).sum(1)
    rows, columns = (_to_middle(ink.sum(dim)) for dim in (2, 1))
    centred = rows[:, None] @ pixels @ columns[:, None].transpose(2, 3)
    return torch.nn.functional.avg_pool2d(centred, 2, ceil_mode=True).flatten(1)


def _to_middle(ink: Tensor) -> Tensor:
    """Matrices [N, side, side] that move the mean position of the ink [N, side] to the middle, by interpolation.

    Its exact position is used: rounded to whole pixels, noise would move some images by one.
    """
    positions = torch.arange(ink.shape[1], device=ink.device, dtype=ink.dtype)
    middle = (ink.shape[1] - 1) / 2
    total = ink.sum(1)
    mean = torch.where(total > 0, ink @ positions / total.clamp_min(1), torch.full_like(total, middle))
    sources = positions + (mean - middle)[:, None]
    return (1 - (sources[:, :, None] - positions).abs()).clamp_min(0)
