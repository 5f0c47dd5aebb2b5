"""The base class of architectures, and their registry."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from torch import nn

from ganbench.core.registry import Component, Registry
from ganbench.core.seeding import DISTRIBUTIONS


@dataclass(frozen=True)
class Arch(Component):
    """A pair of networks.

    Latents are [B, latent_dim], with entries from N(0, 1) if `latent` is "normal" and U(−1, 1) if it is "uniform";
    samples are [B, *shape]: images in [−1, 1], points unbounded. `critic_scale` multiplies the widths of the critic's
    hidden layers, for a critic that is smaller (Metz et al. 2017) or larger than the architecture's own.
    """

    latent_dim: int = 100
    latent: str = "normal"
    critic_scale: float = 1.0

    def __post_init__(self) -> None:
        for name, value in self.to_spec().items():
            sizes = value if isinstance(value, tuple) else (value,)
            if any(isinstance(size, int) and not isinstance(size, bool) and size < 1 for size in sizes):
                raise ValueError(f"{name} must be at least 1, not {value}")
        if self.latent not in DISTRIBUTIONS:
            raise ValueError(f"latent must be one of {', '.join(DISTRIBUTIONS)}, not {self.latent}")
        if not self.critic_scale > 0:
            raise ValueError(f"critic_scale must be above 0, not {self.critic_scale}")

    @abstractmethod
    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        """A network from latents [B, latent_dim] to samples [B, *shape].

        Raises:
            ValueError: it can't make samples of that shape.
        """

    @abstractmethod
    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        """A network from inputs [B, *shape] to logits [B], with one `Head` at its end.

        An input is a sample or, with packing, a pack of samples side by side in the first dimension of the shape.

        Raises:
            ValueError: it can't judge samples of that shape.
        """

    def scaled(self, width: int) -> int:
        """A width of the critic, multiplied by `critic_scale`."""
        return max(1, round(width * self.critic_scale))


ARCHS: Registry[Arch] = Registry("architecture")
