"""Architectures: a generator and a critic for samples of a given shape.

The critic must be a pure function of one sample (no BatchNorm, no in-place state), so that input gradients and `vmap`
work on it; the generator may normalise over its batch.
"""

from __future__ import annotations

from abc import abstractmethod

from torch import nn

from ganbench.registry import Component, Registry, import_folder


class Arch(Component):
    """A pair of networks.

    Latents are N(0, I), [B, latent_dim]; samples are [B, *shape]: images in [−1, 1], points anywhere.
    """

    latent_dim: int = 100

    def __post_init__(self) -> None:
        for name, value in self.to_spec().items():
            sizes = value if isinstance(value, tuple) else (value,)
            if any(isinstance(size, int) and size < 1 for size in sizes):
                raise ValueError(f"{name} must be at least 1, not {value}")

    @abstractmethod
    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        """A network from latents [B, latent_dim] to samples [B, *shape]."""

    @abstractmethod
    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        """A network from samples [B, *shape] to logits [B]."""


ARCHS: Registry[Arch] = Registry("architecture")
import_folder(__name__, __path__)
