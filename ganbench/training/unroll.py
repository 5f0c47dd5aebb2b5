"""Unrolled GAN: the critic after k further updates, differentiable with respect to the generator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganbench.training.ensemble import Weights
from ganbench.training.optimizers import Change, NextUpdate


def unroll(
    updates: int,
    objective: Callable[[Weights], Tensor],
    weights: Weights,
    next_update: NextUpdate,
    *,
    change: Change,
    constrain: Callable[[Weights], Weights],
) -> Weights:
    """One seed's critic after `updates` more updates (Metz et al. 2017, arXiv:1611.02163, eq. 7–9).

    The updates are those that the optimiser would make with its current moments, all on one batch; gradients flow
    through them to everything that `objective` depends on. No trained weight is changed.

    Args:
        objective: the critic's loss with given weights.
        weights: the critic's weights and buffers.
        next_update: the optimiser's state, without the seed axis; weights that it doesn't name are buffers.
        change: the optimiser's rule.
        constrain: applies the wrappers' constraints to the weights after an update.
    """
    moments, count = dict(next_update.moments), next_update.number
    for _ in range(updates):
        trained = {name: weights[name] for name in moments}
        buffers = {name: tensor for name, tensor in weights.items() if name not in moments}
        gradients = torch.func.grad(lambda inner, outer=buffers: objective(inner | outer))(trained)
        changed = {}
        for name, gradient in gradients.items():
            step, moments[name] = change(gradient, moments[name], count, next_update.betas)
            changed[name] = trained[name] - next_update.lr * step
        weights = constrain(changed | buffers)
        count = count + 1
    return weights
