"""Sample files that are large beside the memory: no copy is made that isn't needed, and too little memory is said."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.samples import check_array, memory, read_samples
from ganbench.evaluation.score_samples import mixed

SHAPE = (1, 28, 28)
COUNT = 20_000


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
@pytest.mark.parametrize(("dtype", "stated"), [(np.uint8, None), (np.float64, "0..255")])
def test_array_is_in_memory_once_as_float32(tmp_path: Path, name: str, dtype: Any, stated: str | None) -> None:
    """The file isn't held beside its copy, which for float64 would be twice as large."""
    images = np.random.default_rng(0).integers(0, 256, (COUNT, *SHAPE), np.uint8).astype(dtype)
    (np.save if name == "x.npy" else np.savez)(tmp_path / name, images)
    expected = torch.from_numpy(images.astype(np.float32) / 127.5 - 1)
    tracemalloc.start()
    read = read_samples(tmp_path / name, SHAPE, pixel_range=stated).tensor
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert torch.allclose(read, expected, atol=1e-6)
    assert peak < 1.1 * images.size * 4


@pytest.mark.parametrize("order", ["C", "F"])
def test_npz_that_is_not_compressed_is_read_as_written_or_refused_whichever_byte_is_altered(
    tmp_path: Path, order: Any
) -> None:
    """It is mapped into memory, so that no library compares its checksum as it is used."""
    points = np.arange(8000.0, dtype=np.float32).reshape(4000, 2).copy(order=order)
    path = tmp_path / "x.npz"
    np.savez(path, labels=np.arange(3), samples=points)
    content = path.read_bytes()
    assert torch.equal(read_samples(path, (2,)).tensor, torch.from_numpy(points))
    refused = 0
    for place in (*range(0, 600, 3), *range(600, len(content), 200), *range(len(content) - 200, len(content), 3)):
        altered = bytearray(content)
        altered[place] ^= 0x15
        path.write_bytes(altered)
        try:
            assert torch.equal(read_samples(path, (2,)).tensor, torch.from_numpy(points))
        except GanbenchError:
            refused += 1
    assert refused > 150, "at least the numbers"


def test_only_the_samples_that_are_scored_are_mixed() -> None:
    samples = torch.arange(1000.0)
    assert torch.equal(mixed(samples, 30), mixed(samples, 1000)[:30])
    assert mixed(samples, 5000).sort().values.equal(samples)
    assert len(mixed(samples, -1)) == 0


def test_too_little_memory_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.full((100, *SHAPE), 255, np.uint8)
    images[:, :, :14] = 0
    np.save(tmp_path / "x.npy", images)
    available, group = tmp_path / "meminfo", tmp_path / "group"
    group.mkdir()
    monkeypatch.setattr(memory, "MEMINFO", available)
    monkeypatch.setattr(memory, "CGROUP", group)
    read_samples(tmp_path / "x.npy", SHAPE)  # a system that doesn't say
    available.write_text("MemTotal:       9999999 kB\nMemAvailable:       100 kB\n")
    with pytest.raises(GanbenchError, match=r"GiB of memory are free: give fewer samples") as caught:
        read_samples(tmp_path / "x.npy", SHAPE)
    assert "\n" not in str(caught.value)
    with pytest.raises(GanbenchError, match="memory are free"):
        check_array(images, SHAPE)
    available.write_text("MemTotal:       9999999 kB\nMemAvailable:   9999999 kB\n")
    for name, text in {"memory.max": "500000\n", "memory.current": "400000\n", "memory.stat": "anon 1\n"}.items():
        (group / name).write_text(text)
    (group / "memory.stat").write_text("anon 1\ninactive_file 1000\n")
    with pytest.raises(GanbenchError, match="memory are free"):
        read_samples(tmp_path / "x.npy", SHAPE)
    (group / "memory.max").write_text("max\n")
    read_samples(tmp_path / "x.npy", SHAPE)


def test_array_without_samples_is_said_to_be_empty(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, *SHAPE), np.uint8))
    with pytest.raises(GanbenchError, match="no samples"):
        read_samples(tmp_path / "x.npy", SHAPE)
