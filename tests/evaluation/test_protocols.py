"""Protocols: real data sit on their floors under all of them, and they differ by the known factors."""

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
from ganbench.evaluation import scorer
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.metrics import METRICS, distances, pairs
from ganbench.evaluation.protocols import PROTOCOLS, Case, Rule
from ganbench.evaluation.scorer import Scorer, Scores
from ganbench.spec.run_spec import resolve

CPU = torch.device("cpu")
OURS = ("ganbench-1", "meg-2019", "pacgan-2018", "pacgan-2018-unrolled", "selfcond-2020", "veegan-2017")
# Fashion-MNIST's files may be absent where this runs; under ganbench-1 its case is MNIST's.
CASES = [
    (protocol, dataset)
    for protocol in OURS
    for dataset in sorted(PROTOCOLS[protocol]().cases())
    if dataset != "fashion-mnist"
]
IMAGES, STACKED = 2_000, 1_000
TRAINED_ON = 4_000
"""Training images that are searched for copies here: features of 60,000 take too long."""


class Remembering:
    """An evaluator that knows again what it saw: several protocols look at the same images."""

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
def _forgotten() -> Iterator[None]:
    yield
    Remembering.seen.clear()


@dataclass
class Bench:
    """A protocol's case on a data set, loaded and ready to score."""

    case: Case
    dataset: Dataset
    data: Data
    evaluator: Evaluator
    samples: int

    def scorer(self, kept: DiskCache | None = None) -> Scorer:
        return Scorer(self.case, self.dataset, self.data, self.evaluator, kept)


def bench(protocol: str, dataset: str, mnist: Callable[[], LabelledImages], samples: int | None = None) -> Bench:
    """As `ganbench run` would make it, but with fewer samples where many are slow."""
    spec = resolve({"dataset": {"name": dataset}, "protocol": {"name": protocol}})
    case, evaluator = spec.case, spec.dataset.evaluator(CPU)
    if isinstance(spec.dataset, StackedMnist):
        made = spec.dataset
        data: Data = StackedDigits(mnist(), made.triples, made.digits, made.frame)
        usual = STACKED
        evaluator = Remembering(evaluator, made.frame)
    elif dataset == "mnist":
        whole = mnist()
        train, labels = whole.train[:TRAINED_ON], whole.train_labels[:TRAINED_ON]
        data = LabelledImages(train, labels, whole.test, whole.test_labels, whole.mode_names)
        usual = IMAGES
        evaluator = Remembering(evaluator)
    else:
        data = spec.dataset.load(CPU)
        usual = case.samples if len(case.metrics) < 5 else 2_500
    if "ms_ssim_within" in case.metrics:
        # Fewer pairs make it more uncertain, and move nothing.
        cheap = METRICS.create({"name": "ms_ssim_within", "batches": 1, "batch": 48, "most": 30})
        case = replace(case, metrics={**case.metrics, "ms_ssim_within": cheap})
    return Bench(case, spec.dataset, data, evaluator, samples or usual)


def points_bench(protocol: str, dataset: str, samples: int | None = None) -> Bench:
    return bench(protocol, dataset, lambda: pytest.fail("points need no digits"), samples)


@dataclass
class Found:
    """What real data scored: as printed floors, as noise of several draws, and as if they were generated."""

    bench: Bench
    scores: Scores
    draws: Mapping[str, list[float]]


@pytest.fixture(scope="module", params=CASES, ids=" on ".join)
def found(request: pytest.FixtureRequest) -> Iterator[Found]:
    protocol, dataset = request.param
    with pytest.MonkeyPatch.context() as patch:
        # The reference is most of the cost, and a smaller one changes no law.
        if dataset in ("mnist", "stacked-mnist"):
            patch.setattr(scorer, "REFERENCE", 4_000 if dataset == "mnist" else STACKED)
        made = bench(protocol, dataset, lambda: request.getfixturevalue("mnist"))
        at_work = made.scorer()
        scores = at_work.score(made.evaluator(made.data.floor_samples(made.samples, draw=7)))
        names = tuple(made.case.metrics)
        draws: dict[str, list[float]] = {name: [] for name in names}
        # Copies are looked for in what nothing was trained on; there is one such set, not many.
        fresh = [name for name in names if made.case.metrics[name].unseen_floor]
        for draw in range(100, 104 if made.dataset.kind == "images" else 108):
            features = made.case.rule(made.evaluator(made.data.floor_samples(made.samples, draw)))
            for name, value in at_work.values(features, [name for name in names if name not in fresh]).items():
                draws[name].append(value)
        yield Found(made, scores, draws)


def test_every_protocol_is_among_the_cases() -> None:
    assert set(OURS) == {name for name in PROTOCOLS if not PROTOCOLS[name].is_foreign()}


def test_real_data_scored_as_if_generated_sit_on_their_floor(found: Found) -> None:
    """So do the printed floors, which are one draw: all within what several other draws vary by."""
    off = []
    for name, drawn in found.draws.items():
        if not drawn:
            continue
        # The support is one over a number of pairs, and these are what varies evenly.
        turn = (lambda value: 1 / value) if name == "support" else float
        values = [turn(value) for value in drawn]
        mean, spread = fmean(values), stdev(values)
        # With so few draws their own spread is uncertain, the more where values are few whole numbers.
        whole = 1.0 if name.startswith("modes") else 0.02 if name == "ndb" else 0.0
        limit = 6 * spread + 1e-9 + whole * (spread > 0)
        if name == "support":
            count = min(found.bench.samples, scorer.REFERENCE)
            limit = max(limit, 6 * math.sqrt(mean / (count * (count - 1) / 2)))  # pairs are few, and Poisson
        for what, value in (("value", found.scores.values[name]), ("floor", found.scores.floors[name])):
            if not abs(turn(value) - mean) <= limit:
                off.append(f"{name}: {what} {value}, draws {drawn}")
    assert off == []


def test_everything_is_defined_for_real_data(found: Found) -> None:
    for numbers in (found.scores.values, found.scores.floors):
        assert list(numbers) == list(found.bench.case.metrics)
        assert [name for name, value in numbers.items() if not math.isfinite(value)] == []


def test_ceilings_are_not_below_the_floors_of_what_is_better_high(found: Found) -> None:
    for name, ceiling in found.scores.ceilings.items():
        if found.bench.case.metrics[name].direction == "higher":
            assert found.scores.floors[name] <= ceiling
            assert found.scores.values[name] <= ceiling
    assert found.scores.ceilings["modes"] == len(found.bench.data.mode_names)


def test_shares_of_modes_are_those_of_the_data(found: Found) -> None:
    scores, weights = found.scores, found.bench.data.weights.tolist()
    assert scores.samples == found.bench.samples
    assert sum(scores.shares) == pytest.approx(1)
    assert sum(scores.good_shares) <= 1 + 1e-9
    assert all(good <= share for good, share in zip(scores.good_shares, scores.shares, strict=True))
    for share, weight in zip(scores.shares, weights, strict=True):
        assert abs(share - weight) < 6 * math.sqrt(weight * (1 - weight) / scores.samples) + 2 / scores.samples


def test_quick_metrics_are_the_same_numbers(found: Found) -> None:
    made = found.bench
    assert set(made.case.quick) <= set(made.case.metrics)
    if isinstance(made.data, StackedDigits):
        return  # features of one draw more cost seconds, and the code that picks metrics is the same
    features = made.evaluator(made.data.floor_samples(made.samples, draw=7))
    quick = made.scorer().score(features, quick=True)
    assert list(quick.values) == list(made.case.quick)
    for name, value in quick.values.items():
        assert value == pytest.approx(found.scores.values[name], rel=1e-9, abs=1e-12)


def test_unseen_images_are_copies_no_oftener_than_one_in_a_hundred_and_training_images_always(
    found: Found,
) -> None:
    if "memorisation" not in found.bench.case.metrics:
        return  # only MNIST and its like keep what was trained on
    made = found.bench
    unseen = made.data.unseen(2 * IMAGES)
    assert unseen is not None
    others = made.case.rule(made.evaluator(unseen[IMAGES:]))
    at_work = made.scorer()
    limit = 6 * math.sqrt(0.01 * 0.99 / IMAGES)
    assert at_work.values(others, ("memorisation",))["memorisation"] == pytest.approx(0.01, abs=limit)
    assert found.scores.floors["memorisation"] == pytest.approx(0.01, abs=limit)
    assert found.scores.values["memorisation"] == 1, "stand-ins are training images"


# Known factors


def test_high_quality_differs_between_disc_and_box_as_the_two_laws_say() -> None:
    """One set of 200,000 exact points: 98.89 % under L2, 99.46 % under L∞; what differs lies in the box's corners."""
    made = points_bench("pacgan-2018", "grid")
    features = made.evaluator(made.data.floor_samples(200_000, draw=7))
    cases = {name: PROTOCOLS[name]().cases()["grid"] for name in ("veegan-2017", "pacgan-2018", "selfcond-2020")}
    good = {name: case.rule(features).good for name, case in cases.items()}
    real = make_reference(features)
    shares = {name: case.metrics["hq"](fake=case.rule(features), real=real) for name, case in cases.items()}
    for name, law in (
        ("veegan-2017", 1 - math.exp(-4.5)),
        ("pacgan-2018", 1 - math.exp(-4.5)),
        ("selfcond-2020", math.erf(3 / math.sqrt(2)) ** 2),
    ):
        assert shares[name] == pytest.approx(law, abs=4 * math.sqrt(law * (1 - law) / 200_000))
    x, y = features.deviation.abs().unbind(1)
    corners = (x < 3) & (y < 3) & (torch.hypot(x, y) >= 3)
    assert torch.equal(good["selfcond-2020"] ^ good["pacgan-2018"], corners)
    assert torch.equal(good["veegan-2017"], good["pacgan-2018"])


def test_one_saved_set_is_scored_under_all_protocols_at_once() -> None:
    """The grid is the same for all of them: half of the modes, some junk, everything else exact."""
    real = points_bench("ganbench-1", "grid")
    points = real.data.floor_samples(4_000, draw=7)
    labels = real.evaluator(points).labels
    points = torch.cat([points[labels < 13], torch.tensor([[1.3, 1.3]]).repeat(100, 1)])
    found = {}
    for name in ("ganbench-1", "veegan-2017", "pacgan-2018", "selfcond-2020"):
        made = points_bench(name, "grid")
        found[name] = made.scorer().score(made.evaluator(points), quick=True).values
    assert {values["modes"] for values in found.values()} == {13}
    assert found["veegan-2017"]["hq"] == found["pacgan-2018"]["hq"] < found["selfcond-2020"]["hq"]
    assert found["pacgan-2018"]["kl"] == pytest.approx(math.log(25 / 13), abs=0.01)
    # The junk is nearest to a 14th mode, and counts there for those who count everything.
    junk = 100 / len(points)
    entropy = _entropy(junk, 1 - junk) + (1 - junk) * math.log(13)
    for name in ("ganbench-1", "selfcond-2020"):
        assert found[name]["kl"] == pytest.approx(math.log(25) - entropy, abs=0.01)


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


def test_off_mode_mass_counts_in_one_kl_and_not_in_the_other() -> None:
    """25 modes equally full of good points, and as many bad ones again, all nearest to one mode."""
    means = Grid().means()
    bad = means[:1] + torch.tensor([[0.6, 0.0]])
    points = torch.cat([means.repeat(40, 1), bad.repeat(1_000, 1)])
    values = {}
    for name in ("pacgan-2018", "selfcond-2020"):
        each = points_bench(name, "grid")
        values[name] = each.scorer().values(each.case.rule(each.evaluator(points)), ("modes", "hq", "kl"))
    assert [found["hq"] for found in values.values()] == [0.5, 0.5]
    assert [found["modes"] for found in values.values()] == [25, 25]
    assert values["pacgan-2018"]["kl"] == pytest.approx(0, abs=1e-12)
    shares = [0.02 + 0.5] + [0.02] * 24
    assert values["selfcond-2020"]["kl"] == pytest.approx(sum(p * math.log(25 * p) for p in shares))


def test_every_image_counts_in_published_protocols_and_only_sure_and_typical_ones_in_ours() -> None:
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
def test_rules(rule: Rule, expected: list[bool]) -> None:
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
    ],
)
def test_a_protocols_name_is_enough_to_reach_its_variant(
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
def test_an_option_that_contradicts_the_protocol_is_refused_on_one_line(
    protocol: str, dataset: str, options: dict[str, Any]
) -> None:
    with pytest.raises(
        GanbenchError, match=f"protocol '{protocol}' fixes {next(iter(options))} of {dataset} at "
    ) as error:
        resolve({"dataset": {"name": dataset, **options}, "protocol": {"name": protocol}})
    assert "\n" not in str(error.value)


def test_the_same_option_said_again_is_no_contradiction() -> None:
    spec = resolve({"dataset": {"name": "ring", "radius": 2}, "protocol": {"name": "selfcond-2020"}})
    assert spec.dataset.to_spec()["radius"] == 2.0


def test_what_a_protocol_leaves_open_may_be_chosen() -> None:
    spec = resolve({"dataset": {"name": "ring", "points": 5_000}, "protocol": {"name": "veegan-2017"}})
    assert spec.dataset.train_size == 5_000


@pytest.mark.parametrize(
    ("protocol", "dataset"),
    [("veegan-2017", "mnist"), ("meg-2019", "ring"), ("selfcond-2020", "imbalanced-ring"), ("pacgan-2018", "mnist")],
)
def test_a_data_set_that_a_protocol_says_nothing_about_is_refused_on_one_line(protocol: str, dataset: str) -> None:
    with pytest.raises(GanbenchError, match=f"protocol '{protocol}' doesn't cover {dataset}") as error:
        resolve({"dataset": {"name": dataset}, "protocol": {"name": protocol}})
    assert "\n" not in str(error.value)


class Foreign(Ring):
    """A data set that a plug-in brings."""


Foreign.name = "my-ring"


def test_a_plug_ins_data_set_is_treated_as_its_kind_by_our_protocol_alone() -> None:
    ours = PROTOCOLS["ganbench-1"]()
    assert ours.case(Foreign()) == ours.case(Ring())
    with pytest.raises(GanbenchError, match="doesn't cover my-ring"):
        PROTOCOLS["pacgan-2018"]().case(Foreign())


@pytest.mark.parametrize("protocol", OURS)
def test_a_label_carries_the_version_and_the_number_of_samples_where_it_is_another(protocol: str) -> None:
    made = PROTOCOLS[protocol]()
    for case in made.cases().values():
        assert made.label(case, case.samples) == f"{protocol} v{made.version}"
        assert made.label(case, 12_345) == f"{protocol} v{made.version} at N=12,345"


@pytest.mark.parametrize("protocol", OURS)
def test_a_protocol_says_where_it_comes_from(protocol: str) -> None:
    made = PROTOCOLS[protocol]
    assert "arXiv:" in (made.__doc__ or "") or protocol == "ganbench-1"
    for case in made().cases().values():
        assert case.quick
        assert set(case.quick) <= set(case.metrics)


# What is kept between runs


@pytest.fixture
def small() -> Bench:
    return points_bench("pacgan-2018", "ring", samples=1_000)


@pytest.fixture
def calls(small: Bench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The draws of real samples that somebody asked for."""
    asked: list[int] = []
    original = small.data.floor_samples

    def counted(count: int, draw: int = 0) -> Tensor:
        asked.append(draw)
        return original(count, draw)

    monkeypatch.setattr(small.data, "floor_samples", counted)
    return asked


def floors(made: Bench, folder: Path | None, samples: int = 1_000) -> Mapping[str, float]:
    return made.scorer(DiskCache(folder)).floors(samples, tuple(made.case.metrics))


def test_a_second_scorer_reads_what_the_first_computed(small: Bench, calls: list[int], tmp_path: Path) -> None:
    one, other = (small.scorer(DiskCache(tmp_path)) for _ in range(2))
    names = tuple(small.case.metrics)
    first, noise = one.floors(1_000, names), one.noise(1_000)
    assert len(calls) == 1 + scorer.NOISE_DRAWS
    assert len(set(calls)) == len(calls), "the floor's draw is none of those that noise is known from"
    calls.clear()
    assert other.floors(1_000, names) == first
    assert other.noise(1_000) == noise
    assert one.floors(1_000, names) == first
    assert calls == []
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_without_a_folder_nothing_is_kept(small: Bench, calls: list[int], tmp_path: Path) -> None:
    assert floors(small, None) == floors(small, None) == floors(small, tmp_path)
    assert len(calls) == 3


@pytest.mark.parametrize("damage", [b"", b'{"modes": 8.0, "h', b"\xff\xfe\x00"], ids=["empty", "cut", "no-text"])
def test_a_cut_file_is_computed_again(small: Bench, calls: list[int], tmp_path: Path, damage: bytes) -> None:
    whole = floors(small, tmp_path)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes(damage)
    assert floors(small, tmp_path) == whole
    assert len(calls) == 2
    assert file.read_bytes() == content


def test_a_cut_tensor_is_computed_again(tmp_path: Path) -> None:
    kept, made = DiskCache(tmp_path), torch.arange(6.0).reshape(2, 3)
    counted = itertools.count()

    def compute() -> Tensor:
        next(counted)
        return made.T

    assert torch.equal(kept.tensor({"a": 1}, compute), made.T)
    assert torch.equal(kept.tensor({"a": 1}, compute), made.T)
    assert next(counted) == 1
    (file,) = tmp_path.iterdir()
    for cut in (0, 7, file.stat().st_size - 4):
        file.write_bytes(file.read_bytes()[:cut])
        assert torch.equal(kept.tensor({"a": 1}, compute), made.T)
    assert next(counted) == 5


def test_whatever_a_floor_depends_on_makes_another_file(
    small: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> int:
        return len(list(tmp_path.iterdir()))

    nats = floors(small, tmp_path)["kl"]
    assert files() == 1
    to_ten = METRICS.create({"name": "kl", "reference": "uniform", "among": "good", "base": "10"})
    other = replace(small, case=replace(small.case, metrics={**small.case.metrics, "kl": to_ten}))
    assert floors(other, tmp_path)["kl"] == pytest.approx(nats / math.log(10))
    assert files() == 2
    floors(replace(small, case=replace(small.case, rule=Rule("linf"))), tmp_path)
    assert files() == 3
    floors(small, tmp_path, samples=1_001)
    assert files() == 4
    wide = Ring(radius=2.0)
    floors(replace(small, dataset=wide, data=wide.load(CPU), evaluator=wide.evaluator(CPU)), tmp_path)
    assert files() == 5
    floors(small, tmp_path)
    assert files() == 5


def test_a_plug_ins_data_set_that_was_mended_gets_other_floors(
    small: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run ids change with its code, and so must what its floors are kept under."""
    foreign = replace(small, dataset=Foreign())
    for number, code in enumerate(("first", "mended"), start=1):
        monkeypatch.setattr(Foreign, "code_sha256", staticmethod(lambda code=code: code))
        floors(foreign, tmp_path)
        assert len(list(tmp_path.iterdir())) == number


def test_a_folder_that_cannot_be_written_is_no_error(small: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert floors(small, tmp_path / "file" / "kept") == floors(small, None)
    assert DiskCache(tmp_path / "file").tensor({}, lambda: torch.ones(2)).tolist() == [1, 1]


# What is not defined


def test_what_is_not_defined_is_not_a_number() -> None:
    made = points_bench("ganbench-1", "ring", samples=600)
    nowhere = 30 + torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    scores = made.scorer().score(made.evaluator(nowhere))
    assert scores.values["hq"] == scores.values["modes"] == 0
    assert math.isnan(scores.values["mode_width"]), "no mode has two good samples"
    assert math.isfinite(scores.values["kl"])
    assert math.isfinite(scores.floors["mode_width"])
    published = points_bench("pacgan-2018", "ring", samples=600)
    values = published.scorer().score(published.evaluator(nowhere)).values
    assert math.isnan(values["kl"]), "there are no shares among no good samples"
    assert values["hq"] == values["modes"] == 0


def test_an_undefined_floor_is_kept_as_such(small: Bench, tmp_path: Path) -> None:
    """Points keep nothing to be copied from."""
    copies = METRICS.create({"name": "memorisation"})
    made = replace(small, case=replace(small.case, metrics={"memorisation": copies}))
    for _ in range(2):
        assert math.isnan(floors(made, tmp_path)["memorisation"])


# What the detector looks at


def test_the_detector_sees_the_same_whatever_the_protocol() -> None:
    benches = [points_bench(name, "grid", samples=1_500) for name in ("pacgan-2018", "selfcond-2020", "ganbench-1")]
    points = benches[0].data.floor_samples(1_500, draw=7)
    seen = [made.scorer().see(made.evaluator(points)) for made in benches]
    assert seen[0] == seen[1] == seen[2]
    good = benches[0].case.rule(benches[0].evaluator(points))
    assert seen[0].counts == tuple(good.counts(good=True).tolist())
    assert seen[0].width == pytest.approx(1, abs=0.1)
    assert seen[0].duplicates == pytest.approx(0.01, abs=6 * math.sqrt(2 * 0.01 / 1_500))


def test_the_noise_is_that_of_exact_points() -> None:
    noise = points_bench("pacgan-2018", "ring").scorer().noise(1_000)
    law = 1 - math.exp(-4.5)
    spread = math.sqrt(law * (1 - law) / 1_000)
    assert noise.samples == 1_000
    assert noise.weights == pytest.approx([1 / 8] * 8)
    assert noise.good[0] == pytest.approx(law, abs=6 * spread / 4)
    assert 0.4 * spread < noise.good[1] < 2 * spread
    assert noise.width[0] == pytest.approx(1, abs=0.05)
    assert 0 < noise.width[1] < 0.1
    assert noise.least == (2,) * 8


def test_metrics_share_their_pairs_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scorer goes through the pairs within two sets and across them, and the values are the same bit for bit."""
    made = points_bench("ganbench-1", "ring", 500)
    case = replace(made.case, metrics={**made.case.metrics, "kid": METRICS.create({"name": "kid"})})
    monkeypatch.setattr(scorer, "REFERENCE", 500)
    passes = []

    def counting(a: Tensor, b: Tensor, *, discount: float = 0.0) -> Iterator[Tensor]:
        passes.append((len(a), len(b)))
        return distances.squares(a, b, discount=discount)

    monkeypatch.setattr(pairs, "squares", counting)
    orders = (tuple(case.metrics), tuple(case.metrics)[::-1], tuple(sorted(case.metrics)))
    found = []
    for names in orders:
        passes.clear()
        at_work = replace(made, case=case).scorer()
        found.append(at_work.values(case.rule(made.evaluator(made.data.floor_samples(500, 7))), names))
        assert passes == [(500, 500)] * 3, names
    assert found[0] == found[1] == found[2]


def test_labelled_counts_reach_the_scores() -> None:
    """Shares of all samples and of good ones, from features made by hand."""
    made = points_bench("pacgan-2018", "ring")
    features: Features = make_labelled([4, 0, 6, 0, 0, 0, 0, 0])
    far = torch.tensor([[0.0]] * 7 + [[9.0]] * 3)
    scores = made.scorer().score(replace(features, deviation=far))
    assert scores.shares == (0.4, 0, 0.6, 0, 0, 0, 0, 0)
    assert scores.good_shares == (0.4, 0, 0.3, 0, 0, 0, 0, 0)
    assert scores.values == {"modes": 2, "hq": 0.7, "kl": pytest.approx(math.log(8) - _entropy(4 / 7, 3 / 7))}


def _entropy(*shares: float) -> float:
    return -sum(share * math.log(share) for share in shares)


def test_mnist_is_read_by_the_evaluator_that_its_run_id_names() -> None:
    assert Mnist().evaluator(CPU).sha256 == Mnist().evaluator_sha256
    assert StackedMnist().evaluator(CPU).sha256 == StackedMnist().evaluator_sha256
