"""The base class of wrappers, and their registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from ganbench.core.registry import Component, Registry


class Wrapper(Component):
    """A change to the critic, or a constraint on its weights."""

    takes_penalties: ClassVar[bool] = True
    """True if the gradient penalties of `ganbench.methods.penalties` keep their meaning with this wrapper."""
    excludes: ClassVar[tuple[str, ...]] = ()
    """Wrappers that it can't be combined with."""

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        """The wrapped critic, which may be the same object.

        The forward pass stays pure: state between updates is held in buffers that only `constrain` changes. Real and
        generated samples arrive in one pass, [2·batch, ...], first all of one kind and then all of the other.

        Args:
            batch: number of inputs of one kind, real or generated, in an update of the critic.

        Raises:
            ValueError: it can't be applied to such a critic, or with such a batch size.
        """
        return critic

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the tensors to change after each update of the critic, by name.

        It is a pure function of one seed's weights, and works under `vmap`.
        """
        return {}


WRAPPERS: Registry[Wrapper] = Registry("wrapper")
