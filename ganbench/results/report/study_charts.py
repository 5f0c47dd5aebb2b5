"""Charts of studies: collapsed runs over doses, the effects of factors, and samples side by side."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter
from PIL import Image

from ganbench.core.formatting import number
from ganbench.core.plotting import GREY
from ganbench.results.dose_curves import DoseCurves
from ganbench.results.factor_effects import FactorEffects
from ganbench.results.report.charts import LABEL, TICK, bare_figure, mark, nested, style, wrapped
from ganbench.results.report.escaping import for_figure

POINTS = 120
"""Number of doses at which a curve is drawn."""
FACTOR = 18
"""Characters; longer names of factors are wrapped."""
GREYS, COLOURS = 8, 32
TINT = 4
"""The largest difference between the channels of a grey: WebP tints greys by 1."""
APART = 0.025
"""Intervals of doses are drawn this far apart, around the share of one half."""
TITLE = 22
"""Characters; longer titles of sheets are wrapped."""
SHEETS_WIDTH = 1_200
"""Largest width of a picture of sheets, in pixels."""


def dose_chart(curves: DoseCurves) -> Figure:
    """Draw each method's share of runs that have the rule at each dose, and its curve; a bar is D50's interval."""
    methods = curves.curves
    names = [wrapped(curve.name) for curve in methods]
    figure, axes = bare_figure(2.9 + _legend_height(names))
    lowest = min(curve.response.doses[0] for curve in methods)
    highest = max(curve.response.doses[-1] for curve in methods)
    at = np.geomspace(lowest, highest, POINTS)
    axes.set_xscale("log")
    for place, (curve, width) in enumerate(zip(methods, nested(len(methods)), strict=True)):
        colour, dash = style(place)
        response = curve.response
        shares = np.array(response.collapsed) / np.array(response.runs)
        (dots,) = axes.plot(response.doses, shares, "o", color=colour, markersize=4 + width)
        dots.set_gid(mark(place, curve.name, response.doses, shares.tolist()))
        (line,) = axes.plot(at, response.probability(at), dash, color=colour, linewidth=width, label=names[place])
        line.set_gid(mark(place))
        low, high = max(response.half.low, lowest), min(response.half.high, highest)
        if lowest < response.half.middle < highest:
            height = 0.5 + APART * (place - (len(methods) - 1) / 2)
            (bar,) = axes.plot([low, high], [height] * 2, color=colour, linewidth=3, alpha=0.35)
            bar.set_gid(mark(place))
    axes.axhline(0.5, color=GREY, linestyle="--", linewidth=1)
    doses = sorted({dose for curve in methods for dose in curve.response.doses})
    axes.set_xticks(doses)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda dose, _: number(dose)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylim(-0.05, 1.05)
    axes.set_xlabel(wrapped(curves.what), fontsize=LABEL)
    axes.set_ylabel(f"runs with {curves.rule}", fontsize=LABEL)
    _add_legend(figure, names)
    return figure


def effect_chart(outcomes: Sequence[FactorEffects]) -> Figure:
    """Draw the probability that a factor makes a seed better, with its interval, for each outcome of one data set."""
    factors = [effect.factors[0] for effect in outcomes[0].effects if len(effect.factors) == 1]
    names = [wrapped(outcome.label) for outcome in outcomes]
    figure, axes = bare_figure(1.1 + 0.24 * len(factors) * len(outcomes) + _legend_height(names))
    step = 0.7 / len(outcomes)
    for place, outcome in enumerate(outcomes):
        colour, _ = style(place)
        for row, effect in enumerate(effect for effect in outcome.effects if len(effect.factors) == 1):
            height = row + step * (place - (len(outcomes) - 1) / 2)
            better = effect.better
            (line,) = axes.plot([better.low, better.high], [height] * 2, color=colour, linewidth=2)
            line.set_gid(mark(place))
            label = names[place] if row == 0 else None
            (dot,) = axes.plot(better.middle, height, "o", color=colour, label=label)
            dot.set_gid(mark(place, f"{effect.factors[0]} · {outcome.label}", [], [better.middle]))
    axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1)
    labels = [for_figure(textwrap.fill(name, FACTOR)) for name in factors]
    axes.set_yticks(range(len(factors)), labels, multialignment="right")
    axes.set_ylim(len(factors) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("a seed is better with it than without it", fontsize=LABEL)
    _add_legend(figure, names)
    return figure


def _legend_height(names: Sequence[str]) -> float:
    """The height in inches that the legend takes."""
    lines = sum(name.count("\n") + 1 for name in names)
    return 0.18 * -(-lines // _columns(names))


def _add_legend(figure: Figure, names: Sequence[str]) -> None:
    figure.legend(frameon=False, fontsize=TICK, loc="outside lower center", ncols=_columns(names))


def _columns(names: Sequence[str]) -> int:
    """Number of columns of a legend that is as wide as the figure."""
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    return 3 if longest < 12 else 2 if longest < 24 else 1


def sheet_picture(rows: Sequence[Sequence[tuple[str, Path] | None]]) -> Image.Image:
    """Draw the upper left quarters of sheets of samples, each with its title, in rows; in few shades, to stay small.

    Args:
        rows: titles and sheets; None leaves a place empty.
    """
    columns = max(map(len, rows))
    dots = min(100.0, SHEETS_WIDTH / (1.5 * columns))
    figure = Figure(figsize=(1.5 * columns, 1.8 * len(rows)), layout="constrained", dpi=dots)
    coloured = False
    for row, sheets in enumerate(rows):
        for column, (title, sheet) in ((column, place) for column, place in enumerate(sheets) if place):
            pixels = np.asarray(Image.open(sheet).convert("RGB"))
            coloured = coloured or np.ptp(pixels, axis=2).max() > TINT
            axes = figure.add_subplot(len(rows), columns, row * columns + column + 1)
            axes.imshow(pixels[: len(pixels) // 2, : len(pixels) // 2])
            lines = "\n".join(textwrap.fill(line, TITLE) for line in title.split("\n"))
            axes.set_title(for_figure(lines), fontsize=8)
            axes.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer)
    picture = Image.open(buffer)
    return (
        picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
        if coloured
        else picture.convert("L").quantize(GREYS)
    )
