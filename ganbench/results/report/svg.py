"""Figures as SVG for interactive pages: lines follow the page's text colour; methods and values are attributes."""

from __future__ import annotations

import html
import io
import json
import re
import warnings

import matplotlib
from matplotlib.figure import Figure

# matplotlib quotes attributes that contain " with ', and those that contain both with ".
_MARK = re.compile(r"""<g id=(["'])(\{.*?\})\1>""")
_FONTS = re.compile(r"font-family: '[^\"]*sans-serif")
_GROUP = re.compile(r'<g id="[^"]*"')
_LEVEL = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_BETWEEN = re.compile(r">\s+<")
_PATH = re.compile(r' d="[^"]*"')
_NUMBERS = re.compile(r' (?:d|x|y|width|height|transform)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")


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
