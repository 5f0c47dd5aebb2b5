"""Share of regions of the real data with significantly too many or too few samples."""

from __future__ import annotations

import warnings
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, UndefinedMetricError
from ganbench.evaluation.metrics.distances import by_row, squares
from ganbench.evaluation.metrics.memo import memoize_on


@register(METRICS, "ndb")
class Ndb(Metric):
    """Share of bins whose share differs from the real one, NDB / K (Richardson & Weiss 2018, arXiv:1805.12462).

    The bins are cells of k-means on real embeddings; a pooled two-proportion z-test at level `alpha` decides which
    differ. So real data score about `alpha`, and any imperfect generator approaches 1 with enough samples. Equal
    counts of the first samples are used, at most `samples`.
    """

    direction: ClassVar[Direction] = "lower"
    label: ClassVar[str] = "NDB / K"
    sees: ClassVar[frozenset[Fault]] = frozenset({"imbalance", "duplicates", "shrunken-modes"})

    bins: int = 100
    alpha: float = 0.05
    samples: int = 10_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        count = min(len(fake), len(real), self.samples)
        generated, true = shares(fake, real, count, self.bins)
        pooled = (generated + true) / 2
        error = (pooled * (1 - pooled) * 2 / count).sqrt()
        critical = torch.special.ndtri(torch.tensor(1 - self.alpha / 2, dtype=torch.float64))
        return float(((generated - true).abs() > critical * error).double().mean())


def shares(fake: Features, real: Reference, count: int, bins: int) -> tuple[Tensor, Tensor]:
    """Shares of the first `count` generated and real samples in the bins, float64 [bins] each, on the CPU.

    Raises:
        UndefinedMetricError: there are fewer samples than bins.
    """
    if count < bins:
        raise UndefinedMetricError(f"{bins} bins need at least {bins} samples, not {count}")
    centres, true = memoize_on(real, ("bins", count, bins), lambda: _find_bins(real.embedding[:count], bins))
    return _shares(fake.embedding[:count], centres), true


def _find_bins(embedding: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Centres of bins [bins, d] and the shares of the samples in them; deterministic."""
    from scipy.cluster.vq import kmeans2  # takes a fifth of a second, too long before the first training step

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One of the clusters is empty")  # harmless: an empty bin
        numpy_centres, _ = kmeans2(embedding.double().cpu().numpy(), bins, minit="points", rng=np.random.default_rng(0))
    centres = torch.from_numpy(numpy_centres).to(embedding.device)
    return centres, _shares(embedding, centres)


def _shares(embedding: Tensor, centres: Tensor) -> Tensor:
    bins = by_row(len(embedding), squares(embedding, centres), lambda block: block.argmin(1))
    return torch.bincount(bins, minlength=len(centres)).double().cpu() / len(embedding)
