"""The evaluator of images whose channels are digits: each is classified by itself; the mode is the number they form."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganbench.data.evaluators.base import Evaluator, Features
from ganbench.data.evaluators.classifier import check_images, to_bytes

IMAGES_PER_BLOCK = 5_000


class StackedEvaluator:
    """An evaluator of three digits in three channels: the mode is 100 a + 10 b + c.

    The embedding concatenates those of the three channels; confidence and deviation are those of the worst channel.
    Images are brought to the classifier's size, 28×28 unless it has a `side` of its own: images of 32×32 are cropped if
    they were padded, rescaled if they were scaled.
    """

    def __init__(self, digits: Evaluator, side: int = 28, scaled: bool = False) -> None:
        self._digits = digits
        self._digit_side: int = getattr(digits, "side", 28)
        self._side = side
        self._scaled = scaled
        self.name = f"{digits.name} on each channel"
        self.sha256 = digits.sha256

    def __call__(self, samples: Tensor) -> Features:
        """Features of images, float32 [N, 3, H, W] in [−1, 1].

        Raises:
            ValueError: wrong type, shape or range, no images, or NaN among them.
        """
        check_images(samples, (3, self._side, self._side))
        parts = [self._evaluate_block(block) for block in samples.split(IMAGES_PER_BLOCK)]
        embedding, labels, deviation, confidence = (torch.cat(part) for part in zip(*parts, strict=True))
        return Features(
            samples=to_bytes(samples),
            embedding=embedding,
            labels=labels,
            modes=1000,
            deviation=deviation,
            good=torch.ones_like(labels, dtype=torch.bool),
            probabilities=None,
            confidence=confidence,
        )

    def _evaluate_block(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        count = len(samples)
        resized = samples if self._side == self._digit_side else to_28(samples, self._scaled)
        features = self._digits(resized.reshape(count * 3, 1, self._digit_side, self._digit_side))
        place_values = torch.tensor([100, 10, 1], device=features.labels.device)
        return (
            features.embedding.reshape(count, -1),
            (features.labels.reshape(count, 3) * place_values).sum(1),
            features.deviation.reshape(count, 3).amax(dim=1, keepdim=True),
            features.confidence.reshape(count, 3).amin(dim=1),
        )


def to_28(samples: Tensor, scaled: bool) -> Tensor:
    """Images [N, C, H, W] of 28×28 or 32×32 at 28×28: larger ones are cropped, or rescaled if they were scaled."""
    if samples.shape[-1] == 28:
        return samples
    if scaled:
        smaller = interpolate(samples, (28, 28), mode="bilinear", antialias=True, align_corners=False)
        return smaller.clamp(-1, 1)
    return samples[:, :, 2:30, 2:30]
