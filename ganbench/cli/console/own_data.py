"""Own data sets on the screen: what an examination found."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.plain_text import without_control
from ganbench.core.screen import screen_width, wrapped
from ganbench.evaluation.examine_own_data import Remark

SIGNS = {"right": "✓", "limit": "△", "wrong": "✗"}


def show_remarks(name: str, remarks: Sequence[Remark]) -> str:
    """The remarks on a data set, a line each, and what follows from them."""
    width = screen_width()
    wrong = sum(remark.kind == "wrong" for remark in remarks)
    checks = sum(remark.kind != "limit" for remark in remarks)
    end = f"{name}: {wrong} of {checks} checks failed" if wrong else f"{name} can be used"
    lines = [wrapped(f"{SIGNS[remark.kind]} {without_control(remark.words)}", width) for remark in remarks]
    return "\n".join([*lines, end])
