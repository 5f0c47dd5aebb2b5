"""The effects of the factors of a full factorial design, in sentences for Markdown."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import pandas as pd

from ganbench.core.annotation import LOST, parse_factors
from ganbench.core.formatting import listed, number, percent, percents
from ganbench.core.mode_words import with_noun
from ganbench.results.brief import Brief, unqualified
from ganbench.results.compare import COUNTED
from ganbench.results.factor_effects import FactorEffects
from ganbench.results.inference.factorial import Effect
from ganbench.results.pairs_in_words import failed_in_words, p_in_words, pairs_in_words, shown_in_words, turned
from ganbench.results.report.escaping import for_markdown
from ganbench.results.verdict_words import words_of_runs
from ganbench.results.verdicts import seeds_that_lost_modes
from ganbench.results.views import GOOD, final_scores, mode_counts, noun_of, runs


def factor_sentences(table: pd.DataFrame, outcomes: Sequence[FactorEffects]) -> tuple[list[str], list[str]]:
    """Return what is decided about each factor and pair of factors, and what is not.

    Args:
        table: the tidy table.
        outcomes: the effects on each outcome, all on the same data set.
    """
    dataset = outcomes[0].dataset
    known, undecided, open_pairs = list[str](), list[str](), 0
    complete = []
    if any(outcome.outcome == LOST for outcome in outcomes) and not _lost(table, dataset).any():
        complete.append(_no_mode_lost(table, dataset))
        outcomes = [outcome for outcome in outcomes if outcome.outcome != LOST]
        if not outcomes:
            return complete, undecided
    names = [effect.factors for effect in outcomes[0].effects]
    # What changes a factor's effect is said after it.
    for place in sorted(range(len(names)), key=lambda place: (names.index(names[place][:1]), len(names[place]))):
        effect = outcomes[0].effects[place]
        effects = [(outcome, outcome.effects[place]) for outcome in outcomes]
        alone = len(effect.factors) == 1
        for words, decided in ((known, True), (undecided, False)):
            clauses = [_clause(table, *pair) for pair in effects if pair[1].significant == decided]
            if not decided and not alone:
                open_pairs += len(clauses)
            elif clauses:
                does = "makes a difference" if alone else f"changes what **{for_markdown(effect.factors[0])}** does"
                does = does if decided else "is not shown to make a difference"
                average = ", averaged over the settings of the others" * (alone and len(names) > 1)
                words.append(
                    f"**{for_markdown(effect.factors[-1])}** {does} on {dataset}{average}: {'; '.join(clauses)}"
                )
    if open_pairs:
        undecided.append(f"{open_pairs} tests on {dataset} don't show that a factor changes what another one does")
    return [*known, *complete], undecided


def factors_in_brief(table: pd.DataFrame, outcomes: Sequence[FactorEffects]) -> list[Brief]:
    """Say of each factor which outcomes it is shown to make better or worse, the largest effect first.

    Args:
        table: the tidy table.
        outcomes: the effects on each outcome, all on the same data set.
    """
    dataset = outcomes[0].dataset
    complete = any(each.outcome == LOST for each in outcomes) and not _lost(table, dataset).any()
    mode = with_noun("mode", noun_of(_ended(table, dataset)))
    where = f", where no {mode} is missing in any of {outcomes[0].seeds} runs" if complete else ""
    labels = [outcome.label for outcome in outcomes]
    found = list[tuple[float, Brief]]()
    for place, (factor, *others) in enumerate(effect.factors for effect in outcomes[0].effects):
        changed = [
            (outcome, outcome.effects[place])
            for outcome in outcomes
            if outcome.outcome != LOST and outcome.effects[place].significant
        ]
        if changed and not others:
            changed.sort(key=lambda pair: -abs(pair[1].better.middle - 0.5))
            does = [
                f"{unqualified(each.label, labels)} {shown_in_words(effect.better, significant=True)}{_where(effect)}"
                for each, effect in changed
            ]
            shares = listed([_in_brief(*pair, labels) for pair in changed])
            good = _called_good(table, dataset, factor)
            evidence = (
                f"On {dataset}{where}{good}{';' if good else ','} in pairs of seeds with and without it, {shares}"
            )
            details = [_in_full(table, *pair) for pair in changed] + _good(table, outcomes, factor)
            brief = Brief(f"{factor} makes {listed(does)}", evidence, details)
            found.append((abs(changed[0][1].better.middle - 0.5), brief))
    return [brief for _, brief in sorted(found, key=lambda item: -item[0])]


def _in_brief(outcome: FactorEffects, effect: Effect, labels: Collection[str]) -> str:
    """Return “KL of the modes' shares: better in 76 % (68–82 %; p < .0001; 100 % without R2, 41 to 58 % otherwise)”."""
    share, low, high = effect.better if effect.better.middle > 0.5 else turned(effect.better)
    compared = f"{shown_in_words(effect.better, significant=True)} in {percent(share)} %"
    numbers = f"{percents(low, high)}; {p_in_words(effect.corrected_p)}"
    if by_setting := _by_setting(effect):
        numbers += f"; {by_setting}"
    return f"{unqualified(outcome.label, labels)}: {compared} ({numbers})"


def _in_full(table: pd.DataFrame, outcome: FactorEffects, effect: Effect) -> str:
    """The share of pairs in which a seed is better, by the settings of the other factors, and both medians."""
    compared, numbers = pairs_in_words(effect.better, effect.corrected_p, significant=True)
    span, by_setting = _span(effect, effect.by_setting), _by_setting(effect)
    spread = f"; by setting {by_setting}" if by_setting else f"; {span} by setting" * (" to " in span)
    medians = _medians(table, outcome, effect.factors[0], _shown(effect) if by_setting else None)
    label = outcome.label[:1].upper() + outcome.label[1:]
    return f"{label}: {compared} ({numbers}{spread}; {medians})"


def _good(table: pd.DataFrame, outcomes: Sequence[FactorEffects], factor: str) -> list[str]:
    """The medians of the share of good samples, where it is no outcome: near-duplicates and evenness don't tell it."""
    scores = final_scores(table)
    of_metric = scores[scores["metric"] == GOOD]
    if of_metric.empty or any(outcome.outcome == GOOD for outcome in outcomes):
        return []
    label = str(of_metric["label"].iloc[0])
    beside = replace(outcomes[0], outcome=GOOD, label=label)
    return [f"No primary outcome, {label}: {_medians(table, beside, factor)}"]


def _by_setting(effect: Effect) -> str:
    """Return “91 to 100 % with R1 or R2, 37 to 38 % otherwise”; empty if no setting shows it, or all do."""
    shown = _shown(effect)
    others = [setting for setting in effect.by_setting if setting not in shown]
    return f"{_span(effect, shown)}{_where(effect)}, {_span(effect, others)} otherwise" if shown and others else ""


def _called_good(table: pd.DataFrame, dataset: str, factor: str) -> str:
    """Return “, the verdict is GOOD on 71 of 80 runs with it and on 0 of 80 without”; empty without verdicts."""
    words, ended = words_of_runs(table), _ended(table, dataset)
    sides = _with_and_without(ended, factor)
    if not set(ended["run"]) <= set(words):
        return ""
    counts = [f"{sum(words[run] == 'GOOD' for run in side)} of {len(side)}" for side in sides]
    return f", the verdict is GOOD on {counts[0]} runs with it and on {counts[1]} without"


def _shown(effect: Effect) -> list[frozenset[str]]:
    """The settings of the other factors whose own 95 % interval says what their average says."""
    better = effect.better.middle > 0.5
    return [
        setting
        for setting, share in effect.by_setting.items()
        if (share.low > 0.5 if better else share.high < 0.5)  # in the direction of the average
    ]


def _where(effect: Effect) -> str:
    """The settings that show an effect, if not all do: “ with R1 or R2”, “ in 3 of 8 settings”, “ on average”."""
    shown, settings = set(_shown(effect)), set(effect.by_setting)
    if shown == settings:
        return ""
    if not shown:
        return " on average"
    names = sorted({name for setting in settings for name in setting})
    held: dict[str, set[frozenset[str]]] = {}
    for name in names:
        held[f"with {name}"] = {setting for setting in settings if name in setting}
        held[f"without {name}"] = settings - held[f"with {name}"]
    for one, other in itertools.combinations(names, 2):
        held[f"with {one} or {other}"] = held[f"with {one}"] | held[f"with {other}"]
        held[f"with {one} and {other}"] = held[f"with {one}"] & held[f"with {other}"]
        held[f"with neither {one} nor {other}"] = settings - held[f"with {one} or {other}"]
    condition = next((words for words, members in held.items() if members == shown), None)
    return f" {condition}" if condition else f" in {len(shown)} of {len(settings)} settings"


def _span(effect: Effect, settings: Iterable[frozenset[str]]) -> str:
    """The lowest and the highest share in some settings, of what the average says: “91 to 100 %”."""
    shares = [effect.by_setting[setting].middle for setting in settings]
    ends = sorted(share if effect.better.middle > 0.5 else 1 - share for share in shares)
    return " to ".join(dict.fromkeys(map(percent, (ends[0], ends[-1])))) + " %"


def _no_mode_lost(table: pd.DataFrame, dataset: str) -> str:
    """Say that all runs on a data set had every mode, and in how many of them the protocol's count isn't complete."""
    ended = _ended(table, dataset)
    counts = mode_counts(final_scores(table))
    counts = counts[counts["run"].isin(ended["run"])]
    short = int((counts["value"] < counts["ceiling"]).sum())
    mode = with_noun("mode", noun_of(ended))
    words = (
        f"At the end of each of {len(ended)} runs on {dataset}, no {mode} was missing: none had less than a tenth of "
        "its fair share of all samples, good or not, beyond chance, with or without any of the factors"
    )
    names = listed(sorted(counts["metric"].astype(str).unique()))
    if short:
        words += f"; in {short} of them, {names} was below {number(counts['ceiling'].median())}"
    return for_markdown(words)


def _clause(table: pd.DataFrame, outcome: FactorEffects, effect: Effect) -> str:
    label = (
        f"lost {noun_of(_ended(table, outcome.dataset))}" if outcome.outcome == LOST else for_markdown(outcome.label)
    )
    if effect.sides is not None:
        middle, low, high = (100 * part for part in effect.better)
        with_it, without = map(percent, effect.sides)
        return (
            f"{label} better with {for_markdown(effect.factors[0])} in {with_it} % of pairs of seeds where "
            f"{for_markdown(effect.factors[1])} is on, {without} % where it is off (difference {middle:+.0f} points, "
            f"{low:+.0f} to {high:+.0f}; {p_in_words(effect.corrected_p)})"
        )
    compared, numbers = pairs_in_words(
        effect.better, effect.corrected_p, significant=effect.significant, than=" with it"
    )
    failed = failed_in_words(outcome.failed, outcome.seeds)
    return f"{label} {compared} ({numbers}; {_medians(table, outcome, effect.factors[0])}{failed})"


def _medians(
    table: pd.DataFrame, outcome: FactorEffects, factor: str, settings: Collection[frozenset[str]] | None = None
) -> str:
    """Medians with and without a factor, and what real data score; of lost modes, the counts of seeds.

    The median of each setting of the other factors, from the lowest to the highest: settings can be far apart, and the
    median of all their runs would lie between them, where no run is.

    Args:
        settings: those of the other factors that count; None for all.
    """
    ended = _ended(table, outcome.dataset)
    sides = _with_and_without(ended, factor)
    if outcome.outcome == LOST:
        lost = _lost(table, outcome.dataset)
        counts = [f"{int(lost[side].sum())} of {len(side)}" for side in sides]
        return f"in {counts[0]} seeds with it, in {counts[1]} without"
    scores = final_scores(table)
    rows = scores[scores["metric"] == outcome.outcome].drop_duplicates("run", keep="last").set_index("run")
    values = ended.assign(value=rows["value"].reindex(ended["run"]).array, without=ended["run"].isin(sides[1]))
    if settings is not None:
        of_run = ended["factors"].astype(str).map(lambda text: frozenset(parse_factors(text)) - {factor})
        values = values[of_run.isin(list(settings))]
    middles = values.groupby(["without", "factors"], observed=True, dropna=False)["value"].median()
    with_it, without = (_range(middles[middles.index.get_level_values("without") == side]) for side in (False, True))
    floor = rows["floor"].reindex(ended["run"]).median()
    real = "" if pd.isna(floor) else f", {number(float(floor))} of real data"
    which = "these" if settings is not None else "the"
    return f"medians of {which} settings {with_it} with it, {without} without{real}"


def _ended(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """One row for each run on a data set that has ended."""
    ended = runs(table)
    return ended[(ended["dataset"] == dataset) & ended["status"].isin(COUNTED)]


def _with_and_without(ended: pd.DataFrame, factor: str) -> list[pd.Series[str]]:
    """The runs with a factor, and those without it."""
    on = ended["factors"].astype(str).map(lambda text: factor in parse_factors(text))
    return [ended.loc[on, "run"], ended.loc[~on, "run"]]


def _lost(table: pd.DataFrame, dataset: str) -> pd.Series[bool]:
    """Return whether each run on a data set lost a mode, by its id; a run without a verdict counts as one that did."""
    lost = seeds_that_lost_modes(table[table["kind"].isin(("final", "verdict"))])
    return lost.reindex(_ended(table, dataset)["run"]).fillna(True).astype(bool)


def _range(values: pd.Series[float]) -> str:
    """Numbers from the lowest to the highest: “0.1 to 3”; a single one as it is, and how many are missing."""
    ends = dict.fromkeys(number(float(end)) for end in (values.min(), values.max()))
    missing = int(values.isna().sum())
    return " to ".join(ends) + f" (and {missing} without a score)" * (0 < missing < len(values))
