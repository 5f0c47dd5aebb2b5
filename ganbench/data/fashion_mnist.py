"""Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch

from ganbench.core.registry import register
from ganbench.data.base import DATASETS, FOR_IMAGES, Dataset, Kind
from ganbench.data.evaluators.classifier import ImageEvaluator, read_card
from ganbench.data.fetch import fetch_fashion_mnist
from ganbench.data.idx import load_idx
from ganbench.data.labelled import LabelledImages

EVALUATOR = "fashion-mnist-cnn-1"
SECOND_OPINION = "fashion-mnist-plausible-2"
CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")


@register(DATASETS, "fashion-mnist")
class FashionMnist(Dataset):
    """Clothes, 28×28 grey, ten classes, 60,000 + 10,000 images (Xiao et al. 2017, arXiv:1708.07747)."""

    kind: ClassVar[Kind] = "images"
    finite: ClassVar[bool] = True
    mode_word: ClassVar[str] = "kinds of clothes"
    opinion: ClassVar[str] = SECOND_OPINION
    defaults: ClassVar[Mapping[str, Any]] = FOR_IMAGES

    @property
    def train_size(self) -> int:
        return 60_000

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, 28, 28)

    @property
    def evaluator_sha256(self) -> str:
        return read_card(EVALUATOR).sha256

    def evaluator(self, device: torch.device) -> ImageEvaluator:
        return ImageEvaluator(EVALUATOR, device)

    def load(
        self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print
    ) -> LabelledImages:
        return load_idx(fetch_fashion_mnist(folder, say=say), CLASSES, device)
