"""Checks of metrics."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import get_args

import torch

from ganbench.checks.base import CheckFailed, NotApplicable, check
from ganbench.checks.features import joined, make_images, make_reference
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import Direction, Fault, Metric, Scale, UndefinedMetricError

COUNT = 1200
FEW = (1, 2, 5)
TOLERANCE = 1e-9


@functools.cache
def image_features(seed: int) -> Features:
    return make_images(seed, COUNT)


def reference() -> Reference:
    """Make a new reference, on which metrics haven't memoized anything yet.

    The training image that collapsed samples repeat is one of the real ones, too.
    """
    training = image_features(3)
    real = joined(training.first(1), image_features(2).select(slice(1, None)))
    return make_reference(real, training=training.embedding, training_samples=training.samples)


@functools.cache
def shared_reference() -> Reference:
    return reference()


@check("metrics", "it is a number that doesn't depend on the order of samples, and the same each time")
def repeats(metric: Metric) -> None:
    fake, real = image_features(1), shared_reference()
    value = metric(fake=fake, real=real)
    if not math.isfinite(value):
        raise CheckFailed(f"of {COUNT} typical samples it is {value}")
    for again, when in ((real, "asked again"), (reference(), "asked again with a reference that nothing was asked of")):
        other = metric(fake=fake, real=again)
        if other != value:
            raise CheckFailed(
                f"it is {value:.9g}, and {other:.9g} {when}: draw random numbers with `ganbench.plugin.stream`"
            )
    shuffled = metric(fake=fake.select(torch.randperm(len(fake))), real=real)
    if not math.isclose(shuffled, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise CheckFailed(f"it is {value:.9g}, and {shuffled:.9g} with the samples in another order")


@check("metrics", "if it says that it is computed from modes, neither features nor the samples themselves matter to it")
def from_modes(metric: Metric) -> None:
    if not metric.from_modes:
        raise NotApplicable
    fake, real = image_features(1), shared_reference()
    other = dataclasses.replace(fake, embedding=fake.embedding.flip(0) * 2, samples=fake.samples.flip(0))
    expected, value = (metric(fake=features, real=real) for features in (fake, other))
    if value != expected:
        raise CheckFailed(
            f"it is {expected:.9g}, and {value:.9g} with other features of the same modes: leave out from_modes"
        )


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
    real = shared_reference()
    typical, other_typical = (metric(fake=image_features(seed), real=real) for seed in (1, 4))
    of_collapse = value_of_collapse(metric, real)
    comparison = (
        f"of samples like real ones it is {typical:.4g} and {other_typical:.4g}, "
        f"of one image again and again {of_collapse:.4g}"
    )
    if metric.direction == "higher":
        if not of_collapse < min(typical, other_typical):
            raise CheckFailed(f"{comparison}: more would be better")
    elif metric.direction == "lower":
        if not of_collapse > max(typical, other_typical):
            raise CheckFailed(f"{comparison}: less would be better")
    # The score of collapse must be farther from those of realistic samples than these are from each other.
    elif not min(abs(of_collapse - typical), abs(of_collapse - other_typical)) > 3 * abs(other_typical - typical):
        raise CheckFailed(f"{comparison}: that is no nearer to real data than they are to each other")


def value_of_collapse(metric: Metric, real: Reference) -> float:
    try:
        return metric(fake=collapsed(good=False), real=real)
    except UndefinedMetricError:
        return metric(fake=collapsed(good=True), real=real)  # it is undefined for samples that aren't good


def collapsed(*, good: bool) -> Features:
    """Features of one training image, repeated: a good one, or a doubtful one far from its mode."""
    repeated = image_features(3).select(torch.zeros(COUNT, dtype=torch.int64))
    if good:
        return dataclasses.replace(repeated, good=torch.ones(COUNT, dtype=torch.bool))
    assert repeated.probabilities is not None
    doubtful = torch.full_like(repeated.probabilities, 0.6 / 9)
    doubtful[torch.arange(COUNT), repeated.labels] = 0.4
    return dataclasses.replace(
        repeated,
        good=torch.zeros(COUNT, dtype=torch.bool),
        deviation=torch.full_like(repeated.deviation, 9.0),
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
    ceiling = metric.ceiling(shared_reference())
    if ceiling is None:
        raise NotApplicable
    if not math.isfinite(ceiling):
        raise CheckFailed(f"its ceiling is {ceiling}: give None where there is no best value")
    if metric.direction == "lower":
        raise CheckFailed(f"it is better where it is lower, and has a ceiling of {ceiling:.4g}")
    value = metric(fake=image_features(1), real=shared_reference())
    if value > ceiling:
        raise CheckFailed(f"its ceiling is {ceiling:.4g}, and of samples like real ones it is {value:.4g}")


@check("metrics", "of too few samples it is a number, or raises UndefinedMetricError")
def of_few(metric: Metric) -> None:
    for few in FEW:
        try:
            value = metric(fake=image_features(1).first(few), real=shared_reference())
        except UndefinedMetricError:
            continue
        if not math.isfinite(value):
            raise CheckFailed(f"of {few} samples it is {value}: raise UndefinedMetricError and say why")
