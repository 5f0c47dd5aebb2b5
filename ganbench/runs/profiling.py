"""Profiling of runs: seconds by phase, and a detailed profile of some training steps."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch.profiler import ProfilerActivity, profile

T = TypeVar("T")

PROFILED = 3
"""The index of the profiled stretch of steps between snapshots; not the first ones, which select kernels and memory."""
PARTS = ("draws", "discriminator's updates", "generator's updates")
"""Parts of a step, as the trainer marks them."""
MICROSECOND = 1e-6


@dataclass
class StepProfile:
    """A detailed profile of a few training steps.

    Attributes:
        parts: seconds by part of a step (draws, critic, generator), on the CPU, which launches the work.
        operators: (seconds, calls) by operator, on the device that performs the work.
    """

    parts: dict[str, float] = field(default_factory=dict)
    operators: dict[str, tuple[float, int]] = field(default_factory=dict)

    def at(self, stretches: Iterator[T]) -> Iterator[T]:
        """Pass on the items of an iterator, and profile the computation of one of them."""
        for number in itertools.count():
            with profile(activities=_activities()) if number == PROFILED else nullcontext() as profiler:
                try:
                    item = next(stretches)
                except StopIteration:
                    return
            if profiler is not None:
                self._read(profiler)
            yield item

    def _read(self, profiler: profile) -> None:
        for event in profiler.key_averages():
            if event.is_user_annotation:
                if event.key in PARTS and event.cpu_time_total:
                    self.parts[event.key] = event.cpu_time_total * MICROSECOND
            else:
                self_time = event.self_device_time_total if torch.cuda.is_available() else event.self_cpu_time_total
                self.operators[event.key] = (self_time * MICROSECOND, event.count)


class RunProfile:
    """The time that a run takes: seconds by phase and, if wanted, a detailed profile of some training steps.

    Attributes:
        steps: the profile of training steps to fill in; None if none is wanted.
        seconds: seconds by phase; phases are not nested.
        accelerated: `yes` if training steps were replayed from a recording, or `no, because …`.
    """

    def __init__(self, steps: StepProfile | None = None) -> None:
        self.steps = steps
        self.seconds: dict[str, float] = {}
        self.accelerated = "no, because nothing was trained"

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the seconds spent in the context to a phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


def _activities() -> list[ProfilerActivity]:
    return [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
