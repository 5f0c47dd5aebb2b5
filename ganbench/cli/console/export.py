"""Session of `ganbench export`: a run's generator, written to a file."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from ganbench.cli.console.terminal import Terminal
from ganbench.runs.export_generator import check_file, export_generator, latents_in_words, samples_in_words
from ganbench.runs.kept_generator import Which, find_generator
from ganbench.spec.stated import stated, stated_in_full
from ganbench.tracking.store import Store


def export_session(run_id: str, *, out: Path | None, force: bool, weights: Which, store: Store) -> None:
    """Write a run's generator to a file, and print what it takes and how to score it."""
    console = Terminal()
    if out is not None:
        check_file(out, force)
    with tempfile.TemporaryDirectory() as folder:
        generator = find_generator(store, run_id, weights, Path(folder))
        file = out if out is not None else Path(f"generator-{generator.run}.pt2")
        check_file(file, force)
        export_generator(generator, file)
    spec = generator.spec
    console.print(f"the generator of run {generator.run} ({spec.title}): {file}", soft_wrap=True)
    console.print(f"from latents {latents_in_words(spec)} to samples {samples_in_words(spec)}", soft_wrap=True)
    options = ["--dataset", stated(spec.dataset)]
    if file.suffix.lower() == ".safetensors":
        options += ["--arch", stated_in_full(spec.arch)]
    elif spec.arch.latent != "normal":
        options += ["--latent-distribution", spec.arch.latent]
    console.print(f"\nNext: ganbench evaluate {shlex.join([str(file), *options])}", style="dim", soft_wrap=True)
