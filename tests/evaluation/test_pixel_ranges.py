"""Pixel ranges: images of any other scale are refused, and every refusal names a way that works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.evaluation.samples import RANGES, check_array, read_samples

SHAPE = (1, 4, 4)
UNIT = np.linspace(0, 1, 96, dtype=np.float32).reshape(6, *SHAPE)
"""Images that use all of 0..1."""
SCALES = (0.1, 0.25, 0.5, 0.8, 1.0, 1.2, 1.5, 1.7, 2.0, 1 / 0.3081, 4.0, 15.0, 16.0, 100.0, 127.0, 255.0, 65535.0)
SHIFTS = (0.0, 0.05, 0.1307, 0.25, 0.5, 0.75, 0.9, 1.0)
"""Shares of the scale that are subtracted: none, means of data sets, half, all."""


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shift", SHIFTS)
def test_images_of_no_known_range_are_not_taken_for_one(scale: float, shift: float) -> None:
    images = (UNIT - np.float32(shift)) * np.float32(scale)
    if (scale, shift) in ((1.0, 0.0), (2.0, 0.5), (255.0, 0.0)):
        assert torch.allclose(check_array(images, SHAPE), torch.from_numpy(UNIT * 2 - 1), atol=1e-5)
    else:
        with pytest.raises(GanbenchError, match=r"state it \(0..255, 0..1, -1..1\) with --range"):
            check_array(images, SHAPE)


@pytest.mark.parametrize("highest", [1, 2, 15, 16, 100, 127])
def test_bytes_of_another_scale_are_not_taken_for_0_to_255(highest: int) -> None:
    images = (UNIT * highest).round().astype(np.uint8)
    with pytest.raises(GanbenchError, match=r"with --range"):
        check_array(images, SHAPE)
    assert check_array(images, SHAPE, "0..255").max() < 0


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("beyond", [0.002, 0.02, 0.5])
def test_values_beyond_a_range_are_clipped_on_demand_and_counted(name: str, beyond: float) -> None:
    bottom, top = RANGES[name]
    images = UNIT * (top - bottom) + bottom
    images[0, 0, 0, :2] = bottom - beyond * (top - bottom)
    images[-1, 0, -1, -1] = top + beyond * (top - bottom)
    with pytest.raises(GanbenchError, match=rf"3 of 96 values are outside the stated range {name}, .*--clip"):
        check_array(images, SHAPE, name)
    expected = torch.from_numpy(np.clip(images, bottom, top) - bottom) / (top - bottom) * 2 - 1
    assert torch.allclose(check_array(images, SHAPE, name, clip=True), expected, atol=1e-5)
    with pytest.raises(GanbenchError, match=r"--clip|state it"):
        check_array(images, SHAPE)
    with pytest.raises(GanbenchError, match="state it"):
        check_array(images, SHAPE, clip=True)


def test_points_are_never_clipped() -> None:
    with pytest.raises(GanbenchError, match="leave out --clip"):
        check_array(np.zeros((3, 2)), (2,), clip=True)


def evaluate(path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["evaluate", str(path), *options])


@pytest.mark.parametrize(("low", "high"), [(-1.02, 1.01), (-0.02, 1.02), (-3.0, 255.0), (-0.5, 0.5), (0.0, 1.2)])
def test_following_the_messages_ends_in_a_score(tmp_path: Path, low: float, high: float) -> None:
    """Each message names an option; with all that were named, the range is settled."""
    images = np.linspace(low, high, 784 * 4, dtype=np.float32).reshape(4, 1, 28, 28)
    np.save(tmp_path / "x.npy", images)
    near = min(RANGES, key=lambda name: abs(RANGES[name][0] - low) + abs(RANGES[name][1] - high))
    options: list[str] = []
    for _ in range(3):
        output = evaluate(tmp_path / "x.npy", *options).output
        named = set(re.findall(r"--(?:range|clip)\b", output)) - set(options)
        if not named:
            break
        options += ["--range", near] if "--range" in named else ["--clip"]
    assert "needs 10,000 samples" in output, "what is wrong then is their number"


def test_count_of_clipped_values_is_printed_in_every_format(tmp_path: Path) -> None:
    images = np.linspace(-1, 1, 20 * 784, dtype=np.float32).reshape(20, 1, 28, 28)
    images[0, 0, 0, 0] = -1.1
    np.save(tmp_path / "x.npy", images)
    clip = ("--range", "-1..1", "--clip", "--count", "20", "--protocol", "ganbench-1")
    assert read_samples(tmp_path / "x.npy", (1, 28, 28), pixel_range="-1..1", clip=True).source.endswith(
        "range -1..1, 1 of 15,680 values in [-1.1, 1] clipped"
    )
    assert "1 of 15,680 values" in evaluate(tmp_path / "x.npy", *clip, "--format", "json").stderr


# Sizes


@pytest.mark.parametrize(("size", "hint"), [(32, "crop them to the middle 28×28 pixels"), (16, "resize them to 28×28")])
def test_images_of_another_size_are_told_what_to_do(tmp_path: Path, size: int, hint: str) -> None:
    """MNIST padded to 32×32 must be cropped: resizing would make its digits smaller."""
    images = np.zeros((3, 1, size, size), np.uint8)
    for layout in (images, images[:, 0], np.moveaxis(images, 1, -1)):
        with pytest.raises(GanbenchError, match=hint):
            check_array(layout, (1, 28, 28))
    with pytest.raises(GanbenchError, match=hint):
        check_array(images.repeat(3, axis=1), (3, 28, 28))
    Image.fromarray(images[0, 0]).save(tmp_path / "x.png")
    with pytest.raises(GanbenchError, match=hint):
        read_samples(tmp_path, (1, 28, 28))
