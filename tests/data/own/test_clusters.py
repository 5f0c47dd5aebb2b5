"""Clusters in place of classes: found where there are some, refused where there are none, written whole."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import Tensor

from ganbench.cli.main import main
from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import CARD, Card, Clustering, own_data_folder, read_own_card
from ganbench.data import DATASETS
from ganbench.data.labelled import LabelledImages
from ganbench.data.own import clusters, contrastive, recipe
from ganbench.data.own import prepare as preparation
from ganbench.data.own.add import add_data
from ganbench.data.own.clusters import adjusted_rand_index, find_clusters
from ganbench.data.own.contrastive import contrast_loss, learn_features
from ganbench.data.own.exchange import export_data
from ganbench.data.own.source import open_unlabelled
from ganbench.data.own.split import content_hashes
from ganbench.data.own.unlabelled import prepare_clusters
from tests.data.own.pictures_of_shapes import shapes, write_folder_of_shapes

COUNT = 360
Labels = npt.NDArray[np.int64]


def told(what: str, done: int, parts: int) -> None:
    """Hear of progress, and say nothing."""


def blobs(labels: Labels, apart: float = 20.0, dimensions: int = 8) -> npt.NDArray[np.float64]:
    """Points around a centre for each label, [N, d]."""
    random = np.random.default_rng(0)
    centres = apart * np.eye(dimensions)
    return centres[labels] + random.normal(size=(len(labels), dimensions))


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_thread: None) -> None:
    """A folder for data, short trainings, and small data sets."""
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(preparation, "MIN_TRAIN", 100)
    monkeypatch.setattr(recipe, "MIN_STEPS", 40)
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    monkeypatch.setattr(contrastive, "STEPS", 2)
    monkeypatch.setattr(clusters, "RESAMPLES", 5)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flat folder of pictures of three shapes; in the order of their names, shapes take turns."""
    folder = tmp_path_factory.mktemp("source")
    for number, image in enumerate(shapes(COUNT)[0]):
        Image.fromarray(image).save(folder / f"{number:04}.png")
    return folder


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features by which the shapes are far apart."""
    path = tmp_path_factory.mktemp("features") / "features.npy"
    np.save(path, blobs(shapes(COUNT)[1]).astype(np.float32))
    return path


def in_pairs(first: Labels, second: Labels) -> float:
    """The adjusted Rand index by its definition: pairs that are together in both, in one, in none."""
    pairs = list(itertools.combinations(range(len(first)), 2))
    together = [(first[a] == first[b], second[a] == second[b]) for a, b in pairs]
    both = sum(one and other for one, other in together)
    ones, others = (sum(of[place] for of in together) for place in (0, 1))
    chance = ones * others / len(pairs)
    return float((both - chance) / ((ones + others) / 2 - chance))


def test_adjusted_rand_index_counts_pairs() -> None:
    random = np.random.default_rng(0)
    for modes in (2, 3, 7):
        first, second = random.integers(0, modes, (2, 40))
        second[:20] = first[:20]
        assert adjusted_rand_index(first, second) == pytest.approx(in_pairs(first, second))
        assert adjusted_rand_index(first, modes - 1 - first) == 1
    # The example in scikit-learn's documentation of adjusted_rand_score.
    assert adjusted_rand_index(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1])) == pytest.approx(4 / 7)
    assert adjusted_rand_index(np.zeros(4, int), np.arange(4)) == 0


def test_planted_clusters_are_found_the_largest_first_and_are_stable() -> None:
    labels = np.repeat([2, 0, 1], [50, 200, 110])  # numbered by their sizes
    found = find_clusters(blobs(labels), np.arange(COUNT) % 10 < 7, 3, told)
    assert (found.labels == labels).all()
    assert found.agreement == (1.0,) * 5


def test_clusters_of_noise_are_not_stable() -> None:
    noise = np.random.default_rng(0).uniform(size=(1_000, 16))
    found = find_clusters(noise, np.arange(1_000) % 10 < 7, 7, told)
    assert max(found.agreement) < 0.6


def test_loss_is_the_surprise_at_the_other_picture_of_an_image() -> None:
    first, second = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    points = [point / point.norm() for point in (*first, *second)]
    surprises = []
    for one, point in enumerate(points):
        near = [float((point @ other / contrastive.TEMPERATURE).exp()) for other in points]
        surprises.append(-np.log(near[(one + 5) % 10] / (sum(near) - near[one])))
    assert float(contrast_loss(first, second)) == pytest.approx(np.mean(surprises), rel=1e-5)


def test_features_depend_on_training_images_alone_and_are_the_same_each_time() -> None:
    images = torch.from_numpy(shapes(40)[0])[:, None]
    train = torch.arange(40) < 30
    learned = learn_features(images, train, told)
    changed = images.clone()
    changed[35] = 0
    again = learn_features(changed, train, told)
    assert learned.shape == (40, 128)
    assert learned.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    assert torch.equal(learned[~_only(35)], again[~_only(35)])
    changed[0] = 0
    assert not torch.equal(learn_features(changed, train, told)[1], learned[1])


def _only(row: int) -> Tensor:
    return torch.arange(40) == row


def test_clusters_by_given_features_are_the_data_sets_classes_and_are_called_clusters(
    source: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["data", "add", "mine", str(source), "--clusters", "3", "--features", str(features)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "360 images of 3 clusters" in result.output
    dataset = DATASETS["mine"]()
    data = dataset.load(torch.device("cpu"))
    assert isinstance(data, LabelledImages)
    assert (dataset.mode_word, data.mode_names) == ("clusters", ("cluster 1", "cluster 2", "cluster 3"))
    images, labels = shapes(COUNT)
    shape_of = dict(zip(content_hashes(images), labels.tolist(), strict=True))
    pairs = zip(content_hashes(data.train[:, 0].numpy()), data.train_labels.tolist(), strict=True)
    assert len({(shape_of[digest], cluster) for digest, cluster in pairs}) == 3
    card = read_own_card(own_data_folder() / "mine")
    assert card.clustering is not None
    assert (card.clustering.stability, card.clustering.lowest) == (1, 1)
    for shown in (["data", "show", "mine"], ["data", "list"], ["doctor", "--data", "mine"], ["list", "datasets"]):
        said = CliRunner().invoke(main, shown).output
        assert "mine" in said
        own = [line for line in said.splitlines() if "cluster" in line or "mine" in line]
        assert not any(word in line for line in own for word in ("mode", "class"))
    card_text = CliRunner().invoke(main, ["data", "show", "mine"]).output
    assert "adjusted Rand index 1.000, the median of 5 resamples" in card_text
    assert max(len(line) for line in card_text.splitlines()) <= 80
    export_data("mine", tmp_path / "exported")
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(GanbenchError, match="without options"):
        add_data("mine", tmp_path / "exported", clusters=3)
    assert add_data("mine", tmp_path / "exported") == card


def test_images_of_noise_are_refused_in_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (720, 28, 28), np.uint8)
    np.savez(tmp_path / "noise.npz", images=noise)
    result = CliRunner().invoke(main, ["data", "add", "mine", str(tmp_path / "noise.npz"), "--clusters", "7"])
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith("Error: 7 clusters of these images are not stable")
    assert 0 < float(line.partition("index ")[2][:4]) < 0.8
    assert not own_data_folder().exists()


def test_labels_are_ignored_and_that_is_said(tmp_path: Path, features: Path, source: Path) -> None:
    write_folder_of_shapes(tmp_path / "sorted", 30)
    (tmp_path / "sorted" / "labels.csv").touch()
    opened = open_unlabelled(tmp_path / "sorted")
    assert opened.notes == ("labels ignored: 30 images are in sub-folders", "1 other files or folders ignored")
    names = [opened.where(number) for number in range(30)]
    assert names == sorted(names)
    assert set(opened.labels) == {""}
    images, labels = shapes(30)
    np.savez(tmp_path / "labelled.npz", images=images, labels=labels)
    assert open_unlabelled(tmp_path / "labelled.npz").notes == ("labels ignored",)
    assert len(open_unlabelled(source)) == COUNT
    assert open_unlabelled(source).notes == ()


def test_rows_of_features_follow_the_order_of_names_also_if_images_are_left_out(tmp_path: Path) -> None:
    images, labels = shapes(COUNT)
    images[7] = images[3]  # the features of the seventh, another shape, are not asked
    np.savez(tmp_path / "images.npz", images=images)
    np.save(tmp_path / "features.npy", blobs(labels))
    prepared = prepare_clusters(
        open_unlabelled(tmp_path / "images.npz"), 3, tmp_path / "features.npy", None, None, told
    )
    shape_of = dict(reversed(list(zip(content_hashes(images), labels.tolist(), strict=True))))  # the first of two
    kept = [shape_of[digest] for digest in content_hashes(prepared.images[:, 0])]
    assert len(kept) == COUNT - 1
    assert len(set(zip(kept, prepared.labels.tolist(), strict=True))) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--clusters 1", "must be from 2 to 100, not 1"),
        ("--clusters 0", "must be from 2 to 100, not 0"),
        ("--clusters 101", "must be from 2 to 100, not 101"),
        ("--clusters 4", "360 images are too few for 4 clusters of about 100 each: ask for at most 3"),
        ("--clusters 2 --drop ring", "leave out --drop"),
        ("--clusters 2 --size 30", "the size must be a multiple of 4"),
        ("--features missing.npy", "features are for finding clusters"),
        ("--clusters 3 --features missing.npy", "there is no file 'missing.npy'"),
    ],
)
def test_bad_options_are_one_line_and_nothing_is_written(options: str, message: str, source: Path) -> None:
    check_refused(["data", "add", "mine", str(source), *options.split()], message)


GOOD = blobs(shapes(COUNT)[1])
THREE_SIZES = np.repeat([0, 1, 2], [COUNT - 24, 12, 12])


def truncated(path: Path) -> None:
    np.save(path, GOOD)
    path.write_bytes(path.read_bytes()[:-8])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "NaN": (lambda path: np.save(path, GOOD * np.nan), "has numbers that are not finite, or above 1e+15, in row 0"),
    "huge": (lambda path: np.save(path, GOOD * 1e30), "has numbers that are not finite, or above 1e+15"),
    "rows": (lambda path: np.save(path, GOOD[1:]), "has 359 rows, but there are 360 images"),
    "flat": (lambda path: np.save(path, GOOD[:, 0]), "must have numbers of shape [N, d]"),
    "words": (lambda path: np.save(path, GOOD.astype(str)), "must have numbers of shape [N, d]"),
    "objects": (lambda path: np.save(path, GOOD.astype(object)), "holds Python objects, which are never read"),
    "text": (lambda path: path.write_text("1,2"), "is not an .npy file"),
    "truncated": (truncated, "is truncated or altered"),
    "constant": (lambda path: np.save(path, np.ones((COUNT, 4))), "only 1 different features, too few for 3 clusters"),
    "lopsided": (
        lambda path: np.save(path, THREE_SIZES[:, None]),
        "too few images in 'cluster 2' (12), 'cluster 3' (12)",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_features_are_one_line_and_nothing_is_written(kind: str, source: Path, tmp_path: Path) -> None:
    write, message = BAD[kind]
    write(tmp_path / "features.npy")
    words = ["data", "add", "mine", str(source), "--clusters", "3", "--features", str(tmp_path / "features.npy")]
    check_refused(words, message)


def check_refused(words: list[str], message: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2, result.output
    (line,) = result.output.splitlines()
    assert line.startswith("Error: ")
    assert message in line
    assert not own_data_folder().exists()


def test_equal_images_are_too_few(tmp_path: Path) -> None:
    np.savez(tmp_path / "equal.npz", images=np.zeros((COUNT, 28, 28), np.uint8))
    with pytest.raises(GanbenchError, match="of 1 images are for training"):
        prepare_clusters(open_unlabelled(tmp_path / "equal.npz"), 3, None, None, None, told)


def test_cluster_that_is_not_recognised_is_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "MIN_STEPS", 1)
    np.save(tmp_path / "random.npy", blobs(np.random.default_rng(0).integers(0, 3, COUNT)))
    with pytest.raises(
        GanbenchError, match=r"recognises less than 60% .*'cluster \d'.* can't be counted: ask for fewer"
    ):
        add_data("mine", source, clusters=3, features=tmp_path / "random.npy", say=lambda line: None)
    assert not own_data_folder().exists()


def test_card_of_labelled_data_is_as_before_and_a_wrong_clustering_is_refused(tmp_path: Path) -> None:
    names = ("cluster 1", "cluster 2")
    counts = ((700, 200, 100),) * 2
    card = Card(names, (1, 28, 28), counts, "mine-cnn-1", "0" * 64, "1" * 64, (), Clustering("features", 20, 0.9, 0.8))
    path = tmp_path / CARD
    path.write_text(card.to_json())
    assert read_own_card(tmp_path) == card
    assert card.mode_word == "clusters"
    written = json.loads(card.to_json())
    for wrong in ({"stability": 2.0}, {"lowest": 0.95}, {"features": 1}, {"resamples": "x"}, {"more": 1}):
        path.write_text(json.dumps(written | {"clustering": written["clustering"] | wrong}))
        with pytest.raises(GanbenchError, match="is no card of a data set"):
            read_own_card(tmp_path)
    del written["clustering"]
    path.write_text(json.dumps(written))
    assert read_own_card(tmp_path).mode_word == "classes"
    assert read_own_card(tmp_path).to_json() == json.dumps(written, indent=2)
