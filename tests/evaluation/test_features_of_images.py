"""Images of any kind by the features of a network of one's own: a module or an ONNX file, from Python and the shell."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import ganbench
from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.evaluation.extractor import extractor_of
from ganbench.evaluation.monitor.vectors import FURTHER

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE, CORNERS = 8, ((0, 0), (0, 4), (4, 0), (4, 4))
Bytes = NDArray[np.uint8]


class Quadrants(nn.Module):
    """Mean and contrast of each quadrant; in training mode, of a share of the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.some = nn.Dropout()
        self.scale = nn.Parameter(torch.full((4,), 2.0))

    def forward(self, images: Tensor) -> Tensor:
        parts = torch.stack([self.some(images)[..., y : y + 4, x : x + 4].flatten(1) for y, x in CORNERS], 1)
        return torch.cat([parts.mean(2) * self.scale, (parts**2).mean(2)], 1)


def pictures(count: int, seed: int, kinds: int = 4) -> tuple[Bytes, NDArray[np.int64]]:
    """Grey images, each with one bright quadrant, and the number of that quadrant."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 90, (count, 1, SIDE, SIDE), dtype=np.uint8)
    labels = random.integers(kinds, size=count)
    for image, label in zip(images, labels, strict=True):
        y, x = CORNERS[label]
        image[0, y : y + 4, x : x + 4] += random.integers(90, 160, dtype=np.uint8)
    return images, labels


REAL, LABELS = pictures(1_000, 1)
FAKE = pictures(500, 2, kinds=3)[0]


@pytest.fixture(scope="module")
def lossy() -> ganbench.Evaluation:
    """Images of three of four kinds."""
    return ganbench.evaluate(FAKE, reference=REAL, labels=LABELS, features=Quadrants(), device="cpu")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as an ONNX file."""
    path = tmp_path_factory.mktemp("networks") / "quadrants-1.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        images = torch.zeros(4, 1, SIDE, SIDE)
        axes = {"images": {0: "batch"}}
        network = Quadrants().eval()
        torch.onnx.export(network, (images,), path, dynamo=False, input_names=["images"], dynamic_axes=axes)
    return path


def test_faults_are_named_beside_real_images_and_the_network_beside_the_numbers(lossy: ganbench.Evaluation) -> None:
    assert lossy.verdict.of_state("lost") == ["3"]
    standings = {score.metric: score.standing for score in lossy.scores}
    assert standings["fid"] == standings["coverage"] == "worse"
    assert (lossy.evaluator, lossy.evaluator_sha256) == ("Quadrants", extractor_of(Quadrants()).sha256)
    other = ganbench.evaluate(pictures(500, 3)[0], reference=REAL, features=Quadrants(), device="cpu")
    assert {score.standing for score in other.scores} == {"as real"}


def test_features_are_those_that_the_network_has_in_evaluation_mode_of_images_from_minus_one_to_one() -> None:
    network = Quadrants()
    expected = Quadrants().eval()(torch.from_numpy(REAL).float() / 127.5 - 1).detach()
    ours = ganbench.evaluate(FAKE, reference=REAL, labels=LABELS, features=network, device="cpu")
    fake = Quadrants().eval()(torch.from_numpy(FAKE).float() / 127.5 - 1).detach()
    by_hand = ganbench.evaluate(fake, reference=expected, labels=LABELS, device="cpu")
    for score, same in zip(ours.scores, by_hand.scores, strict=True):
        assert (score.value, score.floor) == pytest.approx((same.value, same.floor), rel=1e-4, abs=1e-6), score.metric
    assert network.training
    assert network.some.training


def test_the_form_of_the_images_makes_no_difference(lossy: ganbench.Evaluation) -> None:
    last = np.moveaxis(FAKE, 1, -1)
    floats = torch.from_numpy(REAL).float() / 255
    same = ganbench.evaluate(last, reference=floats, labels=LABELS, features=Quadrants(), device="cpu")
    assert [score.value for score in same.scores] == pytest.approx([score.value for score in lossy.scores], rel=1e-4)


def test_a_monitor_has_the_same_numbers_and_notes_the_network(lossy: ganbench.Evaluation) -> None:
    watch = ganbench.Monitor(real=REAL, labels=LABELS, features=Quadrants(), metrics=FURTHER, device="cpu")
    watch(1, pictures(500, 3)[0])
    numbers = watch(2, FAKE)
    assert {score.metric: numbers[score.metric] for score in lossy.scores} == {
        score.metric: score.value for score in lossy.scores
    }
    assert [event.words for event in watch.events] == ["3 of 4 modes are left; lost: 3"]
    changed = Quadrants()
    nn.init.ones_(changed.scale)
    other = ganbench.Monitor(real=REAL, labels=LABELS, features=changed, metrics=FURTHER, device="cpu")
    with pytest.raises(GanbenchError, match="of another network"):
        other.load_state_dict(watch.state_dict())
    with pytest.raises(GanbenchError, match="earlier ones had whole ones"):
        watch(3, FAKE / np.float32(255))


def test_an_onnx_file_gives_the_numbers_of_its_network(lossy: ganbench.Evaluation, file: Path) -> None:
    same = ganbench.evaluate(FAKE, reference=REAL, labels=LABELS, features=file, device="cpu")
    assert same.evaluator == "quadrants-1"
    assert [score.value for score in same.scores] == pytest.approx([score.value for score in lossy.scores], rel=1e-3)


def test_the_hash_of_a_network_is_that_of_its_weights_beside_the_file_too(tmp_path: Path) -> None:
    hashes = []
    for value in (1.0, 2.0):
        linear = nn.Linear(SIDE**2, 512)
        nn.init.constant_(linear.weight, value)
        network = nn.Sequential(nn.Flatten(), linear).eval()
        path = tmp_path / str(value) / "features.onnx"
        path.parent.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(network, (torch.zeros(100, 1, SIDE, SIDE),), path, external_data=True, verbose=False)
        assert (path.parent / "features.onnx.data").is_file()
        hashes.append(extractor_of(str(path)).sha256)
        assert extractor_of(path)(torch.zeros(150, 1, SIDE, SIDE)).shape == (150, 512)  # of 100 at once
    assert len(set(hashes)) == 2


def test_the_command_scores_folders_of_images(lossy: ganbench.Evaluation, file: Path, tmp_path: Path) -> None:
    for name, images in (("fakes", FAKE), ("reals", REAL)):
        (tmp_path / name).mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image[0]).save(tmp_path / name / f"{number:04}.png")
    np.save(tmp_path / "labels.npy", LABELS)
    options = ["--features", str(file), "--labels", str(tmp_path / "labels.npy"), "--device", "cpu"]
    scored = [str(tmp_path / "fakes"), "--reference", str(tmp_path / "reals"), *options]
    result = CliRunner().invoke(main, ["evaluate", *scored, "--format", "json"])
    assert result.exit_code == 0, result.output
    (plain,) = json.loads(result.output)
    values = [score["value"] for score in plain["scores"]]
    assert values == pytest.approx([score.value for score in lossy.scores], rel=1e-3)
    table = CliRunner().invoke(main, ["evaluate", *scored])
    assert "images: PARTLY: " in table.output
    assert "Seen by quadrants-1" in table.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": Quadrants()}, "give real images, too"),
        ({"features": Quadrants(), "reference": REAL, "dataset": "ring"}, "have no data set"),
        ({"features": "inception", "reference": REAL}, "Module or the path of an ONNX file, not 'inception'"),
        ({"features": len, "reference": REAL}, "not builtin_function_or_method"),
        ({"features": "missing.onnx", "reference": REAL}, "there is no file 'missing.onnx'"),
        ({"features": nn.Identity(), "reference": REAL[:100]}, "100 real vectors are too few"),
        (
            {"features": nn.Linear(5, 5), "reference": REAL},
            r"features=Linear fails on images of shape \[100, 1, 8, 8\]",
        ),
        ({"features": nn.Flatten(0), "reference": REAL}, r"features=Flatten returns a tensor of shape \[6400\]"),
        ({"features": Quadrants(), "reference": REAL[:, 0, 0]}, "images must have shape"),
        ({"features": Quadrants(), "reference": REAL, "count": 501}, "there are only 500 images to score"),
        ({"features": Quadrants(), "reference": REAL / np.float32(100)}, "state it .* with pixel_range"),
        (
            {"reference": REAL.reshape(1_000, -1) / np.float32(255), "pixel_range": "0..1"},
            "vectors have no pixel range",
        ),
    ],
)
def test_what_means_nothing_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        ganbench.evaluate(FAKE, **arguments, device="cpu")


def test_the_command_refuses_what_says_nothing_about_such_images(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", FAKE)
    file = str(tmp_path / "x.npy")
    for options, message in (
        (["--features", "x.onnx"], "give these with --reference"),
        (["--features", "x.onnx", "--reference", file, "--dataset", "ring"], "--dataset is not for images"),
        (["--features", "x.onnx", "--reference", str(tmp_path / "y.npy")], "there is no file or folder"),
        (["--features", "x.onnx", "--reference", file], "there is no file 'x.onnx'"),
    ):
        result = CliRunner().invoke(main, ["evaluate", file, *options])
        assert result.exit_code == 2, result.output
        assert message in result.output
