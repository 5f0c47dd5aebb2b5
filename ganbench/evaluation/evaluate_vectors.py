"""Scoring of vectors of any kind beside real vectors, by what a monitor measures of them."""

from __future__ import annotations

import torch

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.bare_arrays import checked_vectors
from ganbench.evaluation.monitor.vectors import FURTHER, SAMPLES, Vectors
from ganbench.evaluation.protocols import MIN_SAMPLES
from ganbench.evaluation.score_samples import Evaluation, Score

NAME = "vectors"
"""The name that stands for data set and protocol."""


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
    if len(vectors) < MIN_SAMPLES:
        raise GanbenchError(f"{len(vectors):,} vectors are too few to score: give at least {MIN_SAMPLES:,}")
    if count is not None and count > len(vectors):
        raise GanbenchError(f"there are only {len(vectors):,} vectors to score, not {count:,}")
    # Too few real ones are refused by their number, not by this.
    samples = max(MIN_SAMPLES, min(SAMPLES, len(vectors), len(real) // 2)) if count is None else count
    yardstick = Vectors(real, samples, device, FURTHER, labels)
    measured, shares = yardstick.beside_real(yardstick.read(vectors))
    return Evaluation(
        dataset=NAME,
        protocol=NAME,
        evaluator="real vectors",
        evaluator_sha256=yardstick.identity["real data"],
        samples=samples,
        scores=tuple(
            Score(name, number.value, number.real, number.sd, yardstick.ceiling(name), yardstick.direction(name))
            for name, number in measured.items()
        ),
        modes=() if shares is None else tuple(yardstick.mode_names),
        shares=() if shares is None else tuple(shares.every.values()),
        good_shares=() if shares is None else tuple(shares.good.values()),
        fair_shares=() if shares is None else tuple(yardstick.mode_shares),
        verdict=yardstick.verdict(measured, shares),
    )
