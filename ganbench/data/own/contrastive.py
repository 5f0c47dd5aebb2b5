"""The fixed recipe by which a small network learns features of images without labels.

It learns to recognise which two pictures are changes of the same image (SimCLR, Chen et al. 2020, arXiv:2002.05709).
So its features say little about what the changes alter: place, size, tilt and brightness.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from ganbench.core.seeding import default_stream
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.own.augmentation import batches, jitter
from ganbench.data.own.network import OwnCNN
from ganbench.data.own.recipe import Progress

SEED = 0
STEPS = 300
BATCH = 128
PEAK_LR = 2e-3
WEIGHT_DECAY = 5e-4
PROJECTED = 64
"""Number of dimensions in which changed images are compared; the features are those of the layer before."""
TEMPERATURE = 0.2
ROTATION, SCALE, SHIFT = 0.25, 0.3, 0.25
"""Greatest geometrical change of an image: radians, relative, half-widths."""
CONTRAST, BRIGHTNESS, NOISE = 0.4, 0.2, 0.1
"""Greatest relative change of contrast, and of brightness; standard deviation of the noise of each pixel."""
EMBEDDED = 500
"""Number of images whose features are computed at once."""


def learn_features(images: Tensor, train: Tensor, progress: Progress) -> Tensor:
    """Train a network without labels, and return its features of all images, of length 1: float32 [N, 128].

    Args:
        images: uint8 [N, C, S, S].
        train: bool [N], the images that it is trained on.
    """
    with default_stream(SEED, "evaluator"):
        network = OwnCNN(tuple(images.shape[1:]), PROJECTED)
        _fit(network, images[train], progress)
    return _features(network.eval(), images)


def contrast_loss(first: Tensor, second: Tensor) -> Tensor:
    """Cross-entropy of finding each picture's other one among all others, by cosine similarity over a temperature.

    Args:
        first, second: float32 [N, d], of two changes of each of N images.
    """
    points = normalize(torch.cat([first, second]), dim=1)
    similarity = points @ points.T / TEMPERATURE
    similarity.fill_diagonal_(-torch.inf)
    return cross_entropy(similarity, torch.arange(len(points)).roll(len(first)))


def _fit(network: OwnCNN, images: Tensor, progress: Progress) -> None:
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=STEPS)
    for step, indices in zip(range(STEPS), batches(len(images), BATCH), strict=False):
        batch = to_signed(images[indices])
        _, projected = network(torch.cat([_changed(batch), _changed(batch)]))
        loss = contrast_loss(*projected.chunk(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress("learning features without labels", step + 1, STEPS)


def _changed(images: Tensor) -> Tensor:
    moved = jitter(images, ROTATION, SCALE, SHIFT)
    contrast, brightness = torch.rand(2, len(images), 1, 1, 1) * 2 - 1
    changed: Tensor = moved * (1 + CONTRAST * contrast) + BRIGHTNESS * brightness + NOISE * torch.randn_like(moved)
    return changed


@torch.no_grad()
def _features(network: OwnCNN, images: Tensor) -> Tensor:
    return torch.cat([normalize(network(to_signed(batch))[0], dim=1) for batch in images.split(EMBEDDED)])
