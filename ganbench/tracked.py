"""What of a run is tracked, and under which names; `results` reads the same names back."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganbench.config import RunSpec
from ganbench.metrics.evaluator import Evaluator
from ganbench.protocols import Scores
from ganbench.provenance import code_version, machine
from ganbench.settings import flatten
from ganbench.track import RunHead

SHEET = 64
"""Samples on a sheet: a square number."""


def run_facts(device: str, evaluator: Evaluator) -> dict[str, str]:
    """Tags that say with what the numbers were made."""
    return {
        "commit": code_version(),
        "device": device,
        "machine": machine(),
        "torch": str(torch.__version__),
        "evaluator": evaluator.name,
        "evaluator-sha256": evaluator.sha256,
        "host": platform.node(),
        "pid": str(os.getpid()),
    }


def group_head(spec: RunSpec, facts: Mapping[str, str]) -> RunHead:
    """The parent run of all seeds of a spec."""
    return RunHead(spec.group_id, spec.title, flatten(spec.to_dict()), facts)


def seed_head(spec: RunSpec, seed: int, facts: Mapping[str, str]) -> RunHead:
    """The run of one seed."""
    params = {**flatten(spec.to_dict()), "seed": seed}
    return RunHead(spec.run_id(seed), f"{spec.title} · seed {seed}", params, {**facts, "seed": str(seed)})


def metric_names(scores: Scores, modes: Sequence[str], prefix: str) -> dict[str, float]:
    """Scores under the names that they are tracked by: `fid`, `floor/fid`, `class/3`, `confident/3`, …"""
    named = {f"{prefix}{name}": value for name, value in scores.values.items()}
    named |= {f"{prefix}floor/{name}": value for name, value in scores.floors.items()}
    named |= {f"{prefix}class/{mode}": share for mode, share in zip(modes, scores.class_shares, strict=True)}
    named |= {f"{prefix}confident/{mode}": share for mode, share in zip(modes, scores.confident_shares, strict=True)}
    return named | {f"{prefix}sample-count": float(scores.samples)}


def to_bytes(images: Tensor) -> NDArray[np.uint8]:
    """Images in [−1, 1] as bytes, [N, C, H, W]."""
    pixels: NDArray[np.uint8] = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return pixels


def sample_sheet(images: Tensor) -> NDArray[np.uint8]:
    """A square number of images side by side, twice their size, [H, W] or [H, W, 3]."""
    pixels = to_bytes(images)
    count, channels, height, width = pixels.shape
    side = math.isqrt(count)
    tiles = pixels.reshape(side, side, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = tiles.reshape(side * height, side * width, channels).repeat(2, axis=0).repeat(2, axis=1)
    return sheet[..., 0] if channels == 1 else sheet
