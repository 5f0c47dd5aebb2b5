"""Checks of penalties."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from ganbench.checks.base import CheckFailed, check, must_not_raise
from ganbench.checks.training import numbers, trains
from ganbench.methods.penalties import Penalty

BATCH = 16
SHAPE = (2, 3)
SEEDS = 3


@dataclass(frozen=True)
class PenaltyInputs:
    """Inputs of a penalty, and the weights of the critic: float64, [B, ...] or with a leading seed axis."""

    weights: Tensor
    real: Tensor
    fake: Tensor
    uniform: Tensor
    noise: Tensor

    def twice(self) -> PenaltyInputs:
        """Repeat the batch once."""
        parts = {name: torch.cat([tensor, tensor]) for name, tensor in vars(self).items() if name != "weights"}
        return replace(self, **parts)


def draw_inputs(*seeds: int, batch: int = BATCH) -> PenaltyInputs:
    sizes = {"weights": (6, 4), "real": (batch, *SHAPE), "fake": (batch, *SHAPE), "noise": (batch, *SHAPE)}
    parts = {name: torch.randn(*seeds, *size, dtype=torch.float64) for name, size in sizes.items()}
    return PenaltyInputs(**parts, uniform=torch.rand(*seeds, batch, dtype=torch.float64))


def value(penalty: Penalty, inputs: PenaltyInputs) -> Tensor:
    """Compute the penalty of a critic whose gradient differs between samples: D(x) = ½ Σ sin(x W)²."""

    def critic(samples: Tensor) -> Tensor:
        return (samples.flatten(1) @ inputs.weights).sin().square().sum(1) / 2

    return penalty(critic, inputs.real, inputs.fake, inputs.uniform, inputs.noise)


@check("penalties", "it is a scalar, finite and never negative")
def scalar(penalty: Penalty) -> None:
    for scale in (0.01, 1.0, 10.0):
        inputs = draw_inputs()
        result = value(penalty, replace(inputs, weights=scale * inputs.weights))
        if result.shape != ():
            raise CheckFailed(
                f"of {BATCH} inputs it has shape {list(result.shape)}: it must be a scalar, the batch's mean"
            )
        if not result.isfinite() or result < 0:
            raise CheckFailed(f"it is {result.item():.4g}: what is added to a loss must be finite and not negative")


@check("penalties", "it is a mean over samples, each with a norm of its own: the same batch twice over changes nothing")
def per_sample(penalty: Penalty) -> None:
    inputs = draw_inputs()
    once, twice = value(penalty, inputs), value(penalty, inputs.twice())
    # A noisy penalty may scale its noise by a statistic of the batch; if unbiased, that changes with repetition.
    if not torch.allclose(once, twice, rtol=0.05 if penalty.noisy else 1e-6, atol=1e-9):
        raise CheckFailed(
            f"of a batch it is {numbers(once)}, of the same batch twice over {numbers(twice)}: take the norm of each "
            f"sample's gradient, .flatten(1).norm(dim=1), then .mean() over the batch"
        )


@check("penalties", "it can be minimised: its gradient with respect to the critic's weights is the right one")
def differentiable(penalty: Penalty) -> None:
    inputs = draw_inputs(batch=4)

    def of_weights(weights: Tensor) -> Tensor:
        return value(penalty, replace(inputs, weights=weights))

    try:
        torch.autograd.gradcheck(of_weights, (inputs.weights.requires_grad_(),))
    except GradcheckError as error:
        raise CheckFailed(
            "its gradient with respect to the critic's weights is not what finite differences give: the critic's input "
            "gradient must stay differentiable (torch.func.grad does that), and no part of it be detached"
        ) from error


@check("penalties", "it is finite, and so is its gradient, for a critic that is flat everywhere")
def flat(penalty: Penalty) -> None:
    inputs = draw_inputs()
    weights = torch.zeros(6, 4, dtype=torch.float64, requires_grad=True)
    result = penalty(
        lambda samples: (samples.flatten(1) @ weights).sum(1), inputs.real, inputs.fake, inputs.uniform, inputs.noise
    )
    if not result.isfinite():
        raise CheckFailed(f"it is {result.item()}")
    (gradient,) = torch.autograd.grad(result, weights, allow_unused=True)
    if gradient is not None and not gradient.isfinite().all():
        raise CheckFailed(
            f"its gradient with respect to the critic's weights is {numbers(gradient)}: the square root's slope at "
            f"zero is infinite; use `ganbench.methods.penalties.gradient_norms`, which has a floor"
        )


@check("penalties", "it uses noise if it is `noisy`, and only then: otherwise none is drawn")
def noise_declared(penalty: Penalty) -> None:
    inputs = draw_inputs()
    with_noise = value(penalty, inputs)
    if penalty.noisy:
        if torch.equal(with_noise, value(penalty, replace(inputs, noise=torch.randn_like(inputs.noise)))):
            raise CheckFailed("it is `noisy`, and yet the same with other noise: leave `noisy` out")
        return
    with must_not_raise("without noise it", "say `noisy = True`"):
        without = value(penalty, replace(inputs, noise=inputs.noise[:0]))
    if not torch.allclose(with_noise, without):
        raise CheckFailed(f"it is {numbers(with_noise)} with noise and {numbers(without)} without; say `noisy = True`")


@check("penalties", "seeds side by side (torch.func.vmap) have the penalty and gradient of each alone")
def lifted(penalty: Penalty) -> None:
    def value_and_gradient(*parts: Tensor) -> tuple[Tensor, Tensor]:
        def of_weights(weights: Tensor) -> Tensor:
            return value(penalty, PenaltyInputs(weights, *parts[1:]))

        return of_weights(parts[0]), torch.func.grad(of_weights)(parts[0])

    parts = tuple(vars(draw_inputs(SEEDS, batch=5)).values())
    with must_not_raise(
        "under torch.func it",
        "take the critic's gradient with torch.func.grad, not with torch.autograd.grad, and draw no random numbers: "
        "`uniform` and `noise` are given",
    ):
        together = torch.func.vmap(value_and_gradient)(*parts)
        alone = [torch.stack(per_seed) for per_seed in zip(*map(value_and_gradient, *parts), strict=True)]
    for one, other in zip(together, alone, strict=True):
        if not torch.allclose(one, other, rtol=1e-6, atol=1e-9):
            raise CheckFailed(f"of {SEEDS} seeds it is {numbers(one)} side by side and {numbers(other)} one by one")


@check("penalties", "it trains: two steps with three seeds on `ring` with tiny networks, all numbers finite", "whole")
def trained(penalty: Penalty) -> None:
    trains({"penalty": [penalty.to_spec()]})
