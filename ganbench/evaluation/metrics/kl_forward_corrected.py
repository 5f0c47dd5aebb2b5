"""The forward KL of the shares of the modes without its bias."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS
from ganbench.evaluation.metrics.kl_forward import ForwardKl


@register(METRICS, "kl_forward_corrected")
class CorrectedForwardKl(ForwardKl):
    """The `kl_forward` minus its first-order bias (K − 1) / 2N, by the argument of (Miller & Madow 1955).

    With n_k Poisson of mean λ, the half sample removes the term 1 / 2λ from E ln(n_k + ½) = ln λ − 1 / 24λ² …; the
    remaining bias is that of the smoothed total, K / 2N, less 1 / 2N since the total is fixed. So perfect samplers
    score 0 on average even with a handful of samples per mode.
    """

    label: ClassVar[str] = "forward KL of the modes' shares, corrected for bias"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return super().__call__(fake=fake, real=real) - (real.modes - 1) / (2 * len(fake))
