"""A section of a report, and the report that it reads."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Generic, TypeVar

import jinja2
import pandas as pd
from markupsafe import Markup

from ganbench.results.compare import Comparison, compare
from ganbench.results.grouping import group_names, with_labels
from ganbench.results.loading import Pictures
from ganbench.results.report.about import About
from ganbench.results.report.figures import draw
from ganbench.results.report.representatives import Representatives
from ganbench.results.report.svg import svg

Content = TypeVar("Content")


@dataclass(frozen=True)
class Report:
    """A report's content; what several sections need is computed once.

    Attributes:
        names: the name of each run's method.
        pictures: sample grids of the representatives.
    """

    table: pd.DataFrame
    about: About
    names: Mapping[str, str]
    representatives: Representatives
    pictures: Pictures

    @cached_property
    def comparison(self) -> Comparison:
        return compare(self.table, x=self.about.x)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each method, which determines its colour."""
        return {name: number for number, name in enumerate(sorted(set(self.names.values())))}

    @cached_property
    def rows(self) -> dict[str, pd.DataFrame]:
        """The rows of each representative."""
        shown = self.table[self.table["run"].isin(self.representatives.runs)]
        return {str(run): rows for run, rows in shown.groupby("run")}

    @cached_property
    def figures(self) -> dict[str, dict[str, str]]:
        """Figures as SVG, by data set and title."""
        drawn = draw(self.table, self.names, self.numbers, self.about.x)
        return {
            dataset: {title: svg(figure) for title, figure in figures.items()} for dataset, figures in drawn.items()
        }


class Section(ABC, Generic[Content]):
    """One section: a heading and what stands below it.

    Attributes:
        title: the heading.
        anchor: the id of the section in the page, to which the table of contents links.
        place: sections are ordered by it.
    """

    title: ClassVar[str]
    anchor: ClassVar[str]
    place: ClassVar[int]

    @abstractmethod
    def content(self, report: Report) -> Content | None:
        """Return what there is to show, computed once for both formats; None if there is nothing."""

    @abstractmethod
    def html(self, content: Content) -> Markup:
        """Return the content as HTML, with all text escaped."""

    def markdown(self, content: Content) -> str:
        """Return the content as Markdown; empty if it needs pictures."""
        return ""


def method_names(table: pd.DataFrame) -> dict[str, str]:
    """Map each run to the name of its method: its label, or the loss and what else distinguishes it on its data set."""
    names: dict[str, str] = {}
    for _, rows in table.groupby("dataset", sort=True):
        names_of_runs = group_names(rows)
        parts = {name: name.split(" · ") for name in names_of_runs.values()}
        # An architecture shared by all of them is left out of the names.
        if len({tuple(part[1:2]) for part in parts.values()}) == 1:
            parts = {name: [part[0], *part[2:]] for name, part in parts.items()}
        names |= with_labels({run: " · ".join(parts[name]) for run, name in names_of_runs.items()}, rows)
    return names


def fill(template: str, **values: object) -> Markup:
    """Fill a Jinja template of HTML; text in the values is escaped."""
    return Markup(_ENVIRONMENT.from_string(template).render(**values))


def data_uri(picture: bytes) -> str:
    """A sample grid (WebP) as an address that holds the picture itself."""
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"


def picture_name(run: str, step: int) -> str:
    """The file name of a sample grid; a run of a stranger's store may have a name with slashes."""
    return f"{run.replace('/', '-')}-{step}.webp"


def seeds_anchor(number: int) -> str:
    """The id of the card of the seeds of a data set and method, by its place among the representatives."""
    return f"seeds-{number}"


_ENVIRONMENT = jinja2.Environment(
    autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
)
