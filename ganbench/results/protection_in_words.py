"""Sentences on the parts of a dose study: which protect, and which do better or worse."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.at_equal_doses import doses_in_words, of_what
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
        doses = doses_in_words(*(each.spared_at for each in protecting))
        evidence = "; ".join(f"{collapsed_in_words(each)}{_good(each)}" for each in protecting)
        details = list(map(_balanced, protecting))
    else:
        protects = f"{'none is' if several else f'{first.name} is not'} shown to protect"
        doses = doses_in_words(*(each.found.doses for each in tested))
        fewer = [each for each in tested if each.collapsed.excess > 0]
        nearest = min(fewer or tested, key=lambda each: (each.collapsed.p, each.collapsed.loses_modes))
        evidence = f"{collapsed_in_words(nearest)}{'; no part with fewer such runs has a smaller p' * several}"
        if several and not fewer:
            evidence = f"no part has fewer runs with {_rule(first)} than {first.baseline}"
        elif nearest.collapsed.significant and not nearest.falls_less:
            evidence += f". {_balanced(nearest)}"
        details = [f"Runs with {_rule(first)}: {listed(list(map(_counts, tested)))}"] * several
    details += [
        f"More even, but no fewer miss a mode: {collapsed_in_words(each)}{_good(each)}. {_balanced(each)}"
        for each in tested
        if each.falls_less and not each.protects
    ]
    if losing := [each for each in tested if each.is_behind_its_controls]:
        changes = listed([f"{each.name} ({lead_in_words(each)})" for each in losing])
        details.append(
            f"By {first.found.rule.metric}, less often better than {first.baseline} than when balanced: {changes}"
        )
    if untested := [each.name for each in compared if each.balanced is None]:
        details.append(f"Not known of {listed(untested)}: the balanced controls have not run")
    headline = f"{f'Of {len(tested)} parts, ' * several}{protects} ({of_what(doses, first.what)})"
    return Brief(headline, f"On {first.dataset}, {evidence}", details)


def better_in_brief(part: Protection) -> Brief | None:
    """Say of a part that is shown to do better or worse than another one how often its run is; None otherwise."""
    if part.graded is None or not part.significant:
        return None
    compared, numbers = pairs_in_words(part.graded.better, part.corrected_p, significant=True)
    total = part.graded.total + part.graded.other_total
    does = "better" if part.graded.better.middle > 0.5 else "worse"
    return Brief(
        f"{part.name} does {does} than {part.baseline} ({of_what(doses_in_words(part.graded.doses), part.what)})",
        f"At equal doses on {part.dataset}, its run is {compared} by {part.found.rule.metric} "
        f"({numbers}{failed_in_words(part.graded.failed, total)}{_more_images('; it saw', part.images)})"
        f"{_when_balanced(part)}",
        _balanced_details(part),
    )


def lead_in_words(part: Protection) -> str:
    """Return “in 76 % of pairs (51 % at 3 and 100 % at 10), balanced in 0 %: …”; empty without controls."""
    if part.lead is None or part.graded is None:
        return ""
    doses = part.lead.doses
    at = f" at {doses_in_words(doses)}" if len(doses) == 1 else f" ({part.graded.at_each()})"
    share, balanced = percent(part.lead.share), percent(part.lead.elsewhere)
    return f"in {share} % of pairs{at}, balanced in {balanced} %: {part.lead.words()}"


def collapsed_in_words(part: Protection) -> str:
    """Return “0 of 7 runs of R1 have kl_corrected > 1, and 6 of 7 of non-saturating (p = 0.037); a mode is …”."""
    (own, of), (other, other_of) = part.collapsed.own, part.collapsed.other
    counts = f"{own} of {of} runs of {part.name} have {_rule(part)}, and {other} of {other_of} of {part.baseline}"
    words = f"{counts} ({p_in_words(part.collapsed.corrected_p)})"
    if part.collapsed.missing:
        (own, of), (other, other_of) = part.collapsed.missing
        words += f"; a mode is missing in {own} of {of} and {other} of {other_of} at {doses_in_words(part.spared_at)}"
    return words


def _good(part: Protection) -> str:
    """Return “; 3 % and 0 % of the samples are good”: few may be, even where no mode is missing."""
    if not part.good:
        return ""
    own, other = map(percent, part.good)
    return f"; {own} % and {other} % of the samples are good"


def _balanced(part: Protection) -> str:
    """Return “Balanced, 0 of 7 and 1 of 7 have kl_corrected > 1”, of a part with controls."""
    found = part.balanced
    assert found is not None
    counts = f"{found.collapsed} of {found.total} and {found.other_collapsed} of {found.other_total}"
    return f"Balanced, {counts} have {_rule(part)}"


def _counts(part: Protection) -> str:
    (own, of), (other, other_of) = part.collapsed.own, part.collapsed.other
    return f"{part.name} in {own} of {of} ({other} of {other_of}; {p_in_words(part.collapsed.corrected_p)})"


def _rule(part: Protection) -> str:
    return f"{part.found.rule}{' or no score' * (part.found.failed > 0)}"


def _when_balanced(part: Protection) -> str:
    """Return “; balanced, it is in 99 %”: of pairs, better or worse as it is unbalanced."""
    if part.balanced is None or part.graded is None:
        return ""
    share = part.balanced.better.middle if part.graded.better.middle > 0.5 else 1 - part.balanced.better.middle
    return f"; balanced, it is in {percent(share)} %"


def _balanced_details(part: Protection) -> list[str]:
    """The comparison without an imbalance, and whether the lead is another one with it."""
    if part.balanced is None:
        return []
    share, low, high = part.balanced.better
    words = f"Balanced, its run is better in {percent(share)} % of pairs ({percents(low, high)})"
    words += _more_images(", having seen", part.balanced_images)
    if part.lead is None:
        return [words]
    if part.lead.significant:
        return [f"{words}; its lead is {'larger' if part.lead.by.middle > 0 else 'smaller'} than balanced"]
    if share >= NO_ROOM:
        return [f"{words}, and can hardly be more often"]
    return [f"{words}; its lead is not shown to be another one than balanced"]


def _more_images(words: str, images: Sequence[float]) -> str:
    if not any(abs(times - 1) > ALIKE for times in images):
        return ""
    times = [number(each) for each in images]
    times = times[:1] if len(set(times)) == 1 else times
    return f"{words} {listed(times)} times as many real images"
