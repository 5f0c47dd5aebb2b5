"""Fréchet distance in the second network's features."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.evaluation.metrics.base import METRICS, Fault
from ganbench.evaluation.metrics.fid import Fid
from ganbench.evaluation.metrics.second_space import InSecondSpace


@register(METRICS, "second_frechet")
class SecondFrechet(InSecondSpace, Fid):
    """Fréchet distance of the second network's features (after Heusel et al. 2017, arXiv:1706.08500).

    As in `fid`, it falls with the number of samples. Undefined without a second network.
    """

    label: ClassVar[str] = "Fréchet distance in the second network's features"
    sees: ClassVar[frozenset[Fault]] = frozenset({"off-mode"})
