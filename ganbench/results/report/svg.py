"""Figures as SVG for interactive pages: lines follow the page's text colour; methods and values are attributes."""

from __future__ import annotations

import html
import io
import json
import re
import textwrap
import warnings
from collections.abc import Mapping

import matplotlib
from matplotlib.figure import Figure

from ganbench.results.report.charts import style
from ganbench.results.report.escaping import for_terminal

# matplotlib quotes attributes that contain " with ', and those that contain both with ".
_MARK = re.compile(r"""<g id=(["'])(\{.*?\})\1>""")
_FONTS = re.compile(r"font-family: '[^\"]*sans-serif")
_GROUP = re.compile(r'<g id="[^"]*"')
_LEVEL = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_BETWEEN = re.compile(r">\s+<")
_PATH = re.compile(r' d="[^"]*"')
_NUMBERS = re.compile(r' (?:d|x|y|width|height|transform)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")


_METHOD = re.compile(r'class="method method-(\d+)"')
_SIZE = re.compile(r'height="([\d.]+)pt" viewBox="0 0 ([\d.]+) [\d.]+"')

SVG_DASHES = {"-": "", "--": "6 3", ":": "2 2", "-.": "6 2 2 2"}
"""Line styles as SVG dash patterns."""
LEGEND = 56
"""Characters of a line in a legend."""
LEGEND_GAP = 10.0
"""Points between a figure and the middle of the first line of its legend."""
LEGEND_LINE = 13.0
"""Points from one line of a legend to the next."""


def svg(figure: Figure) -> str:
    """Convert a figure to SVG; the same figure gives the same bytes.

    Black becomes `currentColor`, and the background is transparent. An artist whose `gid` is a `charts.mark` becomes a
    group with the classes `method` and `method-N`, and with `data-words` and `data-points` (JSON) if it has a label.
    """
    buffer = io.StringIO()
    # No date, and a fixed salt for ids. Paths aren't simplified, so that points and values correspond.
    with matplotlib.rc_context({"svg.hashsalt": "ganbench", "svg.fonttype": "none", "path.simplify": False}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        with warnings.catch_warnings():
            # The page's own fonts draw the characters that matplotlib's font lacks.
            warnings.filterwarnings("ignore", r"Glyph \d+")
            figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace("#000000", "currentColor")
    return _shorter(_MARK.sub(_as_classes, text))


def swatch(number: int) -> tuple[str, str]:
    """Return the colour of a method, and its dashes as SVG has them."""
    colour, line = style(number)
    return "currentColor" if colour == "#000000" else colour, SVG_DASHES[line]


def with_legend(picture: str, numbers: Mapping[str, int]) -> str:
    """Add a legend below a figure (SVG) for those of the methods that are in it: a file of its own has no page's.

    Args:
        numbers: of the methods, by name.
    """
    drawn = set(_METHOD.findall(picture))
    names = {name: number for name, number in numbers.items() if str(number) in drawn}
    height, width = (float(size) for size in _SIZE.findall(picture)[0])
    parts, y = [], height + LEGEND_GAP
    for name, number in names.items():
        colour, dashes = swatch(number)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        parts.append(f'<path d="M 14 {y:g} h 22" stroke="{colour}" stroke-width="2.5"{dashed}/>')
        for line in textwrap.wrap(for_terminal(name), LEGEND) or [""]:
            words = html.escape(line, quote=False)
            parts.append(f'<text x="42" y="{y + 3:g}" style="font: 9.5px sans-serif">{words}</text>')
            y += LEGEND_LINE
    size = f'height="{y:g}pt" viewBox="0 0 {width:g} {y:g}"'
    return _SIZE.sub(size, picture.rstrip(), count=1).removesuffix("</svg>") + "".join(parts) + "</svg>\n"


def _shorter(text: str) -> str:
    """Compress the picture, since a page holds a hundred. Ids of groups are dropped: they aren't unique on a page."""
    text = _GROUP.sub("<g", _LEVEL.sub("", _FONTS.sub("font-family: sans-serif", text)))
    # Precision of a hundredth of a point is enough.
    text = _NUMBERS.sub(lambda match: _LONG.sub(r"\1", match[0]), text)
    text = _PATH.sub(lambda match: match[0].replace(" \n", "").replace("\n", ""), text)
    return _BETWEEN.sub("><", text)


def _as_classes(match: re.Match[str]) -> str:
    mark = json.loads(html.unescape(match[2]))
    classes = f'class="method method-{mark["method"]}"'
    if not mark["words"]:
        return f"<g {classes}>"
    points = json.dumps(mark["points"], separators=(",", ":"))
    return f'<g {classes} data-words="{html.escape(mark["words"])}" data-points="{points}">'
