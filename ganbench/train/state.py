"""All that training changes: two ensembles, their optimisers, the averaged generator and the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.config import RunSpec
from ganbench.train.ensemble import Ensemble, Weights, lift
from ganbench.train.optimizers import KINDS, NextUpdate
from ganbench.train.schedule import Plan

STATISTICS_BATCHES = 10
"""Of latents, from which an averaged generator's running statistics are taken."""


class StateMismatchError(Exception):
    """Tensors that were taken from another spec's state."""


@dataclass
class Player:
    """One of the two networks, and what trains it."""

    network: Ensemble
    optimizer: torch.optim.Optimizer
    lr: float
    updates: int
    """In a step."""

    def update(self, losses: Tensor) -> None:
        """One optimiser step; `losses` is [S], and seeds share no weights, so that their sum trains each alone."""
        for parameter in self.network.parameters.values():
            parameter.grad = None
        losses.sum().backward()
        self.optimizer.step()


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
        self._kind = KINDS[options.optimizer]
        self._players = {
            "generator": self._player(self.generator, options.generator_lr, options.n_generator),
            "critic": self._player(self.critic, options.critic_lr, options.n_critic),
        }
        self._constraints = [lift(wrapper.constrain, len(seeds)) for wrapper in spec.wrappers]
        own = self.generator.frozen
        self.averaged: Weights = {name: tensor.clone() for name, tensor in own.items()} if options.ema else own
        self._settled: dict[int, int] = {}
        self._at(0)

    def update_critic(self, losses: Tensor) -> None:
        """One update of the critic, [S] losses, and what its wrappers do after it."""
        self._players["critic"].update(losses)
        for constrain in self._constraints:
            for name, tensor in constrain(self.critic.trained, self.critic.buffers).items():
                self.critic.frozen[name].copy_(tensor)

    def update_generator(self, losses: Tensor) -> None:
        """One update of the generator, [S] losses."""
        self._players["generator"].update(losses)

    def follow(self, planned: Plan) -> None:
        """Give the optimisers the planned learning rates and betas."""
        for player, betas in zip(self._players.values(), (planned.generator_betas, planned.critic_betas), strict=True):
            for group in player.optimizer.param_groups:
                group.update(self._kind.options(betas))
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(player.lr * planned.lr)
                else:
                    group["lr"] = player.lr * planned.lr

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
            self.generator.settle(weights, map(latents, range(STATISTICS_BATCHES)))
            self._settled[row] = self.step
        return weights

    def next_critic_update(self, planned: Plan) -> NextUpdate:
        """The critic's optimiser, after its updates of the step that is being made, before its next one, as tensors."""
        player = self._players["critic"]
        optimizer, number = player.optimizer, (self.step + 1) * player.updates
        state = optimizer.state
        moments = {
            name: tuple(state[parameter][moment] for moment in self._kind.moments)
            for name, parameter in self.critic.parameters.items()
        }
        device = next(iter(self.critic.trained.values())).device
        return NextUpdate(
            moments,
            torch.full((self.seeds,), float(number + 1), device=device),
            torch.full((self.seeds,), planned.lr * player.lr, device=device),
            torch.tensor([planned.critic_betas] * self.seeds, device=device),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs beside the step, by name; each tensor has the leading seed axis.

        Random streams aren't among them: they are functions of the step (see `ganbench.seeding`).
        """
        return dict(self._slots())

    def everything(self) -> list[Tensor]:
        """Every tensor that a step changes, as it lies in memory."""
        counts = [
            player.optimizer.state[parameter]["step"]
            for player in self._players.values()
            for parameter in player.network.parameters.values()
        ]
        return [*counts, *(tensor for _, tensor in self._slots())]

    @contextmanager
    def capturable(self) -> Iterator[None]:
        """While a CUDA graph is recorded: the optimisers are told to keep to the device."""
        groups = [group for player in self._players.values() for group in player.optimizer.param_groups]
        for group in groups:
            group["capturable"] = True
        try:
            yield
        finally:
            for group in groups:
                group["capturable"] = False

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

    def _player(self, network: Ensemble, lr: float, updates: int) -> Player:
        weights = list(network.parameters.values())
        # The betas are set by the plan, before the first update.
        return Player(network, self._kind.make(weights, lr, (0.0, 0.0)), lr, updates)

    def _at(self, step: int) -> None:
        """Set the step, and give the optimisers the state they have after so many steps, with moments still to fill."""
        self.step = step
        for player in self._players.values():
            for parameter in player.network.parameters.values():
                player.optimizer.state[parameter] = {
                    "step": torch.tensor(float(step * player.updates), device=parameter.device),
                    **{moment: torch.zeros_like(parameter) for moment in self._kind.moments},
                }

    def _slots(self) -> Iterator[tuple[str, Tensor]]:
        for role, player in self._players.items():
            for name, tensor in player.network.frozen.items():
                yield f"{role}/{name}", tensor
            for name, parameter in player.network.parameters.items():
                for moment in self._kind.moments:
                    yield f"{role}/{name}/{moment}", player.optimizer.state[parameter][moment]
        if self.averaged is not self.generator.frozen:
            for name, tensor in self.averaged.items():
                yield f"averaged/{name}", tensor
