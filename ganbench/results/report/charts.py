"""Charts over seeds: one colour per method, the same in all charts of a report; the artists of a seed carry its values.

An artist's `gid` is a `mark` in JSON, from which `ganbench.results.report.svg` makes the attributes that the page uses
to show values on hover and to toggle methods.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

from ganbench.core.plotting import GREY, PALETTE
from ganbench.results.report.escaping import for_figure

Line = tuple[Sequence[float], Sequence[float]]
"""The x and y values of one seed."""

WIDTH = 4.6
"""Inches: a figure is as wide as a phone, on which its text is then as large as it says."""
TITLE, LABEL, TICK = 11, 10, 9.5
"""Sizes of text, in points."""
LINE = 48
"""Characters; longer titles and names are wrapped."""
FEW = 3
"""With more seeds than this, their median and interquartile range are drawn as well."""
CROWD = 40
"""More seeds than this are not drawn individually."""
DOTS = 16
"""The approximate number of dots that represent a crowd of seeds with different values."""
MAX_COUNTS = 10_000
"""Counts at which a profile is drawn: all of them, unless a file has an absurd one."""
NESTED = (4.0, 1.2)
"""The widest and the narrowest of several lines that may be equal."""
DODGE = 0.24
"""The furthest from the middle of its row that a dot is drawn."""
DASHES = ("-", "--", ":", "-.")


def curves(
    lines: Mapping[str, Mapping[int, Line]],
    *,
    numbers: Mapping[str, int],
    title: str,
    xlabel: str,
    floor: float | None,
    logarithmic: bool,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw a thin line per seed, with one colour per method, whose names stand elsewhere.

    Several seeds also get their median and interquartile range; a crowd gets only these.

    Args:
        lines: x and y values by method and seed.
        numbers: each method's number in the whole report, which determines its colour.
        floor: the score of real data.
        limits: of the y axis; by default those of the values.
    """
    figure, axes = bare_figure(3.0)
    for name, seeds in lines.items():
        number = numbers[name]
        colour, dash = style(number)
        many = len(seeds) > FEW
        if many:
            at, middle, low, high = _middle(list(seeds.values()))
            band = axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
            band.set_gid(mark(number))
            (line,) = axes.plot(at, middle, dash, color=colour, linewidth=2)
            line.set_gid(mark(number, f"{name} · median", at, middle))
        for seed, (steps, values) in seeds.items() if len(seeds) <= CROWD else ():
            thin, alpha = (0.7, 0.3) if many else (1.3, 0.85)
            (line,) = axes.plot(steps, values, dash, color=colour, linewidth=thin, alpha=alpha)
            if len(steps) == 1:  # a line of one point would be invisible
                line.set(marker="o", markersize=4)
            line.set_gid(mark(number, f"{name} · seed {seed}", steps, values))
    if floor is not None and (floor > 0 or not logarithmic):
        axes.axhline(floor, color=GREY, linestyle="--", linewidth=1)
        highest = max((max(values) for seeds in lines.values() for _, values in seeds.values()), default=floor)
        below = floor >= highest
        axes.annotate(
            "real data",
            (1, floor),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-2, -2 if below else 2),
            textcoords="offset points",
            ha="right",
            va="top" if below else "bottom",
            fontsize=TICK,
        )
    if logarithmic:
        axes.set_yscale("log")
    if limits is not None:
        axes.set_ylim(*limits)
    axes.set_xlabel(wrapped(xlabel), fontsize=LABEL)
    axes.set_title(wrapped(title), fontsize=TITLE)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return figure


def strip(
    groups: Mapping[str, Mapping[int, float]],
    *,
    numbers: Mapping[str, int],
    title: str,
    xlabel: str,
    ceiling: float | None,
) -> Figure:
    """Draw a row per method with a dot per seed and a bar at the median.

    Dots of equal values are side by side; a crowd gets larger dots, each for several seeds.

    Args:
        groups: values by method and seed.
    """
    names = {name: wrapped(name) for name in groups}
    tallest = max((name.count("\n") for name in names.values()), default=0)
    figure, axes = bare_figure(0.9 + (0.46 + 0.15 * tallest) * len(groups))
    for row, (name, seeds) in enumerate(groups.items()):
        number = numbers[name]
        colour, _ = style(number)
        for value, offset, size, words in _dots(seeds):
            (dot,) = axes.plot(value, row + offset, "o", color=colour, markersize=size, alpha=0.9)
            dot.set_gid(mark(number, f"{name} · {words}", [], [value]))
        # A name stands above its dots, since beside them it would take half of the width.
        label = axes.text(
            0.01, row - 0.3, names[name], transform=axes.get_yaxis_transform(), fontsize=TICK, linespacing=1.05
        )
        label.set_gid(mark(number))
        middle = float(np.median(list(seeds.values())))
        (bar,) = axes.plot([middle, middle], [row - DODGE, row + DODGE], color=colour, linewidth=2.5, alpha=0.6)
        bar.set_gid(mark(number, f"{name} · median", [], [middle]))
    if ceiling is not None:
        axes.axvline(ceiling, color=GREY, linestyle="--", linewidth=1)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_ylim(len(groups) - 0.6, -0.75 - 0.2 * tallest)
    lowest = min((min(seeds.values()) for seeds in groups.values()), default=0.0)
    axes.set_xlim(left=min(0.0, lowest) - 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(wrapped(xlabel), fontsize=LABEL)
    axes.set_title(wrapped(title), fontsize=TITLE)
    return figure


def _dots(seeds: Mapping[int, float]) -> Iterator[tuple[float, float, float, str]]:
    """Yield value, offset, diameter and label of each dot: one per seed, or in a crowd one per value or range."""
    ordered = sorted(seeds.items(), key=lambda item: item[1])
    values = [value for _, value in ordered]
    if len(seeds) > CROWD:
        step = (values[-1] - values[0]) / DOTS if len(set(values)) > DOTS else 0.0
        for _, alike in groupby(values, key=lambda value: value if step == 0.0 else round(value / step)):
            equal = list(alike)
            yield (
                fmean(equal),
                0.0,
                2 + 14 * (len(equal) / len(values)) ** 0.5,
                f"{len(equal)} of {len(values)} seeds",
            )
        return
    for place, (seed, value) in enumerate(ordered):
        beside = values[:place].count(value)
        offset = (beside + 1) // 2 * (1 if beside % 2 else -1) * 0.07
        yield value, max(-DODGE, min(DODGE, offset)), 4.5, f"seed {seed}"


def survival(
    groups: Mapping[str, Sequence[float]],
    *,
    numbers: Mapping[str, int],
    title: str,
    xlabel: str,
    most: float,
) -> Figure:
    """Draw a performance profile: the fraction of all seeds, including failed ones, with at least k modes, over k.

    Args:
        groups: a value for each seed of each method; NaN for a failed seed.
        most: the end of the x axis.
    """
    figure, axes = bare_figure(3.0)
    at = np.linspace(0, int(most), min(int(most), MAX_COUNTS) + 1).tolist()
    for (name, seeds), width in zip(groups.items(), nested(len(groups)), strict=True):
        colour, dash = style(numbers[name])
        values = np.asarray(seeds, dtype=float)
        shares = [float((values >= count).mean()) for count in at]  # comparisons with NaN are False
        (line,) = axes.step(at, shares, dash, where="pre", color=colour, linewidth=width)
        line.set_gid(mark(numbers[name], name, at, shares))
    axes.set_xlabel(wrapped(xlabel), fontsize=LABEL)
    axes.set_title(wrapped(title), fontsize=TITLE)
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def nested(count: int) -> list[float]:
    """Widths of lines, from wide to narrow: of lines at the same place, the later ones lie within the earlier ones."""
    return np.linspace(NESTED[0], NESTED[1], count).tolist() if count > 1 else [sum(NESTED) / 2] * count


def style(number: int) -> tuple[str, str]:
    """Return a method's colour and line style; when colours run out they repeat with another line style."""
    return PALETTE[number % len(PALETTE)], DASHES[number // len(PALETTE) % len(DASHES)]


def mark(number: int, words: str = "", at: Sequence[float] = (), values: Sequence[float] = ()) -> str:
    """An artist's metadata as JSON: the method's number, a label, and its points (x may be missing)."""
    points = [[*map(_rounded, pair)] for pair in zip(at, values, strict=True)] if at else [[*map(_rounded, values)]]
    return json.dumps({"method": number, "words": words, "points": points if values else []})


def _rounded(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None


def _middle(seeds: Sequence[Line]) -> tuple[list[float], ...]:
    """Each x of any seed, with the median and the quartiles over the seeds that have a value there."""
    by_step: dict[float, list[float]] = {}
    for steps, values in seeds:
        for step, value in zip(steps, values, strict=True):
            by_step.setdefault(step, []).append(value)
    steps = sorted(by_step)
    low, middle, high = np.array([np.quantile(by_step[step], (0.25, 0.5, 0.75)) for step in steps]).T.tolist()
    return list(steps), middle, low, high


def wrapped(text: str) -> str:
    """A title or name as matplotlib takes it, in lines that fit a figure."""
    return for_figure(textwrap.fill(text, LINE))


def bare_figure(height: float) -> tuple[Figure, Axes]:
    """Make a figure of the common width.

    Args:
        height: in inches.
    """
    # A bare Figure: pyplot would keep every figure alive, and require a display backend.
    figure = Figure(figsize=(WIDTH, height), layout="constrained", dpi=110)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TICK)
    return figure, axes
