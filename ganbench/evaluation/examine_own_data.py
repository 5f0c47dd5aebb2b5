"""An examination of an own data set: are its files whole and its own, are its classes large enough, does it fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import listed
from ganbench.core.own_data import Card, read_own_card
from ganbench.data.evaluators.classifier import FEATURES
from ganbench.data.own.evaluator import read_evaluator
from ganbench.data.own.folder import existing_folder, read_images, readable_card
from ganbench.data.own.split import EVALUATION, REFERENCE, TRAIN
from ganbench.evaluation.metrics.within_modes import MIN_REAL
from ganbench.evaluation.samples.memory import free_memory

MIN_TESTED = 30
"""Number of evaluation images of a class below which its recall is known to no better than about 20 points."""
MAX_NAMED = 5
"""The most classes that are listed by name."""


@dataclass(frozen=True)
class Remark:
    """A sentence on a data set: what is right, what limits its use, or what is wrong with it."""

    kind: Literal["right", "limit", "wrong"]
    words: str


def examine_own_data(name: str) -> list[Remark]:
    """Examine a data set of the user's own.

    Raises:
        GanbenchError: there is none of this name.
    """
    folder = existing_folder(name)
    try:
        card = read_own_card(folder)
    except GanbenchError as error:
        return [Remark("wrong", str(error))]
    size = _size(card)
    free = free_memory()
    amounts = f"{size / 1e6:,.0f} MB of memory" + (
        f", and {free / 1e6:,.0f} MB are free" if math.isfinite(free) else ""
    )
    if size > free:
        return [Remark("wrong", f"it takes {amounts}: free some, or add fewer or smaller images")]
    return [
        _checked(f"the {sum(card.images):,} images are those of its card", lambda: read_images(folder, card)),
        _checked(f"its evaluator {card.evaluator} is that of its card", lambda: _use_evaluator(folder, card)),
        _checked("its card can be read", lambda: readable_card(name)),
        Remark("right", f"it takes {amounts}"),
        *limits_of(card),
    ]


def _size(card: Card) -> int:
    """Bytes that its images take, and the features of those that are embedded."""
    channels, height, width = card.shape
    return sum(card.images) * channels * height * width + 4 * FEATURES * (card.images[TRAIN] + card.images[REFERENCE])


def _use_evaluator(folder: Path, card: Card) -> None:
    read_evaluator(folder, card, torch.device("cpu"))(torch.zeros(1, *card.shape))


def _checked(right: str, check: Callable[[], object]) -> Remark:
    try:
        check()
    except GanbenchError as error:
        return Remark("wrong", str(error))
    return Remark("right", right)


def limits_of(card: Card) -> list[Remark]:
    """Remarks on small classes, of which less can be measured."""
    limits = (
        (REFERENCE, MIN_REAL, "to compare with, so how well they are covered isn't measured one by one"),
        (EVALUATION, MIN_TESTED, "to test the evaluator, so how well they are recognised is uncertain"),
    )
    remarks = []
    for part, least, words in limits:
        few = [name for name, counts in zip(card.classes, card.counts, strict=True) if counts[part] < least]
        if few:
            more = [f"{len(few) - MAX_NAMED:,} more"] * (len(few) > MAX_NAMED)
            named = listed([*(f"'{name}'" for name in few[:MAX_NAMED]), *more])
            remarks.append(Remark("limit", f"fewer than {least} images of {named} are {words}"))
    return remarks
