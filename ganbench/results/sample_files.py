"""Samples of runs as files to look at: the last sheet, and how the same latents looked over training."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from ganbench.results.loading import Results

FRAMES = 30
"""The most sheets of an animation, evenly spread over training."""
SHOWN, LAST_SHOWN = 300, 2500
"""Milliseconds for which each sheet, and the last one, is shown."""


def write_sample_files(results: Results, names: Mapping[str, str], folder: Path, frames: int = FRAMES) -> list[Path]:
    """Write `NAME.png`, and `NAME.gif` if there is more than one sheet, for each run that has samples.

    Args:
        names: the name of each run's files, by the run's id.
        folder: created if needed; files of earlier versions of a run are replaced.
        frames: the most sheets of an animation.

    Returns:
        The paths of the pictures without animation.
    """
    written = []
    for run, sheets in results.pictures(list(names), frames).items():
        opened = [Image.open(io.BytesIO(sheets[step])) for step in sorted(sheets)]
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / f"{re.sub(r'[^a-zA-Z0-9.]+', '-', names[run])}.png"
        picture.write_bytes(sheets[max(sheets)])
        if len(opened) > 1:
            durations = [SHOWN] * (len(opened) - 1) + [LAST_SHOWN]
            opened[0].save(
                picture.with_suffix(".gif"), save_all=True, append_images=opened[1:], duration=durations, loop=0
            )
        written.append(picture)
    return sorted(written)
