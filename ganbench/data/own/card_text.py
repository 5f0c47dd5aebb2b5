"""The card of an own data set in words, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ganbench.core.own_data import Card

WIDTH = 80
"""The longest line: the text is kept in a file, for terminals of any width."""


def card_text(name: str, card: Card, model: Mapping[str, Any]) -> str:
    """The facts on the card and the model card, a line each, then a table of the classes or clusters.

    Args:
        model: the evaluator's model card.
    """
    train, reference, evaluation = card.images
    confusion = model["confusion"]
    one = "class" if card.clustering is None else "cluster"
    facts = [
        f"images      {train:,} for training, {reference:,} to compare with, {evaluation:,} to test the evaluator",
        *_of_clusters(card),
        f"evaluator   {card.evaluator}: accuracy {model['test_accuracy']:.1%}, calibration error "
        f"{model['calibration_error']:.1%}, on images it wasn't trained on",
        f"hash        {card.sha256[:12]} (in the ids of all runs)",
        *(f"{'prepared' if number == 0 else '':<12}{note}" for number, note in enumerate(card.preparation)),
    ]
    lines = [
        f"{name}: {card.summary.removeprefix('Own data: ')}",
        "",
        *(textwrap.fill(fact, WIDTH, subsequent_indent=" " * 12, break_on_hyphens=False) for fact in facts),
        "",
        f"{one:<24} {'images':>9} {'recognised':>11}   most often taken for",
    ]
    for index, row in enumerate(confusion):
        others = sorted(((count, other) for other, count in enumerate(row) if other != index and count), reverse=True)
        wrong = f"{card.classes[others[0][1]]} ({others[0][0] / sum(row):.1%})" if others else "–"
        share = row[index] / sum(row)
        lines.append(f"{card.classes[index]:<24} {sum(card.counts[index]):>9,} {share:>11.1%}   {wrong}")
    return "\n".join(lines)


def _of_clusters(card: Card) -> list[str]:
    clustering = card.clustering
    if clustering is None:
        return []
    return [
        f"clusters    {len(card.classes)}, found by k-means in {clustering.features}",
        f"stability   adjusted Rand index {clustering.stability:.3f}, the median of {clustering.resamples} resamples "
        f"(lowest {clustering.lowest:.3f})",
    ]
