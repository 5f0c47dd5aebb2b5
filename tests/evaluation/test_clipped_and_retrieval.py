"""Clipped density and coverage, and image retrieval, compared with brute force and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganbench.checks.features import make_features, make_reference
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS, UndefinedMetricError
from ganbench.evaluation.metrics.clipped_coverage import expectations, inverse
from ganbench.evaluation.metrics.retrieval import learned


def score(name: str, fake: Features, real: Reference, **options: object) -> float:
    return METRICS.create({"name": name, **options})(fake=fake, real=real)


def normal(seed: int, count: int, dimension: int) -> Tensor:
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed))


def distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")


# --- clipped density and coverage


@pytest.mark.parametrize("k", [1, 4, 5])
def test_clipped_density_equals_brute_force(k: int) -> None:
    real, fake = normal(0, 201, 3), 1.4 * normal(1, 201, 3)
    within = distances(real, real)
    radii = within.sort(1).values[:, k]
    clipped = radii.clamp_max(radii.median())  # of an odd number, the middle one
    counts = (distances(real, fake) < clipped[:, None]).sum(0)
    own = torch.stack([(within[:, i] <= clipped).sum() - 1 for i in range(201)])  # not in its own ball
    expected = counts.clamp_max(k).double().mean() / own.clamp_max(k).double().mean()
    value = score("clipped_density", make_features(fake), make_reference(make_features(real)), k=k)
    assert value == pytest.approx(min(1.0, float(expected)), rel=1e-12)


def test_expectation_of_clipped_coverage_equals_the_sum_over_the_beta_binomial() -> None:
    """J = j of m samples in a ball that holds k of N − 1 others: C(m, j) B(k + j, N − k + m − j) / B(k, N − k)."""
    n, k = 30, 3

    def beta(a: int, b: int) -> float:
        return math.exp(math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))

    values = expectations(n, k)
    assert len(values) == n + 1
    for m in (0, 1, 2, 3, 17, 30):
        terms = (min(j, k) * math.comb(m, j) * beta(k + j, n - k + m - j) / beta(k, n - k) for j in range(m + 1))
        assert float(values[m]) == pytest.approx(sum(terms) / k, abs=1e-12)
    assert (values.diff() > 0).all()


def test_clipped_coverage_equals_brute_force() -> None:
    real, fake = normal(0, 200, 3), 1.4 * normal(1, 200, 3)
    radii = distances(real, real).sort(1).values[:, 5]
    inside = (distances(real, fake) < radii[:, None]).sum(1).clamp_max(5).double().mean() / 5
    expected = inverse(expectations(200, 5), float(inside))
    assert 0.1 < expected < 0.95
    value = score("clipped_coverage", make_features(fake), make_reference(make_features(real)))
    assert value == pytest.approx(expected, rel=1e-12)


def test_inverse_interpolates_and_stays_between_0_and_1() -> None:
    values = torch.tensor([0.0, 0.1, 0.4, 0.5, 0.6]).double()
    for value, expected in ((-1.0, 0.0), (0.0, 0.0), (0.1, 0.25), (0.25, 0.375), (0.6, 1.0), (0.7, 1.0)):
        assert inverse(values, value) == pytest.approx(expected)


@pytest.mark.parametrize("bad", [0.0, 0.2, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("name", ["clipped_density", "clipped_coverage"])
def test_they_fall_linearly_with_the_share_of_bad_samples(name: str, bad: float) -> None:
    """The law that they are made for: unlike in `coverage`, which stays above .8 with half of them bad."""
    real, fake = make_reference(make_features(normal(0, 2000, 8))), normal(1, 2000, 8)
    fake[: round(2000 * bad)] += 100
    assert score(name, make_features(fake), real) == pytest.approx(1 - bad, abs=0.03)


@pytest.mark.parametrize("missing", [0.25, 0.5, 0.75])
def test_clipped_coverage_falls_linearly_with_the_real_data_that_are_missing(missing: float) -> None:
    def quarters(seed: int, first: int) -> Features:
        shift = 50 * (torch.arange(2000) % (4 - first) + first)
        return make_features(normal(seed, 2000, 4) + shift[:, None])

    value = score("clipped_coverage", quarters(1, round(4 * missing)), make_reference(quarters(0, 0)))
    assert value == pytest.approx(1 - missing, abs=0.03)


def test_bad_real_samples_do_not_raise_clipped_density_as_they_do_density() -> None:
    """Wide balls around outliers of the real data contain samples that are far from all other real ones."""
    real, fake = normal(0, 1000, 4), normal(1, 1000, 4)
    real[:60] *= 40
    fake[:500] *= 10
    reference, bad = make_reference(make_features(real)), make_features(fake)
    good = make_features(normal(2, 1000, 4))
    assert score("density", bad, reference) / score("density", good, reference) > 0.6
    assert score("clipped_density", bad, reference) == pytest.approx(0.5, abs=0.06)


# --- retrieval


def test_learned_number_is_the_most_likely_one() -> None:
    def log_likelihood(s: int, k: int, n: int) -> float:
        return math.lgamma(s + 1) - math.lgamma(s - k + 1) - n * math.log(s)

    for k, n, most in ((1, 10, 50), (7, 10, 50), (30, 100, 100), (63, 100, 100), (10, 10, 40)):
        expected = max(range(k, most + 1), key=lambda s: log_likelihood(s, k, n))
        assert learned(k, n, most) == expected


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_retrieval_is_the_share_of_the_real_data_that_is_imitated(share: float) -> None:
    """Real samples far apart, each retrieved by noisy copies of itself only."""
    corners = 100 * torch.randn(400, 6, generator=torch.Generator().manual_seed(7))
    points = make_reference(make_features(corners.repeat(10, 1) + 0.01 * normal(0, 4000, 6)))
    few = corners[: round(400 * share)]
    fake = make_features(few[torch.arange(4000) % len(few)] + 0.01 * normal(1, 4000, 6))
    # Fewer real samples than there are queries for are retrieved more completely: 8 % too many at a half.
    assert score("retrieval", fake, points) == pytest.approx(share, abs=0.09)


def test_retrieval_is_1_for_real_data_and_low_for_repeated_samples() -> None:
    real, fake = make_reference(make_features(normal(0, 3000, 5))), make_features(normal(1, 3000, 5))
    assert score("retrieval", fake, real) == pytest.approx(1, abs=0.08)
    one = make_features(fake.embedding[:1].repeat(3000, 1))
    assert score("retrieval", one, real) < 0.01
    half = torch.cat([fake.embedding[:1500], fake.embedding[:1].repeat(1500, 1)])
    assert 0.3 < score("retrieval", make_features(half), real) < 0.7
    with pytest.raises(UndefinedMetricError, match="too few"):
        score("retrieval", fake.first(99), real)
