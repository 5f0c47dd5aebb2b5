"""Live table of a sweep in the terminal, or plain lines if there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganbench.runs.sweep_status import GroupStatus

SHOWN = 12
"""The most groups that are shown at once."""
NARROW = 100
"""The width of a terminal below which bars are short, so that titles and facts wrap less."""
QUIET = 30.0
"""Seconds between two lines about the same group, if there is no terminal."""


class SweepTable:
    """Shows the status of groups as it changes."""

    def __init__(self, groups: Sequence[GroupStatus], console: Console) -> None:
        self._groups = groups
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._began = time.monotonic()
        self._seen = {_process(group) for group in groups}
        self._earlier = _work_done(groups)
        self._said_at = self._began

    def __enter__(self) -> SweepTable:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def refresh(self) -> None:
        """Refresh the table."""
        self._count_resumed()
        if self._live:
            table = overview(self._groups, self._console.width)
            self._live.update(Group(Text(self.summary()), table), refresh=True)  # a low screen cuts the table
        elif time.monotonic() - self._said_at > QUIET:
            at_work = next((group for group in self._groups if group.progress), None)
            if at_work is not None and at_work.progress is not None:
                progress = at_work.progress
                facts = f"step {progress.step:,}/{progress.steps:,}, {progress.speed:.0f} steps/s"
                self.say(f"  {_title(at_work)}: {seeds_done(at_work)}{facts}; {self.summary()}")

    def ended(self, group: GroupStatus, error: str) -> None:
        """Report that a block of a group has ended, with an error if it failed."""
        self.say(f"{_title(group)}: {f'failed: {error}' if error else group.words}; {self.summary()}")

    def say(self, line: str) -> None:
        self._said_at = time.monotonic()
        self._console.print(line, soft_wrap=True)

    def summary(self) -> str:
        """`3 of 24 groups done, 1 at work, 20 waiting, about 0:12:40 left`."""
        left = self._seconds_left()
        return counted(self._groups) + (f", about {clock(left)} left" if left else "")

    def _count_resumed(self) -> None:
        """Count the steps that new processes resumed from as done earlier: they say nothing about today's speed."""
        for group in self._groups:
            if group.progress is not None and _process(group) not in self._seen:
                self._seen.add(_process(group))
                self._earlier += group.work * group.share_resumed

    def _seconds_left(self) -> float | None:
        done = _work_done(self._groups) - self._earlier
        spent = time.monotonic() - self._began
        left = sum(group.work * group.share_left for group in self._groups)
        return spent / done * left if done > 0 and left > 0 else None


def overview(groups: Sequence[GroupStatus], width: int) -> Table:
    """Make a table of running groups, then failed, waiting and finished ones, at most `SHOWN` in all.

    Args:
        width: of the terminal; in a narrow one, titles and facts wrap at words.
    """
    shown = sorted(groups, key=lambda group: (not group.progress, not group.error, group.done))[:SHOWN]
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column()
    for group in shown:
        progress = group.progress
        bar = ProgressBar(total=1.0, completed=group.share_done, width=20 if width >= NARROW else 6)
        facts = group.words
        if progress is not None:
            left = progress.seconds_left
            facts = f"{seeds_done(group)}step {progress.step:,}/{progress.steps:,}  {progress.speed:.0f} steps/s"
            facts += f"  {clock(left)} left" if left is not None else ""
        elif group.error:
            facts = f"{seeds_done(group)}failed: {group.error}"
        table.add_row(Text(_title(group)), bar, Text(facts))
    if len(groups) > len(shown):
        table.add_row(Text(f"and {len(groups) - len(shown):,} more", style="dim"), "", "")
    return table


def counted(groups: Sequence[GroupStatus]) -> str:
    """Count the groups that are done, running, failed and waiting, and the runs of those that are partly done."""
    done = sum(group.done for group in groups)
    at_work = sum(group.progress is not None and not group.done for group in groups)
    failed = sum(bool(group.error) and group.progress is None and not group.done for group in groups)
    waiting = len(groups) - done - failed - at_work
    parts = {"at work": at_work, "failed": failed, "waiting": waiting}
    others = [f"{number} {word}" for word, number in parts.items() if number]
    runs = ""
    if any(group.seeds_done and not group.done for group in groups):
        runs_done = sum(len(group.seeds_done) for group in groups)
        runs = f" ({runs_done:,} of {sum(len(group.statuses) for group in groups):,} runs)"
    return ", ".join([f"{done} of {len(groups)} groups done{runs}", *others])


def seeds_done(group: GroupStatus) -> str:
    """`5 of 10 seeds done, `; empty before the first one."""
    return f"{len(group.seeds_done)} of {len(group.statuses)} seeds done, " if group.seeds_done else ""


def clock(seconds: float) -> str:
    """Format a duration: `0:05`, `1:02:03` or `14 days`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{round(hours / 24)} days"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _title(group: GroupStatus) -> str:
    return f"{group.title}  {group.difference}".strip()


def _process(group: GroupStatus) -> tuple[str, object, object]:
    """The process that trains a group's seeds, and when it began."""
    progress = group.progress
    return group.record.group_id, progress and progress.seeds, progress and progress.began


def _work_done(groups: Sequence[GroupStatus]) -> float:
    return sum(group.work * group.share_done for group in groups)
