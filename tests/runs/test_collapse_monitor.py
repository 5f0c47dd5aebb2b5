"""The collapse monitor: its observations are part of the checkpoint, and those of earlier versions still load."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest
import torch

from ganbench.data import Data
from ganbench.data.ring import Ring
from ganbench.evaluation.observation import SampleSummary
from ganbench.evaluation.scorer import Scorer
from ganbench.runs.collapse_monitor import CollapseMonitor, History
from ganbench.spec.run_spec import RunSpec, resolve

SAMPLES = 500
FULL, HALF = (62,) * 8, (124,) * 4 + (0,) * 4
SUMMARIES = (
    SampleSummary(SAMPLES, FULL, 1.0, 0.01, 0.96),
    SampleSummary(SAMPLES, FULL, math.nan, 0.01, 0.5),
    SampleSummary(SAMPLES, HALF, 1.0, 0.01, 0.3),
    SampleSummary(SAMPLES, FULL, 0.5, 0.01, 0.96),
)
EVENTS = [
    (20, "uncovered"),
    (30, "missing-modes"),
    (40, "shrunken-modes"),
    (40, "recovery"),
    (40, "recovery"),
]
STATISTICS = {"critic_real": 0.5, "critic_fake": 0.5}


@pytest.fixture(scope="module")
def spec() -> RunSpec:
    return resolve(
        {
            "dataset": {"name": "ring"},
            "train": {"steps": 1_000},
            "evaluation": {"every": 10, "samples": SAMPLES, "quick_samples": SAMPLES},
        }
    )


@pytest.fixture(scope="module")
def scored(spec: RunSpec) -> tuple[Data, Scorer]:
    ring, device = Ring(), torch.device("cpu")
    data = ring.load(device)
    return data, Scorer(spec.case, ring, data, ring.evaluator(device))


def observe(monitor: CollapseMonitor, summaries: Sequence[SampleSummary], first: int = 0) -> None:
    for number, summary in enumerate(summaries, first + 1):
        monitor.observe(10 * number, 0, summary, STATISTICS)


def test_resumed_monitor_has_the_same_events(spec: RunSpec, scored: tuple[Data, Scorer]) -> None:
    """After each observation the history goes through a checkpoint's JSON."""
    whole: History = {}
    monitor = CollapseMonitor(spec, *scored, whole)
    observe(monitor, SUMMARIES)
    assert sorted((event.step, event.kind) for event in monitor.events(0)) == sorted(EVENTS)
    for length in range(1, len(SUMMARIES)):
        part: History = {}
        observe(CollapseMonitor(spec, *scored, part), SUMMARIES[:length])
        resumed = CollapseMonitor(spec, *scored, json.loads(json.dumps(part)))
        observe(resumed, SUMMARIES[length:], length)
        assert resumed.events(0) == monitor.events(0)


def test_observations_without_coverage_still_load(spec: RunSpec, scored: tuple[Data, Scorer]) -> None:
    """Earlier versions measured none; what they saw has the same events as before."""
    history: History = {}
    observe(CollapseMonitor(spec, *scored, history), SUMMARIES)
    for observation in history["0"]:
        del observation["sight"]["covered"]
    monitor = CollapseMonitor(spec, *scored, json.loads(json.dumps(history)))
    assert [tuple(observation.summary.counts) for observation in monitor.observations(0)] == [FULL, FULL, HALF, FULL]
    assert all(math.isnan(observation.summary.covered) for observation in monitor.observations(0))
    assert [(event.step, event.kind) for event in monitor.events(0)] == [
        (30, "missing-modes"),
        (40, "recovery"),
        (40, "shrunken-modes"),
    ]
    observe(monitor, [SampleSummary(SAMPLES, FULL, 0.5, 0.01, 0.96), SampleSummary(SAMPLES, FULL, 0.5, 0.01, 0.5)], 4)
    assert (60, "uncovered") in [(event.step, event.kind) for event in monitor.events(0)]
