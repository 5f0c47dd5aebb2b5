"""Batch features: statistics of a whole batch, given to the critic's head in addition to the input's features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganbench.methods.layers import Head, full_precision, replace_layers


def show_to_head(critic: nn.Module, layer: nn.Module, more: int) -> nn.Module:
    """Insert a layer that computes `more` features from [N, F] before a critic's head, in place.

    The head's weights for the old features are kept; those for the new ones have PyTorch's default initialisation.

    Raises:
        ValueError: the head's weight is already normalised, which a new head would undo.
    """

    def widen_head(old: nn.Module) -> nn.Module | None:
        if not isinstance(old, Head):
            return None
        if parametrize.is_parametrized(old.linear):
            raise ValueError("wrappers that use the batch must come before wrappers that normalise weights")
        head = Head(old.features + more)
        with torch.no_grad():
            head.linear.weight[:, : old.features].copy_(old.linear.weight)
            head.linear.bias.copy_(old.linear.bias)
        return nn.Sequential(Beside(layer), head)

    replace_layers(critic, widen_head)
    return critic


class Beside(nn.Module):
    """Features [N, F] concatenated with those that a layer computes from them, [N, F + more]."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, features: Tensor) -> Tensor:
        features = full_precision(features)
        with torch.autocast(features.device.type, enabled=False):  # small differences between inputs are the point
            return torch.cat([features, self.layer(features)], 1)
