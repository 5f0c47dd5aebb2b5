"""Which of a run's tracked pictures are shown: those of a name, evenly over its steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def chosen(paths: Iterable[str], name: str, most: int) -> dict[int, str]:
    """By step, the paths of pictures (PNG) that MLflow wrote under a name: at most so many, as `evenly` has them."""
    by_step = {}
    for path in paths:
        match = re.search(rf"/{re.escape(name)}[%+]step[%+](\d+)[%+].*\.png$", path)
        if match:
            by_step[int(match[1])] = path
    return {step: by_step[step] for step in evenly(sorted(by_step), most)}


def evenly(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of some steps, evenly chosen, the last among them."""
    if len(steps) <= most:
        return list(steps)
    places = [round((len(steps) - 1) * (1 - share / max(most - 1, 1))) for share in range(most)]
    return [steps[place] for place in sorted(set(places))]
