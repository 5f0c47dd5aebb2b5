"""Published results: requirements on every row, errors for broken files, and reproduction of claims."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.cli.console.reproduce_claim import claimed_networks, networks_of
from ganbench.core.errors import GanbenchError
from ganbench.core.experiment_files import experiment_files
from ganbench.core.settings import parse_where
from ganbench.data import DATASETS
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.methods.archs import ARCHS
from ganbench.methods.losses import LOSSES
from ganbench.results.claims import COLUMNS, PUBLISHED, SPREADS, Claim, difference, read_claims, reproduction, select
from ganbench.results.claims.reproduction import (
    FILES,
    ClaimComparison,
    compare_scores,
    compare_tracked,
    network_differences,
    recipe,
)
from ganbench.results.loading import Results
from ganbench.results.report.claims import beside
from ganbench.spec.sweep_spec import Sweep, read_sweep
from ganbench.tracking import RunRecord, Status
from ganbench.tracking.store import Store, find_store
from tests.results.test_loading import record, table

CLAIMS = read_claims()
ELSEWHERE = ("stacked-mnist of 4 channels",)
"""Data sets that appear in papers and not in ganbench."""
MODES = {"ring": 8, "grid": 25, "stacked-mnist": 1000, "stacked-mnist of 4 channels": 10_000}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_names_known_components_and_has_a_valid_value(claim: Claim) -> None:
    assert claim.metric in METRICS
    assert claim.loss in ("", *LOSSES)
    assert claim.arch in ("", *ARCHS)
    assert claim.protocol in ("", *PROTOCOLS)
    assert claim.dataset in (*DATASETS, *ELSEWHERE)
    assert claim.spread_kind in SPREADS
    assert math.isnan(claim.spread) or claim.spread_kind != "none"
    assert claim.protocol or claim.caveat, "without a protocol, the caveat must say why it can't be compared"
    assert claim.caveat.startswith("second-hand: ") != claim.first_hand, "the caveat says who quotes it, or why"
    assert 2014 <= claim.year <= 2026
    if claim.metric == "modes":
        assert 0 <= claim.value <= MODES[claim.dataset]
    if claim.metric == "hq":
        assert 0 <= claim.value <= 1
    if claim.metric == "kl":
        # Adv. DSM's 1.49 is doubtful, as its caveat says, but possible: ln K is the largest KL divergence from uniform.
        assert 0 <= claim.value <= math.log(MODES[claim.dataset])


def test_claims_checked_against_a_source_have_its_runs_and_spreads() -> None:
    """PacGAN's captions: ten trials in tables 1 and 2, fifty in table 3, ± standard error. VEEGAN's page: five runs."""
    for claim in CLAIMS:
        if claim.paper == "PacGAN" and claim.first_hand:
            assert (claim.spread_kind, claim.runs) == ("se", 50 if claim.place == "Table 3" else 10), claim.id
        if claim.paper == "VEEGAN":
            assert (claim.spread_kind, claim.runs) == ("unknown", 5), claim.id
    second_hand = Counter(claim.paper for claim in CLAIMS if not claim.first_hand)
    assert second_hand == {"PacGAN": 16, "MEG": 8, "R3GAN": 16, "Lucic et al.": 14}
    assert {claim.place for claim in CLAIMS if claim.paper == "R3GAN"} == {"Table 1", "Table 3"}


def test_no_claim_names_a_loss_or_networks_that_differ_from_the_papers() -> None:
    """Lucic et al. square the sigmoid's output; R3GAN's networks have 20.7 million weights each."""
    assert not any(claim.loss or claim.arch for claim in CLAIMS if claim.method == "LSGAN")
    assert not any(claim.arch for claim in CLAIMS if claim.paper == "R3GAN")
    networks = {(claim.place, claim.arch) for claim in CLAIMS if claim.paper == "PacGAN" and claim.arch}
    assert networks == {("Table 1", "pacgan-2d"), ("Table 2", "pacgan-dcgan"), ("Table 3", "pacgan-dcgan-small")}


def test_metrics_of_claims_are_measured_under_their_protocols() -> None:
    for claim in CLAIMS:
        if claim.protocol:
            case = PROTOCOLS.create({"name": claim.protocol}).cases()[claim.dataset]
            assert claim.metric in case.metrics, claim.id


def test_each_published_table_lists_a_method_once() -> None:
    keys = [(c.paper, c.place, c.dataset, c.method, c.metric) for c in CLAIMS]
    assert len(set(keys)) == len(keys)
    assert {claim.paper for claim in CLAIMS} == {"VEEGAN", "PacGAN", "MEG", "R3GAN", "Lucic et al."}


def test_claim_is_comparable_only_under_its_own_protocol() -> None:
    (claim,) = select(CLAIMS, parse_where(["paper=pacgan,dataset=ring,method=GAN,metric=modes"]))
    assert (claim.text, claim.runs, claim.spread_kind) == ("6.3 ± 0.5", 10, "se")
    assert difference(claim, "ring", "pacgan-2018 v1") == ""
    assert difference(claim, "ring", "ganbench-1 v1 at N=1,000") == "protocol differs: pacgan-2018, not ganbench-1"
    assert difference(claim, "grid", "pacgan-2018 v1").startswith("data differ")
    for suffix in (" at N=1,000", ", best:modes"):
        assert difference(claim, "ring", f"pacgan-2018 v1{suffix}").startswith("protocol differs")
    (other, *_) = select(CLAIMS, parse_where(["dataset=mnist"]))
    assert "Inception-FID" in difference(other, "mnist", "ganbench-1 v1")


def test_claims_counted_by_a_papers_classifier_name_its_protocol(tmp_path: Path) -> None:
    """Rows that PacGAN quotes from Metz et al. were counted by another one; a claim may still name the old protocol."""
    protocols = {(c.paper, c.place, c.first_hand): c.protocol for c in CLAIMS if c.dataset == "stacked-mnist"}
    assert protocols["PacGAN", "Table 2", True] == "pacgan-stacked-2018"
    assert protocols["PacGAN", "Table 3", True] == "pacgan-stacked-2018-unrolled"
    assert protocols["PacGAN", "Table 3", False] == "pacgan-2018-unrolled"
    assert protocols["MEG", "stacked MNIST", False] == "meg-stacked-2019"
    (claim,) = select(CLAIMS, parse_where(["place=Table 2,method=PacDCGAN2,metric=modes"]))
    assert difference(claim, "stacked-mnist", "pacgan-stacked-2018 v1") == ""
    expected = "protocol differs: pacgan-stacked-2018, not pacgan-2018"
    assert difference(claim, "stacked-mnist", "pacgan-2018 v1") == expected
    path = tmp_path / "claims.csv"
    path.write_text(PUBLISHED.read_text().replace(",pacgan-stacked-2018,", ",pacgan-2018,"))
    (old,) = (other for other in read_claims(path) if other.id == claim.id)
    assert old == dataclasses.replace(claim, protocol="pacgan-2018")
    assert difference(old, "stacked-mnist", "pacgan-2018 v1") == ""


@pytest.mark.parametrize(
    ("condition", "message"),
    [("papr=PacGAN", "did you mean 'paper'?"), ("paper=PacMAN", "there is Lucic et al., MEG, PacGAN")],
)
def test_selecting_claims_with_unmatched_conditions_raises(condition: str, message: str) -> None:
    with pytest.raises(GanbenchError) as error:
        select(CLAIMS, parse_where([condition]))
    assert message in str(error.value)


def test_broken_claims_files_are_rejected_with_the_line_number(tmp_path: Path) -> None:
    original = PUBLISHED.read_text().splitlines()
    path = tmp_path / "claims.csv"

    def message_for(*content: str) -> str:
        path.write_text("\n".join(content))
        with pytest.raises(GanbenchError) as error:
            read_claims(path)
        return str(error.value)

    simple_line = next(line for line in original[1:] if '"' not in line)
    cells = simple_line.split(",")
    assert "line 3" in message_for(original[0], simple_line, simple_line), "a duplicate id"
    assert "line 2" in message_for(original[0], ",".join(cells[:-1]))
    invalid_cells = (("value", "x"), ("value", "nan"), ("first_hand", "maybe"), ("spread_kind", "guess"), ("id", ""))
    for name, value in invalid_cells:
        broken = cells.copy()
        broken[COLUMNS.index(name)] = value
        assert "line 2" in message_for(original[0], ",".join(broken)), name
    assert "lack the columns" in message_for("id,paper", "a,b")
    assert "can't be read" in message_for(original[0], '"')
    with pytest.raises(GanbenchError, match="can't be read"):
        read_claims(tmp_path / "nowhere.csv")


def test_report_shows_claims_next_to_our_scores_only_under_the_same_protocol() -> None:
    def claims_section(dataset: str, protocol: str) -> str:
        ours = table(record("minimax", 0, 1.0, params={"dataset": dataset}, protocol=protocol))
        return beside(ours, ["modes", "kl"], "markdown")

    same = claims_section("ring", "pacgan-2018 v1")
    assert "6.3 ± 0.5" in same
    assert "| VEEGAN" not in same
    assert "measured in another way" in same, "VEEGAN measures it differently"
    other = claims_section("ring", "ganbench-1 v1")
    assert "6.3" not in other
    assert "ganbench claims --where dataset=ring" in other
    assert claims_section("imbalanced-ring", "ganbench-1 v1") == ""


def test_claims_command_filters_and_writes_csv_and_json() -> None:
    def output_of(*flags: str) -> str:
        result = CliRunner().invoke(main, ["claims", *flags])
        assert result.exit_code == 0, result.output
        return result.output

    table = output_of("--where", "dataset=ring,paper=PacGAN")
    assert "6.3 ± 0.5" in table
    assert "VEEGAN" not in table
    rows = list(csv.DictReader(io.StringIO(output_of("--format", "csv"))))
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    assert [float(row["value"]) for row in rows] == [claim.value for claim in CLAIMS]
    assert len(json.loads(output_of("--format", "json"))) == len(CLAIMS)
    unmatched = CliRunner().invoke(main, ["claims", "--where", "paper=x"])
    assert unmatched.exit_code == 2


# Reproduction of a claim.


def claim(metric: str, value: float, spread: float, kind: str, runs: int | None) -> Claim:
    example = next(published for published in CLAIMS if published.id == "pacgan-table-1-ring-gan-modes")
    return dataclasses.replace(example, metric=metric, value=value, spread=spread, spread_kind=kind, runs=runs)


@pytest.mark.parametrize(
    ("value", "spread", "kind", "runs", "agreement"),
    [
        (10.0, math.nan, "none", None, "inside"),
        # Our mean is 10; the half-width of its interval is 2.776 · 1.581 / √5 = 1.963.
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
def test_claim_is_inside_only_if_chance_explains_the_difference(
    value: float, spread: float, kind: str, runs: int | None, agreement: str
) -> None:
    published = claim("modes", value, spread, kind, runs)
    assert compare_scores(published, [8.0, 9.0, 10.0, 11.0, 12.0]).agreement == agreement


def test_true_claim_is_inside_in_95_percent_of_studies() -> None:
    """Both means are over ten normally distributed runs of the same method; the paper reports its standard error."""
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(2_000):
        theirs, ours = random.normal(5, 2, (2, 10))
        published = claim("modes", float(theirs.mean()), float(theirs.std(ddof=1) / math.sqrt(10)), "se", 10)
        inside += compare_scores(published, ours.tolist()).agreement == "inside"
    assert 0.93 < inside / 2_000 < 0.97


def test_incomparable_claims_give_the_reason() -> None:
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


NETWORKS = {"arch": "pacgan-2d", "arch.pieces": "5", "wrapper": "none"}


def test_claim_is_compared_with_the_tracked_seeds_of_its_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = claim("modes", 6.3, 0.5, "se", 10)
    store = find_store(str(tmp_path / "nowhere"))
    experiments_read: list[str] = []

    def comparison_of(*seeds: RunRecord) -> ClaimComparison | None:
        def load(_: Store, experiment: str) -> Results:
            experiments_read.append(experiment)
            return Results(table(*seeds))

        monkeypatch.setattr(reproduction, "load_results", load)
        return compare_tracked(published, store, NETWORKS)

    def seed(
        number: int,
        missing: int,
        *,
        status: Status = "finished",
        pac: int = 1,
        arch: str = "pacgan-2d",
        wrapper: str = "none",
        protocol: str = "pacgan-2018 v1",
    ) -> RunRecord:
        params = {"dataset": "ring", "train.pac": str(pac), "arch": arch, "arch.pieces": "5", "wrapper": wrapper}
        return record("non-saturating", number, 1.0, missing=missing, status=status, params=params, protocol=protocol)

    inside = comparison_of(seed(0, 3), seed(1, 4), seed(2, 4), seed(0, 9, pac=2))
    assert inside is not None
    assert inside.agreement == "inside"
    assert "ours 6.333" in inside.reason, "seeds of another method don't count"
    outside = comparison_of(seed(0, 0), seed(1, 0), seed(2, 1))
    assert outside is not None
    assert outside.agreement == "outside"
    failed = comparison_of(seed(0, 3), seed(1, 4), seed(2, 4, status="diverged"))
    assert failed is not None
    assert "1 of our seeds failed" in failed.reason
    assert comparison_of(seed(0, 9, pac=2)) is None, "the store has none of its seeds"
    elsewhere = [seed(number, 9, protocol="ganbench-1 v1") for number in (0, 1)]
    assert comparison_of(*elsewhere, seed(2, 3), seed(3, 4), seed(4, 4)) == inside, "seeds of another protocol"
    other = comparison_of(*elsewhere)
    assert other is not None
    assert (other.agreement, other.reason) == (
        "not comparable",
        "our seeds were scored under ganbench-1 v1, not pacgan-2018",
    )
    for refused, reason in (
        (comparison_of(seed(0, 3, arch="mlp"), seed(1, 4, arch="mlp")), "mlp, not pacgan-2d"),
        (comparison_of(seed(0, 3), seed(1, 4, wrapper="batch-norm")), "wrapper=batch-norm, not none"),
    ):
        assert refused is not None
        assert refused.agreement == "not comparable"
        assert f"trained with other networks: {reason}" in refused.reason
    assert set(experiments_read) == {"pacgan_2d-paper"}
    monkeypatch.undo()
    assert compare_tracked(published, store, NETWORKS) is None, "there is no store"


def test_every_recipe_selects_one_spec_of_its_experiment_with_the_seed_count_of_the_paper() -> None:
    checked = 0
    for published in CLAIMS:
        if (published.paper, published.place) in FILES and published.loss:
            selection = recipe(published)
            sweep = read_sweep(selection.file, selection.budget).where(parse_where(selection.where))
            (spec,) = sweep.specs
            assert spec.protocol.name == published.protocol
            assert (spec.loss.name, spec.arch.name, spec.dataset.name) == (
                published.loss,
                published.arch,
                published.dataset,
            )
            assert network_differences(claimed_networks(published), networks_of(spec.to_dict())) == ""
            assert len(sweep.seeds) == published.runs
            checked += 1
    assert checked > 20


def test_reproduce_claim_prints_the_sweep_command_and_missing_seeds(tmp_path: Path) -> None:
    args = ["reproduce-claim", "pacgan-table-1-ring-pacgan2-modes", "--store", str(tmp_path / "store")]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    for part in (
        "7.9 ± 0.1",
        "pacgan_2d.toml --budget paper --where dataset=ring --where train.pac=2",
        "none of its seeds",
    ):
        assert part in result.output
    incomparable = CliRunner().invoke(main, ["reproduce-claim", "veegan-mixtures-ring-ali-modes"])
    assert (incomparable.exit_code, "not comparable" in incomparable.output) == (0, True)
    unknown = CliRunner().invoke(main, ["reproduce-claim", "pacgan-table-1-ring-pacgan9-modes"])
    assert (unknown.exit_code, "did you mean" in unknown.stderr) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('arch = "pacgan-2d"', 'arch = "pacgan-2d:pieces=4"', "arch.pieces=4, not 5"),
        ('arch = "pacgan-2d"', 'arch = "mlp"', "mlp, not pacgan-2d"),
        ("[base]", '[base]\nwrapper = "batch-norm"', "wrapper=batch-norm, not none"),
    ],
)
def test_reproduce_claim_refuses_an_experiment_with_other_networks(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = experiment_files()["pacgan_2d"].read_text()
    (tmp_path / "pacgan_2d.toml").write_text(original.replace(old, new, 1))
    monkeypatch.setattr(reproduction, "experiment_files", lambda: {"pacgan_2d": tmp_path / "pacgan_2d.toml"})
    args = ["reproduce-claim", "pacgan-table-1-ring-gan-modes", "--train", "--store", str(tmp_path / "store")]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2, result.output
    assert f"pacgan_2d.toml has other networks than the paper ({message})" in result.stderr


def test_reproduce_claim_train_runs_its_spec_with_the_given_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganbench.cli.console import reproduce_claim

    trained: list[tuple[int, tuple[int, ...], str]] = []

    def train(sweep: Sweep, executor: object, *, experiment: str, **_: object) -> int:
        trained.append((len(sweep.specs), sweep.seeds, experiment))
        return 1

    monkeypatch.setattr(reproduce_claim, "sweep_session", train)
    args = ["reproduce-claim", "pacgan-table-1-ring-pacgan2-modes", "--train", "--seeds", "0-4"]
    result = CliRunner().invoke(main, [*args, "--device", "cpu", "--store", str(tmp_path / "store")])
    assert result.exit_code == 1, result.output
    assert trained == [(1, (0, 1, 2, 3, 4), "pacgan_2d-paper")]


def test_reproduce_and_reproduce_claim_refer_to_each_other() -> None:
    assert all("-" in claim.id for claim in CLAIMS), "a hyphen distinguishes a claim's id from a run's"
    for args, message in (
        (["reproduce", CLAIMS[0].id], f"ganbench reproduce-claim {CLAIMS[0].id}"),
        (["reproduce-claim", "480a2fd3"], "ganbench reproduce 480a2fd3"),
    ):
        result = CliRunner().invoke(main, args)
        assert (result.exit_code, message in result.stderr) == (2, True), result.output
    listing = CliRunner().invoke(main, ["claims", "--where", "paper=PacGAN"]).output
    assert "ganbench reproduce-claim pacgan-" in listing
