"""Session of `ganbench reproduce`: the run that is trained again, and whether its numbers are the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from ganbench.cli.console.run_progress import Display, describe
from ganbench.cli.console.signals import signals
from ganbench.core.device import device_name, find_device
from ganbench.core.formatting import number
from ganbench.runs.reproduce import Reproduction, reproduce, spec_of, threads_of
from ganbench.tracking.mlflow.client import find_run
from ganbench.tracking.store import Store

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
    console = Console(markup=False, highlight=False)
    experiment, record = find_run(store, run_id)
    spec, together = spec_of(record)
    was_on_cpu = record.tags.get("device", "").startswith("cpu")
    found = find_device("cpu" if device == "auto" and was_on_cpu else device)
    threads = threads_of(record)
    if found.type == "cpu" and threads:
        torch.set_num_threads(threads)
    place = f"run {record.id} of experiment {experiment}, seed {record.seed}; nothing is tracked"
    describe(spec, together, device_name(found), place, console)
    data = spec.dataset.load(found, say=console.print)
    with tempfile.TemporaryDirectory() as folder, signals() as stop, Display(spec, console) as display:
        made = reproduce(record, found, data, Path(folder), display, stop.event)
    if made is None:
        return 128 + (stop.number or 0)
    _show(made, console)
    return 0 if made.verdict in ("same", "close") else 1


def _show(made: Reproduction, console: Console) -> None:
    console.print()
    for name, (was, now) in made.surroundings.items():
        console.print(f"{name} was {was or 'not kept'}, is {now}", soft_wrap=True)
    if made.differences:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("step", "metric", "tracked", "again"):
            table.add_column(column, justify="left" if column == "metric" else "right")
        for each in made.differences[:SHOWN]:
            values = ("–" if value is None else number(value) for value in (each.tracked, each.again))
            table.add_row(f"{each.step:,}", each.metric, *values)
        console.print(table)
        if len(made.differences) > SHOWN:
            console.print(f"and {len(made.differences) - SHOWN:,} more")
    words = WORDS[made.verdict].format(numbers=made.numbers, different=len(made.differences))
    console.print(words, soft_wrap=True)
