"""Commands for experiment files: run a sweep, and show its status."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.completion import complete_experiments
from ganbench.cli.console.threads import choose_waiting
from ganbench.cli.options import device_flag, plugins_flag, seeds_flag, store_flag, where_flag

if TYPE_CHECKING:
    from ganbench.spec.sweep_plan import SweepPlan
    from ganbench.spec.sweep_spec import Sweep

SIGNALLED = 128
"""Added to a signal's number, this is the exit status of a command that the signal stopped."""


def sweep_flags(command: Any) -> Any:
    """Decorator: add the options that select runs of an experiment file, and their store."""
    flags = (
        click.argument(
            "file", metavar="FILE|FOLDER", type=click.Path(path_type=Path), shell_complete=complete_experiments
        ),
        click.option("--budget", metavar="NAME", help="A budget from the file. Default: the first."),
        seeds_flag,
        where_flag,
        click.option(
            "--experiment", help="Name of the MLflow experiment. Default: the names of the file and the budget."
        ),
        store_flag,
        plugins_flag,
    )
    for flag in reversed(flags):
        command = flag(command)
    return command


@click.command()
@sweep_flags
@device_flag
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Groups to train at once, each in its own process. Default: one per GPU, or one per core, if memory allows.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="N",
    help="CPU threads of each process, at most the number of cores. Default: $OMP_NUM_THREADS, else the cores divided "
    "by --jobs. Another number changes the last digits of results.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray", "slurm"]),
    default="local",
    show_default=True,
    help="Processes on this machine, tasks on a Ray cluster (`pip install 'ganbench[ray]'`), or jobs of a Slurm "
    "cluster (`pip install 'ganbench[slurm]'`).",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    help="Address of the Ray cluster. Default: a running one on this machine, else a new one.",
)
@click.option(
    "--gpus",
    type=click.FloatRange(0, 8),
    metavar="SHARE",
    help="GPU share of each group under Ray: .25 lets four groups share one GPU. Default: 1 with --device cuda.",
)
@click.option(
    "--slurm",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Option of sbatch for each job, such as partition=long, time=8:00:00, mem=16G, gres=gpu:1. Repeatable. "
    "Jobs have four hours, --threads CPUs (4) and, with --device cuda, one GPU; --jobs of them (16) are in the queue.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Stop after this many minutes. Groups in progress save a checkpoint; run the command again to resume.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="After each group, write results.csv and the checkpoints of unfinished groups to this folder; at the start, "
    "resume from it what the store doesn't have.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be trained and the estimated time, and stop.")
def sweep(
    file: Path,
    budget: str | None,
    seeds: str | None,
    where: tuple[str, ...],
    experiment: str | None,
    store: str | None,
    plugins: tuple[Path, ...],
    device: str,
    jobs: int | None,
    threads: int | None,
    executor: str,
    address: str | None,
    gpus: float | None,
    slurm: tuple[str, ...],
    minutes: float | None,
    export: Path | None,
    dry_run: bool,
) -> None:
    """Run every combination in an experiment FILE, or in all files of a FOLDER. Finished runs are kept.

    A group is one combination with all its seeds, which train together in one process. If the file
    says `block = 5`, every group trains five seeds before any group trains five more. Failures are
    reported; run the command again to retry them.

    \b
    Those that come with ganbench each ask one question, and are called by name (`ganbench experiments`):
      ganbench sweep balance --dry-run
      ganbench sweep balance --jobs 2
      ganbench sweep balance --budget paper --where loss=minimax
      ganbench sweep gpu --minutes 9 --export results
    """
    import math
    import time

    from ganbench.core.errors import GanbenchError
    from ganbench.tracking.store import find_store

    choose_waiting()
    until = time.monotonic() + 60 * minutes if minutes is not None else math.inf
    sweeps = [_load_sweep(path, budget, seeds, where, experiment, plugins) for path in _files(file)]
    run_store = find_store(store)
    if executor != "ray" and (address is not None or gpus is not None):
        raise GanbenchError("--address and --gpus are for --executor ray")
    if executor != "slurm" and slurm:
        raise GanbenchError("--slurm is for --executor slurm")
    from ganbench.cli.console.sweep import dry_run_session, sweep_session

    if dry_run:
        for selected, name in sweeps:
            dry_run_session(selected, device=device, experiment=name, store=run_store, jobs=jobs, threads=threads)
        return
    from ganbench.core.device import find_device
    from ganbench.results.export import Export
    from ganbench.runs.executors import choose

    # The devices of this machine say nothing about the nodes of a cluster.
    kind = find_device(device).type if executor == "local" else "cuda" if gpus or device == "cuda" else "cpu"
    slurm_options = {name: value for name, _, value in (option.partition("=") for option in slurm)}
    plugin_files = [str(path.absolute()) for path in plugins]
    exit_status = 0
    for selected, name in sweeps:
        log = run_store.folder / f"{name}.log"
        session_status = sweep_session(
            selected,
            choose(
                executor,
                jobs=jobs,
                threads=threads,
                device=kind,
                address=address,
                gpus=gpus,
                slurm=slurm_options,
                log=log,
                groups=len(selected.specs),
            ),
            device=kind,
            experiment=name,
            store=run_store,
            plugins=plugin_files,
            until=until,
            export=Export(export, run_store, name) if export is not None else None,
        )
        exit_status = max(exit_status, session_status)
        if exit_status >= SIGNALLED or time.monotonic() >= until:
            break
    raise SystemExit(exit_status)


@click.command()
@sweep_flags
def status(
    file: Path,
    budget: str | None,
    seeds: str | None,
    where: tuple[str, ...],
    experiment: str | None,
    store: str | None,
    plugins: tuple[Path, ...],
) -> None:
    """Show the status of a sweep: done, running, waiting; of a FOLDER, a line for each experiment in it.

    Exits with status 1 while anything is missing.
    """
    from ganbench.core.experiment_files import find_experiment
    from ganbench.tracking.store import find_store

    plans = [_load_plan(path, budget, seeds, where, experiment, plugins) for path in _files(file)]
    run_store = find_store(store)
    from ganbench.cli.console.status import status_session, studies_session

    if find_experiment(file).is_dir():
        raise SystemExit(studies_session(plans, store=run_store))
    raise SystemExit(max(status_session(plan, experiment=name, store=run_store) for plan, name in plans))


def _files(path: Path) -> list[Path]:
    """Return the experiment file, or those of a folder sorted by name."""
    from ganbench.core.errors import GanbenchError
    from ganbench.core.experiment_files import find_experiment

    path = find_experiment(path)
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.toml"))
    if not files:
        raise GanbenchError(f"there is no experiment in '{path}': they are files that end with .toml")
    return files


def _load_sweep(
    file: Path,
    budget: str | None,
    seeds: str | None,
    where: tuple[str, ...],
    experiment: str | None,
    plugins: tuple[Path, ...],
) -> tuple[Sweep, str]:
    """Return the selected part of an experiment file, and the name of its experiment in the store."""
    from ganbench.core.settings import parse_where
    from ganbench.spec.asked import read_asked_sweep

    seed_numbers, conditions = _seed_numbers(seeds), parse_where(where)
    selected = read_asked_sweep(file, budget, plugins).where(conditions)
    if seed_numbers is not None:
        selected = dataclasses.replace(selected, seeds=seed_numbers)
    return selected, experiment or selected.experiment


def _load_plan(
    file: Path,
    budget: str | None,
    seeds: str | None,
    where: tuple[str, ...],
    experiment: str | None,
    plugins: tuple[Path, ...],
) -> tuple[SweepPlan, str]:
    """Return the same as a plan, which needs no torch if it is known from an earlier command."""
    from ganbench.core.plugins import installed_plugins
    from ganbench.core.settings import parse_where
    from ganbench.spec.asked import read_asked_sweep
    from ganbench.spec.sweep_plan import find_plan

    seed_numbers, conditions = _seed_numbers(seeds), parse_where(where)
    known = None if plugins or installed_plugins() else find_plan(file, budget)
    selected = (known or read_asked_sweep(file, budget, plugins).plan).where(conditions)
    if seed_numbers is not None:
        selected = dataclasses.replace(selected, seeds=seed_numbers)
    return selected, experiment or selected.experiment


def _seed_numbers(seeds: str | None) -> tuple[int, ...] | None:
    from ganbench.core.settings import parse_seeds

    return None if seeds is None else parse_seeds(seeds)
