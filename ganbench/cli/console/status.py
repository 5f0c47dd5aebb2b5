"""Sessions of `ganbench status`: the groups of a sweep, or of several what is done, what it cost and what is left.

Nothing here imports torch, which would take longer than the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ganbench.cli.console.sweep_table import clock, counted, overview
from ganbench.cli.console.terminal import Terminal
from ganbench.core.errors import GanbenchError
from ganbench.results.loading import load_results
from ganbench.results.views import runs
from ganbench.runs.sweep_status import GroupStatus, group_statuses
from ganbench.spec.sweep_plan import SweepPlan
from ganbench.tracking.metric_names import SECONDS
from ganbench.tracking.spool import tracked_statuses
from ganbench.tracking.store import Store


def status_session(plan: SweepPlan, *, experiment: str, store: Store) -> int:
    """Show the status of a sweep; return the exit status: 0 if all is done, else 1."""
    console = Terminal()
    groups = group_statuses(plan, tracked_statuses(store, experiment), store, experiment)
    console.print(overview(groups, console.width))
    console.print(f"{counted(groups)}, in experiment {experiment}", soft_wrap=True)
    return 0 if all(group.done for group in groups) else 1


def studies_session(plans: Sequence[tuple[SweepPlan, str]], *, store: Store) -> int:
    """Show the status of experiments, each with its name in the store; return 0 if all is done, else 1."""
    console = Terminal()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("experiment", "groups", "runs", "trained", "left"):
        table.add_column(heading, justify="left" if heading == "experiment" else "right", overflow="fold")
    done = True
    for plan, experiment in plans:
        groups = group_statuses(plan, tracked_statuses(store, experiment), store, experiment)
        finished = [group for group in groups if group.done]
        done = done and len(finished) == len(groups)
        trained = _seconds(store, experiment)
        table.add_row(
            Text(experiment),
            f"{len(finished)} of {len(groups)}",
            f"{sum(len(group.seeds_done) for group in groups):,} of {sum(len(group.statuses) for group in groups):,}",
            clock(trained) if trained else "",
            _left(groups, trained),
        )
    console.print(table)
    console.print(
        "trained: time in training, of all seeds; left: the same, from the speed so far. "
        "A file instead of the folder shows its groups.",
        soft_wrap=True,
    )
    return 0 if done else 1


def _seconds(store: Store, experiment: str) -> float:
    """Seconds of training, over all runs of an experiment; 0 if it has none."""
    try:
        table = load_results(store, experiment, metrics=(SECONDS,)).table
    except GanbenchError:
        return 0.0
    return float(runs(table)["seconds"].sum())


def _left(groups: Sequence[GroupStatus], trained: float) -> str:
    """Estimate the time that is left from that of the finished runs, in proportion to their work."""
    work_done = sum(group.work * len(group.seeds_done) / len(group.statuses) for group in groups)
    work_left = sum(group.work * group.share_left for group in groups)
    if not work_left:
        return "done"
    return f"about {clock(trained / work_done * work_left)}" if work_done and trained else "not known yet"
