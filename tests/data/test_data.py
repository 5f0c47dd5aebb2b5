"""Data sets: their modes are where they should be, and their samplers are exact."""

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
MANY = 200_000
PLACES = torch.tensor([100, 10, 1])


def mixture(name: str, **options: object) -> Mixture:
    made = DATASETS.create({"name": name, **options})
    assert isinstance(made, Mixture)
    return made


def standard_errors(share: float, count: int) -> float:
    return math.sqrt(share * (1 - share) / count)


def numbered(train: int, test: int) -> LabelledImages:
    """Images of two pixels that spell their own number, the test images' going on after the training images'."""
    numbers = torch.arange(train + test)
    images = torch.stack([numbers // 256, numbers % 256], 1).to(torch.uint8).reshape(-1, 1, 1, 2)
    labels = numbers % 10
    names = tuple("0123456789")
    return LabelledImages(images[:train], labels[:train], images[train:], labels[train:], names)


def number_of(images: Tensor) -> Tensor:
    """What images of two pixels spell, [..., C, 1, 2] to [..., C]."""
    pixels = to_bytes(images).long().squeeze(-2)
    return pixels[..., 0] * 256 + pixels[..., 1]


# Where the modes of mixtures are


@pytest.mark.parametrize(("name", "count"), [("ring", 8), ("grid", 25), ("imbalanced-ring", 8)])
def test_modes_are_distinct_and_far_apart(name: str, count: int) -> None:
    data = mixture(name)
    means = data.means()
    assert len(means.unique(dim=0)) == len(means) == count
    assert torch.nn.functional.pdist(means).min() > 12 * data.sigma


def test_the_ring_has_eight_modes_where_the_demo_that_is_copied_everywhere_has_seven() -> None:
    """linspace includes its end, 2π, where the first mode lies already: “8 Gaussians” that are seven."""
    demo = torch.linspace(0, 2 * torch.pi, 8, dtype=torch.float64)
    of_demo = torch.stack([demo.cos(), demo.sin()], 1)
    assert len(of_demo.round(decimals=6).unique(dim=0)) == 7
    half = math.sqrt(0.5)
    expected = [[1, 0], [half, half], [0, 1], [-half, half], [-1, 0], [-half, -half], [0, -1], [half, -half]]
    torch.testing.assert_close(Ring().means(), torch.tensor(expected), atol=1e-6, rtol=0)


def test_neighbours_on_the_ring_are_equally_far_apart() -> None:
    means = Ring(modes=13, radius=2.0).means()
    chords = (means - means.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(chords, torch.full((13,), 4 * math.sin(math.pi / 13)), atol=1e-5, rtol=0)


def test_the_grid_is_the_published_one() -> None:
    line = (-4.0, -2.0, 0.0, 2.0, 4.0)
    assert {tuple(mean) for mean in Grid().means().tolist()} == {(x, y) for x in line for y in line}
    assert Grid().sigma == 0.05


def test_options_move_the_modes() -> None:
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
    return data, loaded, loaded.floor_samples(MANY, draw=3)


def test_the_exact_sampler_has_the_known_share_within_three_sigma(
    points: tuple[Mixture, MixturePoints, Tensor],
) -> None:
    data, _, samples = points
    deviation = data.evaluator(CPU)(samples).deviation
    circle, box = 1 - math.exp(-4.5), math.erf(3 / math.sqrt(2)) ** 2
    assert (round(circle, 4), round(box, 4)) == (0.9889, 0.9946)
    found_circle = float((deviation.norm(dim=1) < 3).double().mean())
    found_box = float((deviation.abs().amax(1) < 3).double().mean())
    assert found_circle == pytest.approx(circle, abs=4 * standard_errors(circle, MANY))
    assert found_box == pytest.approx(box, abs=4 * standard_errors(box, MANY))


def test_modes_are_round_and_as_wide_as_they_should_be(points: tuple[Mixture, MixturePoints, Tensor]) -> None:
    data, _, samples = points
    deviation = data.evaluator(CPU)(samples).deviation.double()
    error = 1 / math.sqrt(MANY)
    assert deviation.mean(0).abs().max() < 5 * error
    covariance = torch.cov(deviation.T)
    assert (covariance - torch.eye(2, dtype=torch.float64)).abs().max() < 5 * math.sqrt(2) * error


def test_samples_fall_into_modes_by_their_weights(points: tuple[Mixture, MixturePoints, Tensor]) -> None:
    data, loaded, samples = points
    assert float(loaded.weights.sum()) == pytest.approx(1)
    for drawn in (samples, loaded.train, loaded.reference(20_000)):
        counts = data.evaluator(CPU)(drawn).counts().double()
        assert stats.chisquare(counts.numpy(), (loaded.weights * len(drawn)).numpy()).pvalue > 1e-4


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_weights_of_the_imbalanced_ring_fall_by_a_power_law(power: float) -> None:
    weights = ImbalancedRing(power=power).weights()
    expected = torch.tensor([(mode + 1) ** -power for mode in range(8)], dtype=torch.float64)
    torch.testing.assert_close(weights / weights[0], expected)
    assert float(weights.sum()) == pytest.approx(1)


def test_equal_seeds_give_equal_points_and_no_two_sets_share_any() -> None:
    first, second = (mixture("grid").load(CPU) for _ in range(2))
    sets = [
        [data.train, data.reference(5_000), data.floor_samples(5_000), data.floor_samples(5_000, draw=1)]
        for data in (first, second)
    ]
    for one, other in zip(*sets, strict=True):
        assert torch.equal(one, other)
    # Float32 points on a grid collide by chance now and then; sets from one stream would collide everywhere.
    together = torch.cat(sets[0])
    assert len(together.unique(dim=0)) > 0.999 * len(together)


def test_fewer_points_are_the_first_of_more() -> None:
    data = mixture("ring").load(CPU)
    assert torch.equal(data.floor_samples(100_000)[:300], data.floor_samples(300))
    assert torch.equal(data.reference(100_000)[:300], data.reference(300))


# Which mode a sample belongs to


@pytest.mark.parametrize("name", MIXTURES)
def test_points_belong_to_the_mode_within_three_sigma(name: str) -> None:
    data = mixture(name)
    means = data.means()
    own = torch.arange(len(means))
    assert torch.equal(data.assign(means), own)
    for angle in (0.0, 1.0, 2.5):
        way = data.sigma * torch.tensor([math.cos(angle), math.sin(angle)])
        assert torch.equal(data.assign(means + 2.98 * way), own)
        assert torch.equal(data.assign(means + 3.02 * way), torch.full_like(own, -1))
    # The corner of the box: within 3 σ in each direction, but not in all.
    assert torch.equal(data.assign(means + 2.9 * data.sigma), torch.full_like(own, -1))
    between = (means[0] + means[1]) / 2
    assert data.assign(torch.stack([between, torch.tensor([50.0, -50.0])])).tolist() == [-1, -1]


def test_digits_belong_to_their_class_and_noise_to_none(mnist: LabelledImages) -> None:
    found = Mnist().assign(to_signed(mnist.test[:1_000]))
    assert found.dtype == torch.int64
    assert float((found >= 0).double().mean()) > 0.95
    assert float((found == mnist.test_labels[:1_000])[found >= 0].double().mean()) > 0.99
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


def test_a_batch_has_the_shape_of_its_indices(any_data: Data) -> None:
    indices = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6], [0, 1, 1, 2]])
    batch = any_data.batch(indices)
    assert batch.shape == (3, 4, *any_data.shape)
    assert batch.dtype == torch.float32
    assert torch.equal(batch.flatten(0, 1), any_data.batch(indices.flatten()))
    assert torch.equal(batch[0, 1], batch[0, 3]), "the same index is the same sample"
    assert torch.equal(any_data.batch(torch.tensor(9)), batch[1, 1])
    assert any_data.batch(indices[:0]).shape == (0, 4, *any_data.shape)


def test_samples_to_compare_with_have_one_shape_and_range(any_data: Data) -> None:
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


def test_images_that_are_scored_as_generated_are_training_images_and_the_reference_is_the_test_set() -> None:
    data = numbered(train=300, test=100)
    floor_samples = number_of(data.floor_samples(200)).flatten().tolist()
    assert len(set(floor_samples)) == 200, "none twice"
    assert set(floor_samples) < set(range(300))
    reference = number_of(data.reference(1_000)).flatten().tolist()
    assert sorted(reference) == list(range(300, 400))
    assert reference != sorted(reference), "files may be sorted"
    unseen = data.unseen(1_000)
    assert unseen is not None
    assert set(number_of(unseen).flatten().tolist()) == set(reference[50:])


# Stacked-MNIST


@pytest.fixture(scope="module")
def stacked(mnist: LabelledImages) -> StackedDigits:
    return StackedDigits(mnist, 128_000, "train", "28")


def true_modes(triples: Tensor, labels: Tensor) -> Tensor:
    return (labels[triples] * PLACES).sum(1)


def test_a_mode_of_a_triple_is_spelled_by_its_digits(mnist: LabelledImages, stacked: StackedDigits) -> None:
    triples = stacked._fixed
    assert triples is not None
    assert triples.shape == (128_000, 3)
    images = stacked.batch(torch.arange(400))
    for channel in range(3):
        assert torch.equal(images[:, channel], to_signed(mnist.train[triples[:400, channel], 0]))
    true = true_modes(triples[:400], mnist.train_labels)
    seen = StackedMnist().evaluator(CPU)(images)
    assert float((seen.labels == true).double().mean()) > 0.98
    found = StackedMnist().assign(images)
    assert float((found == true)[found >= 0].double().mean()) > 0.98
    assert [stacked.mode_names[mode] for mode in (0, 7, 123, 999)] == ["000", "007", "123", "999"]


def test_shares_of_the_thousand_modes_are_products_of_the_digits_shares(
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


def test_no_stacked_image_is_stored(mnist: LabelledImages, stacked: StackedDigits) -> None:
    """MNIST's tensor itself, and the triples: 128,000 images would be 300 MB."""
    held = {value.data_ptr(): value for value in vars(stacked).values() if isinstance(value, Tensor)}
    digits = {tensor.data_ptr() for tensor in (mnist.train, mnist.test)}
    assert sum(value.nbytes for pointer, value in held.items() if pointer not in digits) <= 128_000 * 3 * 8 + 1000 * 8
    pooled = StackedDigits(mnist, 128_000, "pooled", "28")
    held = {value.data_ptr(): value for value in vars(pooled).values() if isinstance(value, Tensor)}
    own = sum(value.nbytes for pointer, value in held.items() if pointer not in digits)
    assert own <= 70_000 * 784 + 128_000 * 3 * 8 + 1000 * 8


def test_pooled_triples_take_the_test_digits_too_and_others_do_not() -> None:
    digits = numbered(train=300, test=200)
    for triples in (5_000, 0):
        for part, known in (("train", 300), ("pooled", 500)):
            data = StackedDigits(digits, triples, part, "28")
            found = number_of(data.batch(torch.arange(5_000)))
            assert found.unique().tolist() == list(range(known)), (triples, part)
            assert number_of(data.floor_samples(5_000)).unique().tolist() == list(range(known))
            assert number_of(data.reference(5_000)).unique().tolist() == list(range(300, 500))


def test_fixed_triples_are_the_same_each_time_the_data_are_loaded() -> None:
    one, other = (StackedDigits(numbered(300, 100), 400, "train", "28") for _ in range(2))
    indices = torch.arange(400)
    assert len(one) == 400
    assert torch.equal(one.batch(indices), other.batch(indices))
    assert torch.equal(one.batch(indices), one.batch(indices))


def test_triples_on_the_fly_are_new_at_each_index_and_a_function_of_it_alone() -> None:
    one, other = (StackedDigits(numbered(60_000, 100), 0, "train", "28") for _ in range(2))
    assert len(one) == StackedMnist(triples=0).train_size == ON_THE_FLY
    found = number_of(one.batch(torch.arange(100_000)))
    assert len(found.unique(dim=0)) == 100_000
    mixed = torch.randperm(100_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(number_of(other.batch(mixed)), found[mixed]), "whatever else is in the batch"
    late = number_of(one.batch(torch.arange(ON_THE_FLY - 100_000, ON_THE_FLY)))
    assert len(torch.cat([found, late]).unique(dim=0)) == 200_000


@pytest.mark.parametrize("start", [0, ON_THE_FLY - 300_000])
@pytest.mark.parametrize("images", [60_000, 1_000, 37])
def test_triples_on_the_fly_are_uniform_and_their_channels_independent(start: int, images: int) -> None:
    data = StackedDigits(numbered(images, 100), 0, "train", "28")
    indices = torch.arange(start, start + 300_000)
    found = torch.cat([number_of(data.batch(part)) for part in indices.split(100_000)]).numpy()
    for channel in range(3):
        assert stats.chisquare(np.bincount(found[:, channel], minlength=images)).pvalue > 1e-4
    for first, second in ((0, 1), (1, 2), (0, 2)):
        a, b = found[:, first], found[:, second]
        for modulus in (10, 32):
            joint = np.zeros((modulus, modulus))
            np.add.at(joint, (a % modulus, b % modulus), 1)
            assert stats.chi2_contingency(joint).pvalue > 1e-4, f"channels {first} and {second} modulo {modulus}"
        joint = np.zeros((20, 20))
        np.add.at(joint, (a * 20 // images, b * 20 // images), 1)
        assert stats.chi2_contingency(joint).pvalue > 1e-4
    # Neighbours in the order of indices are independent too.
    joint = np.zeros((32, 32))
    np.add.at(joint, (found[:-1, 0] % 32, found[1:, 0] % 32), 1)
    assert stats.chi2_contingency(joint).pvalue > 1e-4


@pytest.mark.parametrize("frame", ["padded-32", "scaled-32"])
def test_larger_frames_have_their_shape_and_are_read_as_well(mnist: LabelledImages, frame: str) -> None:
    framed, plain = (StackedDigits(mnist, 400, "train", each) for each in (frame, "28"))
    images, small = framed.batch(torch.arange(400)), plain.batch(torch.arange(400))
    assert framed.shape == StackedMnist(frame=frame).shape == (3, 32, 32)
    assert images.shape == (400, 3, 32, 32)
    assert -1 <= float(images.min()) <= float(images.max()) <= 1
    if frame == "padded-32":
        assert torch.equal(images[..., 2:30, 2:30], small)
        assert float(images.sum()) == pytest.approx(float(small.sum()) - 400 * 3 * (32 * 32 - 28 * 28), rel=1e-5)
    assert framed._fixed is not None
    true = true_modes(framed._fixed, mnist.train_labels)
    seen = StackedMnist(frame=frame).evaluator(CPU)(images)
    assert seen.modes == 1000
    assert float((seen.labels == true).double().mean()) >= 0.97


def kl_of(labels: Tensor) -> float:
    """KL against uniform as `pacgan-2018` has it, of modes that are known."""
    kl = PROTOCOLS["pacgan-2018"]().case(StackedMnist(digits="pooled")).metrics["kl"]
    assert isinstance(kl, Kl)
    features = make_features(torch.zeros(len(labels), 1), labels, 1000)
    return kl(fake=features, real=make_reference(features))


def test_kl_of_real_stacked_mnist_is_the_published_floor(mnist: LabelledImages) -> None:
    """.0235 ± .0010 at 26,000, .0143 ± .0006 at 50,000, by the digits' true classes."""
    pooled = StackedDigits(mnist, 128_000, "pooled", "28")
    labels = torch.cat([mnist.train_labels, mnist.test_labels])
    for count, floor, spread in ((26_000, 0.0235, 0.0010), (50_000, 0.0143, 0.0006)):
        found = [kl_of(true_modes(pooled._draw(70_000, count, "floor", draw), labels)) for draw in range(20)]
        assert max(abs(each - floor) for each in found) < 0.003
        assert sum(found) / 20 == pytest.approx(floor, abs=spread)
        assert np.std(found) < 1.7 * spread


def test_kl_of_real_stacked_mnist_as_the_evaluator_sees_it(mnist: LabelledImages) -> None:
    """At 26,000 images, of which it looks at the first 1,500; the law's noise is .0010, its errors are less."""
    data = StackedMnist(digits="pooled", triples=128_000)
    pooled = StackedDigits(mnist, data.triples, "pooled", "28")
    triples = pooled._draw(70_000, 26_000, "floor", 7)
    used, place = triples[:1_500].unique(return_inverse=True)
    seen = Mnist().evaluator(CPU)(to_signed(pooled._images[used])).labels
    labels = torch.cat([mnist.train_labels, mnist.test_labels])
    # What it sees in a stacked image is what it sees in its digits.
    by_stacked = data.evaluator(CPU)(pooled.floor_samples(26_000, 7)[:200]).labels
    assert torch.equal(by_stacked, (seen[place[:200]] * PLACES).sum(1))
    # Its few errors hardly change the KL.
    true, read = labels[triples], labels[triples]
    read[:1_500] = seen[place]
    wrong = float((read[:1_500] != true[:1_500]).any(1).double().mean())
    assert wrong < 0.02
    changed = kl_of((read[:1_500] * PLACES).sum(1)) - kl_of((true[:1_500] * PLACES).sum(1))
    assert abs(changed) < 0.003
    assert kl_of((read * PLACES).sum(1)) == pytest.approx(0.0235, abs=0.003)


# Options


@pytest.mark.parametrize(
    ("spec", "words"),
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
        ({"name": "stacked-mnist", "frame": 28}, "must be a word"),
        ({"name": "mnist", "sigma": 1.0}, "no option 'sigma'"),
        ({"name": "rings"}, "did you mean 'ring'"),
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_on_one_line(spec: Mapping[str, object], words: str) -> None:
    with pytest.raises(GanbenchError) as error:
        DATASETS.create(spec)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", MIXTURES)
def test_every_option_is_part_of_the_spec_and_moves_the_evaluators_hash_where_it_should(name: str) -> None:
    usual = mixture(name)
    assert {"points", "sigma"} < set(usual.to_spec())
    assert mixture(name, sigma=0.02).evaluator_sha256 != usual.evaluator_sha256
    assert usual.evaluator_sha256 == usual.evaluator(CPU).sha256
    assert usual.load(CPU).shape == usual.shape


def test_every_data_set_says_what_it_is() -> None:
    assert {"ring", "grid", "imbalanced-ring", "mnist", "stacked-mnist", "fashion-mnist"} <= set(DATASETS)
    for name in ("ring", "grid", "imbalanced-ring", "mnist", "stacked-mnist", "fashion-mnist"):
        made: Dataset = DATASETS.create({"name": name})
        assert isinstance(made, Component)
        assert made.summary().endswith((")", ")."))
        assert made.protocol in PROTOCOLS


# Fashion-MNIST, by small files in the place of the real ones


def idx(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def clothes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """Four small IDX files with their sums; Debian's package is an empty folder."""
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


def test_fashion_mnist_comes_from_debians_package_where_no_mirror_answers(
    clothes: dict[str, bytes], tmp_path: Path
) -> None:
    put_packed(tmp_path / "debian", clothes)
    paths = fetch_fashion_mnist(tmp_path, mirrors=lambda: ["http://127.0.0.1:1/"])
    assert {name: path.read_bytes() for name, path in paths.items()} == clothes
    assert {path.parent for path in paths.values()} == {tmp_path / "fashion-mnist"}, "beside MNIST's, of the same names"
    (tmp_path / "debian" / "train-images-idx3-ubyte.gz").unlink()
    fetch_fashion_mnist(tmp_path, mirrors=lambda: pytest.fail("the cache is complete"))


@pytest.mark.parametrize("fault", ["absent", "cut", "other"])
def test_without_a_whole_source_of_fashion_mnist_one_line_says_what_to_do(
    clothes: dict[str, bytes], tmp_path: Path, fault: str
) -> None:
    victim = tmp_path / "debian" / "t10k-images-idx3-ubyte.gz"
    put_packed(tmp_path / "debian", clothes)
    if fault == "absent":
        victim.unlink()
    elif fault == "cut":
        victim.write_bytes(victim.read_bytes()[:-20])
    else:
        victim.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(GanbenchError) as error:
        fetch_fashion_mnist(tmp_path, mirrors=lambda: [])
    assert "dataset-fashion-mnist" in str(error.value)
    assert "by hand" in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "fashion-mnist" / "t10k-images-idx3-ubyte").exists()
