"""Faults planted in points, drawn from an exact mixture."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.core.seeding import stream
from ganbench.data.mixture import MixturePoints
from ganbench.evaluation.faults.base import Draw, Planted, common_faults, plant

JITTER = 0.01
"""Standard deviation of the jitter of repeated points, in σ. With more, 1,000 repeated points can't be told from new
ones at a few thousand samples: real neighbours are as near.
"""
NOISE = 1.5
"""Standard deviation of the noise added to points, in σ: a quarter of them then lie off their modes."""
NARROW, NARROWED = 0.9, 0.5
"""Widths of shrunken modes, relative to real ones; the second is `narrowed modes`."""
TURNS = (0.5, 2.0)
"""Displacements of the modes by a turn around the origin, in σ."""


class PointSource:
    """An exact mixture as a source of points."""

    def __init__(self, data: MixturePoints) -> None:
        self._data = data
        self.modes = len(data.mode_names)

    def of_modes(self, shares: Tensor, count: int, draw: int) -> Tensor:
        random = stream(draw, "planted")
        return self._around(torch.multinomial(shares, count, replacement=True, generator=random), 1.0, random)

    def of_each(self, count: int, draw: int) -> Tensor:
        return self._around(torch.arange(count) % self.modes, 1.0, stream(draw, "planted", 4))

    def narrowed(self, count: int, draw: int) -> Tensor:
        return self.of_width(NARROWED)(count, draw)

    def junk(self, count: int, draw: int) -> Tensor:
        reach = 1.5 * float(self._data.means.abs().max())
        return (torch.rand(count, 2, generator=stream(draw, "planted", 2)) * 2 - 1) * reach

    def jittered(self, samples: Tensor, draw: int) -> Tensor:
        noise = torch.randn(samples.shape, generator=stream(draw, "planted", 5))
        return samples + JITTER * self._data.sigma * noise

    def of_width(self, width: float) -> Draw:
        """Points of modes with `width` times the true standard deviation."""

        def draw_points(count: int, draw: int) -> Tensor:
            random = stream(draw, "planted")
            modes = torch.multinomial(self._data.weights, count, replacement=True, generator=random)
            return self._around(modes, width, random)

        return draw_points

    def smeared(self, count: int, draw: int) -> Tensor:
        """Points spread evenly along the line from each mode to the next."""
        random = stream(draw, "planted")
        modes = torch.multinomial(self._data.weights, count, replacement=True, generator=random)
        start, end = self._data.means[modes], self._data.means[(modes + 1) % self.modes]
        along = torch.rand(count, 1, generator=random)
        return start + along * (end - start) + self._data.sigma * torch.randn(count, 2, generator=random)

    def _around(self, modes: Tensor, width: float, random: torch.Generator) -> Tensor:
        noise = torch.randn(len(modes), 2, generator=random)
        return self._data.means[modes] + width * self._data.sigma * noise


def point_faults(source: PointSource, data: MixturePoints) -> dict[str, Planted]:
    """The faults that can be planted in points."""
    common = common_faults(source, data.weights)

    def real(count: int, draw: int) -> Tensor:
        return source.of_modes(data.weights, count, draw)

    def noisy(count: int, draw: int) -> Tensor:
        points = real(count, draw)
        return points + NOISE * data.sigma * torch.randn(points.shape, generator=stream(draw, "planted", 3))

    def turned(sigmas: float) -> Draw:
        # The outermost mode moves by this distance.
        angle = torch.tensor(sigmas * data.sigma / float(data.means.norm(dim=1).max()))
        turn = torch.stack([torch.stack([angle.cos(), angle.sin()]), torch.stack([-angle.sin(), angle.cos()])])
        return lambda count, draw: real(count, draw) @ turn

    # Every other mode holds twice as much: two thirds of its fair share is neither lost nor thin.
    doubled = data.weights * (1 + (torch.arange(source.modes) % 2))
    subtle, gross = TURNS
    return common | {
        "noise": plant(noisy, {"off-mode"}, {"not sharp"}, {"uneven"}),
        "smeared": plant(source.smeared, {"off-mode"}, {"not sharp"}, {"uneven"}),
        f"turned by {subtle} sd": plant(turned(subtle), {"displaced"}, {"displaced"}, subtle=True),
        f"turned by {gross:g} sd": plant(turned(gross), {"displaced"}, {"not sharp"}),
        f"shrunk to {NARROW}": plant(source.of_width(NARROW), {"shrunken-modes"}, {"narrow"}, subtle=True),
        "doubled weights": plant(
            lambda count, draw: source.of_modes(doubled / doubled.sum(), count, draw),
            {"imbalance"},
            {"uneven"},
            subtle=True,
        ),
    }
