"""Checkpoints: tensors and a record in one safetensors file, written atomically and checked when read."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganbench.errors import GanbenchError


@dataclass(frozen=True)
class Checkpoint:
    """What was read: tensors on the CPU, and the record that was saved with them."""

    path: Path
    tensors: dict[str, Tensor]
    record: dict[str, Any]


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a checkpoint so that either the new file or the old one is there, whole, whatever happens."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(record)
    content = save(on_cpu, metadata={"record": text, "sha256": _digest(on_cpu, text)})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing is unpickled.

    Raises:
        GanbenchError: it is cut, changed, or no checkpoint.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        record = json.loads(metadata["record"])
        if metadata["sha256"] != _digest(tensors, metadata["record"]):
            raise ValueError("its checksum is wrong")
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise GanbenchError(f"the checkpoint '{path}' is cut or changed ({error}): delete it to start again") from error
    return Checkpoint(path, tensors, record)


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().data)
    return digest.hexdigest()
