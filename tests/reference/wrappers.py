"""The effect of wrappers on a critic, in plain loops over inputs."""

from __future__ import annotations

import math

from torch import Tensor, nn


def minibatch_discrimination(features: Tensor, projection: Tensor) -> list[list[float]]:
    """Salimans et al. 2016, section 3.2, of one batch [n, A] with T [A, B, C]; as in their code, j ≠ i."""
    kernels, dimensions = projection.shape[1:]
    f, t = features.tolist(), projection.tolist()

    def matrix(row: list[float]) -> list[list[float]]:
        return [[sum(x * t[a][b][c] for a, x in enumerate(row)) for c in range(dimensions)] for b in range(kernels)]

    m = [matrix(row) for row in f]
    return [
        [
            sum(
                math.exp(-sum(abs(m[i][b][c] - m[j][b][c]) for c in range(dimensions))) for j in range(len(f)) if j != i
            )
            for b in range(kernels)
        ]
        for i in range(len(f))
    ]


def minibatch_std(features: Tensor) -> float:
    """Karras et al. 2018, section 3, of one group [n, A]: deviations, each with the code's 1e-8, averaged."""
    columns = features.T.tolist()
    deviations = []
    for column in columns:
        mean = sum(column) / len(column)
        deviations.append(math.sqrt(sum((x - mean) ** 2 for x in column) / len(column) + 1e-8))
    return sum(deviations) / len(deviations)


def batch_norm_dcgan(critic: nn.Sequential) -> nn.Sequential:
    """A critic conv, φ, conv, φ, flatten, head with PyTorch's BatchNorm after the second convolution."""
    first, phi, second, _, flatten, head = critic
    assert isinstance(second, nn.Conv2d)
    return nn.Sequential(first, phi, second, nn.BatchNorm2d(len(second.weight)), phi, flatten, head)


def batch_norm_mlp(critic: nn.Sequential) -> nn.Sequential:
    """A critic flatten, linear, φ, linear, φ, head with PyTorch's BatchNorm after the second linear layer."""
    flatten, first, phi, second, _, head = critic
    assert isinstance(second, nn.Linear)
    return nn.Sequential(flatten, first, phi, second, nn.BatchNorm1d(len(second.weight)), phi, head)
