"""Faults planted in images: altered real ones that were not used for training, and images that are no digits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.transforms.functional import gaussian_blur

from ganbench.core.seeding import stream
from ganbench.data.evaluators import Evaluator
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.labelled import LabelledImages
from ganbench.evaluation.faults.base import (
    JITTERED,
    REPEATS,
    SHIFTED,
    Draw,
    Planted,
    Word,
    common_faults,
    plant,
    repeated,
)

HELD_OUT = 40_000
"""Number of training images held out from "training", used as real samples: enough for 10,000 of skewed classes."""
JITTER = 16 / 255
"""Largest noise of jittered images: 8 of 255 grey levels, of images in [−1, 1]."""
BLURS = (1.5, 2.0)
SPECKS = 20
"""Number of white pixels in an image of isolated specks."""


class ImageSource:
    """Real images, class by class, from those that were not used for training."""

    def __init__(self, data: LabelledImages, evaluator: Evaluator) -> None:
        """Hold out part of the training images; the doctor's `data` contains only the rest."""
        held_out, labels = data.train[-HELD_OUT:], data.train_labels[-HELD_OUT:]
        self.modes = len(data.mode_names)
        self.images = held_out
        self._by_mode = [(labels == mode).nonzero().squeeze(1) for mode in range(self.modes)]
        self._evaluator = evaluator

    @cached_property
    def _by_closeness(self) -> list[Tensor]:
        """The images of each class, those nearest to its centre first."""
        ordered = []
        for indices in self._by_mode:
            embedding = self._evaluator(to_signed(self.images[indices])).embedding
            ordered.append(indices[(embedding - embedding.mean(0)).norm(dim=1).argsort()])
        return ordered

    def of_modes(self, shares: Tensor, count: int, draw: int) -> Tensor:
        random = stream(draw, "planted")
        counts = torch.multinomial(shares, count, replacement=True, generator=random).bincount(minlength=self.modes)
        return self._distinct(counts, random)

    def of_each(self, count: int, draw: int) -> Tensor:
        counts = (torch.arange(count) % self.modes).bincount(minlength=self.modes)
        return self._distinct(counts, stream(draw, "planted", 4))

    def narrowed(self, count: int, draw: int) -> Tensor:
        per_mode = count // self.modes
        return to_signed(self.images[torch.cat([indices[:per_mode] for indices in self._by_closeness])])

    def junk(self, count: int, draw: int) -> Tensor:
        return torch.rand(count, *self.images.shape[1:], generator=stream(draw, "planted", 2)) * 2 - 1

    def jittered(self, samples: Tensor, draw: int) -> Tensor:
        noise = torch.rand(samples.shape, generator=stream(draw, "planted", 5)) * 2 - 1
        return (samples + JITTER * noise).clamp(-1, 1)

    def shifted(self, samples: Tensor, draw: int) -> Tensor:
        """The samples, each moved by up to a pixel in either direction."""
        height, width = samples.shape[-2:]
        padded = pad(samples, (1, 1, 1, 1), value=-1.0)
        moves = torch.randint(3, (len(samples), 2), generator=stream(draw, "planted", 6))
        moved = torch.empty_like(samples)
        for down in range(3):
            for right in range(3):
                which = (moves == torch.tensor([down, right])).all(1)
                moved[which] = padded[which, :, down : down + height, right : right + width]
        return moved

    def _distinct(self, counts: Tensor, random: torch.Generator) -> Tensor:
        chosen = []
        for mode, wanted in enumerate(counts.tolist()):
            indices = self._by_mode[mode]
            if wanted > len(indices):
                raise ValueError(f"{wanted} images of class {mode} are needed, and {len(indices)} are held out")
            chosen.append(indices[torch.randperm(len(indices), generator=random)[:wanted]])
        return to_signed(self.images[torch.cat(chosen)])


class Nonsense:
    """Images that are no digits, made from statistics of the training images."""

    def __init__(self, data: LabelledImages) -> None:
        self._images, self._labels = data.train.flatten(1), data.train_labels
        self._shape = data.train.shape[1:]
        self._weights = data.weights

    @cached_property
    def _whole(self) -> list[_Gaussian]:
        return [_Gaussian.fit(self._images)]

    @cached_property
    def _by_class(self) -> list[_Gaussian]:
        return [_Gaussian.fit(self._images[self._labels == label]) for label in range(len(self._weights))]

    def gaussian(self, count: int, draw: int) -> Tensor:
        """Noise with the mean and the covariance of all training images."""
        return self._noise(self._whole, count, draw)

    def gaussian_by_class(self, count: int, draw: int) -> Tensor:
        """Noise with the mean and the covariance of the training images of a class."""
        return self._noise(self._by_class, count, draw)

    def class_means(self, count: int, draw: int) -> Tensor:
        """The mean training images of the classes."""
        means = torch.stack([part.mean for part in self._by_class])
        return means[self._classes(count, stream(draw, "planted", 7))].reshape(count, *self._shape) * 2 - 1

    def specks_by_class(self, count: int, draw: int) -> Tensor:
        """White or black pixels, each at random with the mean brightness that it has in a class."""
        random = stream(draw, "planted", 8)
        means = torch.stack([part.mean for part in self._by_class])[self._classes(count, random)]
        return torch.bernoulli(means, generator=random).reshape(count, *self._shape) * 2 - 1

    def specks(self, count: int, draw: int) -> Tensor:
        """A few white pixels anywhere on black."""
        pixels = torch.rand(count, self._shape.numel(), generator=stream(draw, "planted", 9))
        edge = pixels.kthvalue(SPECKS, dim=1, keepdim=True).values
        return (pixels <= edge).float().reshape(count, *self._shape) * 2 - 1

    def blank(self, count: int, draw: int) -> Tensor:
        """Black images."""
        return torch.full((count, *self._shape), -1.0)

    def _noise(self, parts: Sequence[_Gaussian], count: int, draw: int) -> Tensor:
        random = stream(draw, "planted", 10)
        classes = self._classes(count, random) if len(parts) > 1 else torch.zeros(count, dtype=torch.int64)
        pixels = torch.empty(count, self._shape.numel())
        for label, part in enumerate(parts):
            which = classes == label
            pixels[which] = part.sample(int(which.sum()), random)
        return (pixels.reshape(count, *self._shape) * 2 - 1).clamp(-1, 1)

    def _classes(self, count: int, random: torch.Generator) -> Tensor:
        return torch.multinomial(self._weights, count, replacement=True, generator=random)


class _Gaussian:
    """A Gaussian fitted to images with pixels in [0, 1], by its principal components."""

    def __init__(self, mean: Tensor, components: Tensor) -> None:
        self.mean, self._components = mean, components

    @classmethod
    def fit(cls, images: Tensor) -> _Gaussian:
        """The Gaussian with the mean and the covariance of images, uint8 [N, pixels]."""
        pixels = images.float() / 255
        variances, directions = torch.linalg.eigh(torch.cov(pixels.T))
        return cls(pixels.mean(0), directions * variances.clamp_min(0).sqrt())

    def sample(self, count: int, random: torch.Generator) -> Tensor:
        return self.mean + torch.randn(count, len(self.mean), generator=random) @ self._components.T


def image_faults(source: ImageSource, data: LabelledImages, others: Tensor | None = None) -> dict[str, Planted]:
    """The faults that can be planted in images.

    Args:
        data: the images used for "training", and the reference.
        others: images of another kind, uint8, of the same shape; None if there are none at hand.
    """
    common = common_faults(source, data.weights)
    real = common["real"].draw
    nonsense = Nonsense(data)

    def noisy(count: int, draw: int) -> Tensor:
        images = real(count, draw)
        return (images + 0.5 * torch.randn(images.shape, generator=stream(draw, "planted", 3))).clamp(-1, 1)

    def blurred(sigma: float) -> Draw:
        return lambda count, draw: gaussian_blur(real(count, draw), [13, 13], [sigma, sigma])

    def averages(count: int, draw: int) -> Tensor:
        order = torch.randperm(count, generator=stream(draw, "planted", 11))
        return (real(count, draw) + real(count, draw + 500)[order]) / 2

    def copied(count: int, draw: int) -> Tensor:
        return data.floor_samples(count, draw + 2000)

    def reference(count: int, draw: int) -> Tensor:
        return to_signed(data.test[torch.randperm(len(data.test), generator=stream(draw, "planted", 12))[:count]])

    # The classes that a classifier sees in nonsense are in any proportion, and any of them may be without variety.
    any_shares: set[Word] = {"uneven", "lost modes", "thin modes", "narrow"}
    implausible = {
        "PCA noise": nonsense.gaussian,
        "PCA noise by class": nonsense.gaussian_by_class,
        "specks": nonsense.specks,
        "specks by class": nonsense.specks_by_class,
        "inverted": lambda count, draw: -real(count, draw),
        "upside down": lambda count, draw: real(count, draw).flip(-1, -2),
        "averages of two": averages,
    }
    if others is not None:
        images = others
        implausible["other images"] = lambda count, draw: to_signed(
            images[torch.randperm(len(images), generator=stream(draw, "planted", 13))[:count]]
        )
    faults = common | {f"{few:,} repeated{SHIFTED}": repeated(source, few, source.shifted) for few in REPEATS}
    faults |= {f"blur {sigma:g}": plant(blurred(sigma), {"blur"}, {"not sharp"}, any_shares) for sigma in BLURS}
    faults |= {
        "noise": plant(noisy, {"off-mode"}, {"not sharp"}, any_shares),
        "white noise": plant(source.junk, {"off-mode"}, {"not sharp"}, any_shares),
        "blank": plant(nonsense.blank, {"duplicates"}, {"not sharp", "repeated"}, any_shares),
        "class means": plant(nonsense.class_means, {"duplicates"}, {"not sharp", "repeated"}, any_shares),
    }
    faults |= {name: plant(draw, {"implausible"}, {"not sharp"}, any_shares) for name, draw in implausible.items()}
    return faults | {
        "reference itself": plant(reference, {"altered-copies"}, {"copied"}, subtle=True),
        "training copied": plant(copied, {"copies"}, {"copied"}),
        f"training copied{JITTERED}": plant(
            lambda count, draw: source.jittered(copied(count, draw), draw), {"altered-copies"}, {"copied"}
        ),
        f"training copied{SHIFTED}": plant(
            lambda count, draw: source.shifted(copied(count, draw), draw), {"altered-copies"}, {"copied"}
        ),
    }
