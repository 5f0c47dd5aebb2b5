"""Published differences between two methods, beside those of the studies."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.results_page.study import Study
from ganbench.core.formatting import listed
from ganbench.evaluation.metrics import METRICS
from ganbench.results.claims import read_claims
from ganbench.results.claims.differences import DifferenceHere, differences_here, published_differences
from ganbench.results.claims.studied import Studied
from ganbench.results.report.tables import markdown

PUBLISHED = (
    "Two methods of a published table, of which one is better by more than the spreads that the paper gives, and the "
    "same two here, in settings that differ in nothing else, without an imbalance, at the largest budget, unless most "
    "runs of both end as COLLAPSED, NOT LEARNED YET or DIVERGED. Networks, budgets and scoring are ours, with the same "
    "hyper-parameters for both, and the metric of that name: our FID is not Inception-FID. So this says whether the "
    "order *carries over* to our runs or *reverses* there (van Elteren's test, corrected p ≤ .05 after Holm's "
    "correction over this table; else *undecided*). It is no test of the paper. Published "
    "failures have no number, so they are not among the rows."
)


def differences(done: Sequence[Study]) -> list[DifferenceHere]:
    """The published differences of which studies have runs of both methods."""
    directions = {name: str(metric.direction) for name, metric in METRICS.items()}
    published = published_differences(read_claims(), directions)
    return differences_here({study.name: study.complete for study in done}, published)


def studied(compared: Sequence[DifferenceHere]) -> list[Studied]:
    """The rows that the package has of them."""
    return [
        Studied(
            each.published.better.id,
            each.published.worse.id,
            each.published.words(),
            listed(each.studies),
            each.outcome,
            each.sentence(),
        )
        for each in compared
    ]


def section(compared: Sequence[DifferenceHere]) -> list[str]:
    """The section of the page, if any study has runs of both methods."""
    rows = [
        [
            f"{each.published.better.paper} {each.published.better.year}, {each.published.better.place}",
            f"{each.published.words()}, on {each.published.better.dataset}",
            each.outcome,
            f"{listed(each.studies)}: {each.sentence()}",
            each.published.better.caveat,
        ]
        for each in compared
    ]
    head = ["paper", "published", "here", "our runs", "caveat"]
    return ["## What papers found", PUBLISHED, markdown(head, rows)] if rows else []
