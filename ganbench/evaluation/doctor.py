"""A test of every metric, and of the collapse detector, on planted faults with known answers.

A metric sees a fault if it scores the faulty samples worse than real ones by more than five standard deviations of
the scores of real samples; it is blind if there is no such difference, and wrong if it scores them better than real.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Literal

import torch
from torch import Tensor

from ganbench.data import Data, Dataset
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.data.ring import Ring
from ganbench.evaluation.collapse_detector import detect
from ganbench.evaluation.faults import (
    HELD_OUT,
    ImageSource,
    Planted,
    PointSource,
    image_faults,
    point_faults,
)
from ganbench.evaluation.metrics import METRICS, Direction, Fault
from ganbench.evaluation.observation import Observation
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer

FaultResult = Literal["sees", "blind", "wrong", "undefined"]

SAMPLES = 5_000
REAL_DRAWS = 8
BEYOND_CHANCE = 5.0
DETECTOR = "collapse detector"
DETECTOR_SEES: frozenset[Fault] = frozenset({"missing-modes", "shrunken-modes", "off-mode", "duplicates"})
QUICK = 2_000


@dataclass(frozen=True)
class Row:
    """The results of one metric.

    Attributes:
        real: its mean on real samples; NaN for the detector.
        findings: its result for each planted fault.
        values: its value for each planted fault; NaN for the detector.
        claims: the planted faults that it claims to see.
        failures: claimed faults that it does not see; and "real" if it sees a fault in real samples.
    """

    metric: str
    direction: Direction | None
    real: float
    findings: Mapping[str, FaultResult]
    values: Mapping[str, float]
    claims: frozenset[str]
    failures: frozenset[str]


@dataclass(frozen=True)
class Diagnosis:
    """The results of all metrics on one data set."""

    dataset: str
    samples: int
    faults: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def healthy(self) -> bool:
        """True if every metric sees what it claims to see, and none scores a fault better than real data."""
        return not any(row.failures or "wrong" in row.findings.values() for row in self.rows)


def examine_images(say: Callable[[str], None], samples: int = SAMPLES) -> Diagnosis:
    """Examine all metrics on MNIST, with `samples` samples in each set."""
    device = torch.device("cpu")
    digits = Mnist().load(device, say=say)
    # The "training" images; the rest serve as real samples.
    training_part = LabelledImages(
        digits.train[:-HELD_OUT], digits.train_labels[:-HELD_OUT], digits.test, digits.test_labels, digits.mode_names
    )
    planted = image_faults(ImageSource(digits, Mnist().evaluator(device)), training_part)
    return _examine(Mnist(), training_part, planted, samples, say)


def examine_points(say: Callable[[str], None], samples: int = SAMPLES) -> Diagnosis:
    """Examine all metrics on the ring, with `samples` samples in each set."""
    ring = Ring()
    points = ring.load(torch.device("cpu"))
    planted = point_faults(PointSource(points), points)
    return _examine(ring, points, planted, samples, say)


def judge(value: float, real: Sequence[float], direction: Direction) -> FaultResult:
    """Classify a metric's value on faulty samples, given its values on sets of real ones."""
    if math.isnan(value):
        return "undefined"
    middle, noise = fmean(real), stdev(real)
    worse = {"lower": value - middle, "higher": middle - value, "real": abs(value - middle)}[direction]
    if abs(worse) <= BEYOND_CHANCE * noise + 1e-9 * abs(middle):
        return "blind"
    return "sees" if worse > 0 else "wrong"


def _examine(
    dataset: Dataset,
    data: Data,
    planted: Mapping[str, Planted],
    samples: int,
    say: Callable[[str], None],
) -> Diagnosis:
    case = PROTOCOLS.create({"name": "ganbench-1"}).case(dataset)
    plugin_metrics = {name: METRICS.create({"name": name}) for name in METRICS if METRICS[name].is_foreign()}
    case = replace(case, metrics={**case.metrics, **plugin_metrics})
    scorer = Scorer.with_disk_cache(case, dataset, data)
    names = tuple(case.metrics)

    def values(fault: Planted, draw: int) -> dict[str, float]:
        return scorer.values(case.rule(scorer.evaluator(fault.draw(samples, draw))), names)

    say(f"{dataset.name}: {REAL_DRAWS} sets of {samples:,} real samples, to measure random variation")
    real = [values(planted["real"], draw) for draw in range(1, REAL_DRAWS + 1)]
    values_by_fault = {}
    for name, fault in planted.items():
        say(f"{dataset.name}: {name}")
        values_by_fault[name] = values(fault, 0)
    rows = [
        _row(
            name,
            [values_of_draw[name] for values_of_draw in real],
            {fault: values_by_fault[fault][name] for fault in planted},
            planted,
            scorer,
        )
        for name in names
    ]
    return Diagnosis(dataset.name, samples, tuple(planted), (*rows, _detector_row(scorer, data, planted)))


def _row(
    name: str, real: Sequence[float], values: Mapping[str, float], planted: Mapping[str, Planted], scorer: Scorer
) -> Row:
    metric = scorer.case.metrics[name]
    scale = math.log if metric.scale == "log" else float
    scaled_real = [scale(value) for value in real]
    findings = {fault: judge(scale(value), scaled_real, metric.direction) for fault, value in values.items()}
    claims = _claims(planted, metric.sees)
    return Row(name, metric.direction, fmean(real), findings, values, claims, _failures(findings, claims))


def _detector_row(scorer: Scorer, data: Data, planted: Mapping[str, Planted]) -> Row:
    """The detector's results for a run that is sound for five observations and then has the fault."""
    baseline = scorer.baseline(QUICK)

    def observe(step: int, samples: Tensor) -> Observation:
        return Observation(step, scorer.summarize(scorer.evaluator(samples)))

    sound = [observe(step, planted["real"].draw(QUICK, 10 + step)) for step in range(1, 6)]
    findings: dict[str, FaultResult] = {}
    for name, fault in planted.items():
        faulty = [observe(5 + step, fault.draw(QUICK, 20 + step)) for step in range(1, 3)]
        events = detect([*sound, *faulty], baseline, 1000, data.mode_names)
        findings[name] = "sees" if any(event.step > 5 for event in events) else "blind"
    claims, nothing = _claims(planted, DETECTOR_SEES), dict.fromkeys(planted, math.nan)
    return Row(DETECTOR, None, math.nan, findings, nothing, claims, _failures(findings, claims))


def _claims(planted: Mapping[str, Planted], sees: frozenset[Fault]) -> frozenset[str]:
    return frozenset(name for name, fault in planted.items() if fault.faults & sees)


def _failures(findings: Mapping[str, FaultResult], claims: frozenset[str]) -> frozenset[str]:
    missed = {fault for fault in claims if findings[fault] != "sees"}
    # Real samples have no fault to see.
    return frozenset(missed | ({"real"} if findings["real"] in ("sees", "wrong") else set()))
