"""The figures of a report: how seeds ended, and what happened during training, for each data set."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from ganbench.plots import curves, strip
from ganbench.report.tables import BUDGET_WORDS
from ganbench.results import TRAIN, final_scores, headline_modes, quick_scores
from ganbench.stats import group_names, headline

SCORES = {"fid": ("FID", True), "modes": ("Modes", False), "hq": ("Share of good samples", False)}
"""Of metrics that are drawn during training: the label, and whether the scale is logarithmic."""
BALANCE = {
    "critic-fake": ("Critic's output on generated samples", False),
    "generator-gradient": ("Norm of the generator's gradient", True),
}
"""Of statistics of the training itself, the same."""


def draw(table: pd.DataFrame, x: str) -> dict[str, Figure]:
    """Figures by their titles.

    Args:
        table: the tidy table.
        x: the budget that curves are drawn against, one of `ganbench.results.BUDGETS`.
    """
    figures: dict[str, Figure] = {}
    several = table["dataset"].nunique() > 1
    for dataset, rows in table.groupby("dataset", sort=True):
        where = f" · {dataset}" if several else ""
        names = group_names(rows)  # among themselves: what sets data sets apart is no part of a name
        ends = _ends(rows, names, where)
        if ends is not None:
            figures[f"Modes at the end{where}"] = ends
        for metric in (each for each in headline(rows) if each in SCORES):
            label, logarithmic = SCORES[metric]
            figures[f"{label}{where}"] = _curves(quick_scores(rows), metric, label, logarithmic, x, names, where)
        training = rows[rows["protocol"] == TRAIN]
        for statistic, (label, logarithmic) in BALANCE.items():
            if (training["metric"] == statistic).any():
                figures[f"{label}{where}"] = _curves(training, statistic, label, logarithmic, x, names, where)
    return figures


def _ends(table: pd.DataFrame, names: dict[str, str], where: str) -> Figure | None:
    """How many modes each seed ended with; nothing where there is hardly a seed to a group."""
    scores = final_scores(table)
    metric = headline_modes(scores)
    rows = scores[scores["metric"] == metric]
    groups: dict[str, list[float]] = {}
    for run, value in zip(rows["run"], rows["value"], strict=True):
        groups.setdefault(names[str(run)], []).append(float(value))
    if not any(len(values) > 1 for values in groups.values()):
        return None
    ceiling = rows["ceiling"].median()
    return strip(
        dict(sorted(groups.items())),
        title=f"Modes at the end, a dot a seed{where}",
        xlabel=metric,
        ceiling=None if pd.isna(ceiling) else float(ceiling),
    )


def _curves(
    table: pd.DataFrame, metric: str, label: str, logarithmic: bool, x: str, names: dict[str, str], where: str
) -> Figure:
    rows = table[table["metric"] == metric].sort_values("step", kind="stable")
    lines: dict[str, list[tuple[Sequence[float], Sequence[float]]]] = {}
    for group, seeds in rows.groupby(rows["run"].map(names)):
        # Seconds differ from seed to seed: a step stands where it does for the middle one.
        at = seeds.groupby("step")[x].median()
        for _, seed in seeds.groupby("run", sort=False):
            values = seed.set_index("step")["value"].groupby(level=0).last()
            if (seed["status"] == "collapsed").any():
                # Given up since nothing changed any more: it stays in the count as it was.
                values = values.reindex(at.index[at.index >= values.index[0]]).ffill()
            lines.setdefault(str(group), []).append((at[values.index].tolist(), values.tolist()))
    floor = rows["floor"].median()
    sizes = table.loc[table["metric"] == "sample-count", "value"].unique()
    counted = f" ({int(sizes[0]):,} samples)" if len(sizes) == 1 else ""
    return curves(
        dict(sorted(lines.items())),  # in the order of the table
        title=f"{label}{counted} during training{where}",
        xlabel=BUDGET_WORDS[x],
        ylabel=label,
        floor=None if pd.isna(floor) else float(floor),
        logarithmic=logarithmic,
    )
