"""Protection from collapse: methods of a dose study against a baseline, at equal doses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ganbench.results.at_equal_doses import MethodAtEqualDoses, at_equal_doses, losses_by_dose
from ganbench.results.dose_curves import runs_at_doses
from ganbench.results.inference import holm


@dataclass(frozen=True)
class Protection(MethodAtEqualDoses):
    """A method's runs against those of the baseline of its study."""

    baseline: str

    def sentence(self) -> str:
        """Say whether the method does better or worse by the rule's metric, with all counts."""
        if not self.significant:
            words = "is not shown to do better or worse than"
        else:
            words = "does better than" if self.found.better.middle > 0.5 else "does worse than"
        numbers = self.found.words("its run", self.what, self.baseline, self.corrected_p)
        return f"{self.name} {words} {self.baseline} by {self.found.rule.metric}: {numbers}"


def protection(table: pd.DataFrame, baseline: str, names: Sequence[str] | None = None) -> list[Protection]:
    """Compare methods of a dose study with a baseline, wherever both were trained with the same dose above 1.

    Args:
        baseline: the name of a method.
        names: the methods to compare; all others if None.
    """
    compared = []
    for (dataset, what, rule), methods in runs_at_doses(table).items():
        own = losses_by_dose(methods.get(baseline, []), rule)
        rivals = {name: methods[name] for name in methods if name != baseline and (names is None or name in names)}
        results = {name: at_equal_doses(losses_by_dose(points, rule), own, rule) for name, points in rivals.items()}
        found = {name: result for name, result in results.items() if result is not None}
        corrected = holm([result.p for result in found.values()])
        compared += [
            Protection(dataset, what, name, result, p, baseline)
            for (name, result), p in zip(found.items(), corrected, strict=True)
        ]
    return compared
