"""Fuzzing of all external input: errors take one line and status 2, without traceback or files elsewhere.

`GANBENCH_FUZZ=20 pytest tests/test_fuzz.py` runs twenty times as many examples. Sample files are fuzzed in
`evaluation/test_samples.py`, generators, checkpoints, evaluators and addresses in `test_fuzz_files.py`.
"""

from __future__ import annotations

import json
import os
import platform
import string
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.settings import (
    parse_assignment,
    parse_component,
    parse_components,
    parse_count,
    parse_seeds,
    parse_stop,
    parse_where,
    read_config,
    to_toml,
)
from ganbench.results.compare import compare
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.runs.progress import PROGRESS_FILE, Progress, read_progress
from ganbench.spec.run_spec import resolve
from ganbench.spec.sweep_spec import read_sweep
from ganbench.tracking.journal import ENTRIES, Journal, journal_status
from ganbench.tracking.memory import MemoryTracker
from ganbench.tracking.mlflow.names import check_experiment_name
from ganbench.tracking.spool import deliver_all
from tests.results.test_loading import STUDY

TIMES = int(os.environ.get("GANBENCH_FUZZ", "1"))


def fuzz(examples: int) -> Callable[[Any], Any]:
    """Settings for this number of examples, by default the same ones in every run."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


SPEC: dict[str, Any] = {
    "loss": {"name": "minimax", "smoothing": 0.1},
    "penalty": [{"name": "r1", "gamma": 1.0}],
    "arch": {"name": "mlp", "generator_widths": [4], "critic_widths": [4], "latent_dim": 2},
    "wrapper": [{"name": "spectral-norm"}],
    "dataset": {"name": "ring", "points": 2000},
    "protocol": {"name": "ganbench-1"},
    "train": {"steps": 10, "batch_size": 8, "critic_betas": [0.5, 0.9]},
    "evaluation": {"every": 5, "samples": 500, "quick_samples": 500},
}
SWEEP: dict[str, Any] = {
    "question": "What?",
    "seeds": 3,
    "base": {"dataset": "ring:points=2000", "arch": "mlp:generator_widths=[4],critic_widths=[4]"},
    "axes": {"loss": ["minimax", "hinge"], "packing": [{"train.pac": 1}, {"train.pac": 2}]},
    "budget": {"course": {"train.steps": 10}, "paper": {"train.steps": 20, "seeds": "0-4"}},
}
# Numbers are small or absurd; a width of a million would be valid, but a large network.
odd = st.one_of(
    st.builds(list),
    st.booleans(),
    st.integers(-3, 40),
    st.sampled_from([10**16, -(10**16), float("inf"), float("nan"), -0.0, 1e300, 5e-324]),
    st.floats(-2, 2),
    st.text(max_size=8),
    st.sampled_from(["minimax", "mlp", "ring", "r1:gamma=x", "none", "0-2", "../../x", "name", "{}"]),
    st.lists(st.integers(-2, 3), max_size=3),
    # New objects each time, since a tree is changed in place.
    st.builds(lambda: {"name": "hinge"}),
    st.builds(dict),
    st.lists(st.builds(lambda: {"name": "gp"}), max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn, tree: dict[str, Any]) -> dict[str, Any]:
    """A valid tree with one to three mutations: a key removed, renamed, added, or given an odd value."""
    mutant: dict[str, Any] = json.loads(json.dumps(tree))
    for _ in range(draw(st.integers(1, 3))):
        level: Any = mutant
        while True:
            key = draw(st.sampled_from(sorted(level))) if level else None
            deeper = level.get(key) if key is not None else None
            if isinstance(deeper, dict) and deeper and draw(st.booleans()):
                level = deeper
                continue
            break
        match draw(st.sampled_from(["drop", "rename", "odd", "add"])):
            case "drop" if key is not None:
                del level[key]
            case "rename" if key is not None:
                level[draw(st.text(string.ascii_letters + "._-é", min_size=1, max_size=8))] = level.pop(key)
            case "add":
                level[draw(st.text(string.ascii_letters + "._-é", min_size=1, max_size=8))] = draw(odd)
            case _ if key is not None:
                level[key] = draw(odd)
    return mutant


def toml(value: Any, inside: bool = False) -> str:
    """A tree as TOML, with inline tables below the top level."""
    if isinstance(value, dict):
        parts = [f"{json.dumps(str(key))} = {toml(item, True)}" for key, item in value.items()]
        return "{" + ", ".join(parts) + "}" if inside else "\n".join(parts) + "\n"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item, True) for item in value) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def assert_one_line(error: GanbenchError, expected: str = "") -> None:
    assert str(error).strip()
    assert expected in str(error)
    assert "\n" not in str(error), "the message must be one line"


@fuzz(150)
@given(mutated(SPEC))
def test_mutated_spec_is_rejected_or_round_trips(tmp_path: Path, tree: dict[str, Any]) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(toml(tree))
    try:
        spec = resolve(read_config(path))
    except GanbenchError as error:
        assert_one_line(error)
        return
    path.write_text(to_toml(spec.to_dict()))
    assert resolve(read_config(path)).group_id == spec.group_id


@fuzz(60)
@given(mutated(SWEEP))
def test_mutated_experiment_is_read_or_rejected(tmp_path: Path, tree: dict[str, Any]) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(toml(tree))
    try:
        sweep = read_sweep(path)
    except GanbenchError as error:
        assert_one_line(error)
    else:
        assert sweep.specs
        assert len(set(sweep.seeds)) == len(sweep.seeds) > 0


@fuzz(100)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_arbitrary_bytes_as_settings_are_read_or_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    for read in (lambda: resolve(read_config(path)), lambda: read_sweep(path)):
        try:
            read()
        except GanbenchError as error:
            assert_one_line(error)


@fuzz(200)
@given(st.text(max_size=30) | st.from_regex(r"[a-z0-9,=:.\-+|\[\]\"{}]{0,30}", fullmatch=True))
def test_arbitrary_flag_values_are_read_or_rejected(text: str) -> None:
    parsers: list[Callable[[str], object]] = [
        *(parse_component, parse_components, parse_count, parse_seeds, parse_stop, parse_assignment),
        lambda words: parse_where([words]),
        check_experiment_name,
    ]
    for parse in parsers:
        with suppress(GanbenchError):
            parse(text)


@fuzz(40)
@given(
    st.sampled_from(
        ["--set", "--loss", "--penalty", "--wrapper", "--seeds", "--images", "--dataset", "--stop-on", "--pac"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15),
)
def test_arbitrary_options_give_no_traceback(flag: str, text: str) -> None:
    small = ["--dataset", "ring", "--set", "arch.generator_widths=[4]", "--steps", "10", "--dry-run"]
    result = CliRunner().invoke(main, ["run", *small, flag, text])
    assert result.exit_code in (0, 2), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output


NAMES = ["../up", "/abs", "a/../../b", "..", ".", "", "x\n", "a\0b", "~", "x" * 300, "con:", "%2e%2e%2f", "….."]


@pytest.mark.parametrize("name", NAMES)
def test_experiment_names_cannot_leave_the_store(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    file = inside / "sweep.toml"
    file.write_text('[axes]\nloss = ["minimax"]\n')
    before = sorted(tmp_path.rglob("*"))
    for command in (["status", str(file)], ["compare"], ["report", "--out", str(inside / "reports")]):
        result = CliRunner().invoke(main, [*command, "--store", str(inside / "store"), "--experiment", name])
        assert "Traceback" not in result.output
        assert result.exit_code in (1, 2)
    assert sorted(tmp_path.rglob("*")) == before


@fuzz(120)
@given(st.data())
def test_damaged_results_are_rejected_or_compared_within_their_range(tmp_path: Path, data: st.DataObject) -> None:
    path, intact = tmp_path / "results.csv", tmp_path / "intact.csv"
    if not intact.exists():  # one folder for all examples
        write_csv(STUDY, intact)
    lines = intact.read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        line_number = data.draw(st.integers(0, min(len(lines) - 1, 60)))
        cells = lines[line_number].split(",")
        cell = data.draw(st.integers(0, len(cells) - 1))
        cells[cell] = data.draw(
            st.sampled_from(["", "x", "-1", "nan", "inf", '"', "1e400", "finished", "\x00", "é", "a,b"])
        )
        lines[line_number] = ",".join(cells)
    path.write_text("\n".join(lines[: data.draw(st.integers(0, len(lines)))]))
    try:
        table = read_csv(path).table
        compared = compare(table, metrics=["fid"]).groups
    except GanbenchError:
        return
    scored = table[(table["metric"] == "fid") & (table["kind"] == "final") & (table["status"] == "finished")]
    for _, row in compared[compared["loss"] == "minimax"].iterrows():
        values = scored[(scored["loss"] == "minimax") & scored["run"].isin(table["run"])]["value"].dropna()
        if len(values) and compared["loss"].tolist().count("minimax") == 1 and pd.notna(row["fid"]):
            assert values.min() <= row["fid"] <= values.max()


@fuzz(150)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_incomplete_progress_files_raise_nothing(tmp_path: Path, content: bytes, length: int) -> None:
    complete = json.dumps(vars(Progress(platform.node(), os.getpid(), (0,), 10, 5, 0, 1.0, 2.0))).encode()
    for damaged in (content, complete[:length], complete[:length] + content):
        (tmp_path / PROGRESS_FILE).write_bytes(damaged)
        progress = read_progress(tmp_path)
        assert progress is None or isinstance(progress, Progress)


@fuzz(100)
@given(st.binary(max_size=80))
def test_damaged_journal_is_reported_and_others_are_delivered(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    spool = tmp_path_factory.mktemp("spool")
    (spool / "a").mkdir()
    (spool / "a" / ENTRIES).write_bytes(content + b"\n")
    journal = Journal(spool / "b")
    journal.close_group("g", "finished")
    journal.release()
    assert journal_status(spool / "a") in (None, "running", "finished")
    try:
        deliver_all(spool, MemoryTracker())
    except GanbenchError as error:
        assert_one_line(error, str(spool / "a"))
    assert not (spool / "b").exists(), "the intact journal must be delivered"


@fuzz(40)
@given(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            [
                "raise SystemExit(3)",
                "raise ValueError('two\\nlines')",
                "import nothing_of_this_name",
                "from ganbench.plugin import LOSSES, register\n@register(LOSSES, 'hinge')\nclass X: pass",
                "1 / 0",
                "def f(:",
            ]
        ),
    )
)
def test_invalid_plugin_is_reported(tmp_path: Path, text: str) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(text, encoding="utf-8", errors="ignore")
    result = CliRunner().invoke(main, ["run", "--plugin", str(plugin), "--loss", "there-is-none", "--dry-run"])
    assert result.exit_code == 2, (result.output, result.exception)
    assert "Traceback" not in result.output
    assert result.output.count("\n") <= 1, "the error must be one line"
