"""The random numbers of training, drawn in blocks of updates from streams that have no history.

What the n-th update of a network draws is a function of the seed and of n alone. So a resumed run draws what the
uninterrupted one drew, and two losses with the same seed are paired: their critics' n-th updates see the same images
and latents, and their generators' n-th updates the same latents, however many critic updates there are to a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.seeding import Purpose, stream

BLOCK = 32
"""Updates whose numbers are drawn at once. Part of what a seed means: another value is another experiment."""


@dataclass(frozen=True)
class Draw:
    """What one update needs: indices of real samples [S, B], latents [S, B, z], uniform numbers [S, B]."""

    indices: Tensor
    latents: Tensor
    uniform: Tensor


class Draws:
    """All random numbers of a training run, by update."""

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        batch_size: int,
        latent_dim: int,
        critic_steps: int,
        paired: bool,
        train_size: int,
        device: torch.device,
    ) -> None:
        self._seeds = seeds
        self._batch_size = batch_size
        self._latent_dim = latent_dim
        self._critic_steps = critic_steps
        self._paired = paired
        self._train_size = train_size
        self._device = device
        self._kept: dict[Purpose, tuple[int, Tensor]] = {}

    def critic(self, step: int) -> list[Draw]:
        """The draws of the critic's updates in step number `step`, from 0."""
        updates = range(step * self._critic_steps, (step + 1) * self._critic_steps)
        return [Draw(self._indices("data", n), self._latents("latent", n), self._uniform(n)) for n in updates]

    def generator(self, step: int) -> Draw:
        """The draw of the generator's update; its indices are empty unless the loss pairs with real samples."""
        indices = self._indices("data-generator", step) if self._paired else self._nothing()
        return Draw(indices, self._latents("latent-generator", step), self._nothing())

    def _indices(self, purpose: Purpose, batch: int) -> Tensor:
        # The data are gone through in a new random order each epoch; what doesn't fill a batch is left out.
        epoch, row = divmod(batch, self._train_size // self._batch_size)
        order = self._stack(purpose, epoch, lambda g: torch.randperm(self._train_size, generator=g, device=g.device))
        return order[:, row * self._batch_size : (row + 1) * self._batch_size]

    def _nothing(self) -> Tensor:
        return torch.empty(len(self._seeds), 0, dtype=torch.int64, device=self._device)

    def _latents(self, purpose: Purpose, update: int) -> Tensor:
        block, within = divmod(update, BLOCK)
        size = (BLOCK, self._batch_size, self._latent_dim)
        return self._stack(purpose, block, lambda g: torch.randn(size, generator=g, device=g.device))[:, within]

    def _uniform(self, update: int) -> Tensor:
        block, within = divmod(update, BLOCK)
        size = (BLOCK, self._batch_size)
        return self._stack("penalty", block, lambda g: torch.rand(size, generator=g, device=g.device))[:, within]

    def _stack(self, purpose: Purpose, block: int, draw: Callable[[torch.Generator], Tensor]) -> Tensor:
        """A block of every seed's stream, [S, ...], kept until another block of that purpose is asked for."""
        kept = self._kept.get(purpose)
        if kept is None or kept[0] != block:
            self._kept.pop(purpose, None)  # freed before the next block is made
            drawn = torch.stack([draw(stream(seed, purpose, block, self._device)) for seed in self._seeds])
            kept = self._kept[purpose] = (block, drawn)
        return kept[1]
