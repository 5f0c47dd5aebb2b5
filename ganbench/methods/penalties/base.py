"""The base class of penalties, their registry, and functions that several of them use."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import Component, Registry

Critic = Callable[[Tensor], Tensor]
"""A pure function from inputs [B, ...] to logits [B], without running statistics."""


@dataclass(frozen=True)
class Penalty(Component):
    """A term of the critic's loss that depends on the critic's gradient at its input.

    Its strength falls (or rises) to `decay` times the initial value during the burn-in of the training schedule.
    """

    noisy: ClassVar[bool] = False
    """True if it uses `noise`, which is drawn only then."""

    decay: float = 1.0

    def __post_init__(self) -> None:
        for name, value in self.to_spec().items():
            if isinstance(value, float) and value < 0:
                raise ValueError(f"{name} must not be negative: {value}")

    @abstractmethod
    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        """The weighted penalty at full strength, a scalar.

        Args:
            critic: one seed's critic.
            real, fake: the critic's inputs, [B, ...]. With packing an input is a pack of samples: its gradient is that
                of the whole pack. `fake` carries a gradient to the generator if the critic is unrolled.
            uniform: [B] random numbers in [0, 1), one per input.
            noise: [B, ...] normal random numbers of the shape of `real`; empty unless the penalty is `noisy`.
        """


def squared_gradient_norms(critic: Critic, samples: Tensor) -> Tensor:
    """‖∇ₓD(x)‖² of each sample, summed over its own dimensions, [B]."""
    # The sum's gradient with respect to input i is that of logit i alone, as long as inputs don't influence each other.
    gradient: Tensor = torch.func.grad(lambda x: critic(x).sum())(samples)
    return gradient.flatten(1).square().sum(1)


def gradient_norms(critic: Critic, samples: Tensor) -> Tensor:
    """‖∇ₓD(x)‖ of each sample, [B]; never below 1e-6."""
    # The square root's own gradient is infinite at zero; a floor far below any real norm keeps it finite.
    return squared_gradient_norms(critic, samples).clamp_min(1e-12).sqrt()


def between(real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    """x̂ = u x + (1 − u) G(z), with one u per input, [B, ...]."""
    u = uniform.reshape(-1, *(1,) * (real.ndim - 1))
    return u * real + (1 - u) * fake


PENALTIES: Registry[Penalty] = Registry("penalty")
