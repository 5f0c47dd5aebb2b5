"""Figures from plain numbers, for MLflow and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

# Okabe and Ito's palette: told apart by colour-blind readers, in print and on both backgrounds.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
GREY = "#8a8a8a"


def class_histogram(names: Sequence[str], all_samples: Sequence[float], confident: Sequence[float]) -> Figure:
    """Share of samples in each class, and of those that the evaluator is sure of; an even share as a line."""
    figure, axes = _figure(4.4, 2.6)
    axes.bar(names, all_samples, color=PALETTE[5], label="all samples")
    axes.bar(names, confident, color=PALETTE[0], label="of these sure (≥ 0.9)")
    axes.axhline(1 / len(names), color=GREY, linestyle="--", linewidth=1, label="even share")
    axes.set(xlabel="class", ylabel="share of samples")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylim(0, min(1.0, max(*all_samples, 1 / len(names)) * 1.1))
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=3)
    return figure


def curves(
    lines: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]],
    *,
    title: str,
    ylabel: str,
    floor: float | None,
    logarithmic: bool,
) -> Figure:
    """One thin line a seed, one colour a group, the floor dashed."""
    figure, axes = _figure(6, 3.4)
    for (group, seeds), colour in zip(lines.items(), _colours(), strict=False):
        for number, (steps, values) in enumerate(seeds):
            axes.plot(steps, values, color=colour, linewidth=1.3, alpha=0.85, label=group if number == 0 else None)
    if floor is not None:
        axes.axhline(floor, color=GREY, linestyle="--", linewidth=1, label="real against real")
    if logarithmic:
        axes.set_yscale("log")
    axes.set(xlabel="real images seen by the critic", ylabel=ylabel, title=title)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value else "0")
    if lines:
        figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=4)
    return figure


def _colours() -> Sequence[str]:
    return PALETTE * 8


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    # A bare Figure: pyplot would keep every one alive, and want a display's backend.
    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
