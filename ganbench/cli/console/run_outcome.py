"""Outcome of a run, printed in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
from rich.console import Console
from rich.text import Text

from ganbench.cli.console.terminal import relative
from ganbench.core.annotation import label_of
from ganbench.core.formatting import number, with_sd
from ganbench.core.mode_words import with_noun
from ganbench.results.grouping import name_and_dose
from ganbench.results.loading import Results, load_results
from ganbench.results.report.fitting import fit
from ganbench.results.report.tables import FLOOR, terminal
from ganbench.results.run_summary import summarize_run
from ganbench.results.sample_files import FRAMES, write_sample_files
from ganbench.results.views import final_scores, headline
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking.store import Store

MAX_PICTURES = 10
"""The most seeds whose samples are written as pictures."""


def show_outcome(
    spec: RunSpec,
    seeds: tuple[int, ...],
    store: Store,
    experiment: str,
    console: Console,
    extra_metrics: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Print each seed's scores with their floors, its summary, and suggestions for next steps.

    Args:
        extra_metrics: the metrics outside the protocol, by name the words by which they were asked for.
    """
    results = load_results(store, experiment)
    table = results.table
    ids = {seed: spec.run_id(seed) for seed in seeds}
    scores = final_scores(table)
    run_scores = scores[scores["run"].isin(ids.values())]
    metrics = headline(run_scores)
    rows = []
    for seed, run_id in ids.items():
        values = scores[scores["run"] == run_id].set_index("metric")["value"]
        rows.append([f"seed {seed}", *(number(values.get(metric, float("nan"))) for metric in metrics)])
    real = run_scores.groupby("metric", observed=True)[["floor", "floor_sd"]].median().reindex(metrics)
    floor_row = [FLOOR, *(with_sd(floor, sd) for floor, sd in real.itertuples(index=False))]
    noun = spec.dataset.mode_word
    head = [with_noun(metric, noun) for metric in metrics]
    fitted = fit(["", *head], rows, [floor_row], facts=(), optional=head[:0:-1], width=console.width)
    console.print()
    console.print(Text.from_ansi(terminal(fitted.head, fitted.rows, fitted.floors, console.width)), soft_wrap=True)
    if fitted.omitted:
        console.print(f"not shown, for lack of space: {', '.join(reversed(fitted.omitted))}", style="dim")
    console.print()
    name = label_of(*name_and_dose(table[table["run"].isin(ids.values())]))
    for seed, run_id in ids.items():
        if (table["run"] == run_id).any():
            words = summarize_run(table, run_id, noun)
            console.print(f"{name or spec.loss.name}, seed {seed}: {words}.", soft_wrap=True)
    _show_extra_metrics(run_scores, ids, extra_metrics, console)
    method = f"{spec.dataset.name}-{name or f'{spec.loss.name}-{spec.arch.name}'}"
    pictures = {run_id: f"{method}-seed{seed}-{run_id[:6]}" for seed, run_id in list(ids.items())[:MAX_PICTURES]}
    _show_samples(results, pictures, store, console)
    flags = "" if experiment == "ganbench" else f" --experiment {experiment}"
    console.print(
        f"\nNext: ganbench compare{flags} · ganbench report{flags} · ganbench ui{flags}", style="dim", soft_wrap=True
    )


def _show_samples(results: Results, names: Mapping[str, str], store: Store, console: Console) -> None:
    """Write pictures of samples, and print where they are.

    Args:
        names: of the pictures, by the run's id.
    """
    frames = FRAMES if store.local else 1  # from a server, each sheet is a request of its own
    pictures = write_sample_files(results, names, store.folder / "samples", frames)
    if pictures:
        animated = " (the .gif beside each .png shows the same latents over training)" if frames > 1 else ""
        console.print(f"\nSamples{animated}:", style="dim")
        for picture in pictures:
            console.print(f"  {relative(picture)}", soft_wrap=True)


def _show_extra_metrics(
    scores: pd.DataFrame, ids: Mapping[int, str], metrics: Mapping[str, str], console: Console
) -> None:
    """Print extra metrics of each seed, and the command that measures them for a run that was finished before."""
    for metric, words in metrics.items():
        rows = scores[(scores["metric"] == metric) & (scores["kind"] == "extra")]
        columns = zip(rows["value"], rows["floor"], rows["floor_sd"], strict=True)
        values = dict(zip(rows["run"], columns, strict=True))
        for seed, run_id in ids.items():
            if run_id in values:
                value, floor, sd = values[run_id]
                console.print(f"seed {seed}: {metric} {number(value)} (extra; real data: {with_sd(floor, sd)})")
            elif run_id in set(scores["run"]):
                console.print(f"seed {seed} was finished before: ganbench rescore {run_id} --metric {words}")
