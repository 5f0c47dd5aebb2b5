"""The doctor: planted faults match their description, metrics see what they claim, and the verdict is tested."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.cli.console.diagnosis import MISSED, legend, show_diagnosis
from ganbench.core.registry import register
from ganbench.data.evaluators import Features, Reference
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.data.ring import Ring
from ganbench.evaluation.doctor import DETECTOR, Diagnosis, Effort, Examination, Row, judge
from ganbench.evaluation.faults import (
    HELD_OUT,
    JITTERED,
    SHIFTED,
    ImageSource,
    Planted,
    PointSource,
    image_faults,
    point_faults,
)
from ganbench.evaluation.metrics import METRICS, Direction, Fault, Metric
from ganbench.evaluation.praise import praised, praised_in_papers
from ganbench.evaluation.scorer import Scorer
from ganbench.evaluation.verdict_check import Accusations, VerdictResult

REAL = (1.0, 1.1, 0.9, 1.05)
SMALL = Effort(images=2_000, points=10_000, real_draws=8, accusation_draws=10, accusation_samples=1_000)
OF_POINTS = ("1 mode lost", "imbalance", "narrowed modes", "10 % junk", "half copies of 100", "1 repeated", "noise")
OF_IMAGES = ("3 modes lost", "imbalance", "half copies of 100", "narrowed modes", "10 % junk", "training copied")
"""The faults that the tests plant in points and in images; `ganbench doctor` plants all."""


def silent(line: str) -> None:
    pass


@dataclass(frozen=True)
class Said:
    faults: frozenset[str]


def sharpness(scorer: Scorer, features: Features) -> Said:
    """A verdict that knows only one of the faults."""
    good = scorer.case.rule(features).good.double().mean()
    return Said(frozenset({"not sharp"} if good < 0.95 else ()))


@pytest.fixture(scope="module")
def points() -> Diagnosis:
    return Examination(silent, SMALL, verdict=sharpness, only=OF_POINTS).of_points(Ring())


@pytest.fixture(scope="module")
def images() -> Diagnosis:
    return Examination(silent, SMALL, verdict=None, only=OF_IMAGES).of_images()


@pytest.mark.parametrize("name", ["points", "images"])
def test_metrics_see_the_faults_they_claim_and_none_accuses_real_data(
    name: str, request: pytest.FixtureRequest
) -> None:
    diagnosis: Diagnosis = request.getfixturevalue(name)
    for row in diagnosis.rows:
        assert not row.failures, f"{row.metric}: {sorted(row.failures)}"
        assert row.findings["real"] == "blind", f"{row.metric} sees a fault in real samples"
    assert DETECTOR in [row.metric for row in diagnosis.rows]


@pytest.mark.parametrize("name", ["points", "images"])
def test_every_fault_is_seen_by_some_metric(name: str, request: pytest.FixtureRequest) -> None:
    diagnosis: Diagnosis = request.getfixturevalue(name)
    for fault in diagnosis.faults[1:]:
        sensitive = [row.metric for row in diagnosis.rows if row.findings[fault] == "sees"]
        assert sensitive, f"no metric sees: {fault}"


def test_a_healthy_diagnosis_needs_a_right_verdict(points: Diagnosis, images: Diagnosis) -> None:
    assert images.healthy
    assert not points.healthy
    assert points.verdicts["10 % junk"].right
    assert points.verdicts["real"].right
    assert points.verdicts["1 mode lost"].missing == {"lost modes"}


def test_accusations_of_real_data_are_counted_with_an_interval(points: Diagnosis) -> None:
    assert {origin: counts.draws for origin, counts in points.accusations.items()} == {"training": 5, "held-out": 5}
    assert not any(counts.accused for counts in points.accusations.values())
    # Exact intervals: 1 − (α/2)^(1/n) for none of n, and its mirror image.
    edge = 0.025 ** (1 / 300)
    assert Accusations(300, 0, {}).interval() == pytest.approx((0, 1 - edge))
    assert Accusations(300, 300, {}).interval() == pytest.approx((edge, 1))


def test_training_data_may_be_called_copied_and_nothing_else() -> None:
    def copied(scorer: Scorer, features: Features) -> Said:
        return Said(frozenset({"copied"}))

    few = replace(SMALL, points=500, real_draws=2)  # of metrics, which this isn't about
    diagnosis = Examination(silent, few, verdict=copied, only=()).of_points(Ring())
    assert diagnosis.accusations["training"].accused == 0
    assert diagnosis.accusations["held-out"].accused == 5
    assert diagnosis.accusations["held-out"].words == {"copied": 5}
    assert not diagnosis.healthy


def test_a_verdict_must_use_the_true_words_and_none_that_is_untrue() -> None:
    fault = Planted(frozenset(), lambda count, draw: torch.zeros(count), frozenset({"narrow"}), frozenset({"copied"}))
    assert VerdictResult.of(frozenset({"narrow", "repeated"}), fault).right
    assert VerdictResult.of(frozenset({"repeated"}), fault).missing == {"narrow"}
    assert VerdictResult.of(frozenset({"narrow", "copied"}), fault).untrue == {"copied"}


def test_judge_uses_five_standard_deviations_in_the_declared_direction() -> None:
    """The standard deviation is that of real scores."""
    assert judge(9.0, REAL, "lower") == "sees"
    assert judge(-9.0, REAL, "lower") == "praises"
    assert judge(9.0, REAL, "higher") == "praises"
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
    result = CliRunner().invoke(main, ["doctor", "--data", "ring", "--samples", "1000", "--format", "markdown"])
    assert result.exit_code == 1, result.output
    matrix = result.output.partition("**")[2].partition("| fault | right")[0]
    lines = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in matrix.splitlines()}
    column = lines["fault"].index("liar")
    assert lines["half copies of 100"][column] == MISSED
    assert lines["3 modes lost"][column] == "✗"
    (praise,) = [line for line in result.output.splitlines() if line.startswith("- `liar`")]
    assert "3 modes lost" in praise


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_matrix_fits_a_terminal_and_names_every_fault(points: Diagnosis, width: int) -> None:
    text = f"{show_diagnosis(points, 'table', width)}\n{legend(width)}"
    assert max(map(len, text.splitlines())) <= width
    text = show_diagnosis(points, "table")
    for fault in points.faults:
        assert f"\n{fault}  " in text
    assert "training samples accused: 0 of 5 sets, 95% interval 0.0% to 52.2%" in text


def test_markdown_matrix_has_a_row_per_fault_and_a_column_per_metric(points: Diagnosis) -> None:
    head, _, *rows = [line for line in show_diagnosis(points, "markdown").splitlines() if line.startswith("| ")]
    assert head.count("|") == len(points.rows) + 2
    assert len(rows) == 2 * len(points.faults) + 2  # the matrix, and the verdicts with their head


def test_praise_in_papers_is_on_their_better_side_only() -> None:
    values = {"crisp": 1.0, "blurred": 0.5}
    row = Row("precision", "real", 0.8, dict.fromkeys(values, "sees"), values, frozenset(), frozenset())
    assert praised_in_papers(row) == ("crisp",)
    assert praised_in_papers(replace(row, metric="memorisation")) == ("blurred",)
    assert praised_in_papers(replace(row, metric="mode_width")) == ()
    assert praised(row) == ()
    assert praised(replace(row, direction="higher", findings={"crisp": "praises"})) == ("crisp",)


def shares(labels: torch.Tensor) -> list[float]:
    return (torch.bincount(labels[labels >= 0], minlength=8).double() / len(labels)).tolist()


@pytest.fixture(scope="module")
def ring_faults() -> dict[str, Planted]:
    data = Ring().load(torch.device("cpu"))
    return point_faults(PointSource(data), data)


def test_planted_faults_in_points_match_their_description(ring_faults: dict[str, Planted]) -> None:
    ring = Ring()
    assigned_modes = {name: ring.assign(fault.draw(20_000, 3)) for name, fault in ring_faults.items()}
    assert shares(assigned_modes["1 mode lost"])[0] == 0
    assert shares(assigned_modes["3 modes lost"])[:3] == [0, 0, 0]
    assert min(shares(assigned_modes["3 modes lost"])[3:]) > 0.15
    assert shares(assigned_modes["1 mode at 30%"])[0] == pytest.approx(0.3 / 7.3, abs=0.005)
    assert shares(assigned_modes["1 mode at 5%"])[0] == pytest.approx(0.05 / 7.05, abs=0.002)
    skewed = shares(assigned_modes["imbalance"])
    assert skewed[0] / skewed[7] == pytest.approx(8, rel=0.2)
    doubled = shares(assigned_modes["doubled weights"])
    assert sum(doubled[1::2]) / sum(doubled[::2]) == pytest.approx(2, rel=0.1)
    copies = ring_faults["half copies of 100"].draw(10_000, 3)
    assert len(copies.unique(dim=0)) == 5_100
    assert (assigned_modes["10 % junk"] < 0).double().mean() == pytest.approx(0.11, abs=0.01)


def test_modes_of_points_are_narrowed_displaced_and_smeared_as_described(ring_faults: dict[str, Planted]) -> None:
    evaluator = Ring().evaluator(torch.device("cpu"))

    def deviation(name: str) -> torch.Tensor:
        return evaluator(ring_faults[name].draw(20_000, 3)).deviation

    assert deviation("narrowed modes").std() == pytest.approx(0.5, rel=0.02)
    assert deviation("shrunk to 0.9").std() == pytest.approx(0.9, rel=0.02)
    for name, sigmas in (("turned by 0.5 sd", 0.5), ("turned by 2 sd", 2.0)):
        # E‖x‖² = 2 + distance².
        assert deviation(name).square().sum(1).mean() == pytest.approx(2 + sigmas**2, rel=0.03)
    assert (deviation("smeared").norm(dim=1) < 3).double().mean() < 0.2


@pytest.mark.parametrize("few", [1, 10, 100, 1_000])
def test_repeated_points_are_as_many_as_described(ring_faults: dict[str, Planted], few: int) -> None:
    exact = ring_faults[f"{few:,} repeated"].draw(5_000, 3)
    jittered = ring_faults[f"{few:,} repeated{JITTERED}"].draw(5_000, 3)
    assert len(exact.unique(dim=0)) == few
    assert len(jittered.unique(dim=0)) > 4_990
    assert (jittered - exact).std() == pytest.approx(0.01 * Ring().sigma, rel=0.05)


@pytest.fixture(scope="module")
def mnist_faults(mnist: LabelledImages) -> tuple[dict[str, Planted], LabelledImages]:
    training_data = LabelledImages(
        mnist.train[:-HELD_OUT], mnist.train_labels[:-HELD_OUT], mnist.test, mnist.test_labels, mnist.mode_names
    )
    source = ImageSource(mnist, Mnist().evaluator(torch.device("cpu")))
    return image_faults(source, training_data, others=255 - mnist.test), training_data


MnistFaults = tuple[dict[str, Planted], LabelledImages]


def bytes_of(images: torch.Tensor) -> torch.Tensor:
    return ((images + 1) * 127.5).round().to(torch.uint8)


def test_planted_faults_in_images_use_images_unseen_in_training(mnist_faults: MnistFaults) -> None:
    faults, training_data = mnist_faults
    training_images = {image.numpy().tobytes() for image in training_data.train}

    def share_seen(name: str) -> float:
        images = bytes_of(faults[name].draw(300, 3))
        return sum(image.numpy().tobytes() in training_images for image in images) / len(images)

    assert share_seen("training copied") == 1
    for name in ("real", "1 mode lost", "half copies of 100", "reference itself"):
        assert share_seen(name) == 0, name
    assert len(faults["real"].draw(300, 3).unique(dim=0)) == 300


def test_ten_thousand_images_of_skewed_classes_are_all_different(mnist_faults: MnistFaults) -> None:
    images = bytes_of(mnist_faults[0]["imbalance"].draw(10_000, 3))
    assert len(images) == 10_000
    assert len(images.flatten(1).unique(dim=0)) == 10_000


def test_altered_images_differ_by_noise_or_by_a_pixel(mnist_faults: MnistFaults) -> None:
    faults, _ = mnist_faults
    exact = bytes_of(faults["10 repeated"].draw(200, 3)).int()
    jittered = bytes_of(faults[f"10 repeated{JITTERED}"].draw(200, 3)).int()
    assert len(exact.unique(dim=0)) == 10
    assert (jittered - exact).abs().max() == 8
    shifted = bytes_of(faults[f"10 repeated{SHIFTED}"].draw(200, 3)).int()
    moves = [exact.roll((down, right), (2, 3)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    which = torch.stack([(shifted == moved).flatten(1).all(1) for moved in moves])
    assert which.any(0).all()
    assert which.any(1).all(), "every shift occurs"


def test_nonsense_has_the_statistics_of_training_images(mnist_faults: MnistFaults) -> None:
    faults, training_data = mnist_faults
    mean = (training_data.train.double() / 255).mean(0)
    specks = (faults["specks by class"].draw(4_000, 3) + 1) / 2
    assert set(specks.unique().tolist()) == {0, 1}
    assert (specks.double().mean(0) - mean).abs().max() < 0.04
    noise = (faults["PCA noise"].draw(4_000, 3) + 1) / 2
    inside = mean > 0.4  # pixels that clipping at black hardly changes
    assert (noise.double().mean(0) - mean)[inside].abs().max() < 0.08
    assert len(faults["class means"].draw(500, 3).unique(dim=0)) == 10
    assert len(faults["blank"].draw(500, 3).unique(dim=0)) == 1
    assert ((faults["specks"].draw(500, 3) == 1).flatten(1).sum(1) == 20).all()


def test_words_that_a_verdict_must_use_are_never_called_untrue(
    mnist_faults: MnistFaults, ring_faults: dict[str, Planted]
) -> None:
    for faults in (mnist_faults[0], ring_faults):
        for name, fault in faults.items():
            assert bool(fault.verdict) == (name != "real"), name
            assert bool(fault.faults) == (name != "real"), name
            assert not fault.verdict & fault.never
    with pytest.raises(ValueError, match="both true and untrue"):
        Planted(frozenset(), lambda count, draw: torch.zeros(count), frozenset({"narrow"}), frozenset({"narrow"}))
