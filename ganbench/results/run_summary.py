"""A run's result in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ganbench.core.formatting import on_scale
from ganbench.core.mode_words import with_noun
from ganbench.core.verdict_word import heading
from ganbench.results.verdict_words import words_of_runs
from ganbench.results.verdicts import verdict_on
from ganbench.results.views import SCORED, events, final_scores, headline, mode_shares, noun_of

DOMINANT = 2.0
"""A mode is named as dominant if its share is more than this many times an even share."""


def summarize_run(table: pd.DataFrame, run: str, noun: str | None = None) -> str:
    """Summarise a run: the verdict on its samples, its headline scores, and events during training.

    Args:
        table: the tidy table.
        run: the run's id.
        noun: the plural noun for modes; by default, what is known from the table.
    """
    rows = table[table["run"] == run]
    noun = noun_of(rows) if noun is None else noun
    status, step = rows["status"].iloc[0], rows["step"].max()
    if status not in SCORED:
        return {
            "diverged": f"DIVERGED by step {step}: a loss was no longer finite, nothing was scored after it",
            "stopped": f"stopped after step {step}; run the same command again to resume",
            "running": f"running, or killed, at step {step}; run the same command again to resume",
        }[status] + _happened(rows, noun)
    scores = final_scores(rows)
    by_metric: dict[str, Any] = {str(row.metric): row for row in scores.itertuples()}
    sentences = [f"given up at step {step:,}, since it stayed collapsed"] if status == "collapsed" else []
    verdict = verdict_on(rows)
    if verdict is not None:
        sentences += verdict.clauses(noun)
        if verdict.good is not None:  # the verdict has said what share of samples is good
            by_metric = {name: score for name, score in by_metric.items() if score.scale != "share"}
    if verdict is None or verdict.states is None:
        sentences += _modes(scores, by_metric.get(rows["mode_count"].iloc[0]), noun)
    elif len(verdict.names) - len(verdict.of_state("lost")) > 1:
        sentences += _dominant(mode_shares(scores))
    sentences += [
        f"{score.label} {on_scale(score.value, score.scale)} (real data: {on_scale(score.floor, score.scale)})"
        for score in _headline_without_counts(by_metric, scores)
    ]
    return heading(words_of_runs(rows).get(run)) + "; ".join(sentences) + _happened(rows, noun)


def _headline_without_counts(by_metric: Mapping[str, Any], scores: pd.DataFrame) -> list[Any]:
    """The scores of the headline metrics, but for counts of modes: those with the same best value as the mode count."""
    count = by_metric.get(scores["mode_count"].iloc[0]) if len(scores) else None
    first = [by_metric[metric] for metric in headline(scores) if metric in by_metric]
    return [
        score for score in first if count is None or (score.metric != count.metric and score.ceiling != count.ceiling)
    ]


def _modes(scores: pd.DataFrame, score: Any, noun: str) -> list[str]:
    """The count of modes, of runs whose shares of modes weren't tracked: there are very many."""
    if score is None or math.isnan(score.value):
        return []
    count, total = int(score.value), score.ceiling
    return [f"{count:,} of {total:,.0f} {noun}" if not math.isnan(total) else f"{count:,} {noun}"]


def _dominant(shares: Mapping[str, float]) -> list[str]:
    heavy = {name: share for name, share in shares.items() if share * len(shares) > DOMINANT}
    return [", ".join(f"{share:.0%} of all samples are {name}" for name, share in heavy.items())] if heavy else []


def _happened(rows: pd.DataFrame, noun: str) -> str:
    """The faults during training, as the end of a sentence."""
    faults = events(rows)
    faults = faults[faults["metric"] != "recovery"].sort_values("step", kind="stable")
    phrases = []
    for kind, steps in faults.groupby("metric", sort=False, observed=True)["step"]:
        first = f"step {steps.iloc[0]:,}"
        what = with_noun(str(kind), noun)
        phrases.append(f"{what} ({first})" if len(steps) == 1 else f"{what} ({len(steps)} times, first at {first})")
    return f"; during training: {', '.join(phrases)}" if phrases else ""
