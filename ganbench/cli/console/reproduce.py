"""Session of `ganbench reproduce`: train a run again, and print how its numbers agree."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from ganbench.cli.console.run_progress import Display, describe
from ganbench.cli.console.signals import signals
from ganbench.cli.console.terminal import Terminal
from ganbench.core.device import device_name, find_device, scoring_device
from ganbench.core.formatting import number
from ganbench.data import Data
from ganbench.runs.job import Observer
from ganbench.runs.reproduce import Agreement, Reproduction, reproduce, spec_of, threads_of
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import RunRecord
from ganbench.tracking.mlflow.client import find_run
from ganbench.tracking.store import Store

Reproduce = Callable[[RunRecord, torch.device, Data, Path, Observer, threading.Event], Reproduction | None]

SHOWN = 10
"""The most differences that are listed."""
WORDS = {
    "same": "The same: all {numbers:,} numbers came out bit for bit as they were tracked.",
    "close": "Close: {different:,} of {numbers:,} numbers differ, and every one of the first evaluation is within 2 %. "
    "Where machine, device or versions differ so does rounding, which training amplifies: later numbers are those of "
    "another run of the same kind.",
    "different": "Different: {different:,} of {numbers:,} numbers did not come out as they were tracked.",
}


def reproduce_session(run_id: str, *, device: str, store: Store) -> int:
    """Reproduce a run; return the exit status: 0 if its numbers are the same or close, else 1."""
    console = Terminal()
    experiment, record = find_run(store, run_id)
    origin = f"run {record.id} of experiment {experiment}"
    agreement = train_and_show(record, *spec_of(record), reproduce, origin, device, console)
    if isinstance(agreement, int):
        return agreement
    return 0 if agreement in ("same", "close") else 1


def train_and_show(
    record: RunRecord,
    spec: RunSpec,
    seeds: tuple[int, ...],
    reproduce: Reproduce,
    origin: str,
    device: str,
    console: Console,
) -> Agreement | int:
    """Train a run again and print how its numbers agree; return that, or an exit status if it was stopped.

    Args:
        reproduce: how to reproduce it; it depends on where its numbers come from.
        origin: words for that.
    """
    torch_device = _device_like(record, device)
    describe(spec, seeds, device_name(torch_device), f"{origin}, seed {record.seed}; nothing is tracked", console)
    data = spec.dataset.load(scoring_device(torch_device), say=console.print)
    with tempfile.TemporaryDirectory() as folder, signals() as stop, Display(spec, console) as display:
        reproduction = reproduce(record, torch_device, data, Path(folder), display, stop.event)
    if reproduction is None:
        return 128 + (stop.number or 0)
    _show(reproduction, console)
    return reproduction.agreement


def _device_like(record: RunRecord, device: str) -> torch.device:
    """Return the device to reproduce a run on; `auto` is the CPU if it was on one, with as many threads."""
    was_on_cpu = record.tags.get("device", "").startswith("cpu")
    torch_device = find_device("cpu" if device == "auto" and was_on_cpu else device)
    threads = threads_of(record)
    if torch_device.type == "cpu" and threads:
        torch.set_num_threads(threads)
    return torch_device


def _show(reproduction: Reproduction, console: Console) -> None:
    """Print what has changed around a run, the first numbers that differ, and how well the numbers agree."""
    console.print()
    for name, (was, now) in reproduction.surroundings.items():
        console.print(f"{name} was {was or 'not kept'}, is {now}", soft_wrap=True)
    differences = reproduction.differences
    if differences:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("step", "metric", "tracked", "again"):
            table.add_column(column, justify="left" if column == "metric" else "right")
        for difference in differences[:SHOWN]:
            values = ("–" if value is None else number(value) for value in (difference.tracked, difference.again))
            table.add_row(f"{difference.step:,}", difference.metric, *values)
        console.print(table)
        if len(differences) > SHOWN:
            console.print(f"and {len(differences) - SHOWN:,} more")
    words = WORDS[reproduction.agreement].format(numbers=reproduction.numbers, different=len(differences))
    console.print(words, soft_wrap=True)
