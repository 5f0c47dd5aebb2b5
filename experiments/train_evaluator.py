"""Train a frozen evaluator and write its weights and model card into the package.

    .venv/bin/python experiments/train_evaluator.py mnist          # mnist-cnn-2
    .venv/bin/python experiments/train_evaluator.py fashion-mnist  # fashion-mnist-cnn-1

Fixed seed, fixed recipe, no selection on the test set: the last epoch is the one that is kept. Afterwards the typical
region (see `ganbench/data/evaluators/classifier.py`) is fitted to the features of the training images. It takes about a
quarter of an hour on two CPU cores. Other hardware rounds differently, so the weights that come out elsewhere have
another hash; that is why they are committed and not trained on installation.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from dataclasses import dataclass

import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from ganbench.data.evaluators.classifier import WEIGHTS, FrozenClassifier, to_signed
from ganbench.data.fashion_mnist import EVALUATOR as FASHION_EVALUATOR
from ganbench.data.fashion_mnist import FashionMnist
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import EVALUATOR as MNIST_EVALUATOR
from ganbench.data.mnist import Mnist

SEED = 0
EPOCHS = 20
BATCH = 128
PEAK_LR = 4e-3
WEIGHT_DECAY = 5e-4


@dataclass(frozen=True)
class Jitter:
    """How far images are changed at random: angle in radians, scale and shear relative, shift in half-widths."""

    rotation: float
    scale: float
    shear: float
    shift: float
    mirrored: bool

    def __call__(self, images: Tensor) -> Tensor:
        """Turn, scale, shear, shift (and mirror) each image a little, at random; background stays −1."""
        n = len(images)

        def uniform(reach: float) -> Tensor:
            return (torch.rand(n) * 2 - 1) * reach

        angle, shear = uniform(self.rotation), uniform(self.shear)
        scale_x, scale_y = 1 + uniform(self.scale), 1 + uniform(self.scale)
        if self.mirrored:
            scale_x = scale_x * torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
        theta = torch.stack(
            [
                torch.stack([scale_x * angle.cos(), -scale_y * (angle.sin() + shear), uniform(self.shift)], dim=1),
                torch.stack([scale_x * angle.sin(), scale_y * angle.cos(), uniform(self.shift)], dim=1),
            ],
            dim=1,
        )
        grid = affine_grid(theta, list(images.shape), align_corners=False)
        return grid_sample(images + 1, grid, align_corners=False) - 1


DIGITS = Jitter(rotation=0.17, scale=0.10, shear=0.10, shift=0.10, mirrored=False)
CLOTHES = Jitter(rotation=0.05, scale=0.05, shear=0.05, shift=0.07, mirrored=True)


def main(dataset: str) -> None:
    torch.manual_seed(SEED)
    data: LabelledImages
    if dataset == "fashion-mnist":
        name, data, jitter, source = (
            FASHION_EVALUATOR,
            FashionMnist().load(torch.device("cpu")),
            CLOTHES,
            "Fashion-MNIST",
        )
    else:
        name, data, jitter, source = MNIST_EVALUATOR, Mnist().load(torch.device("cpu")), DIGITS, "MNIST"
    classifier = FrozenClassifier(len(data.mode_names))
    network = classifier.network
    steps = EPOCHS * (len(data) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=steps)
    began = time.monotonic()
    for epoch in range(EPOCHS):
        network.train()
        for indices in torch.randperm(len(data)).split(BATCH):
            if len(indices) < BATCH:
                continue
            _, logits = network(jitter(data.batch(indices)))
            loss = cross_entropy(logits, data.train_labels[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            predicted = torch.cat([network(batch)[1].argmax(1) for batch in to_signed(data.test).split(500)])
        accuracy = (predicted == data.test_labels).double().mean().item()
        print(f"epoch {epoch + 1:2}/{EPOCHS}  loss {loss.item():.4f}  test accuracy {accuracy:.4f}", flush=True)

    with torch.no_grad():
        seen = [network(to_signed(batch)) for batch in data.train.split(500)]
    classifier.typical.fit(torch.cat([part[0] for part in seen]), torch.cat([part[1].argmax(1) for part in seen]))
    content = save({key: tensor.contiguous() for key, tensor in classifier.state_dict().items()})
    WEIGHTS.mkdir(exist_ok=True)
    (WEIGHTS / f"{name}.safetensors").write_bytes(content)
    card = {
        "name": name,
        "version": int(name.rpartition("-")[2]),
        "sha256": hashlib.sha256(content).hexdigest(),
        "test_accuracy": accuracy,
        "classes": 10,
        "input_shape": [1, 28, 28],
        "input_range": [-1, 1],
        "features": "128 activations after the ReLU of the hidden layer",
        "typical_region": "Mahalanobis distance to the class mean, one covariance, 98.89 % of training images below 3",
        "trained_on": f"{source} train split, {len(data):,} images, with small random affine jitter"
        + " and mirroring" * jitter.mirrored,
        "recipe": f"AdamW, one-cycle to {PEAK_LR}, weight decay {WEIGHT_DECAY}, batch {BATCH}, {EPOCHS} epochs",
        "seed": SEED,
        "torch": torch.__version__.split("+")[0],
        "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
        "minutes": round((time.monotonic() - began) / 60, 1),
        "script": "experiments/train_evaluator.py",
    }
    (WEIGHTS / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n")
    print(f"{name}: test accuracy {accuracy:.4f}, {len(content) / 1e3:.0f} kB, SHA-256 {card['sha256']}")


if __name__ == "__main__":
    main(sys.argv[1])
