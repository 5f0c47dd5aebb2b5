"""The words of verdicts on the runs of a tidy table, and their counts by method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from typing import get_args

import pandas as pd

from ganbench.core.mode_states import ModeState
from ganbench.core.verdict import Measured, Verdict
from ganbench.core.verdict_word import VerdictWord, word_of
from ganbench.results.views import SCORED
from ganbench.tracking.metric_names import MetricName

WORDS: tuple[VerdictWord, ...] = get_args(VerdictWord)
COUNTS: Mapping[str, ModeState] = {"lost": "lost", "thin": "thin"}
"""The counts of modes that a word depends on, by tracked name."""
NUMBERS = ("good", "near_duplicates", "covered", "copies", "width", "displacement")
"""The numbers of a verdict that its word depends on."""

Words = Mapping[VerdictWord, int]
"""Numbers of runs by the word of their verdict."""


def names_for_words() -> set[str]:
    """Return the tracked names of all numbers that words of verdicts depend on, as earlier versions wrote them, too."""
    written = {spelling for name in NUMBERS for spelling in (name, name.replace("_", "-"))}
    return {
        *(str(MetricName("verdict", name)) for name in (*written, *COUNTS)),
        *(str(MetricName("verdict", name, role)) for name in written for role in ("floor", "floor_sd")),
        *(str(MetricName("verdict", f"{name}_sd")) for name in written),
    }


FAILED: tuple[VerdictWord, ...] = ("COLLAPSED", "NOT LEARNED YET", "DIVERGED")
"""The words of runs that have nothing to show: of two of them, a score says how they fail."""


def mostly_failed(members: Collection[str], words: Mapping[str, VerdictWord]) -> bool:
    """Return whether more than half of some runs end in one of these words; one without a word doesn't."""
    return 2 * sum(words.get(run) in FAILED for run in members) > len(members)


def words_of_runs(table: pd.DataFrame) -> dict[str, VerdictWord]:
    """Return the word for each run of a table; those that haven't ended, or were measured too little, have none.

    A run whose modes were lost has none, either, if it isn't known of how many.

    The counts of lost and thin modes are those that were tracked: shares of very many modes are not.
    """
    words: dict[str, VerdictWord] = dict.fromkeys(
        table.loc[table["status"] == "diverged", "run"].astype(str).unique(), "DIVERGED"
    )
    scored = table[table["status"].isin(SCORED)]
    counts = scored[
        (scored["kind"] == "final") & (scored["metric"].astype(object) == scored["mode_count"].astype(object))
    ]
    modes = {str(run): ceiling for run, ceiling in zip(counts["run"], counts["ceiling"], strict=True) if ceiling > 0}
    tracked = scored[(scored["kind"] == "verdict") & scored["metric"].isin((*NUMBERS, *COUNTS))]
    columns = (tracked[name].tolist() for name in ("run", "metric", "value", "floor", "floor_sd"))
    numbers: dict[str, dict[str, Measured]] = {}
    for run, metric, *values in zip(*columns, strict=True):
        if not math.isnan(values[0]):
            numbers.setdefault(str(run), {})[str(metric)] = Measured(*values)
    for run, measured in numbers.items():
        known = run in modes or not any(measured[name].value for name in COUNTS if name in measured)
        word = word_of(_verdict(measured, int(modes.get(run, 0))))
        if known and word is not None:
            words[run] = word
    return words


def count_words(table: pd.DataFrame, names: Mapping[str, str]) -> dict[str, Counter[VerdictWord]]:
    """Count the words of each method's runs; runs without a word are left out.

    Args:
        table: the tidy table.
        names: the method of each run.
    """
    counts: dict[str, Counter[VerdictWord]] = {}
    for run, word in words_of_runs(table).items():
        counts.setdefault(names[run], Counter())[word] += 1
    return counts


def format_words(words: Words) -> str:
    """Write counts, the best first: `6 GOOD, 4 PARTLY`; of a single run, its word; empty if there are none."""
    present = [(word, words[word]) for word in WORDS if words.get(word)]
    if sum(count for _, count in present) == 1:
        return present[0][0]
    return ", ".join(f"{count:,} {word}" for word, count in present)


def _verdict(measured: Mapping[str, Measured], modes: int) -> Verdict:
    """Make the verdict of so many modes from its numbers; which of the modes are lost or thin makes no difference."""
    states: list[ModeState] = [
        state for name, state in COUNTS.items() if name in measured for _ in range(int(measured[name].value))
    ]
    names = [str(mode) for mode in range(max(modes, len(states)))]
    # Without a deviation, earlier versions tracked nothing to compare a number with.
    complete = {name: numbers for name, numbers in measured.items() if name in NUMBERS and not math.isnan(numbers.sd)}
    return Verdict(names, dict(zip(names, states, strict=False)), crowded=(), **complete)
