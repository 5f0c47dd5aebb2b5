"""Groups for batch-level layers; real and generated samples are never mixed."""

from __future__ import annotations

from torch import Tensor


def grouped(inputs: Tensor, size: int) -> Tensor:
    """Split inputs [N, ...] into groups of neighbours, [N / size, size, ...].

    Raises:
        ValueError: `size` does not divide N, so a group would mix real and generated samples.
    """
    if len(inputs) % size:
        raise ValueError(
            f"the discriminator takes batches of {size} inputs, and {len(inputs)} is not a multiple of that"
        )
    groups: Tensor = inputs.unflatten(0, (-1, size))
    return groups
