"""Architectures: a generator and a critic for samples of a given shape.

The critic must be a pure function of one sample (no BatchNorm, no in-place state), so that input gradients and `vmap`
work on it; the generator may normalise over its batch.
"""

from __future__ import annotations

from ganbench.core.registry import import_folder
from ganbench.methods.archs.base import ARCHS, Arch

__all__ = ["ARCHS", "Arch"]

import_folder(__name__, __path__)
