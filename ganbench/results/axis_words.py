"""The words for crossed axes: the short answer, a table of all pairs of values, and the number of undecided ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.brief import Brief, unqualified
from ganbench.results.crossed_axes import AxisPair
from ganbench.results.pairs_in_words import (
    ALIKE,
    all_in_words,
    failed_in_words,
    p_in_words,
    reverses,
    share_in_words,
    shown_in_words,
    turned,
)

FEW = 3
"""Number of undecided pairs up to which a short answer names them."""


@dataclass(frozen=True)
class AxisTable:
    """All pairs of values of one axis, and what is shown of each by each outcome."""

    caption: str
    head: list[str]
    rows: list[list[str]]


def axes_in_brief(pairs: Sequence[AxisPair]) -> list[Brief]:
    """Say for each data set and axis which value leaves modes out, or which values are better than which."""
    brief = list[Brief]()
    for dataset in dict.fromkeys(pair.dataset for pair in pairs):
        for axis in (0, 1):
            members = [pair for pair in pairs if (pair.dataset, pair.axis) == (dataset, axis)]
            missing = [pair for pair in members if pair.counts]
            others = [pair for pair in members if not pair.counts]
            first = [pair for pair in others if pair.label == others[0].label]
            brief += _fewest_missing(missing, first)
            if others and not any(pair.significant for pair in missing):
                brief += _better(others, max((pair.equal for pair in members), key=len))
    return brief


def axis_tables(pairs: Sequence[AxisPair]) -> Iterator[AxisTable]:
    """Make a table for each axis of each data set, and another one where the other axis has other values."""
    alike: dict[tuple[str, int, tuple[str, ...]], list[AxisPair]] = {}
    for pair in pairs:
        alike.setdefault((pair.dataset, pair.axis, tuple(sorted(pair.equal))), []).append(pair)
    for (dataset, _, _), members in alike.items():
        labels = list(dict.fromkeys(pair.label for pair in members))
        rows: dict[tuple[str, str], list[str]] = {}
        images = {}
        for pair in members:
            rows.setdefault((pair.one, pair.other), []).append(_cell(pair))
            images[pair.one, pair.other] = pair.images
        unequal = any(abs(times - 1) > ALIKE for times in images.values())
        more = {values: [number(times)] * unequal for values, times in images.items()}
        yield AxisTable(
            f"In how many pairs of seeds the first does better than the second on {dataset}, averaged over "
            f"{listed(members[0].equal)} (95 % interval; corrected p)",
            ["the first", "the second", *labels, *["real images, as a multiple of the second's"] * unequal],
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


def _fewest_missing(pairs: Sequence[AxisPair], first: Sequence[AxisPair]) -> Iterator[Brief]:
    """Say in how many runs with the best value of an axis a mode is missing, and with those shown to be worse.

    Args:
        pairs: those by missing modes.
        first: those by the first other outcome, which stands beside the counts.
    """
    for best in _winners(pairs):
        seen = [_from(best, pair) for pair in pairs if pair.significant and best in (pair.one, pair.other)]
        (own, of), equal = seen[0].counts[0], seen[0].equal
        others = [
            f"with {pair.other} in {pair.counts[1][0]} of {pair.counts[1][1]}" for pair in seen if pair.equal == equal
        ]
        each = [
            f"in {_counts_of(pair, 1)} with {pair.other} ({p_in_words(pair.corrected_p)}{_besides(pair)}"
            f"{_only(pair, equal)})"
            for pair in seen
        ]
        of_best = [_from(best, pair) for pair in first if pair.significant and best in (pair.one, pair.other)]
        ahead = [pair for pair in of_best if pair.better.middle > 0.5]
        better = []
        if ahead:
            beside = ahead[0].equal
            than = listed([_compared(pair, beside) for pair in ahead])
            only = "" if set(beside) == set(equal) else f", with {listed(beside)}"
            better = [f"By {ahead[0].label}{only}, a run with {best} is better than one with {than} of pairs of seeds"]
        yield Brief(
            f"With {best}, {pairs[0].label} in {own} of {of} runs, {listed(others)}",
            f"On {pairs[0].dataset}, with {listed(equal)} in turn, it is missing in {_counts_of(seen[0], 0)} runs with "
            f"{best}, {listed(each)}",
            better,
        )


def _counts_of(pair: AxisPair, side: int) -> str:
    """Numbers of runs that miss a mode, with each value of the other axis: “0, 1 and 2 of 7”."""
    each = [counts[side] for counts in pair.counts_beside]
    if len({of for _, of in each}) == 1:
        return f"{listed([str(lost) for lost, _ in each])} of {each[0][1]}"
    return listed([f"{lost} of {of}" for lost, of in each])


def _better(pairs: Sequence[AxisPair], every: tuple[str, ...]) -> Iterator[Brief]:
    """Say of each outcome which values are shown to be better than which, unless an outcome before says the same.

    Args:
        every: all values of the other axis; the headline says so if fewer count.
    """
    labels = list(dict.fromkeys(pair.label for pair in pairs))
    equal = max((pair.equal for pair in pairs), key=len)
    known = set[tuple[str, str]]()
    clauses, numbers, by_outcome = list[str](), list[str](), list[list[AxisPair]]()
    for label in labels:
        shown = [
            _from(pair.one if pair.better.middle > 0.5 else pair.other, pair)
            for pair in pairs
            if pair.label == label and pair.significant
        ]
        new = [pair for pair in shown if (pair.one, pair.other) not in known]
        known |= {(pair.one, pair.other) for pair in new}
        losers_of: dict[str, tuple[str, ...]] = {}
        for pair in new:
            losers_of[pair.one] = (*losers_of.get(pair.one, ()), pair.other)
        winners_over: dict[tuple[str, ...], list[str]] = {}
        for winner, losers in losers_of.items():
            winners_over.setdefault(losers, []).append(winner)
        if new:
            each = [
                f"{listed(winners)} {'are' if len(winners) > 1 else 'is'} better than {listed(losers)}"
                for losers, winners in winners_over.items()
            ]
            clauses.append(f"by {unqualified(label, labels)}, {' and '.join(each)}")
            each = [f"{pair.one} than {_compared(pair, equal)}" for pair in new]
            numbers.append(f"by {label}, {listed(each)}")
            by_outcome.append(new)
    if clauses:
        shares = [_in_pairs(of_outcome, equal) for of_outcome in by_outcome]
        further = "".join(f"; {clause}, {share}" for clause, share in zip(clauses[1:], shares[1:], strict=True))
        open_ones = [pair for pair in pairs if pair.label == labels[0] and not pair.decided]
        yield Brief(
            clauses[0] + f" (with {listed(equal)})" * (len(equal) < len(every)),
            f"On {pairs[0].dataset}, one run is better than the other {shares[0]}"
            f"{_by_no_other(by_outcome[0], pairs, labels)}{further}{_undecided(open_ones)}",
            [f"With {listed(equal)}, in pairs of seeds a run is better {'; '.join(numbers)}"],
        )


def _in_pairs(pairs: Sequence[AxisPair], equal: tuple[str, ...]) -> str:
    """Return “in 82 to 88 % of pairs (intervals from 53 to 97 %; p = 0.036 or less)”, of some comparisons together.

    Args:
        equal: the values of the other axis that need no mention.
    """
    span, numbers = all_in_words([pair.better for pair in pairs], [pair.corrected_p for pair in pairs])
    if len(pairs) == 1:
        return f"in {span} of pairs ({numbers}{_besides(pairs[0])}{_only(pairs[0], equal)})"
    notes = {
        "some having seen more real images": any(pair.images > 1 + ALIKE for pair in pairs),
        "some with failed runs, which rank worst": any(pair.failed for pair in pairs),
        "some not in every setting": any(reverses(pair.beside) for pair in pairs),
        f"some not with all of {listed(equal)}": any(set(pair.equal) != set(equal) for pair in pairs),
    }
    besides = "".join(f"; {note}" for note, holds in notes.items() if holds)
    return f"in {span} of pairs ({numbers}{besides})"


def _by_no_other(shown: Sequence[AxisPair], pairs: Sequence[AxisPair], labels: Sequence[str]) -> str:
    """Name the other outcomes that show nothing of the same values: “; by KL of the modes' shares, undecided”."""
    values = {frozenset((pair.one, pair.other)) for pair in shown}
    others = [pair for pair in pairs if {pair.one, pair.other} in values and pair.label != shown[0].label]
    open_ones = [label for label in labels if not any(pair.decided for pair in others if pair.label == label)]
    silent = [unqualified(label, labels) for label in open_ones if any(pair.label == label for pair in others)]
    return f"; by {listed(silent)}, undecided" if silent else ""


def _undecided(pairs: Sequence[AxisPair]) -> str:
    """Name the pairs of values that aren't shown to differ, if they are few: “; R1 is not shown to differ from R2 (…)”.

    The direct answer to a question about two values may be among them.
    """
    each = []
    for pair in pairs:
        share, low, high = pair.better
        numbers = (
            f"better in {percent(share)} %, {percents(low, high)}; {p_in_words(pair.corrected_p)}; {_beside(pair)}"
        )
        each.append(f"; {pair.one} is not shown to differ from {pair.other} ({numbers})")
    return "".join(each) if len(each) <= FEW else ""


def _winners(pairs: Sequence[AxisPair]) -> list[str]:
    """The values that are shown to be better than another one, and no other one, or a reversal, speaks against."""
    ahead, behind = dict[str, None](), set[str]()
    for pair in pairs:
        if pair.significant:
            winner, loser = (pair.one, pair.other) if pair.better.middle > 0.5 else (pair.other, pair.one)
            ahead[winner] = None
            behind.add(loser)
        elif pair.decided:  # by a direction that reverses
            behind |= {pair.one, pair.other}
    return [value for value in ahead if value not in behind]


def _from(value: str, pair: AxisPair) -> AxisPair:
    """The same pair, with a value of it first."""
    if value == pair.one:
        return pair
    return replace(
        pair,
        one=pair.other,
        other=pair.one,
        better=turned(pair.better),
        beside=tuple(map(turned, pair.beside)),
        counts=pair.counts[::-1],
        counts_beside=tuple(counts[::-1] for counts in pair.counts_beside),
        images=1 / (pair.images or math.nan),
    )


def _compared(pair: AxisPair, equal: tuple[str, ...]) -> str:
    """The other value, and how often the first one is better.

    Args:
        equal: the values of the other axis that need no mention.
    """
    share, low, high = pair.better
    numbers = f"{percents(low, high)}; {p_in_words(pair.corrected_p)}{_besides(pair)}"
    return f"{pair.other} in {percent(share)} % ({numbers}{_only(pair, equal)})"


def _only(pair: AxisPair, equal: tuple[str, ...]) -> str:
    """The values of the other axis that a pair has in common, if they are others than `equal`."""
    return "" if set(pair.equal) == set(equal) else f"; with {listed(pair.equal)} alone"


def _besides(pair: AxisPair) -> str:
    """The other things to be said of a comparison: failures, a direction that reverses, and unequal data."""
    words = failed_in_words(pair.failed, pair.runs)
    if reverses(pair.beside):
        words += f"; {_beside(pair)}"
    if abs(pair.images - 1) > ALIKE:
        words += f"; having seen {number(pair.images)} times as many real images"
    return words


def _beside(pair: AxisPair) -> str:
    shares = zip(pair.equal, pair.beside, strict=True)
    return listed([f"{percent(better.middle)} % with {value}" for value, better in shares])


def _cell(pair: AxisPair) -> str:
    shown = "reverses" if pair.decided else "undecided"
    if pair.significant:
        shown = shown_in_words(pair.better, significant=True)
    text = f"{shown}, {share_in_words(pair.better, pair.corrected_p)}"
    if reverses(pair.beside):
        text += f", {_beside(pair)}"
    if pair.counts:
        (lost, of), (other_lost, other_of) = pair.counts
        text = f"{lost} of {of} and {other_lost} of {other_of} runs: {text}"
    return text + failed_in_words(pair.failed, pair.runs)
