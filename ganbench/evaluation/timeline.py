"""Timeline of a run's modes: as JSON for programs, and as a heat map for people."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.mode_words import MODES
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.observation import Observation, RealBaseline

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_timeline(
    path: Path, observations: Sequence[Observation], events: Sequence[Event], names: Sequence[str]
) -> None:
    """Write the observations (good samples by mode, width, duplicates, coverage, critic) and the events as JSON."""
    content = {
        "modes": list(names),
        "looks": [
            {
                "step": observation.step,
                "samples": observation.summary.samples,
                "good": observation.summary.good,
                "width": None if math.isnan(observation.summary.width) else observation.summary.width,
                "duplicates": observation.summary.duplicates,
                "covered": None if math.isnan(observation.summary.covered) else observation.summary.covered,
                "critic": observation.critic,
                "counts": list(observation.summary.counts),
            }
            for observation in observations
        ],
        "events": [asdict(event) for event in events],
    }
    path.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def timeline_figure(
    observations: Sequence[Observation],
    events: Sequence[Event],
    names: Sequence[str],
    expected: Sequence[float],
    mode_word: str = MODES,
) -> Figure:
    """Draw a modes × steps heat map of each mode's share relative to real data, with the events marked.

    Args:
        expected: the share of each mode in real data.
        mode_word: the plural noun for modes.
    """
    from ganbench.core.plotting import mode_heat_map  # a third of a second, not needed before the first step

    fullness = [
        [count / (summary.samples * share) for count, share in zip(summary.counts, expected, strict=True)]
        for summary in (observation.summary for observation in observations)
    ]
    steps = [observation.step for observation in observations]
    return mode_heat_map(steps, fullness, names, [(e.step, e.kind) for e in events], mode_word)


def curves_figure(observations: Sequence[Observation], events: Sequence[Event], baseline: RealBaseline) -> Figure:
    """Draw what is known without modes: shares of good samples, of covered real data, and of near-duplicates."""
    from ganbench.core.plotting import share_curves

    summaries = [observation.summary for observation in observations]
    curves = {
        "good": [summary.good for summary in summaries],
        "covered": [summary.covered for summary in summaries],
        "near-duplicates": [summary.duplicates for summary in summaries],
    }
    floors = {
        "good": baseline.good[0],
        "covered": baseline.covered[0],
        "near-duplicates": baseline.duplicates[0],
    }
    steps = [observation.step for observation in observations]
    return share_curves(steps, curves, floors, [(event.step, event.kind) for event in events])
