"""Random changes of training images, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


def batches(count: int, size: int) -> Iterator[Tensor]:
    """Indices of batches without end, each image once in a round; the rest that fills no batch waits for the next."""
    while True:
        for indices in torch.randperm(count).split(size):
            if len(indices) == min(size, count):
                yield indices


def jitter(images: Tensor, rotation: float, scale: float, shift: float) -> Tensor:
    """Turn, scale and shift each image at random; what comes in from outside repeats the border.

    Args:
        images: float32 [N, C, H, W].
        rotation, scale, shift: the greatest changes: radians, relative (of each axis by itself), half-widths.
    """
    reach = torch.tensor([rotation, scale, scale, shift, shift])[:, None]
    angle, wide, high, right, down = (torch.rand(5, len(images)) * 2 - 1) * reach
    first = torch.stack([(1 + wide) * angle.cos(), -angle.sin(), right], dim=1)
    second = torch.stack([angle.sin(), (1 + high) * angle.cos(), down], dim=1)
    grid = affine_grid(torch.stack([first, second], dim=1), list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)
