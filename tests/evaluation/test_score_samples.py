"""`ganbench evaluate` and `ganbench.evaluate`: samples from any generator, scored like those of ganbench runs."""

from __future__ import annotations

import csv
import io
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


def evaluate(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, args)])


def scores(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    evaluations: list[dict[str, Any]] = json.loads(result.stdout)
    return evaluations


def value(evaluation: dict[str, Any], metric: str) -> float:
    (score,) = [score for score in evaluation["scores"] if score["metric"] == metric]
    return float(score["value"])


@pytest.fixture
def grid_without_a_mode(tmp_path: Path) -> Path:
    """50,000 exact points of the grid, without those of mode 7."""
    cpu = torch.device("cpu")
    points = Grid().load(cpu).floor_samples(60_000, draw=99)
    path = tmp_path / "points.npy"
    np.save(path, points[Grid().evaluator(cpu)(points).labels != 7][:50_000].numpy())
    return path


def test_advice_from_python_names_its_arguments() -> None:
    few = np.zeros((600, 28, 28), np.float32)
    with pytest.raises(GanbenchError, match=r"state it .* with pixel_range=$"):
        ganbench.evaluate(few + 0.5, device="cpu")
    with pytest.raises(GanbenchError, match=r"state another range, or cut them off with clip=True$"):
        ganbench.evaluate(few + 1.5, pixel_range="0..1", device="cpu")
    with pytest.raises(GanbenchError, match=r"or score fewer with count=600, which the table will state$"):
        ganbench.evaluate(few.reshape(-1)[:1200].reshape(600, 2), dataset="ring", device="cpu")


def test_samples_are_scored_under_several_protocols_at_once(grid_without_a_mode: Path) -> None:
    protocol_flags = [word for name in ("veegan-2017", "pacgan-2018", "selfcond-2020") for word in ("--protocol", name)]
    by_name = {
        evaluation["protocol"].partition(" ")[0]: evaluation
        for evaluation in scores(
            evaluate(grid_without_a_mode, "--dataset", "grid", *protocol_flags, "--format", "json")
        )
    }
    assert list(by_name) == ["veegan-2017", "pacgan-2018", "selfcond-2020"]
    assert {name: evaluation["samples"] for name, evaluation in by_name.items()} == {
        "veegan-2017": 2_500,
        "pacgan-2018": 2_500,
        "selfcond-2020": 50_000,
    }
    assert {value(evaluation, "modes") for evaluation in by_name.values()} == {24}
    # 24 of 25 equal modes: ln 25/24.
    assert value(by_name["selfcond-2020"], "kl") == pytest.approx(math.log(25 / 24), abs=0.002)
    assert value(by_name["pacgan-2018"], "hq") < value(by_name["selfcond-2020"], "hq")


def test_protocol_all_means_every_protocol_for_the_data_set(grid_without_a_mode: Path) -> None:
    evaluations = scores(evaluate(grid_without_a_mode, "--dataset", "grid", "--protocol", "all", "--format", "json"))
    assert [evaluation["protocol"] for evaluation in evaluations] == [
        "ganbench-1 v1",
        "ganbench-2 v1",
        "pacgan-2018 v1",
        "selfcond-2020 v1",
        "veegan-2017 v1",
    ]


def test_table_shows_protocol_floor_and_missing_modes(grid_without_a_mode: Path) -> None:
    result = evaluate(grid_without_a_mode, "--dataset", "grid", "--protocol", "veegan-2017")
    assert result.exit_code == 0, result.output
    assert "veegan-2017 v1" in result.output
    assert "real data" in result.output
    assert "24 of 25 modes" in result.output
    assert "7 is missing" in result.output


def test_python_and_command_line_give_equal_scores(grid_without_a_mode: Path) -> None:
    points = np.load(grid_without_a_mode)
    result = ganbench.evaluate(points, dataset="grid", protocol="pacgan-2018", device="cpu")
    (from_command,) = scores(
        evaluate(grid_without_a_mode, "--dataset", "grid", "--protocol", "pacgan-2018", "--format", "json")
    )
    assert {score.metric: score.value for score in result.scores} == {
        score["metric"]: score["value"] for score in from_command["scores"]
    }
    assert result["modes"] == 24
    assert result.protocol == "pacgan-2018 v1"
    with pytest.raises(KeyError):
        result["fid"]
    with pytest.raises(GanbenchError, match="dataset"):
        ganbench.evaluate(points, dataset="gird")


@pytest.mark.parametrize(("device", "complaint"), [("cuda", "no GPU"), ("gpu", "unknown device 'gpu'")])
def test_python_rejects_unavailable_and_unknown_devices(
    device: Any, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(GanbenchError, match=complaint):
        ganbench.evaluate(np.zeros((1_000, 2)), dataset="ring", device=device)


def test_scores_distinguish_real_images_from_one_repeated_image(tmp_path: Path, mnist: LabelledImages) -> None:
    real, repeated = tmp_path / "real.npz", tmp_path / "one.npz"
    np.savez(real, mnist.train[:1000].numpy())
    np.savez(repeated, mnist.train[:1].repeat(1000, 1, 1, 1).numpy())
    (good,), (bad,) = (scores(evaluate(path, "--count", "1000", "--format", "json")) for path in (real, repeated))
    assert good["protocol"] == "ganbench-2 v1 at N=1,000", "the label names a sample count other than the protocol's"
    assert (value(good, "modes"), value(bad, "modes")) == (10, 1)
    assert value(good, "copies_of_training") == pytest.approx(1, abs=0.005), "all are training images"
    assert value(bad, "near_duplicates") == 1
    assert value(bad, "width") == 0
    assert value(good, "hq") > 0.95


def test_tracked_evaluation_is_compared_like_a_run(grid_without_a_mode: Path, tmp_path: Path) -> None:
    args = ("--dataset", "grid", "--protocol", "veegan-2017", "--track", "theirs", "--store", tmp_path / "store")
    for _ in range(2):  # the second time, it is the same run
        assert evaluate(grid_without_a_mode, *args).exit_code == 0
    comparison = CliRunner().invoke(main, ["compare", "--store", str(tmp_path / "store"), "--format", "csv"])
    assert comparison.exit_code == 0, comparison.output
    row = next(csv.DictReader(io.StringIO(comparison.output)))
    columns = ("row", "loss", "arch", "options", "protocol", "selection", "samples", "seeds")
    assert [row[name] for name in columns] == [
        "group",
        "theirs",
        "samples",
        "",
        "veegan-2017 v1",
        "last",
        "2500.0",
        "1.0",
    ]


def test_generator_weights_of_a_known_architecture_are_scored(tmp_path: Path) -> None:
    arch = ARCHS.create({"name": "mlp", "latent_dim": 2, "generator_widths": [128, 128], "critic_widths": [128, 128]})
    save_file(dict(arch.generator((2,)).state_dict()), tmp_path / "weights.safetensors")
    (evaluation,) = scores(
        evaluate(
            tmp_path / "weights.safetensors",
            *("--dataset", "ring", "--arch", "mlp", "--protocol", "pacgan-2018", "--format", "json"),
        )
    )
    assert value(evaluation, "hq") < 0.1, "the generator is untrained"


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
def test_unusable_samples_give_a_one_line_error(tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    path = tmp_path / "points.npy"
    np.save(path, Ring().load(torch.device("cpu")).floor_samples(1_000).numpy())
    result = evaluate(path, *words)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert complaint in result.stderr
    assert not result.stdout


def test_sorted_samples_are_not_judged_by_the_first_ones() -> None:
    """A file sorted by mode has one mode at its beginning; one that was joined has its repeated part at the end."""
    points = Ring().load(torch.device("cpu")).floor_samples(6_000, 1)
    by_mode = points[torch.atan2(points[:, 1], points[:, 0]).argsort()]
    assert min(ganbench.evaluate(by_mode, dataset="ring", protocol="pacgan-2018").shares) > 0.05
    joined = torch.cat([points[:3_000], points[:10].repeat(300, 1)])
    assert "repeated" in ganbench.evaluate(joined, dataset="ring", protocol="pacgan-2018").verdict.faults
