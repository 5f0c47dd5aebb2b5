"""Coverage and recall of each mode by itself: a collapse within one mode is diluted in the numbers for all samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from weakref import ref

import torch
from torch import Tensor

from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import UndefinedMetricError
from ganbench.evaluation.metrics.by_mode import draw
from ganbench.evaluation.metrics.distances import nearest
from ganbench.evaluation.metrics.memo import memoize_on
from ganbench.evaluation.metrics.pairs import PairsAcross
from ganbench.evaluation.metrics.pairs_within import PairsWithin

MIN_REAL = 80
"""Number of real samples from which a mode is judged: chance then moves its coverage by .02 (standard deviation)."""
MAX_UNJUDGED = 0.05
"""Share of real samples that may belong to modes with fewer."""


def coverage_by_mode(fake: Features, real: Reference, *, k: int = 5, samples: int = 10_000) -> dict[int, float]:
    """Coverage within each mode that has enough real samples, in [0, 1]; about 1 for real data.

    The share of the mode's n real samples whose k-NN ball, among these, contains one of the mode's first n generated
    samples, divided by its expectation for n samples of the same distribution, at most 1.

    Raises:
        UndefinedMetricError: too many modes have too few real samples.
    """
    return {mode: _coverage(pairs, k) for mode, pairs in _by_mode(fake, real, samples).items()}


def recall_by_mode(fake: Features, real: Reference, *, k: int = 3, samples: int = 10_000) -> dict[int, float]:
    """Recall within each mode that has enough real samples, in [0, 1].

    The share of the mode's n real samples inside the k-NN ball of one of its generated samples, of which the first n
    count. The fewer there are, the wider their balls, so m < n / 2 of them have their share reduced by 2 m / n.

    Raises:
        UndefinedMetricError: too many modes have too few real samples.
    """
    return {mode: _recall(pairs, k) for mode, pairs in _by_mode(fake, real, samples).items()}


def expected_coverage(count: int, k: int) -> float:
    """Expectation of the share of covered samples, of `count` by as many more of the same distribution.

    Of the 2 n − 1 others the k nearest are all among its own n − 1 with probability Π (n − 1 − i) / (2 n − 1 − i).
    """
    return 1 - math.prod((count - 1 - i) / (2 * count - 1 - i) for i in range(k))


def _coverage(pairs: PairsAcross, k: int) -> float:
    if not len(pairs.fake):
        return 0.0
    few = len(pairs.fake) <= k  # have no balls of their own, which are found in the same pass
    distances = nearest(pairs.real.embedding, pairs.fake.embedding) if few else pairs.balls(k).nearest
    covered = float((distances < pairs.real.radii(k)).double().mean())
    return min(1.0, covered / expected_coverage(len(pairs.real), k))


def _recall(pairs: PairsAcross, k: int) -> float:
    if len(pairs.fake) <= k:
        return 0.0
    share = float(pairs.balls(k).real_inside.double().mean())
    return share * min(1.0, 2 * len(pairs.fake) / len(pairs.real))


def _by_mode(fake: Features, real: Reference, samples: int) -> Mapping[int, PairsAcross]:
    """Pairs of samples of each judged mode, of equally many samples of both sets in total."""
    equal = min(len(fake), len(real), samples)
    true = memoize_on(real, ("within modes", equal), lambda: _real_by_mode(real, equal))
    return memoize_on(fake, ("within modes", ref(real), equal), lambda: _pairs(fake, true, equal))


def _real_by_mode(real: Reference, equal: int) -> dict[int, PairsWithin]:
    parts = _parts(real, equal)
    judged = {mode: part for mode, part in enumerate(parts) if len(part) >= MIN_REAL}
    unjudged = 1 - sum(len(part) for part in judged.values()) / equal
    if unjudged > MAX_UNJUDGED:
        raise UndefinedMetricError(
            f"{unjudged:.0%} of the {equal:,} real samples are in modes with fewer than {MIN_REAL} of them"
        )
    return {mode: PairsWithin(real.embedding[part]) for mode, part in judged.items()}


def _pairs(fake: Features, true: Mapping[int, PairsWithin], equal: int) -> dict[int, PairsAcross]:
    parts = _parts(fake, equal)
    pairs = {}
    for mode, real in true.items():
        part = parts[mode]
        chosen = draw(fake, part, len(real), mode) if len(part) > len(real) else part
        pairs[mode] = PairsAcross(PairsWithin(fake.embedding[chosen]), real)
    return pairs


def _parts(features: Features, count: int) -> tuple[Tensor, ...]:
    """Indices of the samples of each mode, of the first `count`."""
    labels = features.labels[:count]
    counts: list[int] = torch.bincount(labels, minlength=features.modes).tolist()
    parts: tuple[Tensor, ...] = labels.argsort(stable=True).split(counts)
    return parts
