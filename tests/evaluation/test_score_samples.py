"""`ganbench evaluate` and `ganbench.evaluate`: samples that anything made, scored as our own are."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import save_file

import ganbench
from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.data.grid import Grid
from ganbench.data.labelled import LabelledImages
from ganbench.data.ring import Ring
from ganbench.methods.archs import ARCHS


def evaluate(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


def scores(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def value(evaluation: dict[str, Any], metric: str) -> float:
    (score,) = [score for score in evaluation["scores"] if score["metric"] == metric]
    return float(score["value"])


@pytest.fixture
def grid_without_a_mode(tmp_path: Path) -> Path:
    """50,000 exact points of the grid, none of which is nearest to mode 7."""
    cpu = torch.device("cpu")
    points = Grid().load(cpu).floor_samples(60_000, draw=99)
    path = tmp_path / "points.npy"
    np.save(path, points[Grid().evaluator(cpu)(points).labels != 7][:50_000].numpy())
    return path


def test_one_set_of_samples_is_scored_under_all_protocols_at_once(grid_without_a_mode: Path) -> None:
    words = [word for name in ("veegan-2017", "pacgan-2018", "selfcond-2020") for word in ("--protocol", name)]
    by_name = {
        each["protocol"].partition(" ")[0]: each
        for each in scores(evaluate(grid_without_a_mode, "--dataset", "grid", *words, "--format", "json"))
    }
    assert list(by_name) == ["veegan-2017", "pacgan-2018", "selfcond-2020"]
    assert {name: each["samples"] for name, each in by_name.items()} == {
        "veegan-2017": 2_500,
        "pacgan-2018": 2_500,
        "selfcond-2020": 50_000,
    }
    assert {value(each, "modes") for each in by_name.values()} == {24}
    # 24 of 25 equal modes: ln 25/24.
    assert value(by_name["selfcond-2020"], "kl") == pytest.approx(math.log(25 / 24), abs=0.002)
    assert value(by_name["pacgan-2018"], "hq") < value(by_name["selfcond-2020"], "hq")


def test_all_protocols_that_know_the_data_are_meant_by_all(grid_without_a_mode: Path) -> None:
    found = scores(evaluate(grid_without_a_mode, "--dataset", "grid", "--protocol", "all", "--format", "json"))
    assert [each["protocol"] for each in found] == [
        "ganbench-1 v1",
        "pacgan-2018 v1",
        "selfcond-2020 v1",
        "veegan-2017 v1",
    ]


def test_the_table_names_the_protocol_the_floor_and_what_is_missing(grid_without_a_mode: Path) -> None:
    result = evaluate(grid_without_a_mode, "--dataset", "grid", "--protocol", "veegan-2017")
    assert result.exit_code == 0, result.output
    assert "veegan-2017 v1" in result.output
    assert "real data" in result.output
    assert "24 of 25 modes" in result.output
    assert "missing: 7" in result.output


def test_python_gives_what_the_command_gives(grid_without_a_mode: Path) -> None:
    points = np.load(grid_without_a_mode)
    result = ganbench.evaluate(points, dataset="grid", protocol="pacgan-2018", device="cpu")
    (told,) = scores(
        evaluate(grid_without_a_mode, "--dataset", "grid", "--protocol", "pacgan-2018", "--format", "json")
    )
    assert {score.metric: score.value for score in result.scores} == {
        score["metric"]: score["value"] for score in told["scores"]
    }
    assert result["modes"] == 24
    assert result.protocol == "pacgan-2018 v1"
    with pytest.raises(KeyError):
        result["fid"]
    with pytest.raises(GanbenchError, match="dataset"):
        ganbench.evaluate(points, dataset="gird")


@pytest.mark.parametrize(("device", "complaint"), [("cuda", "no GPU"), ("gpu", "unknown device 'gpu'")])
def test_python_refuses_a_device_as_the_command_does(
    device: Any, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(GanbenchError, match=complaint):
        ganbench.evaluate(np.zeros((1_000, 2)), dataset="ring", device=device)


def test_real_images_and_one_image_repeated(tmp_path: Path, mnist: LabelledImages) -> None:
    real, one = tmp_path / "real.npz", tmp_path / "one.npz"
    np.savez(real, mnist.train[:1000].numpy())
    np.savez(one, mnist.train[:1].repeat(1000, 1, 1, 1).numpy())
    (good,), (bad,) = (scores(evaluate(path, "--count", "1000", "--format", "json")) for path in (real, one))
    assert good["protocol"] == "ganbench-1 v1 at N=1,000", "not the protocol's own number of samples: it says so"
    assert (value(good, "modes"), value(bad, "modes")) == (10, 1)
    assert value(good, "memorisation") == 1, "they are training images"
    assert value(bad, "near_duplicates") == 1
    assert value(bad, "mode_width") == 0
    assert value(good, "hq") > 0.95


def test_an_evaluation_is_kept_beside_trained_runs(grid_without_a_mode: Path, tmp_path: Path) -> None:
    words = ("--dataset", "grid", "--protocol", "veegan-2017", "--track", "theirs", "--store", tmp_path / "store")
    for _ in range(2):  # twice: the same run
        assert evaluate(grid_without_a_mode, *words).exit_code == 0
    shown = CliRunner().invoke(main, ["compare", "--store", str(tmp_path / "store"), "--format", "csv"])
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[0].startswith("loss,arch,options,protocol,samples,seeds")
    assert lines[1].startswith("theirs,samples,,veegan-2017 v1,2500.0,1")


def test_a_generator_of_ours_is_run_from_its_weights(tmp_path: Path) -> None:
    arch = ARCHS.create({"name": "mlp", "latent_dim": 2, "generator_widths": [128, 128], "critic_widths": [128, 128]})
    save_file(dict(arch.generator((2,)).state_dict()), tmp_path / "weights.safetensors")
    (found,) = scores(
        evaluate(
            tmp_path / "weights.safetensors",
            *("--dataset", "ring", "--arch", "mlp", "--protocol", "pacgan-2018", "--format", "json"),
        )
    )
    assert value(found, "hq") < 0.1, "untrained"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--dataset", "mnist"), "shape"),
        (("--dataset", "ring", "--protocol", "meg-2019"), "doesn't cover ring"),
        (("--dataset", "ring:radius=3", "--protocol", "pacgan-2018"), "fixes radius of ring at 1.0"),
        (("--dataset", "gird"), "did you mean 'grid'"),
        (("--dataset", "ring", "--count", "70000"), "there are only 1,000"),
        (("--dataset", "ring"), "needs 50,000 samples, but there are only 1,000"),
        (("--dataset", "ring", "--count", "10"), "too few to mean anything"),
    ],
)
def test_what_cannot_be_scored_is_one_line(tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    path = tmp_path / "points.npy"
    np.save(path, Ring().load(torch.device("cpu")).floor_samples(1_000).numpy())
    result = evaluate(path, *words)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert complaint in result.stderr
    assert not result.stdout
