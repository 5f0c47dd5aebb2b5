"""The part of each image, by a hash of its content: so an image is in the same part whatever else is in the source."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

TRAIN, REFERENCE, EVALUATION = range(3)
SHARES = (0.70, 0.20, 0.10)
"""Shares of the three parts."""


def content_hashes(images: npt.NDArray[np.uint8]) -> list[bytes]:
    """SHA-256 of the pixels of each image, uint8 [N, C, H, W]."""
    return [hashlib.sha256(image.tobytes()).digest() for image in images]


def part_of(digest: bytes) -> int:
    """The part of an image with this hash: one of TRAIN, REFERENCE and EVALUATION."""
    position = int.from_bytes(digest[:8], "big") / 2**64
    return TRAIN if position < SHARES[TRAIN] else REFERENCE if position < 1 - SHARES[EVALUATION] else EVALUATION
