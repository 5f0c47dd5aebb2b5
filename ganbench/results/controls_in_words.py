"""Sentences on what the balanced controls of a dose study show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ganbench.core.formatting import listed, number, percent
from ganbench.results.at_equal_doses import doses_in_words, of_what
from ganbench.results.balanced_controls import Imbalance
from ganbench.results.brief import Brief
from ganbench.results.pairs_in_words import all_in_words, p_in_words


def controls_in_brief(methods: Sequence[Imbalance], words: Mapping[str, str]) -> Brief | None:
    """Say how many runs collapse, balanced and not, where balanced ones do better; None where they don't.

    The runs of all methods are counted: those that do better alone would collapse more often.

    Args:
        methods: those with controls, of one kind of dose.
        words: the first word of each run's verdict, by its id.
    """
    better = [each for each in methods if each.significant and each.does_better]
    if not better:
        return None
    unbalanced_called, balanced_called = (
        sum(words.get(run) == "COLLAPSED" for run in frozenset().union(*ids))
        for ids in ([each.unbalanced_runs for each in methods], [each.balanced_runs for each in methods])
    )
    first, balanced, unbalanced = methods[0], *_counts(methods)
    several = len(methods) > 1
    parts = f"{'all' if len(better) == len(methods) else f'{len(better)} of'} {len(methods)} parts"
    doses = doses_in_words(*(method.found.doses for method in methods))
    span, numbers = all_in_words([each.found.better for each in better], [each.corrected_p for each in better])
    by_part = ", depending on the part" if " to " in span else ", with each part" * (len(better) > 1)
    gaining = [each for each in methods if each.significant and not each.does_better]
    open_ones = [each for each in methods if not each.significant]
    updates = "updates of the discriminator" + " and fewer of the generator" * any(each.shorter for each in methods)
    worse = f"worse by {first.found.rule.metric} with {parts if several else first.name}"
    by_dose = _counts_by_dose(methods, [method.found.other_counts for method in methods])
    balanced_by_dose = _counts_by_dose(methods, [method.found.counts for method in methods])
    details = [
        by_dose
        and f"Of unbalanced runs, {by_dose}" + f"; of balanced ones, {balanced_by_dose}" * bool(balanced_by_dose),
        _spare_in_words(methods),
        f"The verdict is COLLAPSED for {unbalanced_called} unbalanced and {balanced_called} balanced runs",
        gaining and f"A balanced run is better with {listed(list(map(_in_pairs, gaining)))}",
        open_ones and f"Undecided with {listed(list(map(_in_pairs, open_ones)))}",
    ]
    return Brief(
        f"Unbalanced runs are {worse} ({of_what(doses, first.what)})",
        f"{unbalanced} unbalanced runs on {first.dataset} have {rule_in_words(methods)}, and {balanced} balanced ones "
        f"after as many {updates}; a balanced run is better in {span} of pairs{by_part} "
        f"({numbers})",
        [sentence for sentence in details if sentence],
    )


def _in_pairs(method: Imbalance) -> str:
    """Return how often a balanced run is better: “minibatch discrimination in 0 % (at 5; p = 0.016)”."""
    found = method.found
    return (
        f"{method.name} in {percent(found.better.middle)} % (at {doses_in_words(found.doses)}; "
        f"{p_in_words(method.corrected_p)})"
    )


def _counts_by_dose(methods: Sequence[Imbalance], counts: Sequence[tuple[tuple[int, int], ...]]) -> str:
    """Numbers of collapsed runs by dose, “4 of 56 at 2 and 18 of 49 at 3”; empty for a single dose."""
    by_dose = _summed(
        (dose, *count)
        for method, at_doses in zip(methods, counts, strict=True)
        for dose, count in zip(method.found.doses, at_doses, strict=True)
    )
    each = [f"{collapsed} of {total} at {number(dose)}" for dose, collapsed, total in by_dose]
    return listed(each) if len(each) > 1 and any(collapsed for _, collapsed, _ in by_dose) else ""


def _spare_in_words(methods: Sequence[Imbalance]) -> str:
    """Balanced runs without unbalanced partners: “Of those without unbalanced partners so far, 34 of 49 after …”."""
    totals = _summed(spare for method in methods for spare in method.spare)
    each = [f"{collapsed} of {total} after {number(updates)} updates" for updates, collapsed, total in totals]
    return f"Of balanced ones without unbalanced partners so far, {listed(each)}" if each else ""


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


def rule_in_words(methods: Sequence[Imbalance]) -> str:
    """Return “kl_corrected > 1”, or “kl_corrected > 1 or no score” if runs failed."""
    return f"{methods[0].found.rule}{' or no score' * any(method.found.failed for method in methods)}"
