"""Adversarial losses: what critic and generator minimise, as functions of the critic's logits.

A loss is one frozen dataclass in one file. It sees logits, never networks: with which architecture, penalty or
optimiser it is combined is decided elsewhere. What its paper trains with stands in `recipe`, `penalties` and
`wrappers`, as defaults that anybody can override.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from torch import Tensor

from ganbench.core.registry import Component, Registry, import_folder


class Loss(Component):
    """An adversarial objective on logits.

    Logits are float [B], one a sample, and both losses are scalars: means over the batch.
    """

    recipe: ClassVar[Mapping[str, Any]] = {}
    """The paper's training options (fields of `TrainSpec`), used where the user says nothing else."""
    penalties: ClassVar[tuple[str, ...]] = ()
    """The paper's penalties on the critic, for instance ("gp:weight=10",)."""
    wrappers: ClassVar[tuple[str, ...]] = ()
    """What the paper does to the critic, for instance ("clip:limit=0.01",)."""
    paired: ClassVar[bool] = False
    """Whether both losses compare generated with real samples; only then has the generator's loss real logits."""
    output: ClassVar[Literal["probability", "score"]] = "probability"
    """What `critic_output` is: "probability" for D(x) in [0, 1], "score" for an unbounded critic."""

    @abstractmethod
    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the critic minimises, given its logits on real and on generated samples."""

    @abstractmethod
    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        """What the generator minimises; `real` is empty unless the loss is `paired`."""

    def critic_output(self, logits: Tensor) -> Tensor:
        """D(x) as the paper prints it: the probability of being real, unless the critic gives a score."""
        return logits.sigmoid() if self.output == "probability" else logits


LOSSES: Registry[Loss] = Registry("loss")
import_folder(__name__, __path__)
