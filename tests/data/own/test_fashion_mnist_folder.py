"""Fashion-MNIST as a folder of PNGs: the images and classes of the built-in data set, and an evaluator that agrees."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from ganbench.data import DATASETS
from ganbench.data.fashion_mnist import CLASSES, FashionMnist
from ganbench.data.own import recipe
from ganbench.data.own.add import add_data
from ganbench.data.own.dataset import OwnImages
from ganbench.data.own.split import content_hashes

CPU = torch.device("cpu")
CHOSEN = ("bag", "boot", "dress", "sandal", "trouser")
"""Classes that an evaluator learns in seconds; the kinds of tops take longer."""
OF_EACH = 310


@pytest.mark.usefixtures("one_thread")
def test_png_folder_of_fashion_mnist_is_the_built_in_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_in = FashionMnist().load(CPU)
    given: dict[bytes, str] = {}
    for name in CHOSEN:
        folder = tmp_path / "clothes" / name
        folder.mkdir(parents=True)
        images = built_in.train[built_in.train_labels == CLASSES.index(name)][:OF_EACH, 0].numpy()
        given |= dict.fromkeys(content_hashes(images), name)
        for number, image in enumerate(images):
            Image.fromarray(image).save(folder / f"{number}.png")
    monkeypatch.setattr(recipe, "MIN_STEPS", 60)
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    theirs = FashionMnist().evaluator(CPU)
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    add_data("clothes", tmp_path / "clothes", say=lambda line: None)
    dataset = DATASETS["clothes"]()
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
    chosen = torch.isin(built_in.test_labels, torch.tensor([CLASSES.index(name) for name in CHOSEN]))
    unseen = (built_in.test[chosen][:300].float() / 127.5 - 1).clamp(-1, 1)
    seen_by_ours = [CHOSEN[label] for label in ours(unseen).labels.tolist()]
    seen_by_theirs = [CLASSES[label] for label in theirs(unseen).labels.tolist()]
    agreed = sum(own == other for own, other in zip(seen_by_ours, seen_by_theirs, strict=True))
    assert agreed / len(unseen) > 0.9
