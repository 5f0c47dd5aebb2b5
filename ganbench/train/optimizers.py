"""Optimisers in two forms: torch's own for the updates that are made, a pure one for those that are looked ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.options import OPTIMIZERS

EPSILON = 1e-8
TINY = 1e-30
"""Under a square root, whose gradient at zero would be infinite."""

Moments = tuple[Tensor, ...]
Betas = tuple[float, float] | Tensor
Change = Callable[[Tensor, Moments, Tensor, Betas], tuple[Tensor, Moments]]
"""(gradient, moments, number of the update from 1, betas) to (what is taken off the weight at rate 1, new moments)."""


class NextUpdate(NamedTuple):
    """The state of an optimiser before its next update, as tensors; each has the leading seed axis."""

    moments: dict[str, Moments]
    """By name of what is trained."""
    number: Tensor
    """Number of that update, from 1, [S]."""
    lr: Tensor
    """[S]."""
    betas: Tensor
    """[S, 2]."""


@dataclass(frozen=True)
class Optimizer:
    """One kind of optimiser.

    Attributes:
        moments: the names of its state in torch, each of a weight's shape, zero at first.
        make: torch's optimiser of some weights, at a learning rate, with betas.
        options: what torch calls the betas.
        change: the same rule as a pure function of one seed's tensors, which can be differentiated.
    """

    moments: tuple[str, ...]
    make: Callable[[Sequence[Tensor], float, tuple[float, float]], torch.optim.Optimizer]
    options: Callable[[tuple[float, float]], Mapping[str, object]]
    change: Change


def _adam(gradient: Tensor, moments: Moments, count: Tensor, betas: Betas) -> tuple[Tensor, Moments]:
    first = betas[0] * moments[0] + (1 - betas[0]) * gradient
    second = betas[1] * moments[1] + (1 - betas[1]) * gradient.square()
    scale = (second / (1 - betas[1] ** count) + TINY).sqrt() + EPSILON
    return first / (1 - betas[0] ** count) / scale, (first, second)


def _rmsprop(gradient: Tensor, moments: Moments, count: Tensor, betas: Betas) -> tuple[Tensor, Moments]:
    square = betas[1] * moments[0] + (1 - betas[1]) * gradient.square()
    return gradient / ((square + TINY).sqrt() + EPSILON), (square,)


def _sgd(gradient: Tensor, moments: Moments, count: Tensor, betas: Betas) -> tuple[Tensor, Moments]:
    velocity = betas[0] * moments[0] + gradient
    return velocity, (velocity,)


def _where_it_is_read(lr: float, device: torch.device) -> float | Tensor:
    """On a GPU a learning rate is a number in the device's memory: a recorded step reads it anew each time."""
    return torch.tensor(lr, device=device) if device.type == "cuda" else lr


KINDS: dict[str, Optimizer] = {
    "adam": Optimizer(
        ("exp_avg", "exp_avg_sq"),
        lambda weights, lr, betas: torch.optim.Adam(
            weights, lr=_where_it_is_read(lr, weights[0].device), betas=betas, eps=EPSILON, fused=True
        ),
        lambda betas: {"betas": betas},
        _adam,
    ),
    "rmsprop": Optimizer(
        ("square_avg",),
        lambda weights, lr, betas: torch.optim.RMSprop(weights, lr=lr, alpha=betas[1], eps=EPSILON),
        lambda betas: {"alpha": betas[1]},
        _rmsprop,
    ),
    "sgd": Optimizer(
        ("momentum_buffer",),
        lambda weights, lr, betas: torch.optim.SGD(weights, lr=lr, momentum=betas[0]),
        lambda betas: {"momentum": betas[0]},
        _sgd,
    ),
}
assert tuple(KINDS) == OPTIMIZERS
