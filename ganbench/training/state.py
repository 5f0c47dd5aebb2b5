"""The complete state of training: two ensembles, their optimisers, the averaged generator and the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ganbench.spec.run_spec import RunSpec
from ganbench.training.ensemble import Ensemble, Weights
from ganbench.training.lift import Function, in_turn, together
from ganbench.training.optimizers import OPTIMIZERS_BY_NAME, LearningRate, NextUpdate, Optimizer, OptimizerState
from ganbench.training.schedule import ScheduledValues

STATISTICS_BATCHES = 10
"""Batches of latents for recomputing an averaged generator's running statistics."""


class StateMismatchError(Exception):
    """The tensors come from a state of another spec."""


@dataclass
class Player:
    """One of the two networks, with its optimiser."""

    network: Ensemble
    optimizer: Optimizer
    optimizer_state: OptimizerState
    lr: float
    """Initial learning rate."""
    updates: int
    """Updates per step."""
    rate: LearningRate
    """Current learning rate; `betas` are current, too."""
    betas: tuple[float, float] = (0.0, 0.0)

    def apply_schedule(self, lr: float, betas: tuple[float, float]) -> None:
        """Set the learning rate to a multiple of the initial one, and the betas."""
        self.betas = betas
        if isinstance(self.rate, Tensor):
            self.rate.fill_(self.lr * lr)
        else:
            self.rate = self.lr * lr

    def update(self, losses: Tensor) -> None:
        """Make one update; `losses` is [S]. Seeds share no weights, so the sum of losses trains each independently."""
        network = self.network
        for parameter in network.parameters.values():
            parameter.grad = None
        # Not `autograd.grad`: the memory layout of its gradients varies, and a fused update needs that of the weights.
        losses.sum().backward()
        self.optimizer.update(
            list(network.trained.values()), network.gradients(), self.optimizer_state, self.rate, self.betas
        )

    def next_update(self, step: int) -> NextUpdate:
        """The optimiser's state between its updates of step number `step` (from 0) and the next one."""
        first = next(iter(self.network.trained.values()))
        ones = torch.ones(len(first), device=first.device)
        return NextUpdate(
            dict(zip(self.network.parameters, zip(*self.optimizer_state.moments, strict=True), strict=True)),
            number=ones * ((step + 1) * self.updates + 1),
            lr=ones * self.rate,
            betas=torch.stack([ones * beta for beta in self.betas], 1),
        )


class State:
    """The state of S seeds that train together.

    Attributes:
        seeds: their number S.
        lift: lifts a function of one seed's tensors to those of all seeds.
        averaged: the generator weights used for sampling: the moving average, or the current weights without one.
    """

    def __init__(self, spec: RunSpec, seeds: Sequence[int], shape: tuple[int, ...], device: torch.device) -> None:
        options = spec.train
        self.step = 0
        self.seeds = len(seeds)
        self.generator = Ensemble(lambda: spec.generator(shape), seeds, "init-generator", device, options.precision)
        self.critic = Ensemble(lambda: spec.critic(shape), seeds, "init-critic", device, options.precision)
        networks = (self.generator, self.critic)
        if self.seeds == 1 or (device.type == "cpu" and any(network.convolves for network in networks)):
            self.lift: Callable[[Function], Function] = partial(in_turn, seeds=self.seeds)
            prepare = Ensemble.prepare_in_turn
        else:
            self.lift, prepare = together, Ensemble.prepare_together
        for network in networks:
            prepare(network)
        self._players = {
            "generator": _player(self.generator, options.optimizer, options.generator_lr, options.n_generator),
            "critic": _player(self.critic, options.optimizer, options.critic_lr, options.n_critic),
        }
        self._constraints = [self.lift(wrapper.constrain) for wrapper in spec.wrappers]
        current = self.generator.frozen
        self.averaged: Weights = {name: tensor.clone() for name, tensor in current.items()} if options.ema else current
        self._step_of_statistics: dict[int, int] = {}

    def update_critic(self, losses: Tensor) -> None:
        """Update the critic with losses [S], then apply its wrappers' constraints."""
        self._players["critic"].update(losses)
        for constrain in self._constraints:
            for name, tensor in constrain(self.critic.trained, self.critic.buffers).items():
                self.critic.frozen[name].copy_(tensor)

    def update_generator(self, losses: Tensor) -> None:
        """Update the generator with losses [S]."""
        self._players["generator"].update(losses)

    def apply_schedule(self, scheduled: ScheduledValues) -> None:
        """Pass the scheduled learning rates and betas to the optimisers."""
        for player, betas in zip(
            self._players.values(), (scheduled.generator_betas, scheduled.critic_betas), strict=True
        ):
            player.apply_schedule(scheduled.lr, betas)

    def finish_step(self, keep: float) -> None:
        """Increment the step, and update the averaged generator with decay rate `keep`."""
        self.step += 1
        current = self.generator.frozen
        if self.averaged is not current:
            for name in self.generator.parameters:
                self.averaged[name].lerp_(current[name], 1 - keep)

    def scored(self, row: int, latents: Callable[[int], Tensor]) -> Weights:
        """The weights used for sampling from the seed at `row`.

        An averaged generator's running statistics must be those of its own activations, not of the generator's, so they
        are recomputed.

        Args:
            latents: returns a batch of latents by its number.
        """
        weights = {name: tensor[row] for name, tensor in self.averaged.items()}
        if self.averaged is not self.generator.frozen and self._step_of_statistics.get(row) != self.step:
            self.generator.recompute_batchnorm_stats(weights, map(latents, range(STATISTICS_BATCHES)))
            self._step_of_statistics[row] = self.step
        return weights

    def next_critic_update(self) -> NextUpdate:
        """The critic's optimiser state between its updates of the current step and the next one, as tensors."""
        return self._players["critic"].next_update(self.step)

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that a resumed run needs besides the step, by name, each with the leading seed axis.

        Random streams aren't among them: they are functions of the step (see `ganbench.core.seeding`).
        """
        return dict(self._named_tensors())

    def all_tensors(self) -> list[Tensor]:
        """Every tensor that a step changes, without copying."""
        counts = [count for player in self._players.values() for count in player.optimizer_state.counts]
        return [*counts, *(tensor for _, tensor in self._named_tensors())]

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Resume from `tensors`, taken after `step` steps.

        Raises:
            StateMismatchError: a tensor is missing or has another shape.
        """
        self._set_step(step)
        for name, target in self._named_tensors():
            if name not in tensors or tensors[name].shape != target.shape:
                raise StateMismatchError(f"it has no tensor '{name}' of shape {list(target.shape)}")
            target.copy_(tensors[name])

    def _set_step(self, step: int) -> None:
        """Set the step, and the number of updates made by then; the moments are restored separately."""
        self.step = step
        for player in self._players.values():
            for count in player.optimizer_state.counts:
                count.fill_(step * player.updates)

    def _named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        for role, player in self._players.items():
            for name, tensor in player.network.frozen.items():
                yield f"{role}/{name}", tensor
            for moment, tensors in zip(player.optimizer.moments, player.optimizer_state.moments, strict=True):
                for name, tensor in zip(player.network.parameters, tensors, strict=True):
                    yield f"{role}/{name}/{moment}", tensor
        if self.averaged is not self.generator.frozen:
            for name, tensor in self.averaged.items():
                yield f"averaged/{name}", tensor


def _player(network: Ensemble, optimizer: str, lr: float, updates: int) -> Player:
    rule, weights = OPTIMIZERS_BY_NAME[optimizer], list(network.trained.values())
    device = weights[0].device
    optimizer_state = OptimizerState(
        [[torch.zeros_like(weight) for weight in weights] for _ in rule.moments],
        [torch.zeros((), device=device) for _ in weights],
    )
    rate = torch.tensor(lr, device=device) if device.type == "cuda" and rule.reads_rate else lr
    return Player(network, rule, optimizer_state, lr, updates, rate)
