"""A monitor of vectors: floors from the split reference, planted faults, and no alarm on real vectors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

import ganbench
from ganbench.core.errors import GanbenchError

pytestmark = pytest.mark.usefixtures("one_thread")

Vectors = NDArray[np.float64]
WIDTH, SAMPLES = 8, 500


def vectors(count: int, seed: int, clusters: int = 10) -> Vectors:
    """Vectors around the first of ten centres."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(10, WIDTH)) * 2
    drawn: Vectors = centres[random.integers(clusters, size=count)] + random.normal(size=(count, WIDTH))
    return drawn


@pytest.fixture(scope="module")
def real() -> Vectors:
    return vectors(2_000, 1)


def watching(real: Vectors) -> ganbench.Monitor:
    watch = ganbench.Monitor(real=real, samples=SAMPLES, patience=1, device="cpu")
    watch(1, vectors(SAMPLES, 2))
    assert watch.events == []
    return watch


@pytest.mark.parametrize(
    ("fault", "kind", "word"),
    [
        (vectors(SAMPLES, 3, clusters=3), "uncovered", "PARTLY"),
        (vectors(SAMPLES, 3, clusters=1), "uncovered", "COLLAPSED"),
        (np.repeat(vectors(20, 3), 25, axis=0), "duplicates", "COLLAPSED"),
        (vectors(SAMPLES, 3) * 20, "off-mode", "NOT LEARNED YET"),
    ],
)
def test_planted_faults_are_named(real: Vectors, fault: Vectors, kind: str, word: str) -> None:
    watch = watching(real)
    numbers = watch(2, fault)
    assert kind in {event.kind for event in watch.events}
    assert numbers[f"event/{kind}"] > 0.3
    assert watch.summary().startswith(f"{word} at step 2: ")
    assert watch.collapsed == (word == "COLLAPSED")


def test_copies_of_real_vectors_are_found_in_all_of_them(real: Vectors) -> None:
    watch = watching(real)
    noisy = real[-SAMPLES:] + np.random.default_rng(5).normal(size=(SAMPLES, WIDTH)) * 1e-3
    numbers = watch(2, noisy)
    assert numbers["near_copies"] > 0.95
    assert numbers["floor/near_copies"] == pytest.approx(0.01)
    assert "copies of real data" in watch.summary()
    assert watch(3, vectors(SAMPLES, 6))["near_copies"] < 0.05


def test_every_number_has_a_floor_that_other_real_vectors_reach(real: Vectors) -> None:
    numbers = watching(real)(2, vectors(SAMPLES, 7))
    names = ["precision", "recall", "density", "coverage", "near_duplicates", "near_copies"]
    for name in names:
        assert numbers[name] == pytest.approx(numbers[f"floor/{name}"], abs=0.1), name
    assert "modes" not in numbers, "modes of vectors aren't known"


def test_other_real_vectors_raise_no_alarm() -> None:
    """Of 15 monitors with three calls each; `docs/howto/own-loop.md` has the rate in many more."""
    for seed in range(15):
        watch = ganbench.Monitor(real=vectors(1_000, 100 + seed), device="cpu", steps=3)
        for step in (1, 2, 3):
            watch(step, vectors(SAMPLES, 1_000 + 10 * seed + step))
        assert watch.events == [], seed
        assert watch.summary().startswith("GOOD")


def test_state_goes_on_beside_the_same_vectors_only(real: Vectors) -> None:
    watch = watching(real)
    state = json.loads(json.dumps(watch.state_dict(), allow_nan=False))
    again = ganbench.Monitor(real=real.copy(), samples=SAMPLES, patience=1, device="cpu")
    again.load_state_dict(state)
    assert again(2, vectors(SAMPLES, 3)) == watch(2, vectors(SAMPLES, 3))
    other = ganbench.Monitor(real=real + 1, samples=SAMPLES, device="cpu")
    with pytest.raises(GanbenchError, match="of another real data"):
        other.load_state_dict(state)


def test_vectors_of_another_width_are_refused(real: Vectors) -> None:
    watch = watching(real)
    with pytest.raises(GanbenchError, match="9 numbers each, and real ones have 8"):
        watch(2, np.zeros((SAMPLES, 9)))
    with pytest.raises(GanbenchError, match="499 samples are too few"):
        watch(2, vectors(499, 1))


def test_real_vectors_that_repeat_each_other_have_copies_themselves() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(1_400, 4)).astype(np.float32)
    real = np.concatenate([values, values[:600]])
    numbers = ganbench.Monitor(real=real, samples=500)(1, real[random.choice(len(real), 500)])
    assert numbers["floor/near_copies"] > 0.4  # 60 % have a twin; rounding decides which are as near as that
