"""Cards: the best, middle and worst seed of each method, with samples from training and their spread over modes."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup
from PIL import Image

from ganbench.results.loading import (
    Pictures,
    Results,
    by_number,
    final_scores,
    headline_modes,
    mode_shares,
    runs,
)
from ganbench.results.report.occupancy import heat_map, histogram
from ganbench.results.run_summary import summarize_run
from ganbench.results.table import EVENTS, QUICK

MAX_PICTURES = 320
"""The most pictures on a page, which keeps it below five megabytes."""
MAX_STEPS = 8
SIDE = 224
"""Width of a sample grid, in pixels."""


@dataclass(frozen=True)
class Seed:
    """One run in the report.

    Attributes:
        place: `best`, `middle` or `worst` of its method; empty for an only seed.
        words: its summary.
        frames: pairs of step and sample grid (a data URI), ordered by step.
        histogram, timeline: the distribution of its samples over modes, at the end and during training; or empty.
    """

    seed: int
    place: str
    words: str
    frames: list[tuple[int, str]]
    histogram: Markup
    timeline: Markup
    failed: bool


@dataclass(frozen=True)
class Card:
    """One method on one data set; `steps` are the steps for which all of its seeds have a picture."""

    dataset: str
    method: str
    number: int
    count: int
    seeds: list[Seed]

    @property
    def steps(self) -> list[int]:
        each = [{step for step, _ in seed.frames} for seed in self.seeds if seed.frames]
        return sorted(set.intersection(*each)) if each else []


def chosen(table: pd.DataFrame, names: Mapping[str, str]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Choose the best, middle and worst run for each data set and method; return run ids with these places.

    Runs are ranked by modes, then by the share of good samples, then by FID; a run without scores ranks last.
    """
    scores = final_scores(table)
    wide = scores.pivot_table(index="run", columns="metric", values="value", aggfunc="last")
    order = [(headline_modes(scores), False), ("hq", False), ("fid", True)]
    known = [(metric, rising) for metric, rising in order if metric in wide]
    each = runs(table).set_index("run", drop=False)
    found = {}
    for key, members in each.groupby(["dataset", each["run"].map(names)], sort=True):
        ranked = wide.reindex(members["run"])
        if known:
            ranked = ranked.sort_values(
                [metric for metric, _ in known], ascending=[rising for _, rising in known], kind="stable"
            )
        ids = [str(run) for run in ranked.index]
        places = {0: ""} if len(ids) == 1 else {0: "best", len(ids) // 2: "middle", len(ids) - 1: "worst"}
        found[str(key[0]), str(key[1])] = [
            (ids[at], "worst" if at == len(ids) - 1 > 0 else place) for at, place in places.items()
        ]
    return found


def cards(results: Results, names: Mapping[str, str], pictures: Pictures) -> list[Card]:
    """Make a card for each combination of data set and method.

    Args:
        names: the name of each run's method.
        pictures: sample grids of the runs that are shown.
    """
    table = results.table
    each = runs(table).set_index("run", drop=False)
    numbers = {name: number for number, name in enumerate(sorted(set(names.values())))}
    places = chosen(table, names)
    all_shown = [run for shown in places.values() for run, _ in shown]
    rows_of = dict(iter(table[table["run"].isin(all_shown)].groupby("run")))
    made = []
    for (dataset, method), shown in places.items():
        seeds = []
        for run, place in shown:
            rows = rows_of[run]
            own = final_scores(rows)
            shares, good = mode_shares(own), mode_shares(own, "good")
            frames = [(step, _data_uri(picture)) for step, picture in sorted(pictures.get(run, {}).items())]
            seeds.append(
                Seed(
                    seed=int(rows["seed"].iloc[0]),
                    place=place,
                    words=summarize_run(rows, run),
                    frames=frames,
                    histogram=histogram(shares, good) if shares else Markup(),
                    timeline=_timeline(rows),
                    failed=rows["status"].iloc[0] != "finished",
                )
            )
        count = int(((each["dataset"] == dataset) & (each["run"].map(names) == method)).sum())
        made.append(Card(dataset, method, numbers[method], count, seeds))
    return made


def small(picture: bytes) -> bytes:
    """Convert a sample grid to the report's format: WebP, at most `SIDE` pixels wide."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > SIDE:
        # Digits are drawn at twice their size, so that halving loses nothing; points are not on a raster.
        image = image.resize((SIDE, SIDE * image.height // image.width), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=60, method=6)
    return buffer.getvalue()


def _data_uri(picture: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"


def _timeline(rows: pd.DataFrame) -> Markup:
    """Draw the modes × steps heat map of one run from its quick scores; real data are assumed to be even over modes."""
    quick = rows[rows["protocol"].str.endswith(QUICK) & rows["metric"].str.startswith("good/")]
    if quick["step"].nunique() < 2:
        return Markup()
    quick = quick.assign(mode=quick["metric"].str.removeprefix("good/"))
    shares = quick.pivot_table(index="step", columns="mode", values="value", sort=False).sort_index()
    names = sorted(map(str, shares.columns), key=by_number)
    fullness = (shares[names] * len(names)).to_numpy().tolist()
    events = rows[rows["protocol"] == EVENTS]
    marks = list(zip(events["step"].tolist(), events["metric"].tolist(), strict=True))
    return heat_map(shares.index.tolist(), fullness, names, marks)
