"""Minibatch standard deviation."""

from __future__ import annotations

from torch import Tensor, nn

from ganbench.core.registry import register
from ganbench.methods.wrappers.base import WRAPPERS, Wrapper
from ganbench.methods.wrappers.batch_features import show_to_head
from ganbench.methods.wrappers.grouping import grouped

EPSILON = 1e-8
"""Added under the square root, as in the authors' code: identical inputs have the feature 1e-4."""


@register(WRAPPERS, "minibatch-std")
class MinibatchStd(Wrapper):
    """Standard deviation within a group, as a feature for the head (Karras et al. 2018, arXiv:1710.10196, section 3).

    One more feature: the standard deviation of each feature over `group` neighbouring inputs, averaged over features.
    In the paper it is a feature map before the last convolution, and groups don't consist of neighbours. As in the
    paper, gradient penalties include an input's effect on the others of its group.
    """

    group: int = 4

    def __post_init__(self) -> None:
        if self.group < 2:
            raise ValueError(f"group must be at least 2, not {self.group}")

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        if batch % self.group:
            raise ValueError(
                f"group ({self.group}) must divide the inputs of one kind ({batch}), which are never mixed"
            )
        return show_to_head(critic, Deviation(self.group), 1)


class Deviation(nn.Module):
    """Features [N, F] to their mean standard deviation over a group, [N, 1], the same for the whole group."""

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, features: Tensor) -> Tensor:
        groups = grouped(features, self.group)
        variance = (groups - groups.mean(1, keepdim=True)).square().mean(1)
        deviation = (variance + EPSILON).sqrt().mean(1)
        return deviation.repeat_interleave(self.group).unsqueeze(1)
