"""The frozen image evaluator: a small classifier whose features and predictions underlie every image metric.

Its weights are part of the package and identified by their SHA-256, so that results are comparable across machines. It
is always in eval mode, and rejects images of another shape or range than it was trained on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.data.evaluators.base import Features
from ganbench.data.evaluators.max_pool import MaxPool

WEIGHTS = Path(__file__).parent / "weights"
FEATURES = 128
"""Width of the last hidden layer, whose activations are the features."""
BATCH = 100  # on a CPU the activations of a batch should fit in the cache

TYPICAL = 0.9889
"""Share of training images with deviation below 3: that of a Gaussian in the plane, 1 − e^(−4.5)."""


class DigitCNN(nn.Module):
    """Four 3×3 convolutions and one hidden layer of 128, whose activations are the features; 136,000 weights."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *self._block(1, 16, stride=1),
            *self._block(16, 32, stride=2),  # 14×14
            *self._block(32, 64, stride=1),
            MaxPool(),  # 7×7
            *self._block(64, 64, stride=1),
            MaxPool(),  # 3×3
            nn.Flatten(),
            nn.Linear(64 * 9, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, classes)

    @staticmethod
    def _block(channels_in: int, channels_out: int, stride: int) -> tuple[nn.Module, ...]:
        convolution = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        return convolution, nn.BatchNorm2d(channels_out), nn.ReLU()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [N, 1, 28, 28] in [−1, 1] to features [N, 128] and logits [N, classes]."""
        features = self.features(images)
        return features, self.head(features)


class TypicalRegion(nn.Module):
    """Deviation of features from the mean of their class, a test for typical images.

    A classifier can be confident on pure noise; the Mahalanobis distance to the class mean under one covariance for all
    classes (Lee et al. 2018, arXiv:1807.03888) separates noise from digits. It is scaled so that 98.89 % of training
    images lie below 3, like points of a Gaussian in the plane.
    """

    means: Tensor
    whitening: Tensor

    def __init__(self, classes: int, features: int) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(classes, features))
        self.register_buffer("whitening", torch.eye(features))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Deviations, [N, 1], of features [N, d] from the mean of their class, int64 [N]."""
        deviation: Tensor = ((features - self.means[labels]) @ self.whitening).norm(dim=1, keepdim=True)
        return deviation

    def fit(self, features: Tensor, labels: Tensor, ridge: float = 0.0) -> None:
        """Calibrate the region on real features and the classes that the classifier assigns to them.

        Args:
            ridge: this share of the features' mean variance is added to each variance; needed if some feature is always
                zero, so that the covariance is singular.
        """
        exact = features.double()
        means = torch.stack([exact[labels == label].mean(0) for label in range(len(self.means))])
        covariance = torch.cov((exact - means[labels]).T)
        if ridge:
            covariance += ridge * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
        whitening = torch.linalg.inv(torch.linalg.cholesky(covariance)).T
        distances = ((exact - means[labels]) @ whitening).norm(dim=1)
        edge = distances.sort().values[int(TYPICAL * len(distances))]
        self.means.copy_(means)
        self.whitening.copy_(whitening * (3 / edge))


class FrozenClassifier(nn.Module):
    """The classifier and its typical region, as stored in a weights file."""

    def __init__(self, classes: int, network: nn.Module | None = None) -> None:
        """Hold a network with the interface of `DigitCNN`, which is the default."""
        super().__init__()
        self.network = network or DigitCNN(classes)
        self.typical = TypicalRegion(classes, FEATURES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Images [N, C, H, W] in [−1, 1] to features [N, d], probabilities [N, K], labels [N], deviations [N, 1]."""
        features, logits = self.network(images)
        probabilities = logits.softmax(dim=1)
        labels = probabilities.argmax(dim=1)
        return features, probabilities, labels, self.typical(features, labels)


class ImageEvaluator:
    """A frozen classifier, checked against its model card.

    Attributes:
        name: its name and version, for instance "mnist-cnn-2".
        sha256: hash of its weights file; numbers from different hashes can't be compared.
        accuracy: test accuracy from its card, in [0, 1].
    """

    def __init__(
        self, name: str, device: torch.device, classifier: nn.Module | None = None, folder: Path | None = None
    ) -> None:
        """Load its weights into a classifier with the interface of `FrozenClassifier`, which is the default.

        Args:
            folder: the folder of its card and weights; by default ours.
        """
        card = read_card(name, folder)
        self.name = name
        self.sha256 = card.sha256
        self.accuracy = card.test_accuracy
        self._shape = card.input_shape
        self._classes = card.classes
        self._classifier = classifier or FrozenClassifier(self._classes)
        self._classifier.load_state_dict(frozen_weights(name, card.sha256, folder))
        self._classifier.eval().requires_grad_(False).to(device)
        self._device = device

    @torch.no_grad()
    def __call__(self, samples: Tensor) -> Features:
        """Features of N images, float32 [N, C, H, W] in [−1, 1].

        Raises:
            ValueError: wrong type, shape or range, no images, or NaN among them.
        """
        check_images(samples, self._shape)
        # TF32, the GPU default for convolutions, would give different features than a CPU; results must be comparable.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            parts = [self._classifier(batch.to(self._device)) for batch in samples.split(BATCH)]
        embedding, probabilities, labels, deviation = (torch.cat(part) for part in zip(*parts, strict=True))
        return Features(
            samples=to_bytes(samples),
            embedding=embedding,
            labels=labels,
            modes=self._classes,
            deviation=deviation,
            good=torch.ones_like(labels, dtype=torch.bool),
            probabilities=probabilities,
            confidence=probabilities.amax(dim=1),
        )


@dataclass(frozen=True)
class ModelCard:
    """The model card of an evaluator; its JSON file also describes the training."""

    sha256: str
    test_accuracy: float
    classes: int
    input_shape: tuple[int, ...]


def read_card(name: str, folder: Path | None = None) -> ModelCard:
    """The model card of an evaluator, by default of one of ours.

    Raises:
        GanbenchError: there is no evaluator of that name.
    """
    path = (folder or WEIGHTS) / f"{name}.json"
    if not path.is_file():
        known = [card.stem for card in path.parent.glob("*.json")]
        raise GanbenchError(f"unknown evaluator '{name}': {near_miss(name, known)}")
    card = json.loads(path.read_text(encoding="utf-8"))
    return ModelCard(card["sha256"], card["test_accuracy"], card["classes"], tuple(card["input_shape"]))


def frozen_weights(name: str, sha256: str, folder: Path | None = None) -> dict[str, Tensor]:
    """The weights of an evaluator, float32; the file may have them in half precision.

    Raises:
        GanbenchError: they have another hash than its card says.
    """
    content = ((folder or WEIGHTS) / f"{name}.safetensors").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        remedy = "reinstall ganbench" if folder is None else "remove the data set and add it again"
        raise GanbenchError(
            f"the weights of evaluator '{name}' don't match its card "
            f"(SHA-256 {digest[:12]}…, should be {sha256[:12]}…): {remedy}"
        )
    return {
        key: value.float() if value.is_floating_point() else value for key, value in load_safetensors(content).items()
    }


def check_images(images: Tensor, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless this is a batch of float32 images of this shape in [−1, 1]."""
    if images.dtype != torch.float32:
        raise ValueError(f"images must be float32 in [−1, 1], not {images.dtype}")
    if images.ndim != 4 or tuple(images.shape[1:]) != shape:
        raise ValueError(f"images must have shape [N, {', '.join(map(str, shape))}], not {list(images.shape)}")
    if images.shape[0] == 0:
        raise ValueError("there are no images")
    low, high = float(images.min()), float(images.max())
    # NaN fails both comparisons, and so is rejected here too.
    if not (low >= -1.001 and high <= 1.001):
        raise ValueError(f"images must lie in [−1, 1], not in [{low:g}, {high:g}]")


def to_bytes(images: Tensor) -> Tensor:
    """Convert images in [−1, 1] to bytes, uint8, of the same shape."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_signed(images: Tensor) -> Tensor:
    """Convert bytes 0…255 to float32 in [−1, 1]."""
    return images.to(torch.float32).div_(127.5).sub_(1)
