"""Adversarial losses: the objectives of critic and generator, as functions of the critic's logits.

A loss is one frozen dataclass in one file. It sees logits, never networks: architecture, penalty and optimiser are
chosen elsewhere. The training settings of its paper are `recipe`, `penalties` and `wrappers`, defaults that users can
override.
"""

from __future__ import annotations

from ganbench.core.registry import import_folder
from ganbench.methods.losses.base import LOSSES, Loss

__all__ = ["LOSSES", "Loss"]

import_folder(__name__, __path__)
