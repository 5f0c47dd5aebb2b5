"""How far the class frequencies are from the real ones."""

from __future__ import annotations

from typing import ClassVar

import torch

from ganbench.metrics import METRICS, Direction, Metric
from ganbench.metrics.evaluator import Features
from ganbench.registry import register


@register(METRICS, "kl")
class ClassKl(Metric):
    """KL(generated ‖ real) over predicted classes in nats (as in Srivastava et al. 2017, arXiv:1705.07761)."""

    direction: ClassVar[Direction] = "lower"

    def __call__(self, *, fake: Features, real: Features) -> float:
        p = fake.class_counts().double() / len(fake)
        q = real.class_counts().double() / len(real)
        if bool(((p > 0) & (q == 0)).any()):
            raise ValueError("the real set lacks a class that the generated set has: the KL would be infinite")
        # xlogy(0, ·) is 0: a class that isn't generated adds nothing, as in the definition.
        return max(float((torch.xlogy(p, p) - torch.xlogy(p, q)).sum()), 0.0)  # rounding can leave −1e-17
