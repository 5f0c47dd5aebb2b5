"""Gradient penalties on the critic, each added to the critic's loss whatever that loss is.

They see one seed's critic as a pure function and take its input gradient with `torch.func.grad`, which works under
`vmap` (`torch.autograd.grad` does not). The norm is always per sample.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from ganbench.registry import Component, Registry, import_folder

Critic = Callable[[Tensor], Tensor]
"""Samples [B, ...] to logits [B]; pure: no running statistics, no other sample's influence."""


class Penalty(Component):
    """A term of the critic's loss that depends on the critic's gradient at its input."""

    @abstractmethod
    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
        """The weighted penalty, a scalar.

        Args:
            critic: one seed's critic.
            real, fake: samples [B, ...]; `fake` carries no gradient to the generator.
            uniform: [B] random numbers in [0, 1), one a sample.
        """


def squared_gradient_norms(critic: Critic, samples: Tensor) -> Tensor:
    """‖∇ₓD(x)‖² of each sample, summed over its own dimensions, [B]."""
    # The sum's gradient with respect to sample i is that of logit i alone, since samples don't influence each other.
    gradient: Tensor = torch.func.grad(lambda x: critic(x).sum())(samples)
    return gradient.flatten(1).square().sum(1)


PENALTIES: Registry[Penalty] = Registry("penalty")
import_folder(__name__, __path__)
