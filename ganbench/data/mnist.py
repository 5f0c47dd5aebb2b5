"""MNIST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import torch

from ganbench.data import DATASETS, Data, Dataset
from ganbench.data.fetch import fetch_mnist, read_idx
from ganbench.registry import register


@register(DATASETS, "mnist")
class Mnist(Dataset):
    """Handwritten digits, 28×28 grey, ten classes, 60,000 + 10,000 images (LeCun et al. 1998)."""

    train_size: ClassVar[int] = 60_000
    shape: ClassVar[tuple[int, ...]] = (1, 28, 28)
    evaluator: ClassVar[str] = "mnist-cnn-1"
    mode_word: ClassVar[str] = "digits"

    def load(self, device: torch.device, folder: Path | None = None, say: Callable[[str], None] = print) -> Data:
        files = fetch_mnist(folder, say=say)

        def tensor(name: str) -> torch.Tensor:
            return torch.from_numpy(read_idx(files[name]).copy()).to(device)

        return Data(
            train=tensor("train-images-idx3-ubyte").unsqueeze(1),
            train_modes=tensor("train-labels-idx1-ubyte").long(),
            test=tensor("t10k-images-idx3-ubyte").unsqueeze(1),
            test_modes=tensor("t10k-labels-idx1-ubyte").long(),
            mode_names=tuple(str(digit) for digit in range(10)),
        )
