"""The networks of a spec: how a critic gets its wrappers, and whether both networks can be built."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from ganbench.core.errors import GanbenchError
from ganbench.methods.archs import Arch
from ganbench.methods.wrappers import Wrapper


def wrapped_critic(
    arch: Arch, wrappers: tuple[Wrapper, ...], shape: tuple[int, ...], pac: int, packs: int
) -> nn.Module:
    """Return a newly initialised critic with all its wrappers, from packs of samples to logits.

    Args:
        shape: that of a sample.
        pac: number of samples in a pack.
        packs: number of packs in a batch.
    """
    network = arch.critic((pac * shape[0], *shape[1:]))
    for wrapper in wrappers:
        network = wrapper.wrap(network, packs)
    return network


def check_networks(
    arch: Arch, wrappers: tuple[Wrapper, ...], shape: tuple[int, ...], pac: int, packs: int, latents: int
) -> None:
    """Build both networks and call the generator; the same ones are built once, since a sweep has hundreds of specs.

    So whether they can be built must depend on their options alone.

    Args:
        latents: the number of latents that the generator gets; BatchNorm can't train on one.

    Raises:
        GanbenchError: one of them can't be built.
    """
    networks = (arch, wrappers, shape, pac, packs, latents)
    try:
        hash(networks)
    except TypeError:  # a plug-in may keep a list
        build_once.__wrapped__(*networks)
    else:
        build_once(*networks)


@lru_cache(maxsize=1_000)
def build_once(
    arch: Arch, wrappers: tuple[Wrapper, ...], shape: tuple[int, ...], pac: int, packs: int, latents: int
) -> None:
    """Do what `check_networks` says, of hashable networks."""
    try:
        with torch.no_grad():
            arch.generator(shape).train()(torch.zeros(latents, arch.latent_dim))
        wrapped_critic(arch, wrappers, shape, pac, packs)
    except (ValueError, RuntimeError, TypeError, ArithmeticError, MemoryError) as error:
        wrapped = "".join(f" with '{wrapper.name}'" for wrapper in wrappers)
        words = (str(error) or type(error).__name__).partition("\n")[0]
        raise GanbenchError(f"architecture '{arch.name}'{wrapped} can't be built: {words}") from error
