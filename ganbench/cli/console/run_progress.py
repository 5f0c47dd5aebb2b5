"""Progress of a run: a bar in the terminal, or plain lines if there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from statistics import median
from types import TracebackType

import torch
from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from ganbench.core.formatting import number
from ganbench.core.mode_words import with_noun
from ganbench.evaluation.scorer import Scores
from ganbench.runs.profiling import RunProfile
from ganbench.spec.run_spec import RunSpec
from ganbench.spec.train_spec import TrainSpec
from ganbench.training.trainer import Snapshot

OPERATORS = 12
"""Number of operators shown, those that take most time."""
NARROW = 80
"""Width of a terminal below which the bar is short."""
REFRESH = 0.5
"""Seconds between two readings of D(x) and D(G(z)), each of which synchronises with the device."""


def describe(spec: RunSpec, seeds: Sequence[int], device: str, store: str, console: Console, name: str = "") -> None:
    """Print the resolved spec in a few lines.

    Args:
        name: the method's name, if it has one.
        store: the store and experiment, in words.
    """
    train, evaluation = spec.train, spec.evaluation
    images = train.steps * spec.costs["images"]
    epochs = train.steps * train.n_critic * train.batch_size / spec.dataset.train_size
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()

    def options(component: Mapping[str, object]) -> str:
        return ", ".join(f"{key} {_plain(value)}" for key, value in component.items() if key != "name")

    penalties = "; ".join(f"{penalty.name} ({options(penalty.to_spec())})" for penalty in spec.penalties)
    if name:
        table.add_row("name", name)
    table.add_row("loss", f"{spec.loss.name} — {type(spec.loss).summary()} D gives a {spec.loss.output}.")
    table.add_row("penalty", penalties or "none")
    table.add_row("arch", f"{spec.arch.name} ({options(spec.arch.to_spec())})")
    if spec.wrappers:
        wrappers = "; ".join(f"{wrapper.name} ({options(wrapper.to_spec())})" for wrapper in spec.wrappers)
        table.add_row("discriminator", wrappers)
    table.add_row("data", f"{spec.dataset.name}, seeds {', '.join(map(str, seeds))}" + _together(seeds))
    table.add_row(
        "training",
        f"{train.steps:,} steps of {train.n_critic} discriminator and {train.n_generator} generator "
        f"update{'s' * (train.n_generator > 1)}, batch {train.batch_size}: {images:,} real images "
        f"({epochs:.3g} epochs of the discriminator)" + _extras(train),
    )
    table.add_row(
        train.optimizer,
        f"generator lr {train.generator_lr:g} betas {_plain(train.generator_betas)}, "
        f"discriminator lr {train.critic_lr:g} betas {_plain(train.critic_betas)}",
    )
    table.add_row(
        "scoring",
        f"protocol {spec.protocol_label}: {evaluation.quick_samples:,} samples every {evaluation.every:,} steps, "
        f"{evaluation.samples:,} at the end"
        + f", given up after {evaluation.patience} in collapse"
        * (evaluation.stop_on == "collapse"),
    )
    table.add_row("device", device)
    table.add_row("store", store)
    console.print(table)


def _extras(train: TrainSpec) -> str:
    """The training options that differ from their defaults."""
    named = ("pac", "unrolled", "ema", "instance_noise", "lr_decay")
    unusual = [name for name in named if getattr(train, name) != getattr(TrainSpec, name)]
    return "".join(f", {name} {getattr(train, name)}" for name in unusual)


def _together(seeds: Sequence[int]) -> str:
    return ", trained together" if len(seeds) > 1 else ""


def _plain(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def profile_tables(profile: RunProfile, total: float) -> Group:
    """Make tables of a run's time by phase and, within training, by part of a step and by operator.

    Args:
        total: seconds of the whole command; the part outside all phases is start-up and reading back.
    """
    phases = {**profile.seconds, "start-up and the rest": total - sum(profile.seconds.values())}
    tables = [_shares(f"where {total:.1f} s went", {name: (spent, None) for name, spent in phases.items()}, total)]
    steps = profile.steps
    if steps is not None and steps.parts:
        parts = {name: (spent, None) for name, spent in steps.parts.items()}
        tables.append(_shares("a training step", parts, sum(steps.parts.values())))
        largest = dict(sorted(steps.operators.items(), key=lambda item: -item[1][0])[:OPERATORS])
        operator_time = sum(spent for spent, _ in steps.operators.values())
        tables.append(_shares("its operators", largest, operator_time))
    return Group(*tables)


def memory_words(device: torch.device) -> str:
    """Describe the peak memory of the run: the device's if it is a GPU, else the process's."""
    if device.type == "cuda":
        return f"peak GPU memory: {torch.cuda.max_memory_allocated(device) / 1e6:,.0f} MB"
    try:
        import resource
    except ImportError:  # Windows
        return "peak memory: unknown"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6:,.0f} MB"


def _shares(title: str, rows: Mapping[str, tuple[float, int | None]], total: float) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    for column in ("", "ms", "share", "calls"):
        table.add_column(column, justify="right" if column else "left")
    for name, (seconds, calls) in rows.items():
        table.add_row(name, f"{1e3 * seconds:,.1f}", f"{seconds / total:.1%}", f"{calls:,}" if calls else "")
    return table


class Display:
    """Shows the progress of a run: the `Observer` of the command line."""

    def __init__(self, spec: RunSpec, console: Console) -> None:
        self._spec = spec
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20 if console.width >= NARROW else 8),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            _Speed(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
            _Facts(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=spec.train.steps, facts="")
        self._discriminator = ""
        self._scores = ""
        self._read_at = 0.0
        self._began = (time.monotonic(), 0)

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, seeds: Sequence[int], step: int) -> None:
        self._began = (time.monotonic(), step)
        label = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
        self._bar.reset(self._task, completed=step, description=label)
        if step:
            self.say(f"{label}: going on from step {step:,}")

    def progress(self, snapshot: Snapshot) -> None:
        now = time.monotonic()
        if self._console.is_terminal and snapshot.statistics and now - self._read_at > REFRESH:
            self._discriminator = _discriminator_facts(snapshot)
            self._read_at = now
        facts = "  ".join(filter(None, (self._discriminator, self._scores)))
        self._bar.update(self._task, completed=snapshot.step, facts=facts)
        if not self._console.is_terminal and snapshot.statistics and self._due(snapshot.step):
            self._line(snapshot, now)

    def scored(self, step: int, scores: Mapping[int, Scores]) -> None:
        if not scores:
            return
        first, case = next(iter(scores.values())), self._spec.case
        counts = {name for name, ceiling in first.ceilings.items() if ceiling == len(first.shares)}
        shown = [name for name in case.headline if name in first.values and name not in counts][:1]
        self._scores = "  ".join(f"{name} {number(median(_values(scores, name)))}" for name in shown)
        if case.mode_count is not None and case.mode_count in first.values:
            modes = sorted(map(int, _values(scores, case.mode_count)))
            span = str(modes[0]) if modes[0] == modes[-1] else f"{modes[0]}–{modes[-1]}"
            self._scores += f"  {with_noun(case.mode_count, self._spec.dataset.mode_word)} {span}/{len(first.shares)}"

    def say(self, line: str) -> None:
        self._bar.console.print(line, soft_wrap=True)

    def _due(self, step: int) -> bool:
        return step % self._spec.evaluation.every == 0 or step == self._spec.train.steps

    def _line(self, snapshot: Snapshot, now: float) -> None:
        since, first = self._began
        done = max(1, snapshot.step - first)
        speed = done / (now - since)
        left = (self._spec.train.steps - snapshot.step) / speed
        steps = self._spec.train.steps
        parts = [f"step {snapshot.step:>{len(str(steps))}}/{steps}", f"{speed:6.1f} steps/s", f"{_clock(left)} left"]
        line = "  ".join([*parts, _discriminator_facts(snapshot), self._scores])
        self.say(line if len(line) <= self._console.width else "  ".join([*parts, self._scores]))


def _discriminator_facts(snapshot: Snapshot) -> str:
    real, fake = (snapshot.statistics[name].median().item() for name in ("critic_real", "critic_fake"))
    return f"D(x) {real:.2f}  D(G(z)) {fake:.2f}"


def _values(scores: Mapping[int, Scores], metric: str) -> list[float]:
    return [seed_scores.values[metric] for seed_scores in scores.values()]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


class _Speed(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} steps/s" if task.speed else "", style="progress.data.speed")


class _Facts(ProgressColumn):
    """Facts about the networks, cut where the line ends, so that the bar never wraps."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["facts"], no_wrap=True, overflow="ellipsis")
