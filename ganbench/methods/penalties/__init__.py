"""Gradient penalties on the critic, added to the critic's loss whatever that loss is.

They take one seed's critic as a pure function and compute its input gradient with `torch.func.grad`, which works under
`vmap` (`torch.autograd.grad` does not). The norm is always per sample.
"""

from __future__ import annotations

from ganbench.core.registry import import_folder
from ganbench.methods.penalties.base import PENALTIES, Critic, Penalty, between, gradient_norms, squared_gradient_norms

__all__ = ["PENALTIES", "Critic", "Penalty", "between", "gradient_norms", "squared_gradient_norms"]

import_folder(__name__, __path__)
