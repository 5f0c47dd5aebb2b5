"""Session of `ganbench reproduce-claim`: the experiment for a published number, its cost, and its seeds' agreement."""

from __future__ import annotations

import dataclasses

from rich.console import Console

from ganbench.cli.console.sweep import dry_run_session, sweep_session
from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.core.settings import parse_where
from ganbench.results.claims import Claim
from ganbench.results.claims.reproduction import compare_tracked, recipe
from ganbench.results.report.claims import render_claims
from ganbench.runs.executors.local import Local
from ganbench.spec.sweep_spec import read_sweep
from ganbench.tracking.store import Store


def reproduce_claim_session(
    claim: Claim, *, seeds: tuple[int, ...] | None, train: bool, device: str, store: Store
) -> int:
    """Print the experiment and compare its seeds with the claim; return the exit status, that of the training if any.

    Args:
        seeds: seeds to use instead of the experiment's.
        train: whether to train the seeds that haven't been trained.
    """
    console = Console(markup=False, highlight=False)
    console.print(render_claims([claim], "table"), soft_wrap=True)
    try:
        experiment = recipe(claim)
    except GanbenchError as error:
        console.print(f"\n{error}", soft_wrap=True)
        return 0
    console.print(f"\n{experiment.command}\n", soft_wrap=True)
    sweep = read_sweep(experiment.file, experiment.budget).where(parse_where(experiment.where))
    if seeds is not None:
        sweep = dataclasses.replace(sweep, seeds=seeds)
    if train:
        kind = find_device(device).type
        executor = Local(None, kind, store.folder / f"{experiment.name}.log")
        status = sweep_session(sweep, executor, device=kind, experiment=experiment.name, store=store, plugins=[])
        if status:
            return status
    else:
        dry_run_session(sweep, device=device, experiment=experiment.name, store=store)
    comparison = compare_tracked(claim, store)
    if comparison is None:
        console.print("\nnone of its seeds has been trained: --train does that")
    else:
        console.print(f"\n{comparison.agreement}: {comparison.reason}", soft_wrap=True)
    return 0
