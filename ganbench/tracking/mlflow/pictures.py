"""Selection of a run's tracked pictures: those of one name, evenly spread over its steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def chosen(paths: Iterable[str], name: str, most: int) -> dict[int, str]:
    """Return by step the paths of at most `most` pictures (PNG) that MLflow wrote under a name, chosen by `evenly`."""
    by_step = {}
    for path in paths:
        match = re.search(rf"/{re.escape(name)}[%+]step[%+](\d+)[%+].*\.png$", path)
        if match:
            by_step[int(match[1])] = path
    return {step: by_step[step] for step in evenly(sorted(by_step), most)}


def evenly(steps: Sequence[int], most: int) -> list[int]:
    """Choose at most `most` of the steps, evenly spread and including the last."""
    if len(steps) <= most:
        return list(steps)
    indices = [round((len(steps) - 1) * (1 - share / max(most - 1, 1))) for share in range(most)]
    return [steps[index] for index in sorted(set(indices))]
