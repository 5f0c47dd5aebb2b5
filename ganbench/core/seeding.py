"""Random streams that depend only on their purpose, not on what was drawn before.

A stream is named by a seed, a purpose and a block number, and has no history: block 7 of a purpose holds the same
numbers whether or not blocks 0 to 6 were drawn. So a checkpoint holds no generator state, evaluating more often
cannot disturb training, and two losses with the same seed see the same weights, batches and latents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

Purpose = Literal[
    "init-generator",
    "init-critic",
    "data",
    "data-generator",
    "latent",
    "latent-generator",
    "penalty",
    "penalty-generator",
    "penalty-noise",
    "penalty-noise-generator",
    "noise",
    "noise-generator",
    "evaluation",
    "samples",
    "statistics",
    "floor",
    "reference",
    "training-points",
    "metric",
    "planted",
    "order",
    "evaluator",
]


DISTRIBUTIONS = ("normal", "uniform")
"""Latent distributions: N(0, 1) and U(−1, 1)."""


def stream(seed: int, purpose: Purpose, block: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """The random stream of (seed, purpose, block), at its beginning."""
    generator = torch.Generator(device=device)
    generator.manual_seed(_entropy(seed, purpose, block))
    return generator


def draw(distribution: str, size: Sequence[int], random: torch.Generator) -> Tensor:
    """Random numbers of one of the `DISTRIBUTIONS`, float32, on the generator's device."""
    if distribution == "normal":
        return torch.randn(*size, generator=random, device=random.device)
    return torch.rand(*size, generator=random, device=random.device) * 2 - 1


@contextmanager
def default_stream(seed: int, purpose: Purpose) -> Iterator[None]:
    """Temporarily make this stream torch's default CPU generator, for initialisers that take no generator."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(_entropy(seed, purpose, 0))
        yield


def _entropy(seed: int, purpose: Purpose, block: int) -> int:
    digest = hashlib.sha256(f"{seed}/{purpose}/{block}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def scatter(numbers: Tensor) -> Tensor:
    """SplitMix64 (Steele et al. 2014): pseudo-random numbers in 0…2⁶³ − 1, a function of each number alone."""
    mixed = (numbers + 1) * -0x61C8864680B583EB
    mixed = (mixed ^ _shifted(mixed, 30)) * -0x40A7B892E31B1A47
    mixed = (mixed ^ _shifted(mixed, 27)) * -0x6B2FB644ECCEEE15
    return _shifted(mixed ^ _shifted(mixed, 31), 1)


def _shifted(numbers: Tensor, by: int) -> Tensor:
    """Logical right shift: as if the numbers were unsigned."""
    return (numbers >> by) & ((1 << (64 - by)) - 1)
