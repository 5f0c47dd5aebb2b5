"""Short answers: what is found, in a few words, and the evidence for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Brief(NamedTuple):
    """A finding for readers in a hurry.

    Attributes:
        headline: what is found, without a full stop.
        evidence: a short sentence with the data set and the counts or the interval, and the test; no full stop.
        details: further sentences of evidence, each without its full stop.
    """

    headline: str
    evidence: str
    details: Sequence[str] = ()


def unqualified(label: str, labels: Collection[str]) -> str:
    """Shorten the label of an outcome for a headline: “KL of the modes' shares”, without “, corrected for bias”.

    Args:
        labels: of all outcomes; one that would read like another one is not shortened.
    """
    short = label.partition(", ")[0]
    return short if sum(each.partition(", ")[0] == short for each in set(labels)) == 1 else label
