"""Checkpoints: tensors and a record in one safetensors file, written atomically and checked when read.

The one before the newest is kept beside it, for the day on which the newest can't be read.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganbench.core.errors import GanbenchError

SUFFIX = ".safetensors"
PART = ".part-"
"""So begins the name of a file that is being written."""


@dataclass(frozen=True)
class Checkpoint:
    """What was read: tensors on the CPU, and the record that was saved with them.

    Attributes:
        path: where the newest is, even where this is the one before it.
        is_older: whether the newest was cut or changed, or lost.
    """

    path: Path
    tensors: dict[str, Tensor]
    record: dict[str, Any]
    is_older: bool = False


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a checkpoint so that the new or the old one is there, whole, whatever happens; and keep the old one.

    Raises:
        OSError: it can't be written (the disk is full, say); what was there is as it was.
    """
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(record)
    content = save(on_cpu, metadata={"record": text, "sha256": _digest(on_cpu, text)})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            path.replace(older(path))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def older(path: Path) -> Path:
    """Where the checkpoint before the newest is kept."""
    return path.with_name(path.name + ".older")


def checkpoint_paths(folder: Path) -> list[Path]:
    """Where the newest of each ensemble's checkpoints is, or would be where only the one before it is left."""
    files = {*folder.glob(f"*{SUFFIX}"), *(path.with_suffix("") for path in folder.glob(f"*{SUFFIX}.older"))}
    return sorted(files)


def load_newest(path: Path) -> Checkpoint:
    """Read a checkpoint, or the one before it where it is cut, changed or lost.

    Raises:
        GanbenchError: neither can be read.
    """
    try:
        return load_checkpoint(path)
    except GanbenchError:
        if not older(path).exists():
            raise
        before = load_checkpoint(older(path))
        # Else the next save would put the broken one in the place of the good one.
        path.unlink(missing_ok=True)
        return Checkpoint(path, before.tensors, before.record, is_older=True)


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint and the one before it."""
    older(path).unlink(missing_ok=True)  # first: a kill between the two must not leave the old one alone
    path.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read one file; nothing is unpickled.

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
