"""Protocols in which a paper's classifier counts modes: what it invents, whose verdict it is, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor
from torch.nn.functional import interpolate

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import stream
from ganbench.data.evaluators import other_classifier
from ganbench.data.evaluators.classifier import read_card, to_signed
from ganbench.data.evaluators.papers import NETWORKS, PaperEvaluator
from ganbench.data.labelled import LabelledImages
from ganbench.data.ring import Ring
from ganbench.data.stacked_mnist import StackedDigits, StackedMnist
from ganbench.evaluation import beside_real, protocols, real_features
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import PROTOCOLS, Case
from ganbench.evaluation.scorer import Scorer
from ganbench.spec.run_spec import RunSpec, resolve

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
OLD_OF = {
    "pacgan-stacked-2018": "pacgan-2018",
    "pacgan-stacked-2018-unrolled": "pacgan-2018-unrolled",
    "meg-stacked-2019": "meg-2019",
    "selfcond-stacked-2020": "selfcond-2020",
}
"""The protocols with the same data, number of samples and metrics that count modes by our evaluator."""
CREDITED = {"pacgan-cnn-1": 20, "meg-cnn-1": 148, "selfcond-mlp-1": 70}
"""The modes of 26,000 real images of one mode, as in the table of docs/protocols.md."""
OLD_IDS = {
    ("meg-2019", "stacked-mnist"): "61474c975f46",
    ("pacgan-2018", "ring"): "f76621a2343d",
    ("pacgan-2018", "grid"): "6ca71627d892",
    ("pacgan-2018", "stacked-mnist"): "91c9e03d763b",
    ("pacgan-2018-unrolled", "stacked-mnist"): "822759a409e3",
    ("selfcond-2020", "ring"): "75ed5ac5a935",
    ("selfcond-2020", "grid"): "4b9ad579e144",
    ("selfcond-2020", "stacked-mnist"): "a29692f71037",
    ("veegan-2017", "ring"): "32e6b89fe773",
    ("veegan-2017", "grid"): "6dfaec5c0b93",
}
"""Run ids of seed 0 by default from before there were protocols with the papers' classifiers."""
each = pytest.mark.parametrize("protocol", list(OLD_OF))


def spec_of(protocol: str) -> RunSpec:
    return resolve({"dataset": {"name": "stacked-mnist"}, "protocol": {"name": protocol}})


def case_of(protocol: str) -> Case:
    return spec_of(protocol).case


def digits_of(spec: RunSpec, mnist: LabelledImages) -> StackedDigits:
    assert isinstance(spec.dataset, StackedMnist)
    return StackedDigits(mnist, spec.dataset.triples, spec.dataset.digits, spec.dataset.frame)


def scorer_of(protocol: str, mnist: LabelledImages) -> Scorer:
    spec = spec_of(protocol)
    case = replace(spec.case, floor_draws=min(2, spec.case.floor_draws))
    return Scorer(case, spec.dataset, digits_of(spec, mnist), case.evaluator(spec.dataset, CPU))


@pytest.fixture
def small_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_features, "REFERENCE", 500)
    monkeypatch.setattr(beside_real, "NOISE_DRAWS", 2)


def framed(images: Tensor, side: int) -> Tensor:
    """Images of 28×28 as Stacked-MNIST scales them."""
    return images if side == 28 else interpolate(images, (side, side), mode="bilinear", align_corners=False)


# Which classifier it is


@each
def test_case_is_that_of_the_old_protocol_but_for_classifier_and_floor_draws(protocol: str) -> None:
    case, old = case_of(protocol), case_of(OLD_OF[protocol])
    assert replace(case, classifier="", floor_draws=1) == old
    assert (case.classifier in NETWORKS, case.floor_draws) == (True, 16)
    assert list(PROTOCOLS[protocol]().cases()) == ["stacked-mnist"]
    assert spec_of(protocol).dataset == spec_of(OLD_OF[protocol]).dataset


def test_every_classifier_of_a_paper_is_used_by_a_protocol() -> None:
    assert {case_of(protocol).classifier for protocol in OLD_OF} == set(NETWORKS)


@pytest.mark.parametrize(("protocol", "dataset"), OLD_IDS)
def test_run_ids_of_old_protocols_are_as_before(protocol: str, dataset: str) -> None:
    arch = {"name": "mlp", "generator_norm": "none"}  # then the only one
    spec = resolve({"dataset": {"name": dataset}, "protocol": {"name": protocol}, "arch": arch})
    assert spec.run_id(0) == OLD_IDS[protocol, dataset]


@each
def test_run_id_depends_on_the_hashes_of_the_classifier_and_of_the_own_evaluator(
    protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(protocol)
    evaluator = spec.case.evaluator(spec.dataset, CPU)
    assert evaluator.sha256 == spec.case.evaluator_sha256(spec.dataset)
    assert spec.case.classifier in evaluator.name
    before = spec.run_id(0)
    assert before != spec_of(OLD_OF[protocol]).run_id(0)
    card = read_card(spec.case.classifier)
    assert evaluator.sha256 == other_classifier.both_sha256(card.sha256, spec.dataset.evaluator_sha256)
    with monkeypatch.context() as patch:
        patch.setattr(protocols.base, "read_card", lambda _: replace(card, sha256="0" * 64))
        assert spec.run_id(0) != before
    with monkeypatch.context() as patch:
        patch.setattr(StackedMnist, "evaluator_sha256", "0" * 64)
        assert spec.run_id(0) != before
    assert spec.run_id(0) == before


# What is counted


@pytest.mark.parametrize("protocol", ["pacgan-stacked-2018", "meg-stacked-2019", "selfcond-stacked-2020"])
@pytest.mark.usefixtures("small_reference")
def test_real_samples_of_all_modes_get_nearly_all_of_them(protocol: str, mnist: LabelledImages) -> None:
    """Three test images of each mode; a classifier with a share p of digits right sees p³ of them in their mode."""
    digits = {digit: (mnist.test_labels == digit).nonzero().flatten() for digit in range(10)}
    modes = torch.arange(1000).repeat(3)
    random = stream(0, "planted")
    columns = [
        torch.stack([digits[int(digit)][torch.randint(len(digits[int(digit)]), (), generator=random)] for digit in of])
        for of in (modes // 100, modes // 10 % 10, modes % 10)
    ]
    scorer = scorer_of(protocol, mnist)
    images = framed(to_signed(mnist.test[torch.stack(columns, 1)].squeeze(-3)), NETWORKS[scorer.case.classifier].side)
    features = scorer.evaluator(images)
    right = float((features.labels == modes).double().mean())
    accuracy = read_card(scorer.case.classifier).test_accuracy
    assert right == pytest.approx(accuracy**3, abs=0.025)
    values = scorer.values(scorer.case.rule(features), ("modes", "kl"))
    missed = 1000 * (1 - accuracy**3) ** 3
    assert 1000 - missed - 15 <= values["modes"] <= 1000
    assert 0 <= values["kl"] * (math.log(10) if protocol.startswith("selfcond") else 1) < 0.12


@pytest.mark.parametrize("classifier", list(NETWORKS))
def test_real_images_of_one_mode_get_the_modes_of_the_documentation(classifier: str, mnist: LabelledImages) -> None:
    """26,000 images of 385 as in `experiments/classifier_noise.py`, but each digit is classified once."""
    random = stream(0, "planted")
    of_class = [(mnist.test_labels == digit).nonzero().flatten() for digit in (3, 8, 5)]
    chosen = torch.stack([rows[torch.randint(len(rows), (26_000,), generator=random)] for rows in of_class], dim=1)
    used, places = chosen.unique(return_inverse=True)
    evaluator = PaperEvaluator(classifier, CPU)
    images = to_signed(mnist.test[used])
    labels = evaluator(framed(images, evaluator.side)).labels[places] @ torch.tensor([100, 10, 1])
    assert len(labels.unique()) == pytest.approx(CREDITED[classifier], abs=2)
    page = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
    assert any(
        line.startswith(f"| `{classifier}`") and line.endswith(f"| {CREDITED[classifier]} |")
        for line in page.splitlines()
    )


@pytest.mark.parametrize("protocol", ["meg-stacked-2019", "selfcond-stacked-2020"])
@pytest.mark.usefixtures("small_reference")
def test_one_image_again_and_again_is_one_mode(protocol: str, mnist: LabelledImages) -> None:
    """Also with dropout, whose mask is a hash of the image."""
    scorer = scorer_of(protocol, mnist)
    one = digits_of(spec_of(protocol), mnist).floor_samples(1).expand(600, -1, -1, -1)
    scores = scorer.score(scorer.evaluator(one))
    assert scores.values["modes"] == 1
    assert scores.values["kl"] == pytest.approx(3 if protocol.startswith("selfcond") else math.log(1000))
    assert scores.values["modes"] < scores.floors["modes"] - 5 * scores.floor_sds["modes"]


@pytest.mark.usefixtures("small_reference")
def test_floors_are_of_the_papers_classifier(mnist: LabelledImages) -> None:
    """The KL of real samples rises by the classifier's errors, so it is not the floor of the old protocol."""
    names = ("modes", "kl")
    floors = scorer_of("meg-stacked-2019", mnist).floors(1_500, names)
    old = scorer_of("meg-2019", mnist).floors(1_500, names)
    assert floors["kl"].sd > 0
    assert math.isnan(old["kl"].sd)
    assert floors["kl"].mean != old["kl"].mean
    assert floors["kl"].mean == pytest.approx(old["kl"].mean, rel=0.15)


# The verdict


@pytest.mark.usefixtures("small_reference")
def test_verdict_and_summary_are_those_of_the_old_protocol(mnist: LabelledImages) -> None:
    """They come from the data set's own evaluator; real images of 28×28 are bytes, so nothing is rounded."""
    images = digits_of(spec_of("meg-2019"), mnist).floor_samples(500, draw=7)
    results = []
    for protocol in ("meg-stacked-2019", "meg-2019"):
        scorer = scorer_of(protocol, mnist)
        features = scorer.evaluator(images)
        results.append((scorer.beside_real.verdict(features), scorer.beside_real.summary(features), features.labels))
    (verdict, summary, labels), (old_verdict, old_summary, old_labels) = results
    assert verdict == old_verdict
    assert summary == old_summary
    assert not torch.equal(labels, old_labels)


# Refusals


@each
@pytest.mark.parametrize("metric", ["fid", "precision", "near_duplicates", "width", "second_frechet"])
def test_metrics_that_need_features_are_refused(protocol: str, metric: str) -> None:
    case = case_of(protocol)
    words = f"'{metric}' needs more than modes, and '{case.classifier}' only tells the mode"
    with pytest.raises(GanbenchError, match=words):
        replace(case, metrics={metric: METRICS.create({"name": metric})})


def test_extra_metrics_that_need_features_are_refused_before_training(tmp_path: Path) -> None:
    command = ["run", "--dataset", "stacked-mnist", "--protocol", "meg-stacked-2019", "--arch", "mlp"]
    command += ["--metric", "fid", "--store", str(tmp_path / "store")]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, "'fid' needs more than modes" in result.stderr) == (2, True), result.output
    assert not (tmp_path / "store").exists()


def test_classifiers_that_do_not_fit_are_refused() -> None:
    case = case_of("meg-stacked-2019")
    with pytest.raises(GanbenchError, match="'meg-cnn-1' doesn't know the modes of ring"):
        case.evaluator(Ring(), CPU)
    with pytest.raises(GanbenchError, match="is for images of 28×28, not 32×32"):
        case.evaluator(StackedMnist(frame="scaled-32"), CPU)
    with pytest.raises(GanbenchError, match="unknown evaluator 'meg-cnn-2': did you mean 'meg-cnn-1'"):
        replace(case, classifier="meg-cnn-2").evaluator(StackedMnist(), CPU)
    with pytest.raises(GanbenchError, match="can't have a second opinion"):
        replace(case, second_opinion=True)


# From the command line


@pytest.mark.usefixtures("small_reference")
def test_a_run_is_scored_tracked_and_rescored_by_the_papers_classifier(tmp_path: Path) -> None:
    store = ["--store", str(tmp_path / "store")]
    arch = "mlp:latent_dim=2,generator_widths=[16],critic_widths=[16]"
    command = ["run", "--dataset", "stacked-mnist", "--protocol", "selfcond-stacked-2020", "--arch", arch]
    command += ["--steps", "2", "--seeds", "0", "--set", "evaluation.samples=500"]
    result = CliRunner().invoke(main, [*command, "--set", "evaluation.quick_samples=500", *store])
    assert result.exit_code == 0, result.output
    refused = CliRunner().invoke(main, ["rescore", "--metric", "fid", *store])
    assert (refused.exit_code, "'fid' needs more than modes" in refused.output) == (1, True), refused.output
    added = CliRunner().invoke(main, ["rescore", "--metric", "modes_strict", *store])
    assert (added.exit_code, "modes_strict" in added.output) == (0, True), added.output
