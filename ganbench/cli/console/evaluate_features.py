"""Session of `ganbench evaluate --reference --features`: from images and a network to a table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import click
from torch import Tensor

from ganbench.cli.console.evaluate import Request, generator_of
from ganbench.cli.console.evaluation_tables import show_evaluations
from ganbench.core.device import find_device, scoring_device
from ganbench.core.screen import screen_width, wrapped
from ganbench.evaluation.evaluate import evaluate
from ganbench.evaluation.evaluate_vectors import usual_samples
from ganbench.evaluation.monitor.image_features import image_shape, range_of_real
from ganbench.evaluation.samples import picture_shape, read_array, read_samples


def features_session(request: Request, reference: Path, labels: Path | None, features: Path, style: str) -> str:
    """Read images, score them by a network's features, and return the text to print.

    Raises:
        GanbenchError: a file can't be read, or its images can't be scored.
    """
    device = scoring_device(find_device(request.device))
    real = _real_images(reference, request.pixel_range)
    count = usual_samples(len(real)) if request.count is None else request.count
    samples = read_samples(
        request.path,
        tuple(real.shape[1:]),
        pixel_range=request.pixel_range,
        clip=request.clip,
        generator=generator_of(request, count, None, device),
    )
    if request.clip and style != "table":  # the table begins with it
        click.echo(samples.source, err=True)
    evaluation = evaluate(
        samples.tensor,
        reference=real,
        labels=None if labels is None else read_array(labels),
        features=features,
        pixel_range="-1..1",
        count=request.count,
        device=cast(Literal["auto", "cpu", "cuda", "mps"], request.device),
    )
    text = show_evaluations([evaluation], style, screen_width())
    return text if style != "table" else f"{wrapped(samples.source, screen_width())}\n\n{text}"


def _real_images(path: Path, pixel_range: str | None) -> Tensor:
    """Real images of a folder or an array in [−1, 1]."""
    if path.is_dir():
        return read_samples(path, picture_shape(path)).tensor
    images = read_array(path)
    return read_samples(path, image_shape(images), pixel_range=range_of_real(images, pixel_range)).tensor
