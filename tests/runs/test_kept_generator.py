"""Samples of finished runs: of their own generators, others than those that were scored, written as a whole."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import ganbench
from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import draw, stream
from ganbench.evaluation.samples import read_samples
from ganbench.runs.kept_generator import facts_of_weights, find_generator, generator_samples
from ganbench.runs.write_samples import check_place, write_samples
from ganbench.tracking import RunInfo
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store

RUN = ["run", "--loss", "minimax", "--dataset", "ring", "--steps", "12", "--eval-every", "3", "--seeds", "0-1"]
RUN += ["--arch", "mlp:latent_dim=2,generator_widths=[16]"]
RUN += ["--set", "evaluation.samples=600", "--set", "evaluation.quick_samples=500", "--set", "train.ema=0.5"]
NEVER_FINITE = """
from ganbench.plugin import LOSSES, Loss, register

@register(LOSSES, "never-finite")
class NeverFinite(Loss):
    "Loss that is never finite."
    output = "score"

    def critic_loss(self, real, fake):
        return real.mean() * float("nan") + fake.mean()

    def generator_loss(self, fake, real):
        return -fake.mean()
"""


def invoke(*words: str | Path, status: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.output


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two finished seeds and one that diverged."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "never_finite.py").write_text(NEVER_FINITE)
    invoke(*RUN, "--keep", "best:hq", "--store", folder / "store")
    words = [*RUN[:2], "never-finite", *RUN[3:]]
    invoke(*words, "--plugin", folder / "never_finite.py", "--store", folder / "store", status=1)
    return folder / "store"


@pytest.fixture(scope="module")
def runs(store: Path) -> dict[str, str]:
    """Run ids by loss and seed."""
    table = ganbench.load_results(store=store)
    return {f"{loss}-{seed}": run for loss, seed, run in zip(table["loss"], table["seed"], table["run"], strict=True)}


def test_samples_are_those_of_the_kept_generator_from_latents_of_their_own(
    store: Path, runs: dict[str, str], tmp_path: Path
) -> None:
    run = runs["minimax-1"]
    samples = ganbench.sample(run, 700, store=store)
    assert (str(samples.dtype), samples.shape) == ("float32", (700, 2))
    generator = find_generator(find_store(str(store)), run, "last", tmp_path)
    latents = torch.cat([draw("normal", (500, 2), stream(0, "samples", block)) for block in range(2)])
    with torch.no_grad():
        np.testing.assert_allclose(samples, generator.network(latents)[:700].numpy(), atol=1e-6)
    tracked = np.load(generator.weights.parents[1] / "samples" / "samples.npy")  # by the trainer
    scored = generator_samples(generator.spec, generator.weights, 600, 1, "evaluation", torch.device("cpu"))
    np.testing.assert_allclose(scored.numpy(), tracked[:600], atol=1e-6)
    assert not {tuple(point) for point in scored.tolist()} & {tuple(point) for point in samples.tolist()}
    assert np.array_equal(ganbench.sample(run[:8], 30, store=store), samples[:30])
    assert not np.array_equal(ganbench.sample(run, 30, seed=1, store=store), samples[:30])
    assert not np.array_equal(ganbench.sample(runs["minimax-0"], 30, store=store), samples[:30])


def test_best_weights_are_those_of_the_best_evaluation(store: Path, runs: dict[str, str], tmp_path: Path) -> None:
    best = ganbench.load_results(store=store, select="best:hq")
    best = best[(best["kind"] == "final") & (best["metric"] == "hq")].set_index("run")
    place, steps = find_store(str(store)), []
    for run in (runs["minimax-0"], runs["minimax-1"]):
        facts = facts_of_weights(find_generator(place, run, "best", tmp_path).weights)
        steps.append(int(facts["step"]))
        assert (steps[-1], float(facts["hq"])) == (best.loc[run, "step"], best.loc[run, "value"])
        same = np.array_equal(ganbench.sample(run, weights="best", store=store), ganbench.sample(run, store=store))
        assert same == (steps[-1] == 12)
    assert min(steps) < 12, "else the last would do"


def test_best_weights_are_rescored_without_changing_the_run(store: Path, runs: dict[str, str], tmp_path: Path) -> None:
    """Their samples are those that were scored at their step, or they are refused."""
    copy = tmp_path / "store"
    shutil.copytree(store, copy)
    words = ["rescore", runs["minimax-0"], "--metric", "vendi", "--weights", "best", "--store", str(copy)]
    before = ganbench.load_results(store=copy, history=True)
    printed = invoke(*words)
    assert "vendi" in printed
    assert "nothing was added" in printed
    pd.testing.assert_frame_equal(ganbench.load_results(store=copy, history=True), before)
    weights = find_generator(find_store(str(copy)), runs["minimax-0"], "best", tmp_path).weights
    other = find_generator(find_store(str(copy)), runs["minimax-1"], "best", tmp_path).weights
    shutil.copy(other, weights)
    assert "don't make the samples that were scored" in invoke(*words, status=1)


def test_a_finished_run_that_keeps_only_its_last_weights_says_so_where_the_best_are_asked_for(
    store: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And not where they are kept, or in a run that is trained again."""
    words: list[str | Path] = [*RUN, "--store", store]
    (line,) = [
        line for line in invoke(*words, "--keep", "best:modes").splitlines() if "best weights by 'modes'" in line
    ]
    assert line.startswith("seeds 0 and 1 have finished without keeping")
    assert line.endswith("only the last: to keep both, repeat them with the option 'force'")
    assert "best weights by" not in invoke(*words, "--keep", "best:hq")
    settings = {"evaluation.samples": 600, "evaluation.quick_samples": 500, "train.ema": 0.5, "evaluation.every": 3}
    network = "mlp:latent_dim=2,generator_widths=[16]"
    ganbench.run(
        "minimax", network, dataset="ring", seeds="0-1", steps=12, options=settings, keep="best:modes", store=store
    )
    assert line in capfd.readouterr().out


@pytest.mark.parametrize(
    ("keep", "words"),
    [("fid", "should read best:METRIC"), ("best:", "should read"), ("best:fid", "choose modes, modes_strict, hq")],
)
def test_what_cannot_be_kept_is_refused_before_training(keep: str, words: str, tmp_path: Path) -> None:
    assert words in invoke(*RUN, "--keep", keep, "--store", tmp_path / "store", status=2)
    with pytest.raises(GanbenchError, match=words):
        ganbench.run(dataset="ring", steps=2, keep=keep, store=tmp_path / "store")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["points.npy", "new/folder/points.NPZ"])
def test_written_samples_are_those_of_the_function_and_can_be_scored(
    name: str, store: Path, runs: dict[str, str], tmp_path: Path
) -> None:
    run = runs["minimax-0"]
    printed = invoke("sample", run, "--count", "600", "--out", tmp_path / name, "--store", store)
    assert f"600 samples of run {run} (minimax · mlp · ring): {tmp_path / name}" in printed
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    read = read_samples(tmp_path / name, (2,)).tensor.numpy()
    assert np.array_equal(read, ganbench.sample(run, 600, store=store))
    command = printed.partition("Next: ganbench ")[2].split()
    assert "600 × 2" in invoke(*command, "--count", "600")


def test_names_are_chosen_where_none_is_given(
    store: Path, runs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = runs["minimax-0"]
    invoke("sample", run[:6], "--store", store)
    printed = invoke("export", run[:6], "--store", store)
    assert {path.name for path in tmp_path.iterdir()} == {f"samples-{run}.npz", f"generator-{run}.pt2"}
    assert "from latents [N, 2], normal to samples [N, 2]" in printed
    assert len(np.load(f"samples-{run}.npz")["samples"]) == 1000
    for command in ("sample", "export"):
        assert "exists" in invoke(command, run, "--store", store, status=2)
    invoke("sample", run, "--count", "3", "--store", store, "--force")
    assert len(np.load(f"samples-{run}.npz")["samples"]) == 3


@pytest.mark.parametrize("kind", ["onnx", "safetensors"])
def test_exported_generator_is_scored_by_the_printed_command(
    kind: str, store: Path, runs: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / f"the generator.{kind}"
    printed = invoke("export", runs["minimax-1"], "--out", path, "--store", store)
    command = shlex.split(printed.partition("Next: ganbench ")[2])
    assert "500 × 2" in invoke(*command, "--count", "500")


def test_runs_without_weights_are_refused(store: Path, runs: dict[str, str], tmp_path: Path) -> None:
    group = RunInfo("group1", "a group", {"loss": "x"})
    MlflowTracker(find_store(str(store)), "open").open(RunInfo("feedfacefeed", "x", {}, {"seed": "0"}), group)
    cases = {
        "feed": "has not come to its end",
        runs["never-finite-0"]: "diverged",
        "abcdef": "there is no run",
        "x": "run id",
    }
    for run, words in cases.items():
        for command in ("sample", "export"):
            assert words in invoke(command, run, "--store", store, status=2)
        with pytest.raises(GanbenchError, match=words):
            ganbench.sample(run, store=store)
    best = (runs["never-finite-0"], "--weights", "best", "--store", store)
    for command in ("sample", "export"):
        assert "has no best weights" in invoke(command, *best, status=2)
    assert "no final scores" in invoke("rescore", "--metric", "vendi", *best, status=1)
    copy = tmp_path / "copy"
    shutil.copytree(store, copy)
    for path in copy.rglob("weights.safetensors"):
        path.unlink()
    words = "has no checkpoint/weights.safetensors: it was deleted, or never kept"
    assert words in invoke("sample", runs["minimax-0"], "--store", copy, status=2)
    assert words in invoke("rescore", runs["minimax-0"], "--metric", "vendi", "--store", copy, status=1)
    with pytest.raises(GanbenchError, match="at least one"):
        ganbench.sample(runs["minimax-0"], 0, store=store)


def test_generator_is_found_in_a_store_that_was_moved(store: Path, runs: dict[str, str], tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(store, moved)
    generator = find_generator(find_store(str(moved)), runs["minimax-0"], "last", tmp_path)
    assert moved in generator.weights.parents


def test_pictures_are_what_was_drawn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for channels in (1, 3):
        images = random.integers(0, 256, (3, channels, 8, 6), dtype=np.uint8)
        folder = tmp_path / str(channels)
        write_samples(images, folder)
        assert sorted(path.name for path in folder.iterdir()) == ["0000.png", "0001.png", "0002.png"]
        read = read_samples(folder, (channels, 8, 6)).tensor
        assert np.array_equal(((read.numpy() + 1) * 127.5).round(), images)


def test_pictures_of_an_earlier_call_are_replaced_and_other_files_stay(tmp_path: Path) -> None:
    black, white = np.zeros((5, 1, 4, 4), np.uint8), np.full((2, 1, 4, 4), 255, np.uint8)
    write_samples(black, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "my.png").write_text("mine")
    with pytest.raises(GanbenchError, match="is not empty"):
        check_place(tmp_path, (1, 4, 4), False)
    check_place(tmp_path, (1, 4, 4), True)
    write_samples(white, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000.png", "0001.png", "my.png", "notes.txt"]
    with Image.open(tmp_path / "0001.png") as picture:
        assert picture.getpixel((0, 0)) == 255


def test_names_of_many_pictures_are_sorted_in_order(tmp_path: Path) -> None:
    images = np.zeros((10_001, 1, 1, 1), np.uint8)
    images[10_000] = 9
    write_samples(images, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert (names[0], names[-1]) == ("00000.png", "10000.png")


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("pictures", (2,), r"shape \[2\] are no pictures"),
        ("pictures", (2, 8, 8), "are no pictures"),
        ("x.png", (1, 8, 8), "neither an .npz or .npy file nor a folder"),
        ("file", (1, 8, 8), "neither an .npz or .npy file nor a folder"),
        ("file.npz", (1, 8, 8), "exists"),
        ("folder.npz", (1, 8, 8), "is a folder"),
        ("full", (1, 8, 8), "is not empty"),
    ],
)
def test_places_that_samples_cannot_go_to(name: str, shape: tuple[int, ...], words: str, tmp_path: Path) -> None:
    for file in ("file", "file.npz"):
        (tmp_path / file).write_text("mine")
    for folder in ("folder.npz", "full/inner", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(GanbenchError, match=words):
        check_place(tmp_path / name, shape, False)
    check_place(tmp_path / "empty", (3, 8, 8), False)
    check_place(tmp_path / "file.npz", (2,), True)
    assert sorted(tmp_path.rglob("*")) == before


def test_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    images = np.zeros((3, 1, 4, 4), np.uint8)
    (tmp_path / "earlier.npz").write_text("earlier")
    monkeypatch.setattr(np, "savez", fail)
    original = Image.Image.save

    def fail_at_second(self: Image.Image, path: Path) -> None:
        if path.name == "0001.png":
            fail()
        original(self, path)

    monkeypatch.setattr(Image.Image, "save", fail_at_second)
    for name in ("earlier.npz", "new.npz", "new"):
        with pytest.raises(OSError, match="No space left"):
            write_samples(images, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["earlier.npz"]
    assert (tmp_path / "earlier.npz").read_text() == "earlier"
