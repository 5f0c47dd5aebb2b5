"""Sentences about rankings: which method is better and by how much, or what the seeds leave open."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ganbench.core.formatting import listed, number, percent
from ganbench.results.inference import MIN_SEEDS, Contrast, iqm_difference, seeds_needed
from ganbench.results.pairs_in_words import p_in_words
from ganbench.results.ranking import Ranking, values
from ganbench.results.verdict_words import format_words

NAMED = 3
"""Number of rivals that are named in a sentence."""


def sentences(rankings: Iterable[Ranking]) -> list[str]:
    """One sentence per setting and result, then those about failed seeds and about false findings.

    Metrics with the same sentence share it.
    """
    rankings = list(rankings)
    several = len({ranking.setting for ranking in rankings}) > 1
    alike: dict[tuple[str, str], list[str]] = {}
    for ranking in rankings:
        alike.setdefault((ranking.setting, answer(ranking)), []).append(ranking.heading)
    for ranking in rankings:
        for note in _open_intervals(ranking):
            alike.setdefault((ranking.setting, note), []).append(ranking.heading)
    answers = [
        (f"{setting}: " if several else "") + f"{', '.join(metrics)}: {sentence}"
        for (setting, sentence), metrics in alike.items()
    ]
    if len(rankings) > 1 and any(ranking.winner for ranking in rankings):
        answers.append(_false_findings(len(rankings)))
    return answers


def answer(ranking: Ranking) -> str:
    """Say which method is better and by how much; or that none is, what can't be excluded, and what would decide."""
    if ranking.winner is not None:
        return _victory(ranking) + _not_good(ranking)
    few = {name: estimate.seeds for name, estimate in ranking.estimates.items() if estimate.seeds < MIN_SEEDS}
    if few:
        name = min(few, key=lambda method: few[method])
        return f"no winner: that takes {MIN_SEEDS} seeds of each, and {name} has {few[name]}"
    parts = [
        f"no winner: {ranking.lead.method} is not shown to be better than {_list_of(ranking.lead.rivals)}",
        _not_excluded(ranking),
    ]
    needed = seeds_needed(
        values(ranking.losses[ranking.lead.method]), [values(ranking.losses[n]) for n in ranking.lead.rivals]
    )
    if needed is not None:
        parts.append(f"if the difference is as large as it looks, about {needed} seeds of each give an even chance")
    return "; ".join(parts)


def _victory(ranking: Ranking) -> str:
    names = sorted(
        (n for n in ranking.estimates if n != ranking.lead.method), key=lambda n: ranking.estimates[n].middle
    )
    pair = ranking.contrast(ranking.lead.method, names[0])
    whom = names[0] if len(names) == 1 else f"every other: than {names[0]}, the next best,"
    left_out = f"; {listed(ranking.left_out)} left out, for lack of scores" if ranking.left_out else ""
    return f"{ranking.lead.method} is better than {whom}{size_in_words(pair)} ({chance_in_words(pair)}){left_out}"


def size_in_words(pair: Contrast) -> str:
    """Say by how much the first of two methods is better, as in ` by 3 [1 – 5]`; empty if that isn't known."""
    middle, low, high = pair.difference
    if not math.isfinite(middle):
        return ""
    return f" by {number(-middle)}" + (f" [{number(-high)} – {number(-low)}]" if not math.isnan(low) else "")


def chance_in_words(pair: Contrast) -> str:
    """Say how often a seed of the first of two methods is better, with the p-value."""
    share, least, most = pair.probability
    interval = f"{100 * least:.0f} – {100 * most:.0f} %"
    return f"its seed is better in {percent(share)} % of pairs [{interval}], {p_in_words(pair.p)}"


def _not_excluded(ranking: Ranking) -> str:
    """The largest difference, of either sign, within the intervals of the leader's differences from its rivals."""
    best = values(ranking.losses[ranking.lead.method])
    differences = [iqm_difference(best, values(ranking.losses[name])) for name in ranking.lead.rivals]
    bounds = [abs(bound) for difference in differences for bound in difference[1:]]
    if any(math.isinf(bound) for bound in bounds):
        return "because of failed seeds, no difference can be excluded, however large"
    return f"a difference of up to {number(max(bounds))} can't be excluded"


def _open_intervals(ranking: Ranking) -> list[str]:
    """Say why a method's value or its interval has no worse end."""
    notes = []
    for name, estimate in ranking.estimates.items():
        failed = f"{estimate.failed} of {estimate.seeds} seeds {'has' if estimate.failed == 1 else 'have'} no score"
        if math.isinf(estimate.middle):
            reason = failed if estimate.failed else "infinite scores"
            notes.append(f"{name} has no finite value: {reason}, more than a quarter")
        elif math.isinf(estimate.high):
            notes.append(
                f"the interval of {name} has no worse end: {failed}, so more than a quarter of all its seeds may fail"
            )
    return notes


def _not_good(ranking: Ranking) -> str:
    """Say so if the best method is no success: if no verdict on its seeds is GOOD."""
    words = ranking.words.get(ranking.lead.method, {})
    every = sum(words.values()) == ranking.estimates[ranking.lead.method].seeds
    return f", but none of its seeds is GOOD: {format_words(words)}" if every and not words.get("GOOD") else ""


def _false_findings(tables: int) -> str:
    return (
        f"each of these {tables} rankings is tested by itself, at 5 %: where no methods differ, a winner in at least "
        f"one of them has a probability of up to {min(100, 5 * tables)} %"
    )


def _list_of(names: Sequence[str]) -> str:
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return listed([*names[:NAMED], *more])
