"""Figures of a report: final results of the seeds, and curves over training, for each data set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from ganbench.core.mode_words import with_noun
from ganbench.results.compare import COUNTED
from ganbench.results.report.charts import CROWD, Line, curves, strip, survival
from ganbench.results.report.tables import BUDGET_WORDS
from ganbench.results.views import (
    facts_of,
    final_scores,
    headline,
    headline_without_counts,
    mode_counts,
    noun_of,
    quick_scores,
    runs,
)
from ganbench.tracking.metric_names import SAMPLE_COUNT

MAX_SCORES = 3
"""The most headline metrics that are drawn over training."""
ENDS = "Modes at the end"
OUTPUTS = {"critic_real": "real samples", "critic_fake": "generated samples"}
"""Statistics of the discriminator's output: what it is given."""
GRADIENT = "generator_gradient"


def draw(
    table: pd.DataFrame, names: Mapping[str, str], numbers: Mapping[str, int], x: str
) -> dict[str, dict[str, Figure]]:
    """Draw all figures; return them by data set and title.

    Args:
        table: the tidy table.
        names: the name of each run's method.
        numbers: each method's number in the whole report, which determines its colour.
        x: the budget on the x axis of curves, one of `ganbench.results.views.BUDGETS`.
    """
    figures_of = {}
    bounded = _bounded_losses(table)
    several = table["dataset"].nunique() > 1
    for dataset, rows in table.groupby("dataset", sort=True):
        where = f" · {dataset}" if several else ""
        figures = _ends(rows, names, numbers, where)
        quick = quick_scores(rows)
        labels, scales = facts_of(quick, "label"), facts_of(quick, "scale")
        for metric in _drawn(quick):
            label = labels[metric][:1].upper() + labels[metric][1:]
            label += f" ({metric})" if label in figures else ""
            figures[label] = _curves(quick, metric, label, scales[metric] == "log", x, names, numbers, where)
        for label, metric, alike, limits in _training_statistics(rows[rows["kind"] == "train"], bounded):
            figures[label] = _curves(alike, metric, label, metric == GRADIENT, x, names, numbers, where, limits)
        figures_of[str(dataset)] = figures
    return figures_of


def _drawn(quick: pd.DataFrame) -> list[str]:
    """The headline metrics drawn over training; of several that count modes, only the protocol's mode count."""
    shown = {*mode_counts(quick)["metric"], *headline_without_counts(quick)}
    return [metric for metric in headline(quick) if metric in shown][:MAX_SCORES]


def _bounded_losses(table: pd.DataFrame) -> set[str]:
    """The losses whose discriminator always answered between 0 and 1: its output is D(x), that of others a score."""
    outputs = table[(table["kind"] == "train") & table["metric"].isin(OUTPUTS)]
    values = outputs["value"].groupby(outputs["loss"].astype(str))
    return {str(loss) for loss, (low, high) in values.agg(["min", "max"]).iterrows() if low >= 0 and high <= 1}


def _training_statistics(
    training: pd.DataFrame, bounded: set[str]
) -> Iterator[tuple[str, str, pd.DataFrame, tuple[float, float] | None]]:
    """Yield a label, a metric, the rows to draw and the limits of the axis; probabilities and scores share no axis."""
    is_bounded = training["loss"].isin(bounded)
    for metric, given in OUTPUTS.items():
        for label, alike, limits in (
            (f"D(x) on {given}", training[is_bounded], (-0.02, 1.02)),
            (f"Discriminator's score on {given}", training[~is_bounded], None),
        ):
            if (alike["metric"] == metric).any():
                yield label, metric, alike, limits
    if (training["metric"] == GRADIENT).any():
        yield "Norm of the generator's gradient", GRADIENT, training, None


def _ends(table: pd.DataFrame, names: Mapping[str, str], numbers: Mapping[str, int], where: str) -> dict[str, Figure]:
    """Draw the modes that each seed has at the end of training; no figures if no method has more than one seed."""
    scores = final_scores(table)
    rows = mode_counts(scores).drop_duplicates("run", keep="last").set_index("run")
    if rows.empty:
        return {}  # this protocol counts no modes
    label, ends = " or ".join(sorted(set(rows["label"]))), with_noun(ENDS, noun_of(table))
    dots: dict[str, dict[int, float]] = {}
    profiles: dict[str, list[float]] = {}
    ended = runs(table)
    ended = ended[ended["status"].isin(COUNTED) & (ended["mode_count"] != "")]
    values = rows["value"].reindex(ended["run"])
    for run, seed, value in zip(ended["run"], ended["seed"].tolist(), values.tolist(), strict=True):
        profiles.setdefault(names[run], []).append(value)
        if not math.isnan(value):
            seeds = dots.setdefault(names[run], {})
            # Several versions of the code may have trained the same seed.
            seeds[seed if seed not in seeds else -len(seeds)] = value
    if not any(len(values) > 1 for values in dots.values()):
        return {}
    ceiling = rows["ceiling"].median()
    most = max((count for count in (*rows["value"], ceiling) if math.isfinite(count)), default=0.0)
    crowded = any(len(seeds) > CROWD for seeds in dots.values())
    return {
        ends: strip(
            dict(sorted(dots.items())),
            numbers=numbers,
            title=f"{ends}; {'larger dots are more seeds' if crowded else 'each dot is one seed'}{where}",
            xlabel=label,
            ceiling=None if pd.isna(ceiling) else float(ceiling),
        ),
        f"Seeds that cover at least so many {noun_of(table)}": survival(
            dict(sorted(profiles.items())),
            numbers=numbers,
            title=f"Fraction of seeds that cover at least k {noun_of(table)}{where}",
            xlabel=label,
            most=float(most),
        ),
    }


def _curves(
    table: pd.DataFrame,
    metric: str,
    label: str,
    logarithmic: bool,
    x: str,
    names: Mapping[str, str],
    numbers: Mapping[str, int],
    where: str,
    limits: tuple[float, float] | None = None,
) -> Figure:
    needed = list(dict.fromkeys(("run", "seed", "status", "step", "value", "floor", x)))
    rows = table.loc[table["metric"] == metric, needed].sort_values("step", kind="stable")
    lines: dict[str, dict[int, Line]] = {}
    for name, seeds in rows.groupby(rows["run"].map(names)):
        # Seconds differ from seed to seed: a step is drawn at their median.
        middles = seeds.groupby("step")[x].median()
        at = dict(zip(middles.index.tolist(), middles.tolist(), strict=True))
        seed_lines: dict[int, Line] = {}
        for number, status, scored in _by_run(seeds):
            # A run that was stopped early as collapsed stays in the count with its last value.
            last, given_up = max(scored), status == "collapsed"
            values = scored | {step: scored[last] for step in at if given_up and step > last}
            seed_lines[number if number not in seed_lines else -len(seed_lines)] = (
                [at[step] for step in values],
                list(values.values()),
            )
        lines[str(name)] = dict(sorted(seed_lines.items()))
    floor = rows["floor"].median()
    sizes = table.loc[table["metric"] == SAMPLE_COUNT, "value"].unique()
    counted = f" ({int(sizes[0]):,} samples)" if len(sizes) == 1 else ""
    return curves(
        dict(sorted(lines.items())),  # in the order of the table
        numbers=numbers,
        title=f"{label}{counted} during training{where}",
        xlabel=BUDGET_WORDS[x],
        floor=None if pd.isna(floor) else float(floor),
        logarithmic=logarithmic,
        limits=limits,
    )


def _by_run(rows: pd.DataFrame) -> Iterator[tuple[int, str, dict[int, float]]]:
    """Yield seed, status, and values by step of each run; in plain Python, since there may be ten thousand runs."""
    values: dict[str, dict[int, float]] = {}
    heads: dict[str, tuple[int, str]] = {}
    columns = (rows[column].tolist() for column in ("run", "seed", "status", "step", "value"))
    for run, seed, status, step, value in zip(*columns, strict=True):
        heads[run] = (seed, status)
        values.setdefault(run, {})[step] = value
    for run, (seed, status) in heads.items():
        yield seed, status, values[run]
