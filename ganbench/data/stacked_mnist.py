"""Stacked-MNIST: three random digits as three channels, a thousand modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ganbench.core.registry import register
from ganbench.core.seeding import Purpose, scatter, stream
from ganbench.data.base import DATASETS, FOR_IMAGES, Data, Dataset, Kind
from ganbench.data.evaluators.classifier import ImageEvaluator, read_card, to_signed
from ganbench.data.evaluators.papers import stacked_paper_evaluator
from ganbench.data.evaluators.second_opinion import SecondOpinion
from ganbench.data.evaluators.stacked import StackedEvaluator
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import EVALUATOR, SECOND_OPINION, Mnist

FRAMES = ("28", "padded-32", "scaled-32")
ON_THE_FLY = 1 << 22
"""Number of triples in an epoch if they are drawn on the fly."""


class StackedDigits(Data):
    """Triples of indices into MNIST's tensor; images are assembled on demand.

    Args:
        digits: MNIST.
        triples: number of fixed triples; 0 draws new ones for every batch.
        part: "train" or "pooled", the digits that training triples are drawn from.
        frame: one of `FRAMES`, the size of the images and how they are brought to it.
    """

    def __init__(self, digits: LabelledImages, triples: int, part: str, frame: str) -> None:
        images, labels = digits.train, digits.train_labels
        if part == "pooled":
            images, labels = torch.cat([images, digits.test]), torch.cat([labels, digits.test_labels])
        self._images, self._test = images, digits.test
        self._frame = frame
        self._fixed = self._draw(len(images), triples, "training-points", 0) if triples else None
        self.device = images.device
        side = 28 if frame == "28" else 32
        self.shape = (3, side, side)
        self.mode_names = tuple(f"{mode:03}" for mode in range(1000))
        share = torch.bincount(labels, minlength=10).double().cpu() / len(labels)
        self.weights = torch.einsum("a,b,c->abc", share, share, share).reshape(-1)

    def __len__(self) -> int:
        return ON_THE_FLY if self._fixed is None else len(self._fixed)

    def batch(self, indices: Tensor) -> Tensor:
        if self._fixed is not None:
            return self._stack(self._images, self._fixed[indices])
        # A triple depends only on index and channel, so that resumed training sees the same samples as uninterrupted
        # training.
        channel = torch.arange(3, device=self.device)
        return self._stack(self._images, scatter(indices[..., None] * 3 + channel) % len(self._images))

    def reference(self, count: int) -> Tensor:
        return self._stack(self._test, self._draw(len(self._test), count, "reference", 0))

    def floor_samples(self, count: int, draw: int = 0) -> Tensor:
        return self._stack(self._images, self._draw(len(self._images), count, "floor", draw))

    def _draw(self, images: int, count: int, purpose: Purpose, draw: int) -> Tensor:
        return torch.randint(images, (count, 3), generator=stream(draw, purpose)).to(self._images.device)

    def _stack(self, images: Tensor, triples: Tensor) -> Tensor:
        stacked = to_signed(images[triples].squeeze(-3))
        return stacked if self._frame == "28" else self._framed(stacked)

    def _framed(self, stacked: Tensor) -> Tensor:
        flat = stacked.reshape(-1, 3, 28, 28)
        if self._frame == "padded-32":
            framed = pad(flat, (2, 2, 2, 2), value=-1.0)
        else:
            framed = interpolate(flat, (32, 32), mode="bilinear", align_corners=False)
        return framed.reshape(*stacked.shape[:-2], 32, 32)


@register(DATASETS, "stacked-mnist")
class StackedMnist(Dataset):
    """Three MNIST digits as three channels, 1000 modes (Metz et al. 2017, arXiv:1611.02163).

    Options: `triples`, the number of fixed triples (0: new ones in every batch); `digits` from the "train" split or
    "pooled" with the test split; `frame` 28, padded-32 or scaled-32.
    """

    kind: ClassVar[Kind] = "images"
    opinion: ClassVar[str] = SECOND_OPINION
    defaults: ClassVar[Mapping[str, Any]] = FOR_IMAGES

    triples: int = 128_000
    digits: str = "train"
    frame: str = "28"

    def __post_init__(self) -> None:
        if self.triples < 0:
            raise ValueError(f"triples must be at least 0, not {self.triples}")
        if self.digits not in ("train", "pooled"):
            raise ValueError(f"digits must be train or pooled, not {self.digits}")
        if self.frame not in FRAMES:
            raise ValueError(f"frame must be one of {', '.join(FRAMES)}, not {self.frame}")

    @property
    def train_size(self) -> int:
        return self.triples or ON_THE_FLY

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 28, 28) if self.frame == "28" else (3, 32, 32)

    @property
    def evaluator_sha256(self) -> str:
        return read_card(EVALUATOR).sha256

    def evaluator(self, device: torch.device) -> StackedEvaluator:
        return StackedEvaluator(ImageEvaluator(EVALUATOR, device), self.shape[1], self.frame == "scaled-32")

    def classifier(self, name: str, device: torch.device) -> StackedEvaluator:
        return stacked_paper_evaluator(name, device, self.shape[1], self.frame == "scaled-32")

    def second_opinion(self, device: torch.device) -> SecondOpinion:
        return SecondOpinion(self.opinion, device, scaled=self.frame == "scaled-32")

    def load(
        self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print
    ) -> StackedDigits:
        return StackedDigits(Mnist().load(device, folder, say), self.triples, self.digits, self.frame)
