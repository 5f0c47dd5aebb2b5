"""The device that work is done on, and what it is called."""

from __future__ import annotations

import torch

from ganbench.core.errors import GanbenchError


def find_device(name: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`.

    Raises:
        GanbenchError: a GPU is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise GanbenchError("this machine has no GPU that torch can use: choose --device cpu or auto")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The device in words: a GPU's model, or how many CPU threads are used."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu ({torch.get_num_threads()} threads)"
