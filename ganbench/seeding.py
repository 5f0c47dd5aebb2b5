"""Random streams that are functions of what they are for, not of what was drawn before.

A stream is named by a seed, a purpose and a block number. It has no history: block 7 of a purpose is the same
numbers whether or not blocks 0 to 6 were drawn. So a checkpoint holds no generator state, evaluating more often
cannot disturb training, and two losses with the same seed see the same weights, batches and latents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Purpose = Literal[
    "init-generator",
    "init-critic",
    "data",
    "data-generator",
    "latent",
    "latent-generator",
    "penalty",
    "evaluation",
    "floor",
    "reference",
    "training-points",
    "metric",
    "planted",
]


def stream(seed: int, purpose: Purpose, block: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """The random stream of (seed, purpose, block), at its beginning."""
    generator = torch.Generator(device=device)
    generator.manual_seed(_entropy(seed, purpose, block))
    return generator


@contextmanager
def default_stream(seed: int, purpose: Purpose) -> Iterator[None]:
    """Make torch's default CPU generator this stream for a while: for initialisers that take no generator."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(_entropy(seed, purpose, 0))
        yield


def _entropy(seed: int, purpose: Purpose, block: int) -> int:
    digest = hashlib.sha256(f"{seed}/{purpose}/{block}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
