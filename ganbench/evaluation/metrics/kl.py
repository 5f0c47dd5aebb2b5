"""Divergence of the shares of the modes from the reference, as in published tables."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError

BASES = {"e": math.e, "2": 2.0, "10": 10.0}


@register(METRICS, "kl")
class Kl(Metric):
    """KL(generated ‖ reference) of the shares of the modes, in nats (Metz et al. 2017, arXiv:1611.02163).

    Σ p_k log(p_k / q_k), without smoothing; a mode that is not generated adds nothing. Papers call it the KL or the
    reverse KL. They differ in the base (ln, or log10: 2.3 times smaller), in the reference and in the samples that
    count. It is biased: a perfect sampler of K modes scores (K − 1) / 2N on N samples.

    Options:
        base: of the logarithm, e, 2 or 10.
        reference: the shares in the data, or a uniform distribution.
        among: whether all samples count, or only good ones.
    """

    direction: ClassVar[Direction] = "lower"
    from_modes: ClassVar[bool] = True
    label: ClassVar[str] = "KL of the modes' shares"
    sees: ClassVar[frozenset[Fault]] = frozenset({"missing-modes", "imbalance"})

    base: str = "e"
    reference: str = "data"
    among: str = "all"

    def __post_init__(self) -> None:
        for option, words in (("base", BASES), ("reference", ("data", "uniform")), ("among", ("all", "good"))):
            if getattr(self, option) not in words:
                raise ValueError(f"{option} must be one of {', '.join(words)}, not '{getattr(self, option)}'")

    def __call__(self, *, fake: Features, real: Reference) -> float:
        counts = self.counts(fake)
        weights = real.weights.to(counts.device)
        target = weights if self.reference == "data" else torch.full_like(weights, 1 / real.modes)
        return divergence(counts / counts.sum(), target) / math.log(BASES[self.base])

    def counts(self, fake: Features) -> Tensor:
        """Number of counted samples in each mode, float64 [K].

        Raises:
            UndefinedMetricError: no sample counts.
        """
        counts = fake.counts(good=self.among == "good").double()
        if not bool(counts.any()):
            raise UndefinedMetricError("no sample is good, so there are no shares of modes")
        return counts


def divergence(p: Tensor, q: Tensor) -> float:
    """KL(p ‖ q) in nats, for distributions [K]; ≥ 0.

    Raises:
        UndefinedMetricError: it is infinite, since q is 0 where p is not.
    """
    if bool(((p > 0) & (q <= 0)).any()):
        raise UndefinedMetricError("a mode that should be empty contains samples: the KL is infinite")
    # xlogy(0, ·) is 0, as in the definition, but for q = 0 the product would be 0 · (−∞).
    terms = torch.xlogy(p, p) - torch.xlogy(p, q.where(p > 0, 1.0))
    return max(float(terms.sum()), 0.0)  # rounding can leave −1e-17
