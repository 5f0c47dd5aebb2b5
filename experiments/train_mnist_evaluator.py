"""Train the frozen MNIST evaluator `mnist-cnn-1` and write its weights and model card into the package.

    .venv/bin/python experiments/train_mnist_evaluator.py

Fixed seed, fixed recipe, no selection on the test set: the last epoch is the one that is kept. It takes about
a quarter of an hour on two CPU cores. Other hardware rounds differently, so the weights that come out elsewhere have
another hash; that is why they are committed and not trained on installation.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time

import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from ganbench.data import to_signed
from ganbench.data.mnist import Mnist
from ganbench.metrics.evaluator import WEIGHTS, DigitCNN

NAME = "mnist-cnn-1"
SEED = 0
EPOCHS = 20
BATCH = 128
PEAK_LR = 4e-3
WEIGHT_DECAY = 5e-4
ROTATION, SCALE, SHEAR, SHIFT = 0.17, 0.10, 0.10, 0.10  # radians, relative, relative, in half-widths


def jitter(images: Tensor) -> Tensor:
    """Turn, scale, shear and shift each image a little, at random; background stays −1."""
    n = len(images)

    def uniform(reach: float) -> Tensor:
        return (torch.rand(n) * 2 - 1) * reach

    angle, shear = uniform(ROTATION), uniform(SHEAR)
    scale_x, scale_y = 1 + uniform(SCALE), 1 + uniform(SCALE)
    theta = torch.stack(
        [
            torch.stack([scale_x * angle.cos(), -scale_y * (angle.sin() + shear), uniform(SHIFT)], dim=1),
            torch.stack([scale_x * angle.sin(), scale_y * angle.cos(), uniform(SHIFT)], dim=1),
        ],
        dim=1,
    )
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    return grid_sample(images + 1, grid, align_corners=False) - 1


def main() -> None:
    torch.manual_seed(SEED)
    data = Mnist().load(torch.device("cpu"))
    network = DigitCNN()
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
            loss = cross_entropy(logits, data.train_modes[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            predicted = torch.cat([network(batch)[1].argmax(1) for batch in to_signed(data.test).split(500)])
        accuracy = (predicted == data.test_modes).double().mean().item()
        print(f"epoch {epoch + 1:2}/{EPOCHS}  loss {loss.item():.4f}  test accuracy {accuracy:.4f}", flush=True)

    content = save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    WEIGHTS.mkdir(exist_ok=True)
    (WEIGHTS / f"{NAME}.safetensors").write_bytes(content)
    card = {
        "name": NAME,
        "version": 1,
        "sha256": hashlib.sha256(content).hexdigest(),
        "test_accuracy": accuracy,
        "classes": 10,
        "input_shape": [1, 28, 28],
        "input_range": [-1, 1],
        "features": "128 activations after the ReLU of the hidden layer",
        "trained_on": "MNIST train split, 60,000 images, with small random affine jitter",
        "recipe": f"AdamW, one-cycle to {PEAK_LR}, weight decay {WEIGHT_DECAY}, batch {BATCH}, {EPOCHS} epochs",
        "seed": SEED,
        "torch": torch.__version__.split("+")[0],
        "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
        "minutes": round((time.monotonic() - began) / 60, 1),
        "script": "experiments/train_mnist_evaluator.py",
    }
    (WEIGHTS / f"{NAME}.json").write_text(json.dumps(card, indent=2) + "\n")
    print(f"{NAME}: test accuracy {accuracy:.4f}, {len(content) / 1e3:.0f} kB, SHA-256 {card['sha256']}")


if __name__ == "__main__":
    main()
