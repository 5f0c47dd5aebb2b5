"""Completion in the shell: names of components and experiments, without torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from ganbench.cli.main import main
from ganbench.core.component_index import FOLDERS, SINGULAR, from_source
from ganbench.tracking import RunInfo, Status
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import find_store

NAMED = {"--loss": "losses", "--arch": "archs", "--dataset": "datasets", "--penalty": "penalties"}
NAMED |= {"--wrapper": "wrappers", "--protocol": "protocols", "--metric": "metrics"}


def completions(words: str, start: str = "") -> list[str]:
    found = ShellComplete(main, {}, "ganbench", "_GANBENCH_COMPLETE").get_completions(words.split(), start)
    return [item.value for item in found if item.type == "plain"]


@pytest.mark.parametrize("option", NAMED)
def test_options_of_run_complete_the_names_of_components(option: str) -> None:
    names = [entry.name for entry in from_source(NAMED[option])]
    assert completions(f"run {option}") == names
    assert completions(f"run {option}", names[0]) == [name for name in names if name.startswith(names[0])]


def test_every_option_that_names_a_component_completes_it() -> None:
    components = {option.removeprefix("--") for option in NAMED}
    for name, command in main.commands.items():
        for option in command.params:
            words = {text.removeprefix("--") for text in option.opts}
            if isinstance(option, click.Option) and words & components and name in ("run", "evaluate"):
                assert option._custom_shell_complete is not None, f"{name} {option.opts}"


def test_show_completes_names_of_the_kind_before() -> None:
    assert completions("show") == list(SINGULAR)
    assert completions("show loss", "wg") == ["wgan-gp"]
    assert completions("show protocol", "veegan") == ["veegan-2017"]
    assert completions("show nothing") == []
    assert completions("list") == list(FOLDERS)


@pytest.mark.parametrize("command", ["sweep", "status"])
def test_experiments_are_completed_by_name(command: str) -> None:
    assert {"studies/balance", "studies/factorial"} <= set(completions(command, "studies/"))


@pytest.mark.parametrize("command", ["sample", "export", "rescore", "reproduce", "compare --run"])
def test_finished_runs_of_the_store_are_completed_by_id(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a store"
    every: dict[str, tuple[Status, ...]] = {
        "one": ("finished", "collapsed"),
        "two": ("diverged", "running", "finished"),
    }
    for experiment, statuses in every.items():
        tracker = MlflowTracker(find_store(str(place)), experiment)
        for seed, status in enumerate(statuses):
            run = RunInfo(f"{experiment}{seed}", "a title", {"loss": "hinge", "dataset": "ring"}, {"seed": str(seed)})
            log = tracker.open(run, RunInfo(experiment, "a group", {}))
            log.tags({"name": "mine" if status == "collapsed" else ""})
            if status != "running":
                log.finish(status, 1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(place))
    assert sorted(completions(command)) == ["one0", "one1", "two2"]
    assert completions(command, "one1") == ["one1"]
    assert completions(command, "%") == []
    words = ShellComplete(main, {}, "ganbench", "G").get_completions(command.split(), "one")
    assert {item.value: item.help for item in words} == {
        "one0": "hinge on ring, seed 0",
        "one1": "mine on ring, seed 1",
    }
    assert completions(f"{command} --store {tmp_path / 'none'}".replace("--run --store", "--store")) == []
    for address in ("http://127.0.0.1:9", "ftp://nothing"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert completions(command) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_accepted_by_the_shell_and_asks_ganbench(shell: str) -> None:
    script = subprocess.run(
        [sys.executable, "-m", "ganbench", "completion", shell], capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert f"_GANBENCH_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        # Click asks bash for its version when the script is made, not when it is read.
        checked = subprocess.run([shell, "-n"], input=script, capture_output=True, encoding="utf-8", check=False)
        assert checked.returncode == 0, checked.stderr


def test_completion_does_not_wait_for_torch() -> None:
    code = "import sys; from ganbench.cli.main import main; from click.shell_completion import ShellComplete as C; "
    code += "items = C(main, {}, 'g', 'G').get_completions(['run', '--loss'], 'wg'); "
    code += "C(main, {}, 'g', 'G').get_completions(['sample'], ''); "
    code += "print([item.value for item in items], 'torch' in sys.modules, 'mlflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True, env={**os.environ}
    )
    assert done.stdout.strip() == "['wgan-gp'] False False"
