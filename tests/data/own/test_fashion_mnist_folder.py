"""Fashion-MNIST as a folder of PNGs: the images and classes of the built-in data set, and an evaluator that agrees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from PIL import Image
from torch import Tensor

import ganbench
from ganbench.core.verdict_word import word_of
from ganbench.data import DATASETS
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.fashion_mnist import CLASSES, FashionMnist
from ganbench.data.labelled import LabelledImages
from ganbench.data.own import recipe
from ganbench.data.own.add import add_data
from ganbench.data.own.dataset import OwnImages
from ganbench.data.own.split import content_hashes

CPU = torch.device("cpu")
CHOSEN = ("bag", "boot", "dress", "sandal", "trouser")
"""Classes that an evaluator learns in seconds; the kinds of tops take longer."""
OF_EACH = 310


@pytest.fixture(scope="module")
def built_in() -> LabelledImages:
    return FashionMnist().load(CPU)


@pytest.fixture(scope="module")
def given(
    built_in: LabelledImages, tmp_path_factory: pytest.TempPathFactory, one_thread: None
) -> Iterator[dict[bytes, str]]:
    """The hashes of the images that were written as PNGs, and their classes; they are the data set `clothes`."""
    folder = tmp_path_factory.mktemp("clothes")
    given: dict[bytes, str] = {}
    for name in CHOSEN:
        (folder / name).mkdir()
        images = built_in.train[built_in.train_labels == CLASSES.index(name)][:OF_EACH, 0].numpy()
        given |= dict.fromkeys(content_hashes(images), name)
        for number, image in enumerate(images):
            Image.fromarray(image).save(folder / name / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "MIN_STEPS", 60)
        patch.setattr(recipe, "EPOCHS", 1)
        patch.setenv("GANBENCH_DATA", str(tmp_path_factory.mktemp("data")))
        add_data("clothes", folder, say=lambda line: None)
        yield given


@pytest.fixture(scope="module")
def unseen(built_in: LabelledImages) -> tuple[Tensor, Tensor]:
    """Test images of the built-in data set of these classes, uint8 [N, 1, 28, 28], and their classes there, [N]."""
    chosen = torch.isin(built_in.test_labels, torch.tensor([CLASSES.index(name) for name in CHOSEN]))
    return built_in.test[chosen], built_in.test_labels[chosen]


def test_png_folder_of_fashion_mnist_is_the_built_in_data_set(
    given: dict[bytes, str], unseen: tuple[Tensor, Tensor]
) -> None:
    theirs, dataset = FashionMnist().evaluator(CPU), DATASETS["clothes"]()
    data, ours = dataset.load(CPU), dataset.evaluator(CPU)
    assert isinstance(data, OwnImages)
    assert data.mode_names == CHOSEN
    assert (dataset.shape, dataset.scorable(10_000)) == ((1, 28, 28), len(data) // 2)
    found = {
        digest: CHOSEN[label]
        for images, labels in ((data.train, data.train_labels), (data.test, data.test_labels))
        for digest, label in zip(content_hashes(images.numpy()), labels.tolist(), strict=True)
    }
    assert found.items() <= given.items()
    assert len(found) + len(data.unseen(len(given))) == len(given)
    images = to_signed(unseen[0][:300])
    seen_by_ours = [CHOSEN[label] for label in ours(images).labels.tolist()]
    seen_by_theirs = [CLASSES[label] for label in theirs(images).labels.tolist()]
    agreed = sum(own == other for own, other in zip(seen_by_ours, seen_by_theirs, strict=True))
    assert agreed / len(images) > 0.9


def test_planted_collapses_of_clothes_are_named(given: dict[bytes, str], unseen: tuple[Tensor, Tensor]) -> None:
    images, labels = unseen
    boot = labels == CLASSES.index("boot")
    said = {
        name: ganbench.evaluate(samples, dataset="clothes", protocol="ganbench-1", count=500, device="cpu").verdict
        for name, samples in {
            "real": images[:500],
            "lost": images[~boot][:500],
            "doubled": torch.cat([images[boot][:200], images[~boot][:300]]),
            "repeated": images[torch.arange(500) % 10],
            "copied": DATASETS["clothes"]().load(CPU).train[:500],
        }.items()
    }
    assert not said["real"].faults
    assert said["lost"].of_state("lost") == ["boot"]
    assert "uneven" in said["doubled"].faults
    assert "repeated" in said["repeated"].faults
    assert said["copied"].faults == {"copied"}
    assert [word_of(verdict) for verdict in said.values()] == ["GOOD", "PARTLY", "GOOD", "COLLAPSED", "PARTLY"]
