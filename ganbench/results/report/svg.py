"""A figure as SVG that a page can be made lively with: ink that follows the page, methods and values as attributes."""

from __future__ import annotations

import html
import io
import json
import re

import matplotlib
from matplotlib.figure import Figure

# matplotlib quotes an attribute that contains " with ', and one that contains both with ".
_MARK = re.compile(r"""<g id=(["'])(\{.*?\})\1>""")
_FONTS = re.compile(r"font-family: '[^\"]*sans-serif")
_GROUP = re.compile(r'<g id="[^"]*"')
_LEVEL = re.compile(r' transform="rotate\(-?0 [^"]*\)"')
_BETWEEN = re.compile(r">\s+<")
_PATH = re.compile(r' d="[^"]*"')
_NUMBERS = re.compile(r' (?:d|x|y|width|height|transform)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")


def svg(figure: Figure) -> str:
    """The same figure is the same bytes.

    What is black is drawn in `currentColor`, the ground is left open. An artist whose `gid` is a `charts.mark` is a
    group of the classes `method` and `method-N`, with `data-words` and `data-points` (JSON) where it says something.
    """
    buffer = io.StringIO()
    # Without a date, and with a fixed salt for its ids. Unsimplified: points and values stay in step.
    with matplotlib.rc_context({"svg.hashsalt": "ganbench", "svg.fonttype": "none", "path.simplify": False}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace("#000000", "currentColor")
    return _shorter(_MARK.sub(_as_classes, text))


def _shorter(text: str) -> str:
    """The same picture in fewer bytes: a page holds a hundred. No group keeps an id, which others have too."""
    text = _GROUP.sub("<g", _LEVEL.sub("", _FONTS.sub("font-family: sans-serif", text)))
    # A hundredth of a point is enough.
    text = _NUMBERS.sub(lambda found: _LONG.sub(r"\1", found[0]), text)
    text = _PATH.sub(lambda found: found[0].replace(" \n", "").replace("\n", ""), text)
    return _BETWEEN.sub("><", text)


def _as_classes(found: re.Match[str]) -> str:
    told = json.loads(html.unescape(found[2]))
    classes = f'class="method method-{told["method"]}"'
    if not told["words"]:
        return f"<g {classes}>"
    points = json.dumps(told["points"], separators=(",", ":"))
    return f'<g {classes} data-words="{html.escape(told["words"])}" data-points="{points}">'
