"""Selection of the scores that represent a run: the final ones, the best during training, or the mean of the last few.

Published tables often report the best checkpoint without saying so. Here the policy has a name, which every table made
under it shows beside the protocol.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_words import without_noun
from ganbench.core.registry import near_miss
from ganbench.results.inference import as_losses
from ganbench.results.table import LAST, typed
from ganbench.results.views import facts_of, quick_scores


def select(table: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Replace the final scores of a table by those that a policy selects.

    Args:
        table: a tidy table with its history.
        policy: `last`, the full scores at the end; `best:METRIC`, the evaluation during training at which that metric
            was best; `mean:K`, the mean over the last K evaluations during training.

    Raises:
        GanbenchError: the policy or metric is unknown, or there are no evaluations during training.
    """
    if policy == LAST:
        return table
    match = re.fullmatch(r"(best|mean):(.+)", policy)
    if match is None:
        raise GanbenchError(f"there is no policy '{policy}': there are: last, best:METRIC and mean:K")
    quick = quick_scores(table)
    if quick.empty:
        raise GanbenchError(f"no run was scored during training, so '{policy}' has nothing to choose from")
    chosen = _best(quick, match[2]) if match[1] == "best" else _mean(quick, match[2])
    chosen = chosen.assign(kind="final", selection=policy)
    others = table[~table["kind"].isin(("final", "extra", "verdict"))]  # the verdict is on the samples at the end
    return typed(pd.concat([others, chosen], ignore_index=True))


def _best(quick: pd.DataFrame, metric: str) -> pd.DataFrame:
    known = facts_of(quick, "direction")
    metric = without_noun(metric, known)
    rows = quick[quick["metric"] == metric]
    if rows.empty or metric not in known:
        raise GanbenchError(f"select: no run has '{metric}' during training: {near_miss(metric, list(known))}")
    loss = as_losses(rows["value"].to_numpy(dtype=float), known[metric], rows["floor"].to_numpy(dtype=float))
    if np.isnan(loss).all():
        raise GanbenchError(f"select: '{metric}' has no value during training that can be compared with real data")
    best = rows.assign(loss=loss).sort_values(["loss", "step"], kind="stable").groupby("run").first()
    steps = quick["run"].map(best["step"])
    return quick[quick["step"] == steps]


def _mean(quick: pd.DataFrame, count: str) -> pd.DataFrame:
    if not re.fullmatch(r"[1-9]\d{0,5}", count, re.ASCII):
        raise GanbenchError(f"select mean:{count}: how many evaluations? As in mean:5")
    steps = quick[["run", "step"]].drop_duplicates().sort_values("step").groupby("run").tail(int(count))
    late = quick.merge(steps, on=["run", "step"])
    means = late.groupby(["run", "metric"])["value"].mean()
    last = late.sort_values("step", kind="stable").groupby(["run", "metric"]).last().assign(value=means)
    return last.reset_index()[list(quick.columns)]
