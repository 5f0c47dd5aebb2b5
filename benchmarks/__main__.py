"""`python -m benchmarks`: measure every claim on this machine, print the table, and write it down."""

from __future__ import annotations

import argparse
import json
import platform
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.commands import tracking, waiting
from benchmarks.growth import growth
from benchmarks.measure import Row
from benchmarks.overhead import overhead
from benchmarks.reading import reading
from benchmarks.roofline import limits
from benchmarks.scoring import full_suite
from benchmarks.training import against_the_textbook, critic_updates, many_seeds
from ganbench.provenance import code_version

RESULTS = Path(__file__).parent / "results"
BENCHMARKS: Mapping[str, Callable[[torch.device, int], Iterator[Row]]] = {
    "limits": limits,
    "training": against_the_textbook,
    "overhead": overhead,
    "seeds": many_seeds,
    "critic": critic_updates,
    "growth": growth,
    "scoring": full_suite,
    "waiting": waiting,
    "tracking": tracking,
    "reading": reading,
}


def measure(names: list[str], device: torch.device, rounds: int) -> list[Row]:
    """Measure, and print each row as soon as it is known."""
    console, rows = Console(), []
    for name in names:
        for row in BENCHMARKS[name](device, rounds):
            rows.append(row)
            console.print(f"{row.claim}: {_number(row.reached)} {row.unit} {row.detail}", style="dim", soft_wrap=True)
    return rows


def show(rows: list[Row]) -> Table:
    """Wanted and reached, side by side."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "wanted", "reached", "rounds", "verdict"):
        table.add_column(column, justify="left" if column in ("", "verdict") else "right")
    for row in rows:
        wanted = f"{row.sign} {_number(row.wanted)} {row.unit}" if row.wanted is not None else ""
        rounds = f"{_number(min(row.measured))} – {_number(max(row.measured))}" if len(row.measured) > 1 else ""
        table.add_row(row.claim, wanted, f"{_number(row.reached)} {row.unit}", rounds, row.verdict)
    return table


def device_words(device: torch.device) -> str:
    """The device's model."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cpus = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", cpus.read_text()) if cpus.exists() else None
    return f"{model[1] if model else platform.processor()}, {torch.get_num_threads()} threads"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without one")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; medians count")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}': choose from {', '.join(BENCHMARKS)}")
    if chosen.device == "cuda" and not torch.cuda.is_available():
        parser.error("this machine has no GPU that torch can use")
    device = torch.device(chosen.device)
    warnings.filterwarnings("ignore", module="torchmetrics")
    rows = measure(chosen.names or list(BENCHMARKS), device, chosen.rounds)
    words = device_words(device)
    print(
        f"\n{words}; torch {torch.__version__}, Python {platform.python_version()}, {date.today()}, {code_version()}\n"
    )
    Console(width=140).print(show(rows))
    if not chosen.names:
        path = RESULTS / f"{re.sub(r'[^A-Za-z0-9]+', '-', words).strip('-').lower()}.json"
        path.parent.mkdir(exist_ok=True)
        facts = {
            "device": words,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
            "date": str(date.today()),
            "commit": code_version(),
            "rounds": chosen.rounds,
            "rows": [{**asdict(row), "reached": row.reached, "verdict": row.verdict} for row in rows],
        }
        path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
        print(f"\nwritten to {path}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
