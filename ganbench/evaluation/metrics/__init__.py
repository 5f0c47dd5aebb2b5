"""Metrics: numbers that compare a set of generated samples with real ones."""

from __future__ import annotations

from ganbench.core.registry import import_folder
from ganbench.evaluation.metrics.base import (
    METRICS,
    Direction,
    Fault,
    Metric,
    PairStatistic,
    Scale,
    UndefinedMetricError,
    value_or_nan,
)

__all__ = ["METRICS", "Direction", "Fault", "Metric", "PairStatistic", "Scale", "UndefinedMetricError", "value_or_nan"]

import_folder(__name__, __path__)
