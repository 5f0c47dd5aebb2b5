"""Reproduction of published numbers: the experiment for a claim, and the agreement of its seeds with the claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Literal

from scipy import stats

from ganbench.core.errors import GanbenchError
from ganbench.core.experiment_files import experiment_files
from ganbench.core.settings import parse_where
from ganbench.results.claims.table import Claim, difference
from ganbench.results.loading import load_results
from ganbench.results.views import filter_runs, final_scores, runs
from ganbench.tracking.store import Store

FILES = {
    ("PacGAN", "Table 1"): "pacgan_2d",
    ("PacGAN", "Table 2"): "pacgan_stacked",
    ("PacGAN", "Table 3"): "pacgan_unrolled",
}
"""Experiment files by paper and place; their budget `paper` has the setting of that table."""
WRAPPER = "wrapper"
PAPER = "paper"
CONFIDENCE = 0.95
"""Confidence of all intervals."""


@dataclass(frozen=True)
class Recipe:
    """The part of an experiment file that reproduces a claim."""

    file: Path
    budget: str
    where: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the experiment in the store."""
        return f"{self.file.stem}-{self.budget}"

    @property
    def command(self) -> str:
        words = " ".join(f"--where {condition}" for condition in self.where)
        here = Path.cwd()
        file = self.file.relative_to(here) if self.file.is_relative_to(here) else self.file
        return f"ganbench sweep {file} --budget {self.budget} {words}"


@dataclass(frozen=True)
class ClaimComparison:
    """The agreement of our seeds with a claim, and the reason."""

    agreement: Literal["inside", "outside", "not comparable"]
    reason: str


def recipe(claim: Claim) -> Recipe:
    """Return the experiment that reproduces a claim.

    Raises:
        GanbenchError: there is none; the message says why.
    """
    if claim.protocol == "":
        raise GanbenchError(
            f"not comparable: no protocol of ours measures it as the paper does ({claim.caveat or '–'})"
        )
    if claim.loss == "" or claim.arch == "":
        raise GanbenchError(f"not comparable: {claim.method} is no combination of what ganbench has")
    name = FILES.get((claim.paper, claim.place))
    if name is None:
        raise GanbenchError(
            f"not comparable: ganbench has no experiment with the setting of {claim.paper}, {claim.place}"
        )
    file = experiment_files()[name]
    selecting = (option for option in claim.options.split("; ") if not option.startswith(WRAPPER))
    return Recipe(file, PAPER, (f"dataset={claim.dataset}", *selecting))


def network_differences(claimed: Mapping[str, str], trained: Mapping[str, str]) -> str:
    """Describe how two pairs of networks differ; empty if they don't.

    Args:
        claimed, trained: the architecture (`arch`), its options (`arch.…`) and the wrappers (`wrapper`) as in a flat
            spec. Options of the architecture that only one of them has don't count: another version tracked them.
    """
    if claimed["arch"] != trained["arch"]:
        return f"{trained['arch']}, not {claimed['arch']}"
    shared = [name for name in claimed if name in trained and name != "arch"]
    return "; ".join(
        f"{name}={trained[name]}, not {claimed[name]}" for name in shared if trained[name] != claimed[name]
    )


def compare_tracked(claim: Claim, store: Store, networks: Mapping[str, str]) -> ClaimComparison | None:
    """Compare a claim with all tracked seeds of its experiment; None if there are none.

    Seeds that were scored under another protocol don't count, and it is not comparable if there are no others. Seeds
    with other networks than the claim's make it not comparable.

    Args:
        networks: the claim's networks, as `network_differences` takes them.

    Raises:
        GanbenchError: no experiment reproduces the claim.
    """
    experiment = recipe(claim)
    try:
        table = filter_runs(load_results(store, experiment.name).table, parse_where(experiment.where))
    except GanbenchError:
        return None
    protocols = [str(protocol) for protocol in runs(table)["protocol"].unique()]
    same = [protocol for protocol in protocols if difference(claim, claim.dataset, protocol) == ""]
    if not same:
        return ClaimComparison(
            "not comparable",
            f"our seeds were scored under {', '.join(sorted(protocols))}, not {claim.protocol}",
        )
    table = table[table["protocol"].isin(same)]
    for arch, options in runs(table)[["arch", "options"]].drop_duplicates().itertuples(index=False, name=None):
        tracked = dict(option.split("=", 1) for option in options.split("; ") if "=" in option)
        differences = network_differences(networks, {"arch": arch, **tracked})
        if differences:
            return ClaimComparison("not comparable", f"our seeds were trained with other networks: {differences}")
    scores = final_scores(table)
    failed = int((runs(table)["status"] == "diverged").sum())
    return compare_scores(claim, scores.loc[scores["metric"] == claim.metric, "value"].tolist(), failed)


def compare_scores(claim: Claim, scores: Sequence[float], failed: int = 0) -> ClaimComparison:
    """Compare a published mean with the mean over our seeds.

    *Inside* means that the two means differ by no more than chance explains at 95 %: |m − m'| ≤ √(h² + h'²), where h
    is the half-width of the 95 % interval of our mean (Student's t), and h' that of the paper's mean, from its spread:
    1.96 · se, or t · sd / √runs. If a paper doesn't say what its ± is, or gives none, h' is 0: only the variation of
    our seeds counts.

    Args:
        scores: the scores of the seeds that have one.
        failed: the number of seeds without a score.
    """
    if failed:
        return ClaimComparison("not comparable", f"{failed} of our seeds failed, and a mean can't include them")
    if len(scores) < 2:
        return ClaimComparison("not comparable", f"that takes two seeds of ours, and there is {len(scores) or 'none'}")
    mean, half_width = fmean(scores), _t(len(scores)) * stdev(scores) / math.sqrt(len(scores))
    published_half_width, spread_kind = half_width_published(claim)
    difference, allowed = abs(mean - claim.value), math.hypot(half_width, published_half_width)
    return ClaimComparison(
        "inside" if difference <= allowed else "outside",
        f"ours {mean:.4g} ± {half_width:.2g} (95 %, {len(scores)} seeds), published {claim.text} ({spread_kind}); "
        f"they differ by {difference:.3g}, and chance explains {allowed:.2g}",
    )


def half_width_published(claim: Claim) -> tuple[float, str]:
    """Half-width of the published mean's 95 % interval, as far as the paper gives it, and the name of its spread."""
    match claim.spread_kind:
        case "se":
            return stats.norm.ppf((1 + CONFIDENCE) / 2) * claim.spread, "standard error"
        case "ci95":
            return claim.spread, "95 % interval"
        case "sd" if claim.runs is not None and claim.runs > 1:
            return _t(claim.runs) * claim.spread / math.sqrt(claim.runs), f"standard deviation of {claim.runs} runs"
    return 0.0, "no spread that can be used"


def _t(count: int) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
