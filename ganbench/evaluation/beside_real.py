"""Samples beside real ones, under one rule for every protocol: summaries for the collapse detector, and the verdict."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import torch

from ganbench.core.mode_states import crowded_modes, mode_states
from ganbench.core.seeding import stream
from ganbench.core.verdict import Measured, Verdict
from ganbench.data.evaluators import Features
from ganbench.data.evaluators.classifier import to_signed
from ganbench.evaluation.metrics import METRICS, value_or_nan
from ganbench.evaluation.metrics.memo import memoize_on
from ganbench.evaluation.observation import RealBaseline, SampleSummary, baseline_of
from ganbench.evaluation.protocols import Rule
from ganbench.evaluation.real_features import RealFeatures

NOISE_DRAWS = 16
"""Number of sets of real samples used to estimate the noise of the detector's and the verdict's numbers."""
COMPARED = {
    "near_duplicates": "near_duplicates",
    "different": "different_samples",
    "width": "width",
    "covered": "coverage",
}
"""The metrics that the verdict compares with real samples, by its names."""
OF_POINTS = {"displacement": "displacement"}
"""Those that are compared for points only: in the features of images, every generator moves the centre of its modes."""
VERDICT_SAMPLES = 2_000
"""Number of samples by which the verdict compares variety with real ones, and the detector coverage: its cost grows
with the square of their number. Modes and good samples are counted in all.
"""


class BesideReal:
    """Summaries and verdicts on samples of one data set; the variation of real ones is computed once.

    Args:
        again: whether features come from another evaluator than that of the real ones, so that their images have to be
            evaluated again.
    """

    def __init__(self, real: RealFeatures, rule: Rule, *, again: bool = False) -> None:
        self._real, self._rule, self._again = real, rule, again
        self._points = real.dataset.kind == "points"

    def summary(self, features: Features) -> SampleSummary:
        """The summary for the collapse detector."""
        return self._summary(under(self._rule, self._seen(features)))

    def baseline(self, samples: int) -> RealBaseline:
        """The mean and the variation of summaries of real samples."""
        real = self._variation(samples)
        width = {"width": real["mode_width"], "width-sd": real["mode_width-sd"]}
        return baseline_of(samples, self._real.data.weights.tolist(), real | width)

    def verdict(self, features: Features) -> Verdict:
        """The verdict on samples."""
        fake = self._rule(self._seen(features))
        # Samples in a folder may be sorted by mode.
        some = torch.randperm(len(fake), generator=stream(0, "metric"))[:VERDICT_SAMPLES]
        first = fake.select(some.to(fake.labels.device))
        real = self._variation(len(first))

        def measured(name: str, value: float) -> Measured | None:
            return None if math.isnan(value) else Measured(value, real[name], real[f"{name}-sd"])

        # The share of good samples is also a score, of all: there must not be two of them.
        numbers = self._compared(first) | {"good": float(fake.good.double().mean())}
        compared = {name: measured(name, value) for name, value in numbers.items()}
        names = self._real.data.mode_names
        by_mode = [shares_of(counts, len(fake)) for counts in (fake.counts(), fake.counts(good=True))]
        shares, good, fair = (
            dict(zip(names, values, strict=True)) for values in (*by_mode, self._real.data.weights.tolist())
        )
        crowded = crowded_modes(shares, fair, len(fake))
        return Verdict(names, mode_states(shares, good, fair, len(fake)), crowded=crowded, **compared)

    def _seen(self, features: Features) -> Features:
        """The features by the same evaluator as the real ones."""
        return self._real.evaluator(to_signed(features.samples)) if self._again else features

    def _summary(self, fake: Features) -> SampleSummary:
        """The summary of samples to which the rule has been applied."""
        return SampleSummary(
            samples=len(fake),
            counts=tuple(fake.counts(good=True).tolist()),
            appearing=tuple(fake.counts().tolist()),
            width=self._value("mode_width", fake),
            duplicates=self._value("near_duplicates", fake),
            covered=self._value("coverage", fake.first(VERDICT_SAMPLES)),
        )

    def _compared(self, fake: Features) -> dict[str, float]:
        """The numbers of a `Verdict`, of samples to which the rule has been applied."""
        compared = COMPARED | OF_POINTS if self._points else COMPARED
        return {
            "good": float(fake.good.double().mean()),
            "misplaced": self._misplaced(fake),
            **{name: self._value(metric, fake) for name, metric in compared.items()},
            "copies": self._copies(fake),
        }

    def _misplaced(self, fake: Features) -> float:
        """Total variation distance of the shares of modes from those of the data."""
        shares = fake.counts().cpu().double() / len(fake)
        return float((shares - self._real.data.weights.cpu()).clamp_min(0).sum())

    def _misplaced_by_chance(self, samples: int) -> float:
        """The mean of `_misplaced` over sets of N samples of the right shares: ½ · √(2/π) · Σ √(p (1 − p) / N)."""
        weights = self._real.data.weights.cpu()
        return float((weights * (1 - weights) / samples).sqrt().sum()) / math.sqrt(2 * math.pi)

    def _copies(self, fake: Features) -> float:
        """Share of samples that are copies of what they are compared with, or of training images if these are kept."""
        shares = [self._value(metric, fake) for metric in ("exact_copies_of_reference", "copies_of_training")]
        return max(share for share in shares if not math.isnan(share))

    def _value(self, metric: str, fake: Features) -> float:
        """A metric of samples to which the rule has been applied, against real ones under the same rule."""
        return value_or_nan(METRICS.create({"name": metric}), fake=fake, real=self._real.reference(self._rule))

    def _variation(self, samples: int) -> dict[str, float]:
        """Means and deviations of the numbers of the detector and of the verdict over sets of real samples."""

        def find() -> dict[str, float]:
            sets: list[dict[str, float]] = []
            for draw in range(1, NOISE_DRAWS + 1):
                fake = self._rule(self._real.draw(samples, draw))
                summary, compared = self._summary(fake), self._compared(fake.first(VERDICT_SAMPLES))
                sets.append(compared | {"mode_width": summary.width, "duplicates": summary.duplicates})
                self._real.progress("sets of real samples for the verdict", draw, NOISE_DRAWS)
            numbers = {name: [values[name] for values in sets] for name in sets[0]}
            # Draws of images are training images: only unseen ones say how many seem to be copies by chance.
            unseen = self._real.unseen(min(samples, VERDICT_SAMPLES))
            copies = 0.0 if unseen is None else self._value("copies_of_training", unseen)
            means = {name: fmean(values) for name, values in numbers.items()} | {"copies": copies}
            deviations = {name: stdev(values) for name, values in numbers.items()}
            deviations["copies"] = math.sqrt(copies * (1 - copies) / samples)
            held_out = self._real.held_out(self._rule)
            if held_out is not None:
                # An evaluator that was trained on a few images is surer of them than of a perfect sampler's.
                good = means["good"] = float(held_out.good.double().mean())
                deviations["good"] = math.sqrt(good * (1 - good) * (1 / samples + 1 / len(held_out)))
                # The shares of few images aren't those of a perfect sampler, either.
                means["misplaced"] = math.hypot(means["misplaced"], self._misplaced_by_chance(len(self._real.data)))
            return means | {f"{name}-sd": deviation for name, deviation in deviations.items()}

        held_out = () if self._real.data.held_out is None else ("held-out images", "shares of a sample")
        numbers = ", with ".join(["variation", *(OF_POINTS if self._points else ()), *held_out])
        return self._real.cache.numbers(self._real.key(numbers, samples, self._rule), find)


def under(rule: Rule, features: Features) -> Features:
    """The features with a rule applied, the same object each time, so that scores and summary share pairs."""
    return memoize_on(features, ("rule", rule), lambda: rule(features))


def shares_of(counts: torch.Tensor, samples: int) -> tuple[float, ...]:
    """Counts as shares of a number of samples."""
    return tuple((counts.double() / samples).tolist())
