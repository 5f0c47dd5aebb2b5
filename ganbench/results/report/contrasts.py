"""Comparisons of methods with a baseline as a table for the terminal, Markdown or LaTeX."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ganbench.core.formatting import number
from ganbench.core.screen import WIDE, wrapped
from ganbench.results.inference import Contrast
from ganbench.results.ranking import Ranking
from ganbench.results.report.tables import METHOD, fitted, latex, markdown, terminal

CONTRASTS_NOTE = (
    "difference: of interquartile means; P(better): probability that a seed is better than one of the baseline; "
    "p: Mann–Whitney test with Holm's correction over all comparisons shown ({count})"
)


def render_contrasts(ranking: Ranking, contrasts: Sequence[Contrast], style: str, width: int = WIDE) -> str:
    """Render comparisons with a baseline: first the effects with their intervals, then the p-value."""
    head = [
        f"{ranking.heading}: against {contrasts[0].second}",
        "difference",
        "95 % interval",
        "P(better)",
        "95 % interval",
        "p (Holm)",
        "seeds",
    ]
    rows = []
    for contrast in contrasts:
        difference, probability = contrast.difference, contrast.probability
        low, high = sorted((ranking.score(difference.low), ranking.score(difference.high)))
        rows.append(
            [
                contrast.first,
                number(ranking.score(difference.middle)),
                "–" if math.isnan(low) else f"{number(low)} – {number(high)}",
                f"{probability.middle:.2f}",
                f"{probability.low:.2f} – {probability.high:.2f}",
                "–" if math.isnan(contrast.corrected_p) else f"{contrast.corrected_p:.2g}",
                f"{contrast.seeds[0]} / {contrast.seeds[1]}",
            ]
        )
    others = {"markdown": markdown, "latex": latex}
    if style in others:
        return others[style](head, rows)
    if width >= WIDE:
        return terminal(head, rows)
    short = [METHOD, "difference", "P(better)", "p (Holm)", "seeds"]
    together = [
        [name, _with_interval(size, interval), _with_interval(chance, its_interval), *rest]
        for name, size, interval, chance, its_interval, *rest in rows
    ]
    return f"{wrapped(head[0], width)}\n{fitted(short, together, facts=['seeds'], optional=['seeds'], width=width)}"


def _with_interval(text: str, interval: str) -> str:
    return text if interval == "–" else f"{text} [{interval}]"
