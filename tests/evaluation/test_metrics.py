"""Metrics compared with mathematical properties, closed forms and independent implementations."""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench.checks.features import make_features, make_images, make_labelled, make_reference
from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS, UndefinedMetricError, distances, memo, pairs, pairs_within
from ganbench.evaluation.metrics.memo import memoize_on
from ganbench.evaluation.metrics.msssim import SIGMA, WEIGHTS, WINDOW, ms_ssim_of_pairs
from ganbench.evaluation.metrics.pairs import PairStatistics, share_pairs
from ganbench.evaluation.metrics.pairs_within import PairsWithin

SHARED_PAIR_METRICS = (
    "precision", "recall", "density", "coverage", "kid", "near_duplicates", "support", "different_samples",
    "clipped_density", "clipped_coverage",
)  # fmt: skip
"""Metrics that share pair statistics."""
PAIR_METRICS = (*SHARED_PAIR_METRICS, "ndb", "ndb_jsd")

UNAFFECTED_BY_REPETITION = ("hq", "confidence", "exact_copies_of_reference", "exact_copies_of_training")


def score(name: str, fake: Features, real: Reference, **options: object) -> float:
    return METRICS.create({"name": name, **options})(fake=fake, real=real)


def normal(seed: int, count: int, dimension: int, width: float = 1.0) -> Tensor:
    return width * torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed))


def sample_modes(weights: Tensor, samples: int, seed: int) -> Features:
    """Samples of modes drawn with exactly these weights."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.multinomial(weights, samples, replacement=True, generator=random)
    return make_features(labels[:, None].float(), labels, len(weights))


def uniform(modes: int) -> Reference:
    return make_reference(make_labelled([1] * modes))


# --- all metrics


@pytest.fixture(scope="module")
def real() -> Reference:
    training = make_images(3, 3000)
    return make_reference(make_images(2), training=training.embedding, training_samples=training.samples)


@pytest.mark.parametrize("name", list(METRICS))
def test_value_is_deterministic_and_independent_of_sample_order(name: str, real: Reference) -> None:
    fake = make_images(1)
    value = score(name, fake, real)
    again = make_images(1)  # another object, for which nothing is cached
    assert value == score(name, fake, real) == score(name, again, real)
    shuffled = fake.select(torch.randperm(len(fake), generator=torch.Generator().manual_seed(9)))
    assert score(name, shuffled, real) == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", [name for name in METRICS if name not in UNAFFECTED_BY_REPETITION])
def test_one_repeated_image_scores_worse_than_real_data(name: str, real: Reference) -> None:
    """Except for those that rate a single good image as highly as many."""
    other = make_images(4)
    first = int(other.good.nonzero()[0])
    collapsed = other.select(torch.full((len(other),), first))
    floor, value = score(name, other, real), score(name, collapsed, real)
    assert math.isfinite(value)
    match METRICS[name].direction:
        case "lower":
            assert value > floor
        case "higher":
            assert value < floor
        case "real":
            assert abs(value - floor) > 0.05 * abs(floor)


@pytest.mark.parametrize("name", list(METRICS))
def test_non_finite_embedding_raises_or_is_ignored(name: str, real: Reference) -> None:
    fake = make_images(1)
    broken = fake.embedding.clone()
    broken[3, 5] = math.nan
    bad = make_features(broken, fake.labels, 10, samples=fake.samples, good=fake.good, probabilities=fake.probabilities)
    try:
        assert math.isfinite(score(name, bad, real))  # a metric that doesn't use the embedding
    except ValueError:
        return


# --- mode shares


def test_strict_modes_need_two_good_samples_and_a_fraction_of_the_expected_share() -> None:
    good = torch.ones(1000, dtype=torch.bool)
    good[990:] = False
    fake = make_labelled([889, 100, 1, 10], good=good)
    ideal = uniform(4)
    assert score("modes", fake, ideal) == 3
    assert score("modes_strict", fake, ideal) == 2
    assert score("modes_strict", fake, ideal, share=0.5) == 1
    assert METRICS.create({"name": "modes_strict"}).ceiling(ideal) == 4
    assert score("hq", fake, ideal) == 0.99
    rare = make_reference(make_labelled([1] * 4), weights=torch.tensor([0.9, 0.0998, 1e-4, 1e-4]).double())
    assert score("modes_strict", make_labelled([900, 97, 1, 2]), rare) == 3, (
        "two samples are enough for a mode with one expected sample"
    )


def test_kl_matches_values_computed_by_hand() -> None:
    """Shares 1 : 1 against 3 : 1 give ½ ln(½ / ¾) + ½ ln(½ / ¼); a single one of K equal modes gives ln K."""
    data = make_reference(make_labelled([30, 10]))
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    fake = make_labelled([10, 10])
    assert score("kl", fake, data) == pytest.approx(expected, rel=1e-12)
    assert score("kl", fake, data, reference="uniform") == 0
    assert score("kl", make_labelled([7, 0, 0, 0]), uniform(4)) == pytest.approx(math.log(4))
    natural, decimal, binary = (score("kl", fake, data, base=base) for base in ("e", "10", "2"))
    assert natural / decimal == pytest.approx(2.302585, rel=1e-6)
    assert natural / binary == pytest.approx(math.log(2), rel=1e-12)


def test_kl_among_good_samples_ignores_the_others() -> None:
    fake = make_labelled([5, 5], good=torch.tensor([True] * 5 + [False] * 5))
    assert score("kl", fake, uniform(2)) == 0
    assert score("kl", fake, uniform(2), among="good") == pytest.approx(math.log(2))
    none = make_labelled([5, 5], good=torch.zeros(10, dtype=torch.bool))
    with pytest.raises(UndefinedMetricError, match="no sample is good"):
        score("kl", none, uniform(2), among="good")


def test_infinite_kl_is_undefined() -> None:
    with pytest.raises(UndefinedMetricError, match="infinite"):
        score("kl", make_labelled([5, 5]), make_reference(make_labelled([9, 0])))


@pytest.mark.parametrize("option", ["base", "reference", "among"])
def test_kl_rejects_unknown_option_values(option: str) -> None:
    for name in ("kl", "kl_corrected"):
        with pytest.raises(GanbenchError, match=f"{option} must be one of"):
            METRICS.create({"name": name, option: "other"})


@pytest.mark.parametrize("weights", [torch.full((100,), 0.01).double(), torch.arange(1, 51).double() / 1275])
@pytest.mark.parametrize("samples", [1000, 5000])
def test_kl_has_bias_k_minus_1_over_2n_and_corrected_kl_has_none(weights: Tensor, samples: int) -> None:
    ideal = make_reference(make_labelled([1] * len(weights)), weights=weights)
    bias = (len(weights) - 1) / (2 * samples)
    fakes = [sample_modes(weights, samples, seed) for seed in range(200)]
    for name in ("kl", "kl_forward"):
        raw = np.array([score(name, fake, ideal) for fake in fakes])
        corrected = np.array([score(f"{name}_corrected", fake, ideal) for fake in fakes])
        error = float(raw.std()) / math.sqrt(len(fakes))
        assert raw.mean() == pytest.approx(bias, abs=4 * error + 0.04 * bias)
        assert corrected.mean() == pytest.approx(0, abs=4 * error + 0.04 * bias)
        assert (corrected < 0).any(), "an unbiased estimate is sometimes negative"


def test_corrected_kl_uses_the_same_base() -> None:
    fake, ideal = make_labelled([60, 40, 0]), uniform(3)
    decimal, natural = (score("kl_corrected", fake, ideal, base=base) for base in ("10", "e"))
    assert natural / decimal == pytest.approx(math.log(10), rel=1e-12)
    assert score("kl", fake, ideal) - natural == pytest.approx(1 / 200, rel=1e-12)


def test_forward_kl_is_finite_for_a_missing_mode() -> None:
    expected = 0.5 * math.log(0.5 / (9.5 / 10)) + 0.5 * math.log(0.5 / (0.5 / 10))
    assert score("kl_forward", make_labelled([9, 0]), uniform(2)) == pytest.approx(expected, rel=1e-12)


def test_jsd_is_0_for_equal_shares_ln_2_for_disjoint_ones_and_symmetric() -> None:
    left, right = make_labelled([10, 0]), make_labelled([0, 10])
    assert score("jsd", left, make_reference(right)) == pytest.approx(math.log(2))
    assert score("jsd", left, make_reference(left)) == 0
    a, b = make_labelled([6, 4]), make_labelled([1, 9])
    assert score("jsd", a, make_reference(b)) == pytest.approx(score("jsd", b, make_reference(a)), rel=1e-12)
    half = 0.5 * math.log(1 / 0.75) + 0.5 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert score("jsd", left, uniform(2)) == pytest.approx(half, rel=1e-12)


# --- distances


@pytest.mark.parametrize("block", [1, 1000, 1 << 22])
def test_blockwise_distances_equal_cdist(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "DISTANCES_PER_BLOCK", block)
    a, b = 5 + normal(0, 70, 9), 5 + normal(1, 90, 9)
    exact = torch.cdist(a.double(), b.double()).square()
    blocks = [part.clone() for part in distances.squares(a, b)]
    assert max(part.numel() for part in blocks) <= max(block, len(b)), "no block exceeds the block size"
    torch.testing.assert_close(torch.cat(blocks), exact, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(distances.nearest(a, b), exact.amin(1), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(distances.nearest_of_many(a, b), exact.amin(1), rtol=1e-5, atol=1e-10)
    within = torch.cdist(a.double(), a.double()).square().sort(1).values
    radii = PairsWithin(a).radii(3)
    torch.testing.assert_close(radii, within[:, 3], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("block", [1, 1000, 1 << 22])
def test_ball_statistics_equal_those_of_all_distances(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "DISTANCES_PER_BLOCK", block)
    fake, real = normal(0, 70, 3), 0.7 * normal(1, 90, 3)
    between = torch.cdist(fake[:60].double(), real[:60].double()).square()
    sets = (fake[:60].double(), real[:60].double())
    fake_radii, real_radii = (torch.cdist(a, a).square().sort(1).values[:, 4, None] for a in sets)
    balls = PairStatistics.of(make_features(fake), make_features(real), 60).balls(4)
    assert torch.equal(balls.around_fake, (between < real_radii.T).sum(1))
    assert torch.equal(balls.real_inside, (between < fake_radii).any(0))
    torch.testing.assert_close(balls.nearest, between.amin(0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("block", [1, 1000, 1 << 22])
def test_near_pairs_beyond_the_stored_neighbours_are_counted(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "DISTANCES_PER_BLOCK", block)
    cluster = normal(0, 3 * pairs_within.RANKS, 3) / 100
    points = torch.cat([normal(1, 40, 3), cluster, normal(2, 5, 3)])
    squared = torch.cdist(points.double(), points.double()).square()
    for radius in (1e-4, 0.01, 0.3, 30.0):
        expected = int((squared <= radius).sum() - len(points)) // 2
        assert PairsWithin(points).near_pairs(torch.tensor(radius)) == expected


def test_memory_does_not_grow_with_the_number_of_blocks() -> None:
    """Small results allocated between large blocks once kept every block in memory."""

    def megabytes() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    points, centres = normal(0, 1200, 128), normal(1, 100_000, 128)
    distances.nearest(points[:80], centres)  # one-time allocations
    before = megabytes()
    distances.nearest(points, centres)  # 114 blocks
    # 120 to 240 MB are in temporary use, depending on the machine; keeping all blocks would take 960.
    assert megabytes() - before < 500


def test_close_neighbours_have_accurate_distances() -> None:
    """Points at distance 1 from the origin that are 1e-5 apart: float32 products can't resolve that."""
    points = torch.tensor([[1.0, 0.0], [1.0, 1e-5], [-1.0, 0.0], [-1.0, 3e-5]])
    expected = torch.tensor([1e-5, 1e-5, 3e-5, 3e-5]).double()
    torch.testing.assert_close(PairsWithin(points).radii(1).sqrt(), expected, rtol=1e-2, atol=0)
    nearest = distances.nearest_of_many(points[::2], points[1::2]).sqrt()
    torch.testing.assert_close(nearest, expected[::2], rtol=1e-2, atol=0)


def test_copies_have_zero_distance() -> None:
    a = 100 + normal(0, 300, 17)
    assert not PairsWithin(a.repeat(2, 1)).radii(1).any()
    assert not distances.nearest_of_many(a.flip(0), a).any()


def test_pair_statistics_are_cached_for_the_lifetime_of_the_features() -> None:
    features = make_features(normal(0, 50, 3))
    statistics_of = PairStatistics.of  # a set compared with itself, as for floors
    first, other_rank, fewer = (
        statistics_of(features, features, count).fake.radii(k) for count, k in ((50, 3), (50, 5), (40, 3))
    )
    assert other_rank.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
    assert fewer.untyped_storage().data_ptr() != first.untyped_storage().data_ptr()
    statistics_of(features, features, 50).balls(3)
    statistics_of(features, features, 50).kernel_means()
    assert statistics_of(features, features, 50).balls(3) is statistics_of(features, features, 60).balls(3)
    before = len(memo._results)
    del features
    assert len(memo._results) == before - 1


@pytest.mark.parametrize("k", [3, 5])
def test_precision_recall_density_and_coverage_equal_the_authors_code(k: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import prdc
    a, b = normal(0, 400, 6), torch.cat([normal(1, 300, 6, 0.5), 1 + normal(2, 100, 6)])
    with contextlib.redirect_stdout(io.StringIO()):
        expected: dict[str, Any] = prdc.compute_prdc(a.double().numpy(), b.double().numpy(), k)
    reference, fake = make_reference(make_features(a)), make_features(b)
    for name, value in expected.items():
        assert score(name, fake, reference, k=k) == pytest.approx(float(value), rel=1e-12), name


def test_tight_cluster_in_a_wide_distribution_has_precision_but_no_recall() -> None:
    reference = make_reference(make_features(normal(0, 1000, 8)))
    tight, other = make_features(normal(1, 1000, 8, 0.1)), make_features(normal(2, 1000, 8))
    assert score("precision", tight, reference) > 0.95 > score("precision", other, reference)
    assert score("recall", tight, reference) < 0.05
    assert score("density", tight, reference) > 1.5 * score("density", other, reference)
    assert score("coverage", tight, reference) < 0.1 < 0.9 < score("coverage", other, reference)
    assert score("density", other, reference) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_coverage_between_real_sets_is_1_minus_2_to_the_minus_k(k: int) -> None:
    """The k nearest of 2N − 1 other samples are all in the same set with probability about 2^(−k)."""
    reference, other = make_reference(make_features(normal(0, 3000, 2))), make_features(normal(1, 3000, 2))
    assert score("coverage", other, reference, k=k) == pytest.approx(1 - 2.0**-k, abs=0.03)


def test_boundary_of_a_ball_is_outside() -> None:
    """The k-th neighbour itself lies on the boundary, regardless of rounding."""
    a = 30 + normal(0, 200, 12)
    reference, copies = make_reference(make_features(a)), make_features(a.flip(0))
    exact = torch.cdist(a.double(), a.double(), compute_mode="donot_use_mm_for_euclid_dist")
    radii = exact.topk(4, largest=False).values[:, -1]
    assert score("density", copies, reference, k=3) == pytest.approx(float((exact < radii).sum()) / 600)
    assert score("density", copies, reference, k=3) == 1, "each ball contains its centre and two neighbours"


@pytest.mark.parametrize("name", PAIR_METRICS)
def test_pair_metrics_compare_equal_numbers_of_real_and_generated_samples(name: str) -> None:
    a, b = normal(0, 900, 4), normal(1, 700, 4)
    all_real, fewer_real = make_reference(make_features(a)), make_reference(make_features(a[:500]))
    fewer = make_features(b[:500])
    if name == "kid":  # unbiased, so it doesn't need equal numbers
        assert score(name, make_features(b), all_real, samples=500) == score(name, fewer, fewer_real)
        return
    assert score(name, fewer, all_real) == score(name, fewer, fewer_real)
    assert score(name, make_features(b), all_real, samples=500) == score(name, fewer, fewer_real)


# --- shared pair statistics


def score_together(names: Sequence[str], fake: Features, real: Reference) -> dict[str, float]:
    """Values of metrics, computed in this order; NaN if undefined."""
    metrics = {name: METRICS.create({"name": name}) for name in names}
    share_pairs(fake, metrics.values())
    values = {}
    for name, metric in metrics.items():
        try:
            values[name] = metric(fake=fake, real=real)
        except UndefinedMetricError:
            values[name] = math.nan
    return values


def same_bits(some: dict[str, float], others: dict[str, float]) -> bool:
    """Whether values are equal bit for bit; NaN equals NaN."""
    return {name: value.hex() for name, value in some.items()} == {name: value.hex() for name, value in others.items()}


def new_sets(fakes: int, reals: int) -> tuple[Features, Reference]:
    """Two new sets, for which no pair statistics are cached."""
    return make_features(normal(0, fakes, 6)), make_reference(make_features(0.8 * normal(1, reals, 6)))


def orders_of(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All rotations of the names, and the same reversed."""
    for start in range(len(names)):
        rotated = (*names[start:], *names[:start])
        yield rotated
        yield rotated[::-1]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the sets in each pass over pairs."""
    sizes: list[tuple[int, int]] = []

    def counting(a: Tensor, b: Tensor, *, discount: float = 0.0) -> Iterator[Tensor]:
        sizes.append((len(a), len(b)))
        return distances.squares(a, b, discount=discount)

    for module in (pairs, pairs_within):
        monkeypatch.setattr(module, "squares", counting)
    return sizes


def test_metrics_declare_their_use_of_pair_statistics() -> None:
    assert {name for name in METRICS if METRICS[name].pair_statistics} == set(SHARED_PAIR_METRICS)


def test_all_metrics_have_the_same_values_in_any_order(real: Reference) -> None:
    fake = make_images(1)
    # No statistics are cached for copies.
    expected = {name: score(name, replace(fake), replace(real)) for name in METRICS}
    for order in (list(METRICS), list(METRICS)[::-1]):
        assert same_bits(score_together(order, replace(fake), replace(real)), expected), order


@pytest.mark.parametrize(("fakes", "reals"), [(4, 4), (120, 120), (90, 120), (120, 90)])
def test_pairs_are_processed_once_in_any_order_of_metrics(
    fakes: int, reals: int, passes: list[tuple[int, int]]
) -> None:
    alone = {name: score_together([name], *new_sets(fakes, reals))[name] for name in SHARED_PAIR_METRICS}
    equal = min(fakes, reals)
    single_passes = {(fakes, fakes), (reals, reals), (fakes, reals), (equal, equal)}
    for names in itertools.chain(orders_of(SHARED_PAIR_METRICS), itertools.permutations(SHARED_PAIR_METRICS, 2)):
        passes.clear()
        values = score_together(names, *new_sets(fakes, reals))
        assert same_bits(values, {name: alone[name] for name in names}), names
        # One pass within each set and one across; of sets of different sizes, only `kid` uses all samples.
        once_per_reference = "clipped_density" in names  # needs the radii of all before it can count
        assert len(passes) <= (3 if fakes == reals else 5) + once_per_reference, (names, passes)
        assert set(passes) <= single_passes, names


def test_metrics_without_shared_pairs_have_the_same_values() -> None:
    expected = score_together(SHARED_PAIR_METRICS, *new_sets(120, 120))
    for names in orders_of(SHARED_PAIR_METRICS):
        fake, real = new_sets(120, 120)
        assert same_bits({name: score(name, fake, real) for name in names}, {name: expected[name] for name in names})


def test_unused_pair_statistics_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        pytest.fail("no metric uses this")

    with monkeypatch.context() as patch:
        for module in (pairs, pairs_within):
            patch.setattr(module, "KernelSum", never)
        score_together([name for name in SHARED_PAIR_METRICS if name != "kid"], *new_sets(120, 120))
    with monkeypatch.context() as patch:
        patch.setattr(pairs_within, "smallest", never)
        score_together(["kid"], *new_sets(120, 120))


# --- kernels and bins


def test_kid_equals_torchmetrics() -> None:
    from torchmetrics.image.kid import poly_mmd

    a, b = normal(0, 300, 10), 0.3 + normal(1, 300, 10)
    value = score("kid", make_features(a), make_reference(make_features(b)))
    assert value == pytest.approx(float(poly_mmd(b.double(), a.double())), rel=1e-9)


@pytest.mark.parametrize("block", [1, 1000, 1 << 22])
@pytest.mark.parametrize(("fakes", "reals"), [(2, 2), (4, 4), (70, 70), (70, 90), (90, 70)])
def test_kid_equals_the_mean_over_all_pairs(
    fakes: int, reals: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distances, "DISTANCES_PER_BLOCK", block)
    a, b = 5 + normal(0, fakes, 7), 5 + 0.8 * normal(1, reals, 7)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x.double() @ y.double().T / 7 + 1) ** 3

    within = (kernel(x, x)[~torch.eye(len(x), dtype=torch.bool)].mean() for x in (a, b))
    expected = float(sum(within) - 2 * kernel(a, b).mean())
    fake, reference = make_features(a.clone().requires_grad_()), make_reference(make_features(b))
    assert score("kid", fake, reference) == pytest.approx(expected, rel=1e-9, abs=1e-9 * float(kernel(a, b).mean()))


def test_kid_is_unbiased_and_may_be_negative() -> None:
    values = [
        score("kid", make_features(normal(seed, 50, 5)), make_reference(make_features(normal(1000 + seed, 80, 5))))
        for seed in range(300)
    ]
    assert min(values) < 0
    assert abs(float(np.mean(values))) < 4 * float(np.std(values)) / math.sqrt(300)


def test_fid_of_a_singular_covariance_does_not_depend_on_sample_order() -> None:
    a, b = normal(0, 500, 6), normal(1, 500, 6)
    a[:, 3:], b[:, 4:] = 0, 0
    order = torch.randperm(500)
    reference = make_reference(make_features(b))
    value = score("fid", make_features(a), reference)
    assert score("fid", make_features(a[order]), reference) == pytest.approx(value, rel=1e-12)


def test_ndb_between_real_sets_is_about_alpha() -> None:
    values = [
        score("ndb", make_features(normal(2 * seed, 2000, 3)), make_reference(make_features(normal(seed, 2000, 3))))
        for seed in range(1, 12, 2)
    ]
    assert 0 < np.mean(values) < 0.12


def test_binned_metrics_match_values_computed_by_hand() -> None:
    """Ten distinct points with 100 real samples each, one bin per point."""
    points = torch.arange(10.0).repeat_interleave(100)[:, None]
    reference = make_reference(make_features(points))
    counts = torch.tensor([200, 0, 100, 100, 100, 100, 100, 100, 90, 110])
    fake = make_features(torch.repeat_interleave(torch.arange(10.0), counts)[:, None])
    centres, shares = memoize_on(
        reference, ("bins", 1000, 10), lambda: (points[::100].double(), counts.new_full((10,), 100).double() / 1000)
    )
    assert score("ndb", fake, reference, bins=10) == 0.2, "100 and 90 do not differ significantly at N = 1000"
    p, q = counts.double() / 1000, shares
    middle = (p + q) / 2
    expected = (torch.xlogy(p, p / middle) + q * (q / middle).log()).sum() / 2
    assert score("ndb_jsd", fake, reference, bins=10) == pytest.approx(float(expected), rel=1e-12)
    assert len(centres) == 10


def test_binned_metrics_need_enough_samples() -> None:
    few = make_features(normal(0, 50, 3))
    for name in ("ndb", "ndb_jsd"):
        with pytest.raises(UndefinedMetricError, match="100 bins"):
            score(name, few, make_reference(few))


# --- diversity


def test_mnist_score_is_k_for_confident_diverse_samples_and_1_for_uncertain_or_equal_ones() -> None:
    def mnist_score(probabilities: Tensor) -> float:
        fake = make_features(torch.zeros(len(probabilities), 1), modes=10, probabilities=probabilities)
        return score("mnist_score", fake, make_reference(fake))

    assert mnist_score(torch.eye(10).repeat(5, 1)) == pytest.approx(10, rel=1e-12)
    assert mnist_score(torch.full((50, 10), 0.1)) == pytest.approx(1, rel=1e-6)
    assert mnist_score(torch.eye(10)[:1].repeat(50, 1)) == pytest.approx(1, rel=1e-12)
    with pytest.raises(UndefinedMetricError, match="no classifier"):
        score("mnist_score", make_labelled([1]), uniform(1))


@pytest.mark.parametrize(("count", "dimension"), [(7, 30), (30, 30), (12, 13)])
def test_vendi_is_n_for_orthogonal_samples_and_1_for_equal_ones(count: int, dimension: int) -> None:
    rotation = torch.linalg.qr(normal(0, dimension, dimension)).Q
    orthogonal = make_features(3 * rotation[:count])
    assert score("vendi", orthogonal, make_reference(orthogonal)) == pytest.approx(count, rel=1e-5)
    repeated = make_features(rotation[:count].repeat(30, 1))
    assert score("vendi", repeated, make_reference(repeated)) == pytest.approx(count, rel=1e-5), "copies change nothing"
    equal = make_features(rotation[:1].repeat(count, 1))
    assert score("vendi", equal, make_reference(equal)) == pytest.approx(1, abs=1e-9)


def test_vendi_of_a_zero_vector_is_undefined() -> None:
    fake = make_features(torch.zeros(5, 3))
    with pytest.raises(UndefinedMetricError, match="no direction"):
        score("vendi", fake, make_reference(fake))


def test_vendi_within_averages_the_vendi_score_of_modes_over_samples() -> None:
    unit = torch.eye(8)
    embedding = torch.cat([unit[:6], unit[:1].repeat(3, 1), unit[7:]])
    fake = make_features(embedding, torch.tensor([0] * 6 + [1] * 3 + [2]), 3)
    value = score("vendi_within", fake, make_reference(fake))
    assert value == pytest.approx((6 * 6 + 3 * 1) / 9, rel=1e-9), "a mode with one sample doesn't count"
    assert score("vendi_within", fake, make_reference(fake), per_mode=2) == pytest.approx((6 * 2 + 3) / 9, rel=1e-9)
    with pytest.raises(UndefinedMetricError, match="no mode has two"):
        score("vendi_within", make_labelled([1, 1]), uniform(2))


def test_ms_ssim_equals_torchmetrics() -> None:
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    # Seeded: the root of a mean near 0 can differ by 2e-4 between float32 and float64.
    noise = torch.randint(0, 256, (3, 1, 28, 28), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    images = torch.cat([make_images(0, 6, 2).samples, noise])
    images = torch.cat([images, images.flip(2), images.flip(3)], dim=1)
    first, second = torch.triu_indices(len(images), len(images), 1)
    expected = multiscale_structural_similarity_index_measure(
        images[first].double() / 255,
        images[second].double() / 255,
        kernel_size=WINDOW,
        sigma=SIGMA,
        reduction="none",
        data_range=1.0,
        betas=tuple(weight / sum(WEIGHTS) for weight in WEIGHTS),
    )
    torch.testing.assert_close(ms_ssim_of_pairs(images).double(), expected, rtol=1e-4, atol=1e-5)


def test_ms_ssim_within_is_1_for_equal_images_and_falls_with_diversity() -> None:
    equal = make_images(0, 400).select(torch.zeros(400, dtype=torch.int64))
    assert score("ms_ssim_within", equal, uniform(10)) == pytest.approx(1, abs=1e-5)
    widths = [score("ms_ssim_within", make_images(0, 400, width=width), uniform(10)) for width in (0.5, 1, 2)]
    assert widths == sorted(widths, reverse=True)
    many = make_images(1, 400, modes=40)
    assert score("ms_ssim_within", many, uniform(40), most=3) == pytest.approx(
        score("ms_ssim_within", many, uniform(40)), abs=0.1
    )


def test_ms_ssim_is_undefined_for_samples_other_than_images() -> None:
    for samples in (torch.zeros(4, 2), torch.zeros(4, 1, 8, 8, dtype=torch.uint8)):
        with pytest.raises(UndefinedMetricError, match="aren't images"):
            score("ms_ssim_within", make_features(torch.zeros(4, 2), samples=samples), uniform(1))


# --- duplicates and memorisation


def test_near_duplicates_are_alpha_for_real_samples_and_include_all_copies() -> None:
    reference, fresh = make_reference(make_features(normal(0, 4000, 5))), normal(1, 4000, 5)
    assert score("near_duplicates", make_features(fresh), reference) == pytest.approx(0.01, abs=0.007)
    doubled = torch.cat([fresh[:3000], fresh[2000:3000]])  # 2000 of 4000 have a twin
    assert score("near_duplicates", make_features(doubled), reference) == pytest.approx(0.505, abs=0.01)
    twins = make_features(fresh[:1].repeat(4000, 1))
    assert score("near_duplicates", twins, reference) == 1


def test_near_duplicates_detect_collapse_even_if_real_data_contain_copies() -> None:
    reference = make_reference(make_features(normal(0, 100, 5).repeat(3, 1)))
    assert score("near_duplicates", make_features(torch.ones(300, 5)), reference) == 1


@pytest.mark.parametrize("size", [100, 1000])
def test_support_of_a_uniform_sampler_is_its_number_of_images(size: int) -> None:
    reference, images = make_reference(make_features(normal(0, 5000, 8))), normal(1, size, 8)
    chosen = torch.randint(0, size, (5000,), generator=torch.Generator().manual_seed(2))
    assert score("support", make_features(images[chosen]), reference) == pytest.approx(size, rel=0.03)


def test_half_one_image_and_5000_others_are_4_different_samples() -> None:
    """A quarter of the pairs are that image twice; S equally frequent ones are S."""
    reference, images = make_reference(make_features(normal(0, 10_000, 8))), normal(1, 5001, 8)
    fake = make_features(torch.cat([images[:1].repeat(5000, 1), images[1:]]))
    assert score("different_samples", fake, reference) == pytest.approx(4, rel=0.01)
    assert score("different_samples", fake, reference) == score("support", fake, reference)


@pytest.mark.parametrize("name", ["vendi", "vendi_2", "vendi_inf"])
def test_vendi_scores_of_orthogonal_directions_are_the_exponentials_of_renyi_entropies(name: str) -> None:
    """Shares ½, ¼, ¼ of three orthogonal directions are the eigenvalues."""
    fake = make_features(torch.eye(3).repeat_interleave(torch.tensor([50, 25, 25]), 0) * 7)
    expected = {"vendi": 2**1.5, "vendi_2": 1 / 0.375, "vendi_inf": 2.0}[name]
    assert score(name, fake, uniform(1)) == pytest.approx(expected, rel=1e-12)


def test_vendi_2_is_the_inverse_mean_squared_cosine() -> None:
    points = normal(0, 60, 5)
    unit = torch.nn.functional.normalize(points.double(), dim=1)
    expected = 1 / float((unit @ unit.T).square().mean())
    assert score("vendi_2", make_features(points), uniform(1)) == pytest.approx(expected, rel=1e-9)
    assert 1 <= score("vendi_inf", make_features(points), uniform(1)) <= expected


def test_support_is_1_for_one_image_and_at_most_that_of_real_data() -> None:
    reference = make_reference(make_features(normal(0, 1000, 8)))
    assert score("support", make_features(torch.ones(1000, 8)), reference) == 1
    most = score("support", reference, reference)
    assert most == pytest.approx(1000 / 0.01, rel=0.5)
    apart = make_features(1000 * torch.arange(1000.0)[:, None].repeat(1, 8))
    assert score("support", apart, reference) == most, "samples without a single near-duplicate"


def test_mode_width_is_relative_to_real_data() -> None:
    images = make_images(0, 3000)
    centres = torch.stack([images.embedding[images.labels == mode].mean(0) for mode in range(10)])[images.labels]
    reference = make_reference(images)
    for factor in (0.0, 0.5, 1.0, 2.0):
        embedding = centres + factor * (images.embedding - centres)
        fake = make_features(embedding, images.labels, 10, good=images.good)
        assert score("mode_width", fake, reference) == pytest.approx(factor, abs=1e-6)
    fake = make_images(1, 3000)
    assert score("mode_width", fake, reference) == pytest.approx(1, abs=0.02)
    with pytest.raises(UndefinedMetricError, match="two good samples in both"):
        score("mode_width", make_labelled([1] * 10), reference)


def test_memorisation_is_1_for_copies_and_about_alpha_for_unseen_samples() -> None:
    training = normal(0, 6000, 20)
    reference = make_reference(make_features(normal(1, 4000, 20)), training=training)
    assert score("memorisation", make_features(training[3000:5000]), reference) == 1
    assert score("memorisation", make_features(normal(2, 4000, 20)), reference) == pytest.approx(0.01, abs=0.006)
    assert score("memorisation", reference.select(slice(2000)), reference) == pytest.approx(0.01, abs=1e-3)
    half = torch.cat([training[:500] + 0.01, normal(3, 500, 20)])
    assert score("memorisation", make_features(half), reference) == pytest.approx(0.505, abs=0.01)
    with pytest.raises(UndefinedMetricError, match="not kept"):
        score("memorisation", make_features(training), make_reference(make_features(training)))


def test_metrics_of_pairs_are_undefined_for_a_single_sample() -> None:
    single = make_features(torch.ones(1, 2))
    for name in ("precision", "recall", "density", "coverage", "near_duplicates", "support", "kid", "fid"):
        with pytest.raises(UndefinedMetricError):
            score(name, single, make_reference(single))
