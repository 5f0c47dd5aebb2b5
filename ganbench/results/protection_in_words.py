"""Sentences on the parts of a dose study: which protect, and which do better or worse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.at_equal_doses import doses_in_words
from ganbench.results.brief import Brief
from ganbench.results.pairs_in_words import ALIKE, failed_in_words, p_in_words, pairs_in_words
from ganbench.results.protection import Protection

NO_ROOM = 0.95
"""Share of balanced pairs from which on a lead can hardly get larger."""


def protecting_in_brief(compared: Sequence[Protection]) -> Brief | None:
    """Say which of the methods protect, of those compared with the same one; None without controls."""
    tested = [each for each in compared if each.balanced is not None]
    if not tested:
        return None
    protecting = [each for each in tested if each.protects]
    first, several = tested[0], len(tested) > 1
    if protecting:
        protects = f"{listed([each.name for each in protecting])} {'protect' if len(protecting) > 1 else 'protects'}"
        doses = _doses({dose for each in protecting for dose in each.spared_at})
        each_of = listed([protection_in_words(each) for each in protecting])
        evidence = f"fewer runs collapse than with {first.baseline}: {each_of}"
    else:
        protects = f"{'none is' if several else f'{first.name} is not'} shown to protect"
        doses = doses_in_words([each.found for each in tested])
        counts = listed([_counts(each) for each in tested])
        evidence = f"not shown to have {_rule(first)} in fewer runs than {first.baseline}: {counts}"
    if only_even := [each for each in tested if each.falls_less and not each.protects]:
        even = listed([f"{each.name} ({collapsed_in_words(each)})" for each in only_even])
        evidence += f". More even, but no fewer miss a mode: {even}"
    if losing := [each for each in tested if each.is_behind_its_controls]:
        changes = listed([f"{each.name} ({lead_in_words(each)})" for each in losing])
        evidence += (
            f". By {first.found.rule.metric}, less often better than {first.baseline} than when balanced: {changes}"
        )
    if untested := [each.name for each in compared if each.balanced is None]:
        evidence += f". Not known of {listed(untested)}: the balanced controls have not run"
    return Brief(
        f"{f'Of {len(tested)} parts, ' * several}{protects} ({first.what}: {doses})", f"On {first.dataset}, {evidence}"
    )


def better_in_brief(part: Protection) -> Brief | None:
    """Say of a part that is shown to do better or worse than another one how often its run is; None otherwise."""
    if part.graded is None or not part.significant:
        return None
    compared, numbers = pairs_in_words(part.graded.better, part.corrected_p, significant=True)
    total = part.graded.total + part.graded.other_total
    does = "better" if part.graded.better.middle > 0.5 else "worse"
    return Brief(
        f"{part.name} does {does} than {part.baseline} ({part.what}: {doses_in_words([part.graded])})",
        f"At equal doses on {part.dataset}, its run is {compared} by {part.found.rule.metric} "
        f"({numbers}{failed_in_words(part.graded.failed, total)}{_beside(part)}{_changed(part)})",
    )


def lead_in_words(part: Protection) -> str:
    """Return “in 76 % of pairs (51 % at 3 and 100 % at 10), balanced in 0 %: …”; empty without controls."""
    if part.lead is None or part.graded is None:
        return ""
    doses = part.lead.doses
    at = f" at {_doses(doses)}" if len(doses) == 1 else f" ({part.graded.at_each()})"
    share, balanced = percent(part.lead.share), percent(part.lead.elsewhere)
    return f"in {share} % of pairs{at}, balanced in {balanced} %: {part.lead.words()}"


def collapsed_in_words(part: Protection) -> str:
    """Return “0 of 7 runs have kl_corrected > 1, and 6 of 7 of non-saturating (p = 0.037); balanced, …”."""
    (own, of), (other, other_of) = part.collapsed.own, part.collapsed.other
    counts = f"{own} of {of} runs have {_rule(part)}, and {other} of {other_of} of {part.baseline}"
    words = f"{counts} ({p_in_words(part.collapsed.corrected_p)})"
    if part.balanced is not None:
        balanced = part.balanced
        words += f"; balanced, {balanced.collapsed} of {balanced.total} and {balanced.other_collapsed} of "
        words += f"{balanced.other_total}"
    if part.collapsed.missing:
        (own, of), (other, other_of) = part.collapsed.missing
        words += f"; a mode is missing in {own} of {of} and {other} of {other_of} at {_doses(part.spared_at)}"
    return words


def protection_in_words(part: Protection) -> str:
    """Say by what a method that protects is shown to, and how good its samples are."""
    good = ""
    if part.good:
        own, other = map(percent, part.good)
        good = f"; {own} % of its samples are good at {_doses(part.spared_at)}, and {other} % of {part.baseline}'s"
    return f"{part.name} ({collapsed_in_words(part)}{good})"


def _counts(part: Protection) -> str:
    (own, of), (other, other_of) = part.collapsed.own, part.collapsed.other
    return f"{part.name} in {own} of {of} ({other} of {other_of}; {p_in_words(part.collapsed.corrected_p)})"


def _rule(part: Protection) -> str:
    return f"{part.found.rule}{' or no score' * (part.found.failed > 0)}"


def _beside(part: Protection) -> str:
    """The difference in data, if there is one, and the same comparison without an imbalance."""
    words = _more_images("; it saw", part.images)
    if part.balanced is not None:
        share, low, high = part.balanced.better
        words += f"; balanced, its run is better in {percent(share)} % of pairs ({percents(low, high)})"
        words += _more_images(", having seen", part.balanced_images)
    return words


def _changed(part: Protection) -> str:
    if part.lead is None or part.balanced is None:
        return ""
    if part.lead.significant:
        return f"; its lead is {'larger' if part.lead.by.middle > 0 else 'smaller'} than balanced"
    full = part.balanced.better.middle >= NO_ROOM
    return ", and can hardly be more often" if full else "; its lead is not shown to be another one than balanced"


def _doses(doses: Iterable[float]) -> str:
    return listed([number(dose) for dose in sorted(doses)])


def _more_images(words: str, images: Sequence[float]) -> str:
    if not any(abs(times - 1) > ALIKE for times in images):
        return ""
    times = [number(each) for each in images]
    times = times[:1] if len(set(times)) == 1 else times
    return f"{words} {listed(times)} times as many real images"
