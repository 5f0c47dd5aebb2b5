"""The adversarial objectives: the losses of generator and critic, for one seed."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.spec.run_spec import RunSpec
from ganbench.training.ensemble import Weights
from ganbench.training.optimizers import OPTIMIZERS_BY_NAME, NextUpdate
from ganbench.training.random_inputs import UpdateInputs
from ganbench.training.state import State
from ganbench.training.unroll import unroll

CRITIC_TERMS = ("penalty", "critic_real", "critic_fake")
"""The values that `Objectives.critic_losses` returns in addition to the loss."""


class Objectives:
    """The mathematics of a step for one seed: pure functions of weights, which a `State` lifts to all seeds."""

    def __init__(self, spec: RunSpec, state: State) -> None:
        self._spec, self._state = spec, state

    def critic_losses(self, weights: Weights, fake: Tensor, update: UpdateInputs) -> tuple[Tensor, ...]:
        """The critic's total loss, then the `CRITIC_TERMS`: penalty, and mean output on real and generated samples."""
        real, fake = self._critic_inputs(update.real, update.real_noise), self._critic_inputs(fake, update.fake_noise)
        return self._critic_terms(weights, real, fake, update)

    def generator_losses(
        self, weights: Weights, critic_weights: Weights, update: UpdateInputs, next_update: NextUpdate | None = None
    ) -> Tensor:
        """The generator's loss against the fixed critic, or, given `next_update`, against the unrolled one."""
        spec = self._spec
        real = self._critic_inputs(update.real, update.real_noise)
        fake = self._critic_inputs(self._state.generator.forward(weights, update.latents), update.fake_noise)
        opponent = critic_weights
        if next_update is not None:
            opponent = unroll(
                spec.train.unrolled,
                lambda unrolled_weights: self._critic_terms(unrolled_weights, real, fake, update)[0],
                critic_weights,
                next_update,
                change=OPTIMIZERS_BY_NAME[spec.train.optimizer].change,
                constrain=self._constrained,
            )
        critic_inputs = torch.cat([fake, real]) if spec.loss.paired else fake
        logits = self._state.critic.forward(opponent, critic_inputs)
        return spec.loss.generator_loss(logits[: len(fake)], logits[len(fake) :])

    def _critic_terms(self, weights: Weights, real: Tensor, fake: Tensor, update: UpdateInputs) -> tuple[Tensor, ...]:
        def critic(inputs: Tensor) -> Tensor:
            return self._state.critic.forward(weights, inputs)

        # Real and generated samples in one pass: neither influences the other (see `ganbench.methods.wrappers`).
        on_real, on_fake = critic(torch.cat([real, fake])).chunk(2)
        penalty = torch.zeros_like(on_real[0])
        for strength, term in zip(update.strengths, self._spec.penalties, strict=True):
            penalty = penalty + strength * term(critic, real, fake, update.uniform, update.penalty_noise)
        output = self._spec.loss.critic_output
        adversarial = self._spec.loss.critic_loss(on_real, on_fake)
        return adversarial + penalty, penalty, output(on_real).mean(), output(on_fake).mean()

    def _critic_inputs(self, samples: Tensor, noise: Tensor) -> Tensor:
        """The critic's inputs: samples with instance noise, `pac` of them side by side in one input."""
        pac = self._spec.train.pac
        noisy = samples + noise if self._spec.train.instance_noise else samples
        packs: Tensor = noisy.unflatten(0, (-1, pac))
        return packs.flatten(1, 2)

    def _constrained(self, weights: Weights) -> Weights:
        for wrapper in self._spec.wrappers:
            parameters = {name: weights[name] for name in self._state.critic.parameters}
            buffers = {name: weights[name] for name in self._state.critic.buffers}
            weights = weights | dict(wrapper.constrain(parameters, buffers))
        return weights
