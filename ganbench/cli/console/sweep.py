"""Session of `ganbench sweep`: the missing runs, their progress, and the outcome."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence

import torch
from rich.console import Console

from ganbench.cli.console.signals import signals
from ganbench.cli.console.sweep_table import SweepTable, clock, counted, seeds_done
from ganbench.cli.console.terminal import Terminal
from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.data import Dataset
from ganbench.results.compare import compare
from ganbench.results.export import Export
from ganbench.results.loading import load_results
from ganbench.results.report.tables import render
from ganbench.results.views import final_scores
from ganbench.runs.block_queue import BlockQueue
from ganbench.runs.executors import Executor
from ganbench.runs.progress import read_progress
from ganbench.runs.run import close_finished_groups
from ganbench.runs.sweep_status import GroupStatus, group_statuses
from ganbench.runs.task import Task, TaskResult
from ganbench.runs.time_estimate import estimates
from ganbench.spec.sweep_spec import Sweep
from ganbench.tracking.annotations import annotation_tags
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.spool import leftovers, not_delivered, open_tracker, tracked_statuses
from ganbench.tracking.store import Store
from ganbench.tracking.update_annotations import update_annotations

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
    console = Terminal()
    console.print(f"{sweep.question}\n" if sweep.question else "", end="", soft_wrap=True)
    tracked = dict(open_tracker(store, experiment).statuses())
    update_annotations(store, experiment, sweep.annotations)
    if export is not None:
        export.annotate(sweep.annotations)
        tracked = export.statuses() | tracked
        export.restore()
    groups = {group.record.group_id: group for group in group_statuses(sweep.plan, tracked, store, experiment)}
    missing = [group for group in groups.values() if not group.done]
    finished = {group_id: store.checkpoints(experiment, group_id) for group_id, group in groups.items() if group.done}
    runs = {
        group_id: {seed: groups[group_id].record.run_id(seed) for seed in groups[group_id].statuses}
        for group_id in finished
    }
    close_finished_groups(finished, runs, MlflowTracker(store, experiment))
    specs = {spec.group_id: spec for spec in sweep.specs}
    console.print(
        f"{_size(sweep)}, "
        + f"budget {sweep.budget}, " * bool(sweep.budget)
        + f"experiment {experiment}; {len(missing)} groups to do, {executor.jobs} at once, on {device}",
        soft_wrap=True,
    )
    for dataset in dict.fromkeys(specs[group.record.group_id].dataset for group in missing):
        _fetch(dataset, console)
    queue = BlockQueue({group.record.group_id: group.missing for group in missing})
    tasks: dict[str, Task] = {}

    def submit_blocks() -> None:
        for group_id, seeds in queue.take(tasks).items():
            tasks[group_id] = Task(
                group_id,
                specs[group_id].to_dict(),
                seeds,
                experiment,
                store.uri,
                device,
                plugins,
                annotation_tags(sweep.annotations[group_id]),
            )
            executor.submit(tasks[group_id])

    try:
        with signals() as stop, SweepTable(list(groups.values()), console) as table:
            submit_blocks()
            retries: list[tuple[float, Task]] = []
            stopping = late = False
            while tasks:
                ended = False
                for result in executor.wait(TICK):
                    if result.busy and not stopping:
                        retries.append((time.monotonic() + BUSY_PAUSE, tasks[result.group]))
                        continue
                    ended = True
                    _record_result(groups[result.group], tasks.pop(result.group), result)
                    table.ended(groups[result.group], result.error)
                late = time.monotonic() >= until
                if (stop.event.is_set() or late) and not stopping:
                    stopping = True
                    running = executor.stop()
                    for group_id in tasks.keys() - running:
                        del tasks[group_id]
                if not stopping:
                    now = time.monotonic()
                    for due, task in retries:
                        if due <= now:
                            executor.submit(task)
                    retries = [(due, task) for due, task in retries if due > now]
                    submit_blocks()
                if ended and export is not None:
                    export.write(list(groups))
                for group_id in tasks:
                    groups[group_id].progress = read_progress(store.checkpoints(experiment, group_id))
                table.refresh()
    finally:
        executor.close()
    failed = [group for group in groups.values() if group.error]
    for error in dict.fromkeys(group.error for group in failed):
        names = [f"{group.title}  {group.difference}".strip() for group in failed if group.error == error]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        console.print(f"failed: {'; '.join(names[:NAMED])}{more}\n   {error}", style="red", soft_wrap=True)
    if stop.number is not None:
        _say_stopped("stopped", groups.values(), console)
        return 128 + stop.number
    if late and not all(group.done for group in groups.values()):
        _say_stopped("the time is up", groups.values(), console)
    undelivered = leftovers(store, experiment)
    if undelivered:
        console.print(not_delivered(undelivered, store), soft_wrap=True)
        return 1
    _compare(store, experiment, console)
    if failed:
        console.print("\nRun the same command again to retry what failed.")
    return 1 if failed else 0


def dry_run_session(sweep: Sweep, *, device: str, experiment: str, store: Store) -> None:
    """Show the groups that would be trained, which of them are done, and an estimate of the remaining time."""
    console = Terminal()
    tracked = tracked_statuses(store, experiment)
    groups = group_statuses(sweep.plan, tracked, store, experiment)
    console.print(f"{sweep.question}\n" if sweep.question else "", end="", soft_wrap=True)
    total = next_block = 0.0
    next_number = min((number for group in groups for number in group.missing), default=0)
    for group, seconds in estimates(groups, find_device(device), say=console.print):
        total += seconds
        if next_number in group.missing:
            next_block += seconds * len(group.missing[next_number]) / sum(map(len, group.missing.values()))
        time_left = "done" if group.done else f"{seeds_done(group)}about {clock(seconds)}"
        spec = group.spec
        console.print(
            f"{spec.group_id}  {group.title}, {spec.train.steps:,} steps  {group.difference}  {time_left}",
            soft_wrap=True,
        )
    runs = f"{_size(sweep)}, {len(groups) * len(sweep.seeds):,} runs"
    of_next_block = f", {clock(next_block)} for the next block of seeds" * (len(sweep.blocks) > 1)
    console.print(
        f"{runs}, in experiment {experiment}: about {clock(total)} in all{of_next_block}, one group after another and "
        f"without tracking, by a short probe on this machine",
        soft_wrap=True,
    )


def _size(sweep: Sweep) -> str:
    """`24 groups of 10 seeds`, with the size of their blocks if there are several."""
    blocks = f" in blocks of {sweep.block}" if len(sweep.blocks) > 1 else ""
    return f"{len(sweep.specs)} groups of {len(sweep.seeds)} seeds{blocks}"


def _record_result(group: GroupStatus, task: Task, result: TaskResult) -> None:
    group.progress = None
    group.statuses |= result.statuses
    if result.error:
        group.error = result.error
        group.failed |= set(task.seeds)


def _say_stopped(reason: str, groups: Iterable[GroupStatus], console: Console) -> None:
    console.print(f"{reason}; {counted(list(groups))}. Run the same command again to resume.", soft_wrap=True)


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
    console.print(render(compare(table), "table", console.width), soft_wrap=True)
    console.print(f"\nNext: ganbench report --experiment {experiment}", style="dim")
