"""Names, doses and outcomes in experiment files: how they combine, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.annotation import Annotation
from ganbench.core.collapse_rule import parse_rule
from ganbench.core.errors import GanbenchError
from ganbench.spec.sweep_spec import Sweep, read_sweep

BASE = '[base]\ndataset = "ring"\n[base.train]\nsteps = 2\nbatch_size = 8\n'
UPDATES = "generator updates for one of the discriminator"
FILE = f"""
primary = ["kl_corrected", "lost"]
collapsed = "kl_corrected>1.0"
tuned = "learning rates, 20 runs"
{BASE}
[axes]
balance = [
    {{ dose = {{ "{UPDATES}" = 5 }}, "train.n_generator" = 5 }},
    {{ name = " balanced, 1:1 ", "train.n_generator" = 1 }},
]
loss = ["minimax", {{ name = "hinge" }}]
part = [{{ name = "R1", factors = ["penalty"], penalty = "r1" }}, {{ penalty = "none" }}]
"""


def read(tmp_path: Path, text: str) -> Sweep:
    path = tmp_path / "question.toml"
    path.write_text(text)
    return read_sweep(path)


def labels(sweep: Sweep) -> list[str]:
    return [sweep.annotations[spec.group_id].label for spec in sweep.specs]


def test_a_combination_is_called_by_the_names_of_its_values(tmp_path: Path) -> None:
    sweep = read(tmp_path, FILE.replace('"minimax", ', ""))
    assert {spec.loss.name for spec in sweep.specs} == {"hinge"}, "a name in a component's axis is the component's"
    assert labels(sweep) == [f"R1 ({UPDATES}=5)", "", "balanced, 1:1, R1", "balanced, 1:1"]
    first = sweep.annotations[sweep.specs[0].group_id]
    outcomes = (("kl_corrected", "lost"), "kl_corrected > 1", "learning rates, 20 runs")
    assert first == Annotation("R1", {UPDATES: 5}, ("penalty",), *outcomes)


def test_annotations_do_not_change_group_ids(tmp_path: Path) -> None:
    plain = '[axes]\nbalance = [{ "train.n_generator" = 5 }, { "train.n_generator" = 1 }]\n'
    named = plain.replace("{ ", '{ name = "a", dose = { b = 1 }, ', 1)
    named = f'primary = ["fid"]\ncollapsed = "fid > 3"\n{BASE}{named}'
    groups = [[spec.group_id for spec in read(tmp_path, text).specs] for text in (BASE + plain, named)]
    assert groups[0] == groups[1]


def test_methods_on_several_data_sets_share_their_names(tmp_path: Path) -> None:
    axes = '[axes]\ndataset = ["ring", "grid"]\npart = [{ name = "R1", penalty = "r1" }]\n'
    assert labels(read(tmp_path, BASE.replace('dataset = "ring"\n', "") + axes)) == ["R1", "R1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('primary = ["kl_corected"]', "primary: there is no metric 'kl_corected': did you mean 'kl_corrected'?"),
        ('primary = "fid"', 'primary must be a list of metrics like ["fid", "lost"]'),
        ("primary = [1]", "primary must be a list of metrics"),
        ('collapsed = "fids > 1"', "collapsed: there is no metric 'fids': did you mean 'fid'?"),
        ('collapsed = "fid >= 1"', "'fid >= 1' is not a rule like kl_corrected > 1"),
        ("collapsed = 1", "collapsed must be text like"),
        ("tuned = true", "tuned must be text"),
        ('tuned = " "', "tuned must not be empty"),
        ('collapsed = ""', "'' is not a rule"),
        ('axes.a = [{ factors = "R1" }]', "factors must be a list like"),
        ('axes.a = [{ factors = ["R1; R2"] }]', "a factor can't contain a semicolon"),
        ('axes.a = [{ factors = ["R1", "R1"] }]', "the same factor"),
        ('axes.a = [{ name = "" }]', "the axis 'a': a name must not be empty"),
        ('axes.a = [{ name = "  " }]', "a name must not be empty"),
        ("axes.a = [{ name = 3 }]", "a name must be text, not 3"),
        ('axes.a = [{ name = "a\\nb" }]', "a name must be one line without control characters, not 'a\\nb'"),
        ('axes.a = [{ name = "\\u001b[31m" }]', "without control characters"),
        ('axes.a = [{ name = "\\u202e" }]', "without control characters"),
        (f'axes.a = [{{ name = "{"x" * 81}" }}]', "at most 80 characters, not 81"),
        (f'axes.a = [{{ name = "{"x" * 50}" }}]\naxes.b = [{{ name = "{"y" * 50}" }}]', "has more than 80 characters"),
        ("axes.a = [{ dose = 3 }]", "a dose must be a table like"),
        ("axes.a = [{ dose = {} }]", "a dose must be a table like"),
        ('axes.a = [{ dose = { b = "1" } }]', "the dose 'b' must be a number, not '1'"),
        ("axes.a = [{ dose = { b = true } }]", "the dose 'b' must be a number"),
        ("axes.a = [{ dose = { b = nan } }]", "the dose 'b' must be a number"),
        (f"axes.a = [{{ dose = {{ b = 1{'0' * 400} }} }}]", "the dose 'b' must be a number"),
        ('primary = ["a\\nb"]', r"there is no metric 'a\nb'"),
        ('axes.a = [{ dose = { "b=c" = 1 } }]', "can't contain = or ;"),
        ("axes.a = [{ dose = { b = 1 } }]\naxes.b = [{ dose = { b = 1 } }]", "two axes have doses"),
        ('axes."train.pac" = [{ dose = { b = 1 }, "train.pac" = 1 }]', "a setting's values have no dose"),
        (
            'axes.a = [{ name = "R1", loss = "minimax" }, { name = "R1", loss = "hinge" }]',
            "two combinations are called 'R1': the values in which they differ need names or doses",
        ),
        (
            'axes.a = [{ name = "R1", loss = "hinge" }, { name = "R2", loss = "hinge" }]',
            "the same settings are called 'R1' and 'R2': leave one out",
        ),
    ],
)
def test_malformed_annotations_are_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "question.toml"
    path.write_text(f"{text}\n{BASE}")
    result = CliRunner().invoke(main, ["sweep", str(path), "--store", str(tmp_path / "store"), "--dry-run"])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    with pytest.raises(GanbenchError) as error:
        read_sweep(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"'{path}': ")
    assert "\n" not in str(error.value)


def test_a_rule_compares_a_score_with_a_number() -> None:
    rule = parse_rule(" kl_corrected>1.5 ")
    assert (rule.metric, rule.comparison, rule.number, str(rule)) == ("kl_corrected", ">", 1.5, "kl_corrected > 1.5")
    assert [rule.applies(value) for value in (1.4, 1.5, 1.6, math.inf, math.nan)] == [False, False, True, True, False]
    below = parse_rule("modes < 1e1")
    assert [below.applies(value) for value in (9, 10, math.nan)] == [True, False, False]
    assert parse_rule(str(below)) == below


@pytest.mark.parametrize(
    "text", ["", "fid", "fid > ", "> 3", "fid > x", "fid > nan", "fid > inf", "fid == 3", "a b > 3"]
)
def test_malformed_rules_are_refused(text: str) -> None:
    with pytest.raises(GanbenchError, match="is not a rule like"):
        parse_rule(text)
