"""Metrics compared with closed forms and values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from ganbench.checks.features import make_features, make_labelled, make_reference
from ganbench.data.evaluators import Reference
from ganbench.evaluation.metrics import UndefinedMetricError
from ganbench.evaluation.metrics.fid import frechet_distance
from ganbench.evaluation.metrics.kl import Kl
from ganbench.evaluation.metrics.modes import Modes
from ganbench.evaluation.metrics.modes_strict import StrictModes
from ganbench.evaluation.protocols.ganbench_1 import SURE_AND_TYPICAL


def test_frechet_distance_of_a_shifted_set_is_the_squared_shift() -> None:
    a = torch.randn(500, 6, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([1.0, -2.0, 0.0, 0.5, 0.0, 3.0])
    assert frechet_distance(a, a + shift) == pytest.approx(float(shift.square().sum()), rel=1e-5)


def test_frechet_distance_of_a_scaled_set_matches_its_closed_form() -> None:
    """Σb = s² Σa: tr(Σa + Σb − 2 (Σa Σb)^½) = (1 − s)² tr Σa, plus the squared distance of the means."""
    a = torch.randn(500, 6, generator=torch.Generator().manual_seed(1)).double()
    b = 3 * a
    expected = 4 * torch.cov(a.T).trace() + (2 * a.mean(0)).square().sum()
    assert frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-9)


def test_frechet_distance_is_zero_for_equal_sets_symmetric_and_not_negative() -> None:
    random = torch.Generator().manual_seed(2)
    a, b = torch.randn(300, 8, generator=random), torch.rand(400, 8, generator=random)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)
    assert frechet_distance(a, a.flip(0)) >= 0


def test_frechet_distance_equals_torchmetrics() -> None:
    class Identity(torch.nn.Module):
        num_features = 12

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    random = torch.Generator().manual_seed(3)
    real = torch.randn(700, 12, generator=random) @ torch.randn(12, 12, generator=random)
    fake = torch.rand(900, 12, generator=random) @ torch.randn(12, 12, generator=random)
    reference = FrechetInceptionDistance(feature=Identity(), input_img_size=(1, 1, 12)).set_dtype(torch.float64)
    reference.update(real.double(), real=True)
    reference.update(fake.double(), real=False)
    assert frechet_distance(fake, real) == pytest.approx(float(reference.compute()), rel=1e-6)


@pytest.mark.parametrize("bad", [torch.randn(1, 4), torch.full((5, 4), math.nan), torch.full((5, 4), math.inf)])
def test_frechet_distance_rejects_sets_without_a_finite_covariance(bad: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"must be finite|at least two"):
        frechet_distance(bad, torch.randn(9, 4))


def real(counts: list[int]) -> Reference:
    return make_reference(make_labelled(counts))


def test_kl_matches_values_computed_by_hand() -> None:
    """Shares 1 : 1 against 3 : 1 give ½ ln(½ / ¾) + ½ ln(½ / ¼); a single one of K equal modes gives ln K."""
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert Kl()(fake=make_labelled([10, 10]), real=real([30, 10])) == pytest.approx(expected)
    assert Kl()(fake=make_labelled([0, 7, 0, 0]), real=real([5, 5, 5, 5])) == pytest.approx(math.log(4))
    assert Kl()(fake=make_labelled([3, 5]), real=real([6, 10])) == 0


def test_kl_is_undefined_if_the_real_set_lacks_a_mode() -> None:
    with pytest.raises(UndefinedMetricError, match="infinite"):
        Kl()(fake=make_labelled([1, 1]), real=real([5, 0]))


def test_modes_count_any_good_sample_and_strict_modes_need_a_share_of_good_ones() -> None:
    even = real([100] * 4)
    fake = make_labelled([1990, 5, 4, 1])
    assert Modes()(fake=fake, real=even) == 4
    assert StrictModes()(fake=fake, real=even) == 2  # 1 % of a mode's expected count, 500 of 2,000, is 5
    assert StrictModes()(fake=make_labelled([190, 2, 1, 1]), real=even) == 2, (
        "at least two samples are needed, however few there are"
    )
    bad = torch.ones(2000, dtype=torch.bool)
    bad[1990:1992] = False  # two of the five
    fake = make_labelled([1990, 5, 4, 1], good=bad)
    assert Modes()(fake=fake, real=even) == 4
    assert StrictModes()(fake=fake, real=even) == 1


def test_strict_modes_need_a_fraction_of_their_share_in_real_data() -> None:
    """A mode with a share of 1/1,000 needs two good samples of 10,000, not twenty-five."""
    uneven = real([998, 1, 1])
    assert StrictModes()(fake=make_labelled([9997, 2, 1]), real=uneven) == 2


@pytest.mark.parametrize(
    ("confidence", "deviation", "modes"), [(0.89, 2.9, 0), (0.9, 2.9, 2), (0.9, 3.0, 0), (1.0, 0.0, 2)]
)
def test_image_is_good_if_it_is_confident_and_typical(confidence: float, deviation: float, modes: int) -> None:
    fake = make_labelled([500, 500, 0, 0])
    features = make_features(
        fake.embedding,
        fake.labels,
        4,
        confidence=torch.full((1000,), confidence),
        deviation=torch.full((1000, 1), deviation),
    )
    with_good_samples = SURE_AND_TYPICAL(features)
    assert Modes()(fake=with_good_samples, real=real([100] * 4)) == modes
    assert StrictModes()(fake=with_good_samples, real=real([100] * 4)) == modes
