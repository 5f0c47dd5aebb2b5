"""Grouping of samples by mode, for metrics within modes."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.core.seeding import stream
from ganbench.data.evaluators import Features


def by_mode(features: Features, which: Tensor | None = None) -> dict[int, Tensor]:
    """Indices of the samples, or of those in a mask [N], of each mode that has at least two."""
    indices = torch.arange(len(features), device=features.labels.device)
    indices = indices if which is None else indices[which]
    labels = features.labels[indices]
    counts = torch.bincount(labels, minlength=features.modes).tolist()
    parts = indices[labels.argsort(stable=True)].split(counts)
    return {mode: part for mode, part in enumerate(parts) if len(part) >= 2}


def draw(features: Features, indices: Tensor, most: int, block: int) -> Tensor:
    """At most `most` of these samples, at random but independent of their order."""
    embedding = features.embedding[indices].double()
    # Sorted by projection onto a fixed random line: copies have the same projection, and are interchangeable.
    line = torch.randn(embedding.shape[1], generator=stream(0, "metric"), dtype=torch.float64)
    ordered = indices[(embedding * line.to(embedding.device)).sum(1).argsort()]
    chosen = torch.randperm(len(ordered), generator=stream(0, "metric", 1 + block))[:most]
    return ordered[chosen.to(ordered.device)]
