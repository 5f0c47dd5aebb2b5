"""How anything is measured here: contenders in turn, medians of the ratios within a round."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import torch


@dataclass(frozen=True)
class Row:
    """One claim and what was measured.

    Attributes:
        sign: "≥" or "≤", how the reached value must stand to the wanted one; "" where nothing was promised.
        reached: None where it was not measured.
        detail: the figures behind it.
    """

    claim: str
    sign: str
    wanted: float | None
    reached: float | None
    unit: str
    detail: str = ""

    @property
    def verdict(self) -> str:
        if self.reached is None:
            return "not measured"
        if self.wanted is None:
            return "stated"
        holds = self.reached >= self.wanted if self.sign == "≥" else self.reached <= self.wanted
        return "holds" if holds else "short"


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Let every contender measure itself once a round: what slows the machine for a while slows all of them."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            found[name].append(contender())
    return found


def ratio(some: list[float], others: list[float]) -> float:
    """Median of the ratios within a round."""
    return median(one / other for one, other in zip(some, others, strict=True))


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
