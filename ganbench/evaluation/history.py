"""The history of observations of one generator: as plain values for files, and the events in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ganbench.evaluation.collapse_detector import Event, detect
from ganbench.evaluation.observation import Observation, RealBaseline, SampleSummary

NAMED_MODES = 25
"""With more modes than this, modes are not named in events, and their shares are not tracked as numbers, but only in
the timeline.
"""


def to_plain(observation: Observation) -> dict[str, Any]:
    """An observation as plain values, in the form of checkpoints."""
    return {"step": observation.step, "sight": asdict(observation.summary), "critic": observation.critic}


def from_plain(values: Mapping[str, Any]) -> Observation:
    """Undo `to_plain`, also after plain values have been written as JSON, which has lists only."""
    sight = dict(values["sight"])
    for name in ("counts", "appearing"):
        if name in sight:
            sight[name] = tuple(sight[name])
    return Observation(values["step"], SampleSummary(**sight), values["critic"] and tuple(values["critic"]))


def events_in(
    observations: Sequence[Observation],
    baseline: RealBaseline,
    steps: float,
    mode_names: Sequence[str],
    divergence: Event | None = None,
) -> list[Event]:
    """The events in a history, in order, divergence included; modes have names in them unless there are very many.

    Args:
        steps: the budget, infinite if it is unknown: then a state that was never reached is no event.
        divergence: the event that ended the history, if one did.
    """
    names = mode_names if len(mode_names) <= NAMED_MODES else ()
    events = detect(observations, baseline, steps, names)
    return events if divergence is None else [*events, divergence]
