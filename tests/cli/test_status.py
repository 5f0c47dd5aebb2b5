"""`ganbench status`: one line for each experiment of a folder; without torch, once a file is known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_where
from ganbench.spec import sweep_plan, sweep_spec
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.spec.sweep_plan import find_plan
from ganbench.spec.sweep_spec import read_sweep

FILE = """
seeds = 2
[base]
dataset = "ring"
protocol = "pacgan-2018"
[base.train]
steps = {steps}
batch_size = 8
[axes]
loss = ["minimax", "hinge"]
"""


def test_status_of_a_folder_has_a_line_for_each_experiment(tmp_path: Path) -> None:
    folder, store = tmp_path / "questions", str(tmp_path / "store")
    folder.mkdir()
    (folder / "done.toml").write_text(FILE.format(steps=2))
    (folder / "waiting.toml").write_text(FILE.format(steps=3))
    trained = CliRunner().invoke(main, ["sweep", str(folder / "done.toml"), "--store", store, "--jobs", "1"])
    assert trained.exit_code == 0, trained.output
    status = CliRunner().invoke(main, ["status", str(folder), "--store", store])
    assert status.exit_code == 1, "something is missing"
    heading, done, waiting, *_ = (line.split() for line in status.output.splitlines())
    assert heading == ["experiment", "groups", "runs", "trained", "left"]
    assert (done[:7], done[-1]) == (["done", "2", "of", "2", "4", "of", "4"], "done")
    assert waiting == ["waiting", "0", "of", "2", "0", "of", "4", "not", "known", "yet"]
    one = CliRunner().invoke(main, ["status", str(folder / "done.toml"), "--store", store])
    assert one.exit_code == 0
    assert "2 of 2 groups done" in one.output


def test_status_of_a_known_file_does_not_import_torch(tmp_path: Path) -> None:
    file, cache = tmp_path / "file.toml", {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    file.write_text(FILE.format(steps=2))
    code = (
        "import sys; from ganbench.cli import main\n"
        "try: main(['status', *sys.argv[1:]])\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(file), "--store", str(tmp_path / "store")]
    first, second = (subprocess.run(command, capture_output=True, text=True, env=cache, check=False) for _ in "ab")
    assert (first.returncode, second.returncode) == (1, 0), "torch is imported to resolve the file, and not again"
    assert "0 of 2 groups done, 2 waiting" in second.stdout
    assert second.stdout == first.stdout


def test_a_kept_plan_is_the_same_as_the_file_under_each_budget(tmp_path: Path) -> None:
    file = tmp_path / "file.toml"
    file.write_text(FILE.format(steps=2) + "[budget.small]\nseeds = 1\n[budget.large]\nseeds = '0-4,7'\n")
    for budget in (None, "small", "large"):
        assert find_plan(file, budget) is None
        sweep = read_sweep(file, budget)
        plan, known = sweep.plan, find_plan(file, budget)
        assert known is not None
        assert (known.name, known.budget, known.seeds, known.block) == (plan.name, plan.budget, plan.seeds, plan.block)
        assert [record.run_id(3) for record in known.records] == [spec.run_id(3) for spec in sweep.specs]
        assert [(record.group_id, record.title, record.work) for record in known.records] == [
            (spec.group_id, spec.title, spec.train.steps * spec.costs["critic_evaluations"]) for spec in sweep.specs
        ]
        assert known.annotations == plan.annotations
        conditions = {"loss": ["hinge"], "train.steps": ["2"]}
        assert [record.title for record in known.where(conditions).records] == ["hinge · mlp · ring"]
        with pytest.raises(GanbenchError, match=r"did you mean 'train\.steps'"):
            known.where({"train.step": ["2"]})


def test_a_component_is_found_by_its_name_without_its_options(tmp_path: Path) -> None:
    file = tmp_path / "file.toml"
    axis = 'penalty = ["none", "r1:gamma=1", "r1:gamma=2", "r1:gamma=1 + r2:gamma=1"]'
    file.write_text(f'[base]\ndataset = "ring"\n[axes]\n{axis}\n')
    plan = read_sweep(file, None).plan
    for condition, expected in (("r1", 2), ("r1:gamma=1", 1), ("r1 + r2", 1), ("none", 1), ("none|r1", 3)):
        assert len(plan.where(parse_where([f"penalty={condition}"])).records) == expected, condition
    with pytest.raises(GanbenchError, match="nothing in 'file' matches"):
        plan.where(parse_where(["penalty=r2"]))


@pytest.mark.parametrize("word", ["2e-05", "2e-5", ".00002", "0.00002"])
def test_a_number_is_found_however_it_is_written(word: str, tmp_path: Path) -> None:
    file = tmp_path / "file.toml"
    file.write_text('[base]\ndataset = "ring"\n[axes]\n"train.critic_lr" = [2e-5, 2e-4, 1.0]\n')
    plan = read_sweep(file, None).plan
    assert len(plan.where(parse_where([f"train.critic_lr={word}"])).records) == 1
    assert len(plan.where(parse_where([f"train.critic_lr={word}|1"])).records) == 2


def test_what_a_spec_leaves_out_is_none(tmp_path: Path) -> None:
    """An option that was added later is in a spec only if it is used."""
    file = tmp_path / "file.toml"
    archs = 'arch = ["mlp:generator_norm=none", "mlp:generator_norm=batch"]'
    file.write_text(f'[base]\ndataset = "ring"\n[axes]\n{archs}\n')
    plan = read_sweep(file, None).plan
    for condition, expected in (("none", 1), ("batch", 1), ("none|batch", 2)):
        assert len(plan.where(parse_where([f"arch.generator_norm={condition}"])).records) == expected, condition
    with pytest.raises(GanbenchError, match=r"arch\.generator_norm is batch, none"):
        plan.where(parse_where(["arch.generator_norm=layer"]))


def test_a_plan_is_not_used_after_the_file_or_the_code_changed_or_if_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_plan, "user_cache_folder", lambda: tmp_path / "cache")
    file = tmp_path / "file.toml"
    file.write_text(FILE.format(steps=2))
    read_sweep(file)
    assert find_plan(file, None) is not None
    file.write_text(FILE.format(steps=3))
    assert find_plan(file, None) is None
    read_sweep(file)
    with monkeypatch.context() as patch:
        patch.setattr(sweep_plan, "_code", lambda: "another version")
        assert find_plan(file, None) is None
    assert find_plan(file, None) is not None
    (place,) = (tmp_path / "cache" / "plans").glob("*.json")
    for damaged in (place.read_text()[:-20], "[]", "{}", '"x"', '{"made_from": 1, "records": [3]}'):
        place.write_text(damaged)
        assert find_plan(file, None) is None


def test_a_file_that_changes_while_it_is_read_leaves_no_plan_of_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.toml"
    file.write_text(FILE.format(steps=2))

    def resolve_slowly(settings: Mapping[str, Any]) -> RunSpec:
        file.write_text(FILE.format(steps=3))
        return resolve(settings)

    monkeypatch.setattr(sweep_spec, "resolve", resolve_slowly)
    assert {spec.train.steps for spec in read_sweep(file).specs} == {2}
    assert find_plan(file, None) is None


PLUGIN = """
from ganbench.methods.losses.minimax import Minimax
from ganbench.plugin import LOSSES, register

@register(LOSSES, "mine")
class Mine(Minimax):
    "Ours under another name (nobody, 2026)."
"""


def test_specs_with_components_of_plugins_are_not_kept(tmp_path: Path) -> None:
    plugin, file = tmp_path / "mine.py", tmp_path / "file.toml"
    plugin.write_text(PLUGIN)
    file.write_text(FILE.format(steps=2).replace("hinge", "mine"))
    arguments = ["status", str(file), "--store", str(tmp_path / "store"), "--plugin", str(plugin)]
    result = CliRunner().invoke(main, arguments)
    assert "0 of 2 groups done" in result.output
    assert find_plan(file, None) is None
