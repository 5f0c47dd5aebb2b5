"""The environment of a run, on which rounding depends: training amplifies the last bit.

A run that is resumed in another environment gets other numbers than an uninterrupted one, so it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch

from ganbench.core.device import device_name
from ganbench.runs.cores import own_cores

Environment = Mapping[str, str]
"""Device, threads, instructions and version, by name."""


def environment(device: torch.device) -> dict[str, str]:
    """The environment of this process, computing on a device."""
    version = {"torch": str(torch.__version__)}
    if device.type != "cpu":
        return {"device": device_name(device), **version}
    instructions = torch.backends.cpu.get_cpu_capability()
    return {"device": "cpu", "threads": str(torch.get_num_threads()), "instructions": instructions, **version}


def changes(environments: Sequence[Environment]) -> list[str]:
    """The differences between each environment and the next, in words: "threads 2 → 1"."""
    return [
        ", ".join(
            f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
            for name in {**before, **after}
            if before.get(name) != after.get(name)
        )
        for before, after in pairwise(environments)
    ]


@contextmanager
def same_threads(before: Environment, device: torch.device, say: Callable[[str], None]) -> Iterator[None]:
    """Compute with as many threads as an interrupted run did, if this process may use as many cores."""
    threads, now = before.get("threads", ""), torch.get_num_threads()
    if device.type != "cpu" or not threads.isdigit() or not 0 < int(threads) <= own_cores() or int(threads) == now:
        yield
        return
    say(f"resuming with {threads} CPU thread{'s' * (threads != '1')}, as before, not {now}: sums are rounded alike")
    torch.set_num_threads(int(threads))
    try:
        yield
    finally:
        torch.set_num_threads(now)
