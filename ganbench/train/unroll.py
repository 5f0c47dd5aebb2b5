"""Looking ahead: the critic that so many of its own updates would make of it, as a function of the generator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganbench.train.ensemble import Weights
from ganbench.train.optimizers import Change, Moments


def unroll(
    updates: int,
    objective: Callable[[Weights], Tensor],
    weights: Weights,
    moments: dict[str, Moments],
    count: Tensor,
    *,
    change: Change,
    lr: float,
    betas: tuple[float, float],
    constrain: Callable[[Weights], Weights],
) -> Weights:
    """One seed's critic after `updates` more updates (Metz et al. 2017, arXiv:1611.02163, eq. 7–9).

    The updates are those that the optimiser would make, with its present moments, all with one batch; gradients flow
    through them to whatever `objective` depends on. Nothing that is trained is changed.

    Args:
        objective: the critic's loss with given weights.
        weights: the critic's weights and buffers.
        moments: the optimiser's state, by name of what is trained; the rest of the weights are buffers.
        count: number of the critic's next update, from 1.
        constrain: what the wrappers do to the weights after an update.
    """
    for _ in range(updates):
        trained = {name: weights[name] for name in moments}
        buffers = {name: tensor for name, tensor in weights.items() if name not in moments}
        gradients = torch.func.grad(lambda inner, outer=buffers: objective(inner | outer))(trained)
        changed = {}
        for name, gradient in gradients.items():
            step, moments[name] = change(gradient, moments[name], count, betas)
            changed[name] = trained[name] - lr * step
        weights = constrain(changed | buffers)
        count = count + 1
    return weights
