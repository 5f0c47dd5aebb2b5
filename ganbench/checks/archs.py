"""Checks of architectures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganbench.checks.base import CheckFailed, NotApplicable, check, must_not_raise, raises
from ganbench.checks.training import Noise, numbers, trains
from ganbench.data import DATASETS
from ganbench.methods.archs import Arch
from ganbench.methods.layers import Head

BATCH = 6
PACKED = 2
SEEDS = 2

Build = Callable[[tuple[int, ...]], nn.Module]


def fitting(arch: Arch) -> dict[tuple[int, ...], str]:
    """Return the shapes of samples that both networks can be built for, each with a data set that has this shape.

    Raises:
        NotApplicable: there are none.
    """
    shapes: dict[tuple[int, ...], str] = {}
    for name, dataset in DATASETS.items():
        shape = dataset().shape
        if shape not in shapes and all(refusal(build, shape) is None for build in (arch.generator, arch.critic)):
            shapes[shape] = name
    if not shapes:
        raise NotApplicable
    return shapes


def refusal(build: Build, shape: tuple[int, ...]) -> Exception | None:
    try:
        build(shape)
    except Exception as error:  # foreign code; a check says if it isn't a ValueError
        return error
    return None


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def samples_like(shape: tuple[int, ...], *leading: int) -> Tensor:
    return torch.rand(*leading, *shape) * 2 - 1


@check("archs", "it is for the samples of some data set and refuses others with a ValueError, both networks alike")
def fits_some(arch: Arch) -> None:
    fit = False
    for name, dataset in DATASETS.items():
        shape = dataset().shape
        of_generator, of_critic = refusal(arch.generator, shape), refusal(arch.critic, shape)
        for network, error in (("generator", of_generator), ("critic", of_critic)):
            if error is not None and not isinstance(error, ValueError):
                raise CheckFailed(
                    f"{network}({shape}), for {name}, {raises(error)}; where the samples don't fit, raise a ValueError "
                    f"that says so"
                )
        if (of_generator is None) != (of_critic is None):
            taker, refuser = ("generator", "critic") if of_generator is None else ("critic", "generator")
            raise CheckFailed(f"the {taker} takes samples of {list(shape)} ({name}), the {refuser} refuses them")
        fit = fit or of_generator is None
    if not fit:
        raise CheckFailed(f"it refuses the samples of every data set: {', '.join(DATASETS)}")


@check("archs", "the generator makes samples [B, *shape] of latents [B, latent_dim], images in [−1, 1]")
def generates(arch: Arch) -> None:
    for shape in fitting(arch):
        generator = arch.generator(shape)
        for mode in (True, False):
            samples = generator.train(mode)(torch.randn(BATCH, arch.latent_dim))
            if samples.shape != (BATCH, *shape):
                raise CheckFailed(f"for {BATCH} samples of {list(shape)} its output has shape {list(samples.shape)}")
            if not samples.isfinite().all():
                raise CheckFailed(f"for samples of {list(shape)} its output isn't finite")
            if len(shape) > 1 and samples.abs().max() > 1:
                raise CheckFailed(
                    f"images reach {samples.abs().max().item():.3g}: end with Tanh, pixels lie in [−1, 1]"
                )


@check("archs", "the critic gives logits [B], one an input")
def judges(arch: Arch) -> None:
    for shape in fitting(arch):
        logits = arch.critic(shape)(samples_like(shape, BATCH))
        if logits.shape != (BATCH,):
            raise CheckFailed(
                f"for {BATCH} inputs of {list(shape)} the output has shape {list(logits.shape)}, not [{BATCH}]"
            )
        if not logits.isfinite().all():
            raise CheckFailed(f"for inputs of {list(shape)} its logits are {numbers(logits)}")


@check("archs", "the critic is a function of one input, and keeps no running statistics")
def one_input(arch: Arch) -> None:
    for shape in fitting(arch):
        critic = arch.critic(shape).train()
        buffers = [name for name, _ in critic.named_buffers()]
        if buffers:
            raise CheckFailed(
                f"it has buffers ({', '.join(buffers[:3])}): leave BatchNorm out of the critic, it is the wrapper "
                f"`batch-norm`"
            )
        inputs = samples_like(shape, BATCH)
        together, fewer = critic(inputs)[:2], critic(inputs[:2])
        if not torch.allclose(together, fewer, rtol=1e-3, atol=1e-4):
            raise CheckFailed(
                f"the first 2 of {BATCH} inputs have logits {numbers(together)}, and {numbers(fewer)} without the "
                f"others: its layers must not look at the batch; what does is a wrapper"
            )


@check("archs", "the critic ends in its one `ganbench.methods.layers.Head`: wrappers look for it")
def headed(arch: Arch) -> None:
    for shape in fitting(arch):
        critic = arch.critic(shape)
        heads = [module for module in critic.modules() if isinstance(module, Head)]
        if len(heads) != 1:
            raise CheckFailed(f"it has {len(heads)} of them: make its last layer Head(features), and that one only")
        seen: list[Tensor] = []
        heads[0].register_forward_hook(lambda _layer, _inputs, logits, seen=seen: seen.append(logits))
        logits = critic(samples_like(shape, BATCH))
        if not seen or not torch.equal(seen[-1], logits):
            raise CheckFailed("its logits aren't what the Head gives: nothing may come after it")


@check("archs", "the critic takes a pack of samples, side by side in the first dimension of the shape")
def packed(arch: Arch) -> None:
    for shape in fitting(arch):
        pack = (PACKED * shape[0], *shape[1:])
        error = refusal(arch.critic, pack)
        if error is not None:
            raise CheckFailed(f"critic({pack}), for packs of {PACKED}, {raises(error)}")
        logits = arch.critic(pack)(samples_like(pack, BATCH))
        if logits.shape != (BATCH,):
            raise CheckFailed(f"for {BATCH} packs of {list(pack)} its output has shape {list(logits.shape)}")


@check("archs", "critic_scale makes the critic smaller or larger, and leaves the generator alone")
def scalable(arch: Arch) -> None:
    half = dataclasses.replace(arch, critic_scale=arch.critic_scale / 2)
    for shape in fitting(arch):
        before, after = size(arch.critic(shape)), size(half.critic(shape))
        if after >= before:
            raise CheckFailed(
                f"with half the critic_scale the critic has {after:,} parameters, and {before:,} with the whole: take "
                f"its widths through self.scaled(…)"
            )
        before, after = size(arch.generator(shape)), size(half.generator(shape))
        if after != before:
            raise CheckFailed(f"with half the critic_scale the generator has {after:,} parameters, not {before:,}")


@check("archs", "seeds side by side (torch.func.vmap) have the outputs and input gradients of each alone", "whole")
def lifted(arch: Arch) -> None:
    shape = min(fitting(arch), key=math.prod)
    cases = (
        ("generator", arch.generator, torch.randn(SEEDS, BATCH, arch.latent_dim), False),
        ("critic", arch.critic, samples_like(shape, SEEDS, 2), True),
    )
    for name, build, inputs, penalised in cases:
        networks = [build(shape).train() for _ in range(SEEDS)]
        weights = [dict(network.named_parameters()) | dict(network.named_buffers()) for network in networks]
        weights = [
            {name: tensor.detach().clone() for name, tensor in network_weights.items()} for network_weights in weights
        ]
        stacked = {name: torch.stack([network_weights[name] for network_weights in weights]) for name in weights[0]}

        def run(
            weights: dict[str, Tensor], x: Tensor, network: nn.Module = networks[0], penalised: bool = penalised
        ) -> Tensor:
            def forward(x: Tensor) -> Tensor:
                output: Tensor = torch.func.functional_call(network, weights, (x,))
                return output

            gradient: Tensor = torch.func.grad(lambda x: forward(x).sum())(x) if penalised else forward(x)
            return gradient

        with must_not_raise(
            f"the {name} under torch.func",
            "no .item(), no `if` on a number, no random layers, no change in place but BatchNorm's in the generator",
        ):
            together = torch.func.vmap(run)(stacked, inputs)
            alone = torch.stack([run(network_weights, x) for network_weights, x in zip(weights, inputs, strict=True)])
        if not torch.allclose(together, alone, rtol=1e-2, atol=1e-3 * alone.abs().max().item()):
            raise CheckFailed(
                f"the {name} of {SEEDS} seeds gives {numbers(together)} side by side, {numbers(alone)} alone"
            )


@check(
    "archs", "it trains: two steps with three seeds, with and without a gradient penalty, all numbers finite", "whole"
)
def trained(arch: Arch) -> None:
    shapes = fitting(arch)
    shape = min(shapes, key=math.prod)
    for loss, penalties in (("minimax", []), ("wgan-gp", [{"name": "gp"}])):
        settings = {
            "arch": arch.to_spec(),
            "loss": {"name": loss},
            "penalty": penalties,
            "dataset": {"name": shapes[shape]},
            "train": {"batch_size": 4, "n_critic": 1},
        }
        trains(settings, Noise(shape))
