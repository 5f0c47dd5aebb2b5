"""Checks of wrappers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from ganbench.checks.base import CheckFailed, NotApplicable, check, must_not_raise
from ganbench.checks.training import numbers, trains
from ganbench.methods.archs import ARCHS
from ganbench.methods.wrappers import Wrapper

BATCH = 8
"""Number of inputs of one kind (real or generated)."""
SEEDS = 2
SHAPES: tuple[tuple[int, ...], ...] = ((2,), (1, 28, 28))
"""Input shapes of the wrapped critics, in order of preference."""
SCALE = 0.25
"""Scale of the wrapped critics' widths, on which the checks don't depend."""


def critics() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Yield a critic of every architecture that accepts one of the shapes, with its name and the shape."""
    for name, arch in ARCHS.items():
        for shape in SHAPES:
            try:
                critic = arch(critic_scale=SCALE).critic(shape)
            except ValueError:
                continue
            yield name, critic, shape
            break


def wrapped(wrapper: Wrapper) -> Iterator[tuple[str, nn.Module, Tensor]]:
    """Yield every critic that the wrapper can be applied to, with the architecture's name and inputs of both kinds.

    Raises:
        NotApplicable: there is none.
    """
    fit = False
    for name, critic, shape in critics():
        try:
            changed = wrapper.wrap(critic, BATCH)
        except ValueError:
            continue
        fit = True
        yield name, changed, torch.rand(2 * BATCH, *shape) * 2 - 1
    if not fit:
        raise NotApplicable


def tensors(critic: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return copies of parameters and buffers."""
    parameters = {name: tensor.detach().clone() for name, tensor in critic.named_parameters()}
    return parameters, {name: tensor.clone() for name, tensor in critic.named_buffers()}


def stacked(per_seed: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([tensors_of_seed[name] for tensors_of_seed in per_seed]) for name in per_seed[0]}


@check("wrappers", "it can be done to critics of any architecture, which then judge both kinds in one pass")
def fits(wrapper: Wrapper) -> None:
    refusals = []
    for name, critic, shape in critics():
        try:
            changed = wrapper.wrap(critic, BATCH)
        except ValueError as error:
            refusals.append(f"{name} ({error})")
            continue
        logits = changed(torch.rand(2 * BATCH, *shape) * 2 - 1)
        if logits.shape != (2 * BATCH,):
            raise CheckFailed(
                f"{2 * BATCH} inputs of {name} have logits of shape {list(logits.shape)}, not [{2 * BATCH}]"
            )
        if not logits.isfinite().all():
            raise CheckFailed(f"the logits of {name} are {numbers(logits)}")
    if len(refusals) == len(list(critics())):
        raise CheckFailed(f"it refuses every critic with {BATCH} inputs of a kind: {'; '.join(refusals)}")


@check(
    "wrappers", "real and generated samples don't mix: other generated samples leave the logits of real ones unchanged"
)
def apart(wrapper: Wrapper) -> None:
    for name, critic, inputs in wrapped(wrapper):
        others = torch.cat([inputs[:BATCH], inputs[BATCH:].flip(0) / 2])
        before, after = critic(inputs)[:BATCH], critic(others)[:BATCH]
        if not torch.equal(before, after):
            raise CheckFailed(
                f"on {name} real samples have logits {numbers(before)}, and {numbers(after)} with other generated ones "
                f"in the pass: treat each kind's {BATCH} inputs by themselves (`ganbench.methods.wrappers.grouping`)"
            )


@check("wrappers", "to look at samples changes nothing of the critic")
def pure(wrapper: Wrapper) -> None:
    for name, critic, inputs in wrapped(wrapper):
        before = copy.deepcopy(critic.state_dict())
        first, second = critic(inputs), critic(inputs)
        for tensor, now in critic.state_dict().items():
            if not torch.equal(now, before[tensor]):
                raise CheckFailed(f"on {name} a forward pass changes '{tensor}': only `constrain` may, after an update")
        if not torch.equal(first, second):
            raise CheckFailed(f"on {name} the same inputs have logits {numbers(first)}, and then {numbers(second)}")


@check(
    "wrappers", "`constrain` gives new values of tensors that there are, in their shapes, and changes nothing in place"
)
def constrains(wrapper: Wrapper) -> None:
    for name, critic, _ in wrapped(wrapper):
        parameters, buffers = tensors(critic)
        before = parameters | buffers
        copies = {key: tensor.clone() for key, tensor in before.items()}
        for key, tensor in wrapper.constrain(parameters, buffers).items():
            if key not in before:
                raise CheckFailed(f"on {name} it gives '{key}', and the critic has no such tensor")
            if tensor.shape != before[key].shape:
                raise CheckFailed(
                    f"on {name} '{key}' has shape {list(before[key].shape)} and becomes {list(tensor.shape)}"
                )
        for key, tensor in copies.items():
            if not torch.equal(before[key], tensor):
                raise CheckFailed(f"on {name} it changes '{key}' in place: give the new tensor back instead")


@check("wrappers", "`constrain` does to seeds side by side (torch.func.vmap) what it does to each alone")
def constrains_lifted(wrapper: Wrapper) -> None:
    for name, critic, _ in wrapped(wrapper):
        first_seed = tensors(critic)
        second_seed = tuple({key: 2 * tensor for key, tensor in group.items()} for group in first_seed)
        side_by_side = [stacked(list(pair)) for pair in zip(first_seed, second_seed, strict=True)]
        alone = stacked(
            [dict(wrapper.constrain(*map(dict, seed_tensors))) for seed_tensors in (first_seed, second_seed)]
        )

        def constrain(parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return dict(wrapper.constrain(parameters, buffers))

        with must_not_raise(f"on {name} under torch.func.vmap it"):
            together = torch.func.vmap(constrain)(*side_by_side) if alone else {}
        for key, tensor in alone.items():
            if not torch.allclose(together[key], tensor, rtol=1e-4, atol=1e-5):
                raise CheckFailed(f"on {name} '{key}' differs: {numbers(together[key])}, alone {numbers(tensor)}")


@check("wrappers", "if it `takes_penalties`, the critic's input gradient can be taken and gone back through", "whole")
def penalised(wrapper: Wrapper) -> None:
    if not wrapper.takes_penalties:
        raise NotApplicable
    for name, critic, inputs in wrapped(wrapper):
        parameters, buffers = tensors(critic)

        def penalty(
            parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, critic: nn.Module = critic
        ) -> Tensor:
            def total(x: Tensor) -> Tensor:
                logits: Tensor = torch.func.functional_call(critic, parameters | buffers, (x,))
                return logits.sum()

            gradient: Tensor = torch.func.grad(total)(x)
            return gradient.square().sum()

        seeds = (stacked([parameters]), stacked([buffers]) if buffers else {}, inputs[None])
        with must_not_raise(f"on {name} a gradient penalty", "say `takes_penalties = False` if none can be taken"):
            gradients = torch.func.vmap(torch.func.grad(penalty))(*seeds)
        for key, gradient in gradients.items():
            if not gradient.isfinite().all():
                raise CheckFailed(f"on {name} a gradient penalty's gradient with respect to '{key}' isn't finite")


@check("wrappers", "it trains: two steps with three seeds on `ring` with tiny networks, all numbers finite", "whole")
def trained(wrapper: Wrapper) -> None:
    penalty = [{"name": "r1"}] if wrapper.takes_penalties else []
    trains({"wrapper": [wrapper.to_spec()], "penalty": penalty})
