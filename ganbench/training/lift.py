"""Functions of one seed's tensors, lifted to tensors with a leading seed axis.

Arguments and results are tensors, or tuples or dicts of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]
"""A function of tensors, or of tuples or dicts of tensors."""


def together(function: Function) -> Function:
    """Compute all seeds in one pass: faster for linear layers, and on a GPU."""
    return torch.func.vmap(function, randomness="error")


def in_turn(function: Function, seeds: int) -> Function:
    """Compute one seed after another, each exactly as if it were alone; for a single seed this costs nothing.

    It is faster for convolutions on a CPU, which has slow code for the grouped ones that several seeds together make.
    """

    def of_all(*arguments: Any) -> Any:
        of_each = zip(*(_rows(argument, seeds) for argument in arguments), strict=True)
        return _joined([function(*of_one) for of_one in of_each])

    return of_all


# torch's functions for nested structures (`tree_map`) cost more than a small layer.


def _rows(structure: Any, seeds: int) -> Sequence[Any]:
    """Take a nested structure of tensors apart into those of each seed."""
    if isinstance(structure, Tensor):
        # Not `tensor[0]`: its gradient would be a new tensor of zeros into which one row is copied.
        return [structure.squeeze(0)] if seeds == 1 else structure.unbind(0)
    if isinstance(structure, Mapping):
        of_name = {name: _rows(inner, seeds) for name, inner in structure.items()}
        return [{name: rows[seed] for name, rows in of_name.items()} for seed in range(seeds)]
    of_part = [_rows(inner, seeds) for inner in structure]
    return [_like(structure, (rows[seed] for rows in of_part)) for seed in range(seeds)]


def _joined(structures: Sequence[Any]) -> Any:
    """Join the structures of all seeds into one whose tensors have the seed axis."""
    first = structures[0]
    if isinstance(first, Tensor):
        return first.unsqueeze(0) if len(structures) == 1 else torch.stack(list(structures))
    if isinstance(first, Mapping):
        return {name: _joined([structure[name] for structure in structures]) for name in first}
    return _like(first, map(_joined, zip(*structures, strict=True)))


def _like(structure: Any, parts: Any) -> Any:
    """A tuple, or a named one like another."""
    return type(structure)._make(parts) if hasattr(structure, "_make") else tuple(parts)
