"""Published numbers: what every row must hold to, and what is answered to a broken file."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_where
from ganbench.data import DATASETS
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.methods.archs import ARCHS
from ganbench.methods.losses import LOSSES
from ganbench.results.claims import COLUMNS, PUBLISHED, SPREADS, Claim, difference, read_claims, reproduction, select
from ganbench.results.claims.reproduction import FILES, ClaimComparison, compare_scores, compare_tracked, recipe
from ganbench.results.loading import Results
from ganbench.results.report.claims import beside
from ganbench.spec.sweep_spec import Sweep, read_sweep
from ganbench.tracking import RunRecord, Status
from ganbench.tracking.store import Store, find_store
from tests.results.test_loading import record, table

CLAIMS = read_claims()
ELSEWHERE = ("stacked-mnist of 4 channels",)
"""Data that ganbench doesn't have."""
MODES = {"ring": 8, "grid": 25, "stacked-mnist": 1000, "stacked-mnist of 4 channels": 10_000}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_can_be_read_and_names_what_there_is(claim: Claim) -> None:
    assert claim.metric in METRICS
    assert claim.loss in ("", *LOSSES)
    assert claim.arch in ("", *ARCHS)
    assert claim.protocol in ("", *PROTOCOLS)
    assert claim.dataset in (*DATASETS, *ELSEWHERE)
    assert claim.spread_kind in SPREADS
    assert math.isnan(claim.spread) or claim.spread_kind != "none"
    assert claim.protocol or claim.caveat, "why it can't be compared"
    assert claim.first_hand or claim.caveat, "who quotes it"
    assert 2014 <= claim.year <= 2026
    if claim.metric == "modes":
        assert 0 <= claim.value <= MODES[claim.dataset]
    if claim.metric == "hq":
        assert 0 <= claim.value <= 1
    if claim.metric == "kl":
        # Adv. DSM's 1.49 is doubtful, as its caveat says; but no share of modes is further than ln K from uniform.
        assert 0 <= claim.value <= math.log(MODES[claim.dataset])


def test_under_their_protocol_the_metric_is_measured() -> None:
    for claim in CLAIMS:
        if claim.protocol:
            case = PROTOCOLS.create({"name": claim.protocol}).cases()[claim.dataset]
            assert claim.metric in case.metrics, claim.id


def test_each_table_has_its_methods_once() -> None:
    keys = [(c.paper, c.place, c.dataset, c.method, c.metric) for c in CLAIMS]
    assert len(set(keys)) == len(keys)
    assert {claim.paper for claim in CLAIMS} == {"VEEGAN", "PacGAN", "MEG", "R3GAN", "Lucic et al."}


def test_a_number_is_comparable_only_under_its_own_protocol() -> None:
    (claim,) = select(CLAIMS, parse_where(["paper=pacgan,dataset=ring,method=GAN,metric=modes"]))
    assert (claim.text, claim.runs, claim.spread_kind) == ("6.3 ± 0.5", 10, "se")
    assert difference(claim, "ring", "pacgan-2018 v1") == ""
    assert difference(claim, "ring", "ganbench-1 v1 at N=1,000") == "protocol differs: pacgan-2018, not ganbench-1"
    assert difference(claim, "grid", "pacgan-2018 v1").startswith("data differ")
    for more in (" at N=1,000", ", best:modes"):
        assert difference(claim, "ring", f"pacgan-2018 v1{more}").startswith("protocol differs")
    (other, *_) = select(CLAIMS, parse_where(["dataset=mnist"]))
    assert "Inception-FID" in difference(other, "mnist", "ganbench-1 v1")


@pytest.mark.parametrize(
    ("condition", "words"),
    [("papr=PacGAN", "did you mean 'paper'?"), ("paper=PacMAN", "there is Lucic et al., MEG, PacGAN")],
)
def test_conditions_that_nothing_meets(condition: str, words: str) -> None:
    with pytest.raises(GanbenchError) as told:
        select(CLAIMS, parse_where([condition]))
    assert words in str(told.value)


def test_broken_files_are_refused_with_their_line(tmp_path: Path) -> None:
    lines = PUBLISHED.read_text().splitlines()
    path = tmp_path / "claims.csv"

    def told(*changed: str) -> str:
        path.write_text("\n".join(changed))
        with pytest.raises(GanbenchError) as error:
            read_claims(path)
        return str(error.value)

    plain = next(line for line in lines[1:] if '"' not in line)
    columns = plain.split(",")
    assert "line 3" in told(lines[0], plain, plain), "the same id twice"
    assert "line 2" in told(lines[0], ",".join(columns[:-1]))
    wrong = (("value", "x"), ("value", "nan"), ("first_hand", "maybe"), ("spread_kind", "guess"), ("id", ""))
    for name, value in wrong:
        broken = columns.copy()
        broken[COLUMNS.index(name)] = value
        assert "line 2" in told(lines[0], ",".join(broken)), name
    assert "lack the columns" in told("id,paper", "a,b")
    assert "can't be read" in told(lines[0], '"')
    with pytest.raises(GanbenchError, match="can't be read"):
        read_claims(tmp_path / "nowhere.csv")


def test_claims_stand_beside_our_numbers_only_under_the_same_protocol() -> None:
    def told(dataset: str, protocol: str) -> str:
        ours = table(record("minimax", 0, 1.0, params={"dataset": dataset}, protocol=protocol))
        return beside(ours, ["modes", "kl"], "markdown")

    same = told("ring", "pacgan-2018 v1")
    assert "6.3 ± 0.5" in same
    assert "| VEEGAN" not in same
    assert "measured in another way" in same, "VEEGAN's"
    other = told("ring", "ganbench-1 v1")
    assert "6.3" not in other
    assert "ganbench claims --where dataset=ring" in other
    assert told("imbalanced-ring", "ganbench-1 v1") == ""


def test_on_the_command_line() -> None:
    def shown(*flags: str) -> str:
        done = CliRunner().invoke(main, ["claims", *flags])
        assert done.exit_code == 0, done.output
        return done.output

    table = shown("--where", "dataset=ring,paper=PacGAN")
    assert "6.3 ± 0.5" in table
    assert "VEEGAN" not in table
    read_back = list(csv.DictReader(io.StringIO(shown("--format", "csv"))))
    assert [row["id"] for row in read_back] == [claim.id for claim in CLAIMS]
    assert [float(row["value"]) for row in read_back] == [claim.value for claim in CLAIMS]
    assert len(json.loads(shown("--format", "json"))) == len(CLAIMS)
    told = CliRunner().invoke(main, ["claims", "--where", "paper=x"])
    assert told.exit_code == 2


# Reproducing a claim.


def claim(metric: str, value: float, spread: float, kind: str, runs: int | None) -> Claim:
    example = next(each for each in CLAIMS if each.id == "pacgan-table-1-ring-gan-modes")
    return dataclasses.replace(example, metric=metric, value=value, spread=spread, spread_kind=kind, runs=runs)


@pytest.mark.parametrize(
    ("value", "spread", "kind", "runs", "agreement"),
    [
        (10.0, math.nan, "none", None, "inside"),
        # Our mean is 10, its half interval 2.776 · 1.581 / √5 = 1.963.
        (11.9, math.nan, "unknown", None, "inside"),
        (12.1, math.nan, "unknown", None, "outside"),
        (12.1, 5.0, "unknown", 10, "outside"),
        # √(1.963² + (1.96 · .5)²) = 2.194
        (12.1, 0.5, "se", 10, "inside"),
        (12.25, 0.5, "se", 10, "outside"),
        # √(1.963² + (2.262 · 1 / √10)²) = 2.089
        (12.05, 1.0, "sd", 10, "inside"),
        (12.15, 1.0, "sd", 10, "outside"),
        (12.15, 1.0, "ci95", 10, "inside"),
    ],
)
def test_a_claim_is_inside_where_chance_explains_the_difference(
    value: float, spread: float, kind: str, runs: int | None, agreement: str
) -> None:
    published = claim("modes", value, spread, kind, runs)
    assert compare_scores(published, [8.0, 9.0, 10.0, 11.0, 12.0]).agreement == agreement


def test_a_true_claim_is_inside_nineteen_times_of_twenty() -> None:
    """Both means are of ten normal runs of the same method; the paper gives its standard error."""
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(2_000):
        theirs, ours = random.normal(5, 2, (2, 10))
        published = claim("modes", float(theirs.mean()), float(theirs.std(ddof=1) / math.sqrt(10)), "se", 10)
        inside += compare_scores(published, ours.tolist()).agreement == "inside"
    assert 0.93 < inside / 2_000 < 0.97


def test_what_can_not_be_compared_says_why() -> None:
    published = claim("modes", 6.3, 0.5, "se", 10)
    failed, too_few = compare_scores(published, [6.0, 7.0], failed=2), compare_scores(published, [6.0])
    assert (failed.agreement, too_few.agreement) == ("not comparable", "not comparable")
    assert "2 of our seeds failed" in failed.reason
    assert "two seeds" in too_few.reason
    with pytest.raises(GanbenchError, match="no protocol of ours"):
        recipe(dataclasses.replace(published, protocol=""))
    with pytest.raises(GanbenchError, match="no combination"):
        recipe(dataclasses.replace(published, loss=""))
    with pytest.raises(GanbenchError, match="no experiment with the setting of Elsewhere"):
        recipe(dataclasses.replace(published, paper="Elsewhere"))


def test_the_tracked_seeds_of_its_experiment_are_compared_with_a_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = claim("modes", 6.3, 0.5, "se", 10)
    store = find_store(str(tmp_path / "nowhere"))
    read: list[str] = []

    def compared(*seeds: RunRecord) -> ClaimComparison | None:
        def load(_: Store, experiment: str) -> Results:
            read.append(experiment)
            return Results(table(*seeds))

        monkeypatch.setattr(reproduction, "load_results", load)
        return compare_tracked(published, store)

    def seed(number: int, missing: int, *, status: Status = "finished", pac: int = 1) -> RunRecord:
        params = {"dataset": "ring", "train.pac": str(pac)}
        return record("non-saturating", number, 1.0, missing=missing, status=status, params=params)

    inside = compared(seed(0, 3), seed(1, 4), seed(2, 4), seed(0, 9, pac=2))
    assert inside is not None
    assert inside.agreement == "inside"
    assert "ours 6.333" in inside.reason, "the seeds of the other method don't count"
    outside = compared(seed(0, 0), seed(1, 0), seed(2, 1))
    assert outside is not None
    assert outside.agreement == "outside"
    failed = compared(seed(0, 3), seed(1, 4), seed(2, 4, status="diverged"))
    assert failed is not None
    assert "1 of our seeds failed" in failed.reason
    assert compared(seed(0, 9, pac=2)) is None, "none of its seeds"
    assert set(read) == {"pacgan_2d-paper"}
    monkeypatch.undo()
    assert compare_tracked(published, store) is None, "no store"


def test_every_recipe_is_a_part_of_its_experiment_with_as_many_seeds_as_the_paper() -> None:
    found = 0
    for published in CLAIMS:
        if (published.paper, published.place) in FILES and published.loss:
            made = recipe(published)
            asked = read_sweep(made.file, made.budget).where(parse_where(made.where))
            (spec,) = asked.specs
            assert spec.protocol.name == published.protocol
            assert (spec.loss.name, spec.arch.name, spec.dataset.name) == (
                published.loss,
                published.arch,
                published.dataset,
            )
            assert len(asked.seeds) == published.runs
            found += 1
    assert found > 20


def test_reproducing_a_claim_says_what_to_run_and_how_long_it_takes(tmp_path: Path) -> None:
    words = ["reproduce-claim", "pacgan-table-1-ring-pacgan2-modes", "--store", str(tmp_path / "store")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    for part in (
        "7.9 ± 0.1",
        "pacgan_2d.toml --budget paper --where dataset=ring --where train.pac=2",
        "none of its seeds",
    ):
        assert part in result.output
    other = CliRunner().invoke(main, ["reproduce-claim", "veegan-mixtures-ring-ali-modes"])
    assert (other.exit_code, "not comparable" in other.output) == (0, True)
    missing = CliRunner().invoke(main, ["reproduce-claim", "pacgan-table-1-ring-pacgan9-modes"])
    assert (missing.exit_code, "did you mean" in missing.stderr) == (2, True)


def test_training_a_claim_trains_its_part_of_the_experiment_with_the_given_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganbench.cli.console import reproduce_claim

    trained: list[tuple[int, tuple[int, ...], str]] = []

    def train(sweep: Sweep, executor: object, *, experiment: str, **_: object) -> int:
        trained.append((len(sweep.specs), sweep.seeds, experiment))
        return 1

    monkeypatch.setattr(reproduce_claim, "sweep_session", train)
    words = ["reproduce-claim", "pacgan-table-1-ring-pacgan2-modes", "--train", "--seeds", "0-4"]
    result = CliRunner().invoke(main, [*words, "--device", "cpu", "--store", str(tmp_path / "store")])
    assert result.exit_code == 1, result.output
    assert trained == [(1, (0, 1, 2, 3, 4), "pacgan_2d-paper")]


def test_a_claim_and_a_run_are_reproduced_by_two_commands_and_each_names_the_other() -> None:
    assert all("-" in each.id for each in CLAIMS), "which is how a claim's id is told from a run's"
    for words, message in (
        (["reproduce", CLAIMS[0].id], f"ganbench reproduce-claim {CLAIMS[0].id}"),
        (["reproduce-claim", "480a2fd3"], "ganbench reproduce 480a2fd3"),
    ):
        result = CliRunner().invoke(main, words)
        assert (result.exit_code, message in result.stderr) == (2, True), result.output
    listed = CliRunner().invoke(main, ["claims", "--where", "paper=PacGAN"]).output
    assert "ganbench reproduce-claim pacgan-" in listed
