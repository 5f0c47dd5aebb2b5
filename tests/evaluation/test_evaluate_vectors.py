"""Vectors of any kind beside real ones: planted faults, equal numbers in the monitor, refused input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

import ganbench
from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.verdict_word import word_of
from ganbench.evaluation.monitor.vectors import FURTHER, Vectors

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTH, KINDS, SAMPLES = 6, 5, 500
METRICS = ["precision", "recall", "density", "coverage", "near_duplicates", *FURTHER, "near_copies"]


def vectors(
    count: int, seed: int, kinds: int = KINDS, width: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors around the first of five centres, and the centres' numbers."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(KINDS, WIDTH)) * 8
    labels = random.integers(kinds, size=count)
    return (centres[labels] + width * random.normal(size=(count, WIDTH))).astype(np.float32), labels


REAL, LABELS = vectors(1_000, 1)


@pytest.fixture(scope="module")
def lossy() -> ganbench.Evaluation:
    """Three of five modes."""
    return ganbench.evaluate(vectors(SAMPLES, 2, kinds=3)[0], reference=REAL, labels=LABELS + 10, device="cpu")


def test_lost_modes_are_named_by_their_labels(lossy: ganbench.Evaluation) -> None:
    assert lossy.modes == ("10", "11", "12", "13", "14")
    assert lossy.verdict.of_state("lost") == ["13", "14"]
    assert lossy.shares == pytest.approx((1 / 3, 1 / 3, 1 / 3, 0, 0), abs=0.1)
    assert lossy.fair_shares == pytest.approx((0.2,) * 5, abs=0.05)
    assert all(good <= share for good, share in zip(lossy.good_shares, lossy.shares, strict=True))
    assert sum(lossy.good_shares) == pytest.approx(lossy["precision"])


def test_every_metric_has_a_floor_and_the_lost_ones_show(lossy: ganbench.Evaluation) -> None:
    assert [score.metric for score in lossy.scores] == METRICS
    standings = {score.metric: score.standing for score in lossy.scores}
    assert None not in standings.values()
    assert standings["coverage"] == standings["ndb"] == "worse"
    assert lossy["vendi"] < min(score.floor for score in lossy.scores if score.metric == "vendi")


def test_numbers_are_those_of_a_monitor(lossy: ganbench.Evaluation) -> None:
    watch = ganbench.Monitor(real=REAL, labels=LABELS + 10, metrics=FURTHER, device="cpu")
    numbers = watch(1, vectors(SAMPLES, 3)[0])
    assert watch.events == []
    numbers = watch(2, vectors(SAMPLES, 2, kinds=3)[0])
    for score in lossy.scores:
        assert (numbers[score.metric], numbers[f"floor/{score.metric}"]) == (score.value, score.floor), score.metric
    assert [numbers[f"mode/{name}"] for name in lossy.modes] == list(lossy.shares)
    (event,) = [event for event in watch.events if event.kind == "missing-modes"]
    assert event.words == "3 of 5 modes are left; lost: 13, 14"


def test_other_real_vectors_are_as_real_and_without_labels_modes_are_unknown() -> None:
    evaluation = ganbench.evaluate(vectors(SAMPLES, 4)[0], reference=REAL, device="cpu")
    assert {score.standing for score in evaluation.scores} == {"as real"}
    assert (evaluation.modes, evaluation.verdict.states) == ((), None)
    assert not any("mode" in clause for clause in evaluation.verdict.clauses())


PLANTED: dict[str, tuple[NDArray[np.float32], set[str]]] = {
    "real": (vectors(SAMPLES, 5)[0], set()),
    "one kind doubled": (np.concatenate([vectors(375, 6)[0], vectors(125, 7, kinds=1)[0]]), {"uneven"}),
    "ten repeated": (vectors(10, 8)[0][np.arange(SAMPLES) % 10], {"repeated", "uncovered"}),
    "copies": (REAL[:SAMPLES], {"copied"}),
    "narrow": (vectors(SAMPLES, 9, width=0.8)[0], {"narrow"}),
}


@pytest.fixture(scope="module")
def labelled() -> Vectors:
    """Real vectors with their labels."""
    return Vectors(REAL, SAMPLES, torch.device("cpu"), labels=LABELS)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_faults_are_named(name: str, labelled: Vectors) -> None:
    fake, faults = PLANTED[name]
    verdict = labelled.verdict(*labelled.beside_real(labelled.read(fake)))
    assert verdict.faults >= faults
    assert verdict.faults == faults or name == "ten repeated"  # these may be of few modes, and narrow
    assert (word_of(verdict) == "GOOD") == (name in ("real", "one kind doubled", "narrow"))


def changed(position: tuple[Any, ...], value: float) -> NDArray[np.float32]:
    copy = REAL.copy()
    copy[position] = value
    return copy


@pytest.mark.parametrize(
    ("fake", "arguments", "message"),
    [
        (REAL[:499], {}, "499 vectors are too few to score"),
        (REAL[:0], {}, "there are no vectors"),
        (REAL[:, :5], {}, "5 numbers each, and real ones have 6"),
        (changed((3, 3), np.nan), {}, "NaN or infinity"),
        (REAL.astype(np.int64), {}, "must be floats"),
        (REAL[:, :, None], {}, r"shape \[N, d\]"),
        (REAL, {"reference": REAL[:999]}, "999 real vectors are too few"),
        (REAL, {"reference": REAL[:0]}, "reference: there are no vectors"),
        (REAL, {"reference": changed((3, 3), np.inf)}, "reference: there are NaN or infinity"),
        (REAL, {"reference": changed((slice(None), 2), 7)}, "reference: column 2 .* has one value"),
        (REAL, {"count": 501}, "samples must be from 500 to half of the real vectors"),
        (REAL, {"count": 1_001}, "only 1,000 vectors"),
        (REAL, {"labels": LABELS[:-1]}, r"labels must have shape \[1000\]"),
        (REAL, {"labels": LABELS / 2}, "labels must be whole numbers"),
        (REAL, {"labels": LABELS * 0}, "all labels are the same"),
        (REAL, {"labels": np.arange(1_000) % 7}, "don't tell label 0 apart"),
        (REAL, {"dataset": "ring"}, "no data set"),
        (REAL, {"reference": None, "labels": LABELS}, "give the real vectors"),
    ],
)
def test_input_that_cannot_be_scored_is_refused(fake: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        ganbench.evaluate(fake, **dict[str, Any](reference=REAL, device="cpu") | arguments)


def test_command_line_scores_files(tmp_path: Path, lossy: ganbench.Evaluation) -> None:
    files: dict[str, NDArray[Any]] = {"fake": vectors(SAMPLES, 2, kinds=3)[0], "real": REAL, "labels": LABELS + 10}
    for name, values in files.items():
        np.save(tmp_path / f"{name}.npy", values)
    fake, real, labels = (str(tmp_path / f"{name}.npy") for name in files)
    words = ["evaluate", fake, "--reference", real, "--device", "cpu"]
    result = CliRunner().invoke(main, [*words, "--labels", labels])
    assert result.exit_code == 0, result.output
    assert "13 and 14 are missing" in result.output
    assert "near_copies" in result.output
    for wrong, message in (
        (["--dataset", "ring"], "--dataset is not for vectors"),
        (["--labels", fake], "labels must be whole numbers"),
        (["--labels", str(tmp_path)], "is not a .npy or .npz file"),
    ):
        result = CliRunner().invoke(main, [*words, *wrong])
        assert result.exit_code == 2
        assert message in result.output
