"""Share of samples that are training samples."""

from __future__ import annotations

from typing import ClassVar

from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics.base import METRICS, Direction, Fault, Metric, Scale, UndefinedMetricError
from ganbench.evaluation.metrics.exact_copies import share_of_copies


@register(METRICS, "exact_copies_of_training")
class ExactCopiesOfTraining(Metric):
    """Share of samples that equal a training sample, in every byte (ganbench, version 1).

    A changed pixel hides a copy from it, but not from `copies_of_training`. The floor comes from real samples that
    nothing was trained on, since floor samples of images are training images. Undefined where training data aren't
    kept, as for points.
    """

    direction: ClassVar[Direction] = "lower"
    label: ClassVar[str] = "exact copies of training samples"
    sees: ClassVar[frozenset[Fault]] = frozenset({"copies"})
    scale: ClassVar[Scale] = "share"
    unseen_floor: ClassVar[bool] = True

    def __call__(self, *, fake: Features, real: Reference) -> float:
        training = real.training_samples
        if training is None:
            raise UndefinedMetricError("the training data were not kept")
        return share_of_copies(fake, real, "training", lambda: training)
