"""Summary of a group over its seeds, for the parent run: medians of the headline metrics, and counts of verdicts."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ganbench.tracking.base import Status
from ganbench.tracking.metric_facts import RunMetrics

FINAL, BY_STEP = "1 median/", "2 by step/"
"""Prefixes of the medians' names. MLflow makes a section of its page of each, in alphabetical order."""
MAX_DESCRIPTION = 4000
"""Characters of a description, of which the rest is left out."""

Curve = Mapping[int, float]
"""Values of a metric by step."""


@dataclass(frozen=True)
class SeedResult:
    """The result of a seed that has ended.

    Attributes:
        ended_at: the step at which it ended.
        final: its final scores by metric.
        curves: its intermediate scores by metric and step.
        word: the word of its verdict; empty if there is none.
        text: its verdict in words.
    """

    seed: int
    status: Status
    ended_at: int
    final: Mapping[str, float]
    curves: Mapping[str, Curve]
    word: str = ""
    text: str = ""


def medians(seeds: Sequence[SeedResult], metrics: RunMetrics) -> Iterator[tuple[str, int, float]]:
    """Yield the name, step and value of each median over seeds; a diverged seed counts as worse than every other.

    Final scores have step 0, with which MLflow draws bars. A seed that was given up as collapsed keeps its last
    intermediate score. Without a score of more than half of the seeds, a median is NaN.
    """
    for metric in metrics.headline:
        direction = metrics.facts[metric].direction if metric in metrics.facts else ""
        if any(metric in seed.final for seed in seeds):
            yield f"{FINAL}{metric}", 0, _median([seed.final.get(metric, math.nan) for seed in seeds], direction)
        curves = [seed.curves.get(metric, {}) for seed in seeds]
        for step in sorted({step for curve in curves for step in curve}):
            values = [_value_at(step, seed, curve) for seed, curve in zip(seeds, curves, strict=True)]
            yield f"{BY_STEP}{metric}", step, _median(values, direction)


def _value_at(step: int, seed: SeedResult, curve: Curve) -> float:
    """The value of a seed at a step; NaN if it has diverged by then."""
    if seed.status == "diverged" and step >= seed.ended_at:
        return math.nan
    return next((curve[known] for known in sorted(curve, reverse=True) if known <= step), math.nan)


def _median(values: Sequence[float], direction: str) -> float:
    scored = [value for value in values if not math.isnan(value)]
    failed = len(values) - len(scored)
    if failed >= len(scored):
        return math.nan
    if direction in ("lower", "higher"):
        scored += [math.inf if direction == "lower" else -math.inf] * failed
    return statistics.median(scored)  # nearer to real data is better: a failed seed is as bad on either side


def counted_words(seeds: Sequence[SeedResult]) -> str:
    """Count the words of verdicts, the most frequent one first: `GOOD 6, PARTLY 3, DIVERGED 1`; empty without any."""
    counts = Counter(seed.word for seed in seeds if seed.word)
    return ", ".join(f"{word} {count}" for word, count in counts.most_common())


def description(seeds: Sequence[SeedResult]) -> str:
    """Describe a group in Markdown: the counts of its verdicts, then the verdict on each seed; empty without any."""
    counts = Counter(seed.word for seed in seeds if seed.word).most_common()
    if not counts:
        return ""
    (first, count), *others = counts
    phrases = [f"**{_escaped(first)}** in {count} of {len(seeds)} seed{'s' * (len(seeds) != 1)}"]
    phrases += [f"{_escaped(word)} in {count}" for word, count in others]
    lines = [", ".join(phrases), ""]
    for place, seed in enumerate(sorted(seeds, key=lambda result: result.seed)):
        line = f"- seed {seed.seed}: {for_description(seed.word, seed.text)}"
        if sum(map(len, lines)) + len(line) > MAX_DESCRIPTION:
            return "\n".join([*lines, f"- and {len(seeds) - place} more"])
        lines.append(line)
    return "\n".join(lines)


def for_description(word: str, text: str) -> str:
    """A verdict in Markdown; modes may have any name, which is no markup."""
    return f"{_escaped(word)}: {_escaped(text)}" if word else _escaped(text)


def _escaped(text: str) -> str:
    """Text on one line, in which nothing is markup."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").translate(_MARKUP)


_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\`*_[]!#|~"})
