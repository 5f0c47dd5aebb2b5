"""The best, middle and worst seed of each method, with samples from training and their spread over modes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import pandas as pd
from markupsafe import Markup
from PIL import Image

from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.occupancy import heat_map, histogram
from ganbench.results.report.sections.base import Report, Section, data_uri, fill, seeds_anchor
from ganbench.results.run_summary import summarize_run
from ganbench.results.views import (
    by_number,
    events,
    final_scores,
    mode_shares,
    noun_of,
    quick_scores,
    runs,
)
from ganbench.tracking.metric_names import GOOD

MAX_PICTURES = 320
"""The most pictures on a page, which keeps it below five megabytes."""
MAX_STEPS = 8
SIDE = 224
"""Width of a sample grid, in pixels."""


TEMPLATE = """
<p class="note">The best, the middle and the worst seed of each method, by {{ order }}. The middle one is the
nearest to the middle that has samples. Samples are made from the same latents at every step.</p>
{% for card in cards %}
<article class="card method method-{{ card.number }}" id="{{ card.anchor }}">
  <h3>{{ card.dataset }} · {{ card.method }} <small>{{ card.count }} seed{{ "s" if card.count > 1 }}</small></h3>
{% if card.steps|length > 1 %}
  <p class="slider"><label>generator step <input type="range" min="0" max="{{ card.steps|length - 1 }}" \
value="{{ card.steps|length - 1 }}" data-steps="{{ card.steps|tojson|forceescape }}"></label>
  <output>{{ "{:,}".format(card.steps[-1]) }}</output> <button type="button" class="play">play</button></p>
{% endif %}
  <div class="seeds">
{% for seed in card.seeds %}
    <div{% if seed.failed %} class="failed"{% endif %}>
      <h4>{{ seed.place ~ ": " if seed.place }}seed {{ seed.seed }}</h4>
{% if seed.frames %}
      <div class="frames">
{% for step, picture in seed.frames if step in card.steps or not card.steps %}
        <img class="frame{% if loop.last %} now{% endif %}" src="{{ picture }}" width="224" height="224" \
alt="Samples of {{ card.method }} on {{ card.dataset }}, seed {{ seed.seed }}, after {{ step }} steps">
{% endfor %}
      </div>
{% endif %}
      <p>{{ seed.words }}.</p>
{% if seed.histogram or seed.timeline %}
      <details><summary>How its samples fall into {{ seed.noun }}</summary>
{% if seed.histogram %}
      <figure role="img" aria-label="Shares of the {{ seed.noun }} among the samples of {{ card.method }}, \
seed {{ seed.seed }}">{{ seed.histogram }}</figure>
{% endif %}
{% if seed.timeline %}
      <figure role="img" aria-label="How full the {{ seed.noun }} were during the training of {{ card.method }}, \
seed {{ seed.seed }}, with events">{{ seed.timeline }}</figure>
{% endif %}
      </details>
{% endif %}
    </div>
{% endfor %}
  </div>
</article>
{% endfor %}
"""


class Shown(NamedTuple):
    """The cards, and what their seeds are ordered by, in words."""

    order: str
    cards: list[Card]


class Seeds(Section[Shown]):
    title: ClassVar[str] = "Seeds"
    anchor: ClassVar[str] = "seeds"
    place: ClassVar[int] = 50

    def content(self, report: Report) -> Shown:
        return Shown(", then by ".join(report.representatives.order), cards(report))

    def html(self, content: Shown) -> Markup:
        return fill(TEMPLATE, order=content.order or "nothing that was measured", cards=content.cards)

    def markdown(self, content: Shown) -> str:
        return "\n".join(
            f"- **{for_markdown(card.dataset)} · {for_markdown(card.method)} · "
            f"{f'{seed.place}: ' if seed.place else ''}seed {seed.seed}**: {for_markdown(seed.words)}."
            for card in content.cards
            for seed in card.seeds
        )


@dataclass(frozen=True)
class Seed:
    """One run in the report.

    Attributes:
        place: `best`, `middle` or `worst` of its method; empty for an only seed.
        words: its summary.
        frames: pairs of step and sample grid (a data URI), ordered by step.
        noun: the plural noun for modes.
        histogram, timeline: the distribution of its samples over modes, at the end and during training; or empty.
    """

    seed: int
    place: str
    words: str
    noun: str
    frames: list[tuple[int, str]]
    histogram: Markup
    timeline: Markup
    failed: bool


@dataclass(frozen=True)
class Card:
    """One method on one data set; `steps` are the steps for which all of its seeds have a picture."""

    anchor: str
    dataset: str
    method: str
    number: int
    count: int
    seeds: list[Seed]

    @property
    def steps(self) -> list[int]:
        steps_of_seeds = [{step for step, _ in seed.frames} for seed in self.seeds if seed.frames]
        return sorted(set.intersection(*steps_of_seeds)) if steps_of_seeds else []


def cards(report: Report) -> list[Card]:
    """Make a card for each combination of data set and method."""
    table, names = report.table, report.names
    all_runs = runs(table)
    counts = all_runs.groupby(["dataset", all_runs["run"].map(names)], observed=True).size()
    made = []
    for place_of_card, ((dataset, method), shown) in enumerate(report.representatives.places.items()):
        seeds = []
        for run, place in shown:
            rows = report.rows[run]
            scores = final_scores(rows)
            shares, good = mode_shares(scores), mode_shares(scores, GOOD)
            frames = [(step, data_uri(picture)) for step, picture in sorted(report.pictures.get(run, {}).items())]
            seeds.append(
                Seed(
                    seed=int(rows["seed"].iloc[0]),
                    place=place,
                    words=summarize_run(rows, run),
                    noun=noun_of(rows),
                    frames=frames,
                    histogram=histogram(shares, good) if shares else Markup(),
                    timeline=_timeline(rows),
                    failed=rows["status"].iloc[0] != "finished",
                )
            )
        count = int(counts[dataset, method])
        made.append(Card(seeds_anchor(place_of_card), dataset, method, report.numbers[method], count, seeds))
    return made


def small(picture: bytes) -> bytes:
    """Convert a sample grid to the report's format: WebP, at most `SIDE` pixels wide; one in it stays as it is."""
    opened = Image.open(io.BytesIO(picture))
    image = opened.convert("RGB")
    if opened.format == "WEBP" and image.width <= SIDE:
        return picture
    if image.width > SIDE:
        # Digits are drawn at twice their size, so that halving loses nothing; points are not on a raster.
        image = image.resize((SIDE, SIDE * image.height // image.width), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=60, method=6)
    return buffer.getvalue()


def _timeline(rows: pd.DataFrame) -> Markup:
    """Draw the modes × steps heat map of one run from its quick scores; real data are assumed to be even over modes."""
    quick = quick_scores(rows)
    quick = quick[quick["metric"].str.startswith(GOOD)]
    if quick["step"].nunique() < 2:
        return Markup()
    quick = quick.assign(mode=quick["metric"].str.removeprefix(GOOD))
    shares = quick.pivot_table(index="step", columns="mode", values="value", sort=False).sort_index()
    names = sorted(map(str, shares.columns), key=by_number)
    fullness = (shares[names] * len(names)).to_numpy().tolist()
    marks = list(zip(events(rows)["step"].tolist(), events(rows)["metric"].tolist(), strict=True))
    return heat_map(shares.index.tolist(), fullness, names, marks, noun_of(rows))
