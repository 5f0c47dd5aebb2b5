"""The adversarial algorithm, as a generator function that yields snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.config import RunSpec
from ganbench.data import Data
from ganbench.seeding import stream
from ganbench.train.draws import Draws
from ganbench.train.ensemble import Weights, lift
from ganbench.train.state import State

LATENT_BLOCK = 500
"""Evaluation latents are drawn in blocks of so many: sample i is the same however many are asked for."""


@dataclass(frozen=True)
class Snapshot:
    """The state of training after a step. It is a view: look at it before the next one is asked for.

    Attributes:
        step: number of generator steps done.
        statistics: by name, one number a seed, [S], on the device; values of this step's last updates. Empty at the
            start, where nothing was updated yet.
    """

    step: int
    statistics: Mapping[str, Tensor]
    state: State
    _seeds: Sequence[int]
    _latent_dim: int

    def sample(self, row: int, count: int) -> Tensor:
        """`count` samples of the seed at `row`, float32 [count, *shape], from the seed's evaluation stream."""
        generator = self.state.generator
        device = next(iter(generator.parameters.values())).device
        blocks = []
        for block in range(-(-count // LATENT_BLOCK)):
            random = stream(self._seeds[row], "evaluation", block, device)
            latents = torch.randn(LATENT_BLOCK, self._latent_dim, generator=random, device=device)
            blocks.append(generator.forward_at_rest(row, latents))
        return torch.cat(blocks)[:count]


def train(
    spec: RunSpec,
    seeds: Sequence[int],
    data: Data,
    device: torch.device,
    *,
    every: int,
    resume: Mapping[str, Tensor] | None = None,
    resume_step: int = 0,
) -> Iterator[Snapshot]:
    """Train the seeds together; yield a snapshot at the start, after each `every` steps and after the last.

    A step is `critic_steps` updates of the critic and one of the generator. Stopping early is `break`.

    Args:
        every: how often to yield; it does not change what is trained.
        resume, resume_step: the tensors of a `State` and the step that they were taken after.
    """
    state = State(spec, seeds, data.shape, device)
    if resume is not None:
        state.restore(resume, resume_step)
    generator, critic, loss = state.generator, state.critic, spec.loss
    draws = Draws(
        seeds,
        batch_size=spec.train.batch_size,
        latent_dim=spec.arch.latent_dim,
        critic_steps=spec.train.critic_steps,
        paired=loss.paired,
        train_size=len(data),
        device=device,
    )

    def critic_objective(weights: Weights, real: Tensor, fake: Tensor, uniform: Tensor) -> tuple[Tensor, ...]:
        def logits(samples: Tensor) -> Tensor:
            return critic.forward(weights, samples)

        # Real and generated samples in one pass: the critic is a function of one sample.
        on_real, on_fake = logits(torch.cat([real, fake])).split(real.shape[0])
        penalty = sum((term(logits, real, fake, uniform) for term in spec.penalties), torch.zeros((), device=device))
        adversarial = loss.critic_loss(on_real, on_fake)
        return adversarial + penalty, penalty, loss.critic_output(on_real).mean(), loss.critic_output(on_fake).mean()

    def generator_objective(weights: Weights, critic_weights: Weights, latents: Tensor, real: Tensor) -> Tensor:
        fake = generator.forward(weights, latents)
        on_fake, on_real = critic.forward(critic_weights, torch.cat([fake, real])).split([len(fake), len(real)])
        return loss.generator_loss(on_fake, on_real)

    generate = lift(generator.forward, len(seeds))
    critic_losses = lift(critic_objective, len(seeds))
    generator_losses = lift(generator_objective, len(seeds))

    yield Snapshot(state.step, {}, state, seeds, spec.arch.latent_dim)
    for step in range(state.step, spec.train.steps):
        for draw in draws.critic(step):
            with torch.no_grad():
                fake = generate(generator.frozen, draw.latents)
            real = data.batch(draw.indices)
            critic_loss, penalty, on_real, on_fake = critic_losses(critic.weights, real, fake, draw.uniform)
            _update(state.critic_optimizer, critic_loss)

        draw = draws.generator(step)
        real = data.batch(draw.indices)  # no sample, unless the loss pairs generated with real ones
        generator_loss = generator_losses(generator.weights, critic.frozen, draw.latents, real)
        _update(state.generator_optimizer, generator_loss)
        state.step = step + 1

        if state.step % every == 0 or state.step == spec.train.steps:
            statistics = {
                "critic-loss": critic_loss.detach(),
                "generator-loss": generator_loss.detach(),
                "critic-real": on_real.detach(),
                "critic-fake": on_fake.detach(),
                "critic-gradient": critic.gradient_norms(),
                "generator-gradient": generator.gradient_norms(),
            }
            if spec.penalties:
                statistics["penalty"] = penalty.detach()
            yield Snapshot(state.step, statistics, state, seeds, spec.arch.latent_dim)


def _update(optimizer: torch.optim.Optimizer, losses: Tensor) -> None:
    """One optimiser step; `losses` is [S], and seeds share no weights, so that their sum trains each alone."""
    optimizer.zero_grad(set_to_none=True)
    losses.sum().backward()
    optimizer.step()
