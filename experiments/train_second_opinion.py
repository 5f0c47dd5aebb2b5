"""Train the second opinion on images, and write its weights and model card into the package.

    .venv/bin/python experiments/train_second_opinion.py mnist          # mnist-plausible-1
    .venv/bin/python experiments/train_second_opinion.py fashion-mnist  # fashion-mnist-plausible-2

The network learns to tell real training images from corruptions of them. No labels are used. A shift by a pixel and
noise of up to 8/255 count as real. The corruptions: another image shows through a soft mask, a patch of another image,
patches in another order, box blur, scrambled phases, noise, less contrast. Clothes need more: the difference of two
other images is added, another image shows through a mask of a few large areas, pixels are black or white at random.
None of them is a fault that `ganbench doctor` plants.

Fixed seed, fixed recipes; the threshold accepts 99 % of training images that were held out, of clothes 98 %. It takes
5 to 10 minutes on a CPU core. Other hardware rounds differently, so the weights that come out elsewhere have another
hash; that is why they are committed.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, interpolate

from ganbench.data.evaluators.classifier import WEIGHTS, to_signed
from ganbench.data.evaluators.second_opinion import PlausibilityCNN
from ganbench.data.fashion_mnist import SECOND_OPINION as FASHION_OPINION
from ganbench.data.fashion_mnist import FashionMnist
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import SECOND_OPINION as MNIST_OPINION
from ganbench.data.mnist import Mnist

SEED = 0
BATCH = 128
PEAK_LR = 3e-3
WEIGHT_DECAY = 5e-4
HELD_OUT = 10_000
FAINT = 8 / 127.5
"""Amplitude of noise that still counts as real: 8 of 255 steps, on the scale of images in [−1, 1]."""


def shifted_a_little(images: Tensor) -> Tensor:
    """Shift half of the images by at most a pixel."""
    shifted = torch.cat([part.roll(torch.randint(-1, 2, (2,)).tolist(), (2, 3)) for part in images.chunk(16)])
    return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, shifted, images)


def with_faint_noise(images: Tensor) -> Tensor:
    """Add uniform noise of at most 8/255 to half of the images: real or not, they stay what they are."""
    strength = FAINT * torch.rand(len(images), 1, 1, 1) * (torch.rand(len(images), 1, 1, 1) < 0.5)
    return (images + strength * (2 * torch.rand_like(images) - 1)).clamp(-1, 1)


def softly_mixed(images: Tensor) -> Tensor:
    """Another image shows through a soft random mask."""
    mask = interpolate(torch.rand(len(images), 1, 4, 4), (28, 28), mode="bicubic").clamp(0, 1)
    return mask * images + (1 - mask) * images.flip(0)


def with_patch(images: Tensor) -> Tensor:
    """A rectangle comes from another image."""
    size = torch.randint(8, 19, (2, len(images), 1))
    start = 2 + (torch.rand(2, len(images), 1) * (25 - size)).long()
    places = torch.arange(28)
    down, across = (places >= start) & (places < start + size)
    return torch.where((down[:, :, None] & across[:, None])[:, None], images.flip(0), images)


def permuted(images: Tensor) -> Tensor:
    """Some of sixteen patches change places."""
    patches = images.reshape(-1, 4, 7, 4, 7).transpose(2, 3).reshape(-1, 16, 7, 7)
    places = torch.arange(16).repeat(len(images), 1)
    inner = torch.tensor([5, 6, 9, 10])
    places[:, inner] = inner[torch.rand(len(images), 4).argsort(1)]
    everywhere = torch.rand(len(images), 16).argsort(1)
    places = torch.where(torch.rand(len(images), 1) < 0.5, everywhere, places)
    moved = patches.gather(1, places[:, :, None, None].expand(-1, -1, 7, 7))
    return moved.reshape(-1, 4, 4, 7, 7).transpose(2, 3).reshape(-1, 1, 28, 28)


def box_blurred(images: Tensor) -> Tensor:
    """A mean over 3×3, 5×5 or 7×7 pixels."""
    size = int(3 + 2 * torch.randint(0, 3, ()))
    return avg_pool2d(images + 1, size, stride=1, padding=size // 2) - 1


def phase_scrambled(images: Tensor) -> Tensor:
    """The spectrum's amplitudes with disturbed phases."""
    spectrum = torch.fft.rfft2(images)
    strength = 0.5 + 2.5 * torch.rand(len(images), 1, 1, 1)
    phases = strength * torch.randn(spectrum.shape)
    scrambled: Tensor = torch.fft.irfft2(spectrum * torch.polar(torch.ones_like(phases), phases), s=(28, 28))
    return scrambled.clamp(-1, 1)


def noisy(images: Tensor) -> Tensor:
    """Gaussian noise, fine or coarse."""
    strength = 0.2 + 0.6 * torch.rand(len(images), 1, 1, 1)
    noise = torch.randn_like(images)
    coarse = 2 * interpolate(torch.randn(len(images), 1, 14, 14), (28, 28), mode="bilinear")
    return (images + strength * torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, noise, coarse)).clamp(-1, 1)


def faded(images: Tensor) -> Tensor:
    """A tenth to 60 % of the contrast, around black in half of the images and around any other grey in the rest."""
    contrast, level = 0.1 + 0.5 * torch.rand(len(images), 1, 1, 1), 2 * torch.rand(len(images), 1, 1, 1) - 1
    level = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, level, -1.0)
    return level + contrast * (images - level)


def with_difference(images: Tensor) -> Tensor:
    """The difference of two other images is added, weakly or strongly."""
    strength = 0.3 + 0.7 * torch.rand(len(images), 1, 1, 1)
    return (images + strength * (images.roll(1, 0) - images.roll(2, 0))).clamp(-1, 1)


def coarsely_mixed(images: Tensor) -> Tensor:
    """Another image shows through a mask of a few large areas."""
    corners = 0.5 + 0.6 * (torch.rand(len(images), 1, 2, 2) - 0.5)
    mask = interpolate(corners, (28, 28), mode="bilinear", align_corners=True)
    return mask * images + (1 - mask) * images.roll(3, 0)


def dithered(images: Tensor) -> Tensor:
    """Pixels are black or white at random, white as often as they are bright."""
    return torch.bernoulli((images.clamp(-1, 1) + 1) / 2) * 2 - 1


Corruption = Callable[[Tensor], Tensor]
CORRUPTIONS: tuple[Corruption, ...] = (
    softly_mixed,
    with_patch,
    permuted,
    box_blurred,
    phase_scrambled,
    noisy,
    faded,
)


@dataclass(frozen=True)
class Recipe:
    """How a second opinion is trained.

    Attributes:
        accepted: share of held-out real images that the threshold accepts.
        corruptions: each gets an equal part of the images.
    """

    name: str
    source: str
    epochs: int
    accepted: float
    corruptions: tuple[Corruption, ...]

    def corrupted(self, images: Tensor) -> Tensor:
        """An equal part of the images by each corruption."""
        parts = zip(self.corruptions, images.chunk(len(self.corruptions)), strict=True)
        return torch.cat([corrupt(part) for corrupt, part in parts])


RECIPES = {
    "mnist": Recipe(MNIST_OPINION, "MNIST", 5, 0.99, CORRUPTIONS),
    "fashion-mnist": Recipe(
        FASHION_OPINION,
        "Fashion-MNIST",
        16,
        0.98,
        (*CORRUPTIONS, with_difference, with_difference, coarsely_mixed, dithered),
    ),
}


def share_accepted(logits: list[Tensor]) -> float:
    """Share of images with a logit of at least 0, to four digits."""
    return round(float((torch.cat(logits) >= 0).double().mean()), 4)


def main(dataset: str) -> None:
    recipe = RECIPES[dataset]
    torch.manual_seed(SEED)
    data: LabelledImages = (FashionMnist if dataset == "fashion-mnist" else Mnist)().load(torch.device("cpu"))
    began = time.monotonic()
    network = trained(recipe, to_signed(data.train)[:-HELD_OUT])
    write(network, recipe, data, round((time.monotonic() - began) / 60, 1))


def trained(recipe: Recipe, train: Tensor) -> PlausibilityCNN:
    """Train the network on real images and their corruptions."""
    network = PlausibilityCNN()
    steps = recipe.epochs * (len(train) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=steps)
    truth = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])
    for epoch in range(recipe.epochs):
        network.train()
        for indices in torch.randperm(len(train)).split(BATCH):
            if len(indices) < BATCH:
                continue
            real = train[indices]
            corrupted = recipe.corrupted(shifted_a_little(real[torch.randperm(BATCH)]))
            logits, _ = network(with_faint_noise(torch.cat([shifted_a_little(real), corrupted])))
            loss = binary_cross_entropy_with_logits(logits, truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1:2}/{recipe.epochs}  loss {loss.item():.4f}", flush=True)
    return network.eval()


def write(network: PlausibilityCNN, recipe: Recipe, data: LabelledImages, minutes: float) -> None:
    """Set the threshold, and write the weights and the card."""
    torch.manual_seed(SEED)  # the shifts and the noise of held-out images don't depend on the training
    held_out, tested = to_signed(data.train)[-HELD_OUT:], to_signed(data.test).split(500)
    with torch.no_grad():
        logits = torch.cat([network(with_faint_noise(shifted_a_little(batch)))[0] for batch in held_out.split(500)])
        network.threshold.copy_(logits.quantile(1 - recipe.accepted))
        seen = torch.cat([network(batch)[0] for batch in tested])
        refused = {
            corrupt.__name__.replace("_", " "): round(
                1 - share_accepted([network(corrupt(batch))[0] for batch in tested]), 4
            )
            for corrupt in recipe.corruptions
        }
    content = save({key: tensor.contiguous() for key, tensor in network.state_dict().items()})
    (WEIGHTS / f"{recipe.name}.safetensors").write_bytes(content)
    card = {
        "name": recipe.name,
        "version": int(recipe.name.rpartition("-")[2]),
        "sha256": hashlib.sha256(content).hexdigest(),
        "accepted_test_images": share_accepted([seen]),
        "refused_corruptions_of_test_images": refused,
        "input_shape": [1, 28, 28],
        "input_range": [-1, 1],
        "embedding": "64 activations after the ReLU of the hidden layer",
        "threshold": f"accepts {recipe.accepted:.1%} of {HELD_OUT:,} held-out training images, shifted or with faint "
        "noise",
        "trained_on": f"{recipe.source} train split, the first {len(data.train) - HELD_OUT:,} images, without labels",
        "recipe": f"AdamW, one-cycle to {PEAK_LR}, weight decay {WEIGHT_DECAY}, batch 2 · {BATCH}, "
        f"{recipe.epochs} epochs",
        "seed": SEED,
        "torch": torch.__version__.split("+")[0],
        "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
        "minutes": minutes,
        "script": "experiments/train_second_opinion.py",
    }
    (WEIGHTS / f"{recipe.name}.json").write_text(json.dumps(card, indent=2) + "\n")
    print(json.dumps(card, indent=2))


if __name__ == "__main__":
    main(sys.argv[1])
