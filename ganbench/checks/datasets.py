"""Checks of data sets that don't require loading them."""

from __future__ import annotations

import math
from typing import get_args

import torch

from ganbench.checks.base import CheckFailed, check
from ganbench.checks.training import CPU
from ganbench.core.errors import GanbenchError
from ganbench.data import Dataset, Kind
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.spec.run_spec import resolve

DIMENSIONS = {"images": 3, "points": 1}


@check("datasets", "it says what it is without being loaded: kind, shape, size and the word for its modes")
def describes_itself(dataset: Dataset) -> None:
    if dataset.kind not in get_args(Kind):
        raise CheckFailed(f"kind is '{dataset.kind}': it must be one of {', '.join(get_args(Kind))}")
    if len(dataset.shape) != DIMENSIONS[dataset.kind]:
        raise CheckFailed(
            f"shape is {list(dataset.shape)}; that of {dataset.kind} has {DIMENSIONS[dataset.kind]} numbers"
        )
    if dataset.train_size < 1:
        raise CheckFailed(f"train_size is {dataset.train_size}")
    if not dataset.mode_word:
        raise CheckFailed("mode_word is empty: it stands in a sentence like “8 of 10 digits”")


@check("datasets", "evaluator_sha256 is the hash of the evaluator that is used: the run id depends on it")
def hashed(dataset: Dataset) -> None:
    used = dataset.evaluator(CPU).sha256
    if used != dataset.evaluator_sha256:
        raise CheckFailed(f"evaluator_sha256 is {dataset.evaluator_sha256}, and its evaluator's {used}")


@check("datasets", "its usual protocol says something about it, and fits it as it is")
def scored(dataset: Dataset) -> None:
    try:
        case = PROTOCOLS.create({"name": dataset.protocol}).case(dataset)
        resolved = resolve({"dataset": {"name": dataset.name}}).dataset
    except GanbenchError as error:
        raise CheckFailed(str(error)) from error
    if not case.metrics:
        raise CheckFailed(f"under {dataset.protocol} nothing is measured")
    if resolved != dataset:
        raise CheckFailed(f"by default it is {dataset.to_spec()}, and under {dataset.protocol} {resolved.to_spec()}")


@check("datasets", "its evaluator looks at samples as networks make them")
def evaluates(dataset: Dataset) -> None:
    features = dataset.evaluator(CPU)(torch.zeros(3, *dataset.shape))
    if len(features) != 3:
        raise CheckFailed(f"of 3 samples it saw {len(features)}")
    if not features.good.all():
        raise CheckFailed("some samples aren't good: that is for a protocol's rule to say, not for the evaluator")
    if not ((features.labels >= 0) & (features.labels < features.modes)).all():
        raise CheckFailed(f"labels are {features.labels.tolist()}: they must lie in 0…{features.modes - 1}")


@check("datasets", "its evaluator refuses samples of another type, shape or range with a ValueError")
def refuses(dataset: Dataset) -> None:
    evaluator = dataset.evaluator(CPU)
    good = torch.zeros(3, *dataset.shape)
    for what, bad in (
        ("no samples", good[:0]),
        ("a single sample without a batch", good[0]),
        (f"samples of shape {list(good[..., :-1].shape)}", good[..., :-1]),
        ("float64", good.double()),
        ("NaN", torch.full_like(good, math.nan)),
    ):
        try:
            evaluator(bad)
        except ValueError:
            continue
        raise CheckFailed(f"it takes {what}")
