"""Data sets in the four-file IDX format of MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from ganbench.data.fetch import read_idx
from ganbench.data.labelled import LabelledImages


def load_idx(files: Mapping[str, Path], mode_names: tuple[str, ...], device: torch.device) -> LabelledImages:
    """Load 28×28 training and test images with their labels, from files by their usual names."""

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(read_idx(files[name]).copy()).to(device)

    return LabelledImages(
        train=tensor("train-images-idx3-ubyte").unsqueeze(1),
        train_labels=tensor("train-labels-idx1-ubyte").long(),
        test=tensor("t10k-images-idx3-ubyte").unsqueeze(1),
        test_labels=tensor("t10k-labels-idx1-ubyte").long(),
        mode_names=mode_names,
    )
