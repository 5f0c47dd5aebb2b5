"""Public functions that train: the twins of `ganbench run` and `ganbench sweep`."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ganbench.cli.console.signals import signals
from ganbench.cli.console.sweep_table import SweepTable
from ganbench.cli.console.terminal import Terminal
from ganbench.cli.console.train_job import train_job
from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.core.experiment_files import find_experiment
from ganbench.core.settings import allowed, merge, parse_component, parse_components, parse_seeds
from ganbench.results.read_results import load_results
from ganbench.runs.asked_job import asked_job
from ganbench.runs.executors import choose
from ganbench.runs.sweep import SweepJob, train_missing
from ganbench.spec.asked import read_asked_sweep, resolve_asked
from ganbench.tracking.spool import leftovers, not_delivered, open_tracker
from ganbench.tracking.store import EXPERIMENT, find_store
from ganbench.tracking.update_annotations import update_annotations

Device = Literal["auto", "cpu", "cuda", "mps"]
Component = str | Mapping[str, object]
"""A component by its name, with options as in "gp:weight=10" or {"name": "gp", "weight": 10}."""
File = str | os.PathLike[str]


def run(
    loss: Component | None = None,
    arch: Component | None = None,
    *,
    dataset: Component | None = None,
    penalty: Component | Sequence[Component] | None = None,
    wrapper: Component | Sequence[Component] | None = None,
    protocol: Component | None = None,
    seeds: int | str | Sequence[int] = 0,
    steps: float | str | None = None,
    epochs: float | None = None,
    images: float | str | None = None,
    batch_size: int | None = None,
    options: Mapping[str, object] | None = None,
    config: File | None = None,
    name: str | None = None,
    metrics: Sequence[str] = (),
    keep: str | None = None,
    plugins: Sequence[File] = (),
    device: Device = "auto",
    experiment: str = EXPERIMENT,
    store: File | None = None,
    force: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Train a GAN on one or more seeds, score it, and return its results as `load_results` does.

    What you don't set comes from the loss's paper, then from defaults. Seeds that are finished already are not trained
    again, and an interrupted run is resumed. A seed that diverged is a row with that status, not an error. Ctrl-C ends
    training with a checkpoint.

    Args:
        penalty: one or several, as in "r1 + r2" or ["r1", "r2"]; "none" for none.
        wrapper: changes to the discriminator, written likewise.
        seeds: seeds to train together: 3, [0, 1, 2] or "0-2".
        steps: budget in steps; give one budget at most.
        epochs: budget in passes of the discriminator over the data.
        images: budget in real images; "400k" and "10M" are understood here, too.
        options: any other options of the spec by their names, as in {"train.n_generator": 5}.
        config: TOML file of settings, which the arguments override.
        name: the method's name in tables and pictures, in place of the options in which it differs.
        metrics: metrics outside the protocol, for the final samples.
        keep: "best:METRIC" to keep the generator of the evaluation at which a metric was best, for `sample`.
        plugins: Python files with components of your own.
        experiment: name of the experiment in which runs are tracked.
        store: folder or MLflow tracking URI; by default $MLFLOW_TRACKING_URI, or else ./mlruns-ganbench.
        force: whether to repeat runs that are finished.
        progress: whether to show progress.

    Raises:
        GanbenchError: a name or value is unknown or wrong, another process is running the same seeds, or results
            couldn't be delivered to the tracking server.
    """
    settings = _components({"loss": loss, "arch": arch, "dataset": dataset, "protocol": protocol})
    for kind, written in (("penalty", penalty), ("wrapper", wrapper)):
        if written is not None:
            settings[kind] = _component_list(written)
    train_options = {"steps": steps, "epochs": epochs, "images": images, "batch_size": batch_size}
    settings["train"] = {name: value for name, value in train_options.items() if value is not None}
    spec = resolve_asked(
        merge([settings, *(_assignment(name, value) for name, value in (options or {}).items())]),
        None if config is None else Path(config),
        [Path(file) for file in plugins],
    )
    seed_numbers = _seed_numbers(seeds)
    run_store = find_store(None if store is None else os.fspath(store))
    job = asked_job(
        spec,
        seed_numbers,
        device=device,
        experiment=experiment,
        store=run_store,
        force=force,
        metrics=metrics,
        keep=keep,
        name=name,
    )
    trained = train_job(job, run_store, experiment, Terminal(quiet=not progress))
    if trained.undelivered:
        raise GanbenchError(trained.undelivered)
    if trained.signal is not None:
        raise KeyboardInterrupt
    return _results_of({spec.run_id(seed) for seed in seed_numbers}, experiment, run_store.uri)


def sweep(
    file: File,
    *,
    budget: str | None = None,
    where: Mapping[str, object] | None = None,
    seeds: int | str | Sequence[int] | None = None,
    jobs: int | None = None,
    threads: int | None = None,
    minutes: float | None = None,
    plugins: Sequence[File] = (),
    device: Device = "auto",
    experiment: str | None = None,
    store: File | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Train every combination of an experiment file that isn't finished, and return the results of all.

    Args:
        file: the file, or the name of an experiment that comes with ganbench.
        budget: a budget from the file; by default the first.
        where: what to keep, as in {"loss": "minimax", "train.pac": [1, 2]}.
        seeds: seeds to use instead of the experiment's.
        jobs: groups to train at once, each in its own process; by default one per GPU, or one per core, if memory
            allows.
        threads: CPU threads of each process; another number changes the last digits of results.
        minutes: when to stop; groups in progress save a checkpoint, and the next call resumes them.
        plugins: Python files with components of your own.
        experiment: name of the experiment in which runs are tracked; by default that of the file and the budget.
        store: folder or MLflow tracking URI; by default $MLFLOW_TRACKING_URI, or else ./mlruns-ganbench.
        progress: whether to show progress.

    Raises:
        GanbenchError: the file is no experiment, a name or value is unknown or wrong, a group failed (the others were
            trained, and `load_results` reads them), or results couldn't be delivered to the tracking server.
    """
    until = time.monotonic() + 60 * minutes if minutes is not None else math.inf
    plugin_files = [Path(file) for file in plugins]
    asked = read_asked_sweep(find_experiment(Path(file)), budget, plugin_files)
    if where is not None:
        asked = asked.where(allowed(where))
    if seeds is not None:
        asked = dataclasses.replace(asked, seeds=_seed_numbers(seeds))
    name = experiment or asked.experiment
    run_store = find_store(None if store is None else os.fspath(store))
    kind = find_device(device).type
    console = Terminal(quiet=not progress)
    job = SweepJob(asked, name, run_store, kind, [str(path.absolute()) for path in plugin_files])
    tracked = open_tracker(run_store, name).statuses()
    update_annotations(run_store, name, asked.annotations)
    groups = job.groups(tracked)
    job.load_data([group for group in groups.values() if not group.done], console.print)
    log = run_store.folder / f"{name}.log"
    executor = choose(
        "local",
        jobs=jobs,
        threads=threads,
        device=kind,
        address=None,
        gpus=None,
        slurm={},
        log=log,
        groups=len(asked.specs),
    )
    with signals() as stop, SweepTable(list(groups.values()), console) as table:
        train_missing(job, groups, executor, table, stop.event, until)
    failures = {group.error: f"{group.title} {group.difference}".strip() for group in groups.values() if group.error}
    if failures:
        reasons = "; ".join(f"{group}: {error}" for error, group in failures.items())
        failed = sum(bool(group.error) for group in groups.values())
        raise GanbenchError(f"{failed} of {len(groups)} groups failed (call again to retry them): {reasons}")
    undelivered = leftovers(run_store, name)
    if undelivered:
        raise GanbenchError(not_delivered(undelivered, run_store))
    if stop.number is not None:
        raise KeyboardInterrupt
    ids = {group.record.run_id(seed) for group in groups.values() for seed in group.statuses}
    return _results_of(ids, name, run_store.uri)


def _components(written: Mapping[str, Component | None]) -> dict[str, Any]:
    return {kind: _component(component) for kind, component in written.items() if component is not None}


def _component(written: Component) -> dict[str, Any]:
    return parse_component(written) if isinstance(written, str) else dict(written)


def _component_list(written: Component | Sequence[Component]) -> list[dict[str, Any]]:
    if isinstance(written, str):
        return parse_components(written)
    if isinstance(written, Mapping):
        return [dict(written)]
    return [component for part in written for component in _component_list(part)]


def _assignment(name: str, value: object) -> dict[str, Any]:
    table, dot, option = name.partition(".")
    if not dot or not table or not option or "." in option:
        raise GanbenchError(f"options: '{name}' should be table.option, as in train.n_generator")
    return {table: {option: value}}


def _seed_numbers(seeds: int | str | Sequence[int]) -> tuple[int, ...]:
    if isinstance(seeds, str):
        return parse_seeds(seeds)
    return parse_seeds(",".join(map(str, [seeds] if isinstance(seeds, int) else seeds)))


def _results_of(runs: Collection[str], experiment: str, store: str) -> pd.DataFrame:
    table = load_results(experiment, store=store)
    return table[table["run"].isin(runs)].reset_index(drop=True)
