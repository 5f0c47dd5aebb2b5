"""Synthetic features and references, for tests of metrics."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from ganbench.data.evaluators import Features, Reference


def make_features(
    embedding: Tensor,
    labels: Tensor | None = None,
    modes: int = 1,
    *,
    samples: Tensor | None = None,
    deviation: Tensor | None = None,
    good: Tensor | None = None,
    probabilities: Tensor | None = None,
    confidence: Tensor | None = None,
    plausibility: Tensor | None = None,
    second_embedding: Tensor | None = None,
) -> Features:
    """Make features of N samples; by default all are good, in mode 0 at its centre, with confidence 1."""
    count, device = len(embedding), embedding.device
    return Features(
        samples=embedding if samples is None else samples,
        embedding=embedding,
        labels=torch.zeros(count, dtype=torch.int64, device=device) if labels is None else labels,
        modes=modes,
        deviation=torch.zeros(count, 1, device=device) if deviation is None else deviation,
        good=torch.ones(count, dtype=torch.bool, device=device) if good is None else good,
        probabilities=probabilities,
        confidence=torch.ones(count, device=device) if confidence is None else confidence,
        plausibility=plausibility,
        second_embedding=second_embedding,
    )


def make_reference(
    features: Features,
    *,
    weights: Tensor | None = None,
    training: Tensor | None = None,
    training_samples: Tensor | None = None,
) -> Reference:
    """Make a reference of these samples; by default the weights of its modes are their shares."""
    if weights is None:
        weights = features.counts().double() / len(features)
    parts = {field.name: getattr(features, field.name) for field in fields(features)}
    return Reference(**parts, weights=weights, training=training, training_samples=training_samples)


def joined(first: Features, second: Features) -> Features:
    """The samples of both."""
    parts = {field.name: (getattr(first, field.name), getattr(second, field.name)) for field in fields(first)}
    whole: dict[str, Any] = {name: torch.cat(pair) for name, pair in parts.items() if isinstance(pair[0], Tensor)}
    return replace(first, **whole)


def make_labelled(counts: list[int], *, good: Tensor | None = None) -> Features:
    """Make features of `counts[k]` samples in each mode k; each sample's embedding is the number of its mode."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return make_features(labels[:, None].float(), labels, len(counts), good=good)


def make_images(seed: int, count: int = 1200, modes: int = 10, width: float = 1.0) -> Features:
    """Make features that resemble a set of images: a blurred pattern per mode with noise, and some samples not good."""
    fixed, random = torch.Generator().manual_seed(0), torch.Generator().manual_seed(seed)
    centres = 4 * torch.randn(modes, 16, generator=fixed)
    patterns = torch.nn.functional.interpolate(torch.rand(modes, 1, 7, 7, generator=fixed), (28, 28), mode="bilinear")
    labels = torch.randint(0, modes, (count,), generator=random)
    deviation = width * torch.randn(count, 16, generator=random)
    logits = 6 * torch.nn.functional.one_hot(labels, modes) + torch.randn(count, modes, generator=random)
    probabilities = logits.softmax(1)
    noise = width * torch.randn(count, 1, 28, 28, generator=random)
    embedding = centres[labels] + deviation
    return make_features(
        embedding,
        labels,
        modes,
        samples=(200 * patterns[labels] + 20 * noise).clamp(0, 255).to(torch.uint8),
        deviation=deviation,
        good=deviation.norm(dim=1) < 5.5,
        probabilities=probabilities,
        confidence=probabilities.amax(1),
        second_embedding=embedding @ torch.randn(16, 8, generator=fixed),
    )
