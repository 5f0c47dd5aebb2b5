"""Checkpoints: whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganbench.errors import GanbenchError
from ganbench.train.checkpoint import load_checkpoint, save_checkpoint

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([[1], [2]])}
RECORD = {"step": 7, "sums": {"x": [0.1, 1e-300]}, "diverged": {}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "deep" / "x.safetensors", TENSORS, RECORD)
    return tmp_path / "deep" / "x.safetensors"


def test_what_was_saved_is_read_back(path: Path) -> None:
    read = load_checkpoint(path)
    assert read.record == RECORD
    assert all(torch.equal(read.tensors[name], tensor) for name, tensor in TENSORS.items())
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


def test_every_cut_and_every_changed_byte_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(GanbenchError, match="cut or changed"):
            load_checkpoint(path)
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        try:
            read = load_checkpoint(path)
        except GanbenchError:
            continue
        # Only white space between JSON's words could change unseen.
        assert read.record == RECORD, position
        assert all(torch.equal(read.tensors[name], tensor) for name, tensor in TENSORS.items()), position


def test_a_failed_write_leaves_the_old_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            save_checkpoint(path, TENSORS, RECORD | {"step": 8})
    assert load_checkpoint(path).record == RECORD
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


def test_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    for name in ("x", "missing", "."):
        with pytest.raises(GanbenchError, match="cut or changed"):
            load_checkpoint(tmp_path / name)
