"""Cache for results shared by runs: floors, the noise of floors, features of training images.

A file's name is a hash of everything that its content depends on, including our code, so stale results are never read.
The numbers of the built-in data come with the package, and a test computes some of them again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

CODE = ("data", "data/evaluators", "evaluation/metrics", "evaluation/protocols", "core/seeding.py")
"""The folders and files whose code the cached numbers depend on."""

SHIPPED = Path(__file__).with_name("real_samples.json")
"""The scores of real samples of the built-in data, which take minutes to compute: `experiments/real_samples.py`."""

PART = ".part-"
"""Prefix of the names of unfinished files."""
LEFT = 3600.0
"""Seconds after which an unfinished file is nobody's: to write one takes seconds."""


class DiskCache:
    """A folder of results by key; without a folder, nothing is cached."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def numbers(self, key: Mapping[str, Any], compute: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Numbers by name, read from the cache or computed and stored."""
        found = self.find_numbers(key)
        if found is None:
            found = compute()
            self.keep_numbers(key, found)
        return found

    def find_numbers(self, key: Mapping[str, Any]) -> dict[str, float] | None:
        """Numbers by name, or None if they have to be computed."""
        shipped = shipped_numbers().get(digest(key))
        if shipped is not None:
            return shipped
        content = self._read(key, "json")
        try:
            return None if content is None else dict(json.loads(content))
        except ValueError:
            return None  # truncated, for example by a full disk: treated as missing

    def keep_numbers(self, key: Mapping[str, Any], numbers: Mapping[str, float]) -> None:
        """Store numbers by name."""
        self._write(key, "json", json.dumps(dict(numbers)).encode())

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
        return folder / f"{digest({**key, 'code': _code()})}.{kind}"

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
            _remove_leftovers(self._folder)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=PART)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(temporary).replace(self._path(self._folder, key, kind))
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError:
            return  # an unwritable cache is no reason to lose a run


def _remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of killed processes."""
    for leftover in folder.glob(f"{PART}*"):
        with suppress(FileNotFoundError):  # another process removes them as well
            if time.time() - leftover.stat().st_mtime > LEFT:
                leftover.unlink()


def digest(key: Mapping[str, Any]) -> str:
    """Hash of a key."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]


@cache
def shipped_numbers() -> dict[str, dict[str, float]]:
    """The numbers of real samples that come with the package, by the hash of their key, which has no code in it."""
    entries = json.loads(SHIPPED.read_text(encoding="utf-8")) if SHIPPED.exists() else []
    return {entry["key"]: entry["numbers"] for entry in entries}


@cache
def _code() -> str:
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for entry in CODE:
        files = sorted((root / entry).glob("*.py")) if (root / entry).is_dir() else [root / entry]
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()
