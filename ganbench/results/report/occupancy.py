"""Distribution of samples over modes, drawn as plain SVG: a page has two such pictures for every seed shown.

These are the figures that `ganbench.core.plotting` draws for MLflow, in a hundredth of the time, and with each mode's
value as a tooltip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby, pairwise

from markupsafe import Markup, escape
from matplotlib.colors import to_hex

from ganbench.core.mode_words import MODES, with_noun
from ganbench.core.plotting import EVENT_MARKS, FULLNESS, GREY, PALETTE

GLYPHS = dict(zip(EVENT_MARKS, "▼◆✖■●✚★▶▲", strict=True))
"""The markers of `EVENT_MARKS` as characters, by kind of event."""
WIDTH, LEFT, RIGHT = 420, 62, 8
BARS = 130
"""Height of the histogram's bars."""
ROW = (5, 13)
"""Minimum and maximum height of a mode's row in the heat map."""
TALLEST = 300
SHADES = 40
LABELLED = 40
"""The most modes that are labelled."""
FAULT, RECOVERED = 11, 24
"""Heights of faults and recoveries above the heat map; they differ, since both can occur at the same step."""


def histogram(all_samples: Mapping[str, float], good: Mapping[str, float]) -> Markup:
    """Draw the share of samples in each mode, and of good ones among them, with an even share as a line."""
    count = len(all_samples)
    even = 1 / count
    top = min(1.0, max(*all_samples.values(), even) * 1.1)
    wide = (WIDTH - LEFT - RIGHT) / count
    base = 8 + BARS

    def height(share: float) -> float:
        return BARS * min(share, top) / top

    parts = [_text(LEFT - 6, base + 4, "0 %", "end"), _text(LEFT - 6, base - height(even) + 4, f"{even:.1%}", "end")]
    for place, (name, share) in enumerate(all_samples.items()):
        x = LEFT + wide * (place + 0.1)
        words = f"{name}: {share:.1%} of all samples, {good.get(name, 0.0):.1%} good ones"
        parts += [
            f"<g>{_title(words)}",
            _rectangle(x, 8, 0.8 * wide, BARS, "transparent"),
            _rectangle(x, base - height(share), 0.8 * wide, height(share), PALETTE[5]),
            _rectangle(x, base - height(good.get(name, 0.0)), 0.8 * wide, height(good.get(name, 0.0)), PALETTE[0]),
            "</g>",
        ]
        if count <= LABELLED:
            parts.append(_upright(x + 0.4 * wide, base + 12, name, narrow=wide < 8 * len(name)))
    line = base - height(even)
    parts.append(_line(LEFT, WIDTH - RIGHT, line, GREY))
    longest = max(map(len, all_samples)) if count <= LABELLED else 0
    bottom = base + 12 + (6 * longest if wide < 8 * longest else 6)
    legend = [("■", PALETTE[5], "all samples"), ("■", PALETTE[0], "good ones among them"), ("┄", GREY, "even share")]
    return _picture(bottom + 18, [*parts, *_legend(legend, bottom + 12)])


def heat_map(
    steps: Sequence[int],
    fullness: Sequence[Sequence[float]],
    names: Sequence[str],
    events: Sequence[tuple[int, str]],
    noun: str = MODES,
) -> Markup:
    """Draw a modes × steps heat map of each mode's share at each evaluation, with events marked above.

    Args:
        steps: the steps of the evaluations, [T].
        fullness: [T][K], good samples relative to an even share: 0 is empty, 1 is an even share.
        events: pairs of step and kind.
        noun: the plural noun for modes.
    """
    event_words = {kind: with_noun(words, noun) for kind, (_, _, words) in EVENT_MARKS.items()}
    row = max(min(ROW[1], TALLEST / len(names)), min(ROW[0], TALLEST / len(names)))
    top, tall = 32, row * len(names)
    half = (steps[1] - steps[0]) / 2
    # A cell extends halfway to the evaluations before and after it.
    edges = [steps[0] - half, *((a + b) / 2 for a, b in pairwise(steps)), steps[-1] + half]
    scale = (WIDTH - LEFT - RIGHT) / (edges[-1] - edges[0])

    def across(step: float) -> float:
        return LEFT + (step - edges[0]) * scale

    parts = []
    for mode, name in enumerate(names):
        y = top + tall - row * (mode + 1)
        # Consecutive evaluations of the same shade share a rectangle.
        drawn = ""
        for shade, alike in groupby(
            range(len(fullness)), key=lambda at: round(min(fullness[at][mode], 2) * SHADES / 2)
        ):
            evaluations = list(alike)
            left, right = edges[evaluations[0]], edges[evaluations[-1] + 1]
            drawn += _rectangle(across(left), y, (right - left) * scale, row, _shade(shade / SHADES))
        words = f"{name}: {fullness[-1][mode]:.2f} of an even share at step {steps[-1]:,}"
        parts.append(f'<g shape-rendering="crispEdges">{_title(words)}{drawn}</g>')
        if len(names) <= LABELLED:
            parts.append(_text(LEFT - 6, y + row / 2 + 4, name, "end"))
    for step, kind in events:
        parts.append(_mark(across(step), kind, f"step {step:,}: {event_words[kind]}"))
    bottom = top + tall + 14
    parts += [
        _text(across(steps[0]), bottom, f"{steps[0]:,}", "middle"),
        _text((LEFT + WIDTH) / 2, bottom, "generator steps", "middle"),
        _text(across(steps[-1]), bottom, f"{steps[-1]:,}", "end"),
    ]
    shades = [("■", _shade(full), word) for full, word in ((0.0, "empty"), (0.5, "as real"), (1.0, "≥ 2×"))]
    seen = dict.fromkeys(kind for _, kind in events)
    marks = [(GLYPHS[kind], _ink(kind), event_words[kind]) for kind in EVENT_MARKS if kind in seen]
    return _picture(bottom + 34, [*parts, *_legend(shades, bottom + 16), *_legend(marks, bottom + 30)])


def _picture(height: float, parts: Sequence[str]) -> Markup:
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-size="11">'
    return Markup(f"{opening}{''.join(parts)}</svg>")


def _legend(entries: Sequence[tuple[str, str, str]], y: float) -> Iterator[str]:
    """Draw glyph, colour and word of each entry, side by side."""
    x = float(LEFT)
    for glyph, colour, word in entries:
        yield f'<text x="{x:.1f}" y="{y:.1f}" style="fill: {colour}">{glyph}</text>'
        yield _text(x + 13, y, word, "start")
        x += 13 + 6.2 * len(word) + 14


def _mark(x: float, kind: str, words: str) -> str:
    y = RECOVERED if kind == "recovery" else FAULT
    glyph = f"{GLYPHS[kind]}{_title(words)}"
    return f'<text x="{x:.1f}" y="{y}" text-anchor="middle" style="fill: {_ink(kind)}">{glyph}</text>'


def _ink(kind: str) -> str:
    colour = EVENT_MARKS[kind][1]
    return "currentColor" if colour == "#000000" else colour


@cache
def _shade(half: float) -> str:
    """Colour of a mode with twice this share of an even one."""
    return str(to_hex(FULLNESS(half)))


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>"


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _line(x1: float, x2: float, y: float, colour: str) -> str:
    return f'<path d="M{x1:.1f} {y:.1f}H{x2:.1f}" stroke="{colour}" stroke-dasharray="4 3"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _upright(x: float, y: float, words: str, *, narrow: bool) -> str:
    """Draw a label below a bar, rotated if the bar is too narrow."""
    if not narrow:
        return _text(x, y, words, "middle")
    return f'<text transform="translate({x + 4:.1f} {y - 6:.1f}) rotate(-90)" text-anchor="end">{escape(words)}</text>'
