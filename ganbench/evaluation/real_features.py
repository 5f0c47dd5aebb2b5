"""Features of the real samples of one data set: those that generated ones are compared with, and those for floors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cached_property

from torch import Tensor, arange, cat

from ganbench.data import Data, Dataset
from ganbench.data.evaluators import Evaluator, Features, Reference
from ganbench.data.evaluators.classifier import to_signed
from ganbench.evaluation.cache import DiskCache
from ganbench.evaluation.protocols import Rule

REFERENCE = 10_000
"""Number of real samples that generated ones are compared with."""


Progress = Callable[[str, int, int], None]
"""Receives what is being computed of real samples, the number of parts done, and the number of all parts."""


def unheard(what: str, done: int, parts: int) -> None:
    """Ignore progress."""


class RealFeatures:
    """Features of real samples by one evaluator, each computed once, when first needed.

    Attributes:
        cache: where numbers that depend on real samples alone are kept, by `key`.
        progress: told of what is computed, since it can take minutes.
    """

    def __init__(
        self, dataset: Dataset, data: Data, evaluator: Evaluator, cache: DiskCache, progress: Progress = unheard
    ) -> None:
        self.dataset, self.data, self.evaluator, self.cache = dataset, data, evaluator, cache
        self.progress = progress
        self._references: dict[Rule, Reference] = {}
        self._with_training: dict[Rule, Reference] = {}

    def reference(self, rule: Rule) -> Reference:
        """The samples that generated ones are compared with, without the embedding of training samples."""
        if rule not in self._references:
            self._references[rule] = self._under(rule)
        return self._references[rule]

    def with_training(self, rule: Rule) -> Reference:
        """The same with the embedding of all training samples, which takes a while for images."""
        if rule not in self._with_training:  # metrics keep their thresholds with it
            self._with_training[rule] = replace(self.reference(rule), training=self._training)
        return self._with_training[rule]

    def draw(self, samples: int, draw: int) -> Features:
        """Real samples to be treated as generated; each `draw` gives others, none of them in the reference."""
        return self.evaluator(self.data.floor_samples(samples, draw))

    def unseen(self, samples: int) -> Features | None:
        """Real samples that nothing was trained on, or None if there are none."""
        unseen = self.data.unseen(samples)
        return None if unseen is None else self.evaluator(unseen)

    def held_out(self, rule: Rule) -> Features | None:
        """All real samples that the evaluator was not trained on, under a rule, where that makes a difference."""
        images = self.data.held_out
        return None if images is None else rule(self.evaluator(to_signed(images)))

    def key(self, what: str, samples: int, rule: Rule) -> dict[str, object]:
        """The key of a cached result: all that it depends on but our own code."""
        return real_key(self.dataset, len(self.data), self.evaluator.sha256, what, samples, rule)

    def _under(self, rule: Rule) -> Reference:
        features = rule(self._real)
        parts = {field.name: getattr(features, field.name) for field in fields(features)}
        return Reference(**parts, weights=self.data.weights, training=None, training_samples=self.data.training())

    @cached_property
    def _real(self) -> Features:
        return self.evaluator(self.data.reference(REFERENCE))

    @cached_property
    def _training(self) -> Tensor | None:
        images = self.data.training()
        if images is None:
            return None

        def embed() -> Tensor:
            indices = arange(len(images), device=self.data.device)
            parts, embedded = indices.split(5_000), list[Tensor]()
            for part in parts:
                embedded.append(self.evaluator(self.data.batch(part)).embedding)
                self.progress("training samples", len(embedded), len(parts))
            return cat(embedded)

        return self.cache.tensor(self.key("training", len(images), Rule()), embed).to(self.data.device)


def real_key(
    dataset: Dataset, size: int, evaluator_sha256: str, what: str, samples: int, rule: Rule
) -> dict[str, object]:
    """The key of a result that depends on real samples alone.

    Args:
        size: number of training samples.
        evaluator_sha256: SHA-256 of the evaluator.
        what: name of the result.
        samples: number of samples.
        rule: the rule for high-quality samples.
    """
    return {
        "what": what,
        "samples": samples,
        "rule": str(rule),
        "dataset": dataset.to_spec(),
        "version": dataset.version,
        "dataset-code": dataset.code_sha256() if dataset.is_foreign() else "",
        "size": size,
        "evaluator": evaluator_sha256,
    }
