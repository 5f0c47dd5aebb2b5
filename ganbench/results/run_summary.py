"""A run's result in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ganbench.core.formatting import number
from ganbench.results.loading import SCORED, final_scores, mode_shares
from ganbench.results.table import EVENTS

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
    values, floors = (scores.set_index("metric")[column] for column in ("value", "floor"))
    sentences = [f"given up at step {step:,}, since it stayed collapsed"] if status == "collapsed" else []
    sentences += _modes(scores, values, word)
    if "hq" in values:
        sentences.append(f"{values['hq']:.1%} of all samples are good (real data: {floors['hq']:.1%})")
    if "fid" in values:
        sentences.append(f"FID {number(values['fid'])} (real data against real data: {number(floors['fid'])})")
    if not sentences:
        shown = [name for name in values.index if name != "sample_count" and "/" not in name][:MAX_NAMED]
        sentences = [f"{name} {number(values[name])} (real data: {number(floors[name])})" for name in shown]
    return "; ".join(sentences) + _happened(rows)


def _modes(scores: pd.DataFrame, values: pd.Series, word: str) -> list[str]:
    if "modes" not in values:
        return []
    total = int(scores.set_index("metric")["ceiling"]["modes"])
    classic = int(values["modes"])
    found = int(values.get("modes_strict", classic))
    sentences = [f"{found} of {total:,} {word}" + (f" ({classic} if a single sample counts)" * (classic != found))]
    shares, good = mode_shares(scores), mode_shares(scores, "good")
    fewest = sorted(good, key=lambda name: good[name])[: len(good) - found]
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
    faults = rows[(rows["protocol"] == EVENTS) & (rows["metric"] != "recovery")].sort_values("step", kind="stable")
    told = []
    for kind, steps in faults.groupby("metric", sort=False)["step"]:
        first = f"step {steps.iloc[0]:,}"
        told.append(f"{kind} ({first})" if len(steps) == 1 else f"{kind} ({len(steps)} times, first at {first})")
    return f"; during training: {', '.join(told)}" if told else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
