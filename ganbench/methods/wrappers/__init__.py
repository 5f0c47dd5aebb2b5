"""What may be done to any critic: normalise its layers, show it a whole batch, bound its weights.

A wrapper works with every architecture: it knows a critic's layers, and that it ends in a `Head`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from ganbench.core.registry import Component, Registry, import_folder


class Wrapper(Component):
    """A change to the critic, or a constraint on its weights."""

    takes_penalties: ClassVar[bool] = True
    """Whether the gradient penalties of `ganbench.methods.penalties` keep their meaning under it."""
    excludes: ClassVar[tuple[str, ...]] = ()
    """Wrappers beside which it means nothing."""

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        """The changed critic; it may be the same object.

        The forward pass stays pure: what it keeps between updates are buffers that only `constrain` changes. It sees
        real and generated samples in one pass, [2·batch, ...], first all of one kind and then all of the other.

        Args:
            batch: how many inputs of one kind, real or generated, the critic sees in an update.

        Raises:
            ValueError: it can't be done to such a critic, or with such a batch.
        """
        return critic

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """After each update of the critic: the tensors that are changed, by name.

        It is a pure function of one seed's weights, and works under `vmap`.
        """
        return {}


WRAPPERS: Registry[Wrapper] = Registry("wrapper")
import_folder(__name__, __path__)
