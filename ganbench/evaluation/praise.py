"""Praise of planted faults: by a metric's own direction, and by the direction in which papers read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ganbench.evaluation.doctor import Row

IN_PAPERS: Mapping[str, Literal["lower", "higher"]] = {
    "hq": "higher",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "vendi": "higher",
    "vendi_within": "higher",
    "mnist_score": "higher",
    "confidence": "higher",
    "ms_ssim_within": "lower",
    "near_duplicates": "lower",
    "memorisation": "lower",
}
"""The direction that papers call better, of metrics that are better here the nearer they are to real data."""


def praised(row: Row) -> tuple[str, ...]:
    """The planted faults that a metric scores better than real data."""
    return tuple(fault for fault, finding in row.findings.items() if finding == "praises")


def praised_in_papers(row: Row) -> tuple[str, ...]:
    """The planted faults that a metric detects only because it isn't read as in papers.

    They are beyond real data by more than five standard deviations, on the side that papers call better.
    """
    direction = IN_PAPERS.get(row.metric)
    if row.direction != "real" or direction is None:
        return ()
    sign = 1 if direction == "higher" else -1
    return tuple(
        fault
        for fault, finding in row.findings.items()
        if finding == "sees" and sign * row.values[fault] > sign * row.real
    )
