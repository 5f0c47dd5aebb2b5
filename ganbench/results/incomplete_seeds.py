"""Shares of seeds: in how many of each method the verdict is GOOD, a mode is missing, or the count isn't complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from ganbench.core.formatting import listed, number, percents
from ganbench.core.mode_words import with_noun
from ganbench.results.compare import COUNTED
from ganbench.results.inference import Interval
from ganbench.results.verdict_words import words_of_runs
from ganbench.results.verdicts import seeds_that_lost_modes
from ganbench.results.views import SCORED, final_scores, mode_counts, noun_of, runs

LEVEL = 0.95


@dataclass(frozen=True)
class Incomplete:
    """Seeds with an incomplete count of modes on one data set: a sentence's beginning, and its ends, fewest first."""

    beginning: str
    ends: list[str]


def lost_modes(table: pd.DataFrame, names: Mapping[str, str]) -> list[Incomplete]:
    """Count the seeds of each method without some mode, for each data set of which that is known; failed seeds count.

    Args:
        names: the name of each run's method.
    """
    scores = table[table["kind"].isin(("final", "verdict"))]
    lost = seeds_that_lost_modes(scores)
    sentences = []
    for dataset, on_dataset in runs(table).groupby("dataset", sort=True):
        ended = on_dataset[on_dataset["status"].isin(COUNTED)]
        if ended.empty or not set(ended.loc[ended["status"].isin(SCORED), "run"]) <= set(lost.index):
            continue
        methods: dict[tuple[int, int], list[str]] = {}
        for name, members in sorted(ended.groupby(ended["run"].map(names))):
            count = sum(bool(lost.get(run, True)) for run in members["run"])
            methods.setdefault((count, len(members)), []).append(str(name))
        fewest = sorted(methods.items(), key=lambda item: item[0][0] / item[0][1])
        where = f"On {dataset} ({', '.join(sorted(set(on_dataset['arch'])))})"
        sentences.append(
            Incomplete(
                f"{where}, a {with_noun('mode', noun_of(on_dataset))} is missing in",
                [_counted(*count, of) for count, of in fewest],
            )
        )
    return sentences


def good_seeds(table: pd.DataFrame, names: Mapping[str, str]) -> list[Incomplete]:
    """Count the seeds of each method whose verdict is GOOD, for each data set of which all verdicts are known.

    Args:
        names: the name of each run's method.
    """
    words = words_of_runs(table)
    sentences = []
    for dataset, on_dataset in runs(table).groupby("dataset", sort=True):
        ended = on_dataset[on_dataset["status"].isin(COUNTED)]
        if ended.empty or not set(ended["run"]) <= set(words):
            continue
        methods: dict[tuple[int, int], list[str]] = {}
        for name, members in sorted(ended.groupby(ended["run"].map(names))):
            count = sum(words[run] == "GOOD" for run in members["run"])
            methods.setdefault((count, len(members)), []).append(str(name))
        most = sorted(methods.items(), key=lambda item: -item[0][0] / item[0][1])
        where = f"On {dataset} ({', '.join(sorted(set(on_dataset['arch'])))})"
        sentences.append(Incomplete(f"{where}, the verdict is GOOD on", [_counted(*count, of) for count, of in most]))
    return sentences


def incomplete_counts(table: pd.DataFrame, names: Mapping[str, str]) -> list[Incomplete]:
    """Count the seeds of each method with an incomplete count of modes, for each data set; failed seeds are among them.

    Args:
        names: the name of each run's method.
    """
    scores = mode_counts(final_scores(table))
    table = table[table["mode_count"] != ""]  # other protocols count no modes
    sentences = []
    for dataset, on_dataset in runs(table).groupby("dataset", sort=True):
        counts = scores[scores["dataset"] == dataset].set_index("run")
        if counts["ceiling"].isna().all():
            continue  # nothing says how many modes there are
        methods: dict[tuple[int, int], list[str]] = {}
        for name, members in sorted(on_dataset.groupby(on_dataset["run"].map(names))):
            ended = members[members["status"].isin(COUNTED)]
            if len(ended):
                ended_counts = counts.reindex(ended["run"])
                complete = int((ended_counts["value"] >= ended_counts["ceiling"]).sum())
                methods.setdefault((len(ended) - complete, len(ended)), []).append(str(name))
        if methods:
            where = f"On {dataset} ({', '.join(sorted(set(on_dataset['arch'])))})"
            fewest = sorted(methods.items(), key=lambda item: item[0][0] / item[0][1])
            ends = [_counted(*count, methods_with_it) for count, methods_with_it in fewest]
            modes = f"{number(counts['ceiling'].median())} {noun_of(on_dataset)}"
            sentences.append(Incomplete(f"{where}, fewer than {modes} are covered in", ends))
    return sentences


def share_interval(count: int, seeds: int) -> Interval:
    """A share of seeds, with the 95 % interval of Clopper and Pearson."""
    low, high = stats.binomtest(count, seeds).proportion_ci(LEVEL, method="exact")
    return Interval(count / seeds, float(low), float(high))


def _counted(incomplete: int, seeds: int, names: Sequence[str]) -> str:
    """`6 of 10 seeds of minimax (26–88 %)`, with its interval."""
    _, low, high = share_interval(incomplete, seeds)
    share = f"({percents(low, high)}{': one seed says little' * (seeds == 1)})"
    count = f"all {seeds}" if incomplete == seeds > 1 else f"{incomplete or 'none'} of {seeds}"
    methods = f"{'each of ' * (len(names) > 1)}{listed(names)}"
    return f"{count} seed{'s' * (seeds > 1)} of {methods} {share}"
