"""Metrics of copies, on images whose copies are known, and metrics in the second network's features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ganbench.checks.features import make_features, make_images, make_reference
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS, UndefinedMetricError, distances, pairs, pairs_within
from ganbench.evaluation.metrics.copy_test import CopySpace

SECOND = ("second_precision", "second_recall", "second_density", "second_coverage", "second_frechet")


def score(name: str, fake: Features, real: Reference, **options: object) -> float:
    return METRICS.create({"name": name, **options})(fake=fake, real=real)


def strokes(seed: int, count: int) -> Tensor:
    """Images of a random smooth line on black, uint8 [N, 1, 28, 28], with a border of four empty pixels or more."""
    random = torch.Generator().manual_seed(seed)
    knots = torch.nn.functional.interpolate(
        torch.rand(count, 2, 5, generator=random), 40, mode="linear", align_corners=True
    )
    path = 5 + 17 * knots
    grid = torch.arange(28.0)
    near = (
        (path[:, 0, :, None] - grid).square()[:, :, :, None] + (path[:, 1, :, None] - grid).square()[:, :, None]
    ).amin(1)
    return (255 * torch.exp(-near / 2) * (near < 8)).to(torch.uint8)[:, None]


def as_features(images: Tensor) -> Features:
    return make_features(images[:, :, ::4, ::4].float().flatten(1), samples=images)


@pytest.fixture(scope="module")
def training() -> Tensor:
    return strokes(0, 8000)


@pytest.fixture(scope="module")
def real(training: Tensor) -> Reference:
    return make_reference(as_features(strokes(1, 2000)), training_samples=training)


def shifted(images: Tensor, down: int, right: int) -> Tensor:
    return torch.roll(images, (down, right), (2, 3))


def noisy(images: Tensor) -> Tensor:
    noise = torch.randint(-8, 9, images.shape, generator=torch.Generator().manual_seed(5))
    return (images + noise).clamp(0, 255).to(torch.uint8)


# --- copies


def test_copies_are_found_shifted_by_a_pixel_and_with_noise(training: Tensor, real: Reference) -> None:
    some = training[:1000]
    for copies in (some, shifted(some, 0, 1), shifted(some, -1, 1), noisy(some), noisy(shifted(some, 1, 0))):
        assert score("copies_of_training", as_features(copies), real) > 0.95


def test_unseen_images_are_copies_with_probability_alpha(real: Reference) -> None:
    unseen = strokes(2, 2000)
    for images in (unseen, shifted(unseen, 1, 1), noisy(unseen)):
        assert score("copies_of_training", as_features(images), real) == pytest.approx(0.01, abs=0.015)
    assert score("copies_of_training", as_features(unseen), real, alpha=0.1) == pytest.approx(0.1, abs=0.05)
    averages = ((unseen[:1000].float() + unseen[1000:].float()) / 2).to(torch.uint8)
    assert score("copies_of_training", as_features(averages), real) < 0.02, "averages are near to many"


def test_share_of_copies_is_measured(training: Tensor, real: Reference) -> None:
    mixed = torch.cat([shifted(training[:600], 1, 0), strokes(2, 1400)])
    assert score("copies_of_training", as_features(mixed), real) == pytest.approx(0.3 + 0.7 * 0.01, abs=0.02)
    assert score("exact_copies_of_training", as_features(mixed), real) == 0
    mixed[:500] = training[:500]
    assert score("exact_copies_of_training", as_features(mixed), real) == 0.25
    mixed[:100] = real.samples[:100]
    assert score("exact_copies_of_training", as_features(mixed), real) == 0.2
    assert score("exact_copies_of_reference", as_features(mixed), real) == 0.05
    assert score("exact_copies_of_reference", real, real) == 1


def test_novelty_is_the_ratio_of_distances_in_principal_components(training: Tensor) -> None:
    space, unseen = CopySpace.fit(training[:500]), strokes(2, 100)
    # Of these points only the number of dimensions is given; the nearest ones are found by brute force.
    shift = CopySpace(space.mean, space.components, space.training)
    own = CopySpace.fit(training[:500]).training
    assert own.shape == (500, 48)
    points = torch.stack([_embedded(space, image) for image in unseen])
    near = torch.cdist(points.double(), own.double()).sort(1).values
    torch.testing.assert_close(shift.novelty(unseen), near[:, 0] / near[:, 4], rtol=1e-3, atol=1e-6)
    assert not space.novelty(training[:500]).gt(1e-2).any()


def _embedded(space: CopySpace, image: Tensor) -> Tensor:
    """An image in the space, by shifting it in the Fourier domain's stead: bilinear sampling by grid_sample."""
    pixels = image[0].float()
    ink = (pixels - 16).clamp_min(0)
    positions = torch.arange(28.0)
    mean = [float((ink.sum(1 - dim) * positions).sum() / ink.sum()) for dim in (0, 1)]
    rows, columns = (positions + (centre - 13.5) for centre in mean)
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), 2) / 13.5 - 1
    moved = torch.nn.functional.grid_sample(pixels[None, None], grid[None], align_corners=True)
    return (moved.reshape(14, 2, 14, 2).mean((1, 3)).flatten() - space.mean) @ space.components


def test_training_images_that_exist_five_times_are_copies(real: Reference, training: Tensor) -> None:
    several = replace(real, training_samples=torch.cat([training, training[:10].repeat(6, 1, 1, 1)]))
    assert score("copies_of_training", as_features(training[:10].repeat(50, 1, 1, 1)), several) == 1


def test_negative_zero_equals_zero() -> None:
    points = torch.tensor([[0.0, 1.0], [-0.0, 2.0]])
    assert score("exact_copies_of_reference", make_features(points), make_reference(make_features(-points * -1))) == 1
    assert score("exact_copies_of_reference", make_features(points.abs()), make_reference(make_features(points))) == 1


def test_copies_are_undefined_without_training_data(training: Tensor, real: Reference) -> None:
    fake = as_features(training[:500])
    for name in ("copies_of_training", "exact_copies_of_training"):
        with pytest.raises(UndefinedMetricError, match="not kept"):
            score(name, fake, replace(real, training_samples=None))
    with pytest.raises(UndefinedMetricError, match="same size"):
        score("copies_of_training", make_features(torch.zeros(500, 2)), real)
    few = real.first(150)
    assert isinstance(few, Reference)
    with pytest.raises(UndefinedMetricError, match="too few real"):
        score("copies_of_training", fake, few)
    with pytest.raises(UndefinedMetricError, match="fewer than 5"):
        score("copies_of_training", fake, replace(real, training_samples=training[:4]))


# --- the second space


@pytest.mark.parametrize("name", SECOND)
def test_metrics_in_the_second_space_are_those_of_its_embedding(name: str) -> None:
    fake, real = make_images(1), make_reference(make_images(2))
    assert fake.second_embedding is not None
    assert real.second_embedding is not None
    other_fake = make_features(fake.second_embedding, fake.labels, 10)
    other_real = make_reference(make_features(real.second_embedding, real.labels, 10))
    inner = {"second_frechet": "fid"}.get(name, name.removeprefix("second_"))
    assert score(name, fake, real) == score(inner, other_fake, other_real) != score(inner, fake, real)
    for without in ((replace(fake, second_embedding=None), real), (fake, replace(real, second_embedding=None))):
        with pytest.raises(UndefinedMetricError, match="no second network"):
            score(name, *without)


def test_metrics_in_the_second_space_share_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []

    def counting(a: Tensor, b: Tensor, *, discount: float = 0.0) -> Iterator[Tensor]:
        passes.append(1)
        return distances.squares(a, b, discount=discount)

    for module in (pairs, pairs_within):
        monkeypatch.setattr(module, "squares", counting)
    fake, real = make_images(1), make_reference(make_images(2))
    for name in SECOND:
        score(name, fake, real)
    assert len(passes) == 3
    assert not any(METRICS[name].pair_statistics for name in SECOND), "they read none of the first space"
