"""Answers as a grid of methods and metrics: which are the best, which may be, and which are shown to be worse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ganbench.results.answers import answer, chance_in_words, size_in_words
from ganbench.results.inference import MIN_SEEDS
from ganbench.results.ranking import Ranking

BETTER, OPEN, TOO_FEW, WORSE, UNRANKED = "✓", "≈", "?", "✗", "–"


@dataclass(frozen=True)
class Cell:
    """One method by one metric: a mark, and the same in a sentence."""

    mark: str
    sentence: str


@dataclass(frozen=True)
class Grid:
    """The methods of one setting, each with a cell for each metric."""

    setting: str
    metrics: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def answer_grids(rankings: Iterable[Ranking]) -> list[Grid]:
    """Make a grid for each setting, with its methods in alphabetical order.

    A method is `BETTER` if it is shown to be better than every other, `WORSE` if the leading one is shown to be better
    than it, and `OPEN` otherwise; `TOO_FEW` if a method has too few seeds for that. Without a score to rank it by, it
    is `UNRANKED`.
    """
    by_setting: dict[str, list[Ranking]] = {}
    for ranking in rankings:
        by_setting.setdefault(ranking.setting, []).append(ranking)
    grids = []
    for setting, alike in by_setting.items():
        methods = sorted({name for ranking in alike for name in ranking.estimates})
        rows = [(name, [_cell(ranking, name) for ranking in alike]) for name in methods]
        grids.append(Grid(setting, [ranking.metric for ranking in alike], rows))
    return grids


def _cell(ranking: Ranking, name: str) -> Cell:
    leading = ranking.lead.method
    few = {method for method, estimate in ranking.estimates.items() if estimate.seeds < MIN_SEEDS}
    if name not in ranking.estimates:
        return Cell(UNRANKED, f"{name} can't be ranked by {ranking.metric}")
    if name == leading:
        undecided = TOO_FEW if few else OPEN
        return Cell(undecided if ranking.lead.rivals else BETTER, f"{ranking.metric}: {answer(ranking)}")
    pair = ranking.contrast(leading, name)
    if name not in ranking.lead.rivals:
        sentence = f"{leading} is better than {name}{size_in_words(pair)} ({chance_in_words(pair)})"
        return Cell(WORSE, f"{ranking.metric}: {sentence}")
    words = f"{ranking.metric}: {leading} is not shown to be better than {name}"
    if few & {leading, name}:
        fewest = min(leading, name, key=lambda method: ranking.estimates[method].seeds)
        seeds = ranking.estimates[fewest].seeds
        return Cell(TOO_FEW, f"{words}: that takes {MIN_SEEDS} seeds of each, and {fewest} has {seeds}")
    return Cell(OPEN, f"{words}: it leads{size_in_words(pair)}; {chance_in_words(pair)}")
