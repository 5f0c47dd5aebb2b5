"""Planted faults: samplers with known answers, made from real samples that were not used for training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from ganbench.core.seeding import stream
from ganbench.data.evaluators import Evaluator
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.labelled import LabelledImages
from ganbench.data.mixture import MixturePoints
from ganbench.evaluation.metrics import Fault

REPEATED = 100
JUNK = 0.1
DUPLICATED = 0.5
LOST_MODES = 3
IMBALANCE = 1.0
"""Exponent of the imbalance: mode k has a frequency proportional to (k + 1)^−1."""
HELD_OUT = 30_000
"""Number of training images held out from "training", used as real samples."""


@dataclass(frozen=True)
class Planted:
    """A kind of fault.

    Attributes:
        faults: the faults of the samples; empty for real ones.
        draw: (count, draw) to `count` samples; different values of `draw` give different samples.
    """

    faults: frozenset[Fault]
    draw: Callable[[int, int], Tensor]


class Source(Protocol):
    """A source of real samples, mode by mode, in which faults are planted."""

    modes: int

    def of_modes(self, shares: Tensor, count: int, draw: int) -> Tensor:
        """`count` distinct real samples with these shares of the modes, [K]."""

    def narrowed(self, count: int, draw: int) -> Tensor:
        """Samples from the centre of each mode only."""

    def junk(self, count: int, draw: int) -> Tensor:
        """Samples that belong to no mode."""


def common_faults(source: Source, weights: Tensor) -> dict[str, Planted]:
    """The faults that can be planted in any data, by name; `weights` are the true shares of the modes, [K]."""

    def real(count: int, draw: int) -> Tensor:
        return source.of_modes(weights, count, draw)

    def without(lost: int) -> Callable[[int, int], Tensor]:
        remaining = weights.clone()
        remaining[:lost] = 0
        return lambda count, draw: source.of_modes(remaining / remaining.sum(), count, draw)

    def one_repeated(count: int, draw: int) -> Tensor:
        one = real(1, draw)
        return one.expand(count, *one.shape[1:]).clone()

    def half_repeated(count: int, draw: int) -> Tensor:
        copies = round(DUPLICATED * count)
        few = real(REPEATED, draw + 1000)
        which = torch.randint(REPEATED, (copies,), generator=stream(draw, "planted", 1))
        return torch.cat([real(count - copies, draw), few[which]])

    def with_junk(count: int, draw: int) -> Tensor:
        bad = round(JUNK * count)
        return torch.cat([real(count - bad, draw), source.junk(bad, draw)])

    skewed = torch.arange(1, source.modes + 1, dtype=torch.float64) ** -IMBALANCE
    return {
        "real": Planted(frozenset(), real),
        "1 mode lost": Planted(frozenset({"missing-modes"}), without(1)),
        f"{LOST_MODES} modes lost": Planted(frozenset({"missing-modes"}), without(LOST_MODES)),
        "imbalance": Planted(
            frozenset({"imbalance"}), lambda count, draw: source.of_modes(skewed / skewed.sum(), count, draw)
        ),
        "1 sample repeated": Planted(frozenset({"missing-modes", "duplicates"}), one_repeated),
        f"half copies of {REPEATED}": Planted(frozenset({"duplicates"}), half_repeated),
        "narrowed modes": Planted(frozenset({"shrunken-modes"}), source.narrowed),
        "10 % junk": Planted(frozenset({"off-mode"}), with_junk),
    }


class ImageSource:
    """Real images, class by class, from those that were not used for training."""

    def __init__(self, data: LabelledImages, evaluator: Evaluator) -> None:
        """Hold out part of the training images; the doctor's `data` contains only the rest."""
        held_out, labels = data.train[-HELD_OUT:], data.train_labels[-HELD_OUT:]
        self.modes = len(data.mode_names)
        self._images = held_out
        self._by_mode = [(labels == mode).nonzero().squeeze(1) for mode in range(self.modes)]
        features = evaluator(to_signed(held_out))
        self._by_closeness = []
        for indices in self._by_mode:
            embedding = features.embedding[indices]
            distances = (embedding - embedding.mean(0)).norm(dim=1)
            self._by_closeness.append(indices[distances.argsort()])

    def of_modes(self, shares: Tensor, count: int, draw: int) -> Tensor:
        random = stream(draw, "planted")
        chosen = []
        counts = torch.multinomial(shares, count, replacement=True, generator=random).bincount(minlength=self.modes)
        for indices, wanted in zip(self._by_mode, counts.tolist(), strict=True):
            chosen.append(indices[torch.randperm(len(indices), generator=random)[:wanted]])
        return to_signed(self._images[torch.cat(chosen)])

    def narrowed(self, count: int, draw: int) -> Tensor:
        per_mode = count // self.modes
        return to_signed(self._images[torch.cat([indices[:per_mode] for indices in self._by_closeness])])

    def junk(self, count: int, draw: int) -> Tensor:
        return torch.rand(count, *self._images.shape[1:], generator=stream(draw, "planted", 2)) * 2 - 1


def image_faults(source: ImageSource, data: LabelledImages) -> dict[str, Planted]:
    """The faults that can be planted in images; `data` holds the images used for "training"."""
    common = common_faults(source, data.weights)
    real = common["real"].draw

    def noisy(count: int, draw: int) -> Tensor:
        images = real(count, draw)
        return (images + 0.5 * torch.randn(images.shape, generator=stream(draw, "planted", 3))).clamp(-1, 1)

    def copied(count: int, draw: int) -> Tensor:
        return data.floor_samples(count, draw + 2000)

    return common | {
        "blur": Planted(frozenset({"blur"}), lambda count, draw: gaussian_blur(real(count, draw), [9, 9], [1.5, 1.5])),
        "noise": Planted(frozenset({"off-mode"}), noisy),
        "training copied": Planted(frozenset({"copies"}), copied),
    }


class PointSource:
    """An exact mixture as a source of points."""

    def __init__(self, data: MixturePoints) -> None:
        self._data = data
        self.modes = len(data.mode_names)

    def of_modes(self, shares: Tensor, count: int, draw: int) -> Tensor:
        return self._around(shares, count, draw, 1.0)

    def narrowed(self, count: int, draw: int) -> Tensor:
        return self._around(self._data.weights, count, draw, 0.5)

    def junk(self, count: int, draw: int) -> Tensor:
        reach = 1.5 * float(self._data.means.abs().max())
        return (torch.rand(count, 2, generator=stream(draw, "planted", 2)) * 2 - 1) * reach

    def _around(self, shares: Tensor, count: int, draw: int, width: float) -> Tensor:
        random = stream(draw, "planted")
        modes = torch.multinomial(shares, count, replacement=True, generator=random)
        noise = torch.randn(count, 2, generator=random)
        return self._data.means[modes] + width * self._data.sigma * noise


def point_faults(source: PointSource, data: MixturePoints) -> Mapping[str, Planted]:
    """The faults that can be planted in points."""

    def noisy(count: int, draw: int) -> Tensor:
        points = source.of_modes(data.weights, count, draw)
        return points + data.sigma * torch.randn(points.shape, generator=stream(draw, "planted", 3))

    return common_faults(source, data.weights) | {"noise": Planted(frozenset({"off-mode"}), noisy)}
