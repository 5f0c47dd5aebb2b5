"""Protocols: real data score their floors under each of them, and scores differ by known factors."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from ganbench.checks.features import make_features, make_labelled, make_reference
from ganbench.core.errors import GanbenchError
from ganbench.data import Data, Dataset
from ganbench.data.evaluators import Evaluator, Features
from ganbench.data.grid import Grid
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.data.ring import Ring
from ganbench.data.stacked_mnist import StackedDigits, StackedMnist
from ganbench.evaluation import beside_real, real_features
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.metrics import METRICS, distances, pairs, pairs_within
from ganbench.evaluation.metrics.copy_test import CopySpace
from ganbench.evaluation.protocols import PROTOCOLS, Case, Rule
from ganbench.evaluation.scorer import Floor, Scorer, Scores
from ganbench.spec.run_spec import resolve
from tests.conftest import random_data

CPU = torch.device("cpu")
OURS = (
    *("ganbench-1", "ganbench-2", "meg-2019", "meg-stacked-2019", "pacgan-2018", "pacgan-2018-unrolled"),
    *("pacgan-stacked-2018", "pacgan-stacked-2018-unrolled", "selfcond-2020", "selfcond-stacked-2020", "veegan-2017"),
)
# Fashion-MNIST's files may be absent where this runs; under our own protocols its case is MNIST's.
CASES = [
    (protocol, dataset)
    for protocol in OURS
    for dataset in sorted(PROTOCOLS[protocol]().cases())
    if dataset != "fashion-mnist"
]
PAIRS = ("support", "different_samples")
"""Metrics that are an inverse of a number of pairs."""
IMAGES, STACKED = 2_000, 1_000
TRAINED_ON = 4_000
"""Number of training images searched for copies; features of all 60,000 would take too long."""


class CachedEvaluator:
    """An evaluator that caches features by image set, since several protocols score the same images."""

    seen: ClassVar[dict[tuple[str, bytes], Features]] = {}

    def __init__(self, evaluator: Evaluator, frame: str = "") -> None:
        self._evaluator, self._frame = evaluator, frame
        self.name, self.sha256 = evaluator.name, evaluator.sha256

    def __call__(self, samples: Tensor) -> Features:
        key = (f"{self.sha256} {self._frame}", hashlib.sha256(samples.numpy().tobytes()).digest())
        if key not in self.seen:
            self.seen[key] = self._evaluator(samples)
        return self.seen[key]


@pytest.fixture(scope="module", autouse=True)
def _clear_cache() -> Iterator[None]:
    yield
    CachedEvaluator.seen.clear()


@dataclass
class Bench:
    """A protocol's case on a data set, loaded and ready to score."""

    case: Case
    dataset: Dataset
    data: Data
    evaluator: Evaluator
    samples: int

    def scorer(self, cache: DiskCache | None = None) -> Scorer:
        return Scorer(self.case, self.dataset, self.data, self.evaluator, cache)


def bench(protocol: str, dataset: str, mnist: Callable[[], LabelledImages], samples: int | None = None) -> Bench:
    """Set up a case like `ganbench run`, with fewer samples if many would be slow."""
    spec = resolve({"dataset": {"name": dataset}, "protocol": {"name": protocol}})
    case, evaluator = spec.case, spec.case.evaluator(spec.dataset, CPU)
    if case.floor_draws > 1:
        case = replace(case, floor_draws=3)  # fewer draws add noise but no bias
    if isinstance(spec.dataset, StackedMnist):
        stacked = spec.dataset
        data: Data = StackedDigits(mnist(), stacked.triples, stacked.digits, stacked.frame)
        default_samples = STACKED
        evaluator = CachedEvaluator(evaluator, stacked.frame)
    elif dataset == "mnist":
        full = mnist()
        train, labels = full.train[:TRAINED_ON], full.train_labels[:TRAINED_ON]
        data = LabelledImages(train, labels, full.test, full.test_labels, full.mode_names)
        default_samples = IMAGES
        evaluator = CachedEvaluator(evaluator)
    else:
        data = spec.dataset.load(CPU)
        default_samples = case.samples if len(case.metrics) < 5 else 2_500
    if "ms_ssim_within" in case.metrics:
        # Fewer pairs add noise but no bias.
        cheap = METRICS.create({"name": "ms_ssim_within", "batches": 1, "batch": 48, "most": 30})
        case = replace(case, metrics={**case.metrics, "ms_ssim_within": cheap})
    return Bench(case, spec.dataset, data, evaluator, samples or default_samples)


def points_bench(protocol: str, dataset: str, samples: int | None = None) -> Bench:
    return bench(protocol, dataset, lambda: pytest.fail("points need no digits"), samples)


@dataclass
class RealScores:
    """Scores of real data as if generated, with floors, and values of several more draws."""

    bench: Bench
    scores: Scores
    draws: Mapping[str, list[float]]


@pytest.fixture(scope="module", params=CASES, ids=" on ".join)
def real_scores(request: pytest.FixtureRequest) -> Iterator[RealScores]:
    protocol, dataset = request.param
    with pytest.MonkeyPatch.context() as patch:
        # The reference dominates the cost, and a smaller one changes no tested property.
        if dataset in ("mnist", "stacked-mnist"):
            patch.setattr(real_features, "REFERENCE", 4_000 if dataset == "mnist" else STACKED)
        case_bench = bench(protocol, dataset, lambda: request.getfixturevalue("mnist"))
        active_scorer = case_bench.scorer()
        scores = active_scorer.score(case_bench.evaluator(case_bench.data.floor_samples(case_bench.samples, draw=7)))
        names = tuple(case_bench.case.metrics)
        draws: dict[str, list[float]] = {name: [] for name in names}
        # Memorisation needs data unseen in training; there is only one such set.
        fresh = [name for name in names if case_bench.case.metrics[name].unseen_floor]
        for draw in range(100, 104 if dataset == "stacked-mnist" else 108):
            features = case_bench.case.rule(
                case_bench.evaluator(case_bench.data.floor_samples(case_bench.samples, draw))
            )
            for name, value in active_scorer.values(features, [name for name in names if name not in fresh]).items():
                draws[name].append(value)
        yield RealScores(case_bench, scores, draws)


def test_every_protocol_is_among_the_cases() -> None:
    assert set(OURS) == {name for name in PROTOCOLS if not PROTOCOLS[name].is_foreign()}


def test_real_data_scored_as_generated_match_their_floor(real_scores: RealScores) -> None:
    """Value and tracked floor, each from one draw, must lie within the variation of several other draws."""
    deviating = []
    for name, draws in real_scores.draws.items():
        if not draws:
            continue
        # An effective number of samples is the inverse of a number of pairs, whose noise is symmetric.
        transform = (lambda value: 1 / value) if name in PAIRS else float
        values = [transform(value) for value in draws]
        mean, spread = fmean(values), stdev(values)
        if name not in PAIRS and not math.isnan(real_scores.scores.floor_sds[name]):
            spread = max(spread, real_scores.scores.floor_sds[name])  # from other draws
        # With few draws the spread itself is uncertain, especially for small integer values.
        granularity = 1.0 if name.startswith("modes") else 0.02 if name == "ndb" else 0.0
        limit = 6 * spread + 1e-9 + granularity * (spread > 0)
        if name in PAIRS:
            count = min(real_scores.bench.samples, real_features.REFERENCE)
            # The few pairs have a Poisson distribution.
            limit = max(limit, 6 * math.sqrt(mean / (count * (count - 1) / 2)))
        for kind, value in (("value", real_scores.scores.values[name]), ("floor", real_scores.scores.floors[name])):
            if not abs(transform(value) - mean) <= limit:
                deviating.append(f"{name}: {kind} {value}, draws {draws}")
    assert deviating == []


def test_all_metrics_are_defined_for_real_data(real_scores: RealScores) -> None:
    for numbers in (real_scores.scores.values, real_scores.scores.floors):
        assert list(numbers) == list(real_scores.bench.case.metrics)
        assert [name for name, value in numbers.items() if not math.isfinite(value)] == []


def test_ceilings_of_higher_is_better_metrics_are_at_least_their_floors(real_scores: RealScores) -> None:
    for name, ceiling in real_scores.scores.ceilings.items():
        if real_scores.bench.case.metrics[name].direction == "higher":
            assert real_scores.scores.floors[name] <= ceiling
            assert real_scores.scores.values[name] <= ceiling
    assert real_scores.scores.ceilings["modes"] == len(real_scores.bench.data.mode_names)


def test_mode_shares_match_the_data(real_scores: RealScores) -> None:
    scores, weights = real_scores.scores, real_scores.bench.data.weights.tolist()
    assert scores.samples == real_scores.bench.samples
    assert sum(scores.shares) == pytest.approx(1)
    assert sum(scores.good_shares) <= 1 + 1e-9
    assert all(good <= share for good, share in zip(scores.good_shares, scores.shares, strict=True))
    for share, weight in zip(scores.shares, weights, strict=True):
        assert abs(share - weight) < 6 * math.sqrt(weight * (1 - weight) / scores.samples) + 2 / scores.samples


def test_quick_scores_equal_full_scores(real_scores: RealScores) -> None:
    case_bench = real_scores.bench
    assert set(case_bench.case.quick) <= set(case_bench.case.metrics)
    if isinstance(case_bench.data, StackedDigits):
        return  # features of another draw take seconds, and the code that selects metrics is the same
    features = case_bench.evaluator(case_bench.data.floor_samples(case_bench.samples, draw=7))
    quick = case_bench.scorer().score(features, quick=True)
    assert list(quick.values) == list(case_bench.case.quick)
    for name, value in quick.values.items():
        assert value == pytest.approx(real_scores.scores.values[name], rel=1e-9, abs=1e-12)


def test_memorisation_is_1_percent_for_unseen_images_and_1_for_training_images(
    real_scores: RealScores,
) -> None:
    if "memorisation" not in real_scores.bench.case.metrics:
        return  # only data sets like MNIST keep their training images
    case_bench = real_scores.bench
    unseen = case_bench.data.unseen(2 * IMAGES)
    assert unseen is not None
    others = case_bench.case.rule(case_bench.evaluator(unseen[IMAGES:]))
    active_scorer = case_bench.scorer()
    limit = 6 * math.sqrt(0.01 * 0.99 / IMAGES)
    assert active_scorer.values(others, ("memorisation",))["memorisation"] == pytest.approx(0.01, abs=limit)
    assert real_scores.scores.floors["memorisation"] == pytest.approx(0.01, abs=limit)
    assert real_scores.scores.values["memorisation"] == 1, "floor samples are training images"


# Known factors


def test_high_quality_share_follows_the_distribution_under_l2_and_linf_rules() -> None:
    """For exact points: 98.89 % under L2, 99.46 % under L∞; the difference lies in the corners of the box."""
    grid = points_bench("pacgan-2018", "grid")
    features = grid.evaluator(grid.data.floor_samples(200_000, draw=7))
    cases = {name: PROTOCOLS[name]().cases()["grid"] for name in ("veegan-2017", "pacgan-2018", "selfcond-2020")}
    good = {name: case.rule(features).good for name, case in cases.items()}
    real = make_reference(features)
    shares = {name: case.metrics["hq"](fake=case.rule(features), real=real) for name, case in cases.items()}
    for name, expected in (
        ("veegan-2017", 1 - math.exp(-4.5)),
        ("pacgan-2018", 1 - math.exp(-4.5)),
        ("selfcond-2020", math.erf(3 / math.sqrt(2)) ** 2),
    ):
        assert shares[name] == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 200_000))
    x, y = features.deviation.abs().unbind(1)
    corners = (x < 3) & (y < 3) & (torch.hypot(x, y) >= 3)
    assert torch.equal(good["selfcond-2020"] ^ good["pacgan-2018"], corners)
    assert torch.equal(good["veegan-2017"], good["pacgan-2018"])


def test_one_sample_set_scores_differently_under_each_protocol() -> None:
    """A grid with half of its modes, exact points, and some off-mode samples."""
    real = points_bench("ganbench-1", "grid")
    points = real.data.floor_samples(4_000, draw=7)
    labels = real.evaluator(points).labels
    points = torch.cat([points[labels < 13], torch.tensor([[1.3, 1.3]]).repeat(100, 1)])
    by_protocol = {}
    for name in ("ganbench-1", "veegan-2017", "pacgan-2018", "selfcond-2020"):
        grid = points_bench(name, "grid")
        by_protocol[name] = grid.scorer().score(grid.evaluator(points), quick=True).values
    assert {values["modes"] for values in by_protocol.values()} == {13}
    assert by_protocol["veegan-2017"]["hq"] == by_protocol["pacgan-2018"]["hq"] < by_protocol["selfcond-2020"]["hq"]
    assert by_protocol["pacgan-2018"]["kl"] == pytest.approx(math.log(25 / 13), abs=0.01)
    # The off-mode samples are nearest to a 14th mode, which gets them if the protocol counts all samples.
    off_mode = 100 / len(points)
    entropy = _entropy(off_mode, 1 - off_mode) + (1 - off_mode) * math.log(13)
    for name in ("ganbench-1", "selfcond-2020"):
        assert by_protocol[name]["kl"] == pytest.approx(math.log(25) - entropy, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_kl_of_stacked_mnist_differs_by_the_base_of_the_logarithm(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    labels = torch.multinomial(torch.rand(1000, generator=random), 3_000, replacement=True, generator=random)
    features = make_features(torch.zeros(3_000, 1), labels, 1000)
    real = make_reference(features)

    def kl(protocol: str) -> float:
        case = PROTOCOLS[protocol]().cases()["stacked-mnist"]
        return case.metrics["kl"](fake=case.rule(features), real=real)

    natural = kl("pacgan-2018")
    assert natural > 0.1
    assert kl("selfcond-2020") == pytest.approx(natural / 2.302585093, rel=1e-9)
    assert kl("meg-2019") == kl("pacgan-2018-unrolled") == natural


def test_off_mode_samples_count_in_the_kl_of_selfcond_only() -> None:
    """25 equally filled modes, and as many bad points, all nearest to one mode."""
    means = Grid().means()
    bad = means[:1] + torch.tensor([[0.6, 0.0]])
    points = torch.cat([means.repeat(40, 1), bad.repeat(1_000, 1)])
    values = {}
    for name in ("pacgan-2018", "selfcond-2020"):
        grid = points_bench(name, "grid")
        values[name] = grid.scorer().values(grid.case.rule(grid.evaluator(points)), ("modes", "hq", "kl"))
    assert [scores["hq"] for scores in values.values()] == [0.5, 0.5]
    assert [scores["modes"] for scores in values.values()] == [25, 25]
    assert values["pacgan-2018"]["kl"] == pytest.approx(0, abs=1e-12)
    shares = [0.02 + 0.5] + [0.02] * 24
    assert values["selfcond-2020"]["kl"] == pytest.approx(sum(p * math.log(25 * p) for p in shares))


def test_published_protocols_count_every_image_and_ours_only_confident_typical_ones() -> None:
    deviation = torch.tensor([[0.5], [2.99], [3.01], [0.5]])
    confidence = torch.tensor([0.99, 0.91, 0.99, 0.89])
    features = make_features(torch.zeros(4, 1), modes=1000, deviation=deviation, confidence=confidence)
    for name, expected in (("pacgan-2018", [True] * 4), ("ganbench-1", [True, True, False, False])):
        assert PROTOCOLS[name]().cases()["stacked-mnist"].rule(features).good.tolist() == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(), [True] * 4),
        (Rule("l2", 3.0), [True, False, False, False]),
        (Rule("linf", 3.0), [True, True, False, False]),
        (Rule("linf", 3.5), [True, True, True, False]),
        (Rule("any", confidence=0.5), [True, True, False, True]),
    ],
)
def test_rules_select_good_samples_by_norm_and_confidence(rule: Rule, expected: list[bool]) -> None:
    deviation = torch.tensor([[2.0, -2.0], [-2.9, 2.9], [3.0, 0.0], [0.0, -4.0]])
    features = make_features(
        torch.zeros(4, 2),
        deviation=deviation,
        confidence=torch.tensor([1.0, 0.5, 0.4, 0.6]),
        good=torch.tensor([False, False, True, True]),
    )
    assert rule(features).good.tolist() == expected


# Names, variants, labels


@pytest.mark.parametrize(
    ("protocol", "dataset", "options", "samples"),
    [
        ("veegan-2017", "ring", {"modes": 8, "radius": 1.0, "sigma": 0.01}, 2_500),
        ("veegan-2017", "grid", {"side": 5, "spacing": 2.0, "sigma": 0.05}, 2_500),
        ("pacgan-2018", "ring", {"modes": 8, "radius": 1.0, "sigma": 0.01, "points": 100_000}, 2_500),
        ("pacgan-2018", "grid", {"side": 5, "spacing": 2.0, "sigma": 0.05, "points": 100_000}, 2_500),
        ("pacgan-2018", "stacked-mnist", {"triples": 128_000, "digits": "pooled", "frame": "28"}, 26_000),
        ("pacgan-2018-unrolled", "stacked-mnist", {"triples": 0, "digits": "train", "frame": "28"}, 25_600),
        ("meg-2019", "stacked-mnist", {"triples": 128_000, "digits": "train", "frame": "28"}, 26_000),
        ("selfcond-2020", "ring", {"modes": 8, "radius": 2.0, "sigma": 0.01}, 50_000),
        ("selfcond-2020", "grid", {"side": 5, "spacing": 2.0, "sigma": 0.05}, 50_000),
        ("selfcond-2020", "stacked-mnist", {"triples": 100_000, "digits": "train", "frame": "scaled-32"}, 50_000),
        ("ganbench-1", "ring", {"modes": 8}, 50_000),
        ("ganbench-1", "stacked-mnist", {}, 50_000),
        ("ganbench-1", "mnist", {}, 10_000),
        ("ganbench-1", "fashion-mnist", {}, 10_000),
        ("ganbench-2", "ring", {"modes": 8}, 50_000),
        ("ganbench-2", "mnist", {}, 10_000),
    ],
)
def test_protocol_name_selects_its_data_set_variant(
    protocol: str, dataset: str, options: dict[str, Any], samples: int
) -> None:
    spec = resolve({"dataset": {"name": dataset}, "protocol": {"name": protocol}})
    assert {name: spec.dataset.to_spec()[name] for name in options} == options
    assert spec.case.samples == spec.evaluation.samples == samples
    assert spec.protocol_label == f"{protocol} v{spec.protocol.version}"


@pytest.mark.parametrize(
    ("protocol", "dataset", "options"),
    [
        ("selfcond-2020", "ring", {"radius": 1.0}),
        ("pacgan-2018", "ring", {"modes": 7}),
        ("pacgan-2018", "grid", {"points": 50_000}),
        ("veegan-2017", "grid", {"sigma": 0.1}),
        ("pacgan-2018", "stacked-mnist", {"digits": "train"}),
        ("pacgan-2018-unrolled", "stacked-mnist", {"triples": 128_000}),
        ("selfcond-2020", "stacked-mnist", {"frame": "28"}),
    ],
)
def test_option_that_contradicts_the_protocol_gives_a_one_line_error(
    protocol: str, dataset: str, options: dict[str, Any]
) -> None:
    with pytest.raises(
        GanbenchError, match=f"protocol '{protocol}' fixes {next(iter(options))} of {dataset} at "
    ) as error:
        resolve({"dataset": {"name": dataset, **options}, "protocol": {"name": protocol}})
    assert "\n" not in str(error.value)


def test_repeating_an_option_of_the_protocol_is_accepted() -> None:
    spec = resolve({"dataset": {"name": "ring", "radius": 2}, "protocol": {"name": "selfcond-2020"}})
    assert spec.dataset.to_spec()["radius"] == 2.0


def test_options_that_a_protocol_leaves_open_may_be_set() -> None:
    spec = resolve({"dataset": {"name": "ring", "points": 5_000}, "protocol": {"name": "veegan-2017"}})
    assert spec.dataset.train_size == 5_000


@pytest.mark.parametrize(
    ("protocol", "dataset"),
    [("veegan-2017", "mnist"), ("meg-2019", "ring"), ("selfcond-2020", "imbalanced-ring"), ("pacgan-2018", "mnist")],
)
def test_data_set_without_a_case_gives_a_one_line_error(protocol: str, dataset: str) -> None:
    with pytest.raises(GanbenchError, match=f"protocol '{protocol}' doesn't cover {dataset}") as error:
        resolve({"dataset": {"name": dataset}, "protocol": {"name": protocol}})
    assert "\n" not in str(error.value)


class Foreign(Ring):
    """A data set of a plug-in."""


Foreign.name = "my-ring"


@pytest.mark.parametrize("name", ["ganbench-1", "ganbench-2"])
def test_only_our_protocols_accept_a_plugin_data_set(name: str) -> None:
    protocol = PROTOCOLS[name]()
    assert protocol.case(Foreign()) == protocol.case(Ring())
    with pytest.raises(GanbenchError, match="doesn't cover my-ring"):
        PROTOCOLS["pacgan-2018"]().case(Foreign())


@pytest.mark.parametrize("protocol", OURS)
def test_label_has_the_version_and_any_other_sample_count(protocol: str) -> None:
    created = PROTOCOLS[protocol]()
    for case in created.cases().values():
        assert created.label(case, case.samples) == f"{protocol} v{created.version}"
        assert created.label(case, 12_345) == f"{protocol} v{created.version} at N=12,345"


@pytest.mark.parametrize("protocol", OURS)
def test_protocol_cites_its_source_and_has_quick_metrics(protocol: str) -> None:
    protocol_class = PROTOCOLS[protocol]
    assert "arXiv:" in (protocol_class.__doc__ or "") or protocol.startswith("ganbench-")
    for case in protocol_class().cases().values():
        assert case.quick
        assert set(case.quick) <= set(case.metrics)


# The cache of floors


@pytest.fixture
def small() -> Bench:
    return points_bench("pacgan-2018", "ring", samples=1_000)


@pytest.fixture
def calls(small: Bench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The requested draws of real samples."""
    requested: list[int] = []
    original = small.data.floor_samples

    def count_calls(count: int, draw: int = 0) -> Tensor:
        requested.append(draw)
        return original(count, draw)

    monkeypatch.setattr(small.data, "floor_samples", count_calls)
    return requested


def floors(case_bench: Bench, folder: Path | None, samples: int = 1_000) -> Mapping[str, float]:
    return means(case_bench.scorer(DiskCache(folder)).floors(samples, tuple(case_bench.case.metrics)))


def means(floors_by_name: Mapping[str, Floor]) -> dict[str, float]:
    return {name: floor.mean for name, floor in floors_by_name.items()}


def test_second_scorer_reads_cached_floors_and_noise(small: Bench, calls: list[int], tmp_path: Path) -> None:
    scorer_a, scorer_b = (small.scorer(DiskCache(tmp_path)) for _ in range(2))
    names = tuple(small.case.metrics)
    first, noise = means(scorer_a.floors(1_000, names)), scorer_a.beside_real.baseline(1_000)
    assert len(calls) == 1 + beside_real.NOISE_DRAWS
    assert len(set(calls)) == len(calls), "the floor's draw isn't one of the noise draws"
    calls.clear()
    assert means(scorer_b.floors(1_000, names)) == first
    assert scorer_b.beside_real.baseline(1_000) == noise
    assert means(scorer_a.floors(1_000, names)) == first
    assert calls == []
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_is_cached_without_a_folder(small: Bench, calls: list[int], tmp_path: Path) -> None:
    assert floors(small, None) == floors(small, None) == floors(small, tmp_path)
    assert len(calls) == 3


@pytest.mark.parametrize("damage", [b"", b'{"modes": 8.0, "h', b"\xff\xfe\x00"], ids=["empty", "cut", "no-text"])
def test_damaged_cache_file_is_recomputed(small: Bench, calls: list[int], tmp_path: Path, damage: bytes) -> None:
    intact = floors(small, tmp_path)
    contents = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert len(contents) == len(small.case.metrics)
    for file in contents:
        file.write_bytes(damage)
    assert floors(small, tmp_path) == intact
    assert len(calls) == 2
    assert {file: file.read_bytes() for file in contents} == contents


def test_truncated_cached_tensor_is_recomputed(tmp_path: Path) -> None:
    cache, tensor = DiskCache(tmp_path), torch.arange(6.0).reshape(2, 3)
    computations = itertools.count()

    def compute() -> Tensor:
        next(computations)
        return tensor.T

    assert torch.equal(cache.tensor({"a": 1}, compute), tensor.T)
    assert torch.equal(cache.tensor({"a": 1}, compute), tensor.T)
    assert next(computations) == 1
    (file,) = tmp_path.iterdir()
    for length in (0, 7, file.stat().st_size - 4):
        file.write_bytes(file.read_bytes()[:length])
        assert torch.equal(cache.tensor({"a": 1}, compute), tensor.T)
    assert next(computations) == 5


def test_cache_key_covers_everything_a_floor_depends_on(
    small: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> int:
        return len(list(tmp_path.iterdir()))

    metrics = len(small.case.metrics)
    kl_in_nats = floors(small, tmp_path)["kl"]
    assert files() == metrics
    decimal_kl = METRICS.create({"name": "kl", "reference": "uniform", "among": "good", "base": "10"})
    other = replace(small, case=replace(small.case, metrics={**small.case.metrics, "kl": decimal_kl}))
    assert floors(other, tmp_path)["kl"] == pytest.approx(kl_in_nats / math.log(10))
    assert files() == metrics + 1, "the other metrics are as before"
    floors(replace(small, case=replace(small.case, rule=Rule("linf"))), tmp_path)
    assert files() == 2 * metrics + 1
    floors(small, tmp_path, samples=1_001)
    assert files() == 3 * metrics + 1
    wide = Ring(radius=2.0)
    floors(replace(small, dataset=wide, data=wide.load(CPU), evaluator=wide.evaluator(CPU)), tmp_path)
    assert files() == 4 * metrics + 1
    floors(small, tmp_path)
    assert files() == 4 * metrics + 1


def test_changed_code_of_a_plugin_data_set_gets_new_floors(
    small: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run ids change with the code of a plug-in, and so must the cache key of floors."""
    foreign = replace(small, dataset=Foreign())
    for number, code in enumerate(("first", "mended"), start=1):
        monkeypatch.setattr(Foreign, "code_sha256", staticmethod(lambda code=code: code))
        floors(foreign, tmp_path)
        assert len(list(tmp_path.iterdir())) == number * len(small.case.metrics)


def test_unwritable_cache_folder_is_no_error(small: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert floors(small, tmp_path / "file" / "kept") == floors(small, None)
    assert DiskCache(tmp_path / "file").tensor({}, lambda: torch.ones(2)).tolist() == [1, 1]


# Undefined values


def test_undefined_scores_are_nan() -> None:
    ours = points_bench("ganbench-1", "ring", samples=600)
    off_mode = 30 + torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    scores = ours.scorer().score(ours.evaluator(off_mode))
    assert scores.values["hq"] == scores.values["modes"] == 0
    assert math.isnan(scores.values["mode_width"]), "no mode has two good samples"
    assert math.isfinite(scores.values["kl"])
    assert math.isfinite(scores.floors["mode_width"])
    published = points_bench("pacgan-2018", "ring", samples=600)
    values = published.scorer().score(published.evaluator(off_mode)).values
    assert math.isnan(values["kl"]), "without good samples there are no mode shares"
    assert values["hq"] == values["modes"] == 0


def test_undefined_floor_is_cached_as_nan(small: Bench, tmp_path: Path) -> None:
    """Data sets of points have no training set to copy from."""
    copies = METRICS.create({"name": "memorisation"})
    with_memorisation = replace(small, case=replace(small.case, metrics={"memorisation": copies}))
    for _ in range(2):
        assert math.isnan(floors(with_memorisation, tmp_path)["memorisation"])


# Input of the collapse detector


def test_sample_summary_does_not_depend_on_the_protocol() -> None:
    benches = [points_bench(name, "grid", samples=1_500) for name in ("pacgan-2018", "selfcond-2020", "ganbench-1")]
    points = benches[0].data.floor_samples(1_500, draw=7)
    summaries = [case_bench.scorer().beside_real.summary(case_bench.evaluator(points)) for case_bench in benches]
    assert summaries[0] == summaries[1] == summaries[2]
    good = benches[0].case.rule(benches[0].evaluator(points))
    assert summaries[0].counts == tuple(good.counts(good=True).tolist())
    assert summaries[0].width == pytest.approx(1, abs=0.1)
    assert summaries[0].duplicates == pytest.approx(0.01, abs=6 * math.sqrt(2 * 0.01 / 1_500))
    assert summaries[0].covered == pytest.approx(1 - 2**-5, abs=0.04)


def test_coverage_is_measured_by_as_many_samples_as_its_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times as many samples come as are used: with all of them, half of each mode would cover less."""
    monkeypatch.setattr(beside_real, "VERDICT_SAMPLES", 500)
    ring = points_bench("ganbench-1", "ring", samples=1_500)
    active_scorer = ring.scorer()
    features = ring.evaluator(ring.data.floor_samples(1_500, draw=7))
    summary, first = active_scorer.beside_real.summary(features), active_scorer.beside_real.summary(features.first(500))
    assert summary.covered == first.covered
    assert summary.duplicates != first.duplicates
    assert active_scorer.beside_real.baseline(1_500).covered == active_scorer.beside_real.baseline(500).covered


def test_the_verdict_and_the_score_have_one_share_of_good_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the first 500 samples it is another, since variety is judged by fewer."""
    monkeypatch.setattr(beside_real, "VERDICT_SAMPLES", 500)
    ring = points_bench("ganbench-1", "ring", samples=1_500)
    features = ring.evaluator(ring.data.floor_samples(1_500, draw=7))
    verdict = ring.scorer().beside_real.verdict(features)
    assert verdict.good is not None
    assert verdict.good.value == float(ring.case.rule(features).good.double().mean())


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The passes over pairs of samples from here on, as numbers of samples."""
    recorded = []

    def record_pass(a: Tensor, b: Tensor, *, discount: float = 0.0) -> Iterator[Tensor]:
        recorded.append((len(a), len(b)))
        return distances.squares(a, b, discount=discount)

    for module in (pairs, pairs_within):
        monkeypatch.setattr(module, "squares", record_pass)
    return recorded


def test_scores_and_summary_share_pairs(passes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation during training makes one pass within each set, and one across them."""
    ring = points_bench("ganbench-1", "ring", 500)
    monkeypatch.setattr(real_features, "REFERENCE", 500)
    active_scorer = ring.scorer()
    features = ring.evaluator(ring.data.floor_samples(500, 7))
    expected = active_scorer.beside_real.summary(ring.evaluator(ring.data.floor_samples(500, 7)).first(500))
    active_scorer = ring.scorer()
    active_scorer.floors(500, active_scorer.case.quick)
    passes.clear()
    active_scorer.score(features, quick=True)
    assert active_scorer.beside_real.summary(features) == expected
    assert len(passes) == 2, "within the generated samples and across; the floors have been within the real ones"


def test_threshold_of_copies_is_found_once_for_all_sets_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[int] = []
    fit = CopySpace.fit

    def record_fit(training: Tensor) -> CopySpace:
        fits.append(len(training))
        return fit(training)

    monkeypatch.setattr(CopySpace, "fit", record_fit)
    data, case = random_data(), PROTOCOLS["ganbench-2"]().cases()["mnist"]
    active_scorer = Scorer(case, Mnist(), data, case.evaluator(Mnist(), CPU))
    for draw in (1, 2):
        features = case.rule(active_scorer.evaluator(data.floor_samples(50, draw)))
        active_scorer.values(features, ("copies_of_training",))
    assert fits == [len(data)]


def test_noise_matches_that_of_exact_points() -> None:
    noise = points_bench("pacgan-2018", "ring").scorer().beside_real.baseline(1_000)
    expected = 1 - math.exp(-4.5)
    spread = math.sqrt(expected * (1 - expected) / 1_000)
    assert noise.samples == 1_000
    assert noise.weights == pytest.approx([1 / 8] * 8)
    assert noise.good[0] == pytest.approx(expected, abs=6 * spread / 4)
    assert 0.4 * spread < noise.good[1] < 2 * spread
    assert noise.width[0] == pytest.approx(1, abs=0.05)
    assert 0 < noise.width[1] < 0.1
    assert noise.covered[0] == pytest.approx(1 - 2**-5, abs=0.02)
    assert 0 < noise.covered[1] < 0.02
    assert noise.least == (2,) * 8


def test_scorer_shares_pairs_in_any_order_of_metrics(
    passes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scorer makes one pass within each set and one across, and values are equal bit for bit."""
    ring = points_bench("ganbench-1", "ring", 500)
    case = replace(ring.case, metrics={**ring.case.metrics, "kid": METRICS.create({"name": "kid"})})
    monkeypatch.setattr(real_features, "REFERENCE", 500)
    orders = (tuple(case.metrics), tuple(case.metrics)[::-1], tuple(sorted(case.metrics)))
    values = []
    for names in orders:
        passes.clear()
        active_scorer = replace(ring, case=case).scorer()
        values.append(active_scorer.values(case.rule(ring.evaluator(ring.data.floor_samples(500, 7))), names))
        assert passes == [(500, 500)] * 3, names
    assert values[0] == values[1] == values[2]


def test_mode_shares_and_good_shares_are_in_the_scores() -> None:
    """Computed from handmade features."""
    ring = points_bench("pacgan-2018", "ring")
    features: Features = make_labelled([4, 0, 6, 0, 0, 0, 0, 0])
    far = torch.tensor([[0.0]] * 7 + [[9.0]] * 3)
    scores = ring.scorer().score(replace(features, deviation=far))
    assert scores.shares == (0.4, 0, 0.6, 0, 0, 0, 0, 0)
    assert scores.good_shares == (0.4, 0, 0.3, 0, 0, 0, 0, 0)
    assert scores.values == {"modes": 2, "hq": 0.7, "kl": pytest.approx(math.log(8) - _entropy(4 / 7, 3 / 7))}


def _entropy(*shares: float) -> float:
    return -sum(share * math.log(share) for share in shares)


def test_evaluators_of_digits_match_the_hash_in_run_ids() -> None:
    assert Mnist().evaluator(CPU).sha256 == Mnist().evaluator_sha256
    assert StackedMnist().evaluator(CPU).sha256 == StackedMnist().evaluator_sha256
