"""Answers as a grid of methods and metrics: which methods are better than all others, or than a baseline, or worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ganbench.results.answers import answer, chance_in_words, size_in_words
from ganbench.results.inference import MIN_SEEDS, Contrast, shows_better
from ganbench.results.ranking import Ranking, against

BETTER, OPEN, TOO_FEW, WORSE, UNRANKED, BASELINE = "✓", "≈", "?", "✗", "–", "•"


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


def answer_grids(rankings: Sequence[Ranking]) -> list[Grid]:
    """Make a grid for each setting, with its methods in alphabetical order.

    A method is `BETTER` if it is shown to be better than every other, `WORSE` if the leading one is shown to be better
    than it, and `OPEN` otherwise; `TOO_FEW` if a method has too few seeds for that. Without a score to rank it by, it
    is `UNRANKED`.
    """
    return _grids(rankings, [{name: _cell(ranking, name) for name in ranking.estimates} for ranking in rankings])


def baseline_grids(rankings: Sequence[Ranking], baseline: str) -> list[Grid]:
    """Make a grid for each setting in which every other method is compared with a baseline.

    A method is `BETTER` or `WORSE` if it is shown to be, with Holm's correction over all of these comparisons, and
    `OPEN` otherwise; `TOO_FEW` if it or the baseline has too few seeds for that, and `UNRANKED` without a score.

    Raises:
        GanbenchError: in some setting there is no such method, or several have that name.
    """
    compared = zip(rankings, against(rankings, baseline), strict=True)
    return _grids(rankings, [_cells_against(ranking, pairs) for ranking, pairs in compared])


def _grids(rankings: Sequence[Ranking], cells: Sequence[Mapping[str, Cell]]) -> list[Grid]:
    """Arrange the cells of each ranking, by method, as one grid for each setting."""
    by_setting: dict[str, list[tuple[str, Mapping[str, Cell]]]] = {}
    for ranking, cells_of_ranking in zip(rankings, cells, strict=True):
        by_setting.setdefault(ranking.setting, []).append((ranking.heading, cells_of_ranking))
    grids = []
    for setting, columns in by_setting.items():
        methods = sorted({name for _, column in columns for name in column})
        rows = [
            (
                name,
                [column.get(name, Cell(UNRANKED, f"{name} can't be ranked by {metric}")) for metric, column in columns],
            )
            for name in methods
        ]
        grids.append(Grid(setting, [metric for metric, _ in columns], rows))
    return grids


def _cells_against(ranking: Ranking, pairs: Sequence[Contrast]) -> dict[str, Cell]:
    """The cells of one ranking; `pairs` compare each other method with the baseline, with corrected p-values."""
    baseline = pairs[0].second
    cells = {baseline: Cell(BASELINE, f"{ranking.heading}: {baseline} is the baseline")}
    for pair in pairs:
        # The sentence gives the p-value that decides.
        forth = replace(pair, p=pair.corrected_p)
        back = replace(ranking.contrast(baseline, pair.first), p=pair.corrected_p, corrected_p=pair.corrected_p)
        winner = next((one for one in (forth, back) if shows_better(one)), None)
        if winner is not None:
            sentence = (
                f"{winner.first} is better than {winner.second}{size_in_words(winner)} ({chance_in_words(winner)})"
            )
            cells[pair.first] = Cell(BETTER if winner is forth else WORSE, f"{ranking.heading}: {sentence}")
            continue
        words = f"{ranking.heading}: {pair.first} is not shown to be better or worse than {baseline}"
        fewest, method = min(zip(pair.seeds, (pair.first, baseline), strict=True))
        if fewest < MIN_SEEDS:
            cells[pair.first] = Cell(
                TOO_FEW, f"{words}: that takes {MIN_SEEDS} seeds of each, and {method} has {fewest}"
            )
        else:
            cells[pair.first] = Cell(OPEN, f"{words}: {chance_in_words(forth)}")
    return cells


def _cell(ranking: Ranking, name: str) -> Cell:
    leading = ranking.lead.method
    few = {method for method, estimate in ranking.estimates.items() if estimate.seeds < MIN_SEEDS}
    if name == leading:
        undecided = TOO_FEW if few else OPEN
        return Cell(undecided if ranking.lead.rivals else BETTER, f"{ranking.heading}: {answer(ranking)}")
    pair = ranking.contrast(leading, name)
    if name not in ranking.lead.rivals:
        sentence = f"{leading} is better than {name}{size_in_words(pair)} ({chance_in_words(pair)})"
        return Cell(WORSE, f"{ranking.heading}: {sentence}")
    words = f"{ranking.heading}: {leading} is not shown to be better than {name}"
    if few & {leading, name}:
        fewest = min(leading, name, key=lambda method: ranking.estimates[method].seeds)
        seeds = ranking.estimates[fewest].seeds
        return Cell(TOO_FEW, f"{words}: that takes {MIN_SEEDS} seeds of each, and {fewest} has {seeds}")
    return Cell(OPEN, f"{words}: it leads{size_in_words(pair)}; {chance_in_words(pair)}")
