"""One `ganbench sweep` as a person sees it: what is asked, group after group, and what came out."""

from __future__ import annotations

from rich.console import Console

from ganbench.display import Display
from ganbench.ensemble_run import Job, device_name
from ganbench.report.tables import render
from ganbench.results import final_scores, load_results
from ganbench.run import find_device, run
from ganbench.session import signals
from ganbench.settings import flatten
from ganbench.stats import compare, headline
from ganbench.sweep import Sweep
from ganbench.track import Status
from ganbench.track.mlflow import MlflowTracker
from ganbench.track.store import find_store


def sweep_session(sweep: Sweep, *, device: str, experiment: str, store: str | None) -> int:
    """Run what is missing; return the exit status: 0, or 128 + the signal that stopped it."""
    console = Console(markup=False, highlight=False)
    found = find_device(device)
    place = find_store(store)
    tracker = MlflowTracker(place, experiment)
    console.print(f"{sweep.question}\n" if sweep.question else "", end="", soft_wrap=True)
    console.print(
        f"{len(sweep.specs)} groups of {len(sweep.seeds)} seeds, "
        + f"budget {sweep.budget}, " * bool(sweep.budget)
        + f"on {device_name(found)}, experiment {experiment}"
    )
    names = differences(sweep)
    with signals() as stop:
        for number, spec in enumerate(sweep.specs, start=1):
            console.print(f"\n{number}/{len(sweep.specs)}  {spec.title}  {names[number - 1]}", soft_wrap=True)
            data = spec.dataset.load(found, say=console.print)
            job = Job(spec, sweep.seeds, found, place.checkpoints(experiment, spec.group_id))
            with Display(spec, console) as display:
                statuses = run(job, data, tracker, display, stop.event)
            console.print(f"   {_counted(list(statuses.values()))}")
            if stop.number is not None:
                return 128 + stop.number
    table = load_results(place, experiment).table
    metrics = headline(final_scores(table))
    console.print()
    console.print(render(compare(table, metrics=metrics), metrics, "table"), soft_wrap=True)
    console.print(f"\nNext: ganbench report --experiment {experiment}", style="dim")
    return 0


def differences(sweep: Sweep) -> list[str]:
    """Of each group the options in which it differs from others of the same title."""
    flat = [flatten(spec.to_dict()) for spec in sweep.specs]
    alike_by_title: dict[str, list[dict[str, object]]] = {}
    for own, spec in zip(flat, sweep.specs, strict=True):
        alike_by_title.setdefault(spec.title, []).append(own)
    told = []
    for own, spec in zip(flat, sweep.specs, strict=True):
        alike = alike_by_title[spec.title]
        told.append(
            ", ".join(f"{key}={value}" for key, value in own.items() if any(o.get(key) != value for o in alike))
        )
    return told


def _counted(statuses: list[Status]) -> str:
    return ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
