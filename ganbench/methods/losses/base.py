"""The base class of losses, and their registry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from torch import Tensor

from ganbench.core.registry import Component, Registry


class Loss(Component):
    """An adversarial objective on logits.

    Logits are float [B], one per sample, and both losses are scalars: means over the batch.
    """

    recipe: ClassVar[Mapping[str, Any]] = {}
    """The paper's training options (fields of `TrainSpec`), used unless the user overrides them."""
    penalties: ClassVar[tuple[str, ...]] = ()
    """The paper's penalties on the critic, for instance ("gp:weight=10",)."""
    wrappers: ClassVar[tuple[str, ...]] = ()
    """The paper's wrappers of the critic, for instance ("clip:limit=0.01",)."""
    paired: ClassVar[bool] = False
    """True if both losses compare generated with real samples; only then does the generator's loss get real logits."""
    output: ClassVar[Literal["probability", "score"]] = "probability"
    """The meaning of `critic_output`: "probability" for D(x) in [0, 1], "score" for an unbounded critic."""

    @abstractmethod
    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The loss that the critic minimises, given its logits on real and on generated samples."""

    @abstractmethod
    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        """The loss that the generator minimises; `real` is empty unless the loss is `paired`."""

    def critic_output(self, logits: Tensor) -> Tensor:
        """D(x) as in the paper: the probability of being real, unless the critic's output is a score."""
        return logits.sigmoid() if self.output == "probability" else logits


LOSSES: Registry[Loss] = Registry("loss")
