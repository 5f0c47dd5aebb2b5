"""Session of `ganbench sample`: a run's generator, and its samples in a file or a folder."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from ganbench.cli.console.terminal import Terminal
from ganbench.core.device import find_device
from ganbench.runs.kept_generator import Which, find_generator
from ganbench.runs.write_samples import check_place, write_samples
from ganbench.spec.stated import stated
from ganbench.tracking.store import Store


def sample_session(
    run_id: str, *, count: int, out: Path | None, force: bool, seed: int, weights: Which, device: str, store: Store
) -> None:
    """Draw samples from a run's generator, write them, and print where they are and what to do with them."""
    console = Terminal()
    torch_device = find_device(device)
    with tempfile.TemporaryDirectory() as folder:
        generator = find_generator(store, run_id, weights, Path(folder))
        place = out if out is not None else Path(f"samples-{generator.run}.npz")
        spec = generator.spec
        check_place(place, spec.dataset.shape, force)
        write_samples(generator.samples(count, seed, torch_device), place)
    console.print(f"{count:,} samples of run {generator.run} ({spec.title}): {place}", soft_wrap=True)
    command = f"ganbench evaluate {shlex.quote(str(place))} --dataset {shlex.quote(stated(spec.dataset))}"
    console.print(f"\nNext: {command}", style="dim", soft_wrap=True)
