"""Confidence of the classifier in each sample combined with diversity over all samples."""

from __future__ import annotations

import math
from typing import ClassVar

import torch

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError


@register(METRICS, "mnist_score")
class MnistScore(Metric):
    """The Inception score with the frozen classifier: exp E KL(p(y|x) ‖ p(y)) (Salimans et al. 2016, arXiv:1606.03498).

    In [1, K]. A single perfect image per class reaches K, more than real data do: it is blind to diversity within a
    class. Computed over all samples at once, not over ten splits.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "MNIST score"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        if fake.probabilities is None:
            raise UndefinedMetricError("there is no classifier, so there are no class probabilities")
        conditional = fake.probabilities.double()
        marginal = conditional.mean(0)
        divergence = (
            torch.xlogy(conditional, conditional).sum(1).mean() - torch.xlogy(marginal, marginal).sum()
        ).clamp_min(0)
        return math.exp(float(divergence))

    def ceiling(self, real: Reference) -> float:
        return float(real.modes)
