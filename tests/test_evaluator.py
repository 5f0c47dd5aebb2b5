"""The frozen evaluator and the protocol that rests on it, on real MNIST."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from ganbench.data import Data, to_signed
from ganbench.errors import GanbenchError
from ganbench.metrics import evaluator as module
from ganbench.metrics.evaluator import WEIGHTS, Evaluator, read_card
from ganbench.protocols import PROTOCOLS, Scorer

CPU = torch.device("cpu")
NAME = "mnist-cnn-1"


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator(NAME, CPU)


@pytest.fixture(scope="module")
def scorer(evaluator: Evaluator, mnist: Data) -> Scorer:
    return Scorer(PROTOCOLS.create({"name": "ganbench-1"}), evaluator, mnist)


def test_it_recognises_the_test_set_as_its_card_says(scorer: Scorer, mnist: Data) -> None:
    accuracy = (scorer.reference.labels == mnist.test_modes).double().mean().item()
    assert accuracy >= 0.995
    # Another machine may round a handful of close calls the other way.
    assert accuracy == pytest.approx(read_card(NAME).test_accuracy, abs=5e-4)
    assert (WEIGHTS / f"{NAME}.safetensors").stat().st_size <= 1_000_000


def test_features_do_not_depend_on_the_batch(evaluator: Evaluator, mnist: Data) -> None:
    images = to_signed(mnist.test[:600])
    torch.testing.assert_close(evaluator(images).embedding[:7], evaluator(images[:7]).embedding, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(3, 28, 28), "shape"),
        (torch.zeros(3, 3, 28, 28), "shape"),
        (torch.zeros(3, 1, 32, 32), "shape"),
        (torch.zeros(0, 1, 28, 28), "no images"),
        (torch.zeros(3, 1, 28, 28, dtype=torch.uint8), "float32"),
        (torch.full((3, 1, 28, 28), 255.0), "must lie in"),
        (torch.full((3, 1, 28, 28), float("nan")), "must lie in"),
    ],
)
def test_it_refuses_what_is_not_an_image_of_its_kind(evaluator: Evaluator, images: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluator(images)


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.7, 1.0])
def test_a_generator_that_collapsed_to_one_flat_image_is_scored(scorer: Scorer, level: float) -> None:
    scores = scorer.score(scorer.evaluator(torch.full((500, 1, 28, 28), level)))
    assert scores.values["modes"] == 1
    assert scores.values["fid"] > 50


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray((WEIGHTS / f"{NAME}.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / f"{NAME}.safetensors").write_bytes(content)
    (tmp_path / f"{NAME}.json").write_text((WEIGHTS / f"{NAME}.json").read_text())
    monkeypatch.setattr(module, "WEIGHTS", tmp_path)
    with pytest.raises(GanbenchError, match="not those of its card"):
        Evaluator(NAME, CPU)


def test_an_unknown_evaluator_is_refused() -> None:
    with pytest.raises(GanbenchError, match="did you mean 'mnist-cnn-1'"):
        Evaluator("mnist-cnn-2", CPU)


def test_the_card_is_complete() -> None:
    card = json.loads((WEIGHTS / f"{NAME}.json").read_text())
    assert {"name", "version", "sha256", "test_accuracy", "seed", "script", "trained_on"} <= set(card)


def test_real_images_scored_as_generated_sit_on_the_floor(scorer: Scorer, mnist: Data) -> None:
    """Another random part of the training set than the floor's own."""
    images = mnist.batch(torch.randperm(60_000, generator=torch.Generator().manual_seed(7))[:2000])
    scores = scorer.score(scorer.evaluator(images))
    assert scores.values["fid"] == pytest.approx(scores.floors["fid"], abs=0.25)
    assert scores.values["modes"] == scores.values["modes-strict"] == 10
    assert scores.values["kl"] < 0.01
    assert scores.values["confidence"] > 0.99
    assert sum(scores.class_shares) == pytest.approx(1)
    assert all(sure <= share for sure, share in zip(scores.confident_shares, scores.class_shares, strict=True))


def test_fid_rises_with_every_class_that_is_dropped(scorer: Scorer, mnist: Data) -> None:
    """And modes fall by one each time, KL rises: what mode collapse does to each of them."""
    rows = []
    for dropped in range(0, 10, 3):
        kept = torch.nonzero(mnist.train_modes >= dropped).squeeze(1)[:2000]
        rows.append(scorer.score(scorer.evaluator(mnist.batch(kept))).values)
    assert [row["modes-strict"] for row in rows] == [10, 7, 4, 1]
    for metric in ("fid", "kl"):
        values = [row[metric] for row in rows]
        assert values == sorted(values)
        assert values[1] > 10 * values[0]


def test_fid_rises_with_noise_and_blur(scorer: Scorer, mnist: Data) -> None:
    images = mnist.batch(torch.arange(1000))
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    noisy = [scorer.score(scorer.evaluator((images + s * noise).clamp(-1, 1))).values["fid"] for s in (0, 0.2, 0.5)]
    assert noisy[0] < noisy[1] < noisy[2]
    blurred = []
    for size in (1, 3, 7):
        smooth = torch.nn.functional.avg_pool2d(images, size, stride=1, padding=size // 2, count_include_pad=False)
        blurred.append(scorer.score(scorer.evaluator(smooth)).values["fid"])
    assert blurred[0] < blurred[1] < blurred[2]


def test_floors_fall_with_the_number_of_samples_and_repeat(scorer: Scorer, evaluator: Evaluator, mnist: Data) -> None:
    assert scorer.floors(5000)["fid"] < scorer.floors(1000)["fid"]
    again = Scorer(PROTOCOLS.create({"name": "ganbench-1"}), evaluator, mnist)
    assert again.floors(1000) == dataclasses.asdict(scorer.score(evaluator(mnist.batch(torch.arange(1000)))))["floors"]
