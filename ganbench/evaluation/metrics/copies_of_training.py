"""Share of samples that are copies of training images, also shifted or noisy ones."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, Scale, UndefinedMetricError
from ganbench.evaluation.metrics.by_mode import draw
from ganbench.evaluation.metrics.copy_test import CopySpace
from ganbench.evaluation.metrics.memo import memoize_on

MIN_REAL = 100


@register(METRICS, "copies_of_training")
class CopiesOfTraining(Metric):
    """Share of samples nearer to one training image than 99 % of unseen ones are (ganbench, version 1).

    A sample is a copy if |x − t₁| / |x − t₅| is below the quantile `alpha` of unseen real images, with t₁ and t₅ the
    nearest and fifth nearest training image. So dense regions don't look copied, nor do samples near to all, like
    averages. The space is made for it: images with their centre of mass in the middle, at half the resolution, in
    48 principal components of the training images. In it, a shift of a pixel or noise of 8 of 255 changes little:
    99 % of MNIST's training images are still found (`memorisation`: 11 % and 36 %), and 88 to 99 % of Fashion-MNIST's,
    which lose part of the object in a shift. The threshold comes from the first
    half of the reference; other unseen images score about `alpha`. Up to `samples` are drawn.
    """

    direction: ClassVar[Direction] = "real"
    label: ClassVar[str] = "copies of training images"
    sees: ClassVar[frozenset[Fault]] = frozenset({"copies"})
    scale: ClassVar[Scale] = "share"
    unseen_floor: ClassVar[bool] = True

    alpha: float = 0.01
    samples: int = 2_000

    def __call__(self, *, fake: Features, real: Reference) -> float:
        training = real.training_samples
        if training is None:
            raise UndefinedMetricError("the training data were not kept")
        if training.dtype != torch.uint8 or training.ndim != 4 or fake.samples.shape[1:] != training.shape[1:]:
            raise UndefinedMetricError("samples and training data aren't images of the same size")
        half = len(real) // 2
        if half < MIN_REAL:
            raise UndefinedMetricError(f"there are too few real samples for a threshold: {half}")

        def calibrate() -> tuple[CopySpace, Tensor]:
            space = CopySpace.fit(training)
            return space, space.novelty(real.samples[:half][: self.samples]).quantile(self.alpha)

        space, threshold = memoize_on(real, ("copies of training", self.alpha, self.samples), calibrate)
        everything = torch.arange(len(fake), device=fake.labels.device)
        chosen = draw(fake, everything, self.samples, 0)
        return float((space.novelty(fake.samples[chosen]) <= threshold).double().mean())
