"""What real samples of the built-in data score: the package's file has all of it, in the numbers of the code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganbench.data.labelled import LabelledImages
from ganbench.evaluation import cache, real_features
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.dataset_and_protocol import dataset_and_protocol
from ganbench.evaluation.real_features import REFERENCE
from ganbench.evaluation.scorer import Scorer
from ganbench.spec.train_spec import EvaluationSpec

CPU = torch.device("cpu")
QUICK = EvaluationSpec.quick_samples


PAPERS = ("pacgan-stacked-2018", "pacgan-stacked-2018-unrolled", "meg-stacked-2019", "selfcond-stacked-2020")
"""Protocols with a paper's classifier, for Stacked-MNIST."""


def scorer_of(name: str, mnist: LabelledImages | None = None) -> Scorer:
    """A scorer of a data set under the default protocol, or of Stacked-MNIST under a protocol of `PAPERS`."""
    names = {"name": "stacked-mnist" if name in PAPERS else name}, {"name": name if name in PAPERS else "ganbench-2"}
    real, protocol = dataset_and_protocol(*names)
    case = protocol.case(real)
    return Scorer(case, real, mnist or real.load(CPU), case.evaluator(real, CPU), DiskCache(None))


@pytest.mark.parametrize("dataset", ["ring", "grid", "imbalanced-ring", "mnist", "stacked-mnist", *PAPERS])
def test_nothing_has_to_be_computed_for_built_in_data(dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = scorer_of(dataset)
    monkeypatch.setattr(scorer._real, "draw", lambda *_: pytest.fail("real samples were scored again"))
    scorer.beside_real.baseline(QUICK)
    for samples, names in ((QUICK, scorer.case.quick), (scorer.case.samples, tuple(scorer.case.metrics))):
        floors = scorer.floors(samples, names)
        assert all(floor.sd >= 0 for floor in floors.values())
    assert floors[scorer.case.headline[0]].sd >= 0


@pytest.mark.parametrize("dataset", ["ring", "mnist", "selfcond-stacked-2020"])
def test_shipped_numbers_are_those_of_the_code(
    dataset: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scorer = scorer_of(dataset, request.getfixturevalue("mnist") if dataset == "mnist" else None)
    names = scorer.case.quick
    monkeypatch.setattr(real_features, "REFERENCE", 500 if dataset in PAPERS else REFERENCE)
    shipped, baseline = scorer.floors(QUICK, names), scorer.beside_real.baseline(QUICK)
    cache.shipped_numbers.cache_clear()
    monkeypatch.setattr(cache, "SHIPPED", tmp_path / "none.json")
    computing = scorer_of(dataset, request.getfixturevalue("mnist") if dataset == "mnist" else None)
    computed = computing.floors(QUICK, names)
    for name, floor in shipped.items():
        # Another machine rounds otherwise, so that one of 2,000 samples may count elsewhere.
        assert computed[name].mean == pytest.approx(floor.mean, rel=1e-3, abs=1e-4), name
        assert computed[name].sd == pytest.approx(floor.sd, rel=0.05, abs=1e-4), name
    if dataset == "ring":
        assert computing.beside_real.baseline(QUICK).width == pytest.approx(baseline.width, rel=1e-2)
        assert computing.beside_real.baseline(QUICK).good == pytest.approx(baseline.good, rel=1e-2)
    cache.shipped_numbers.cache_clear()
