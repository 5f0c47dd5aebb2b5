"""The IDX format of MNIST's files, and data sets of four such files."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

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


def read_idx(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read an IDX file of bytes as an array of the stored shape."""
    content = path.read_bytes()
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def to_idx(array: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """The content of an IDX file with these bytes."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
