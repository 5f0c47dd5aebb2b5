"""Sentences on what the balanced controls of a dose study show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ganbench.core.formatting import listed, number, percent
from ganbench.results.at_equal_doses import doses_in_words
from ganbench.results.balanced_controls import Controls, Imbalance
from ganbench.results.brief import Brief
from ganbench.results.pairs_in_words import p_in_words


def control_summaries(controls: Controls) -> list[str]:
    """Say for each kind of dose what all its methods show together, if any of them shows a difference."""
    return [summary for methods in controls.kinds() for summary in _summaries(methods)]


def controls_in_brief(controls: Controls, words: Mapping[str, str]) -> list[Brief]:
    """Say for each kind of dose how many runs collapse, where balanced runs do better.

    Args:
        words: the first word of each run's verdict, by its id.
    """
    better = [[each for each in methods if each.significant and each.does_better] for methods in controls.kinds()]
    return [_kind_in_brief(*pair, words) for pair in zip(better, controls.kinds(), strict=True) if pair[0]]


def _summaries(methods: Sequence[Imbalance]) -> list[str]:
    """A sentence on the methods that do better balanced, and one on those that do worse, of one kind of dose."""
    return [
        _summary([method for method in methods if method.significant and method.does_better is better], len(methods))
        for better in (True, False)
        if any(method.significant and method.does_better is better for method in methods)
    ]


def _kind_in_brief(better: Sequence[Imbalance], methods: Sequence[Imbalance], words: Mapping[str, str]) -> Brief:
    """Count the runs of all methods with controls: those that do better alone would collapse more often."""
    unbalanced_called, balanced_called = (
        sum(words.get(run) == "COLLAPSED" for run in frozenset().union(*ids))
        for ids in ([each.unbalanced_runs for each in methods], [each.balanced_runs for each in methods])
    )
    first, balanced, unbalanced = methods[0], *_counts(methods)
    several = len(methods) > 1
    parts = f"{'all' if len(better) == len(methods) else f'{len(better)} of'} {len(methods)} parts"
    largest = p_in_words(max(each.corrected_p for each in better))
    doses = doses_in_words(method.found for method in methods)
    span = _span(better)
    by_part = "" if not several else ", with each part" if " to " not in span else ", depending on the part"
    gaining = [each for each in methods if each.significant and not each.does_better]
    gains = f", and better with {listed([each.name for each in gaining])}" if gaining else ""
    gained = f", and with {listed(list(map(_in_pairs, gaining)))}" if gaining else ""
    open_ones = [each for each in methods if not each.significant]
    undecided = f"; undecided with {listed(list(map(_in_pairs, open_ones)))}" if open_ones else ""
    updates = "updates of the discriminator" + " and fewer of the generator" * any(each.shorter for each in methods)
    worse = f"worse by {first.found.rule.metric} with {parts if several else first.name}{gains}"
    by_dose = _counts_by_dose(methods, [method.found.other_counts for method in methods])
    balanced_by_dose = _counts_by_dose(methods, [method.found.counts for method in methods])
    return Brief(
        f"Unbalanced runs are {worse} ({first.what}: {doses})",
        f"{unbalanced} unbalanced runs on {first.dataset} have {_rule(methods)}{by_dose}, and {balanced} balanced ones "
        f"after as many {updates}{balanced_by_dose}{_spare_in_words(methods)}; the verdict is "
        f"COLLAPSED for {unbalanced_called} and for {balanced_called}. A balanced run is better in {span} of pairs"
        f"{by_part} ({largest}{' or less' * several}){gained}{undecided}",
    )


def _in_pairs(method: Imbalance) -> str:
    """Return how often a balanced run is better: “minibatch discrimination in 0 % (at 5; p = 0.016)”."""
    found = method.found
    return (
        f"{method.name} in {percent(found.better.middle)} % (at {doses_in_words([found])}; "
        f"{p_in_words(method.corrected_p)})"
    )


def _counts_by_dose(methods: Sequence[Imbalance], counts: Sequence[tuple[tuple[int, int], ...]]) -> str:
    """Numbers of collapsed runs by dose, “ (4 of 56 at 2 and 18 of 49 at 3)”; empty for a single dose."""
    by_dose = _summed(
        (dose, *count)
        for method, at_doses in zip(methods, counts, strict=True)
        for dose, count in zip(method.found.doses, at_doses, strict=True)
    )
    each = [f"{collapsed} of {total} at {number(dose)}" for dose, collapsed, total in by_dose]
    return f" ({listed(each)})" if len(each) > 1 and any(collapsed for _, collapsed, _ in by_dose) else ""


def _spare_in_words(methods: Sequence[Imbalance]) -> str:
    """Balanced runs without unbalanced partners: “; of those without unbalanced partners so far, 34 of 49 after …”."""
    totals = _summed(spare for method in methods for spare in method.spare)
    each = [f"{collapsed} of {total} after {number(updates)} updates" for updates, collapsed, total in totals]
    return f"; of balanced ones without unbalanced partners so far, {listed(each)}" if each else ""


def _summed(counts: Iterable[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """The sums of both numbers for each first one, in order."""
    sums: dict[float, tuple[int, int]] = {}
    for place, collapsed, total in counts:
        before = sums.get(place, (0, 0))
        sums[place] = (before[0] + collapsed, before[1] + total)
    return [(place, *both) for place, both in sorted(sums.items())]


def _counts(methods: Sequence[Imbalance]) -> tuple[str, str]:
    """Numbers of balanced runs that collapsed and of all, and the same of unbalanced ones."""
    found = [method.found for method in methods]
    balanced = f"{sum(each.collapsed for each in found)} of {sum(each.total for each in found)}"
    return balanced, f"{sum(each.other_collapsed for each in found)} of {sum(each.other_total for each in found)}"


def _rule(methods: Sequence[Imbalance]) -> str:
    return f"{methods[0].found.rule}{' or no score' * any(method.found.failed for method in methods)}"


def _span(methods: Sequence[Imbalance]) -> str:
    """The lowest and the highest share of pairs: “86 to 100 %”."""
    lowest, highest = (percent(end(method.found.better.middle for method in methods)) for end in (min, max))
    return f"{lowest} to {highest} %" if lowest != highest else f"{lowest} %"


def _summary(methods: Sequence[Imbalance], of: int) -> str:
    first, rule, doses = methods[0], _rule(methods), doses_in_words(method.found for method in methods)
    span = f"{_span(methods)} of pairs at equal doses{', by part' * (len(methods) > 1)}"
    balanced, unbalanced = _counts(methods)
    words = "better" if first.does_better else "worse"
    names = "; ".join(method.name for method in methods)
    largest = max(method.corrected_p for method in methods)
    return (
        f"Balanced runs do {words} than unbalanced ones by {first.found.rule.metric} after as many discriminator "
        f"updates, with {len(methods)} of {of} part{'s' * (of > 1)} ({names}): a balanced run is better in {span} "
        f"(each corrected p is at most {largest:.2g}; {first.what}: {doses}), {balanced} of them have {rule}, "
        f"and {unbalanced} of the unbalanced ones"
    )
