"""Scheduled values: functions of the step alone, so that a resumed run continues with the same values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ganbench.spec.run_spec import RunSpec


@dataclass(frozen=True)
class ScheduledValues:
    """The scheduled values at a step.

    Attributes:
        lr: factor of both learning rates.
        generator_betas, critic_betas: (β1, β2).
        strengths: factor of each penalty.
        keep: decay rate of the averaged generator per step, in [0, 1).
        noise: standard deviation of the instance noise.
    """

    lr: float
    generator_betas: tuple[float, float]
    critic_betas: tuple[float, float]
    strengths: tuple[float, ...]
    keep: float
    noise: float


def plan(spec: RunSpec, step: int) -> ScheduledValues:
    """The scheduled values at step number `step`, from 0.

    A value moves from its initial to its final setting along half a cosine during the burn-in, as in R3GAN (Huang et
    al. 2024, arXiv:2501.05441), and then stays there.
    """
    train = spec.train
    eased = (1 - math.cos(math.pi * min(1.0, step / (train.burn_in * train.steps)))) / 2
    half_life = train.ema * eased * train.steps
    return ScheduledValues(
        lr=_between(1.0, train.lr_decay, eased),
        generator_betas=_betas(train.generator_betas, eased),
        critic_betas=_betas(train.critic_betas, eased),
        strengths=tuple(_between(1.0, penalty.decay, eased) for penalty in spec.penalties),
        keep=0.5 ** (1 / half_life) if half_life > 0 else 0.0,
        noise=train.instance_noise * max(0.0, 1 - step / (train.noise_until * train.steps)),
    )


def _between(first: float, last: float, eased: float) -> float:
    return first + (last - first) * eased


def _betas(betas: tuple[float, ...], eased: float) -> tuple[float, float]:
    return betas[0], _between(betas[1], betas[-1], eased)
