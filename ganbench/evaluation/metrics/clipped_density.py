"""Share of good samples, by the density of real ones around them."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, PairStatistic
from ganbench.evaluation.metrics.pairs import CLIPPED_RANK, PairStatistics


@register(METRICS, "clipped_density")
class ClippedDensity(Metric):
    """`density` with clipped balls and counts, over its value for real data (Salvy et al. 2025, arXiv:2507.01761).

    Mean of min(1, c / k) over samples, with c the number of real balls that contain the sample: a ball reaches to the
    k-th nearest other real sample, but at most as far as the median ball. It is divided by the same mean for the
    real samples themselves, without their own balls. So it falls linearly with the share of bad samples, which score 0,
    and samples in a dense region don't make up for them. It is at most 1, which narrowed modes and repeated samples
    reach, too. Real data come near to it; MNIST's training images, which differ a little from the test images in the
    classifier's features, score .92.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "clipped density"
    sees: ClassVar[frozenset[Fault]] = frozenset({"blur", "implausible"})
    pair_statistics: ClassVar[frozenset[PairStatistic]] = frozenset({"neighbours", "clipped"})

    k: int = CLIPPED_RANK
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        pairs = PairStatistics.of(fake, real, self.samples)
        of_real = self._mean(pairs.real.appearances(self.k))
        return min(1.0, self._mean(pairs.clipped(self.k).around_fake) / of_real)

    def _mean(self, counts: Tensor) -> float:
        return float(counts.clamp_max(self.k).double().mean()) / self.k
