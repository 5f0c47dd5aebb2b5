"""Session of `ganbench sweep`: the missing runs, their progress, and the outcome."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from rich.console import Console

from ganbench.cli.console.signals import signals
from ganbench.cli.console.sweep_table import SweepTable, clock, counted, seeds_done
from ganbench.cli.console.terminal import Terminal
from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.results.compare import compare
from ganbench.results.export import Export
from ganbench.results.loading import load_results
from ganbench.results.report.tables import render
from ganbench.results.views import final_scores
from ganbench.runs.cores import divide, own_cores, own_memory
from ganbench.runs.executors import Executor
from ganbench.runs.sweep import SweepJob, train_missing
from ganbench.runs.sweep_status import GroupStatus, group_statuses
from ganbench.runs.time_estimate import estimates, time_of_all
from ganbench.spec.sweep_spec import Sweep
from ganbench.tracking.spool import leftovers, not_delivered, open_tracker, tracked_statuses
from ganbench.tracking.store import Store
from ganbench.tracking.update_annotations import update_annotations

NAMED = 3
"""The most groups that are named if several failed for the same reason."""


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
    job = SweepJob(sweep, experiment, store, device, plugins)
    groups = job.groups(tracked)
    missing = [group for group in groups.values() if not group.done]
    console.print(
        f"{_size(sweep)}, "
        + f"budget {sweep.budget}, " * bool(sweep.budget)
        + f"experiment {experiment}; {len(missing)} groups to do, {executor.jobs} at once, on {device}",
        soft_wrap=True,
    )
    job.load_data(missing, console.print)

    def write_export() -> None:
        if export is not None:
            export.write(list(groups))

    with signals() as stop, SweepTable(list(groups.values()), console) as table:
        late = train_missing(job, groups, executor, table, stop.event, until, write_export)
    failed = [group for group in groups.values() if group.error]
    for error in dict.fromkeys(group.error for group in failed):
        names = [f"{group.title}  {group.difference}".strip() for group in failed if group.error == error]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        console.print(f"failed: {'; '.join(names[:NAMED])}{more}\n   {error}", style="red", soft_wrap=True)
    if stop.number is not None:
        _say_stopped("stopped", groups.values(), console)
        return 128 + stop.number
    if late:
        _say_stopped("the time is up", groups.values(), console)
    undelivered = leftovers(store, experiment)
    if undelivered:
        console.print(not_delivered(undelivered, store), soft_wrap=True)
        return 1
    _compare(store, experiment, console)
    if failed:
        console.print("\nRun the same command again to retry what failed.")
    return 1 if failed else 0


def dry_run_session(
    sweep: Sweep,
    *,
    device: str,
    experiment: str,
    store: Store,
    jobs: int | None = None,
    threads: int | None = None,
) -> None:
    """Show the groups that would be trained, which of them are done, and an estimate of the remaining time."""
    console = Terminal()
    kind = find_device(device)
    at_once = 1
    if kind.type == "cpu":
        cores, memory = own_cores(), own_memory()
        at_once, threads = divide(jobs, threads, cores=cores, memory=memory, groups=len(sweep.specs))
        torch.set_num_threads(threads)
    tracked = tracked_statuses(store, experiment)
    groups = group_statuses(sweep.plan, tracked, store, experiment)
    console.print(f"{sweep.question}\n" if sweep.question else "", end="", soft_wrap=True)
    all_times, next_times = list[float](), list[float]()
    next_number = min((number for group in groups for number in group.missing), default=0)
    for group, seconds in estimates(groups, kind, say=console.print):
        all_times.append(seconds)
        if next_number in group.missing:
            next_times.append(seconds * len(group.missing[next_number]) / sum(map(len, group.missing.values())))
        time_left = "done" if group.done else f"{seeds_done(group)}about {clock(seconds)}"
        spec = group.spec
        console.print(
            f"{spec.group_id}  {group.title}, {spec.train.steps:,} steps  {group.difference}  {time_left}",
            soft_wrap=True,
        )
    runs = f"{_size(sweep)}, {len(groups) * len(sweep.seeds):,} runs"
    turns = f"{at_once} groups at once" if at_once > 1 else "one group after another"
    next_block = clock(time_of_all(next_times, at_once))
    of_next_block = f", {next_block} for the next block of seeds" * (len(sweep.blocks) > 1)
    console.print(
        f"{runs}, in experiment {experiment}: about {clock(time_of_all(all_times, at_once))} in all{of_next_block}, "
        f"{turns} and without tracking, by a short probe on this machine",
        soft_wrap=True,
    )


def _size(sweep: Sweep) -> str:
    """`24 groups of 10 seeds`, with the size of their blocks if there are several."""
    blocks = f" in blocks of {sweep.block}" if len(sweep.blocks) > 1 else ""
    return f"{len(sweep.specs)} groups of {len(sweep.seeds)} seeds{blocks}"


def _say_stopped(reason: str, groups: Iterable[GroupStatus], console: Console) -> None:
    console.print(f"{reason}; {counted(list(groups))}. Run the same command again to resume.", soft_wrap=True)


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
