"""Losses written out as in their papers: on probabilities, with logarithms, for short lists of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

Function = Callable[[float], float]


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def goodfellow_critic(real: list[float], fake: list[float], smoothing: float = 0.0) -> float:
    """Goodfellow et al. 2014, eq. 1, negated: the critic maximises it. The label of real samples is 1 − smoothing
    (Salimans et al. 2016, section 3.4)."""
    label = 1 - smoothing
    on_real = [label * math.log(probability(x)) + (1 - label) * math.log(1 - probability(x)) for x in real]
    return -mean(on_real) - mean([math.log(1 - probability(g)) for g in fake])


def goodfellow_generator(fake: list[float]) -> float:
    """Goodfellow et al. 2014, eq. 1."""
    return mean([math.log(1 - probability(g)) for g in fake])


def non_saturating_generator(fake: list[float]) -> float:
    """Goodfellow et al. 2014, section 3: maximise log D(G(z)) instead."""
    return -mean([math.log(probability(g)) for g in fake])


def least_squares_critic(real: list[float], fake: list[float], a: float, b: float) -> float:
    """Mao et al. 2017, eq. 2."""
    return 0.5 * mean([(x - b) ** 2 for x in real]) + 0.5 * mean([(g - a) ** 2 for g in fake])


def least_squares_generator(fake: list[float], c: float) -> float:
    """Mao et al. 2017, eq. 2."""
    return 0.5 * mean([(g - c) ** 2 for g in fake])


def hinge_critic(real: list[float], fake: list[float]) -> float:
    """Miyato et al. 2018, eq. 16, negated: there the critic maximises E min(0, −1 + D(x)) + E min(0, −1 − D(G(z)))."""
    return -mean([min(0.0, -1 + x) for x in real]) - mean([min(0.0, -1 - g) for g in fake])


def wasserstein_critic(real: list[float], fake: list[float]) -> float:
    """Gulrajani et al. 2017, eq. 3, first two terms."""
    return mean(fake) - mean(real)


def wasserstein_generator(fake: list[float]) -> float:
    """Gulrajani et al. 2017, algorithm 1, line 12; Miyato et al. 2018, eq. 17."""
    return -mean(fake)


def relativistic_pairing(winners: list[float], losers: list[float]) -> float:
    """Jolicoeur-Martineau 2018, RSGAN: −E log σ(C(x_r) − C(x_f)); for the generator with the roles swapped."""
    return -mean([math.log(probability(x - y)) for x, y in zip(winners, losers, strict=True)])


def relativistic_average(winners: list[float], losers: list[float]) -> float:
    """Jolicoeur-Martineau 2018, RaSGAN: −E log D̃(x_r) − E log(1 − D̃(x_f)), with D̃(x_r) = σ(C(x_r) − E C(x_f)) and
    D̃(x_f) = σ(C(x_f) − E C(x_r)); for the generator with the roles swapped."""
    above = [probability(x - mean(losers)) for x in winners]
    below = [probability(y - mean(winners)) for y in losers]
    return -mean([math.log(d) for d in above]) - mean([math.log(1 - d) for d in below])


ACTIVATIONS: dict[str, Function] = {
    "kl": lambda v: v,
    "reverse-kl": lambda v: -math.exp(-v),
    "js": lambda v: math.log(2) - math.log(1 + math.exp(-v)),
    "pearson": lambda v: v,
}
"""Nowozin et al. 2016: g_f, the last activation of the critic."""

CONJUGATES: dict[str, Function] = {
    "kl": lambda t: math.exp(t - 1),
    "reverse-kl": lambda t: -1 - math.log(-t),
    "js": lambda t: -math.log(2 - math.exp(t)),
    "pearson": lambda t: 0.25 * t**2 + t,
}
"""Nowozin et al. 2016: f*."""

GENERATORS: dict[str, Function] = {
    "kl": lambda u: u * math.log(u),
    "reverse-kl": lambda u: -math.log(u),
    "js": lambda u: -(u + 1) * math.log((1 + u) / 2) + u * math.log(u),
    "pearson": lambda u: (u - 1) ** 2,
}
"""Nowozin et al. 2016: f."""

BEST_CRITICS: dict[str, Function] = {
    "kl": lambda u: 1 + math.log(u),
    "reverse-kl": math.log,
    "js": math.log,
    "pearson": lambda u: 2 * (u - 1),
}
"""V for which g_f(V) = f'(u), where u = p/q (Nowozin et al. 2016, section 2.2)."""


def f_gan_critic(real: list[float], fake: list[float], divergence: str) -> float:
    """Nowozin et al. 2016, section 2: the critic maximises E_P T − E_Q f*(T), with T = g_f(V)."""
    g, conjugate = ACTIVATIONS[divergence], CONJUGATES[divergence]
    return -(mean([g(v) for v in real]) - mean([conjugate(g(v)) for v in fake]))


def f_gan_generator(fake: list[float], divergence: str) -> float:
    """The same objective: the generator minimises the terms that depend on it."""
    g, conjugate = ACTIVATIONS[divergence], CONJUGATES[divergence]
    return -mean([conjugate(g(v)) for v in fake])


def f_gan_heuristic_generator(fake: list[float], divergence: str) -> float:
    """Nowozin et al. 2016, section 3.2: maximise E_Q g_f(V) instead."""
    return -mean([ACTIVATIONS[divergence](v) for v in fake])


def f_divergence(p: list[float], q: list[float], divergence: str) -> float:
    """Nowozin et al. 2016, section 2.1: Σ q f(p/q)."""
    return sum(y * GENERATORS[divergence](x / y) for x, y in zip(p, q, strict=True))
