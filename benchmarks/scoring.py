"""Duration of scoring, compared with other libraries on the same features."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from statistics import median

import torch
from torch import Tensor

from benchmarks.measure import Row, Setting, in_turn, ratios, wait_for
from ganbench.data import Data
from ganbench.evaluation.scorer import Scorer
from ganbench.spec.run_spec import RunSpec, resolve

SHARED = ("fid", "kid", "precision", "recall", "density", "coverage")
"""Metrics that both compute."""
SIX = "the six that torchmetrics and prdc have, theirs against ours"
COMPARED = ("ganbench-1", "ganbench-2")
TIMES = 3
"""Turns of each library per round, of which the median is used, since prdc's time varies by a quarter."""


class Identity(torch.nn.Module):
    """Identity on features, in place of torchmetrics' Inception network."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.num_features = dimensions

    def forward(self, features: Tensor) -> Tensor:
        return features


def full_suite(setting: Setting) -> Iterator[Row]:
    """All metrics of the default protocol for 10,000 MNIST samples, and six that torchmetrics and prdc have, too."""
    device, rounds = setting.device, setting.rounds
    spec = resolve({})
    data = spec.dataset.load(device, say=lambda _: None)
    evaluator = spec.case.evaluator(spec.dataset, device)
    samples = data.floor_samples(10_000, 1)
    names = tuple(spec.case.metrics)

    def score_all() -> float:
        scorer = Scorer.with_disk_cache(spec.case, spec.dataset, data)
        return seconds_of(lambda: scorer.values(spec.case.rule(evaluator(samples)), names), device)

    def ours() -> float:
        scorer = Scorer.with_disk_cache(spec.case, spec.dataset, data)
        _ = scorer.reference
        features = spec.case.rule(evaluator(samples))
        return seconds_of(lambda: scorer.values(features, SHARED), device)

    score_all()  # fills the cache
    real, fake = (evaluator(part).embedding for part in (data.reference(10_000), samples))
    total_times = in_turn({"whole": score_all}, rounds)["whole"]
    detail = "their features and those of 10,000 real ones included"
    yield Row(f"all {len(names)} metrics, 10,000 MNIST samples", "≤", 10.0, total_times, "s", detail)
    if missing := [name for name in ("prdc", "torchmetrics") if find_spec(name) is None]:
        yield Row(SIX, "≥", 5.0, [], "×", f"{' and '.join(missing)} missing: `pip install {' '.join(missing)}`")
        return
    times = in_turn({"ours": ours, "theirs": lambda: seconds_of(lambda: _theirs(real, fake), device)}, TIMES * rounds)
    by_round = {
        name: [median(turns[start : start + TIMES]) for start in range(0, len(turns), TIMES)]
        for name, turns in times.items()
    }
    detail = f"{', '.join(SHARED)}: {median(times['ours']):.2f} s, theirs {median(times['theirs']):.2f} s"
    yield Row(
        SIX,
        "≥",
        5.0,
        ratios(by_round["theirs"], by_round["ours"]),
        "×",
        detail,
    )


def protocol_cost(setting: Setting) -> Iterator[Row]:
    """Scoring under ganbench-2 against ganbench-1: the same samples, and their features included."""
    for dataset, bound in (("mnist", 1.5), ("ring", 1.2)):
        specs = [resolve({"dataset": {"name": dataset}, "protocol": {"name": name}}) for name in COMPARED]
        data = specs[0].dataset.load(setting.device, say=lambda _: None)
        samples = data.floor_samples(specs[0].case.samples, 1)
        contenders = {name: _scoring(spec, data, samples) for name, spec in zip(COMPARED, specs, strict=True)}
        times = in_turn(contenders, setting.rounds)
        first, second = (median(times[name]) for name in COMPARED)
        detail = (
            f"{len(specs[1].case.metrics)} metrics in {second:.2f} s, {len(specs[0].case.metrics)} in {first:.2f} s"
        )
        what = f"ganbench-2 for {len(samples):,} samples of {dataset}, against ganbench-1"
        yield Row(what, "≤", bound, ratios(times[COMPARED[1]], times[COMPARED[0]]), "×", detail)


def _scoring(spec: RunSpec, data: Data, samples: Tensor) -> Callable[[], float]:
    """Score the samples once, untimed, and return what times it again."""
    scorer = Scorer.with_disk_cache(spec.case, spec.dataset, data)

    def seconds() -> float:
        return seconds_of(
            lambda: scorer.values(spec.case.rule(scorer.evaluator(samples)), tuple(spec.case.metrics)), data.device
        )

    seconds()
    return seconds


def _theirs(real: Tensor, fake: Tensor) -> None:
    import prdc  # not always installed, and slow to import
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    dimensions = real.shape[1]
    for metric in (
        FrechetInceptionDistance(feature=Identity(dimensions), input_img_size=(1, 1, dimensions)),
        KernelInceptionDistance(feature=Identity(dimensions)),
    ):
        metric.to(real.device)
        metric.update(real, real=True)
        metric.update(fake, real=False)
        metric.compute()
    prdc.compute_prdc(real.cpu().double().numpy(), fake.cpu().double().numpy(), 5)


def seconds_of(function: Callable[[], object], device: torch.device) -> float:
    """Time a call on the device, in seconds."""
    wait_for(device)
    start = time.perf_counter()
    function()
    wait_for(device)
    return time.perf_counter() - start
