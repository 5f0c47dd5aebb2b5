"""Families of simple distributions for the sanity checks: (dimension, position, random) to generated and real samples.

They are those of Räisä et al. (2025), at the same number of samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from ganbench.core.seeding import stream

SAMPLES = 1_000
FAR: Mapping[int, float] = {1: 6.0, 8: 3.0, 64: 1.0}
"""Distance in each coordinate, by dimension, at which two Gaussians have nothing in common."""


def _normal(dimension: int, random: torch.Generator, count: int = SAMPLES) -> Tensor:
    return torch.randn(count, dimension, generator=random)


def mean_difference(dimension: int, mean: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two Gaussians whose means differ by `mean` in each coordinate."""
    return _normal(dimension, random) + mean, _normal(dimension, random)


def with_outlier(
    dimension: int, mean: float, random: torch.Generator, *, of: Literal["real", "fake"]
) -> tuple[Tensor, Tensor]:
    """The same with one outlier in one of the sets, where the generated samples end."""
    fake, real = mean_difference(dimension, mean, random)
    outlier = torch.full((1, dimension), FAR[dimension])
    # The outlier comes first: metrics take the first samples of both sets, as many of each.
    return (fake, torch.cat([outlier, real])) if of == "real" else (torch.cat([outlier, fake]), real)


def std_difference(dimension: int, log_std: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two Gaussians whose standard deviations differ by a power of ten."""
    return 10**log_std * _normal(dimension, random), _normal(dimension, random)


def sphere(dimension: int, radius: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two spheres around the origin; the real one has radius 1."""
    fake, real = (torch.nn.functional.normalize(_normal(dimension, random)) for _ in range(2))
    return radius * fake, real


def _mixture(means: Tensor, width: float, shares: Tensor, random: torch.Generator) -> Tensor:
    modes = torch.multinomial(shares, SAMPLES, replacement=True, generator=random)
    return means[modes] + width * _normal(means.shape[1], random)


def mode_dropping(dimension: int, dropped: float, random: torch.Generator, *, at_once: bool) -> tuple[Tensor, Tensor]:
    """Ten modes along the diagonal, of which `dropped` are lost; a share of nine of them if `at_once`."""
    means = torch.linspace(0, 10, 10)[:, None].expand(10, dimension)
    width = {1: 1 / 6, 8: 1 / 3, 64: 1.0}[dimension]
    shares = torch.ones(10)
    if at_once:
        shares[1:] *= 1 - dropped
    else:
        shares[10 - round(dropped) :] = 0
    return _mixture(means, width, shares, random), _mixture(means, width, torch.ones(10), random)


def mode_invention(dimension: int, modes: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """One to ten modes, of which the first five are real."""
    # Ten far modes, of which the first five are real; the paper's own are at random, too.
    means = 12 * torch.randn(10, dimension, generator=stream(1, "planted", 30))
    return (
        _mixture(means, 0.25, (torch.arange(10) < modes).float(), random),
        _mixture(means, 0.25, (torch.arange(10) < 5).float(), random),
    )


def one_or_two_modes(dimension: int, distance: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A Gaussian with the mean and variance of two real modes."""
    means = torch.tensor([-0.5, 0.5])[:, None].expand(2, dimension) * distance
    return (1 + distance**2) ** 0.5 * _normal(dimension, random), _mixture(means, 1.0, torch.ones(2), random)


def hypercube(dimension: int, count: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two cubes with a fifth of their volume in common."""
    start = 1 - 0.2 ** (1 / dimension)  # so that a fifth of the volume is common
    fake, real = (torch.rand(round(count), dimension, generator=random) for _ in range(2))
    return fake + start, real


def scaled(dimension: int, log_scale: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two Gaussians disjoint in one dimension, in units of 10^`log_scale` in the other."""
    fake, real = _normal(dimension, random), _normal(dimension, random)
    fake[:, 0] += 6
    for points in (fake, real):
        points[:, 1] *= 10**log_scale
    return fake, real


def pareto(dimension: int, mean: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two Gaussians whose means differ in one dimension, beside a heavy-tailed one."""
    fake, real = mean_difference(dimension, mean, random)
    for points in (fake, real):
        points[:, 1] = torch.rand(SAMPLES, generator=random).clamp_min(1e-6) ** (-1 / 1.01)
    return fake, real


def disjoint(dimension: int, others: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two Gaussians disjoint in one dimension, with `others` more."""
    fake, real = (_normal(round(others) + 1, random) for _ in range(2))
    fake[:, 0] += 6
    return fake, real
