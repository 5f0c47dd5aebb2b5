"""The doctor: planted faults match their description, and metrics must see the faults that they claim to see."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.cli.console.evaluation_tables import MISSED, show_diagnosis
from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.data.ring import Ring
from ganbench.evaluation.doctor import DETECTOR, Diagnosis, examine_images, examine_points, judge
from ganbench.evaluation.faults import (
    HELD_OUT,
    ImageSource,
    Planted,
    PointSource,
    image_faults,
    point_faults,
)
from ganbench.evaluation.metrics import METRICS, Direction, Fault, Metric

REAL = (1.0, 1.1, 0.9, 1.05)


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def points() -> Diagnosis:
    return examine_points(silent)


@pytest.fixture(scope="module")
def images() -> Diagnosis:
    return examine_images(silent, samples=3_000)


@pytest.mark.parametrize("name", ["points", "images"])
def test_metrics_see_the_faults_they_claim_and_none_rates_a_fault_above_real_data(
    name: str, request: pytest.FixtureRequest
) -> None:
    diagnosis: Diagnosis = request.getfixturevalue(name)
    for row in diagnosis.rows:
        assert not row.failures, f"{row.metric}: {sorted(row.failures)}"
        assert "wrong" not in row.findings.values(), row.metric
        assert row.findings["real"] == "blind", f"{row.metric} sees a fault in real samples"
    assert diagnosis.healthy
    assert DETECTOR in [row.metric for row in diagnosis.rows]


@pytest.mark.parametrize("name", ["points", "images"])
def test_every_fault_is_seen_by_some_metric(name: str, request: pytest.FixtureRequest) -> None:
    diagnosis: Diagnosis = request.getfixturevalue(name)
    for fault in diagnosis.faults[1:]:
        sensitive = [row.metric for row in diagnosis.rows if row.findings[fault] == "sees"]
        assert sensitive, f"no metric sees: {fault}"


def test_judge_uses_five_standard_deviations_in_the_declared_direction() -> None:
    """The standard deviation is that of real scores."""
    assert judge(9.0, REAL, "lower") == "sees"
    assert judge(-9.0, REAL, "lower") == "wrong"
    assert judge(9.0, REAL, "higher") == "wrong"
    assert judge(9.0, REAL, "real") == judge(-9.0, REAL, "real") == "sees"
    assert judge(1.2, REAL, "lower") == "blind"
    assert judge(math.nan, REAL, "lower") == "undefined"
    assert judge(8.0, (8.0, 8.0), "higher") == "blind"
    assert judge(7.0, (8.0, 8.0), "higher") == "sees"


@pytest.fixture
def liar() -> None:
    """A plug-in's metric that claims to see duplicates, does not, and rewards lost modes."""

    @register(METRICS, "liar")
    class Liar(Metric):
        """Share of the largest mode (nobody)."""

        direction: ClassVar[Direction] = "higher"
        sees: ClassVar[frozenset[Fault]] = frozenset({"duplicates"})

        def __call__(self, *, fake: Features, real: Reference) -> float:
            return float(fake.counts().max()) / len(fake)


@pytest.mark.usefixtures("liar")
def test_plugin_metric_with_a_false_claim_fails_the_examination() -> None:
    result = CliRunner().invoke(main, ["doctor", "--data", "ring"])
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.output.splitlines() if line.startswith("liar")]
    assert MISSED in line
    assert "✗" in line


def test_markdown_matrix_has_a_row_per_metric(points: Diagnosis) -> None:
    text = show_diagnosis(points, "markdown")
    assert text.count("\n| ") == len(points.rows) + 2
    assert "| modes |" in text


def shares(labels: torch.Tensor) -> list[float]:
    return (torch.bincount(labels[labels >= 0], minlength=8).double() / len(labels)).tolist()


@pytest.fixture(scope="module")
def ring_faults() -> dict[str, Planted]:
    data = Ring().load(torch.device("cpu"))
    return dict(point_faults(PointSource(data), data))


def test_planted_faults_in_points_match_their_description(ring_faults: dict[str, Planted]) -> None:
    ring = Ring()
    assigned_modes = {name: ring.assign(fault.draw(20_000, 3)) for name, fault in ring_faults.items()}
    assert shares(assigned_modes["1 mode lost"])[0] == 0
    assert shares(assigned_modes["3 modes lost"])[:3] == [0, 0, 0]
    assert min(shares(assigned_modes["3 modes lost"])[3:]) > 0.15
    skewed = shares(assigned_modes["imbalance"])
    assert skewed[0] / skewed[7] == pytest.approx(8, rel=0.2)
    assert len(ring_faults["1 sample repeated"].draw(500, 3).unique(dim=0)) == 1
    copies = ring_faults["half copies of 100"].draw(10_000, 3)
    assert len(copies.unique(dim=0)) == 5_100
    assert (assigned_modes["10 % junk"] < 0).double().mean() == pytest.approx(0.11, abs=0.01)
    narrow = ring.evaluator(torch.device("cpu"))(ring_faults["narrowed modes"].draw(20_000, 3)).deviation
    assert narrow.std() == pytest.approx(0.5, rel=0.02)


def test_planted_faults_in_images_use_images_unseen_in_training(mnist: LabelledImages) -> None:
    training_data = LabelledImages(
        mnist.train[:-HELD_OUT], mnist.train_labels[:-HELD_OUT], mnist.test, mnist.test_labels, mnist.mode_names
    )
    faults = image_faults(ImageSource(mnist, Mnist().evaluator(torch.device("cpu"))), training_data)
    training_images = {image.numpy().tobytes() for image in training_data.train}

    def share_seen(name: str) -> float:
        images = ((faults[name].draw(300, 3) + 1) * 127.5).round().to(torch.uint8)
        return sum(image.numpy().tobytes() in training_images for image in images) / len(images)

    assert share_seen("training copied") == 1
    for name in ("real", "1 mode lost", "narrowed modes", "half copies of 100"):
        assert share_seen(name) == 0, name
    assert len(faults["real"].draw(300, 3).unique(dim=0)) == 300
