"""Counts of the words of verdicts, by method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import get_args

import pandas as pd

from ganbench.core.verdict_word import VerdictWord, word_of
from ganbench.results.verdicts import verdict_on
from ganbench.results.views import SCORED

WORDS: tuple[VerdictWord, ...] = get_args(VerdictWord)


def word_of_run(rows: pd.DataFrame) -> VerdictWord | None:
    """The word for a run, from its rows; None if it hasn't ended, or if too little was measured for one."""
    status = rows["status"].iloc[0]
    if status == "diverged":
        return "DIVERGED"
    verdict = verdict_on(rows) if status in SCORED else None
    return None if verdict is None else word_of(verdict)


def count_words(table: pd.DataFrame, names: Mapping[str, str]) -> dict[str, Counter[VerdictWord]]:
    """Count the words of each method's runs; runs without a word are left out.

    Args:
        table: the tidy table.
        names: the method of each run.
    """
    counts: dict[str, Counter[VerdictWord]] = {}
    for run, rows in table.groupby("run", sort=False, observed=True):
        word = word_of_run(rows)
        if word is not None:
            counts.setdefault(names[str(run)], Counter())[word] += 1
    return counts
