"""Samples as files: the last sheet, an animation of all, and names that lead nowhere else."""

from __future__ import annotations

import io
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image, ImageSequence

from ganbench.results.loading import Pictures, Results
from ganbench.results.sample_files import FRAMES, LAST_SHOWN, write_sample_files


def sheet(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), grey).save(buffer, "png")
    return buffer.getvalue()


def results(pictures: Pictures) -> Results:
    def read(runs: Collection[str], most: int) -> Pictures:
        assert most == FRAMES
        return {run: sheets for run, sheets in pictures.items() if run in runs}

    return Results(pd.DataFrame(), read)


def test_last_sheet_and_animation_are_written_in_the_order_of_steps(tmp_path: Path) -> None:
    (path,) = write_sample_files(results({"a": {100: sheet(9), 0: sheet(0), 50: sheet(5)}}), {"a": "ring"}, tmp_path)
    assert path == tmp_path / "ring.png"
    assert path.read_bytes() == sheet(9)
    with Image.open(tmp_path / "ring.gif") as animation:
        greys, durations = [], []
        for frame in ImageSequence.Iterator(animation):
            greys.append(frame.convert("L").getpixel((0, 0)))
            durations.append(frame.info["duration"])
    assert greys == [0, 5, 9]
    assert durations[-1] == LAST_SHOWN


def test_single_sheet_has_no_animation_and_runs_without_samples_have_no_file(tmp_path: Path) -> None:
    written = write_sample_files(results({"a": {10: sheet(1)}}), {"a": "one", "b": "none"}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"] == [path.name for path in written]
    assert write_sample_files(results({}), {"b": "none"}, tmp_path / "new") == []
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/x", "a\nb", "a b;c"])
def test_names_of_plugins_stay_in_the_folder(name: str, tmp_path: Path) -> None:
    (path,) = write_sample_files(results({"a": {10: sheet(1)}}), {"a": name}, tmp_path / "samples")
    assert path.parent == tmp_path / "samples"
    assert path.exists()
    assert len(list(tmp_path.rglob("*.png"))) == 1
