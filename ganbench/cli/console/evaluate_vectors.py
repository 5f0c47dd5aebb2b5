"""Session of `ganbench evaluate --reference`: from files of vectors to a table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from ganbench.cli.console.evaluation_tables import show_evaluations
from ganbench.core.errors import GanbenchError
from ganbench.core.screen import screen_width
from ganbench.evaluation.evaluate import evaluate
from ganbench.evaluation.samples import read_array


def vectors_session(
    samples: Path, reference: Path | None, labels: Path | None, count: int | None, device: str, style: str
) -> str:
    """Read the vectors, score them, and return the text to print.

    Raises:
        GanbenchError: a file can't be read, or its vectors can't be scored.
    """
    if reference is None:
        raise GanbenchError("--labels are those of real vectors: give them with --reference")
    evaluation = evaluate(
        read_array(samples),
        reference=read_array(reference),
        labels=None if labels is None else read_array(labels),
        count=count,
        device=cast(Literal["auto", "cpu", "cuda", "mps"], device),
    )
    return show_evaluations([evaluation], style, screen_width())
