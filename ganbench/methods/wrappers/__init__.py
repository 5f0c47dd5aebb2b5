"""Wrappers, applicable to any critic: they normalise its layers, add batch features, or bound its weights.

A wrapper works with every architecture: it relies only on the critic's layers and on the `Head` at the end.
"""

from __future__ import annotations

from ganbench.core.registry import import_folder
from ganbench.methods.wrappers.base import WRAPPERS, Wrapper

__all__ = ["WRAPPERS", "Wrapper"]

import_folder(__name__, __path__)
