"""The fixed recipe by which the evaluator of own data is trained and tested."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganbench.core.seeding import default_stream
from ganbench.data.evaluators.classifier import TYPICAL, FrozenClassifier, to_signed
from ganbench.data.own.augmentation import batches, jitter
from ganbench.data.own.network import OwnCNN

Progress = Callable[[str, int, int], None]
"""Receives what is being done, the number of parts done, and the number of all parts."""

SEED = 0
EPOCHS = 6
MIN_STEPS = 300
BATCH = 64
PEAK_LR = 2e-3
WEIGHT_DECAY = 5e-4
ROTATION, SCALE, SHIFT = 0.05, 0.05, 0.07
"""Greatest random change of a training image: radians, relative, half-widths."""
RIDGE = 1e-3
"""Share of the features' mean variance added to each variance: some features are zero for all images of few classes."""
BINS = 15
"""Number of bins of confidence for the calibration error (Guo et al. 2017, arXiv:1706.04599)."""


@dataclass(frozen=True, eq=False)
class LabelledPart:
    """Images, uint8 [N, C, H, W], and their classes, int64 [N]."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained evaluator.

    Attributes:
        weights: content of its weights file.
        confusion: for each class, how many of its evaluation images were taken for each class, int64 [K, K].
        calibration_error: mean difference between confidence and accuracy over bins of confidence, in [0, 1].
        facts: recipe and machine, for the model card.
    """

    weights: bytes
    confusion: Tensor
    calibration_error: float
    facts: dict[str, Any]

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights file."""
        return hashlib.sha256(self.weights).hexdigest()

    @property
    def accuracy(self) -> float:
        """Share of evaluation images whose class was recognised, in [0, 1]."""
        return float(self.confusion.diagonal().sum() / self.confusion.sum())

    @property
    def recall(self) -> Tensor:
        """Share of the evaluation images of each class that were recognised, float64 [K]."""
        return self.confusion.diagonal() / self.confusion.sum(dim=1).double()


def train_evaluator(
    train: LabelledPart, reference: LabelledPart, evaluation: LabelledPart, classes: int, data: str, progress: Progress
) -> Trained:
    """Train an evaluator, fit its typical region, and test it.

    The last step is kept: nothing is selected on held-out images. The typical region has its means and covariance from
    training images, and its edge from the reference, since features of images that the network was trained on are
    nearer to their mean.

    Args:
        data: SHA-256 of the data, which the weights file states, so that its hash is that of both.
    """
    steps = max(EPOCHS * len(train) // BATCH, MIN_STEPS)
    with default_stream(SEED, "evaluator"):
        network = OwnCNN(tuple(train.images.shape[1:]), classes)
        _fit(network, train, steps, progress)
    classifier = FrozenClassifier(classes, network).eval()
    features, _, _ = _seen(network, train)
    classifier.typical.fit(features, train.labels, RIDGE)
    features, predicted, _ = _seen(network, reference)
    edge = classifier.typical(features, predicted)[:, 0].sort().values[int(TYPICAL * len(reference))]
    classifier.typical.whitening.mul_(3 / edge)
    _, predicted, confidence = _seen(network, evaluation)
    confusion = torch.bincount(evaluation.labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    facts = {
        "features": "128 activations after the ReLU of the hidden layer",
        "typical_region": "Mahalanobis distance to the class mean, one covariance, 98.89 % of reference images below 3",
        "recipe": f"AdamW, one-cycle to {PEAK_LR}, weight decay {WEIGHT_DECAY}, batch {BATCH}, {steps:,} steps, with "
        "small random affine jitter",
        "seed": SEED,
        "torch": torch.__version__.split("+")[0],
        "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
    }
    tensors = {key: tensor.contiguous() for key, tensor in classifier.state_dict().items()}
    error = calibration_error(confidence, predicted == evaluation.labels)
    return Trained(save(tensors, {"data": data}), confusion, error, facts)


def calibration_error(confidence: Tensor, correct: Tensor) -> float:
    """Expected calibration error: Σ over bins of |accuracy − mean confidence|, weighted by their share of images.

    Args:
        confidence: float [N] in [0, 1].
        correct: bool [N].
    """
    bins = (confidence.double() * BINS).long().clamp(max=BINS - 1)
    surplus = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, correct.double() - confidence.double())
    return float(surplus.abs().sum() / len(confidence))


def _fit(network: OwnCNN, train: LabelledPart, steps: int, progress: Progress) -> None:
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=steps)
    for step, indices in zip(range(steps), batches(len(train), BATCH), strict=False):
        _, logits = network(jitter(to_signed(train.images[indices]), ROTATION, SCALE, SHIFT))
        loss = cross_entropy(logits, train.labels[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress("training the evaluator", step + 1, steps)


@torch.no_grad()
def _seen(network: OwnCNN, part: LabelledPart) -> tuple[Tensor, Tensor, Tensor]:
    """Features, predicted classes and confidence of all images of a part."""
    network.eval()
    seen = [network(to_signed(batch)) for batch in part.images.split(500)]
    features, logits = (torch.cat(each) for each in zip(*seen, strict=True))
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    return features, predicted, confidence
