"""A test of the verdict on a set of samples: it must name planted faults rightly, and never accuse real data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from scipy.stats import binomtest

from ganbench.core.seeding import stream
from ganbench.data.evaluators import Features
from ganbench.evaluation.faults import Planted
from ganbench.evaluation.scorer import Scorer

LEVEL = 0.95
NO_ACCUSATION = frozenset({"copied"})
"""The words that are true of training data, and so are no accusation of them."""


class HasFaults(Protocol):
    """A verdict, as far as the doctor reads it."""

    @property
    def faults(self) -> frozenset[str]:
        """The words for the faults that it names."""


Verdict = Callable[[Scorer, Features], HasFaults]
"""A verdict on samples, given as the evaluator's features before a rule is applied, so that they can be shared."""


def verdict_of(scorer: Scorer, features: Features) -> HasFaults:
    """The verdict on samples, as runs and `ganbench evaluate` have it."""
    return scorer.beside_real.verdict(features)


@dataclass(frozen=True)
class VerdictResult:
    """The verdict on one planted fault.

    Attributes:
        said: the words that it used.
        missing: the words that it had to use and didn't.
        untrue: the words that it used although they are untrue.
    """

    said: frozenset[str]
    missing: frozenset[str]
    untrue: frozenset[str]

    @classmethod
    def of(cls, said: frozenset[str], fault: Planted) -> VerdictResult:
        return cls(said, fault.verdict - said, said & fault.never)

    @property
    def right(self) -> bool:
        return not self.missing and not self.untrue


@dataclass(frozen=True)
class Accusations:
    """Verdicts on sets of real samples.

    Attributes:
        draws: number of sets.
        accused: number of sets in which it named a fault.
        words: how often it used each untrue word.
    """

    draws: int
    accused: int
    words: Mapping[str, int]

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The rate's exact confidence interval (Clopper & Pearson 1934), two-sided."""
        interval = binomtest(self.accused, self.draws).proportion_ci(level, method="exact")
        return float(interval.low), float(interval.high)


def count_accusations(
    scorer: Scorer,
    verdict: Verdict,
    pools: Mapping[str, Features],
    draws: int,
    samples: int,
    say: Callable[[str], None],
) -> dict[str, Accusations]:
    """The verdicts on sets of samples that are drawn from each pool without replacement.

    A pool's features are computed once, so a set costs no pass through a network.

    Args:
        pools: features of real samples, by their origin; "training" if the generator may have been trained on them.
        draws: number of sets from each pool.
        samples: number of samples in each set.
    """
    results = {}
    for origin, pool in pools.items():
        words: Counter[str] = Counter()
        accused = 0
        for draw in range(draws):
            if draw % max(1, draws // 3) == 0:
                say(f"verdicts on real {origin} samples: {draw} of {draws} sets of {samples:,}")
            chosen = torch.randperm(len(pool), generator=stream(draw, "planted", 20))[:samples]
            said = verdict(scorer, pool.select(chosen.to(pool.labels.device))).faults
            untrue = said - NO_ACCUSATION if origin == "training" else said
            words.update(untrue)
            accused += bool(untrue)
        results[origin] = Accusations(draws, accused, dict(words))
    return results
