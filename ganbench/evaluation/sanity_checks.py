"""Sanity checks of metrics of fidelity and of diversity, after Räisä et al. (ICML 2025, arXiv:2505.22450).

Each check compares a metric's values along a family of simple distributions with the shape that a sound metric would
show. Families and criteria are the paper's (and its authors' code), with fewer steps along each family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Literal

import torch
from torch import Tensor

from ganbench.core.seeding import stream
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS, Metric
from ganbench.evaluation.metrics.pairs import share_pairs
from ganbench.evaluation.sanity_families import (
    FAR,
    disjoint,
    hypercube,
    mean_difference,
    mode_dropping,
    mode_invention,
    one_or_two_modes,
    pareto,
    scaled,
    sphere,
    std_difference,
    with_outlier,
)
from ganbench.evaluation.sanity_shapes import (
    Curve,
    bell,
    either,
    falling,
    falling_early,
    flat,
    highest,
    lowest,
    near,
    rising,
    settles,
    value_at,
)

Role = Literal["fidelity", "diversity"]
Criterion = Callable[[Curve], bool]
Sets = Callable[[int, float, torch.Generator], tuple[Tensor, Tensor]]
"""(dimension, position, random) to generated and real samples."""

ROLES: Mapping[str, Role] = {
    "precision": "fidelity",
    "density": "fidelity",
    "clipped_density": "fidelity",
    "recall": "diversity",
    "coverage": "diversity",
    "clipped_coverage": "diversity",
}
"""The metrics that are checked, as far as there are such."""

REPEATS = 3
BOTH: tuple[Role, Role] = ("fidelity", "diversity")


@dataclass(frozen=True)
class SanityCheck:
    """A family of pairs of distributions, and the shape of a sound metric along it.

    Attributes:
        name: as in the authors' code.
        purpose: a noun phrase.
        positions: by dimension, the positions along the family.
        sets: the samples at a position.
        criteria: by description, the criterion for each role that it applies to.
    """

    name: str
    purpose: str
    positions: Mapping[int, Sequence[float]]
    sets: Sets
    criteria: Mapping[str, Mapping[Role, Criterion]]


@dataclass(frozen=True)
class CheckResult:
    """The passes of one metric under one criterion of a check.

    Attributes:
        passed, of: number of dimensions in which it passed, and in which it was tried.
    """

    check: str
    criterion: str
    metric: str
    passed: int
    of: int


def run_checks(say: Callable[[str], None], checks: Sequence[SanityCheck] | None = None) -> list[CheckResult]:
    """Try all metrics with a role in all checks."""
    metrics = {name: METRICS.create({"name": name}) for name in ROLES if name in METRICS}
    results = []
    for check in CHECKS if checks is None else checks:
        say(f"sanity check: {check.name}")
        curves = [_curves(check, dimension, metrics) for dimension in check.positions]
        for criterion, by_role in check.criteria.items():
            for name in metrics:
                if ROLES[name] in by_role:
                    passes = [by_role[ROLES[name]](curve[name]) for curve in curves]
                    results.append(CheckResult(check.name, criterion, name, sum(passes), len(passes)))
    return results


def _curves(check: SanityCheck, dimension: int, metrics: Mapping[str, Metric]) -> dict[str, Curve]:
    curves: dict[str, Curve] = {name: [] for name in metrics}
    for position in check.positions[dimension]:
        values: dict[str, list[float]] = {name: [] for name in metrics}
        for repeat in range(REPEATS):
            fake, real = check.sets(dimension, position, stream(repeat, "planted", round(1000 * position) + dimension))
            features, reference = _features(fake), _reference(real)
            share_pairs(features, metrics.values())
            for name, metric in metrics.items():
                values[name].append(metric(fake=features, real=reference))
        for name in metrics:
            curves[name].append((position, fmean(values[name])))
    return curves


def _features(points: Tensor) -> Features:
    """Features of points of a single mode, all good."""
    labels = torch.zeros(len(points), dtype=torch.int64)
    return Features(
        samples=points,
        embedding=points,
        labels=labels,
        modes=1,
        deviation=torch.zeros(len(points), 1),
        good=torch.ones(len(points), dtype=torch.bool),
        probabilities=None,
        confidence=torch.ones(len(points)),
    )


def _reference(points: Tensor) -> Reference:
    return Reference(**vars(_features(points)), weights=torch.ones(1, dtype=torch.float64), training=None)


def _line(start: float, end: float, steps: int = 13) -> list[float]:
    return [start + (end - start) * step / (steps - 1) for step in range(steps)]


ONE, ZERO = near(1.0), near(0.0)
_APART: Mapping[str, Mapping[Role, Criterion]] = {
    "identical: 1": dict.fromkeys(BOTH, value_at(0.0, ONE)),
    "far below: 0": dict.fromkeys(BOTH, value_at(lowest, ZERO)),
    "far above: 0": dict.fromkeys(BOTH, value_at(highest, ZERO)),
    "bell shape": dict.fromkeys(BOTH, bell(0.0)),
}
_BY_FAR = {dimension: _line(-far, far) for dimension, far in FAR.items()}
CHECKS = (
    SanityCheck("gaussian-mean-difference", "two Gaussians moved apart", _BY_FAR, mean_difference, _APART),
    SanityCheck(
        "gaussian-mean-difference-with-outlier (real)",
        "the same with one real outlier where the generated samples end",
        _BY_FAR,
        partial(with_outlier, of="real"),
        _APART,
    ),
    SanityCheck(
        "gaussian-mean-difference-with-outlier (generated)",
        "the same with one generated outlier",
        _BY_FAR,
        partial(with_outlier, of="fake"),
        _APART,
    ),
    SanityCheck(
        "gaussian-mean-difference-with-pareto",
        "the same beside a heavy-tailed dimension",
        {2: _line(-6, 6)},
        pareto,
        _APART,
    ),
    SanityCheck(
        "gaussian-std-difference",
        "Gaussians of different width",
        {1: _line(-3, 3), 8: _line(-1, 1), 64: _line(-0.5, 0.5)},
        std_difference,
        {
            "identical: 1": dict.fromkeys(BOTH, value_at(0.0, ONE)),
            "narrow": {"fidelity": value_at(lowest, ONE), "diversity": value_at(lowest, ZERO)},
            "wide": {
                "fidelity": value_at(highest, ZERO),
                "diversity": either(value_at(highest, ONE), value_at(highest, ZERO)),
            },
            "shape": {"fidelity": falling(), "diversity": either(bell(0.0), rising())},
        },
    ),
    SanityCheck(
        "gaussian-mixture-simultaneous-mode-dropping",
        "nine of ten modes lost at once, little by little",
        {dimension: _line(0, 1, 21) for dimension in FAR},
        partial(mode_dropping, at_once=True),
        {
            "identical: 1": dict.fromkeys(BOTH, value_at(lowest, ONE)),
            "one mode left: 1": {"fidelity": value_at(highest, ONE)},
            "shape": {"fidelity": flat(), "diversity": falling_early(0.95)},
        },
    ),
    SanityCheck(
        "gaussian-mixture-sequential-mode-dropping",
        "nine of ten modes lost, one after the other",
        {dimension: _line(0, 9, 10) for dimension in FAR},
        partial(mode_dropping, at_once=False),
        {
            "identical: 1": dict.fromkeys(BOTH, value_at(lowest, ONE)),
            "one mode left: 1": {"fidelity": value_at(highest, ONE)},
            "shape": {"fidelity": flat(), "diversity": falling_early(0.5)},
        },
    ),
    SanityCheck(
        "gaussian-mixture-mode-dropping-invention",
        "one to ten modes generated, of which five are real",
        {2: _line(1, 10, 10)},
        mode_invention,
        {
            "identical: 1": dict.fromkeys(BOTH, value_at(5.0, ONE)),
            "most dropped: 1": {"fidelity": value_at(lowest, ONE)},
            "most invented: 1": {"diversity": value_at(highest, ONE)},
            "shape": {"fidelity": falling(), "diversity": rising()},
        },
    ),
    SanityCheck(
        "one-vs-two-modes",
        "two real modes, moved apart, and one generated with the same moments",
        {dimension: _line(0, 5) for dimension in FAR},
        one_or_two_modes,
        {
            "identical: 1": dict.fromkeys(BOTH, value_at(lowest, ONE)),
            "shape": {"fidelity": falling(), "diversity": either(falling(), flat())},
        },
    ),
    SanityCheck(
        "uniform-hypersphere-surface",
        "spheres of different radius",
        {dimension: _line(0.1, 1.9) for dimension in (2, 16, 128)},
        sphere,
        {
            "identical: 1": dict.fromkeys(BOTH, value_at(1.0, ONE)),
            "smaller: 0": dict.fromkeys(BOTH, value_at(lowest, ZERO)),
            "larger: 0": dict.fromkeys(BOTH, value_at(highest, ZERO)),
            "bell shape": dict.fromkeys(BOTH, bell(1.0)),
        },
    ),
    SanityCheck(
        "uniform-hypercube-varying-size",
        "cubes with a fifth in common, at 100 to 10,000 samples",
        dict.fromkeys((1, 8, 64), (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)),
        hypercube,
        {
            "settles": dict.fromkeys(BOTH, settles()),
            "at most samples: 0.2": dict.fromkeys(BOTH, value_at(highest, near(0.2))),
        },
    ),
    SanityCheck(
        "gaussian-scaling-one-dimension",
        "one dimension disjoint, the other in smaller and larger units",
        {2: _line(-3, 3)},
        scaled,
        {
            "constant": dict.fromkeys(BOTH, flat()),
            "small units: 0": dict.fromkeys(BOTH, value_at(lowest, ZERO)),
            "large units: 0": dict.fromkeys(BOTH, value_at(highest, ZERO)),
        },
    ),
    SanityCheck(
        "gaussian-high-dim-one-disjoint-dim",
        "one dimension disjoint among more and more that aren't",
        {1: (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0)},
        disjoint,
        {
            "constant": dict.fromkeys(BOTH, flat()),
            "one other: 0": dict.fromkeys(BOTH, value_at(lowest, ZERO)),
            "1,000 others: 0": dict.fromkeys(BOTH, value_at(highest, ZERO)),
        },
    ),
)
NOT_RUN: Mapping[str, str] = {
    "uniform-hypercube-varying-syn-size": "our metrics use equally many generated and real samples",
    "sphere-torus": "it varies only the number of generated samples, too",
    "discrete-numerical-vs-continuous-numerical": "it is for columns of a table",
}
"""The paper's checks that don't fit, with the reason."""
