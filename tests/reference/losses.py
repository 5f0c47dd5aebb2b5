"""The papers' losses, written as they stand there: on probabilities, with logarithms, for a batch of two."""

from __future__ import annotations

import math


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def goodfellow_critic(real: list[float], fake: list[float]) -> float:
    """Goodfellow et al. 2014, eq. 1, negated: the critic maximises it."""
    return -mean([math.log(probability(x)) for x in real]) - mean([math.log(1 - probability(g)) for g in fake])


def goodfellow_generator(fake: list[float]) -> float:
    """Goodfellow et al. 2014, eq. 1."""
    return mean([math.log(1 - probability(g)) for g in fake])


def non_saturating_generator(fake: list[float]) -> float:
    """Goodfellow et al. 2014, section 3: maximise log D(G(z)) instead."""
    return -mean([math.log(probability(g)) for g in fake])


def wasserstein_critic(real: list[float], fake: list[float]) -> float:
    """Gulrajani et al. 2017, eq. 3, first two terms."""
    return mean(fake) - mean(real)


def wasserstein_generator(fake: list[float]) -> float:
    """Gulrajani et al. 2017, algorithm 1, line 12."""
    return -mean(fake)
