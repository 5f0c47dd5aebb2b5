"""Optimisers in two forms: torch's own for actual updates, and a pure one for unrolled updates.

torch's are called as functions on state tensors held here: its optimiser classes import the compiler, which takes more
than a second, and check all their options in every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from ganbench.spec.train_spec import OPTIMIZERS

EPSILON = 1e-8
TINY = 1e-30
"""Added under square roots, whose gradient at zero would be infinite."""

Moments = tuple[Tensor, ...]
Betas = tuple[float, float] | Tensor
Change = Callable[[Tensor, Moments, Tensor, Betas], tuple[Tensor, Moments]]
"""(gradient, moments, number of the update from 1, betas) to (decrease of the weight at rate 1, new moments)."""
LearningRate = float | Tensor
"""On a GPU a number in device memory, which a recorded step reads anew each time."""


class NextUpdate(NamedTuple):
    """The state of an optimiser before its next update, as tensors; each has the leading seed axis."""

    moments: dict[str, Moments]
    """Moments of each parameter, by name."""
    number: Tensor
    """Number of that update, from 1, [S]."""
    lr: Tensor
    """Learning rate, [S]."""
    betas: Tensor
    """β1 and β2, [S, 2]."""


class OptimizerState(NamedTuple):
    """An optimiser's state for each of its weights, changed in place by an update."""

    moments: list[list[Tensor]]
    """Indexed by moment, then by weight; each has the weight's shape, and is zero at first."""
    counts: list[Tensor]
    """Number of updates of each weight, float32 []."""


Update = Callable[[list[Tensor], list[Tensor], OptimizerState, LearningRate, tuple[float, float]], None]
"""Changes weights and their state in place, given gradients, learning rate and betas."""


@dataclass(frozen=True)
class Optimizer:
    """One kind of optimiser.

    Attributes:
        moments: their names.
        update: torch's implementation.
        change: the same rule as a pure, differentiable function of one seed's tensors.
        reads_rate: whether torch's reads a learning rate from device memory without synchronising.
    """

    moments: tuple[str, ...]
    update: Update
    change: Change
    reads_rate: bool = False


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


def _update_adam(
    weights: list[Tensor], gradients: list[Tensor], state: OptimizerState, lr: LearningRate, betas: tuple[float, float]
) -> None:
    first, second = state.moments
    adam(
        weights,
        gradients,
        first,
        second,
        [],
        state.counts,
        fused=True,
        amsgrad=False,
        beta1=betas[0],
        beta2=betas[1],
        lr=lr,
        weight_decay=0.0,
        eps=EPSILON,
        maximize=False,
    )


def _update_rmsprop(
    weights: list[Tensor], gradients: list[Tensor], state: OptimizerState, lr: LearningRate, betas: tuple[float, float]
) -> None:
    (square,) = state.moments
    rmsprop(
        weights,
        gradients,
        square,
        [],
        [],
        state.counts,
        lr=lr,
        alpha=betas[1],
        eps=EPSILON,
        weight_decay=0.0,
        momentum=0.0,
        centered=False,
    )


def _update_sgd(
    weights: list[Tensor], gradients: list[Tensor], state: OptimizerState, lr: LearningRate, betas: tuple[float, float]
) -> None:
    (velocity,) = state.moments
    sgd(
        weights,
        gradients,
        [*velocity],  # typed as a list that may hold None, for a first step; its tensors are changed in place
        lr=lr,
        momentum=betas[0],
        dampening=0.0,
        weight_decay=0.0,
        nesterov=False,
        maximize=False,
    )


OPTIMIZERS_BY_NAME: dict[str, Optimizer] = {
    "adam": Optimizer(("exp_avg", "exp_avg_sq"), _update_adam, _adam, reads_rate=True),
    "rmsprop": Optimizer(("square_avg",), _update_rmsprop, _rmsprop),
    "sgd": Optimizer(("momentum_buffer",), _update_sgd, _sgd),
}
assert tuple(OPTIMIZERS_BY_NAME) == OPTIMIZERS
