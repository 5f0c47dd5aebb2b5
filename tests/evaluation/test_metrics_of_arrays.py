"""Metrics as functions of bare arrays: equal to the suite's, and refusing what means nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ganbench
from ganbench import metrics
from ganbench.checks.features import make_images, make_reference
from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import Features, Reference
from ganbench.evaluation.metrics import METRICS

pytestmark = pytest.mark.usefixtures("one_thread")

OF_SETS = (
    "clipped_coverage", "clipped_density", "coverage", "density", "fid", "kid", "ndb", "near_duplicates", "precision",
    "recall", "retrieval",
)  # fmt: skip
OF_LABELS = ("jsd", "kl", "kl_corrected", "modes_strict")


@pytest.fixture(scope="module")
def fake() -> Features:
    return make_images(1, count=900)


@pytest.fixture(scope="module")
def real() -> Reference:
    return make_reference(make_images(2, count=1_000))


def by_suite(name: str, fake: Features, real: Reference, **options: object) -> float:
    return METRICS.create({"name": name, **options})(fake=fake, real=real)


def by_function(name: str, **arrays: Any) -> float:
    value: float = getattr(metrics, name)(**arrays)
    return value


def test_every_function_is_tested_here() -> None:
    assert {*OF_SETS, *OF_LABELS, "vendi", "lost_modes", "mode_shares"} == {*metrics.__all__}


@pytest.mark.parametrize("name", OF_SETS)
def test_functions_of_vectors_equal_the_suite_bit_for_bit(name: str, fake: Features, real: Reference) -> None:
    expected = by_suite(name, fake, real)
    assert by_function(name, fake=fake.embedding, real=real.embedding) == expected
    assert by_function(name, fake=fake.embedding.double().numpy(), real=real.embedding.numpy()) == expected


def test_vendi_equals_the_suite(fake: Features, real: Reference) -> None:
    assert metrics.vendi(fake.embedding) == by_suite("vendi", fake, real)


@pytest.mark.parametrize("option", ["k", "samples"])
def test_options_are_those_of_the_component(option: str, fake: Features, real: Reference) -> None:
    options = {option: 2 if option == "k" else 300}
    for name in ("coverage", "precision", "recall", "density", "clipped_coverage", "clipped_density"):
        value = by_function(name, fake=fake.embedding, real=real.embedding, **options)
        assert value == by_suite(name, fake, real, **options)
        assert value != by_suite(name, fake, real)


def test_defaults_are_those_of_the_components(fake: Features, real: Reference) -> None:
    for name in OF_SETS:
        defaults = getattr(metrics, name).__kwdefaults__ or {}
        component = METRICS.create({"name": name})
        assert defaults == {option: getattr(component, option) for option in defaults}


@pytest.mark.parametrize("name", OF_LABELS)
def test_functions_of_labels_equal_the_suite(name: str, real: Reference) -> None:
    everything = make_images(1, count=900)
    fake = everything.select(everything.labels != 3)
    # Modes are counted among good samples; bare labels have no others.
    fake, true = (Features(**{**vars(of), "good": torch.ones(len(of)).bool()}) for of in (fake, real_as_features(real)))
    expected = by_suite(name, fake, make_reference(true))
    assert by_function(name, fake=fake.labels, real=true.labels, modes=10) == expected
    assert by_function(name, fake=fake.labels.numpy(), real=true.labels.tolist(), modes=10) == expected


def real_as_features(real: Reference) -> Features:
    extra = ("weights", "training", "training_samples")
    return Features(**{name: value for name, value in vars(real).items() if name not in extra})


def test_lost_modes_are_named() -> None:
    labels = np.repeat([0, 1, 2, 4], [400, 300, 299, 1])
    assert metrics.lost_modes(fake=labels, real=range(5), modes=5) == [3, 4]
    assert metrics.modes_strict(fake=labels, real=range(5), modes=5) == 3
    assert metrics.mode_shares(labels, 5).tolist() == [0.4, 0.3, 0.299, 0.0, 0.001]


def floats(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=shape)


def broken(value: float) -> NDArray[np.float64]:
    array = floats(50, 3)
    array[7, 1] = value
    return array


@pytest.mark.parametrize(
    ("fake", "reason"),
    [
        (broken(np.nan), "fake: there are NaN or infinity"),
        (broken(np.inf), "fake: there are NaN or infinity"),
        (broken(1e300), "fake: 1 of 50 samples contain NaN or infinity"),
        (torch.from_numpy(broken(1e300)), "fake: numbers in these vectors are too large"),
        (floats(50, 4), "fake: these vectors have 4 numbers each, and real ones have 3"),
        (floats(4, 3), "coverage is undefined: there are too few samples"),
        (floats(0, 3), "fake: there are no vectors"),
        (torch.empty(0, 3), "fake: there are no vectors"),
        (floats(50), "fake: vectors must have shape"),
        (floats(5, 3, 8, 8), "features of a network of yours"),
        (np.ones((50, 3), dtype=int), "fake: vectors must be floats"),
        ("vectors.npy", "fake: vectors must be an array or a tensor, not str"),
    ],
)
def test_vectors_that_mean_nothing_are_refused(fake: object, reason: str) -> None:
    with pytest.raises(GanbenchError, match=reason):
        metrics.coverage(fake=fake, real=floats(50, 3))


def test_other_nonsense_is_refused() -> None:
    points = floats(50, 3)
    for options in ({"k": 0}, {"k": 2.0}, {"samples": -1}, {"k": True}):
        with pytest.raises(GanbenchError, match="must be a whole number from 1"):
            metrics.coverage(fake=points, real=points, **options)
    with pytest.raises(GanbenchError, match="the same one"):
        metrics.coverage(fake=points, real=np.ones((50, 3)))
    with pytest.raises(GanbenchError, match="50 vectors are too few for the covariance of 50 dimensions"):
        metrics.fid(fake=floats(50, 50), real=floats(60, 50))
    with pytest.raises(GanbenchError, match="100 bins need at least 100"):
        metrics.ndb(fake=points, real=points)
    with pytest.raises(GanbenchError, match="no direction"):
        metrics.vendi(np.vstack([points, np.zeros((1, 3))]))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([0.0, 1.0], "fake must be an array of whole numbers"),
        (["a", "b"], "fake must be an array of whole numbers"),
        ([True, False], "fake must be an array of whole numbers"),
        ([], "fake must be"),
        (np.empty(0, dtype=int), "at least one"),
        ([[0, 1]], "fake must be labels"),
        ([0, 2], "fake must be labels from 0 to 1"),
        ([-1, 0], "fake must be labels from 0 to 1"),
        (torch.tensor([True]), "fake must be an array of whole numbers"),
    ],
)
def test_labels_that_mean_nothing_are_refused(labels: object, reason: str) -> None:
    with pytest.raises(GanbenchError, match=reason):
        metrics.kl(fake=labels, real=[0, 1], modes=2)


def test_modes_without_real_samples_are_refused() -> None:
    with pytest.raises(GanbenchError, match="no sample has label 2"):
        metrics.modes_strict(fake=[0, 1], real=[0, 1], modes=3)


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, ganbench; assert 'metrics' in dir(ganbench); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert ganbench.__getattr__("metrics") is metrics
