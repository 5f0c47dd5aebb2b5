"""One training step: the updates of critic and generator, as a function of their random inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.profiler import record_function

from ganbench.spec.run_spec import RunSpec
from ganbench.training.objectives import CRITIC_TERMS, Objectives
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
        objectives = Objectives(spec, state)
        self._state = state
        self._unrolled = spec.train.unrolled > 0
        self._generate = state.lift(state.generator.forward)
        self._critic_losses = state.lift(objectives.critic_losses)
        self._generator_losses = state.lift(objectives.generator_losses)

    def __call__(self, step_inputs: StepInputs) -> dict[str, Tensor]:
        """Run the step; return statistics of its last updates, [S] each, on the device."""
        state = self._state
        with record_function("discriminator's updates"):
            for update in step_inputs.critic:
                with torch.no_grad():
                    fake = self._generate(state.generator.frozen, update.latents)
                critic_loss, *critic_terms = self._critic_losses(state.critic.weights, fake, update)
                state.update_critic(critic_loss)
        with record_function("generator's updates"):
            for update in step_inputs.generator:
                next_updates = [state.next_critic_update()] if self._unrolled else []
                generator_loss = self._generator_losses(
                    state.generator.weights, state.critic.frozen, update, *next_updates
                )
                state.update_generator(generator_loss)
        return {
            "critic_loss": critic_loss.detach(),
            **{name: values.detach() for name, values in zip(CRITIC_TERMS, critic_terms, strict=True)},
            "generator_loss": generator_loss.detach(),
        }
