"""A study: its question, and the rows of its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from ganbench.core.verdict_word import VerdictWord
from ganbench.results.at_equal_doses import BALANCED
from ganbench.results.balanced_controls import Controls, balanced_controls
from ganbench.results.compare import COUNTED
from ganbench.results.csv_file import read_csv
from ganbench.results.verdict_words import words_of_runs
from ganbench.results.views import runs
from ganbench.spec.sweep_spec import Sweep, read_sweep

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "experiments" / "studies"
ORDER = ("balance", "net_or_loss", "factorial", "within_digits", "balance_ring", "stacked")


@dataclass(frozen=True)
class Study:
    """The results of one study.

    Attributes:
        folder: its report.
        table: all rows.
        seeds: number of seeds of each method by design.
        unbalanced: by design, the parts with doses above 1, each with what the doses are of.
        baseline: the part that the others are added to, in a study of doses.
        pairs: parts that differ in one thing from another one than the baseline.
        shown: parts whose doses are told and of which samples are shown, beside those that protect.
    """

    name: str
    question: str
    folder: Path
    table: pd.DataFrame
    seeds: int = 1
    unbalanced: frozenset[tuple[str, str]] = frozenset()
    baseline: str = "non-saturating"
    pairs: Sequence[tuple[str, str]] = (("relativistic, R1 + R2", "R1 + R2"), ("R1 + R2", "R1"))
    shown: Sequence[str] = ("minimax", "non-saturating")

    @cached_property
    def complete(self) -> pd.DataFrame:
        """The rows of the methods of which all seeds have ended."""
        ended = runs(self.table)
        counts = ended[ended["status"].isin(COUNTED)].groupby("group", observed=True)["seed"].nunique()
        return self.table[self.table["group"].isin(counts.index[counts >= self.seeds])]

    @cached_property
    def controls(self) -> Controls:
        return balanced_controls(self.complete, len(self.unbalanced))

    @cached_property
    def words(self) -> dict[str, VerdictWord]:
        return words_of_runs(self.complete)

    @property
    def asked(self) -> str:
        """The first sentence of the question."""
        return self.question.partition("?")[0] + "?"

    @property
    def design(self) -> str:
        """The sentences after the question."""
        return self.question.partition("?")[2].strip()

    @property
    def report(self) -> str:
        return f"../reports/{self.folder.name}/report.md"

    @property
    def link(self) -> str:
        """A link to the rows behind every sentence."""
        return f"[Rows]({self.report})"


def studies() -> Iterator[Study]:
    """The studies that have results, in the order of the page; of several reports the latest."""
    for name in ORDER:
        reports = sorted((ROOT / "reports").glob(f"*_{name}/results.csv"))
        if reports:
            sweep = design(name)
            question = " ".join(sweep.question.split())
            unbalanced = frozenset(
                (method.name, what)
                for method in sweep.annotations.values()
                for what, dose in method.dose.items()
                if dose > BALANCED
            )
            yield Study(name, question, reports[-1].parent, read_csv(reports[-1]).table, len(sweep.seeds), unbalanced)


@cache
def design(name: str) -> Sweep:
    """The experiment file of a study."""
    return read_sweep(STUDIES / f"{name}.toml")
