"""What the rows of a study show, by the kind of its design."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from experiments.results_page.doses import doses
from experiments.results_page.findings import Findings
from experiments.results_page.pictures import axis_samples, picture
from experiments.results_page.study import Study
from ganbench.results.answers import answer
from ganbench.results.axis_words import axes_in_brief, axis_tables, undecided_pairs
from ganbench.results.compare import compare
from ganbench.results.crossed_axes import crossed_axes
from ganbench.results.factor_effects import FactorEffects, factor_effects
from ganbench.results.factor_sentences import factor_sentences, factors_in_brief
from ganbench.results.incomplete_seeds import collapsed_seeds, lost_modes, rule_in_brief
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.study_charts import effect_chart
from ganbench.results.report.svg import svg
from ganbench.results.report.tables import markdown
from ganbench.results.views import final_scores


def findings(study: Study, images: Path) -> Findings:
    """What the rows of a study show, by the kind of its design: doses, factors, or methods to be ranked.

    Args:
        images: the folder into which its pictures are written.
    """
    if study.complete.empty:
        return Findings()
    parts = [*doses(study, images), *_factors(study, images)]
    if not any(part.briefs or part.known or part.undecided for part in parts):
        parts = [*_axes(study, images)]
    if not any(part.briefs or part.known or part.tables for part in parts):
        parts = [_methods(study)]
    return Findings(
        of_rule=rule_in_brief(study.complete),
        briefs=[brief for part in parts for brief in part.briefs],
        known=[sentence for part in parts for sentence in part.known],
        undecided=[sentence for part in parts for sentence in part.undecided],
        pictures=[drawn for part in parts for drawn in part.pictures],
        tables=[table for part in parts for table in part.tables],
    )


def _factors(study: Study, images: Path) -> Iterator[Findings]:
    """What each factor does to each outcome, which factors change another's effect, and a chart."""
    by_dataset: dict[str, list[FactorEffects]] = {}
    for outcome in factor_effects(study.complete):
        by_dataset.setdefault(outcome.dataset, []).append(outcome)
    for dataset, outcomes in by_dataset.items():
        name = f"results-{study.name}-{dataset}.svg"
        (images / name).write_text(svg(effect_chart(outcomes)), encoding="utf-8")
        caption = f"How often a seed is better with each factor than without it, on {dataset}"
        known, undecided = factor_sentences(study.complete, outcomes)
        briefs = factors_in_brief(study.complete, outcomes)
        yield Findings(briefs=briefs, known=known, undecided=undecided, pictures=[picture(caption, name)])


def _axes(study: Study, images: Path) -> Iterator[Findings]:
    """What each of two crossed axes changes, after the seeds that lost a mode."""
    if pairs := crossed_axes(study.complete):
        yield Findings(
            briefs=axes_in_brief(pairs),
            known=_lost(study),
            undecided=list(map(for_markdown, undecided_pairs(pairs))),
            pictures=axis_samples(study, images),
            tables=[
                f"{for_markdown(each.caption)}:\n\n{markdown(each.head, each.rows)}" for each in axis_tables(pairs)
            ],
        )


def _methods(study: Study) -> Findings:
    """The seeds of each method without some mode, and which method is better by each primary outcome."""
    primary = str(study.complete["primary"].iloc[0]).split(",")
    measured = set(final_scores(study.complete)["metric"])
    rankings = compare(study.complete, metrics=[metric for metric in primary if metric in measured]).rankings
    decided, undecided = (
        [for_markdown(f"{each.metric}: {answer(each)}") for each in rankings if bool(each.winner) == won]
        for won in (True, False)
    )
    return Findings(known=[*_lost(study), *decided], undecided=undecided)


def _lost(study: Study) -> list[str]:
    """The seeds of each method without some mode, and those that collapsed by the study's rule."""
    names = method_names(study.complete)
    found = [*lost_modes(study.complete, names), *collapsed_seeds(study.complete, names)]
    return [for_markdown(f"{counts.beginning} {'; '.join(counts.ends)}") for counts in found]
