"""Metrics of single modes, compared with brute force and with values known beforehand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganbench.checks.features import make_features, make_labelled, make_reference
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS, UndefinedMetricError
from ganbench.evaluation.metrics.within_modes import coverage_by_mode, expected_coverage, recall_by_mode

SIGMA = 0.01


def score(name: str, fake: Features, real: Reference, **options: object) -> float:
    return METRICS.create({"name": name, **options})(fake=fake, real=real)


def ring(seed: int, counts: list[int], *, width: float = 1.0, turned: float = 0.0, sigma: float = SIGMA) -> Features:
    """Gaussians on the unit circle; `turned` by so many σ."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed + 99))]
    angles = 2 * math.pi * labels / len(counts) + turned * sigma
    noise = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(seed))
    points = torch.stack([angles.cos(), angles.sin()], 1) + width * sigma * noise
    return make_features(points, labels, len(counts))


def squares(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist").square()


def radii(points: Tensor, k: int) -> Tensor:
    return squares(points, points).sort(1).values[:, k]


# --- coverage and recall


def test_values_by_mode_equal_brute_force() -> None:
    fake, real = ring(0, [150, 100, 4, 0, 246]), make_reference(ring(1, [100] * 5))
    coverage, recall = coverage_by_mode(fake, real, k=2), recall_by_mode(fake, real, k=2)
    for mode in range(5):
        true, own = real.embedding[real.labels == mode], fake.embedding[fake.labels == mode]
        if len(own) > 100:  # of too many a part is drawn, which the oracle doesn't know: at least that of all is more
            assert coverage[mode] <= float((squares(true, own).amin(1) < radii(true, 2)).double().mean()) / 0.75
            continue
        covered = (squares(true, own) < radii(true, 2)[:, None]).any(1).double().mean()
        assert coverage[mode] == pytest.approx(min(1.0, float(covered) / expected_coverage(100, 2)), rel=1e-12)
        inside = (squares(true, own) < radii(own, 2)).any(1).double().mean() if len(own) > 2 else torch.tensor(0.0)
        assert recall[mode] == pytest.approx(float(inside) * min(1.0, len(own) / 50), rel=1e-12)
    assert score("worst_mode_coverage", fake, real, k=2) == coverage[3] == 0
    assert score("worst_mode_recall", fake, real, k=2) == recall[3] == 0


@pytest.mark.parametrize("k", [1, 3, 5])
def test_expected_coverage_is_that_of_real_samples(k: int) -> None:
    """In any space: of 2 n − 1 others, the k nearest must all be of the own set."""
    found = []
    for seed in range(60):
        a, b = (torch.randn(50, 3, generator=torch.Generator().manual_seed(2 * seed + i)) for i in range(2))
        found.append(float((squares(a, b).amin(1) < radii(a, k)).double().mean()))
    error = torch.tensor(found).std() / math.sqrt(len(found))
    assert sum(found) / len(found) == pytest.approx(expected_coverage(50, k), abs=4 * float(error))
    assert expected_coverage(50, 1) == pytest.approx(1 - 49 / 99)


def test_worst_mode_of_real_data_is_near_1_also_if_it_is_rare() -> None:
    for counts in ([500] * 8, [2000, 1000, 500, 250, 100]):
        real = make_reference(ring(1, counts))
        assert score("worst_mode_coverage", ring(2, counts), real) == pytest.approx(0.97, abs=0.05)


def test_a_collapse_within_one_mode_is_seen_though_seven_others_dilute_it() -> None:
    real, fake = make_reference(ring(1, [400] * 8)), ring(2, [400] * 8)
    points = fake.embedding.clone()
    narrow = (fake.labels == 3).nonzero().squeeze(1)
    points[narrow] = points[narrow[:20]].repeat(20, 1)
    collapsed = make_features(points, fake.labels, 8)
    assert score("coverage", collapsed, real) > 0.85
    values = coverage_by_mode(collapsed, real)
    assert min(values, key=lambda mode: values[mode]) == 3
    assert score("worst_mode_coverage", collapsed, real) == values[3] < 0.3
    assert min(value for mode, value in values.items() if mode != 3) > 0.9


def test_coverage_falls_with_the_share_of_a_mode_as_expected() -> None:
    """The k nearest of n + m − 1 others are all real with probability Π (n − 1 − i) / (n + m − 1 − i)."""
    real = make_reference(ring(1, [800] * 8))
    for share in (0.05, 0.3):
        rest, thin = round(800 * (8 - share) / 7), round(800 * share)
        fake = ring(2, [thin, *[rest] * 7])
        uncovered = math.prod((799 - i) / (799 + thin - i) for i in range(5))
        expected = (1 - uncovered) / expected_coverage(800, 5)
        assert coverage_by_mode(fake, real)[0] == pytest.approx(expected, abs=0.08)
        assert score("worst_mode_recall", fake, real) < 2 * share + 0.01


def test_modes_with_too_few_real_samples_are_not_judged() -> None:
    rare = make_reference(ring(1, [500, 480, 20]))
    assert set(coverage_by_mode(ring(2, [500, 480, 20]), rare)) == {0, 1}
    for name in ("worst_mode_coverage", "worst_mode_recall"):
        with pytest.raises(UndefinedMetricError, match="100% of the 1,000 real samples"):
            score(name, ring(2, [10] * 100), make_reference(ring(1, [10] * 100)))


# --- width and displacement


@pytest.mark.parametrize("turned", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("width", [0.5, 0.9, 1.0, 1.5])
def test_width_and_displacement_are_kept_apart(turned: float, width: float) -> None:
    real = make_reference(ring(1, [1000] * 8))
    fake = ring(2, [1000] * 8, width=width, turned=turned)
    assert score("width", fake, real) == pytest.approx(width, rel=0.03)
    assert score("displacement", fake, real) == pytest.approx(turned, abs=0.08)


def test_width_counts_samples_that_no_rule_accepts_and_outliers_hardly() -> None:
    real, fake = make_reference(ring(1, [500] * 8)), ring(2, [500] * 8)
    none_good = make_features(fake.embedding, fake.labels, 8, good=torch.zeros(4000, dtype=torch.bool))
    assert score("width", none_good, real) == score("width", fake, real)
    far = fake.embedding.clone()
    far[:200] *= 3
    assert score("width", make_features(far, fake.labels, 8), real) == pytest.approx(1, abs=0.03)
    assert score("displacement", make_features(far, fake.labels, 8), real) < 0.15


def test_width_is_exact_for_scaled_modes_and_0_for_points() -> None:
    real = make_reference(ring(1, [100] * 4))
    centres = torch.stack([real.embedding[real.labels == mode].mean(0) for mode in range(4)])[real.labels]
    for factor in (0.0, 0.5, 2.0):
        fake = make_features(centres + factor * (real.embedding - centres), real.labels, 4)
        assert score("width", fake, real) == pytest.approx(factor, rel=0.02, abs=1e-6)


def test_displacement_of_real_samples_is_that_of_chance() -> None:
    """Both centres vary by σ / √n in either direction: their distance is Rayleigh's, of mean σ √(π / n)."""
    values = [
        score("displacement", ring(10 + seed, [200] * 8), make_reference(ring(seed, [200] * 8))) for seed in range(5)
    ]
    assert sum(values) / len(values) == pytest.approx(math.sqrt(math.pi / 200), rel=0.15)


def test_geometry_is_undefined_without_two_samples_of_a_mode_in_both_sets() -> None:
    for name in ("width", "displacement"):
        with pytest.raises(UndefinedMetricError, match="two samples in both"):
            score(name, make_labelled([1] * 4), make_reference(ring(1, [50] * 4)))
