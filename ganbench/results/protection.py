"""Protection from collapse: methods of a dose study against each other, at equal doses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.core.annotation import parse_dose
from ganbench.core.collapse_rule import CollapseRule
from ganbench.core.formatting import listed, number, percent, percents
from ganbench.results.at_equal_doses import AtEqualDoses, MethodAtEqualDoses, at_equal_doses, losses_by_dose
from ganbench.results.balanced_controls import controls_at_doses
from ganbench.results.compare import COUNTED
from ganbench.results.dose_curves import RunsAtDoses, runs_at_doses
from ganbench.results.inference import holm
from ganbench.results.pairs_in_words import ALIKE, pairs_in_words
from ganbench.results.views import runs


@dataclass(frozen=True)
class Protection(MethodAtEqualDoses):
    """A method's runs against those of another one of its study.

    Attributes:
        baseline: the other one.
        balanced: the balanced controls of both, compared alike; None if there are none. A method that is better there,
            too, is better, and needn't protect.
        images: how many times as many real images the method saw as the other, at each dose; empty if the other saw
            none.
    """

    baseline: str
    balanced: AtEqualDoses | None
    images: tuple[float, ...]

    def sentence(self) -> str:
        """Say whether the method does better or worse by the rule's metric, with all counts."""
        if not self.significant:
            words = "is not shown to do better or worse than"
        else:
            words = "does better than" if self.found.better.middle > 0.5 else "does worse than"
        numbers = self.found.words("its run", self.what, self.baseline, self.corrected_p)
        return f"{self.name} {words} {self.baseline} by {self.found.rule.metric}: {numbers}{self._beside()}"

    def in_brief(self) -> str:
        """Say in few words what `sentence` says of a difference."""
        compared, numbers = pairs_in_words(
            self.found.better, self.corrected_p, significant=True, than=f" than one with {self.baseline}"
        )
        return (
            f"At equal doses on {self.dataset}, a run with {self.name} is {compared} by {self.found.rule.metric} "
            f"({numbers}{self._beside()})"
        )

    def _beside(self) -> str:
        """The difference in data, if there is one, and the same comparison without an imbalance."""
        words = ""
        if any(abs(times - 1) > ALIKE for times in self.images):
            words += f"; it saw {listed([number(round(times, 2)) for times in self.images])} times as many real images"
        if self.balanced is not None:
            share, low, high = self.balanced.better
            interval = percents(low, high)
            words += f"; balanced, its run is better in {percent(share)} % of pairs ({interval})"
        return words


def protection(table: pd.DataFrame, baseline: str, also: Sequence[tuple[str, str]] = ()) -> list[Protection]:
    """Compare methods of a dose study, wherever both were trained with the same dose above 1.

    Args:
        baseline: the name of a method that all others are compared with.
        also: pairs of names that are compared besides. The p-values are corrected for all comparisons together.
    """
    compared, controls = list[Protection](), controls_at_doses(table)
    images = _images(table)
    for study, methods in runs_at_doses(table).items():
        dataset, what, rule = study
        pairs = [(name, baseline) for name in methods if name != baseline] + list(also)
        results = {pair: _compare(methods, pair, rule) for pair in pairs}
        found = {pair: result for pair, result in results.items() if result is not None}
        corrected = holm([result.p for result in found.values()])
        for ((name, other), result), p in zip(found.items(), corrected, strict=True):
            balanced = _compare(controls.get(study, {}), (name, other), rule)
            seen = [(images[dataset, what, name, dose], images[dataset, what, other, dose]) for dose in result.doses]
            times = tuple(own / others for own, others in seen) if all(others > 0 for _, others in seen) else ()
            compared.append(Protection(dataset, what, name, result, p, other, balanced, times))
    return compared


def _compare(methods: RunsAtDoses, pair: tuple[str, str], rule: CollapseRule) -> AtEqualDoses | None:
    one, other = (losses_by_dose(methods.get(name, {}), rule) for name in pair)
    return at_equal_doses(one, other, rule)


def _images(table: pd.DataFrame) -> dict[tuple[str, str, str, float], float]:
    """Median number of real images of the runs of a method, by data set, what the doses are of, name and dose."""
    ended = runs(table)
    ended = ended[(ended["dose"] != "") & ended["status"].isin(COUNTED)]
    seen: dict[tuple[str, str, str, float], list[float]] = {}
    columns = (ended[column] for column in ("dataset", "name", "dose", "images"))
    for dataset, name, dose, images in zip(*columns, strict=True):
        for what, amount in parse_dose(str(dose)).items():
            seen.setdefault((str(dataset), what, str(name), amount), []).append(float(images))
    return {key: float(np.median(images)) for key, images in seen.items()}
