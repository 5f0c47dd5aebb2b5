"""One training step: the updates of critic and generator, as a function of their random inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.profiler import record_function

from ganbench.spec.run_spec import RunSpec
from ganbench.training.ensemble import lift
from ganbench.training.objectives import JUDGED, Objectives
from ganbench.training.random_inputs import UpdateInputs
from ganbench.training.state import State


class StepInputs(NamedTuple):
    """Inputs of all updates in one step."""

    critic: Sequence[UpdateInputs]
    generator: Sequence[UpdateInputs]


class Step:
    """A step that updates a state in place: `n_critic` updates of the critic, then `n_generator` of the generator.

    It keeps no counters: all its effects are in the state's tensors, so that it can be recorded and replayed.
    """

    def __init__(self, spec: RunSpec, state: State) -> None:
        game, seeds = Objectives(spec, state), state.seeds
        self._state = state
        self._looks_ahead = spec.train.unrolled > 0
        self._generate = lift(state.generator.forward, seeds)
        self._critic_losses = lift(game.critic_losses, seeds)
        self._generator_losses = lift(game.generator_losses, seeds)

    def __call__(self, given: StepInputs) -> dict[str, Tensor]:
        """Run the step; return statistics of its last updates, [S] each, on the device."""
        state = self._state
        with record_function("critic's updates"):
            for draw in given.critic:
                with torch.no_grad():
                    fake = self._generate(state.generator.frozen, draw.latents)
                critic_loss, *judged = self._critic_losses(state.critic.weights, fake, draw)
                state.update_critic(critic_loss)
        with record_function("generator's updates"):
            for draw in given.generator:
                ahead = [state.next_critic_update()] if self._looks_ahead else []
                generator_loss = self._generator_losses(state.generator.weights, state.critic.frozen, draw, *ahead)
                state.update_generator(generator_loss)
        return {
            "critic_loss": critic_loss.detach(),
            **{name: values.detach() for name, values in zip(JUDGED, judged, strict=True)},
            "generator_loss": generator_loss.detach(),
        }
