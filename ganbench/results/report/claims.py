"""Published numbers as a table for the terminal, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from ganbench.core.screen import WIDE, wrapped
from ganbench.results.claims import COLUMNS, Claim, difference, read_claims
from ganbench.results.claims.studied import Studied, in_words, of_claims
from ganbench.results.grouping import conditions_of, shown_protocol
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.tables import fitted, markdown
from ganbench.results.views import final_scores

SHORT = 60
"""Characters to which a table shortens a caveat; Markdown has all of it."""


def render_claims(claims: Sequence[Claim], style: str, width: int = WIDE, studied: Sequence[Studied] = ()) -> str:
    """Render claims in the style `table`, `markdown`, `csv` or `json`.

    Args:
        studied: what our studies say of differences between claims. CSV, which can be read again, leaves it out.
    """
    if style == "json":
        rows = [
            {name: _plain(value) for name, value in asdict(claim).items()}
            | {"studies": [asdict(row) for row in of_claims([claim.id], studied)]}
            for claim in claims
        ]
        return json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False)
    if style == "csv":
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for claim in claims:
            words = {name: _plain(value) for name, value in asdict(claim).items()}
            writer.writerow(words | {"first_hand": "yes" if claim.first_hand else "no"})
        return buffer.getvalue().rstrip("\n")
    head = ["paper", "data", "method", "metric", "value", "runs", "protocol", "caveat"]
    rows_of_words = [
        [
            f"{claim.paper} {claim.year}, {claim.place}",
            claim.dataset,
            claim.method,
            claim.metric,
            claim.text,
            "–" if claim.runs is None else str(claim.runs),
            claim.protocol or "–",
            claim.caveat if style == "markdown" or len(claim.caveat) <= SHORT else f"{claim.caveat[: SHORT - 1]}…",
        ]
        for claim in claims
    ]
    sentences = [in_words(row) for row in of_claims((claim.id for claim in claims), studied)]
    if style == "markdown":
        return "\n\n".join([markdown(head, rows_of_words), *map(for_markdown, sentences)])
    facts = ["data", "metric", "runs", "protocol"]
    optional = ["caveat", "runs", "protocol", "data"]
    table = fitted(head, rows_of_words, facts=facts, optional=optional, width=width)
    return "\n\n".join([table, *(wrapped(sentence, width) for sentence in sentences)])


def beside(table: pd.DataFrame, metrics: Sequence[str], style: str, width: int = WIDE) -> str:
    """Render published numbers for the data and protocols of a tidy table, and count those under other protocols."""
    both = published_beside(table, metrics)
    same = [claim for claim, differs in both if not differs]
    others = [claim for claim, differs in both if differs]
    parts = [f"published, under the same protocol:\n\n{render_claims(same, style, width)}"] if same else []
    if others:
        where = "|".join(sorted({claim.dataset for claim in others}))
        sentence = (
            f"{len(others)} published numbers for this data were measured in another way and can't be compared: "
            f"ganbench claims --where dataset={where}"
        )
        parts.append(wrapped(sentence, width) if style == "table" else sentence)
    return "\n".join(parts)


def published_beside(table: pd.DataFrame, metrics: Sequence[str]) -> list[tuple[Claim, str]]:
    """Return published numbers for the data of a tidy table, comparable ones first.

    Each comes with the reason why it can't be compared with ours; empty if it can.
    """
    settings = conditions_of(final_scores(table))[["dataset", "protocol", "selection"]].drop_duplicates()
    claims = []
    for claim in read_claims():
        differences = [
            difference(claim, dataset, shown_protocol(protocol, selection))
            for dataset, protocol, selection in settings.itertuples(index=False, name=None)
            if dataset == claim.dataset
        ]
        if claim.metric in metrics and differences:
            claims.append((claim, "" if "" in differences else differences[0]))
    return sorted(claims, key=lambda item: item[1] != "")


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
