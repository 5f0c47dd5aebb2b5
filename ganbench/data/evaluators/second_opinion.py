"""The second opinion on images: a small frozen network that knows no labels and tells real images from corrupted ones.

A classifier sees what distinguishes classes, and accepts much that no person would: blur, averages of two digits, noise
with the right covariance. This network was trained to tell real images from corruptions of them (see
`experiments/train_second_opinion.py`), so it sees what distinguishes real images from others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganbench.data.evaluators.base import Evaluator, Features
from ganbench.data.evaluators.classifier import WEIGHTS, check_images, frozen_weights
from ganbench.data.evaluators.stacked import to_28

BATCH = 250
BESIDE = " + "
"""Separates the names of the network whose embedding is the features' own and of the second one."""
PLAUSIBLE = 0.5
"""Least plausibility of a plausible image; the network is calibrated to accept 99 % of unseen real images."""

Opinion = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From images [N, *shape] to their plausibility [N] and their embedding [N, e]."""


class PlausibilityCNN(nn.Module):
    """Four convolutions and one hidden layer of 64, whose activations are the embedding.

    The logit is shifted by `threshold`, so that an image is plausible if its plausibility is at least one half.
    """

    threshold: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *self._block(1, 16, stride=2),  # 14×14
            *self._block(16, 32, stride=1),
            *self._block(32, 48, stride=2),  # 7×7
            *self._block(48, 64, stride=2),  # 4×4
            nn.Flatten(),
            nn.Linear(64 * 16, 64, bias=False),
            nn.BatchNorm1d(64),
            nn.ReLU(),
        )
        self.head = nn.Linear(64, 1)
        self.register_buffer("threshold", torch.zeros(()))

    @staticmethod
    def _block(channels_in: int, channels_out: int, stride: int) -> tuple[nn.Module, ...]:
        convolution = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        return convolution, nn.BatchNorm2d(channels_out), nn.ReLU()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [N, 1, 28, 28] in [−1, 1] to logits [N] and embeddings [N, 64]."""
        embedding = self.features(images)
        return self.head(embedding).squeeze(1) - self.threshold, embedding


class SecondOpinion:
    """The frozen network, checked against its model card.

    Attributes:
        name: its name and version, for instance "mnist-plausible-1".
    """

    def __init__(self, name: str, device: torch.device, scaled: bool = False) -> None:
        """Load it; images of 32×32 are cropped, or rescaled if they were `scaled`."""
        self.name = name
        self._network = PlausibilityCNN()
        self._network.load_state_dict(frozen_weights(name, second_opinion_sha256(name)))
        self._network.eval().requires_grad_(False).to(device)
        self._device = device
        self._scaled = scaled

    @torch.no_grad()
    def __call__(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Plausibility [N] and embedding [N, e] of N images of C channels, float32 [N, C, H, W] in [−1, 1].

        Channels are looked at one by one: an image is as plausible as its worst channel, and its embedding is that of
        all channels.

        Raises:
            ValueError: wrong type, shape or range, no images, or NaN among them.
        """
        samples = to_28(samples, self._scaled)
        channels = samples.shape[1]
        check_images(samples, (channels, 28, 28))
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            parts = [self._network(batch.to(self._device)) for batch in samples.reshape(-1, 1, 28, 28).split(BATCH)]
        logits, embedding = (torch.cat(part) for part in zip(*parts, strict=True))
        worst = logits.reshape(-1, channels).amin(dim=1)
        return worst.sigmoid(), embedding.reshape(len(worst), -1)


class TwoOpinions:
    """An evaluator whose features have a second opinion."""

    def __init__(self, first: Evaluator, second: Opinion, name: str) -> None:
        self._first, self._second = first, second
        self.name = f"{first.name}{BESIDE}{name}"
        self.sha256 = combined_sha256(first.sha256, name)

    def __call__(self, samples: Tensor) -> Features:
        """Features of N images, as those of the first evaluator."""
        plausibility, embedding = self._second(samples)
        return replace(self._first(samples), plausibility=plausibility, second_embedding=embedding)


def second_opinion_sha256(name: str) -> str:
    """SHA-256 of the weights of a second opinion, from its card."""
    digest: str = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))["sha256"]
    return digest


def combined_sha256(first: str, name: str) -> str:
    """Hash of everything that features with a second opinion depend on, from the first evaluator's hash."""
    return hashlib.sha256(f"{first} {second_opinion_sha256(name)}".encode()).hexdigest()
