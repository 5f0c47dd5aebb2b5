"""Write docs/results.md and its pictures from the committed results of the studies in experiments/studies.

    make results

A study's results are in `reports/<date>_<study>/results.csv`, written by `ganbench report`. Every sentence of the page
is made here from those rows, with its interval and test; nothing is written by hand.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from ganbench.core.annotation import parse_dose
from ganbench.core.formatting import listed, number, percent, percents
from ganbench.core.verdict_word import VerdictWord
from ganbench.evaluation.metrics import METRICS
from ganbench.results.answers import answer
from ganbench.results.axis_words import axes_in_brief, axis_tables, undecided_pairs
from ganbench.results.balanced_controls import Controls, Imbalance, balanced_controls
from ganbench.results.brief import Brief
from ganbench.results.claims import read_claims
from ganbench.results.claims.differences import DifferenceHere, differences_here, published_differences
from ganbench.results.claims.studied import Studied, write_studied
from ganbench.results.compare import COUNTED, compare
from ganbench.results.crossed_axes import crossed_axes
from ganbench.results.csv_file import read_csv
from ganbench.results.dose_curves import DoseCurves, dose_curves
from ganbench.results.factor_effects import FactorEffects, factor_effects
from ganbench.results.factor_sentences import factor_sentences, factors_in_brief
from ganbench.results.incomplete_seeds import lost_modes
from ganbench.results.inference.factorial import seeds_for_even_chance
from ganbench.results.medians import Medians, MethodMedians, medians
from ganbench.results.pairs_in_words import share_in_words, shown_in_words
from ganbench.results.protection import Protection, protecting_in_brief, protection
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.representatives import choose
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.study_charts import dose_chart, effect_chart, sheet_picture
from ganbench.results.report.svg import svg
from ganbench.results.report.tables import markdown
from ganbench.results.verdict_words import count_words, format_words, words_of_runs
from ganbench.results.views import final_scores, runs
from ganbench.spec.sweep_spec import Sweep, read_sweep

ROOT = Path(__file__).parents[1]
STUDIES = ROOT / "experiments" / "studies"
PAGE = ROOT / "docs" / "results.md"
IMAGES = ROOT / "docs" / "images"
ORDER = ("balance", "net_or_loss", "factorial", "within_digits", "balance_ring", "stacked")
BASELINE = "non-saturating"
"""The part of the balance study that the others are added to."""
PAIRS = (("relativistic, R1 + R2", "R1 + R2"), ("R1 + R2", "R1"))
"""Parts of the balance study that differ in one thing from another one than the baseline."""
SHOWN = ("minimax", "non-saturating")
"""Parts of the balance study whose doses are told and of which samples are shown, beside those that protect."""
INTRODUCTION = (
    "Made by `make results` from the result files in [reports](../reports); no result is written by hand. Each "
    "comparison has a 95 % interval, each study leads to its rows, and all seeds of the methods that are done "
    "count, failed ones included; methods whose seeds have not all ended are left out. Nothing here comes from a GPU, "
    "and all of it holds for these small networks and short trainings alone. [What the words "
    "mean](#how-to-read-the-sentences) stands below the pictures."
)
READING = (
    "Each experiment file fixed a rule before the first run, such as `kl_corrected > 1`: the KL divergence of the "
    "modes' shares from those of the data, corrected for its bias. Above 1 nat it is as uneven as fewer than four of "
    "ten digits, whether because modes were lost or because they have not been learned yet. *A part* is a loss or "
    "what is added to the non-saturating one: the gradient penalties R1 and R2, relativistic pairing, packing of two "
    "samples. *Updates of G per D* are the generator's for each one of the discriminator's. *Better in 88 % of pairs*"
    " means that of one run of each kind, at the same dose, the first is better so often, ties counting half. "
    "*Corrected p* is by van Elteren's test, or, of how far a lead or another factor's effect changes, by the level "
    "of the interval that just reaches 0, after Holm's correction for all comparisons of the same kind. A *quiet end*"
    " is a decaying learning rate with an averaged generator. Of near-duplicates and of good samples, those are "
    "better that are nearer to real data, not fewer or more. A part *protects* if its lead over another one is larger"
    " when the generator is ahead than in balanced runs after as many discriminator updates, and if it is ahead at "
    "some dose (95 % interval above 50 %): being ahead in both is no protection, and neither is being less far "
    "behind. Intervals are of one comparison each, so one may exclude 50 % where the corrected p doesn't decide."
)
NUMBERS = (
    "Medians over seeds, and runs by [the first word of their verdict](measuring.md#one-word-first). The words were "
    "defined after these runs, and decide nothing above. COLLAPSED means that most samples repeat others, however "
    "evenly. Blur resembles few modes and repeats nothing: read lost modes and near-duplicates beside the share of "
    "good samples."
)
PUBLISHED = (
    "Two methods of a published table, of which one is better by more than the spreads that the paper gives, and the "
    "same two here, in settings that differ in nothing else, without an imbalance, at the largest budget. Networks, "
    "budgets and scoring are ours, with the same hyper-parameters for both, and the metric of that name: our FID is "
    "not Inception-FID. So this says whether the order *carries over* to our runs or *reverses* there (van Elteren's "
    "test, corrected p ≤ .05 after Holm's correction over this table; else *undecided*). It is no test of the paper."
)
NOTHING = "Nothing is decided yet."
BESIDE = ("hq", "fid")
"""Metrics that stand beside a study's own outcomes."""
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- made by `make results` -->\n).*?(<!-- end -->)", flags=re.DOTALL)
FIRST = 3
"""Number of sentences that README shows: the first of each study, then the second."""
WORDS = (
    "*Better in 88 % of pairs*: take a run of each kind at random, and the first is better in 88 % of such pairs (in "
    "brackets: 95 % interval and corrected p), ties counting half. *Updates of G per D*: of the generator for each one "
    "of the discriminator. *A part*: a loss, or what is added to one. `kl_corrected` says how far the modes' shares "
    "are from those of the data. The rule `kl_corrected > 1` was fixed before the first run; it isn't that of the word "
    "COLLAPSED, which also holds where samples repeat others evenly. *A quiet end*: decaying learning rates and an "
    "averaged generator."
)


@dataclass(frozen=True)
class Study:
    """The results of one study.

    Attributes:
        folder: its report.
        table: all rows.
        seeds: number of seeds of each method by design.
    """

    name: str
    question: str
    folder: Path
    table: pd.DataFrame
    seeds: int = 1

    @cached_property
    def complete(self) -> pd.DataFrame:
        """The rows of the methods of which all seeds have ended."""
        ended = runs(self.table)
        counts = ended[ended["status"].isin(COUNTED)].groupby("group", observed=True)["seed"].nunique()
        return self.table[self.table["group"].isin(counts.index[counts >= self.seeds])]

    @cached_property
    def controls(self) -> Controls:
        return balanced_controls(self.complete)

    @cached_property
    def words(self) -> dict[str, VerdictWord]:
        return words_of_runs(self.complete)

    @property
    def asked(self) -> str:
        """The first sentence of the question."""
        return self.question.partition("?")[0] + "?"

    @property
    def report(self) -> str:
        return f"../reports/{self.folder.name}/report.md"

    @property
    def link(self) -> str:
        """A link to the rows behind every sentence."""
        return f"[Rows]({self.report})"


@dataclass(frozen=True)
class Findings:
    """What a study shows, in Markdown.

    Attributes:
        known, undecided: sentences about what is decided, and about what isn't.
        pictures: with their captions.
        brief: the short answers, each beginning with a headline; empty if there is no shorter way to say what is known.
        tables: all comparisons, decided or not.
    """

    known: Sequence[str] = ()
    undecided: Sequence[str] = ()
    pictures: Sequence[str] = ()
    brief: Sequence[str] = ()
    tables: Sequence[str] = ()


def studies() -> Iterator[Study]:
    """The studies that have results, in the order of the page; of several reports the latest."""
    for name in ORDER:
        reports = sorted((ROOT / "reports").glob(f"*_{name}/results.csv"))
        if reports:
            sweep = _sweep(name)
            question = " ".join(sweep.question.split())
            yield Study(name, question, reports[-1].parent, read_csv(reports[-1]).table, len(sweep.seeds))


def findings(study: Study) -> Findings:
    """What the rows of a study show, by the kind of its design: doses, factors, or methods to be ranked."""
    if study.complete.empty:
        return Findings()
    parts = [*_controls(study), *_doses(study), *_factors(study)]
    if not any(part.known or part.undecided for part in parts):
        parts = [*_axes(study)]
    if not any(part.known or part.tables for part in parts):
        parts = [_methods(study)]
    return Findings(
        known=[sentence for part in parts for sentence in part.known],
        undecided=[sentence for part in parts for sentence in part.undecided],
        pictures=[drawn for part in parts for drawn in part.pictures],
        brief=[sentence for part in parts for sentence in part.brief],
        tables=[table for part in parts for table in part.tables],
    )


def _doses(study: Study) -> Iterator[Findings]:
    """Which parts protect, the dose at which half of the runs of a plain loss collapse, and a curve with its table."""
    compared = protection(study.complete, BASELINE, PAIRS)
    for curves in dose_curves(study.complete):
        name = f"results-{study.name}-{_slug(curves.dataset)}-{_slug(curves.what)}.svg"
        (IMAGES / name).write_text(svg(dose_chart(curves)), encoding="utf-8")
        parts = [part for part in compared if (part.dataset, part.what) == (curves.dataset, curves.what)]
        beside = [part for part in parts if part.baseline == BASELINE]
        shown = [*SHOWN, *(part.name for part in beside if part.protects)]
        bases = [curve for curve in curves.curves if curve.name in shown]
        what = for_markdown(f"{curves.what}, on {curves.dataset}")
        known = [f"**{for_markdown(curve.name)}**, {what}: {for_markdown(curve.sentence())}" for curve in bases]
        apart = {part: curves.apart(part.name, part.baseline) for part in parts}
        rows = [
            [curve.name, curve.half(), curve.counts(), _collapsed_words(study, curves, curve.name)]
            for curve in curves.curves
        ]
        head = ["part", curves.what, f"runs with {curves.rule} or no score", "runs that are called COLLAPSED"]
        picture = _picture(f"Share of runs with {for_markdown(curves.rule)} by {what}", name)
        brief = [protecting_in_brief(beside), curves.in_brief(BASELINE)]
        brief += [part.in_brief() for part in beside if part.significant]
        yield Findings(
            known=[for_markdown(words) for words in apart.values() if words] + known,
            undecided=[for_markdown(_undecided(part)) for part in parts if not part.significant],
            pictures=[picture, *_dose_samples(study, curves, shown)],
            brief=_briefs(filter(None, brief)),
            tables=[markdown(head, rows), *_protection_table(parts)],
        )


def _protection_table(parts: Sequence[Protection]) -> list[str]:
    """A table of all comparisons of two parts: unbalanced, balanced, and whether the lead is larger unbalanced."""
    if not parts:
        return []
    head = ["the first", "the second", "unbalanced", f"by {parts[0].what}", "balanced", "change", "real images"]
    rows = []
    for part in parts:
        found, balanced = part.found, part.balanced
        share = f"{percent(balanced.better.middle)} % ({percents(*balanced.better[1:])})" if balanced else ""
        shown = shown_in_words(found.better, significant=part.significant)
        rows.append(
            [
                part.name,
                part.baseline,
                f"{shown}, {share_in_words(found.better, part.corrected_p)}",
                found.at_each(),
                share,
                part.change_in_words(),
                _images_in_words(part),
            ]
        )
    dataset, metric = for_markdown(parts[0].dataset), for_markdown(parts[0].found.rule.metric)
    return [
        f"In how many pairs of seeds the first part does better than the second on {dataset} by {metric}, unbalanced "
        "at equal doses and balanced after as many discriminator updates (95 % interval; corrected p). A part protects "
        f"if the change is shown to be positive, and it is ahead at some dose:\n\n{markdown(head, rows)}"
    ]


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
    words = f"{part.name} is not shown to do better or worse than {part.baseline} by {part.found.rule.metric}"
    return f"{words} ({part.what}){_more_seeds(part)}"


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


def _controls(study: Study) -> Iterator[Findings]:
    """What the balanced controls show: whether it is the balance that matters, or the number of updates."""
    methods = study.controls.methods
    known = [for_markdown(summary) for summary in study.controls.summaries()]
    undecided = [for_markdown(each.sentence()) for each in methods if not each.significant]
    brief = _briefs(study.controls.in_brief(study.words))
    yield Findings(known, undecided, brief=brief, tables=_control_tables(methods))


def _control_tables(methods: Sequence[Imbalance]) -> list[str]:
    """A table for each kind of dose: how often balanced runs of each part do better, and how many collapse."""
    kinds: dict[tuple[str, str, str], list[list[str]]] = {}
    for method in methods:
        found = method.found
        rule = f"{found.rule}{' or no score' * any(each.found.failed for each in methods)}"
        row = [
            method.name,
            f"{shown_in_words(found.better, significant=method.significant)}, "
            f"{share_in_words(found.better, method.corrected_p)}",
            found.at_each(),
            f"{found.collapsed} of {found.total}",
            f"{found.other_collapsed} of {found.other_total}",
        ]
        kinds.setdefault((method.dataset, method.what, rule), []).append(row)
    return [
        f"In how many pairs of seeds a balanced run does better than an unbalanced one on {for_markdown(dataset)}, "
        "after as many discriminator updates (95 % interval; corrected p):\n\n"
        + markdown(["part", "pairs", f"by {what}", f"balanced runs with {rule}", "unbalanced ones"], rows)
        for (dataset, what, rule), rows in kinds.items()
    ]


def _dose_samples(study: Study, curves: DoseCurves, shown: Sequence[str]) -> list[str]:
    """A picture of the best and the worst seed of some parts at each dose."""
    names = method_names(study.complete)
    ended = runs(study.complete)
    label_of = {
        (str(row["name"]), parse_dose(str(row["dose"])).get(curves.what)): names[row["run"]]
        for _, row in ended[ended["dataset"] == curves.dataset].iterrows()
    }
    doses = {part: sorted(dose for name, dose in label_of if name == part and dose and dose >= 1) for part in shown}
    rows = [{label_of[part, dose]: f"{part}, {number(dose)}" for dose in doses[part]} for part in shown]
    name = f"results-{study.name}-{_slug(curves.dataset)}-{_slug(curves.what)}-samples.png"
    words = (
        f"Samples of {for_markdown(listed(shown))} by {for_markdown(curves.what)}: the best and the worst seed of each"
    )
    return _samples(study, curves.dataset, rows, name, words)


def _samples(study: Study, dataset: str, rows: Sequence[Mapping[str, str]], name: str, words: str) -> list[str]:
    """A picture of the best and the worst seed of methods, from the report's samples.

    Args:
        rows: in each row of the picture, titles by the name of the method.
    """
    places = choose(study.complete, method_names(study.complete)).places
    drawn: list[list[tuple[str, Path]]] = []
    for titles in rows:
        sheets = []
        for label, title in titles.items():
            for run, place in places.get((dataset, label), []):
                kept = sorted((study.folder / "samples").glob(f"{run}-*.webp"), key=_step)
                if place in ("best", "worst") and kept:
                    sheets.append((f"{title}\n{place} seed", kept[-1]))
        drawn += [sheets] if sheets else []
    if not drawn:
        return []
    sheet_picture(drawn).save(IMAGES / name, optimize=True)
    return [_picture(words, name)]


def _picture(words: str, name: str) -> str:
    """A picture with its caption."""
    return f"![{words}](images/{name})\n\n*{words}*"


def _step(sheet: Path) -> int:
    return int(sheet.stem.rpartition("-")[2])


def _factors(study: Study) -> Iterator[Findings]:
    """What each factor does to each outcome, which factors change another's effect, and a chart."""
    by_dataset: dict[str, list[FactorEffects]] = {}
    for outcome in factor_effects(study.complete):
        by_dataset.setdefault(outcome.dataset, []).append(outcome)
    for dataset, outcomes in by_dataset.items():
        name = f"results-{study.name}-{dataset}.svg"
        (IMAGES / name).write_text(svg(effect_chart(outcomes)), encoding="utf-8")
        caption = f"How often a seed is better with each factor than without it, on {dataset}"
        known, undecided = factor_sentences(study.complete, outcomes)
        brief = _briefs(factors_in_brief(study.complete, outcomes))
        yield Findings(known, undecided, [_picture(caption, name)], brief)


def _axes(study: Study) -> Iterator[Findings]:
    """What each of two crossed axes changes, after the seeds that lost a mode."""
    if pairs := crossed_axes(study.complete):
        yield Findings(
            known=_lost(study),
            undecided=list(map(for_markdown, undecided_pairs(pairs))),
            pictures=_axis_samples(study),
            brief=_briefs(axes_in_brief(pairs)),
            tables=[
                f"{for_markdown(each.caption)}:\n\n{markdown(each.head, each.rows)}" for each in axis_tables(pairs)
            ],
        )


def _axis_samples(study: Study) -> list[str]:
    """A picture for each data set: a row for each value of the first axis, and in it the second axis."""
    names, drawn = method_names(study.complete), []
    for dataset, members in runs(study.complete).groupby("dataset", observed=True):
        label_of = {tuple(name.split(", ", 1)): name for name in map(names.__getitem__, members["run"]) if ", " in name}
        if not label_of:
            continue
        rows, columns = (dict.fromkeys(values) for values in zip(*label_of, strict=True))
        titles = [
            {label_of[row, column]: f"{row}\n{column}" for column in columns if (row, column) in label_of}
            for row in rows
        ]
        words = f"Samples of each method on {for_markdown(str(dataset))}: the best and the worst seed"
        drawn += _samples(study, str(dataset), titles, f"results-{study.name}-{_slug(str(dataset))}-samples.png", words)
    return drawn


def _methods(study: Study) -> Findings:
    """The seeds of each method without some mode, and which method is better by each primary outcome."""
    primary = str(study.complete["primary"].iloc[0]).split(",")
    measured = set(final_scores(study.complete)["metric"])
    rankings = compare(study.complete, metrics=[metric for metric in primary if metric in measured]).rankings
    decided, undecided = (
        [for_markdown(f"{each.metric}: {answer(each)}") for each in rankings if bool(each.winner) == won]
        for won in (True, False)
    )
    return Findings([*_lost(study), *decided], undecided)


def _lost(study: Study) -> list[str]:
    found = lost_modes(study.complete, method_names(study.complete))
    return [for_markdown(f"{counts.beginning} {'; '.join(counts.ends)}") for counts in found]


def _more_seeds(part: Protection) -> str:
    needed = seeds_for_even_chance(part.found.total // len(part.found.doses), part.found.p, part.corrected_p)
    words = (
        f"; if the difference is as large as it looks, about {needed} seeds at each dose would show it in half of all "
        "studies"
    )
    return words if needed else ""


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


def _published(compared: Sequence[DifferenceHere]) -> str:
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
    return markdown(["paper", "published", "here", "our runs", "caveat"], rows)


def page(found: Sequence[tuple[Study, Findings]], compared: Sequence[DifferenceHere] = ()) -> str:
    """The whole page."""
    parts = ["# Results", INTRODUCTION, *how_good([study for study, _ in found])]
    for study, findings_of in found:
        parts += [f"**{study.asked}** {study.link}", _bullets(findings_of.brief or findings_of.known) or NOTHING]
    parts.append("## Pictures")
    parts += [picture for _, findings_of in found for picture in findings_of.pictures]
    parts += ["## How to read the sentences", READING, "## Every comparison"]
    for study, findings_of in found:
        parts.append(f"### {study.asked}")
        design = study.question.partition("?")[2].strip()
        parts.append(f"{design}{_confounded(study.controls)} {study.link}".strip())
        rules = sorted({rule for rule in study.complete["collapsed"].dropna().astype(str) if rule})
        parts += [f"The rule for collapsed runs: `{rule}`." for rule in rules]
        parts += [_bullets(findings_of.known) or NOTHING, *findings_of.tables]
    parts.append("## What could not be decided")
    for study, findings_of in found:
        if findings_of.undecided:
            parts += [f"**{study.asked}** {study.link}", _bullets(findings_of.undecided)]
    parts += ["## What papers found", PUBLISHED, _published(compared)] if compared else []
    parts += ["## Numbers", NUMBERS, *(table for study, _ in found for table in _numbers(study))]
    parts += ["## The studies", _studies([study for study, _ in found])]
    return "\n\n".join(filter(None, parts)) + "\n"


def _confounded(found: Controls) -> str:
    """The warning that doses differ in more than the dose where no balanced control has run."""
    if not found.confounded:
        return ""
    return (
        f" **Balanced controls are missing for {found.confounded} of the {found.unbalanced} unbalanced settings**: "
        "there, a higher dose also means fewer discriminator updates, and the two can't be told apart."
    )


def how_good(done: Sequence[Study]) -> list[str]:
    """Count the words of the verdicts on all runs, by data set; nothing if there are no runs."""
    words: dict[str, Counter[VerdictWord]] = {}
    for study in done:
        dataset_of = dict(zip(runs(study.complete)["run"], runs(study.complete)["dataset"].astype(str), strict=True))
        for run, word in study.words.items():
            words.setdefault(dataset_of[run], Counter())[word] += 1
    counted = [f"on {name}, {format_words(each)}{', none GOOD' * (not each['GOOD'])}" for name, each in words.items()]
    return [f"The verdicts on all these runs: {for_markdown('; '.join(counted))}."] if counted else []


def readme(text: str, found: Sequence[tuple[Study, Findings]]) -> str:
    """README with the first sentences of the studies in turn, and what their words mean."""
    of_studies = (
        [f"- *{study.asked}* {sentence}." for sentence in findings_of.brief or findings_of.known]
        for study, findings_of in found
    )
    sentences = [sentence for turn in zip_longest(*of_studies) for sentence in turn if sentence][:FIRST]
    parts = ["\n".join(sentences), *how_good([study for study, _ in found]), WORDS]
    return BLOCK.sub(lambda match: "\n".join([match[1], "\n\n".join(parts), "", match[2]]), text)


def _numbers(study: Study) -> Iterator[str]:
    """A table for each data set: the medians of each method, and how many of its runs ended in each word."""
    if study.complete.empty:
        return
    names = method_names(study.complete)
    words = count_words(study.complete, names)
    primary = [outcome for text in study.complete["primary"].unique() for outcome in str(text).split(",") if outcome]
    for found in medians(study.complete, names, [*primary, *BESIDE]):
        rows = [
            [method.name, format_words(words.get(method.name, {})), *_cells(found, method)] for method in found.methods
        ]
        real = ["real data", "", *("" if math.isnan(value) else number(value) for value in found.real.values())]
        yield markdown([f"{study.name}, {found.dataset}", "verdicts", *found.outcomes.values()], [*rows, real])


def _cells(found: Medians, method: MethodMedians) -> list[str]:
    """A method's medians; of fewer than all of its runs, with their number."""
    middles = [method.medians[outcome] for outcome in found.outcomes]
    return [number(each.value) + f" (of {each.scored} runs)" * (each.scored < method.runs) for each in middles]


def _briefs(briefs: Iterable[Brief]) -> list[str]:
    return [
        f"**{for_markdown(brief.headline[:1].upper() + brief.headline[1:])}.** {for_markdown(brief.evidence)}"
        for brief in briefs
    ]


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}." for sentence in sentences)


def _studies(done: Sequence[Study]) -> str:
    """Question, state and cost of each study, and of those that have no results yet."""
    rows = []
    known = {study.name: study for study in done}
    for name in ORDER:
        sweep = _sweep(name)
        question = " ".join(sweep.question.split()).partition("?")[0] + "?"
        if name not in known:
            rows.append([name, question, f"0 of {len(sweep.specs)}", "–", "–", "–", "–"])
            continue
        ended = runs(known[name].table)
        ended = ended[ended["status"].isin(COUNTED)]
        complete = ended.groupby("group", observed=True)["seed"].nunique() >= len(sweep.seeds)
        rows.append(
            [
                f"[{name}]({known[name].report})",
                question,
                f"{int(complete.sum())} of {len(sweep.specs)}",
                str(len(ended)),
                number(ended["seconds"].sum() / 3600),
                listed(sorted(set(ended["commit"].astype(str)))),
                listed(sorted(set(ended["device"].astype(str)))),
            ]
        )
    head = ["study", "question", "cells done", "runs", "core hours", "commit", "device"]
    lines = [head, ["---"] * len(head), *rows]  # not `markdown`, which would escape the links
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@cache
def _sweep(name: str) -> Sweep:
    return read_sweep(STUDIES / f"{name}.toml")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def main() -> None:
    found = [(study, findings(study)) for study in studies()]
    compared = differences([study for study, _ in found])
    PAGE.write_text(page(found, compared), encoding="utf-8")
    write_studied(studied(compared))
    README.write_text(readme(README.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
