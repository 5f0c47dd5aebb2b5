"""Checks of metrics."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import get_args

import torch

from ganbench.checks.base import CheckFailed, NotApplicable, check
from ganbench.checks.features import make_images, make_reference
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import Direction, Fault, Metric, Scale, UndefinedMetricError

COUNT = 1200
FEW = (1, 2, 5)
TOLERANCE = 1e-9


@functools.cache
def seen(seed: int) -> Features:
    return make_images(seed, COUNT)


def reference() -> Reference:
    """Make a new reference, on which metrics haven't memoized anything yet."""
    return make_reference(seen(2), training=seen(3).embedding)


@functools.cache
def known() -> Reference:
    return reference()


@check("metrics", "it is a number that doesn't depend on the order of samples, and the same each time")
def repeats(metric: Metric) -> None:
    fake, real = seen(1), known()
    value = metric(fake=fake, real=real)
    if not math.isfinite(value):
        raise CheckFailed(f"of {COUNT} typical samples it is {value}")
    for again, how in ((real, "asked again"), (reference(), "asked again with a reference that nothing was asked of")):
        other = metric(fake=fake, real=again)
        if other != value:
            raise CheckFailed(
                f"it is {value:.9g}, and {other:.9g} {how}: draw random numbers with `ganbench.core.seeding.stream`"
            )
    shuffled = metric(fake=fake.select(torch.randperm(len(fake))), real=real)
    if not math.isclose(shuffled, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise CheckFailed(f"it is {value:.9g}, and {shuffled:.9g} with the samples in another order")


@check("metrics", "its direction is one of " + ", ".join(get_args(Direction)))
def directed(metric: Metric) -> None:
    if metric.direction not in get_args(Direction):
        raise CheckFailed(f"its direction is '{metric.direction}'")


@check("metrics", "its name is an identifier, so that MLflow and pandas take it unquoted")
def named(metric: Metric) -> None:
    if not metric.name.isidentifier():
        raise CheckFailed(f"its name is '{metric.name}': write {metric.name.replace('-', '_')}")


@check("metrics", "its scale is one of " + ", ".join(get_args(Scale)))
def scaled(metric: Metric) -> None:
    if metric.scale not in get_args(Scale):
        raise CheckFailed(f"its scale is '{metric.scale}'")


@check("metrics", "total collapse, to one doubtful training image, is worse than real data in its declared direction")
def sees_collapse(metric: Metric) -> None:
    if metric.direction not in get_args(Direction):
        raise NotApplicable
    real = known()
    better, again = (metric(fake=seen(seed), real=real) for seed in (1, 4))
    worse = of_collapse(metric, real)
    told = f"of samples like real ones it is {better:.4g} and {again:.4g}, of one image again and again {worse:.4g}"
    if metric.direction == "higher":
        if not worse < min(better, again):
            raise CheckFailed(f"{told}: more would be better")
    elif metric.direction == "lower":
        if not worse > max(better, again):
            raise CheckFailed(f"{told}: less would be better")
    # The score of collapse must be farther from those of realistic samples than these are from each other.
    elif not min(abs(worse - better), abs(worse - again)) > 3 * abs(again - better):
        raise CheckFailed(f"{told}: that is no nearer to real data than they are to each other")


def of_collapse(metric: Metric, real: Reference) -> float:
    try:
        return metric(fake=collapsed(good=False), real=real)
    except UndefinedMetricError:
        return metric(fake=collapsed(good=True), real=real)  # it is undefined for samples that aren't good


def collapsed(*, good: bool) -> Features:
    """Features of one training image, repeated: a good one, or a doubtful one far from its mode."""
    same = seen(3).select(torch.zeros(COUNT, dtype=torch.int64))
    if good:
        return dataclasses.replace(same, good=torch.ones(COUNT, dtype=torch.bool))
    assert same.probabilities is not None
    doubtful = torch.full_like(same.probabilities, 0.6 / 9)
    doubtful[torch.arange(COUNT), same.labels] = 0.4
    return dataclasses.replace(
        same,
        good=torch.zeros(COUNT, dtype=torch.bool),
        deviation=torch.full_like(same.deviation, 9.0),
        probabilities=doubtful,
        confidence=doubtful.amax(1),
    )


@check("metrics", "the faults that it claims to see are faults that there are")
def claims(metric: Metric) -> None:
    unknown = sorted(metric.sees - set(get_args(Fault)))
    if unknown:
        raise CheckFailed(f"it claims to see {', '.join(unknown)}; there are: {', '.join(get_args(Fault))}")


@check("metrics", "its ceiling, if it names one, is a number that good samples don't go beyond")
def bounded(metric: Metric) -> None:
    ceiling = metric.ceiling(known())
    if ceiling is None:
        raise NotApplicable
    if not math.isfinite(ceiling):
        raise CheckFailed(f"its ceiling is {ceiling}: give None where there is no best value")
    if metric.direction == "lower":
        raise CheckFailed(f"it is better where it is lower, and has a ceiling of {ceiling:.4g}")
    value = metric(fake=seen(1), real=known())
    if value > ceiling:
        raise CheckFailed(f"its ceiling is {ceiling:.4g}, and of samples like real ones it is {value:.4g}")


@check("metrics", "of too few samples it is a number, or raises UndefinedMetricError")
def of_few(metric: Metric) -> None:
    for few in FEW:
        try:
            value = metric(fake=seen(1).first(few), real=known())
        except UndefinedMetricError:
            continue
        if not math.isfinite(value):
            raise CheckFailed(f"of {few} samples it is {value}: raise UndefinedMetricError and say why")
