"""Shares of seeds: in how many of each method the verdict is GOOD, a mode is missing, or the count isn't complete."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from ganbench.core.collapse_rule import parse_rule
from ganbench.core.formatting import listed, number, percents
from ganbench.core.mode_words import with_noun
from ganbench.results.brief import Brief
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
    for _, on_dataset in runs(table).groupby("dataset", sort=True):
        ended = on_dataset[on_dataset["status"].isin(COUNTED)]
        if ended.empty or not set(ended.loc[ended["status"].isin(SCORED), "run"]) <= set(lost.index):
            continue
        sentences.append(
            Incomplete(
                f"{_where(on_dataset)}, a {with_noun('mode', noun_of(on_dataset))} is missing in",
                _fewest_first(ended, names, {run for run in ended["run"] if lost.get(run, True)}),
            )
        )
    return sentences


def collapsed_seeds(table: pd.DataFrame, names: Mapping[str, str]) -> list[Incomplete]:
    """Count the seeds of each method that collapsed by the rule of their experiment, for each data set and rule.

    Failed seeds count. A rule about a metric that no run has says nothing.

    Args:
        names: the name of each run's method.
    """
    return [
        Incomplete(f"{_where(ended)}, {rule} in", _fewest_first(ended, names, collapsed))
        for ended, rule, collapsed in _by_rule(table)
    ]


def rule_in_brief(table: pd.DataFrame) -> list[Brief]:
    """Say so where the rule of an experiment holds in no run on a data set, or in all: it tells no methods apart."""
    found = []
    for ended, rule, collapsed in _by_rule(table):
        count, of = len(collapsed), len(ended)
        if count in (0, of):
            _, low, high = share_interval(count, of)
            share = f"{count} of {of} runs ({percents(low, high)})"
            evidence = f"{_where(ended)}, it holds in {share}, so it tells no methods apart"
            found.append(Brief(f"{'all runs have' if count else 'no run has'} {rule}", evidence))
    return found


def _by_rule(table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, set[str]]]:
    """Find for each data set and rule the runs that have ended, the rule in words, and the runs that collapsed."""
    scores = final_scores(table)
    with_rule = runs(table)
    with_rule = with_rule[(with_rule["collapsed"] != "") & with_rule["status"].isin(COUNTED)]
    for (_, text), ended in with_rule.groupby(["dataset", "collapsed"], sort=True, observed=True):
        rule = parse_rule(str(text))
        of_metric = scores[scores["metric"] == rule.metric].drop_duplicates("run", keep="last")
        values = of_metric.set_index("run")["value"].reindex(ended["run"]).astype(float)
        if values.notna().any():
            collapsed = {str(run) for run, value in values.items() if math.isnan(value) or rule.applies(value)}
            yield ended, f"{rule}{' or no score' * bool(values.isna().any())}", collapsed


def good_seeds(table: pd.DataFrame, names: Mapping[str, str]) -> list[Incomplete]:
    """Count the seeds of each method whose verdict is GOOD, for each data set of which all verdicts are known.

    Args:
        names: the name of each run's method.
    """
    words = words_of_runs(table)
    sentences = []
    for _, on_dataset in runs(table).groupby("dataset", sort=True):
        ended = on_dataset[on_dataset["status"].isin(COUNTED)]
        if ended.empty or not set(ended["run"]) <= set(words):
            continue
        most_first = _fewest_first(ended, names, {run for run, word in words.items() if word == "GOOD"})[::-1]
        sentences.append(Incomplete(f"{_where(on_dataset)}, the verdict is GOOD on", most_first))
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
        ended = on_dataset[on_dataset["status"].isin(COUNTED)]
        incomplete = set(ended["run"]) - set(counts.index[counts["value"] >= counts["ceiling"]])
        if ends := _fewest_first(ended, names, incomplete):
            modes = f"{number(counts['ceiling'].median())} {noun_of(on_dataset)}"
            sentences.append(Incomplete(f"{_where(on_dataset)}, fewer than {modes} are covered in", ends))
    return sentences


def share_interval(count: int, seeds: int) -> Interval:
    """A share of seeds, with the 95 % interval of Clopper and Pearson."""
    low, high = stats.binomtest(count, seeds).proportion_ci(LEVEL, method="exact")
    return Interval(count / seeds, float(low), float(high))


def _where(members: pd.DataFrame) -> str:
    """Return “On mnist (mlp)”."""
    return f"On {members['dataset'].iloc[0]} ({', '.join(sorted(set(members['arch'])))})"


def _fewest_first(ended: pd.DataFrame, names: Mapping[str, str], counted: Collection[str]) -> list[str]:
    """The ends of a sentence: methods by the share of their runs that are counted, those with equal counts together."""
    methods: dict[tuple[int, int], list[str]] = {}
    for name, members in sorted(ended.groupby(ended["run"].map(names))):
        methods.setdefault((sum(run in counted for run in members["run"]), len(members)), []).append(str(name))
    fewest = sorted(methods.items(), key=lambda item: item[0][0] / item[0][1])
    return [_counted(*count, of) for count, of in fewest]


def _counted(incomplete: int, seeds: int, names: Sequence[str]) -> str:
    """`6 of 10 seeds of minimax (26–88 %)`, with its interval."""
    _, low, high = share_interval(incomplete, seeds)
    share = f"({percents(low, high)}{': one seed says little' * (seeds == 1)})"
    count = f"all {seeds}" if incomplete == seeds > 1 else f"{incomplete or 'none'} of {seeds}"
    methods = f"{'each of ' * (len(names) > 1)}{listed(names)}"
    return f"{count} seed{'s' * (seeds > 1)} of {methods} {share}"
