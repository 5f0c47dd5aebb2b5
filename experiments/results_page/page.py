"""docs/results.md."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.results_page import published
from experiments.results_page.findings import Findings
from experiments.results_page.numbers import costs, how_good, numbers
from experiments.results_page.study import Study
from ganbench.results.balanced_controls import Controls
from ganbench.results.claims.differences import DifferenceHere

INTRODUCTION = (
    "Made by `make results` from the result files in [reports](../reports); no result is written by hand. Each "
    "comparison has a 95 % interval, each study leads to its rows, and all seeds of the methods that are done "
    "count, failed ones included; methods whose seeds have not all ended are left out. Nothing here comes from a GPU, "
    "and all of it holds for these small networks and short trainings alone. [What the words "
    "mean](#how-to-read-the-sentences) stands below the pictures."
)
READING = (
    "Each experiment file fixed *a rule* before the first run, such as `kl_corrected > 1`: the KL divergence of "
    "the modes' shares from those of the data, corrected for its bias. Above 1 nat it is as uneven as fewer than "
    "four of ten digits, whether because modes were lost or because they have not been learned yet.",
    "*A mode is missing* if it has less than a tenth of its fair share of all samples, good or not, beyond "
    "chance. A sample belongs to the mode that it resembles most.",
    "*A part* is a loss or what is added to the non-saturating one: the gradient penalties R1 and R2, "
    "relativistic pairing, packing of two samples, minibatch discrimination. *Updates of G per D* are the "
    "generator's for each one of the discriminator's.",
    "A part *protects* if the rule holds in fewer of its runs than of another one's at the same doses (exact test "
    "over doses; corrected p at most .05), by more than in balanced runs after as many discriminator updates, and "
    "if a mode is missing in fewer of its runs there, too.",
    "*Better in 88 % of pairs* means that of one run of each kind, at the same dose, the first is better so "
    "often, ties counting half. Of near-duplicates and of good samples, those are better that are nearer to real "
    "data, not fewer or more.",
    "By a score, doses are compared at which not all runs of both are called COLLAPSED, and losses where not most "
    "runs of both end as COLLAPSED, NOT LEARNED YET or DIVERGED: else the score would say how they fail.",
    "*Corrected p* is by van Elteren's test, or, of how far a lead or another factor's effect changes, by the "
    "level of the interval that just reaches 0, after Holm's correction for all comparisons of the same kind, of "
    "a study of doses for those that haven't run yet, too. Intervals are of one comparison each, so one may "
    "exclude 50 % where the corrected p doesn't decide.",
    "A *quiet end* is a decaying learning rate with an averaged generator.",
)
NUMBERS = (
    "Medians over seeds, and runs by [the first word of their verdict](measuring.md#one-word-first). The words were "
    "defined after these runs. Above, they decide which runs are compared by a score, and not which do better. "
    "COLLAPSED means that most samples repeat others, however evenly; NOT LEARNED YET that hardly any is good, or "
    "that no real sample has a generated one nearby, even if all samples are alike. Blur resembles few modes and "
    "repeats nothing: read lost modes and near-duplicates beside the share of good samples."
)
NOTHING = "Nothing is decided yet."


def page(found: Sequence[tuple[Study, Findings]], compared: Sequence[DifferenceHere] = ()) -> str:
    """The whole page."""
    parts = ["# Results", INTRODUCTION, *how_good([study for study, _ in found])]
    for study, findings_of in found:
        parts.append(f"**{study.asked}** {study.design} {study.link}")
        parts.append(_bullets([*findings_of.rule_answers, *findings_of.short_answers]) or NOTHING)
    parts.append("## Pictures")
    parts += [picture for _, findings_of in found for picture in findings_of.pictures]
    parts += ["## How to read the sentences", "\n".join(f"- {words}" for words in READING), "## Every comparison"]
    for study, findings_of in found:
        parts.append(f"### {study.asked}")
        parts.append(f"{_confounded(study.controls)}{study.link}")
        rules = sorted({rule for rule in study.complete["collapsed"].dropna().astype(str) if rule})
        parts += [f"The rule for collapsed runs: `{rule}`." for rule in rules]
        parts += [_bullets(findings_of.full_answers) or NOTHING, *findings_of.tables]
    parts.append("## What could not be decided")
    for study, findings_of in found:
        if findings_of.undecided:
            parts += [f"**{study.asked}** {study.link}", _bullets(findings_of.undecided)]
    parts += published.section(compared)
    parts += ["## Numbers", NUMBERS, *(table for study, _ in found for table in numbers(study))]
    parts += ["## The studies", costs([study for study, _ in found])]
    return "\n\n".join(filter(None, parts)) + "\n"


def _confounded(found: Controls) -> str:
    """The warning that doses differ in more than the dose where no balanced control has run."""
    missing = found.unbalanced - found.controlled
    if not missing:
        return ""
    words = f"**Balanced controls are missing for {missing} of the {found.unbalanced} unbalanced settings**"
    if found.confounded:
        words += (
            f"; for {found.confounded} of them, a higher dose also means fewer discriminator updates, and the two "
            "can't be told apart"
        )
    return f"{words}. "


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}." for sentence in sentences)
