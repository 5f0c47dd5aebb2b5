"""Session of `ganbench sweep`: the missing runs, their progress, and the outcome."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from rich.console import Console

from ganbench.cli.console.signals import signals
from ganbench.cli.console.sweep_table import SweepTable, clock, counted, overview
from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.data import Dataset
from ganbench.results.compare import compare
from ganbench.results.export import Export
from ganbench.results.loading import load_results
from ganbench.results.report.tables import render
from ganbench.results.views import final_scores
from ganbench.runs.executors import Executor
from ganbench.runs.progress import read_progress
from ganbench.runs.sweep_status import GroupStatus, group_statuses
from ganbench.runs.task import Task, TaskResult
from ganbench.runs.time_estimate import estimates
from ganbench.spec.sweep_spec import Sweep
from ganbench.tracking.spool import leftovers, not_delivered, open_tracker, tracked_statuses
from ganbench.tracking.store import Store

NAMED = 3
"""The most groups that are named if several failed for the same reason."""
TICK = 0.5
"""Seconds between two updates of running groups."""
BUSY_PAUSE = 2.0
"""Seconds before retrying a group that another process is running."""


def sweep_session(
    sweep: Sweep,
    executor: Executor,
    *,
    device: str,
    experiment: str,
    store: Store,
    plugins: Sequence[str],
    until: float = math.inf,
    export: Export | None = None,
) -> int:
    """Run what is missing; return the exit status: 0, 1 if something failed, 128 + the signal if one stopped the sweep.

    Args:
        until: when to stop (`time.monotonic`); tasks running then end with a checkpoint.
        export: stores results and checkpoints outside the store; runs finished there are not repeated.
    """
    console = Console(markup=False, highlight=False)
    console.print(f"{sweep.question}\n" if sweep.question else "", end="", soft_wrap=True)
    tracked = dict(open_tracker(store, experiment).statuses())
    if export is not None:
        tracked = export.statuses() | tracked
        export.restore()
    standing = {each.spec.group_id: each for each in group_statuses(sweep, tracked, store, experiment)}
    missing = [each for each in standing.values() if not each.done]
    console.print(
        f"{len(sweep.specs)} groups of {len(sweep.seeds)} seeds, "
        + f"budget {sweep.budget}, " * bool(sweep.budget)
        + f"experiment {experiment}; {len(missing)} groups to do, {executor.jobs} at once, on {device}",
        soft_wrap=True,
    )
    for dataset in dict.fromkeys(each.spec.dataset for each in missing):
        _fetch(dataset, console)
    tasks = {
        each.spec.group_id: Task(
            each.spec.group_id, each.spec.to_dict(), sweep.seeds, experiment, store.uri, device, plugins
        )
        for each in missing
    }
    try:
        with signals() as stop, SweepTable(list(standing.values()), console) as table:
            for task in tasks.values():
                executor.submit(task)
            left = set(tasks)
            again: list[tuple[float, Task]] = []
            stopping = late = False
            while left:
                for outcome in executor.wait(TICK):
                    group = standing[outcome.group]
                    if outcome.busy and not stopping:
                        again.append((time.monotonic() + BUSY_PAUSE, tasks[outcome.group]))
                        continue
                    left.discard(outcome.group)
                    _note(group, outcome)
                    table.ended(group)
                    if export is not None:
                        export.write(list(standing))
                late = time.monotonic() >= until
                if (stop.event.is_set() or late) and not stopping:
                    stopping = True
                    left &= executor.stop()
                if not stopping:
                    for _, task in [each for each in again if each[0] <= time.monotonic()]:
                        executor.submit(task)
                    again = [each for each in again if each[0] > time.monotonic()]
                for name in left:
                    standing[name].progress = read_progress(store.checkpoints(experiment, name))
                table.refresh()
    finally:
        executor.close()
    failed = [each for each in standing.values() if each.error]
    for error in dict.fromkeys(each.error for each in failed):
        names = [f"{each.spec.title}  {each.told}".strip() for each in failed if each.error == error]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        console.print(f"failed: {'; '.join(names[:NAMED])}{more}\n   {error}", style="red", soft_wrap=True)
    if stop.number is not None:
        console.print(f"stopped; {counted(list(standing.values()))}. Run the same command again to resume.")
        return 128 + stop.number
    if not all(each.done for each in standing.values()) and late:
        console.print(f"the time is up; {counted(list(standing.values()))}. Run the same command again to resume.")
    kept = leftovers(store, experiment)
    if kept:
        console.print(not_delivered(kept, store), soft_wrap=True)
        return 1
    _compare(store, experiment, console)
    if failed:
        console.print("\nRun the same command again to retry what failed.")
    return 1 if failed else 0


def dry_run_session(sweep: Sweep, *, device: str, experiment: str, store: Store) -> None:
    """Show the groups that would be trained, which of them are done, and an estimate of the remaining time."""
    console = Console(markup=False, highlight=False)
    tracked = tracked_statuses(store, experiment)
    found = group_statuses(sweep, tracked, store, experiment)
    console.print(f"{sweep.question}\n" if sweep.question else "", end="", soft_wrap=True)
    total = 0.0
    for standing, seconds in estimates(found, find_device(device), say=console.print):
        total += seconds
        took = "done" if standing.done else f"about {clock(seconds)}"
        spec = standing.spec
        console.print(
            f"{spec.group_id}  {spec.title}, {spec.train.steps:,} steps  {standing.told}  {took}", soft_wrap=True
        )
    runs = f"{len(found)} groups of {len(sweep.seeds)} seeds, {len(found) * len(sweep.seeds):,} runs"
    console.print(
        f"{runs}, in experiment {experiment}: about {clock(total)} in all, one group after another and without "
        f"tracking, by a short probe on this machine",
        soft_wrap=True,
    )


def status_session(sweep: Sweep, *, experiment: str, store: Store) -> int:
    """Show the status of a sweep; return the exit status: 0 if all is done, else 1."""
    console = Console(markup=False, highlight=False)
    tracked = tracked_statuses(store, experiment)
    found = group_statuses(sweep, tracked, store, experiment)
    console.print(overview(found))
    console.print(f"{counted(found)}, in experiment {experiment}")
    return 0 if all(each.done for each in found) else 1


def _note(standing: GroupStatus, outcome: TaskResult) -> None:
    standing.progress = None
    standing.error = outcome.error
    standing.statuses |= outcome.statuses


def _fetch(dataset: Dataset, console: Console) -> None:
    """Load the data into the cache before several processes need them."""
    if dataset.finite:
        dataset.load(torch.device("cpu"), say=console.print)


def _compare(store: Store, experiment: str, console: Console) -> None:
    try:
        table = load_results(store, experiment).table
    except GanbenchError as error:
        console.print(f"nothing to compare: {error}")
        return
    if final_scores(table).empty:
        return
    console.print()
    console.print(render(compare(table), "table"), soft_wrap=True)
    console.print(f"\nNext: ganbench report --experiment {experiment}", style="dim")
