"""Session of `ganbench reproduce-claim`: the experiment for a published number, its cost, and its seeds' agreement."""

from __future__ import annotations

import dataclasses

from ganbench.cli.console.sweep import dry_run_session, sweep_session
from ganbench.cli.console.terminal import Terminal
from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.core.settings import Settings, flatten, parse_components, parse_value, parse_where
from ganbench.methods.archs import ARCHS
from ganbench.methods.wrappers import WRAPPERS
from ganbench.results.claims import Claim
from ganbench.results.claims.reproduction import compare_tracked, network_differences, recipe
from ganbench.results.claims.studied import read_studied
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

    Raises:
        GanbenchError: the experiment has other networks than the claim.
    """
    console = Terminal()
    console.print(render_claims([claim], "table", console.width, read_studied()), soft_wrap=True)
    try:
        experiment = recipe(claim)
    except GanbenchError as error:
        console.print(f"\nThe number itself: {error}", soft_wrap=True)
        return 0
    console.print(f"\n{experiment.command}\n", soft_wrap=True)
    sweep = read_sweep(experiment.file, experiment.budget).where(parse_where(experiment.where))
    networks = claimed_networks(claim)
    for spec in sweep.specs:
        differences = network_differences(networks, networks_of(spec.to_dict()))
        if differences:
            raise GanbenchError(
                f"not reproduced: {experiment.file.name} has other networks than the paper ({differences})"
            )
    if seeds is not None:
        sweep = dataclasses.replace(sweep, seeds=seeds)
    if train:
        kind = find_device(device).type
        executor = Local(None, kind, store.folder / f"{experiment.name}.log", groups=len(sweep.specs))
        status = sweep_session(sweep, executor, device=kind, experiment=experiment.name, store=store, plugins=[])
        if status:
            return status
    else:
        dry_run_session(sweep, device=device, experiment=experiment.name, store=store)
    comparison = compare_tracked(claim, store, networks)
    if comparison is None:
        console.print("\nnone of its seeds has been trained: --train does that")
    else:
        console.print(f"\n{comparison.agreement}: {comparison.reason}", soft_wrap=True)
    return 0


def claimed_networks(claim: Claim) -> dict[str, str]:
    """The networks that a claim names, with all of their options, as in a flat spec."""
    options = dict(option.split("=", 1) for option in claim.options.split("; ") if option)
    prefix = "arch."
    arch = {name.removeprefix(prefix): parse_value(text) for name, text in options.items() if name.startswith(prefix)}
    wrappers = parse_components(options.get("wrapper", "none"))
    return networks_of(
        {
            "arch": ARCHS.create({"name": claim.arch, **arch}).to_spec(),
            "wrapper": [WRAPPERS.create(wrapper).to_spec() for wrapper in wrappers],
        }
    )


def networks_of(spec: Settings) -> dict[str, str]:
    """The part of a spec that describes networks, flat: architecture, its options, and wrappers."""
    return {name: str(value) for name, value in flatten({key: spec[key] for key in ("arch", "wrapper")}).items()}
