"""The interface of real data that a monitor compares samples with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.mode_states import STATES
from ganbench.core.verdict import Verdict
from ganbench.evaluation.observation import RealBaseline, SampleSummary
from ganbench.evaluation.protocols import MIN_SAMPLES


@dataclass(frozen=True)
class Measurement:
    """A set of samples beside real data.

    Attributes:
        summary: what the collapse detector sees.
        verdict: sharpness, modes and variety.
        numbers: scores and what stands beside them, by name; those that are undefined are left out.
    """

    summary: SampleSummary
    verdict: Verdict
    numbers: Mapping[str, float]


class RealData(Protocol):
    """Real data that samples are compared with.

    Attributes:
        samples: number of samples that are measured each time.
        mode_names, mode_shares: of the modes in real data, [K]; a single one where modes aren't known.
        mode_word: the plural noun for modes.
        identity: all that the numbers depend on, as plain values: states with another one can't be continued.
        reading: what was found out about the form of samples, as plain values: part of a monitor's state.
    """

    samples: int
    mode_names: Sequence[str]
    mode_shares: Sequence[float]
    mode_word: str
    identity: Mapping[str, str]
    reading: dict[str, str]

    @property
    def baseline(self) -> RealBaseline:
        """The summaries of equally many real samples."""

    def read(self, fake: object) -> Tensor:
        """Generated samples in the form that `measure` takes, `samples` of them.

        Raises:
            GanbenchError: wrong type, shape or range, or too few samples.
        """

    def measure(self, fake: Tensor) -> Measurement:
        """Samples beside real data."""


def check_enough(count: int, samples: int) -> None:
    """Raise GanbenchError if there are fewer samples than are measured each time."""
    if count < samples:
        raise GanbenchError(
            f"{count:,} samples are too few: give {samples:,} each time, or say another number (at least "
            f"{MIN_SAMPLES}) with samples="
        )


def numbers_of(numbers: Mapping[str, float], verdict: Verdict) -> dict[str, float]:
    """Numbers with those of a verdict, without undefined ones."""
    of_verdict = {f"verdict/{name}": measured.value for name, measured in verdict.measured.items()}
    if verdict.states is not None:
        of_verdict |= {f"verdict/{state.replace(' ', '_')}": len(verdict.of_state(state)) for state in STATES}
    every = {**numbers, **of_verdict}
    return {name: float(value) for name, value in every.items() if math.isfinite(value)}
