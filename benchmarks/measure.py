"""How anything is measured here: contenders in turn, ratios within a round, medians over rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch

SHORTENED = 50
"""In a rehearsal there are so many times fewer steps: its figures mean nothing, but everything is gone through."""


@dataclass(frozen=True)
class Setting:
    """On what, and how thoroughly, is measured.

    Attributes:
        rounds: how often each contender takes its turn.
        rehearsal: whether everything is only gone through.
    """

    device: torch.device
    rounds: int = 5
    rehearsal: bool = False

    def steps(self, count: int, at_least: int = 1) -> int:
        """So many steps, or few in a rehearsal."""
        return max(at_least, count // SHORTENED) if self.rehearsal else count


@dataclass(frozen=True)
class Row:
    """One claim and what was measured.

    Attributes:
        sign: "≥" or "≤", how the reached value must stand to the wanted one; "" where nothing was promised.
        measured: the value of each round; none where it was not measured.
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
        """Whether the promise is kept: said only where all rounds agree about it."""
        if not self.measured:
            return "not measured"
        if self.wanted is None:
            return "stated"
        kept = {value >= self.wanted if self.sign == "≥" else value <= self.wanted for value in self.measured}
        return "rounds disagree" if len(kept) > 1 else "holds" if kept == {True} else "short"


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Let every contender measure itself once a round: what slows the machine for a while slows all of them."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            found[name].append(contender())
    return found


def ratios(some: list[float], others: list[float]) -> list[float]:
    """Within each round."""
    return [one / other for one, other in zip(some, others, strict=True)]


def seconds_each(steps: Iterator[object], count: int, device: torch.device, warm_up: int = 0) -> float:
    """Seconds for each of `count` items of an iterator, after some that aren't counted."""
    for _ in range(warm_up):
        next(steps)
    wait_for(device)
    began = time.perf_counter()
    for _ in range(count):
        next(steps)
    wait_for(device)
    return (time.perf_counter() - began) / count


def wait_for(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
