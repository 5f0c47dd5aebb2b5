"""The random inputs of training, drawn in blocks of updates from streams without history.

The random numbers of a network's n-th update depend only on the seed and on n. So a resumed run draws the same numbers
as an uninterrupted one, and two losses with the same seed are paired: their critics' n-th updates see the same images
and latents, and their generators' n-th updates the same latents, however many updates a step has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.core.seeding import Purpose, draw, stream
from ganbench.data import Data
from ganbench.spec.budget import sees_real
from ganbench.spec.run_spec import RunSpec
from ganbench.training.schedule import ScheduledValues

UPDATES_PER_BLOCK = 32
"""Updates whose numbers are drawn at once. It determines the numbers of a seed: changing it changes the experiment."""


class UpdateInputs(NamedTuple):
    """Inputs of one update; every tensor has the leading seed axis.

    Inputs that an update doesn't need are empty (`real`, `uniform`, `penalty_noise`) or a single zero (the noises).
    """

    real: Tensor
    """Training samples [S, B, *shape]."""
    latents: Tensor
    """Latents [S, B, z]."""
    real_noise: Tensor
    fake_noise: Tensor
    """Instance noise for real and for generated samples, [S, B, *shape]."""
    uniform: Tensor
    """Uniform numbers in [0, 1) for penalties, one per input of the critic, [S, P]."""
    penalty_noise: Tensor
    """Normal numbers for penalties, [S, P, *shape of an input]."""
    strengths: Tensor
    """Factor of each penalty, [S, number of penalties]."""

    def to(self, device: torch.device) -> UpdateInputs:
        """The same inputs on the device that trains, where the data are on another."""
        if self.latents.device.type == device.type:
            return self
        return UpdateInputs(*(tensor.to(device) for tensor in self))


class InputSampler:
    """All random numbers of a training run, by update."""

    def __init__(self, spec: RunSpec, seeds: Sequence[int], data: Data) -> None:
        self._seeds = seeds
        self._data = data
        self._batch_size = spec.train.batch_size
        self._packs = spec.train.packs
        self._packed_shape = (spec.train.pac * data.shape[0], *data.shape[1:])
        self._arch = spec.arch
        self._n_critic, self._n_generator = spec.train.n_critic, spec.train.n_generator
        self._real_in_generator = sees_real(spec.train, spec.loss)
        self._penalties_in_generator = spec.train.unrolled > 0
        self._noisy = any(penalty.noisy for penalty in spec.penalties)
        self._blocks: dict[Purpose, tuple[int, Tensor]] = {}
        self._zeros = cache(lambda *size: torch.zeros(len(seeds), *size, device=data.device))
        self._strengths = lru_cache(1)(lambda strengths: torch.tensor([strengths] * len(seeds), device=data.device))

    def critic(self, step: int, scheduled: ScheduledValues) -> Iterator[UpdateInputs]:
        """The inputs of the critic's updates in step number `step`, from 0."""
        for n in range(step * self._n_critic, (step + 1) * self._n_critic):
            yield self._update_inputs(
                n, scheduled, ("data", "latent", "penalty", "penalty-noise", "noise"), real=True, penalised=True
            )

    def generator(self, step: int, scheduled: ScheduledValues) -> Iterator[UpdateInputs]:
        """The inputs of the generator's updates; without real samples unless its loss needs them."""
        purposes: tuple[Purpose, ...] = (
            "data-generator",
            "latent-generator",
            "penalty-generator",
            "penalty-noise-generator",
            "noise-generator",
        )
        real, penalised = self._real_in_generator, self._penalties_in_generator
        for n in range(step * self._n_generator, (step + 1) * self._n_generator):
            yield self._update_inputs(n, scheduled, purposes, real=real, penalised=penalised)

    def _update_inputs(
        self, n: int, scheduled: ScheduledValues, purposes: tuple[Purpose, ...], *, real: bool, penalised: bool
    ) -> UpdateInputs:
        data, latent, penalty, penalty_noise, noise = purposes
        shape = self._data.shape
        size = self._batch_size if real else 0
        return UpdateInputs(
            real=self._data.batch(self._indices(data, n)) if real else self._zeros(0, *shape),
            latents=self._latents(latent, n),
            real_noise=self._noise(noise, 2 * n, scheduled.noise, (size, *shape)),
            fake_noise=self._noise(noise, 2 * n + 1, scheduled.noise, (self._batch_size, *shape)),
            uniform=self._uniform(penalty, n)[:, : self._packs if penalised else 0],
            penalty_noise=self._normal(penalty_noise, n, (self._packs, *self._packed_shape))
            if penalised and self._noisy
            else self._zeros(0, *self._packed_shape),
            strengths=self._strengths(scheduled.strengths),
        )

    def _indices(self, purpose: Purpose, batch: int) -> Tensor:
        # Each epoch goes through the data in a new random order; an incomplete last batch is dropped.
        size = len(self._data)
        epoch, row = divmod(batch, size // self._batch_size)
        order = self._seed_blocks(purpose, epoch, lambda g: torch.randperm(size, generator=g, device=g.device))
        return order[:, row * self._batch_size : (row + 1) * self._batch_size]

    def _latents(self, purpose: Purpose, update: int) -> Tensor:
        block, offset = divmod(update, UPDATES_PER_BLOCK)
        size = (UPDATES_PER_BLOCK, self._batch_size, self._arch.latent_dim)
        return self._seed_blocks(purpose, block, lambda g: draw(self._arch.latent, size, g))[:, offset]

    def _uniform(self, purpose: Purpose, update: int) -> Tensor:
        block, offset = divmod(update, UPDATES_PER_BLOCK)
        size = (UPDATES_PER_BLOCK, self._batch_size)
        return self._seed_blocks(purpose, block, lambda g: torch.rand(size, generator=g, device=g.device))[:, offset]

    def _noise(self, purpose: Purpose, number: int, scale: float, size: tuple[int, ...]) -> Tensor:
        if scale == 0:
            return self._zeros(*(1 for _ in size))
        return scale * self._normal(purpose, number, size)

    def _normal(self, purpose: Purpose, number: int, size: tuple[int, ...]) -> Tensor:
        # Not drawn in blocks: one draw is as large as the batch itself.
        drawn = [draw("normal", size, stream(seed, purpose, number, self._data.device)) for seed in self._seeds]
        return torch.stack(drawn)

    def _seed_blocks(self, purpose: Purpose, block: int, draw_block: Callable[[torch.Generator], Tensor]) -> Tensor:
        """A block of every seed's stream, [S, ...], cached until another block of that purpose is requested."""
        cached = self._blocks.get(purpose)
        if cached is None or cached[0] != block:
            self._blocks.pop(purpose, None)  # freed before the next block is created
            drawn = torch.stack([draw_block(stream(seed, purpose, block, self._data.device)) for seed in self._seeds])
            cached = self._blocks[purpose] = (block, drawn)
        return cached[1]
