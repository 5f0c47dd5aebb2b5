"""Multi-scale structural similarity of small images, for all pairs of a batch at once (Wang et al. 2003)."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

SIGMA, WINDOW = 0.8, 7
WEIGHTS = (0.0448, 0.2856, 0.3001)
"""Exponents of the scales, the first three of the usual five; they are renormalised."""
MIN_SIDE = 28
"""Minimum side in pixels for the window to fit at the last scale."""
C1, C2 = 0.01**2, 0.03**2


def ms_ssim_of_pairs(images: Tensor) -> Tensor:
    """MS-SSIM in [0, 1] of each pair of n images, uint8 [n, C, H, W]; float32 [n (n − 1) / 2].

    At each scale but the last it is the mean of the contrast term over all pixels around which the window fits; at the
    last, that of the whole index, with the image mirrored at its borders. Negative means count as 0.
    """
    x = images.float() / 255
    result = torch.ones(len(x) * (len(x) - 1) // 2, device=x.device)
    for scale, weight in enumerate(WEIGHTS):
        last = scale == len(WEIGHTS) - 1
        similarity = _similarity(pad(x, (WINDOW // 2,) * 4, mode="reflect") if last else x, contrast_only=not last)
        result *= similarity.clamp_min(0) ** (weight / sum(WEIGHTS))
        x = avg_pool2d(x, 2)
    return result


def _similarity(x: Tensor, contrast_only: bool) -> Tensor:
    """Mean over pixels of the contrast term, or of the index, of each pair, [P]. Per-image terms are computed once."""
    mean = _blur(x)
    variance = (_blur(x * x) - mean * mean).clamp_min(0)
    i, j = torch.triu_indices(len(x), len(x), 1, device=x.device)
    product = mean[i] * mean[j]
    index = (_blur(x[i] * x[j]) - product).mul_(2).add_(C2).div_((variance[i] + variance[j]).add_(C2))
    if not contrast_only:
        square = mean * mean
        index *= (2 * product + C1) / (square[i] + square[j] + C1)
    return index.flatten(1).mean(1)


def _blur(x: Tensor) -> Tensor:
    """Weighted means in the window, [..., H, W] to [..., H − 6, W − 6], as two matrix products."""
    rows, columns = (_band(size).to(x.device) for size in x.shape[-2:])
    return rows.T @ (x @ columns)


@cache
def _band(size: int) -> Tensor:
    """The filter as a matrix, [size, size − WINDOW + 1]."""
    weights = torch.exp(-((torch.arange(WINDOW) - WINDOW // 2) / SIGMA).square() / 2)
    starts = range(size - WINDOW + 1)
    return torch.stack([pad(weights / weights.sum(), (start, size - WINDOW - start)) for start in starts], 1)
