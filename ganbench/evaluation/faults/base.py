"""The interface of planted faults, and those that can be planted in any data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, get_args

import torch
from torch import Tensor

from ganbench.core.seeding import stream
from ganbench.core.verdict import VerdictFault
from ganbench.evaluation.metrics import Fault

Word = VerdictFault
WORDS: tuple[Word, ...] = get_args(Word)

JUNK = 0.1
DUPLICATED = 0.5
FEW = 100
"""Number of samples that make up the half that is repeated."""
REPEATS = (1, 10, 100, 1_000)
LOST_MODES = 3
IMBALANCE = 1.0
"""Exponent of the imbalance: mode k has a frequency proportional to (k + 1)^−1."""
THIN, ALMOST_LOST = 0.3, 0.05
"""Shares of a mode, relative to its fair share."""
JITTERED, SHIFTED = " + jitter", " + shift"

Draw = Callable[[int, int], Tensor]


@dataclass(frozen=True)
class Planted:
    """A kind of fault.

    Attributes:
        faults: the faults of the samples; empty for real ones.
        draw: (count, draw) to `count` samples; different values of `draw` give different samples.
        verdict: the words that a verdict on the samples must use.
        never: the words that are untrue of them. The remaining words may be used or not.
        subtle: the fault is of so small a degree that a metric may miss it although it claims to see its kind.
    """

    faults: frozenset[Fault]
    draw: Draw
    verdict: frozenset[Word] = frozenset()
    never: frozenset[Word] = frozenset()
    subtle: bool = False

    def __post_init__(self) -> None:
        if self.verdict & self.never:
            raise ValueError(f"words can't be both true and untrue: {sorted(self.verdict & self.never)}")


def plant(
    draw: Draw, faults: set[Fault], must: set[Word], may: set[Word] | None = None, *, subtle: bool = False
) -> Planted:
    """A fault of which only these words are true: those that a verdict must use, and those that it may use.

    They are drawn in random order, so that the first of them stand for all. Every fault leaves parts of the real data
    without a sample nearby, so it may be called uncovered; and samples that are repeated have centres of their own, so
    they may be called displaced.
    """
    allowed: set[Word] = {"uncovered", "displaced"} if "repeated" in must else {"uncovered"}
    never = frozenset(WORDS) - must - (may or set()) - allowed
    return Planted(frozenset(faults), _in_random_order(draw), frozenset(must), never, subtle)


def _in_random_order(draw: Draw) -> Draw:
    def mixed(count: int, number: int) -> Tensor:
        samples = draw(count, number)
        return samples[torch.randperm(len(samples), generator=stream(number, "order"))]

    return mixed


class Source(Protocol):
    """A source of real samples, mode by mode, in which faults are planted."""

    modes: int

    def of_modes(self, shares: Tensor, count: int, draw: int) -> Tensor:
        """`count` distinct real samples with these shares of the modes, [K]."""

    def of_each(self, count: int, draw: int) -> Tensor:
        """`count` distinct real samples, of one mode after the other in turn."""

    def narrowed(self, count: int, draw: int) -> Tensor:
        """Samples from the centre of each mode only."""

    def junk(self, count: int, draw: int) -> Tensor:
        """Samples that belong to no mode."""

    def jittered(self, samples: Tensor, draw: int) -> Tensor:
        """The samples, each with a little noise of its own."""


def common_faults(source: Source, weights: Tensor) -> dict[str, Planted]:
    """The faults that can be planted in any data, by name; `weights` are the true shares of the modes, [K]."""

    def real(count: int, draw: int) -> Tensor:
        return source.of_modes(weights, count, draw)

    def without(lost: int) -> Draw:
        return with_shares(torch.cat([torch.zeros(lost), torch.ones(source.modes - lost)]).double() * weights)

    def with_first_mode(share: float) -> Draw:
        changed = weights.clone()
        changed[0] *= share
        return with_shares(changed)

    def with_shares(shares: Tensor) -> Draw:
        return lambda count, draw: source.of_modes(shares / shares.sum(), count, draw)

    def half_repeated(count: int, draw: int) -> Tensor:
        copies = round(DUPLICATED * count)
        few = real(FEW, draw + 1000)
        which = torch.randint(FEW, (copies,), generator=stream(draw, "planted", 1))
        return torch.cat([real(count - copies, draw), few[which]])

    def with_junk(count: int, draw: int) -> Tensor:
        bad = round(JUNK * count)
        return torch.cat([real(count - bad, draw), source.junk(bad, draw)])

    skewed = torch.arange(1, source.modes + 1, dtype=torch.float64) ** -IMBALANCE
    of_shares: set[Word] = {"uneven", "thin modes"}
    faults = {
        "real": plant(real, set(), set()),
        "1 mode lost": plant(without(1), {"missing-modes"}, {"lost modes"}, of_shares),
        f"{LOST_MODES} modes lost": plant(without(LOST_MODES), {"missing-modes"}, {"lost modes"}, of_shares),
        f"1 mode at {THIN:.0%}": plant(with_first_mode(THIN), {"imbalance"}, {"thin modes"}, {"uneven"}, subtle=True),
        f"1 mode at {ALMOST_LOST:.0%}": plant(
            with_first_mode(ALMOST_LOST), {"imbalance"}, {"lost modes"}, of_shares, subtle=True
        ),
        "imbalance": plant(with_shares(skewed), {"imbalance"}, {"thin modes"}, {"uneven"}),
        "narrowed modes": plant(source.narrowed, {"shrunken-modes"}, {"narrow"}, {"uneven"}),
        "10 % junk": plant(with_junk, {"off-mode"}, {"not sharp"}, {"uneven"}),
        f"half copies of {FEW}": plant(half_repeated, {"duplicates"}, {"repeated"}, {"narrow", "uneven", "thin modes"}),
    }
    for few in REPEATS:
        faults[f"{few:,} repeated"] = repeated(source, few)
        faults[f"{few:,} repeated{JITTERED}"] = repeated(source, few, source.jittered)
    return faults


def repeated(source: Source, few: int, vary: Callable[[Tensor, int], Tensor] | None = None) -> Planted:
    """`few` samples, spread evenly over the modes and repeated equally often, each time varied if `vary` is given."""

    def draw_samples(count: int, draw: int) -> Tensor:
        samples = source.of_each(few, draw)[torch.arange(count) % few]
        return samples if vary is None else vary(samples, draw)

    faults: set[Fault] = {"duplicates"} if vary is None else {"altered-duplicates"}
    must: set[Word] = {"repeated"}
    may: set[Word] = {"narrow", "uneven"}
    if few < source.modes:
        faults.add("missing-modes")
        must.add("lost modes")
    if few < 10 * source.modes:  # one of so few samples may itself lie off its mode
        doubtful: set[Word] = {"lost modes", "thin modes", "not sharp"}
        may |= doubtful - must
    return plant(draw_samples, faults, must, may, subtle=few >= 1_000)
