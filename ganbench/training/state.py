"""All that training changes: two ensembles, their optimisers, the averaged generator and the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.spec.run_spec import RunSpec
from ganbench.training.ensemble import Ensemble, Weights, lift
from ganbench.training.optimizers import KINDS, LearningRate, NextUpdate, Optimizer, OptimizerState
from ganbench.training.schedule import ScheduledValues

STATISTICS_BATCHES = 10
"""Of latents, from which an averaged generator's running statistics are taken."""


class StateMismatchError(Exception):
    """Tensors that were taken from another spec's state."""


@dataclass
class Player:
    """One of the two networks, and what trains it."""

    network: Ensemble
    kind: Optimizer
    held: OptimizerState
    lr: float
    """At first."""
    updates: int
    """In a step."""
    rate: LearningRate
    """At present, and so are the betas."""
    betas: tuple[float, float] = (0.0, 0.0)

    def apply_schedule(self, lr: float, betas: tuple[float, float]) -> None:
        """Take a factor on the learning rate, and betas, from the plan."""
        self.betas = betas
        if isinstance(self.rate, Tensor):
            self.rate.fill_(self.lr * lr)
        else:
            self.rate = self.lr * lr

    def update(self, losses: Tensor) -> None:
        """One update; `losses` is [S], and seeds share no weights, so that their sum trains each alone."""
        network = self.network
        for parameter in network.parameters.values():
            parameter.grad = None
        # Not `autograd.grad`, whose gradients lie in memory as they come; a fused update reads them as the weights lie.
        losses.sum().backward()
        self.kind.update(list(network.trained.values()), network.gradients(), self.held, self.rate, self.betas)

    def next_update(self, step: int) -> NextUpdate:
        """The optimiser after its updates of step number `step`, from 0, before its next one."""
        first = next(iter(self.network.trained.values()))
        each = torch.ones(len(first), device=first.device)
        return NextUpdate(
            dict(zip(self.network.parameters, zip(*self.held.moments, strict=True), strict=True)),
            number=each * ((step + 1) * self.updates + 1),
            lr=each * self.rate,
            betas=torch.stack([each * beta for beta in self.betas], 1),
        )


class State:
    """The state of S seeds that train together.

    Attributes:
        seeds: their number S.
        averaged: the generator's weights that samples are made with: its moving average, or its own without one.
    """

    def __init__(self, spec: RunSpec, seeds: Sequence[int], shape: tuple[int, ...], device: torch.device) -> None:
        options = spec.train
        self.step = 0
        self.seeds = len(seeds)
        self.generator = Ensemble(lambda: spec.generator(shape), seeds, "init-generator", device, options.precision)
        self.critic = Ensemble(lambda: spec.critic(shape), seeds, "init-critic", device, options.precision)
        self._players = {
            "generator": _player(self.generator, options.optimizer, options.generator_lr, options.n_generator),
            "critic": _player(self.critic, options.optimizer, options.critic_lr, options.n_critic),
        }
        self._constraints = [lift(wrapper.constrain, len(seeds)) for wrapper in spec.wrappers]
        own = self.generator.frozen
        self.averaged: Weights = {name: tensor.clone() for name, tensor in own.items()} if options.ema else own
        self._settled: dict[int, int] = {}

    def update_critic(self, losses: Tensor) -> None:
        """One update of the critic, [S] losses, and what its wrappers do after it."""
        self._players["critic"].update(losses)
        for constrain in self._constraints:
            for name, tensor in constrain(self.critic.trained, self.critic.buffers).items():
                self.critic.frozen[name].copy_(tensor)

    def update_generator(self, losses: Tensor) -> None:
        """One update of the generator, [S] losses."""
        self._players["generator"].update(losses)

    def apply_schedule(self, planned: ScheduledValues) -> None:
        """Give the optimisers the planned learning rates and betas."""
        for player, betas in zip(self._players.values(), (planned.generator_betas, planned.critic_betas), strict=True):
            player.apply_schedule(planned.lr, betas)

    def finish_step(self, keep: float) -> None:
        """Count a step, and let the averaged generator keep so much of itself, and take the rest from the generator."""
        self.step += 1
        own = self.generator.frozen
        if self.averaged is not own:
            for name in self.generator.parameters:
                self.averaged[name].lerp_(own[name], 1 - keep)

    def scored(self, row: int, latents: Callable[[int], Tensor]) -> Weights:
        """The weights that the samples of the seed at `row` are made with.

        Running statistics of an averaged generator are those of its own activations, not of the generator's: they are
        taken anew.

        Args:
            latents: a batch of latents by its number.
        """
        weights = {name: tensor[row] for name, tensor in self.averaged.items()}
        if self.averaged is not self.generator.frozen and self._settled.get(row) != self.step:
            self.generator.recompute_batchnorm_stats(weights, map(latents, range(STATISTICS_BATCHES)))
            self._settled[row] = self.step
        return weights

    def next_critic_update(self) -> NextUpdate:
        """The critic's optimiser, after its updates of the step that is being made, before its next one, as tensors."""
        return self._players["critic"].next_update(self.step)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs beside the step, by name; each tensor has the leading seed axis.

        Random streams aren't among them: they are functions of the step (see `ganbench.core.seeding`).
        """
        return dict(self._slots())

    def all_tensors(self) -> list[Tensor]:
        """Every tensor that a step changes, as it lies in memory."""
        counts = [count for player in self._players.values() for count in player.held.counts]
        return [*counts, *(tensor for _, tensor in self._slots())]

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take up where `tensors` were taken, after `step` steps.

        Raises:
            StateMismatchError: a tensor is missing or has another shape.
        """
        self._at(step)
        for name, slot in self._slots():
            if name not in tensors or tensors[name].shape != slot.shape:
                raise StateMismatchError(f"it has no tensor '{name}' of shape {list(slot.shape)}")
            slot.copy_(tensors[name])

    def _at(self, step: int) -> None:
        """Set the step, and how many updates were made by then; the moments are still to be filled."""
        self.step = step
        for player in self._players.values():
            for count in player.held.counts:
                count.fill_(step * player.updates)

    def _slots(self) -> Iterator[tuple[str, Tensor]]:
        for role, player in self._players.items():
            for name, tensor in player.network.frozen.items():
                yield f"{role}/{name}", tensor
            for moment, tensors in zip(player.kind.moments, player.held.moments, strict=True):
                for name, tensor in zip(player.network.parameters, tensors, strict=True):
                    yield f"{role}/{name}/{moment}", tensor
        if self.averaged is not self.generator.frozen:
            for name, tensor in self.averaged.items():
                yield f"averaged/{name}", tensor


def _player(network: Ensemble, optimizer: str, lr: float, updates: int) -> Player:
    kind, weights = KINDS[optimizer], list(network.trained.values())
    device = weights[0].device
    held = OptimizerState(
        [[torch.zeros_like(weight) for weight in weights] for _ in kind.moments],
        [torch.zeros((), device=device) for _ in weights],
    )
    rate = torch.tensor(lr, device=device) if device.type == "cuda" and kind.reads_rate else lr
    return Player(network, kind, held, lr, updates, rate)
