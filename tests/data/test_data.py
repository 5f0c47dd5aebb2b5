"""Data sets: positions of modes, exact samplers, batches, and reading of files."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from ganbench.checks.features import make_features, make_reference
from ganbench.core.errors import GanbenchError
from ganbench.core.registry import Component
from ganbench.data import DATASETS, Data, Dataset, fetch, sources
from ganbench.data.evaluators.classifier import to_bytes, to_signed
from ganbench.data.fashion_mnist import CLASSES, FashionMnist
from ganbench.data.fetch import fetch_fashion_mnist
from ganbench.data.grid import Grid
from ganbench.data.imbalanced_ring import ImbalancedRing
from ganbench.data.labelled import LabelledImages
from ganbench.data.mixture import Mixture, MixturePoints
from ganbench.data.mnist import Mnist
from ganbench.data.ring import Ring
from ganbench.data.sources import FASHION_MNIST
from ganbench.data.stacked_mnist import ON_THE_FLY, StackedDigits, StackedMnist
from ganbench.evaluation.metrics.kl import Kl
from ganbench.evaluation.protocols import PROTOCOLS
from tests.conftest import random_data

CPU = torch.device("cpu")
MIXTURES = ("ring", "grid", "imbalanced-ring")
SAMPLES = 200_000
PLACE_VALUES = torch.tensor([100, 10, 1])


def mixture(name: str, **options: object) -> Mixture:
    dataset = DATASETS.create({"name": name, **options})
    assert isinstance(dataset, Mixture)
    return dataset


def standard_errors(share: float, count: int) -> float:
    return math.sqrt(share * (1 - share) / count)


def numbered(train: int, test: int) -> LabelledImages:
    """Images of two pixels that encode their own number; test images are numbered after training images."""
    numbers = torch.arange(train + test)
    images = torch.stack([numbers // 256, numbers % 256], 1).to(torch.uint8).reshape(-1, 1, 1, 2)
    labels = numbers % 10
    names = tuple("0123456789")
    return LabelledImages(images[:train], labels[:train], images[train:], labels[train:], names)


def number_of(images: Tensor) -> Tensor:
    """The numbers that images of two pixels encode, [..., C, 1, 2] to [..., C]."""
    pixels = to_bytes(images).long().squeeze(-2)
    return pixels[..., 0] * 256 + pixels[..., 1]


# Modes of mixtures


@pytest.mark.parametrize(("name", "count"), [("ring", 8), ("grid", 25), ("imbalanced-ring", 8)])
def test_modes_of_mixtures_are_distinct_and_far_apart(name: str, count: int) -> None:
    data = mixture(name)
    means = data.means()
    assert len(means.unique(dim=0)) == len(means) == count
    assert torch.nn.functional.pdist(means).min() > 12 * data.sigma


def test_ring_has_eight_modes_unlike_the_common_demo_with_seven() -> None:
    """linspace includes its end, 2π, where the first mode already lies, so the demo's “8 Gaussians” are seven."""
    demo = torch.linspace(0, 2 * torch.pi, 8, dtype=torch.float64)
    demo_means = torch.stack([demo.cos(), demo.sin()], 1)
    assert len(demo_means.round(decimals=6).unique(dim=0)) == 7
    half = math.sqrt(0.5)
    expected = [[1, 0], [half, half], [0, 1], [-half, half], [-1, 0], [-half, -half], [0, -1], [half, -half]]
    torch.testing.assert_close(Ring().means(), torch.tensor(expected), atol=1e-6, rtol=0)


def test_modes_of_the_ring_are_equally_spaced() -> None:
    means = Ring(modes=13, radius=2.0).means()
    chords = (means - means.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(chords, torch.full((13,), 4 * math.sin(math.pi / 13)), atol=1e-5, rtol=0)


def test_grid_matches_the_published_one() -> None:
    line = (-4.0, -2.0, 0.0, 2.0, 4.0)
    assert {tuple(mean) for mean in Grid().means().tolist()} == {(x, y) for x in line for y in line}
    assert Grid().sigma == 0.05


def test_options_set_the_positions_of_modes() -> None:
    assert Grid(side=2, spacing=3.0).means().tolist() == [[-1.5, -1.5], [-1.5, 1.5], [1.5, -1.5], [1.5, 1.5]]
    ring = mixture("ring", modes=3, radius=2.0, sigma=0.1, points=500)
    torch.testing.assert_close(ring.means().norm(dim=1), torch.full((3,), 2.0))
    assert ring.to_spec() == {"name": "ring", "modes": 3, "radius": 2.0, "sigma": 0.1, "points": 500}
    assert ring.train_size == len(ring.load(CPU)) == 500


# Exact samplers


@pytest.fixture(scope="module", params=MIXTURES)
def points(request: pytest.FixtureRequest) -> tuple[Mixture, MixturePoints, Tensor]:
    data = mixture(request.param)
    loaded = data.load(CPU)
    return data, loaded, loaded.floor_samples(SAMPLES, draw=3)


def test_exact_sampler_has_the_expected_share_within_three_sigma(
    points: tuple[Mixture, MixturePoints, Tensor],
) -> None:
    data, _, samples = points
    deviation = data.evaluator(CPU)(samples).deviation
    circle, box = 1 - math.exp(-4.5), math.erf(3 / math.sqrt(2)) ** 2
    assert (round(circle, 4), round(box, 4)) == (0.9889, 0.9946)
    share_in_circle = float((deviation.norm(dim=1) < 3).double().mean())
    share_in_box = float((deviation.abs().amax(1) < 3).double().mean())
    assert share_in_circle == pytest.approx(circle, abs=4 * standard_errors(circle, SAMPLES))
    assert share_in_box == pytest.approx(box, abs=4 * standard_errors(box, SAMPLES))


def test_modes_are_round_and_have_the_right_width(points: tuple[Mixture, MixturePoints, Tensor]) -> None:
    data, _, samples = points
    deviation = data.evaluator(CPU)(samples).deviation.double()
    error = 1 / math.sqrt(SAMPLES)
    assert deviation.mean(0).abs().max() < 5 * error
    covariance = torch.cov(deviation.T)
    assert (covariance - torch.eye(2, dtype=torch.float64)).abs().max() < 5 * math.sqrt(2) * error


def test_samples_are_distributed_over_modes_by_weight(points: tuple[Mixture, MixturePoints, Tensor]) -> None:
    data, loaded, samples = points
    assert float(loaded.weights.sum()) == pytest.approx(1)
    for points_of_set in (samples, loaded.train, loaded.reference(20_000)):
        counts = data.evaluator(CPU)(points_of_set).counts().double()
        assert stats.chisquare(counts.numpy(), (loaded.weights * len(points_of_set)).numpy()).pvalue > 1e-4


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_weights_of_the_imbalanced_ring_follow_a_power_law(power: float) -> None:
    weights = ImbalancedRing(power=power).weights()
    expected = torch.tensor([(mode + 1) ** -power for mode in range(8)], dtype=torch.float64)
    torch.testing.assert_close(weights / weights[0], expected)
    assert float(weights.sum()) == pytest.approx(1)


def test_loading_is_deterministic_and_sets_are_disjoint() -> None:
    first, second = (mixture("grid").load(CPU) for _ in range(2))
    sets = [
        [data.train, data.reference(5_000), data.floor_samples(5_000), data.floor_samples(5_000, draw=1)]
        for data in (first, second)
    ]
    for one, other in zip(*sets, strict=True):
        assert torch.equal(one, other)
    # A few float32 points on a grid collide by chance; sets from one random stream would coincide.
    all_points = torch.cat(sets[0])
    assert len(all_points.unique(dim=0)) > 0.999 * len(all_points)


def test_smaller_draw_is_a_prefix_of_a_larger_one() -> None:
    data = mixture("ring").load(CPU)
    assert torch.equal(data.floor_samples(100_000)[:300], data.floor_samples(300))
    assert torch.equal(data.reference(100_000)[:300], data.reference(300))


# Assignment of samples to modes


@pytest.mark.parametrize("name", MIXTURES)
def test_points_within_three_sigma_belong_to_the_mode(name: str) -> None:
    data = mixture(name)
    means = data.means()
    modes = torch.arange(len(means))
    assert torch.equal(data.assign(means), modes)
    for angle in (0.0, 1.0, 2.5):
        direction = data.sigma * torch.tensor([math.cos(angle), math.sin(angle)])
        assert torch.equal(data.assign(means + 2.98 * direction), modes)
        assert torch.equal(data.assign(means + 3.02 * direction), torch.full_like(modes, -1))
    # The corner of the box: within 3 σ along each axis, but farther away in total.
    assert torch.equal(data.assign(means + 2.9 * data.sigma), torch.full_like(modes, -1))
    between = (means[0] + means[1]) / 2
    assert data.assign(torch.stack([between, torch.tensor([50.0, -50.0])])).tolist() == [-1, -1]


def test_digits_are_assigned_to_their_class_and_noise_to_none(mnist: LabelledImages) -> None:
    assigned = Mnist().assign(to_signed(mnist.test[:1_000]))
    assert assigned.dtype == torch.int64
    assert float((assigned >= 0).double().mean()) > 0.95
    assert float((assigned == mnist.test_labels[:1_000])[assigned >= 0].double().mean()) > 0.99
    noise = torch.rand(200, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert float((Mnist().assign(noise) < 0).double().mean()) > 0.99


# Batches


@pytest.fixture(
    params=["ring", "labelled", "stacked", "stacked on the fly", "stacked padded", "stacked scaled"], scope="module"
)
def any_data(request: pytest.FixtureRequest) -> Data:
    if request.param == "ring":
        return mixture("ring").load(CPU)
    if request.param == "labelled":
        return random_data()
    triples = 0 if request.param.endswith("fly") else 500
    frame = {"padded": "padded-32", "scaled": "scaled-32"}.get(request.param.split()[-1], "28")
    return StackedDigits(random_data(), triples, "train", frame)


def test_batch_has_the_shape_of_its_indices(any_data: Data) -> None:
    indices = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6], [0, 1, 1, 2]])
    batch = any_data.batch(indices)
    assert batch.shape == (3, 4, *any_data.shape)
    assert batch.dtype == torch.float32
    assert torch.equal(batch.flatten(0, 1), any_data.batch(indices.flatten()))
    assert torch.equal(batch[0, 1], batch[0, 3]), "the same index is the same sample"
    assert torch.equal(any_data.batch(torch.tensor(9)), batch[1, 1])
    assert any_data.batch(indices[:0]).shape == (0, 4, *any_data.shape)


def test_reference_and_floor_samples_have_the_right_shape_and_range(any_data: Data) -> None:
    for samples in (any_data.reference(50), any_data.floor_samples(50), any_data.floor_samples(50, draw=9)):
        assert samples.shape == (50, *any_data.shape)
        assert samples.dtype == torch.float32
        if len(any_data.shape) == 3:
            assert -1 <= float(samples.min()) < 0 < float(samples.max()) <= 1
    assert torch.equal(any_data.reference(50), any_data.reference(50))
    assert torch.equal(any_data.floor_samples(50), any_data.floor_samples(50))
    assert not torch.equal(any_data.floor_samples(50), any_data.floor_samples(50, draw=9))
    assert float(any_data.weights.sum()) == pytest.approx(1)
    assert any_data.weights.dtype == torch.float64
    assert len(any_data.weights) == len(any_data.mode_names)


def test_floor_samples_are_training_images_and_the_reference_is_the_test_set() -> None:
    data = numbered(train=300, test=100)
    floor_samples = number_of(data.floor_samples(200)).flatten().tolist()
    assert len(set(floor_samples)) == 200, "no image may occur twice"
    assert set(floor_samples) < set(range(300))
    reference = number_of(data.reference(1_000)).flatten().tolist()
    assert sorted(reference) == list(range(300, 400))
    assert reference != sorted(reference), "the order must be shuffled, since files may be sorted"
    unseen = data.unseen(1_000)
    assert unseen is not None
    assert set(number_of(unseen).flatten().tolist()) == set(reference[50:])


# Stacked-MNIST


@pytest.fixture(scope="module")
def stacked(mnist: LabelledImages) -> StackedDigits:
    return StackedDigits(mnist, 128_000, "train", "28")


def true_modes(triples: Tensor, labels: Tensor) -> Tensor:
    return (labels[triples] * PLACE_VALUES).sum(1)


def test_mode_of_a_triple_is_the_number_of_its_digits(mnist: LabelledImages, stacked: StackedDigits) -> None:
    triples = stacked._fixed
    assert triples is not None
    assert triples.shape == (128_000, 3)
    images = stacked.batch(torch.arange(400))
    for channel in range(3):
        assert torch.equal(images[:, channel], to_signed(mnist.train[triples[:400, channel], 0]))
    true_labels = true_modes(triples[:400], mnist.train_labels)
    features = StackedMnist().evaluator(CPU)(images)
    assert float((features.labels == true_labels).double().mean()) > 0.98
    assigned = StackedMnist().assign(images)
    assert float((assigned == true_labels)[assigned >= 0].double().mean()) > 0.98
    assert [stacked.mode_names[mode] for mode in (0, 7, 123, 999)] == ["000", "007", "123", "999"]


def test_weights_of_the_thousand_modes_are_products_of_digit_shares(
    mnist: LabelledImages, stacked: StackedDigits
) -> None:
    share = torch.bincount(mnist.train_labels).double() / 60_000
    assert float(stacked.weights[123]) == pytest.approx(float(share[1] * share[2] * share[3]))
    assert float(stacked.weights[550]) == pytest.approx(float(share[5] * share[5] * share[0]))
    pooled = StackedDigits(mnist, 1, "pooled", "28").weights
    both = torch.cat([mnist.train_labels, mnist.test_labels]).bincount().double() / 70_000
    assert float(pooled[999]) == pytest.approx(float(both[9]) ** 3)
    assert stacked._fixed is not None
    counts = true_modes(stacked._fixed, mnist.train_labels).bincount(minlength=1000).double()
    assert stats.chisquare(counts.numpy(), (stacked.weights * 128_000).numpy()).pvalue > 1e-4


def test_stacked_images_are_not_stored(mnist: LabelledImages, stacked: StackedDigits) -> None:
    """Only MNIST's own tensors and the triples are stored; 128,000 images would take 300 MB."""
    stored = {value.data_ptr(): value for value in vars(stacked).values() if isinstance(value, Tensor)}
    digits = {tensor.data_ptr() for tensor in (mnist.train, mnist.test)}
    assert sum(value.nbytes for pointer, value in stored.items() if pointer not in digits) <= 128_000 * 3 * 8 + 1000 * 8
    pooled = StackedDigits(mnist, 128_000, "pooled", "28")
    stored = {value.data_ptr(): value for value in vars(pooled).values() if isinstance(value, Tensor)}
    extra_bytes = sum(value.nbytes for pointer, value in stored.items() if pointer not in digits)
    assert extra_bytes <= 70_000 * 784 + 128_000 * 3 * 8 + 1000 * 8


def test_only_pooled_triples_include_test_digits() -> None:
    digits = numbered(train=300, test=200)
    for triples in (5_000, 0):
        for part, count in (("train", 300), ("pooled", 500)):
            data = StackedDigits(digits, triples, part, "28")
            numbers = number_of(data.batch(torch.arange(5_000)))
            assert numbers.unique().tolist() == list(range(count)), (triples, part)
            assert number_of(data.floor_samples(5_000)).unique().tolist() == list(range(count))
            assert number_of(data.reference(5_000)).unique().tolist() == list(range(300, 500))


def test_fixed_triples_are_equal_after_reloading() -> None:
    one, other = (StackedDigits(numbered(300, 100), 400, "train", "28") for _ in range(2))
    indices = torch.arange(400)
    assert len(one) == 400
    assert torch.equal(one.batch(indices), other.batch(indices))
    assert torch.equal(one.batch(indices), one.batch(indices))


def test_triples_on_the_fly_are_unique_and_depend_only_on_their_index() -> None:
    one, other = (StackedDigits(numbered(60_000, 100), 0, "train", "28") for _ in range(2))
    assert len(one) == StackedMnist(triples=0).train_size == ON_THE_FLY
    numbers = number_of(one.batch(torch.arange(100_000)))
    assert len(numbers.unique(dim=0)) == 100_000
    shuffled = torch.randperm(100_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(number_of(other.batch(shuffled)), numbers[shuffled]), (
        "a triple must not depend on the rest of the batch"
    )
    late = number_of(one.batch(torch.arange(ON_THE_FLY - 100_000, ON_THE_FLY)))
    assert len(torch.cat([numbers, late]).unique(dim=0)) == 200_000


@pytest.mark.parametrize("start", [0, ON_THE_FLY - 300_000])
@pytest.mark.parametrize("images", [60_000, 1_000, 37])
def test_triples_on_the_fly_are_uniform_with_independent_channels(start: int, images: int) -> None:
    data = StackedDigits(numbered(images, 100), 0, "train", "28")
    indices = torch.arange(start, start + 300_000)
    numbers = torch.cat([number_of(data.batch(part)) for part in indices.split(100_000)]).numpy()
    for channel in range(3):
        assert stats.chisquare(np.bincount(numbers[:, channel], minlength=images)).pvalue > 1e-4
    for first, second in ((0, 1), (1, 2), (0, 2)):
        a, b = numbers[:, first], numbers[:, second]
        for modulus in (10, 32):
            joint = np.zeros((modulus, modulus))
            np.add.at(joint, (a % modulus, b % modulus), 1)
            assert stats.chi2_contingency(joint).pvalue > 1e-4, f"channels {first} and {second} modulo {modulus}"
        joint = np.zeros((20, 20))
        np.add.at(joint, (a * 20 // images, b * 20 // images), 1)
        assert stats.chi2_contingency(joint).pvalue > 1e-4
    # Triples with consecutive indices are independent, too.
    joint = np.zeros((32, 32))
    np.add.at(joint, (numbers[:-1, 0] % 32, numbers[1:, 0] % 32), 1)
    assert stats.chi2_contingency(joint).pvalue > 1e-4


@pytest.mark.parametrize("frame", ["padded-32", "scaled-32"])
def test_larger_frames_have_the_right_shape_and_are_recognised(mnist: LabelledImages, frame: str) -> None:
    framed, plain = (StackedDigits(mnist, 400, "train", frame_name) for frame_name in (frame, "28"))
    images, small = framed.batch(torch.arange(400)), plain.batch(torch.arange(400))
    assert framed.shape == StackedMnist(frame=frame).shape == (3, 32, 32)
    assert images.shape == (400, 3, 32, 32)
    assert -1 <= float(images.min()) <= float(images.max()) <= 1
    if frame == "padded-32":
        assert torch.equal(images[..., 2:30, 2:30], small)
        assert float(images.sum()) == pytest.approx(float(small.sum()) - 400 * 3 * (32 * 32 - 28 * 28), rel=1e-5)
    assert framed._fixed is not None
    true_labels = true_modes(framed._fixed, mnist.train_labels)
    features = StackedMnist(frame=frame).evaluator(CPU)(images)
    assert features.modes == 1000
    assert float((features.labels == true_labels).double().mean()) >= 0.97


def kl_of(labels: Tensor) -> float:
    """KL divergence from uniform as in `pacgan-2018`, for known modes."""
    kl = PROTOCOLS["pacgan-2018"]().case(StackedMnist(digits="pooled")).metrics["kl"]
    assert isinstance(kl, Kl)
    features = make_features(torch.zeros(len(labels), 1), labels, 1000)
    return kl(fake=features, real=make_reference(features))


def test_kl_of_real_stacked_mnist_matches_the_published_floor(mnist: LabelledImages) -> None:
    """.0235 ± .0010 at 26,000 and .0143 ± .0006 at 50,000 samples, from the true classes of the digits."""
    pooled = StackedDigits(mnist, 128_000, "pooled", "28")
    labels = torch.cat([mnist.train_labels, mnist.test_labels])
    for count, floor, spread in ((26_000, 0.0235, 0.0010), (50_000, 0.0143, 0.0006)):
        values = [kl_of(true_modes(pooled._draw(70_000, count, "floor", draw), labels)) for draw in range(20)]
        assert max(abs(value - floor) for value in values) < 0.003
        assert sum(values) / 20 == pytest.approx(floor, abs=spread)
        assert np.std(values) < 1.7 * spread


def test_evaluator_errors_hardly_change_the_kl_of_real_stacked_mnist(mnist: LabelledImages) -> None:
    """For 26,000 images, the first 1,500 classified; sampling noise is .0010, and the effect of errors is smaller."""
    data = StackedMnist(digits="pooled", triples=128_000)
    pooled = StackedDigits(mnist, data.triples, "pooled", "28")
    triples = pooled._draw(70_000, 26_000, "floor", 7)
    used, position = triples[:1_500].unique(return_inverse=True)
    classified = Mnist().evaluator(CPU)(to_signed(pooled._images[used])).labels
    labels = torch.cat([mnist.train_labels, mnist.test_labels])
    # The class of a stacked image follows from those of its digits.
    by_stacked = data.evaluator(CPU)(pooled.floor_samples(26_000, 7)[:200]).labels
    assert torch.equal(by_stacked, (classified[position[:200]] * PLACE_VALUES).sum(1))
    # The few errors hardly change the KL.
    true_digits, recognised = labels[triples], labels[triples]
    recognised[:1_500] = classified[position]
    error_rate = float((recognised[:1_500] != true_digits[:1_500]).any(1).double().mean())
    assert error_rate < 0.02
    kl_change = kl_of((recognised[:1_500] * PLACE_VALUES).sum(1)) - kl_of((true_digits[:1_500] * PLACE_VALUES).sum(1))
    assert abs(kl_change) < 0.003
    assert kl_of((recognised * PLACE_VALUES).sum(1)) == pytest.approx(0.0235, abs=0.003)


# Options


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "ring", "modes": 1}, "modes must be at least 2, not 1"),
        ({"name": "ring", "radius": 0.0}, "radius must be above 0"),
        ({"name": "ring", "radius": -1}, "radius must be above 0"),
        ({"name": "ring", "sigma": 0}, "sigma must be above 0"),
        ({"name": "ring", "sigma": float("nan")}, "sigma"),
        ({"name": "ring", "radius": float("inf")}, "radius"),
        ({"name": "ring", "points": 0}, "points must be at least 1"),
        ({"name": "ring", "points": 1.5}, "points"),
        ({"name": "ring", "raduis": 1}, "did you mean 'radius'"),
        ({"name": "grid", "side": 1}, "side must be at least 2"),
        ({"name": "grid", "spacing": 0}, "spacing must be above 0"),
        ({"name": "grid", "sigma": -0.1}, "sigma must be above 0"),
        ({"name": "imbalanced-ring", "power": -1}, "power must be at least 0"),
        ({"name": "imbalanced-ring", "modes": 0}, "modes must be at least 2"),
        ({"name": "imbalanced-ring", "radius": 0}, "radius must be above 0"),
        ({"name": "stacked-mnist", "triples": -1}, "triples must be at least 0"),
        ({"name": "stacked-mnist", "digits": "test"}, "digits must be train or pooled"),
        ({"name": "stacked-mnist", "frame": "32"}, "frame must be one of 28, padded-32, scaled-32"),
        ({"name": "stacked-mnist", "frame": 32}, "frame must be one of 28, padded-32, scaled-32"),
        ({"name": "stacked-mnist", "frame": True}, "must be a word"),
        ({"name": "mnist", "sigma": 1.0}, "no option 'sigma'"),
        ({"name": "rings"}, "did you mean 'ring'"),
    ],
    ids=str,
)
def test_invalid_option_gives_a_one_line_error(spec: Mapping[str, object], message: str) -> None:
    with pytest.raises(GanbenchError) as error:
        DATASETS.create(spec)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", MIXTURES)
def test_options_are_part_of_the_spec_and_sigma_changes_the_evaluator_hash(name: str) -> None:
    default = mixture(name)
    assert {"points", "sigma"} < set(default.to_spec())
    assert mixture(name, sigma=0.02).evaluator_sha256 != default.evaluator_sha256
    assert default.evaluator_sha256 == default.evaluator(CPU).sha256
    assert default.load(CPU).shape == default.shape


def test_every_data_set_has_a_summary_and_a_protocol() -> None:
    assert {"ring", "grid", "imbalanced-ring", "mnist", "stacked-mnist", "fashion-mnist"} <= set(DATASETS)
    for name in ("ring", "grid", "imbalanced-ring", "mnist", "stacked-mnist", "fashion-mnist"):
        dataset: Dataset = DATASETS.create({"name": name})
        assert isinstance(dataset, Component)
        assert dataset.summary().endswith((")", ")."))
        assert dataset.protocol in PROTOCOLS


# Fashion-MNIST, with small files in place of the real ones


def idx(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def clothes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """Four small IDX files with their checksums; the folder of Debian's package is empty."""
    random = np.random.default_rng(0)
    files = {}
    for part, count in (("train", 30), ("t10k", 20)):
        images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte"] = idx(images)
        files[f"{part}-labels-idx1-ubyte"] = idx(np.arange(count, dtype=np.uint8) % 10)
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(fetch, "FASHION_MNIST", replace(FASHION_MNIST, md5=sums))
    monkeypatch.setattr(sources, "DEBIAN_FASHION_MNIST", tmp_path / "debian")
    (tmp_path / "debian").mkdir()
    return files


def put_packed(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def test_fashion_mnist_is_read_from_its_files(clothes: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "cache" / "fashion-mnist").mkdir(parents=True)
    for name, content in clothes.items():
        (tmp_path / "cache" / "fashion-mnist" / name).write_bytes(content)
    data = FashionMnist().load(CPU, tmp_path / "cache", say=pytest.fail)
    assert (len(data), len(data.test), data.shape) == (30, 20, (1, 28, 28))
    assert data.mode_names == CLASSES
    assert len(set(CLASSES)) == 10
    assert data.train_labels.tolist() == [number % 10 for number in range(30)]
    pixels = clothes["train-images-idx3-ubyte"][16:]
    assert to_bytes(data.batch(torch.arange(30))).numpy().tobytes() == pixels


def test_fashion_mnist_comes_from_debians_package_if_no_mirror_answers(
    clothes: dict[str, bytes], tmp_path: Path
) -> None:
    put_packed(tmp_path / "debian", clothes)
    paths = fetch_fashion_mnist(tmp_path, mirrors=lambda: ["http://127.0.0.1:1/"])
    assert {name: path.read_bytes() for name, path in paths.items()} == clothes
    assert {path.parent for path in paths.values()} == {tmp_path / "fashion-mnist"}, (
        "in a separate folder, since MNIST's files have the same names"
    )
    (tmp_path / "debian" / "train-images-idx3-ubyte.gz").unlink()
    fetch_fashion_mnist(tmp_path, mirrors=lambda: pytest.fail("the cache is complete"))


@pytest.mark.parametrize("fault", ["absent", "cut", "other"])
def test_missing_or_damaged_fashion_mnist_gives_a_one_line_instruction(
    clothes: dict[str, bytes], tmp_path: Path, fault: str
) -> None:
    damaged = tmp_path / "debian" / "t10k-images-idx3-ubyte.gz"
    put_packed(tmp_path / "debian", clothes)
    if fault == "absent":
        damaged.unlink()
    elif fault == "cut":
        damaged.write_bytes(damaged.read_bytes()[:-20])
    else:
        damaged.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(GanbenchError) as error:
        fetch_fashion_mnist(tmp_path, mirrors=lambda: [])
    assert "dataset-fashion-mnist" in str(error.value)
    assert "by hand" in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "fashion-mnist" / "t10k-images-idx3-ubyte").exists()
