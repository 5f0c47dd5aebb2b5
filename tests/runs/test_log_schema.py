"""Tracked pictures and names."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import torch

from ganbench.data.evaluators.classifier import to_bytes
from ganbench.data.ring import Ring
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.history import NAMED_MODES
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.scorer import Scores
from ganbench.results.table import tidy
from ganbench.runs.log_schema import (
    facts_of,
    named_events,
    named_scores,
    named_statistics,
    sample_picture,
    sample_sheet,
)
from ganbench.tracking import RunRecord
from tests.conftest import random_data


def test_image_bytes_are_rounded_to_the_nearest_level() -> None:
    levels = torch.arange(256, dtype=torch.float32) / 127.5 - 1
    assert to_bytes(levels.reshape(1, 1, 16, 16)).reshape(-1).tolist() == list(range(256))


def test_labels_of_metrics_known_from_another_network_name_ours() -> None:
    names = ("fid", "kid", "second_frechet", "coverage")
    metrics = {name: METRICS.create({"name": name}) for name in names}
    labels = {name: facts.label for name, facts in facts_of(metrics, "modes", "ours-1 + other-1").items()}
    assert labels == {
        "fid": "FID (ours-1)",
        "kid": "KID (ours-1)",
        "second_frechet": "Fréchet distance in the second network's features",
        "coverage": "coverage",
    }
    assert facts_of(metrics, "modes", "")["fid"].label == "FID"


def test_sample_sheet_has_images_row_by_row_at_double_size() -> None:
    images = torch.stack([torch.full((1, 3, 5), level) for level in (-1.0, 0.0, 0.5, 1.0)])
    images[1, 0, 0, 4] = 1.0  # the upper right pixel of the upper right image
    sheet = sample_sheet(images)
    assert sheet.shape == (12, 20)
    assert [sheet[5, 9], sheet[5, 10], sheet[6, 0], sheet[11, 19]] == [0, 128, 191, 255]
    assert (sheet[0:2, 18:20] == 255).all()
    assert sheet[2, 18] == sheet[0, 17] == 128


def test_sample_sheet_of_three_channels_is_in_colour() -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).reshape(1, 3, 1, 1).expand(4, 3, 2, 2)
    assert sample_sheet(red)[3, 3].tolist() == [255, 0, 0]


def test_sample_picture_is_a_sheet_of_images_or_a_plot_of_points_and_modes() -> None:
    sheet = sample_picture(random_data(), lambda count: torch.zeros(count, 1, 28, 28))
    assert sheet.shape == (8 * 28 * 2, 8 * 28 * 2)
    ring = Ring().load(torch.device("cpu"))
    centred = sample_picture(ring, lambda count: torch.zeros(count, 2))
    outside = sample_picture(ring, lambda count: torch.full((count, 2), 99.0))
    assert centred.shape == outside.shape
    assert centred.shape[2] == 3
    middle = centred.shape[0] // 2
    assert (centred != outside).any(axis=2)[middle - 10 : middle + 10, middle - 10 : middle + 10].any(), (
        "the points are visible"
    )
    assert (outside != 255).any(), "modes without points are visible"


def read_back(named: Mapping[str, float]) -> pd.DataFrame:
    history = [(name, 30, value) for name, value in named.items()]
    return tidy([RunRecord("a", "b", 0, "finished", {}, {"protocol": "p v1"}, history)])


def test_tracked_names_are_read_back_as_written() -> None:
    scores = Scores(
        samples=7,
        values={"fid": 1.0, "modes": 2.0},
        floors={"fid": 0.5, "modes": 2.0},
        floor_sds={"fid": 0.1, "modes": math.nan},
        ceilings={"modes": 3.0},
        shares=(0.25, 0.75),
        good_shares=(0.2, 0.7),
    )
    named = named_scores(scores, ("a", "b"), "quick")
    assert named == {
        "quick/fid": 1.0,
        "quick/modes": 2.0,
        "quick/floor/fid": 0.5,
        "quick/floor/modes": 2.0,
        "quick/floor_sd/fid": 0.1,
        "quick/ceiling/modes": 3.0,
        "quick/mode/a": 0.25,
        "quick/mode/b": 0.75,
        "quick/good/a": 0.2,
        "quick/good/b": 0.7,
        "quick/sample_count": 7.0,
    }
    final = named_scores(scores, ("a", "b"), "final")
    final |= named_statistics({"critic_loss": 0.7, "seconds": 9.0})
    rows = read_back(named | final).set_index(["kind", "metric"])
    for kind in ("final", "quick"):
        scored = rows.loc[kind]
        assert scored["value"].to_dict() == {
            "fid": 1.0,
            "modes": 2.0,
            "mode/a": 0.25,
            "mode/b": 0.75,
            "good/a": 0.2,
            "good/b": 0.7,
            "sample_count": 7.0,
        }
        assert scored["floor"].dropna().to_dict() == {"fid": 0.5, "modes": 2.0}
        assert scored["floor_sd"].dropna().to_dict() == {"fid": 0.1}
        assert scored["ceiling"].dropna().to_dict() == {"modes": 3.0}
    assert rows.loc["train"]["value"].to_dict() == {"critic_loss": 0.7}
    assert (rows["seconds"] == 9.0).all()


def test_mode_shares_are_not_tracked_for_very_many_modes() -> None:
    for modes, named in ((NAMED_MODES, True), (NAMED_MODES + 1, False)):
        even = (1 / modes,) * modes
        names = named_scores(Scores(7, {}, {}, {}, {}, even, even), tuple(map(str, range(modes))), "final")
        assert ("mode/0" in names) == ("good/0" in names) == named


def test_events_are_tracked_with_severity_and_read_back_as_events() -> None:
    events = [Event(30, "missing-modes", 0.5, "half are gone"), Event(30, "duplicates", 0.25, "a quarter are copies")]
    named = named_events(events)
    assert named == {"event/missing-modes": 0.5, "event/duplicates": 0.25}
    rows = read_back(named)
    assert rows[["kind", "metric", "value"]].to_numpy().tolist() == [
        ["event", "missing-modes", 0.5],
        ["event", "duplicates", 0.25],
    ]
