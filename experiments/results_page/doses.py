"""Which parts protect, from which dose on runs collapse, and whether it is the balance that matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.results_page.findings import Findings
from experiments.results_page.pictures import dose_samples, picture, slug
from experiments.results_page.study import Study
from ganbench.core.annotation import parse_dose
from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.at_equal_doses import AtEqualDoses
from ganbench.results.balanced_controls import Imbalance
from ganbench.results.compare import COUNTED
from ganbench.results.controls_in_words import controls_in_brief, rule_in_words
from ganbench.results.dose_curves import DoseCurves, dose_curves
from ganbench.results.inference.factorial import seeds_for_even_chance
from ganbench.results.pairs_in_words import p_in_words, share_in_words, shown_in_words
from ganbench.results.protection import Protection, protection
from ganbench.results.protection_in_words import better_in_brief, protecting_in_brief
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.study_charts import dose_chart
from ganbench.results.report.svg import svg
from ganbench.results.report.tables import markdown
from ganbench.results.views import runs


def doses(study: Study, images: Path) -> Iterator[Findings]:
    """For each kind of dose: which parts protect, whether it is the balance that matters, and when runs collapse.

    What most runs are about comes first.
    """
    compared = protection(study.complete, study.baseline, study.pairs, study.unbalanced)
    curves_of = {(each.dataset, each.what, each.rule): each for each in dose_curves(study.complete)}
    controls_of = {
        (methods[0].dataset, methods[0].what, str(methods[0].found.rule)): methods for methods in study.controls.kinds()
    }
    for kind in sorted(curves_of | controls_of, key=lambda kind: -curves_of[kind].runs if kind in curves_of else 0):
        parts = [part for part in compared if (part.dataset, part.what, str(part.found.rule)) == kind]
        protecting = protecting_in_brief([part for part in parts if part.baseline == study.baseline])
        yield Findings(briefs=[protecting] if protecting else [])
        if kind in controls_of:
            yield _controls(study, controls_of[kind])
        if kind in curves_of:
            yield _curves(study, curves_of[kind], parts, images)


def _controls(study: Study, methods: Sequence[Imbalance]) -> Findings:
    """What balanced controls show: whether it is the balance that matters, or the number of updates."""
    brief = controls_in_brief(methods, study.words)
    return Findings(
        briefs=[brief] if brief else [],
        undecided=[for_markdown(each.sentence()) for each in methods if not each.significant],
        tables=[_control_table(methods)],
    )


def _curves(study: Study, curves: DoseCurves, parts: Sequence[Protection], images: Path) -> Findings:
    """The dose at which half of the runs collapse, which parts do better or worse, a curve and its table."""
    name = f"results-{study.name}-{slug(curves.dataset)}-{slug(curves.what)}.svg"
    (images / name).write_text(svg(dose_chart(curves)), encoding="utf-8")
    beside = [part for part in parts if part.baseline == study.baseline]
    shown = [*study.shown, *(part.name for part in beside if part.protects)]
    bases = [curve for curve in curves.curves if curve.name in shown]
    what = for_markdown(f"{curves.what}, on {curves.dataset}")
    known = [f"**{for_markdown(curve.name)}**, {what}: {for_markdown(curve.sentence())}" for curve in bases]
    apart = {part: curves.apart(part.name, part.baseline) for part in parts}
    rows = [
        [curve.name, curve.half(), curve.counts(), _collapsed_words(study, curves, curve.name)]
        for curve in curves.curves
    ]
    head = ["part", curves.what, f"runs with {curves.rule} or no score", "runs that are called COLLAPSED"]
    drawn = picture(f"Share of runs with {for_markdown(curves.rule)} by {what}", name)
    briefs = [curves.in_brief(study.baseline)]
    briefs += [better_in_brief(part) for part in beside if not part.protects]
    return Findings(
        briefs=[brief for brief in briefs if brief],
        known=[for_markdown(words) for words in apart.values() if words] + known,
        undecided=[for_markdown(_undecided(part)) for part in parts if not part.significant],
        pictures=[drawn, *dose_samples(study, curves, shown, images)],
        tables=[markdown(head, rows), *_protection_table(parts)],
    )


def _protection_table(parts: Sequence[Protection]) -> list[str]:
    """A table of all comparisons of two parts: unbalanced, balanced, and whether the lead is larger unbalanced."""
    if not parts:
        return []
    head = [
        "the first",
        "the second",
        "unbalanced",
        f"by {parts[0].what}",
        "balanced",
        "change",
        f"runs with {parts[0].found.rule}",
        "real images",
    ]
    rows = []
    for part in parts:
        graded, balanced = part.graded, part.balanced
        share = f"{percent(balanced.better.middle)} % ({percents(*balanced.better[1:])})" if balanced else ""
        shown = "all COLLAPSED"
        if graded:
            words = shown_in_words(graded.better, significant=part.significant)
            shown = f"{words}, {share_in_words(graded.better, part.corrected_p)}"
        rows.append(
            [
                part.name,
                part.baseline,
                shown,
                graded.at_each() if graded else "",
                share,
                part.lead.words() if part.lead else "",
                _collapsed_of_both(part),
                _images_in_words(part),
            ]
        )
    dataset, metric = for_markdown(parts[0].dataset), for_markdown(parts[0].found.rule.metric)
    return [
        f"In how many pairs of seeds the first part does better than the second on {dataset} by {metric}, unbalanced "
        "at equal doses and balanced after as many discriminator updates (95 % interval; corrected p); and in how many "
        "unbalanced runs of each the rule holds. A part protects if it holds in fewer, by more than balanced, and if a "
        "mode is missing in fewer, too:"
        f"\n\n{markdown(head, rows)}"
    ]


def _collapsed_of_both(part: Protection) -> str:
    (own, of), (other, other_of) = part.collapsed.own, part.collapsed.other
    return f"{own} of {of} and {other} of {other_of} ({p_in_words(part.collapsed.corrected_p)})"


def _images_in_words(part: Protection) -> str:
    """How many times as many real images the first part saw: “3, 4 and 6 times; balanced, 2”, or “as many”."""
    each, balanced = (
        [number(times) for times in dict.fromkeys(round(times, 2) for times in images)]
        for images in (part.images, part.balanced_images)
    )
    if not each:
        return ""
    if {*each, *balanced} == {"1"}:
        return "as many"
    return f"{listed(each)} times{f'; balanced, {listed(balanced)}' if balanced else ''}"


def _undecided(part: Protection) -> str:
    if part.graded is None:
        words = f"{part.name} and {part.baseline} can't be compared by {part.found.rule.metric}"
        return f"{words} ({part.what}): all runs of both are called COLLAPSED"
    words = f"{part.name} is not shown to do better or worse than {part.baseline} by {part.found.rule.metric}"
    return f"{words} ({part.what}: {part.graded.at_each()}){_more_seeds(part.graded, part.corrected_p)}"


def _more_seeds(found: AtEqualDoses, corrected_p: float) -> str:
    needed = seeds_for_even_chance(found.total // len(found.doses), found.p, corrected_p)
    words = (
        f"; if the difference is as large as it looks, about {needed} seeds at each dose would show it in half of all "
        "studies"
    )
    return words if needed else ""


def _collapsed_words(study: Study, curves: DoseCurves, part: str) -> str:
    """Number of runs of a part at each dose that the verdict calls COLLAPSED, by another rule than the study's."""
    ended = runs(study.complete)
    ended = ended[(ended["dataset"] == curves.dataset) & (ended["name"] == part) & ended["status"].isin(COUNTED)]
    counts: dict[float, list[bool]] = {}
    for run, dose in zip(ended["run"], ended["dose"], strict=True):
        amount = parse_dose(str(dose)).get(curves.what)
        if amount:
            counts.setdefault(amount, []).append(study.words.get(str(run)) == "COLLAPSED")
    return ", ".join(f"{sum(of)} of {len(of)} at {number(amount)}" for amount, of in sorted(counts.items()))


def _control_table(methods: Sequence[Imbalance]) -> str:
    """How often balanced runs of each part do better, and how many collapse, for one kind of dose."""
    first = methods[0]
    rows = []
    for method in methods:
        found = method.found
        row = [
            method.name,
            f"{shown_in_words(found.better, significant=method.significant)}, "
            f"{share_in_words(found.better, method.corrected_p)}",
            found.at_each(),
            f"{found.collapsed} of {found.total}",
            f"{found.other_collapsed} of {found.other_total}",
        ]
        rows.append(row)
    head = ["part", "pairs", f"by {first.what}", f"balanced runs with {rule_in_words(methods)}", "unbalanced ones"]
    return (
        "In how many pairs of seeds a balanced run does better than an unbalanced one on "
        f"{for_markdown(first.dataset)}, after as many discriminator updates (95 % interval; corrected p):\n\n"
        f"{markdown(head, rows)}"
    )
