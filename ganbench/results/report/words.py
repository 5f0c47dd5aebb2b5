"""Text of a report: the answer first, then each method, then the facts about its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from ganbench.core.formatting import number
from ganbench.results.compare import BY, FLOOR, group_names, headline
from ganbench.results.loading import SCORED, final_scores, headline_modes, runs
from ganbench.results.ranking import RESULTS, rank_methods, sentences

LEVEL = 0.95


def methods(table: pd.DataFrame) -> dict[str, str]:
    """Map each run to the name of its method: the loss, and what else distinguishes it on its data set."""
    names: dict[str, str] = {}
    for _, rows in table.groupby("dataset", sort=True):
        own = group_names(rows)
        parts = {name: name.split(" · ") for name in own.values()}
        # An architecture shared by all of them is left out of the names.
        if len({part[1] for part in parts.values()}) == 1:
            parts = {name: [part[0], *part[2:]] for name, part in parts.items()}
        names |= {run: " · ".join(parts[name]) for run, name in own.items()}
    return names


@dataclass(frozen=True)
class Lost:
    """Counts of seeds that lost a mode on one data set: the beginning of a sentence, and its ends, fewest first."""

    beginning: str
    ends: list[str]


def lost_modes(table: pd.DataFrame, names: Mapping[str, str]) -> list[Lost]:
    """Count the seeds of each method that lost a mode, for each data set; failed seeds count as lost.

    Args:
        names: the name of each run's method.
    """
    each = runs(table)
    scores = final_scores(table)
    found_by_data = []
    for dataset, on_it in each.groupby("dataset", sort=True):
        metric = headline_modes(scores[scores["dataset"] == dataset])
        found = scores[scores["metric"] == metric].set_index("run")
        if not len(found):
            continue  # this protocol counts no modes
        counts: dict[tuple[int, int], list[str]] = {}
        for name, members in sorted(on_it.groupby(on_it["run"].map(names))):
            ended = members[members["status"].isin(RESULTS)]
            if len(ended):
                full = found.reindex(ended["run"])
                kept = int((full["value"] >= full["ceiling"]).sum())
                counts.setdefault((len(ended) - kept, len(ended)), []).append(str(name))
        if counts:
            known = found.loc[found.index.isin(on_it["run"]), "ceiling"]
            modes = f"{number(known.median())} modes" if len(known) else "modes"
            where = f"On {dataset} ({', '.join(sorted(set(on_it['arch'])))})"
            fewest = sorted(counts.items(), key=lambda item: item[0][0] / item[0][1])
            ends = [_counted(*count, own) for count, own in fewest]
            found_by_data.append(Lost(f"{where}, at least one of {modes} was lost by", ends))
    return found_by_data


def _counted(lost: int, seeds: int, names: Sequence[str]) -> str:
    """`6 of 10 seeds of minimax (26–88 %)`, with the Clopper–Pearson interval."""
    low, high = stats.binomtest(lost, seeds).proportion_ci(LEVEL, method="exact")
    share = f"({100 * low:.0f}–{100 * high:.0f} %)"
    count = f"all {seeds}" if lost == seeds > 1 else f"{lost or 'none'} of {seeds}"
    told = names[0] if len(names) == 1 else f"each of {', '.join(names[:-1])} and {names[-1]}"
    return f"{count} seed{'s' * (seeds > 1)} of {told} {share}"


def answers(table: pd.DataFrame) -> list[str]:
    """Say which method is better by each metric, or why that is undecided, for each data set and protocol."""
    return [f"{sentence}." for sentence in sentences(rank_methods(table, BY, headline(final_scores(table))))]


def findings(compared: pd.DataFrame) -> list[str]:
    """Describe the comparison, in one sentence per group."""
    sentences = []
    groups = compared[compared["seeds"].notna()]
    for _, group in groups.iterrows():
        name = " · ".join(str(group[key]) for key in ("dataset", "loss", "arch", "options") if group.get(key))
        seeds, finished = int(group["seeds"]), int(group["finished"] + group["collapsed"])
        parts = [f"{finished} of {seeds} seeds finished" if finished < seeds else f"{seeds} seed{'s' * (seeds > 1)}"]
        if finished:
            floors = _floor_of(group, compared)
            # Published protocols have no strict count.
            count = "modes" if pd.isna(group.get("modes_strict")) else "modes_strict"
            if not pd.isna(group.get(count)):
                low, high, full = (int(x) for x in (group[f"{count}-low"], group[f"{count}-high"], floors["modes"]))
                found = f"{low}" if low == high else f"{low} to {high}"
                parts.append(f"{found} of {full} modes found" + " beyond doubt" * (count == "modes_strict"))
            for metric, words in (("hq", "median share of good samples"), ("fid", "median FID")):
                if metric in group and not pd.isna(group[metric]):
                    parts.append(f"{words} {number(group[metric])} (real data: {number(floors[metric])})")
        sentences.append(f"{name}: {', '.join(parts)}.")
    return sentences


def _floor_of(group: pd.Series, compared: pd.DataFrame) -> pd.Series:
    """Return the row of real data with the same protocol, number of samples and, if there are several, data set."""
    alike = compared["seeds"].isna() & (compared["protocol"] == group["protocol"])
    alike &= compared["samples"] == group["samples"]
    if "dataset" in compared and alike.sum() > 1:
        alike &= compared[compared.columns[0]].str.contains(f"{FLOOR}: {group['dataset']},", regex=False)
    row: pd.Series = compared[alike].iloc[0]
    return row


def facts(table: pd.DataFrame) -> list[tuple[str, str]]:
    """List the facts needed to reproduce the runs."""
    each = runs(table)
    protocols = sorted(set(final_scores(table)["protocol"]))

    def distinct(column: str) -> str:
        return ", ".join(sorted(set(each[column]) - {""})) or "unknown"

    statuses = ", ".join(f"{count} {status}" for status, count in each["status"].value_counts().items() if count)
    failed = each[~each["status"].isin(SCORED)]
    return [
        ("runs", f"{len(each)} ({statuses})"),
        ("without a score", _listed_runs(failed) or "none"),
        ("data", distinct("dataset")),
        ("protocol", ", ".join(protocols) or "nothing was scored"),
        ("budget", _budgets(each)),
        ("code", distinct("commit")),
        ("device", distinct("device")),
        ("training time", f"{each['seconds'].sum() / 60:.1f} minutes in all"),
        ("options of all", _shared(each["options"].tolist())),
        ("floor", f"“{FLOOR}” are real samples scored as if they were generated"),
    ]


def _listed_runs(failed: pd.DataFrame) -> str:
    return "; ".join(f"{row['loss']} seed {row['seed']} on {row['dataset']}" for _, row in failed.iterrows())


def _budgets(each: pd.DataFrame) -> str:
    told = []
    for dataset, members in each[each["status"].isin(SCORED)].groupby("dataset", sort=True):
        low, high = members["images"].min(), members["images"].max()
        images = number(low) if low == high else f"{number(low)} to {number(high)}"
        told.append(f"{dataset}: {images} real images a seed")
    return "; ".join(told) or "nothing came to its end"


def _shared(options: Sequence[str]) -> str:
    parts = [text.split("; ") for text in options]
    return "; ".join(part for part in parts[0] if all(part in other for other in parts)) or "none"
