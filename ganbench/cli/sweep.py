"""Commands about many runs: experiment files, where they stand, and making a run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.console.threads import choose_waiting
from ganbench.cli.options import plugins_flag, store_flag, where_flag

if TYPE_CHECKING:
    from ganbench.results.claims import Claim
    from ganbench.spec.sweep_spec import Sweep

SIGNALLED = 128
"""Added to a signal's number it is the exit status of what the signal stopped."""

device_flag = click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)


def sweep_flags(command: Any) -> Any:
    """Which runs of an experiment file are meant, and where they are kept."""
    flags = (
        click.argument("file", metavar="FILE|FOLDER", type=click.Path(path_type=Path)),
        click.option("--budget", metavar="NAME", help="One of the budgets that the file names. Default: its first."),
        click.option("--seeds", help="Other seeds than the file's."),
        where_flag,
        click.option(
            "--experiment", help="The experiment that runs belong to. Default: the file's name and the budget's."
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
    help="Groups that train at once, each in a process. Default: one a GPU, or one for every four cores.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Processes of this machine, or tasks of a Ray cluster (needs `pip install ganbench[ray]`).",
)
@click.option("--address", metavar="ADDRESS", help="Of the Ray cluster. Default: one that is there, else a new one.")
@click.option(
    "--gpus",
    type=click.FloatRange(0, 8),
    metavar="SHARE",
    help="Of a GPU for each group under Ray: .25 lets four share one. Default: 1 with --device cuda.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Stop by itself after so long. What is being trained keeps a checkpoint, and the same command goes on.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Keep results.csv and the checkpoints of unfinished groups there, after each group; and go on from them where "
    "the store doesn't know of them.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be trained and about how long it takes, and stop.")
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
    executor: str,
    address: str | None,
    gpus: float | None,
    minutes: float | None,
    export: Path | None,
    dry_run: bool,
) -> None:
    """Run every combination in an experiment FILE; run again, it does only what is missing.

    Of a FOLDER every experiment is run, one after another by their names.

    A group is one combination with all its seeds, which train together in one process. What fails is told and tried
    again by the same command, and nothing else is lost by it.

    \b
    The experiments in the folder experiments/ each ask one question:
      ganbench sweep experiments/balance.toml --dry-run
      ganbench sweep experiments/balance.toml --jobs 2
      ganbench sweep experiments/balance.toml --budget paper --where loss=minimax
      ganbench sweep experiments/gpu --minutes 9 --export results
    """
    import math
    import time

    from ganbench.core.errors import GanbenchError
    from ganbench.tracking.store import find_store

    choose_waiting()
    until = time.monotonic() + 60 * minutes if minutes is not None else math.inf
    several = [_load_sweep(each, budget, seeds, where, experiment, plugins) for each in _files(file)]
    place = find_store(store)
    if executor != "ray" and (address is not None or gpus is not None):
        raise GanbenchError("--address and --gpus are for --executor ray")
    from ganbench.cli.console.sweep import dry_run_session, sweep_session

    if dry_run:
        for asked, name in several:
            dry_run_session(asked, device=device, experiment=name, store=place)
        return
    from ganbench.core.device import find_device
    from ganbench.results.export import Export
    from ganbench.runs.executors import choose

    # What this machine has says nothing about a cluster's nodes.
    kind = find_device(device).type if executor == "local" else "cuda" if gpus or device == "cuda" else "cpu"
    plugin_files = [str(path.absolute()) for path in plugins]
    ended = 0
    for asked, name in several:
        ended = max(
            ended,
            sweep_session(
                asked,
                choose(executor, jobs=jobs, device=kind, address=address, gpus=gpus, log=place.folder / f"{name}.log"),
                device=kind,
                experiment=name,
                store=place,
                plugins=plugin_files,
                until=until,
                export=Export(export, place, name) if export is not None else None,
            ),
        )
        if ended >= SIGNALLED or time.monotonic() >= until:
            break
    raise SystemExit(ended)


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
    """Show where the sweep of an experiment FILE, or of a FOLDER of them, stands: done, at work, waiting.

    Ends with status 1 as long as something is missing.
    """
    from ganbench.tracking.store import find_store

    several = [_load_sweep(each, budget, seeds, where, experiment, plugins) for each in _files(file)]
    from ganbench.cli.console.sweep import status_session

    raise SystemExit(max(status_session(asked, experiment=name, store=find_store(store)) for asked, name in several))


@click.command()
@click.argument("run", metavar="RUN|CLAIM")
@store_flag
@device_flag
@plugins_flag
@click.option(
    "--train", is_flag=True, help="For a claim: run the training that reproduces it, with the paper's budget."
)
@click.option("--seeds", help="For a claim: other seeds than the experiment's.")
def reproduce(
    run: str, store: str | None, device: str, plugins: tuple[Path, ...], train: bool, seeds: str | None
) -> None:
    """Train a tracked RUN again, or what reproduces a published CLAIM, and say whether the numbers agree.

    RUN is an id, or how it begins: `ganbench run --dry-run` prints ids, and results.csv of a report has them. On the
    same machine and CPU numbers must be the same bit for bit; elsewhere those of the first evaluation must be within
    2 %. Ends with status 1 where they are not.

    CLAIM is an id of `ganbench claims`. Without --train, print which experiment reproduces it, about how long that
    takes, and what its seeds say about the claim, if they have been trained.

    \b
      ganbench reproduce 480a2fd3ba0e
      ganbench reproduce pacgan-table-1-ring-pacgan2-modes
      ganbench reproduce pacgan-table-1-ring-pacgan2-modes --train --seeds 0-4
    """
    choose_waiting()
    from ganbench.core.errors import GanbenchError
    from ganbench.core.plugins import load_plugins
    from ganbench.core.registry import near_miss
    from ganbench.results.claims import read_claims
    from ganbench.tracking.store import find_store

    claims = {claim.id: claim for claim in read_claims()}
    if run in claims:
        raise SystemExit(_reproduce_claim(claims[run], store, device, seeds, train))
    if "-" in run:
        raise GanbenchError(f"there is no claim '{run}': {near_miss(run, list(claims))}")
    if train or seeds is not None:
        raise GanbenchError("--train and --seeds are for claims: a run is trained again as it was")
    load_plugins(plugins)
    from ganbench.cli.console.reproduce import reproduce_session

    raise SystemExit(reproduce_session(run, device=device, store=find_store(store)))


def _reproduce_claim(claim: Claim, store: str | None, device: str, seeds: str | None, train: bool) -> int:
    from ganbench.core.errors import GanbenchError
    from ganbench.core.settings import parse_where
    from ganbench.results.claims.reproduction import judge_claim, recipe
    from ganbench.results.loading import filter_runs, final_scores, load_results, runs
    from ganbench.results.report.claims import render_claims
    from ganbench.tracking.store import find_store

    click.echo(render_claims([claim], "table"))
    try:
        found = recipe(claim)
    except GanbenchError as error:
        click.echo(f"\n{error}")
        return 0
    asked, name = _load_sweep(found.file, found.budget, seeds, found.where, None, ())
    place = find_store(store)
    click.echo(f"\n{found.command}\n")
    from ganbench.cli.console.sweep import dry_run_session, sweep_session

    if train:
        from ganbench.core.device import find_device
        from ganbench.runs.executors import choose

        kind = find_device(device).type
        chosen = choose("local", jobs=None, device=kind, address=None, gpus=None, log=place.folder / f"{name}.log")
        status = sweep_session(asked, chosen, device=kind, experiment=name, store=place, plugins=[])
        if status:
            return status
    else:
        dry_run_session(asked, device=device, experiment=name, store=place)
    try:
        table = filter_runs(load_results(place, name).table, parse_where(found.where))
    except GanbenchError:
        click.echo("\nnone of its seeds has been trained: --train does that")
        return 0
    scores = final_scores(table)
    failed = int((runs(table)["status"] == "diverged").sum())
    finding = judge_claim(claim, scores.loc[scores["metric"] == claim.metric, "value"].tolist(), failed)
    click.echo(f"\n{finding.verdict}: {finding.why}")
    return 0


@click.command()
@store_flag
def sync(store: str | None) -> None:
    """Deliver results that are kept on this machine because a tracking server did not answer.

    Nothing arrives twice. Without --store, what is kept for any server is delivered. Ends with status 1 where something
    could not be.
    """
    from ganbench.tracking.spool import sync as deliver

    failed = False
    nothing = True
    for uri, experiment, arrived, trouble in deliver(store):
        nothing = False
        click.echo(f"{uri}, experiment {experiment}: {arrived} run{'s' * (arrived != 1)} delivered")
        if trouble:
            failed = True
            click.echo(f"   not all: {trouble}", err=True)
    if nothing:
        click.echo("nothing is kept here")
    raise SystemExit(int(failed))


def _files(path: Path) -> list[Path]:
    """An experiment file, or those of a folder by their names."""
    from ganbench.core.errors import GanbenchError

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
    """What of an experiment file is meant, and the name of the experiment that its runs belong to."""
    import dataclasses

    from ganbench.core.plugins import load_plugins
    from ganbench.core.settings import parse_seeds, parse_where
    from ganbench.spec.sweep_spec import read_sweep

    load_plugins(plugins)
    asked = read_sweep(file, budget).where(parse_where(where))
    if seeds is not None:
        asked = dataclasses.replace(asked, seeds=parse_seeds(seeds))
    return asked, experiment or "-".join(filter(None, (asked.name, asked.budget)))
