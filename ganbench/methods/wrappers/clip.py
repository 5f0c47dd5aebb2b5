"""Weight clipping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ganbench.core.registry import register
from ganbench.methods.wrappers.base import WRAPPERS, Wrapper


@register(WRAPPERS, "clip")
class Clip(Wrapper):
    """All of D's weights and biases are clipped to ±limit after each update (Arjovsky et al. 2017, arXiv:1701.07875).

    Algorithm 1, line 7: w ← clip(w, −c, c). As in the paper, the initial weights may be larger until the first update.
    """

    excludes: ClassVar[tuple[str, ...]] = ("spectral-norm",)

    limit: float = 0.01

    def __post_init__(self) -> None:
        if not self.limit > 0:
            raise ValueError(f"limit must be above 0, not {self.limit}")

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: tensor.clamp(-self.limit, self.limit) for name, tensor in parameters.items()}
