"""The network of evaluators for own data: that of MNIST's, for one or three channels and any size."""

from __future__ import annotations

from torch import Tensor, nn

from ganbench.data.evaluators.classifier import FEATURES
from ganbench.data.evaluators.max_pool import MaxPool

LARGEST_MAP = 4
"""Greatest side of the last feature map: larger images get further convolutions."""


class OwnCNN(nn.Module):
    """3×3 convolutions, each second one halving the side, and one hidden layer of 128, whose activations are the
    features.
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, side, _ = shape
        layers = [*_block(channels, 16, stride=1), *_block(16, 32, stride=2), *_block(32, 64, stride=1)]
        side = -(-side // 2)
        while side > LARGEST_MAP:
            layers += [MaxPool(), *_block(64, 64, stride=1)]
            side //= 2
        self.features = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(64 * side**2, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [N, C, H, W] in [−1, 1] to features [N, 128] and logits [N, classes]."""
        features = self.features(images)
        return features, self.head(features)


def _block(channels_in: int, channels_out: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(channels_out), nn.ReLU()
