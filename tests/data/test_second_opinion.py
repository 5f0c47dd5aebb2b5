"""The second opinion: accepts real images, refuses what the classifier lets pass, and is part of the features."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import stream
from ganbench.data import DATASETS
from ganbench.data.evaluators.classifier import WEIGHTS, to_signed
from ganbench.data.evaluators.second_opinion import PLAUSIBLE, SecondOpinion
from ganbench.data.fashion_mnist import FashionMnist
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.data.ring import Ring
from ganbench.data.stacked_mnist import StackedMnist
from ganbench.evaluation.protocols import PROTOCOLS, Rule

CPU = torch.device("cpu")
COUNT = 2_000

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def digits_opinion() -> SecondOpinion:
    return SecondOpinion(Mnist.opinion, CPU)


def accepted(opinion: SecondOpinion, images: Tensor) -> float:
    return float((opinion(images)[0] >= PLAUSIBLE).double().mean())


def pca_gaussian(images: Tensor) -> Tensor:
    """Gaussian noise with the mean and the covariance of some images."""
    flat = images.flatten(1).double()
    factor = torch.linalg.cholesky(torch.cov(flat.T) + 1e-9 * torch.eye(flat.shape[1], dtype=torch.float64))
    noise = torch.randn(COUNT, flat.shape[1], generator=stream(0, "planted"), dtype=torch.float64)
    drawn: Tensor = flat.mean(0) + noise @ factor.T
    return drawn.float().clamp(-1, 1).reshape(COUNT, *images.shape[1:])


def test_unseen_digits_are_plausible_also_shifted_or_with_faint_noise(
    mnist: LabelledImages, digits_opinion: SecondOpinion
) -> None:
    test = to_signed(mnist.test)
    assert accepted(digits_opinion, test) >= 0.975
    assert accepted(digits_opinion, test[:COUNT].roll((1, 1), (2, 3))) >= 0.96
    noise = 8 / 127.5 * (2 * torch.rand(COUNT, 1, 28, 28, generator=stream(1, "planted")) - 1)
    assert accepted(digits_opinion, (test[:COUNT] + noise).clamp(-1, 1)) >= 0.96


def test_what_passes_the_classifier_but_is_no_digit_is_not_plausible(
    mnist: LabelledImages, digits_opinion: SecondOpinion
) -> None:
    train = to_signed(mnist.train[: 2 * COUNT])
    means = torch.stack([to_signed(mnist.train[mnist.train_labels == digit]).mean(0) for digit in range(10)])
    nonsense = {
        "noise with the covariance of digits": pca_gaussian(to_signed(mnist.train[:10_000])),
        "blur": gaussian_blur(train[:COUNT], [11, 11], [2.0, 2.0]),
        "averages of two": (train[:COUNT] + train[COUNT:]) / 2,
        "class means": means,
        "inverted": -train[:COUNT],
        "blank": torch.full((10, 1, 28, 28), -1.0),
        "white": torch.ones(10, 1, 28, 28),
        "specks": torch.where(torch.rand(COUNT, 1, 28, 28, generator=stream(2, "planted")) < 0.03, 1.0, -1.0),
    }
    assert {name: accepted(digits_opinion, images) for name, images in nonsense.items()} == pytest.approx(
        dict.fromkeys(nonsense, 0.0), abs=0.02
    )


def test_a_stack_is_as_plausible_as_its_worst_channel(mnist: LabelledImages) -> None:
    stack = to_signed(mnist.test[:300]).reshape(100, 3, 28, 28)
    opinion = StackedMnist().second_opinion(CPU)
    plausibility, embedding = opinion(stack)
    channels, features = opinion(stack.reshape(300, 1, 28, 28))
    torch.testing.assert_close(plausibility, channels.reshape(100, 3).amin(1))
    torch.testing.assert_close(embedding, features.reshape(100, -1))
    stack[:, 1] = -1
    assert accepted(opinion, stack) == 0.0


@pytest.mark.parametrize("dataset", [Mnist(), FashionMnist(), StackedMnist(), StackedMnist(frame="scaled-32")])
def test_case_with_a_second_opinion_has_its_own_evaluator_and_hash(dataset: Mnist) -> None:
    case = PROTOCOLS.create({"name": "ganbench-1"}).case(dataset)
    assert case.evaluator_sha256(dataset) == dataset.evaluator_sha256
    both = replace(case, second_opinion=True, rule=Rule("l2", 3.0, 0.9, plausibility=PLAUSIBLE))
    evaluator = both.evaluator(dataset, CPU)
    assert evaluator.sha256 == both.evaluator_sha256(dataset) != dataset.evaluator_sha256
    features = evaluator(torch.zeros(4, *dataset.shape))
    assert features.plausibility is not None
    assert features.second_embedding is not None
    torch.testing.assert_close(features.select(slice(2)).second_embedding, features.second_embedding[:2])
    assert not both.rule(features).good.any()


def test_every_second_opinion_belongs_to_a_data_set() -> None:
    used = {DATASETS.create({"name": name}).opinion for name in DATASETS} - {""}
    assert used == {path.stem for path in WEIGHTS.glob("*plausible*.json")}
    for name in used:
        card = json.loads((WEIGHTS / f"{name}.json").read_text())
        assert {"sha256", "accepted_test_images", "threshold", "trained_on", "recipe", "seed", "script"} <= set(card)
        assert card["name"] == name == f"{name.rpartition('-')[0]}-{card['version']}"


def test_rule_and_case_refuse_data_without_a_second_opinion(mnist: LabelledImages) -> None:
    case = replace(PROTOCOLS.create({"name": "ganbench-1"}).case(Ring()), second_opinion=True)
    with pytest.raises(GanbenchError, match="no second opinion on ring"):
        case.evaluator(Ring(), CPU)
    features = Mnist().evaluator(CPU)(to_signed(mnist.test[:10]))
    with pytest.raises(ValueError, match="needs a second opinion"):
        Rule(plausibility=PLAUSIBLE)(features)


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in ("json", "safetensors"):
        name = f"{Mnist.opinion}.{suffix}"
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes())
    with (tmp_path / f"{Mnist.opinion}.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        last = weights.read(1)
        weights.seek(-1, 2)
        weights.write(bytes([last[0] ^ 1]))
    monkeypatch.setattr("ganbench.data.evaluators.classifier.WEIGHTS", tmp_path)
    with pytest.raises(GanbenchError, match="reinstall ganbench"):
        SecondOpinion(Mnist.opinion, CPU)
