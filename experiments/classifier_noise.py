"""Show what the classifiers of the Stacked-MNIST papers add to modes and KL by their errors alone.

    .venv/bin/python experiments/classifier_noise.py

For each evaluator, 26,000 real images: their KL against uniform, whose floor is .0235 without errors; and the number of
modes that 26,000 real images of a single mode (385) are credited with, one hit counting for a mode. It takes ten
minutes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.core.seeding import stream
from ganbench.data.evaluators.base import Evaluator
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.evaluators.papers import NETWORKS, stacked_paper_evaluator
from ganbench.data.mnist import Mnist
from ganbench.data.stacked_mnist import StackedDigits, StackedMnist

CPU = torch.device("cpu")
SAMPLES = 26_000
DRAWS = 3
BLOCK = 2_000
MODE = (3, 8, 5)


def main() -> None:
    digits = Mnist().load(CPU)
    random = stream(0, "planted")
    of_class = [(digits.test_labels == digit).nonzero().flatten() for digit in MODE]
    chosen = torch.stack([rows[torch.randint(len(rows), (SAMPLES,), generator=random)] for rows in of_class], dim=1)
    print("| classifier | KL of real images | modes of one real mode |\n|---|---|---|")
    for name in ("", *NETWORKS):
        frame = "28" if name == "" or NETWORKS[name].side == 28 else "scaled-32"
        dataset = StackedMnist(frame=frame)
        side = dataset.shape[1]
        evaluator: Evaluator = (
            stacked_paper_evaluator(name, CPU, side, frame == "scaled-32") if name else dataset.evaluator(CPU)
        )
        data = StackedDigits(digits, 0, "train", frame)
        kls = [kl(modes(evaluator, data.floor_samples(SAMPLES, draw))) for draw in range(DRAWS)]
        stacked = to_signed(digits.test[chosen].squeeze(-3))
        credited = modes(evaluator, stacked if frame == "28" else data._framed(stacked)).unique()
        print(f"| {name or evaluator.name} | {min(kls):.4f} to {max(kls):.4f} | {len(credited)} |", flush=True)


def modes(evaluator: Evaluator, images: Tensor) -> Tensor:
    return torch.cat([evaluator(block).labels for block in images.split(BLOCK)])


def kl(labels: Tensor) -> float:
    """KL divergence from uniform over a thousand modes, in nats."""
    shares = labels.bincount(minlength=1000).double() / len(labels)
    shares = shares[shares > 0]
    return float((shares * (shares * 1000).log()).sum())


if __name__ == "__main__":
    main()
