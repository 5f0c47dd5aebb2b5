"""Cache for results shared by runs: floors, the noise of floors, features of training images.

A file's name is a hash of everything that its content depends on, including our code, so stale results are never read.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

CODE = ("data", "data/evaluators", "evaluation/metrics", "evaluation/protocols", "core/seeding.py")
"""The folders and files whose code the cached numbers depend on."""


class DiskCache:
    """A folder of results by key; without a folder, nothing is cached."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def numbers(self, key: Mapping[str, Any], compute: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Numbers by name, read from the cache or computed and stored."""
        content = self._read(key, "json")
        if content is not None:
            try:
                numbers: dict[str, float] = json.loads(content)
                return numbers
            except ValueError:
                pass  # truncated, for example by a full disk: treated as missing
        numbers = compute()
        self._write(key, "json", json.dumps(numbers).encode())
        return numbers

    def tensor(self, key: Mapping[str, Any], compute: Callable[[], Tensor]) -> Tensor:
        """A tensor on the CPU, read from the cache or computed and stored."""
        content = self._read(key, "safetensors")
        if content is not None:
            try:
                return load(content)["tensor"]
            except (SafetensorError, KeyError):
                pass
        tensor = compute().cpu().contiguous()
        self._write(key, "safetensors", save({"tensor": tensor}))
        return tensor

    def _path(self, folder: Path, key: Mapping[str, Any], kind: str) -> Path:
        text = json.dumps({**key, "code": _code()}, sort_keys=True)
        return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.{kind}"

    def _read(self, key: Mapping[str, Any], kind: str) -> bytes | None:
        if self._folder is None:
            return None
        try:
            return self._path(self._folder, key, kind).read_bytes()
        except OSError:
            return None

    def _write(self, key: Mapping[str, Any], kind: str, content: bytes) -> None:
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".part-")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(self._path(self._folder, key, kind))
        except OSError:
            return  # an unwritable cache is no reason to lose a run


@cache
def _code() -> str:
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for entry in CODE:
        files = sorted((root / entry).glob("*.py")) if (root / entry).is_dir() else [root / entry]
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()
