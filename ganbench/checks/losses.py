"""Checks of losses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ganbench.checks.base import CheckFailed, NotApplicable, check, must_not_raise
from ganbench.checks.training import numbers, trains
from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.core.settings import parse_component
from ganbench.methods.losses import Loss
from ganbench.methods.penalties import PENALTIES
from ganbench.methods.wrappers import WRAPPERS
from ganbench.spec.train_spec import TrainSpec

EXTREME = 50.0
EQUAL_LOGIT = 0.5
SHIFT = 3.0
OUTPUTS = ("probability", "score")

Both = Callable[[Tensor, Tensor], Tensor]
"""A loss as a function of real and generated logits."""


def both_losses(loss: Loss) -> Iterator[tuple[str, Both]]:
    """Yield the losses of both networks by name; another check is about losses that don't use the real logits."""
    yield "critic_loss", loss.critic_loss
    yield "generator_loss", lambda real, fake: loss.generator_loss(fake, real)


def close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-5)


@check("losses", f"both losses are scalars, finite and differentiable, for logits of ±{EXTREME:.0f} too")
def scalar(loss: Loss) -> None:
    for level in (-EXTREME, 0.0, EXTREME):
        for name, value_of in both_losses(loss):
            real = torch.full((4,), -level, requires_grad=True)
            fake = torch.full((4,), level, requires_grad=True)
            value = value_of(real, fake)
            where = f"where real logits are {-level:g} and generated ones {level:g}"
            if value.shape != ():
                raise CheckFailed(
                    f"{name} of 4 logits has shape {list(value.shape)}: it must be a scalar, the batch's mean"
                )
            if not value.isfinite():
                raise CheckFailed(
                    f"{name} is {value.item()} {where}: write it with softplus or logsigmoid, not log and exp"
                )
            if not value.requires_grad:
                raise CheckFailed(f"{name} carries no gradient: something detaches the logits")
            (gradient,) = torch.autograd.grad(value, fake, allow_unused=True)
            if gradient is not None and not gradient.isfinite().all():
                raise CheckFailed(f"the gradient of {name} is {numbers(gradient)} {where}")


@check("losses", "both losses are means over the batch: the same batch twice over changes nothing")
def mean(loss: Loss) -> None:
    real, fake = torch.randn(2, 6)
    for name, value_of in both_losses(loss):
        once, twice = value_of(real, fake), value_of(real.repeat(2), fake.repeat(2))
        if not close(once, twice):
            raise CheckFailed(
                f"{name} of a batch is {numbers(once)}, of the same batch twice over {numbers(twice)}: "
                f"take .mean() over the batch, not .sum()"
            )


@check("losses", "the order of the batch doesn't matter, as long as real and generated samples stay side by side")
def unordered(loss: Loss) -> None:
    real, fake = torch.randn(2, 6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    for name, value_of in both_losses(loss):
        before, after = value_of(real, fake), value_of(real[order], fake[order])
        if not close(before, after):
            raise CheckFailed(f"{name} is {numbers(before)}, and {numbers(after)} with the batch in another order")


@check("losses", "the networks pull in opposite directions: D raises real, lowers generated logits; G raises its own")
def opposed(loss: Loss) -> None:
    gradients = []
    for _, value_of in both_losses(loss):
        real, fake = torch.full((2, 5), EQUAL_LOGIT).unbind()
        real.requires_grad_()
        fake.requires_grad_()
        gradients.append(torch.autograd.grad(value_of(real, fake), (real, fake), allow_unused=True))
    (on_real, on_fake), (_, on_own) = gradients
    for whose, gradient, sign, requirement in (
        ("critic_loss with respect to real logits", on_real, -1, "it must be negative: the critic raises them"),
        ("critic_loss with respect to generated logits", on_fake, 1, "it must be positive: the critic lowers them"),
        ("generator_loss with respect to generated logits", on_own, -1, "it must be negative: G raises them"),
    ):
        if gradient is None:
            raise CheckFailed(f"the gradient of {whose} is none at all: it doesn't depend on them")
        if not (sign * gradient > 0).all():
            raise CheckFailed(
                f"the gradient of {whose} is {numbers(gradient)} where all logits are {EQUAL_LOGIT:g}; {requirement}"
            )


@check("losses", "a loss that isn't `paired` leaves real logits out of the generator's loss")
def unpaired(loss: Loss) -> None:
    if loss.paired:
        raise NotApplicable
    fake, real = torch.randn(2, 5)
    hint = "say `paired = True` if it compares both kinds of samples, else leave `real` alone"
    with must_not_raise("generator_loss without real logits", hint):
        without_real = loss.generator_loss(fake, real[:0])
    with_real = loss.generator_loss(fake, real)
    if not close(without_real, with_real):
        raise CheckFailed(
            f"generator_loss is {numbers(with_real)} with real logits and {numbers(without_real)} without; {hint}"
        )


@check("losses", "a `paired` loss compares: D + constant gives the same losses as D")
def shift_invariant(loss: Loss) -> None:
    if not loss.paired:
        raise NotApplicable
    real, fake = torch.randn(2, 6)
    for name, value_of in both_losses(loss):
        before, after = value_of(real, fake), value_of(real + SHIFT, fake + SHIFT)
        if not close(before, after):
            raise CheckFailed(
                f"{name} is {numbers(before)}, and {numbers(after)} with {SHIFT:g} added to all logits: "
                f"only differences of real and generated logits may count"
            )


@check("losses", "its recipe is of options that training has, and its penalties and wrappers exist")
def recipe(loss: Loss) -> None:
    options = {option.name for option in dataclasses.fields(TrainSpec)}
    for key in loss.recipe:
        if key not in options:
            raise CheckFailed(f"recipe: training has no option '{key}': {near_miss(key, options)}")
    for what, registry, texts in (("penalties", PENALTIES, loss.penalties), ("wrappers", WRAPPERS, loss.wrappers)):
        for text in texts:
            try:
                registry.create(parse_component(text))
            except GanbenchError as error:
                raise CheckFailed(f"{what}: {error}") from error
    try:
        TrainSpec(**loss.recipe)
    except ValueError as error:
        raise CheckFailed(f"recipe: {error}") from error


@check("losses", "what is printed as D(x) fits its `output`: in [0, 1] for a probability, any number for a score")
def output(loss: Loss) -> None:
    if loss.output not in OUTPUTS:
        raise CheckFailed(f"output is '{loss.output}': it must be one of {', '.join(OUTPUTS)}")
    logits = torch.tensor([-EXTREME, -1.0, 0.0, 1.0, EXTREME])
    printed = loss.critic_output(logits)
    if printed.shape != logits.shape or not printed.isfinite().all():
        raise CheckFailed(f"critic_output of the logits {numbers(logits)} is {numbers(printed)}")
    if loss.output == "probability" and not ((printed >= 0) & (printed <= 1)).all():
        raise CheckFailed(
            f'critic_output of the logits {numbers(logits)} is {numbers(printed)}: say `output = "score"`'
        )


@check("losses", "seeds side by side (torch.func.vmap) have the losses and gradients of each alone")
def lifted(loss: Loss) -> None:
    real, fake = torch.randn(2, 3, 6)
    for name, value_of in both_losses(loss):

        def value_and_gradient(x: Tensor, y: Tensor, value_of: Both = value_of) -> tuple[Tensor, Tensor]:
            return value_of(x, y), torch.func.grad(value_of, 1)(x, y)

        alone = [torch.stack(parts) for parts in zip(*map(value_and_gradient, real, fake), strict=True)]
        with must_not_raise(
            f"{name} under torch.func.vmap",
            "use tensor operations throughout, no .item(), no `if` on a logit, no change in place",
        ):
            together = torch.func.vmap(value_and_gradient)(real, fake)
        for one, other in zip(together, alone, strict=True):
            if not close(one, other):
                raise CheckFailed(f"{name} of 3 seeds is {numbers(one)} side by side and {numbers(other)} one by one")


@check("losses", "it trains: two steps with three seeds on `ring` with tiny networks, all numbers finite", "whole")
def trained(loss: Loss) -> None:
    trains({"loss": loss.to_spec(), "penalty": list(map(parse_component, loss.penalties))})
