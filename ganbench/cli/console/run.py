"""Session of `ganbench run`: describe the spec, train, show progress, and print the outcome."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ganbench.cli.console.run_progress import describe, memory_words, profile_tables
from ganbench.cli.console.terminal import Terminal, relative
from ganbench.cli.console.train_job import train_job
from ganbench.core.device import device_name
from ganbench.runs.asked_job import asked_job
from ganbench.runs.profiling import RunProfile, StepProfile
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking.annotations import NAME_TAG
from ganbench.tracking.store import Store, find_store


def run_session(
    spec: RunSpec,
    seeds: tuple[int, ...],
    *,
    device: str,
    experiment: str,
    store: str | None,
    force: bool,
    metrics: Sequence[str] = (),
    keep: str | None = None,
    name: str | None = None,
    accelerated: bool = True,
    profiled_since: float | None = None,
) -> int:
    """Run, and return the exit status: 0, 1 if every seed diverged, 128 + the signal if one stopped the run.

    Args:
        metrics: metrics outside the protocol, for the final samples.
        keep: `best:METRIC`, to keep the weights of the best evaluation as well.
        name: the method's name in tables and pictures.
        accelerated: whether training steps may be recorded and replayed.
        profiled_since: the start time of the command (`time.perf_counter`), to print a profile; None for no profile.
    """
    console = Terminal()
    run_store = find_store(store)
    profile = RunProfile(StepProfile() if profiled_since is not None else None)
    job = asked_job(
        spec,
        seeds,
        device=device,
        experiment=experiment,
        store=run_store,
        force=force,
        metrics=metrics,
        keep=keep,
        name=name,
        accelerated=accelerated,
        profile=profile,
    )
    where = f"{_address(run_store)}, experiment {experiment}"
    describe(spec, seeds, device_name(job.device), where, console, job.tags.get(NAME_TAG, ""))
    trained = train_job(job, run_store, experiment, console)
    if trained.undelivered:
        console.print(trained.undelivered, soft_wrap=True)
        return 1
    from ganbench.cli.console.run_outcome import show_outcome  # imported late: pandas isn't needed before training

    show_outcome(spec, seeds, run_store, experiment, console, dict(zip(job.extra_metrics, metrics, strict=True)))
    if profiled_since is not None:
        console.print()
        console.print(f"accelerated: {profile.accelerated}", soft_wrap=True)
        console.print(memory_words(job.device))
        console.print(profile_tables(profile, time.perf_counter() - profiled_since))
    statuses = set(trained.statuses.values())
    if trained.signal is not None and "stopped" in statuses:
        return 128 + trained.signal
    return 1 if statuses == {"diverged"} else 0


def _address(store: Store) -> str:
    """The URI of a store on a server, or the path of a local one."""
    return relative(store.folder) if store.local else store.label
