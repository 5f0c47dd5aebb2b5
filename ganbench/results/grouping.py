"""Groups of runs: which runs belong together, how groups are named, and what makes scores comparable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pandas as pd

from ganbench.core.annotation import label_of
from ganbench.results.table import LAST
from ganbench.results.views import runs
from ganbench.tracking.metric_names import SAMPLE_COUNT

BY = ("loss", "arch", "options")
"""The columns that define a group by default."""
CONDITIONS = ("dataset", "protocol", "selection", "samples")
"""Conditions that two scores must share to be comparable."""
MEASURING = ("evaluation.every=", "evaluation.samples=", "evaluation.quick_samples=")
"""Options that training doesn't depend on."""
BUDGET = ("train.steps", "evaluation.every")
"""Options that say how long a method is trained, and not what it is."""
LISTS = ("penalty=", "wrapper=")
"""Options that are components with options of their own."""
ALL, USUAL = "all", "usual options"
"""Names of a group without options of its own: of an only one, and of one among others."""
ABSENT = tuple(f"{option}none" for option in LISTS)
"""Options that say that there are no such components."""


def grouped(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per group: the columns of `by`, and the ids of its `runs`.

    `options` says what differs among groups that are otherwise alike.
    """
    rows = [
        dict(zip(by, key, strict=True)) | {"runs": members["run"].tolist()}
        for key, members in runs(table).groupby(list(by), sort=True, dropna=False)
    ]
    groups = pd.DataFrame(rows)
    return _name_differences(groups, [column for column in by if column != "options"]) if "options" in by else groups


def named_groups(table: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the runs of each group.

    A name is the group's label, or else says how the group differs from the others on the same data set.
    """
    for _, on_one_dataset in table.groupby("dataset", sort=True):
        groups = grouped(on_one_dataset, by)
        telling = [column for column in by if groups[column].nunique() > 1] or list(by[:1])
        names: dict[str, str] = {}
        for _, group in groups.iterrows():
            name = " · ".join(str(group[column]) for column in telling if group[column] != "")
            names |= dict.fromkeys(group["runs"], name or (ALL if len(groups) == 1 else USUAL))
        members: dict[str, list[str]] = {}
        for run, name in with_labels(names, on_one_dataset).items():
            members.setdefault(name, []).append(run)
        yield from members.items()


def with_labels(names: Mapping[str, str], table: pd.DataFrame) -> dict[str, str]:
    """Replace the names of groups by the labels that experiment files give them.

    Two groups may have the same label, in experiments that were written apart: their own names are added to it.

    Args:
        names: the name of each run's group.
    """
    members = runs(table).set_index("run")
    labels = {
        name: label_of(*name_and_dose(rows)) or name
        for name, rows in members.groupby(members.index.map(names), sort=False)
    }
    counts = Counter(labels.values())
    distinct = {
        name: label if label == name or counts[label] == 1 else f"{label} · {name}" for name, label in labels.items()
    }
    return {run: distinct[name] for run, name in names.items()}


def name_and_dose(members: pd.DataFrame) -> tuple[str, str]:
    """Return the name and the dose of a group, from the rows of its runs; empty if it has none, or several.

    Runs without a name are ignored: `ganbench run` may have added seeds to those of a sweep.
    """
    known = {(str(name), str(dose)) for name, dose in zip(members["name"], members["dose"], strict=True) if name}
    return known.pop() if len(known) == 1 else ("", "")


def group_names(table: pd.DataFrame) -> dict[str, str]:
    """Map each run to its group's name: loss, architecture, and what distinguishes it from other groups of these."""
    named = _name_differences(runs(table)[["run", *BY]], BY[:2])
    parts = zip(*(named[column] for column in BY), strict=True)
    return {run: " · ".join(filter(None, words)) for run, words in zip(named["run"], parts, strict=True)}


def conditions_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Return `CONDITIONS` by run: what two scores must share to be comparable."""
    counts = scores[(scores["metric"] == SAMPLE_COUNT) & (scores["kind"] == "final")].set_index("run")
    return (
        counts[[*CONDITIONS[:-1], "value"]]
        .astype(dict.fromkeys(CONDITIONS[:-1], str))
        .rename(columns={"value": CONDITIONS[-1]})
    )


def scored_alike(table: pd.DataFrame, members: Collection[str]) -> bool:
    """Return whether all runs that have scores, of some, were scored under the same conditions."""
    conditions = conditions_of(table)
    return len(conditions[conditions.index.isin(list(members))].drop_duplicates()) <= 1


def shown_protocol(protocol: str, selection: str) -> str:
    """Name a protocol with the policy that selected the scores, unless they are those at the end of training."""
    return protocol if selection in ("", LAST) else f"{protocol}, {selection}"


def varying_options(options: Sequence[str]) -> list[str]:
    """Remove the options that all of the option strings share."""
    parts = [_parts(text) for text in options]
    common = set(parts[0]).intersection(*parts[1:]) if parts else set()
    return ["; ".join(part for part in options_of_run if part not in common) for options_of_run in parts]


def _name_differences(compared: pd.DataFrame, others: Sequence[str]) -> pd.DataFrame:
    """Reduce `options` to what differs among rows that are otherwise alike.

    What most kinds of runs share, what there is none of and how runs were measured is left out, and so are the options
    of components that have the same ones in all runs, unless different rows would then have the same words.
    """
    kinds = compared[[*others, "options"]].drop_duplicates()["options"].tolist()
    counts = Counter(part for kind in kinds for part in set(_parts(kind)))
    usual = {part for part, count in counts.items() if 2 * count > len(kinds) or part in ABSENT}
    measuring = {part for part in counts if part.startswith(MEASURING)}
    bare = _bare_components(counts)
    parts = []
    for _, alike in compared.groupby(list(others), sort=False, dropna=False) if others else [("", compared)]:
        differing = varying_options(alike["options"].tolist())
        shorter = (
            ["; ".join(bare.get(part, part) for part in _parts(text) if part not in left_out) for text in differing]
            for left_out in (usual | measuring, measuring, usual)
        )
        wordings = (words for words in shorter if len(set(words)) == len(set(differing)))
        parts.append(alike.assign(options=next(wordings, differing)))
    return pd.concat(parts)


def _bare_components(parts: Iterable[str]) -> dict[str, str]:
    """Map parts such as `penalty=r1:gamma=1.0` to `penalty=r1`, if all have the same options wherever they stand."""
    lists = {part: part.partition("=")[2].split(" + ") for part in parts if part.startswith(LISTS)}
    options = {component for components in lists.values() for component in components}
    names = Counter(component.partition(":")[0] for component in options)
    return {
        part: part.partition("=")[0] + "=" + " + ".join(_bare(component, names) for component in components)
        for part, components in lists.items()
    }


def _bare(component: str, names: Mapping[str, int]) -> str:
    name = component.partition(":")[0]
    return name if names[name] == 1 else component


def _parts(options: str) -> list[str]:
    return options.split("; ") if options else []
