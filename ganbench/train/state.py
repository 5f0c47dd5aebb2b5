"""All that training changes: two ensembles, their optimisers and the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ganbench.config import RunSpec
from ganbench.train.ensemble import Ensemble

MOMENTS = ("exp_avg", "exp_avg_sq")


class StateMismatchError(Exception):
    """Tensors that were taken from another spec's state."""


class State:
    """The state of S seeds that train together."""

    def __init__(self, spec: RunSpec, seeds: Sequence[int], shape: tuple[int, ...], device: torch.device) -> None:
        options = spec.train
        self.step = 0
        self.generator = Ensemble(lambda: spec.arch.generator(shape), seeds, "init-generator", device)
        self.critic = Ensemble(lambda: spec.arch.critic(shape), seeds, "init-critic", device)
        self.generator_optimizer = _adam(self.generator, options.generator_lr, options.generator_betas)
        self.critic_optimizer = _adam(self.critic, options.critic_lr, options.critic_betas)
        self._critic_steps = options.critic_steps
        self._at(0)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs beside the step, by name; each tensor has the leading seed axis.

        Random streams aren't among them: they are functions of the step (see `ganbench.seeding`).
        """
        return dict(self._slots())

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

    def _parts(self) -> Iterator[tuple[str, Ensemble, torch.optim.Adam, int]]:
        yield "generator", self.generator, self.generator_optimizer, 1
        yield "critic", self.critic, self.critic_optimizer, self._critic_steps

    def _at(self, step: int) -> None:
        """Set the step, and give the optimisers the state they have after so many steps, with moments still to fill."""
        self.step = step
        for _, ensemble, optimizer, updates in self._parts():
            for parameter in ensemble.parameters.values():
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(step * updates), device=parameter.device),
                    **{moment: torch.zeros_like(parameter) for moment in MOMENTS},
                }

    def _slots(self) -> Iterator[tuple[str, Tensor]]:
        for role, ensemble, optimizer, _ in self._parts():
            for name, tensor in ensemble.frozen.items():
                yield f"{role}/{name}", tensor
            for name, parameter in ensemble.parameters.items():
                for moment in MOMENTS:
                    yield f"{role}/{name}/{moment}", optimizer.state[parameter][moment]


def _adam(ensemble: Ensemble, lr: float, betas: tuple[float, ...]) -> torch.optim.Adam:
    return torch.optim.Adam(list(ensemble.parameters.values()), lr=lr, betas=(betas[0], betas[1]), fused=True)
