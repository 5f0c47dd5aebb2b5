"""Medians of each method, verdicts, and what the studies cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from experiments.results_page.study import ORDER, Study, design
from ganbench.core.formatting import listed, number
from ganbench.core.verdict_word import VerdictWord
from ganbench.results.compare import COUNTED
from ganbench.results.medians import Medians, MethodMedians, medians
from ganbench.results.report.escaping import for_markdown
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.tables import markdown
from ganbench.results.verdict_words import count_words, format_words
from ganbench.results.views import runs

BESIDE = ("hq", "fid")
"""Metrics that stand beside a study's own outcomes."""


def how_good(done: Sequence[Study]) -> list[str]:
    """Count the words of the verdicts on all runs, by data set; nothing if there are no runs."""
    words: dict[str, Counter[VerdictWord]] = {}
    updates: dict[str, int] = {}
    for study in done:
        ended = runs(study.complete)
        dataset_of = dict(zip(ended["run"], ended["dataset"].astype(str), strict=True))
        for dataset, members in ended.groupby(ended["dataset"].astype(str)):
            updates[str(dataset)] = max(updates.get(str(dataset), 0), int(members["generator_steps"].max()))
        for run, word in study.words.items():
            words.setdefault(dataset_of[run], Counter())[word] += 1
    counted = [
        f"on {name}, after at most {updates[name]:,} updates of the generator, {format_words(each)}"
        f"{', none GOOD' * (not each['GOOD'])}"
        for name, each in words.items()
    ]
    return [f"The verdicts on all these runs: {for_markdown('; '.join(counted))}."] if counted else []


def numbers(study: Study) -> Iterator[str]:
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


def costs(done: Sequence[Study]) -> str:
    """Question, state and cost of each study, and of those that have no results yet."""
    rows = []
    known = {study.name: study for study in done}
    for name in ORDER:
        sweep = design(name)
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
