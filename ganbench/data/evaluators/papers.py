"""Classifiers of three papers on Stacked-MNIST, rebuilt: their networks, their training settings, weights of our own.

The papers' authors published the networks and the training scripts of their classifiers, but no weights. Each of these
evaluators is such a network, trained by such a script (`experiments/train_protocol_evaluator.py`). Two of the papers
classify generated images with dropout left on, which adds label noise of its own; so do these evaluators.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, dropout2d, relu

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss
from ganbench.core.seeding import scatter
from ganbench.data.evaluators.classifier import ImageEvaluator, TypicalRegion, to_bytes
from ganbench.data.evaluators.max_pool import max_pool
from ganbench.data.evaluators.stacked import StackedEvaluator

CLASSES = 10


class Dropout(Protocol):
    """Dropout at a rate in [0, 1), of single units or of whole channels, the rest scaled up by 1 / (1 − rate)."""

    def __call__(self, values: Tensor, rate: float, *, channels: bool = False) -> Tensor: ...


def no_dropout(values: Tensor, rate: float, *, channels: bool = False) -> Tensor:
    """Keep everything."""
    return values


def random_dropout(values: Tensor, rate: float, *, channels: bool = False) -> Tensor:
    """Torch's dropout, for training."""
    return (dropout2d if channels else dropout)(values, rate, training=True)


class HashedDropout:
    """Dropout whose mask is a hash of the image, so that an image always gets the same label.

    With masks from a stream of random numbers, a label would depend on the other images of the batch and on their
    order. Different images get independent masks; copies of an image, the same.

    Args:
        images: uint8 [N, C, H, W].
    """

    def __init__(self, images: Tensor) -> None:
        pixels = images.flatten(1).long()
        weights = scatter(torch.arange(pixels.shape[1], device=images.device)) | 1
        self._hashes = (pixels * weights).sum(1)  # modulo 2⁶⁴
        self._drawn = 0

    def __call__(self, values: Tensor, rate: float, *, channels: bool = False) -> Tensor:
        """Drop units (or channels) of N images, float32 [N, ...]."""
        shape = values.shape[:2] if channels else values.shape
        units = shape[1:].numel()
        numbers = torch.arange(self._drawn, self._drawn + units, device=values.device)
        self._drawn += units
        uniform = scatter(scatter(self._hashes)[:, None] + scatter(numbers)).double() / 2.0**63
        kept = (uniform >= rate).to(values.dtype).reshape(*shape, *[1] * (values.ndim - len(shape)))
        return values * kept / (1 - rate)


class PaperNetwork(nn.Module, ABC):
    """A digit classifier of a paper.

    Attributes:
        side: height and width of its images.
        unit_range: whether its pixels are in [0, 1], not in [−1, 1].
        drops_at_evaluation: whether the paper's evaluation leaves dropout on.
        head: the last layer, from features to logits.
    """

    side: ClassVar[int] = 28
    unit_range: ClassVar[bool] = True
    drops_at_evaluation: ClassVar[bool] = False
    head: nn.Linear

    @abstractmethod
    def forward(self, images: Tensor, drop: Dropout) -> tuple[Tensor, Tensor]:
        """Images [N, 1, side, side] in [−1, 1] to features [N, d], the last hidden layer, and logits [N, 10]."""

    def pixels(self, images: Tensor) -> Tensor:
        """Images in [−1, 1] in the network's own range."""
        return (images + 1) / 2 if self.unit_range else images

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits as in the paper's evaluation."""
        return self.forward(images, HashedDropout(to_bytes(images)) if self.drops_at_evaluation else no_dropout)


class PacGanNetwork(PaperNetwork):
    """Two 3×3 convolutions of 32 and 64, max-pooling and a layer of 128: Keras's example; 1,199,882 weights.

    From `train_mnist.py` of PacGAN's code (Lin et al. 2018, arXiv:1712.04086), the same file in all experiments.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(1, 32, 3)
        self.convolution2 = nn.Conv2d(32, 64, 3)
        self.hidden = nn.Linear(64 * 12 * 12, 128)
        self.head = nn.Linear(128, CLASSES)
        for layer in (self.convolution1, self.convolution2, self.hidden, self.head):
            for parameter in layer.parameters():  # Keras's initial weights; a bias has one dimension
                nn.init.zeros_(parameter) if parameter.ndim == 1 else nn.init.xavier_uniform_(parameter)

    def forward(self, images: Tensor, drop: Dropout) -> tuple[Tensor, Tensor]:
        maps = relu(self.convolution2(relu(self.convolution1(self.pixels(images)))))
        features = relu(self.hidden(drop(max_pool(maps), 0.25).flatten(1)))
        return features, self.head(drop(features, 0.5))


class MegNetwork(PaperNetwork):
    """Two 5×5 convolutions of 10 and 20 and a layer of 50: PyTorch's old example; 21,840 weights.

    From `classifier_mnist.py` of the code of maximum-entropy generators (Kumar et al. 2019, arXiv:1901.08508), whose
    `evals.py` never switches the classifier to evaluation: half of the channels and half of the hidden units are off.
    """

    drops_at_evaluation: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(1, 10, 5)
        self.convolution2 = nn.Conv2d(10, 20, 5)
        self.hidden = nn.Linear(320, 50)
        self.head = nn.Linear(50, CLASSES)

    def forward(self, images: Tensor, drop: Dropout) -> tuple[Tensor, Tensor]:
        maps = relu(max_pool(self.convolution1(self.pixels(images))))
        maps = relu(max_pool(drop(self.convolution2(maps), 0.5, channels=True)))
        features = relu(self.hidden(maps.flatten(1)))
        return features, self.head(drop(features, 0.5))


class SelfCondNetwork(PaperNetwork):
    """Two layers of 256 on 32×32 pixels; 330,762 weights.

    From `utils/classifiers/stacked_mnist.py` of the code of self-conditioned GANs (Liu et al. 2020, arXiv:2006.10728),
    which never switches the classifier to evaluation: a fifth of the hidden units are off.
    """

    side: ClassVar[int] = 32
    unit_range: ClassVar[bool] = False
    drops_at_evaluation: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(32 * 32, 256)
        self.hidden2 = nn.Linear(256, 256)
        self.head = nn.Linear(256, CLASSES)

    def forward(self, images: Tensor, drop: Dropout) -> tuple[Tensor, Tensor]:
        first = drop(relu(self.hidden1(self.pixels(images).flatten(1))), 0.2)
        features = relu(self.hidden2(first))
        return features, self.head(drop(features, 0.2))


NETWORKS: Mapping[str, type[PaperNetwork]] = {
    "pacgan-cnn-1": PacGanNetwork,
    "meg-cnn-1": MegNetwork,
    "selfcond-mlp-1": SelfCondNetwork,
}
"""The networks by the name and version of their evaluator."""


class PaperClassifier(nn.Module):
    """A paper's network and the typical region of its features, as stored in a weights file."""

    def __init__(self, name: str) -> None:
        super().__init__()
        if name not in NETWORKS:
            raise GanbenchError(f"unknown evaluator '{name}': {near_miss(name, NETWORKS)}")
        self.network = NETWORKS[name]()
        self.typical = TypicalRegion(CLASSES, self.network.head.in_features)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Images [N, 1, side, side] in [−1, 1] to features [N, d], probabilities, labels [N], deviations [N, 1]."""
        features, logits = self.network.features(images)
        probabilities = logits.softmax(dim=1)
        labels = probabilities.argmax(dim=1)
        return features, probabilities, labels, self.typical(features, labels)


class PaperEvaluator(ImageEvaluator):
    """A paper's classifier of single digits, checked against its model card.

    Attributes:
        accuracy: test accuracy from its card, in [0, 1], as it evaluates: with dropout if the paper left it on.
        side: height and width of its images.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        classifier = PaperClassifier(name)
        self.side = classifier.network.side
        super().__init__(name, device, classifier)


def stacked_paper_evaluator(name: str, device: torch.device, side: int, scaled: bool) -> StackedEvaluator:
    """A paper's classifier on each channel of Stacked-MNIST images of this side.

    Raises:
        GanbenchError: there is no such evaluator, or its network is for images of another side.
    """
    digits = PaperEvaluator(name, device)
    if digits.side != side:
        raise GanbenchError(f"evaluator '{name}' is for images of {digits.side}×{digits.side}, not {side}×{side}")
    return StackedEvaluator(digits, side, scaled)
