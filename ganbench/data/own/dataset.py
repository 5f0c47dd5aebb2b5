"""Data sets of a user's own as components: for each folder with a card there is a class under the folder's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganbench.core.own_data import CLASSES, Card, own_cards, own_data_folder
from ganbench.core.seeding import stream
from ganbench.data.base import DATASETS, FOR_IMAGES, Dataset, Kind
from ganbench.data.evaluators.classifier import ImageEvaluator, to_signed
from ganbench.data.labelled import LabelledImages
from ganbench.data.own.evaluator import read_evaluator
from ganbench.data.own.folder import read_images
from ganbench.data.own.split import EVALUATION, REFERENCE, TRAIN

SCALED_ARCHS = ("dcgan", "resnet", "r3gan-small")
"""The architectures whose number of resolutions is an option."""
MIN_DOUBLINGS, LARGEST_BASE = 2, 8
"""A generator doubles the side at least so often, and more often to begin with no more than this side."""


class OwnImages(LabelledImages):
    """Training images, a reference, and images that nothing was trained on or compared with."""

    def __init__(self, images: Tensor, labels: Tensor, parts: Tensor, mode_names: tuple[str, ...]) -> None:
        """Split images, uint8 [N, C, H, W], with labels, int64 [N], by their parts, [N]."""
        train, test = parts == TRAIN, parts == REFERENCE
        super().__init__(images[train], labels[train], images[test], labels[test], mode_names)
        self._unseen, self.held_out = images[parts == EVALUATION], images[~train]

    def unseen(self, count: int) -> Tensor:
        order = torch.randperm(len(self._unseen), generator=stream(0, "reference")).to(self.device)
        return to_signed(self._unseen[order[:count]])


class OwnDataset(Dataset):
    """Images that a user added, with labels or clusters."""

    kind: ClassVar[Kind] = "images"
    finite: ClassVar[bool] = True
    mode_word: ClassVar[str] = CLASSES
    card: ClassVar[Card]
    folder: ClassVar[Path]

    @classmethod
    def is_foreign(cls) -> bool:
        return True

    @classmethod
    def code_sha256(cls) -> str:
        """Hash of images, classes and evaluator: so two data sets of the same name have different run ids."""
        return cls.card.sha256

    @property
    def train_size(self) -> int:
        return self.card.images[TRAIN]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.card.shape

    @property
    def evaluator_sha256(self) -> str:
        return self.card.evaluator_sha256

    def evaluator(self, device: torch.device) -> ImageEvaluator:
        return read_evaluator(self.folder, self.card, device)

    def load(self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print) -> OwnImages:
        images, labels, parts = (torch.from_numpy(array).to(device) for array in read_images(self.folder, self.card))
        return OwnImages(images, labels.long(), parts, self.card.classes)


def own_datasets() -> dict[str, type[Dataset]]:
    """The own data sets of the moment by name."""
    return {name: _component(name, own_data_folder() / name, card) for name, card in own_cards().items()}


@lru_cache(maxsize=64)
def _component(name: str, folder: Path, card: Card) -> type[Dataset]:
    """A class for a data set; the same one as long as its files are the same, since scorers are kept by it."""
    facts = {
        "name": name,
        "folder": folder,
        "card": card,
        "mode_word": card.mode_word,
        "defaults": _defaults(card.shape[1]),
        "__doc__": card.summary,
        "__module__": __name__,
    }
    return dataclasses.dataclass(frozen=True)(type("OwnDataset", (OwnDataset,), facts))


def _defaults(side: int) -> Mapping[str, Any]:
    """Settings that suit images of this side: convolutional networks of larger ones double the side more often."""
    doublings = MIN_DOUBLINGS
    while side % 2 ** (doublings + 1) == 0 and side > LARGEST_BASE * 2**doublings:
        doublings += 1
    if doublings == MIN_DOUBLINGS:
        return FOR_IMAGES
    return {"arch": {**FOR_IMAGES["arch"], **{name: {"doublings": doublings} for name in SCALED_ARCHS}}}


DATASETS.add_source(own_datasets)
