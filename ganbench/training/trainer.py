"""The training loop, a generator function that yields snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.profiler import record_function

from ganbench.core.device import scoring_device
from ganbench.core.seeding import Purpose, draw, stream
from ganbench.data import Data
from ganbench.methods.archs import Arch
from ganbench.spec.run_spec import RunSpec
from ganbench.training.accelerate import accelerate
from ganbench.training.ensemble import Weights
from ganbench.training.random_inputs import InputSampler
from ganbench.training.schedule import plan
from ganbench.training.state import State
from ganbench.training.step import Step, StepInputs

LATENT_BLOCK = 500
"""Size of the blocks in which evaluation latents are drawn: sample i is the same however many are requested."""


@dataclass(frozen=True)
class Snapshot:
    """The state of training after a step. It is a view: use it before requesting the next one.

    Attributes:
        step: number of steps done.
        statistics: by name, one number per seed, [S], on the device; values of this step's last updates. Empty at the
            start, before any update.
        accelerated: `yes` if steps are replayed from a recording, else `no, because …`.
    """

    step: int
    statistics: Mapping[str, Tensor]
    state: State
    accelerated: str
    _seeds: Sequence[int]
    _arch: Arch

    def sample(self, row: int, count: int) -> Tensor:
        """`count` samples of the seed at `row`, float32 [count, *shape], where they are scored; of its own stream."""
        weights = self.generator_weights(row)
        numbers = range(-(-count // LATENT_BLOCK))
        latents = (self._latents(row, "evaluation", block) for block in numbers)
        samples = torch.cat([self.state.generator.forward_eval(weights, block) for block in latents])[:count]
        return samples.to(scoring_device(samples.device))

    def generator_weights(self, row: int) -> Weights:
        """The weights from which the samples of the seed at `row` are made, by name."""
        return self.state.scored(row, lambda block: self._latents(row, "statistics", block))

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
    accelerated: bool = True,
) -> Iterator[Snapshot]:
    """Train the seeds together; yield a snapshot at the start, after every `every` steps and after the last.

    A step is `n_critic` updates of the critic and `n_generator` of the generator. To stop early, `break`.

    Args:
        every: number of steps between snapshots; it does not affect training.
        resume, resume_step: the tensors of a `State`, and the step after which they were taken.
        accelerated: whether steps may be recorded and replayed if that is faster; the numbers are the same.
    """
    state = State(spec, seeds, data.shape, device)
    if resume is not None:
        state.restore(resume, resume_step)
    sampler = InputSampler(spec, seeds, data)
    step = accelerate(Step(spec, state), spec, state, device, accelerated)

    yield Snapshot(state.step, {}, state, step.words, seeds, spec.arch)
    for number in range(state.step, spec.train.steps):
        scheduled = plan(spec, number)
        state.apply_schedule(scheduled)
        with record_function("draws"):
            step_inputs = StepInputs(
                [inputs.to(device) for inputs in sampler.critic(number, scheduled)],
                [inputs.to(device) for inputs in sampler.generator(number, scheduled)],
            )
        statistics = step(step_inputs)
        state.finish_step(scheduled.keep)

        if state.step % every == 0 or state.step == spec.train.steps:
            gradients = {
                "critic_gradient": state.critic.gradient_norms(),
                "generator_gradient": state.generator.gradient_norms(),
            }
            yield Snapshot(state.step, statistics | gradients, state, step.words, seeds, spec.arch)
