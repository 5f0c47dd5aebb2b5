"""A user's own data set by name: components, run ids, splits, evaluator, export; and that it is whole or not there."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from ganbench.cli.main import main
from ganbench.core.component_index import from_registry, without_plugins
from ganbench.core.errors import GanbenchError
from ganbench.core.own_data import Card, own_data_folder, own_names, read_own_card
from ganbench.data import DATASETS
from ganbench.data.own import OwnDataset, recipe
from ganbench.data.own.add import add_data
from ganbench.data.own.exchange import export_data
from ganbench.data.own.folder import remove_folder, written_whole
from ganbench.data.own.recipe import LabelledPart, calibration_error, train_evaluator
from ganbench.data.own.split import REFERENCE, SHARES, content_hashes, part_of
from ganbench.evaluation.examine_own_data import limits_of
from ganbench.spec.run_spec import resolve
from tests.data.own.pictures_of_shapes import CLASSES, shapes, write_folder_of_shapes

CPU = torch.device("cpu")
COUNT = 1_530


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Iterator[Path]:
    """A folder for data, with a short training of evaluators: shapes are easy."""
    folder = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANBENCH_DATA", str(folder))
        patch.setattr(recipe, "MIN_STEPS", 40)
        patch.setattr(recipe, "EPOCHS", 1)
        yield folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    write_folder_of_shapes(folder, COUNT)
    return folder


@pytest.fixture(scope="module")
def card(place: Path, source: Path) -> Card:
    return add_data("shapes", source, say=lambda line: None)


def added() -> OwnDataset:
    dataset = DATASETS["shapes"]()
    assert isinstance(dataset, OwnDataset)
    return dataset


def settings(name: str) -> dict[str, object]:
    return {"dataset": {"name": name}, "train": {"steps": 10}}


def test_data_set_is_found_by_name_wherever_components_are(card: Card) -> None:
    assert DATASETS["shapes"] is DATASETS["shapes"]
    assert "shapes" in list(DATASETS)
    assert without_plugins("datasets") == from_registry(DATASETS)
    with pytest.raises(GanbenchError, match="did you mean 'shapes'"):
        DATASETS["shpes"]
    for words in (["list", "datasets"], ["show", "dataset", "shapes"], ["data", "list"], ["data", "show", "shapes"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0
        assert "1,530 images" in result.output
    result = CliRunner().invoke(main, ["run", "--dataset", "shpes"])
    assert (result.exit_code, "did you mean 'shapes'" in result.output) == (2, True)


def test_loaded_data_are_the_images_of_the_source(card: Card, source: Path) -> None:
    data = added().load(CPU)
    images, labels = shapes(COUNT)
    given = {hashlib.sha256(image.tobytes()).digest(): int(label) for image, label in zip(images, labels, strict=True)}
    assert data.mode_names == CLASSES
    assert len(data) + len(data.test) + len(data.unseen(COUNT)) == len(given) == COUNT
    for part, classes in ((data.train, data.train_labels), (data.test, data.test_labels)):
        assert [given[digest] for digest in content_hashes(part.numpy())] == classes.tolist()
    assert data.weights.sum() == pytest.approx(1)


def test_parts_have_their_shares_and_an_image_is_in_the_same_part_of_any_source(card: Card, source: Path) -> None:
    images, _ = shapes(6_000)
    parts = np.array([part_of(digest) for digest in content_hashes(images)])
    assert np.bincount(parts) / len(parts) == pytest.approx(SHARES, abs=0.02)
    reference = set(content_hashes(added().load(CPU).test[:, 0].numpy()))
    assert reference == {digest for digest in content_hashes(shapes(COUNT)[0]) if part_of(digest) == REFERENCE}


def test_evaluator_recognises_held_out_images_and_finds_them_typical(card: Card) -> None:
    dataset = added()
    evaluator, data = dataset.evaluator(CPU), dataset.load(CPU)
    assert evaluator.sha256 == dataset.evaluator_sha256
    assert evaluator.accuracy > 0.9
    features = evaluator(data.unseen(COUNT))
    assert (features.deviation < 3).float().mean() > 0.9
    blank = torch.zeros(1, 1, 28, 28)
    assert (evaluator(blank).deviation > features.deviation.mean()).all()


def test_data_sets_of_one_name_that_differ_in_one_reference_image_have_other_run_ids(
    card: Card, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = resolve(settings("shapes")).run_id(0)
    other = tmp_path / "source"
    shutil.copytree(source, other)
    images, labels = shapes(COUNT)
    row = next(row for row, digest in enumerate(content_hashes(images)) if part_of(digest) == REFERENCE)
    (other / CLASSES[labels[row]] / f"{row}.png").unlink()
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "elsewhere"))
    changed = add_data("shapes", other, say=lambda line: None)
    assert changed.data_sha256 != card.data_sha256
    assert resolve(settings("shapes")).run_id(0) != here


def test_exported_data_set_has_the_same_run_ids_and_features_elsewhere(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, images = resolve(settings("shapes")).run_id(0), added().load(CPU).reference(100)
    seen = added().evaluator(CPU)(images)
    export_data("shapes", tmp_path / "exported")
    with pytest.raises(GanbenchError, match="exists already"):
        export_data("shapes", tmp_path / "exported")
    (tmp_path / "exported" / "more.txt").touch()
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(GanbenchError, match="without options"):
        add_data("shapes", tmp_path / "exported", size=32)
    assert add_data("shapes", tmp_path / "exported") == card
    assert resolve(settings("shapes")).run_id(0) == here
    again = added().evaluator(CPU)(added().load(CPU).reference(100))
    assert torch.equal(again.embedding, seen.embedding)
    assert not (own_data_folder() / "shapes" / "more.txt").exists()


def test_exported_folder_describes_its_files_and_records_to_other_programs(card: Card, tmp_path: Path) -> None:
    export_data("shapes", tmp_path / "exported")
    described = json.loads((tmp_path / "exported" / "croissant.json").read_text())
    sums = {file["contentUrl"]: file["sha256"] for file in described["distribution"]}
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "exported").iterdir()}
    assert sums == {name: digest for name, digest in files.items() if name != "croissant.json"}
    records = {records["@id"]: records for records in described["recordSet"]}
    assert [row["classes/name"] for row in records["classes"]["data"]] == list(CLASSES)
    with np.load(tmp_path / "exported" / "data.npz") as arrays:
        columns = [field["source"]["extract"]["column"] for field in records["images"]["field"]]
        assert set(columns) == set(arrays)
    assert (described["name"], described["conformsTo"]) == ("shapes", "http://mlcommons.org/croissant/1.0")


@pytest.mark.parametrize("damaged", ["data.npz", "card.json", "shapes-cnn-1.safetensors", "shapes-cnn-1.json"])
def test_altered_export_is_refused_and_nothing_is_added(
    card: Card, damaged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = tmp_path / "exported"
    export_data("shapes", exported)
    content = bytearray((exported / damaged).read_bytes())
    content[len(content) // 2] ^= 1
    (exported / damaged).write_bytes(content)
    if damaged == "shapes-cnn-1.json":  # most of it is not read
        model = json.loads((own_data_folder() / "shapes" / damaged).read_text())
        (exported / damaged).write_text(json.dumps({**model, "classes": 4}))
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(GanbenchError, match=r"damaged|altered|match"):
        add_data("shapes", exported)
    assert own_names() == []


def test_classes_that_the_evaluator_does_not_recognise_are_refused_by_name(place: Path, tmp_path: Path) -> None:
    images, labels = shapes(COUNT)
    twins = np.where(labels == 1, 3 * (np.arange(COUNT) // 3 % 2) + 1, labels)  # rings by chance in class 1 or 4
    np.savez(tmp_path / "twins.npz", images=images, labels=twins)
    with pytest.raises(GanbenchError, match=r"held-out images of .*'[14]'.*often taken for '[14]'.*--drop"):
        add_data("twins", tmp_path / "twins.npz", say=lambda line: None)
    assert "twins" not in own_names()


def test_full_disk_leaves_nothing_and_the_name_free(place: Path, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(GanbenchError, match="nothing was kept"), written_whole(tmp_path / "own" / "big") as folder:
            (folder / "data").write_bytes(bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "own").iterdir()) == []
    with written_whole(tmp_path / "own" / "big") as folder:
        (folder / "data").write_bytes(bytes(20_000))
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["big"]


def test_removed_data_set_is_gone_and_a_damaged_one_is_named(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(own_data_folder(), tmp_path / "own")
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path))
    (tmp_path / "own" / "shapes" / "card.json").write_text("{")
    assert "shapes  damaged" in CliRunner().invoke(main, ["data", "list"]).output
    assert "shapes" not in DATASETS
    result = CliRunner().invoke(main, ["data", "remove", "shapes"])
    assert (result.exit_code, result.output) == (0, "removed shapes\n")
    assert list((tmp_path / "own").iterdir()) == []
    with pytest.raises(GanbenchError, match="you have no data set 'shapes'"):
        remove_folder("shapes")


def test_small_classes_are_named(card: Card) -> None:
    assert limits_of(card) == []
    few = replace(card, counts=((300, 79, 30), (300, 80, 29), (300, 79, 30)))
    first, second = (remark.words for remark in limits_of(few))
    assert first.startswith("fewer than 80 images of 'cross' and 'square' are to compare with")
    assert second.startswith("fewer than 30 images of 'ring' are to test the evaluator")


def test_card_says_what_was_measured(card: Card) -> None:
    folder = own_data_folder() / "shapes"
    model = json.loads((folder / f"{card.evaluator}.json").read_text())
    assert read_own_card(folder) == card
    confusion = np.array(model["confusion"])
    assert confusion.sum() == card.images[2]
    assert model["test_accuracy"] == pytest.approx(confusion.diagonal().sum() / confusion.sum())
    text = (folder / "card.txt").read_text()
    assert f"accuracy {model['test_accuracy']:.1%}" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_calibration_error_is_the_mean_gap_between_confidence_and_accuracy() -> None:
    confidence = torch.tensor([0.9] * 10 + [0.5] * 10)
    correct = torch.tensor([True] * 9 + [False] + [True] * 3 + [False] * 7)
    assert calibration_error(confidence, correct) == pytest.approx((0.0 + 0.2) / 2, abs=1e-6)


@pytest.mark.parametrize(("side", "doublings"), [(28, 2), (32, 2), (36, 2), (48, 3), (64, 3), (96, 4), (128, 4)])
def test_convolutional_networks_scale_with_the_images(
    card: Card, side: int, doublings: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = replace(card, shape=(3, side, side))
    (tmp_path / "own" / "large").mkdir(parents=True)
    (tmp_path / "own" / "large" / "card.json").write_text(facts.to_json())
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path))
    for name in ("dcgan", "resnet", "r3gan-small"):
        arch = resolve(settings("large") | {"arch": {"name": name}}).arch
        assert arch.to_spec().get("doublings", 2) == doublings
        arch.generator(facts.shape)


def test_training_is_the_same_each_time_and_colour_images_of_other_sizes_are_taken(place: Path) -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 32, 32), generator=random, dtype=torch.uint8)
    part = LabelledPart(images, torch.arange(40) % 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "MIN_STEPS", 3)
        first, second = (train_evaluator(part, part, part, 2, "0" * 64, lambda *_: None) for _ in range(2))
    assert first.sha256 == second.sha256
    assert first.facts["recipe"].endswith("3 steps, with small random affine jitter")
