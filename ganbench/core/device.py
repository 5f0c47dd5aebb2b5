"""The device to compute on, and its name."""

from __future__ import annotations

import torch

from ganbench.core.errors import GanbenchError

DEVICES = ("auto", "cpu", "cuda", "mps")


def find_device(name: str) -> torch.device:
    """The device for `auto`, `cpu`, `cuda` or `mps` (the GPU of a Mac, which `auto` never chooses: it is untested).

    Raises:
        GanbenchError: a GPU is requested and there is none, or there is no such name.
    """
    if name not in DEVICES:
        raise GanbenchError(f"unknown device '{name}': choose {', '.join(DEVICES)}")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise GanbenchError("this machine has no GPU that torch can use: choose the device cpu or auto")
    if name == "mps" and not torch.backends.mps.is_available():
        raise GanbenchError("torch can use no Apple GPU here: choose the device cpu or auto")
    return torch.device(name)


def scoring_device(device: torch.device) -> torch.device:
    """The device that holds the real samples and computes scores: the CPU where the device has no float64."""
    return torch.device("cpu") if device.type == "mps" else device


def device_name(device: torch.device) -> str:
    """A description of the device: the GPU model, or the number of CPU threads."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu ({torch.get_num_threads()} threads)"
