"""The frozen image evaluators and the protocol based on them, tested on real images."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn.functional import max_pool2d

from ganbench.core.errors import GanbenchError
from ganbench.data import DATASETS, Dataset
from ganbench.data.evaluators import classifier as module
from ganbench.data.evaluators.classifier import (
    TYPICAL,
    WEIGHTS,
    ImageEvaluator,
    TypicalRegion,
    read_card,
    to_bytes,
    to_signed,
)
from ganbench.data.evaluators.max_pool import max_pool
from ganbench.data.evaluators.papers import NETWORKS
from ganbench.data.fashion_mnist import FashionMnist
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import EVALUATOR, Mnist
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer

CPU = torch.device("cpu")
CARDS = sorted(path.stem for path in WEIGHTS.glob("*.json") if "plausible" not in path.stem)
"""The classifiers; second opinions are tested in `test_second_opinion.py`."""


@pytest.fixture(scope="module")
def evaluator() -> ImageEvaluator:
    return ImageEvaluator(EVALUATOR, CPU)


def make_scorer(
    evaluator: ImageEvaluator, data: LabelledImages, *, quick: bool = True, cache: DiskCache | None = None
) -> Scorer:
    """A scorer for ganbench-1, by default only for quick metrics, since all of them take a while."""
    dataset = Mnist()
    case = PROTOCOLS.create({"name": "ganbench-1"}).case(dataset)
    if quick:
        case = dataclasses.replace(case, metrics={name: case.metrics[name] for name in case.quick})
    return Scorer(case, dataset, data, evaluator, cache)


@pytest.fixture(scope="module")
def scorer(evaluator: ImageEvaluator, mnist: LabelledImages) -> Scorer:
    return make_scorer(evaluator, mnist)


@pytest.fixture(scope="module")
def whole_scorer(mnist: LabelledImages) -> Scorer:
    """A scorer for all metrics, with the disk cache that runs use."""
    return Scorer.with_disk_cache(PROTOCOLS.create({"name": "ganbench-1"}).case(Mnist()), Mnist(), mnist)


@pytest.mark.parametrize(("dataset", "least"), [(Mnist(), 0.995), (FashionMnist(), 0.93)])
def test_evaluator_has_the_test_accuracy_of_its_card(dataset: Dataset, least: float) -> None:
    try:
        evaluator, data = dataset.evaluator(CPU), dataset.load(CPU)
    except GanbenchError as error:
        if isinstance(dataset, Mnist):
            raise
        pytest.skip(f"no such data here: {error}")
    assert isinstance(data, LabelledImages)
    features = evaluator(to_signed(data.test))
    accuracy = (features.labels == data.test_labels).double().mean().item()
    assert accuracy >= least
    # Rounding on another machine may change a few uncertain classifications.
    assert accuracy == pytest.approx(read_card(evaluator.name).test_accuracy, abs=5e-4)
    assert (WEIGHTS / f"{evaluator.name}.safetensors").stat().st_size <= 1_000_000
    assert torch.equal(features.samples, data.test), "samples are stored as bytes"
    assert features.probabilities is not None
    torch.testing.assert_close(
        features.confidence, features.probabilities.gather(1, features.labels[:, None]).squeeze(1)
    )


def test_almost_all_real_images_are_typical_and_noise_is_not(evaluator: ImageEvaluator, mnist: LabelledImages) -> None:
    """Unseen images spread slightly wider than training images. The classifier alone is confident of much noise."""
    training, unseen = (evaluator(images).deviation for images in (mnist.floor_samples(4000), mnist.reference(2000)))
    assert training.shape == (4000, 1)
    assert (training < 3).double().mean().item() == pytest.approx(TYPICAL, abs=0.006)
    assert 0.96 < (unseen < 3).double().mean().item() < TYPICAL + 0.006
    random = torch.Generator().manual_seed(1)
    for noise in (torch.rand(500, 1, 28, 28, generator=random), torch.randn(500, 1, 28, 28, generator=random).sign()):
        assert (evaluator(noise * 2 - 1 if noise.min() >= 0 else noise).deviation >= 3).all()


def test_typical_region_is_fitted_to_each_class() -> None:
    """Two classes with the same skewed covariance: 98.89 % of each lie below 3, and points between them far above."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(20_000) % 2
    shape = torch.tensor([[2.0, 1.0], [0.0, 0.1]])
    features = torch.randn(20_000, 2, generator=random) @ shape + 50 * labels[:, None]
    region = TypicalRegion(2, 2)
    region.fit(features, labels)
    torch.testing.assert_close(region.means, torch.tensor([[0.0, 0.0], [50.0, 50.0]]), atol=0.1, rtol=0)
    deviation = region(features, labels).squeeze(1)
    for label in (0, 1):
        assert (deviation[labels == label] < 3).double().mean().item() == pytest.approx(TYPICAL, abs=0.003)
    # For two-dimensional Gaussians the unit is a standard deviation: the median is √(2 ln 2).
    assert deviation.median().item() == pytest.approx(math.sqrt(2 * math.log(2)), rel=0.02)
    assert region(torch.full((1, 2), 25.0), torch.tensor([0])).item() > 10


def test_features_do_not_depend_on_the_batch(evaluator: ImageEvaluator, mnist: LabelledImages) -> None:
    images = to_signed(mnist.test[:600])
    many, few = evaluator(images), evaluator(images[:7])
    torch.testing.assert_close(many.embedding[:7], few.embedding, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(many.deviation[:7], few.deviation, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("side", [14, 7])
def test_max_pooling_has_the_numbers_and_the_gradient_of_torchs(side: int) -> None:
    """Rounded, so that many numbers are equal: the gradient goes to the first of them."""
    maps = torch.randn(5, 3, side, side, generator=torch.Generator().manual_seed(0)).round()
    maps[0, 0, 0, 0] = math.nan
    torch.testing.assert_close(max_pool(maps), max_pool2d(maps, 2), rtol=0, atol=0, equal_nan=True)
    gradients = []
    for pool in (max_pool, lambda maps: max_pool2d(maps, 2)):
        leaf = maps.clone().requires_grad_()
        pool(leaf).square().sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients, rtol=0, atol=0, equal_nan=True)


def test_byte_to_image_conversion_round_trips() -> None:
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    images = to_signed(levels)
    assert (images.dtype, images.min().item(), images.max().item()) == (torch.float32, -1, 1)
    assert torch.equal(to_bytes(images), levels)


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
def test_evaluator_rejects_images_of_wrong_shape_type_or_range(
    evaluator: ImageEvaluator, images: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluator(images)


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.7, 1.0])
def test_collapse_to_one_flat_image_is_scored(whole_scorer: Scorer, level: float) -> None:
    """Every metric is a number or undefined."""
    case = whole_scorer.case
    features = case.rule(whole_scorer.evaluator(torch.full((500, 1, 28, 28), level)))
    values = whole_scorer.values(features, tuple(case.metrics))
    assert {name for name, value in values.items() if math.isnan(value)} <= {"mode_width"}
    assert torch.count_nonzero(features.counts()) == 1
    assert values["modes"] == values["modes_strict"] == values["hq"]
    assert values["hq"] in (0, 1), "all samples are good, or none"
    assert values["fid"] > 50
    assert values["kl"] > 2
    assert values["near_duplicates"] == values["support"] == 1


def test_collapse_to_one_digit_has_one_mode(scorer: Scorer, mnist: LabelledImages) -> None:
    features = scorer.evaluator(mnist.batch(torch.zeros(500, dtype=torch.int64)))
    scores = scorer.score(features, quick=True)
    assert scores.values["modes"] == scores.values["modes_strict"] == 1
    assert scores.good_shares == scores.shares
    assert scores.values["mode_width"] == 0


@pytest.mark.parametrize("name", CARDS)
def test_modified_weights_are_rejected(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray((WEIGHTS / f"{name}.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / f"{name}.safetensors").write_bytes(content)
    (tmp_path / f"{name}.json").write_text((WEIGHTS / f"{name}.json").read_text())
    monkeypatch.setattr(module, "WEIGHTS", tmp_path)
    with pytest.raises(GanbenchError, match="don't match its card"):
        ImageEvaluator(name, CPU)


def test_unknown_evaluator_is_rejected() -> None:
    with pytest.raises(GanbenchError, match="did you mean 'mnist-cnn-2'"):
        ImageEvaluator("mnist-cnn-1", CPU)


@pytest.mark.parametrize("name", CARDS)
def test_card_is_complete(name: str) -> None:
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    assert {"sha256", "test_accuracy", "seed", "script", "trained_on", "recipe", "typical_region"} <= set(card)
    assert f"{card['name']}" == name == f"{name.rpartition('-')[0]}-{card['version']}"


def test_every_card_belongs_to_a_data_set_or_is_of_a_papers_classifier() -> None:
    used = {DATASETS.create({"name": name}).evaluator_sha256 for name in DATASETS if name.endswith("mnist")}
    assert used | {read_card(name).sha256 for name in NETWORKS} == {read_card(name).sha256 for name in CARDS}


def test_real_images_scored_as_generated_match_the_floor(scorer: Scorer, mnist: LabelledImages) -> None:
    """They are another random part of the training set than the floor samples."""
    images = mnist.batch(torch.randperm(60_000, generator=torch.Generator().manual_seed(7))[:2000])
    scores = scorer.score(scorer.evaluator(images), quick=True)
    assert set(scores.values) == set(scores.floors) == set(scorer.case.quick)
    assert scores.values["fid"] == pytest.approx(scores.floors["fid"], abs=0.25)
    assert scores.values["modes"] == scores.values["modes_strict"] == 10
    assert scores.ceilings == {"modes": 10, "modes_strict": 10}
    assert scores.values["kl"] < 0.01
    assert scores.values["confidence"] > 0.99
    assert scores.values["hq"] == pytest.approx(scores.floors["hq"], abs=0.015)
    assert scores.values["mode_width"] == pytest.approx(1, abs=0.05)
    assert sum(scores.shares) == pytest.approx(1)
    assert sum(scores.good_shares) == pytest.approx(scores.values["hq"])
    assert all(good <= share for good, share in zip(scores.good_shares, scores.shares, strict=True))


def test_scores_worsen_with_every_dropped_class(scorer: Scorer, mnist: LabelledImages) -> None:
    """FID and KL rise and the mode count falls, as under mode collapse."""
    rows = []
    for dropped in range(0, 10, 3):
        indices = torch.nonzero(mnist.train_labels >= dropped).squeeze(1)[:2000]
        rows.append(scorer.score(scorer.evaluator(mnist.batch(indices)), quick=True).values)
    assert [row["modes_strict"] for row in rows] == [10, 7, 4, 1]
    for metric in ("fid", "kl"):
        values = [row[metric] for row in rows]
        assert values == sorted(values)
        assert values[1] > 10 * values[0]


def test_fid_rises_and_quality_falls_with_noise_and_blur(scorer: Scorer, mnist: LabelledImages) -> None:
    """Degraded digits are neither confident nor typical, so fewer samples are good."""
    images = mnist.batch(torch.arange(1000))
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    blurred = [torch.nn.functional.avg_pool2d(images, s, 1, s // 2, count_include_pad=False) for s in (1, 3, 7)]
    for degraded in ([(images + level * noise).clamp(-1, 1) for level in (0, 0.2, 0.5)], blurred):
        values = [scorer.score(scorer.evaluator(degraded_images), quick=True).values for degraded_images in degraded]
        assert values[0]["fid"] < values[1]["fid"] < values[2]["fid"]
        assert values[0]["hq"] > values[1]["hq"] > values[2]["hq"]


def test_floors_fall_with_the_sample_count_and_are_reproducible(
    scorer: Scorer, evaluator: ImageEvaluator, mnist: LabelledImages, tmp_path: Path
) -> None:
    names = ("fid", "kl", "modes_strict")
    assert scorer.floors(2000, names)["fid"].mean < scorer.floors(500, names)["fid"].mean
    computed = {name: floor.mean for name, floor in make_scorer(evaluator, mnist).floors(500, names).items()}
    for _ in range(2):  # computed and cached, then read
        cached = make_scorer(evaluator, mnist, cache=DiskCache(tmp_path)).floors(500, names)
        assert {name: floor.mean for name, floor in cached.items()} == computed
        assert len(list(tmp_path.glob("*.json"))) == len(names)
    features = evaluator(mnist.floor_samples(500))
    assert scorer.values(scorer.case.rule(features), names) == computed, (
        "floors are scores of real images treated as generated"
    )
