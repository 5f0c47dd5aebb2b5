"""A run's result in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ganbench.results import class_shares, final_scores
from ganbench.stats import number

LEAST_SHARE = 0.001
"""A class with a smaller share of confident samples counts as missing; the rule of `modes-strict`."""
DOMINANT = 2.0
"""A class is named where its share is more than this many times an even one."""


def verdict(table: pd.DataFrame, run: str, word: str = "classes") -> str:
    """What became of a run: modes found and missing, FID and its floor; or how it failed.

    Args:
        table: the tidy table.
        run: the run's id.
        word: what a mode is called, in the plural.
    """
    rows = table[table["run"] == run]
    status, step = rows["status"].iloc[0], rows["step"].max()
    if status != "finished":
        return {
            "diverged": f"diverged by step {step}: a loss was no longer finite, nothing was scored after it",
            "stopped": f"stopped after step {step}; the same command goes on from there",
            "running": f"running, or killed, at step {step}; the same command goes on from its last checkpoint",
        }[status]
    scores = final_scores(rows)
    values = scores.set_index("metric")["value"]
    floors = scores.set_index("metric")["floor"]
    shares, confident = class_shares(scores), class_shares(scores, "confident")
    missing = [name for name, share in confident.items() if share < LEAST_SHARE]
    found, classic = len(confident) - len(missing), int(values["modes"])
    sentences = [
        f"{found} of {len(confident)} {word}" + (f" ({classic} if a single sample counts)" * (classic != found))
    ]
    present = [name for name in confident if name not in missing]
    if missing and len(missing) <= len(present):
        sentences.append(f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    elif missing and present:
        sentences.append(f"only {_listed(present)} appear{'s' * (len(present) == 1)}")
    dominant = _dominant(shares)
    if dominant and len(present) > 1:
        sentences.append(dominant)
    sentences.append(f"FID {number(values['fid'])} (real data against real data: {number(floors['fid'])})")
    return "; ".join(sentences)


def _dominant(shares: Mapping[str, float]) -> str:
    heavy = {name: share for name, share in shares.items() if share * len(shares) > DOMINANT}
    return ", ".join(f"{share:.0%} of all samples are {name}" for name, share in heavy.items())


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
