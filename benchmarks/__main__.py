"""`python -m benchmarks`: measure every claim on this machine, print a table, and save the results."""

from __future__ import annotations

import argparse
import json
import math
import platform
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.busy import busy
from benchmarks.commands import tracking, waiting
from benchmarks.ensembles import a_thousand_seeds, ensembles
from benchmarks.growth import growth
from benchmarks.jobs import jobs
from benchmarks.measure import Row, Setting
from benchmarks.monitor import monitor
from benchmarks.overhead import overhead
from benchmarks.reading import reading
from benchmarks.roofline import limits
from benchmarks.scoring import full_suite, protocol_cost
from benchmarks.training import against_the_textbook, critic_updates, many_seeds
from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.core.provenance import code_version

RESULTS = Path(__file__).parent / "results"
BENCHMARKS: Mapping[str, Callable[[Setting], Iterator[Row]]] = {
    "limits": limits,
    "training": against_the_textbook,
    "overhead": overhead,
    "seeds": many_seeds,
    "critic": critic_updates,
    "growth": growth,
    "scoring": full_suite,
    "protocols": protocol_cost,
    "monitor": monitor,
    "waiting": waiting,
    "tracking": tracking,
    "reading": reading,
    "busy": busy,
    "jobs": jobs,
    "ensembles": ensembles,
    "thousand": a_thousand_seeds,
}
ON_CPU = (
    "limits",
    "training",
    "overhead",
    "seeds",
    "critic",
    "growth",
    "scoring",
    "monitor",
    "waiting",
    "tracking",
    "reading",
    "busy",
    "jobs",
)
ON_GPU = ("training", "overhead", "seeds", "thousand", "ensembles", "limits", "scoring")
"""Benchmarks that run on a GPU by default, the most informative first, since GPU time may be limited to minutes."""


def measure(names: Sequence[str], setting: Setting, until: float, save: Callable[[list[Row]], None]) -> list[Row]:
    """Run the benchmarks; print each row as soon as it is known, and pass all rows so far to `save`.

    Args:
        until: the time (`time.monotonic`) after which no benchmark is started.
    """
    console, rows = Console(), []
    for name in names:
        for row in BENCHMARKS[name](setting):
            rows.append(row)
            console.print(f"{row.claim}: {_number(row.reached)} {row.unit} {row.detail}", style="dim", soft_wrap=True)
            save(rows)
            if time.monotonic() > until:
                console.print("the time is up: the remaining benchmarks were not run")
                return rows
    return rows


def show(rows: list[Row]) -> Table:
    """Make a table of target and measured values."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "wanted", "reached", "rounds", "verdict"):
        table.add_column(column, justify="left" if column in ("", "verdict") else "right")
    for row in rows:
        wanted = f"{row.sign} {_number(row.wanted)} {row.unit}" if row.wanted is not None else ""
        rounds = f"{_number(min(row.measured))} – {_number(max(row.measured))}" if len(row.measured) > 1 else ""
        table.add_row(row.claim, wanted, f"{_number(row.reached)} {row.unit}", rounds, row.verdict)
    return table


def describe_device(device: torch.device) -> str:
    """Return the model name of the device."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cpus = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", cpus.read_text()) if cpus.exists() else None
    return f"{model[1] if model else platform.processor()}, {torch.get_num_threads()} threads"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"benchmarks to run, default all: {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds, of which medians are reported")
    parser.add_argument("--minutes", type=float, default=math.inf, help="start no further benchmark after this time")
    parser.add_argument(
        "--gpu-rows", action="store_true", help="run the benchmarks for a GPU, in their order; the default on a GPU"
    )
    parser.add_argument(
        "--rehearsal",
        action="store_true",
        help="run few steps, to check that everything works; the figures mean nothing",
    )
    parser.add_argument(
        "--out", type=Path, help="write rows to this file after each; the default is used only if all benchmarks run"
    )
    args = parser.parse_args()
    until = time.monotonic() + 60 * args.minutes
    unknown = [name for name in args.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}': choose from {', '.join(BENCHMARKS)}")
    try:
        device = find_device(args.device)
    except GanbenchError as error:
        parser.error(str(error))
    warnings.filterwarnings("ignore", module="torchmetrics")
    device_name = describe_device(device)
    out = args.out
    if out is None and not args.names and not args.rehearsal:
        out = RESULTS / f"{re.sub(r'[^A-Za-z0-9]+', '-', device_name).strip('-').lower()}.json"
    save = partial(write, out, device_name, args.rounds, args.rehearsal) if out is not None else lambda _: None
    names = args.names or (ON_GPU if args.gpu_rows or device.type == "cuda" else ON_CPU)
    rows = measure(names, Setting(device, args.rounds, args.rehearsal), until, save)
    print(
        f"\n{device_name}; torch {torch.__version__}, Python {platform.python_version()}, "
        f"{date.today()}, {code_version()}\n"
    )
    Console(width=140).print(show(rows))
    if out is not None:
        print(f"\nwritten to {out}")


def write(path: Path, device: str, rounds: int, rehearsal: bool, rows: Sequence[Row]) -> None:
    """Write the results so far, atomically."""
    facts = {
        "device": device,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "date": str(date.today()),
        "commit": code_version(),
        "rounds": rounds,
        **({"rehearsal": True} if rehearsal else {}),
        "rows": [{**asdict(row), "reached": row.reached, "verdict": row.verdict} for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    part.replace(path)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
