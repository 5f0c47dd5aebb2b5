"""Experiment files: the sweeps that they define, and errors for invalid ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.runs.sweep_status import differences
from ganbench.spec.sweep_spec import Sweep, read_sweep

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))
GPU_STUDIES = sorted((EXPERIMENTS[0].parent / "gpu").glob("*.toml"))

FILE = """
question = "Does it?"
seeds = "0-2"
[base]
dataset = "ring"
arch = "mlp:latent_dim=3"
[base.train]
batch_size = 64
[axes]
loss = ["minimax", "wgan-gp"]
packing = [{ "train.pac" = 1 }, { "train.pac" = 2, "train.batch_size" = 128 }]
penalty = ["none", "r1:gamma=2 + r2"]
[budget.course]
"train.steps" = 20
[budget.paper]
"train.steps" = 4000
seeds = "0-9"
"""


def sweep_of(tmp_path: Path, text: str, budget: str | None = None) -> Sweep:
    path = tmp_path / "question.toml"
    path.write_text(text)
    return read_sweep(path, budget)


def test_every_combination_of_axes_is_a_spec(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, FILE)
    combinations = {
        (spec.loss.name, spec.train.pac, spec.train.batch_size, tuple(p.name for p in spec.penalties))
        for spec in sweep.specs
    }
    assert combinations == {
        (loss, *packing, penalties)
        for loss in ("minimax", "wgan-gp")
        for packing in ((1, 64), (2, 128))
        for penalties in ((), ("r1", "r2"))
    }
    assert len(sweep.specs) == 8
    assert {spec.arch.latent_dim for spec in sweep.specs} == {3}
    assert {spec.train.steps for spec in sweep.specs} == {20}
    assert {spec.train.n_critic for spec in sweep.specs if spec.loss.name == "wgan-gp"} == {5}, (
        "the recipe of the loss applies"
    )
    assert (sweep.name, sweep.question, sweep.budget, sweep.seeds) == ("question", "Does it?", "course", (0, 1, 2))


def test_budget_may_change_settings_and_seeds(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, FILE, "paper")
    assert {spec.train.steps for spec in sweep.specs} == {4000}
    assert sweep.seeds == tuple(range(10))


def test_seeds_are_trained_at_once_or_in_blocks(tmp_path: Path) -> None:
    assert sweep_of(tmp_path, FILE).blocks == ((0, 1, 2),)
    blocks = sweep_of(tmp_path, f"block = 2\n{FILE}")
    assert blocks.blocks == ((0, 1), (2,))
    assert blocks.specs == sweep_of(tmp_path, FILE).specs, "run ids don't depend on blocks"
    assert sweep_of(tmp_path, f"block = 4\n{FILE}", "paper").blocks == ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9))
    assert sweep_of(tmp_path, f"block = 4\n{FILE}").blocks == ((0, 1, 2),), "a smaller budget needs no other block"


def test_budget_replaces_only_the_settings_it_names(tmp_path: Path) -> None:
    text = """
[base]
arch = "dcgan:latent=uniform,slope=0.1"
dataset = "mnist"
[base.train]
steps = 7
critic_lr = 0.005
[budget.small]
arch = "mlp"
"train.images" = "64k"
"""
    [spec] = sweep_of(tmp_path, text).specs
    assert (spec.arch.name, spec.arch.latent, spec.train.critic_lr, spec.train.steps) == ("mlp", "normal", 0.005, 1000)


def test_groups_are_described_by_the_options_that_differ(tmp_path: Path) -> None:
    descriptions = differences(sweep_of(tmp_path, FILE).plan.records)
    assert len(set(descriptions)) == 4, "each occurs twice, for two losses, which are named separately"
    assert "penalty=none, train.batch_size=64, train.pac=1" in descriptions
    assert not any("steps" in line or "latent" in line for line in descriptions)


def test_duplicate_combinations_are_trained_once(tmp_path: Path) -> None:
    assert len(sweep_of(tmp_path, '[axes]\nloss = ["minimax", "minimax:smoothing=0"]').specs) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("axis = 1", "did you mean 'axes'?"),
        ("[axes]\nloss = 'minimax'", "must be a list"),
        ("[axes]\nloss = []", "at least one value"),
        ("[axes]\nlos = ['minimax']", "there is no setting 'los': did you mean 'loss'?"),
        ("[axes]\nloss = ['minmax']", "with loss = minmax: unknown loss 'minmax': did you mean 'minimax'?"),
        ("[base]\n'train.n_critics' = 3", "has no option 'n_critics': did you mean 'n_critic'?"),
        ("base = 3", "'base' must be a table"),
        ("seeds = 3.5", "seeds should be a number like 10 or text"),
        ("seeds = 4\nblock = 5", "block must be a whole number from 1 to the number of seeds, which is 4, not 5"),
        ("seeds = 4\nblock = 0", "from 1 to the number of seeds, which is 4, not 0"),
        ("seeds = 4\nblock = 2.0", "which is 4, not 2.0"),
        ("seeds = 4\nblock = true", "which is 4, not True"),
        ("block = '2'", "which is 1, not '2'"),
        ("[block]\nsize = 2", "block must be a whole number"),
        ("[budget]\ncourse = 3", "a budget is a table"),
        ("[axes]\n'train.pac' = [7]", "pac (7) must divide the batch size"),
        ("[axes", "is not valid TOML"),
        ("[axes]\nloss = ['minimax']\nmethod = [{loss = 'hinge'}]", "two axes set 'loss'"),
        ("[base]\nloss = 'r3gan'\n[axes]\nloss = ['minimax']", "'loss' is set in [base]"),
        ("base.train = 3\n[axes]\n'train.pac' = [1]", "'train' can't be 3"),
        ("[axes]\npacking = [1, 2]", "axes with other names need tables as values"),
        ("[axes]\npenalty = [3]", "'penalty' must be text"),
        (
            "\n".join(["[axes]", *(f"'train.{n}' = {list(range(1, 12))}" for n in ("pac", "n_critic", "steps"))]),
            "more",
        ),
    ],
)
def test_invalid_file_gives_a_one_line_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(GanbenchError) as error:
        sweep_of(tmp_path, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_budget_is_reported(tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match="has no budget 'curse': did you mean 'course'"):
        sweep_of(tmp_path, FILE, "curse")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_shipped_experiments_have_a_question_and_two_budgets(path: Path) -> None:
    course, paper = read_sweep(path, "course"), read_sweep(path, "paper")
    assert course.question.endswith(".")
    assert "?" in course.question
    assert len(course.seeds) >= 3
    work = {sweep.budget: len(sweep.seeds) * sum(spec.train.steps for spec in sweep.specs) for sweep in (course, paper)}
    assert work["paper"] > work["course"]


@pytest.mark.parametrize("path", GPU_STUDIES, ids=lambda path: path.stem)
def test_gpu_studies_have_a_cost_estimate_and_a_rehearsal(path: Path) -> None:
    study, rehearsal = read_sweep(path), read_sweep(path, "rehearsal")
    assert len(study.seeds) in (8, 10)
    assert "Estimated, not measured" in path.read_text()
    assert len(rehearsal.specs) == len(study.specs)
    assert max(spec.train.steps for spec in rehearsal.specs) <= 50


def test_sweep_trains_missing_groups_and_prints_a_comparison(tmp_path: Path) -> None:
    file, store = tmp_path / "tiny.toml", str(tmp_path / "store")
    text = '{0}[axes]\nloss = {1}\n[base]\ndataset = "ring:points=2000"\n'
    text += 'arch = "mlp:generator_widths=[8],critic_widths=[8]"\n[base.train]\nsteps = 2\nbatch_size = 8\n'
    text += "[base.evaluation]\nevery = 2\nquick_samples = 500\nsamples = 500\n"
    file.write_text(text.format('question = "What?"\n', '["minimax"]'))
    first = CliRunner().invoke(main, ["sweep", str(file), "--store", store])
    assert first.exit_code == 0, first.output
    assert "What?" in first.output
    assert "1 of 1 groups done" in first.output
    file.write_text(text.format("", '["minimax", "hinge"]'))
    second = CliRunner().invoke(main, ["sweep", str(file), "--store", store])
    assert second.exit_code == 0, second.output
    assert "1 groups to do" in second.output, "minimax was finished"
    assert "2 of 2 groups done" in second.output
    table = second.output.splitlines()
    assert any(line.startswith("hinge") for line in table)
    assert any(line.startswith("minimax") for line in table)


def test_dry_run_lists_groups_without_training(tmp_path: Path) -> None:
    file = tmp_path / "question.toml"
    file.write_text(FILE)
    result = CliRunner().invoke(main, ["sweep", str(file), "--budget", "paper", "--dry-run"])
    assert result.exit_code == 0
    assert "8 groups of 10 seeds" in result.output
    assert result.output.count("4,000 steps") == 8
    assert not list(tmp_path.glob("mlruns*"))


def test_invalid_options_end_with_status_2_and_budgets_are_converted_to_steps() -> None:
    for flags, message in (
        (["--images", "ten"], "is not a number like 400k"),
        (["--images", "10k", "--steps", "5"], "give one budget"),
        (["--pac", "5"], "must divide the batch size"),
        (["--wrapper", "spectral"], "did you mean 'spectral-norm'?"),
        (["--wrapper", "batch-norm", "--penalty", "gp"], "can't be combined"),
    ):
        result = CliRunner().invoke(main, ["run", "--dataset", "ring", "--dry-run", *flags])
        assert result.exit_code == 2, flags
        assert message in result.output
    dry_run = CliRunner().invoke(main, ["run", "--dataset", "ring", "--images", "10M", "--dry-run"])
    assert "steps = 39062" in dry_run.output  # 256 images per step
    for flag, steps in (("--critic-steps", 200), ("--generator-steps", 1000), ("--critic-evaluations", 1)):
        flags = ["--loss", "wgan-gp", flag, "1k", "--dry-run"]
        assert f"\nsteps = {steps}\n" in CliRunner().invoke(main, ["run", "--dataset", "ring", *flags]).output
