"""What is tracked: pictures and names."""

from __future__ import annotations

import torch

from ganbench.protocols import Scores
from ganbench.results import _place
from ganbench.tracked import metric_names, sample_sheet, to_bytes


def test_bytes_of_images_round_to_the_nearest_and_back() -> None:
    levels = torch.arange(256, dtype=torch.float32) / 127.5 - 1
    assert to_bytes(levels.reshape(1, 1, 16, 16)).reshape(-1).tolist() == list(range(256))


def test_a_sheet_has_its_images_row_by_row_at_twice_their_size() -> None:
    images = torch.stack([torch.full((1, 3, 5), level) for level in (-1.0, 0.0, 0.5, 1.0)])
    images[1, 0, 0, 4] = 1.0  # the upper right pixel of the upper right image
    sheet = sample_sheet(images)
    assert sheet.shape == (12, 20)
    assert [sheet[5, 9], sheet[5, 10], sheet[6, 0], sheet[11, 19]] == [0, 128, 191, 255]
    assert (sheet[0:2, 18:20] == 255).all()
    assert sheet[2, 18] == sheet[0, 17] == 128


def test_a_sheet_of_three_channels_is_in_colour() -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).reshape(1, 3, 1, 1).expand(4, 3, 2, 2)
    assert sample_sheet(red)[3, 3].tolist() == [255, 0, 0]


def test_names_are_read_back_as_they_were_written() -> None:
    scores = Scores(7, {"fid": 1.0}, {"fid": 0.5}, (0.25, 0.75), (0.2, 0.7))
    named = metric_names(scores, ("a", "b"), "quick/")
    assert named == {
        "quick/fid": 1.0,
        "quick/floor/fid": 0.5,
        "quick/class/a": 0.25,
        "quick/class/b": 0.75,
        "quick/confident/a": 0.2,
        "quick/confident/b": 0.7,
        "quick/sample-count": 7.0,
    }
    assert _place("quick/fid", "p") == ("p/quick", "fid", "quick/floor/fid")
    assert _place("fid", "p") == ("p", "fid", "floor/fid")
    assert _place("quick/floor/fid", "p")[1] is None
    assert _place("train/critic-loss", "p") == ("train", "critic-loss", "")
    assert _place("train/seconds", "p")[1] is None
