"""Method of measurement: contenders take turns, ratios are computed within a round, and medians over rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch

SHORTENED = 50
"""Factor by which a rehearsal reduces steps: its figures mean nothing, but all code is executed."""


@dataclass(frozen=True)
class Setting:
    """Device and thoroughness of a measurement.

    Attributes:
        rounds: number of turns of each contender.
        rehearsal: True to only check that everything runs.
    """

    device: torch.device
    rounds: int = 5
    rehearsal: bool = False

    def steps(self, count: int, at_least: int = 1) -> int:
        """Return the number of steps, reduced in a rehearsal."""
        return max(at_least, count // SHORTENED) if self.rehearsal else count


@dataclass(frozen=True)
class Row:
    """One claim and its measurement.

    Attributes:
        sign: "≥" or "≤", the relation required between the measured and the target value; "" if nothing was promised.
        measured: the value of each round; empty if it was not measured.
        detail: the figures behind it.
    """

    claim: str
    sign: str
    wanted: float | None
    measured: Sequence[float]
    unit: str
    detail: str = ""

    @property
    def reached(self) -> float | None:
        """The median over rounds."""
        return median(self.measured) if self.measured else None

    @property
    def verdict(self) -> str:
        """Say whether the promise is kept; all rounds must agree."""
        if not self.measured:
            return "not measured"
        if self.wanted is None:
            return "stated"
        outcomes = {value >= self.wanted if self.sign == "≥" else value <= self.wanted for value in self.measured}
        return "rounds disagree" if len(outcomes) > 1 else "holds" if outcomes == {True} else "short"


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure every contender once per round, so that a temporary slowdown of the machine affects all of them."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            times[name].append(contender())
    return times


def ratios(some: list[float], others: list[float]) -> list[float]:
    """Return the ratio within each round."""
    return [one / other for one, other in zip(some, others, strict=True)]


def seconds_each(steps: Iterator[object], count: int, device: torch.device, warm_up: int = 0) -> float:
    """Mean seconds per item over `count` items of an iterator, after `warm_up` untimed ones."""
    for _ in range(warm_up):
        next(steps)
    wait_for(device)
    start = time.perf_counter()
    for _ in range(count):
        next(steps)
    wait_for(device)
    return (time.perf_counter() - start) / count


def wait_for(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
