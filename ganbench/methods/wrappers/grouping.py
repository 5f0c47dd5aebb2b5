"""Real and generated samples apart: the groups that a layer which looks at a batch never mixes."""

from __future__ import annotations

from torch import Tensor


def grouped(inputs: Tensor, size: int) -> Tensor:
    """Inputs [N, ...] as groups of neighbours, [N / size, size, ...].

    Raises:
        ValueError: the groups don't come out even, so that one of them would hold real and generated samples.
    """
    if len(inputs) % size:
        raise ValueError(f"this critic judges batches of {size} inputs; {len(inputs)} are no whole number of them")
    groups: Tensor = inputs.unflatten(0, (-1, size))
    return groups
