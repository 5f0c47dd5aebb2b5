"""The frozen evaluator: a small classifier whose features and predictions every image metric is based on.

Its weights are part of the package and named by their SHA-256, so that a number computed with it travels. It is always
in eval mode, and refuses images that aren't what it was trained on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from ganbench.errors import GanbenchError
from ganbench.registry import near_miss

WEIGHTS = Path(__file__).parent / "weights"
BATCH = 250  # on a CPU the activations of a batch should fit the cache


class DigitCNN(nn.Module):
    """Four 3×3 convolutions and one hidden layer of 128, whose activations are the features; 136,000 weights."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *self._block(1, 16, stride=1),
            *self._block(16, 32, stride=2),  # 14×14
            *self._block(32, 64, stride=1),
            nn.MaxPool2d(2),  # 7×7
            *self._block(64, 64, stride=1),
            nn.MaxPool2d(2),  # 3×3
            nn.Flatten(),
            nn.Linear(64 * 9, 128, bias=False),
            nn.BatchNorm1d(128),
            nn.ReLU(),
        )
        self.head = nn.Linear(128, classes)

    @staticmethod
    def _block(channels_in: int, channels_out: int, stride: int) -> tuple[nn.Module, ...]:
        convolution = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        return convolution, nn.BatchNorm2d(channels_out), nn.ReLU()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [N, 1, 28, 28] in [−1, 1] to features [N, 128] and logits [N, classes]."""
        features = self.features(images)
        return features, self.head(features)


@dataclass(frozen=True)
class Features:
    """What the evaluator sees in N samples; what every image metric is computed from.

    Attributes:
        embedding: float32 [N, d], the activations of the last hidden layer.
        labels: int64 [N], the class with the highest probability.
        confidence: float32 [N] in [0, 1], that probability.
        classes: number of classes K.
    """

    embedding: Tensor
    labels: Tensor
    confidence: Tensor
    classes: int

    def __len__(self) -> int:
        return self.labels.shape[0]

    def first(self, count: int) -> Features:
        """The first `count` samples."""
        return Features(self.embedding[:count], self.labels[:count], self.confidence[:count], self.classes)

    def class_counts(self, confidence: float = 0.0) -> Tensor:
        """How many samples fell into each class with at least this confidence, int64 [K]."""
        return torch.bincount(self.labels[self.confidence >= confidence], minlength=self.classes)


class Evaluator:
    """A frozen classifier, checked against its model card.

    Attributes:
        name: its name and version, for instance "mnist-cnn-1".
        sha256: hash of its weights file; numbers from different hashes can't be compared.
        accuracy: test accuracy from its card, in [0, 1].
    """

    def __init__(self, name: str, device: torch.device) -> None:
        card = read_card(name)
        content = (WEIGHTS / f"{name}.safetensors").read_bytes()
        self.name = name
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.accuracy = card.test_accuracy
        if self.sha256 != card.sha256:
            raise GanbenchError(
                f"the weights of evaluator '{name}' are not those of its card "
                f"(SHA-256 {self.sha256[:12]}…, should be {card.sha256[:12]}…): reinstall ganbench"
            )
        self._shape = card.input_shape
        self._classes = card.classes
        self._network = DigitCNN(self._classes)
        self._network.load_state_dict(load_safetensors(content))
        self._network.eval().requires_grad_(False).to(device)
        self._device = device

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        """Features of N images, float32 [N, C, H, W] in [−1, 1].

        Raises:
            ValueError: wrong type, shape or range, no images, or NaN among them.
        """
        check_images(images, self._shape)
        embedding, labels, confidence = [], [], []
        # TF32, a GPU's default for convolutions, would give other features than a CPU: numbers must travel.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            for batch in images.split(BATCH):
                features, logits = self._network(batch.to(self._device))
                top = logits.softmax(dim=1).max(dim=1)
                embedding.append(features)
                labels.append(top.indices)
                confidence.append(top.values)
        return Features(torch.cat(embedding), torch.cat(labels), torch.cat(confidence), self._classes)


@dataclass(frozen=True)
class ModelCard:
    """What is known about an evaluator; its JSON file also says how it was trained."""

    sha256: str
    test_accuracy: float
    classes: int
    input_shape: tuple[int, ...]


def read_card(name: str) -> ModelCard:
    """The model card of an evaluator.

    Raises:
        GanbenchError: there is no evaluator of that name.
    """
    path = WEIGHTS / f"{name}.json"
    if not path.is_file():
        known = [card.stem for card in WEIGHTS.glob("*.json")]
        raise GanbenchError(f"unknown evaluator '{name}': {near_miss(name, known)}")
    card = json.loads(path.read_text())
    return ModelCard(card["sha256"], card["test_accuracy"], card["classes"], tuple(card["input_shape"]))


def check_images(images: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse what isn't a batch of float images of this shape in [−1, 1]."""
    if images.dtype != torch.float32:
        raise ValueError(f"images must be float32 in [−1, 1], not {images.dtype}")
    if images.ndim != 4 or tuple(images.shape[1:]) != shape:
        raise ValueError(f"images must have shape [N, {', '.join(map(str, shape))}], not {list(images.shape)}")
    if images.shape[0] == 0:
        raise ValueError("there are no images")
    low, high = float(images.min()), float(images.max())
    # NaN fails both comparisons, and so is refused here too.
    if not (low >= -1.001 and high <= 1.001):
        raise ValueError(f"images must lie in [−1, 1], not in [{low:g}, {high:g}]")
