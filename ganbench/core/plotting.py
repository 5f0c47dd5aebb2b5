"""Figures from plain numbers, for MLflow and for the report."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from ganbench.core.mode_words import MODES, with_noun

# Okabe and Ito's palette: distinguishable for colour-blind readers, in print and on light and dark backgrounds.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
GREY = "#8a8a8a"
FULLNESS = LinearSegmentedColormap.from_list(
    "fullness",
    [(0.0, "#1d1d24"), (0.02, "#1d1d24"), (0.1, "#17426b"), (0.5, "#56b4e9"), (0.75, "#f5f1e3"), (1.0, "#e69f00")],
)
"""Colours by mode fullness: an empty mode is black, one as full as in real data blue, an overfull one orange."""


EVENT_MARKS = {
    "missing-modes": ("v", PALETTE[1], "modes lost"),
    "shrunken-modes": ("d", PALETTE[4], "modes shrunken"),
    "off-mode": ("X", GREY, "off the modes"),
    "duplicates": ("s", PALETTE[3], "duplicates"),
    "uncovered": ("o", PALETTE[0], "data uncovered"),
    "d-saturation": ("P", PALETTE[7], "D has won"),
    "divergence": ("*", PALETTE[7], "diverged"),
    "worsening": (">", PALETTE[1], "worse"),
    "recovery": ("^", PALETTE[2], "recovered"),
}
"""The mark of each event: marker, colour, and legend label."""
FAULT_HEIGHT, RECOVERY_HEIGHT = 0.8, -0.8
"""Heights of the marks above the heat map; losses and recoveries can coincide at one step."""


def mode_histogram(
    names: Sequence[str], all_samples: Sequence[float], good: Sequence[float], mode_word: str = MODES
) -> Figure:
    """Bar chart of the share of samples, and of good samples, in each mode; a line marks an even share.

    Args:
        mode_word: the plural noun for modes.
    """
    longest = max(map(len, names))
    rotated = longest > 3
    # A bare Figure: pyplot would keep every figure alive and require a display backend. Margins are computed by hand,
    # because matplotlib's automatic layout takes as long as the drawing, and every run draws this figure.
    figure = Figure(figsize=(4.4, 2.6), dpi=110)
    bottom = 0.75 + (0.05 * longest if rotated else 0.0)
    axes = figure.add_axes(_axes_box(figure, left=0.72, right=0.1, bottom=bottom, top=0.1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.bar(names, all_samples, color=PALETTE[5], label="all samples")
    axes.bar(names, good, color=PALETTE[0], label="good ones among them")
    axes.axhline(1 / len(names), color=GREY, linestyle="--", linewidth=1, label="even share")
    axes.set(xlabel=with_noun("mode", mode_word), ylabel="share of samples")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylim(0, min(1.0, max(*all_samples, 1 / len(names)) * 1.1))
    if rotated:
        axes.tick_params(axis="x", labelrotation=45, labelsize=8)
    figure.legend(frameon=False, fontsize=8, loc="lower center", ncols=3)
    return figure


def mode_heat_map(
    steps: Sequence[int],
    fullness: Sequence[Sequence[float]],
    names: Sequence[str],
    events: Sequence[tuple[int, str]],
    mode_word: str = MODES,
) -> Figure:
    """Modes × steps: how full each mode was at each evaluation, with events marked above.

    Args:
        steps: the steps of the evaluations, [T].
        fullness: [T][K], good samples relative to the mode's share in real data: 0 empty, 1 as in real data.
        events: step and kind.
        mode_word: the plural noun for modes.
    """
    many_modes = len(names) > 40
    map_height = 2.6 if many_modes else 0.2 * len(names)
    label_width = 0.3 if many_modes else 0.08 * max(map(len, names))
    figure = Figure(figsize=(5.6, 1.75 + map_height), dpi=110)
    margins = {"left": 0.35 + label_width, "right": 0.95}
    event_axes = figure.add_axes(_axes_box(figure, **margins, bottom=1.15 + map_height + 0.05, top=0.1))
    axes = figure.add_axes(_axes_box(figure, **margins, bottom=1.05, top=0.6), sharex=event_axes)
    for panel in (event_axes, axes):
        panel.spines[:].set_visible(False)
    event_axes.set_yticks([])
    event_axes.set_ylim(-2, 2)
    event_axes.tick_params(axis="x", length=0, labelbottom=False)
    # Each cell extends halfway to the previous evaluation and halfway to the next.
    midpoints = [(a + b) / 2 for a, b in itertools.pairwise(steps)]
    half_interval = (steps[1] - steps[0]) / 2 if len(steps) > 1 else 1
    edges = [steps[0] - half_interval, *midpoints, steps[-1] + half_interval]
    rows = [[min(by_mode[mode], 2.0) for by_mode in fullness] for mode in range(len(names))]
    picture = axes.pcolormesh(edges, range(len(names) + 1), rows, cmap=FULLNESS, vmin=0, vmax=2, rasterized=True)
    axes.set(xlabel="generator steps", ylabel=with_noun("mode", mode_word))
    if not many_modes:
        axes.set_yticks([mode + 0.5 for mode in range(len(names))], names, fontsize=8 if len(names) <= 12 else 6)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value >= 1000 else f"{value:g}")
    scale_axes = figure.add_axes(_axes_box(figure, left=5.6 - 0.85, right=0.72, bottom=1.05, top=0.6))
    colour_bar = figure.colorbar(picture, cax=scale_axes, ticks=[0, 1, 2])
    colour_bar.ax.set_yticklabels(["empty", "as real", "≥ 2×"], fontsize=8)
    colour_bar.outline.set_visible(False)
    _mark_events(event_axes, events, mode_word)
    event_axes.set_xlim(edges[0], edges[-1])
    if events:
        figure.legend(frameon=False, fontsize=8, loc="lower center", ncols=4, handletextpad=0.2)
    return figure


def share_curves(
    steps: Sequence[int],
    curves: Mapping[str, Sequence[float]],
    floors: Mapping[str, float],
    events: Sequence[tuple[int, str]],
) -> Figure:
    """Curves of shares in [0, 1] over steps, with those of real data dashed, and events marked above.

    Args:
        curves: by label, [T] each.
        floors: by label, the share in real data.
        events: step and kind.
    """
    figure = Figure(figsize=(5.6, 3.6), dpi=110)
    margins = {"left": 0.6, "right": 1.5}
    event_axes = figure.add_axes(_axes_box(figure, **margins, bottom=3.05, top=0.1))
    axes = figure.add_axes(_axes_box(figure, **margins, bottom=1.05, top=0.6), sharex=event_axes)
    axes.spines[["top", "right"]].set_visible(False)
    event_axes.spines[:].set_visible(False)
    event_axes.set_yticks([])
    event_axes.set_ylim(-2, 2)
    event_axes.tick_params(axis="x", length=0, labelbottom=False)
    for (label, values), colour in zip(curves.items(), PALETTE, strict=False):
        axes.plot(steps, values, ".-", color=colour, linewidth=1.2, label=label)
        axes.axhline(floors[label], color=colour, linestyle="--", linewidth=0.8)
    axes.set(xlabel="generator steps", ylim=(-0.03, 1.03))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value >= 1000 else f"{value:g}")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), title="dashed: real data")
    _mark_events(event_axes, events)
    if events:
        figure.legend(*event_axes.get_legend_handles_labels(), frameon=False, fontsize=8, loc="lower center", ncols=4)
    return figure


def scatter(points: NDArray[np.floating], means: NDArray[np.floating], radius: float) -> NDArray[np.uint8]:
    """Generated points, with a circle around each mode that encloses its good samples, as pixels [H, W, 3]."""
    figure = Figure(figsize=(3.2, 3.2), dpi=110)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    span = float(np.abs(means).max()) * 1.35
    axes.set(xlim=(-span, span), ylim=(-span, span))
    axes.plot(points[:, 0], points[:, 1], ".", color=PALETTE[0], markersize=2.5, alpha=0.35, markeredgewidth=0)
    # Drawn slightly larger than the true radius if that would be too small to see.
    drawn = max(radius, 0.03 * span)
    for x, y in means:
        axes.add_patch(Circle((x, y), drawn, fill=False, color=PALETTE[1], linewidth=0.9))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba")
    side = round(3.2 * 110)
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(side, side, 4)[..., :3].copy()


def _axes_box(
    figure: Figure, *, left: float, right: float, bottom: float, top: float
) -> tuple[float, float, float, float]:
    """Axes with these margins in inches, as the fractions of the figure that matplotlib expects."""
    width, height = figure.get_size_inches()
    return left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height


def _mark_events(axes: Axes, events: Sequence[tuple[int, str]], mode_word: str = MODES) -> None:
    for kind, (marker, colour, label) in EVENT_MARKS.items():
        steps = [step for step, event_kind in events if event_kind == kind]
        if steps:
            axes.plot(
                steps,
                [RECOVERY_HEIGHT if kind == "recovery" else FAULT_HEIGHT] * len(steps),
                marker,
                color=colour,
                markersize=7,
                linestyle="",
                label=with_noun(label, mode_word),
                clip_on=False,
            )
