"""The KL of the shares of the modes without its bias."""

from __future__ import annotations

import math
from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS
from ganbench.evaluation.metrics.kl import BASES, Kl


@register(METRICS, "kl_corrected")
class CorrectedKl(Kl):
    """The `kl` minus its first-order bias (m − 1) / 2N, for m modes hit by N samples (Miller & Madow 1955).

    So perfect samplers score 0 on average, single ones a little more or less, and different N can be compared.
    """

    label: ClassVar[str] = "KL of the modes' shares, corrected for bias"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        counts = self.counts(fake)
        bias = (float((counts > 0).sum()) - 1) / (2 * float(counts.sum()))
        return super().__call__(fake=fake, real=real) - bias / math.log(BASES[self.base])
