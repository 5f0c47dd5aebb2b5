"""Scoring of vectors, and of images by their features, beside real ones: by what a monitor measures of them."""

from __future__ import annotations

import torch

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.bare_arrays import checked_vectors
from ganbench.evaluation.extractor import Extractor
from ganbench.evaluation.monitor.image_features import ImageFeatures, as_images
from ganbench.evaluation.monitor.vectors import FURTHER, SAMPLES, Vectors
from ganbench.evaluation.protocols import MIN_SAMPLES
from ganbench.evaluation.score_samples import Evaluation, Score

NAME, IMAGES = "vectors", "images"
"""The names that stand for data set and protocol."""


def evaluate_vectors(
    fake: object, reference: object, labels: object, count: int | None, device: torch.device
) -> Evaluation:
    """Score vectors by every metric of vectors.

    Args:
        fake: floats [N, d].
        reference: real ones, floats [M, d].
        labels: whole numbers [M], the modes of the real ones, or None.
        count: number of samples to score; by default 2,000, or as many as there are of `fake` and in half of
            `reference`.

    Raises:
        GanbenchError: not such arrays, other widths, too few of them, or labels that the vectors don't tell apart.
    """
    try:
        real = checked_vectors(reference, None)
        constant = torch.nonzero((real == real[:1]).all(0)).flatten().tolist() if len(real) > 1 else []
        if constant:
            raise GanbenchError(f"column {constant[0]} (from 0) has one value only: leave it out of both sets")
    except GanbenchError as error:
        raise GanbenchError(f"reference: {error}") from error
    vectors = checked_vectors(fake, real.shape[1])
    samples = _samples(len(vectors), len(real), count, NAME)
    yardstick = Vectors(real, samples, device, FURTHER, labels)
    return _evaluation(yardstick, vectors, NAME, "real vectors", yardstick.identity["real data"])


def evaluate_features(
    fake: object,
    reference: object,
    labels: object,
    count: int | None,
    device: torch.device,
    extractor: Extractor,
    *,
    pixel_range: str | None = None,
    clip: bool = False,
) -> Evaluation:
    """Score images by every metric of vectors, which are the features that a network has of them.

    Args:
        fake: images [N, C, H, W], [N, H, W, C] or [N, H, W].
        reference: M real ones of the same size.
        labels, count: as of vectors.
        pixel_range: range of float images.
        clip: whether to clip pixels outside that range.

    Raises:
        GanbenchError: not such arrays, other sizes, an ambiguous range, too few of them, a network that fails, or
            labels that its features don't tell apart.
    """
    images, real = as_images(fake), as_images(reference)
    samples = _samples(len(images), len(real), count, IMAGES)
    yardstick = ImageFeatures(real, extractor, samples, device, FURTHER, labels, pixel_range=pixel_range, clip=clip)
    return _evaluation(yardstick, images, IMAGES, extractor.name, extractor.sha256)


def usual_samples(real: int, fake: int = SAMPLES) -> int:
    """The number of samples to score beside so many real ones, if there are so many of them."""
    return max(MIN_SAMPLES, min(SAMPLES, fake, real // 2))


def _samples(fake: int, real: int, count: int | None, what: str) -> int:
    """The number of samples to score."""
    if fake < MIN_SAMPLES:
        raise GanbenchError(f"{fake:,} {what} are too few to score: give at least {MIN_SAMPLES:,}")
    if count is not None and count > fake:
        raise GanbenchError(f"there are only {fake:,} {what} to score, not {count:,}")
    # Too few real ones are refused by their number, not by this.
    return usual_samples(real, fake) if count is None else count


def _evaluation(yardstick: Vectors, fake: object, name: str, evaluator: str, sha256: str) -> Evaluation:
    measured, shares = yardstick.beside_real(yardstick.read(fake))
    return Evaluation(
        dataset=name,
        protocol=name,
        evaluator=evaluator,
        evaluator_sha256=sha256,
        samples=yardstick.samples,
        scores=tuple(
            Score(each, number.value, number.real, number.sd, yardstick.ceiling(each), yardstick.direction(each))
            for each, number in measured.items()
        ),
        modes=() if shares is None else tuple(yardstick.mode_names),
        shares=() if shares is None else tuple(shares.every.values()),
        good_shares=() if shares is None else tuple(shares.good.values()),
        fair_shares=() if shares is None else tuple(yardstick.mode_shares),
        verdict=yardstick.verdict(measured, shares),
    )
