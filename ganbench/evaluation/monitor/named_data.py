"""A data set that ganbench knows, as what a monitor compares samples with: the same numbers as in `ganbench run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from ganbench.core.settings import parse_component
from ganbench.core.verdict import Verdict
from ganbench.evaluation.history import NAMED_MODES
from ganbench.evaluation.metrics import METRICS, Metric
from ganbench.evaluation.monitor.base import Measurement, numbers_of
from ganbench.evaluation.monitor.image_range import check_range, read_images
from ganbench.evaluation.observation import RealBaseline
from ganbench.evaluation.score_samples import kept_scorer, mixed, set_up
from ganbench.evaluation.scorer import Scores

QUICK_SAMPLES = 2_000
"""Number of samples that `ganbench run` evaluates during training."""


class NamedData:
    """Real data by the name of the data set, measured by a protocol and its evaluator."""

    def __init__(
        self,
        dataset: str,
        protocol: str,
        samples: int | None,
        metrics: Sequence[str] | None,
        pixel_range: str | None,
        clip: bool,
        device: torch.device,
    ) -> None:
        check_range(pixel_range)
        self._dataset, rules = set_up(dataset, protocol)
        case = rules.case(self._dataset)
        asked = None if metrics is None else {text: _metric(text, case.metrics) for text in metrics}
        case.check_metrics(asked or {})
        usual = self._dataset.scorable(min(QUICK_SAMPLES, case.samples))
        self.samples = usual if samples is None else samples
        prepared = kept_scorer(self._dataset, rules, device)
        prepared.check_count(self.samples)
        self._scorer = prepared.scorer if asked is None else prepared.scorer.with_metrics(asked)
        self._quick = asked is None
        self._clip = clip
        self.mode_names: Sequence[str] = self._scorer.mode_names
        self.mode_shares: Sequence[float] = self._scorer.fair_shares
        self.mode_word = self._dataset.mode_word
        self.identity: Mapping[str, str] = {
            "dataset": str(self._dataset.to_spec()),
            "protocol": rules.label(case, self.samples),
            "evaluator": self._scorer.evaluator.sha256,
        }
        self.reading: dict[str, str] = {} if pixel_range is None else {"pixel_range": pixel_range}

    @cached_property
    def baseline(self) -> RealBaseline:
        return self._scorer.beside_real.baseline(self.samples)

    def read(self, fake: object) -> Tensor:
        """Samples as networks have them; the range of images is found once, and must stay as it is."""
        samples = read_images(fake, self._dataset.shape, self.reading, self._clip, self.samples)
        return samples if len(samples) == self.samples else mixed(samples, self.samples)

    def measure(self, fake: Tensor) -> Measurement:
        device = self._scorer.device
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            features = self._scorer.evaluator(fake.to(device))
            scores = self._scorer.score(features, quick=self._quick)
            beside = self._scorer.beside_real
            verdict = beside.verdict(features)
            return Measurement(beside.summary(features), verdict, self._numbers(scores, verdict))

    def _numbers(self, scores: Scores, verdict: Verdict) -> dict[str, float]:
        numbers = dict(scores.values)
        numbers |= {f"floor/{name}": value for name, value in scores.floors.items()}
        if len(self.mode_names) <= NAMED_MODES:
            for prefix, shares in (("mode", scores.shares), ("good", scores.good_shares)):
                numbers |= {f"{prefix}/{name}": share for name, share in zip(self.mode_names, shares, strict=True)}
        return numbers_of(numbers, verdict)


def _metric(text: str, known: Mapping[str, Metric]) -> Metric:
    return known[text] if text in known else METRICS.create(parse_component(text))
