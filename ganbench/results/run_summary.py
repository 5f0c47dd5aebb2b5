"""A run's result in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ganbench.core.formatting import on_scale
from ganbench.results.views import SCORED, events, final_scores, mode_shares
from ganbench.tracking.metric_names import GOOD

DOMINANT = 2.0
"""A mode is named as dominant if its share is more than this many times an even share."""
MAX_NAMED = 12
"""The most modes that are listed by name."""


def summarize_run(table: pd.DataFrame, run: str, word: str = "modes") -> str:
    """Summarise a run: modes found and missing, sample quality, and events during training.

    Args:
        table: the tidy table.
        run: the run's id.
        word: the plural noun for modes.
    """
    rows = table[table["run"] == run]
    status, step = rows["status"].iloc[0], rows["step"].max()
    if status not in SCORED:
        return {
            "diverged": f"diverged by step {step}: a loss was no longer finite, nothing was scored after it",
            "stopped": f"stopped after step {step}; run the same command again to resume",
            "running": f"running, or killed, at step {step}; run the same command again to resume",
        }[status] + _happened(rows)
    scores = final_scores(rows)
    by_metric: dict[str, Any] = {str(row.metric): row for row in scores.itertuples()}
    sentences = [f"given up at step {step:,}, since it stayed collapsed"] if status == "collapsed" else []
    sentences += _modes(scores, by_metric.get(rows["mode_count"].iloc[0]), word)
    sentences += [
        f"{score.label} {on_scale(score.value, score.scale)} (real data: {on_scale(score.floor, score.scale)})"
        for score in _headline_without_counts(by_metric, rows)
    ]
    return "; ".join(sentences) + _happened(rows)


def _headline_without_counts(by_metric: Mapping[str, Any], rows: pd.DataFrame) -> list[Any]:
    """The scores of the headline metrics, but for counts of modes: those with the same best value as the mode count."""
    count = by_metric.get(rows["mode_count"].iloc[0])
    scores = [by_metric[metric] for metric in rows["headline"].iloc[0].split(",") if metric in by_metric]
    return [
        score for score in scores if count is None or (score.metric != count.metric and score.ceiling != count.ceiling)
    ]


def _modes(scores: pd.DataFrame, score: Any, word: str) -> list[str]:
    if score is None or math.isnan(score.value):
        return []
    count, total = int(score.value), score.ceiling
    sentences = [f"{count} of {total:,.0f} {word}" if not math.isnan(total) else f"{count} {word}"]
    shares, good = mode_shares(scores), mode_shares(scores, GOOD)
    fewest = sorted(good, key=lambda name: good[name])[: len(good) - count]
    missing = [name for name in good if name in fewest]
    present = [name for name in good if name not in fewest]
    if missing and len(missing) <= min(len(present), MAX_NAMED):
        sentences.append(f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    elif missing and 0 < len(present) <= MAX_NAMED:
        sentences.append(f"only {_listed(present)} appear{'s' * (len(present) == 1)}")
    dominant = _dominant(shares)
    if dominant and len(present) > 1:
        sentences.append(dominant)
    return sentences


def _dominant(shares: Mapping[str, float]) -> str:
    heavy = {name: share for name, share in shares.items() if share * len(shares) > DOMINANT}
    return ", ".join(f"{share:.0%} of all samples are {name}" for name, share in heavy.items())


def _happened(rows: pd.DataFrame) -> str:
    """The faults during training, as the end of a sentence."""
    faults = events(rows)
    faults = faults[faults["metric"] != "recovery"].sort_values("step", kind="stable")
    phrases = []
    for kind, steps in faults.groupby("metric", sort=False, observed=True)["step"]:
        first = f"step {steps.iloc[0]:,}"
        phrases.append(f"{kind} ({first})" if len(steps) == 1 else f"{kind} ({len(steps)} times, first at {first})")
    return f"; during training: {', '.join(phrases)}" if phrases else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
