"""The timeline of a run: its JSON file and its figure."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from ganbench.core.plotting import EVENT_MARKS
from ganbench.evaluation.collapse_detector import EVENT_KINDS, Event
from ganbench.evaluation.observation import Observation, SampleSummary
from ganbench.evaluation.timeline import timeline_figure, write_timeline


def observation(
    step: int,
    counts: list[int],
    width: float = 1.0,
    critic: tuple[float, float] | None = None,
    covered: float = math.nan,
) -> Observation:
    return Observation(step, SampleSummary(1000, tuple(counts), width, 0.02, covered), critic)


def cells(figure: Figure) -> QuadMesh:
    """The heat map's cells; the other mesh of the figure is the colour bar's."""
    meshes = [mesh for mesh in figure.axes[1].collections if isinstance(mesh, QuadMesh)]
    assert len(meshes) == 1
    return meshes[0]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for box in figure.legends for text in box.get_texts()]


def test_timeline_file_has_observations_and_events(tmp_path: Path) -> None:
    observations = [observation(10, [500, 0], math.nan), observation(20, [400, 300], 0.5, (0.75, 0.25), 0.75)]
    events = [Event(20, "shrunken-modes", 0.5, "modes are 50% as wide as real ones")]
    write_timeline(tmp_path / "timeline.json", observations, events, ("zéro", "one"))
    text = (tmp_path / "timeline.json").read_text()

    def refuse(word: str) -> float:
        pytest.fail(f"{word} is no JSON")

    assert json.loads(text, parse_constant=refuse) == {
        "modes": ["zéro", "one"],
        "looks": [
            {
                "step": 10,
                "samples": 1000,
                "good": 0.5,
                "width": None,
                "duplicates": 0.02,
                "covered": None,
                "critic": None,
                "counts": [500, 0],
            },
            {
                "step": 20,
                "samples": 1000,
                "good": 0.7,
                "width": 0.5,
                "duplicates": 0.02,
                "covered": 0.75,
                "critic": [0.75, 0.25],
                "counts": [400, 300],
            },
        ],
        "events": [
            {"step": 20, "kind": "shrunken-modes", "severity": 0.5, "words": "modes are 50% as wide as real ones"}
        ],
    }


def test_timeline_file_without_observations_or_events_is_valid(tmp_path: Path) -> None:
    write_timeline(tmp_path / "timeline.json", [], [], ("a",))
    assert json.loads((tmp_path / "timeline.json").read_text()) == {"modes": ["a"], "looks": [], "events": []}


@pytest.mark.parametrize(("times", "modes"), [(1, 8), (2, 2), (20, 10), (1, 1000), (20, 1000)])
def test_figure_has_a_cell_for_each_mode_and_observation(times: int, modes: int) -> None:
    observations = [observation(100 * time, [time] * modes) for time in range(1, times + 1)]
    figure = timeline_figure(observations, [], [f"mode {mode}" for mode in range(modes)], [1 / modes] * modes)
    values = cells(figure).get_array()
    assert values is not None
    assert values.size == times * modes
    assert legend(figure) == []
    figure.savefig(io.BytesIO(), format="png")  # warnings are errors here


def test_cell_value_is_the_share_of_a_mode_relative_to_real_data() -> None:
    # 1000 samples: the first mode should hold 800 and the second 200.
    observations = [observation(0, [800, 200]), observation(50, [400, 0]), observation(150, [0, 1000])]
    mesh = cells(timeline_figure(observations, [], ("big", "small"), (0.8, 0.2)))
    values = mesh.get_array()
    assert values is not None
    assert values.reshape(2, 3).tolist() == [[1.0, 0.5, 0.0], [1.0, 0.0, 2.0]], (
        "five times the real share is shown as ≥ 2×"
    )
    assert mesh.get_clim() == (0, 2)


def test_each_observation_lies_within_its_cell() -> None:
    steps = [0, 50, 150, 1000]
    mesh = cells(timeline_figure([observation(step, [1, 1]) for step in steps], [], ("a", "b"), (0.5, 0.5)))
    edges = np.asarray(mesh.get_coordinates())[0, :, 0].tolist()
    assert edges == sorted(set(edges))
    for step, left, right in zip(steps, edges, edges[1:], strict=False):
        assert left < step < right


def test_every_kind_of_event_has_a_unique_mark_and_label() -> None:
    assert set(EVENT_MARKS) == set(EVENT_KINDS)
    labels = [label for _, _, label in EVENT_MARKS.values()]
    assert len(set(labels)) == len(EVENT_KINDS)
    assert len({(marker, colour) for marker, colour, _ in EVENT_MARKS.values()}) == len(EVENT_KINDS)
    observations = [observation(step, [1, 1]) for step in range(0, 1000, 100)]
    events = [Event(100 * (1 + number), kind, 0.5, "") for number, kind in enumerate(EVENT_KINDS)]
    assert sorted(legend(timeline_figure(observations, events, ("a", "b"), (0.5, 0.5)))) == sorted(labels)


def test_events_are_marked_at_their_steps_and_listed_once_in_the_legend() -> None:
    observations = [observation(step, [1, 1]) for step in (0, 100, 200, 300)]
    events = [
        Event(100, "missing-modes", 0.5, ""),
        Event(200, "recovery", 0.0, ""),
        Event(300, "missing-modes", 0.5, ""),
    ]
    figure = timeline_figure(observations, events, ("a", "b"), (0.5, 0.5))
    marks = {str(line.get_label()): np.asarray(line.get_xdata()).tolist() for line in figure.axes[0].lines}
    assert marks == {"modes lost": [100, 300], "recovered": [200]}
    assert sorted(legend(figure)) == ["modes lost", "recovered"]
    low, high = figure.axes[0].get_xlim()
    assert low < 0
    assert high > 300


def test_mode_names_are_on_the_axis_if_there_is_room() -> None:
    figure = timeline_figure([observation(1, [1] * 3)], [], ("red", "green", "blue"), [1 / 3] * 3)
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == ["red", "green", "blue"]
