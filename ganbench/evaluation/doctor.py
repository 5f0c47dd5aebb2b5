"""A test of every metric, of the collapse detector and of the verdict, on planted faults with known answers.

A metric sees a fault if it scores the faulty samples worse than real ones by more than five standard deviations of
the scores of real samples; it is blind if there is no such difference, and praises the fault if it scores them better
than real. Praise is reported and isn't a failure: a metric that measures one thing is right to ignore the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import Literal

import torch
from torch import Tensor

from ganbench.data import Data, Dataset
from ganbench.data.evaluators import Features
from ganbench.data.evaluators.classifier import to_signed
from ganbench.data.fashion_mnist import FashionMnist
from ganbench.data.fetch import cache_folder
from ganbench.data.grid import Grid
from ganbench.data.labelled import LabelledImages
from ganbench.data.mixture import Mixture
from ganbench.data.mnist import Mnist
from ganbench.data.ring import Ring
from ganbench.data.sources import DEBIAN_FASHION_MNIST
from ganbench.evaluation.collapse_detector import detect
from ganbench.evaluation.faults import HELD_OUT, ImageSource, Planted, PointSource, image_faults, point_faults
from ganbench.evaluation.metrics import METRICS, Direction, Fault
from ganbench.evaluation.observation import Observation, SampleSummary
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer
from ganbench.evaluation.verdict_check import Accusations, Verdict, VerdictResult, count_accusations, verdict_of

FaultResult = Literal["sees", "blind", "praises", "undefined"]
Say = Callable[[str], None]

PROTOCOL = "ganbench-2"
BEYOND_CHANCE = 5.0
DETECTOR = "collapse detector"
DETECTOR_SEES: frozenset[Fault] = frozenset({"missing-modes", "shrunken-modes", "off-mode", "duplicates"})
DETECTOR_SAMPLES = 2_000
POOL = 20_000
"""Number of real samples of each origin from which sets are drawn to count accusations."""


@dataclass(frozen=True)
class Effort:
    """The size of an examination.

    Attributes:
        images, points: number of samples in each set; None for those of the protocol.
        real_draws: number of real sets that show a metric's variation by chance.
        accusation_draws: number of real sets, half from training and half held out, on which the verdict is tested.
        accusation_samples: number of samples in each of them.
    """

    images: int | None = 2_000
    points: int | None = 10_000
    real_draws: int = 8
    accusation_draws: int = 60
    accusation_samples: int = 2_000


QUICK = Effort()
FULL = Effort(images=None, points=None, real_draws=16, accusation_draws=300)


@dataclass(frozen=True)
class Row:
    """The results of one metric.

    Attributes:
        real: its mean on real samples; NaN for the detector.
        findings: its result for each planted fault.
        values: its value for each planted fault; NaN for the detector.
        claims: the planted faults that it claims to see.
        failures: claimed faults that it does not see; and "real" if it sees a fault in real samples.
    """

    metric: str
    direction: Direction | None
    real: float
    findings: Mapping[str, FaultResult]
    values: Mapping[str, float]
    claims: frozenset[str]
    failures: frozenset[str]


@dataclass(frozen=True)
class Diagnosis:
    """The results of all metrics, and of the verdict, on one data set.

    Attributes:
        verdicts: by planted fault; empty without a verdict.
        accusations: by origin of the real samples; empty without a verdict.
    """

    dataset: str
    protocol: str
    samples: int
    faults: tuple[str, ...]
    rows: tuple[Row, ...]
    verdicts: Mapping[str, VerdictResult] = field(default_factory=dict)
    accusations: Mapping[str, Accusations] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """True if every metric sees what it claims to see, and the verdict is right on every fault and on real data."""
        right = all(verdict.right for verdict in self.verdicts.values())
        accused = any(accusations.accused for accusations in self.accusations.values())
        return right and not accused and not any(row.failures for row in self.rows)


@dataclass(frozen=True)
class Examination:
    """An examination of all metrics and of the verdict.

    Attributes:
        say: receives lines of progress.
        protocol: name of the protocol whose metrics are tested, besides those of plug-ins.
        verdict: None to leave it out.
        only: names of the faults to plant; all by default. Real samples are always examined.
    """

    say: Say
    effort: Effort = QUICK
    protocol: str = PROTOCOL
    verdict: Verdict | None = verdict_of
    only: Collection[str] | None = None

    def of_images(self) -> Diagnosis:
        """Examine all metrics on MNIST."""
        device = torch.device("cpu")
        digits = Mnist().load(device, say=self.say)
        # The "training" images; the rest serve as real samples.
        training_part = LabelledImages(
            digits.train[:-HELD_OUT],
            digits.train_labels[:-HELD_OUT],
            digits.test,
            digits.test_labels,
            digits.mode_names,
        )
        source = ImageSource(digits, Mnist().evaluator(device))
        planted = image_faults(source, training_part, self._other_images(device))

        def pools(scorer: Scorer) -> dict[str, Features]:
            training = scorer.evaluator(to_signed(training_part.train[:POOL]))
            return {"training": training, "held-out": scorer.evaluator(to_signed(source.images[:POOL]))}

        return self._examine(Mnist(), training_part, planted, pools)

    def of_points(self, dataset: Ring | Grid) -> Diagnosis:
        """Examine all metrics on points."""
        points = dataset.load(torch.device("cpu"))
        planted = point_faults(PointSource(points), points)

        def pools(scorer: Scorer) -> dict[str, Features]:
            held_out = planted["real"].draw(POOL, 5_000)
            return {"training": scorer.evaluator(points.train[:POOL]), "held-out": scorer.evaluator(held_out)}

        return self._examine(dataset, points, planted, pools)

    def _other_images(self, device: torch.device) -> Tensor | None:
        """Images of clothes if they are on this machine: the doctor downloads nothing for them."""
        if not DEBIAN_FASHION_MNIST.is_dir() and not any((cache_folder() / "fashion-mnist").glob("*-ubyte")):
            self.say("Fashion-MNIST isn't installed: the fault 'other images' is left out")
            return None
        return FashionMnist().load(device, say=self.say).test

    def _examine(
        self,
        dataset: Mixture | Mnist,
        data: Data,
        planted: Mapping[str, Planted],
        pools: Callable[[Scorer], Mapping[str, Features]],
    ) -> Diagnosis:
        if self.only is not None:
            planted = {name: fault for name, fault in planted.items() if name in {"real", *self.only}}
        scorer = self._scorer(dataset, data)
        names, asked = (
            tuple(scorer.case.metrics),
            self.effort.images if dataset.kind == "images" else self.effort.points,
        )
        samples = asked or scorer.case.samples

        def values(features: Features) -> dict[str, float]:
            return scorer.values(scorer.case.rule(features), names)

        def features_of(fault: Planted, draw: int, count: int = samples) -> Features:
            return scorer.evaluator(fault.draw(count, draw))

        self.say(f"{dataset.name}: {self.effort.real_draws} sets of {samples:,} real samples, for variation by chance")
        real = [values(features_of(planted["real"], draw)) for draw in range(1, self.effort.real_draws + 1)]
        values_by_fault, verdicts, summaries = {}, {}, {}
        for number, (name, fault) in enumerate(planted.items(), 1):
            self.say(f"{dataset.name}: {name} ({number} of {len(planted)})")
            features = features_of(fault, 0)
            values_by_fault[name] = values(features)
            few = features if samples == DETECTOR_SAMPLES else features_of(fault, 20, DETECTOR_SAMPLES)
            summaries[name] = scorer.beside_real.summary(few)
            if self.verdict is not None:
                verdicts[name] = VerdictResult.of(frozenset(self.verdict(scorer, features).faults), fault)
        rows = [
            _row(
                name,
                [values_of_draw[name] for values_of_draw in real],
                {fault: values_by_fault[fault][name] for fault in planted},
                planted,
                scorer,
            )
            for name in names
        ]
        sound = [
            scorer.beside_real.summary(features_of(planted["real"], 10 + draw, DETECTOR_SAMPLES)) for draw in range(5)
        ]
        rows.append(_detector_row(sound, summaries, scorer, data, planted))
        return Diagnosis(
            dataset.name,
            self.protocol,
            samples,
            tuple(planted),
            tuple(rows),
            verdicts,
            self._accusations(scorer, pools),
        )

    def _scorer(self, dataset: Dataset, data: Data) -> Scorer:
        case = PROTOCOLS.create({"name": self.protocol}).case(dataset)
        plugin_metrics = {name: METRICS.create({"name": name}) for name in METRICS if METRICS[name].is_foreign()}
        return Scorer.with_disk_cache(replace(case, metrics={**case.metrics, **plugin_metrics}), dataset, data)

    def _accusations(
        self, scorer: Scorer, pools: Callable[[Scorer], Mapping[str, Features]]
    ) -> Mapping[str, Accusations]:
        draws = self.effort.accusation_draws // 2
        if self.verdict is None or draws == 0:
            return {}
        return count_accusations(scorer, self.verdict, pools(scorer), draws, self.effort.accusation_samples, self.say)


def judge(value: float, real: Sequence[float], direction: Direction) -> FaultResult:
    """Classify a metric's value on faulty samples, given its values on sets of real ones."""
    if math.isnan(value):
        return "undefined"
    middle, noise = fmean(real), stdev(real)
    worse = {"lower": value - middle, "higher": middle - value, "real": abs(value - middle)}[direction]
    if abs(worse) <= BEYOND_CHANCE * noise + 1e-9 * abs(middle):
        return "blind"
    return "sees" if worse > 0 else "praises"


def _row(
    name: str, real: Sequence[float], values: Mapping[str, float], planted: Mapping[str, Planted], scorer: Scorer
) -> Row:
    metric = scorer.case.metrics[name]
    scale = math.log if metric.scale == "log" else float
    scaled_real = [scale(value) for value in real]
    findings = {fault: judge(scale(value), scaled_real, metric.direction) for fault, value in values.items()}
    claims = _claims(planted, metric.sees)
    return Row(name, metric.direction, fmean(real), findings, values, claims, _failures(findings, claims))


def _detector_row(
    sound: Sequence[SampleSummary],
    faulty: Mapping[str, SampleSummary],
    scorer: Scorer,
    data: Data,
    planted: Mapping[str, Planted],
) -> Row:
    """The detector's results for a run that is sound at first and then has the fault."""
    baseline, before = scorer.beside_real.baseline(DETECTOR_SAMPLES), len(sound)
    findings: dict[str, FaultResult] = {}
    for name in planted:
        history = [Observation(step, summary) for step, summary in enumerate([*sound, faulty[name]], 1)]
        events = detect(history, baseline, 1000, data.mode_names)
        findings[name] = "sees" if any(event.step > before for event in events) else "blind"
    claims, nothing = _claims(planted, DETECTOR_SEES), dict.fromkeys(planted, math.nan)
    return Row(DETECTOR, None, math.nan, findings, nothing, claims, _failures(findings, claims))


def _claims(planted: Mapping[str, Planted], sees: frozenset[Fault]) -> frozenset[str]:
    return frozenset(name for name, fault in planted.items() if fault.faults & sees and not fault.subtle)


def _failures(findings: Mapping[str, FaultResult], claims: frozenset[str]) -> frozenset[str]:
    missed = {fault for fault in claims if findings[fault] != "sees"}
    # Real samples have no fault to see.
    return frozenset(missed | ({"real"} if findings["real"] in ("sees", "praises") else set()))
