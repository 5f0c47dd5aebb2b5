"""Checkpoints: tensors and a record in one safetensors file, written atomically and verified when read.

The previous one is kept beside the newest, in case the newest can't be read.
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
"""Prefix of the names of unfinished files."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint: tensors on the CPU, and the record that was saved with them.

    Attributes:
        path: the path of the newest checkpoint, even if this is the previous one.
        is_older: True if the newest was truncated, altered or lost.
    """

    path: Path
    tensors: dict[str, Tensor]
    record: dict[str, Any]
    is_older: bool = False


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically, and keep the previous one.

    At any moment, either the new or the old checkpoint is there and complete.

    Raises:
        OSError: it can't be written (for example, the disk is full); the existing files are unchanged.
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
    """Path of the checkpoint before the newest."""
    return path.with_name(path.name + ".older")


def checkpoint_paths(folder: Path) -> list[Path]:
    """Path of each ensemble's newest checkpoint, also if only the one before it is left."""
    files = {*folder.glob(f"*{SUFFIX}"), *(path.with_suffix("") for path in folder.glob(f"*{SUFFIX}.older"))}
    return sorted(files)


def load_newest(path: Path) -> Checkpoint:
    """Read a checkpoint, or the previous one if it is truncated, altered or lost.

    Raises:
        GanbenchError: neither can be read.
    """
    try:
        return load_checkpoint(path)
    except GanbenchError:
        if not older(path).exists():
            raise
        previous = load_checkpoint(older(path))
        # Otherwise the next save would replace the good one with the broken one.
        path.unlink(missing_ok=True)
        return Checkpoint(path, previous.tensors, previous.record, is_older=True)


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint and its predecessor."""
    older(path).unlink(missing_ok=True)  # first: a kill between the two must not leave only the old one
    path.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read one file; nothing is unpickled.

    Raises:
        GanbenchError: it is truncated, altered, or not a checkpoint.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        record = json.loads(metadata["record"])
        if metadata["sha256"] != _digest(tensors, metadata["record"]):
            raise ValueError("its checksum is wrong")
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise GanbenchError(
            f"the checkpoint '{path}' is truncated or altered ({error}): delete it to start again"
        ) from error
    return Checkpoint(path, tensors, record)


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().data)
    return digest.hexdigest()
