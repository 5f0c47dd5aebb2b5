"""The adversarial algorithm, as a generator function that yields snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.archs import Arch
from ganbench.config import RunSpec
from ganbench.data import Data
from ganbench.seeding import Purpose, draw, stream
from ganbench.train.draws import Draws
from ganbench.train.ensemble import lift
from ganbench.train.game import JUDGED, Game
from ganbench.train.schedule import plan
from ganbench.train.state import State

LATENT_BLOCK = 500
"""Evaluation latents are drawn in blocks of so many: sample i is the same however many are asked for."""


@dataclass(frozen=True)
class Snapshot:
    """The state of training after a step. It is a view: look at it before the next one is asked for.

    Attributes:
        step: number of steps done.
        statistics: by name, one number a seed, [S], on the device; values of this step's last updates. Empty at the
            start, where nothing was updated yet.
    """

    step: int
    statistics: Mapping[str, Tensor]
    state: State
    _seeds: Sequence[int]
    _arch: Arch

    def sample(self, row: int, count: int) -> Tensor:
        """`count` samples of the seed at `row`, float32 [count, *shape], from the seed's evaluation stream."""
        weights = self.state.scored(row, lambda block: self._latents(row, "statistics", block))
        numbers = range(-(-count // LATENT_BLOCK))
        latents = (self._latents(row, "evaluation", block) for block in numbers)
        return torch.cat([self.state.generator.forward_at_rest(weights, block) for block in latents])[:count]

    def _latents(self, row: int, purpose: Purpose, block: int) -> Tensor:
        device = next(iter(self.state.averaged.values())).device
        random = stream(self._seeds[row], purpose, block, device)
        return draw(self._arch.latent, (LATENT_BLOCK, self._arch.latent_dim), random)


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

    A step is `n_critic` updates of the critic and `n_generator` of the generator. Stopping early is `break`.

    Args:
        every: how often to yield; it does not change what is trained.
        resume, resume_step: the tensors of a `State` and the step that they were taken after.
    """
    state = State(spec, seeds, data.shape, device)
    if resume is not None:
        state.restore(resume, resume_step)
    game = Game(spec, state)
    draws = Draws(spec, seeds, data)
    generate = lift(state.generator.forward, len(seeds))
    critic_losses = lift(game.critic_losses, len(seeds))
    generator_losses = lift(game.generator_losses, len(seeds))

    yield Snapshot(state.step, {}, state, seeds, spec.arch)
    for step in range(state.step, spec.train.steps):
        now = plan(spec, step)
        state.follow(now)
        for given in draws.critic(step, now):
            with torch.no_grad():
                fake = generate(state.generator.frozen, given.latents)
            critic_loss, *judged = critic_losses(state.critic.weights, fake, given)
            state.update_critic(critic_loss)
        for given in draws.generator(step, now):
            ahead = state.next_critic_update((step + 1) * spec.train.n_critic, now)
            generator_loss = generator_losses(state.generator.weights, state.critic.frozen, ahead, given)
            state.update_generator(generator_loss)
        state.finish_step(now.keep)

        if state.step % every == 0 or state.step == spec.train.steps:
            statistics = {
                "critic-loss": critic_loss.detach(),
                **{name: values.detach() for name, values in zip(JUDGED, judged, strict=True)},
                "generator-loss": generator_loss.detach(),
                "critic-gradient": state.critic.gradient_norms(),
                "generator-gradient": state.generator.gradient_norms(),
            }
            yield Snapshot(state.step, statistics, state, seeds, spec.arch)
