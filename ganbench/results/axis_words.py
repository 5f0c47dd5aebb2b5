"""The words for crossed axes: the short answer, a table of all pairs of values, and the number of undecided ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.crossed_axes import AxisPair
from ganbench.results.pairs_in_words import (
    ALIKE,
    better_or_worse,
    failed_in_words,
    p_in_words,
    pairs_in_words,
    reverses,
    turned,
)


@dataclass(frozen=True)
class AxisTable:
    """All pairs of values of one axis, and what is shown of each by each outcome."""

    caption: str
    head: list[str]
    rows: list[list[str]]


def axes_in_brief(pairs: Sequence[AxisPair]) -> list[str]:
    """Say for each data set which value of an axis leaves modes out, and which value of the other one is ahead.

    The second is by the first outcome, and said only of a value that is shown to be better than some others and not
    shown to differ otherwise from any.
    """
    brief = []
    for dataset in dict.fromkeys(pair.dataset for pair in pairs):
        members = [pair for pair in pairs if pair.dataset == dataset]
        counted = [pair for pair in members if pair.counts and pair.significant]
        leaving = min(counted, key=lambda pair: pair.corrected_p, default=None)
        if leaving:
            brief.append(_missing(leaving))
        by_first = [pair for pair in members if pair.label == members[0].label]
        for axis in (0, 1):
            if leaving is None or axis != leaving.axis:
                brief += _ahead([pair for pair in by_first if pair.axis == axis])
    return brief


def axis_tables(pairs: Sequence[AxisPair]) -> Iterator[AxisTable]:
    """Make a table for each axis of each data set, and another one where the other axis has other values."""
    alike: dict[tuple[str, int, tuple[str, ...]], list[AxisPair]] = {}
    for pair in pairs:
        alike.setdefault((pair.dataset, pair.axis, tuple(sorted(pair.equal))), []).append(pair)
    for (dataset, _, equal), members in alike.items():
        labels = list(dict.fromkeys(pair.label for pair in members))
        rows: dict[tuple[str, str], list[str]] = {}
        images = {}
        for pair in members:
            rows.setdefault((pair.one, pair.other), []).append(_cell(pair))
            images[pair.one, pair.other] = pair.images
        unequal = any(abs(times - 1) > ALIKE for times in images.values())
        more = {values: [number(round(times, 2))] * unequal for values, times in images.items()}
        yield AxisTable(
            f"On {dataset}, beside {listed(equal)}: in how many pairs of seeds the first does better than the second",
            ["the first", "the second", *labels, *["real images, of the second's"] * unequal],
            [[*values, *cells, *more[values]] for values, cells in rows.items()],
        )


def undecided_pairs(pairs: Sequence[AxisPair]) -> list[str]:
    """Count the comparisons of each data set that are not decided, by outcome."""
    sentences = []
    for dataset in dict.fromkeys(pair.dataset for pair in pairs):
        members = [pair for pair in pairs if pair.dataset == dataset]
        count = Counter("missing modes" if pair.counts else pair.label for pair in members if not pair.decided)
        if count:
            by_outcome = listed([f"{times} by {label}" for label, times in count.items()])
            sentences.append(f"{count.total()} of {len(members)} comparisons on {dataset} are undecided: {by_outcome}")
    return sentences


def _missing(pair: AxisPair) -> str:
    (lost, of), (other_lost, other_of) = pair.counts
    compared, numbers = pairs_in_words(pair.better, pair.corrected_p, significant=True)
    return (
        f"With {pair.one}, {pair.label} in {lost} of {of} runs on {pair.dataset}; with {pair.other}, in "
        f"{other_lost} of {other_of} ({listed(pair.equal)}; {compared}; {numbers})"
    )


def _ahead(pairs: Sequence[AxisPair]) -> Iterator[str]:
    """Say how often the value that is better than most others is better; nothing if none is ahead."""
    wins = Counter[str]()
    behind = set[str]()
    for pair in pairs:
        if pair.significant:
            winner, loser = (pair.one, pair.other) if pair.better.middle > 0.5 else (pair.other, pair.one)
            wins[winner] += 1
            behind.add(loser)
        elif pair.decided:  # by a direction that reverses
            behind |= {pair.one, pair.other}
    best = next((value for value, _ in wins.most_common() if value not in behind), None)
    if best is None:
        return
    than, undecided = list[str](), list[str]()
    for pair in pairs:
        if best not in (pair.one, pair.other):
            continue
        first = best == pair.one
        share, low, high = pair.better if first else turned(pair.better)
        other, times = (pair.other, pair.images) if first else (pair.one, 1 / (pair.images or math.nan))
        numbers = f"{percents(low, high)}; {p_in_words(pair.corrected_p)}{failed_in_words(pair.failed, pair.runs)}"
        if abs(times - 1) > ALIKE:
            numbers += f"; with {number(round(times, 2))} times as many real images"
        if pair.significant:
            than.append(f"{other} in {percent(share)} % ({numbers})")
        else:
            undecided.append(f"{other} (better in {percent(share)} %; {numbers})")
    also = f"; it is not shown to differ from {listed(undecided)}" if undecided else ""
    yield (
        f"On {pairs[0].dataset}, by {pairs[0].label}, a run with {best} is better than one with {listed(than)} of "
        f"pairs of seeds, all else equal ({listed(pairs[0].equal)}){also}"
    )


def _cell(pair: AxisPair) -> str:
    word, (share, low, high) = better_or_worse(pair.better, significant=pair.significant)
    shown = f"{word} in" if pair.significant else "reverses," if pair.decided else "undecided,"
    text = f"{shown} {percent(share)} % ({percents(low, high)}; {p_in_words(pair.corrected_p)})"
    if reverses(pair.beside):
        shares = zip(pair.equal, pair.beside, strict=True)
        text += f": {listed([f'{percent(better.middle)} % beside {value}' for value, better in shares])}"
    if pair.counts:
        (lost, of), (other_lost, other_of) = pair.counts
        text = f"{lost} of {of}, {other_lost} of {other_of}: {text}"
    return text + failed_in_words(pair.failed, pair.runs)
