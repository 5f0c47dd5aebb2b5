"""Samples first: a sheet of each method, of its middle seed where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from markupsafe import Markup

from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import Report, Section, data_uri, fill, picture_name, seeds_anchor
from ganbench.results.report.sources import SAMPLES
from ganbench.results.verdict_words import words_of_runs

PREFERRED = ("middle", "", "best", "worst")
"""Places of the seed shown; it is the first of these that has samples."""
TEMPLATE = """
<p class="note">Generated at the end of training by the middle seed of each method, if it has samples; its best and its
worst seed are <a href="#seeds">below</a>.</p>
<div class="gallery">
{% for sheet in sheets %}
<figure class="method method-{{ sheet.number }}"><a href="#{{ sheet.anchor }}"><img src="{{ sheet.address }}" \
width="224" height="224" alt="Samples of {{ sheet.name }}, {{ sheet.seed }}"></a>
<figcaption>{{ sheet.name }}<small>{{ sheet.word ~ ", " if sheet.word }}{{ sheet.seed }}</small></figcaption></figure>
{% endfor %}
</div>
"""


@dataclass(frozen=True)
class Sheet:
    """The last sample grid of one seed of a method.

    Attributes:
        anchor: of the card of the method's seeds.
        seed: the seed and its place, in words.
        word: that of its verdict; empty if it has none.
        file: name of the picture in the folder of samples.
    """

    name: str
    number: int
    anchor: str
    seed: str
    word: str
    file: str
    address: str


class Samples(Section[list[Sheet]]):
    title: ClassVar[str] = "Samples"
    anchor: ClassVar[str] = "samples"
    place: ClassVar[int] = 5

    def content(self, report: Report) -> list[Sheet] | None:
        several = report.table["dataset"].nunique() > 1
        words = words_of_runs(report.table)
        sheets = []
        for number, ((dataset, method), shown) in enumerate(report.representatives.places.items()):
            pictured = [(PREFERRED.index(place), run, place) for run, place in shown if report.pictures.get(run)]
            if not pictured:
                continue
            _, run, place = min(pictured)
            rows, step = report.rows[run], max(report.pictures[run])
            sheets.append(
                Sheet(
                    name=f"{dataset} · {method}" if several else method,
                    number=report.numbers[method],
                    anchor=seeds_anchor(number),
                    seed=f"{place} seed {rows['seed'].iloc[0]}".strip(),
                    word=words.get(run, ""),
                    file=picture_name(run, step),
                    address=data_uri(report.pictures[run][step]),
                )
            )
        return sheets or None

    def html(self, content: list[Sheet]) -> Markup:
        return fill(TEMPLATE, sheets=content)

    def markdown(self, content: list[Sheet]) -> str:
        return "\n\n".join(
            f"![Samples of {for_markdown(sheet.name)}]({SAMPLES}/{quote(sheet.file)})\n"
            f"**{for_markdown(sheet.name)}**: {f'{sheet.word}, ' if sheet.word else ''}{sheet.seed}"
            for sheet in content
        )
